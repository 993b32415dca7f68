"""The bounded repr of an expression: what a debugger or a failing assertion shows, a dozen nodes and some 200 characters at most.

Contractions read as einsum, functions as calls. The formula itself, in full, is the printers' business.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symdiff.expr.dims import show_shape
from symdiff.expr.node import Expr
from symdiff.expr.nodes import (
    LETTERS,
    Add,
    Arg,
    Concat,
    Const,
    Contract,
    Delta,
    Gather,
    GatherT,
    Iota,
    Labels,
    Linalg,
    Map,
    Ones,
    Place,
    Range,
    Reduce,
    Reshape,
    Scan,
    Scatter,
    Size,
    Slice,
    Var,
)  # fmt: skip

NAME_WIDTH = 32
DEPTH = 6


def bounded_repr(expr: Expr, nodes: int = 12, width: int = 200) -> str:
    """The top of the expression as text; what is left out stands as '...'.

    >>> from symdiff.expr.leaves import var
    >>> X, w = var('X', ('n', 'd')), var('w', ('d',))
    >>> X @ w
    Contract('ij,j->i', X, w)
    """
    budget = nodes

    def show(e: Expr, depth: int) -> str:
        nonlocal budget
        budget -= 1
        if not e.operands:
            return leaf(e)
        parts = []
        for operand in e.operands:
            if budget <= 0 or depth == DEPTH:
                parts.append("...")
                break
            parts.append(show(operand, depth + 1))
        head, before, after = call(e)
        return f"{head}({', '.join([*before, *parts, *after])})"

    text = f"Var({expr.name!r}, {show_shape(expr.dims)})" if isinstance(expr, Var) else show(expr, 0)
    return _cut(text, width)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def leaf(e: Expr) -> str:
    """A node without operands."""
    match e:
        case Var():
            return _cut(e.name, NAME_WIDTH)
        case Const(value=np.ndarray() as array):
            return _cut(f"Const({array.tolist()})", NAME_WIDTH) if array.size <= 4 else f"Const({array.dtype} {show_shape(array.shape)})"
        case Const():
            return _cut(f"Const({e.value})", NAME_WIDTH)
        case Size() | Iota() | Delta() | Ones():
            return f"{type(e).__name__}({e.dim!r})"
        case _:
            return type(e).__name__


def call(e: Expr) -> tuple[str, Sequence[str], Sequence[str]]:
    """The name that a node is shown under, and its fields before and after the operands."""
    match e:
        case Contract():
            return "Contract", [repr(_cut(f"{','.join(map(subscript, e.labels))}->{subscript(e.out)}", 2 * NAME_WIDTH))], []
        case Map() | Linalg():
            return e.fn, [], []
        case Add():
            return "Add", [], []
        case Reduce():
            return e.kind, [], [f"axes={show_shape(e.axes)}"]
        case Scan():
            return e.kind, [], [f"axis={e.axis}", *(["reverse"] if e.reverse else [])]
        case Arg():
            return e.kind, [], [f"axis={e.axis}"]
        case Reshape():
            return "Reshape", [], [show_shape(e.to)]
        case Slice():
            return "Slice", [], [key_text(e.key)]
        case Scatter():
            return "Scatter", [], [f"into={show_shape(e.into)}"]
        case Concat() | Gather():
            return type(e).__name__, [], [f"axis={e.axis}"]
        case GatherT():
            return "GatherT", [], [f"axis={e.axis}", f"into={show_shape(e.into)}"]
        case _:
            return type(e).__name__, [], []


def subscript(labels: Labels) -> str:
    """Labels as einsum writes them; beyond the alphabet their numbers in brackets."""
    return "".join(LETTERS[label] if label < len(LETTERS) else f"[{label}]" for label in labels)


def key_text(key: tuple[Place, ...]) -> str:
    """The key as the ranges and positions it holds, in brackets."""
    return f"[{', '.join(f'{p.start}:+{p.length}:{p.step}' if isinstance(p, Range) else str(p) for p in key)}]"
