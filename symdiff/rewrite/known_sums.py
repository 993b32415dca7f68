"""Sums over an axis that need no summing, by what is assumed of a factor or known of two."""

from __future__ import annotations

from symdiff.expr.node import Expr
from symdiff.expr.nodes import Add, Delta, Linalg, Map, Ones
from symdiff.rewrite.chains import cancel_in_chain
from symdiff.rewrite.softmax import is_log_softmax
from symdiff.rewrite.terms import Term, base_and_exponent, is_symmetric
from symdiff.rules.assumptions import holds


def known_sums(term: Term) -> tuple[Term, str] | None:
    """A sum over an axis that is carried out by an assumption or an identity: one-hot rows, softmax, orthogonal columns, inverses."""
    carriers: dict[int, list[int]] = {}
    for k, (_, ls) in enumerate(term.factors):
        for label in set(ls):
            carriers.setdefault(label, []).append(k)
    for label, places in carriers.items():
        if label in term.out:
            continue
        if len(places) == 1:
            k = places[0]
            f, ls = term.factors[k]
            if ls.count(label) == 1 and ls[-1] == label and sums_to_one(f):
                ones = tuple((Ones(d), (other,)) for other, d in zip(ls[:-1], f.shape[:-1], strict=True))
                return Term(term.coefficient, (*term.without(k), *ones), term.out), "entries that sum to 1"
            base, exponent = base_and_exponent(f)
            if exponent == 2 and len(ls) == 1 and holds(base, "unit_norm"):
                return Term(term.coefficient, term.without(k), term.out), "a vector of norm 1"
        elif len(places) == 2:
            i, j = places
            (f, ls), (g, other) = term.factors[i], term.factors[j]
            if len(ls) != 2 or len(other) != 2 or ls.count(label) != 1 or other.count(label) != 1:
                continue
            shortened = cancel_in_chain(term, i, j, label) or cancel_in_chain(term, j, i, label)
            if shortened is not None:
                return shortened
            cancelled = _cancels(f, ls.index(label), g, other.index(label))
            if cancelled:
                ends = (ls[1 - ls.index(label)], other[1 - other.index(label)])
                rest = tuple(f for k, f in enumerate(term.factors) if k not in (i, j))
                return Term(term.coefficient, (*rest, (Delta(f.shape[1 - ls.index(label)]), ends)), term.out), cancelled
    return None


def sums_to_one(e: Expr) -> bool:
    """Whether the entries along the last axis sum to 1: by assumption, or because it is a softmax."""
    if holds(e, "sums_to_one"):
        return True
    if isinstance(e, Map) and e.fn == "exp" and isinstance(e.args[0], Add):
        return is_log_softmax(e.args[0])
    return False


def _cancels(f: Expr, axis: int, g: Expr, other: int) -> str:
    """The name of the identity by which the product of two matrices over a shared axis is the identity; '' if none."""
    for a, b, i, j in ((f, g, axis, other), (g, f, other, axis)):
        if isinstance(a, Linalg) and a.fn == "inv" and len(a.shape) == 2 and a.args[0] is b and (i != j or is_symmetric(b)):
            return "a matrix times its inverse"
    if f is g and axis == other == 0 and holds(f, "orthogonal"):
        return "orthonormal columns"
    return ""
