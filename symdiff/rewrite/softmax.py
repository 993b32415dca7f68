"""Softmax and log-sum-exp, recognised in the forms in which people write them."""

from __future__ import annotations

from symdiff.expr import ops
from symdiff.expr.algebra import add, contract
from symdiff.expr.build import reduce
from symdiff.expr.leaves import constant_value
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Add, Contract, Map, Ones, Reduce
from symdiff.rewrite.terms import Term, as_term, used_labels


def sum_of_exp(e: Expr) -> Expr | None:
    """logsumexp(z) if `e` is a plain sum of exp(z) over some of its axes; None otherwise."""
    if not isinstance(e, Contract):
        return None
    term = as_term(e)
    if term.coefficient != 1 or len(term.factors) != 1:
        return None
    ((f, ls),) = term.factors
    if not (isinstance(f, Map) and f.fn == "exp") or len(set(ls)) != len(ls):
        return None
    axes = [k for k, label in enumerate(ls) if label not in term.out]
    if not axes:
        return None
    kept = tuple(label for label in ls if label in term.out)
    return contract([(reduce("logsumexp", f.args[0], axes), kept)], term.out)


def log_of_sum(e: Map) -> Expr | None:
    """log(sum(exp(z))) is logsumexp(z), and (sum(exp(z))) ** k is exp(k logsumexp(z)) for negative k."""
    if e.fn == "log":
        return sum_of_exp(e.args[0])
    if e.fn == "pow":
        k = constant_value(e.args[1])
        if k is not None and k < 0:
            z = sum_of_exp(e.args[0])
            return None if z is None else ops.exp(z * k)
    return None


def shifted_logsumexp(e: Reduce) -> Expr | None:
    """logsumexp(u + c) = logsumexp(u) + c for a c that is constant along the summed axes."""
    if e.kind != "logsumexp" or not isinstance(e.x, Add):
        return None
    constant: list[Expr] = []
    moving: list[Expr] = []
    for t in e.x.terms:
        along = _along(t, e.axes)
        (moving if along is None else constant).append(t if along is None else along)
    if not constant or not moving:
        return None
    return add(reduce("logsumexp", add(*moving), e.axes), *constant)


def _along(t: Expr, axes: tuple[int, ...]) -> Expr | None:
    """The term without the given axes, if it does not vary along them."""
    term = as_term(t)
    idle = {term.out[a] for a in axes}
    carried = used_labels(term.varying)
    if idle & carried:
        return None
    rest = tuple((f, ls) for f, ls in term.factors if not (isinstance(f, Ones) and ls[0] in idle))
    return Term(term.coefficient, rest, tuple(label for label in term.out if label not in idle)).expr()


def log_softmax_of(e: Expr) -> tuple[Expr, tuple[int, ...]] | None:
    """z and the axes, if `e` is z - logsumexp(z) over some axes."""
    if not isinstance(e, Add):
        return None
    for k, t in enumerate(e.terms):
        term = as_term(t)
        heavy = term.varying
        if term.coefficient != -1 or len(heavy) != 1 or not isinstance(heavy[0][0], Reduce) or heavy[0][0].kind != "logsumexp":
            continue
        node, ls = heavy[0]
        axes = tuple(a for a, label in enumerate(term.out) if label not in ls)
        z = add(*(s for j, s in enumerate(e.terms) if j != k))
        if ls == tuple(label for label in term.out if label in ls) and axes and reduce("logsumexp", z, axes) is node:
            return z, axes
    return None


def is_log_softmax(e: Expr) -> bool:
    """Whether `e` is z - logsumexp(z) over the last axis: its exponentials sum to 1 along it."""
    found = log_softmax_of(e)
    return found is not None and found[1] == (len(e.shape) - 1,)
