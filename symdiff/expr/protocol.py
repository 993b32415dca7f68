"""NumPy's protocols: np.sum(expr) and np.exp(expr) are the constructors of the same names.

The tables say which NumPy function is which constructor. A function without a row raises an error that names it, and so does an
option that the constructor does not take, unless it has the value that NumPy has by default.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

from symdiff.errors import Unsupported
from symdiff.expr import indexing, ops
from symdiff.expr.convert import as_expr
from symdiff.expr.node import Expr
from symdiff.expr.ufuncs import REDUCTIONS, UFUNC_NAMES, is_default, is_real, reduction
from symdiff.expr.ufuncs import array_ufunc as array_ufunc

# --- functions ----------------------------------------------------------------------------------------------------
_SAME_NAME = (
    "all", "allclose", "any", "append", "argmax", "argmin", "argpartition", "argsort", "around", "array_equal", "array_split", "atleast_1d",
    "atleast_2d", "atleast_3d", "average", "block", "broadcast_arrays", "broadcast_to", "choose", "clip", "column_stack", "compress",
    "concatenate", "convolve", "corrcoef", "correlate", "count_nonzero", "cov", "cross", "cumprod", "cumsum", "delete", "diag", "diagflat",
    "diagonal", "diff", "digitize", "dot", "dsplit", "dstack", "ediff1d", "einsum", "expand_dims", "extract", "flip", "fliplr", "flipud",
    "full_like", "geomspace", "gradient", "hsplit", "hstack", "inner", "insert", "interp", "isclose", "isneginf", "isposinf", "kron", "linspace", "logspace", "max",
    "mean", "median", "meshgrid", "min", "moveaxis", "nan_to_num", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmin", "nanprod", "nanstd", "nansum", "nanvar",
    "ones_like", "outer", "pad", "partition", "percentile", "piecewise", "poly", "polyadd", "polyder", "polyfit", "polyint", "polymul", "polysub",
    "polyval", "prod", "ptp", "quantile", "ravel", "repeat", "reshape", "resize", "roll", "rollaxis", "rot90", "searchsorted", "select", "sinc",
    "sort", "split", "squeeze", "stack", "std", "sum", "swapaxes", "take", "take_along_axis", "tensordot", "tile", "trace", "transpose", "tril",
    "triu", "unravel_index", "vander", "vdot", "vsplit", "vstack", "where", "zeros_like",
)  # fmt: skip
_NEWER = ("cumulative_sum", "matrix_transpose", "trapezoid", "unstack")  # absent in NumPy 1.26
_OF_LINALG = (
    "cholesky", "cond", "det", "eigh", "eigvalsh", "inv", "lstsq", "matrix_norm", "matrix_power", "matrix_transpose", "multi_dot", "norm",
    "pinv", "slogdet", "solve", "svd", "svdvals", "tensorinv", "tensorsolve", "vecdot", "vector_norm", "cross", "matmul", "outer",
    "tensordot",
)  # fmt: skip


def _matrix_diagonal(x: Any, offset: int = 0) -> Expr:
    return ops.diagonal(x, offset, -2, -1)


def _matrix_trace(x: Any, offset: int = 0) -> Expr:
    return ops.trace(x, offset, -2, -1)


def _where(condition: Any, x: Any = None, y: Any = None) -> Expr:
    if x is None or y is None:
        raise Unsupported("np.where(mask) of an expression has a result of unknown size: use np.where(mask, a, b)")
    return ops.where(condition, x, y)


def _empty_like(x: Any, shape: Any = None) -> Expr:
    return ops.zeros_like(x, shape)


def _astype(x: Any, dtype: Any) -> Expr:
    return as_expr(x).astype(dtype)


def _real(val: Any) -> Expr:
    return as_expr(val)


def _imag(val: Any) -> Expr:
    return ops.zeros_like(val)


def _is_complex(x: Any) -> bool:
    return False


def _is_real_object(x: Any) -> bool:
    return True


def _result_type(*arrays_and_dtypes: Any) -> np.dtype[Any]:
    return np.dtype(np.float64)


def _apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Expr:
    """func1d of every vector along an axis; the other axes have whole sizes."""
    e = ops.moveaxis(arr, axis, -1)
    lead = e.shape[:-1]
    if not all(isinstance(d, int) for d in lead):
        raise Unsupported(f"np.apply_along_axis: the sizes {lead} must be whole numbers; use a function of the whole array")
    parts = [as_expr(func1d(e[at], *args, **kwargs)) for at in np.ndindex(*(int(d) for d in lead))]
    joined = ops.reshape(ops.stack(parts), (*lead, *parts[0].shape))
    place = axis % (len(lead) + 1)
    return ops.moveaxis(joined, tuple(range(len(lead), joined.ndim)), tuple(range(place, place + parts[0].ndim)))


def _ndim(a: Any) -> int:
    return as_expr(a).ndim


def _shape(a: Any) -> Any:
    return as_expr(a).shape


def _size(a: Any, axis: Any = None) -> Any:
    e = as_expr(a)
    return e.size if axis is None else e.shape[axis]


FUNCTIONS_OF_NUMPY: dict[Callable[..., Any], Callable[..., Any]] = {getattr(np, name): getattr(ops, name) for name in _SAME_NAME}
FUNCTIONS_OF_NUMPY |= {getattr(np.linalg, name): getattr(ops, name) for name in _OF_LINALG if hasattr(np.linalg, name)}
FUNCTIONS_OF_NUMPY |= {getattr(np, name): getattr(ops, name) for name in _NEWER if hasattr(np, name)}
FUNCTIONS_OF_NUMPY |= {
    np.var: ops.variance,
    np.where: _where,
    np.round: ops.around,
    np.amax: ops.max,
    np.amin: ops.min,
    np.fix: ops.trunc,
    np.ndim: _ndim,
    np.shape: _shape,
    np.size: _size,
    np.copy: ops.positive,
    np.real: _real,
    np.imag: _imag,
    np.real_if_close: _real,
    np.iscomplexobj: _is_complex,
    np.isrealobj: _is_real_object,
    np.result_type: _result_type,
    np.empty_like: _empty_like,
    np.apply_along_axis: _apply_along_axis,
    np.lib.stride_tricks.sliding_window_view: ops.sliding_window_view,
    np.tril_indices_from: indexing.tril_indices_from,
    np.triu_indices_from: indexing.triu_indices_from,
    np.diag_indices_from: indexing.diag_indices_from,
}
if hasattr(np, "astype"):  # NumPy 2
    FUNCTIONS_OF_NUMPY |= {
        np.astype: _astype,
        np.concat: ops.concatenate,
        np.permute_dims: ops.transpose,
        np.linalg.diagonal: _matrix_diagonal,
        np.linalg.trace: _matrix_trace,
    }
_REDUCING: set[Callable[..., Any]] = {*REDUCTIONS.values(), ops.mean, ops.std, ops.variance}
_ALIASES: dict[Callable[..., Any], dict[str, str]] = {  # options of NumPy under the names of the constructor
    ops.clip: {"a_min": "low", "a_max": "high", "min": "low", "max": "high"},
    ops.reshape: {"newshape": "shape"},
}
_WITHOUT_EFFECT = {"kind", "stable", "copy", "subok", "optimize", "order", "casting", "like"}  # unless order asks for Fortran's
_FORTRAN = ("F", "A", "K")


@cache
def _defaults(func: Callable[..., Any]) -> dict[str, Any]:
    """The options of a NumPy function with NumPy's defaults."""
    try:
        parameters = inspect.signature(func).parameters
    except (TypeError, ValueError):
        return {}
    return {name: p.default for name, p in parameters.items() if p.default is not p.empty}


