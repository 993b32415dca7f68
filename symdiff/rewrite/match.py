"""Matching an identity's left side against an expression, and writing its right side with what was found.

Patterns are scalar expressions; they match elementwise structure of any shape: a Map by its function, a sum of equally many terms in any
order, an elementwise product in any order, a constant by its value also where it is broadcast.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, permutations

from symdiff.expr import ops
from symdiff.expr.algebra import add, product
from symdiff.expr.build import apply
from symdiff.expr.leaves import constant_value
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Add, Const, Contract, Map, Var
from symdiff.rewrite.signs import is_nonnegative, is_positive
from symdiff.rewrite.terms import Term, as_term
from symdiff.rules.assumptions import holds
from symdiff.rules.identities import CONSTANTS, WILD, Identity

Found = dict[Expr, Expr]
Number = int | float


def _matches(pattern: Expr, e: Expr, found: Found) -> Iterator[Found]:
    """All ways in which `e` is the pattern, as extensions of `found`. Patterns are a few nodes deep."""
    if isinstance(pattern, Var):
        if pattern in CONSTANTS:
            value = constant_value(e)
            if value is None:
                return
            e = Const(value)
        if pattern in found:
            if found[pattern] is e:
                yield found
        elif pattern in WILD:
            yield {**found, pattern: e}
        return
    if isinstance(pattern, Const):
        value = constant_value(e)
        if value is not None and not isinstance(value, bool) and value == pattern.value:
            yield found
        return
    if isinstance(pattern, Map):
        if isinstance(e, Map) and e.fn == pattern.fn:
            yield from _all(pattern.args, e.args, found)
    elif isinstance(pattern, Add):
        if isinstance(e, Add) and len(e.terms) == len(pattern.terms):
            for order in permutations(e.terms):
                yield from _all(pattern.terms, order, found)
    elif isinstance(pattern, Contract):
        yield from _product(pattern, e, found)


def _all(patterns: tuple[Expr, ...], es: tuple[Expr, ...], found: Found) -> Iterator[Found]:
    if not patterns:
        yield found
        return
    for extended in _matches(patterns[0], es[0], found):
        yield from _all(patterns[1:], es[1:], extended)


def _product(pattern: Contract, e: Expr, found: Found) -> Iterator[Found]:
    """An elementwise product; -u also matches a product with any negative coefficient, u being its opposite."""
    wanted = as_term(pattern)
    parts = [f for f, _ in wanted.factors]
    if len(parts) == 1:
        if wanted.coefficient == -1:
            opposite = negated(e)
            if opposite is not None:
                yield from _matches(parts[0], opposite, found)
        elif isinstance(e, Contract) and as_term(e).coefficient == wanted.coefficient:
            yield from _matches(parts[0], as_term_without_coefficient(e), found)
        return
    if not isinstance(e, Contract):
        return
    term = as_term(e)
    factors = [f for f, ls in term.factors]
    every = tuple(sorted(term.out))
    if any(tuple(ls) != term.out for _, ls in term.factors) or tuple(range(len(term.out))) != every:
        free = [p for p in parts if p in CONSTANTS]
        if len(free) == 1 and len(parts) == 2 and term.coefficient != 1:  # k * u: the coefficient is k
            rest = next(p for p in parts if p not in CONSTANTS)
            for extended in _matches(free[0], Const(term.coefficient), found):
                yield from _matches(rest, as_term_without_coefficient(e), extended)
        return
    if any(p in CONSTANTS for p in parts) and term.coefficient != 1 and len(parts) == 2:
        free_one = next(p for p in parts if p in CONSTANTS)
        rest = next(p for p in parts if p is not free_one)
        for extended in _matches(free_one, Const(term.coefficient), found):
            yield from _matches(rest, as_term_without_coefficient(e), extended)
        return
    if len(factors) == len(parts) and term.coefficient == wanted.coefficient:
        for order in permutations(factors):
            yield from _all(tuple(parts), order, found)


def as_term_without_coefficient(e: Expr) -> Expr:
    term = as_term(e)
    return Term(1, term.factors, term.out).expr()


def negated(e: Expr) -> Expr | None:
    """-e where that is a shorter form: e has a negative coefficient, or is a sum whose first term has."""
    value = constant_value(e)
    if value is not None:
        return -e if value < 0 else None
    if isinstance(e, Contract):
        term = as_term(e)
        return term.scaled(-1).expr() if term.coefficient < 0 else None
    if isinstance(e, Add):
        signs = [as_term(t).coefficient < 0 for t in e.terms]
        if sum(signs) * 2 > len(signs) or (sum(signs) * 2 == len(signs) and signs[0]):
            return add(*(as_term(t).scaled(-1).expr() for t in e.terms))
    return None


def _fact(e: Expr, name: str, found: Found) -> bool:
    value = constant_value(e)
    match name:
        case "positive":
            return is_positive(e)
        case "nonnegative":
            return is_nonnegative(e)
        case "negative":
            return value is not None and value < 0
        case "even":
            return isinstance(value, int) and value % 2 == 0
        case _:
            return holds(e, name)


def _powers_multiply(found: Found) -> bool:
    """(u**k)**m = u**(k m) for every real u for which the left side is defined."""
    inner, outer = (constant_value(found[c]) for c in CONSTANTS)
    if isinstance(outer, int):
        return True  # u**k is real, and whole powers of it multiply
    if isinstance(inner, int) and inner % 2 == 0:
        return False  # the root of a square is an absolute value
    return isinstance(inner, int) and inner % 2 == 1  # u and u**k have the same sign


def applies(identity: Identity, found: Found) -> bool:
    """Whether an identity's condition holds of what its wilds stand for."""
    by_name = {p.name: p for p in WILD}
    for name, fact in (identity.when or {}).items():
        if fact == "powers multiply":
            if not _powers_multiply(found):
                return False
        elif not _fact(found[by_name[name]], fact, found):
            return False
    return True


