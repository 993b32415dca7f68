"""Identities of matrix functions."""

from __future__ import annotations

from symdiff.expr import ops
from symdiff.expr.algebra import product
from symdiff.expr.build import power
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Contract, Linalg
from symdiff.rewrite.terms import Term, as_term


def visit_linalg(e: Linalg) -> Expr:
    """inv(A.T) = inv(A).T; inv(s A) = inv(A) / s; inv(inv(A)) = A; the determinant of a transpose or an inverse."""
    a = e.args[0]
    if e.fn == "solve":
        return ops.inv(a) @ e.args[1]
    if len(a.shape) == 2 and isinstance(a, Contract):
        t = as_term(a)
        if t.coefficient == 1 and len(t.factors) == 1 and t.factors[0][1] == t.out[::-1] and len(t.out) == 2:
            inner = t.factors[0][0]
            if e.fn == "inv":
                return ops.inv(inner).T
            if e.fn in ("det", "logdet"):
                return Linalg(e.fn, (inner,))
        scalars = [f for f, ls in t.factors if not ls]
        matrices = tuple((f, ls) for f, ls in t.factors if ls)
        if e.fn == "inv" and scalars and matrices:
            return product([*(power(f, -1) for f in scalars), ops.inv(Term(t.coefficient, matrices, t.out).expr())])
    if e.fn == "inv" and isinstance(a, Linalg) and a.fn == "inv":
        return a.args[0]
    if e.fn == "logdet" and isinstance(a, Linalg) and a.fn == "inv":
        return -ops.logdet(a.args[0])
    return e
