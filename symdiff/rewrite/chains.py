"""Inverses of products of square matrices, cancelled against a neighbour: inv(A X B) A is inv(X B).

That an inverse of a product of square matrices exists says that each of them has one.
"""

from __future__ import annotations

from symdiff.expr.algebra import contract, permute
from symdiff.expr.build import linalg
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Contract, Delta, Linalg, Ones
from symdiff.rewrite.terms import Factor, Term, as_term, is_symmetric, joined

Link = tuple[Expr, bool]  # a matrix of a chain, and whether it stands there transposed


def matrix_chain(e: Expr) -> list[Link] | None:
    """The square matrices whose product `e` is, from left to right; None if it is no such product."""
    if not isinstance(e, Contract) or len(e.shape) != 2:
        return None
    term = joined(as_term(e))
    if term.coefficient != 1 or any(len(ls) != 2 or f.shape[0] != f.shape[1] or isinstance(f, (Ones, Delta)) for f, ls in term.factors):
        return None
    left = list(term.factors)
    links: list[Link] = []
    at, end = term.out
    while left:
        here = [(k, ls) for k, (_, ls) in enumerate(left) if at in ls]
        if len(here) != 1:
            return None
        k, ls = here[0]
        links.append((left[k][0], ls[1] == at))
        at = ls[0] if ls[1] == at else ls[1]
        del left[k]
    return links if at == end and len(links) > 1 else None


def cancel_in_chain(term: Term, i: int, j: int, label: int) -> tuple[Term, str] | None:
    """The product with the inverse of a chain (factor i) shortened by its neighbour (factor j) over a summed label."""
    (f, ls), (g, other) = term.factors[i], term.factors[j]
    if not isinstance(f, Linalg) or f.fn != "inv" or len(other) != 2 or other.count(label) != 1 or ls.count(label) != 1:
        return None
    links = matrix_chain(f.args[0])
    if links is None:
        return None
    on_the_right = ls[1] == label  # inv(A R) A: A stands first in the chain
    matrix, turned = links[0] if on_the_right else links[-1]
    if matrix is not g:
        return None
    reads_first = other[0] == label  # the axis of g at the inverse: its first, where it stands to the right and is not turned
    if not is_symmetric(g) and reads_first != (on_the_right != turned):
        return None
    rest = links[1:] if on_the_right else links[:-1]
    free = other[1] if other[0] == label else other[0]
    shorter = linalg("inv", _multiplied(rest))
    new: Factor = (shorter, (ls[0], free) if on_the_right else (free, ls[1]))
    factors = tuple(new if k == i else factor for k, factor in enumerate(term.factors) if k != j)
    return Term(term.coefficient, factors, term.out), "inverse of a product"


def _multiplied(links: list[Link]) -> Expr:
    if len(links) == 1:
        matrix, turned = links[0]
        return permute(matrix, (1, 0)) if turned else matrix
    factors: list[Factor] = [(m, (k + 1, k) if turned else (k, k + 1)) for k, (m, turned) in enumerate(links)]
    return contract(factors, (0, len(links)))
