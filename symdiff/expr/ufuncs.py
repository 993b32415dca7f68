"""NumPy's ufuncs of expressions: np.exp(expr), np.add.reduce(expr), np.multiply.outer(a, b), with the options where and initial."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np

from symdiff.errors import ShapeError, Unsupported
from symdiff.expr import ops
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import show_shape
from symdiff.expr.elementwise import is_boolean
from symdiff.expr.joining import whole_size
from symdiff.expr.node import Expr
from symdiff.expr.special import OF_SCIPY
from symdiff.expr.structure import axis_of

# ufuncs whose constructor has another name; the rest are found by name
UFUNC_NAMES = {
    "fabs": "absolute", "true_divide": "divide", "remainder": "mod", "fmax": "maximum", "fmin": "minimum", "degrees": "rad2deg",
    "radians": "deg2rad", "conjugate": "positive", "bitwise_and": "logical_and", "bitwise_or": "logical_or", "bitwise_xor": "logical_xor",
    "invert": "logical_not",
}  # fmt: skip

REDUCTIONS: dict[str, Callable[..., Expr]] = {
    "add": ops.sum,
    "multiply": ops.prod,
    "maximum": ops.max,
    "minimum": ops.min,
    "logaddexp": ops.logsumexp,
    "logical_or": ops.any,
    "logical_and": ops.all,
}
_ACCUMULATIONS: dict[str, Callable[..., Expr]] = {"add": ops.cumsum, "multiply": ops.cumprod}
_OF_BITS = {"bitwise_and", "bitwise_or", "bitwise_xor", "invert"}
_REALS = (None, float, np.float64, np.dtype(np.float64), "float64", "float", "d")


def ufunc_constructor(name: str) -> Callable[..., Any]:
    """The constructor that a ufunc's name stands for. Raises: Unsupported, with the name."""
    found = getattr(ops, UFUNC_NAMES.get(name, name), None) or OF_SCIPY.get(name)
    if found is None:
        raise Unsupported(f"np.{name} of an expression is not supported: symdiff has no derivative for it")
    return found


def is_default(value: Any, default: Any) -> bool:
    return value is default or (isinstance(value, (bool, int, str)) and type(value) is type(default) and value == default)


def array_ufunc(ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """What np.ufunc(expr) and its methods reduce, accumulate and outer mean."""
    name = ufunc.__name__
    if any(out is not None for out in kwargs.pop("out", None) or ()):
        raise Unsupported(f"np.{name}(..., out=...): expressions are immutable; use the result instead of an output array")
    if "dtype" in kwargs and is_real(kwargs["dtype"]):
        del kwargs["dtype"]
    if method == "reduce" and name in REDUCTIONS:
        return reduction(REDUCTIONS[name], f"np.{name}.reduce", inputs, {"axis": 0, **kwargs})
    kwargs = {k: v for k, v in kwargs.items() if not (k == "where" and v is True)}
    if name in _OF_BITS and not all(is_boolean(as_expr(x)) for x in inputs):
        raise Unsupported(f"np.{name} of numbers is not supported on expressions; of comparisons it is")
    if method == "__call__" and not kwargs:
        return ufunc_constructor(name)(*inputs)
    if method == "accumulate" and name in _ACCUMULATIONS:
        return _ACCUMULATIONS[name](*inputs, **{"axis": 0, **kwargs})
    if method in ("accumulate", "reduce") and set(kwargs) <= {"axis"} and ufunc.nin == 2 and ufunc.nout == 1:
        return _folded(ufunc_constructor(name), f"np.{name}.{method}", as_expr(inputs[0]), kwargs.get("axis", 0), method == "accumulate")
    if method == "outer" and not kwargs:
        a, b = map(as_expr, inputs)
        return ufunc_constructor(name)(ops.reshape(a, (*a.shape, *(1,) * b.ndim)), b)
    if name in ("matmul", "vecdot") and method == "__call__" and set(kwargs) <= {"axis"}:
        return ufunc_constructor(name)(*inputs, **kwargs)
    call = f"np.{name}{'' if method == '__call__' else '.' + method}"
    raise Unsupported(f"{call} {'with ' + ', '.join(kwargs) if kwargs else ''} is not supported on expressions")


def _folded(constructor: Callable[..., Expr], name: str, e: Expr, axis: Any, keep: bool) -> Expr:
    """A function of two arguments along an axis of whole size, from the left; all steps or the last one."""
    a = axis_of(axis, e.ndim, name)
    if not whole_size(e, a, name):
        raise ShapeError(f"{name}: axis {a} of {show_shape(e.shape)} is empty, and there is no number to begin with")
    entries = ops.unstack(e, a)
    steps = [entries[0]]
    for entry in entries[1:]:
        steps.append(constructor(steps[-1], entry))
    return ops.stack(steps, a) if keep else steps[-1]


def is_real(dtype: Any) -> bool:
    return any(dtype is d for d in _REALS) or (isinstance(dtype, (str, np.dtype)) and dtype in _REALS[3:])


def reduction(constructor: Callable[..., Expr], name: str, args: tuple[Any, ...], options: dict[str, Any]) -> Expr:
    """A reduction with NumPy's options. Raises: Unsupported for `where` or `initial` of one that does not take it."""
    usual = {"where": True, "initial": None}
    options = {k: v for k, v in options.items() if v is not np._NoValue and not (k in usual and v is usual[k])}
    for option in usual:
        if option in options and option not in signature(constructor).parameters:
            raise Unsupported(f"{name}: the option {option} is not supported on expressions")
    return constructor(*args, **options)
