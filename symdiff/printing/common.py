"""Repeated pieces of notation: what is printed twice is named once.

Nodes are shared before they are printed, but a product written out in one network, as in outer(M @ y, M @ y), brings forth equal pieces
that no node stands for. They are found by their form and named where that saves operations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from symdiff.printing import term
from symdiff.printing.term import Term

Parts = tuple[tuple[Any, Term], ...]
_NO_VALUE = ("name", "text", "number", "list", "neg", "entry", "sigma")


def name_repeats(roots: Sequence[Term], parts: Parts, saving: int) -> tuple[tuple[Term, ...], Parts]:
    """The terms with a name for every piece that is repeated and saves at least `saving` operations, each defined before its use."""
    forms = _Forms()
    shared_roots = [forms.of(t) for t in roots]
    shared_parts = [(handle, forms.of(t)) for handle, t in parts]
    chosen = forms.repeated([*(t for _, t in shared_parts), *shared_roots], saving)
    if not chosen:
        return tuple(roots), parts
    defined: list[tuple[Any, Term]] = []
    done: dict[Term, Term] = {}

    def rewritten(t: Term, top: bool) -> Term:
        found = done.get(t)
        if found is None or (top and t in chosen):
            found = term.with_args(t, [rewritten(a, False) for a in t.args]) if t.args else t
            if t in chosen and not top:
                defined.append((t, found))
                found = term.name(t, t.shape)
            done[t] = found
        return found

    for handle, t in shared_parts:
        body = rewritten(t, True)
        defined.append((handle, body))
        if t in chosen:  # a part that is itself repeated elsewhere: its own name serves
            done[t] = term.name(handle, t.shape)
    return tuple(rewritten(t, True) for t in shared_roots), tuple(defined)


class _Forms:
    """One object for all terms of one form."""

    def __init__(self) -> None:
        self.known: dict[Hashable, Term] = {}
        self.seen: dict[Term, Term] = {}

    def of(self, t: Term) -> Term:
        found = self.seen.get(t)
        if found is None:
            args = [self.of(a) for a in t.args]
            key = (t.op, tuple(args), t.shape, _data_key(t.data))
            same = t if all(a is b for a, b in zip(args, t.args, strict=True)) else term.with_args(t, args)
            found = self.seen[t] = self.known.setdefault(key, same)
        return found

    def repeated(self, tops: Sequence[Term], saving: int) -> set[Term]:
        """The forms worth a name, counting what is named already as free."""
        uses: Counter[Term] = Counter(tops)
        order: list[Term] = []
        met: set[Term] = set()
        stack = [(t, False) for t in reversed(tops)]
        while stack:
            t, ready = stack.pop()
            if ready:
                order.append(t)
            elif t not in met:
                met.add(t)
                uses.update(t.args)
                stack.append((t, True))
                stack.extend((a, False) for a in reversed(t.args))
        cost: dict[Term, int] = {}
        chosen: set[Term] = set()
        for t in order:
            cost[t] = t.ops - sum(a.ops for a in t.args) + sum(cost[a] for a in t.args)
            if (uses[t] - 1) * cost[t] >= saving > 0 and nameable(t):
                chosen.add(t)
                cost[t] = 0
        return chosen


def nameable(t: Term) -> bool:
    """Whether a name for `t` says more than it hides: not for X.T, nor for sqrt(d)."""
    if t.op in _NO_VALUE or (t.op == "call" and t.data[0] in term.FREE_CALLS):
        return False
    plain = all(a.op in ("text", "number") for a in t.args)
    return not (t.ops <= 1 and ((t.op == "transpose" and t.args[0].op == "name") or plain))


def _data_key(data: Any) -> Hashable:
    if isinstance(data, np.ndarray):
        return id(data)
    return (type(data).__name__, repr(data)) if isinstance(data, (int, float)) else data
