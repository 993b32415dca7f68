"""The numbers that a SymPy expression stands for, with explicit matrices put in and everything written out."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import sympy as sp
from sympy.matrices.expressions.matexpr import MatrixElement

from symdiff.expr.nodes import Var
from symdiff.printing.bridge.arrays import TABLE, form_shape
from symdiff.printing.from_sympy import from_sympy
from tests.reference import evaluate, sizes_of


def sympy_value(s: Any, env: Mapping[Var, Any], sizes: Mapping[str, int] | None = None) -> np.ndarray:
    """The value of to_sympy's form at the arrays in `env`: a vector has two axes, as in SymPy."""
    known = {**sizes_of(env), **(sizes or {})}
    dims = {symbol: sp.Integer(known[symbol.name]) for symbol in s.atoms(sp.Symbol) if symbol.name in known and symbol.is_positive}
    s = s.xreplace(dims)
    s = s.xreplace({m: m.as_explicit() for m in s.atoms(sp.OneMatrix, sp.ZeroMatrix, sp.Identity) if all(d.is_Integer for d in m.shape)})
    arrays = {v.name: _explicit(np.asarray(array)) for v, array in env.items()}
    symbols = s.atoms(sp.Symbol, sp.MatrixSymbol, sp.IndexedBase)
    return _numbers(s.xreplace({symbol: arrays[str(symbol)] for symbol in symbols if str(symbol) in arrays}))


def _explicit(array: np.ndarray) -> Any:
    numbers = [sp.Integer(int(x)) if float(x).is_integer() else sp.Float(float(x)) for x in array.ravel()]
    if array.ndim == 0:
        return numbers[0]
    if array.ndim > 2:
        return sp.ImmutableDenseNDimArray(numbers, array.shape)
    return sp.ImmutableDenseMatrix(array.shape[0], 1 if array.ndim == 1 else array.shape[1], numbers)


def _numbers(s: Any) -> np.ndarray:
    if isinstance(s, sp.Lambda):
        shape = tuple(int(n) for n in form_shape(s))
        entries = [
            _number(s.expr.xreplace(dict(zip(s.variables, map(sp.Integer, place), strict=True)))) for place in product(*map(range, shape))
        ]
        return np.array(entries).reshape(shape)
    if getattr(s, "is_Matrix", False):
        rows, columns = map(int, s.shape)
        entries = [_number(MatrixElement(s, i, j).doit() if rows else 0) for i in range(rows) for j in range(columns)]
        return np.array(entries).reshape(rows, columns)
    return np.array(_number(s))


def _number(s: Any) -> float | bool:
    s = _opaque(_traces(_opaque(s)).doit())
    if s in (sp.true, sp.false):
        return bool(s)
    value = complex(sp.N(s, 30))
    assert abs(value.imag) < 1e-20, s
    return value.real


def _traces(s: Any) -> Any:
    """Traces as sums of entries: SymPy leaves the trace of a FunctionMatrix as it stands."""
    return s.replace(sp.Trace, lambda m: sp.Add(*(MatrixElement(m, i, i) for i in range(int(m.shape[0])))))


def _opaque(s: Any) -> Any:
    """Named functions without a formula (argsort, eigvalsh ...) by the reference evaluator."""
    return s.replace(lambda f: f.func.__name__ in TABLE and not f.free_symbols, _by_reference) if hasattr(s, "replace") else s


def _by_reference(f: Any) -> Any:
    value = float(evaluate(from_sympy(f), {}))
    return sp.Integer(int(value)) if value.is_integer() else sp.Float(value)
