"""The public transformations, of expressions and of Python functions.

`grad(loss, w)` of an expression is an expression, the raw, shared DAG: printing simplifies it, `lower` makes a program of it.
`grad(f)` of a Python function of NumPy arrays is such a function again: f is traced, differentiated, lowered and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, overload

from symdiff import calculus
from symdiff.api.functions import (
    Transformed,
    expression_of,
    grad_function,
    hessian_function,
    jacobian_function,
    value_and_grad_function,
)
from symdiff.api.printed_blocks import Blocks
from symdiff.api.programs import lower
from symdiff.errors import BindingError, Unsupported
from symdiff.expr.convert import as_expr
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Var
from symdiff.rewrite import without_corners

Function = Callable[..., Any]
Argnums = int | Sequence[int]


def _one_or_many(wrt: Any, name: str) -> tuple[list[Expr], bool]:
    """The expressions of `wrt`, and whether it was a single one."""
    single = isinstance(wrt, Expr) or hasattr(wrt, "__expr__")
    if wrt is None:
        raise Unsupported(f"{name} of an expression wants to know in what: {name}(loss, w), or {name}(loss, [w, b])")
    if not single and not isinstance(wrt, (list, tuple)):
        raise Unsupported(f"{name}: what to differentiate in is an expression or a list of them, not {type(wrt).__name__}")
    return [as_expr(w) for w in ([wrt] if single else wrt)], single


def _lower(outputs: list[Expr], inputs: list[Var]) -> Callable[..., list[Any]]:
    """The program of some outputs, which are none where an argument is a tree without leaves."""
    return lower(outputs, inputs, quick=True) if outputs else lambda *values: []


def _argnums(wrt: Any, argnums: Argnums | None) -> Argnums:
    """Which arguments of a function are differentiated: by position, or by JAX's name for it; the first by default."""
    if wrt is not None and argnums is not None:
        raise BindingError(f"argnums is given twice: {wrt!r} by position, and argnums={argnums!r}")
    chosen: Argnums = argnums if argnums is not None else 0 if wrt is None else wrt
    return chosen


def _smooth(f: Callable[..., Any]) -> Callable[..., Any]:
    """A transformation of one expression in several, of the expression without the corners that cancel in it."""
    return lambda e, targets, *more: f(without_corners([e], set(targets))[0], targets, *more)


def _gradient(e: Expr, targets: Sequence[Expr]) -> list[Expr]:
    """The same of the gradient, which is asked for long programs: one walk over the expression serves both."""
    order = list(topological(e))
    smooth = without_corners([e], set(targets), order)[0]
    return calculus.gradient(smooth, targets, order if smooth is e else None)


_jacobian, _hessian = _smooth(calculus.jacobian), _smooth(calculus.hessian)
_vjp, _jvp, _hvp = _smooth(calculus.vjp), _smooth(calculus.jvp), _smooth(calculus.hvp)


def _is_function(e: Any) -> bool:
    return callable(e) and not isinstance(e, Expr) and not hasattr(e, "__expr__")


