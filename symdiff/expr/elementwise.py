"""NumPy's elementwise functions as constructors, under NumPy's names. Operands broadcast as in NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from symdiff.errors import ShapeError, SymbolicValue, Unsupported
from symdiff.expr.algebra import add as add_terms
from symdiff.expr.algebra import broadcast_to, is_relabeling, product, scalar_product
from symdiff.expr.build import apply
from symdiff.expr.build import power as constant_power
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import broadcast_dims
from symdiff.expr.functions import FUNCTIONS
from symdiff.expr.leaves import add_numbers, constant_value
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Arg, Const, Contract, Gather, Iota, Map, Ones, Reshape, Slice, Var
from symdiff.expr.structure import whole_number


def add(a: Any, b: Any) -> Expr:
    """a + b."""
    return add_terms(as_expr(a), as_expr(b))


def negative(a: Any) -> Expr:
    """-a."""
    return product((Const(-1), as_expr(a)))


def positive(a: Any) -> Expr:
    """+a, which is a."""
    return as_expr(a)


def subtract(a: Any, b: Any) -> Expr:
    """a - b."""
    x, y = as_expr(a), as_expr(b)
    broadcast_dims("subtract", x.shape, y.shape)
    return add_terms(x, negative(y))


def multiply(a: Any, b: Any) -> Expr:
    """a * b, elementwise."""
    x, y = as_expr(a), as_expr(b)
    return scalar_product((x, y)) if not x.shape and not y.shape else product((x, y))


def divide(a: Any, b: Any) -> Expr:
    """a / b, elementwise; division by the constant 0 is kept, so that it gives NumPy's inf or nan."""
    x, y = as_expr(a), as_expr(b)
    broadcast_dims("divide", x.shape, y.shape)
    return product((x, constant_power(y, -1)))


def reciprocal(a: Any) -> Expr:
    """1 / a."""
    return constant_power(as_expr(a), -1)


def power(a: Any, b: Any) -> Expr:
    """a ** b. A whole or half exponent is exact: x ** 0.5 is sqrt(x)."""
    return apply("pow", as_expr(a), as_expr(b))


def square(a: Any) -> Expr:
    """a ** 2."""
    return constant_power(as_expr(a), 2)


def sqrt(a: Any) -> Expr:
    """The square root, a ** (1/2)."""
    return constant_power(as_expr(a), Fraction(1, 2))


def _function(name: str, doc: str = "") -> Callable[..., Expr]:
    arity = FUNCTIONS[name].arity

    def elementwise(*args: Any) -> Expr:
        if len(args) != arity:
            raise TypeError(f"{name}() takes {arity} argument{'s' * (arity != 1)}, not {len(args)}")
        return apply(name, as_expr(args[0])) if arity == 1 else apply(name, *map(as_expr, args))

    elementwise.__name__ = elementwise.__qualname__ = name
    elementwise.__doc__ = doc or f"{name}, elementwise."
    return elementwise


