"""The function table: every elementwise function, with its arity, its name in NumPy and what it folds to on constants.

Constants fold only where the result is exact: exp(0) is 1, exp(2) stays. Derivatives, identities and printed forms of the same
functions stand in the tables of symdiff.rules and symdiff.printing, keyed by the same names.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any, NamedTuple

Value = int | Fraction | float | bool


class Function(NamedTuple):
    """An elementwise function. `numpy` names it in NumPy ('' where NumPy has none); `at` holds exact values at exact arguments;
    `fold` computes exactly on constants or says None; `result` is 'real', 'bool' or 'int'."""

    name: str
    arity: int
    numpy: str = ""
    at: Mapping[Any, Value] = MappingProxyType({})
    fold: Callable[..., Value | None] | None = None
    result: str = "real"


def _power(base: Value, exponent: Value) -> Value | None:
    if exponent == 0:
        return 1
    if exponent == 1:
        return base
    if base == 1:
        return base
    if isinstance(exponent, float) and exponent.is_integer():
        exponent = int(exponent)
    if isinstance(exponent, int) and abs(exponent) <= 1024:
        if base == 0 and exponent < 0:
            return None
        if isinstance(base, float):
            return (
                float(base**exponent)
                if exponent > 0 and math.isfinite(base) and abs(base) < 1e8 and exponent < 32
                else _inverse(base, exponent)
            )
        value = Fraction(base) ** exponent
        return int(value) if value.denominator == 1 else value
    if isinstance(exponent, Fraction) and exponent.denominator == 2 and not isinstance(base, float) and base > 0:
        root = Fraction(math.isqrt(Fraction(base).numerator), math.isqrt(Fraction(base).denominator))
        if root * root == base:
            return _power(int(root) if root.denominator == 1 else root, exponent.numerator)
    return None


def _inverse(base: float, exponent: int) -> Value | None:
    """1/base for floats such as 0.5 or 0.3: exact in decimals where it can be."""
    if exponent != -1 or not math.isfinite(base) or base == 0:
        return None
    value = 1 / Fraction(repr(base))
    return float(value) if abs(value) <= sys.float_info.max else None


def _finite(x: Value) -> bool:
    return not isinstance(x, float) or math.isfinite(x)


def _round(x: Value) -> Value:
    return round(x) if not isinstance(x, float) else float(round(x)) if math.isfinite(x) else x


def _sign(x: Value) -> Value:
    return x if x != x else (x > 0) - (x < 0)


TABLE: tuple[Function, ...] = (
    # powers, exponentials, logarithms
    Function("pow", 2, "power", fold=_power),
    Function("exp", 1, "exp", {0: 1}),
    Function("exp2", 1, "exp2", {0: 1, 1: 2, 2: 4}),
    Function("expm1", 1, "expm1", {0: 0}),
    Function("log", 1, "log", {1: 0}),
    Function("log2", 1, "log2", {1: 0, 2: 1, 4: 2}),
    Function("log10", 1, "log10", {1: 0, 10: 1, 100: 2}),
    Function("log1p", 1, "log1p", {0: 0}),
    Function("logaddexp", 2, "logaddexp"),
    Function("logaddexp2", 2, "logaddexp2"),
    Function("cbrt", 1, "cbrt", {0: 0, 1: 1, 8: 2, -1: -1}),
    # trigonometric, hyperbolic, inverse
    Function("sin", 1, "sin", {0: 0}),
    Function("cos", 1, "cos", {0: 1}),
    Function("tan", 1, "tan", {0: 0}),
    Function("arcsin", 1, "arcsin", {0: 0}),
    Function("arccos", 1, "arccos", {1: 0}),
    Function("arctan", 1, "arctan", {0: 0}),
    Function("arctan2", 2, "arctan2"),
    Function("hypot", 2, "hypot"),
    Function("sinh", 1, "sinh", {0: 0}),
    Function("cosh", 1, "cosh", {0: 1}),
    Function("tanh", 1, "tanh", {0: 0}),
    Function("arcsinh", 1, "arcsinh", {0: 0}),
    Function("arccosh", 1, "arccosh", {1: 0}),
    Function("arctanh", 1, "arctanh", {0: 0}),
    Function("sinc", 1, "sinc", {0: 1}),
    # piecewise
    Function("abs", 1, "abs", fold=abs),
    Function("sign", 1, "sign", fold=_sign),
    Function("floor", 1, "floor", fold=lambda x: math.floor(x) if _finite(x) else None),
    Function("ceil", 1, "ceil", fold=lambda x: math.ceil(x) if _finite(x) else None),
    Function("rint", 1, "rint", fold=_round),
    Function("trunc", 1, "trunc", fold=lambda x: math.trunc(x) if _finite(x) else None),
    Function("maximum", 2, "maximum", fold=lambda x, y: None if x != x or y != y else max(x, y)),
    Function("minimum", 2, "minimum", fold=lambda x, y: None if x != x or y != y else min(x, y)),
    Function("mod", 2, "mod", fold=lambda x, y: x % y if y != 0 and isinstance(x, int) and isinstance(y, int) else None),
    Function("floor_divide", 2, "floor_divide", fold=lambda x, y: x // y if y != 0 and isinstance(x, int) and isinstance(y, int) else None),
    Function("where", 3, "where"),
    # comparisons and logic
    Function("less", 2, "less", fold=lambda x, y: bool(x < y), result="bool"),
    Function("less_equal", 2, "less_equal", fold=lambda x, y: bool(x <= y), result="bool"),
    Function("greater", 2, "greater", fold=lambda x, y: bool(x > y), result="bool"),
    Function("greater_equal", 2, "greater_equal", fold=lambda x, y: bool(x >= y), result="bool"),
    Function("equal", 2, "equal", fold=lambda x, y: bool(x == y), result="bool"),
    Function("not_equal", 2, "not_equal", fold=lambda x, y: bool(x != y), result="bool"),
    Function("logical_and", 2, "logical_and", fold=lambda x, y: bool(x) and bool(y), result="bool"),
    Function("logical_or", 2, "logical_or", fold=lambda x, y: bool(x) or bool(y), result="bool"),
    Function("logical_xor", 2, "logical_xor", fold=lambda x, y: bool(x) != bool(y), result="bool"),
    Function("logical_not", 1, "logical_not", fold=lambda x: not x, result="bool"),
    Function("isfinite", 1, "isfinite", fold=_finite, result="bool"),
    Function("isnan", 1, "isnan", fold=lambda x: x != x, result="bool"),
    # special functions, of which NumPy has none
    Function("erf", 1, "", {0: 0}),
    Function("erfc", 1, "", {0: 1}),
    Function("gammaln", 1, "", {1: 0, 2: 0}),
    Function("digamma", 1),
    Function("polygamma", 2),  # (order, x); the order is a whole number
    # activations
    Function("sigmoid", 1, "", {0: Fraction(1, 2)}),
    Function("log_sigmoid", 1),
    Function("softplus", 1),
    Function("relu", 1, "", fold=lambda x: max(x, 0)),
    Function("leaky_relu", 2),  # (x, slope)
    Function("elu", 2),  # (x, alpha)
    Function("gelu", 1, "", {0: 0}),
    Function("gelu_tanh", 1, "", {0: 0}),
    Function("silu", 1, "", {0: 0}),
    Function("softsign", 1, "", {0: 0}),
)

FUNCTIONS: dict[str, Function] = {f.name: f for f in TABLE}


def fold(name: str, values: tuple[Value, ...]) -> Value | None:
    """The exact value of a function at constants, None where it has none.

    >>> fold('pow', (2, -1)), fold('exp', (0,)), fold('exp', (2,))
    (Fraction(1, 2), 1, None)
    """
    function = FUNCTIONS[name]
    if len(values) == 1 and not isinstance(values[0], bool) and values[0] in function.at:
        return function.at[values[0]]
    if function.fold is not None:
        return function.fold(*values)
    return None
