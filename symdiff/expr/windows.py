"""Neighbours along an axis: sliding windows, convolution as a product with them, differences, integrals, interpolation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symdiff.errors import ShapeError, SymbolicValue, Unsupported
from symdiff.expr.algebra import add, contract, product
from symdiff.expr.arrays import ravel, reshape, vander
from symdiff.expr.build import linalg
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import Dim, as_shape, dim_add, dim_sub, show_shape
from symdiff.expr.elementwise import divide, greater, less, maximum, minimum, multiply, subtract, where
from symdiff.expr.indexing import index, take
from symdiff.expr.joining import concatenate, flip, whole_size
from symdiff.expr.leaves import const
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Const, Iota, Ones, Range
from symdiff.expr.ordering import searchsorted
from symdiff.expr.products import matmul
from symdiff.expr.reductions import cumsum, diff, sum
from symdiff.expr.structure import axes_of, axis_of, gather, scatter, whole_number


# --- windows and convolution --------------------------------------------------------------------------------------
def _iota(dim: Dim) -> Expr:
    return const(np.arange(dim)) if isinstance(dim, int) else Iota(dim)


def sliding_window_view(x: Any, window_shape: Any, axis: Any = None) -> Expr:
    """All windows of a size along axes; the entries of a window stand in new axes at the end. Sizes may be names of dims.

    Shapes: (n,) with a window of k gives (n - k + 1, k).
    """
    e = as_expr(x)
    sizes = as_shape(window_shape)
    axes: Sequence[int] = (
        range(e.ndim) if axis is None else [axis_of(a, e.ndim, "sliding_window_view") for a in np.atleast_1d(axis).tolist()]
    )
    if len(axes) != len(sizes):
        raise ShapeError(f"sliding_window_view: {len(sizes)} sizes for {len(axes)} axes of {show_shape(e.shape)}")
    for a, k in zip(axes, sizes, strict=True):
        starts = dim_add(dim_sub(e.shape[a], k), 1)
        if isinstance(starts, int) and starts < 1:
            raise ShapeError(f"sliding_window_view: a window of {k} for an axis of {e.shape[a]}")
        at = add(
            contract([(_iota(starts), (0,)), (Ones(k), (1,))], (0, 1)),
            contract([(_iota(k), (1,)), (Ones(starts), (0,))], (0, 1)),
        )
        if isinstance(starts, int) and isinstance(k, int):
            at = const(np.arange(starts)[:, None] + np.arange(k))
        rank = e.ndim
        e = gather(e, [at], a)  # the window's entries stand behind axis a
        labels = tuple(range(rank + 1))
        e = contract([(e, labels)], (*labels[: a + 1], *labels[a + 2 :], a + 1))
    return e


def convolve(a: Any, v: Any, mode: str = "full") -> Expr:
    """Discrete convolution of two vectors: 'full', 'same' or 'valid'; at named sizes a is taken to be the longer one."""
    x, y = as_expr(a), as_expr(v)
    if x.ndim != 1 or y.ndim != 1:
        raise ShapeError(f"convolve: two vectors are wanted, not {show_shape(x.shape)} and {show_shape(y.shape)}")
    if isinstance(x.shape[0], int) and isinstance(y.shape[0], int) and x.shape[0] < y.shape[0]:
        x, y = y, x
    n, k = x.shape[0], y.shape[0]
    if k == 0 or n == 0:
        raise ShapeError(f"convolve: vectors of {n} and {k} entries: at least one each is wanted")
    border = dim_add(k, -1)
    match mode:
        case "valid":
            padded = x
        case "full":
            into = dim_add(n, border, border)
            padded = scatter([x], [(Range(border, n, 1),)], (into,))
        case "same":
            if not isinstance(k, int):
                raise SymbolicValue(f"convolve: mode 'same' halves the size {k!r}; this needs a whole number")
            low = k - 1 - (k - 1) // 2
            padded = scatter([x], [(Range(low, n, 1),)], (dim_add(n, border),))
        case _:
            raise Unsupported(f"convolve: the mode {mode!r} is not 'full', 'same' or 'valid'")
    windows = sliding_window_view(padded, k)
    return contract([(windows, (0, 1)), (flip(y), (1,))], (0,))


def correlate(a: Any, v: Any, mode: str = "valid") -> Expr:
    """Cross-correlation of two vectors: sums of a[k + i] v[i]."""
    x, y = as_expr(a), as_expr(v)
    if x.ndim == y.ndim == 1 and isinstance(x.shape[0], int) and isinstance(y.shape[0], int) and x.shape[0] < y.shape[0]:
        return flip(correlate(y, x, mode))
    return convolve(x, flip(y) if y.ndim == 1 else y, mode)


# --- differences and integrals ------------------------------------------------------------------------------------
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Expr:
    """Differences of neighbours in the flattened array, with entries before and after."""
    parts = [diff(ravel(ary))]
    if to_begin is not None:
        parts.insert(0, ravel(to_begin))
    if to_end is not None:
        parts.append(ravel(to_end))
    return concatenate(parts)


def _along(e: Expr, axis: int, key: slice) -> Expr:
    return index(e, (*(slice(None),) * axis, key))


def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """np.gradient: central differences inside, one-sided ones at the ends. Spacings are numbers or coordinates along an axis."""
    e = as_expr(f)
    axes = axes_of(axis, e.ndim, "gradient")
    if edge_order != 1:
        raise Unsupported(f"gradient: edge_order={edge_order!r} is not supported; leave it out, or give 1")
    steps = list(varargs) * len(axes) if len(varargs) == 1 else list(varargs) or [1] * len(axes)
    if len(steps) != len(axes):
        raise ShapeError(f"gradient: {len(varargs)} spacings for {len(axes)} axes: one for all, or one for each, is wanted")
    found = [_gradient(e, a, as_expr(h)) for a, h in zip(axes, steps, strict=True)]
    return found[0] if len(found) == 1 else tuple(found)


def _gradient(e: Expr, a: int, h: Expr) -> Expr:
    if h.ndim == 0:
        inner = divide(subtract(_along(e, a, slice(2, None)), _along(e, a, slice(None, -2))), multiply(2, h))
        first, last = h, h
    else:
        steps = reshape(diff(h), (-1, *(1,) * (e.ndim - 1 - a)))
        low, high = _along(steps, 0, slice(None, -1)), _along(steps, 0, slice(1, None))
        up = subtract(_along(e, a, slice(2, None)), _along(e, a, slice(1, -1)))
        down = subtract(_along(e, a, slice(1, -1)), _along(e, a, slice(None, -2)))
        both = multiply(multiply(low, high), add(low, high))
        inner = divide(add(multiply(multiply(low, low), up), multiply(multiply(high, high), down)), both)
        first, last = _along(steps, 0, slice(None, 1)), _along(steps, 0, slice(-1, None))
    left = divide(subtract(_along(e, a, slice(1, 2)), _along(e, a, slice(0, 1))), first)
    right = divide(subtract(_along(e, a, slice(-1, None)), _along(e, a, slice(-2, -1))), last)
    return concatenate([left, inner, right], a)


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Expr:
    """The integral along an axis by the trapezoidal rule."""
    e = as_expr(y)
    a = axis_of(axis, e.ndim, "trapezoid")
    if x is None:
        step = as_expr(dx)
    else:
        coordinates = as_expr(x)
        step = diff(coordinates, axis=-1 if coordinates.ndim == 1 else a)
        if coordinates.ndim == 1:
            step = reshape(step, (step.shape[0], *(1,) * (e.ndim - 1 - a)))
    pairs = add(_along(e, a, slice(1, None)), _along(e, a, slice(None, -1)))
    return sum(product((Const(0.5), multiply(step, pairs))), a)


def cumulative_sum(x: Any, axis: int | None = None, include_initial: bool = False) -> Expr:
    """The cumulative sum along an axis, which only a vector may leave out; with a 0 first if `include_initial`."""
    e = as_expr(x)
    if axis is None and e.ndim != 1:
        raise ShapeError(f"cumulative_sum: x is {show_shape(e.shape)}: name the axis, or take cumsum, which flattens")
    a = axis_of(axis or 0, e.ndim, "cumulative_sum")
    total = cumsum(e, a)
    zero = multiply(0, _along(e, a, slice(0, 1)))
    return concatenate([zero, total], a) if include_initial else total


# --- interpolation and polynomials --------------------------------------------------------------------------------
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Expr:
    """Linear interpolation between points with ascending xp; outside them the end values, or `left` and `right`."""
    at, knots, values = as_expr(x), as_expr(xp), as_expr(fp)
    if knots.ndim != 1 or values.shape != knots.shape:
        raise ShapeError(f"interp: xp is {show_shape(knots.shape)} and fp {show_shape(values.shape)}: two vectors of one length are wanted")
    n = whole_size(knots, 0, "interp")
    if n < 2:
        raise ShapeError(f"interp: {n} points are given, two at least are wanted")
    k = minimum(maximum(subtract(searchsorted(knots, at, "right"), 1), 0), n - 2)
    next_k = add(k, as_expr(1))
    x0, x1, y0, y1 = (take(a, i) for a in (knots, values) for i in (k, next_k))
    line = add(y0, multiply(subtract(at, x0), divide(subtract(y1, y0), subtract(x1, x0))))
    low, high = values[0] if left is None else left, values[n - 1] if right is None else right
    return where(less(at, knots[0]), low, where(greater(at, knots[n - 1]), high, line))


def polyval(p: Any, x: Any) -> Expr:
    """A polynomial with coefficients p, the highest power first, at x, by Horner's rule."""
    coefficients, at = as_expr(p), as_expr(x)
    if coefficients.ndim != 1:
        raise ShapeError(f"polyval: the coefficients are a vector, not {show_shape(coefficients.shape)}")
    total: Expr = Const(0)
    for k in range(whole_size(coefficients, 0, "polyval")):
        total = add(multiply(total, at), coefficients[k])
    return total


