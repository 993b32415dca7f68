"""Comparisons and choices: a > b of multiples of one thing, masks, factors that do not depend on the choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite

from symdiff.expr.algebra import add, broadcast_to, contract, zeros_of
from symdiff.expr.build import apply
from symdiff.expr.leaves import constant_value
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Add, Const, Contract, Delta, Map, Ones, Size, Var
from symdiff.rewrite.addends import opened
from symdiff.rewrite.measure import cost
from symdiff.rewrite.sums import negation
from symdiff.rewrite.terms import Factor, Term, as_ratio, as_term, base_and_exponent
from symdiff.rules.assumptions import holds

COMPARISONS = {"less": "greater", "greater": "less", "less_equal": "greater_equal", "greater_equal": "less_equal"}


def visit_comparison(e: Map, settle: Callable[[Expr], Expr]) -> Expr:
    """a > b between multiples of one thing u is u > 0 or u < 0. `settle` brings the difference to normal form."""
    a, b = e.args
    if constant_value(a) is not None or constant_value(b) is not None:
        return e
    terms = opened(settle(a - b), lambda _: True)
    constant = constant_value(_sum_of(terms))
    if constant is not None:
        return apply(e.fn, broadcast_to(Const(constant), e.shape), zeros_of(e.shape))
    coefficients = {abs(t.coefficient) for t in terms}
    if len(coefficients) != 1 or cost(_sum_of(terms)) + 1 >= cost(e):
        return e
    scale = terms[0].coefficient
    u = _sum_of([Term(as_ratio(t.coefficient, scale), t.factors, t.out) for t in terms])
    return apply(e.fn if scale > 0 else COMPARISONS[e.fn], u, zeros_of(e.shape))


def _sum_of(terms: Sequence[Term]) -> Expr:
    return add(*(t.expr() for t in terms))


def visit_where(e: Map) -> Expr:
    """where(c, 0, u) is where(not c, u, 0); of where(c, k u, 0) the number k stands in front, and where(c, 1, 0) is c itself.

    A factor of both choices stands in front too.
    """
    c, a, b = e.args
    if isinstance(c, Map) and c.fn == "logical_not":
        return apply("where", c.args[0], b, a)
    if constant_value(b) != 0:
        opposite = negation(c) if constant_value(a) == 0 else None
        return common_in_front(e) if opposite is None else apply("where", opposite, b, a)
    value = constant_value(a)
    every = tuple(range(len(e.shape)))
    if value is not None:
        return contract([(Const(value), ()), (c, every)], every)
    term = as_term(a)
    scalars: list[Factor] = [(f, ls) for f, ls in term.factors if not ls and is_finite(f)]
    if scalars or term.coefficient != 1:
        rest = Term(1, tuple(factor for factor in term.factors if factor not in scalars), term.out).expr()
        inner = apply("where", c, broadcast_to(rest, e.shape), b)
        return contract([(Const(term.coefficient), ()), *scalars, (inner, every)], every)
    if isinstance(c, Map) and c.fn == "greater" and constant_value(c.args[1]) == 0:
        positive_part = apply("relu", c.args[0])
        innermost = as_term(_within_masks(a))
        if any(base_and_exponent(f)[0] is positive_part and ls == innermost.out for f, ls in innermost.factors):
            return a  # relu(u) is 0 already where u > 0 does not hold
    return e


BOUNDED = frozenset((
    "sin", "cos", "tanh", "arctan", "arcsinh", "sigmoid", "log_sigmoid", "softplus", "relu", "softsign", "silu", "gelu", "erf", "erfc", "abs",
    "sign", "floor", "ceil", "rint", "trunc", "maximum", "minimum", "logaddexp", "hypot", "cbrt", "arctan2", *COMPARISONS, "equal", "not_equal",
    "logical_and", "logical_or", "logical_not",
))  # fmt: skip
MOST_SEEN = 32


def is_finite(e: Expr) -> bool:
    """Whether a number is surely finite where its variables are, so that 0 times it is 0: neither log, root nor quotient is, nor is what
    overflows, as exp does. Large expressions are not looked through."""
    waiting, seen = [e], 0
    while waiting:
        node = waiting.pop()
        seen += 1
        match node:
            case Map() if node.fn == "pow":
                base, k = node.args[0], constant_value(node.args[1])
                never_zero = isinstance(base, Size) or holds(base, "positive")
                if k is None or not (never_zero or (isinstance(k, int) and k > 0)):
                    return False
                waiting.append(base)
                continue
            case Map() if node.fn not in BOUNDED:
                return False
            case Const() if isinstance(node.value, float) and not isfinite(node.value):
                return False
            case Map() | Const() | Add() | Contract() | Var() | Size() | Ones() | Delta():
                waiting += node.operands
            case _:
                return False
        if seen > MOST_SEEN:
            return False
    return True


def _within_masks(e: Expr) -> Expr:
    """u of where(p, where(q, u, 0), 0)."""
    while isinstance(e, Map) and e.fn == "where" and constant_value(e.args[2]) == 0:
        e = e.args[1]
    return e


def _masked(e: Expr) -> tuple[Expr, Expr] | None:
    """q and a of where(q, a, 0); a comparison q is where(q, 1, 0)."""
    if isinstance(e, Map) and negation(e) is not None:
        return e, broadcast_to(Const(1), e.shape)
    if isinstance(e, Map) and e.fn == "where" and constant_value(e.args[2]) == 0:
        return e.args[0], e.args[1]
    return None


def common_in_front(e: Map) -> Expr:
    """where(c, a u, b u) is u where(c, a, b), if that is no longer; where(c, where(q, a, 0), where(q, b, 0)) is where(q, where(c, a, b), 0)."""
    c, *branches = e.args
    masked = [_masked(b) for b in branches]
    if masked[0] is not None and masked[1] is not None and masked[0][0] is masked[1][0]:
        return apply("where", masked[0][0], apply("where", c, masked[0][1], masked[1][1]), zeros_of(e.shape))
    every = tuple(range(len(e.shape)))
    terms = [as_term(b) for b in branches]
    places = [{label: axis for axis, label in enumerate(t.out)} for t in terms]
    left: list[list[Factor]] = [
        [(f, tuple(place.get(label, -1) for label in ls)) for f, ls in t.varying] for t, place in zip(terms, places, strict=True)
    ]
    common: list[Factor] = []
    for factor in list(left[0]):
        if -1 not in factor[1] and factor in left[1]:
            common.append(factor)
            for side in left:
                side.remove(factor)
    first, second = (t.coefficient for t in terms)
    number = first if first == second else 1
    if (not common and number == 1) or any(-1 in ls for side in left for _, ls in side):
        return e
    ones = [(Ones(d), (axis,)) for axis, d in enumerate(e.shape)]
    rest = [Term(as_ratio(t.coefficient, number), (*side, *ones), every).expr() for t, side in zip(terms, left, strict=True)]
    moved = contract([(Const(number), ()), *common, (apply("where", c, *rest), every)], every)
    return moved if cost(moved) <= cost(e) else e
