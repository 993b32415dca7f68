"""In which order to multiply the factors of a contraction: pairs, so that the whole is cheapest.

Up to eight factors the best order is found by trying all of them, subset by subset; beyond, the cheapest pair is taken first.
Source: Pfeifer, Haegeman and Verstraete, Faster identification of optimal contraction sequences, Phys. Rev. E 90 (2014).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

Labels = frozenset[int]
EXHAUSTIVE = 8  # factors; the number of subset pairs grows as 3**n
TRAFFIC = 8  # what writing an element costs in multiplications of a matrix product

Step = tuple[int, int]  # positions in the list of what is left; the product goes to its end


def contraction_path(factors: Sequence[Labels], out: Labels, size: Mapping[int, int]) -> list[Step]:
    """Pairs to multiply, in order. Labels that nothing else needs are summed as soon as they can be.

    >>> A, B, v = frozenset({0, 1}), frozenset({1, 2}), frozenset({2})
    >>> contraction_path([A, B, v], frozenset({0}), {0: 50, 1: 50, 2: 50})
    [(1, 2), (0, 1)]
    """
    if len(factors) < 2:
        return []
    if len(factors) == 2:
        return [(0, 1)]
    return _best(factors, out, size) if len(factors) <= EXHAUSTIVE else _greedy(factors, out, size)


def _step_cost(a: Labels, b: Labels, result: Labels, size: Mapping[int, int]) -> int:
    return prod(size[label] for label in a | b) + TRAFFIC * prod(size[label] for label in result)


def _best(factors: Sequence[Labels], out: Labels, size: Mapping[int, int]) -> list[Step]:
    n = len(factors)
    full = (1 << n) - 1
    labels = [frozenset[int]()] * (full + 1)
    for subset in range(1, full + 1):
        inside = frozenset().union(*(f for k, f in enumerate(factors) if subset >> k & 1))
        outside = out.union(*(f for k, f in enumerate(factors) if not subset >> k & 1))
        single = subset & (subset - 1) == 0
        labels[subset] = inside if single else inside & outside
    best: list[tuple[int, int]] = [(0, 0)] * (full + 1)  # cost, left part
    for subset in range(1, full + 1):
        if subset & (subset - 1) == 0:
            continue
        lowest = subset & -subset
        choices = []
        rest = subset ^ lowest
        part = rest
        while True:  # every part that holds the lowest factor, so that each split is seen once
            part = (part - 1) & rest
            left = part | lowest
            right = subset ^ left
            choices.append((best[left][0] + best[right][0] + _step_cost(labels[left], labels[right], labels[subset], size), left))
            if part == 0:
                break
        best[subset] = min(reversed(choices), key=lambda c: c[0])  # among equals, products from the right: X.T @ (X @ v)
    return _steps(best, full, n)


def _steps(best: Sequence[tuple[int, int]], full: int, n: int) -> list[Step]:
    """The tree of splits as positions in a shrinking list."""
    order: list[tuple[int, int, int]] = []
    stack = [full]
    while stack:
        subset = stack.pop()
        if subset & (subset - 1):
            left = best[subset][1]
            order.append((subset, left, subset ^ left))
            stack += [left, subset ^ left]
    left_over = [1 << k for k in range(n)]
    steps = []
    for subset, left, right in reversed(order):
        i, j = left_over.index(left), left_over.index(right)
        steps.append((i, j))
        left_over = [s for k, s in enumerate(left_over) if k not in (i, j)] + [subset]
    return steps


def _greedy(factors: Sequence[Labels], out: Labels, size: Mapping[int, int]) -> list[Step]:
    left = list(factors)
    steps = []
    while len(left) > 1:
        choices = []
        for i in range(len(left)):
            for j in range(i + 1, len(left)):
                needed = out.union(*(f for k, f in enumerate(left) if k not in (i, j)))
                result = (left[i] | left[j]) & needed
                choices.append((_step_cost(left[i], left[j], result, size), i, j, result))
            if len(choices) > 4096:
                break
        _, i, j, result = min(choices, key=lambda c: c[:3])
        steps.append((i, j))
        left = [f for k, f in enumerate(left) if k not in (i, j)] + [result]
    return steps
