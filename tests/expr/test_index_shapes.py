"""The shape of x[key] is NumPy's for every mixture of numbers, slices, new axes and index arrays."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import symdiff as sd
from symdiff.expr.leaves import var

SHAPE = (3, 4, 5, 6)
ENTRIES = (0, -1, slice(None), slice(3, 0, -2), None, [0, 2, 1, 1], [[0], [1]])
x, array = var("x", SHAPE), np.empty(SHAPE)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_every_mixture_of_entries(length):
    for key in product(ENTRIES, repeat=length):
        assert x[key].shape == array[key].shape, key


@pytest.mark.parametrize(
    "key",
    [
        (0, slice(None), [0, 1]),
        (0, None, [0, 1]),
        ([0, 1], slice(None), 0),
        ([0, 1], None, [1, 0]),
        (slice(None), 0, [0, 1]),
        (0, [0, 1], slice(None), [1, 1]),
        (Ellipsis, [0, 1], 0),
        (0, Ellipsis, [0, 1]),
        (np.array([True, False, True]), slice(None), 1),
        (slice(None), np.ones((4, 5), bool), 0),
        Ellipsis,
        (),
    ],
    ids=str,
)
def test_index_arrays_that_are_apart_come_first(key):
    assert x[key].shape == array[key].shape


def test_an_empty_mean_is_refused():
    with pytest.raises(sd.ShapeError, match=r"mean: an axis of \(2, 0\) is empty"):
        sd.mean(var("e", (2, 0)), axis=1)
    assert sd.mean(var("e", (2, 0)), axis=0).shape == (0,)
