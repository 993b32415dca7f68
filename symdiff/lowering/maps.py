"""Elementwise functions in the form NumPy computes them best: powers as products, roots and divisions."""

from __future__ import annotations

from fractions import Fraction

from symdiff.errors import Unsupported
from symdiff.expr.leaves import constant_value
from symdiff.expr.nodes import Map, Number
from symdiff.lowering.builder import Builder, as_float

LARGEST_PRODUCT = 16  # whole powers up to this are products, by repeated squaring


def lower_map(b: Builder, e: Map, args: list[int]) -> int | tuple[int, bool]:
    """The register of a function of registers, and whether it is to be negated."""
    if e.fn == "pow":
        exponent = constant_value(e.args[1])
        if exponent is not None and not isinstance(exponent, bool):
            return power(b, args[0], exponent)
    if e.fn == "polygamma":
        return _polygamma(b, constant_value(e.args[0]), args[1])
    if e.fn == "logical_not" or e.fn.startswith(("logical_", "less", "greater", "equal", "not_equal")):
        return _comparison(b, e.fn, args)
    if e.fn == "where":
        return _where(b, args)
    if e.fn in ("maximum", "minimum", "mod", "floor_divide") and b.whole(*args):
        return b.emit(e.fn, args)
    return b.function(e.fn, *args)


def power(b: Builder, x: int, exponent: Number) -> int:
    """x ** exponent. Whole and half exponents are products and square roots, negative ones divide.

    Source: Knuth, The Art of Computer Programming, vol. 2, section 4.6.3 (powers by squaring).
    """
    x = b.operand(x)
    if b.kinds[x] == "number":
        x = b.real(x)
    half = Fraction(exponent) if not isinstance(exponent, float) or (2 * exponent).is_integer() else None
    if half is None or half.denominator > 2 or abs(half) > LARGEST_PRODUCT:
        return b.emit("pow", [x, b.number(as_float(exponent))])
    whole = abs(half.numerator) // half.denominator
    factors = [_whole_power(b, x, whole)] if whole else []
    if half.denominator == 2:
        factors.append(b.emit("sqrt", [x]))
    result = factors[0]
    for f in factors[1:]:
        result = b.arithmetic("multiply", result, f)
    return b.divide(b.number(1), result) if exponent < 0 else result


def _whole_power(b: Builder, x: int, n: int) -> int:
    result: int | None = None
    while n:
        if n & 1:
            result = x if result is None else b.arithmetic("multiply", result, x)
        n >>= 1
        if n:
            x = b.arithmetic("multiply", x, x)
    assert result is not None
    return result


def _polygamma(b: Builder, order: Number | None, x: int) -> int:
    if order is None or order < 0 or order != int(order):
        raise Unsupported("lower: the order of polygamma must be a constant whole number from 0 on")
    return b.function("digamma", x) if order == 0 else b.emit("polygamma", [b.number(int(order)), b.real(x)])


def _comparison(b: Builder, fn: str, args: list[int]) -> int:
    """Comparisons and logic take any kinds; two Python numbers are made NumPy's first."""
    if all(b.kinds[a] == "number" for a in args):
        args = [b.real(args[0]), *args[1:]]
    return b.emit(fn, b.broadcasting(args))


def _where(b: Builder, args: list[int]) -> int:
    condition, x, y = args
    if not b.whole(x, y) and {b.kinds[x], b.kinds[y]} != {"bool"}:
        x, y = b.operand(x), b.operand(y)
        if b.kinds[x] == b.kinds[y] == "number":
            x = b.real(x)
    if b.kinds[condition] == "number":
        condition = b.real(condition)
    return b.emit("where", b.broadcasting([condition, x, y]))
