"""The function table on SymPy's side: how each elementwise function is written there, and which function one of SymPy's is.

A function that SymPy has is written by SymPy's own class. One that it has not (sigmoid, gelu, hypot of arrays ...) is a named function
with its formula: it prints by its name, and SymPy differentiates, evaluates and lambdifies it by the formula; `.doit()` puts the
formula in its place. So a bridge crossed twice ends where it began, which a bare formula could not promise: 1/(1 + exp(-x)) may be
the sigmoid or itself. SymPy is imported when a function here is called, never when the module is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

NATIVE: dict[str, str] = {
    "exp": "exp", "log": "log", "sin": "sin", "cos": "cos", "tan": "tan", "arcsin": "asin", "arccos": "acos", "arctan": "atan",
    "arctan2": "atan2", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh",
    "abs": "Abs", "sign": "sign", "floor": "floor", "ceil": "ceiling", "mod": "Mod", "erf": "erf", "erfc": "erfc",
    "digamma": "digamma", "polygamma": "polygamma",
}  # fmt: skip
"""Our name -> the class in sympy."""

CODED: dict[str, str] = {
    "exp2": "exp2", "expm1": "expm1", "log2": "log2", "log10": "log10", "log1p": "log1p", "hypot": "hypot",
}  # fmt: skip
"""Our name -> the class in sympy.codegen.cfunctions."""

UNORDERED: dict[str, str] = {"maximum": "Max", "minimum": "Min", "logical_and": "And", "logical_or": "Or", "logical_xor": "Xor"}
"""Functions whose operands SymPy would sort."""

RELATIONS: dict[str, str] = {
    "less": "StrictLessThan", "less_equal": "LessThan", "greater": "StrictGreaterThan", "greater_equal": "GreaterThan",
    "equal": "Equality", "not_equal": "Unequality",
}  # fmt: skip

TRUTH_OF_OPERANDS = ("logical_and", "logical_or", "logical_xor", "logical_not")

FORMULAS: dict[str, Callable[..., Any]] = {
    "logaddexp": lambda sp, x, y: sp.log(sp.exp(x) + sp.exp(y)),
    "logaddexp2": lambda sp, x, y: sp.log(2**x + 2**y) / sp.log(2),
    "cbrt": lambda sp, x: sp.sign(x) * sp.Abs(x) ** sp.Rational(1, 3),
    "rint": lambda sp, x: _half_to_even(sp, x),
    "trunc": lambda sp, x: sp.sign(x) * sp.floor(sp.Abs(x)),
    "floor_divide": lambda sp, x, y: sp.floor(x / y),
    "sigmoid": lambda sp, x: 1 / (1 + sp.exp(-x)),
    "log_sigmoid": lambda sp, x: -sp.log(1 + sp.exp(-x)),
    "softplus": lambda sp, x: sp.log(1 + sp.exp(x)),
    "relu": lambda sp, x: sp.Max(x, 0),
    "leaky_relu": lambda sp, x, slope: sp.Piecewise((x, x > 0), (slope * x, True)),
    "elu": lambda sp, x, alpha: sp.Piecewise((x, x > 0), (alpha * (sp.exp(x) - 1), True)),
    "gelu": lambda sp, x: x * (1 + sp.erf(x / sp.sqrt(2))) / 2,
    "gelu_tanh": lambda sp, x: x * (1 + sp.tanh(sp.sqrt(2 / sp.pi) * (x + sp.Rational(44715, 1000000) * x**3))) / 2,
    "silu": lambda sp, x: x / (1 + sp.exp(-x)),
    "softsign": lambda sp, x: x / (1 + sp.Abs(x)),
    "where": lambda sp, c, x, y: sp.Piecewise((x, c), (y, True)),
    "iverson": lambda sp, c: sp.Piecewise((1, c), (0, True)),
}
"""Named functions: formula(sympy, *operands). The last two stand where SymPy would fold a Piecewise within a condition, across the
variables that are bound there: where, and Iverson's bracket, the number 1 or 0 of a truth value."""


def _half_to_even(sp: Any, x: Any) -> Any:
    """The nearest whole number, the even one at a half, as np.rint."""
    up = sp.floor(x + sp.Rational(1, 2))
    tie_to_odd = sp.And(sp.Eq(up - x, sp.Rational(1, 2)), sp.Eq(sp.Mod(up, 2), 1))
    return sp.Piecewise((up - 1, tie_to_odd), (up, True))


# --- the classes --------------------------------------------------------------------------------------------------
@cache
def named_function(name: str) -> Any:
    """The SymPy class of a function that SymPy lacks, with its formula as derivative, value and code."""
    import sympy as sp
    from sympy.logic.boolalg import Boolean

    formula = FORMULAS[name]
    arity = formula.__code__.co_argcount - 1

    def expanded(self: Any) -> Any:
        return formula(sp, *self.args)

    def doit(self: Any, **hints: Any) -> Any:
        args = [a.doit(**hints) if hints.get("deep", True) else a for a in self.args]
        return formula(sp, *args) if not isinstance(args[0], Boolean) or not args[0].has(sp.Piecewise) else self.func(*args)

    def fdiff(self: Any, argindex: int = 1) -> Any:
        places = [sp.Dummy(real=True) for _ in self.args]
        return formula(sp, *places).diff(places[argindex - 1]).subs(dict(zip(places, self.args, strict=True)))

    def code(self: Any, printer: Any) -> str:
        return f"({printer._print(expanded(self))})"

    fields = {
        "nargs": arity,
        "__reduce_ex__": lambda self, protocol: (remake, (name, self.args)),
        "__doc__": f"{name}; doit() gives its formula.",
        "doit": doit,
        "fdiff": fdiff,
        "_eval_evalf": lambda self, prec: expanded(self)._eval_evalf(prec),
        "_eval_is_extended_real": lambda self: all(a.is_extended_real for a in self.args) or None,
        **dict.fromkeys(("_pythoncode", "_numpycode", "_mpmathcode", "_ccode"), code),
    }
    return type(sp.Function)(name, (sp.Function,), fields)


