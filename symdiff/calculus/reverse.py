"""Reverse mode: cotangents pulled from the result back to the variables.

Each node is replaced by its differential, which is linear in the operands' tangents, and that linear map is transposed. What flows
into a node is gathered first and added once, so that the cost is one visit a node; slices of one array are gathered into one scatter,
so that a loop over x[i] stays linear at run time too.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

from symdiff.calculus.linear import is_linear_in, is_masked, times, transposed
from symdiff.calculus.partials import differentiable_operands, moving_arguments, moving_operands, partial
from symdiff.errors import ShapeError
from symdiff.expr import ops
from symdiff.expr.algebra import add, scalar_product, zeros_of
from symdiff.expr.collector import paused
from symdiff.expr.dims import Shape, show_shape
from symdiff.expr.elementwise import is_boolean
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Add, Contract, Map, Scatter, Var
from symdiff.expr.structure import scatter
from symdiff.rules.differentials import differential
from symdiff.rules.elementwise import CHOICES


def gathered(contributions: Sequence[Expr]) -> Expr:
    """The sum of what flows into one node; scatters become one scatter."""
    if len(contributions) == 1:
        return contributions[0]
    scatters = [c for c in contributions if isinstance(c, Scatter)] if contributions[0].shape else []
    if len(scatters) < 2:
        return add(*contributions)
    parts = [p for s in scatters for p in s.parts]
    keys = [k for s in scatters for k in s.keys]
    one = scatter(parts, keys, scatters[0].into)
    return add(one, *(c for c in contributions if not isinstance(c, Scatter)))


def dependents(order: Iterable[Expr], wrt: Iterable[Expr]) -> dict[Expr, None]:
    """Those of some nodes, which come operands first, that depend on `wrt`; in the same order."""
    targets = set(wrt)
    found: dict[Expr, None] = {}
    active = found.keys()
    for node in order:
        if active.isdisjoint(node.operands):
            if node in targets:
                found[node] = None
        elif not active.isdisjoint(moving_operands(node)) or node in targets:
            found[node] = None
    return found


def active_operands(node: Expr, active: Container[Expr]) -> list[int]:
    """The positions of the operands through which a node depends on what the active nodes depend on."""
    operands = node.operands
    return [k for k in differentiable_operands(node) if operands[k] in active]


def active_nodes(roots: Iterable[Expr], wrt: Iterable[Expr]) -> tuple[list[Expr], dict[Expr, tuple[int, ...]]]:
    """The nodes through which `roots` depend on `wrt`, operands first, with the positions of their active operands."""
    active = dependents(topological(*roots), wrt)
    return list(active), {node: tuple(active_operands(node, active)) for node in active}


@paused()
def pullback(cotangents: Mapping[Expr, Expr], wrt: Sequence[Expr], batch: int = 0, order: Sequence[Expr] | None = None) -> list[Expr]:
    """The cotangents of `wrt`, given those of the roots; zeros where the roots do not reach it.

    `order` are the nodes below the roots in topological order, for callers who have walked them already. `wrt` may hold any nodes, not
    only variables: the cotangent of an inner node is the derivative in its value.
    Shapes: (batch..., root's shape) in, (batch..., node's shape) out.
    Source: Griewank and Walther, Evaluating Derivatives, 2nd ed., 2008, section 3.2.
    """
    lead: Shape = ()
    for root, c in cotangents.items():
        lead = c.shape[:batch]
        if c.shape[batch:] != root.shape:
            raise ShapeError(f"vjp: the cotangent has shape {show_shape(c.shape)}, the result {show_shape(root.shape)}")
    active = dependents(topological(*cotangents) if order is None else order, wrt)
    flowing: dict[Expr, list[Expr]] = {root: [c] for root, c in cotangents.items() if root in active}
    done: dict[Expr, Expr] = {}
    targets = set(wrt)
    for node in reversed(active):
        contributions = flowing.pop(node, None)
        if contributions is None:
            continue
        cotangent = contributions[0] if len(contributions) == 1 else gathered(contributions)
        if node in targets:
            done[node] = cotangent
        for operand, contribution in operand_cotangents(node, active, cotangent, batch):
            if operand in flowing:
                flowing[operand].append(contribution)
            else:
                flowing[operand] = [contribution]
    return [as_number(done[w]) if w in done else zeros_of((*lead, *w.shape)) for w in wrt]


def as_number(e: Expr) -> Expr:
    """A condition that came out as a derivative, as the numbers 1 and 0."""
    return ops.where(e, 1, 0) if is_boolean(e) else e


def operand_cotangents(node: Expr, active: Container[Expr], cotangent: Expr, batch: int) -> list[tuple[Expr, Expr]]:
    """What the cotangent of a node contributes to each active operand."""
    operands = node.operands
    found: list[tuple[Expr, Expr]] = []  # filled by loops where most nodes pass: a comprehension costs a call
    match node:
        case Add():
            for o in operands:
                if o in active:
                    found.append((o, cotangent))
            return found
        case Map() if node.fn not in CHOICES:
            for k in moving_arguments(node):
                if operands[k] in active:
                    found.append((operands[k], times(partial(node, k), cotangent, batch)))
            return found
        case Contract() if batch == 0 and is_product_of_two_numbers(node) and not is_masked(cotangent):
            a, b = operands
            if a in active:
                found.append((a, scalar_product((cotangent, b))))
            if b in active:
                found.append((b, scalar_product((a, cotangent))))
            return found
    places = active_operands(node, active)
    if isinstance(node, Contract) and len(set(operands)) < len(operands):  # equal factors contribute once, with their count
        first = {(node.factors[k], node.labels[k]): k for k in reversed(places)}
        places = sorted(first.values())
    if all(is_linear_in(node, k) for k in places):
        return [(operands[k], transposed(node, k, cotangent, batch)) for k in places]
    return _through_differential(node, places, cotangent, batch)


def is_product_of_two_numbers(node: Contract) -> bool:
    """Whether a contraction is a b with a scalar a and another scalar b: what formulas of numbers are full of."""
    factors = node.factors
    return len(factors) == 2 and factors[0] is not factors[1] and not factors[0].shape and not factors[1].shape


def _through_differential(node: Expr, places: Sequence[int], cotangent: Expr, batch: int) -> list[tuple[Expr, Expr]]:
    """Apply the node's differential to placeholders for its tangents and transpose the linear expression that it gives."""
    tangents: list[Expr | None] = [None] * len(node.operands)
    for k in places:
        tangents[k] = Var(f"d{k}", node.operands[k].shape, (), -1)
    linear = differential(node, tangents)
    if linear is None:
        return []
    placeholders = [t for t in tangents if t is not None]
    active = dependents(topological(linear), placeholders)
    flowing: dict[Expr, list[Expr]] = {linear: [cotangent]}
    result: dict[Expr, Expr] = {}
    for inner in reversed(active):
        contributions = flowing.pop(inner, None)
        if contributions is None:
            continue
        total = gathered(contributions)
        if isinstance(inner, Var):
            result[inner] = total
        for k in active_operands(inner, active):
            flowing.setdefault(inner.operands[k], []).append(transposed(inner, k, total, batch))
    return [(node.operands[k], result[t]) for k in places if (t := tangents[k]) in result and t is not None]
