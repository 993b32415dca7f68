"""Expressions that are linear in differentials, as a person writes them: simplified, with du at the end of its product."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from symdiff.expr.algebra import contract
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Contract
from symdiff.expr.rebuild import with_operands
from symdiff.expr.traverse import node_count, transform
from symdiff.printing.formula import op_count
from symdiff.rewrite import simplify_all

LARGE = 1500  # nodes; a larger form is left as it is


def differentials_last(e: Expr, differentials: Collection[Expr]) -> Expr:
    """`e` with the factor that carries a differential moved to the end of every product.

    >>> from symdiff.expr.leaves import var
    >>> u, du = var('u', 'n'), var('du', 'n')
    >>> differentials_last(du * u, [du]) is u * du
    True
    """
    carries: set[Expr] = set()
    for node in topological(e):
        if node in differentials or any(o in carries for o in node.operands):
            carries.add(node)
    moved: set[Expr] = set()  # the rebuilt nodes that carry one

    def change(node: Expr, operands: tuple[Expr, ...]) -> Expr:
        new = with_operands(node, operands)
        if node in carries:
            if isinstance(new, Contract):
                new = contract(sorted(zip(new.factors, new.labels, strict=True), key=lambda pair: pair[0] in moved), new.out)
            moved.add(new)
        return new

    return transform([e], change)[0]


def tidy(roots: Sequence[Expr], differentials: Collection[Expr] = ()) -> list[Expr]:
    """The expressions simplified, each only if that makes it shorter, differentials last."""
    if node_count(*roots) > LARGE:
        return list(roots)
    simple = simplify_all(roots)
    chosen = [s if op_count(s) <= op_count(e) else e for e, s in zip(roots, simple, strict=True)]
    return [differentials_last(e, differentials) for e in chosen] if differentials else chosen
