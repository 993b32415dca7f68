"""Formulas for people: simplification by either engine, substitution, the operation count, and the hook by which expressions print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, overload

from symdiff.api.with_sympy import shorter_by_sympy
from symdiff.errors import BindingError, UnknownName, did_you_mean
from symdiff.expr import traverse
from symdiff.expr.convert import as_expr
from symdiff.expr.node import Expr, register_display
from symdiff.printing.entries import readable_form
from symdiff.printing.formula import Formula
from symdiff.printing.formula import op_count as printed_operations
from symdiff.printing.kronecker import vec_notes
from symdiff.rewrite import simplify_all

ENGINES = ("rules", "sympy")
LARGEST_PRINTED = 3000  # nodes; a larger expression prints its size


@overload
def simplify(e: Expr, engine: str = "rules") -> Expr: ...
@overload
def simplify(e: Sequence[Expr], engine: str = "rules") -> list[Expr]: ...
def simplify(e: Expr | Sequence[Expr], engine: str = "rules") -> Expr | list[Expr]:
    """The expression in textbook form: equal wherever it is defined and finite, never with more operations. A list is simplified together.

    `engine='sympy'` also hands what is computed entry by entry to SymPy, and takes its form where that is shorter and gives the same
    values at random points. Raises: UnknownName for another engine.

    >>> import symdiff as sd
    >>> X, w, y = sd.var('X', ('n', 'd')), sd.var('w', 'd'), sd.var('y', 'n', assume='binary')
    >>> p = 1 / (1 + sd.exp(-(X @ w)))
    >>> print(sd.simplify(sd.grad(-sd.sum(y * sd.log(p) + (1 - y) * sd.log(1 - p)), w)))
    Xᵀ(σ(X w) − y)
    """
    if engine not in ENGINES:
        raise UnknownName(f"simplify: there is no engine {engine!r}{did_you_mean(engine, ENGINES)}. Engines: {', '.join(ENGINES)}")
    several = isinstance(e, (list, tuple))
    found = simplify_all([as_expr(x) for x in (e if several else [e])])
    if engine == "sympy":
        found = [shorter_by_sympy(x) for x in found]
    return found if several else found[0]


def substitute(e: Any, values: Mapping[Any, Any]) -> Expr:
    """`e` with nodes replaced, all at once: what is put in is not searched again. Any node may be replaced, not only a variable.

    Shapes: each new expression, number or array as the node that it replaces. Raises: ShapeError otherwise; BindingError for what is
    to be replaced and is no expression.

    >>> import symdiff as sd
    >>> x, lam = sd.var('x', shape='n'), sd.var('lam')
    >>> print(sd.substitute(lam * sd.sum(x ** 2), {lam: 3}))
    3·‖x‖²
    """
    for old in values:
        if not isinstance(old, Expr) and not hasattr(old, "__expr__"):
            raise BindingError(
                f"substitute: {old!r} is no expression: what is replaced is a variable, made by sd.var, or a part of the formula"
            )
    return traverse.substitute(as_expr(e), {as_expr(old): as_expr(new) for old, new in values.items()})


def op_count(e: Expr) -> int:
    """Operations of the formula as `--style python` prints it with its where-list, each named part counted once.

    Every binary operator, comparison, unary minus (not of a number), call (not eye, ones, zeros) and transpose counts one.

    >>> import symdiff as sd
    >>> X, w, y = sd.var('X', ('n', 'd')), sd.var('w', 'd'), sd.var('y', 'n')
    >>> sd.op_count(2 * X.T @ (X @ w - y))
    5
    """
    return printed_operations(as_expr(e))


def formula(e: Expr, style: str = "unicode") -> Formula:
    """The simplified expression as a formula of a style, with the parts it names."""
    return readable_form(simplify(e), style)


def display(style: str, e: Expr) -> str:
    """What `print(e)` and `e.latex()` show: the simplified formula; of a very large expression only its size.

    Second derivatives in a matrix (four axes) are also printed as a Kronecker product, where they are one.
    """
    count = traverse.node_count(e)
    if count > LARGEST_PRINTED:
        return f"<expression of {count:,} nodes, shape ({', '.join(map(str, e.shape))})>"
    shown = formula(e, style)
    if style == "latex":
        words = (r"\text{where}", *[r"\text{and}"] * len(shown.where))
        return shown.text + "".join(rf" \quad {word}\ {name} = {text}" for word, (name, text) in zip(words, shown.where, strict=False))
    beneath = vec_notes(simplify(e), 2) if e.ndim == 4 else []
    return "\n".join([str(shown), *(f"  {note}" for note in beneath)])


register_display(display)
