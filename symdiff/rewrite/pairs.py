"""Identities of two factors that stand over the same axes: sin(u) / cos(u) is tan(u), in any powers that hold both."""

from __future__ import annotations

from functools import cache

from symdiff.expr.algebra import product
from symdiff.expr.build import power
from symdiff.expr.leaves import add_numbers
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Delta, Map, Number, Ones, Var
from symdiff.rewrite.match import rewrite
from symdiff.rewrite.terms import Term, as_term, base_and_exponent
from symdiff.rules.identities import PRODUCTS, Identity


def apply_pairs(term: Term) -> tuple[Term, str] | None:
    """The first identity of two factors over the same axes that applies."""
    count = len(term.factors)
    for i in range(count):
        f, ls = term.factors[i]
        if isinstance(f, (Ones, Delta)):
            continue
        for j in range(i + 1, count):
            g, other = term.factors[j]
            if other != ls or isinstance(g, (Ones, Delta)) or not (isinstance(f, Map) or isinstance(g, Map)):
                continue
            found = pair_identity(f, g)
            if found is not None:
                result, name = found
                rest = [term.factors[k] for k in range(count) if k not in (i, j)]
                return Term(term.coefficient, (*rest[:i], (result, ls), *rest[i:]), term.out), name
    return None


def _split(identity: Identity) -> tuple[Identity, tuple[Expr, Number], tuple[Expr, Number]]:
    """An identity with the bases and exponents of the two factors on its left."""
    first, second = (base_and_exponent(w) for w, _ in as_term(identity.left).factors)
    return identity, first, second


_PAIRS = [_split(identity) for identity in PRODUCTS]


def _functions(*bases: Expr) -> frozenset[str]:
    return frozenset([b.fn for b in bases if isinstance(b, Map)])


_FUNCTIONS = frozenset().union(*(_functions(x, y) for _, (x, _), (y, _) in _PAIRS))


@cache
def _with_functions(functions: frozenset[str]) -> list[tuple[Identity, tuple[Expr, Number], tuple[Expr, Number]]]:
    """The identities that need no other functions than these."""
    return [row for row in _PAIRS if _functions(row[1][0], row[2][0]) <= functions]


def _looks_like(pattern: Expr, e: Expr) -> bool:
    if isinstance(pattern, Map):
        return isinstance(e, Map) and e.fn == pattern.fn
    return isinstance(pattern, Var) or (type(e) is type(pattern) and len(e.operands) == len(pattern.operands))


def pair_identity(f: Expr, g: Expr) -> tuple[Expr, str] | None:
    """f g as one expression by an identity of the table; of powers, as far as both reach."""
    (a, p), (b, q) = base_and_exponent(f), base_and_exponent(g)
    functions = _functions(a, b) & _FUNCTIONS
    for identity, (x, i), (y, j) in _with_functions(functions) if functions else ():
        for (first, have), (second, also) in (((a, p), (b, q)), ((b, q), (a, p))):
            if not (_looks_like(x, first) and _looks_like(y, second)):
                continue
            for s in (1, -1):  # the identity itself or its reciprocal
                times = _times(have, s * i, also, s * j)
                if not times:
                    continue
                joined = product((power(first, i), power(second, j)))
                result = rewrite(identity, joined)
                if result is not None:
                    left = power(first, add_numbers(have, -s * i * times))
                    right = power(second, add_numbers(also, -s * j * times))
                    return product((left, power(result, s * times), right)), identity.name
    return None


def _times(have: Number, want: Number, also: Number, other: Number) -> int:
    """How often want and other go into the exponents."""
    counts = []
    for exponent, unit in ((have, want), (also, other)):
        if not isinstance(exponent, int) or not isinstance(unit, int) or exponent * unit <= 0:
            return 0
        counts.append(exponent // unit)
    return min(counts)