def polyfit(x: Any, y: Any, deg: int) -> Expr:
    """The coefficients, the highest power first, of the polynomial nearest to the points in least squares."""
    return matmul(linalg("pinv", vander(x, deg + 1)), as_expr(y))


def polyder(p: Any, m: int = 1) -> Expr:
    """The coefficients of the m-th derivative of a polynomial."""
    e = as_expr(p)
    for _ in range(whole_number(m, "polyder: the order", 0)):
        n = whole_size(e, 0, "polyder")
        e = multiply(e[:-1], np.arange(n - 1, 0, -1))
    return e


def polyint(p: Any, m: int = 1, k: Any = 0) -> Expr:
    """The coefficients of the m-th integral of a polynomial, with the constant k."""
    e = as_expr(p)
    for _ in range(whole_number(m, "polyint: the order", 0)):
        n = whole_size(e, 0, "polyint")
        e = concatenate([divide(e, np.arange(n, 0, -1)), ravel(k)])
    return e


def _aligned(a: Any, b: Any) -> tuple[Expr, Expr]:
    """Two polynomials with zeros before the shorter one."""
    x, y = ravel(a), ravel(b)
    n = max(whole_size(x, 0, "polyadd"), whole_size(y, 0, "polyadd"))
    first, second = (scatter([e], [(Range(n - whole_size(e, 0, "polyadd"), e.shape[0], 1),)], (n,)) for e in (x, y))
    return first, second


