"""A network is a straight-line program of named definitions: a₁ = W₁ x + b₁, h = σ(a₁), ..., E = ½ ‖y − t‖².

Each definition is an expression in the variables of those before it, so every formula that is derived from it (backprop.py) stays as
short as in a textbook. Substituting the definitions into one another gives the loss as one expression of the leaves, which is what
the training step lowers (step.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symdiff.errors import ShapeError, UnknownName, did_you_mean
from symdiff.expr.dims import show_shape, whole_dims
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import substitute
from symdiff.training.losses import Decision

Array = NDArray[Any]


@dataclass(frozen=True)
class Leaf:
    """A variable that is given: a parameter with its start, or data. `entries` name its numbers one by one, in row-major order.

    An axis whose dim is a name (a batch) has no entries of its own: each entry is then an array over that axis.
    Without `entries` they are called after their places: W_1_1, W_1_2 ... `bias` marks a parameter that is added, not multiplied with.
    """

    var: Var
    value: Array
    entries: tuple[str, ...] = ()
    bias: bool = False

    def __post_init__(self) -> None:
        if not self.entries:
            object.__setattr__(self, "entries", entry_names(self.var))


def entry_names(v: Var) -> tuple[str, ...]:
    """Names for the numbers of a variable, after their places along the whole dims.

    >>> from symdiff.expr.leaves import var
    >>> entry_names(var('W', (2, 2))), entry_names(var('b')), entry_names(var('X', ('n', 2)))
    (('W_1_1', 'W_1_2', 'W_2_1', 'W_2_2'), ('b',), ('X_1', 'X_2'))
    """
    places = product(*(range(1, d + 1) for d in whole_dims(v.shape)))
    return tuple("_".join((v.name, *map(str, place))) for place in places)


@dataclass(frozen=True)
class Definition:
    """A named intermediate, as an expression of the variables before it; `cotangent` names ∂E/∂var where readers want it named."""

    var: Var
    value: Expr
    entries: tuple[str, ...] = ()
    cotangent: str = ""
    cotangent_entries: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.entries:
            object.__setattr__(self, "entries", entry_names(self.var))


@dataclass(frozen=True, kw_only=True)
class Net:
    """A network with its loss, data and usual hyper-parameters.

    `parameters` are trained, in the order of their layers; `fixed` are parameters that are not. `prediction` and `target` are the
    variables that the loss compares; `decision` says how a prediction names a class, and `signed` that targets are -1 and 1.
    `masks` are the data that dropout draws anew for
    every step, with the share that each drops: ones in `data`. `start` says in words where the starting weights come from.
    `sampled` is true for a net whose data are only numbers to try its formulas on.
    """

    name: str
    description: str = ""
    parameters: tuple[Leaf, ...]
    fixed: tuple[Leaf, ...] = ()
    data: tuple[Leaf, ...]
    definitions: tuple[Definition, ...]
    objective: Expr
    prediction: Var
    target: Var
    decision: Decision = "none"
    signed: bool = False
    masks: Mapping[Var, float] = field(default_factory=dict)
    start: str = "the weights of its definition"
    learning_rate: float = 0.1
    epochs: int = 1000
    target_loss: float | None = None
    sampled: bool = False

    def __post_init__(self) -> None:
        for leaf in self.leaves:
            shape = leaf.var.shape
            if len(shape) != leaf.value.ndim or any(isinstance(d, int) and d != n for d, n in zip(shape, leaf.value.shape, strict=True)):
                raise ShapeError(f"{self.name}: {leaf.var.name} is {show_shape(shape)}, its value {leaf.value.shape}")
        if self.objective.shape != ():
            raise ShapeError(f"{self.name}: the loss has shape {show_shape(self.objective.shape)}; a scalar is wanted")

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """All that is given: parameters, fixed parameters, data."""
        return (*self.parameters, *self.fixed, *self.data)

    @property
    def weights(self) -> tuple[Var, ...]:
        """The variables that are trained."""
        return tuple(leaf.var for leaf in self.parameters)

    @property
    def inputs(self) -> tuple[Leaf, ...]:
        """The data that predictions are made from: neither the target nor a mask."""
        return tuple(leaf for leaf in self.data if leaf.var is not self.target and leaf.var not in self.masks)

    def with_values(self, values: Mapping[Var, Array]) -> Net:
        """The same formulas on other leaves' values; masks are ones, of the new number of rows. Raises: ShapeError for another shape."""
        rows = {d: a.shape[k] for v, a in values.items() for k, d in enumerate(v.shape) if isinstance(d, str)}

        def given(leaf: Leaf) -> Leaf:
            if leaf.var in self.masks:
                ones = np.ones(
                    tuple(rows.get(d, n) if isinstance(d, str) else d for d, n in zip(leaf.var.shape, leaf.value.shape, strict=True))
                )
                return replace(leaf, value=ones)
            return replace(leaf, value=np.asarray(values[leaf.var])) if leaf.var in values else leaf

        def all_of(leaves: tuple[Leaf, ...]) -> tuple[Leaf, ...]:
            return tuple(map(given, leaves))

        return replace(self, parameters=all_of(self.parameters), fixed=all_of(self.fixed), data=all_of(self.data))

    @cached_property
    def fingerprint(self) -> str:
        """What the network is, apart from its numbers: a digest of its loss and of the names and shapes of what is given."""
        leaves = [f"{leaf.var.name} {leaf.var.shape}" for leaf in self.leaves]
        return sha256("\n".join([self.loss.digest.hex(), *leaves]).encode()).hexdigest()

    @cached_property
    def expanded(self) -> dict[Expr, Expr]:
        """Each definition's variable with its expression in the leaves alone."""
        return expand((d.var, d.value) for d in self.definitions)

    @cached_property
    def loss(self) -> Expr:
        """The loss as an expression of the leaves."""
        return substitute(self.objective, self.expanded)

    def values(self) -> dict[Var, Array]:
        """The value of every leaf: start weights, fixed parameters, data."""
        return {leaf.var: leaf.value for leaf in self.leaves}

    def parameter(self, name: str) -> Leaf:
        """The trained parameter of that name. Raises: UnknownName, with the near miss."""
        for leaf in self.parameters:
            if leaf.var.name == name:
                return leaf
        known = [leaf.var.name for leaf in self.parameters]
        raise UnknownName(f"{self.name} has no parameter {name!r}{did_you_mean(name, known)}. Parameters: {', '.join(known)}")


def expand(definitions: Iterable[tuple[Var, Expr]], start: Mapping[Expr, Expr] | None = None) -> dict[Expr, Expr]:
    """Definitions in terms of one another as expressions of the leaves alone, each shared part once in memory.

    >>> from symdiff.expr.leaves import var
    >>> x, a, b = var('x'), var('a'), var('b')
    >>> expand([(a, x * x), (b, a + a)])[b] is x * x + x * x
    True
    """
    full: dict[Expr, Expr] = dict(start or {})
    for variable, value in definitions:
        full[variable] = substitute(value, full)
    return full
