"""Signs: a difference is written in one direction throughout an expression, the author's; and at the end a minus goes into a sum.

-(t - y) becomes y - t. What the author wrote first is kept; only u - 1 is written -(1 - u).
"""

from __future__ import annotations

from collections.abc import Container, Sequence

from symdiff.expr.algebra import add
from symdiff.expr.build import apply
from symdiff.expr.leaves import constant_value
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Add, Contract, Map
from symdiff.rewrite.terms import Term, as_term, joined, term_key

Difference = frozenset[tuple[object, object]]


def negative(e: Add) -> Expr:
    """-e term by term, positive terms first."""
    terms = [as_term(t).scaled(-1) for t in e.terms]
    return add(*(t.expr() for t in sorted(terms, key=lambda t: t.coefficient < 0)))


def _written(e: Add, sign: int) -> Difference:
    return frozenset((term_key(t), t.coefficient * sign) for t in (joined(as_term(t)) for t in e.terms))


class Signs:
    """The direction of each difference: that of its first appearance."""

    def __init__(self, roots: Sequence[Expr]) -> None:
        self.seen: set[Difference] = set()
        for e in topological(*roots):
            if isinstance(e, Add):
                self.turn(e)

    def turn(self, e: Add) -> Add | None:
        """-e, if that is the direction in which this difference is written; None if it is e."""
        if not any(as_term(t).coefficient < 0 for t in e.terms) or len(e.terms) > 8:
            return None
        if all(as_term(t).coefficient < 0 for t in e.terms):
            turned = negative(e)
            return turned if isinstance(turned, Add) else None
        written, opposite = _written(e, 1), _written(e, -1)
        if written in self.seen:
            return None
        constants = [c for t in e.terms if (c := constant_value(t)) is not None]
        if opposite not in self.seen and not (constants and constants[0] < 0):
            self.seen.add(written)
            return None
        self.seen.add(opposite)
        turned = negative(e)
        return turned if isinstance(turned, Add) else None


def _takes_sign(e: Expr) -> bool:
    """Whether -e is as short as e."""
    if isinstance(e, Add):
        return any(as_term(t).coefficient < 0 for t in e.terms)
    return constant_value(e) is not None or as_term(e).coefficient < 0


def sign_into_sum(e: Expr, shared: Container[Expr]) -> Expr:
    """-X.T (y - X w) becomes X.T (X w - y): a sum without constants that nobody else uses takes the sign of the product."""
    if not isinstance(e, Contract):
        return e
    term = as_term(e)
    if not term.coefficient < 0:
        return e
    for k, (f, ls) in enumerate(term.factors):
        if isinstance(f, Map) and f.fn == "where" and f not in shared and all(_takes_sign(a) for a in f.args[1:]):
            turned = apply(
                "where", f.args[0], *(as_term(a).scaled(-1).expr() if not isinstance(a, Add) else negative(a) for a in f.args[1:])
            )
            return Term(-term.coefficient, (*term.factors[:k], (turned, ls), *term.factors[k + 1 :]), term.out).expr()
        if not isinstance(f, Add) or f in shared or any(constant_value(t) is not None for t in f.terms):
            continue
        if any(as_term(t).coefficient < 0 for t in f.terms):
            factors = (*term.factors[:k], (negative(f), ls), *term.factors[k + 1 :])
            return Term(-term.coefficient, factors, term.out).expr()
    return e
