"""Arrays from nothing, and other shapes for the same elements. Under NumPy's names and argument order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from symdiff.errors import ShapeError, SymbolicValue, Unsupported
from symdiff.expr.algebra import add, contract, multiply, permute, product, size
from symdiff.expr.algebra import broadcast_to as stretch
from symdiff.expr.build import apply
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import Dim, as_dim, as_shape, broadcast_dims, dim_add, dim_div, dim_floordiv, dim_mul, dim_sub, show_shape
from symdiff.expr.leaves import const
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Const, Delta, Iota, Ones
from symdiff.expr.structure import axes_of, axis_of, concat, expand_axis, reshape_node, whole_number


# --- makers -------------------------------------------------------------------------------------------------------
def arange(start: Any, stop: Any = None, step: int = 1) -> Expr:
    """start, start + step, ... below stop, whole numbers; an end may be a dim's name: arange('n')."""
    first, last = (0, start) if stop is None else (start, stop)
    low, high = (v if isinstance(v, str) else whole_number(v, "arange: an end") for v in (first, last))
    step = whole_number(step, "arange: the step", 1)
    count = dim_floordiv(dim_add(dim_sub(as_dim(high), low), step - 1), step)
    if isinstance(count, int) and isinstance(low, int):
        return const(np.arange(low, low + count * step, step))
    return add(multiply(stretch(Const(step), (count,)), Iota(count)), size(low))


def zeros(shape: Any) -> Expr:
    """Zeros of a shape of whole numbers and names."""
    return stretch(Const(0), as_shape(shape))


def ones(shape: Any) -> Expr:
    """Ones of a shape of whole numbers and names."""
    return stretch(Const(1), as_shape(shape))


def full(shape: Any, fill_value: Any) -> Expr:
    """A value stretched to a shape."""
    return stretch(as_expr(fill_value), as_shape(shape))


def eye(n: Any, m: Any = None, k: int = 0) -> Expr:
    """The identity matrix of order n, a whole number or a name; k shifts the diagonal of ones."""
    rows, columns = as_dim(n), as_dim(n if m is None else m)
    if rows == columns and k == 0:
        return Delta(rows)
    return apply("equal", *_row_and_column(rows, columns, k))


def _row_and_column(rows: Dim, columns: Dim, k: int) -> tuple[Expr, Expr]:
    """i + k and j as (rows, columns) arrays."""
    k = whole_number(k, "the diagonal")
    i = contract([(Iota(rows), (0,)), (Ones(columns), (1,))], (0, 1))
    j = contract([(Iota(columns), (1,)), (Ones(rows), (0,))], (0, 1))
    return add(i, stretch(Const(k), (rows, columns))), j


def tri(n: Any, m: Any = None, k: int = 0) -> Expr:
    """Ones at and below the k-th diagonal."""
    return apply("greater_equal", *_row_and_column(as_dim(n), as_dim(n if m is None else m), k))


def tril(x: Any, k: int = 0) -> Expr:
    """The entries at and below the k-th diagonal of the last two axes, zeros above."""
    e = _matrix(x, "tril")
    return apply("where", stretch(tri(e.shape[-2], e.shape[-1], k), e.shape), e, stretch(Const(0), e.shape))


def triu(x: Any, k: int = 0) -> Expr:
    """The entries at and above the k-th diagonal of the last two axes, zeros below."""
    e = _matrix(x, "triu")
    return apply(
        "where", stretch(tri(e.shape[-2], e.shape[-1], whole_number(k, "the diagonal") - 1), e.shape), stretch(Const(0), e.shape), e
    )


def _matrix(x: Any, name: str) -> Expr:
    e = as_expr(x)
    if e.ndim < 2:
        raise ShapeError(f"{name}: a matrix is wanted, not {show_shape(e.shape)}")
    return e


# --- shapes -------------------------------------------------------------------------------------------------------
def reshape(x: Any, shape: Any, order: str = "C") -> Expr:
    """The same elements, in row-major order ('F': column-major), under another shape; one dim may be -1."""
    e = as_expr(x)
    if not isinstance(shape, (int, str, np.integer, Iterable)):
        raise ShapeError(f"reshape: {shape!r} is no shape: a tuple of whole numbers and names is wanted")
    dims = list(shape) if isinstance(shape, Iterable) and not isinstance(shape, str) else [shape]
    holes = [k for k, d in enumerate(dims) if isinstance(d, (int, np.integer)) and d == -1]
    if len(holes) > 1:
        raise ShapeError(f"reshape: only one dim of {shape!r} can be -1")
    if holes:
        rest = dim_mul(*(as_dim(d) for k, d in enumerate(dims) if k != holes[0]))
        found = None if rest == 0 else dim_div(dim_mul(*e.shape), rest)
        if found is None:
            raise ShapeError(f"reshape: {show_shape(e.shape)} does not divide into {tuple(dims)}")
        dims[holes[0]] = found
    to = tuple(as_dim(d) for d in dims)
    if order == "F":
        return _reversed_axes(reshape_node(_reversed_axes(e), to[::-1]))
    if order not in ("C", "A", "K"):
        raise Unsupported(f"reshape: order is 'C' or 'F', not {order!r}")
    return reshape_node(e, to)


def _reversed_axes(e: Expr) -> Expr:
    return permute(e, range(e.ndim)[::-1])


def ravel(x: Any, order: str = "C") -> Expr:
    """All elements in row-major order ('F': column-major)."""
    e = as_expr(x)
    return reshape(e, (dim_mul(*e.shape),), order)


