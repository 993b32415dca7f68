"""Activations written out where their derivative computes the part that takes long: gelu(x) = x Φ(x) beside Φ(x) takes no erfc of its own.

Without such a part they stay what they are: one call with a name that says what it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Sequence
from fractions import Fraction

from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Map
from symdiff.expr.ops import erfc, sigmoid, tanh
from symdiff.expr.rebuild import with_operands
from symdiff.expr.traverse import transform

HALF = Fraction(1, 2)
Opened = list[tuple[Expr, Expr]]  # the part that takes long, in each form that it may have, and the whole


def _silu(u: Expr) -> Opened:
    part = sigmoid(u)
    return [(part, u * part)]


def _gelu(u: Expr) -> Opened:
    part = erfc(u * (-1 / math.sqrt(2)))
    return [(part, u * (HALF * part))]


def _gelu_tanh(u: Expr) -> Opened:
    parts = [tanh(math.sqrt(2 / math.pi) * (u + 0.044715 * cube)) for cube in (u * u * u, u**3)]
    return [(part, HALF * u * (1 + part)) for part in parts]


# The parts are those of the derivatives in rules/elementwise.py, as they are and simplified.
DEFINITIONS: dict[str, Callable[[Expr], Opened]] = {"silu": _silu, "gelu": _gelu, "gelu_tanh": _gelu_tanh}


def by_shared_parts(roots: Sequence[Expr]) -> list[Expr]:
    """The expressions, with each activation written out whose part is in them already.

    >>> from symdiff.expr.leaves import var
    >>> from symdiff.expr.ops import sigmoid, silu
    >>> x = var('x')
    >>> [str(e) for e in by_shared_parts([silu(x), sigmoid(x)])], [str(e) for e in by_shared_parts([silu(x)])]
    (['x σ(x)', 'σ(x)'], ['silu(x)'])
    """
    nodes = dict.fromkeys(topological(*roots))
    form = {e: k for e in nodes if isinstance(e, Map) and e.fn in DEFINITIONS if (k := _form(e, nodes)) is not None}
    if not form:
        return list(roots)

    def change(e: Expr, operands: tuple[Expr, ...]) -> Expr:
        if isinstance(e, Map) and e in form:
            return DEFINITIONS[e.fn](*operands)[form[e]][1]
        return with_operands(e, operands)

    return transform(roots, change)


def _form(e: Map, nodes: Container[Expr]) -> int | None:
    """Which form of its part is among the nodes."""
    return next((k for k, (part, _) in enumerate(DEFINITIONS[e.fn](*e.args)) if part in nodes), None)
