"""The public transformations, of expressions and of Python functions.

`grad(loss, w)` of an expression is an expression; `grad(f)` of a Python function of NumPy arrays is such a function again. All return
the raw, shared DAG: printing simplifies it, `lower` makes a program of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

from symdiff import calculus
from symdiff.errors import ShapeError, Unsupported
from symdiff.expr.convert import as_expr
from symdiff.expr.node import Expr

Wrt = Expr | Sequence[Expr]


def _one_or_many(wrt: Any, name: str) -> tuple[list[Expr], bool]:
    """The expressions of `wrt`, and whether it was a single one."""
    single = isinstance(wrt, Expr) or hasattr(wrt, "__expr__")
    if wrt is None:
        raise Unsupported(f"{name} of an expression wants to know in what: {name}(loss, w), or {name}(loss, [w, b])")
    if not single and not isinstance(wrt, (list, tuple)):
        raise Unsupported(f"{name}: what to differentiate in is an expression or a list of them, not {type(wrt).__name__}")
    return [as_expr(w) for w in ([wrt] if single else wrt)], single


@overload
def grad(loss: Expr, wrt: Expr) -> Expr: ...
@overload
def grad(loss: Expr, wrt: Sequence[Expr]) -> list[Expr]: ...
def grad(loss: Any, wrt: Any = None) -> Any:
    """The gradient of a scalar loss.

    Shapes: each gradient as what it is taken in. Raises: ShapeError if the loss is not a scalar (use jacobian); MissingRule, with the
    operation, if one has no derivative.

    >>> import symdiff as sd
    >>> x = sd.var('x', shape='n')
    >>> sd.grad(sd.sum(x ** 2), x).shape
    ('n',)
    """
    targets, single = _one_or_many(wrt, "grad")
    result = calculus.gradient(as_expr(loss), targets)
    return result[0] if single else result


def value_and_grad(loss: Any, wrt: Any = None) -> Any:
    """The pair (loss, gradient), to be lowered together."""
    return as_expr(loss), grad(loss, wrt)


def vjp(y: Any, wrt: Any, cotangent: Any) -> Any:
    """The transposed differential of `y` applied to a cotangent of its shape: the cotangent of each of `wrt`.

    Source: Griewank and Walther, Evaluating Derivatives, 2nd ed., 2008, section 3.2.
    """
    targets, single = _one_or_many(wrt, "vjp")
    result = calculus.vjp(as_expr(y), targets, as_expr(cotangent))
    return result[0] if single else result


def jvp(y: Any, wrt: Any, tangent: Any) -> Expr:
    """The differential of `y` in the direction of the tangent (one for each of `wrt`, of its shape)."""
    targets, single = _one_or_many(wrt, "jvp")
    tangents = [as_expr(t) for t in ([tangent] if single else tangent)]
    if len(tangents) != len(targets):
        raise ShapeError(f"jvp: {len(targets)} variables and {len(tangents)} tangents")
    return calculus.jvp(as_expr(y), targets, tangents)


def jacobian(y: Any, wrt: Any = None) -> Any:
    """The derivative of every entry of `y` in every entry of `wrt`: shape (y's shape..., wrt's shape...).

    >>> import symdiff as sd
    >>> x = sd.var('x', shape='n')
    >>> sd.jacobian(sd.sin(x), x).shape
    ('n', 'n')
    """
    targets, single = _one_or_many(wrt, "jacobian")
    result = calculus.jacobian(as_expr(y), targets)
    return result[0] if single else result


def hessian(loss: Any, wrt: Any = None) -> Any:
    """The second derivatives of a scalar: shape (wrt's shape..., wrt's shape...); for a list of variables a list of rows of blocks."""
    targets, single = _one_or_many(wrt, "hessian")
    blocks = calculus.hessian(as_expr(loss), targets)
    return blocks[0][0] if single else blocks


def hvp(loss: Any, wrt: Any, vector: Any) -> Any:
    """The Hessian of a scalar times a vector (one for each of `wrt`, of its shape), without the Hessian.

    Source: Pearlmutter, Fast exact multiplication by the Hessian, 1994.
    """
    targets, single = _one_or_many(wrt, "hvp")
    vectors = [as_expr(v) for v in ([vector] if single else vector)]
    result = calculus.hvp(as_expr(loss), targets, vectors)
    return result[0] if single else result
