"""Calls past the checks that are written out as source: each argument that is not quite the usual one gives what the slow way gives."""

from __future__ import annotations

import gc
import pickle
import weakref
from functools import partial

import numpy as np
import pytest

from symdiff.errors import BindingError, DtypeError
from symdiff.expr import ops as o
from symdiff.expr.leaves import var
from symdiff.lowering.lowered import Lowered, lower

A, x, b = var("A", (2, 2)), var("x", 2), var("b")
X, w = var("X", ("n", "d")), var("w", "d")
AV, XV, BV = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0.5, -1.0]), np.float64(0.25)
VALUE = np.tanh(AV @ XV + BV)


def tiny(structure=list) -> Lowered:
    e = o.tanh(A @ x + b)
    return lower(structure([e, o.sum(e)]), [A, x, b])


def warm(f: Lowered, *args):
    """The function after a call that lets the function on floats take over."""
    f(*args)
    return f


class Shadow(np.ndarray):
    pass


USUAL_AND_NOT = {
    "itself": lambda a: a,
    "list": lambda a: a.tolist(),
    "transposed": lambda a: a.T.copy().T,
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "backwards": lambda a: a[::-1].copy()[::-1],
    "other order of bytes": lambda a: a.astype(a.dtype.newbyteorder()),
    "subclass": lambda a: a.view(Shadow),
    "read-only": lambda a: np.broadcast_to(a, a.shape),
    "unpickled": lambda a: pickle.loads(pickle.dumps(a)),
    "object and back": lambda a: a.astype(object).astype(float),
}


@pytest.mark.parametrize("form", USUAL_AND_NOT.values(), ids=USUAL_AND_NOT)
@pytest.mark.parametrize("place", [0, 1])
def test_arrays_of_every_kind(form, place):
    f = warm(tiny(), AV, XV, BV)
    args = [AV, XV, BV]
    args[place] = form(args[place])
    got = f(*args)
    np.testing.assert_array_equal(got[0], warm(tiny(), AV, XV, BV)(AV, XV, BV)[0])
    np.testing.assert_allclose(got[0], VALUE, rtol=1e-15)
    assert got[0].flags.owndata and type(got[0]) is np.ndarray and type(got[1]) is np.float64


@pytest.mark.parametrize("scalar", [np.float64(0.25), 0.25, np.array(0.25), np.float32(0.25), np.array(0.25, np.float32)])
def test_scalars_of_every_kind(scalar):
    np.testing.assert_allclose(warm(tiny(), AV, XV, BV)(AV, XV, scalar)[0], VALUE, rtol=1e-15)


@pytest.mark.parametrize("whole", [2, np.int64(2), np.array(2), np.uint8(2)])
def test_whole_scalars_are_real(whole):
    np.testing.assert_allclose(warm(tiny(), AV, XV, BV)(AV, XV, whole)[0], np.tanh(AV @ XV + 2), rtol=1e-15)


def test_float32_and_float64_take_turns():
    f = tiny()
    small = [AV.astype(np.float32), XV.astype(np.float32)]
    for _ in range(3):
        assert f(AV, XV, BV)[0].dtype == np.float64
        assert f(*small, 0.25)[0].dtype == np.float32
        assert f(*small, np.float32(0.25))[0].dtype == np.float32
        assert f(*small, np.array(0.25))[0].dtype == np.float64
        assert f(small[0], XV, BV)[0].dtype == np.float64


@pytest.mark.parametrize(
    "args, message",
    [
        ((AV, XV), "missing: b"),
        ((), "missing: A, x, b"),
        ((AV, XV, BV, 1.0), "4 arguments for 3 inputs"),
        ((AV[:1], XV, BV), r"A has shape \(1, 2\)"),
        ((AV.reshape(4, 1), XV, BV), r"A has shape \(4, 1\)"),
        ((AV.reshape(2, 2, 1), XV, BV), r"A has shape \(2, 2, 1\)"),
        ((AV[0], XV, BV), r"A has shape \(2,\)"),
        ((AV, XV[:0], BV), r"x has shape \(0,\)"),
        ((AV, XV[:, None], BV), r"x has shape \(2, 1\)"),
        ((AV, XV, XV), r"b has shape \(2,\)"),
        ((AV, XV, XV[:1]), r"b has shape \(1,\)"),
    ],
)
def test_what_does_not_fit_is_refused_before_and_after_the_first_call(args, message):
    f = tiny()
    for _ in range(2):
        with pytest.raises(BindingError, match=message):
            f(*args)
        f(AV, XV, BV)
    with pytest.raises(DtypeError, match="b has dtype"):
        f(AV, XV, None)


