"""What becomes an expression when a user hands it over: numbers, arrays, nested lists that hold expressions."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from symdiff.errors import DtypeError
from symdiff.expr.leaves import const, number
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Const
from symdiff.expr.structure import stack_nodes

_PLAIN = {int, float, bool}


def as_expr(value: Any) -> Expr:
    """An expression as it is; a number or array as a constant; an object with `__expr__` by that."""
    if isinstance(value, Expr):
        return value
    if type(value) in _PLAIN:
        return Const.make(value)
    inner = getattr(value, "__expr__", None)  # first, because a traced scalar passes for the float that its value is
    if inner is not None:
        return inner() if callable(inner) else inner  # type: ignore[no-any-return]
    if isinstance(value, (int, float, Fraction, np.generic)):
        return const(value)
    if isinstance(value, (list, tuple, np.ndarray)):
        if isinstance(value, np.ndarray) and value.dtype != object:
            return const(value)
        if _holds_expr(value):
            return _stacked(value)
    if isinstance(value, str) and value.isidentifier():
        raise DtypeError(
            f"{value!r} is no number and no expression: sd.var makes a variable, sd.parse reads a formula, "
            f"and the size of an axis, as a number, is sd.sum(sd.ones({value!r}))"
        )
    return const(value)


def _holds_expr(value: Any) -> bool:
    if isinstance(value, Expr) or hasattr(value, "__expr__"):
        return True
    if isinstance(value, (list, tuple)):
        return any(_holds_expr(v) for v in value)
    if isinstance(value, np.ndarray):
        return value.dtype == object and all(isinstance(v, Expr) or hasattr(v, "__expr__") or number(v) is not None for v in value.flat)
    return False


def _stacked(value: Any) -> Expr:
    """An array written as nested lists (or an object array) of expressions and numbers."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return as_expr(value[()])
    return stack_nodes([as_expr(v) for v in value], axis=0)
