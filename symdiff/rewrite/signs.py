"""Which expressions are positive or at least not negative, as far as their variables' assumptions and their form tell.

A property holds wherever the expression is defined; what cannot be shown is not assumed.
"""

from __future__ import annotations

from symdiff.expr.leaves import constant_value
from symdiff.expr.node import Expr, memo_of, topological
from symdiff.expr.nodes import Add, Contract, Delta, Iota, Map, Ones, Reduce, Size, Var
from symdiff.rules.assumptions import holds

_NONNEGATIVE_FUNCTIONS = ("exp", "exp2", "sigmoid", "softplus", "abs", "cosh", "relu", "hypot")
_POSITIVE_FUNCTIONS = ("exp", "exp2", "sigmoid", "softplus", "cosh")


def sign_class(e: Expr) -> int:
    """2 if every entry is positive wherever it is defined, 1 if none is negative, 0 if neither is known."""
    notes = memo_of(e)
    if "sign" not in notes:
        for node in topological(e, until=lambda n: "sign" in memo_of(n)):
            below = memo_of(node)
            if "sign" not in below:
                below["sign"] = _sign_class(node)
    return notes["sign"]  # type: ignore[no-any-return]


def _sign_class(e: Expr) -> int:
    value = constant_value(e)
    if value is not None:
        return 2 if value > 0 else 1 if value == 0 else 0
    match e:
        case Var():
            return 2 if holds(e, "positive") else 1 if holds(e, "nonnegative") else 0
        case Size():
            return 2
        case Ones():
            return 2
        case Delta() | Iota():
            return 1
        case Map(fn="pow"):
            p = constant_value(e.args[1])
            base = sign_class(e.args[0])
            if base == 2:
                return 2
            even = isinstance(p, int) and p % 2 == 0
            half = p is not None and not isinstance(p, (int, float)) and p.denominator % 2 == 0
            if p is not None and p < 0 and (even or half or base):
                return 2  # an inverse is not zero
            return 1 if even or half or base else 0
        case Map():
            if e.fn in _POSITIVE_FUNCTIONS:
                return 2
            if e.fn in _NONNEGATIVE_FUNCTIONS:
                return 1
            if e.fn == "maximum":
                return max(sign_class(a) for a in e.args)
            return 1 if e.fn == "where" and min(sign_class(a) for a in e.args[1:]) else 0
        case Add():
            signs = [sign_class(t) for t in e.terms]
            return 0 if min(signs) == 0 else max(signs)
        case Contract():
            signs = [sign_class(f) for f in e.factors]
            if min(signs) == 2:
                return 2  # named dims may be 0 only where nothing is left to divide
            return 1 if min(signs) else 0
        case Reduce(kind="max" | "min" | "prod"):
            return sign_class(e.x)
    return 0


def is_positive(e: Expr) -> bool:
    return sign_class(e) == 2


def is_nonnegative(e: Expr) -> bool:
    return sign_class(e) >= 1
