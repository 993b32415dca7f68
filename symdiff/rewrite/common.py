"""What the terms of a sum have in common: factors that stand over the same axes of the result, and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd

from symdiff.expr.algebra import add, contract
from symdiff.expr.dims import Dim
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Const, Number, Ones
from symdiff.rewrite.measure import cost
from symdiff.rewrite.terms import Factor, Term, as_ratio, as_term, base_and_exponent, is_symmetric

Signature = tuple[Expr, tuple[int, ...], int]  # base, where its axes stand in the result (-1: summed), sign of the exponent


def _signature(t: Term, k: int) -> Signature | None:
    f, ls = t.factors[k]
    if len(set(ls)) < len(ls) or (isinstance(f, Ones) and ls[0] in t.out):
        return None
    base, exponent = base_and_exponent(f)
    place = {label: axis for axis, label in enumerate(t.out)}
    where = tuple(place.get(label, -1) for label in ls)
    if is_symmetric(base):
        where = tuple(sorted(where, reverse=True))
    return base, where, 1 if exponent > 0 else -1


def with_sums(t: Term) -> Term:
    """The term with a vector of ones for each axis that one factor alone sums over: the sum becomes a factor that terms can share."""
    carriers: dict[int, list[Dim]] = {}
    for f, ls in t.factors:
        for label, d in zip(ls, f.shape, strict=True):
            carriers.setdefault(label, []).append(d)
    ones = tuple((Ones(ds[0]), (label,)) for label, ds in carriers.items() if len(ds) == 1 and label not in t.out)
    return Term(t.coefficient, (*t.factors, *ones), t.out) if ones else t


def candidates(terms: Sequence[Term]) -> list[tuple[int, list[tuple[int, int]]]]:
    """Groups of (term, factor) that share a signature, the largest saving first."""
    groups: dict[Signature, list[tuple[int, int]]] = {}
    for i, t in enumerate(terms):
        seen: set[Signature] = set()
        for k in range(len(t.factors)):
            s = _signature(t, k)
            if s is not None and s not in seen:
                seen.add(s)
                groups.setdefault(s, []).append((i, k))
    ranked = []
    for (base, _, _), places in groups.items():
        if len(places) > 1:
            ranked.append(((len(places) - 1) * (min(cost(base), 10**6) + 1), places))
    ranked.sort(key=lambda r: -r[0])
    return ranked


def authors_order(pulled: list[Factor], places: list[tuple[int, int]], terms: Sequence[Term]) -> list[Factor]:
    """The common factor after what remains, if it stood last in the first term."""
    i, k = places[0]
    return [pulled[1], pulled[0], *pulled[2:]] if k > 0 and k == len(terms[i].factors) - 1 else pulled


def _number_group(terms: Sequence[Term]) -> tuple[Number, list[int]] | None:
    """A coefficient that several terms share up to a whole multiple, and those terms."""
    exact = [(i, Fraction(t.coefficient)) for i, t in enumerate(terms) if not isinstance(t.coefficient, float)]
    if len(exact) == len(terms) and len(terms) > 1:
        numerator = 0
        denominator = 1
        for _, c in exact:
            numerator = gcd(numerator, abs(c.numerator))
            denominator = denominator * c.denominator // gcd(denominator, c.denominator)
        common = Fraction(numerator, denominator)
        if common != 1 and sum(abs(c) == common for _, c in exact) * 2 > len(exact):
            return (int(common) if common.denominator == 1 else common), list(range(len(terms)))
    groups: dict[Number, list[int]] = {}
    for i, t in enumerate(terms):
        if abs(t.coefficient) != 1:
            groups.setdefault(_size(t.coefficient), []).append(i)
    best = max(groups.items(), key=lambda g: len(g[1]), default=None)
    return None if best is None or len(best[1]) < 2 else best


def _size(value: Number) -> Number:
    return -value if value < 0 else value


def pull_number(terms: Sequence[Term]) -> list[Term]:
    """2 a + 2 b becomes 2 (a + b)."""
    found = _number_group(terms)
    if found is None:
        return list(terms)
    number, chosen = found
    inner = add(*(_divided(terms[i], number).expr() for i in chosen))
    whole = as_term(contract([(Const(number), ()), (inner, tuple(range(len(inner.shape))))], tuple(range(len(inner.shape)))))
    out: list[Term] = []
    for i, t in enumerate(terms):
        if i == chosen[0]:
            out.append(whole)
        elif i not in chosen:
            out.append(t)
    return out


def _divided(t: Term, number: Number) -> Term:
    return Term(as_ratio(t.coefficient, number), t.factors, t.out)
