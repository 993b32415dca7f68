"""The trainings that an explanation compares, each run once: what they share, a program, a run, a forward pass, is shared.

A run of float64 is computed by the generated step on Python floats where it is small enough; one of float32 by the step on arrays, with
the sigmoid written as the programs of publications write it, 1 / (1 + exp(-x)), since every rounding counts there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import isfinite, prod
from typing import Any

import numpy as np

from symdiff.api.programs import lower
from symdiff.expr.dims import dim_value
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Map, Var
from symdiff.expr.ops import exp
from symdiff.expr.rebuild import with_operands
from symdiff.expr.traverse import substitute, transform
from symdiff.training.conventions import Dtype, Setup
from symdiff.training.net import Array, Net
from symdiff.training.updates import updated

RATE = var("rate")
LOOK_EVERY = 200  # updates between two looks at the loss: a run that diverges is given up

Step = Callable[..., Sequence[Any]]


@dataclass(frozen=True)
class Point:
    """A training after so many updates: the loss of the network at its weights, its prediction, and the weights one by one."""

    updates: int
    loss: float
    prediction: tuple[float, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True)
class Program:
    """The formulas of one update: loss, prediction and new weights, of the leaves and the rate. Equal if formulas and start are."""

    net: Net = field(compare=False)
    outputs: tuple[Expr, ...]
    start: tuple[float, ...]

    @property
    def inputs(self) -> tuple[Var, ...]:
        return (*(leaf.var for leaf in self.net.leaves), RATE)


def program_of(net: Net, update: str, first: str) -> Program:
    """One update of a network by gradient descent.

    >>> from symdiff.training.nets import mazur
    >>> len(program_of(mazur(), 'sequential', 'output').outputs)
    4
    """
    order = [w.name for w in (net.weights if first == "input" else net.weights[::-1])]
    new = updated(net.loss, net.weights, lambda w, slope: {w: w - RATE * slope}, update, order)
    outputs = (net.loss, substitute(net.prediction, net.expanded), *(new[w] for w in net.weights))
    return Program(net, outputs, tuple(float(a) for leaf in net.leaves for a in leaf.value.flat))


def textbook_sigmoids(outputs: Sequence[Expr]) -> list[Expr]:
    """Every sigmoid(x) as 1 / (1 + exp(-x))."""

    def change(e: Expr, operands: tuple[Expr, ...]) -> Expr:
        return 1 / (1 + exp(-operands[0])) if isinstance(e, Map) and e.fn == "sigmoid" else with_operands(e, operands)

    return transform(outputs, change)


Steps = dict[tuple[Program, Dtype], tuple[Step, bool]]


class Runs:
    """Runs of one network under its conventions, kept at the numbers of updates that `at` names. `steps` may be those of other runs."""

    def __init__(self, learning_rate: float, at: Sequence[int], steps: Steps | None = None) -> None:
        self.learning_rate = learning_rate
        self.at = sorted({0, *(k for k in at if k >= 0)})
        self.points: dict[tuple[Program, float, Dtype], dict[int, Point]] = {}
        self.steps: Steps = {} if steps is None else steps

    def of(self, program: Program, setup: Setup) -> dict[int, Point]:
        """The points of a training by their number of updates; from where it diverges on there are none."""
        run = (program, setup.gradient, setup.dtype)
        if run not in self.points:
            which = (program, setup.dtype)
            if which not in self.steps:
                self.steps[which] = _lowered(program, setup.dtype)
            step, on_floats = self.steps[which]
            follow = _on_floats if on_floats else _on_arrays
            with np.errstate(all="ignore"):
                self.points[run] = follow(step, program.net, self.learning_rate * setup.gradient, setup.dtype, self.at)
        return self.points[run]


def sizes_of(net: Net) -> dict[str, int]:
    """The sizes of the named dims at the net's data.

    >>> from symdiff.training.nets import xor
    >>> sizes_of(xor())
    {'n': 4}
    """
    return {
        dim: size
        for leaf in net.leaves
        for dim, size in zip(leaf.var.shape, leaf.value.shape, strict=True)
        if isinstance(dim, str) and dim.isidentifier()
    }


def prediction_count(net: Net) -> int:
    """How many numbers the prediction has.

    >>> from symdiff.training.nets import mazur, xor
    >>> prediction_count(mazur()), prediction_count(xor())
    (2, 4)
    """
    sizes = sizes_of(net)
    return prod(dim_value(dim, sizes) for dim in net.prediction.shape)


def _lowered(program: Program, dtype: Dtype) -> tuple[Step, bool]:
    """The step as a function, and whether it is one of floats."""
    if dtype == "float32":
        return lower(textbook_sigmoids(program.outputs), program.inputs, simplify=False).raw, False
    lowered = lower(list(program.outputs), program.inputs, simplify=False, fast=True)
    if names := lowered.program.size_names():
        sizes = sizes_of(program.net)
        lowered = lowered.for_sizes(**{name: sizes[name] for name in names})
    return (lowered.raw, False) if lowered.floats is None else (lowered.floats, True)


def _on_floats(step: Step, net: Net, rate: float, dtype: Dtype, at: Sequence[int]) -> dict[int, Point]:
    values = net.values()
    state: Sequence[float] = [float(a) for w in net.weights for a in values[w].flat]
    given = [float(a) for leaf in (*net.fixed, *net.data) for a in leaf.value.flat] + [rate]
    first = 1 + prediction_count(net)
    done = 0
    points: dict[int, Point] = {}
    for k in at:
        while done < k:
            for _ in range(min(LOOK_EVERY, k - done)):
                state = step(*state, *given)[first:]
            done += min(LOOK_EVERY, k - done)
            if not isfinite(sum(state)):
                return points
        out = step(*state, *given)
        points[k] = Point(k, out[0], tuple(out[1:first]), tuple(state))
    return points


def _flat(arrays: Sequence[Array]) -> tuple[float, ...]:
    return tuple(float(x) for a in arrays for x in np.ravel(a))


def _on_arrays(step: Step, net: Net, rate: float, dtype: Dtype, at: Sequence[int]) -> dict[int, Point]:
    number: Any = np.dtype(dtype).type
    values = net.values()
    state: Sequence[Array] = [np.asarray(values[w], number) for w in net.weights]
    given = [np.asarray(leaf.value, number) for leaf in (*net.fixed, *net.data)] + [number(rate)]
    done = 0
    points: dict[int, Point] = {}
    for k in at:
        while done < k:
            for _ in range(min(LOOK_EVERY, k - done)):
                _, _, *state = step(*state, *given)
            done += min(LOOK_EVERY, k - done)
            if not all(np.isfinite(a).all() for a in state):
                return points
        loss, prediction, *_ = step(*state, *given)
        points[k] = Point(k, float(loss), _flat([prediction]), _flat(state))
    return points