def squeeze(x: Any, axis: Any = None) -> Expr:
    """Without the given axes of size 1, or without any of size 1."""
    e = as_expr(x)
    axes = [a for a, d in enumerate(e.shape) if d == 1] if axis is None else axes_of(axis, e.ndim, "squeeze")
    if any(e.shape[a] != 1 for a in axes):
        raise ShapeError(f"squeeze: axis {axis} of {show_shape(e.shape)} is not of size 1")
    return reshape_node(e, tuple(d for a, d in enumerate(e.shape) if a not in axes))


def expand_dims(x: Any, axis: Any) -> Expr:
    """New axes of size 1 at the given places of the result."""
    e = as_expr(x)
    places = list(axis) if isinstance(axis, (tuple, list)) else [axis]
    for a in axes_of(places, e.ndim + len(places), "expand_dims"):
        e = expand_axis(e, a)
    return e


def broadcast_to(x: Any, shape: Any) -> Expr:
    """x stretched to a shape."""
    return stretch(as_expr(x), as_shape(shape))


# --- makers after another array -----------------------------------------------------------------------------------
def full_like(x: Any, fill_value: Any, shape: Any = None) -> Expr:
    """A value stretched to the shape of x."""
    return stretch(as_expr(fill_value), as_expr(x).shape if shape is None else as_shape(shape))


def zeros_like(x: Any, shape: Any = None) -> Expr:
    """Zeros of the shape of x."""
    return full_like(x, 0, shape)


def ones_like(x: Any, shape: Any = None) -> Expr:
    """Ones of the shape of x."""
    return full_like(x, 1, shape)


def linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, axis: int = 0) -> Expr:
    """`num` evenly spaced values from start to stop along a new axis."""
    a, b = as_expr(start), as_expr(stop)
    num = whole_number(num, "linspace: the number of values", 0)
    shape = broadcast_dims("linspace", a.shape, b.shape)
    steps = num - 1 if endpoint else num
    share = const(np.arange(num) / max(steps, 1))
    at = axis_of(axis, len(shape) + 1, "linspace")
    wide = tuple(num if k == at else 1 for k in range(len(shape) + 1))
    a, b = (expand_axis(stretch(e, shape), at) for e in (a, b))
    return add(a, product((add(b, product((Const(-1), a))), reshape_node(share, wide))))


def logspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10, axis: int = 0) -> Expr:
    """base to the powers that linspace gives."""
    return apply("pow", as_expr(base), linspace(start, stop, num, endpoint, axis))


def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, axis: int = 0) -> Expr:
    """`num` values in geometric progression from start to stop, which have one sign."""
    a, b = as_expr(start), as_expr(stop)
    ratio = product((b, apply("pow", a, Const(-1))))
    at = axis_of(axis, max(a.ndim, b.ndim) + 1, "geomspace")
    growth = logspace(0, apply("log10", ratio), num, endpoint, 10, axis)
    return product((expand_axis(stretch(a, ratio.shape), at), growth))


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Expr:
    """The powers of a vector as columns, from the highest down unless `increasing`."""
    e = as_expr(x)
    if e.ndim != 1:
        raise ShapeError(f"vander: a vector is wanted, not {show_shape(e.shape)}")
    if N is None:
        if not isinstance(e.shape[0], int):
            raise SymbolicValue(f"vander: the number of columns is the name {e.shape[0]!r}: give N, a whole number")
        N = e.shape[0]
    powers = [apply("pow", e, Const(k)) for k in range(whole_number(N, "vander: the number of columns", 1))]
    return concat([expand_axis(p, 1) for p in (powers if increasing else powers[::-1])], 1)


# --- at least so many axes ----------------------------------------------------------------------------------------
def _several(change: Callable[[Expr], Expr], arrays: tuple[Any, ...]) -> Any:
    changed = tuple(change(as_expr(a)) for a in arrays)
    return changed[0] if len(changed) == 1 else changed


def atleast_1d(*arrays: Any) -> Any:
    """Scalars as vectors of one entry."""
    return _several(lambda e: e if e.ndim else expand_axis(e, 0), arrays)


def atleast_2d(*arrays: Any) -> Any:
    """Scalars and vectors as matrices of one row."""
    return _several(lambda e: reshape_node(e, (1,) * (2 - e.ndim) + e.shape), arrays)


def atleast_3d(*arrays: Any) -> Any:
    """Arrays with three axes at least: (n,) becomes (1, n, 1), (m, n) becomes (m, n, 1)."""
    before, after = {0: (1, 1, 1), 1: (1,)}, {1: (1,), 2: (1,)}
    return _several(lambda e: reshape_node(e, (*before.get(e.ndim, ()), *e.shape, *after.get(e.ndim, ()))), arrays)


def broadcast_arrays(*arrays: Any) -> tuple[Expr, ...]:
    """Arrays stretched to their common shape."""
    es = [as_expr(a) for a in arrays]
    shape = broadcast_dims("broadcast_arrays", *(e.shape for e in es))
    return tuple(stretch(e, shape) for e in es)


def meshgrid(*vectors: Any, indexing: str = "xy", sparse: bool = False) -> tuple[Expr, ...]:
    """Coordinate arrays of the grid that vectors span, x along columns unless indexing is 'ij'."""
    if indexing not in ("xy", "ij"):
        raise Unsupported(f"meshgrid: indexing is 'xy' or 'ij', not {indexing!r}")
    es = [ravel(v) for v in vectors]
    places = list(range(len(es)))
    if indexing == "xy" and len(es) > 1:
        places[:2] = [1, 0]
    wide = [reshape_node(e, (*(1,) * k, e.shape[0], *(1,) * (len(es) - 1 - k))) for e, k in zip(es, places, strict=True)]
    return tuple(wide) if sparse else broadcast_arrays(*wide)
