"""Signs: a difference is written in one direction throughout an expression, the author's; and at the end a minus goes into a sum.

-(t - y) becomes y - t. What the author wrote first is kept; only u - 1 is written -(1 - u).
"""

from __future__ import annotations

from collections.abc import Sequence

from symdiff.expr.algebra import add
from symdiff.expr.leaves import constant_value
from symdiff.expr.node import Expr, memo_of, topological
from symdiff.expr.nodes import Add
from symdiff.rewrite.terms import as_term, joined_key

Difference = frozenset[tuple[object, object]]


def negative(e: Add) -> Expr:
    """-e term by term, positive terms first."""
    terms = [as_term(t).scaled(-1) for t in e.terms]
    return add(*(t.expr() for t in sorted(terms, key=lambda t: t.coefficient < 0)))


def _written(e: Add) -> tuple[Difference, Difference]:
    """What tells a difference from others, and its opposite; noted at the node."""
    notes = memo_of(e)
    if "written" not in notes:
        terms = [(t.coefficient, *joined_key(t)) for t in map(as_term, e.terms)]
        notes["written"] = tuple(frozenset((key, c * inner * sign) for c, inner, key in terms) for sign in (1, -1))
    return notes["written"]  # type: ignore[no-any-return]


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
        written, opposite = _written(e)
        if written in self.seen:
            return None
        constants = [c for t in e.terms if (c := constant_value(t)) is not None]
        if opposite not in self.seen and not (constants and constants[0] < 0):
            self.seen.add(written)
            return None
        self.seen.add(opposite)
        turned = negative(e)
        return turned if isinstance(turned, Add) else None
