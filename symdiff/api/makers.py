"""NumPy's array makers while a function is traced: np.array, np.asarray and their kin hand traced arrays back as they are.

They are replaced in NumPy's own modules, which is the only way that code sees them that says np.array([x[0], x[1]]); functions that are
called with a list go the same way, for NumPy does not look for our protocols in lists. All are put back when the last tracing ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

import numpy as np

from symdiff.api.operands import holds_traced, value_of, wrap
from symdiff.api.traced import TracedArray
from symdiff.expr.convert import as_expr

_lock = RLock()
_depth = 0
_replaced: list[tuple[Any, str, Any]] = []
# functions that want an array and are often called with a list, by which NumPy does not find us
_OF_LISTS = {
    np: ("mean", "var", "std", "median", "average", "percentile", "quantile", "einsum", "sum", "prod", "max", "min", "sort", "cumsum", "cumprod",
         "dot", "diff", "diag", "trace", "transpose", "interp", "cov", "trim_zeros", "argmax", "argmin", "argsort", "outer", "inner", "cross"),
    np.linalg: ("inv", "det", "solve", "cholesky", "slogdet", "eigh", "eigvalsh", "pinv", "svd", "matrix_power", "cond", "norm", "lstsq"),
}  # fmt: skip


def _maker(original: Callable[..., Any], copies: bool) -> Callable[..., Any]:
    """np.array and its kin, which hand traced arrays back and stack lists of them."""

    def make(a: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
        if dtype is object or not holds_traced(a):
            return original(a, *(() if dtype is None else (dtype,)), *args, **kwargs)
        result: Any
        copy = kwargs.get("copy", copies)
        copy = copy if isinstance(copy, bool) else False  # None and NumPy's "if needed"
        if type(a) is TracedArray:
            result = np.copy(a) if copy else a
        else:
            values = value_of(a)
            result = wrap(as_expr(a), None if values is None else original(values), (a,))
        if dtype is not None and np.dtype(dtype).kind != "f":
            result = result.astype(dtype)
        missing = kwargs.get("ndmin", 0) - result.ndim
        return result.reshape((1,) * missing + result.shape) if missing > 0 else result

    return make


def _of_lists(original: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose lists and object arrays of traced arrays become traced arrays first."""

    def call(*args: Any, **kwargs: Any) -> Any:
        adopted = [np.asarray(a) if isinstance(a, (list, tuple, np.ndarray)) and holds_traced(a) else a for a in args]
        return original(*adopted, **kwargs)

    call.__name__ = original.__name__
    return call


_MAKERS = (
    ("array", True), ("asarray", False), ("asanyarray", False), ("ascontiguousarray", False), ("asfortranarray", False),
    ("asarray_chkfinite", False), ("require", False),
)  # fmt: skip


@contextmanager
def numpy_makers() -> Iterator[None]:
    """While the block runs, np.array and its kin know traced arrays; for anything else they are what they were."""
    global _depth
    with _lock:
        if _depth == 0:
            for name, copies in _MAKERS:
                _replace(np, name, _maker(getattr(np, name), copies))
            for module, names in _OF_LISTS.items():
                for name in names:
                    _replace(module, name, _of_lists(getattr(module, name)))
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0:
                while _replaced:
                    setattr(*_replaced.pop())


def _replace(module: Any, name: str, new: Callable[..., Any]) -> None:
    _replaced.append((module, name, getattr(module, name)))
    setattr(module, name, new)
