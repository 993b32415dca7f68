"""Arrays put together and taken apart: concatenate, stack, split, roll, tile, pad. Under NumPy's names and argument order."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from symdiff.errors import ShapeError, Unsupported
from symdiff.expr.algebra import add, multiply
from symdiff.expr.algebra import broadcast_to as stretch
from symdiff.expr.arrays import ravel
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import Shape, dim_add, dim_mul
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Const, Range
from symdiff.expr.structure import axis_of, concat, expand_axis, reshape_node, scatter, stack_nodes


def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Expr:
    """Arrays joined along an axis; None joins them flattened."""
    parts = [as_expr(a) for a in arrays]
    if not parts:
        raise ShapeError("concatenate: there is nothing to join")
    if axis is None:
        return concat([ravel(p) for p in parts], 0)
    return concat(parts, axis_of(axis, parts[0].ndim, "concatenate"))


def stack(arrays: Sequence[Any], axis: int = 0) -> Expr:
    """Arrays of one shape along a new axis."""
    parts = [as_expr(a) for a in arrays]
    return stack_nodes(parts, axis_of(axis, parts[0].ndim + 1, "stack")) if parts else stack_nodes([], 0)


def repeat(x: Any, repeats: int, axis: int | None = None) -> Expr:
    """Each entry repeated; of the flattened array by default."""
    e = as_expr(x)
    if axis is None:
        e, axis = ravel(e), 0
    a = axis_of(axis, e.ndim, "repeat")
    e = expand_axis(e, a + 1)
    shape = (*e.shape[: a + 1], operator.index(repeats), *e.shape[a + 2 :])
    return reshape_node(stretch(e, shape), (*shape[:a], dim_mul(shape[a], shape[a + 1]), *shape[a + 2 :]))


def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Expr:
    """x with a border of zeros (or one constant) of the given widths."""
    e = as_expr(x)
    if mode != "constant" or np.ndim(constant_values) != 0:
        raise Unsupported(f"pad: mode {mode!r} is not supported, only 'constant' with one value")
    widths = np.broadcast_to(np.asarray(pad_width), (e.ndim, 2)).tolist()
    into: Shape = tuple(dim_add(d, lo, hi) for d, (lo, hi) in zip(e.shape, widths, strict=True))
    key = tuple(Range(lo, d, 1) for d, (lo, hi) in zip(e.shape, widths, strict=True))
    if constant_values == 0:
        return scatter([e], [key], into)
    fill = as_expr(constant_values)
    return add(scatter([add(e, multiply(stretch(Const(-1), e.shape), stretch(fill, e.shape)))], [key], into), stretch(fill, into))
