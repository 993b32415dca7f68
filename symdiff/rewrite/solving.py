"""Inverses that only ever multiply become solutions of linear systems: A^-1 (B c) is solve(A, B c), with fewer digits lost.

An inverse whose entries are wanted as well, or whose products would be more than a matrix, stays.
"""

from __future__ import annotations

from collections.abc import Sequence

from symdiff.expr import ops
from symdiff.expr.algebra import contract, permute
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Contract, Linalg
from symdiff.expr.rebuild import with_operands
from symdiff.expr.traverse import transform
from symdiff.rewrite.terms import Factor, Term, as_term, connected, used_labels


def solve_instead(roots: Sequence[Expr]) -> list[Expr]:
    """The expressions with every inverse that is only multiplied replaced by a solution."""
    nodes = list(topological(*roots))
    if not any(map(is_inverse, nodes)):
        return list(roots)
    blocked = set(roots)
    for e in nodes:
        for o in e.operands:
            if is_inverse(o) and not (isinstance(e, Contract) and right_side(as_term(e), o) is not None):
                blocked.add(o)

    def change(e: Expr, operands: tuple[Expr, ...]) -> Expr:
        new = with_operands(e, operands)
        if isinstance(e, Contract):
            for o in dict.fromkeys(e.operands):
                if is_inverse(o) and o not in blocked:
                    new = _solved(new)
        return new

    return transform(roots, change)


def is_inverse(e: Expr) -> bool:
    return isinstance(e, Linalg) and e.fn == "inv" and len(e.shape) == 2


def right_side(term: Term, inverse: Expr) -> tuple[int, int, list[int]] | None:
    """The position of the inverse, the axis that is summed, and the factors of the right side; None if there is no such side."""
    places = [k for k, (f, _) in enumerate(term.factors) if f is inverse]
    if len(places) != 1:
        return None
    (at,) = places
    rest = term.without(at)
    positions = [k for k in range(len(term.factors)) if k != at]
    groups = connected(rest, term.out)
    ls = term.factors[at][1]
    found: tuple[int, int, list[int]] | None = None
    fewest = 3
    for axis in (1, 0):
        label, other = ls[axis], ls[1 - axis]
        if label in term.out or label == other:
            continue
        sides = [g for g in groups if label in used_labels(rest[k] for k in g)]
        if len(sides) != 1 or other in used_labels(rest[k] for k in sides[0]):
            continue
        free = {x for x in used_labels(rest[k] for k in sides[0]) if x in term.out}
        if len(free) + 1 < fewest:
            fewest = len(free) + 1
            found = at, axis, [positions[k] for k in sides[0]]
    return found


def _solved(e: Expr) -> Expr:
    """The product with one of its inverses replaced."""
    term = as_term(e)
    for f, _ in term.factors:
        found = right_side(term, f) if is_inverse(f) else None
        if found is None:
            continue
        at, axis, side = found
        assert isinstance(f, Linalg)
        matrix = f.args[0] if axis == 1 else permute(f.args[0], (1, 0))
        ls = term.factors[at][1]
        members: list[Factor] = [term.factors[k] for k in side]
        free = [x for x in term.out if x in used_labels(members)]
        right = contract(members, (ls[axis], *free))
        solution: Factor = (ops.solve(matrix, right), (ls[1 - axis], *free))
        rest = [g for k, g in enumerate(term.factors) if k != at and k not in side]
        return Term(term.coefficient, (*rest, solution), term.out).expr()
    return e