def test_arguments_by_name_after_the_first_call():
    f = warm(tiny(), AV, XV, BV)
    np.testing.assert_array_equal(f(x=XV, b=BV, A=AV)[0], f(AV, XV, BV)[0])
    np.testing.assert_array_equal(f(AV, b=BV, x=XV)[0], f(AV, XV, BV)[0])
    with pytest.raises(BindingError, match="given twice"):
        f(AV, XV, BV, A=AV)


@pytest.mark.parametrize("structure", [list, tuple, lambda es: dict(zip("pq", es, strict=False))])
@pytest.mark.parametrize("size", [2, 60], ids=["on floats", "on arrays"])
def test_every_call_gives_the_structure(structure, size):
    y = var("y", "n")
    for outputs in ([2 * y], [2 * y, o.sum(y)]):
        f = lower(structure(outputs), [y])
        results = [f(np.ones(size)), f(np.ones(size)), f([1.0] * size)]
        assert [type(r) for r in results] == [type(structure(outputs))] * 3 and all(len(r) == len(outputs) for r in results)
        if isinstance(results[0], dict):
            assert all(list(r) == list("pq")[: len(outputs)] for r in results)


def test_where_floats_raise_after_the_function_on_floats_took_over():
    f = lower([1 / x, o.log(x)], [x])
    f(np.ones(2))
    with np.errstate(all="ignore"):
        for args in (np.array([0.0, -0.0]), np.array([-1.0, np.inf])):
            for got, wanted in zip(f(args), (1 / args, np.log(args)), strict=True):
                np.testing.assert_array_equal(got, wanted)


def test_sizes_may_change_after_the_function_on_floats_took_over():
    f = lower([X @ w, o.sum(X)], [X, w])
    rng = np.random.default_rng(0)
    for n, d in ((2, 2), (3, 2), (2, 3), (0, 2), (2, 0), (1, 1), (300, 40), (2, 2)):
        data, weights = rng.normal(size=(n, d)), rng.normal(size=d)
        np.testing.assert_allclose(f(data, weights)[0], data @ weights, rtol=1e-13)
        with pytest.raises(BindingError, match=r"w has shape|X has shape"):
            f(data, np.ones(d + 1))


def test_an_empty_leading_axis_is_not_taken_for_another():
    f = lower(o.sum(X) + 0 * o.sum(w), [X, w])
    assert f(np.zeros((0, 2)), np.zeros(2)) == 0.0
    with pytest.raises(BindingError, match=r"w has shape \(2,\); \(d,\) is expected: axis 0 is 2, not 5"):
        f(np.zeros((0, 5)), np.zeros(2))


def test_names_of_inputs_and_results_never_hide_what_the_checks_use():
    names = [
        "real",
        "scalar",
        "kind",
        "type",
        "ndarray",
        "known",
        "missing",
        "otherwise",
        "more",
        "named",
        "empty",
        "float",
        "put_2",
        "run",
    ]
    inputs = [var(name, 2 if k % 2 else ()) for k, name in enumerate(names)]
    total = [o.sum(v) * 2 if v.shape else v * 3 for v in inputs]
    f = lower([*total, inputs[1] * 2], inputs, names={total[0]: "exp", total[2]: "result"})
    values = [np.arange(2.0) + k if k % 2 else float(k) for k in range(len(names))]
    expected = [v.sum() * 2 if np.ndim(v) else v * 3 for v in values]
    for _ in range(2):
        np.testing.assert_array_equal(f(*values)[:-1], expected)


def test_indices_are_whole():
    k, y = var("k", 2), var("y", "n")
    f = lower(o.take(y, k), [y, k])
    for index in (np.array([2, 0]), [2, 0], np.array([2.0, 0.0]), np.array([2, 0], np.int32)):
        for _ in range(2):
            np.testing.assert_array_equal(f(np.array([1.0, 2.0, 3.0]), index), [3.0, 1.0])
    with pytest.raises(DtypeError, match="whole numbers"):
        f(np.ones(3), np.array([0.5, 1.0]))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_unpickled_arrays_pass_as_others_do(dtype, monkeypatch):
    f = tiny()
    args = [AV.astype(dtype), XV.astype(dtype), np.array(BV, dtype)]
    expected = f(*args)
    f(*args)
    monkeypatch.setattr(f, "_binder", None)
    again = pickle.loads(pickle.dumps(args))
    assert again[0].dtype is not args[0].dtype
    np.testing.assert_array_equal(f(*again)[0], expected[0])
    np.testing.assert_array_equal(f(args[0], *again[1:])[0], expected[0])


def test_a_lowered_function_is_let_go_and_can_be_wrapped():
    f = warm(tiny(), AV, XV, BV)
    wrapped = partial(f, AV)
    np.testing.assert_array_equal(wrapped(XV, b=BV)[0], f(AV, XV, BV)[0])
    assert pickle.loads(pickle.dumps(f))(AV, XV, BV)[1] == f(AV, XV, BV)[1]
    seen = weakref.ref(f)
    del f, wrapped
    gc.collect()
    assert seen() is None
