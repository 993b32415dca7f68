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


LONG = 300_000
u, M = sd.var("u", "m"), sd.var("M", ("k", "k"))
LONG_OUTPUTS = [sd.sum(sd.tanh(u) * sd.exp(-(u**2))) * sd.sum(M.T @ M), sd.exp(-(u**2)) * sd.sin(u) * M.T[0, 0] + sd.sum(M @ M)]
LONG_DISGUISES = {
    "itself": lambda r: r,
    "reversed": lambda r: r[::-1],
    "read-only": lambda r: np.broadcast_to(r, r.shape),
    "one for all": lambda r: np.broadcast_to(r[:1], r.shape),
    "strided": lambda r: as_strided(r, r.shape, r.strides),
    "bytes": lambda r: np.frombuffer(r.data),
    "interface": lambda r: np.asarray(Owner(r)),
}


@pytest.fixture(scope="module")
def blocks():
    f = sd.lower(LONG_OUTPUTS, [u, M], reuse_buffers=True)
    assert "for start in range" in f.for_sizes(m=LONG, k=20).source
    return f, sd.lower(LONG_OUTPUTS, [u, M], fast=False)


@pytest.mark.parametrize("disguise", LONG_DISGUISES.values(), ids=LONG_DISGUISES)
def test_results_of_blocks_are_arguments_under_any_disguise(blocks, disguise):
    """Also as a small array that what stands before the loop is computed from."""
    f, plain = blocks
    rng = np.random.default_rng(5)
    values = [rng.normal(size=LONG), rng.normal(size=(20, 20))]
    for _ in range(2):
        before = f(*values)[1]
        f(*values)  # so that the first is the next to be written to
        given = [disguise(before), before[:400].reshape(20, 20).T]
        expected = plain(*(a.copy() for a in given))
        for ours, reference in zip(f(*given), expected, strict=True):
            np.testing.assert_allclose(ours, reference, rtol=1e-9, atol=1e-12)


def test_results_of_blocks_take_turns(blocks):
    f, _ = blocks
    rng = np.random.default_rng(6)
    values = [rng.normal(size=LONG), rng.normal(size=(20, 20))]
    first = f(*values)[1]
    kept = first.copy()
    second = f(2 * values[0], values[1])[1]
    assert second is not first and np.array_equal(first, kept)
    assert f(*values)[1] is first
    fresh = sd.lower(LONG_OUTPUTS, [u, M])
    assert not np.shares_memory(fresh(*values)[1], fresh(*values)[1])
