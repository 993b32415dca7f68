"""A training in full: loss, prediction and every weight after each update, for what is drawn of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symdiff.errors import BadSetting
from symdiff.training.conventions import Setup
from symdiff.training.net import Array, Net
from symdiff.training.runs import Runs, program_of
from symdiff.training.updates import UPDATES

MOST = 4000  # points that are kept of a longer training


@dataclass(frozen=True)
class Trajectory:
    """What a training was after `updates`, some or all of them: `losses` (k,), `predictions` (k, outputs), `weights` (k, weights)."""

    net: Net
    update: str
    updates: Array
    losses: Array
    predictions: Array
    weights: Array

    @property
    def weight_names(self) -> list[str]:
        """The names of the columns of `weights`."""
        return [name for leaf in self.net.parameters for name in leaf.entries]


def follow(net: Net, update: str = "parallel", iterations: int = 1000, *, learning_rate: float | None = None) -> Trajectory:
    """Train a network by gradient descent and keep all of it; of more than 4,000 updates some, evenly spread.

    It ends early where the weights are no longer finite. Raises: UnknownName for a schedule that is not there; BadSetting for fewer than
    one iteration.

    >>> from symdiff.training.nets import mazur
    >>> follow(mazur(), iterations=3).losses.round(6)
    array([0.298371, 0.291028, 0.283547, 0.275943])
    """
    if iterations < 1:
        raise BadSetting(f"iterations: {iterations} is given, at least 1 is wanted")
    program = program_of(net, update, "output")
    at = np.unique(np.linspace(0, iterations, min(iterations, MOST) + 1).round().astype(int))
    rate = net.learning_rate if learning_rate is None else learning_rate
    points = list(Runs(rate, at.tolist()).of(program, Setup(net)).values())
    return Trajectory(
        net,
        update,
        np.array([p.updates for p in points]),
        np.array([p.loss for p in points]),
        np.array([p.prediction for p in points]),
        np.array([p.weights for p in points]),
    )


def follow_all(net: Net, iterations: int = 1000, updates: Sequence[str] = tuple(UPDATES)) -> dict[str, Trajectory]:
    """The same training by each update schedule."""
    return {update: follow(net, update, iterations) for update in updates}
