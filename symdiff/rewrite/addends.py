"""The terms of a sum, opened as far as they may be, and the axes of the result along which none of them varies."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symdiff.expr.algebra import contract
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Add, Contract, Labels, Number, Ones, Reduce
from symdiff.rewrite.terms import Term, as_term, used_labels


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
            heavy = term.varying
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
        heavy = [f for f, _ in t.varying]
        if len(heavy) != 1 or not isinstance(heavy[0], Reduce) or not isinstance(heavy[0].x, Add):
            continue
        z = heavy[0].x
        written = [as_term(a) for a in z.terms]
        members = written if all(m in terms for m in written) else _terms_within(z, lambda _: True)
        if t.coefficient < 0 and all(m in terms for m in members):
            at = terms.index(members[0])
            terms = [as_term(z) if k == at else s for k, s in enumerate(terms) if k == at or s not in members]
    return terms


def idle_axes(terms: Sequence[Term]) -> list[int]:
    """Positions of the result along which every term is broadcast."""
    if not terms or not terms[0].out:
        return []
    idle = set(range(len(terms[0].out)))
    for t in terms:
        carried = used_labels(t.varying)
        idle -= {k for k, label in enumerate(t.out) if label in carried}
    return sorted(idle)


def drop_axes(t: Term, axes: Sequence[int]) -> Term:
    gone = {t.out[a] for a in axes}
    factors = tuple((f, ls) for f, ls in t.factors if not (isinstance(f, Ones) and ls[0] in gone))
    return Term(t.coefficient, factors, tuple(label for k, label in enumerate(t.out) if k not in axes))
