"""Arguments that lie in memory which a call writes to: earlier results under any disguise, one array given twice, results that were kept."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided, sliding_window_view

import symdiff as sd

N = 20
W, V, x = sd.var("W", ("n", "n")), sd.var("V", ("n", "n")), sd.var("x", "n")
OUTPUTS = [sd.tanh(W @ V), sd.exp(-W) * V + W.T @ V, 0.1 * (W @ x), sd.softmax(W, 1)]


class Owner:
    """Memory that NumPy knows by its address alone."""

    def __init__(self, array: np.ndarray) -> None:
        self.array, self.__array_interface__ = array, array.__array_interface__


class Subclass(np.ndarray):
    pass


DISGUISES = {
    "itself": lambda r: r,
    "transposed": lambda r: r.T,
    "reversed": lambda r: r[::-1, ::-1],
    "reshaped": lambda r: r.reshape(-1).reshape(N, N),
    "read-only": lambda r: np.broadcast_to(r, (N, N)),
    "a row for all": lambda r: np.broadcast_to(r[0], (N, N)),
    "strided": lambda r: as_strided(r, r.shape, r.strides),
    "window": lambda r: sliding_window_view(r, (N, N))[0, 0],
    "matrix": lambda r: r.view(np.matrix),
    "masked": np.ma.MaskedArray,
    "part of a subclass": lambda r: np.asarray(r.view(Subclass).T),
    "bytes": lambda r: np.frombuffer(r.data).reshape(N, N),
    "memoryview": lambda r: np.asarray(memoryview(r)),
    "address": lambda r: np.ctypeslib.as_array((ctypes.c_double * N**2).from_address(r.ctypes.data)).reshape(N, N),
    "interface": lambda r: np.asarray(Owner(r)),
    "dlpack": np.from_dlpack,
    "other dtype and back": lambda r: r.view(complex).view(float),
}


@pytest.fixture(scope="module")
def functions():
    return sd.lower(OUTPUTS, [W, V, x], reuse_buffers=True), sd.lower(OUTPUTS, [W, V, x], fast=False)


def arguments(rng):
    return rng.normal(size=(N, N)), rng.normal(size=(N, N)), rng.normal(size=N)


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
@pytest.mark.parametrize("place", [0, 1, 3])
def test_earlier_results_are_arguments_under_any_disguise(functions, disguise, place):
    """`back` calls ago: the memory of 1 is left alone, that of 2 is written to next."""
    reusing, pure = functions
    rng = np.random.default_rng(place)
    for back in (1, 2):
        earlier = [reusing(*arguments(rng)) for _ in range(2)][-back]
        other, _, vector = arguments(rng)
        shown = disguise(earlier[place])
        for given in ((shown, other, vector), (other, shown, earlier[2]), (shown, shown, earlier[2][::-1])):
            expected = pure(*[np.array(a) for a in given])
            for got, wanted in zip(reusing(*given), expected, strict=True):
                np.testing.assert_allclose(got, wanted, rtol=1e-12)
            earlier = [reusing(*arguments(rng)) for _ in range(2)][-back]
            shown = disguise(earlier[place])


def test_results_without_reuse_are_never_written_to(functions):
    f = sd.lower(OUTPUTS, [W, V, x])
    rng = np.random.default_rng(0)
    calls = [f(*arguments(rng)) for _ in range(4)]
    kept = [[r.copy() for r in results] for results in calls]
    for results in calls:
        f(results[0], results[0].T, results[2])
    for results, copies in zip(calls, kept, strict=True):
        for result, copy in zip(results, copies, strict=True):
            np.testing.assert_array_equal(result, copy)
    every = [r for results in calls for r in results]
    assert not any(np.shares_memory(p, q) for k, p in enumerate(every) for q in every[:k])
