"""Normal forms: what is one thing in mathematics comes out as one expression, and the one that a textbook would print."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import symdiff as sd
from symdiff.expr.algebra import size
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Add
from symdiff.rewrite import Step, simplify
from tests.random_expressions import difference, values_for

x, y, z, v = (sd.var(name, "n") for name in "xyzv")
p = sd.var("p", "n", "positive")
X, W, A, B = sd.var("X", ("n", "d")), sd.var("W", ("d", "k")), sd.var("A", ("n", "n")), sd.var("B", ("n", "n"))
w, S, K = sd.var("w", "d"), sd.var("S", ("n", "n"), "symmetric"), sd.var("K", ("n", "n"), "spd")
a, b, c = sd.var("a"), sd.var("b"), sd.var("c", (), "positive")
n, one = size("n"), sd.ones("n")

FORMS: dict[str, tuple[Expr, Expr]] = {
    # sums
    "like terms": (2 * x + y - x, x + y),
    "terms that cancel": (x + y - x, y),
    "everything cancels": (x - x, sd.zeros("n")),
    "like products in any order": (x * y + y * x, 2 * x * y),
    "like contractions under other letters": (sd.einsum("ij,j->i", A, x) + sd.einsum("b,ab->a", x, A), 2 * A @ x),
    "a symmetric matrix and its transpose": (S @ x + S.T @ x, 2 * S @ x),
    "a common factor": (A @ x + A @ y, A @ (x + y)),
    "a common matrix on the left": (X.T @ x - X.T @ y, X.T @ (x - y)),
    "a common number": (2 * x + 2 * y, 2 * (x + y)),
    "sums in sums": ((x + y) + (z - y), x + z),
    "a sum over a centred vector": (sd.sum(x - sd.mean(x)), sd.const(0)),
    "the mean of a centred vector": (sd.mean(x - sd.mean(x)), sd.const(0)),
    "a constant that goes round": ((x + 1) - 1, x),
    "floats that cancel": (x + 0.1 - 0.1, x),
    "the square of a rounded root": ((np.sqrt(3.0) * x) ** 2 - 3 * x * x, sd.zeros("n")),
    "rounded roots multiplied": (np.sqrt(5.0) * x * (np.sqrt(5.0) * y) / 3 - 5 * x * y / 3, sd.zeros("n")),
    "a rounded root below a line": ((x / np.sqrt(2.0)) ** 2, x * x / 2),
    # products
    "powers of one base": (x**2 * x**3, x**5),
    "a factor and its inverse": (x * y / x, y),
    "a power of a power": ((p**2) ** 0.5, p),
    "a root of a square": ((x**2) ** 0.5, sd.abs(x)),
    "roots multiply": (sd.sqrt(p) * sd.sqrt(p), p),
    "symbolic exponents": (sd.power(x, a) * x, sd.power(x, a + 1)),
    "a symbolic exponent and its base": (sd.power(x / b, a - 1) * x / b, sd.power(x / b, a)),
    "equal powers": (x**2 * y**2, (x * y) ** 2),
    "a quotient of squares": (x**2 / y**2, (x / y) ** 2),
    "a double transpose": (A.T.T, A),
    "a transposed product": ((A @ B).T @ x, B.T @ A.T @ x),
    "an identity": (sd.eye("n") @ x, x),
    "a diagonal matrix": (sd.diag(x) @ y, x * y),
    "a trace of an outer product": (sd.trace(sd.outer(x, y)), x @ y),
    "an inverse beside its matrix": (sd.inv(A) @ A @ x, x),
    "an inverse in the middle": (x @ A @ sd.inv(A) @ y, x @ y),
    "an inverse of an inverse": (sd.inv(sd.inv(A)), A),
    "an inverse of a transpose": (sd.inv(A.T), sd.inv(A).T),
    "a number into a sum": (2 * (x / 2 + y / 3), x + 2 * y / 3),
    # exponentials and logarithms
    "exponentials add": (sd.exp(x) * sd.exp(y), sd.exp(x + y)),
    "exponentials that cancel": (sd.exp(x) * sd.exp(-x), one),
    "log of exp": (sd.log(sd.exp(x)), x),
    "a product of exponentials under a logarithm": (sd.log(sd.exp(x) * sd.exp(y)), x + y),
    "softmax": (sd.exp(x) / sd.sum(sd.exp(x)), sd.softmax(x)),
    "a shifted softmax": (sd.exp(x - a) / sd.sum(sd.exp(x - a)), sd.softmax(x)),
    "softmax by the maximum": (sd.exp(x - sd.max(x)) / sd.sum(sd.exp(x - sd.max(x))), sd.softmax(x)),
    "log softmax": (sd.log(sd.softmax(x)), sd.log_softmax(x)),
    "log-sum-exp by the maximum": (sd.log(sd.sum(sd.exp(x - sd.max(x)))) + sd.max(x), sd.logsumexp(x)),
    "a softmax sums to one": (sd.sum(sd.softmax(x)), sd.const(1)),
    "log-sum-exp of equals": (sd.logsumexp(sd.zeros("n")), sd.log(n)),
    "a logistic function": (1 / (1 + sd.exp(-x)), sd.sigmoid(x)),
    "another logistic function": (sd.exp(x) / (1 + sd.exp(x)), sd.sigmoid(x)),
    "two exponentials": (sd.exp(a) / (sd.exp(a) + sd.exp(b)), sd.sigmoid(a - b)),
    "log of two exponentials": (sd.log(sd.exp(x) + sd.exp(y)), sd.logaddexp(x, y)),
    "a complement": (1 - sd.sigmoid(x - y), sd.sigmoid(y - x)),
    "softplus": (sd.log(1 + sd.exp(x)), sd.softplus(x)),
    # fractions
    "a common denominator": (1 + x / (1 - x), 1 / (1 - x)),
    "a denominator that cancels": (x**2 / (1 + x**2) - 1, -1 / (1 + x**2)),
    "a fraction in a denominator": (1 / ((1 + x**2 / a) * a), 1 / (a + x**2)),
    # choices
    "choices of one thing": (sd.where(x > 0, y, y), y),
    "a choice between multiples": (sd.where(x > 0, 2 * y, 3 * y), y * sd.where(x > 0, 2, 3)),
    "choices that join": (sd.where(x > 0, y, 0) + sd.where(x > 0, 0, z), sd.where(x > 0, y, z)),
    "a mask of both choices": (sd.where(x > 0, sd.where(y > 0, z, 0), sd.where(y > 0, v, 0)), sd.where(y > 0, sd.where(x > 0, z, v), 0)),
    "multiples compared": (2 * x > -3 * x, x > 0),
    "a bound": (1 - x > 0, x < 1),
    "relu": (sd.maximum(x, 0), sd.relu(x)),
    "relu where it is positive": (sd.relu(x) * (x > 0), sd.relu(x)),
    # signs
    "sine is odd": (sd.sin(-x) + sd.sin(x), sd.zeros("n")),
    "a sign goes into a difference": (-(x - y), y - x),
    "a positive term first": (-x + y, y - x),
    "absolute value and sign": (sd.sign(x) * sd.abs(x), x),
    # reductions of what does not vary
    "a maximum of equals": (sd.max(a * one), a),
    "a product of equals": (sd.prod(a * one), sd.power(a, n)),
    "a mean of equals": (sd.mean(a * one), a),
    "one minus a shared difference": (sd.log(1 - sd.exp(-x)) * (1 - (1 - sd.exp(-x))), sd.log(1 - sd.exp(-x)) * sd.exp(-x)),
}


@pytest.mark.parametrize("name", FORMS)
def test_normal_form(name: str) -> None:
    e, expected = FORMS[name]
    result = sd.simplify(e)
    same = result is expected or sd.simplify(result - expected) is sd.zeros(result.shape)
    assert same, f"{result!r} is not {expected!r}"
    assert sd.op_count(result) <= min(sd.op_count(expected), sd.op_count(e))
    env = {var: np.abs(x) % 0.9 + 0.05 if x.ndim < 2 else x for var, x in values_for([e], 1).items()}
    assert difference(e, result, env) <= 1


@pytest.mark.parametrize("name", FORMS)
def test_a_normal_form_is_its_own(name: str) -> None:
    result = sd.simplify(FORMS[name][0])
    assert sd.simplify(result) is result


SHUFFLED: dict[str, tuple[Expr, ...]] = {
    "a sum of products": (x * y, A @ z, -3 * v, y * x * z),
    "quadratics": (A.T @ A @ x, x, a * x, A.T @ y),
    "a regression": (2 * X.T @ (X @ w), -2 * X.T @ y, a * w),
    "logistic": (sd.softplus(x), -y * x, z * sd.sigmoid(x), -z),
    "fractions": (x / (1 + x * x), -y / (1 + x * x), z, 1 / (1 + x * x)),
}


@pytest.mark.parametrize("name", SHUFFLED)
def test_the_order_of_terms_does_not_matter(name: str) -> None:
    """Whatever the order, the same terms come out: as long, and with difference zero."""
    terms = SHUFFLED[name]
    first, *others = [sd.simplify(sum(order[1:], order[0])) for order in itertools.permutations(terms)]
    for other in others:
        assert sd.op_count(other) == sd.op_count(first)
        assert sd.simplify(first - other) is sd.zeros(first.shape)


@pytest.mark.parametrize("factors", [(x, y, sd.exp(z), 1 / x, sd.exp(-z)), (a, x, x, b, 1 / a), (sd.sin(x), y, 1 / sd.cos(x), x)], ids=str)
def test_the_order_of_factors_does_not_matter(factors: tuple[Expr, ...]) -> None:
    results = []
    for order in itertools.permutations(factors):
        e = order[0]
        for f in order[1:]:
            e = e * f
        results.append(sd.simplify(e))
    assert len({sd.op_count(e) for e in results}) == 1
    assert all(sd.simplify(results[0] - e) is sd.zeros("n") for e in results)


def test_a_state_that_starts_at_zero_leaves_no_trace() -> None:
    W, u = sd.var("W", (3, 3)), sd.var("u", 3)
    assert sd.simplify(sd.tanh(W @ np.zeros(3) + u)) is sd.simplify(sd.tanh(u))
    assert sd.simplify(np.ones(3) @ W @ u) is sd.simplify(sd.sum(W @ u))
    assert sd.simplify(np.full(3, 0.5) * u) is sd.simplify(0.5 * u)
    kept = sd.const(np.array([0.0, -0.0]))
    assert sd.simplify(kept) is kept


def test_simplified_together_stays_shared() -> None:
    """Two roots that use one part have it once."""
    r = X @ w - y
    loss, slope = sd.simplify([sd.sum(r * r), 2 * X.T @ r])
    assert any(e in set(topological(slope)) for e in topological(loss) if isinstance(e, Add))


def test_steps_are_equalities() -> None:
    """The log of identities: each line has one value before and after."""
    steps: list[Step] = []
    simplify(sd.log(1 + sd.exp(x)) + sd.log(1 - sd.sigmoid(y)) + sd.sin(-z), steps)
    assert {s.rule for s in steps} >= {"softplus", "log of 1 - sigmoid", "sin is odd"}
    for s in steps:
        assert difference(s.before, s.after, values_for([s.before], 2)) <= 1
