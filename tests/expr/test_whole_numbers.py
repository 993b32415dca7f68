"""Arguments that say how many or where are whole numbers: what is none is refused by name, never cut to one."""

from __future__ import annotations

import numpy as np
import pytest

import symdiff as sd
from symdiff.expr import ops

x, A, c = sd.var("x", 4), sd.var("A", (3, 3)), sd.var("c", "n")

CALLS = {
    "repeat: a count is a whole number from 0 on, not 2.5": lambda: sd.repeat(x, 2.5),
    "repeat: a count is a whole number from 0 on, not -1": lambda: np.repeat(x, -1),
    "repeat: a count is a whole number from 0 on, not 1.5": lambda: sd.repeat(x, [1.5, 1, 1, 1]),
    "repeat: operands could not be broadcast together": lambda: sd.repeat(x, [1, 2]),
    "tile: a count is a whole number from 0 on, not 2.5": lambda: np.tile(x, 2.5),
    "tile: a count is a whole number from 0 on, not 1.5": lambda: sd.tile(x, (2, 1.5)),
    "arange: an end is a whole number, not 2.5": lambda: ops.arange(2.5),
    "arange: the step is a whole number from 1 on, not 2.5": lambda: ops.arange(0, "n", 2.5),
    "the diagonal is a whole number, not 0.5": lambda: np.tril(A, 0.5),
    "the diagonal is a whole number, not 1.5": lambda: np.triu(A, 1.5),
    "diag: the diagonal is a whole number, not 0.5": lambda: np.diag(x, 0.5),
    "diagonal: the offset is a whole number, not 0.5": lambda: np.trace(A, 0.5),
    "roll: a shift is a whole number, not 1.5": lambda: np.roll(x, 1.5),
    "rot90: the number of turns is a whole number, not 1.5": lambda: np.rot90(A, 1.5),
    "vander: the number of columns is a whole number from 1 on, not 2.5": lambda: np.vander(x, 2.5),
    "linspace: the number of values is a whole number from 0 on, not 2.5": lambda: np.linspace(x, 1, 2.5),
    "split: the number of parts is a whole number from 1 on, not 2.5": lambda: np.array_split(x, 2.5),
    "split: the number of parts is a whole number from 1 on, not 0": lambda: np.split(x, 0),
    "index: a bound of a slice is a whole number, not 1.5": lambda: x[:1.5],
    "index: a bound of a slice is a whole number, not 2.5": lambda: c[2.5:],
    "index: the step of a slice is a whole number, not 1.5": lambda: x[::1.5],
    "rollaxis: the start is a whole number, not 1.5": lambda: np.rollaxis(A, 0, 1.5),
    "diff: the order is a whole number from 0 on, not 1.5": lambda: np.diff(x, 1.5),
    "around: the number of decimals is a whole number, not 1.5": lambda: np.round(x, 1.5),
    "polyder: the order is a whole number from 0 on, not 0.5": lambda: np.polyder(x, 0.5),
    "moveaxis: axis 0.5 is not a whole number": lambda: np.moveaxis(A, 0.5, 0),
    "delete: index 9 is out of bounds": lambda: np.delete(x, 9),
    "insert: slice indices must be integers": lambda: np.insert(x, 1.5, 0),
    "dim 2.5: a dim is a whole number": lambda: np.lib.stride_tricks.sliding_window_view(x, 2.5),
}


@pytest.mark.parametrize(("message", "call"), CALLS.items(), ids=CALLS)
def test_what_is_no_whole_number_is_refused_by_name(message, call):
    with pytest.raises(sd.errors.ShapeError) as refused:
        call()
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize("two", [2, np.int64(2), np.array(2), np.uint8(2)], ids=repr)
def test_whole_numbers_of_numpy_are_whole_numbers(two):
    assert np.repeat(x, two) is np.repeat(x, 2)
    assert np.roll(x, two) is np.roll(x, 2)
    assert np.tile(x, two) is np.tile(x, 2)
    assert [str(part) for part in np.split(x, two)] == [str(part) for part in np.split(x, 2)]
    assert x[:two] is x[:2]
