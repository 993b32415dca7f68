"""The transposes of linear nodes.

A node that is linear in operand k maps a tangent of that operand to one of its own shape; the transpose maps a cotangent back. A
cotangent may carry leading batch axes (`batch` of them): a Jacobian is the pullback of an identity. For a Contract the transpose is
mechanical: drop the factor, put the cotangent in its place, exchange the labels.
"""

from __future__ import annotations

from collections.abc import Callable

from symdiff.errors import MissingRule
from symdiff.expr import ops
from symdiff.expr.algebra import broadcast_to, contract, scalar_product
from symdiff.expr.build import linalg
from symdiff.expr.dims import dim_add
from symdiff.expr.leaves import is_zero
from symdiff.expr.node import Expr
from symdiff.expr.nodes import (
    Add,
    Concat,
    Const,
    Contract,
    Delta,
    Gather,
    GatherT,
    Labels,
    Linalg,
    Map,
    Ones,
    Place,
    Range,
    Reshape,
    Scan,
    Scatter,
    Slice,
)
from symdiff.expr.structure import full_range, gather, gather_transpose, reshape_node, scan, scatter, slice_node
from symdiff.rules.elementwise import CHOICES

Transpose = Callable[[Expr, int, Expr, int], Expr]


def times(partial: Expr, cotangent: Expr, batch: int) -> Expr:
    """An elementwise factor applied to a cotangent that may carry batch axes.

    A cotangent that is chosen, where(c, g, 0), takes the factor into the choice: an infinite factor at a masked entry is not 0 * inf.
    """
    if type(cotangent) is Map and is_masked(cotangent):
        return inside_mask(cotangent, lambda chosen: times(partial, chosen, batch))
    rank = len(partial.shape)
    if batch + rank == 0:
        return scalar_product((cotangent, partial))
    own = tuple(range(batch, batch + rank))
    every = tuple(range(batch + rank))
    return contract(((cotangent, every), (partial, own)), every)


def is_masked(cotangent: Expr) -> bool:
    """where(c, g, 0) or where(c, 0, g)."""
    return type(cotangent) is Map and cotangent.fn == "where" and (is_zero(cotangent.args[1]) or is_zero(cotangent.args[2]))


