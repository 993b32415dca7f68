"""The normal form of a sum: like terms collected, axes along which nothing varies set apart, and common factors pulled out.

X.T s - X.T y becomes X.T (s - y), and A X + A.T X becomes (A + A.T) X: a factor is pulled out where it stands over the same axes of the
result in several terms and what remains is at most a matrix. A sum is factored only where the measure falls.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from symdiff.expr.algebra import add, contract, zeros_of
from symdiff.expr.build import apply, power
from symdiff.expr.leaves import add_numbers
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Add, Contract, Labels, Map, Number, Ones
from symdiff.rewrite.addends import drop_axes, idle_axes
from symdiff.rewrite.common import authors_order, candidates, pull_number, with_sums
from symdiff.rewrite.match import rewrite_pair
from symdiff.rewrite.measure import cost
from symdiff.rewrite.powers import with_common_powers
from symdiff.rewrite.terms import Factor, Term, as_term, base_and_exponent, collect, is_symmetric, used_labels
from symdiff.rewrite.workshop import Products, identity
from symdiff.rules.identities import SUMS

MOST_TERMS = 48  # longer sums are collected, not factored
MOST_PAIRED = 8  # longer sums are not searched for pairs of terms that an identity joins


def _pull_out(terms: Sequence[Term], places: list[tuple[int, int]], product: Products) -> list[Term] | None:
    """The sum with one common factor pulled out of the given terms; None where what remains is more than a matrix."""
    exponents = [base_and_exponent(terms[i].factors[k][0])[1] for i, k in places]
    base, e0 = base_and_exponent(terms[places[0][0]].factors[places[0][1]][0])
    common = min(exponents) if e0 > 0 else max(exponents)
    rank = len(terms[0].out)
    rests = [_rest(terms[i], k, base, add_numbers(e, -common)) for (i, k), e in zip(places, exponents, strict=True)]
    interface = tuple(sorted({label for _, factors, _ in rests for label in used_labels(factors) if label < rank + base.ndim}))
    if len(interface) > 2 and len(interface) > rank:
        return None
    dims = dict(enumerate(terms[0].expr().shape)) | {rank + axis: d for axis, d in enumerate(base.shape)}
    inner_terms: list[Term] = []
    for coefficient, factors, _ in rests:
        carried = used_labels(factors)
        ones = [(Ones(dims[label]), (label,)) for label in interface if label not in carried]
        inner_terms.append(Term(coefficient, (*factors, *ones), interface))
    rest_sum = normal_sum(inner_terms, product)
    pulled: list[Factor] = [(power(base, common), rests[0][2]), (rest_sum, interface)]
    carried = used_labels(pulled)
    pulled += [(Ones(dims[label]), (label,)) for label in range(rank) if label not in carried]
    ordered = authors_order(pulled, places, terms)
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


def _rest(t: Term, k: int, base: Expr, left: Number) -> tuple[Number, list[Factor], Labels]:
    """A term without its factor k, but for base ** left: the coefficient, the factors, and the labels of what was taken out.

    The labels are new: the axes of the result first, then those of the base, then what is summed in the rest alone.
    """
    rank = len(t.out)
    rename = {label: axis for axis, label in enumerate(t.out)}
    ls = t.factors[k][1]
    if is_symmetric(base):
        ls = tuple(sorted(ls, key=lambda label: -rename.get(label, -1)))
    for axis, label in enumerate(ls):
        rename.setdefault(label, rank + axis)
    rest = [*t.without(k), *([(power(base, left), ls)] if left != 0 else [])]
    fresh = count(rank + len(ls))
    for label in sorted(used_labels(rest)):
        if label not in rename:
            rename[label] = next(fresh)
    renamed = [(g, tuple([rename[label] for label in gls])) for g, gls in rest if not isinstance(g, Ones)]
    return t.coefficient, renamed, tuple([rename[label] for label in ls])


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
        return zeros_of(shape_of.shape)
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
        for candidate in () if factored is None else (_sum(pull_number(factored)), _sum(factored)):
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
        for _, places in candidates(summed):
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
