"""What the assumptions about a variable imply: one row a word."""

from __future__ import annotations

from typing import NamedTuple

from symdiff.expr.elementwise import is_boolean
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var


class Implies(NamedTuple):
    """Facts of each entry (positive, nonnegative, idempotent: u*u = u, involutory: u*u = 1), of the last axis (sums_to_one,
    unit_norm), of the matrix (symmetric, invertible, orthogonal: transpose times itself is the identity)."""

    positive: bool = False
    nonnegative: bool = False
    idempotent: bool = False
    involutory: bool = False
    sums_to_one: bool = False
    unit_norm: bool = False
    symmetric: bool = False
    invertible: bool = False
    orthogonal: bool = False


TABLE: dict[str, Implies] = {
    "positive": Implies(positive=True, nonnegative=True),
    "nonnegative": Implies(nonnegative=True),
    "binary": Implies(nonnegative=True, idempotent=True),
    "prob": Implies(nonnegative=True, sums_to_one=True),
    "onehot": Implies(nonnegative=True, idempotent=True, sums_to_one=True),
    "invertible": Implies(invertible=True),
    "symmetric": Implies(symmetric=True),
    "spd": Implies(symmetric=True, invertible=True),
    "unit": Implies(unit_norm=True),
    "sign": Implies(involutory=True),
    "count": Implies(nonnegative=True),
    "orthogonal": Implies(orthogonal=True),
    "small": Implies(),
}


def holds(e: Expr, fact: str) -> bool:
    """Whether a variable's assumptions imply a fact; a condition is 0 or 1."""
    if is_boolean(e):
        return fact in ("idempotent", "nonnegative")
    return isinstance(e, Var) and any(getattr(TABLE[word], fact) for word in e.assumptions)