def inside_mask(cotangent: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """An entrywise change of what a masked cotangent lets through; what it masks stays 0."""
    c, a, b = cotangent.operands
    return ops.where(c, change(a), b) if is_zero(b) else ops.where(c, a, change(b))


def contract_transpose(node: Expr, k: int, cotangent: Expr, batch: int) -> Expr:
    """The cotangent of factor k; where the same factor stands again with the same labels, of all of them at once."""
    assert isinstance(node, Contract)
    target, wanted = node.factors[k], node.labels[k]
    if wanted == node.out and is_masked(cotangent) and all(set(ls) <= set(wanted) for ls in node.labels):
        return inside_mask(cotangent, lambda chosen: contract_transpose(node, k, chosen, batch))
    if batch == 0 and not any(node.labels):
        factors = node.factors
        rest = (*factors[:k], cotangent, *factors[k + 1 :])
        count = len([f for f in factors if f is target])
        return scalar_product(rest if count == 1 else (Const(count), *rest))
    same = [j for j, (f, ls) in enumerate(zip(node.factors, node.labels, strict=True)) if f is target and ls == wanted]
    used = 1 + max((label for ls in node.labels for label in ls), default=-1)
    lead = tuple(range(used, used + batch))
    fresh = used + batch
    labelled: list[tuple[Expr, Labels]] = []
    if len(same) > 1:
        labelled.append((Const(len(same)), ()))
    for j, (f, ls) in enumerate(zip(node.factors, node.labels, strict=True)):
        labelled.append((cotangent, (*lead, *node.out)) if j == k else (f, ls))
    carried = {label for _, ls in labelled for label in ls}
    out: list[int] = []
    for label, dim in zip(wanted, target.shape, strict=True):
        if label in out:  # a diagonal: its transpose puts the values on the diagonal
            labelled.append((Delta(dim), (label, fresh)))
            out.append(fresh)
            fresh += 1
            continue
        if label not in carried:  # summed in this factor alone: the cotangent is stretched
            labelled.append((Ones(dim), (label,)))
        out.append(label)
    return contract(labelled, (*lead, *out))


def _add(node: Expr, k: int, cotangent: Expr, batch: int) -> Expr:
    return cotangent


def _map(node: Expr, k: int, cotangent: Expr, batch: int) -> Expr:
    """A choice: where(condition, cotangent, 0) for the argument taken where it holds."""
    assert isinstance(node, Map)
    condition, first, _ = CHOICES[node.fn]
    c = broadcast_to(condition(*node.args), cotangent.shape)
    zero = broadcast_to(Const(0), cotangent.shape)
    return ops.where(c, cotangent, zero) if k == first else ops.where(c, zero, cotangent)


def _lead(key: tuple[Place, ...], cotangent: Expr, batch: int) -> tuple[Place, ...]:
    return (*map(full_range, cotangent.shape[:batch]), *key)


def _slice(node: Expr, k: int, cotangent: Expr, batch: int) -> Expr:
    assert isinstance(node, Slice)
    return scatter([cotangent], [_lead(node.key, cotangent, batch)], (*cotangent.shape[:batch], *node.x.shape))


def _scatter(node: Expr, k: int, cotangent: Expr, batch: int) -> Expr:
    assert isinstance(node, Scatter)
    return slice_node(cotangent, _lead(node.keys[k], cotangent, batch))


def _concat(node: Expr, k: int, cotangent: Expr, batch: int) -> Expr:
    assert isinstance(node, Concat)
    part = node.parts[k].shape
    start = dim_add(0, *(p.shape[node.axis] for p in node.parts[:k]))
    key = tuple(Range(start, d, 1) if a == node.axis else full_range(d) for a, d in enumerate(part))
    return slice_node(cotangent, _lead(key, cotangent, batch))


def _reshape(node: Expr, k: int, cotangent: Expr, batch: int) -> Expr:
    assert isinstance(node, Reshape)
    return reshape_node(cotangent, (*cotangent.shape[:batch], *node.x.shape))


def _gather(node: Expr, k: int, cotangent: Expr, batch: int) -> Expr:
    assert isinstance(node, Gather)
    return gather_transpose(cotangent, node.indices, node.axis + batch, (*cotangent.shape[:batch], *node.x.shape))


def _gather_transpose(node: Expr, k: int, cotangent: Expr, batch: int) -> Expr:
    assert isinstance(node, GatherT)
    return gather(cotangent, node.indices, node.axis + batch)


def _scan(node: Expr, k: int, cotangent: Expr, batch: int) -> Expr:
    assert isinstance(node, Scan)
    return scan("cumsum", cotangent, node.axis + batch, not node.reverse)


def _solve(node: Expr, k: int, cotangent: Expr, batch: int) -> Expr:
    assert isinstance(node, Linalg)
    a = node.args[0].mT
    return linalg("solve", broadcast_to(a, (*cotangent.shape[:batch], *a.shape)), cotangent)


TRANSPOSES: dict[type[Expr], Transpose] = {
    Add: _add,
    Contract: contract_transpose,
    Map: _map,
    Slice: _slice,
    Scatter: _scatter,
    Concat: _concat,
    Reshape: _reshape,
    Gather: _gather,
    GatherT: _gather_transpose,
    Scan: _scan,
    Linalg: _solve,
}


def is_linear_in(node: Expr, k: int) -> bool:
    """Whether a node is linear in operand k, so that TRANSPOSES holds its transpose."""
    match node:
        case Add() | Contract() | Slice() | Scatter() | Concat() | Reshape():
            return True
        case Gather() | GatherT():
            return k == 0
        case Map():
            return node.fn in CHOICES and k in CHOICES[node.fn][1:]
        case Scan():
            return node.kind == "cumsum"
        case Linalg():
            return node.fn == "solve" and k == 1
        case _:
            return False


def transposed(node: Expr, k: int, cotangent: Expr, batch: int = 0) -> Expr:
    """The cotangent of operand k of a node linear in it.

    Shapes: the cotangent (batch..., node's shape), the result (batch..., operand's shape). Raises: MissingRule if it is not linear.
    """
    if not is_linear_in(node, k):
        raise MissingRule(f"{getattr(node, 'fn', type(node).__name__)} is not linear in operand {k}")
    return TRANSPOSES[type(node)](node, k, cotangent, batch)
