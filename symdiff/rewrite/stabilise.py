"""Stable forms: what a program computes instead of what a person reads. Equal in exact arithmetic, with fewer digits lost in floats.

Simplification comes first, because a gradient written out may be inf * 0 where its simplified form is finite.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce

from symdiff.expr import ops
from symdiff.expr.algebra import add, broadcast_to, contract
from symdiff.expr.leaves import constant_value
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Add, Const, Contract, Map
from symdiff.expr.rebuild import with_operands
from symdiff.expr.traverse import node_count, transform
from symdiff.rewrite.engine import LARGE, by_function, simplify_all
from symdiff.rewrite.match import rewrite, rewrite_pair
from symdiff.rewrite.norms import guarded
from symdiff.rewrite.softmax import log_of_sum
from symdiff.rewrite.solving import solve_instead
from symdiff.rewrite.terms import Term, as_term, base_and_exponent
from symdiff.rules.identities import ELEMENTWISE, STABLE, Identity

QUICK = 250  # nodes that are simplified in full while somebody waits for the program
QUICK_ROUND = 12_000  # nodes that get a single round then


def _functions(e: Expr) -> frozenset[str]:
    """The functions of the terms of a sum, or at the root of anything else; powers do not count."""
    found: set[str] = set()
    for t in e.operands if isinstance(e, Add) else (e,):
        for f in t.factors if isinstance(t, Contract) else (t,):
            base = f.args[0] if isinstance(f, Map) and f.fn == "pow" else f
            if isinstance(base, Map):
                found.add(base.fn)
    return frozenset(found)


_SUMS = [(_functions(i.left), i) for i in STABLE if isinstance(i.left, Add)]
_MAPS = [(_functions(i.left), i) for i in STABLE if isinstance(i.left, Map)]
_TERMS = 6  # of a sum that is searched for pairs


def stabilise_all(roots: Sequence[Expr], quick: bool = False) -> list[Expr]:
    """Several expressions in stable form, together, so that what they share stays shared.

    quick: somebody waits for the program. What is large is simplified in one round then, and what is huge not at all, only searched
    for forms that lose digits.
    """
    count = node_count(*roots) if quick else 0
    simple = list(roots) if count > QUICK_ROUND else simplify_all(roots, large=QUICK if quick else LARGE, strict=False)
    return solve_instead(transform(simple, lambda e, operands: _stable(with_operands(e, operands))))


# --- before differentiating ---------------------------------------------------------------------------------------
_KINKED = {"relu", "absolute", "sign", "maximum", "minimum", "where", "equal"}  # at a kink the rules of two forms may choose differently


def _smooth(identity: Identity) -> bool:
    return not any(isinstance(e, Map) and e.fn in _KINKED for e in topological(identity.left, identity.right))


_NAMED = by_function([i for i in ELEMENTWISE if _smooth(i)])


def named_functions(roots: Sequence[Expr]) -> list[Expr]:
    """Huge expressions with the smooth functions that they spell out called by name, softplus(u) for log(1 + exp(u)); others as they are.

    The derivative of a named function is stable as it is, so nothing needs to be simplified after differentiating.
    """
    nodes = list(topological(*roots))
    if len(nodes) <= QUICK_ROUND // 4 or all(_named(e) is e for e in nodes):
        return list(roots)
    return transform(roots, lambda e, operands: _named(with_operands(e, operands)))


def _named(e: Expr) -> Expr:
    if not isinstance(e, Map):
        return e
    found = (rewrite(identity, e) for identity in _NAMED.get(e.fn, ()))
    result = next((r for r in found if r is not None), None)
    named = log_of_sum(e) if result is None else result
    return e if named is None else named


# --- pairs of terms -----------------------------------------------------------------------------------------------
def _stable(e: Expr) -> Expr:
    if isinstance(e, Contract):
        quotient = _quotient_of_exponentials(e)
        return guarded(quotient) if isinstance(quotient, Contract) else quotient
    if isinstance(e, Map):
        if e.fn == "log":
            whole = _log_of_exponentials(e.args[0])
            if whole is not None:
                return whole
        for functions, identity in _MAPS:
            result = rewrite(identity, e) if e.fn in functions or not functions else None
            if result is not None:
                return result
    if isinstance(e, Add) and len(e.terms) <= _TERMS:
        present = _functions(e)
        able = [identity for functions, identity in _SUMS if functions <= present]
        joined = rewrite_pair(able, e) if able else None
        if joined is not None:
            return _stable(joined)
    return e


# --- sums of exponentials written out -------------------------------------------------------------------------------
def _logarithm(e: Expr) -> Expr | None:
    """log of a number, an exponential, or either times a positive number; None of anything else."""
    value = constant_value(e)
    if value is not None:
        return broadcast_to(Const(math.log(value)), e.shape) if value > 0 else None
    if isinstance(e, Map) and e.fn == "exp":
        return e.args[0]
    term = as_term(e)
    heavy = term.varying
    if term.coefficient <= 0 or len(heavy) != 1 or not isinstance(heavy[0][0], Map) or heavy[0][0].fn != "exp":
        return None
    inner = Term(1, tuple((f.args[0] if isinstance(f, Map) else f, ls) for f, ls in term.factors), term.out).expr()
    return inner if term.coefficient == 1 else inner + math.log(term.coefficient)


def _log_of_exponentials(e: Expr) -> Expr | None:
    """log(exp(a) + exp(b) + exp(c)) as logaddexp(logaddexp(a, b), c); None where a term is neither exponential nor number."""
    if not isinstance(e, Add):
        return None
    logarithms = [_logarithm(t) for t in e.terms]
    if all(constant_value(t) is not None for t in e.terms) or any(t is None for t in logarithms):
        return None
    return reduce(ops.logaddexp, logarithms)


def _quotient_of_exponentials(e: Contract) -> Expr:
    """exp(a) (exp(a) + exp(b)) ** -k as exp(a - k log(exp(a) + exp(b))), which neither overflows nor divides 0 by 0."""
    factors: list[tuple[Expr, tuple[int, ...]]] = list(zip(e.factors, e.labels, strict=True))
    for k, (g, ls) in enumerate(factors):
        base, exponent = base_and_exponent(g)
        whole = _log_of_exponentials(base) if exponent < 0 else None
        if whole is None:
            continue
        for at, (f, other) in enumerate(factors):
            exponentials = _signed_exponentials(f) if at != k and other == ls else None
            if exponentials is not None:
                quotient = add(*(sign * ops.exp(a + exponent * whole) for sign, a in exponentials))
                return contract([*(h for j, h in enumerate(factors) if j not in (at, k)), (quotient, ls)], e.out)
    return e


def _signed_exponentials(e: Expr) -> list[tuple[int, Expr]] | None:
    """The terms of a sum of numbers times exponentials, each by `_with_sign`; None for a number, and where a term is anything else."""
    if constant_value(e) is not None:
        return None
    found = [_with_sign(t) for t in (e.terms if isinstance(e, Add) else (e,))]
    return None if None in found else [part for part in found if part is not None]


def _with_sign(e: Expr) -> tuple[int, Expr] | None:
    """The sign of a number times an exponential, and the logarithm of its size."""
    for sign in (1, -1):
        inner = _logarithm(as_term(e).scaled(sign).expr())
        if inner is not None:
            return sign, inner
    return None
