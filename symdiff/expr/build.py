"""The constructors of elementwise functions, reductions and matrix functions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from symdiff.errors import ShapeError, Unsupported, did_you_mean
from symdiff.expr.algebra import broadcast_to
from symdiff.expr.dims import Shape, broadcast_dims, show_shape
from symdiff.expr.functions import FUNCTIONS, fold
from symdiff.expr.leaves import const, constant_value
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Const, Delta, Linalg, Map, Number, Reduce


def apply(name: str, *args: Expr) -> Expr:
    """An elementwise function of the table, its operands broadcast to one shape.

    Raises: Unsupported if the table has no such function.
    """
    function = FUNCTIONS.get(name)
    if function is None:
        raise Unsupported(f"there is no elementwise function {name!r}{did_you_mean(name, FUNCTIONS)}")
    if len(args) == function.arity == 1 and constant_value(args[0]) is None:
        return Map.make(name, args, args[0].shape)
    shape = args[0].shape
    if any(a.shape != shape for a in args):
        shape = broadcast_dims(name, *(a.shape for a in args))
    if name == "pow":
        exponent = constant_value(args[1])
        if exponent is not None and not isinstance(exponent, bool):
            return _power(args[0], exponent, shape)
    if name == "where":
        chosen = constant_value(args[0])
        if chosen is not None:
            return broadcast_to(args[1] if chosen else args[2], shape)
        if args[1] is args[2]:
            return broadcast_to(args[1], shape)
    values = tuple(constant_value(a) for a in args)
    if all(v is not None for v in values):
        result = fold(name, values)  # type: ignore[arg-type]
        if result is not None:
            return broadcast_to(const(result), shape)
    return Map(name, tuple(a if a.shape == shape else broadcast_to(a, shape) for a in args))


def _power(base: Expr, exponent: Number, shape: Shape) -> Expr:
    if isinstance(exponent, float) and (2 * exponent).is_integer() and abs(exponent) < 2**31:
        exponent = Fraction(exponent)
    if isinstance(exponent, Fraction) and exponent.denominator == 1:
        exponent = int(exponent)
    base = broadcast_to(base, shape)
    if exponent == 1:
        return base
    if exponent == 0:
        return broadcast_to(Const(1), shape)
    value = constant_value(base)
    if value is not None:
        result = fold("pow", (value, exponent))
        if result is not None:
            return broadcast_to(const(result), shape)
    return Map("pow", (base, broadcast_to(Const(exponent), shape)))


def power(base: Expr, exponent: Number) -> Expr:
    """base ** exponent for a constant exponent; whole and half floats become exact."""
    return _power(base, exponent, base.shape)


def reduce(kind: str, e: Expr, axes: Sequence[int]) -> Expr:
    if not axes:
        return e
    return Reduce(e, kind, tuple(sorted(axes)))


def linalg(fn: str, *args: Expr) -> Expr:
    for a in args:
        if len(a.shape) < 2:
            raise ShapeError(f"{fn}: a matrix is wanted, not {show_shape(a.shape)}")
    made = Linalg(fn, args)  # checks the shapes
    a = args[0]
    if isinstance(a, Delta):
        if fn in ("inv", "cholesky", "pinv"):
            return a
        if fn == "det":
            return Const(1)
        if fn == "logdet":
            return Const(0)
        if fn == "solve":
            return args[1]
    return made
