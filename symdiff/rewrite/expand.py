"""Expansion of a sum inside a product, tried where its terms can cancel with the other factors, kept where the measure falls.

(y - 1) (1 - s) / ... of a cross-entropy becomes s - y this way, (1 - t) (1 + t) becomes 1 - t ** 2, and the sum of x - mean(x) becomes 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symdiff.expr.algebra import inlined
from symdiff.expr.leaves import constant_value
from symdiff.expr.node import Expr, memo_of, topological
from symdiff.expr.nodes import Add, Const, Contract, Delta, Map, Ones
from symdiff.rewrite.measure import cost_beside
from symdiff.rewrite.sums import normal_sum
from symdiff.rewrite.terms import Term, as_term, base_and_exponent, collect
from symdiff.rewrite.workshop import Products

MOST_TERMS = 24  # of an expansion
MOST_ADDENDS = 6  # of a sum that is expanded


def _bases(term: Term) -> set[Expr]:
    """What could cancel: bases of powers; an exponential stands for all exponentials, which logistic functions take up."""
    found: set[Expr] = set()
    for f, _ in term.factors:
        base, _ = base_and_exponent(f)
        if not isinstance(base, (Ones, Delta, Add)):
            if isinstance(base, Map) and base.fn in ("exp", "sigmoid"):
                found.add(EXPONENTIAL)
            if not isinstance(base, Map) or base.fn != "exp":
                found.add(base)
    return found


EXPONENTIAL: Expr = Delta(0)  # stands for exp(...) of anything


def _inner_bases(e: Add) -> set[Expr]:
    return set().union(*(_bases(as_term(t)) for t in e.terms))


def promising(term: Term) -> list[int]:
    """Positions of the sums that are worth expanding, because their terms meet something."""
    sums = [k for k, (f, _) in enumerate(term.factors) if isinstance(f, Add) and len(f.terms) <= MOST_ADDENDS]
    if not sums:
        return []
    outside = _bases(term)
    inside = {k: _inner_bases(term.factors[k][0]) for k in sums}  # type: ignore[arg-type]
    count: dict[int, int] = {}
    for _, ls in term.factors:
        for label in set(ls):
            count[label] = count.get(label, 0) + 1
    chosen = []
    for k in sums:
        f, ls = term.factors[k]
        assert isinstance(f, Add)
        alone = any(count[label] == 1 and label not in term.out for label in ls)
        meets = inside[k] & outside or any(inside[k] & inside[j] for j in sums if j != k)
        broadcast = any(isinstance(g, (Ones, Delta)) for t in f.terms for g, _ in as_term(t).factors)
        if alone or meets or (broadcast and len(term.out) < len(count)):
            chosen.append(k)
    return chosen


def expand(term: Term, chosen: list[int]) -> list[Term] | None:
    """The product multiplied out over the chosen sums; None if that would be too long."""
    size = 1
    for k in chosen:
        size *= len(term.factors[k][0].operands)
    if size > MOST_TERMS:
        return None
    terms = [Term(term.coefficient, (), term.out)]
    fresh = 1 + max((label for _, ls in term.factors for label in ls), default=0)
    for k, (f, ls) in enumerate(term.factors):
        if k not in chosen:
            terms = [Term(t.coefficient, (*t.factors, (f, ls)), t.out) for t in terms]
            continue
        longer: list[Term] = []
        for addend in f.operands:
            inner = as_term(addend)
            moved, fresh = inlined(inner.factors, inner.out, ls, fresh)
            longer += [Term(t.scaled(inner.coefficient).coefficient, (*t.factors, *moved), t.out) for t in terms]
        terms = longer
    return [as_term(t.expr()) for t in terms]  # ones and identities that are summed over are absorbed


def degree(e: Expr) -> int:
    """Factors in a product, those of products inside it too, powers as often as they say; ones are none."""
    notes = memo_of(e)
    if "degree" not in notes:
        for node in topological(e, until=lambda n: "degree" in memo_of(n)):
            memo_of(node).setdefault("degree", _degree(node))
    return notes["degree"]  # type: ignore[no-any-return]


def _degree(e: Expr) -> int:
    match e:
        case Ones() | Const():
            return 0
        case Contract():
            return sum(memo_of(f)["degree"] for f in e.factors)
        case Map(fn="pow"):
            k = constant_value(e.args[1])
            return abs(k) * memo_of(e.args[0])["degree"] if isinstance(k, int) else 1
    return 1


def _gains(before: Sequence[Term], after: Sequence[Term]) -> bool:
    """Whether something cancelled when the terms of an expansion were brought to normal form: like terms, or factors of one term.

    Factoring undoes an expansion in which nothing did.
    """
    shorter = any(degree_of(b) > degree_of(a) for b, a in zip(before, after, strict=True))
    return shorter or len(collect(after)) < len(after)


def degree_of(term: Term) -> int:
    return sum(degree(f) for f, _ in term.factors)


def expanded_terms(terms: Sequence[Term], product: Products) -> list[Term] | None:
    """The terms of a sum, those multiplied out whose inner sums meet another term; None if there are none or too many."""
    if len(terms) > MOST_TERMS:
        return None
    bases = [_bases(t) | {b for f, _ in t.factors if isinstance(f, Add) for b in _inner_bases(f)} for t in terms]
    plain: list[Term] = []
    result: list[Term] = []
    changed = False
    for i, t in enumerate(terms):
        others = set().union(*(bases[j] for j in range(len(terms)) if j != i))
        chosen = [
            k
            for k, (f, _) in enumerate(t.factors)
            if isinstance(f, Add) and len(f.terms) <= MOST_ADDENDS and (_inner_bases(f) & others or f in others)
        ]
        longer = expand(t, chosen) if chosen else None
        plain += longer or [t]
        result += [as_term(product(x)) for x in longer] if longer else [t]
        changed = changed or longer is not None
    return result if changed and len(result) <= MOST_TERMS and _gains(plain, result) else None


def expanded(e: Expr, product: Products, settle: Callable[[Expr], Expr], may_open: Callable[[Expr], bool]) -> Expr:
    """The product multiplied out, collected and factored again, if that is shorter; else as it was.

    `settle` brings each term of the expansion to normal form. A sum that may not be opened is there for others as well and costs nothing.
    """
    if not isinstance(e, Contract):
        return e
    term = as_term(e)
    chosen = promising(term)
    given = [f for f, _ in term.factors if isinstance(f, Add) and not may_open(f)]
    best: Expr = e
    for trial in [chosen] if len(chosen) < 2 else [chosen, *([k] for k in chosen)]:
        terms = expand(term, trial) if trial and not product.tired else None
        if terms is None:
            continue
        made = [as_term(product(t)) for t in terms]
        if not _gains(terms, made):
            continue
        result = normal_sum([as_term(settle(t.expr())) for t in made], product)
        if cost_beside(result, given) < cost_beside(best, given):
            best = result
    return best
