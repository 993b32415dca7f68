"""NumPy's transposes, diagonals and traces: a Contract of one factor, with other labels."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Sequence
from typing import Any

from symdiff.errors import ShapeError
from symdiff.expr.algebra import contract, permute
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import Dim, dim_add, dim_mul, dim_sub, show_shape
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Delta, Range
from symdiff.expr.reductions import sum
from symdiff.expr.structure import axis_of, full_range, reshape_node, scatter, slice_node, whole_number


def transpose(x: Any, axes: Sequence[int] | None = None) -> Expr:
    """Axes reversed, or in the given order."""
    e = as_expr(x)
    if axes is not None and not isinstance(axes, Iterable):
        raise ShapeError(f"transpose: the axes are a tuple of {e.ndim} whole numbers, not {axes!r}")
    order = list(range(e.ndim))[::-1] if axes is None else [axis_of(a, e.ndim, "transpose") for a in axes]
    if sorted(order) != list(range(e.ndim)):
        raise ShapeError(f"transpose: {axes!r} does not name each axis of {show_shape(e.shape)} once")
    return permute(e, order)


def matrix_transpose(x: Any) -> Expr:
    """The last two axes exchanged."""
    return swapaxes(x, -1, -2)


def swapaxes(x: Any, axis1: int, axis2: int) -> Expr:
    """Two axes exchanged."""
    e = as_expr(x)
    i, j = axis_of(axis1, e.ndim, "swapaxes"), axis_of(axis2, e.ndim, "swapaxes")
    order = list(range(e.ndim))
    order[i], order[j] = j, i
    return permute(e, order)


def moveaxis(x: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Expr:
    """Axes moved to other places, the rest in order."""
    e = as_expr(x)
    src, dst = ([axis_of(a, e.ndim, "moveaxis") for a in (v if isinstance(v, Iterable) else [v])] for v in (source, destination))
    order = [a for a in range(e.ndim) if a not in src]
    for d, s in sorted(zip(dst, src, strict=True)):
        order.insert(d, s)
    return permute(e, order)


def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Expr:
    """Sum of the diagonal of two axes."""
    return sum(diagonal(x, offset, axis1, axis2), -1)


def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Expr:
    """The diagonal of two axes, as the last axis."""
    e = as_expr(x)
    i, j = axis_of(axis1, e.ndim, "diagonal"), axis_of(axis2, e.ndim, "diagonal")
    offset = whole_number(offset, "diagonal: the offset")
    if i == j:
        raise ShapeError(f"diagonal: {axis1} and {axis2} are one axis of {show_shape(e.shape)}; two are wanted")
    m, n = e.shape[i], e.shape[j]
    if offset or m != n:
        rows, columns = (m, dim_sub(n, offset)) if offset >= 0 else (dim_sub(m, -offset), n)
        longer_by = dim_sub(rows, columns)
        if not isinstance(longer_by, int):
            raise ShapeError(f"diagonal: which of {rows!r} and {columns!r} is smaller is not known")
        length: Dim = columns if longer_by > 0 else rows
        if isinstance(length, int):
            length = builtins.max(length, 0)
        starts = {i: builtins.max(-offset, 0), j: builtins.max(offset, 0)}
        e = slice_node(e, tuple(Range(starts[a], length, 1) if a in starts else full_range(d) for a, d in enumerate(e.shape)))
    labels = [*range(e.ndim)]
    labels[j] = i
    return contract([(e, tuple(labels))], (*(a for a in range(e.ndim) if a not in (i, j)), i))


def diagflat(v: Any, k: int = 0) -> Expr:
    """The entries in row-major order as a diagonal matrix."""
    e = as_expr(v)
    return diag(reshape_node(e, (dim_mul(*e.shape),)), k)


def diag(x: Any, k: int = 0) -> Expr:
    """A vector as a diagonal matrix, or the diagonal of a matrix."""
    e = as_expr(x)
    if e.ndim == 2:
        return diagonal(e, k)
    if e.ndim != 1:
        raise ShapeError(f"diag: a vector or matrix is wanted, not {show_shape(e.shape)}")
    square_matrix = contract([(e, (0,)), (Delta(e.shape[0]), (0, 1))], (0, 1))
    k = whole_number(k, "diag: the diagonal")
    if k == 0:
        return square_matrix
    n = dim_add(e.shape[0], abs(k))
    key = (Range(builtins.max(-k, 0), e.shape[0], 1), Range(builtins.max(k, 0), e.shape[0], 1))
    return scatter([square_matrix], [key], (n, n))
