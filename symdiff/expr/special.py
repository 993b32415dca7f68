"""The functions of scipy.special that can be written with those of the table, under SciPy's names.

SciPy's own ufuncs, applied to an expression or a traced array, come here by NumPy's protocol; SciPy itself is not imported.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from symdiff.expr.convert import as_expr
from symdiff.expr.elementwise import (
    absolute,
    add,
    cos,
    digamma,
    divide,
    equal,
    erf,
    erfc,
    exp,
    expm1,
    floor,
    gammaln,
    greater,
    less,
    less_equal,
    log,
    log1p,
    log_sigmoid,
    logical_and,
    mod,
    multiply,
    negative,
    power,
    sigmoid,
    sin,
    softplus,
    sqrt,
    square,
    subtract,
    where,
)  # fmt: skip
from symdiff.expr.node import Expr


def xlogy(x: Any, y: Any) -> Expr:
    """x log(y), which is 0 where x is."""
    return where(equal(x, 0), 0, multiply(x, log(y)))


def xlog1py(x: Any, y: Any) -> Expr:
    """x log(1 + y), which is 0 where x is."""
    return where(equal(x, 0), 0, multiply(x, log1p(y)))


def entr(x: Any) -> Expr:
    """-x log(x), 0 at 0 and -inf below."""
    e = as_expr(x)
    return where(greater(e, 0), negative(multiply(e, log(e))), where(equal(e, 0), 0, -math.inf))


def rel_entr(x: Any, y: Any) -> Expr:
    """x log(x / y) for positive x and y, 0 where x is 0 and y is not negative, else inf."""
    a, b = as_expr(x), as_expr(y)
    inside = logical_and(greater(a, 0), greater(b, 0))
    at_zero = logical_and(equal(a, 0), less_equal(0, b))
    return where(inside, multiply(a, log(divide(a, b))), where(at_zero, 0, math.inf))


def kl_div(x: Any, y: Any) -> Expr:
    """x log(x / y) - x + y, the pointwise Kullback-Leibler divergence."""
    return add(subtract(rel_entr(x, y), x), y)


def logit(p: Any) -> Expr:
    """log(p / (1 - p)), the inverse of sigmoid."""
    return subtract(log(p), log1p(negative(p)))


def ndtr(x: Any) -> Expr:
    """The normal distribution function."""
    return multiply(0.5, erfc(negative(divide(x, math.sqrt(2)))))


def exp10(x: Any) -> Expr:
    """10 ** x."""
    return power(10, x)


def exprel(x: Any) -> Expr:
    """(exp(x) - 1) / x, 1 at 0."""
    return where(equal(x, 0), 1, divide(expm1(x), x))


def huber(delta: Any, r: Any) -> Expr:
    """The Huber loss: r**2 / 2 up to |r| = delta, linear beyond."""
    size = absolute(r)
    return where(less_equal(size, delta), divide(square(r), 2), multiply(delta, subtract(size, divide(delta, 2))))


def pseudo_huber(delta: Any, r: Any) -> Expr:
    """delta**2 (sqrt(1 + (r / delta)**2) - 1)."""
    return multiply(square(delta), subtract(sqrt(add(1, square(divide(r, delta)))), 1))


def betaln(a: Any, b: Any) -> Expr:
    """The logarithm of the absolute value of the beta function."""
    return subtract(add(gammaln(a), gammaln(b)), gammaln(add(a, b)))


def _sign_of_gamma(x: Any) -> Expr:
    """The sign of the gamma function, which alternates between the poles at 0, -1, -2 ..."""
    return where(less(x, 0), subtract(1, multiply(2, mod(floor(x), 2))), 1)


def gamma(x: Any) -> Expr:
    """The gamma function."""
    return multiply(_sign_of_gamma(x), exp(gammaln(x)))


def beta(a: Any, b: Any) -> Expr:
    """The beta function."""
    signs = multiply(multiply(_sign_of_gamma(a), _sign_of_gamma(b)), _sign_of_gamma(add(a, b)))
    return multiply(signs, exp(betaln(a, b)))


def boxcox(x: Any, lmbda: Any) -> Expr:
    """(x**lmbda - 1) / lmbda, log(x) where lmbda is 0."""
    return where(equal(lmbda, 0), log(x), divide(expm1(multiply(lmbda, log(x))), lmbda))


def _degrees(function: Callable[[Any], Expr]) -> Callable[[Any], Expr]:
    return lambda x: function(multiply(x, math.pi / 180))


OF_SCIPY: dict[str, Callable[..., Expr]] = {
    "expit": sigmoid, "log_expit": log_sigmoid, "softplus": softplus, "erf": erf, "erfc": erfc, "gammaln": gammaln, "psi": digamma,
    "digamma": digamma, "xlogy": xlogy, "xlog1py": xlog1py, "entr": entr, "rel_entr": rel_entr, "kl_div": kl_div, "logit": logit, "ndtr": ndtr,
    "exp10": exp10, "exprel": exprel, "huber": huber, "pseudo_huber": pseudo_huber, "betaln": betaln, "gamma": gamma, "beta": beta, "boxcox": boxcox, "sindg": _degrees(sin),
    "cosdg": _degrees(cos),
}  # fmt: skip
