"""Order: positions found in the data (argsort, argmax), and what is gathered by them (sort, median, quantiles)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symdiff.errors import DtypeError, ShapeError, SymbolicValue, Unsupported
from symdiff.expr.algebra import permute
from symdiff.expr.arrays import ravel
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import dim_add, dim_floordiv, dim_mul, show_shape
from symdiff.expr.elementwise import add, less, less_equal, multiply
from symdiff.expr.indexing import take_along_axis
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Arg
from symdiff.expr.reductions import sum
from symdiff.expr.structure import axes_of, axis_of, expand_axis, gather, reshape_node, stack_nodes


def _arg(kind: str, x: Any, axis: int | None) -> Expr:
    e = as_expr(x)
    if axis is None:
        e, axis = ravel(e), 0
    return Arg(e, kind, axis_of(axis, e.ndim, kind))


def argsort(x: Any, axis: int | None = -1) -> Expr:
    """The order that sorts x along the axis."""
    return _arg("argsort", x, axis)


def argmax(x: Any, axis: int | None = None) -> Expr:
    """The position of the first maximum."""
    return _arg("argmax", x, axis)


def argmin(x: Any, axis: int | None = None) -> Expr:
    """The position of the first minimum."""
    return _arg("argmin", x, axis)


def sort(x: Any, axis: int | None = -1) -> Expr:
    """x in ascending order along the axis: a gather by its argsort."""
    e = as_expr(x)
    if axis is None:
        e, axis = ravel(e), 0
    a = axis_of(axis, e.ndim, "sort")
    order = Arg(e, "argsort", a)
    return gather(e, [order], 0) if e.ndim == 1 else take_along_axis(e, order, a)


def partition(x: Any, kth: Any = 0, axis: int | None = -1) -> Expr:
    """x sorted, which is a partition at every kth."""
    return sort(x, axis)


def argpartition(x: Any, kth: Any = 0, axis: int | None = -1) -> Expr:
    """The order that sorts x, which is a partition at every kth."""
    return argsort(x, axis)


def searchsorted(a: Any, v: Any, side: str = "left") -> Expr:
    """How many entries of the sorted vector a stand before each v: whole numbers, flat in a and v."""
    if side not in ("left", "right"):
        raise Unsupported(f"searchsorted: side is 'left' or 'right', not {side!r}")
    knots, at = as_expr(a), as_expr(v)
    if knots.ndim != 1:
        raise ShapeError(f"searchsorted: the sorted array is a vector, not {show_shape(knots.shape)}")
    below = (less if side == "left" else less_equal)(knots, expand_axis(at, at.ndim))
    return sum(below, -1)


def digitize(x: Any, bins: Any, right: bool = False) -> Expr:
    """The bin that each x lies in, for ascending bins: whole numbers, flat in x."""
    return searchsorted(bins, x, "left" if right else "right")


# --- order statistics ---------------------------------------------------------------------------------------------
def _flattened(x: Any, axis: Any, name: str) -> tuple[Expr, tuple[int, ...]]:
    """x with the axes that a statistic is taken over last and as one, and those axes."""
    e = as_expr(x)
    axes = axes_of(axis, e.ndim, name)
    kept = [a for a in range(e.ndim) if a not in axes]
    e_last = permute(e, [*kept, *axes])
    return reshape_node(e_last, (*(e.shape[a] for a in kept), dim_mul(*(e.shape[a] for a in axes)))), axes


def _kept(e: Expr, axes: tuple[int, ...], keepdims: bool) -> Expr:
    for a in axes if keepdims else ():
        e = expand_axis(e, a)
    return e


def median(a: Any, axis: Any = None, keepdims: bool = False) -> Expr:
    """The middle entry in order, or the mean of the two middle ones; the derivative goes to these."""
    e, axes = _flattened(a, axis, "median")
    n = e.shape[-1]
    if n == 0:
        raise ShapeError("median: an empty axis has no median")
    e = sort(e, -1)
    low, high = (e[..., dim_floordiv(k, 2)] for k in (dim_add(n, -1), n))
    return _kept(low if low is high else multiply(0.5, add(low, high)), axes, keepdims)


_QUANTILE_METHODS = ("linear", "lower", "higher", "nearest", "midpoint")


def quantile(a: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Expr:
    """The values below which a share q, known beforehand, of the entries lies.

    Raises: Unsupported for a method of interpolation other than linear, lower, higher, nearest and midpoint.
    """
    e, axes = _flattened(a, axis, "quantile")
    if method not in _QUANTILE_METHODS:
        raise Unsupported(f"quantile: the method {method!r} is not supported; methods: {', '.join(_QUANTILE_METHODS)}")
    n = e.shape[-1]
    if not isinstance(n, int):
        raise SymbolicValue(f"quantile: the axis has the size {n!r}; this needs a whole number (median does not)")
    shares = _shares(q, "quantile")
    if n == 0 or ((shares < 0) | (shares > 1)).any():
        raise ShapeError(f"quantile: q is between 0 and 1, and the axis not empty; q = {q!r}, size {n}")
    e = sort(e, -1)
    parts = [_kept(_at_share(e, float(share) * (n - 1), method), axes, keepdims) for share in shares.ravel()]
    stacked = parts[0] if shares.ndim == 0 else stack_nodes(parts, 0)
    return reshape_node(stacked, (*shares.shape, *parts[0].shape))


def _shares(q: Any, name: str) -> NDArray[np.float64]:
    if isinstance(q, Expr) or hasattr(q, "__expr__"):
        raise Unsupported(f"{name}: q must be known beforehand; it is an expression")
    try:
        return np.asarray(q, dtype=np.float64)
    except (TypeError, ValueError):
        raise DtypeError(f"{name}: q is a number or an array of numbers, not {q!r}") from None


def _at_share(e: Expr, position: float, method: str) -> Expr:
    low, high = math.floor(position), math.ceil(position)
    share = {"linear": position - low, "lower": 0.0, "higher": 1.0, "midpoint": 0.5, "nearest": float(round(position) > low)}[method]
    if share == 0 or low == high:
        return e[..., low]
    if share == 1:
        return e[..., high]
    return add(multiply(1 - share, e[..., low]), multiply(share, e[..., high]))


def percentile(a: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Expr:
    """quantile, with q in percent."""
    return quantile(a, _shares(q, "percentile") / 100, axis, method, keepdims)
