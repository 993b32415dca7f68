"""A node over other operands."""

from __future__ import annotations

from symdiff.expr import build, structure
from symdiff.expr.algebra import add, contract
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Add, Arg, Concat, Contract, Gather, GatherT, Linalg, Map, Reduce, Reshape, Scan, Scatter, Slice


def with_operands(e: Expr, operands: tuple[Expr, ...]) -> Expr:
    """The node `e` over other operands, made by its constructor, so that constants fold and neutral operands drop."""
    if operands == e.operands:
        return e
    match e:
        case Add():
            return add(*operands)
        case Contract():
            return contract(list(zip(operands, e.labels, strict=True)), e.out)
        case Map():
            return build.apply(e.fn, *operands)
        case Linalg():
            return build.linalg(e.fn, *operands)
        case Reduce():
            return build.reduce(e.kind, operands[0], e.axes)
        case Scan():
            return structure.scan(e.kind, operands[0], e.axis, e.reverse)
        case Arg():
            return Arg(operands[0], e.kind, e.axis)
        case Reshape():
            return structure.reshape_node(operands[0], e.to)
        case Slice():
            return structure.slice_node(operands[0], e.key)
        case Scatter():
            return structure.scatter(operands, e.keys, e.into)
        case Concat():
            return structure.concat(operands, e.axis)
        case Gather():
            return structure.gather(operands[0], operands[1:], e.axis)
        case GatherT():
            return structure.gather_transpose(operands[0], operands[1:], e.axis, e.into)
        case _:
            raise NotImplementedError(type(e).__name__)