def remake(name: str, args: Sequence[Any]) -> Any:
    """A named function from its pickle."""
    return named_function(name)(*args, evaluate=False)


def _predicate(name: str) -> Any:
    """The SymPy class of a truth value that SymPy lacks; known of numbers only."""
    import sympy as sp
    from sympy.logic.boolalg import BooleanFunction

    def value(cls: Any, x: Any) -> Any:
        return (sp.true if (x is sp.nan if name == "isnan" else x.is_finite) else sp.false) if x.is_Number else None

    fields = {
        "nargs": 1,
        "eval": classmethod(value),
        "doit": lambda self, **hints: self.func(*(a.doit(**hints) for a in self.args)),
        "_numpycode": lambda self, printer: f"numpy.{name}({printer._print(self.args[0])})",
    }
    return type(sp.And)(name, (BooleanFunction,), fields)


@cache
def classes() -> dict[str, Any]:
    """Our name -> SymPy's class, for every function of the table that is one class there."""
    import sympy as sp
    from sympy.codegen import cfunctions

    found = {name: getattr(sp, theirs) for name, theirs in (NATIVE | UNORDERED | RELATIONS).items()}
    found |= {name: getattr(cfunctions, theirs) for name, theirs in CODED.items()}
    found |= {name: named_function(name) for name in FORMULAS if name != "iverson"}
    found |= {name: _predicate(name) for name in ("isfinite", "isnan")}
    found |= {"logical_not": sp.Not}
    return found


@cache
def names_of_classes() -> dict[Any, str]:
    """SymPy's class -> our name."""
    import sympy as sp

    return {theirs: name for name, theirs in classes().items()} | {sp.loggamma: "gammaln"}


# --- writing one --------------------------------------------------------------------------------------------------
def number(s: Any) -> Any:
    """A truth value as the number that NumPy takes it for: 1 where it holds, else 0."""
    import sympy as sp

    if isinstance(s, sp.Expr):
        return s
    if s.has(sp.Piecewise):
        return named_function("iverson")(s)
    return sp.Piecewise((sp.S.One, s), (sp.S.Zero, sp.true), evaluate=False)


def truth(s: Any) -> Any:
    """A number as the truth value that NumPy takes it for: other than 0."""
    import sympy as sp

    if not isinstance(s, sp.Expr):
        return s
    if isinstance(s, named_function("iverson")):
        return s.args[0]
    if isinstance(s, sp.Piecewise) and s == number(s.args[0].cond):
        return s.args[0].cond
    return sp.Ne(0, s, evaluate=False)  # not_equal(s, 0), which the user may have written, is Ne(s, 0)


def _in_order(cls: Any, args: Sequence[Any]) -> Any:
    """An unevaluated Max, And ... that keeps the order of its operands, which the class's own constructor sorts."""
    from sympy.core.basic import Basic

    made = cls(*args, evaluate=False)
    if made.args != tuple(args):
        made = Basic.__new__(cls, *args)
        made._argset = frozenset(args)
    return made


def _power(sp: Any, x: Any, p: Any) -> Any:
    return sp.Pow(x, p, evaluate=False)


def _where(sp: Any, condition: Any, a: Any, b: Any) -> Any:
    c = truth(condition)
    if c.has(sp.Piecewise):
        return named_function("where")(c, a, b)
    # a plain 1 and 0 would read as the truth value itself
    otherwise = sp.Not(c, evaluate=False) if (a, b) == (1, 0) else sp.true
    return sp.Piecewise((a, c), (b, otherwise), evaluate=False)


SPECIAL: dict[str, Callable[..., Any]] = {
    "pow": _power,
    "where": _where,
    "sinc": lambda sp, x: sp.sinc(sp.Mul(sp.pi, x, evaluate=False), evaluate=False),
    "gammaln": lambda sp, x: sp.re(sp.loggamma(x, evaluate=False), evaluate=False),
}
"""Forms that are no single class: np.sinc(x) is sinc(pi x), gammaln the real part of loggamma."""


def sympy_function(name: str, args: Sequence[Any]) -> Any:
    """An elementwise function of the table, of SymPy scalars, unevaluated.

    >>> import sympy
    >>> sympy_function('arcsin', [sympy.Symbol('x')])
    asin(x)
    """
    import sympy as sp

    if name in TRUTH_OF_OPERANDS:
        args = [truth(a) for a in args]
    elif name == "where":
        args = [args[0], *map(number, args[1:])]
    else:
        args = [number(a) for a in args]
    if name in SPECIAL:
        return SPECIAL[name](sp, *args)
    cls = classes()[name]
    return _in_order(cls, args) if name in UNORDERED else cls(*args, evaluate=False)