def polyadd(a1: Any, a2: Any) -> Expr:
    """The coefficients of the sum of two polynomials."""
    return add(*_aligned(a1, a2))


def polysub(a1: Any, a2: Any) -> Expr:
    """The coefficients of the difference of two polynomials."""
    return subtract(*_aligned(a1, a2))


def polymul(a1: Any, a2: Any) -> Expr:
    """The coefficients of the product of two polynomials."""
    return convolve(ravel(a1), ravel(a2))


def poly(seq_of_zeros: Any) -> Expr:
    """The coefficients of the polynomial with leading coefficient 1 and these zeros."""
    zeros = as_expr(seq_of_zeros)
    if zeros.ndim != 1:
        raise Unsupported("poly: the zeros are a vector; the characteristic polynomial of a matrix is not supported")
    p = as_expr([1.0])
    for k in range(whole_size(zeros, 0, "poly")):
        p = convolve(p, concatenate([as_expr([1.0]), reshape(product((Const(-1), zeros[k])), (1,))]))
    return p


def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Expr:
    """The cross product of vectors of three entries along the last axes, or along `axis`."""
    axisa, axisb, axisc = (axis,) * 3 if axis is not None else (axisa, axisb, axisc)
    x, y = as_expr(a), as_expr(b)
    x, y = (_last(e, axis_of(k, e.ndim, "cross")) for e, k in ((x, axisa), (y, axisb)))
    if x.shape[-1] != 3 or y.shape[-1] != 3:
        raise ShapeError(f"cross: vectors of 3 entries are wanted, not {show_shape(x.shape)} and {show_shape(y.shape)}")
    x1, y1 = (take(e, np.array([1, 2, 0]), -1) for e in (x, y))
    x2, y2 = (take(e, np.array([2, 0, 1]), -1) for e in (x, y))
    c = subtract(multiply(x1, y2), multiply(x2, y1))
    order = list(range(c.ndim - 1))
    order.insert(axis_of(axisc, c.ndim, "cross"), c.ndim - 1)
    return contract([(c, tuple(range(c.ndim)))], tuple(order))


def _last(e: Expr, axis: int) -> Expr:
    labels = tuple(range(e.ndim))
    return contract([(e, labels)], (*(k for k in labels if k != axis), axis))
