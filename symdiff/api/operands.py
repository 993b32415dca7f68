"""Operands of all kinds: their traced arrays, their values, their expressions, and what a result inherits from them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from symdiff.api.questions import Questions
from symdiff.api.recording import Trace
from symdiff.expr.convert import as_expr
from symdiff.expr.node import Expr


def is_traced(x: Any) -> bool:
    """Whether x is a traced array; isinstance sees the type of its value instead."""
    return issubclass(type(x), Questions)


def leaves(x: Any) -> Iterator[Any]:
    """The traced arrays in nested lists, tuples, dicts and object arrays."""
    if is_traced(x):
        yield x
    elif isinstance(x, (list, tuple)):
        for v in x:
            yield from leaves(v)
    elif isinstance(x, dict):
        for v in x.values():
            yield from leaves(v)
    elif isinstance(x, np.ndarray) and x.dtype == object:
        for v in x.flat:
            yield from leaves(v)


def holds_traced(x: Any) -> bool:
    """Whether there is a traced array in what may be nested."""
    return next(leaves(x), None) is not None


def flags(operands: Any) -> tuple[bool, bool]:
    """(active, varies) of a result of these operands."""
    found = list(leaves(operands))
    return any(t.active for t in found), any(t.varies for t in found)


def value_of(x: Any) -> Any:
    """The value of what may be or hold traced arrays, as NumPy wants it; None if one of them has none."""
    if is_traced(x):
        return x._value
    if isinstance(x, Expr) or hasattr(x, "__dim__"):
        return None
    if isinstance(x, np.ndarray) and x.dtype == object:
        values = value_of(x.tolist())
        return None if values is None else np.array(values)
    if isinstance(x, (list, tuple)) and holds_traced(x):
        values = [value_of(v) for v in x]
        return None if any(v is None for v in values) else values
    return x


def expressions(x: Any) -> Any:
    """Traced arrays as expressions, in nested lists and object arrays too; all else as it is."""
    if is_traced(x):
        return x.__expr__
    if isinstance(x, (list, tuple)) and holds_traced(x):
        return type(x)(*map(expressions, x)) if hasattr(x, "_fields") else type(x)(map(expressions, x))
    if isinstance(x, np.ndarray) and x.dtype == object:
        return as_expr(x)
    return getattr(x, "__expr__", x) if hasattr(x, "__dim__") else x


def plain_key(key: Any) -> Any:
    """An index as plain NumPy wants it, its value recorded as a guard."""
    return key.plain() if is_traced(key) else key


_PLAIN: tuple[type, ...] = (int, float, str, np.generic, type(None), slice)


def wrap(expr: Expr, value: Any, operands: Any) -> Any:
    """A traced array made of operands, in the innermost of their traces."""
    record: Trace | None = None
    kind: Any = None
    active = varies = False
    for x in operands:
        traced = is_traced(x)
        if not traced and isinstance(x, _PLAIN):
            continue
        for t in (x,) if traced else leaves(x):
            active, varies = active or t.active, varies or t.varies
            if record is None or t.record.token > record.token:
                record, kind = t.record, type(t)
    assert record is not None
    return kind(expr, value, record, active, varies)
