"""Every elementwise function: its derivative against a numeric one, forward against reverse, to second order."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

import symdiff as sd
from symdiff.calculus import gradient, jvp, pushforward
from symdiff.errors import MissingRule
from symdiff.expr import ops
from symdiff.expr.build import apply
from symdiff.expr.functions import FUNCTIONS
from symdiff.expr.leaves import var
from symdiff.rules.elementwise import CHOICES, DERIVATIVES
from tests.reference import evaluate

# the interval of each argument, where the function is smooth
REAL = (-2.0, 2.0)
INTERVALS: dict[str, tuple[tuple[float, float], ...]] = {
    "pow": ((0.3, 3.0), (-2.0, 3.0)), "log": ((0.2, 5.0),), "log2": ((0.2, 5.0),), "log10": ((0.2, 5.0),), "log1p": ((-0.8, 5.0),),
    "cbrt": ((0.2, 3.0),), "arcsin": ((-0.9, 0.9),), "arccos": ((-0.9, 0.9),), "arccosh": ((1.2, 4.0),), "arctanh": ((-0.9, 0.9),),
    "tan": ((-1.2, 1.2),), "arctan2": ((0.2, 2.0), (0.3, 2.0)), "hypot": ((0.2, 2.0), (-2.0, -0.2)), "abs": ((0.1, 3.0),), "sinc": ((0.3, 1.7),),
    "sign": ((0.1, 3.0),), "floor": ((0.1, 0.9),), "ceil": ((0.1, 0.9),), "rint": ((0.6, 0.9),), "trunc": ((0.1, 0.9),),
    "maximum": ((0.5, 1.0), (-1.0, 0.4)), "minimum": ((0.5, 1.0), (-1.0, 0.4)), "mod": ((0.1, 0.9), (1.0, 2.0)),
    "floor_divide": ((0.1, 0.9), (1.0, 2.0)), "gammaln": ((0.3, 5.0),), "digamma": ((0.3, 5.0),), "polygamma": ((2.0, 2.0), (0.4, 5.0)),
    "relu": ((0.1, 3.0),), "leaky_relu": ((-3.0, -0.1), (0.1, 0.5)), "elu": ((-3.0, -0.1), (0.5, 1.5)), "where": ((1.0, 1.0), REAL, REAL),
}  # fmt: skip


def numeric(f, x: np.ndarray) -> np.ndarray:
    """Richardson's extrapolation of the central difference, entry by entry."""
    h = 1e-3
    d = lambda s: (f(x + s) - f(x - s)) / (2 * s)
    return (64 * d(h / 4) - 20 * d(h / 2) + d(h)) / 45


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_derivative_matches_numeric_to_second_order(name: str) -> None:
    arity = FUNCTIONS[name].arity
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    args = [var(f"x{k}", 3) for k in range(arity)]
    y = apply(name, *args)
    point = {a: rng.uniform(*i, size=3) for a, i in zip(args, INTERVALS.get(name, (REAL,) * arity), strict=True)}
    for a in args:
        if a is args[0] and name in ("polygamma", "where"):
            continue
        first = gradient(ops.sum(y), [a])[0]
        second = gradient(ops.sum(first), [a])[0]
        for lower, upper in ((y, first), (first, second)):
            expected = numeric(lambda v, e=lower, a=a: evaluate(e, {**point, a: v}).astype(float), point[a])
            np.testing.assert_allclose(evaluate(upper, point), expected, rtol=2e-7, atol=2e-7)
        tangent = var("t", 3)
        forward = jvp(y, [a], [tangent])
        np.testing.assert_allclose(evaluate(forward, {**point, tangent: np.ones(3)}), evaluate(first, point), rtol=1e-12, atol=1e-12)


def test_every_function_has_one_rule() -> None:
    assert set(FUNCTIONS) == set(DERIVATIVES) | {"where", "maximum", "minimum"}
    assert not set(DERIVATIVES) & set(CHOICES)
    for name, rule in DERIVATIVES.items():
        assert len(rule.partials) == FUNCTIONS[name].arity, name


