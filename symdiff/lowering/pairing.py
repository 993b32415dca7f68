"""The product of two labelled factors, in the cheapest form that NumPy has for it."""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

from symdiff.lowering.builder import Builder

Labels = tuple[int, ...]


class Factor(NamedTuple):
    """A register whose axes carry these labels. `key` is what it computes, for finding products that others have too."""

    register: int
    labels: Labels
    inverse: bool = False
    key: Hashable = None


def plain(b: Builder, f: Factor) -> Factor:
    """The factor as it stands: a reciprocal where it divides."""
    return Factor(b.divide(b.number(1), f.register), f.labels) if f.inverse else f


def pair(b: Builder, x: Factor, y: Factor, kept: frozenset[int], final: Labels | None) -> Factor:
    """The product of two factors, summed over the labels that are not kept."""
    summed = (set(x.labels) | set(y.labels)) - kept
    if not summed:
        return _elementwise(b, x, y, final)
    x, y = (Factor(b.real(f.register), f.labels) for f in (plain(b, x), plain(b, y)))
    return _contracted(b, x, y, [label for label in x.labels if label in summed], kept, final)


def _elementwise(b: Builder, x: Factor, y: Factor, final: Labels | None) -> Factor:
    both = set(x.labels) | set(y.labels)
    if final is not None:
        order = tuple(label for label in final if label in both)
    else:
        order = _own_order(x, y)
    if len(x.labels) == len(y.labels) == 1 and len(order) == 2 and not x.inverse and not y.inverse:
        p, q = (x, y) if order[0] == x.labels[0] else (y, x)
        return Factor(b.emit("outer", [b.real(p.register), b.real(q.register)]), order)
    left, right = (b.align(f.register, f.labels, order) for f in (x, y))
    if x.inverse == y.inverse:
        return Factor(b.arithmetic("multiply", left, right), order, x.inverse)
    return Factor(b.divide(right, left) if x.inverse else b.divide(left, right), order)


def _own_order(x: Factor, y: Factor) -> Labels:
    """The axes of an elementwise product whose order is free: those of the larger factor, if it has them all. Otherwise those that both
    have, of which one is summed next, come first: a product of matrices reads that array as it lies."""
    first, second = (x, y) if len(x.labels) >= len(y.labels) else (y, x)
    if set(second.labels) <= set(first.labels):
        return first.labels
    shared = [label for label in first.labels if label in second.labels]
    return tuple(dict.fromkeys((*shared, *x.labels, *y.labels)))


def _contracted(b: Builder, x: Factor, y: Factor, summed: list[int], kept: frozenset[int], final: Labels | None) -> Factor:
    """Labels of a pair are summed, shared and kept (a batch), or free in one of the two."""
    shared = [label for label in x.labels if label in y.labels and label in kept]
    free_x = [label for label in x.labels if label not in y.labels]
    free_y = [label for label in y.labels if label not in x.labels]
    if not shared and not free_x and not free_y:
        if len(summed) == 1:
            return Factor(b.emit("dot", [x.register, y.register]), ())
        return Factor(b.emit("vdot", [x.register, b.align(y.register, y.labels, x.labels)]), ())
    if final is not None and free_x and free_y and final.index(free_y[0]) < final.index(free_x[0]):
        x, y, free_x, free_y = y, x, free_y, free_x
    if not shared:
        if final is None and len(y.labels) > 2 >= len(x.labels) and [y.labels[-1]] == summed:
            x, y, free_x, free_y = y, x, free_y, free_x  # a stack of rows goes left
        return _matrix(b, x, y, summed, free_x, free_y)
    if not free_x and not free_y:
        order = (*shared, *summed)
        product = b.arithmetic("multiply", b.align(x.register, x.labels, order), b.align(y.register, y.labels, order))
        return Factor(b.sum(product, range(len(shared), len(order))), tuple(shared))
    if len(summed) == 1 and len(free_x) <= 1 and len(free_y) <= 1:
        return _stacked(b, x, y, shared, summed[0], free_x, free_y)
    order = (*shared, *free_x, *free_y)
    number = {label: k for k, label in enumerate(dict.fromkeys((*x.labels, *y.labels)))}
    labels = tuple(tuple(number[label] for label in f.labels) for f in (x, y))
    return Factor(b.emit("einsum", [x.register, y.register], labels, tuple(number[label] for label in order)), order)


def _matrix(b: Builder, x: Factor, y: Factor, summed: list[int], free_x: list[int], free_y: list[int]) -> Factor:
    order = (*free_x, *free_y)
    if len(summed) == 1:
        if len(x.labels) <= 2 and len(y.labels) <= 2:
            left = b.transpose(x.register, [x.labels.index(label) for label in (*free_x, *summed)])
            right = b.transpose(y.register, [y.labels.index(label) for label in (*summed, *free_y)])
            return Factor(b.emit("matmul", [left, right]), order)
        if x.labels[-1] == summed[0] and len(y.labels) <= 2:  # a stack of rows times one matrix
            right = b.transpose(y.register, [y.labels.index(label) for label in (*summed, *free_y)])
            return Factor(b.emit("matmul", [x.register, right]), order)
    axes = [tuple(f.labels.index(label) for label in summed) for f in (x, y)]
    return Factor(b.emit("tensordot", [x.register, y.register], *axes), order)


def _stacked(b: Builder, x: Factor, y: Factor, shared: list[int], summed: int, free_x: list[int], free_y: list[int]) -> Factor:
    """A matrix product for each entry of the shared labels."""
    left = b.transpose(x.register, [x.labels.index(label) for label in (*shared, *free_x, summed)])
    right = b.transpose(y.register, [y.labels.index(label) for label in (*shared, summed, *free_y)])
    rank = len(shared)
    left = left if free_x else b.expand(left, [rank])
    right = right if free_y else b.expand(right, [rank + 1])
    result = b.emit("matmul", [left, right])
    if not free_x or not free_y:
        result = b.squeeze(result, [rank if not free_x else rank + 1])
    return Factor(result, (*shared, *free_x, *free_y))
