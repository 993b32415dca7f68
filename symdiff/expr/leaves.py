"""Leaves: variables and constants, and the arithmetic of constants."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, TypeGuard

import numpy as np

from symdiff.errors import DtypeError, ShapeError
from symdiff.expr.dims import as_shape, show_shape
from symdiff.expr.names import check_name
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Const, Contract, Number, Ones, Var

ASSUMPTIONS = (
    "positive", "nonnegative", "binary", "prob", "onehot", "invertible", "symmetric", "spd", "unit", "sign", "count", "orthogonal", "small",
)  # fmt: skip

OF_MATRICES = ("invertible", "symmetric", "spd", "orthogonal")  # orthogonal: the columns, of which there may be fewer than rows


def var(name: str, shape: Any = (), assume: str | Sequence[str] = (), *, token: int = 0) -> Var:
    """A variable: an input of the given shape, a tuple of whole numbers and names.

    Variables of equal name, shape and assumptions are one variable wherever they are made.
    Raises: UnknownName for an assumption that is not one of the known words; ShapeError for what is no shape, or for an assumption of
    matrices about anything else.

    >>> var('X', shape=('n', 'd')).shape
    ('n', 'd')
    """
    from_text = assume.replace(",", " ").split() if isinstance(assume, str) else list(assume)
    check_name(name, from_text, ASSUMPTIONS)
    dims = as_shape(shape)
    for word in from_text:
        if word in OF_MATRICES and (len(dims) < 2 or (word != "orthogonal" and dims[-1] != dims[-2])):
            wanted = "a matrix" if word == "orthogonal" else "a square matrix"
            raise ShapeError(f"{name} is assumed {word}, but its shape is {show_shape(dims)}: {wanted} is wanted")
    return Var(name, dims, tuple(sorted(set(from_text))), token)


def number(value: Any) -> Number | bool | None:
    """The Python number that `value` is, or None if it is no scalar number."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):  # plain types: np.float64 is a float, an IntEnum an int, and both print otherwise
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value)
    if isinstance(value, Fraction):
        return value
    if isinstance(value, (complex, np.complexfloating)):
        raise DtypeError(f"the constant {value} is complex; symdiff works on real numbers only")
    return None


def const(value: Any) -> Expr:
    """A constant from a number or an array of real numbers, which is copied.

    >>> const(0.5).shape, const([1.0, 2.0]).shape
    ((), (2,))
    """
    scalar = number(value)
    if scalar is not None:
        if isinstance(scalar, Fraction) and scalar.denominator == 1:
            scalar = int(scalar)
        return Const(scalar)
    if value is None or isinstance(value, str):
        raise DtypeError(f"{value!r} is no number and no expression: sd.var makes a variable, sd.parse reads a formula")
    try:
        array = np.array(value)
    except (TypeError, ValueError) as error:
        raise DtypeError(f"a constant of type {type(value).__name__} is no number and no array of numbers: {error}") from None
    if array.dtype.kind not in "biuf":
        raise DtypeError(f"a constant array of dtype {array.dtype} is not one of real numbers")
    if np.ma.is_masked(value):
        raise DtypeError("a constant array has masked entries; its method filled says what they count as")
    if array.ndim == 0:
        return const(array[()])
    if array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
        array = array.astype(np.float64)
    array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
    array.setflags(write=False)
    return Const(array)


# --- constants in disguise ----------------------------------------------------------------------------------------
def constant_value(e: Expr) -> Number | bool | None:
    """The number that fills `e`, if it is a constant or a broadcast constant; else None."""
    if type(e) is Const:
        return None if isinstance(e.value, np.ndarray) else e.value
    if type(e) is Contract:
        value: Number = 1
        for f in reversed(e.factors):  # a coefficient stands first, so most products are known by their last factor
            if type(f) is Const and not isinstance(f.value, np.ndarray):
                value = multiply_numbers(f.value, value)
            elif type(f) is not Ones:
                return None
        return value
    return 1 if type(e) is Ones else None


def is_constant(e: Expr, value: Number) -> bool:
    found = constant_value(e)
    return found is not None and not isinstance(found, bool) and found == value


def is_zero(e: Expr) -> bool:
    return is_constant(e, 0)


# --- arithmetic of constants --------------------------------------------------------------------------------------
def multiply_numbers(a: Number, b: Number) -> Number:
    """Exact for whole numbers and fractions, decimal for floats (0.1 * 3 is 0.3), a whole float stays a float; see `unrounded`."""
    if type(a) is int and type(b) is int:
        return a * b
    product = _decimal(operator.mul, a, b)
    return unrounded(product) if _is_long(a) and _is_long(b) else product


def unrounded(value: Number) -> Number:
    """What a product of rounded roots stands for: sqrt(3) * sqrt(3) is 3, though its float is 2.9999999999999996."""
    if not _is_long(value):
        return value
    near = float(f"{value:.6g}")
    return whole(near) if abs(near - value) <= 2 * math.ulp(value) else value


def _is_long(value: Number) -> TypeGuard[float]:
    return isinstance(value, float) and math.isfinite(value) and len(repr(value)) > 12


def add_numbers(a: Number, b: Number) -> Number:
    """As multiply_numbers, for a sum."""
    return a + b if type(a) is int and type(b) is int else _decimal(operator.add, a, b)


def to_float(value: Number) -> float:
    """The nearest float; infinite beyond the largest one, as NumPy has it."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _decimal(operation: Callable[[Any, Any], Any], a: Number, b: Number) -> Number:
    if isinstance(a, float) or isinstance(b, float):
        plain = float(operation(to_float(a), to_float(b)))
        if math.isfinite(plain) and len(repr(plain)) > 12:
            exact = to_float(operation(*(Fraction(repr(v)) if isinstance(v, float) else v for v in (a, b))))
            return exact if len(repr(exact)) < len(repr(plain)) else plain
        return plain
    result: Number = operation(a, b)
    return int(result) if isinstance(result, Fraction) and result.denominator == 1 else result


def whole(value: Number) -> Number:
    """A float without fraction as the int that it is: 2.0 x and 2 x are one product."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value
