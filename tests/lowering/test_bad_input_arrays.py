"""Arguments in every form that NumPy knows, right or refused by name, by every way of lowering."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import symdiff as sd
from symdiff.errors import DtypeError

X, w, y, b = sd.var("X", ("n", "d")), sd.var("w", "d"), sd.var("y", "n"), sd.var("b")
LOSS = sd.mean(sd.softplus(X @ w + b - y))
OUTPUTS = [LOSS, *sd.grad(LOSS, [w, b])]
RNG = np.random.default_rng(0)
XV, WV, YV, BV = RNG.normal(size=(6, 4)), RNG.normal(size=4), RNG.normal(size=6), 0.25


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYMDIFF_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(
    scope="module",
    params=[{}, {"reuse_buffers": True}, {"fast": False}, {"fast": True, "sizes": {"n": 6, "d": 4}}, {"backend": "numba"}],
    ids=["default", "reused", "any sizes", "known sizes", "numba"],
)
def function(request):
    if "backend" in request.param:
        pytest.importorskip("numba")
    return sd.lower(OUTPUTS, [X, w, y, b], **request.param)


def expected():
    z = XV @ WV + BV - YV
    s = 1 / (1 + np.exp(-z))
    return [np.mean(np.logaddexp(0, z)), XV.T @ s / 6, np.mean(s)]


class Subclass(np.ndarray):
    pass


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def field_of_records(a):
    records = np.zeros(a.shape, [("odd", "i1"), ("value", "f8")])
    records["value"] = a
    return records["value"]


FORMS = {
    "list": lambda a: a.tolist(),
    "list of arrays": list,
    "fortran": np.asfortranarray,
    "reversed": lambda a: a[::-1].copy()[::-1],
    "strided": lambda a: np.repeat(a, 3, axis=0)[::3],
    "read-only": read_only,
    "big-endian": lambda a: a.astype(">f8"),
    "unaligned": lambda a: np.frombuffer(b"x" + a.tobytes(), np.uint8)[1:].view(float).reshape(a.shape),
    "field of records": field_of_records,
    "long double": lambda a: a.astype(np.longdouble),
    "dtype with metadata": lambda a: a.astype(np.dtype("f8", metadata={"unit": "m"})),
    "subclass": lambda a: a.view(Subclass),
    "masked nowhere": np.ma.MaskedArray,
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_gives_plain_results(function, form):
    for _ in range(2):
        found = function(form(XV), form(WV), form(YV), BV)
        assert [type(a) for a in found] == [np.float64, np.ndarray, np.float64]
        for got, wanted in zip(found, expected(), strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-12)


def single(*arrays):
    return [a.astype(np.float32) for a in arrays]


@pytest.mark.parametrize(
    "arguments, dtype",
    [
        ([*single(XV, WV, YV), BV], np.float32),
        ([*single(XV, WV, YV), np.float32(BV)], np.float32),
        ([*single(XV, WV, YV), np.array(BV, np.float32)], np.float32),
        ([*single(XV, WV, YV), np.float64(BV)], np.float64),
        ([*single(XV, WV, YV), np.array(BV)], np.float64),
        ([*single(XV, WV, YV), 1], np.float32),
        ([*single(XV, YV[:4]), np.arange(6), True], np.float32),
        ([XV, WV, YV, np.float32(BV)], np.float64),
        ([*single(XV, WV), YV, BV], np.float64),
        ([XV.astype(np.float16), *single(WV, YV), BV], np.float64),
        ([np.ones((6, 4), np.uint8), np.arange(4), np.arange(6) > 2, 1], np.float64),
    ],
    ids=["float", "float32", "0-d float32", "float64", "0-d float64", "int", "whole arrays", "one single", "one double", "half", "whole"],
)
def test_the_dtype_is_double_unless_all_that_floats_is_single(function, arguments, dtype):
    found = function(*arguments)
    assert {a.dtype for a in found} == {np.dtype(dtype)}
    wide = function(*(np.asarray(a, float) for a in arguments))
    for got, wanted in zip(found, wide, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12 if dtype is np.float64 else 1e-5)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"X": np.ma.masked_greater(XV, 0)}, "X has masked entries; X.filled"),
        ({"b": np.ma.masked}, "b has masked entries"),
        ({"X": XV + 0j}, "X has dtype complex128"),
        ({"X": XV.astype(object)}, "X has dtype object"),
        ({"y": np.arange(6).astype("M8[s]")}, r"y has dtype datetime64\[s\]"),
        ({"y": np.arange(6).astype("m8[s]")}, r"y has dtype timedelta64\[s\]"),
        ({"w": set(WV)}, "w has dtype object"),
        ({"w": w}, "w is no array of numbers"),
        ({"X": [[1, 2], [3]]}, "X is no array of numbers"),
        ({"b": 10**400}, "b has dtype object"),
    ],
)
def test_what_is_no_array_of_real_numbers_is_refused(function, change, message):
    with pytest.raises(DtypeError, match=message):
        function(**({"X": XV, "w": WV, "y": YV, "b": BV} | change))


v, k = sd.var("v", "n"), sd.var("k", "m")


@pytest.mark.parametrize("options", [{}, {"reuse_buffers": True}, {"fast": False}])
def test_indices(options):
    f = sd.lower([v[k], sd.grad(sd.sum(v[k] ** 2), v)], [v, k], **options)
    values = np.arange(6.0)
    for index in ([0, 2, 5], [-1, -6, 0], [0.0, 2.0, 2.0], [True, False], np.array([0, 5], np.uint8), np.arange(6)[::-2], []):
        at = np.asarray(index).astype(int)
        slope = np.zeros(6)
        np.add.at(slope, at, 2 * values[at])
        taken, gradient = f(values, index)
        np.testing.assert_array_equal(taken, values[at])
        np.testing.assert_array_equal(gradient, slope)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for index in ([0.5], [np.nan], [np.inf], [1e300], np.array([2**63 + 1], np.uint64)):
            with pytest.raises(DtypeError, match="k is an index and must hold whole numbers"):
                f(values, index)
    for index in ([6], [-7]):
        with pytest.raises(IndexError, match="out of bounds"):
            f(values, index)


@pytest.mark.parametrize("shape", [(6, 0), (1, 4), (6, 1), (1, 1)])
def test_sizes_of_none_and_one(function, shape):
    n, d = shape
    data = RNG.normal(size=shape), RNG.normal(size=d), RNG.normal(size=n)
    z = data[0] @ data[1] + BV - data[2]
    s = 1 / (1 + np.exp(-z))
    wanted = [np.mean(np.logaddexp(0, z)), data[0].T @ s / n, np.mean(s)]
    for got, right in zip(function(*data, BV), wanted, strict=True):
        np.testing.assert_allclose(got, right, rtol=1e-12)


@pytest.mark.parametrize("options", [{}, {"reuse_buffers": True}, {"fast": False}])
@pytest.mark.parametrize("d", [0, 3])
def test_sums_over_nothing(options, d):
    total = sd.sum(sd.softplus(X @ w + b - y))
    f = sd.lower([total, X @ w, *sd.grad(total, [w, b]), sd.concatenate([X, X]), sd.cumsum(y)], [X, w, y, b], **options)
    found = f(np.zeros((0, d)), np.ones(d), np.zeros(0), BV)
    for got, wanted in zip(found, (0.0, np.zeros(0), np.zeros(d), 0.0, np.zeros((0, d)), np.zeros(0)), strict=True):
        np.testing.assert_array_equal(got, wanted, strict=True)


A, B = sd.var("A", ("n", "n")), sd.var("B", ("n", "n"))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("options", [{}, {"reuse_buffers": True}, {"fast": True, "sizes": {"n": 20}}])
def test_products_are_written_to_memory_in_c_order_alone(order, options):
    """np.dot takes no other `out=`; elementwise results are in Fortran order where the operands are."""
    m = sd.tanh(A @ B)
    z = sd.exp(-(m @ (B + sd.sum(sd.tanh(A.T)))))
    outputs = [z @ B + 1, z, m.T @ sd.relu(B.T) + sd.sum(A + B.T, axis=0)]
    values = [np.asarray(RNG.normal(size=(20, 20)) / 20, order=order) for _ in "AB"]
    for got, wanted in zip(sd.lower(outputs, [A, B], **options)(*values), sd.lower(outputs, [A, B], fast=False)(*values), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12)


def test_products_are_not_written_to_what_was_turned_round():
    """A scan from the end is a view with steps back."""
    outputs = [sd.grad(sd.sum(sd.sin(y[0] * sd.prod(y))), y), sd.grad(sd.sum(sd.cumsum(sd.cumprod(y)) * y), y)]
    total = sd.sum(outputs[0] * sd.cos(outputs[1]))
    every = [*outputs, sd.grad(total, y)]
    values = RNG.normal(size=7)
    for got, wanted in zip(sd.lower(every, [y])(values), sd.lower(every, [y], fast=False)(values), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-11)
