"""The formulas of a network, ready to be read: its definitions, and the gradients with the cotangents that they share.

One shape of answer for every form: in the matrices (∂E/∂W₂ = δ₂ hᵀ), weight by weight in the names of the entries, where a weight's
own layer is written out and the cotangents of the layers above keep their names, and inlined, where nothing has a name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from symdiff.api.programs import lower
from symdiff.expr.algebra import contract
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Contract, Var
from symdiff.expr.rebuild import with_operands
from symdiff.expr.traverse import substitute, transform, variables
from symdiff.grad import grad
from symdiff.rewrite import simplify_all
from symdiff.training.backprop import backpropagate
from symdiff.training.entries import Entries, entries_of, named_entries
from symdiff.training.net import Array, Net, expand


@dataclass(frozen=True)
class Values:
    """What formulas come to: the loss, the gradients, and the definitions and cotangents by their variables."""

    loss: float
    gradients: dict[Var, Array]
    named: dict[Var, Array]


@dataclass(frozen=True)
class Formulas:
    """A loss with its definitions, gradients and cotangents, each in terms of the variables before it.

    `leaves` are the variables that are given; `definitions` go forward, and `layers` says which of them belong together; `cotangents` go
    backward, the last layer first.
    """

    leaves: tuple[Var, ...]
    layers: tuple[tuple[Var, ...], ...]
    definitions: dict[Var, Expr]
    loss: Expr
    gradients: dict[Var, Expr]
    cotangents: dict[Var, Expr]

    @cached_property
    def displayed(self) -> dict[Var, Expr]:
        """The definitions as a reader needs them: a layer that no formula mentions is written into the next (h = σ(W₁ x + b₁), not a₁)."""
        used = set(variables(self.loss, *self.gradients.values(), *self.cotangents.values()))
        hidden: dict[Expr, Expr] = {}
        shown: dict[Var, Expr] = {}
        for layer in self.layers:
            values = {v: substitute(self.definitions[v], hidden) for v in layer}
            if used.isdisjoint(layer):
                hidden |= dict(values.items())
            else:
                shown |= values
        return shown

    def evaluate(self, values: Mapping[Var, Array]) -> Values:
        """The values of all formulas at values of the leaves, by one lowered program."""
        named = {**self.definitions, **self.cotangents}
        full = expand(named.items())
        outputs = [substitute(e, full) for e in (self.loss, *self.gradients.values(), *named)]
        loss, *rest = lower(outputs, self.leaves, simplify=False)(*(values[v] for v in self.leaves))
        arrays = [np.asarray(r) for r in rest]
        count = len(self.gradients)
        return Values(float(loss), dict(zip(self.gradients, arrays[:count], strict=True)), dict(zip(named, arrays[count:], strict=True)))


def matrix_formulas(net: Net, wanted: Sequence[Var]) -> Formulas:
    """The gradients in `wanted` parameters as matrices, with named cotangents."""
    definitions = {d.var: d.value for d in net.definitions}
    layers = [(v,) for v in definitions]
    back = backpropagate(definitions, net.objective, wanted, {d.var: d.cotangent for d in net.definitions if d.cotangent})
    return _simplified([leaf.var for leaf in net.leaves], layers, definitions, net.objective, back.gradients, back.cotangents)


class EntryForm:
    """A network written out number by number. `entries` are those of its leaves and definitions, `leaves` the given ones in one row."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.entries: dict[Var, Entries] = {leaf.var: named_entries(leaf.var, leaf.entries) for leaf in net.leaves}
        self.leaves: tuple[Var, ...] = tuple(entry for array in self.entries.values() for entry in array.flat)
        self.definitions: dict[Var, Expr] = {}
        self.cotangents: dict[Var, str] = {}
        for d in net.definitions:
            values = entries_of(d.value, self.entries)
            own = self.entries[d.var] = named_entries(d.var, d.entries)
            self.definitions |= dict(zip(own.flat, values.flat, strict=True))
            if d.cotangent_entries:
                self.cotangents |= dict(zip(own.flat, d.cotangent_entries, strict=True))
        self.objective: Expr = entries_of(net.objective, self.entries).item()

    def values(self, values: Mapping[Var, Array]) -> dict[Var, Array]:
        """The values of the entries, given those of the arrays."""
        result: dict[Var, Array] = {}
        for leaf in self.net.leaves:
            array = np.asarray(values[leaf.var])
            whole = [a for a, d in enumerate(leaf.var.shape) if isinstance(d, int)]
            array = np.moveaxis(array, whole, range(len(whole)))
            rows = array.reshape(-1, *array.shape[len(whole) :])
            result |= dict(zip(self.entries[leaf.var].flat, rows, strict=True))
        return result

    def formulas(self, wanted: Sequence[Var]) -> Formulas:
        """The gradients in `wanted` weights by the cotangents of the layers.

        A weight's own layer is written out where its entries are numbers; over a batch its cotangent keeps its name too.
        """
        back = backpropagate(self.definitions, self.objective, wanted, self.cotangents)
        of: dict[Expr, Expr] = {v: c for v, c in back.cotangents.items() if not v.shape}
        gradients = {w: substitute(g, of) for w, g in back.gradients.items()}
        used = reachable(gradients.values(), back.cotangents)
        by_name = {v.name: v for v in back.cotangents}
        ordered = [by_name.get(name) for d in reversed(self.net.definitions) for name in d.cotangent_entries]
        cotangents = {v: back.cotangents[v] for v in ordered if v in used}
        layers = [tuple(self.entries[d.var].flat) for d in self.net.definitions]
        found = _simplified(self.leaves, layers, self.definitions, self.objective, gradients, cotangents)
        return replace(
            found,
            gradients={w: errors_first(e, cotangents) for w, e in found.gradients.items()},
            cotangents={v: errors_first(e, cotangents) for v, e in found.cotangents.items()},
        )

    def inlined(self, wanted: Sequence[Var]) -> Formulas:
        """The gradients in `wanted` weights with everything substituted down to inputs and weights."""
        return inlined_formulas(self.leaves, substitute(self.objective, expand(self.definitions.items())), wanted)