@overload
def grad(loss: Expr, wrt: Expr) -> Expr: ...
@overload
def grad(loss: Expr, wrt: Sequence[Expr]) -> list[Expr]: ...
@overload
def grad(loss: Function, wrt: Argnums = 0, has_aux: bool = False, *, argnums: Argnums | None = None) -> Transformed: ...
def grad(loss: Any, wrt: Any = None, has_aux: bool = False, *, argnums: Argnums | None = None) -> Any:
    """The gradient of a scalar: of an expression in an expression or a list of them; of a function in its arguments number `argnums`.

    Shapes: each gradient as what it is taken in. A function with `has_aux` returns (scalar, aux), its gradient (gradient, aux).
    Raises: ShapeError if the loss is not a scalar (use jacobian); MissingRule, with the operation, if one has no derivative.

    >>> import numpy as np, symdiff as sd
    >>> x = sd.var('x', shape='n')
    >>> print(sd.grad(sd.sum(x ** 2), x))
    2·x
    >>> sd.grad(lambda x: np.sum(x ** 2))(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    if _is_function(loss):
        return grad_function(loss, _argnums(wrt, argnums), has_aux, _gradient, _lower)
    targets, single = _one_or_many(wrt, "grad")
    result = _gradient(as_expr(loss), targets)
    return result[0] if single else result


@overload
def value_and_grad(loss: Expr, wrt: Expr) -> tuple[Expr, Expr]: ...
@overload
def value_and_grad(loss: Expr, wrt: Sequence[Expr]) -> tuple[Expr, list[Expr]]: ...
@overload
def value_and_grad(loss: Function, wrt: Argnums = 0, has_aux: bool = False, *, argnums: Argnums | None = None) -> Transformed: ...
def value_and_grad(loss: Any, wrt: Any = None, has_aux: bool = False, *, argnums: Argnums | None = None) -> Any:
    """The pair (value, gradient): two expressions to be lowered together, or the function that computes both at once.

    >>> import symdiff as sd
    >>> sd.value_and_grad(lambda x: x ** 3)(2.0)
    (np.float64(8.0), np.float64(12.0))
    """
    if _is_function(loss):
        return value_and_grad_function(loss, _argnums(wrt, argnums), has_aux, _gradient, _lower)
    return as_expr(loss), grad(loss, wrt)


def vjp(y: Any, wrt: Any, cotangent: Any) -> Any:
    """The transposed differential of `y` applied to a cotangent of its shape: the cotangent of each of `wrt`.

    Source: Griewank and Walther, Evaluating Derivatives, 2nd ed., 2008, section 3.2.
    """
    targets, single = _one_or_many(wrt, "vjp")
    result = _vjp(as_expr(y), targets, as_expr(cotangent))
    return result[0] if single else result


def jvp(y: Any, wrt: Any, tangent: Any) -> Expr:
    """The differential of `y` in the direction of the tangent (one for each of `wrt`, of its shape)."""
    targets, single = _one_or_many(wrt, "jvp")
    tangents = [as_expr(t) for t in ([tangent] if single else tangent)]
    result: Expr = _jvp(as_expr(y), targets, tangents)
    return result


def jacobian(y: Any, wrt: Any = None, has_aux: bool = False, *, argnums: Argnums | None = None) -> Any:
    """The derivative of every entry of `y` in every entry of `wrt`: shape (y's shape..., wrt's shape...). Of functions as `grad`.

    >>> import symdiff as sd
    >>> x = sd.var('x', shape='n')
    >>> sd.jacobian(sd.sin(x), x).shape
    ('n', 'n')
    """
    if _is_function(y):
        return jacobian_function(y, _argnums(wrt, argnums), has_aux, _jacobian, _lower)
    targets, single = _one_or_many(wrt, "jacobian")
    result = _jacobian(as_expr(y), targets)
    return result[0] if single else result


def hessian(loss: Any, wrt: Any = None, has_aux: bool = False, *, argnums: Argnums | None = None) -> Any:
    """The second derivatives of a scalar: shape (wrt's shape..., wrt's shape...); for a list of variables a list of rows of blocks, which
    prints as one matrix.

    >>> import symdiff as sd
    >>> x, A = sd.var('x', 'n'), sd.var('A', ('n', 'n'))
    >>> print(sd.hessian(x @ A @ x, x))
    A + Aᵀ
    """
    if _is_function(loss):
        return hessian_function(loss, _argnums(wrt, argnums), has_aux, _hessian, _lower)
    targets, single = _one_or_many(wrt, "hessian")
    (smooth,) = without_corners([as_expr(loss)], set(targets))
    blocks = calculus.hessian(smooth, targets)
    return blocks[0][0] if single else Blocks(blocks, smooth, targets)


def hvp(loss: Any, wrt: Any, vector: Any) -> Any:
    """The Hessian of a scalar times a vector (one for each of `wrt`, of its shape), without the Hessian.

    Source: Pearlmutter, Fast exact multiplication by the Hessian, 1994.
    """
    targets, single = _one_or_many(wrt, "hvp")
    vectors = [as_expr(v) for v in ([vector] if single else vector)]
    result = _hvp(as_expr(loss), targets, vectors)
    return result[0] if single else result


def gauss_newton(loss: Function, outputs: Any, wrt: Any) -> Any:
    """Jᵀ H J of `loss(outputs)`: J the Jacobian of the outputs in `wrt`, H the Hessian of the loss in them. Shapes as of `hessian`.

    loss: a function from the outputs (one expression or a list) to a scalar expression. For half a sum of squares the matrix is JᵀJ.
    Raises: Unsupported if the loss depends on `wrt` in another way than through the outputs.
    Source: Schraudolph, Fast curvature matrix-vector products for second-order gradient descent, Neural Computation 14 (2002), section 3.

    >>> import symdiff as sd
    >>> X, w, t = sd.var('X', ('n', 'd')), sd.var('w', 'd'), sd.var('t', 'n')
    >>> print(sd.gauss_newton(lambda y: sd.sum((y - t) ** 2) / 2, sd.tanh(X @ w), w))
    Qᵀ Q
      where  Q = diag(1 − tanh(X w)²) X
    """
    targets, single = _one_or_many(wrt, "gauss_newton")
    blocks = calculus.gauss_newton(*_of_outputs(loss, outputs, targets, "gauss_newton"), targets)
    return blocks[0][0] if single else blocks


def gnvp(loss: Function, outputs: Any, wrt: Any, vector: Any) -> Any:
    """That matrix times a vector (one for each of `wrt`, of its shape), without the matrix: for optimizers of large nets."""
    targets, single = _one_or_many(wrt, "gnvp")
    vectors = [as_expr(v) for v in ([vector] if single else vector)]
    result = calculus.gnvp(*_of_outputs(loss, outputs, targets, "gnvp"), targets, vectors)
    return result[0] if single else result


def _of_outputs(loss: Function, outputs: Any, targets: Sequence[Expr], name: str) -> tuple[Expr, list[Var], list[Expr]]:
    """A loss of outputs in variables that stand for them, the variables, and the outputs, without corners that cancel."""
    values, _ = _one_or_many(outputs, name)
    if not _is_function(loss):
        raise Unsupported(f"{name}: the loss is a function of the outputs, as in {name}(lambda y: sd.sum((y - t) ** 2) / 2, outputs, w)")
    places = [Var(f"output{k}", y.shape, (), -1) for k, y in enumerate(values)]
    return without_corners([as_expr(loss(*places))], set(places))[0], places, without_corners(values, set(targets))


def formula(f: Function, **shapes: Any) -> Any:
    """The closed form of an unmodified NumPy function: its result as an expression in arguments of the given shapes.

    A shape may have names for sizes; an expression may be given in its place. Raises: SymbolicValue where f asks for a value (a branch,
    len of a named size), with what to write instead.

    >>> import numpy as np, symdiff as sd
    >>> print(sd.formula(lambda x: np.sum(x[1:] * x[:-1]), x='n'))
    x[1:]ᵀ x[:-1]
    """
    return expression_of(f, {name: s if isinstance(s, Expr) else var(name, s) for name, s in shapes.items()})
