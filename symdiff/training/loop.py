"""The training loop: it calls the generated step and keeps the losses. No formula is looked at while it runs.

It prints nothing. It stops early at a loss that is not finite, and at Ctrl-C; in both cases it returns what it has, with the last
weights whose loss was finite.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from time import perf_counter
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike

from symdiff.api.programs import lower
from symdiff.errors import BadSetting, BindingError
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import substitute
from symdiff.training.net import Array, Net
from symdiff.training.step import Step, training_step

Ending = Literal["finished", "interrupted", "diverged"]


@dataclass(frozen=True)
class Training:
    """What a training came to.

    `losses[k]` is the loss before update k + 1; `epochs` updates went into `weights`, at which the loss is `final_loss`.
    `ending` is 'diverged' where the loss before update `diverged_at` was not finite.
    """

    net: Net
    step: Step
    learning_rate: float
    losses: list[float]
    weights: dict[Var, Array]
    prediction: Array
    final_loss: float
    epochs: int
    seconds: float
    ending: Ending
    diverged_at: int | None


def train(
    net: Net,
    *,
    epochs: int | None = None,
    learning_rate: float | None = None,
    dtype: DTypeLike = np.float64,
    start: Mapping[Var, Array] | None = None,
    on_epoch: Callable[[int, float], None] | None = None,
) -> Training:
    """Train a network by full-batch gradient descent; defaults are the net's own.

    `start` replaces start weights; `on_epoch(epoch, loss)` hears the loss before each update.
    Raises: BadSetting for fewer than one epoch or a learning rate that is not a positive number; BindingError for an unknown start.

    >>> from symdiff.training.nets import mazur
    >>> f'{train(mazur(), epochs=1).losses[0]:.9f}'
    '0.298371109'
    """
    epochs = net.epochs if epochs is None else epochs
    learning_rate = net.learning_rate if learning_rate is None else learning_rate
    if epochs < 1:
        raise BadSetting(f"epochs: {epochs} is given, at least 1 is wanted")
    if not 0 < learning_rate < float("inf"):
        raise BadSetting(f"learning rate: {learning_rate} is given, a positive number is wanted")
    values = net.values() | dict(start or {})
    if unknown := [v.name for v in values if v not in net.values()]:
        raise BindingError(f"{net.name} has no parameter {', '.join(unknown)}. Parameters: {', '.join(w.name for w in net.weights)}")
    for leaf in net.leaves:
        if np.shape(values[leaf.var]) != leaf.value.shape:
            raise BindingError(f"{leaf.var.name}: {leaf.value.shape} is expected, a start of shape {np.shape(values[leaf.var])} is given")
    number: Any = np.dtype(dtype).type
    values = {v: np.asarray(a, number) for v, a in values.items()}
    step = training_step(net)
    given = [values[v] for v in step.inputs if v in values and v not in net.weights]
    with np.errstate(over="ignore"):
        rate = number(learning_rate)
    if not isfinite(rate):
        raise BadSetting(f"learning rate: {learning_rate} is given, which {np.dtype(dtype)} cannot hold")

    update = step.program.raw  # the shapes are checked above, once
    losses: list[float] = []
    weights = [values[w] for w in net.weights]
    state = (weights, weights, 0)  # before the last update, after it, number of updates: one assignment, whole at any interrupt
    ending: Ending = "finished"
    began = perf_counter()
    try:
        with np.errstate(all="ignore"):  # overflow is looked for in the loss
            for epoch in range(1, epochs + 1):
                loss, *new = update(*state[1], *given, rate)
                loss = float(loss)
                if not isfinite(loss):
                    ending = "diverged"
                    break
                losses.append(loss)
                state = (state[1], new, epoch)
                if on_epoch is not None:
                    on_epoch(epoch, loss)
    except KeyboardInterrupt:
        ending = "interrupted"
    seconds = perf_counter() - began
    before, weights, done = state
    del losses[done:]

    evaluate = lower([net.loss, substitute(net.prediction, net.expanded)], [leaf.var for leaf in net.leaves], simplify=False)

    def result_at(weights: list[Array]) -> tuple[float, Array]:
        with np.errstate(all="ignore"):
            loss, prediction = evaluate(*weights, *given)
        return float(loss), np.asarray(prediction)

    final_loss, prediction = result_at(weights)
    diverged_at = None
    if not isfinite(final_loss):
        ending, diverged_at = "diverged", done + 1
        weights, done = before, max(done - 1, 0)
        final_loss, prediction = result_at(weights)
    kept = {w: np.asarray(a) for w, a in zip(net.weights, weights, strict=True)}
    return Training(net, step, learning_rate, losses, kept, prediction, final_loss, done, seconds, ending, diverged_at)
