"""Products that are the same from both ends, such as A B C C^T B^T A^T: the half is computed once.

An exchange of labels that maps the factors onto themselves is read off the factors that stand there twice. The parts that it exchanges
are equal up to their labels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence

from symdiff.lowering.pairing import Factor, Labels

Half = Callable[[Sequence[Factor], Labels], int]  # computes the product of some factors with these labels left


def join_halves(factors: Sequence[Factor], out: Labels, compute: Half) -> list[Factor]:
    """The factors with each exchanged pair of parts in place of their own factors, if there are any."""
    exchange = _exchange(factors)
    if not exchange:
        return list(factors)
    parts = _parts(factors, exchange)
    left = list(factors)
    done: set[frozenset[int]] = set()
    for part in parts:
        image = frozenset(k for k, f in enumerate(factors) if any(_image(factors[j], exchange) == (f.register, f.labels) for j in part))
        if len(part) < 2 or image == part or image not in parts or image in done:
            continue
        done.add(part)
        members = [factors[k] for k in sorted(part)]
        gone = part | image
        others = {label for k, f in enumerate(factors) if k not in part for label in f.labels} | set(out)
        kept = tuple(dict.fromkeys(label for f in members for label in f.labels if label in others))
        register = compute(members, kept)
        left = [f for f in left if all(f is not factors[k] for k in gone)]
        left += [Factor(register, kept), Factor(register, tuple(exchange.get(label, label) for label in kept))]
    return left


def _image(f: Factor, exchange: dict[int, int]) -> tuple[int, Labels]:
    return f.register, tuple(exchange.get(label, label) for label in f.labels)


def _exchange(factors: Sequence[Factor]) -> dict[int, int]:
    """Labels with those they are exchanged with; empty if there is no such exchange."""
    same: defaultdict[Hashable, list[Labels]] = defaultdict(list)
    for f in factors:
        if f.inverse:
            return {}
        same[f.register].append(f.labels)
    exchange: dict[int, int] = {}
    for found in same.values():
        if len(found) > 2:
            return {}
        for p, q in zip(found[0], found[-1], strict=True):
            if exchange.setdefault(p, q) != q or exchange.setdefault(q, p) != p:
                return {}
    return {p: q for p, q in exchange.items() if p != q}


def _parts(factors: Sequence[Factor], exchange: dict[int, int]) -> list[frozenset[int]]:
    """Positions of factors, those together that exchanged labels connect."""
    of_label: dict[int, set[int]] = {}
    for k, f in enumerate(factors):
        moved = [label for label in f.labels if label in exchange]
        if not moved:
            continue
        joined = {k}.union(*(of_label.get(label, set()) for label in moved))
        for j in joined:
            for label in factors[j].labels:
                if label in exchange:
                    of_label[label] = joined
    return list(dict.fromkeys(frozenset(part) for part in of_label.values()))
