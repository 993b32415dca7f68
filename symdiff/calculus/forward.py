"""Forward mode: the differential of an expression, tangents pushed from the variables to the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symdiff.calculus.linear import times
from symdiff.calculus.partials import differentiable_operands, partial
from symdiff.errors import ShapeError
from symdiff.expr import ops
from symdiff.expr.algebra import add, contract, zeros_of
from symdiff.expr.dims import show_shape
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Add, Contract, Map
from symdiff.rules.differentials import differential
from symdiff.rules.elementwise import CHOICES


def node_differential(node: Expr, tangents: Sequence[Expr | None]) -> Expr | None:
    """d(node), given the tangents of its operands (None is zero): sums and products here, the rest by the tables of rules.

    Raises: MissingRule, with the operation, if it has no differential.
    """
    if all(t is None for t in tangents):
        return None
    match node:
        case Add():
            return add(*(t for t in tangents if t is not None))
        case Contract():  # the product rule
            labelled = list(zip(node.factors, node.labels, strict=True))
            terms = [
                contract([*labelled[:k], (t, node.labels[k]), *labelled[k + 1 :]], node.out)
                for k, t in enumerate(tangents)
                if t is not None
            ]
            return add(*terms)
        case Map() if node.fn in CHOICES:
            condition, first, second = CHOICES[node.fn]
            a, b = tangents[first], tangents[second]
            if a is None and b is None:
                return None
            zero = zeros_of(node.shape)
            return ops.where(condition(*node.args), zero if a is None else a, zero if b is None else b)
        case Map():  # the chain rule
            moving = ((k, tangents[k]) for k in differentiable_operands(node))
            parts = [times(partial(node, k), t, 0) for k, t in moving if t is not None]
            return add(*parts) if parts else None
        case _:
            return differential(node, tangents)


def pushforward(roots: Sequence[Expr], tangents: Mapping[Expr, Expr]) -> list[Expr]:
    """The tangents of `roots`, given those of some nodes below them (usually variables), all at once.

    Shapes: each tangent as its node; each result as its root. A root that reaches none of them has the tangent zero.
    Source: Griewank and Walther, Evaluating Derivatives, 2nd ed., 2008, section 3.1.
    """
    for node, given in tangents.items():
        if node.shape != given.shape:
            raise ShapeError(f"jvp: the tangent has shape {show_shape(given.shape)}, its variable {show_shape(node.shape)}")
    d: dict[Expr, Expr | None] = {}
    for node in topological(*roots):
        d[node] = tangents[node] if node in tangents else node_differential(node, [d[o] for o in node.operands])
    return [zeros_of(r.shape) if (t := d[r]) is None else t for r in roots]