def inlined_formulas(leaves: Sequence[Var], loss: Expr, wanted: Sequence[Var]) -> Formulas:
    """The gradients of a loss in the leaves alone, nothing named."""
    return _simplified(leaves, (), {}, loss, dict(zip(wanted, grad(loss, wanted), strict=True)), {})


def errors_first(e: Expr, cotangents: Collection[Expr]) -> Expr:
    """The formula with a named error before the weight that it comes back through: δ_o1 w₅, as backpropagation is taught.

    >>> from symdiff.expr.leaves import var
    >>> w, d = var('w'), var('δ')
    >>> errors_first(w * d, [d]) is d * w
    True
    """

    def change(node: Expr, operands: tuple[Expr, ...]) -> Expr:
        new = with_operands(node, operands)
        if isinstance(new, Contract) and any(f in cotangents for f in new.factors):
            pairs = sorted(
                zip(new.factors, new.labels, strict=True), key=lambda pair: pair[0] not in cotangents and isinstance(pair[0], Var)
            )
            return contract(pairs, new.out)
        return new

    return transform([e], change)[0]


def reachable(formulas: Iterable[Expr], definitions: Mapping[Var, Expr]) -> set[Var]:
    """The variables that formulas mention, directly or through definitions."""
    found: set[Var] = set()
    waiting = list(formulas)
    while waiting:
        new = set(variables(waiting.pop())) - found
        found |= new
        waiting.extend(definitions[v] for v in new if v in definitions)
    return found


def _simplified(
    leaves: Sequence[Var],
    layers: Sequence[tuple[Var, ...]],
    definitions: dict[Var, Expr],
    loss: Expr,
    gradients: dict[Var, Expr],
    cotangents: dict[Var, Expr],
) -> Formulas:
    simple = simplify_all([*gradients.values(), *cotangents.values()])
    count = len(gradients)
    return Formulas(
        tuple(leaves),
        tuple(layers),
        definitions,
        loss,
        dict(zip(gradients, simple[:count], strict=True)),
        dict(zip(cotangents, simple[count:], strict=True)),
    )
