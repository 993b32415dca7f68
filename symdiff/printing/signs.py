"""Signs and truth values of terms: a minus that a difference takes up, and the 1 that makes numbers of truth values."""

from __future__ import annotations

from symdiff.expr.elementwise import is_boolean
from symdiff.expr.leaves import constant_value
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Contract, Ones
from symdiff.printing import term
from symdiff.printing.term import Term


def boolean(e: Expr) -> bool:
    """Whether a node's printed value is made of truth values: a comparison, or one that only other axes are given to."""
    while isinstance(e, Contract):
        heavy = [f for f in e.factors if not isinstance(f, Ones)]
        if len(heavy) != 1:
            return False
        (e,) = heavy
    value = constant_value(e)
    return isinstance(value, bool) or is_boolean(e)


def as_number(t: Term) -> Term:
    """Truth values as numbers: 1 * (x > 0)."""
    return term.times([term.ONE, t], t.shape)


_SIGN_PASSES = {
    "times": None,
    "over": 0,
    "matmul": None,
    "transpose": 0,
    "outer": None,
    "sum": 0,
    "mean": 0,
    "trace": 0,
    "diag": 0,
    "kron": None,
}


def absorb_sign(t: Term) -> Term:
    """-(a * (b - c)) as a * (c - b), where a difference is found; otherwise `t`."""
    positive, bare = term.split_sign(t)
    flipped = None if positive else _flipped(bare)
    return t if flipped is None else flipped


def _flipped(t: Term) -> Term | None:
    """-t, by turning round one difference among its factors."""
    if t.op == "add":
        return term.negate(t) if not all(t.data) and any(t.data) else None
    kind = t.data[0] if t.op == "call" else t.op
    if kind not in _SIGN_PASSES:
        return None
    only = _SIGN_PASSES[kind]
    for k, a in enumerate(t.args):
        if only is None or k == only:
            flipped = _flipped(a)
            if flipped is not None:
                return term.replaced(t, k, flipped)
    return None
