"""The derivative of every elementwise function, one row each: the partial derivative in each argument.

A partial is a function of the result y and the arguments; it may use y where that is cheaper or safer (tanh: (1 - y)(1 + y) stays
finite where cosh overflows). FLAT says that the function is constant almost everywhere in that argument: its derivative is zero by
declaration, not by omission. A function without a row has no derivative and asking for one raises MissingRule.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from symdiff.expr import ops
from symdiff.expr.build import power
from symdiff.expr.leaves import constant_value
from symdiff.expr.node import Expr

Partial = Callable[..., Expr]


class Derivative(NamedTuple):
    """The partials of a function, None where it is flat, and the arguments in which it is not; the value chosen where no derivative
    exists; where the formula is from."""

    partials: tuple[Partial | None, ...]
    moving: tuple[int, ...]
    convention: str = ""
    source: str = ""


def partials(*rules: Partial | None, convention: str = "", source: str = "") -> Derivative:
    return Derivative(rules, tuple(k for k, rule in enumerate(rules) if rule is not None), convention, source)


FLAT = None
DLMF = "NIST Digital Library of Mathematical Functions"


def is_constant(e: Expr) -> bool:
    return constant_value(e) is not None


def _first_wins(a: Expr, b: Expr, larger: bool) -> Expr:
    """Where the first argument of maximum (or minimum) is the one taken."""
    if is_constant(a) and not is_constant(b):  # a constant is taken at a tie, on whichever side it stands
        return ops.less_equal(b, a) if larger else ops.greater_equal(b, a)
    return ops.greater(a, b) if larger else ops.less(a, b)


def first_of_maximum(a: Expr, b: Expr) -> Expr:
    return _first_wins(a, b, larger=True)


def first_of_minimum(a: Expr, b: Expr) -> Expr:
    return _first_wins(a, b, larger=False)


def normal_density(x: Expr) -> Expr:
    return ops.exp(-(x * x) * Fraction(1, 2)) * (1 / math.sqrt(2 * math.pi))


def _gelu_tanh(y: Expr, x: Expr) -> Expr:
    k, c = math.sqrt(2 / math.pi), 0.044715
    t = ops.tanh(k * (x + c * x * x * x))
    return Fraction(1, 2) * (1 + t) + Fraction(1, 2) * x * (1 - t) * (1 + t) * k * (1 + 3 * c * x * x)


def _sinc(y: Expr, x: Expr) -> Expr:
    """(cos(pi x) - sinc(x)) / x, and its limit near 0, where that quotient loses its digits."""
    small = ops.less(ops.absolute(x), 1e-2)
    safe = ops.where(small, 1, x)
    series = x * (-(math.pi**2) / 3 + (math.pi**4 / 30) * x * x - (math.pi**6 / 840) * power(x, 4))
    return ops.where(small, series, (ops.cos(math.pi * safe) - ops.sinc(safe)) / safe)


DERIVATIVES: dict[str, Derivative] = {
    # powers, exponentials, logarithms
    "pow": partials(
        lambda y, u, p: p * ops.power(u, p - 1),
        lambda y, u, p: y * ops.log(ops.where(ops.equal(u, 0), 1, u)),
        convention="the derivative of 0 ** p in p is 0",
    ),
    "exp": partials(lambda y, u: y),
    "exp2": partials(lambda y, u: y * math.log(2)),
    "expm1": partials(lambda y, u: ops.exp(u)),
    "log": partials(lambda y, u: 1 / u),
    "log2": partials(lambda y, u: 1 / (u * math.log(2))),
    "log10": partials(lambda y, u: 1 / (u * math.log(10))),
    "log1p": partials(lambda y, u: 1 / (1 + u)),
    "logaddexp": partials(lambda y, u, v: ops.sigmoid(u - v), lambda y, u, v: ops.sigmoid(v - u)),
    "logaddexp2": partials(lambda y, u, v: ops.sigmoid((u - v) * math.log(2)), lambda y, u, v: ops.sigmoid((v - u) * math.log(2))),
    "cbrt": partials(lambda y, u: 1 / (3 * y * y)),
    # trigonometric, hyperbolic, inverse
    "sin": partials(lambda y, u: ops.cos(u)),
    "cos": partials(lambda y, u: -ops.sin(u)),
    "tan": partials(lambda y, u: 1 + y * y),
    "arcsin": partials(lambda y, u: 1 / ops.sqrt(1 - u * u)),
    "arccos": partials(lambda y, u: -1 / ops.sqrt(1 - u * u)),
    "arctan": partials(lambda y, u: 1 / (1 + u * u)),
    "arctan2": partials(lambda y, u, v: v / (u * u + v * v), lambda y, u, v: -u / (u * u + v * v)),
    "hypot": partials(
        lambda y, u, v: u / ops.where(ops.equal(y, 0), 1, y),
        lambda y, u, v: v / ops.where(ops.equal(y, 0), 1, y),
        convention="0 at the origin",
    ),
    "sinh": partials(lambda y, u: ops.cosh(u)),
    "cosh": partials(lambda y, u: ops.sinh(u)),
    "tanh": partials(lambda y, u: (1 - y) * (1 + y)),
    "arcsinh": partials(lambda y, u: 1 / ops.sqrt(1 + u * u)),
    "arccosh": partials(lambda y, u: 1 / (ops.sqrt(u - 1) * ops.sqrt(u + 1))),
    "arctanh": partials(lambda y, u: 1 / ((1 - u) * (1 + u))),
    "sinc": partials(_sinc),
    # piecewise: flat, or with a chosen value where two pieces meet
    "abs": partials(lambda y, u: ops.sign(u), convention="0 at 0"),
    "sign": partials(FLAT, convention="0 everywhere"),
    "floor": partials(FLAT, convention="0 everywhere"),
    "ceil": partials(FLAT, convention="0 everywhere"),
    "rint": partials(FLAT, convention="0 everywhere"),
    "trunc": partials(FLAT, convention="0 everywhere"),
    "mod": partials(lambda y, u, v: ops.ones(u.shape), lambda y, u, v: -ops.floor(u / v), convention="that of u - v floor(u / v)"),
    "floor_divide": partials(FLAT, FLAT, convention="0 everywhere"),
    **{
        name: partials(*(FLAT,) * arity, convention="0 everywhere")
        for name, arity in (
            *((n, 2) for n in ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal")),
            *((n, 2) for n in ("logical_and", "logical_or", "logical_xor")),
            *((n, 1) for n in ("logical_not", "isfinite", "isnan")),
        )
    },
    # special functions
    "erf": partials(lambda y, u: (2 / math.sqrt(math.pi)) * ops.exp(-(u * u)), source=f"{DLMF} 7.2.1"),
    "erfc": partials(lambda y, u: (-2 / math.sqrt(math.pi)) * ops.exp(-(u * u)), source=f"{DLMF} 7.2.2"),
    "gammaln": partials(lambda y, u: ops.digamma(u), source=f"{DLMF} 5.2.2"),
    "digamma": partials(lambda y, u: ops.polygamma(1, u), source=f"{DLMF} 5.15.1"),
    "polygamma": partials(FLAT, lambda y, k, u: ops.polygamma(k + 1, u), convention="the order is not a variable", source=f"{DLMF} 5.15.1"),
    # activations
    "sigmoid": partials(lambda y, u: y * (1 - y)),
    "log_sigmoid": partials(lambda y, u: ops.sigmoid(-u)),
    "softplus": partials(lambda y, u: ops.sigmoid(u)),
    "relu": partials(lambda y, u: ops.greater(u, 0), convention="0 at 0"),
    "leaky_relu": partials(
        lambda y, u, slope: ops.where(ops.greater(u, 0), 1, slope),
        lambda y, u, slope: ops.minimum(u, 0),
        convention="the slope at 0",
    ),
    "elu": partials(
        lambda y, u, alpha: ops.where(ops.greater(u, 0), 1, y + alpha),
        lambda y, u, alpha: ops.expm1(ops.minimum(u, 0)),
        convention="alpha at 0",
    ),
    "gelu": partials(
        lambda y, u: Fraction(1, 2) * ops.erfc(u * (-1 / math.sqrt(2))) + u * normal_density(u),
        source="Hendrycks and Gimpel, Gaussian Error Linear Units, 2016",
    ),
    "gelu_tanh": partials(_gelu_tanh, source="Hendrycks and Gimpel, Gaussian Error Linear Units, 2016"),
    "silu": partials(lambda y, u: ops.sigmoid(u) * (1 + u * (1 - ops.sigmoid(u)))),
    "softsign": partials(lambda y, u: 1 / ops.square(1 + ops.absolute(u))),
}

# Functions whose differential picks one of two tangents: where(condition, da, db). A product with 0 or 1 would turn a masked
# infinity into nan. Each row: the condition, and the arguments chosen where it holds and where it does not.
CHOICES: dict[str, tuple[Callable[..., Expr], int, int]] = {
    "where": (lambda c, a, b: c, 1, 2),
    "maximum": (first_of_maximum, 0, 1),
    "minimum": (first_of_minimum, 0, 1),
}
CHOICE_CONVENTION = "at a tie the derivative goes to a constant argument if there is one, else to the second"
