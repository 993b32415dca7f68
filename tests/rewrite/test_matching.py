"""Patterns match elementwise structure of any shape, sums and products in any order, constants however they are broadcast."""

from __future__ import annotations

from fractions import Fraction

import pytest

import symdiff as sd
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr
from symdiff.rewrite.match import negated, rewrite
from symdiff.rules.identities import Identity, k, u

x, y, A = var("x", "n"), var("y", "n"), var("A", ("n", "m"))
w = var("w", "n", "positive")
SOFTPLUS = Identity("softplus", sd.log(1 + sd.exp(u)), sd.softplus(u))
ODD = Identity("odd", sd.sin(-u), -sd.sin(u))
LOG = Identity("log of a power", sd.log(u**2), 2 * sd.log(u), when={"u": "positive"})
MULTIPLE = Identity("exp of a multiple of log", sd.exp(k * sd.log(u)), sd.power(u, k))
DOUBLE = Identity("double angle", sd.sin(u) * sd.cos(u), sd.sin(2 * u))

MATCHES: dict[str, tuple[Identity, Expr, Expr | None]] = {
    "any shape": (SOFTPLUS, sd.log(1 + sd.exp(A)), sd.softplus(A)),
    "a sum in the other order": (SOFTPLUS, sd.log(sd.exp(x) + 1), sd.softplus(x)),
    "another constant": (SOFTPLUS, sd.log(2 + sd.exp(x)), None),
    "one term more": (SOFTPLUS, sd.log(1 + sd.exp(x) + y), None),
    "a minus": (ODD, sd.sin(-x), -sd.sin(x)),
    "a negative number": (ODD, sd.sin(-3 * x), -sd.sin(3 * x)),
    "a sum that is negative": (ODD, sd.sin(-x - y), -sd.sin(x + y)),
    "a difference": (ODD, sd.sin(x - y), None),
    "a constant": (ODD, sd.sin(sd.const(-2)), -sd.sin(sd.const(2))),
    "a condition that holds": (LOG, sd.log(w**2), 2 * sd.log(w)),
    "a condition that does not": (LOG, sd.log(x**2), None),
    "a condition that holds by form": (LOG, sd.log((1 + sd.exp(x)) ** 2), 2 * sd.log(1 + sd.exp(x))),
    "a broadcast constant": (MULTIPLE, sd.exp(0.5 * sd.log(x)), sd.power(x, Fraction(1, 2))),
    "no constant": (MULTIPLE, sd.exp(y * sd.log(x)), None),
    "factors in the other order": (DOUBLE, sd.cos(x) * sd.sin(x), sd.sin(2 * x)),
    "a wild that would be two things": (DOUBLE, sd.cos(y) * sd.sin(x), None),
}


@pytest.mark.parametrize("name", MATCHES)
def test_rewrite(name: str) -> None:
    identity, e, expected = MATCHES[name]
    assert rewrite(identity, e) is expected


@pytest.mark.parametrize(
    ("e", "opposite"),
    [(-x, x), (x, None), (-2 * x, 2 * x), (-x - y, x + y), (y - x, None), (sd.const(-1), sd.const(1)), (sd.const(1), None)],
    ids=str,
)
def test_what_counts_as_negative(e: Expr, opposite: Expr | None) -> None:
    assert negated(e) is opposite
