"""The derivatives of one loss as a person asks for them: gradients, Hessian blocks or Jacobians, simplified together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from symdiff.calculus import gradient, hessian, jacobian
from symdiff.errors import ShapeError, UnknownName, did_you_mean
from symdiff.expr.dims import show_shape
from symdiff.expr.node import Expr
from symdiff.rewrite import simplify_all, without_corners

Kind = Literal["gradient", "hessian", "jacobian"]
KINDS: tuple[Kind, ...] = ("gradient", "hessian", "jacobian")


class Derivative(NamedTuple):
    """The derivative of a loss in `wrt`: one variable, or the two of a Hessian's block."""

    wrt: tuple[Expr, ...]
    value: Expr


def raw_derivatives(loss: Expr, wrt: Sequence[Expr], kind: Kind = "gradient") -> list[Derivative]:
    """The derivatives of a loss as `grad` and its like make them; of a Hessian the blocks on and above the diagonal.

    Shapes: a gradient as its variable, a block (first..., second...), a Jacobian (loss..., variable...).
    Raises: ShapeError if the loss of a gradient or a Hessian is not a scalar; MissingRule for an operation without derivative.
    """
    if kind not in KINDS:
        raise UnknownName(f"there is no derivative {kind!r}{did_you_mean(kind, KINDS)}. Kinds: {', '.join(KINDS)}")
    if kind != "jacobian" and loss.shape != ():
        raise ShapeError(
            f"the {kind} of a scalar is asked for, the loss has shape {show_shape(loss.shape)}: sum it, or ask for the jacobian"
        )
    (loss,) = without_corners([loss], set(wrt))
    if kind == "hessian":
        blocks = hessian(loss, wrt)
        return [Derivative((wrt[i], wrt[j]), blocks[i][j]) for i in range(len(wrt)) for j in range(i, len(wrt))]
    found = (gradient if kind == "gradient" else jacobian)(loss, wrt)
    return [Derivative((w,), e) for w, e in zip(wrt, found, strict=True)]


def derivatives(loss: Expr, wrt: Sequence[Expr], kind: Kind = "gradient") -> list[Derivative]:
    """The same, simplified together.

    >>> from symdiff.expr.leaves import var
    >>> x, A = var('x', 'n'), var('A', ('n', 'n'))
    >>> [d.value.shape for d in derivatives(x @ A @ x, [x], 'hessian')]
    [('n', 'n')]
    """
    raw = raw_derivatives(loss, wrt, kind)
    return [Derivative(d.wrt, e) for d, e in zip(raw, simplify_all([d.value for d in raw]), strict=True)]
