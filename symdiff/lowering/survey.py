"""What is known of a DAG before it is walked: which inputs are indices, which products join into others, what they share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from fractions import Fraction
from itertools import combinations

import numpy as np

from symdiff.expr.algebra import inlined
from symdiff.expr.leaves import constant_value, multiply_numbers
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Concat, Const, Contract, Delta, Gather, GatherT, Linalg, Map, Number, Ones, Reshape, Slice
from symdiff.lowering.contraction import Pairs
from symdiff.lowering.pairing import Labels
from symdiff.lowering.paths import EXHAUSTIVE, LARGEST


def only_indices(order: Sequence[Expr], roots: Sequence[Expr]) -> set[Expr]:
    """Nodes that are used as indices only, through nothing but structure: such an input is of whole numbers."""
    indexed: set[Expr] = set()
    other: set[Expr] = set(roots)
    for e in reversed(order):
        if isinstance(e, (Gather, GatherT)):
            indexed.update(e.indices)
            other.add(e.x)
        elif isinstance(e, (Slice, Reshape, Concat)) or (isinstance(e, Contract) and _relabels(e)):
            (indexed if e in indexed and e not in other else other).update(e.operands)
        else:
            other.update(e.operands)
    return indexed - other


def _relabels(e: Contract) -> bool:
    return sum(not isinstance(f, Ones) for f in e.factors) == 1 and not any(isinstance(f, (Const, Delta)) for f in e.factors)


def decomposed_twice(order: Sequence[Expr]) -> set[tuple[str, Expr]]:
    """Matrices of which more than one part of a decomposition is asked for: the decomposition is made once."""
    parts = {"eigvalsh": "eigh", "eigvecs": "eigh", "svdvals": "svd", "svdu": "svd", "svdvt": "svd"}
    counts = Counter((parts[e.fn], e.args[0]) for e in order if isinstance(e, Linalg) and e.fn in parts)
    return {key for key, count in counts.items() if count > 1}


FlatProduct = tuple[Number, tuple[tuple[Expr, Labels, bool], ...], Labels]  # coefficient, (factor, labels, inverse), out


def flattened(order: Sequence[Expr], uses: Counter[Expr], kept: set[Expr]) -> tuple[dict[Expr, FlatProduct], set[Expr]]:
    """The factors of every Contract, with those of products that nobody else uses multiplied in, and which nodes that does away with.

    A reciprocal is its base, dividing; a square that nobody else uses is its base twice, and both are multiplied in or neither.
    """
    products: dict[Expr, FlatProduct] = {}
    absorbed: set[Expr] = set()
    for e in reversed(order):
        if not isinstance(e, Contract) or e in absorbed:
            continue
        fresh = max((max(ls, default=0) for ls in e.labels), default=0) + 1
        coefficient: Number = 1
        done: list[tuple[Expr, Labels, bool]] = []
        todo = [(f, ls, False) for f, ls in zip(e.factors, e.labels, strict=True)][::-1]
        while todo:
            f, ls, inverse = todo.pop()
            room = LARGEST - len(done) - len(todo)
            own = uses[f] == 1 and f not in kept
            if isinstance(f, Const) and not isinstance(f.value, np.ndarray) and not (inverse and f.value == 0):
                coefficient = multiply_numbers(coefficient, f.value if not inverse else _reciprocal(f.value))
            elif isinstance(f, Contract) and own and not inverse and (len(f.factors) <= room or f in absorbed) and not _has_delta(f):
                absorbed.add(f)
                inner, fresh = inlined(zip(f.factors, f.labels, strict=True), f.out, ls, fresh)
                todo += [(g, labels, False) for g, labels in reversed(inner)]
            elif isinstance(f, Map) and f.fn == "pow" and f not in kept and constant_value(f.args[1]) == -1 and _divides(f, own):
                if own:
                    absorbed.add(f)
                todo.append((f.args[0], ls, not inverse))
            elif isinstance(f, Map) and f.fn == "pow" and own and room > 1 and constant_value(f.args[1]) == 2 and not inverse:
                absorbed.add(f)
                todo += [(f.args[0], ls, False)] * 2
            else:
                done.append((f, ls, inverse))
        products[e] = (coefficient, tuple(done), e.out)
    return products, absorbed


def _has_delta(e: Contract) -> bool:
    return any(isinstance(f, Delta) for f in e.factors)


def _divides(e: Map, own: bool) -> bool:
    """Whether a product divides by the base of a reciprocal, rather than multiply by one that others use as well."""
    return own or e.shape == ()


def _reciprocal(value: Number) -> Number:
    return 1 / value if isinstance(value, float) else Fraction(1) / value


def pair_counts(products: dict[Expr, FlatProduct]) -> Pairs:
    """In how many products each pair of factors stands over the same labels, and the order in which pairs were met."""
    counts: dict[frozenset[Hashable], tuple[int, int]] = {}
    for _, factors, _ in reversed(products.values()):
        groups: dict[Labels, list[Expr]] = {}
        for f, ls, inverse in factors:
            if not inverse and ls:
                groups.setdefault(ls, []).append(f)
        for members in groups.values():
            if 1 < len(members) <= 2 * EXHAUSTIVE:
                for pair in dict.fromkeys(frozenset[Hashable](p) for p in combinations(members, 2)):
                    count, place = counts.get(pair, (0, -len(counts)))
                    counts[pair] = (count + 1, place)
    return counts
