"""x.flat of a traced array."""

from __future__ import annotations

from typing import Any

import numpy as np


class Flat:
    """x.flat: the entries in row-major order, to iterate over, to index and to assign to."""

    __slots__ = ("_array", "_at")

    def __init__(self, array: Any) -> None:
        self._array, self._at = array, 0

    def __len__(self) -> int:
        return int(self._array.size)

    def __iter__(self) -> Flat:
        return Flat(self._array)

    @property
    def coords(self) -> tuple[int, ...]:
        """The position of the next entry."""
        return tuple(int(k) for k in np.unravel_index(min(self._at, len(self) - 1), self._array.shape))

    def __next__(self) -> Any:
        if self._at >= len(self):
            raise StopIteration
        found = self._array[self.coords]
        self._at += 1
        return found

    def __getitem__(self, key: Any) -> Any:
        return self._array.ravel()[key]

    def __setitem__(self, key: Any, item: Any) -> None:
        positions = np.arange(len(self))[key]
        self._array[np.unravel_index(positions, self._array.shape)] = item
