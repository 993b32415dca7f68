"""Stable forms: what a program computes instead of what a person reads. Equal in exact arithmetic, with fewer digits lost in floats.

Simplification comes first, because a gradient written out may be inf * 0 where its simplified form is finite.
"""

from __future__ import annotations

from collections.abc import Sequence

from symdiff.expr.algebra import add
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Add, Map
from symdiff.expr.rebuild import with_operands
from symdiff.expr.traverse import transform
from symdiff.rewrite.engine import simplify_all
from symdiff.rewrite.match import rewrite
from symdiff.rewrite.solving import solve_instead
from symdiff.rules.identities import STABLE

_SUMS = [i for i in STABLE if isinstance(i.left, Add)]
_MAPS = [i for i in STABLE if isinstance(i.left, Map)]


def stabilise_all(roots: Sequence[Expr]) -> list[Expr]:
    """Several expressions in stable form, together, so that what they share stays shared."""
    return solve_instead(transform(simplify_all(roots), lambda e, operands: _stable(with_operands(e, operands))))


def _stable(e: Expr) -> Expr:
    if isinstance(e, Map):
        for identity in _MAPS:
            result = rewrite(identity, e)
            if result is not None:
                return result
    if isinstance(e, Add) and len(e.terms) <= 6:
        for i in range(len(e.terms)):
            for j in range(i + 1, len(e.terms)):
                pair = add(e.terms[i], e.terms[j])
                for identity in _SUMS:
                    result = rewrite(identity, pair)
                    if result is not None:
                        rest = [t for k, t in enumerate(e.terms) if k not in (i, j)]
                        return _stable(add(result, *rest))
    return e
