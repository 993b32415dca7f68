"""What `lower` is told, where it contradicts itself, is no number, or speaks of what simplifying has removed."""

from __future__ import annotations

import numpy as np
import pytest

import symdiff as sd

a, x, y = sd.var("a"), sd.var("x"), sd.var("y")
v, X = sd.var("v", "n"), sd.var("X", ("n", "d"))


def test_arguments_stay_in_the_order_of_the_formula_as_it_was_written():
    f = sd.lower((sd.exp(y) - sd.exp(x)) / sd.exp(y))  # becomes 1 - exp(x - y)
    assert f(2.0, 1.0) == pytest.approx(1 - np.exp(-1.0), rel=1e-14)
    assert [i.name for i in f.program.inputs] == ["y", "x"]


def test_arguments_that_simplifying_removes_stay_arguments():
    assert sd.lower(x - x + y)(5.0, 2.0) == 2.0
    assert sd.lower(x - x + y, constants={"x": 5.0})(2.0) == 2.0
    assert sd.lower(x - x + y, [y], constants={"x": 5.0})(2.0) == 2.0


@pytest.mark.parametrize("backend", ["numpy", "auto"])
def test_sizes_that_simplifying_makes_needless_are_taken(backend):
    mean = sd.mean(sd.ones("n") * a)
    assert sd.lower(mean, [a], backend=backend, sizes={"n": 4})(2.0) == 2.0
    assert sd.lower(sd.sum(v) - sd.sum(v) + a, [a, v], fast=True, sizes={"n": 3})(2.0, [1, 2, 3]) == 2.0
    with pytest.raises(sd.errors.BindingError, match="sizes has 'm', which is no dim here"):
        sd.lower(mean, [a], sizes={"n": 4, "m": 2})


@pytest.mark.parametrize("outputs", [[], (), {}], ids=str)
def test_no_outputs(outputs):
    with pytest.raises(sd.errors.BindingError, match="there are no outputs"):
        sd.lower(outputs)


z = sd.var("z", "n - 1")


@pytest.mark.parametrize(
    "value, message",
    [
        (np.ones((2, 2)) + 1j, "the constant 'X' has dtype complex128; real numbers are wanted"),
        (np.array([["1"]]), "the constant 'X' has dtype <U1"),
        ([[10**30]], "the constant 'X' has dtype object"),
        (None, "the constant 'X' has dtype object"),
        ([[1, 2], [3]], "the constant 'X' is no array of numbers"),
        (X, "the constant 'X' is no array of numbers"),
        (np.ma.masked_greater(np.eye(2), 0), "the constant 'X' has masked entries"),
    ],
)
def test_a_constant_that_is_no_array_of_real_numbers(value, message):
    with pytest.raises(sd.errors.DtypeError, match=message):
        sd.lower(X @ sd.ones("d"), constants={"X": value})


def test_a_constant_is_an_array_as_it_was_when_it_was_given():
    data = np.arange(6.0).reshape(3, 2)
    f = sd.lower(sd.sum(X, axis=1), constants={X: data})
    data[:] = np.nan
    np.testing.assert_array_equal(f(), [1, 5, 9])


def test_constants_whose_sizes_are_computed():
    total = sd.sum(z * v[1:])
    assert sd.lower(total, [], constants={z: np.ones(3), v: np.arange(4.0)})() == 6
    assert sd.lower(total, [v], constants={z: np.ones(3)}, sizes={"n": 4})(np.arange(4.0)) == 6
    with pytest.raises(sd.errors.BindingError, match=r"the constant 'z' has a dim n - 1: give the size of n as well, sizes=\{'n': ...\}"):
        sd.lower(total, [v], constants={z: np.ones(3)})
    for constants in ({z: np.ones(4), v: np.ones(4)}, {v: np.ones(4), z: np.ones(4)}):
        with pytest.raises(sd.errors.BindingError, match=r"'z' has shape \(4,\); \(n - 1,\) is expected, n = 4"):
            sd.lower(total, [], constants=constants)


@pytest.mark.parametrize("index", [[0.5, 1.0], [np.nan, 0.0], [np.inf], [1e300], np.array([2**63 + 1], np.uint64)], ids=str)
def test_a_constant_index_holds_whole_numbers(index):
    k = sd.var("k", "m")
    with pytest.raises(sd.errors.ShapeError, match="is no index, which holds whole numbers"):
        sd.lower(v[k], [v], constants={k: index})
    assert sd.lower(v[k], [v], constants={k: [2.0, -1.0]})([5, 6, 7]).tolist() == [7, 7]


@pytest.mark.parametrize("calls", [float("nan"), -1, "many", 1j, [], np.array([1, 2])], ids=str)
def test_a_number_of_calls_is_a_number(calls):
    with pytest.raises(sd.errors.BadSetting, match=r"calls is .*; a number from 0 on is wanted"):
        sd.lower(x, [x], backend="auto", calls=calls)


@pytest.mark.parametrize("calls", [float("inf"), 10**400, 1e300, np.int64(2) ** 62], ids=["inf", "huge", "large", "int64"])
def test_any_number_of_calls_is_compiled_for(calls):
    pytest.importorskip("numba")
    loss = sd.sum((X @ sd.var("w", "d") - v) ** 2)
    f = sd.lower(loss, backend="auto", calls=calls, sizes={"n": 20, "d": 4})
    assert type(f).__name__ == "Compiled"


@pytest.mark.parametrize("backend", [None, 3, "NUMPY"])
def test_a_backend_is_one_of_three(backend):
    with pytest.raises(sd.errors.Unsupported, match=r"there is no backend .* Backends: numpy, numba, auto"):
        sd.lower(x, [x], backend=backend)


@pytest.mark.parametrize(
    "make", [sd.lower, sd.lower_compressed, lambda *a, **o: sd.lower(*a, simplify=False, **o)], ids=["lower", "compressed", "as it is"]
)
@pytest.mark.parametrize("option", ["names", "comments", "sizes", "constants"])
def test_what_is_to_be_a_dict_is_one(make, option):
    with pytest.raises(sd.BindingError, match=f"{option} is of type list; a dict is wanted"):
        make(sd.sum(x), [x], **{option: [3]})
