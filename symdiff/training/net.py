"""A network is a straight-line program of named definitions: a₁ = W₁ x + b₁, h = σ(a₁), ..., E = ½ ‖y − t‖².

Each definition is an expression in the variables of those before it, so every formula that is derived from it (backprop.py) stays as
short as in a textbook. Substituting the definitions into one another gives the loss as one expression of the leaves, which is what
the training step lowers (step.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from symdiff.errors import ShapeError, UnknownName, did_you_mean
from symdiff.expr.dims import show_shape
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import substitute

Array = NDArray[Any]


@dataclass(frozen=True)
class Leaf:
    """A variable that is given: a parameter with its start, or data. `entries` name its numbers one by one, in row-major order.

    An axis whose dim is a name (a batch) has no entries of its own: each entry is then an array over that axis.
    """

    var: Var
    value: Array
    entries: tuple[str, ...]


@dataclass(frozen=True)
class Definition:
    """A named intermediate, as an expression of the variables before it; `cotangent` names ∂E/∂var where readers want it named."""

    var: Var
    value: Expr
    entries: tuple[str, ...]
    cotangent: str = ""
    cotangent_entries: tuple[str, ...] = ()


@dataclass(frozen=True)
class Net:
    """A network with its loss, data and usual hyper-parameters.

    `parameters` are trained, in the order of their layers; `fixed` are parameters that are not. `prediction` and `target` are the
    variables that the loss compares. `start` says in words where the starting weights come from.
    """

    name: str
    description: str
    parameters: tuple[Leaf, ...]
    fixed: tuple[Leaf, ...]
    data: tuple[Leaf, ...]
    definitions: tuple[Definition, ...]
    objective: Expr
    prediction: Var
    target: Var
    start: str
    learning_rate: float
    epochs: int
    target_loss: float

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
