"""Scalar expressions at many digits, and whether they are defined there: what identities and stable forms are held against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import mpmath as mp
import numpy as np

from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Add, Const, Contract, Map, Var

mp.mp.dps = 50


def _power(base: Any, exponent: Any) -> Any:
    if base == 0 and exponent < 0:
        raise ZeroDivisionError
    if base < 0 and exponent != mp.nint(exponent):
        raise ValueError("a root of a negative number")
    return mp.power(base, exponent)


def _inside(f: Callable[[Any], Any], able: Callable[[Any], bool]) -> Callable[[Any], Any]:
    def checked(x: Any) -> Any:
        if not able(x):
            raise ValueError("outside the domain")
        return f(x)

    return checked


def softplus(x: Any) -> Any:
    return mp.log1p(mp.exp(-abs(x))) + max(x, 0)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "pow": _power, "exp": mp.exp, "exp2": lambda x: mp.power(2, x), "expm1": mp.expm1, "log": _inside(mp.log, lambda x: x > 0),
    "log2": _inside(lambda x: mp.log(x, 2), lambda x: x > 0), "log1p": _inside(mp.log1p, lambda x: x > -1), "sin": mp.sin, "cos": mp.cos,
    "tan": mp.tan, "sinh": mp.sinh, "cosh": mp.cosh, "tanh": mp.tanh, "arcsin": _inside(mp.asin, lambda x: abs(x) <= 1), "arctan": mp.atan,
    "arcsinh": mp.asinh, "arctanh": _inside(mp.atanh, lambda x: abs(x) < 1), "erf": mp.erf, "sign": mp.sign, "abs": abs,
    "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)), "softsign": lambda x: x / (1 + abs(x)), "relu": lambda x: max(x, mp.mpf(0)),
    "logaddexp": lambda x, y: x + softplus(y - x), "sigmoid": lambda x: 1 / (1 + mp.exp(-x)), "log_sigmoid": lambda x: -softplus(-x), "softplus": softplus, "maximum": max, "minimum": min,
    "where": lambda c, a, b: a if c else b, "equal": lambda a, b: a == b, "greater": lambda a, b: a > b,
    "less": lambda a, b: a < b,
}  # fmt: skip


def _constant(e: Const) -> Any:
    assert not isinstance(e.value, np.ndarray)
    if isinstance(e.value, bool):
        return e.value
    return mp.mpf(e.value) if isinstance(e.value, float) else mp.mpf(e.value.numerator) / e.value.denominator


def value(e: Expr, env: Mapping[Var, Any]) -> Any:
    """The value of a scalar expression, a number of 50 digits; None where it is not defined."""
    found: dict[Expr, Any] = {}
    try:
        for node in topological(e):
            below = [found[o] for o in node.operands]
            match node:
                case Var():
                    found[node] = env[node]
                case Const():
                    found[node] = _constant(node)
                case Add():
                    found[node] = mp.fsum(below)
                case Contract():
                    found[node] = mp.fprod(below)
                case Map():
                    found[node] = FUNCTIONS[node.fn](*below)
    except (ZeroDivisionError, ValueError):
        return None
    return found[e]
