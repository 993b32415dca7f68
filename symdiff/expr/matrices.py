"""Functions of matrices: inverse, determinant, factors, norms. Axes before the last two are a batch."""

from __future__ import annotations

import builtins
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from symdiff.errors import ShapeError, SymbolicValue, Unsupported
from symdiff.expr.algebra import broadcast_to, permute
from symdiff.expr.build import apply, linalg
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import broadcast_dims, dim_mul, show_shape
from symdiff.expr.elementwise import absolute, divide, multiply, sqrt, square, subtract
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Delta
from symdiff.expr.products import matmul
from symdiff.expr.reductions import keep_axes, max, min, sum
from symdiff.expr.structure import axes_of, axis_of, expand_axis, reshape_node


def inv(x: Any) -> Expr:
    """The inverse of a square matrix."""
    return linalg("inv", as_expr(x))


def det(x: Any) -> Expr:
    """The determinant."""
    return linalg("det", as_expr(x))


def logdet(x: Any) -> Expr:
    """log |det x|, the second part of np.linalg.slogdet."""
    return linalg("logdet", as_expr(x))


class SlogdetResult(NamedTuple):
    """What np.linalg.slogdet gives."""

    sign: Expr
    logabsdet: Expr


class EighResult(NamedTuple):
    """What np.linalg.eigh gives."""

    eigenvalues: Expr
    eigenvectors: Expr


class SVDResult(NamedTuple):
    """What np.linalg.svd gives."""

    U: Expr
    S: Expr
    Vh: Expr


def slogdet(x: Any) -> SlogdetResult:
    """The sign of the determinant and the logarithm of its absolute value."""
    e = as_expr(x)
    return SlogdetResult(apply("sign", det(e)), logdet(e))


def solve(a: Any, b: Any) -> Expr:
    """inv(a) @ b without the inverse; b is a vector, a matrix, or a stack of matrices."""
    x, y = as_expr(a), as_expr(b)
    if y.ndim == 1:
        if not y.shape or x.ndim < 2 or x.shape[-1] != y.shape[0]:
            raise ShapeError(f"solve: a matrix {show_shape(x.shape)} and a right side {show_shape(y.shape)}")
        column = broadcast_to(expand_axis(y, 1), (*x.shape[:-1], 1))
        return _drop_last(linalg("solve", x, column))
    batch = broadcast_dims("solve", x.shape[:-2], y.shape[:-2])
    return linalg("solve", broadcast_to(x, (*batch, *x.shape[-2:])), broadcast_to(y, (*batch, *y.shape[-2:])))


def _drop_last(e: Expr) -> Expr:
    return reshape_node(e, e.shape[:-1])


def cholesky(x: Any) -> Expr:
    """The lower triangular L with L @ L.T = x, x symmetric and positive definite."""
    return linalg("cholesky", as_expr(x))


def pinv(x: Any) -> Expr:
    """The pseudo-inverse of a matrix of full rank."""
    return linalg("pinv", as_expr(x))


def eigvalsh(x: Any) -> Expr:
    """The eigenvalues of a symmetric matrix, ascending; they must be distinct for a derivative."""
    return linalg("eigvalsh", as_expr(x))


def eigh(x: Any) -> EighResult:
    """Eigenvalues, ascending, and eigenvectors as columns, of a symmetric matrix; distinct eigenvalues."""
    e = as_expr(x)
    return EighResult(linalg("eigvalsh", e), linalg("eigvecs", e))


def svdvals(x: Any) -> Expr:
    """The singular values, descending; distinct for a derivative."""
    return linalg("svdvals", as_expr(x))


def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """U, the singular values, and V transposed; thin factors only, so full_matrices=False unless a is square."""
    e = as_expr(a)
    if not compute_uv:
        return svdvals(e)
    if full_matrices and e.shape[-1] != e.shape[-2]:
        raise Unsupported("svd: the full factors of a matrix that is not square are not unique; give full_matrices=False")
    return SVDResult(*(linalg(fn, e) for fn in ("svdu", "svdvals", "svdvt")))


def lstsq(a: Any, b: Any) -> tuple[Expr, Expr, int, Expr]:
    """The least squares solution for a matrix of full rank: solution, sums of squared residuals, rank, singular values."""
    x, y = as_expr(a), as_expr(b)
    m, n = x.shape
    if not isinstance(m, int) or not isinstance(n, int):
        raise SymbolicValue("lstsq: which size is smaller must be known; use pinv(a) @ b")
    solution = matmul(linalg("pinv", x), y)
    off = subtract(y, matmul(x, solution))
    residuals = sum(square(off), 0, keepdims=y.ndim == 1)
    return solution, residuals if m > n else as_expr(np.zeros(0)), builtins.min(m, n), svdvals(x)


