"""Powers whose exponents are expressions, merged within a product; and at the end equal powers of several factors, written as one.

x ** (k - 1) x is x ** k, (x / l) ** (k - 1) x / l is (x / l) ** k, and a ** 2 b ** 2 is (a b) ** 2.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from fractions import Fraction

from symdiff.expr.algebra import add, broadcast_to, contract
from symdiff.expr.build import apply, power
from symdiff.expr.leaves import add_numbers, constant_value, unrounded
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Add, Const, Contract, Delta, Labels, Map, Number
from symdiff.rewrite.terms import Factor, Term, as_ratio, as_term, base_and_exponent, collect, used_labels


def merge_symbolic_powers(term: Term) -> Term:
    """The first power with an expression for its exponent takes up what the product holds of its base."""
    for at, (f, ls) in enumerate(term.factors):
        if not isinstance(f, Map) or f.fn != "pow" or constant_value(f.args[1]) is not None:
            continue
        base, exponent = f.args
        for k, (g, other) in enumerate(term.factors):
            more = _exponent_over(base, g) if k != at and other == ls else None
            if more is not None:
                merged = apply("pow", base, _plus(exponent, more))
                return _with(term, [k, at], at, (merged, ls), 1)
        taken = _whole_base(term, at, base)
        if taken is not None:
            return taken
    return term


def _exponent_over(base: Expr, g: Expr) -> Expr | None:
    """k of base ** k."""
    if g is base:
        return broadcast_to(Const(1), base.shape)
    return g.args[1] if isinstance(g, Map) and g.fn == "pow" and g.args[0] is base else None


def _plus(a: Expr, b: Expr) -> Expr:
    """The sum with like terms collected."""
    terms = collect([as_term(t) for e in (a, b) for t in (e.terms if isinstance(e, Add) else (e,))])
    return add(broadcast_to(Const(0), a.shape), *(t.expr() for t in terms))


def _with(term: Term, gone: list[int], at: int, new: Factor, coefficient: Number) -> Term:
    factors = [new if k == at else f for k, f in enumerate(term.factors) if k == at or k not in gone]
    return Term(as_ratio(term.coefficient, coefficient), tuple(factors), term.out)


def _whole_base(term: Term, at: int, base: Expr) -> Term | None:
    """The product with the base's own factors, all arrays among which stand in it, moved into the exponent."""
    inner = as_term(base)
    if (
        not isinstance(base, Contract)
        or not base.shape
        or used_labels(inner.factors) != set(inner.out)
        or any(isinstance(g, Delta) for g, _ in inner.factors)
    ):
        return None
    f, ls = term.factors[at]
    assert isinstance(f, Map)
    names = dict(zip(inner.out, ls, strict=True))
    wanted = [(*base_and_exponent(g), tuple(names[i] for i in gls)) for g, gls in inner.varying]
    if not wanted:  # a number: every product would seem to hold it
        return None
    left = list(term.factors)
    for b, k, gls in wanted:
        where = next((i for i, (g, other) in enumerate(left) if i != at and other == gls and _holds(g, b, k)), None)
        if where is None and gls:
            return None
        if where is None:  # a scalar, which may stand outside a sum
            left.append((power(b, -k), gls))
            continue
        _, have = base_and_exponent(left[where][0])
        left[where] = power(b, add_numbers(have, -k)), gls
    left[at] = apply("pow", base, _plus(f.args[1], broadcast_to(Const(1), base.shape))), ls
    return Term(as_ratio(term.coefficient, inner.coefficient), tuple(left), term.out)


def _holds(g: Expr, base: Expr, k: Number) -> bool:
    """Whether a factor has at least the power k of a base."""
    own, have = base_and_exponent(g)
    return own is base and have * k > 0 and add_numbers(have, -k) * k >= 0


