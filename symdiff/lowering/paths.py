"""In which order to multiply the factors of a contraction: pairs, so that the whole is cheapest, found by opt_einsum.

Up to eight factors the best order is found; beyond, the cheapest of opt_einsum's greedy order and of multiplying from either end.
Source: Smith and Gray, opt_einsum, Journal of Open Source Software 3 (2018) 753; Pfeifer, Haegeman and Verstraete, Faster identification
of optimal contraction sequences, Phys. Rev. E 90 (2014).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

Labels = frozenset[int]
EXHAUSTIVE = 8  # factors; the time of the search grows exponentially
LARGEST = 48  # factors of a product that is put in order as a whole
TRAFFIC = 8  # what writing an element costs in multiplications of a matrix product
THIN = 16  # a side of a product below which it waits for memory as well
WAITING = 4  # what a multiplication costs there

Step = tuple[int, int]  # positions in the list of what is left; the product goes to its end


def contraction_path(factors: Sequence[Labels], out: Labels, size: Mapping[int, int]) -> list[Step]:
    """Pairs to multiply, in order. Labels that nothing else needs are summed as soon as they can be.

    >>> A, B, v = frozenset({0, 1}), frozenset({1, 2}), frozenset({2})
    >>> contraction_path([A, B, v], frozenset({0}), {0: 50, 1: 50, 2: 50})
    [(1, 2), (0, 1)]
    """
    n = len(factors)
    if n < 3:
        return [(0, 1)] if n == 2 else []
    from opt_einsum.paths import DynamicProgramming, greedy  # here, because few programs need it

    sizes = {label: max(d, 1) for label, d in size.items()}
    from_right = [(k - 1, k) for k in range(n - 1, 0, -1)]
    candidates = [from_right, [(0, n - 1 - k) for k in range(n - 1)]]
    if n <= EXHAUSTIVE:
        search = DynamicProgramming(minimize=f"combo-{TRAFFIC}")
        candidates.append(_pairs(search(list(factors), out, sizes)))
    else:
        candidates.append(_pairs(greedy(list(factors), out, sizes)))
    return min(candidates, key=lambda path: path_cost(path, factors, out, sizes))


def _pairs(path: Sequence[Sequence[int]]) -> list[Step]:
    return [(min(step), max(step)) for step in path if len(step) == 2]


def path_cost(path: Sequence[Step], factors: Sequence[Labels], out: Labels, size: Mapping[int, int]) -> int:
    """Multiplications, and elements written at what they cost, of a whole path."""
    left = list(factors)
    total = 0
    for i, j in path:
        a, b = left[i], left[j]
        left = [f for k, f in enumerate(left) if k not in (i, j)]
        result = (a | b) & out.union(*left)
        thin = min((size[label] for label in a | b), default=1) < THIN or a <= b or b <= a
        total += (WAITING if thin else 1) * prod(size[label] for label in a | b) + TRAFFIC * prod(size[label] for label in result)
        left.append(result)
    return total
