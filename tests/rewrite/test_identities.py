"""Every identity of the book is true at random and at delicate points, wherever its left side is defined, and makes nothing longer."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import mpmath as mp
import numpy as np
import pytest

from symdiff.expr.leaves import var
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Const, Var
from symdiff.expr.traverse import substitute
from symdiff.rewrite.match import applies, rewrite
from symdiff.rewrite.measure import cost
from symdiff.rules.identities import CONSTANTS, ELEMENTWISE, ODD, PRODUCTS, STABLE, SUMS, WILD, Identity, k, m, u, v
from tests.rewrite import high_precision

BOOK = (*ELEMENTWISE, *PRODUCTS, *SUMS, *STABLE)
IDS = [f"{i.name} {n}" for n, i in enumerate(BOOK)]
POINTS = (*np.random.default_rng(3).normal(size=6).tolist(), 0, 1, -1, 0.5, 1e-30, -1e-30, 40, -40, 300, -300)
EXPONENTS = (2, 3, -1, -2, 4, Fraction(1, 2), Fraction(-1, 2), Fraction(1, 3), Fraction(2, 3), 0.3)
FACTS = {"positive": "positive", "nonnegative": "nonnegative", "idempotent": "binary", "involutory": "sign"}
ALLOWED = {
    "positive": lambda x: x > 0, "nonnegative": lambda x: x >= 0, "binary": lambda x: x in (0, 1), "sign": lambda x: x in (1, -1), "": lambda x: True,
}  # fmt: skip
LONGER = {  # canonical names, by which other identities can see through signs and powers; what they add is taken back when a form is written
    "1 - sigmoid", "logistic function", "exp of minus softplus", *(f"{name} is odd" for name in ODD),
    *(i.name for i in STABLE),
}  # fmt: skip


def instances(identity: Identity) -> list[tuple[Expr, Expr]]:
    """Both sides with constants put in and with the facts that the condition wants of u."""
    fact = next((f for w, f in (identity.when or {}).items() if w == "u"), None)
    word = FACTS.get(fact or "", "")
    x = var("x", (), (word,) if word else ())
    wilds = [w for w in WILD if w in set(topological(identity.left))]
    found = []
    for numbers in product(*(EXPONENTS if w in CONSTANTS else (None,) for w in wilds)):
        env: dict[Expr, Expr] = {u: x, v: var("y")}
        env |= {w: Const(n) for w, n in zip(wilds, numbers, strict=True) if n is not None}
        if applies(identity, env):
            found.append((substitute(identity.left, env), substitute(identity.right, env)))
    return found


@mp.workdps(320)  # cosh(300) ** 2 - sinh(300) ** 2 loses 260 digits
def agree(left: Expr, right: Expr, x: Var, at: float) -> bool | None:
    """Whether both sides are equal where u is `at`; None where the left side is not defined."""
    env = {n: mp.mpf("0.7") for n in topological(left) if isinstance(n, Var)} | {x: mp.mpf(at)}
    a = high_precision.value(left, env)
    if a is None or not mp.isfinite(a):
        return None
    b = high_precision.value(right, env)
    return b is not None and bool(a == b if isinstance(a, bool) or isinstance(b, bool) else mp.almosteq(a, b, 1e-12, 1e-40))


@pytest.mark.parametrize("identity", BOOK, ids=IDS)
def test_both_sides_are_equal(identity: Identity) -> None:
    compared = 0
    for left, right in instances(identity):
        x = next(n for n in topological(left) if isinstance(n, Var))
        word = x.assumptions[0] if x.assumptions else ""
        for at in filter(ALLOWED[word], POINTS):
            same = agree(left, right, x, at)
            assert same in (True, None), (left, right, at)
            compared += same is True
    assert compared >= 2


@pytest.mark.parametrize("identity", BOOK, ids=IDS)
def test_the_right_side_is_no_longer(identity: Identity) -> None:
    if identity.name not in LONGER:
        for left, right in instances(identity):
            assert cost(right) <= cost(left)


@pytest.mark.parametrize("identity", (*ELEMENTWISE, *STABLE), ids=IDS[: len(ELEMENTWISE)] + IDS[-len(STABLE) :])
def test_the_left_side_is_rewritten_to_the_right(identity: Identity) -> None:
    """The identity applies to itself; where a constructor folds the left side there is nothing to match."""
    for left, right in instances(identity):
        if type(left) is type(identity.left):
            assert rewrite(identity, left) is right, (left, right)


def test_wilds_are_the_ones_of_the_book() -> None:
    for identity in BOOK:
        free = {e for side in (identity.left, identity.right) for e in topological(side) if isinstance(e, Var)}
        assert free <= {u, v, k, m}
        assert {e for e in topological(identity.right) if isinstance(e, Var)} <= set(topological(identity.left))
