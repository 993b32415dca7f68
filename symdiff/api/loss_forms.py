"""The form of a loss that a derivation starts from: without corners that cancel, and rewritten where that makes the derivation shorter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from symdiff.api.linear_forms import LARGE
from symdiff.api.stages import Walk
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import node_count
from symdiff.printing.formula import format_formula, op_count
from symdiff.rewrite import SMOOTHED_BY, Step, simplify_all, without_corners


class Start(NamedTuple):
    """A loss as it was given, the form of it that is differentiated in `wrt`, the identities between, and the names of inner expressions."""

    given: Expr
    loss: Expr
    identities: tuple[str, ...]
    wrt: Expr
    names: Mapping[Expr, str]


def rewritten(loss: Expr, wrt: Expr, names: Mapping[Expr, str]) -> Start:
    """Corners that cancel are taken out, as for every derivative; of what is left, the form with the shorter derivation.

    What is known of the variable itself must not be used before differentiation: a gradient does not stay within a constraint.
    """
    smooth, *named = without_corners([loss, *names], {wrt})
    start = Start(loss, loss, (), wrt, names)
    if smooth is not loss:
        inside = set(topological(smooth))
        own = {e: name for e, name in zip(named, names.values(), strict=True) if e in inside}
        start = Start(loss, smooth, (SMOOTHED_BY,), wrt, own)
    if names or not isinstance(wrt, Var) or wrt.assumptions or node_count(smooth) > LARGE:
        return start
    steps: list[Step] = []
    (simple,) = simplify_all([smooth], steps)
    lengths = [(len(Walk(e, wrt, ()).stages()), op_count(e)) for e in (simple, smooth)]
    if lengths[0] >= lengths[1]:
        return start
    if read_alike(loss, simple):
        return Start(simple, simple, (), wrt, names)
    return Start(loss, simple, tuple(dict.fromkeys((*start.identities, *(s.rule for s in steps)))), wrt, names)


def read_alike(a: Expr, b: Expr) -> bool:
    """Whether two expressions print the same."""
    return str(format_formula(a)) == str(format_formula(b))