exp = _function("exp")
exp2 = _function("exp2", "2 ** x, elementwise.")
expm1 = _function("expm1", "exp(x) - 1, elementwise, exact near 0.")
log = _function("log", "The natural logarithm, elementwise.")
log2 = _function("log2")
log10 = _function("log10")
log1p = _function("log1p", "log(1 + x), elementwise, exact near 0.")
logaddexp = _function("logaddexp", "log(exp(a) + exp(b)), elementwise.")
logaddexp2 = _function("logaddexp2", "log2(2**a + 2**b), elementwise.")
cbrt = _function("cbrt", "The cube root, also of negative numbers.")
sin, cos, tan = map(_function, ("sin", "cos", "tan"))
arcsin, arccos, arctan, arctan2 = map(_function, ("arcsin", "arccos", "arctan", "arctan2"))
hypot = _function("hypot", "sqrt(a**2 + b**2), elementwise.")
sinh, cosh, tanh = map(_function, ("sinh", "cosh", "tanh"))
arcsinh, arccosh, arctanh = map(_function, ("arcsinh", "arccosh", "arctanh"))
sinc = _function("sinc", "sin(pi x) / (pi x), elementwise; 1 at 0.")
absolute = _function("abs")
sign = _function("sign")
floor, ceil, rint, trunc = map(_function, ("floor", "ceil", "rint", "trunc"))
mod = _function("mod", "The remainder of floor division, with the sign of the divisor.")
floor_divide = _function("floor_divide")
less, less_equal, greater, greater_equal = map(_function, ("less", "less_equal", "greater", "greater_equal"))
equal, not_equal = map(_function, ("equal", "not_equal"))
logical_and, logical_or, logical_xor, logical_not = map(_function, ("logical_and", "logical_or", "logical_xor", "logical_not"))
isfinite, isnan = map(_function, ("isfinite", "isnan"))
erf = _function("erf", "The error function.")
erfc = _function("erfc", "1 - erf(x), exact for large x.")
gammaln = _function("gammaln", "The logarithm of the absolute value of the gamma function.")
digamma = _function("digamma", "The derivative of gammaln for positive x.")
polygamma = _function("polygamma", "polygamma(n, x): the n-th derivative of digamma.")
sigmoid = _function("sigmoid", "1 / (1 + exp(-x)), elementwise.")
log_sigmoid = _function("log_sigmoid", "log(sigmoid(x)), elementwise, finite for large negative x.")
softplus = _function("softplus", "log(1 + exp(x)), elementwise, finite for large x.")
relu = _function("relu", "max(x, 0), elementwise; its derivative at 0 is 0.")
gelu = _function("gelu", "x * Phi(x), elementwise, with the exact normal distribution function.")
gelu_tanh = _function("gelu_tanh", "GELU by its tanh approximation.")
silu = _function("silu", "x * sigmoid(x), elementwise.")
softsign = _function("softsign", "x / (1 + |x|), elementwise.")


def leaky_relu(x: Any, slope: Any = 0.01) -> Expr:
    """x where positive, slope * x elsewhere."""
    return apply("leaky_relu", as_expr(x), as_expr(slope))


def elu(x: Any, alpha: Any = 1) -> Expr:
    """x where positive, alpha * (exp(x) - 1) elsewhere."""
    return apply("elu", as_expr(x), as_expr(alpha))


def maximum(a: Any, b: Any) -> Expr:
    """The larger, elementwise; at a tie the derivative goes to a constant argument if there is one, else to the second."""
    return apply("maximum", as_expr(a), as_expr(b))


def minimum(a: Any, b: Any) -> Expr:
    """The smaller, elementwise; at a tie the derivative goes to a constant argument if there is one, else to the second."""
    return apply("minimum", as_expr(a), as_expr(b))


def where(condition: Any, a: Any, b: Any) -> Expr:
    """a where the condition holds, else b. Of a condition that is no truth value: where it is not 0.

    Raises: SymbolicValue for a Python bool, which is what `x == 0` of an expression would have been: write sd.equal(x, 0).
    """
    if isinstance(condition, bool):
        raise SymbolicValue("where: the condition is a Python bool; the elementwise comparison of expressions is sd.equal(a, b)")
    c = as_expr(condition)
    binary = isinstance(c, Var) and not {"binary", "onehot"}.isdisjoint(c.assumptions)
    return apply("where", c if binary else truth(c), as_expr(a), as_expr(b))


def clip(x: Any, low: Any = None, high: Any = None) -> Expr:
    """x limited to [low, high]; None is no limit."""
    e = as_expr(x)
    if low is not None:
        e = maximum(e, low)
    return e if high is None else minimum(e, high)


def heaviside(x: Any, at_zero: Any) -> Expr:
    """0 below 0, 1 above, `at_zero` at 0."""
    e = as_expr(x)
    return where(equal(e, 0), at_zero, apply("greater", e, Const(0)))


def copysign(a: Any, b: Any) -> Expr:
    """|a| with the sign of b, also where b is -0.0."""
    return where(signbit(b), negative(absolute(a)), absolute(a))


def signbit(x: Any) -> Expr:
    """Whether x is negative or -0.0, which less does not tell from 0 and this angle does."""
    return less(arctan2(x, -1), 0)


def isinf(x: Any) -> Expr:
    """Whether x is infinite."""
    return logical_not(logical_or(isfinite(x), isnan(x)))


def isposinf(x: Any) -> Expr:
    """Whether x is positive infinity."""
    return equal(x, math.inf)


def isneginf(x: Any) -> Expr:
    """Whether x is negative infinity."""
    return equal(x, -math.inf)


