"""The partials of elementwise nodes, and which operands of a node carry a derivative at all."""

from __future__ import annotations

from symdiff.errors import MissingRule
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Arg, Gather, GatherT, Map
from symdiff.rules.elementwise import CHOICES, DERIVATIVES


def differentiable_operands(node: Expr) -> tuple[int, ...]:
    """The positions of the operands in which a node is not flat. Raises: MissingRule for a function without derivative."""
    match node:
        case Map():
            if node.fn in CHOICES:
                return CHOICES[node.fn][1:]
            rule = DERIVATIVES.get(node.fn)
            if rule is None:
                raise MissingRule(f"the function {node.fn} has no derivative")
            return tuple(k for k, partial in enumerate(rule.partials) if partial is not None)
        case Gather() | GatherT():
            return (0,)
        case Arg():
            return ()
        case _:
            return tuple(range(len(node.operands)))


def partial(node: Map, k: int) -> Expr:
    """The derivative of an elementwise node in argument k, of the node's shape."""
    rule = DERIVATIVES[node.fn].partials[k]
    assert rule is not None
    return rule(node, *node.args)
