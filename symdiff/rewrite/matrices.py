"""Identities of matrix functions."""

from __future__ import annotations

from collections import Counter

from symdiff.expr import ops
from symdiff.expr.algebra import contract, product
from symdiff.expr.build import power
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Contract, Linalg, Ones
from symdiff.rewrite.terms import Term, as_term

OF_EACH_MATRIX = {"inv": 2, "cholesky": 2, "det": 0, "logdet": 0}  # with the axes that the result has in place of the matrix's two


def visit_linalg(e: Linalg) -> Expr:
    """inv(A.T) = inv(A).T; inv(s A) = inv(A) / s; inv(inv(A)) = A; the determinant of a transpose or an inverse; a stack of one matrix."""
    a = e.args[0]
    if e.fn == "solve":
        return ops.inv(a) @ e.args[1]
    if len(a.shape) > 2 and isinstance(a, Contract) and e.fn in OF_EACH_MATRIX:
        return _of_one_matrix(e, as_term(a))
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


def _of_one_matrix(e: Linalg, t: Term) -> Expr:
    """A function of a matrix that is repeated along axes of a stack: that of one of them, repeated, as in the Jacobian of solve(A, b)."""
    count = Counter(label for _, ls in t.factors for label in ls)
    repeated = [(f, ls) for f, ls in t.factors if isinstance(f, Ones) and ls[0] in t.out[:-2] and count[ls[0]] == 1]
    if not repeated:
        return e
    along = {ls[0] for _, ls in repeated}
    kept = tuple(label for label in t.out if label not in along)
    one = Term(t.coefficient, tuple(f for f in t.factors if f not in repeated), kept).expr()
    axes = OF_EACH_MATRIX[e.fn]
    return contract([(Linalg(e.fn, (one,)), (*kept[:-2], *kept[-2:][:axes])), *repeated], (*t.out[:-2], *t.out[-2:][:axes]))
