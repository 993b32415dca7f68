"""How a node is read: the patterns that have a name of their own, and which operands a reader sees.

A reciprocal is read as its denominator, sqrt of a sum of squares as a norm, exp(Z - logsumexp(Z)) as softmax(Z). A view changes no
value; it only says of which parts the printed form is made, so that shared parts are counted as a reader meets them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from symdiff.expr import ops
from symdiff.expr.build import power
from symdiff.expr.leaves import constant_value
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Add, Const, Contract, Delta, Labels, Map, Number, Ones, Reduce


class View(NamedTuple):
    """`kind` is a row of the table of notations; `operands` are what the printed form is made of."""

    kind: str
    operands: tuple[Expr, ...]
    data: Any = None


def exponent_of(e: Expr) -> Number | None:
    """The constant exponent of a power, None for all else."""
    if isinstance(e, Map) and e.fn == "pow":
        value = constant_value(e.args[1])
        return None if isinstance(value, bool) else value
    return None


def scalar_constant(e: Expr) -> bool:
    return isinstance(e, Const) and not isinstance(e.value, np.ndarray)


def sum_of_squares(e: Expr) -> Expr | None:
    """v, if `e` is the sum of all v**2 for a vector or matrix v."""
    if not isinstance(e, Contract) or e.out or any(len(set(ls)) != len(ls) for ls in e.labels):
        return None
    first = e.factors[0]
    if len(e.factors) == 2 and first is e.factors[1] and e.labels[0] == e.labels[1]:
        found = first
    elif len(e.factors) == 1 and exponent_of(first) == 2:
        found = first.operands[0]
    else:
        return None
    return found if len(found.shape) in (1, 2) else None


def log_softmax_of(e: Expr) -> tuple[Expr, int] | None:
    """(Z, axis), if `e` is Z - logsumexp(Z) along the axis."""
    if not isinstance(e, Add) or len(e.terms) != 2:
        return None
    z, c = e.terms
    if not isinstance(c, Contract):
        return None
    heavy = [(f, ls) for f, ls in zip(c.factors, c.labels, strict=True) if not isinstance(f, Ones) and not scalar_constant(f)]
    signs = [f.value for f in c.factors if isinstance(f, Const) and f.shape == ()]
    if len(heavy) != 1 or signs != [-1]:
        return None
    lse, labels = heavy[0]
    if not isinstance(lse, Reduce) or lse.kind != "logsumexp" or lse.x is not z or len(lse.axes) != 1:
        return None
    (axis,) = lse.axes
    return (z, axis) if labels == c.out[:axis] + c.out[axis + 1 :] else None


def softmax_pair(e: Expr, labels: Labels, divisor: Expr, divisor_labels: Labels) -> tuple[Expr, int] | None:
    """(Z, axis), if factor `e` is exp(Z) and `divisor` the reciprocal of its sum along the axis."""
    if not isinstance(e, Map) or e.fn != "exp" or exponent_of(divisor) != -1:
        return None
    found = only_factor(divisor.operands[0])
    if found is None or found[0] is not e:
        return None
    _, own, out = found
    summed = [a for a, label in enumerate(own) if label not in out]
    if len(set(own)) != len(own) or len(summed) != 1:
        return None
    if any(labels[own.index(label)] != at for label, at in zip(out, divisor_labels, strict=True) if label in own):
        return None
    stretched = [d for label, d in zip(out, divisor.shape, strict=True) if label not in own]
    return (e.args[0], summed[0]) if all(d == 1 for d in stretched) else None


def only_factor(e: Expr) -> tuple[Expr, Labels, Labels] | None:
    """(x, its labels, those of the result), if `e` is x with axes summed, moved or stretched, through a few Contracts."""
    found: tuple[Expr, Labels, Labels] | None = None
    for _ in range(4):
        if not isinstance(e, Contract):
            break
        heavy = [(f, ls) for f, ls in zip(e.factors, e.labels, strict=True) if not isinstance(f, Ones)]
        if len(heavy) != 1 or isinstance(heavy[0][0], (Const, Delta)):
            break
        inner, labels = heavy[0]
        if found is None:
            found = inner, labels, e.out
        else:
            at = dict(zip(e.out, found[1], strict=True))
            fresh = 1 + max((*found[1], *found[2]), default=0)
            found = inner, tuple(at.get(label, fresh + label) for label in labels), found[2]
        e = inner
    return found


class Reader:
    """Views of the nodes below some roots, by their raw use counts."""

    def __init__(self, roots: Collection[Expr], given: Collection[Expr], atoms: Collection[Expr], norms: bool = False) -> None:
        self.given = given
        self.norms = norms  # whether a root of squares is a norm even where the squares stand elsewhere too
        self.atoms = atoms  # what is printed by a name: no pattern may reach through it
        self._counts: Counter[Expr] = Counter(roots)
        for e in topological(*roots, until=given.__contains__):
            self._counts.update(() if e in given else e.operands)
        self._root_uses: dict[Expr, int] = {}
        for e in self._counts:
            exponent = exponent_of(e)
            if isinstance(exponent, Fraction) and exponent.denominator == 2:
                base = e.operands[0]
                self._root_uses[base] = self._root_uses.get(base, 0) + 1
        self._views: dict[Expr, View] = {}

    def view(self, e: Expr) -> View:
        found = self._views.get(e)
        if found is None:
            found = self._views[e] = self._read(e)
        return found

    def _read(self, e: Expr) -> View:
        if e in self.given or not e.operands:
            return View("leaf", ())
        read = _READERS.get(type(e).__name__)
        return (read(self, e) if read else None) or View(type(e).__name__, e.operands)

    def is_norm(self, base: Expr) -> Expr | None:
        """v, if the square root of `base` reads better as norm(v): nothing but roots use `base`, or v costs nothing."""
        v = sum_of_squares(base)
        if v is None or base in self.atoms:
            return None
        return v if self.norms or not v.operands or v in self.atoms or self._counts[base] <= self._root_uses.get(base, 0) else None

    def _map(self, e: Map) -> View | None:
        exponent = exponent_of(e)
        if exponent is not None:
            base = e.args[0]
            if exponent < 0 and e not in self.atoms:
                return View("reciprocal", (base if exponent == -1 else power(base, -exponent),))
            v = self.is_norm(base) if isinstance(exponent, Fraction) and exponent.denominator == 2 else None
            if v is not None:
                return View("norm", (v,), int(2 * exponent))
            return View("power", (base,), exponent)
        if e.fn == "exp" and (found := log_softmax_of(e.args[0])) is not None and e.args[0] not in self.atoms:
            return View("softmax", found[:1], ("softmax", found[1]))
        return None

    def _add(self, e: Add) -> View | None:
        found = log_softmax_of(e)
        return View("softmax", found[:1], ("log_softmax", found[1])) if found else None

    def _contract(self, e: Contract) -> View:
        return View("Contract", tuple(f for f in e.factors if not scalar_constant(f)))


def softmax_factor(z: Expr, axis: int) -> Expr:
    return ops.softmax(z, axis)


_READERS: dict[str, Callable[[Reader, Any], View | None]] = {"Map": Reader._map, "Add": Reader._add, "Contract": Reader._contract}