def cond(x: Any, p: Any = None) -> Expr:
    """The condition number: the norm of x times that of its inverse; by default the ratio of the outer singular values."""
    if p in (None, 2, -2):
        values = svdvals(x)
        first, last = max(values, -1), min(values, -1)
        return divide(last, first) if p == -2 else divide(first, last)
    return multiply(norm(x, p, (-2, -1)), norm(inv(x), p, (-2, -1)))


def multi_dot(arrays: Any) -> Expr:
    """The product of matrices, from the left; the first and the last may be vectors."""
    result, *rest = [as_expr(a) for a in arrays]
    for a in rest:
        result = matmul(result, a)
    return result


def tensorsolve(a: Any, b: Any) -> Expr:
    """x with tensordot(a, x, x.ndim) = b."""
    e, y = as_expr(a), as_expr(b)
    kept = e.shape[y.ndim :]
    rows, columns = dim_mul(*y.shape), dim_mul(*kept)
    return reshape_node(solve(reshape_node(e, (rows, columns)), reshape_node(y, (rows,))), kept)


def tensorinv(a: Any, ind: int = 2) -> Expr:
    """The inverse of tensordot(a, ., a.ndim - ind)."""
    e = as_expr(a)
    rows, columns = dim_mul(*e.shape[:ind]), dim_mul(*e.shape[ind:])
    return reshape_node(inv(reshape_node(e, (rows, columns))), (*e.shape[ind:], *e.shape[:ind]))


def matrix_power(x: Any, n: int) -> Expr:
    """x @ x @ ... n times; the inverse for negative n, the identity for 0."""
    e = as_expr(x)
    if e.ndim < 2 or e.shape[-1] != e.shape[-2]:
        raise ShapeError(f"matrix_power: a square matrix is wanted, not {show_shape(e.shape)}")
    if isinstance(n, Expr) or not hasattr(n, "__index__"):
        raise Unsupported(f"matrix_power: the exponent is a whole number, not {n!r}")
    if n < 0:
        return matrix_power(inv(e), -n)
    if n == 0:
        return broadcast_to(Delta(e.shape[-1]), e.shape)
    result: Expr | None = None
    while n:
        if n & 1:
            result = e if result is None else matmul(result, e)
        n >>= 1
        if n:
            e = matmul(e, e)
    assert result is not None
    return result


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Expr:
    """np.linalg.norm for the orders that have a derivative: 2 and p-norms of vectors, 1, inf; fro, nuc, 2, 1, inf of matrices.

    Raises: Unsupported for another order, by name.
    """
    e = as_expr(x)
    if axis is None:
        axes = tuple(range(e.ndim))
        if ord is None:
            return keep_axes(sqrt(sum(square(e))), axes, keepdims)
    else:
        axes = tuple(axis_of(a, e.ndim, "norm") for a in (axis if isinstance(axis, (tuple, list)) else (axis,)))
    if len(axes) == 1:
        if ord is None or ord == 2:
            return sqrt(sum(square(e), axes, keepdims))
        if ord == 1:
            return sum(absolute(e), axes, keepdims)
        if ord in (np.inf, -np.inf):
            return (max if ord > 0 else min)(absolute(e), axes, keepdims)
        if isinstance(ord, (int, float)) and ord != 0:
            return apply(
                "pow",
                sum(apply("pow", absolute(e), as_expr(ord)), axes, keepdims),
                as_expr(1 / ord if isinstance(ord, float) else Fraction(1, ord)),
            )
    elif len(axes) == 2:
        if ord is None or ord == "fro":
            return sqrt(sum(square(e), axes, keepdims))
        if ord in (1, -1, np.inf, -np.inf):
            row = axes[0] if abs(ord) == 1 else axes[1]
            inner_sum = sum(absolute(e), row, keepdims=True)
            return keep_axes((max if ord > 0 else min)(inner_sum, axes), axes, keepdims)
        if ord in ("nuc", 2, -2):
            values = svdvals(permute(e, (*(a for a in range(e.ndim) if a not in axes), *axes)))
            result = sum(values, -1) if ord == "nuc" else (max if ord == 2 else min)(values, -1)
            return keep_axes(result, axes, keepdims)
    raise Unsupported(f"norm: the order {ord!r} over {len(axes)} axes has no derivative here")


def vector_norm(x: Any, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Expr:
    """The norm of the entries over axes as one vector."""
    e = as_expr(x)
    axes = axes_of(axis, e.ndim, "vector_norm")
    flat = permute(e, [*(a for a in range(e.ndim) if a not in axes), *axes])
    flat = reshape_node(flat, (*flat.shape[: e.ndim - len(axes)], dim_mul(*(e.shape[a] for a in axes))))
    return keep_axes(norm(flat, ord, -1), axes, keepdims)


def matrix_norm(x: Any, keepdims: bool = False, ord: Any = "fro") -> Expr:
    """The norm of the matrices in the last two axes."""
    return norm(x, ord, (-2, -1), keepdims)