CONVENTIONS = [
    (lambda x: ops.relu(x), 0.0, 0.0),
    (lambda x: ops.absolute(x), 0.0, 0.0),
    (lambda x: ops.maximum(x, 0), 0.0, 0.0),
    (lambda x: ops.maximum(0, x), 0.0, 0.0),
    (lambda x: ops.minimum(x, 0), 0.0, 0.0),
    (lambda x: ops.maximum(x, x * 3), 0.0, 3.0),
    (lambda x: ops.leaky_relu(x, 0.1), 0.0, 0.1),
    (lambda x: ops.sign(x), 0.0, 0.0),
    (lambda x: ops.floor(x), 1.0, 0.0),
    (lambda x: ops.hypot(x, 0), 0.0, 0.0),
    (lambda x: ops.sinc(x), 0.0, 0.0),
]


@pytest.mark.parametrize(("f", "at", "expected"), CONVENTIONS)
def test_conventions_where_no_derivative_exists(f, at: float, expected: float) -> None:
    x = var("x")
    assert evaluate(gradient(f(x), [x])[0], {x: np.array(at)}) == expected


DELICATE = [
    ("tanh", 1000.0, 0.0),
    ("tanh", -1000.0, 0.0),
    ("sigmoid", 1000.0, 0.0),
    ("sigmoid", -1000.0, 0.0),
    ("softplus", 1000.0, 1.0),
    ("softplus", -1000.0, 0.0),
    ("log_sigmoid", -1000.0, 1.0),
    ("log_sigmoid", 1000.0, 0.0),
    ("relu", -1e300, 0.0),
    ("erf", 100.0, 0.0),
    ("sinc", 1e-9, -(np.pi**2) / 3 * 1e-9),
]


@pytest.mark.parametrize(("name", "at", "expected"), DELICATE)
def test_delicate_points_are_finite_and_right(name: str, at: float, expected: float) -> None:
    x = var("x")
    np.testing.assert_allclose(evaluate(gradient(apply(name, x), [x])[0], {x: np.array(at)}), expected, rtol=1e-12)


def test_a_masked_infinity_does_not_become_nan() -> None:
    x = var("x", 2)
    g = gradient(ops.sum(ops.where(ops.greater(x, 0), ops.log(x), 0)), [x])[0]
    np.testing.assert_array_equal(evaluate(g, {x: np.array([2.0, 0.0])})[0], 0.5)
    tangent = pushforward([ops.where(ops.greater(x, 0), 1 / x, x)], {x: ops.ones((2,))})[0]
    np.testing.assert_array_equal(evaluate(tangent, {x: np.array([2.0, 0.0])}), [-0.25, 1.0])


def test_a_function_without_rule_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(DERIVATIVES, "erf")
    x = var("x")
    with pytest.raises(MissingRule, match="erf"):
        gradient(ops.erf(x), [x])


@pytest.mark.parametrize("simplify", (True, False))
def test_a_masked_infinity_is_not_nan_in_reverse_mode(simplify: bool) -> None:
    x = sd.var("x", "n")
    g = sd.lower(sd.grad(sd.sum(sd.where(x > 0, x * sd.log(x), 0)), x), simplify=simplify)
    with np.errstate(divide="ignore", invalid="ignore"):
        np.testing.assert_array_equal(g([1.0, 0.0, -1.0]), [1, 0, 0])


@pytest.mark.parametrize("f", (sd.relu, lambda x: sd.maximum(x, 0), lambda x: sd.abs(x) + sd.relu(x)))
@pytest.mark.parametrize("simplify", (True, False))
def test_a_derivative_is_a_number_never_a_truth_value(f, simplify: bool) -> None:
    x = sd.var("x", "n")
    assert sd.lower(sd.grad(sd.sum(f(x)), x), simplify=simplify)([1.0, -1.0]).dtype == np.float64
    assert sd.lower(x > 0)([1.0, -1.0]).dtype == bool
