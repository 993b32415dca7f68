"""Fractions in a sum, over a common denominator where the numerator then cancels; and fractions within a denominator.

1 + u / (1 - u) is 1 / (1 - u), and (1 + r ** 2 / v) ** -1 / v is (v + r ** 2) ** -1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symdiff.expr.algebra import add
from symdiff.expr.build import power
from symdiff.expr.leaves import constant_value, multiply_numbers
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Add, Const, Ones
from symdiff.rewrite.expand import MOST_TERMS, expand
from symdiff.rewrite.sums import normal_sum
from symdiff.rewrite.terms import Factor, Term, as_ratio, as_term, base_and_exponent, collect, joined_key, used_labels
from symdiff.rewrite.workshop import Products

MayOpen = Callable[[Expr], bool]
Place = tuple[Expr, tuple[int, ...]]  # a base, and the axes of the result that it stands over
MOST_DENOMINATORS = 4
HIGHEST = 3  # power of a denominator that is brought into a numerator


def denominators(terms: Sequence[Term]) -> dict[Place, int]:
    """The bases that terms divide by, each with its highest power, where it stands over axes of the result."""
    found: dict[Place, int] = {}
    for t in terms:
        place = {label: axis for axis, label in enumerate(t.out)}
        for f, ls in t.factors:
            base, k = base_and_exponent(f)
            if isinstance(k, int) and k < 0 and all(label in place for label in ls) and len(set(ls)) == len(ls):
                key = base, tuple(place[label] for label in ls)
                found[key] = max(found.get(key, 0), -k)
    return found


def times(t: Term, divisors: dict[Place, int]) -> Term:
    """The term multiplied by powers of bases."""
    raised = tuple((power(base, k), tuple(t.out[axis] for axis in axes)) for (base, axes), k in divisors.items())
    return Term(t.coefficient, (*t.factors, *raised), t.out)


def sums_opened(t: Term) -> Term:
    """sum(1 - x), a scalar factor, as a factor 1 - x that the product sums: it can be multiplied out."""
    factors: list[Factor] = []
    coefficient = t.coefficient
    fresh = 1 + max(used_labels(t.factors) | set(t.out), default=0)
    for f, ls in t.factors:
        inner = as_term(f)
        if f.shape or len(inner.factors) != 1 or not isinstance(inner.factors[0][0], Add):
            factors.append((f, ls))
            continue
        total, own = inner.factors[0]
        factors.append((total, tuple(fresh + label for label in own)))
        fresh += 1 + max(own, default=0)
        coefficient = multiply_numbers(coefficient, inner.coefficient)
    return Term(coefficient, tuple(factors), t.out)


def multiplied_out(t: Term, product: Products) -> list[Term] | None:
    """The term with all its sums, squared ones too, multiplied out; None if that is too long."""
    todo: list[Term] = [t]
    done: list[Term] = []
    while todo:
        term = as_term(product(todo.pop()))
        squares: list[Factor] = []
        for f, ls in term.factors:
            base, k = base_and_exponent(f)
            small = isinstance(base, Add) and isinstance(k, int) and 1 < k <= HIGHEST
            squares += [(base, ls)] * int(k) if small else [(f, ls)]
        flat = sums_opened(Term(term.coefficient, tuple(squares), term.out))
        chosen = [k for k, (f, _) in enumerate(flat.factors) if isinstance(f, Add)]
        longer = expand(flat, chosen) if chosen else None
        if chosen and longer is None:
            return None
        (todo if longer else done).extend(longer or [term])
        if len(todo) + len(done) > MOST_TERMS:
            return None
    return done[::-1]


def over_common_denominator(terms: Sequence[Term], product: Products) -> Expr | None:
    """The sum as one fraction, if like terms of its numerator cancel; None if not."""
    found = denominators(terms)
    if product.tired or not found or len(found) > MOST_DENOMINATORS or max(found.values()) > HIGHEST or len(terms) * 2 > MOST_TERMS:
        return None
    numerators: list[Term] = []
    for t in terms:
        longer = multiplied_out(times(t, found), product)
        if longer is None or len(numerators) + len(longer) > MOST_TERMS:
            return None
        numerators += longer
    if len(collect(numerators)) == len(numerators):
        return None
    numerator = normal_sum(numerators, product)
    out = tuple(range(len(numerator.shape)))
    inverse = tuple((power(base, -k), axes) for (base, axes), k in found.items())
    return product(Term(1, ((numerator, out), *inverse), out))


def divided(term: Term, product: Products) -> Expr | None:
    """(a + b) / a as 1 + b / a: a sum by a sum whose terms it holds; None if there is no such pair."""
    for at, (f, ls) in enumerate(term.factors):
        for k, (g, other) in enumerate(term.factors):
            base, exponent = base_and_exponent(g)
            if not isinstance(f, Add) or not isinstance(base, Add) or exponent != -1 or other != ls or len(base.terms) >= len(f.terms):
                continue
            above, below = [as_term(t) for t in f.terms], [as_term(t) for t in base.terms]
            _, first = joined_key(below[0])
            same = next((t for t in above if joined_key(t)[1] == first), None)
            if same is None:
                continue
            ratio = as_ratio(same.coefficient, below[0].coefficient)
            rest = collect([*above, *(t.scaled(-ratio) for t in below)])
            if not rest or len(rest) + len(below) > len(above):
                continue
            fraction = product(Term(1, ((add(*(t.expr() for t in rest)), ls), (g, ls)), ls))
            whole = add(Const(ratio), fraction)
            factors = tuple(h for i, h in enumerate(term.factors) if i not in (at, k))
            return product(Term(term.coefficient, (*factors, (whole, ls)), term.out))
    return None


def cleared(term: Term, product: Products, may_open: MayOpen) -> Expr | None:
    """The product with a fraction inside one of its sums cleared by a factor that divides or multiplies the whole; None if none is."""
    outside: dict[Expr, int] = {}
    for f, _ in term.factors:
        base, k = base_and_exponent(f)
        if isinstance(k, int) and not isinstance(base, Ones):
            outside[base] = k
    for at, (f, ls) in enumerate(term.factors):
        total, k = base_and_exponent(f)
        if not isinstance(total, Add) or not isinstance(k, int) or not may_open(total):
            continue
        inside = [as_term(t) for t in total.terms]
        meets = {place: p for place, p in denominators(inside).items() if outside.get(place[0], 0) * k > 0 and place[0] is not total}
        if not meets:
            continue
        whole = normal_sum([as_term(product(times(t, meets))) for t in inside], product)
        back = tuple((power(base, -p * k), tuple(ls[axis] for axis in axes)) for (base, axes), p in meets.items())
        return product(Term(term.coefficient, (*term.factors[:at], (power(whole, k), ls), *term.factors[at + 1 :], *back), term.out))
    return None


def number_inside(term: Term, product: Products) -> Expr | None:
    """2 (a / 2 + b) as a + 2 b; None where no number meets another."""
    if term.coefficient in (1, -1):
        return None
    for at, (f, ls) in enumerate(term.factors):
        if isinstance(f, Add) and any(as_term(t).coefficient not in (1, -1) or constant_value(t) is not None for t in f.terms):
            scaled = add(*(as_term(t).scaled(term.coefficient).expr() for t in f.terms))
            return product(Term(1, (*term.factors[:at], (scaled, ls), *term.factors[at + 1 :]), term.out))
    return None