def around(x: Any, decimals: int = 0) -> Expr:
    """x rounded to decimals, halves to even; flat almost everywhere."""
    decimals = whole_number(decimals, "around: the number of decimals")
    if decimals == 0:
        return rint(x)
    scale = 10 ** abs(decimals)
    return divide(rint(multiply(x, scale)), scale) if decimals > 0 else multiply(rint(divide(x, scale)), scale)


def fmod(a: Any, b: Any) -> Expr:
    """The remainder of a division that is cut towards 0; it has the sign of a."""
    return multiply(sign(a), mod(absolute(a), absolute(b)))


def float_power(a: Any, b: Any) -> Expr:
    """a ** b."""
    return power(a, b)


def divmod(a: Any, b: Any) -> tuple[Expr, Expr]:
    """The quotient of floor division, and its remainder."""
    return floor_divide(a, b), mod(a, b)


def modf(x: Any) -> tuple[Expr, Expr]:
    """The fraction and the whole part, both with the sign of x."""
    whole = trunc(x)
    return subtract(x, whole), whole


def ldexp(a: Any, b: Any) -> Expr:
    """a * 2**b."""
    return multiply(a, exp2(b))


def select(condlist: Any, choicelist: Any, default: Any = 0) -> Expr:
    """For each entry the choice of the first condition that holds."""
    if len(condlist) != len(choicelist):
        raise ShapeError(f"select: {len(condlist)} conditions for {len(choicelist)} choices")
    result = as_expr(default)
    for condition, choice in zip(reversed(list(condlist)), reversed(list(choicelist)), strict=True):
        result = where(condition, choice, result)
    return result


def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Expr:
    """For each entry the value, or the function of x, of the last condition that holds; one more function is the default."""
    e = as_expr(x)
    conditions, functions = list(condlist), list(funclist)
    default = functions.pop() if len(functions) == len(conditions) + 1 else 0
    if len(conditions) != len(functions):
        raise ShapeError(f"piecewise: {len(condlist)} conditions for {len(funclist)} functions")
    result = as_expr(default(e, *args, **kw) if callable(default) else default)
    for condition, function in zip(conditions, functions, strict=True):
        result = where(condition, function(e, *args, **kw) if callable(function) else function, result)
    return broadcast_to(result, e.shape)


def astype(x: Any, dtype: Any) -> Expr:
    """x as float64, as whole numbers (cut towards 0, flat almost everywhere) or as truth values.

    Raises: Unsupported for another dtype, by name.
    """
    e, wanted = as_expr(x), np.dtype(dtype)
    if wanted == np.float64 or (wanted.kind in "iu" and dtype_of(e).kind in "biu"):
        return e
    if wanted.kind in "iu":
        return trunc(e)
    if wanted.kind == "b":
        return truth(e)
    raise Unsupported(f"astype: {wanted} is not supported on expressions, which are float64; write float")


def dtype_of(x: Any) -> np.dtype[Any]:
    """The dtype of the values: bool of comparisons, int64 of positions, else float64."""
    e = as_expr(x)
    if isinstance(e, Const) and isinstance(e.value, np.ndarray):
        return e.value.dtype
    return np.dtype(bool if is_boolean(e) else np.int64 if isinstance(e, (Arg, Iota)) else np.float64)


def deg2rad(x: Any) -> Expr:
    """Degrees to radians."""
    return multiply(x, math.pi / 180)


def rad2deg(x: Any) -> Expr:
    """Radians to degrees."""
    return multiply(x, 180 / math.pi)


def is_boolean(e: Expr) -> bool:
    """Whether the values of `e` are truth values, as a comparison's are: stretched, cut and put in another order too."""
    while isinstance(e, (Slice, Reshape, Gather)) or (isinstance(e, Contract) and is_relabeling(e)):
        inner = next((o for o in e.operands if not isinstance(o, Ones)), e)
        if inner is e:
            break
        e = inner
    if isinstance(e, Map):
        return FUNCTIONS[e.fn].result == "bool"
    return isinstance(e, Const) and (isinstance(e.value, bool) or (isinstance(e.value, np.ndarray) and e.value.dtype.kind == "b"))


def truth(x: Any) -> Expr:
    """x as truth values: whether it is not 0, unless it is one already."""
    e = as_expr(x)
    return e if is_boolean(e) else not_equal(e, 0)


def shifted(e: Expr, by: int) -> Expr:
    """e + by, folded when `e` is a constant."""
    value = constant_value(e)
    return Const(add_numbers(value, by)) if value is not None and e.shape == () else add_terms(e, Const(by))
