"""The partials of elementwise nodes, and which operands of a node carry a derivative at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symdiff.errors import MissingRule
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Arg, Gather, GatherT, Map
from symdiff.rules.elementwise import CHOICES, DERIVATIVES


def moving_arguments(node: Map) -> Sequence[int]:
    """The arguments in which an elementwise node is not flat. Raises: MissingRule if its function has no derivative."""
    if node.fn in CHOICES:
        return CHOICES[node.fn][1:]
    rule = DERIVATIVES.get(node.fn)
    if rule is None:
        raise MissingRule(f"the function {node.fn} has no derivative")
    return rule.moving


# the classes of nodes that are flat in some operands
_MOVING: dict[type[Expr], Callable[..., Sequence[int]]] = {
    Map: moving_arguments,
    Gather: lambda node: (0,),
    GatherT: lambda node: (0,),
    Arg: lambda node: (),
}


def differentiable_operands(node: Expr) -> Sequence[int]:
    """The positions of the operands in which a node is not flat. Raises: MissingRule for a function without derivative."""
    moving = _MOVING.get(type(node))
    return range(len(node.operands)) if moving is None else moving(node)


def moving_operands(node: Expr) -> Sequence[Expr]:
    """The operands in which a node is not flat."""
    operands = node.operands
    moving = _MOVING.get(type(node))
    if moving is None or len(places := moving(node)) == len(operands):
        return operands
    return [operands[k] for k in places]


def partial(node: Map, k: int) -> Expr:
    """The derivative of an elementwise node in argument k, of the node's shape."""
    rule = DERIVATIVES[node.fn].partials[k]
    assert rule is not None
    return rule(node, *node.args)
