"""NumPy's protocols: np.sum(expr) and np.exp(expr) are the constructors of the same names.

A ufunc or function without a row here raises an error that names it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from symdiff.errors import Unsupported
from symdiff.expr import ops
from symdiff.expr.node import Expr

# ufuncs whose constructor has another name; the rest are found by name
_UFUNC_NAMES = {
    "absolute": "absolute", "fabs": "absolute", "true_divide": "divide", "remainder": "mod", "fmod": None, "fmax": "maximum", "fmin": "minimum",
    "degrees": "rad2deg", "radians": "deg2rad", "conjugate": "positive",
}  # fmt: skip

_REDUCTIONS: dict[str, Callable[..., Expr]] = {
    "add": ops.sum,
    "multiply": ops.prod,
    "maximum": ops.max,
    "minimum": ops.min,
    "logaddexp": ops.logsumexp,
}
_ACCUMULATIONS: dict[str, Callable[..., Expr]] = {"add": ops.cumsum, "multiply": ops.cumprod}


def ufunc_constructor(name: str) -> Callable[..., Expr]:
    """The constructor that a ufunc's name stands for. Raises: Unsupported, with the name."""
    own = _UFUNC_NAMES.get(name, name)
    found = getattr(ops, own, None) if own else None
    if found is None:
        raise Unsupported(f"np.{name} of an expression is not supported: symdiff has no derivative for it")
    return found  # type: ignore[no-any-return]


def array_ufunc(ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    name = ufunc.__name__
    kwargs = {
        k: v
        for k, v in kwargs.items()
        if not (k == "dtype" and v in (None, float, np.float64))
        and not (k in ("out", "where", "initial") and v in (None, True, np._NoValue))
    }
    if method == "__call__" and not kwargs:
        return ufunc_constructor(name)(*inputs)
    if method == "reduce" and name in _REDUCTIONS:
        return _REDUCTIONS[name](*inputs, **{"axis": 0, **kwargs})
    if method == "accumulate" and name in _ACCUMULATIONS:
        return _ACCUMULATIONS[name](*inputs, **{"axis": 0, **kwargs})
    if method == "outer" and not kwargs:
        a, b = inputs
        wide = (*np.shape(a), *(1,) * np.ndim(b)) if not isinstance(a, Expr) else (*a.shape, *(1,) * np.ndim(b))
        return ufunc_constructor(name)(ops.reshape(a, wide), b)
    if "out" in kwargs:
        raise Unsupported(f"np.{name}(..., out=...): expressions are immutable; use the result instead of an output array")
    raise Unsupported(
        f"np.{name}{'' if method == '__call__' else '.' + method} with {', '.join(kwargs) or 'these arguments'} is not supported on expressions"
    )


_IGNORED = {
    "out": None, "dtype": None, "initial": np._NoValue, "where": np._NoValue, "order": "C", "subok": True, "like": None, "copy": None,
    "kind": None, "stable": None,
}  # fmt: skip
_SAME_NAME = (
    "sum", "mean", "average", "std", "prod", "max", "min", "ptp", "cumsum", "cumprod", "diff", "dot", "inner", "vdot", "outer", "tensordot",
    "einsum", "kron", "transpose", "swapaxes", "moveaxis", "trace", "diagonal", "diag", "reshape", "ravel", "squeeze", "expand_dims",
    "broadcast_to", "concatenate", "stack", "take", "repeat", "sort", "argsort", "argmax", "argmin", "take_along_axis", "tril", "triu", "pad",
    "clip", "where", "sinc",
)  # fmt: skip
FUNCTIONS_OF_NUMPY: dict[Callable[..., Any], Callable[..., Any]] = {getattr(np, name): getattr(ops, name) for name in _SAME_NAME}
FUNCTIONS_OF_NUMPY |= {
    np.var: ops.variance,
    np.linalg.inv: ops.inv,
    np.linalg.det: ops.det,
    np.linalg.slogdet: ops.slogdet,
    np.linalg.solve: ops.solve,
    np.linalg.cholesky: ops.cholesky,
    np.linalg.pinv: ops.pinv,
    np.linalg.eigvalsh: ops.eigvalsh,
    np.linalg.eigh: ops.eigh,
    np.linalg.norm: ops.norm,
    np.linalg.matrix_power: ops.matrix_power,
    np.ndim: lambda x: x.ndim,
    np.shape: lambda x: x.shape,
    np.size: lambda x: x.size,
    np.copy: ops.positive,
}


def array_function(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    constructor = FUNCTIONS_OF_NUMPY.get(func)
    name = f"{func.__module__.replace('numpy', 'np')}.{func.__name__}"
    if constructor is None:
        raise Unsupported(f"{name} of an expression is not supported: symdiff has no derivative for it")
    known = inspect.signature(constructor).parameters
    takes_any = any(p.kind is p.VAR_KEYWORD for p in known.values())
    kept = {}
    for option, value in kwargs.items():
        if option in known or takes_any:
            kept[option] = value
        elif option == "dtype" and value in (float, np.float64):
            continue
        elif option not in _IGNORED or (value is not _IGNORED[option] and value != _IGNORED[option]):
            raise Unsupported(f"{name}: the option {option}={value!r} is not supported on expressions")
    return constructor(*args, **kept)
