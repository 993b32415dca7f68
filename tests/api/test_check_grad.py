"""check_grad: pairs of NumPy functions, right and wrong, smooth and not, small and large."""

from __future__ import annotations

import numpy as np
import pytest

import symdiff as sd

A = np.arange(12.0).reshape(3, 4) / 7 - 0.6
S = np.arange(9.0).reshape(3, 3) / 5 - 0.8


def rosen(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rosen_gradient(x):
    g = np.zeros_like(x)
    g[:-1] += -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    g[1:] += 200 * (x[1:] - x[:-1] ** 2)
    return g


RIGHT = {
    "rosen": (rosen, rosen_gradient, [1.2, -0.5, 0.3, 2.0]),
    "many entries": (rosen, rosen_gradient, np.linspace(-1, 1, 500)),
    "scales far apart": (lambda x: np.sum(np.log(x)), lambda x: 1 / x, [1e-3, 1.0, 1e3]),
    "large values": (lambda x: np.sum(np.exp(x)), np.exp, [10.0, 30.0]),
    "constant": (lambda x: 5.0, np.zeros_like, [0.0, 1.0]),
    "near a kink": (lambda x: np.sum(np.maximum(x, 0)), lambda x: (x > 0) * 1.0, [0.05, -0.02]),
    "near the end of the domain": (lambda x: np.sum(np.sqrt(x)), lambda x: 0.5 / np.sqrt(x), [1e-4, 2.0]),
    "matrix": (lambda x: np.sum((A @ x) ** 2), lambda x: 2 * A.T @ (A @ x), np.ones((4, 2))),
    "number": (np.sin, np.cos, 0.7),
    "whole numbers": (lambda x: np.sum(x**3), lambda x: 3 * x**2, [1, 2]),
    "empty": (np.sum, np.zeros_like, np.zeros(0)),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_gradients_pass_to_many_digits(name):
    f, g, x = RIGHT[name]
    found = sd.check_grad(f, g, np.asarray(x))
    assert found.ok and bool(found) and float(found) == found.error < 1e-9 and found.uncertainty < 1e-4
    assert found.text().startswith("right: ")


WRONG = {
    "a factor": (lambda x: np.sum(x**2), lambda x: x, [1.0, 2.0], "0.5 times the right one"),
    "a sign": (lambda x: np.sum(x**2), lambda x: -2 * x, [1.0, 2.0], "minus the right one"),
    "a transpose": (lambda x: np.trace(S @ x), lambda x: S, np.eye(3), "the transpose of the right one"),
    "one entry": (lambda x: np.sum(np.cos(x)), lambda x: -np.sin(x) + np.array([0, 1e-4]), [0.3, 0.4], "entry [1]"),
    "not a number": (lambda x: np.sum(x**2), lambda x: x * np.nan, [1.0, 2.0], "nan"),
    "many entries": (rosen, lambda x: 1.001 * rosen_gradient(x), np.linspace(-1, 1, 500), "along a direction"),
    "at a kink": (lambda x: np.sum(np.abs(x)), lambda x: np.sign(x) + 1, [0.0, 1.0], "entry"),
    "a jump": (lambda x: float(x[0] >= 1), np.zeros_like, [1.0], "not smooth enough"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_gradients_are_found_and_described(name):
    f, g, x, said = WRONG[name]
    found = sd.check_grad(f, g, np.asarray(x))
    assert not found.ok and said in found.text()
    with pytest.raises(sd.ClaimWrong, match="check_grad: wrong"):
        sd.check_grad(f, g, np.asarray(x), raises=True)


def test_small_errors_are_seen_and_tolerance_is_the_callers():
    f, g, x = (lambda x: np.sum(x**2)), (lambda x: 2 * x * (1 + 1e-7)), np.array([0.5, -0.2])
    assert sd.check_grad(f, g, x) and not sd.check_grad(f, g, x, rtol=1e-9)
    assert 0.9e-7 < sd.check_grad(f, g, x).error < 1.1e-7


def test_further_arguments_go_to_both_functions_and_x_is_left_alone():
    def f(x, p):
        x *= 1.0
        return np.sum(x**p)

    x = np.array([1.0, 2.0])
    assert sd.check_grad(f, lambda x, p: p * x ** (p - 1), x, 3)
    np.testing.assert_array_equal(x, [1.0, 2.0])


def test_our_own_gradients_pass():
    x = np.array([0.2, 0.4, 1.7])
    assert sd.check_grad(rosen, sd.grad(rosen), x)


@pytest.mark.parametrize(
    ("f", "g", "x", "error", "said"),
    [
        (lambda x: x, np.ones_like, np.ones(2), sd.ShapeError, "a number is wanted"),
        (np.sum, lambda x: np.ones(3), np.ones(2), sd.ShapeError, r"\(2,\), the gradient \(3,\)"),
        (np.sum, lambda x: np.ones((3, 2)), np.ones((2, 3)), sd.ShapeError, "it is transposed"),
        (np.sum, np.ones_like, np.array([1j]), sd.DtypeError, "real numbers"),
    ],
)
def test_what_cannot_be_compared_is_refused(f, g, x, error, said):
    with pytest.raises(error, match=said):
        sd.check_grad(f, g, x)
