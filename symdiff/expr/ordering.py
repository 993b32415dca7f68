"""Order: positions found in the data (argsort, argmax), and what is gathered by them (sort, median, quantiles)."""

from __future__ import annotations

from typing import Any

from symdiff.expr.arrays import ravel
from symdiff.expr.convert import as_expr
from symdiff.expr.indexing import take_along_axis
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Arg
from symdiff.expr.structure import axis_of, gather


def _arg(kind: str, x: Any, axis: int | None) -> Expr:
    e = as_expr(x)
    if axis is None:
        e, axis = ravel(e), 0
    return Arg(e, kind, axis_of(axis, e.ndim, kind))


def argsort(x: Any, axis: int | None = -1) -> Expr:
    """The order that sorts x along the axis."""
    return _arg("argsort", x, axis)


def argmax(x: Any, axis: int | None = None) -> Expr:
    """The position of the first maximum."""
    return _arg("argmax", x, axis)


def argmin(x: Any, axis: int | None = None) -> Expr:
    """The position of the first minimum."""
    return _arg("argmin", x, axis)


def sort(x: Any, axis: int | None = -1) -> Expr:
    """x in ascending order along the axis: a gather by its argsort."""
    e = as_expr(x)
    if axis is None:
        e, axis = ravel(e), 0
    a = axis_of(axis, e.ndim, "sort")
    order = Arg(e, "argsort", a)
    return gather(e, [order], 0) if e.ndim == 1 else take_along_axis(e, order, a)
