"""Exponentials in a product: exp(a) exp(b) is exp(a + b), and what normalises a softmax goes to the exponential that it normalises.

exp(z_i - 2 logsumexp(z)) exp(z_j) becomes softmax(z)_i softmax(z)_j.
"""

from __future__ import annotations

from symdiff.expr import ops
from symdiff.expr.algebra import add, contract, zeros_of
from symdiff.expr.build import reduce
from symdiff.expr.leaves import add_numbers
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Add, Const, Labels, Map, Number, Ones, Reduce
from symdiff.rewrite.terms import Factor, Term, as_term, collect

Pool = dict[tuple[Expr, Labels], Number]  # multiples of logsumexp nodes over labels


def merge_exponentials(term: Term) -> Term:
    """One exponential for each set of axes, and for fewer axes only where something cancels: exp(-t) beside exp(x) / (1 + exp(x)) stays apart."""
    places = [k for k, (f, ls) in enumerate(term.factors) if isinstance(f, Map) and f.fn == "exp" and len(set(ls)) == len(ls)]
    if len(places) < 2:
        return term
    wide = sorted(places, key=lambda k: -len(term.factors[k][1]))
    host: dict[int, list[int]] = {}
    for k in wide:
        inside = [h for h in host if set(term.factors[k][1]) <= set(term.factors[h][1])]
        joins = [
            h for h in inside if len(term.factors[k][1]) == len(term.factors[h][1]) or _may_cancel(term.factors[k][0], term.factors[h][0])
        ]
        host.setdefault(joins[0] if joins else k, []).append(k)
    pool: Pool = {}
    exponents: dict[int, Expr] = {}
    for h, members in host.items():
        f, ls = term.factors[h]
        exponents[h] = _sum(f, ls, [_stretched(term.factors[k], f, ls) for k in members])
    if len(host) > 1:
        for h in host:
            exponents[h] = _into_pool(exponents[h], term.factors[h][1], pool)
        for h in host:
            exponents[h] = _normalised(exponents[h], term.factors[h][1], pool)
        _rest_of_pool(exponents, {h: term.factors[h] for h in host}, pool)
    factors: list[Factor] = []
    for k, factor in enumerate(term.factors):
        if k in host:
            factors.append((ops.exp(exponents[k]), factor[1]))
        elif k not in places:
            factors.append(factor)
    merged = Term(term.coefficient, tuple(factors), term.out)
    return term if merged == term else merged


def _may_cancel(a: Expr, b: Expr) -> bool:
    """Whether two exponents have a factor in common, or one holds a logsumexp or a largest entry."""
    first, second = _exponents(a), _exponents(b)
    return not first.isdisjoint(second) or any(isinstance(f, Reduce) for f in first | second)


def _exponents(f: Expr) -> set[Expr]:
    assert isinstance(f, Map)
    z = f.args[0]
    return {g for t in (z.terms if isinstance(z, Add) else (z,)) for g, _ in as_term(t).varying}


def is_normaliser(f: Expr) -> bool:
    """Whether a factor is an exponential of a negative multiple of logsumexp, alone or with other terms."""
    if not isinstance(f, Map) or f.fn != "exp":
        return False
    terms = [as_term(t) for t in (f.args[0].terms if isinstance(f.args[0], Add) else f.args)]
    return any(t.coefficient < 0 and any(isinstance(g, Reduce) and g.kind == "logsumexp" for g, _ in t.factors) for t in terms)


def _sum(widest: Expr, ls: Labels, exponents: list[Expr]) -> Expr:
    """The exponents added, like terms collected."""
    if len(exponents) == 1:
        return exponents[0]
    terms = [as_term(t) for e in exponents for t in (e.terms if isinstance(e, Add) else (e,))]
    kept = collect(terms)
    return add(*(t.expr() for t in kept)) if kept else zeros_of(widest.shape)


def _stretched(factor: Factor, widest: Expr, ls: Labels) -> Expr:
    f, own = factor
    assert isinstance(f, Map)
    dims = dict(zip(ls, widest.shape, strict=True))
    return contract([(f.args[0], own), *((Ones(dims[label]), (label,)) for label in ls if label not in own)], ls)


def _into_pool(exponent: Expr, ls: Labels, pool: Pool) -> Expr:
    """The exponent without its multiples of logsumexp, which go to the pool."""
    rest: list[Expr] = []
    for t in exponent.terms if isinstance(exponent, Add) else (exponent,):
        term = as_term(t)
        heavy = term.varying
        if len(heavy) == 1 and isinstance(heavy[0][0], Reduce) and heavy[0][0].kind == "logsumexp":
            names = dict(zip(term.out, ls, strict=True))
            key = (heavy[0][0], tuple(names[label] for label in heavy[0][1]))
            pool[key] = add_numbers(pool.get(key, 0), term.coefficient)
        else:
            rest.append(t)
    return add(*rest) if rest else zeros_of(exponent.shape)


def _normalised(exponent: Expr, ls: Labels, pool: Pool) -> Expr:
    """z - logsumexp(z), if the pool has it."""
    for (node, own), count in list(pool.items()):
        assert isinstance(node, Reduce)
        if count <= -1 and set(own) <= set(ls):
            axes = [a for a, label in enumerate(ls) if label not in own]
            if own == tuple(label for label in ls if label in own) and reduce("logsumexp", exponent, axes) is node:
                pool[node, own] = add_numbers(count, 1)
                dims = dict(zip(ls, exponent.shape, strict=True))
                ones = [(Ones(dims[label]), (label,)) for label in ls if label not in own]
                return exponent - contract([(node, own), *ones], ls)
    return exponent


def _rest_of_pool(exponents: dict[int, Expr], factors: dict[int, Factor], pool: Pool) -> None:
    for (node, own), count in pool.items():
        if count == 0:
            continue
        h = next(h for h, (_, ls) in factors.items() if set(own) <= set(ls))
        ls = factors[h][1]
        dims = dict(zip(ls, exponents[h].shape, strict=True))
        ones = [(Ones(dims[label]), (label,)) for label in ls if label not in own]
        exponents[h] = add(exponents[h], contract([(Const(count), ()), (node, own), *ones], ls))