@cache
def _names(func: Callable[..., Any]) -> tuple[str, ...]:
    """The names of the parameters that may be given by position."""
    try:
        parameters = inspect.signature(func).parameters
    except (TypeError, ValueError):
        return ()
    if any(p.kind is p.VAR_POSITIONAL for p in parameters.values()):
        return ()
    return tuple(name for name, p in parameters.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.POSITIONAL_ONLY))


@cache
def _accepts(constructor: Callable[..., Any]) -> tuple[tuple[str, ...], bool]:
    """The parameters of a constructor, and whether it takes any option."""
    parameters = inspect.signature(constructor).parameters
    return tuple(parameters), any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def array_function(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What func(expr, ...) means: options go by NumPy's names, those that the constructor lacks must have NumPy's default."""
    constructor = FUNCTIONS_OF_NUMPY.get(func)
    name = f"{func.__module__.replace('numpy', 'np')}.{func.__name__}"
    if constructor is None:
        raise Unsupported(f"{name} of an expression is not supported: symdiff has no derivative for it")
    accepted, takes_any = _accepts(constructor)
    alias = _ALIASES.get(constructor, {})
    names, defaults = _names(func), _defaults(func)
    places: list[Any] = []
    options: dict[str, Any] = {}
    for k, value in enumerate(args):
        by_name = alias.get(names[k], names[k]) if k < len(names) else None
        if by_name is None or (k < len(accepted) and (by_name == accepted[k] or (names[k] not in defaults and by_name not in accepted))):
            places.append(value)
        else:
            options[names[k]] = value
    options |= kwargs
    kept: dict[str, Any] = {}
    for option, value in options.items():
        if option in accepted or takes_any:
            kept[option] = value
        elif alias.get(option) in accepted:
            if value is not np._NoValue:
                kept[alias[option]] = value
        elif names and option == names[0] and not places:
            places.append(value)
        elif option in ("where", "initial") and constructor in _REDUCING:
            kept[option] = value
        elif not _has_no_effect(option, value, defaults):
            if option == "out":
                raise Unsupported(f"{name}(..., out=...): expressions are immutable; use the result instead of an output array")
            raise Unsupported(f"{name}: the option {option}={value!r} is not supported on expressions")
    if constructor in _REDUCING:
        return reduction(constructor, name, tuple(places), kept)
    return constructor(*places, **kept)


def _has_no_effect(option: str, value: Any, defaults: dict[str, Any]) -> bool:
    return (
        value is np._NoValue
        or is_default(value, defaults.get(option))
        or (option == "dtype" and is_real(value))
        or (option in _WITHOUT_EFFECT and not (option == "order" and value in _FORTRAN))
    )


# --- what is covered ----------------------------------------------------------------------------------------------
def _dispatched() -> Iterator[tuple[str, Any]]:
    """NumPy's public functions that ask their arguments what they mean, with their names."""
    for module, prefix in ((np, "np."), (np.linalg, "np.linalg."), (np.fft, "np.fft."), (np.lib.stride_tricks, "np.lib.stride_tricks.")):
        for name in sorted(dir(module)):
            found = getattr(module, name)
            if hasattr(found, "_implementation"):
                yield prefix + name, found


def covered() -> list[tuple[str, str, str]]:
    """The NumPy functions and ufuncs that work on expressions: name, the constructor that it becomes, the module of that."""
    rows = {(name, FUNCTIONS_OF_NUMPY[f]) for name, f in _dispatched() if f in FUNCTIONS_OF_NUMPY}
    for name in dir(np):
        if isinstance(getattr(np, name), np.ufunc):
            found = getattr(ops, UFUNC_NAMES.get(getattr(np, name).__name__, getattr(np, name).__name__), None)
            if found is not None:
                rows.add((f"np.{name}", found))
    return sorted((name, f.__name__.lstrip("_"), f.__module__.rpartition(".")[2]) for name, f in rows)


def refused() -> list[str]:
    """The NumPy functions and ufuncs that raise Unsupported, with their name, on an expression."""
    known = {name for name, _, _ in covered()}
    ufuncs = {f"np.{n}" for n in dir(np) if isinstance(getattr(np, n), np.ufunc)}
    return sorted(({name for name, _ in _dispatched()} | ufuncs) - known)
