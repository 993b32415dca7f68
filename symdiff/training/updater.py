"""The generated step as a function of one flat state: the weights and what the optimizer keeps, as arrays or as plain floats.

A tiny network in float64 on constant data is computed on Python floats, with no array in the loop, which is some ten times faster;
anything else by NumPy. Which of the two it is depends on the network alone, so a run is the same whenever it is repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symdiff.expr.nodes import Var
from symdiff.training.batches import Batches
from symdiff.training.net import Array, Net
from symdiff.training.step import Step

MOST_FLOATS = 256  # numbers of state and data with which floats are tried

Values = Sequence[Any]  # the state: arrays in the order of Step.updates, or their numbers in one row
Update = Callable[[Values, tuple[Array, ...]], Sequence[Any]]  # a state and data -> the loss, then the new state


@dataclass(frozen=True)
class Updater:
    """`update(state, data)` gives the loss before the update, then the new state. `state_of` and `arrays_of` go from arrays to a state
    and back. `on_floats` says whether the state is a row of floats."""

    update: Update
    variables: tuple[Var, ...]
    shapes: tuple[tuple[int, ...], ...]
    dtype: np.dtype[np.generic]
    on_floats: bool

    def state_of(self, values: Mapping[Var, Array]) -> Values:
        """The state that arrays make."""
        arrays = [np.array(values[v], self.dtype) for v in self.variables]
        return tuple(x for a in arrays for x in a.ravel().tolist()) if self.on_floats else arrays

    def place(self, v: Var) -> int:
        """Where the number of a scalar variable stands in a state."""
        k = self.variables.index(v)
        return sum(int(np.prod(shape)) for shape in self.shapes[:k]) if self.on_floats else k

    def arrays_of(self, state: Values) -> dict[Var, Array]:
        """Copies of the arrays of a state, by their variables."""
        if not self.on_floats:
            return {v: np.array(a, self.dtype) for v, a in zip(self.variables, state, strict=True)}
        cuts = np.cumsum([int(np.prod(shape)) for shape in self.shapes])[:-1]
        parts = np.split(np.array(state, self.dtype), cuts)
        return {v: part.reshape(shape) for v, part, shape in zip(self.variables, parts, self.shapes, strict=True)}


def make_updater(step: Step, net: Net, batches: Batches, rate: float) -> Updater:
    """The step of a net as a function of its state and of the data of an update."""
    dtype = batches.dtype
    start = {leaf.var: np.shape(leaf.value) for leaf in net.parameters} | {v: a.shape for v, a in step.state.items()}
    variables = tuple(step.updates)
    shapes = tuple(start[v] for v in variables)
    fixed = tuple(np.asarray(leaf.value, dtype) for leaf in net.fixed)
    floats = (
        _on_floats(step, net, batches)
        if sum(int(np.prod(s)) for s in shapes) + sum(a.size for a in batches.arrays) <= MOST_FLOATS
        else None
    )
    if floats is not None:
        given = tuple(x for a in (*fixed, *batches.arrays) for x in a.ravel().tolist())
        return Updater(lambda state, data: floats(*state, *given, rate), variables, shapes, dtype, True)
    program = step.program  # which writes itself anew for the sizes of a batch
    number: Any = dtype.type(rate)
    return Updater(lambda state, data: program(*state, *fixed, *data, number), variables, shapes, dtype, False)


def _on_floats(step: Step, net: Net, batches: Batches) -> Callable[..., tuple[float, ...]] | None:
    """The step on the entries of its arguments, as floats; None where it has no such form."""
    if batches.dtype != np.float64 or not batches.constant:
        return None
    sizes = {d: n for leaf in net.data for d, n in zip(leaf.var.shape, leaf.value.shape, strict=True) if isinstance(d, str)}
    return (step.program.for_sizes(**sizes) if sizes else step.program).floats
