"""Arrays from nothing, and other shapes for the same elements. Under NumPy's names and argument order."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from symdiff.errors import ShapeError
from symdiff.expr.algebra import add, contract, multiply, size
from symdiff.expr.algebra import broadcast_to as stretch
from symdiff.expr.build import apply
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import Dim, as_dim, as_shape, dim_add, dim_div, dim_floordiv, dim_mul, dim_sub, show_shape
from symdiff.expr.leaves import const
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Const, Delta, Iota, Ones
from symdiff.expr.structure import axes_of, expand_axis, reshape_node


# --- makers -------------------------------------------------------------------------------------------------------
def arange(start: Any, stop: Any = None, step: int = 1) -> Expr:
    """start, start + step, ... below stop, whole numbers; an end may be a dim's name: arange('n')."""
    first, last = (0, start) if stop is None else (start, stop)
    low, high = (v if isinstance(v, str) else operator.index(v) for v in (first, last))
    if step < 1:
        raise ShapeError("arange: a step of at least 1 is wanted")
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
    i = contract([(Iota(rows), (0,)), (Ones(columns), (1,))], (0, 1))
    j = contract([(Iota(columns), (1,)), (Ones(rows), (0,))], (0, 1))
    return add(i, stretch(Const(k), (rows, columns))), j


def tri(n: Any, m: Any = None, k: int = 0) -> Expr:
    """Ones at and below the k-th diagonal."""
    return apply("greater_equal", *_row_and_column(as_dim(n), as_dim(n if m is None else m), k))


def tril(x: Any, k: int = 0) -> Expr:
    """The entries at and below the k-th diagonal of the last two axes, zeros above."""
    e = as_expr(x)
    return apply("where", stretch(tri(e.shape[-2], e.shape[-1], k), e.shape), e, stretch(Const(0), e.shape))


def triu(x: Any, k: int = 0) -> Expr:
    """The entries at and above the k-th diagonal of the last two axes, zeros below."""
    e = as_expr(x)
    return apply("where", stretch(tri(e.shape[-2], e.shape[-1], k - 1), e.shape), stretch(Const(0), e.shape), e)


# --- shapes -------------------------------------------------------------------------------------------------------
def reshape(x: Any, shape: Any) -> Expr:
    """The same elements, in row-major order, under another shape; one dim may be -1."""
    e = as_expr(x)
    dims = [shape] if isinstance(shape, (int, str, np.integer)) else list(shape)
    holes = [k for k, d in enumerate(dims) if isinstance(d, (int, np.integer)) and d == -1]
    if len(holes) > 1:
        raise ShapeError(f"reshape: only one dim of {shape!r} can be -1")
    if holes:
        rest = dim_mul(*(as_dim(d) for k, d in enumerate(dims) if k != holes[0]))
        found = dim_div(dim_mul(*e.shape), rest)
        if found is None:
            raise ShapeError(f"reshape: {show_shape(e.shape)} does not divide into {tuple(dims)}")
        dims[holes[0]] = found
    return reshape_node(e, tuple(as_dim(d) for d in dims))


def ravel(x: Any) -> Expr:
    """All elements in row-major order."""
    e = as_expr(x)
    return reshape_node(e, (dim_mul(*e.shape),))


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