def with_common_powers(terms: Sequence[Term]) -> list[Term] | None:
    """u ** (k - 1) written u ** (k - 2) u where another term has u ** (k - 2), over the same axes; None if there are no such terms.

    A plain u ** k stays.
    """
    lowest: dict[tuple[Expr, Labels, Expr], tuple[int, Expr]] = {}
    split = [[_symbolic_power(factor, t.out) for factor in t.factors] for t in terms]
    for t, powers in zip(terms, split, strict=True):
        for (f, _), found in zip(t.factors, powers, strict=True):
            if found is not None:
                key, number = found
                lowest[key] = min(lowest.get(key, (number, f)), (number, f), key=lambda low: low[0])
    changed = False
    result: list[Term] = []
    for t, powers in zip(terms, split, strict=True):
        factors: list[Factor] = []
        for (f, ls), found in zip(t.factors, powers, strict=True):
            least, common = lowest[found[0]] if found is not None and found[1] else (0, f)
            factors.append((common, ls))
            if found is not None and common is not f:
                factors.append((power(found[0][0], found[1] - least), ls))
                changed = True
        result.append(Term(t.coefficient, tuple(factors), t.out))
    return result if changed else None


def _symbolic_power(factor: Factor, out: Labels) -> tuple[tuple[Expr, Labels, Expr], int] | None:
    """Of a power with an expression for an exponent: base, place in the result (-1: summed), exponent without its number; that number."""
    f, ls = factor
    if not isinstance(f, Map) or f.fn != "pow" or constant_value(f.args[1]) is not None:
        return None
    parts = _addends(f.args[1])
    number = next((c for p in parts if isinstance(c := constant_value(p), int)), 0)
    rest = add(broadcast_to(Const(0), f.shape), *(p for p in parts if constant_value(p) != number))
    return (f.args[0], tuple(out.index(label) if label in out else -1 for label in ls), rest), number


def _addends(e: Expr) -> list[Expr]:
    """The terms of a sum, also of one that is broadcast."""
    term = as_term(e)
    heavy = term.varying
    if isinstance(e, Contract) and len(heavy) == 1 and isinstance(heavy[0][0], Add) and not heavy[0][1]:
        return [broadcast_to(Term(term.coefficient, ((t, ()),), ()).expr(), e.shape) for t in heavy[0][0].terms]
    return list(e.operands) if isinstance(e, Add) else [e]


def number_out_of_power(e: Map) -> Expr:
    """(c u) ** k is c ** k u ** k for a whole k, where c ** k is exact."""
    base, k = e.args[0], constant_value(e.args[1])
    term = as_term(base)
    if not isinstance(base, Contract) or term.coefficient == 1 or not isinstance(k, int) or not term.factors:
        return e
    number = constant_value(power(Const(term.coefficient), k))
    if number is None:
        return e
    every = tuple(range(len(e.shape)))
    return contract([(Const(unrounded(number)), ()), (power(Term(1, term.factors, term.out).expr(), k), every)], every)


def join_equal_powers(e: Expr, shared: Container[Expr]) -> Expr:
    """a ** 2 b ** 2 as (a b) ** 2 and a ** 2 / b ** 2 as (a / b) ** 2, where one factor has the axes of the other; of roots, quotients.

    A power that others use as well stays.
    """
    if not isinstance(e, Contract):
        return e
    factors: list[Factor] = list(zip(e.factors, e.labels, strict=True))
    exponents = [base_and_exponent(f)[1] for f, _ in factors]
    able = [at for at, (f, ls) in enumerate(factors) if _may_join(exponents[at], ls) and f not in shared]
    gone: set[int] = set()
    for host in sorted(able, key=lambda at: -len(factors[at][1])):
        ls = factors[host][1]
        places = [at for at in able if at not in gone and abs(exponents[at]) == abs(exponents[host]) and set(factors[at][1]) <= set(ls)]
        k = max(exponents[at] for at in places) if host not in gone else 0
        if k == 0 or len(places) < 2 or (not isinstance(k, int) and all(exponents[at] == k for at in places)):
            continue
        bases = [(power(base_and_exponent(factors[at][0])[0], 1 if exponents[at] == k else -1), factors[at][1]) for at in places]
        factors[host] = power(contract(bases, ls), k), ls
        gone |= set(places) - {host}
        able.remove(host)
    return contract([f for at, f in enumerate(factors) if at not in gone], e.out) if gone else e


def _may_join(k: Number, ls: Labels) -> bool:
    """Whole powers beyond 1, and roots of arrays."""
    return len(set(ls)) == len(ls) and ((isinstance(k, int) and abs(k) > 1) or (abs(k) == Fraction(1, 2) and bool(ls)))