def instantiate(pattern: Expr, found: Found, shape: tuple[int | str, ...]) -> Expr:
    """The right side with the wilds replaced, broadcast to a shape."""
    built: Found = {}
    for node in topological(pattern):
        parts = tuple(built[o] for o in node.operands)
        match node:
            case Var():
                built[node] = found[node]
            case Add():
                built[node] = add(*parts)
            case Contract():
                built[node] = product(parts)
            case Map():
                built[node] = apply(node.fn, *parts)
            case _:
                built[node] = node
    return ops.broadcast_to(built[pattern], shape)


def _may_match(pattern: Expr, e: Expr) -> bool:
    """Whether the roots agree, which settles most questions at once."""
    if isinstance(pattern, Map):
        return isinstance(e, Map) and e.fn == pattern.fn
    return not isinstance(pattern, Add) or (isinstance(e, Add) and len(e.terms) == len(pattern.terms))


def rewrite(identity: Identity, e: Expr) -> Expr | None:
    """The right side, if `e` is the left side under the condition; None if not."""
    left = identity.left
    if not _may_match(left, e) or (isinstance(left, Map) and not all(map(_may_match, left.args, e.operands))):
        return None
    for found in _matches(identity.left, e, {}):
        if applies(identity, found):
            return instantiate(identity.right, found, e.shape)
    return None


def rewrite_pair(identities: Sequence[Identity], e: Add) -> Expr | None:
    """The sum with two of its terms joined, the first two that one of the identities is about; None if there are none."""
    for i, j in combinations(range(len(e.terms)), 2):
        pair = add(e.terms[i], e.terms[j])
        for identity in identities:
            result = rewrite(identity, pair)
            if result is not None:
                return add(result, *(t for k, t in enumerate(e.terms) if k not in (i, j)))
    return None
