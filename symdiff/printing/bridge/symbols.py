"""Variables, dims and constants on both sides of the bridge.

A scalar is a real Symbol, a vector of n entries an n x 1 MatrixSymbol, a matrix a MatrixSymbol, an array of higher rank an IndexedBase.
A dim's name is an integer, positive Symbol. What SymPy's symbols cannot say (a symmetric matrix, an array of shape (n, 1) that is no
vector) is said by a MatrixSymbol of our own, so that the way back finds the same variable.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from symdiff.errors import DtypeError, ShapeError, Unsupported
from symdiff.expr.dims import Dim, Shape, as_dim
from symdiff.expr.leaves import ASSUMPTIONS, const, var
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Const, Var

IMPLIED: dict[str, dict[str, bool]] = {
    "positive": {"positive": True},
    "nonnegative": {"nonnegative": True},
    "binary": {"integer": True, "nonnegative": True},
    "count": {"integer": True, "nonnegative": True},
    "prob": {"nonnegative": True},
    "onehot": {"integer": True, "nonnegative": True},
    "sign": {"integer": True, "nonzero": True},
}
"""What an assumption of ours lets SymPy assume of a scalar; the word itself is kept beside it."""


# --- dims ---------------------------------------------------------------------------------------------------------
def dim_symbol(name: str) -> Any:
    import sympy as sp

    return sp.Symbol(name, integer=True, positive=True)


def sympy_dim(dim: Dim) -> Any:
    """A dim as a whole number or a polynomial of Symbols.

    >>> sympy_dim('((n + 1)//2)')
    floor(n/2 + 1/2)
    """
    import sympy as sp

    if isinstance(dim, int):
        return sp.Integer(dim)
    if dim.isidentifier():
        return dim_symbol(dim)
    return _dim_of_ast(ast.parse(dim, mode="eval").body)


def _dim_of_ast(tree: ast.expr) -> Any:
    import sympy as sp

    match tree:
        case ast.Constant(value=value):
            return sp.Integer(value)
        case ast.Name(id=name):
            return dim_symbol(name)
        case ast.UnaryOp(operand=x):
            return -_dim_of_ast(x)
        case ast.BinOp(left=a, op=op, right=b):
            x, y = _dim_of_ast(a), _dim_of_ast(b)
            match op:
                case ast.Add():
                    return x + y
                case ast.Sub():
                    return x - y
                case ast.Mult():
                    return x * y
            return sp.floor(x / y)
    raise ShapeError(f"not a dim: {ast.dump(tree)}")


def dim_of_sympy(s: Any) -> Dim:
    """The dim that a SymPy integer, Symbol or polynomial of them is. Raises: ShapeError for anything else."""
    import sympy as sp

    s = sp.sympify(s)
    if s.is_Integer:
        return int(s)
    if s.is_Symbol:
        return as_dim(s.name)
    texts: dict[Any, Any] = {}
    for part in s.atoms(sp.floor):
        over = sp.denom(sp.together(part.args[0]))
        texts[part] = sp.Symbol(f"(({sp.expand(part.args[0] * over)})//{over})")
    expanded = sp.expand(s.xreplace(texts))
    powers = {p: sp.Symbol("*".join([str(p.base)] * int(p.exp))) for p in expanded.atoms(sp.Pow) if p.exp.is_Integer and p.exp > 0}
    return as_dim(str(expanded.xreplace(powers)))


# --- variables ----------------------------------------------------------------------------------------------------
def variable_symbol(v: Var, name: str) -> Any:
    """The SymPy symbol of a variable."""
    import sympy as sp

    if len(v.shape) > 2:
        return sp.IndexedBase(sp.Symbol(name, **_scalar_assumptions(v.assumptions)), shape=tuple(map(sympy_dim, v.shape)))
    if not v.shape:
        return sp.Symbol(name, **_scalar_assumptions(v.assumptions))
    return matrix_symbol(name, v.shape, v.assumptions)


def matrix_symbol(name: str, shape: Shape, assumptions: tuple[str, ...] = ()) -> Any:
    import sympy as sp

    rows, columns = map(sympy_dim, (*shape, 1)[:2])
    if not assumptions and not (len(shape) == 2 and shape[1] == 1):
        return sp.MatrixSymbol(name, rows, columns)
    return remake_symbol(name, rows, columns, len(shape), *assumptions)


def _scalar_assumptions(words: Iterable[str]) -> dict[str, bool]:
    found = {"real": True}
    for word in words:
        found |= IMPLIED.get(word, {}) | {word: True}
    return found


def variable_of_symbol(s: Any) -> Expr:
    """The variable that a Symbol, MatrixSymbol or IndexedBase stands for."""
    import sympy as sp

    if isinstance(s, sp.IndexedBase):
        if s.shape is None:
            raise ShapeError(f"from_sympy: the IndexedBase {s} has no shape: write IndexedBase({str(s)!r}, shape=(n, m, k))")
        return var(str(s.label), tuple(map(dim_of_sympy, s.shape)), _words_of(s.label))
    if isinstance(s, sp.MatrixSymbol):
        shape: Shape = tuple(map(dim_of_sympy, s.shape))
        words: tuple[str, ...] = ()
        if isinstance(s, _variable_matrix()):
            shape, words = shape[: int(s.args[3])], tuple(str(w) for w in s.args[4:])
        elif shape[1] == 1:
            shape = shape[:1]
        return var(s.name, shape, words)
    if s.is_extended_real is False or s.is_commutative is False:
        raise DtypeError(f"from_sympy: the symbol {s} is not real; symdiff works on real numbers only")
    return var(s.name, (), _words_of(s))


def _words_of(s: Any) -> tuple[str, ...]:
    facts = s.assumptions0
    words = [w for w in ASSUMPTIONS if w not in ("positive", "nonnegative") and facts.get(w)]
    known = {fact for w in words for fact in IMPLIED.get(w, ())}
    if facts.get("positive"):
        words.append("positive")
    elif facts.get("nonnegative") and "nonnegative" not in known:
        words.append("nonnegative")
    return tuple(words)


@cache
def _variable_matrix() -> Any:
    import sympy as sp
    from sympy.core.symbol import Str

    def new(cls: Any, name: Any, rows: Any, columns: Any, rank: Any, *assumptions: Any) -> Any:
        texts = [Str(t) if isinstance(t, str) else t for t in (name, *assumptions)]
        return sp.Basic.__new__(cls, texts[0], sp.sympify(rows), sp.sympify(columns), sp.Integer(rank), *texts[1:])

    def reduce(self: Any) -> Any:
        return remake_symbol, (self.name, *self.args[1:3], int(self.args[3]), *(str(a) for a in self.args[4:]))

    fields = {"__new__": new, "__reduce_ex__": lambda self, protocol: reduce(self), "__module__": __name__}
    return type(sp.MatrixSymbol)("VariableMatrix", (sp.MatrixSymbol,), fields)


def remake_symbol(name: str, rows: Any, columns: Any, rank: int, *assumptions: str) -> Any:
    """A MatrixSymbol that also says its rank as an array and its assumptions."""
    return _variable_matrix()(name, rows, columns, rank, *assumptions)


# --- constants ----------------------------------------------------------------------------------------------------
def sympy_number(value: Any) -> Any:
    """A number as SymPy writes it: whole numbers and fractions exactly, floats as Floats."""
    import sympy as sp

    if isinstance(value, (bool, np.bool_)):
        return sp.true if value else sp.false
    if isinstance(value, (int, np.integer)):
        return sp.Integer(int(value))
    if isinstance(value, Fraction):
        return sp.Rational(value.numerator, value.denominator)
    return sp.Float(float(value))


def sympy_constant(c: Const) -> Any:
    """A constant: a number, a column or matrix of numbers, an array of numbers for a higher rank."""
    import sympy as sp

    if not isinstance(c.value, np.ndarray):
        return sympy_number(c.value)
    array = c.value.astype(np.int64) if c.value.dtype.kind == "b" else c.value
    entries = [sympy_number(v) for v in array.ravel()]
    if array.ndim > 2:
        return sp.ImmutableDenseNDimArray(entries, array.shape)
    return sp.ImmutableDenseMatrix(array.shape[0], 1 if array.ndim == 1 else array.shape[1], entries)


def constant_of_sympy(s: Any) -> Expr:
    """The constant that a SymPy number is. Raises: DtypeError for a complex one."""
    import sympy as sp

    if s.is_Integer:
        return Const(int(s))
    if s.is_Rational:
        return Const(Fraction(int(s.p), int(s.q)))
    if s in (sp.I, sp.zoo):
        raise DtypeError(f"from_sympy: the constant {s} is complex; symdiff works on real numbers only")
    if s in (sp.true, sp.false):
        return Const(bool(s))
    if s.is_Float or s in (sp.oo, -sp.oo, sp.nan) or isinstance(s, sp.NumberSymbol):
        return Const(float(s))
    raise Unsupported(f"from_sympy: the number {s} ({type(s).__name__}) is not known")


def array_of_sympy(s: Any, both: bool = False) -> Expr:
    """The constant of an explicit matrix or array of numbers; a single column is a vector unless `both` axes are wanted."""
    import sympy as sp

    shape = s.shape[:1] if len(s.shape) == 2 and s.shape[1] == 1 and not both else s.shape
    entries = [constant_of_sympy(v) for v in (s.flat() if isinstance(s, sp.MatrixBase) else sp.flatten(s))]
    values = [c.value for c in entries if isinstance(c, Const)]
    whole = all(isinstance(v, int) for v in values)
    return const(np.array(values, dtype=np.int64 if whole and values else np.float64).reshape(tuple(map(int, shape))))
