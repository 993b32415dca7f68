"""Simplifying and lowering keep a value at the points where a part that is not chosen has none."""

from __future__ import annotations

import numpy as np
import pytest

import symdiff as sd

X, V = sd.var("x"), sd.var("v", 3)
CASES = {
    "log of what is not positive": (sd.where(X > 0, sd.log(X), 0), -2.0, 0.0),
    "quotient at 0": (sd.where(X > 0, 1 / X, 0), 0.0, 0.0),
    "root, squared": (sd.where(X > 0, sd.sqrt(X), 0) ** 2, -1.0, 0.0),
    "exp that overflows": (sd.where(X < 0, sd.exp(X), 0), 1000.0, 0.0),
    "second choice": (sd.where(X > 0, 0, sd.log(-X)), 2.0, 0.0),
    "number in front": (sd.where(X > 0, 3 * sd.log(X), 0), -2.0, 0.0),
    "factor of both": (sd.where(X > 0, sd.log(X) * X, X * 2), -2.0, -4.0),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_number_that_is_not_chosen_has_no_say(name):
    e, at, expected = CASES[name]
    assert sd.lower(e, [X])(at) == expected
    assert sd.lower(sd.simplify(e), [X], simplify=False)(at) == expected


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_number_before_a_mask_of_a_vector():
    e = sd.sum(sd.where(V > 0, sd.log(X) * V, 0))
    assert sd.lower(sd.simplify(e), [X, V])(-1.0, -np.ones(3)) == 0.0


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_value_and_gradient_of_a_function_with_a_guard():
    value, slope = sd.value_and_grad(lambda x: np.where(x > 0, np.log(x), 0.0))(-1.0)
    assert (value, slope) == (0.0, 0.0)


def test_what_is_always_finite_stands_in_front():
    lam = sd.var("lam")
    e = sd.simplify(sd.where(V > 0, lam * V, 0))
    assert str(e) == "lam where(v > 0, v, 0)"


@pytest.mark.parametrize("base", [2, 3, 10, 2.5, 0.5])
def test_powers_of_a_number(base):
    e = sd.sum(base**V)
    v = np.array([0.5, -1.0, 2.0])
    assert sd.lower(e, [V])(v) == pytest.approx(np.sum(base**v))
    np.testing.assert_allclose(sd.lower(sd.grad(e, V), [V])(v), np.log(base) * base**v)
    assert sd.simplify(sd.simplify(e)) is sd.simplify(e)


def test_powers_of_a_number_in_functions():
    g = sd.grad(lambda a, b: np.sum(2 ** (a + b)), 1)(np.ones((2, 1)), np.array([1.0, 2.0]))
    np.testing.assert_allclose(g, 2 * np.log(2) * 2 ** np.array([2.0, 3.0]))
    g = sd.grad(lambda a: np.sum(2 ** (a[0] + a)))(np.array([1.0, 2.0]))
    np.testing.assert_allclose(g, np.log(2) * np.array([2 * 4 + 8, 8]))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(np.logspace(x[0], x[1], 5)),
        lambda x: np.sum(10.0 ** np.linspace(x[0], x[1], 5)),
        lambda x: np.sum(np.geomspace(x[0], x[1], 5)),
    ],
    ids=["logspace", "power of linspace", "geomspace"],
)
def test_spaces_between_two_entries(f):
    x = np.arange(1.0, 7.0)
    step = 1e-6
    expected = [(f(x + step * e) - f(x - step * e)) / (2 * step) for e in np.eye(6)]
    np.testing.assert_allclose(sd.grad(f)(x), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_nothing_times_a_constant_without_value_is_not_nothing():
    e = sd.parse("0/0*x", {"x": X})
    assert np.isnan(sd.lower(e, [X])(2.0))
    assert np.isnan(sd.lower(sd.simplify(e), [X], simplify=False)(2.0))
    assert sd.simplify(sd.parse("0*log(2)*x", {"x": X})) is sd.const(0)
