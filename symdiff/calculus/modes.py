"""gradient, vjp, jvp, jacobian, hessian, hvp: short compositions of the pushforward and the pullback."""

from __future__ import annotations

from collections.abc import Sequence

from symdiff.calculus.forward import pushforward
from symdiff.calculus.reverse import pullback
from symdiff.errors import ShapeError
from symdiff.expr.algebra import add, contract
from symdiff.expr.dims import Shape, show_shape
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Const, Delta, Labels


def gradient(loss: Expr, wrt: Sequence[Expr], order: Sequence[Expr] | None = None) -> list[Expr]:
    """The gradients of a scalar: one expression for each of `wrt`, of its shape. `order` as in `pullback`.

    Raises: ShapeError if the loss is not a scalar; MissingRule if it has an operation without derivative.

    >>> from symdiff.expr.leaves import var
    >>> x = var('x', 3)
    >>> gradient((x * x).sum(), [x])[0].shape
    (3,)
    """
    _only_of_scalars(loss, "grad")
    return pullback({loss: Const(1)}, wrt, order=order)


def _only_of_scalars(loss: Expr, name: str) -> None:
    if loss.shape != ():
        raise ShapeError(f"{name}: a scalar is wanted, not shape {show_shape(loss.shape)}: use jacobian, or sum the loss first")


def vjp(y: Expr, wrt: Sequence[Expr], cotangent: Expr) -> list[Expr]:
    """The transpose of the differential of `y`, applied to a cotangent of its shape."""
    return pullback({y: cotangent}, wrt)


def jvp(y: Expr, wrt: Sequence[Expr], tangents: Sequence[Expr]) -> Expr:
    """The differential of `y` in the direction of the tangents."""
    return pushforward([y], directions(wrt, tangents, "jvp"))[0]


def directions(wrt: Sequence[Expr], vectors: Sequence[Expr], name: str) -> dict[Expr, Expr]:
    """The direction of each variable; of one that is named twice, both added, as its Jacobian stands twice then.

    Raises: ShapeError if there is not one vector for each of `wrt`.
    """
    if len(wrt) != len(vectors):
        raise ShapeError(f"{name}: {len(wrt)} variables and {len(vectors)} vectors; one for each variable is wanted")
    found: dict[Expr, Expr] = {}
    for w, v in zip(wrt, vectors, strict=True):
        found[w] = add(found[w], v) if w in found else v
    return found


def identity(shape: Shape) -> Expr:
    """The identity on arrays of a shape: shape (shape..., shape...), a product of Deltas."""
    rank = len(shape)
    factors: list[tuple[Expr, Labels]] = [(Delta(d), (a, rank + a)) for a, d in enumerate(shape)]
    return contract(factors, tuple(range(2 * rank))) if factors else Const(1)


def jacobian(y: Expr, wrt: Sequence[Expr]) -> list[Expr]:
    """The derivative of each entry of `y` in each entry of `wrt`: shape (y's shape..., wrt's shape...)."""
    return pullback({y: identity(y.shape)}, wrt, batch=len(y.shape))


def hessian(loss: Expr, wrt: Sequence[Expr]) -> list[list[Expr]]:
    """The second derivatives of a scalar: block [i][j] has shape (wrt[i]'s shape..., wrt[j]'s shape...)."""
    _only_of_scalars(loss, "hessian")
    return [jacobian(g, wrt) for g in gradient(loss, wrt)]


def hvp(loss: Expr, wrt: Sequence[Expr], vectors: Sequence[Expr]) -> list[Expr]:
    """The Hessian times vectors, without the Hessian: the differential of the gradient in their direction."""
    _only_of_scalars(loss, "hvp")
    return pushforward(gradient(loss, wrt), directions(wrt, vectors, "hvp"))
