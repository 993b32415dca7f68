"""Which rows an update sees, and which values dropout drops: both follow from the seed and the number of the epoch or the update.

Nothing is drawn from a generator that goes on from one epoch to the next, so a training that is taken up again in the middle of an epoch
sees what it would have seen, without any state of a generator to keep.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from symdiff.errors import BadSetting
from symdiff.expr.dims import whole_dims
from symdiff.expr.nodes import Var
from symdiff.training.net import Array, Net

ORDERS, MASKS = 1, 2  # two streams of random numbers that share no seed


@dataclass(frozen=True)
class Batches:
    """The data of each update of a net, as arrays in the order of `Net.data`.

    `size` rows go into a batch, the last of an epoch is what is left; a net without a batch axis, or `size` rows in all, gives all
    data to every update, in their order.
    """

    net: Net
    size: int
    rows: int
    seed: int
    dtype: np.dtype[np.generic]
    arrays: tuple[Array, ...]

    @property
    def per_epoch(self) -> int:
        """Updates in an epoch."""
        return -(-self.rows // self.size)

    @property
    def constant(self) -> bool:
        """Whether every update sees the same data."""
        return self.per_epoch == 1 and not self.net.masks

    def of_epoch(self, epoch: int, first: int = 0) -> Iterator[tuple[float, tuple[Array, ...]]]:
        """For each update from number `first` of an epoch (from 0): its share of the rows, and its data."""
        if self.per_epoch == 1:
            if first == 0:
                yield 1.0, self._masked(self.arrays, self.rows, epoch) if self.net.masks else self.arrays
            return
        order = np.random.default_rng((self.seed, ORDERS, epoch)).permutation(self.rows)
        for k in range(first, self.per_epoch):
            places = order[k * self.size : (k + 1) * self.size]
            batch = tuple(a if v in self.net.masks else a[places] for v, a in zip(self._variables, self.arrays, strict=True))
            count = len(places)
            yield count / self.rows, self._masked(batch, count, epoch * self.per_epoch + k) if self.net.masks else batch

    @property
    def _variables(self) -> Sequence[Var]:
        return [leaf.var for leaf in self.net.data]

    def _masked(self, batch: tuple[Array, ...], rows: int, update: int) -> tuple[Array, ...]:
        """The batch with new masks: 0 for what is dropped, 1/(1 - p) for what stays, so that means are kept.

        Source: Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting (2014), with the factor in training.
        """
        generator = np.random.default_rng((self.seed, MASKS, update))
        masks = {v: ((generator.random((rows, *whole_dims(v.shape))) >= p) / (1 - p)).astype(self.dtype) for v, p in self.net.masks.items()}
        return tuple(masks.get(v, a) for v, a in zip(self._variables, batch, strict=True))


def batches_of(net: Net, size: int | None, seed: int, dtype: DTypeLike) -> Batches:
    """The batches of a net's data. Raises: BadSetting for a size that is no whole number from 1 on, is larger than the data, or for a
    net whose data are no rows.

    >>> from symdiff.training.nets import xor
    >>> [len(data[0]) for _, data in batches_of(xor(), 3, 0, float).of_epoch(0)]
    [3, 1]
    """
    kind = np.dtype(dtype)
    arrays = tuple(np.asarray(leaf.value, kind) for leaf in net.data)
    batch_axes = {v.shape[0] for v in (leaf.var for leaf in net.data) if v.shape and isinstance(v.shape[0], str)}
    in_rows = len(batch_axes) == 1 and all(leaf.var.shape and isinstance(leaf.var.shape[0], str) for leaf in net.data)
    rows = len(arrays[0]) if in_rows else 1
    if size is None:
        return Batches(net, rows, rows, seed, kind, arrays)
    if size < 1:
        raise BadSetting(f"batch: {size} is given, a whole number of rows from 1 on is wanted")
    if not in_rows:
        raise BadSetting(f"batch: {net.name} has no rows of data to make batches of: leave it out")
    if size > rows:
        raise BadSetting(f"batch: {size} rows are given, but there are {rows} to train on")
    return Batches(net, size, rows, seed, kind, arrays)
