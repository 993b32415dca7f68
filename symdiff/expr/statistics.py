"""What is counted, compared or correlated: any, all, isclose, cov, corrcoef, and the reductions that leave nan out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from symdiff.errors import ShapeError
from symdiff.expr.algebra import size
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import show_shape
from symdiff.expr.elementwise import (
    absolute,
    add,
    divide,
    equal,
    greater,
    isfinite,
    isnan,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    multiply,
    sqrt,
    square,
    subtract,
    truth,
    where,
)  # fmt: skip
from symdiff.expr.joining import concatenate
from symdiff.expr.node import Expr
from symdiff.expr.products import matmul, outer
from symdiff.expr.reductions import cumprod, cumsum, max, mean, min, prod, sum
from symdiff.expr.relabelings import diagonal, transpose
from symdiff.expr.structure import expand_axis


# --- truth values -------------------------------------------------------------------------------------------------
def count_nonzero(a: Any, axis: Any = None, keepdims: bool = False) -> Expr:
    """How many entries are not 0."""
    return sum(truth(a), axis, keepdims)


def any(a: Any, axis: Any = None, keepdims: bool = False) -> Expr:
    """Whether an entry is not 0."""
    return greater(count_nonzero(a, axis, keepdims), 0)


def all(a: Any, axis: Any = None, keepdims: bool = False) -> Expr:
    """Whether no entry is 0."""
    return equal(sum(logical_not(truth(a)), axis, keepdims), 0)


def isclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8) -> Expr:
    """Whether |a - b| <= atol + rtol |b|, or a equals b."""
    near = less_equal(absolute(subtract(a, b)), add(atol, multiply(rtol, absolute(b))))
    return logical_or(equal(a, b), logical_and(near, isfinite(b)))


def allclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8) -> Expr:
    """Whether all entries are close."""
    return all(isclose(a, b, rtol, atol))


def array_equal(a1: Any, a2: Any) -> Expr:
    """Whether shapes and entries are equal."""
    x, y = as_expr(a1), as_expr(a2)
    return all(equal(x, y)) if x.shape == y.shape else as_expr(False)


# --- without nan --------------------------------------------------------------------------------------------------
def nan_to_num(x: Any, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Expr:
    """Numbers in the place of nan and the infinities; by default 0 and the largest floats."""
    e = as_expr(x)
    largest = float(np.finfo(float).max)
    high, low = largest if posinf is None else posinf, -largest if neginf is None else neginf
    return where(isnan(e), nan, where(equal(e, math.inf), high, where(equal(e, -math.inf), low, e)))


def _filled(x: Any, value: float) -> Expr:
    e = as_expr(x)
    return where(isnan(e), value, e)


def nansum(a: Any, axis: Any = None, keepdims: bool = False) -> Expr:
    """The sum over the entries that are not nan."""
    return sum(_filled(a, 0), axis, keepdims)


def nanprod(a: Any, axis: Any = None, keepdims: bool = False) -> Expr:
    """The product over the entries that are not nan."""
    return prod(_filled(a, 1), axis, keepdims)


def nancumsum(a: Any, axis: int | None = None) -> Expr:
    """The cumulative sum, nan counting as 0."""
    return cumsum(_filled(a, 0), axis)


def nancumprod(a: Any, axis: int | None = None) -> Expr:
    """The cumulative product, nan counting as 1."""
    return cumprod(_filled(a, 1), axis)


def nanmax(a: Any, axis: Any = None, keepdims: bool = False) -> Expr:
    """The maximum over the entries that are not nan."""
    return max(_filled(a, -math.inf), axis, keepdims)


def nanmin(a: Any, axis: Any = None, keepdims: bool = False) -> Expr:
    """The minimum over the entries that are not nan."""
    return min(_filled(a, math.inf), axis, keepdims)


def nanmean(a: Any, axis: Any = None, keepdims: bool = False) -> Expr:
    """The mean over the entries that are not nan."""
    return divide(nansum(a, axis, keepdims), sum(logical_not(isnan(a)), axis, keepdims))


def nanvar(a: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Expr:
    """The variance over the entries that are not nan."""
    e = as_expr(a)
    off = where(isnan(e), 0, square(subtract(_filled(e, 0), nanmean(e, axis, keepdims=True))))
    return divide(sum(off, axis, keepdims), subtract(sum(logical_not(isnan(e)), axis, keepdims), ddof))


def nanstd(a: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Expr:
    """The standard deviation over the entries that are not nan."""
    return sqrt(nanvar(a, axis, ddof, keepdims))


# --- correlation --------------------------------------------------------------------------------------------------
def cov(m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None) -> Expr:
    """The covariance matrix of the variables in the rows (columns if not `rowvar`) of m, and of y after them."""

    def rows(x: Any) -> Expr:
        e = as_expr(x)
        if e.ndim > 2:
            raise ShapeError(f"cov: a vector or matrix is wanted, not {show_shape(e.shape)}")
        if e.ndim < 2:
            return expand_axis(e, 0) if e.ndim else expand_axis(expand_axis(e, 0), 0)
        return e if rowvar or e.shape[0] == 1 else transpose(e)

    e = rows(m) if y is None else concatenate([rows(m), rows(y)], 0)
    off = subtract(e, mean(e, 1, keepdims=True))
    count = subtract(size(e.shape[1]), (0 if bias else 1) if ddof is None else ddof)
    result = divide(matmul(off, transpose(off)), count)
    return result[0, 0] if e.shape[0] == 1 else result


def corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Expr:
    """The matrix of correlation coefficients of the variables in the rows."""
    c = cov(x, y, rowvar)
    if c.ndim == 0:
        return divide(c, c)
    spread = sqrt(diagonal(c))
    return divide(c, outer(spread, spread))
