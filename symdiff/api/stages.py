"""Where a derivation pauses: the nodes of a loss whose differentials get a line of their own.

A line covers one rule that a reader must know (a derivative, a product rule, a matrix rule) together with what needs no line: sums,
constant factors, weights entry by entry, slices. So the operand of such a rule is a stage, unless nothing but the trivial lies between
it and the variable or a node that the caller has named; then its differential is written straight away: d(y − t) = dy.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from symdiff.calculus.reverse import active_nodes
from symdiff.expr.leaves import constant_value
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Add, Concat, Contract, Gather, GatherT, Linalg, Map, Reshape, Scan, Scatter, Slice


class Stage(NamedTuple):
    """A node with the stages that its differential is expressed by, and the active nodes between, itself first."""

    node: Expr
    below: tuple[Expr, ...]
    region: tuple[Expr, ...]


def is_reciprocal(e: Expr) -> bool:
    """1/u: inside a product this is the quotient rule."""
    return isinstance(e, Map) and e.fn == "pow" and constant_value(e.args[1]) == -1


def is_matrix(e: Expr) -> bool:
    """A matrix function with a matrix or vector for a value: its rule uses that value, which so deserves a name."""
    return isinstance(e, Linalg) and e.ndim > 0


def is_trivial(e: Expr, active: tuple[int, ...]) -> bool:
    """Whether the differential of a node is the same node over the differentials, up to fixed weights of the entries."""
    match e:
        case Add() | Slice() | Scatter() | Concat() | Reshape() | Gather() | GatherT():
            return True
        case Contract() if len(active) == 1:
            reach = set(e.labels[active[0]])
            return all(set(ls) <= reach or constant_value(f) is not None for f, ls in zip(e.factors, e.labels, strict=True))
        case Scan():
            return e.kind == "cumsum"
    return False


class Walk:
    """The active part of a loss, and which of its nodes are passed through without a line."""

    def __init__(self, loss: Expr, wrt: Expr, named: Collection[Expr]) -> None:
        self.loss, self.wrt = loss, wrt
        self.order, self.positions = active_nodes([loss], [wrt])
        self.stops: set[Expr] = {wrt, *named}
        self.place = {e: k for k, e in enumerate(self.order)}
        self.plain: dict[Expr, bool] = {}

    def stages(self) -> list[Stage]:
        """The stages from the loss inwards, each before those that it is expressed by; without the variable itself.

        The first walk finds them; in the second each is a stop wherever it is met.
        """
        if self.loss not in self.positions or self.loss is self.wrt:
            return []
        first = self._collect()
        self._keep({s.node for s in first if s.node is not self.loss})
        return self._collect()

    def _keep(self, found: set[Expr]) -> None:
        """Make stages stops, but for those that are trivial over others: −u, once u is one."""
        plain = dict.fromkeys(self.stops, True)
        for e in self.order:
            active = self.positions[e]
            over = e in plain or (is_trivial(e, active) and all(plain.get(e.operands[k], False) for k in active))
            if e in found and not over:
                self.stops.add(e)
            plain[e] = over or e in found

    def _collect(self) -> list[Stage]:
        self._find_plain()
        wanted, found = {self.loss}, []
        for node in reversed(self.order):
            if node in wanted and node is not self.wrt:
                stage = self._stage(node)
                found.append(stage)
                wanted.update(stage.below)
        return found

    def _find_plain(self) -> None:
        for e in self.order:
            active = self.positions[e]
            self.plain[e] = e in self.stops or (is_trivial(e, active) and all(self.plain[e.operands[k]] for k in active))

    def _stage(self, node: Expr) -> Stage:
        below: dict[Expr, None] = {}
        region: dict[Expr, None] = {}
        stack = [node]
        while stack:
            e = stack.pop()
            if e in region or e in below:
                continue
            if e is not node and (e in self.stops or e is self.wrt):
                below[e] = None
                continue
            region[e] = None
            active = self.positions[e]
            trivial = is_trivial(e, active)
            onward = []
            for k in active:
                o = e.operands[k]
                passes = self.plain[o] or (trivial and not is_matrix(o)) or (isinstance(e, Contract) and is_reciprocal(o))
                if passes or o in self.stops:
                    onward.append(o)
                else:
                    below[o] = None
            stack.extend(reversed(onward))
        return Stage(node, tuple(sorted(below, key=self.place.__getitem__, reverse=True)), tuple(region))
