"""NumPy's reductions and what runs along one axis: sums, means, extremes, softmax, cumulative sums, differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symdiff.errors import ShapeError
from symdiff.expr.algebra import broadcast_to, contract, product, size, sum_axes
from symdiff.expr.build import apply, reduce
from symdiff.expr.build import power as constant_power
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import dim_mul, dim_sub, show_shape
from symdiff.expr.elementwise import add, divide, maximum, minimum, multiply, sqrt, square, subtract
from symdiff.expr.elementwise import where as choose
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Const, Ones, Range
from symdiff.expr.structure import axes_of, axis_of, concat, expand_axis, full_range, reshape_node, scan, slice_node, whole_number

Axis = int | Sequence[int] | None


def keep_axes(e: Expr, axes: Sequence[int], keepdims: bool) -> Expr:
    """Reduced axes as dims of size 1 if `keepdims`."""
    if keepdims:
        for a in sorted(axes):
            e = expand_axis(e, a)
    return e


def _masked(e: Expr, where: Any, neutral: float, name: str) -> Expr:
    """`e` with a neutral number where the condition does not hold. Raises: ShapeError for a condition that does not fit into `e`."""
    if where is True:
        return e
    masked = choose(where, e, neutral)
    if masked.shape != e.shape:
        raise ShapeError(f"{name}: where has shape {show_shape(as_expr(where).shape)}, which does not fit into {show_shape(e.shape)}")
    return masked


def sum(x: Any, axis: Axis = None, keepdims: bool = False, *, where: Any = True, initial: Any = None) -> Expr:
    """Sum over axes (all of them by default), of the entries that `where` chooses, and of `initial`."""
    e = _masked(as_expr(x), where, 0, "sum")
    axes = axes_of(axis, e.ndim, "sum")
    found = keep_axes(sum_axes(e, axes), axes, keepdims)
    return found if initial is None else add(found, initial)


def mean(x: Any, axis: Axis = None, keepdims: bool = False, *, where: Any = True) -> Expr:
    """Mean over axes of the entries that `where` chooses: their sum divided by their number, of all by the size, which may be a name.

    Raises: ShapeError for an empty axis.
    """
    e = as_expr(x)
    if where is not True:
        chosen = _masked(broadcast_to(Const(1), e.shape), where, 0, "mean")
        return divide(sum(e, axis, keepdims, where=where), sum(chosen, axis, keepdims))
    axes = axes_of(axis, e.ndim, "mean")
    if any(e.shape[a] == 0 for a in axes):
        raise ShapeError(f"mean: an axis of {show_shape(e.shape)} is empty and has no mean")
    return keep_axes(product((constant_power(size(dim_mul(*(e.shape[a] for a in axes))), -1), sum_axes(e, axes))), axes, keepdims)


def average(x: Any, axis: Axis = None, weights: Any = None, returned: bool = False, keepdims: bool = False) -> Any:
    """Weighted mean, and the sum of the weights if `returned`; the weights have the shape of x, or of its one axis."""
    e = as_expr(x)
    w = broadcast_to(Const(1), e.shape) if weights is None else as_expr(weights)
    if w.shape != e.shape:
        if axis is None or not isinstance(axis, int) or w.shape != (e.shape[axis_of(axis, e.ndim, "average")],):
            raise ShapeError(f"average: weights of shape {show_shape(w.shape)} for {show_shape(e.shape)}")
        a = axis_of(axis, e.ndim, "average")
        w = contract([(w, (a,)), *((Ones(d), (k,)) for k, d in enumerate(e.shape) if k != a)], tuple(range(e.ndim)))
    total = sum(w, axis, keepdims)
    result = mean(e, axis, keepdims) if weights is None else product((sum(product((e, w)), axis, keepdims), constant_power(total, -1)))
    return (result, broadcast_to(total, result.shape)) if returned else result


def variance(x: Any, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Expr:
    """Variance over axes, np.var: the mean square of the distance from the mean, divided by size - ddof."""
    e = as_expr(x)
    axes = axes_of(axis, e.ndim, "var")
    total = sum_axes(square(subtract(e, mean(e, axes, keepdims=True))), axes)
    count = subtract(size(dim_mul(*(e.shape[a] for a in axes))), ddof)
    return keep_axes(product((constant_power(count, -1), total)), axes, keepdims)


def std(x: Any, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Expr:
    """Standard deviation over axes."""
    return sqrt(variance(x, axis, ddof, keepdims))


def _reduction(kind: str, x: Any, axis: Axis, keepdims: bool) -> Expr:
    e = as_expr(x)
    axes = axes_of(axis, e.ndim, kind)
    if any(e.shape[a] == 0 for a in axes) and kind in ("max", "min"):
        raise ShapeError(f"{kind}: an axis of {show_shape(e.shape)} is empty and has no {kind}")
    return keep_axes(reduce(kind, e, axes), axes, keepdims)


def prod(x: Any, axis: Axis = None, keepdims: bool = False, *, where: Any = True, initial: Any = None) -> Expr:
    """Product over axes, of the entries that `where` chooses, and of `initial`."""
    found = _reduction("prod", _masked(as_expr(x), where, 1, "prod"), axis, keepdims)
    return found if initial is None else multiply(found, initial)


def max(x: Any, axis: Axis = None, keepdims: bool = False, *, where: Any = True, initial: Any = None) -> Expr:
    """Maximum over axes, of the entries that `where` chooses, and of `initial`; at ties the derivative is shared equally."""
    found = _reduction("max", _masked(as_expr(x), where, -np.inf, "max"), axis, keepdims)
    return found if initial is None else maximum(found, initial)


def min(x: Any, axis: Axis = None, keepdims: bool = False, *, where: Any = True, initial: Any = None) -> Expr:
    """Minimum over axes, of the entries that `where` chooses, and of `initial`; at ties the derivative is shared equally."""
    found = _reduction("min", _masked(as_expr(x), where, np.inf, "min"), axis, keepdims)
    return found if initial is None else minimum(found, initial)


def ptp(x: Any, axis: Axis = None, keepdims: bool = False) -> Expr:
    """Maximum less minimum."""
    return subtract(max(x, axis, keepdims), min(x, axis, keepdims))


def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Expr:
    """log(sum(exp(x))) over axes, without overflow."""
    return _reduction("logsumexp", x, axis, keepdims)


def softmax(x: Any, axis: Axis = -1) -> Expr:
    """exp(x) / sum(exp(x)) along the axis."""
    return apply("exp", log_softmax(x, axis))


def log_softmax(x: Any, axis: Axis = -1) -> Expr:
    """x - logsumexp(x) along the axis."""
    e = as_expr(x)
    return subtract(e, logsumexp(e, axis, keepdims=True))


def cumsum(x: Any, axis: int | None = None) -> Expr:
    """Cumulative sum; of the flattened array by default."""
    return _scan("cumsum", x, axis)


def cumprod(x: Any, axis: int | None = None) -> Expr:
    """Cumulative product; of the flattened array by default."""
    return _scan("cumprod", x, axis)


def _scan(kind: str, x: Any, axis: int | None) -> Expr:
    e = as_expr(x)
    if axis is None:
        e, axis = reshape_node(e, (dim_mul(*e.shape),)), 0
    return scan(kind, e, axis_of(axis, e.ndim, kind))


def diff(x: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Expr:
    """The n-th difference along the axis, of x with entries put before and after it."""
    e = as_expr(x)
    a = axis_of(axis, e.ndim, "diff")
    ends = [None if v is None or v is np._NoValue else as_expr(v) for v in (prepend, append)]
    one = (*e.shape[:a], 1, *e.shape[a + 1 :])
    before, after = (None if v is None else broadcast_to(v, one) if v.ndim == 0 else v for v in ends)
    e = concat([p for p in (before, e, after) if p is not None], a)
    length, n = e.shape[a], whole_number(n, "diff: the order", 0)
    if isinstance(length, int) and n > length:
        raise ShapeError(f"diff: {n} differences of an axis of size {length}: there are {length} at most")
    for _ in range(n):
        less_one = dim_sub(e.shape[a], 1)
        both = [
            slice_node(e, tuple(Range(start, less_one, 1) if k == a else full_range(d) for k, d in enumerate(e.shape))) for start in (1, 0)
        ]
        e = subtract(*both)
    return e
