"""y[key] = v without a change to any expression: writes are kept beside the array and become one expression when it is read.

For every entry of the array `owner` says which write it has now (-1: none) and `slot` which entry of that write's value. A loop that
writes n entries then costs n, and a recurrence that reads y[i - 1] right after writing it reads the very expression that was written.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symdiff.errors import ShapeError
from symdiff.expr import ops
from symdiff.expr.algebra import broadcast_to
from symdiff.expr.dims import Shape, show_shape
from symdiff.expr.leaves import const, is_zero
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Place, Range
from symdiff.expr.structure import gather_transpose, reshape_node, scatter


class Overlay:
    """Writes to parts of an array of whole sizes."""

    __slots__ = ("owner", "places", "slot", "values")

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.owner = np.full(shape, -1)
        self.slot = np.zeros(shape, dtype=int)
        self.values: list[Expr] = []
        self.places: list[tuple[Place, ...] | None] = []

    def write(self, key: Any, value: Expr) -> None:
        """Keep a value of the shape that array[key] has."""
        shape = self.owner[key].shape
        self.owner[key] = len(self.values)
        self.slot[key] = np.arange(int(np.prod(shape))).reshape(shape)
        self.values.append(value)
        self.places.append(places_of(key, self.owner.shape))

    def write_at(self, positions: np.ndarray, value: Expr) -> None:
        """Keep a value at positions of the flattened array."""
        self.owner.reshape(-1)[positions] = len(self.values)
        self.slot.reshape(-1)[positions] = np.arange(positions.size).reshape(positions.shape)
        self.values.append(value)
        self.places.append(None)

    def read(self, key: Any) -> Expr | bool:
        """The value of one write that array[key] is, False if no write reaches it, True if several parts make it."""
        owners = self.owner[key]
        if np.size(owners) == 0 or (owners == -1).all():
            return False
        first = int(owners.flat[0]) if np.ndim(owners) else int(owners)
        if first < 0 or not (owners == first).all():
            return True
        value, slots = self.values[first], np.asarray(self.slot[key])
        if value.shape == slots.shape and (slots.reshape(-1) == np.arange(slots.size)).all():
            return value
        return True if slots.ndim else ops.ravel(value)[int(slots)]

    def over(self, base: Expr) -> Expr:
        """The array: every entry from the last write that reached it, the rest from `base`."""
        shape = self.owner.shape
        size = self.owner.size
        owners, slots = self.owner.reshape(-1), self.slot.reshape(-1)
        seen = np.bincount(owners + 1, minlength=len(self.values) + 1)
        ranked = np.argsort(owners, kind="stable")
        ends = np.cumsum(seen)
        whole: list[tuple[Expr, tuple[Place, ...]]] = []
        total: list[Expr] = []
        for k, (value, places) in enumerate(zip(self.values, self.places, strict=True)):
            count = int(seen[k + 1])
            if places is not None and count == value.size:
                whole.append((value, places))
            elif count:
                at = ranked[ends[k] : ends[k + 1]]
                entries = ops.take(ops.ravel(value), slots[at])
                total.append(reshape_node(gather_transpose(entries, [const(at)], 0, (size,)), shape))
        if whole:
            total.insert(0, scatter([v for v, _ in whole], [p for _, p in whole], shape))
        if not total:
            return base
        written = total[0]
        for part in total[1:]:
            written = ops.add(written, part)
        if seen[0] == 0 or is_zero(base):
            return written
        return ops.where(const(self.owner >= 0), written, base)


def places_of(key: Any, shape: Shape) -> tuple[Place, ...] | None:
    """A key of whole numbers, slices and an ellipsis as places, one an axis; None for any other key."""
    entries = list(key) if isinstance(key, tuple) else [key]
    if not all(isinstance(k, (int, np.integer, slice)) or k is Ellipsis for k in entries) or any(isinstance(k, bool) for k in entries):
        return None
    if not any(k is Ellipsis for k in entries):
        entries.append(Ellipsis)
    at = next(i for i, k in enumerate(entries) if k is Ellipsis)
    entries[at : at + 1] = [slice(None)] * (len(shape) - len(entries) + 1)
    places: list[Place] = []
    for k, dim in zip(entries, shape, strict=True):
        assert isinstance(dim, int)
        if isinstance(k, slice):
            r = range(*k.indices(dim))
            places.append(Range(r.start if len(r) else 0, len(r), r.step))
        else:
            places.append(int(k) % dim)
    return tuple(places)


def fit(value: Expr, shape: Shape) -> Expr:
    """A value as it is written to a place of a shape: stretched, leading dims of size 1 dropped. Raises: ShapeError if it does not fit."""
    extra = value.ndim - len(shape)
    if extra > 0 and all(d == 1 for d in value.shape[:extra]):
        value = reshape_node(value, value.shape[extra:])
    try:
        return broadcast_to(value, shape)
    except ShapeError:
        raise ShapeError(
            f"item assignment: a value of shape {show_shape(value.shape)} does not fit a place of {show_shape(shape)}"
        ) from None
