"""What a training tells whoever listens, once an epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from symdiff.expr.nodes import Var
from symdiff.training.net import Array


@dataclass(frozen=True, slots=True)
class EpochEnd:
    """The end of an epoch: its number from 1 on, the updates so far, its row of the history (history.py).

    `arrays()` copies the weights and the optimizer's state as they are now, by their variables.
    """

    epoch: int
    updates: int
    loss: float
    rate: float
    validation_loss: float | None
    validation_accuracy: float | None
    arrays: Callable[[], dict[Var, Array]]


Callback = Callable[[EpochEnd], bool | None]  # True ends the training
