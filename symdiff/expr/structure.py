"""The constructors of structure: reshape, slices, joins and gathers. They fold what is the identity, slices of slices, and zeros."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from symdiff.errors import ShapeError, SymdiffError
from symdiff.expr.algebra import broadcast_to, contract, zeros_of
from symdiff.expr.dims import Dim, Shape, dim_add, dim_mul, show_shape
from symdiff.expr.leaves import const, constant_value, is_zero
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Concat, Const, Gather, GatherT, Ones, Place, Range, Reshape, Scan, Scatter, Slice, key_shape


def whole_number(value: Any, what: str, least: int | None = None) -> int:
    """What was given for `what` as an int. Raises: ShapeError for what is no whole number, or is one below `least`."""
    try:
        number = operator.index(value)
    except TypeError as error:
        if isinstance(error, SymdiffError):
            raise
        number = None
    if number is None or (least is not None and number < least):
        given = value.item() if isinstance(value, np.generic) else value
        raise ShapeError(f"{what} is a whole number{'' if least is None else f' from {least} on'}, not {given!r}")
    return number


def axis_of(axis: int, rank: int, name: str) -> int:
    """A non-negative axis. Raises: ShapeError if there is no such axis."""
    if isinstance(axis, bool) or not hasattr(axis, "__index__"):
        raise ShapeError(f"{name}: axis {axis!r} is not a whole number")
    axis = axis.__index__()
    if not -rank <= axis < rank:
        raise ShapeError(f"{name}: there is no axis {axis} in {rank} dimension{'s' * (rank != 1)}")
    return axis % rank


def axes_of(axis: int | Sequence[int] | None, rank: int, name: str) -> tuple[int, ...]:
    """Ascending non-negative axes; None is all of them. Raises: ShapeError for a repeated or missing axis."""
    if axis is None:
        return tuple(range(rank))
    axes = [axis_of(a, rank, name) for a in (axis if isinstance(axis, (tuple, list)) else (axis,))]
    if len(set(axes)) != len(axes):
        raise ShapeError(f"{name}: an axis is named twice in {axis!r}")
    return tuple(sorted(axes))


def full_range(dim: Dim) -> Range:
    return Range(0, dim, 1)


# --- reshape ------------------------------------------------------------------------------------------------------
def reshape_node(x: Expr, to: Shape) -> Expr:
    """Reshape; where only dims of size 1 come or go it is a relabeling, a Contract."""
    if x.shape == to:
        return x
    if isinstance(x, Reshape):
        return reshape_node(x.x, to)
    if [d for d in x.shape if d != 1] == [d for d in to if d != 1]:
        return _squeeze(x, to)
    value = constant_value(x)
    if value is not None and dim_mul(*x.shape) == dim_mul(*to):
        return broadcast_to(Const(value), to)
    return Reshape(x, to)


def _squeeze(x: Expr, to: Shape) -> Expr:
    """Drop and insert dims of size 1 by labels: a dropped one is summed away, an inserted one is an Ones(1)."""
    rank = len(to)
    targets = iter(a for a, d in enumerate(to) if d != 1)
    labels = tuple(next(targets) if d != 1 else rank + a for a, d in enumerate(x.shape))
    ones = [(Ones(1), (a,)) for a, d in enumerate(to) if d == 1]
    return contract([(x, labels), *ones], tuple(range(rank)))


# --- slices -------------------------------------------------------------------------------------------------------
def slice_node(x: Expr, key: tuple[Place, ...]) -> Expr:
    """x[key] for a normalised key; the slice of a slice is one slice."""
    if len(key) == len(x.shape) and all(k == Range(0, d, 1) for k, d in zip(key, x.shape, strict=True)):
        return x
    value = constant_value(x)
    if value is not None:
        return broadcast_to(Const(value), key_shape(key))
    if isinstance(x, Slice):
        outer = iter(key)
        return slice_node(x.x, tuple(_compose(k, next(outer)) if isinstance(k, Range) else k for k in x.key))
    if (
        isinstance(x, Const)
        and isinstance(x.value, np.ndarray)
        and all(isinstance(p, int) for k in key for p in (k if isinstance(k, Range) else (k,)))
    ):
        return const(x.value[tuple(_python_slice(k) for k in key)])
    return Slice(x, key)


def _compose(inner: Range, outer: Place) -> Place:
    """The place in the array below of place `outer` in its range `inner`."""
    if isinstance(outer, Range):
        return Range(dim_add(inner.start, dim_mul(inner.step, outer.start)), outer.length, inner.step * outer.step)
    return dim_add(inner.start, dim_mul(inner.step, outer))


def _python_slice(place: Place) -> int | slice:
    if not isinstance(place, Range):
        assert isinstance(place, int)
        return place
    start, length, step = place
    assert isinstance(start, int) and isinstance(length, int)
    stop = start + length * step
    return slice(start, stop if stop >= 0 else None, step)


def scatter(parts: Sequence[Expr], keys: Sequence[tuple[Place, ...]], into: Shape) -> Expr:
    """Zeros of shape `into` with each part added at its key; zero parts drop."""
    kept = [(p, k) for p, k in zip(parts, keys, strict=True) if not is_zero(p)]
    if not kept:
        return zeros_of(into)
    if len(kept) == 1 and all(k == Range(0, d, 1) for k, d in zip(kept[0][1], into, strict=True)):
        return kept[0][0]
    return Scatter(tuple(p for p, _ in kept), tuple(k for _, k in kept), into)


# --- joins --------------------------------------------------------------------------------------------------------
def concat(parts: Sequence[Expr], axis: int) -> Expr:
    return parts[0] if len(parts) == 1 else Concat(tuple(parts), axis)


def expand_axis(x: Expr, axis: int) -> Expr:
    """x with a new dim of size 1 before `axis` of the result."""
    rank = len(x.shape) + 1
    return contract([(x, tuple(a for a in range(rank) if a != axis)), (Ones(1), (axis,))], tuple(range(rank)))


def stack_nodes(parts: Sequence[Expr], axis: int) -> Expr:
    """Parts of one shape along a new axis."""
    if not parts:
        raise ShapeError("stack: there is nothing to stack")
    for p in parts:
        if p.shape != parts[0].shape:
            raise ShapeError(f"stack: shapes {show_shape(parts[0].shape)} and {show_shape(p.shape)} differ")
    return concat([expand_axis(p, axis) for p in parts], axis)


# --- gathers and scans --------------------------------------------------------------------------------------------
def gather(x: Expr, indices: Sequence[Expr], axis: int) -> Expr:
    """Raises: ShapeError for constants that are no whole numbers: at run time they would be cut to some."""
    for i in indices:
        if isinstance(i, Const) and not _whole(np.asarray(i.value)):
            raise ShapeError(f"index: {np.asarray(i.value).tolist()} is no index, which holds whole numbers")
    return Gather(x, tuple(indices), axis)


def _whole(values: np.ndarray) -> bool:
    if values.dtype.kind == "i":
        return True
    floats = values.astype(np.float64)
    return bool(((np.abs(floats) < 2**63) & (floats == np.trunc(floats))).all())


def gather_transpose(x: Expr, indices: Sequence[Expr], axis: int, into: Shape) -> Expr:
    return zeros_of(into) if is_zero(x) else GatherT(x, tuple(indices), axis, into)


def scan(kind: str, x: Expr, axis: int, reverse: bool = False) -> Expr:
    return x if is_zero(x) else Scan(x, kind, axis, reverse)
