"""The partials of elementwise nodes, and which operands of a node carry a derivative at all."""

from __future__ import annotations

from collections.abc import Sequence

from symdiff.errors import MissingRule
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Arg, Gather, GatherT, Map
from symdiff.rules.elementwise import CHOICES, DERIVATIVES


def moving_arguments(fn: str) -> tuple[int, ...]:
    """The arguments in which a function of the table is not flat. Raises: MissingRule if it has no derivative."""
    if fn in CHOICES:
        return CHOICES[fn][1:]
    rule = DERIVATIVES.get(fn)
    if rule is None:
        raise MissingRule(f"the function {fn} has no derivative")
    return rule.moving


def differentiable_operands(node: Expr) -> Sequence[int]:
    """The positions of the operands in which a node is not flat. Raises: MissingRule for a function without derivative."""
    match node:
        case Map():
            return moving_arguments(node.fn)
        case Gather() | GatherT():
            return (0,)
        case Arg():
            return ()
        case _:
            return range(len(node.operands))


def partial(node: Map, k: int) -> Expr:
    """The derivative of an elementwise node in argument k, of the node's shape."""
    rule = DERIVATIVES[node.fn].partials[k]
    assert rule is not None
    return rule(node, *node.args)
