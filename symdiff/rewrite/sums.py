"""The normal form of a sum: like terms collected, axes along which nothing varies set apart, and common factors pulled out.

X.T s - X.T y becomes X.T (s - y), and A X + A.T X becomes (A + A.T) X: a factor is pulled out where it stands over the same axes of the
result in several terms and what remains is at most a matrix. A sum is factored only where the measure falls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import gcd

from symdiff.expr.algebra import add, contract
from symdiff.expr.build import apply, power
from symdiff.expr.dims import Dim
from symdiff.expr.leaves import add_numbers
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Add, Const, Contract, Labels, Map, Number, Ones, Reduce
from symdiff.rewrite.match import rewrite_pair
from symdiff.rewrite.measure import cost
from symdiff.rewrite.powers import with_common_powers
from symdiff.rewrite.terms import Factor, Term, as_ratio, as_term, base_and_exponent, collect, is_symmetric, used_labels
from symdiff.rewrite.workshop import Products, identity
from symdiff.rules.identities import SUMS

MOST_TERMS = 48  # longer sums are collected, not factored
MOST_PAIRED = 8  # longer sums are not searched for pairs of terms that an identity joins


def opened(e: Expr, may_open: Callable[[Expr], bool]) -> list[Term]:
    """The terms of a sum, sums inside it opened where they may be: c (a + b) is c a + c b."""
    return regrouped(_terms_within(e, may_open))


def _terms_within(e: Expr, may_open: Callable[[Expr], bool]) -> list[Term]:
    terms: list[Term] = []
    stack: list[tuple[Expr, Number, bool]] = [(e, 1, True)]
    while stack:
        node, scale, inside = stack.pop()
        if isinstance(node, Add) and inside:
            stack.extend((t, scale, may_open(t)) for t in reversed(node.terms))
            continue
        term = as_term(node)
        if isinstance(node, Contract) and inside:
            heavy = [(f, ls) for f, ls in term.factors if not isinstance(f, Ones)]
            if len(heavy) == 1 and isinstance(heavy[0][0], Add) and may_open(heavy[0][0]) and is_stretched(heavy[0][1], term.out):
                (inner, ls), ones = heavy[0], [(f, own) for f, own in term.factors if isinstance(f, Ones)]
                factor = term.scaled(scale).coefficient
                stack.extend((contract([(t, ls), *ones], term.out), factor, True) for t in reversed(inner.operands))
                continue
        terms.append(term.scaled(scale))
    return terms


def is_stretched(ls: Labels, out: Labels) -> bool:
    """Whether axes stand in the result as they are, at most with others between them."""
    return len(set(ls)) == len(ls) and all(label in out for label in ls)


def regrouped(terms: list[Term]) -> list[Term]:
    """Where logsumexp(z) is taken off, z stays together, so that z - logsumexp(z) is one thing wherever it stands."""
    for t in terms:
        heavy = [f for f, _ in t.factors if not isinstance(f, Ones)]
        if len(heavy) != 1 or not isinstance(heavy[0], Reduce) or not isinstance(heavy[0].x, Add):
            continue
        z = heavy[0].x
        written = [as_term(a) for a in z.terms]
        members = written if all(m in terms for m in written) else _terms_within(z, lambda _: True)
        if t.coefficient < 0 and all(m in terms for m in members):
            at = terms.index(members[0])
            terms = [as_term(z) if k == at else s for k, s in enumerate(terms) if k == at or s not in members]
    return terms


# --- axes along which no term varies --------------------------------------------------------------------------------
def idle_axes(terms: Sequence[Term]) -> list[int]:
    """Positions of the result along which every term is broadcast."""
    if not terms or not terms[0].out:
        return []
    idle = set(range(len(terms[0].out)))
    for t in terms:
        carried = used_labels((f, ls) for f, ls in t.factors if not isinstance(f, Ones))
        idle -= {k for k, label in enumerate(t.out) if label in carried}
    return sorted(idle)


def drop_axes(t: Term, axes: Sequence[int]) -> Term:
    gone = {t.out[a] for a in axes}
    factors = tuple((f, ls) for f, ls in t.factors if not (isinstance(f, Ones) and ls[0] in gone))
    return Term(t.coefficient, factors, tuple(label for k, label in enumerate(t.out) if k not in axes))


# --- common factors -----------------------------------------------------------------------------------------------
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


def _candidates(terms: Sequence[Term]) -> list[tuple[int, list[tuple[int, int]]]]:
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


def _pull_out(terms: Sequence[Term], places: list[tuple[int, int]], product: Products) -> list[Term] | None:
    """The sum with one common factor pulled out of the given terms; None where what remains is more than a matrix."""
    exponents = [base_and_exponent(terms[i].factors[k][0])[1] for i, k in places]
    base, e0 = base_and_exponent(terms[places[0][0]].factors[places[0][1]][0])
    common = min(exponents) if e0 > 0 else max(exponents)
    symmetric = is_symmetric(base)
    rank = len(terms[0].out)
    rests: list[tuple[Number, list[Factor], list[int]]] = []  # coefficient, factors, labels of the axes: -1 - axis of base, or place
    interface: list[int] = []
    for (i, k), exponent in zip(places, exponents, strict=True):
        t = terms[i]
        ls = t.factors[k][1]
        if symmetric:
            place = {label: axis for axis, label in enumerate(t.out)}
            ls = tuple(sorted(ls, key=lambda label: -place.get(label, -1)))
        rename = {label: axis for axis, label in enumerate(t.out)}
        for axis, label in enumerate(ls):
            if label not in rename:
                rename[label] = rank + axis
        fresh = rank + len(ls)
        rest = list(t.without(k))
        if exponent != common:
            left = add_numbers(exponent, -common)
            rest.append((power(base, left), ls))
        for label in sorted(used_labels(rest)):
            if label not in rename:
                rename[label] = fresh
                fresh += 1
        renamed = [(g, tuple(rename[label] for label in gls)) for g, gls in rest if not isinstance(g, Ones)]
        rests.append((t.coefficient, renamed, []))
        inner = used_labels(renamed)
        for label in range(rank + len(ls)):
            if label in inner and label not in interface:
                interface.append(label)
        first_ls = tuple(rename[label] for label in ls)
    dims = dict(enumerate(terms[0].expr().shape)) | {rank + axis: d for axis, d in enumerate(base.shape)}
    if len(interface) > 2 and len(interface) > rank:
        return None
    interface.sort()
    inner_terms: list[Term] = []
    for coefficient, factors, _ in rests:
        carried = used_labels(factors)
        ones = [(Ones(dims[label]), (label,)) for label in interface if label not in carried]
        inner_terms.append(Term(coefficient, (*factors, *ones), tuple(interface)))
    rest_sum = normal_sum(inner_terms, product)
    head = power(base, common)
    pulled: list[Factor] = [(head, first_ls), (rest_sum, tuple(interface))]
    carried = used_labels(pulled)
    pulled += [(Ones(dims[label]), (label,)) for label in range(rank) if label not in carried]
    ordered = _authors_order(pulled, places, terms)
    whole = as_term(product(Term(1, tuple(ordered), tuple(range(rank)))))
    chosen = {i for i, _ in places}
    at = min(chosen)
    out: list[Term] = []
    for i, t in enumerate(terms):
        if i == at:
            out.append(whole)
        elif i not in chosen:
            out.append(t)
    return out


def _authors_order(pulled: list[Factor], places: list[tuple[int, int]], terms: Sequence[Term]) -> list[Factor]:
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


def _pull_number(terms: Sequence[Term]) -> list[Term]:
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


# --- choices ------------------------------------------------------------------------------------------------------
def joined_choices(terms: Sequence[Term], product: Products) -> Expr | None:
    """u where(c, a, b) + v where(c, p, q) is where(c, u a + v p, u b + v q), if that is shorter. A mask c is where(c, 1, 0)."""
    groups: dict[Expr, list[tuple[int, int, bool]]] = {}  # the condition; term, factor, whether the factor has its opposite
    for i, t in enumerate(terms):
        for k, (f, ls) in enumerate(t.factors):
            if ls != t.out or not isinstance(f, Map) or not (f.fn == "where" or f.fn in OPPOSITES):
                continue
            condition = f.args[0] if f.fn == "where" else f
            opposite = negation(condition)
            turned = opposite is not None and opposite in groups
            groups.setdefault(opposite if opposite is not None and turned else condition, []).append((i, k, turned))
            break
    for condition, places in groups.items():
        if len(places) < 2:
            continue
        sides = []
        for holds in (True, False):
            branch = [_branch(terms[i], k, holds != turned) for i, k, turned in places]
            sides.append(normal_sum([as_term(product(t)) for t in branch], product))
        one = apply("where", condition, *sides)
        if cost(one) < cost(_sum([terms[i] for i, _, _ in places])):
            rest = [t for i, t in enumerate(terms) if i not in {i for i, _, _ in places}]
            return one if not rest else normal_sum([as_term(one), *rest], product)
    return None


def _branch(t: Term, k: int, holds: bool) -> Term:
    """The term where the condition in its factor k holds, or does not."""
    f, ls = t.factors[k]
    assert isinstance(f, Map)
    if f.fn == "where":
        return Term(t.coefficient, (*t.without(k), (f.args[1 if holds else 2], ls)), t.out)
    ones = tuple((Ones(d), (label,)) for d, label in zip(f.shape, ls, strict=True))
    return Term(t.coefficient if holds else 0, (*t.without(k), *ones), t.out)


OPPOSITES = {
    "less": "greater_equal", "greater_equal": "less", "greater": "less_equal", "less_equal": "greater", "equal": "not_equal", "not_equal": "equal",
}  # fmt: skip


def negation(condition: Expr) -> Expr | None:
    """The comparison that holds where this one does not; None if it is none."""
    return apply(OPPOSITES[condition.fn], *condition.args) if isinstance(condition, Map) and condition.fn in OPPOSITES else None


# --- the whole ----------------------------------------------------------------------------------------------------
def normal_sum(terms: Sequence[Term], product: Products) -> Expr:
    """The sum in normal form. `product` makes the normal form of one term, and keeps what was made."""
    if not terms:
        raise ValueError("a sum of no terms")
    return product.sum(terms, _normal_sum)


def _normal_sum(terms: Sequence[Term], product: Products) -> Expr:
    shape_of = terms[0].expr()
    terms = collect(terms)
    if not terms:
        return contract([(Const(0), ()), *((Ones(d), (k,)) for k, d in enumerate(shape_of.shape))], tuple(range(len(shape_of.shape))))
    if len(terms) == 1:
        return terms[0].expr()
    idle = idle_axes(terms)
    if idle:
        inner = normal_sum([drop_axes(t, idle) for t in terms], product)
        kept = tuple(k for k in range(len(shape_of.shape)) if k not in idle)
        ones = [(Ones(shape_of.shape[k]), (k,)) for k in idle]
        return contract([(inner, kept), *ones], tuple(range(len(shape_of.shape))))
    chosen = joined_choices(terms, product)
    if chosen is not None:
        return chosen
    plain = apply_sum_identities(add(*(t.expr() for t in terms)))
    if not isinstance(plain, Add) or len(terms) > MOST_TERMS:
        return plain
    best: Expr = plain
    start = [as_term(t) for t in plain.terms]
    for trial in (start, with_common_powers(start), _scalars_opened(start)):
        factored = None if trial is None else _factored(trial, product)
        for candidate in () if factored is None else (_sum(_pull_number(factored)), _sum(factored)):
            if cost(candidate) < cost(best) or (cost(candidate) == cost(best) and best is plain):
                best = candidate
    return best


def _scalars_opened(terms: list[Term]) -> list[Term] | None:
    """-(u @ v) as one product, so that u can be a factor in common; None where no term is a scalar product with a number in front."""
    whole = [
        as_term(t.factors[0][0])
        if len(t.factors) == 1 and isinstance(t.factors[0][0], Contract) and t.factors[0][1] == t.out == ()
        else None
        for t in terms
    ]
    if not any(whole):
        return None
    return [t if inner is None else inner.scaled(t.coefficient) for t, inner in zip(terms, whole, strict=True)]


def _factored(terms: list[Term], product: Products) -> list[Term]:
    """Common factors pulled out as long as that costs nothing."""
    factored = terms
    failed: set[object] = set()
    for _ in range(len(terms)):
        summed = [with_sums(t) for t in factored]
        for _, places in _candidates(summed):
            group = tuple([(identity(summed[i]), k) for i, k in places])
            if group in failed or product.tired:
                continue
            failed.add(group)
            pulled = _pull_out(summed, places, product)
            if pulled is None:
                continue
            if cost(_sum(pulled)) <= cost(_sum(factored)):
                factored = pulled
                break
        else:
            break
    return factored


def _sum(terms: Sequence[Term]) -> Expr:
    return add(*(t.expr() for t in terms))


def apply_sum_identities(e: Expr) -> Expr:
    """Identities of two terms, wherever two terms of the sum are such a pair."""
    while isinstance(e, Add) and len(e.terms) <= MOST_PAIRED and (joined := rewrite_pair(SUMS, e)) is not None:
        e = joined
    return e
