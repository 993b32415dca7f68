"""The identities that simplification uses, as a book of them: a name, a left side, a right side, a condition.

Each holds wherever its left side is defined and finite, and is applied from left to right. `u`, `v` stand for any expressions, `k` for
any constant; a table ends where the next kind of pattern begins: elementwise identities, products of two factors, sums.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import NamedTuple

from symdiff.expr import ops
from symdiff.expr.build import apply
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Const

Bindings = Mapping[Expr, Expr]
Condition = Callable[[Bindings], bool]

u, v = var("u"), var("v")
k, m = var("k"), var("m")  # constants
WILD = (u, v, k, m)
CONSTANTS = (k, m)
HALF = Fraction(1, 2)


class Identity(NamedTuple):
    """left = right; `when` names a property that the wild must have: {'u': 'positive'}."""

    name: str
    left: Expr
    right: Expr
    when: Mapping[str, str] | None = None


ODD = ("sin", "tan", "sinh", "tanh", "arcsin", "arctan", "arcsinh", "arctanh", "erf", "sign", "cbrt", "softsign")


def power(base: Expr, exponent: Expr | int | Fraction) -> Expr:
    return ops.power(base, exponent)


# --- elementwise: canonical names, inverse functions, stable forms ---------------------------------------------------
ELEMENTWISE: tuple[Identity, ...] = (
    Identity("log of exp", ops.log(ops.exp(u)), u),
    Identity("exp of log", ops.exp(ops.log(u)), u),
    Identity("exp of a multiple of log", ops.exp(k * ops.log(u)), power(u, k)),
    Identity("log of a power", ops.log(power(u, k)), k * ops.log(u), when={"u": "positive"}),
    Identity("log of a reciprocal", ops.log(power(u, -1)), -ops.log(u), when={"u": "positive"}),
    Identity("log1p of expm1", ops.log1p(ops.expm1(u)), u),
    Identity("expm1 of log1p", ops.expm1(ops.log1p(u)), u),
    Identity("softplus", ops.log(1 + ops.exp(u)), ops.softplus(u)),
    Identity("softplus", ops.log1p(ops.exp(u)), ops.softplus(u)),
    Identity("softplus", ops.logaddexp(0, u), ops.softplus(u)),
    Identity("softplus", ops.logaddexp(u, 0), ops.softplus(u)),
    Identity("logistic function", power(1 + ops.exp(u), k), power(ops.sigmoid(-u), -k), when={"k": "negative"}),
    Identity("log of a logistic function", ops.log(ops.sigmoid(u)), ops.log_sigmoid(u)),
    Identity("log of 1 - sigmoid", ops.log(1 - ops.sigmoid(u)), ops.log_sigmoid(-u)),
    Identity("1 - sigmoid", ops.sigmoid(-u), 1 - ops.sigmoid(u)),
    Identity("exp of log-sigmoid", ops.exp(ops.log_sigmoid(u)), ops.sigmoid(u)),
    Identity("exp of minus softplus", ops.exp(-ops.softplus(u)), 1 - ops.sigmoid(u)),
    Identity("cosine is even", ops.cos(-u), ops.cos(u)),
    Identity("cosh is even", ops.cosh(-u), ops.cosh(u)),
    Identity("absolute value is even", ops.absolute(-u), ops.absolute(u)),
    *(Identity(f"{name} is odd", apply(name, -u), -apply(name, u)) for name in ODD),
    Identity("absolute value of a positive", ops.absolute(u), u, when={"u": "nonnegative"}),
    Identity("sign of a positive", ops.sign(u), Const(1), when={"u": "positive"}),
    Identity("relu of a positive", ops.relu(u), u, when={"u": "nonnegative"}),
    Identity("relu", ops.maximum(0, u), ops.relu(u)),
    Identity("relu", ops.maximum(u, 0), ops.relu(u)),
    Identity("root of a square", power(power(u, 2), HALF), ops.absolute(u)),
    Identity("absolute value of a square", power(ops.absolute(u), 2), power(u, 2)),
    Identity("power of a power", power(power(u, k), m), power(u, k * m), when={"k, m": "powers multiply"}),
    Identity("power of a power", power(power(u, k), m), power(u, k * m), when={"u": "positive"}),
    Identity("power of an exponential", power(ops.exp(u), k), ops.exp(k * u)),
    Identity("power of a binary", power(u, k), u, when={"u": "idempotent", "k": "positive"}),
    Identity("square of a sign", power(u, k), Const(1), when={"u": "involutory", "k": "even"}),
    Identity("nonzero positive", ops.where(ops.equal(u, 0), k, v), v, when={"u": "positive"}),
    Identity("guarded positive", ops.equal(u, 0), Const(False), when={"u": "positive"}),
    Identity("log of two exponentials", ops.log(ops.exp(u) + ops.exp(v)), ops.logaddexp(u, v)),
    Identity("logarithm of base 2 of a power", ops.log2(ops.exp2(u)), u),
    Identity("log-odds", ops.log(ops.sigmoid(u) * power(1 - ops.sigmoid(u), -1)), u),
    Identity("log of 1 - tanh squared", ops.log(1 - power(ops.tanh(u), 2)), -2 * ops.log(ops.cosh(u))),
    Identity("inverse tanh", ops.log((1 + u) * power(1 - u, -1)), 2 * ops.arctanh(u)),
)

# --- products of two elementwise factors over the same axes -----------------------------------------------------------
PRODUCTS: tuple[Identity, ...] = (
    Identity("tangent", ops.sin(u) * power(ops.cos(u), -1), ops.tan(u)),
    Identity("tanh", ops.sinh(u) * power(ops.cosh(u), -1), ops.tanh(u)),
    Identity("sign times absolute value", ops.sign(u) * ops.absolute(u), u),
    Identity("argument times its sign", u * ops.sign(u), ops.absolute(u)),
    Identity("absolute value over its argument", ops.absolute(u) * power(u, -1), ops.sign(u)),
    Identity("argument over absolute value", u * power(ops.absolute(u), -1), ops.sign(u)),
    Identity("logistic function of a difference", ops.exp(u) * power(ops.exp(u) + ops.exp(v), -1), ops.sigmoid(u - v)),
    Identity("exp times its logistic function", ops.exp(-u) * ops.sigmoid(u), 1 - ops.sigmoid(u)),
    Identity("exp times 1 - sigmoid", ops.exp(u) * (1 - ops.sigmoid(u)), ops.sigmoid(u)),
    Identity("tanh by exponentials", (1 - ops.exp(-u)) * ops.sigmoid(u), ops.tanh(HALF * u)),
    Identity("exp over cosh", ops.exp(u) * power(ops.cosh(u), -1), 2 * ops.sigmoid(2 * u)),
    Identity("exp over cosh", ops.exp(-u) * power(ops.cosh(u), -1), 2 - 2 * ops.sigmoid(2 * u)),
    Identity("relu where positive", ops.relu(u) * ops.greater(u, 0), ops.relu(u)),
    Identity("tangent times cosine", ops.tan(u) * ops.cos(u), ops.sin(u)),
    Identity("tanh times cosh", ops.tanh(u) * ops.cosh(u), ops.sinh(u)),
)

# --- sums of two terms -----------------------------------------------------------------------------------------------
SUMS: tuple[Identity, ...] = (
    Identity("Pythagoras", power(ops.sin(u), 2) + power(ops.cos(u), 2), Const(1)),
    Identity("hyperbolic Pythagoras", power(ops.cosh(u), 2) - power(ops.sinh(u), 2), Const(1)),
    Identity("1 - sine squared", 1 - power(ops.sin(u), 2), power(ops.cos(u), 2)),
    Identity("1 - cosine squared", 1 - power(ops.cos(u), 2), power(ops.sin(u), 2)),
    Identity("cosh", ops.exp(u) + ops.exp(-u), 2 * ops.cosh(u)),
    Identity("sinh", ops.exp(u) - ops.exp(-u), 2 * ops.sinh(u)),
    Identity("log-odds", ops.log_sigmoid(u) - ops.log_sigmoid(-u), u),
    Identity("softplus from its larger side", ops.relu(u) + ops.softplus(-ops.absolute(u)), ops.softplus(u)),
    Identity("inverse tanh", ops.log(1 + u) - ops.log(1 - u), 2 * ops.arctanh(u)),
    Identity("logarithms of equal multiples", ops.log(k * u) - ops.log(k * v), ops.log(u) - ops.log(v), when={"k": "positive"}),
)


def log_cosh(x: Expr) -> Expr:
    """log(cosh(x)) without overflow, and without loss near 0: cosh(x) = 1 + 2 sinh(x / 2) ** 2."""
    size = ops.absolute(x)
    near = ops.log1p(2 * power(ops.sinh(HALF * ops.minimum(size, 1)), 2))
    return ops.where(ops.less(size, 1), near, size + ops.log1p(ops.exp(-2 * size)) - math.log(2))


# --- for programs, not for the eye: the same value with fewer digits lost ----------------------------------------------
STABLE: tuple[Identity, ...] = (
    Identity("1 - sigmoid", 1 - ops.sigmoid(u), ops.sigmoid(-u)),
    Identity("1 - sigmoid", ops.sigmoid(u) - 1, -ops.sigmoid(-u)),
    Identity("1 - 2 sigmoid", 1 - 2 * ops.sigmoid(u), -ops.tanh(HALF * u)),
    Identity("1 - 2 sigmoid", 2 * ops.sigmoid(u) - 1, ops.tanh(HALF * u)),
    Identity("log of cosh", ops.log(ops.cosh(u)), log_cosh(u)),
    Identity("log of cosh", ops.log(2 * ops.cosh(u)), ops.logaddexp(u, -u)),
    Identity("exp less 1", ops.exp(u) - 1, ops.expm1(u)),
    Identity("1 less exp", 1 - ops.exp(u), -ops.expm1(u)),
    Identity("log of 1 plus", ops.log(1 + u), ops.log1p(u)),
)
