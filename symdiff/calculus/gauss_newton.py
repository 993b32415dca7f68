"""The matrix of Gauss and Newton, Jᵀ H J: the Hessian of a loss of outputs without the second derivatives of the outputs.

J is the Jacobian of the outputs, H the Hessian of the loss in them. Where the loss is convex in the outputs the matrix is never negative.
Source: Schraudolph, Fast curvature matrix-vector products for second-order gradient descent, Neural Computation 14 (2002), section 3.
"""

from __future__ import annotations

from collections.abc import Sequence

from symdiff.calculus.forward import pushforward
from symdiff.calculus.modes import directions, hessian, hvp, jacobian
from symdiff.calculus.reverse import pullback
from symdiff.errors import Unsupported
from symdiff.expr.algebra import add, contract
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Labels, Var
from symdiff.expr.traverse import substitute


def gauss_newton(loss: Expr, places: Sequence[Var], outputs: Sequence[Expr], wrt: Sequence[Expr]) -> list[list[Expr]]:
    """Jᵀ H J of a scalar in variables that stand for outputs: block [i][j] has shape (wrt[i]'s shape..., wrt[j]'s shape...).

    Raises: Unsupported if the loss depends on one of `wrt` by itself too, which is then an output to be named.

    >>> from symdiff.expr.leaves import var
    >>> X, w, z = var('X', (5, 3)), var('w', 3), var('z', 5)
    >>> gauss_newton((z * z).sum(), [z], [X @ w], [w])[0][0].shape
    (3, 3)
    """
    _only_through(loss, wrt)
    values: dict[Expr, Expr] = dict(zip(places, outputs, strict=True))
    jacobians = [jacobian(y, wrt) for y in outputs]
    inner = [[substitute(h, values) for h in row] for row in hessian(loss, places)]

    def block(i: int, j: int) -> Expr:
        at_i, at_j = _labels(20, wrt[i]), _labels(30, wrt[j])
        terms = []
        for y, row, left_jacobian in zip(outputs, inner, jacobians, strict=True):
            for z, h, right_jacobian in zip(outputs, row, jacobians, strict=True):
                left, right = _labels(0, y), _labels(10, z)
                factors = [(left_jacobian[i], left + at_i), (h, left + right), (right_jacobian[j], right + at_j)]
                terms.append(contract(factors, at_i + at_j))
        return add(*terms)

    return [[block(i, j) for j in range(len(wrt))] for i in range(len(wrt))]


def gnvp(loss: Expr, places: Sequence[Var], outputs: Sequence[Expr], wrt: Sequence[Expr], vectors: Sequence[Expr]) -> list[Expr]:
    """Jᵀ (H (J v)), without any of the three matrices; arguments as for gauss_newton."""
    _only_through(loss, wrt)
    values: dict[Expr, Expr] = dict(zip(places, outputs, strict=True))
    moved = pushforward(outputs, directions(wrt, vectors, "gnvp"))
    cotangents: dict[Expr, Expr] = {}
    for y, h in zip(outputs, hvp(loss, places, moved), strict=True):
        bent = substitute(h, values)
        cotangents[y] = add(cotangents[y], bent) if y in cotangents else bent
    return pullback(cotangents, wrt)


def _only_through(loss: Expr, wrt: Sequence[Expr]) -> None:
    inside = set(topological(loss))
    for w in wrt:
        if w in inside:
            raise Unsupported(f"gauss_newton: the loss depends on {w} by itself, not only through the outputs: give {w} as an output too")


def _labels(start: int, e: Expr) -> Labels:
    return tuple(range(start, start + e.ndim))
