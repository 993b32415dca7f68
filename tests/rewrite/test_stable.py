"""Losses written naively: their programs and gradients are finite and right to 1e-12, against 50 digits, for inputs to +-1e4."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath as mp
import numpy as np
import pytest

import symdiff as sd

mp.mp.dps = 50
POINTS = [-1e4, -745.0, -40.0, -1.5, -1e-9, 0.0, 1e-9, 0.3, 2.0, 36.7, 710.0, 1e4]
log1p, expm1 = mp.log1p, mp.expm1


def sigmoid(v: Any) -> Any:
    return 1 / (1 + mp.exp(-v))


def softplus(v: Any) -> Any:
    return log1p(mp.exp(-abs(v))) + max(v, 0)


def logcosh(v: Any) -> Any:
    return abs(v) + log1p(mp.exp(-2 * abs(v))) - mp.log(2) if abs(v) > 1 else mp.log(mp.cosh(v))


@dataclass(frozen=True, eq=False)
class Case:
    """A NumPy function of x, its value and its derivative in mpmath."""

    name: str
    f: Callable[[Any], Any]
    value: Callable[[Any], Any]
    derivative: Callable[[Any], Any]

    def __str__(self) -> str:
        return self.name


def one_minus(x: Any) -> Any:
    return 1 - 1 / (1 + np.exp(-x))


THREE, TENTH = mp.mpf(3), mp.mpf(0.3)
CASES = [
    Case("log of sigmoid", lambda x: np.log(1 / (1 + np.exp(-x))), lambda v: -softplus(-v), lambda v: sigmoid(-v)),
    Case("minus log of 1 + exp", lambda x: -np.log(1 + np.exp(-x)), lambda v: -softplus(-v), lambda v: sigmoid(-v)),
    Case("log of 1 - sigmoid", lambda x: np.log(one_minus(x)), lambda v: -softplus(v), lambda v: -sigmoid(v)),
    Case("log of a quotient", lambda x: np.log(np.exp(x) / (1 + np.exp(x))), lambda v: -softplus(-v), lambda v: sigmoid(-v)),
    Case("exp over 1 + exp", lambda x: np.exp(x) / (1 + np.exp(x)), sigmoid, lambda v: sigmoid(v) * sigmoid(-v)),
    Case("1 over 1 + exp", lambda x: 1 / (1 + np.exp(x)), lambda v: sigmoid(-v), lambda v: -sigmoid(v) * sigmoid(-v)),
    Case("1 - sigmoid", one_minus, lambda v: sigmoid(-v), lambda v: -sigmoid(v) * sigmoid(-v)),
    Case("softplus", lambda x: np.log(1 + np.exp(x)), softplus, sigmoid),
    Case("softplus by log1p", lambda x: np.log1p(np.exp(x)), softplus, sigmoid),
    Case("softplus with a factor", lambda x: np.log(1 + np.exp(3 * x)) / 3, lambda v: softplus(3 * v) / 3, lambda v: sigmoid(3 * v)),
    Case("softplus by its larger side", lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))), softplus, sigmoid),
    Case("logaddexp with 0", lambda x: np.logaddexp(0, x), softplus, sigmoid),
    Case(
        "cross-entropy of a sigmoid",
        lambda x: -(0.3 * np.log(1 / (1 + np.exp(-x))) + 0.7 * np.log(one_minus(x))),
        lambda v: TENTH * softplus(-v) + mp.mpf(0.7) * softplus(v),
        lambda v: mp.mpf(0.7) * sigmoid(v) - TENTH * sigmoid(-v),
    ),
    Case("cross-entropy from logits", lambda x: np.log(1 + np.exp(x)) - 0.3 * x, lambda v: softplus(v) - TENTH * v, lambda v: sigmoid(v) - TENTH),
    Case(
        "cross-entropy by the larger side",
        lambda x: np.maximum(x, 0) - 0.3 * x + np.log(1 + np.exp(-np.abs(x))),
        lambda v: softplus(v) - TENTH * v,
        lambda v: sigmoid(v) - TENTH,
    ),
    Case("x times sigmoid", lambda x: x / (1 + np.exp(-x)), lambda v: v * sigmoid(v), lambda v: sigmoid(v) * (1 + v * sigmoid(-v))),
    Case(
        "x times exp over 1 + exp", lambda x: x * np.exp(x) / (1 + np.exp(x)), lambda v: v * sigmoid(v), lambda v: sigmoid(v) * (1 + v * sigmoid(-v))
    ),
    Case("tanh by a sigmoid", lambda x: 2 / (1 + np.exp(-2 * x)) - 1, mp.tanh, lambda v: 4 * sigmoid(2 * v) * sigmoid(-2 * v)),
    Case("log of cosh", lambda x: np.log(np.cosh(x)), logcosh, mp.tanh),
    Case("log of 1 - tanh squared", lambda x: np.log(1 - np.tanh(x) ** 2), lambda v: -2 * logcosh(v), lambda v: -2 * mp.tanh(v)),
    Case("log of two exponentials", lambda x: np.log(np.exp(x) + np.exp(-x)), lambda v: logcosh(v) + mp.log(2), mp.tanh),
    Case("log-odds", lambda x: np.log((1 / (1 + np.exp(-x))) / one_minus(x)), lambda v: v, lambda v: mp.mpf(1)),
    Case("difference of logs", lambda x: np.log(1 / (1 + np.exp(-x))) - np.log(one_minus(x)), lambda v: v, lambda v: mp.mpf(1)),
    Case(
        "exp over exp and a number",
        lambda x: np.exp(x) / (np.exp(x) + 3),
        lambda v: sigmoid(v - mp.log(3)),
        lambda v: sigmoid(v - mp.log(3)) * sigmoid(mp.log(3) - v),
    ),
    Case("log of a number and exp", lambda x: np.log(3 + np.exp(x)), lambda v: softplus(v - mp.log(3)) + mp.log(3), lambda v: sigmoid(v - mp.log(3))),
    Case(
        "focal loss",
        lambda x: -((1 - 1 / (1 + np.exp(-x))) ** 2) * np.log(1 / (1 + np.exp(-x))),
        lambda v: sigmoid(-v) ** 2 * softplus(-v),
        lambda v: -(sigmoid(-v) ** 2) * (2 * sigmoid(v) * softplus(-v) + sigmoid(-v)),
    ),
    Case("root of x squared + 1", lambda x: np.sqrt(x**2 + 1), lambda v: mp.sqrt(v * v + 1), lambda v: v / mp.sqrt(v * v + 1)),
]  # fmt: skip


def assert_close(found: Any, expected: Any) -> None:
    """To 1e-12 relative; a number too small for a float may be 0."""
    for a, b in zip(np.ravel(found), expected, strict=True):
        assert np.isfinite(a)
        assert abs(mp.mpf(float(a)) - b) <= mp.mpf("1e-12") * abs(b) + mp.mpf("1e-300"), (float(a), mp.nstr(b, 17))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_lowered_value_and_gradient(case: Case) -> None:
    """Lowered together, and each alone."""
    x = sd.var("x", shape="n")
    loss = case.f(x)
    g = sd.grad(sd.sum(loss), x)
    points = np.array(POINTS)
    values, slopes = [case.value(mp.mpf(p)) for p in POINTS], [case.derivative(mp.mpf(p)) for p in POINTS]
    with np.errstate(all="ignore"):
        together = sd.lower([loss, g], [x])(points)
        assert_close(together[0], values)
        assert_close(together[1], slopes)
        assert_close(sd.lower(loss, [x])(points), values)
        assert_close(sd.lower(g, [x])(points), slopes)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradient_of_the_function(case: Case) -> None:
    points = np.array(POINTS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        slopes = sd.grad(lambda x: np.sum(case.f(x)))(points)
    assert_close(slopes, [case.derivative(mp.mpf(p)) for p in POINTS])


# --- several exponentials ---------------------------------------------------------------------------------------------
ROWS = [
    np.array([0.3, -1.2, 2.0]),
    np.array([1e4, -1e4, 9990.0]),
    np.array([-1e4, -9999.5, -9999.0]),
    np.array([700.0, 710.0, 0.0]),
    np.zeros(3),
]
Y = np.array([0.2, 0.5, 0.3])


def probabilities(z: np.ndarray) -> list[Any]:
    top = max(z)
    e = [mp.exp(mp.mpf(v) - mp.mpf(top)) for v in z]
    return [v / sum(e) for v in e]


SOFTMAX: dict[str, Callable[[Any], Any]] = {
    "log of softmax": lambda z: -np.sum(Y * np.log(np.exp(z) / np.sum(np.exp(z)))),
    "shifted": lambda z: -np.sum(Y * np.log(np.exp(z - np.max(z)) / np.sum(np.exp(z - np.max(z))))),
    "log of the sum": lambda z: np.log(np.sum(np.exp(z))) - np.sum(Y * z),
    "by a name": lambda z: _cross_entropy(np.exp(z) / np.exp(z).sum()),
    "written out": lambda z: np.log(np.exp(z[0]) + np.exp(z[1]) + np.exp(z[2])) - Y @ z,
}


def _cross_entropy(p: Any) -> Any:
    return -np.dot(Y, np.log(p))


@pytest.mark.parametrize("z", ROWS, ids=str)
@pytest.mark.parametrize("name", SOFTMAX)
def test_cross_entropy_of_a_softmax(name: str, z: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = sd.grad(SOFTMAX[name])(z)
    total = mp.fsum(mp.mpf(y) for y in Y)
    for a, p, y in zip(found, probabilities(z), Y, strict=True):
        assert abs(mp.mpf(float(a)) - (p * total - mp.mpf(y))) < mp.mpf("1e-12")


@pytest.mark.parametrize("z", ROWS, ids=str)
def test_quotient_of_two_exponentials(z: np.ndarray) -> None:
    """exp(a) / (exp(a) + exp(b)) and its gradient."""
    a, b = sd.var("a", shape="n"), sd.var("b", shape="n")
    p = np.exp(a) / (np.exp(a) + np.exp(b))
    f = sd.lower([p, *sd.grad(sd.sum(p), [a, b])], [a, b])
    with np.errstate(all="ignore"):
        value, da, db = f(z, np.roll(z, 1))
    gaps = [mp.mpf(u) - mp.mpf(v) for u, v in zip(z, np.roll(z, 1), strict=True)]
    assert_close(value, [sigmoid(g) for g in gaps])
    assert_close(da, [sigmoid(g) * sigmoid(-g) for g in gaps])
    assert_close(db, [-sigmoid(g) * sigmoid(-g) for g in gaps])


# --- 0 / 0 and 0 * log 0 ------------------------------------------------------------------------------------------------
ZERO = np.zeros(3)
EQUAL = np.full(3, 2.0)
AT_ZERO: dict[str, tuple[Callable[[Any], Any], np.ndarray]] = {
    "root of a sum of squares": (lambda x: np.sqrt(np.sum(x**2)), ZERO),
    "root of a scalar product": (lambda x: np.sqrt(x @ x), ZERO),
    "norm": (np.linalg.norm, ZERO),
    "norm of order 3": (lambda x: np.linalg.norm(x, 3), ZERO),
    "Frobenius norm": (np.linalg.norm, np.zeros((2, 2))),
    "roots of squares": (lambda x: np.sum(np.sqrt(x**2)), ZERO),
    "standard deviation": (np.std, EQUAL),
    "standard deviation of a sample": (lambda x: np.std(x, ddof=1), EQUAL),
    "standard deviation by hand": (lambda x: np.sqrt(np.mean((x - x.mean()) ** 2)), EQUAL),
    "standard deviations of columns": (lambda x: np.std(x, axis=0).sum(), np.ones((3, 2))),
    "residual": (lambda x: np.linalg.norm(np.arange(6.0).reshape(2, 3) @ x), ZERO),
    "distance": (lambda x: np.linalg.norm(x - EQUAL), EQUAL),
    "two coordinates": (lambda x: np.sqrt(x[0] ** 2 + x[1] ** 2), ZERO),
    "hypot": (lambda x: np.hypot(x[0], x[1]), ZERO),
}


@pytest.mark.parametrize("name", AT_ZERO)
def test_gradient_of_a_norm_at_zero_is_zero(name: str) -> None:
    f, x = AT_ZERO[name]
    np.testing.assert_array_equal(sd.grad(f)(x), np.zeros(x.shape))


def test_norms_of_rows_one_of_them_zero() -> None:
    rows = np.array([[0.0, 0.0], [3.0, 4.0]])
    np.testing.assert_allclose(sd.grad(lambda x: np.linalg.norm(x, axis=1).sum())(rows), [[0, 0], [0.6, 0.8]])


def test_distances_of_all_pairs() -> None:
    """The diagonal is 0 / 0."""
    points = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    found = sd.grad(lambda x: np.sum(np.sqrt(np.sum((x[:, None] - x[None]) ** 2, -1))))(points)
    np.testing.assert_allclose(found, np.sqrt(8.0) * np.array([[-1.0, -1.0], [0.0, 0.0], [1.0, 1.0]]), atol=1e-14)


def test_a_quotient_that_is_infinite_stays_so() -> None:
    x = sd.var("x", shape="n")
    with np.errstate(all="ignore"):
        assert sd.lower(1 / np.linalg.norm(x), [x])(ZERO) == np.inf
        assert sd.grad(np.sqrt)(0.0) == np.inf


@pytest.mark.parametrize(
    ("f", "expected"),
    [(lambda p: np.sum(p * np.log(p)), np.log(0.5) / 2), (lambda p: np.sum(p * np.log(p / 0.25)), np.log(2) / 2)],
    ids=["entropy", "relative entropy"],
)
def test_u_log_u_at_zero(f: Callable[[Any], Any], expected: float) -> None:
    """The value is 0; the derivative log u + 1 is -inf, as it is."""
    p = sd.var("p", shape="n")
    value, g = (sd.lower(e, [p]) for e in (f(p), sd.grad(f(p), p)))
    at = np.array([0.0, 0.5])
    assert value(at) == pytest.approx(expected, rel=1e-14)
    with np.errstate(all="ignore"):
        assert g(at)[0] == -np.inf
        assert np.isfinite(g(at)[1])


def test_an_exponential_of_a_number_hides_no_logistic_function() -> None:
    x, t = sd.var("x", "n"), sd.var("t")
    loss = sd.sum(sd.log1p(sd.exp(x * sd.exp(-t))))
    assert str(sd.hessian(loss, x)).splitlines()[0] == "exp(−2·t) diag(p ⊙ (1 − p))"
    curvature = sd.lower(sd.hvp(loss, x, sd.ones("n")), [x, t])(np.array([1000.0, -1000.0, 0.0]), 0.0)
    np.testing.assert_array_equal(curvature, [0.0, 0.0, 0.25])
