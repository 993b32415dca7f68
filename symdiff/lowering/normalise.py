"""Expressions brought into the form that lowering reads: every Contract canonical, and Deltas alone with one core.

A Contract that was built by hand may hold Ones and Deltas that its constructor would have absorbed. One that keeps a Delta (its two
labels both stand in the result) is split into the core on the diagonal and the Delta: what multiplies it then sees a relabeling, and the
identity is never formed.
"""

from __future__ import annotations

from collections.abc import Sequence

from symdiff.expr.algebra import contract
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Const, Contract, Delta, Labels, Ones
from symdiff.expr.rebuild import with_operands


def normalise(roots: Sequence[Expr]) -> dict[Expr, Expr]:
    """Every node below the roots with its normal form."""
    new: dict[Expr, Expr] = {}
    for e in topological(*roots):
        operands = tuple([new[o] for o in e.operands])
        if isinstance(e, Contract):
            new[e] = e if operands == e.operands and _is_scalar_product(e) else _contract(list(zip(operands, e.labels, strict=True)), e.out)
        else:
            new[e] = with_operands(e, operands) if operands != e.operands else e
    return new


def _is_scalar_product(e: Contract) -> bool:
    """Whether it is a product of scalars as the constructor writes them: at most one number, in front."""
    if e.shape or isinstance(e.factors[0], (Contract, Ones, Delta)) or len(e.factors) == 1:
        return False
    return not any(f.shape or isinstance(f, (Const, Contract, Ones, Delta)) for f in e.factors[1:]) and not e.factors[0].shape


def _contract(factors: list[tuple[Expr, Labels]], out: Labels) -> Expr:
    e = contract(factors, out)
    if not isinstance(e, Contract) or not any(isinstance(f, Delta) for f in e.factors):
        return e
    return _split(e)


def _split(e: Contract) -> Expr:
    """The core on one label of each diagonal, times the Deltas. A label that a Delta ties to another is written as the other."""
    tied: dict[int, int] = {}

    def root(label: int) -> int:
        while label in tied:
            label = tied[label]
        return label

    deltas = [(f, ls) for f, ls in zip(e.factors, e.labels, strict=True) if isinstance(f, Delta)]
    for _, (i, j) in deltas:
        p, q = root(i), root(j)
        if p != q:
            tied[max(p, q)] = min(p, q)
    rest = [(f, tuple(map(root, ls))) for f, ls in zip(e.factors, e.labels, strict=True) if not isinstance(f, Delta)]
    heavy = [(f, ls) for f, ls in rest if not isinstance(f, Ones) and not (isinstance(f, Const) and f.shape == ())]
    if len(heavy) < 2 and all(label in e.out for _, ls in heavy for label in ls):
        return e
    carried = {label for _, ls in heavy for label in ls}
    core_out = tuple(label for label in e.out if label in carried and root(label) == label)
    core = contract([(f, ls) for f, ls in rest if not isinstance(f, Ones)], core_out)
    ones = [(f, ls) for f, ls in rest if isinstance(f, Ones)]
    return contract([(core, core_out), *deltas, *ones], e.out)
