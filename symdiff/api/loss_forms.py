"""The form of a loss that a derivation starts from: as it was given, or rewritten where that makes the derivation shorter."""

from __future__ import annotations

from collections.abc import Mapping

from symdiff.api.linear_forms import LARGE
from symdiff.api.stages import Walk
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import node_count
from symdiff.printing.formula import format_formula, op_count
from symdiff.rewrite import Step, simplify_all


def rewritten(loss: Expr, wrt: Expr, own: Mapping[Expr, str]) -> tuple[Expr, Expr, tuple[str, ...]]:
    """The loss as given, the form of it that is differentiated, and the identities between: the shorter derivation of the two.

    What is known of the variable itself must not be used before differentiation: a gradient does not stay within a constraint.
    """
    as_it_is = (loss, loss, ())
    if own or not isinstance(wrt, Var) or wrt.assumptions or node_count(loss) > LARGE:
        return as_it_is
    steps: list[Step] = []
    (simple,) = simplify_all([loss], steps)
    lengths = [(len(Walk(e, wrt, ()).stages()), op_count(e)) for e in (simple, loss)]
    if lengths[0] >= lengths[1]:
        return as_it_is
    return (simple, simple, ()) if read_alike(loss, simple) else (loss, simple, tuple(dict.fromkeys(s.rule for s in steps)))


def read_alike(a: Expr, b: Expr) -> bool:
    """Whether two expressions print the same."""
    return str(format_formula(a)) == str(format_formula(b))
