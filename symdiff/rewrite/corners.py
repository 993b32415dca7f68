"""Sums of functions with corners that have none themselves, written without them before they are differentiated.

relu(u) + log(1 + exp(-|u|)) is softplus(u), as people write it so that nothing overflows. The derivatives of relu and of the absolute value
at 0 are conventions; those of their sum would be a wrong number there.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

from symdiff.expr import ops
from symdiff.expr.algebra import add
from symdiff.expr.leaves import constant_value
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Add, Map
from symdiff.expr.rebuild import with_operands
from symdiff.expr.traverse import transform
from symdiff.rewrite.match import negated

MOST_TERMS = 8
SMOOTHED_BY = "softplus from its larger side"  # its name in the book of identities
_OF_TAILS = ("log", "log1p", "softplus")


def without_corners(roots: Sequence[Expr], kept: Container[Expr] = (), order: Sequence[Expr] | None = None) -> list[Expr]:
    """The expressions with such sums rewritten; the nodes `kept`, which derivatives are taken in, stay what and where they are.

    `order` are the nodes below the roots, for callers who have walked them already.
    """
    if not any(type(e) is Map and e.fn in _OF_TAILS and _tail(e) is not None for e in order or topological(*roots)):
        return list(roots)
    return transform(roots, lambda e, operands: e if e in kept else _smooth(with_operands(e, operands), kept))


def _tail(e: Expr) -> Expr | None:
    """u of log(1 + exp(-|u|))."""
    if not isinstance(e, Map) or e.fn not in _OF_TAILS:
        return None
    inner: Expr | None = e.args[0]
    if e.fn == "log":
        terms = inner.terms if isinstance(inner, Add) else ()
        ones = [constant_value(t) == 1 for t in terms]
        inner = terms[ones.index(False)] if sorted(ones) == [False, True] else None
    if e.fn != "softplus":
        inner = inner.args[0] if isinstance(inner, Map) and inner.fn == "exp" else None
    size = None if inner is None else negated(inner)
    return size.args[0] if isinstance(size, Map) and size.fn == "abs" else None


def _positive_part(e: Expr) -> Expr | None:
    """u of maximum(u, 0)."""
    if isinstance(e, Map) and e.fn == "relu":
        return e.args[0]
    if isinstance(e, Map) and e.fn == "maximum" and any(constant_value(a) == 0 for a in e.args):
        return next((a for a in e.args if constant_value(a) != 0), None)
    return None


def _smooth(e: Expr, kept: Container[Expr]) -> Expr:
    if not isinstance(e, Add):
        return e
    terms: list[Expr] = [e]
    while len(terms) <= MOST_TERMS and any(isinstance(t, Add) and t not in kept for t in terms):
        terms = [inner for t in terms for inner in (t.terms if isinstance(t, Add) and t not in kept else (t,))]
    tails = {u: k for k, t in enumerate(terms) if (u := _tail(t)) is not None}
    for k, t in enumerate(terms):
        u = _positive_part(t)
        if u is not None and u in tails and not any(gone in kept for gone in _above(u, [t, terms[tails[u]]])):
            rest = [s for j, s in enumerate(terms) if j not in (k, tails[u])]
            return _smooth(add(ops.softplus(u), *rest), kept)
    return e


def _above(u: Expr, parts: Sequence[Expr]) -> list[Expr]:
    """The nodes of functions of u, without those of u itself."""
    return [e for e in topological(*parts, until=lambda e: e is u) if e is not u]
