"""The training loop: it calls the generated step and keeps a history. No formula is looked at while it runs.

It prints nothing. It ends early at a loss that is not finite, at Ctrl-C, where a callback says so, and where the validation loss no
longer falls; in each case it returns what it has. All that a run is at a moment stands in one tuple, which is replaced as a whole after
every update, so that an interrupt finds it whole; a checkpoint (run.py) is that tuple on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike

from symdiff.errors import BadSetting, BindingError
from symdiff.expr.nodes import Var
from symdiff.training.batches import batches_of
from symdiff.training.bursts import choose_steps, go
from symdiff.training.callbacks import Callback
from symdiff.training.data import Dataset, fitted
from symdiff.training.evaluation import Evaluation, Evaluator
from symdiff.training.history import History
from symdiff.training.net import Array, Net
from symdiff.training.optimizers import Optimizer
from symdiff.training.penalties import Clip, Penalty
from symdiff.training.rates import RateSchedule
from symdiff.training.run import Keeping, Run
from symdiff.training.second_order import JointOptimizer
from symdiff.training.settings import Settings, make_settings
from symdiff.training.step import Step, training_step
from symdiff.training.updater import make_updater

Ending = Literal["finished", "interrupted", "diverged", "stopped"]


@dataclass(frozen=True)
class Training:
    """What a training came to.

    `epochs` whole epochs and `updates` updates went into `weights`, at which the net comes to `final` on the data it was trained on.
    `ending` is 'diverged' where the loss before update `diverged_at` was not finite, 'stopped' where patience or a callback ended it.
    With patience, the weights are those after `best_epoch`. `state` is what the optimizer keeps; `checkpoint` the last one written.
    """

    net: Net
    step: Step
    settings: Settings
    history: History
    weights: dict[Var, Array]
    state: dict[Var, Array] = field(repr=False)
    final: Evaluation
    epochs: int
    updates: int
    seconds: float
    ending: Ending
    diverged_at: int | None
    best_epoch: int | None = None
    checkpoint: Path | None = None

    @property
    def learning_rate(self) -> float:
        """The rate, before any schedule."""
        return self.settings.learning_rate

    @property
    def losses(self) -> list[float]:
        """`losses[k]` is the loss of epoch k + 1: with one update an epoch, that before update k + 1."""
        return self.history.loss

    @property
    def prediction(self) -> Array:
        """The predictions of the trained net on its data."""
        return self.final.prediction

    @property
    def final_loss(self) -> float:
        """The loss of the trained net on its data."""
        return self.final.loss


def train(
    net: Net,
    *,
    epochs: int | None = None,
    learning_rate: float | None = None,
    dtype: DTypeLike = np.float64,
    start: Mapping[Var, Array] | None = None,
    seed: int = 0,
    batch: int | None = None,
    update: str = "parallel",
    order: Sequence[Var | str] | None = None,
    optimizer: Optimizer | JointOptimizer | str = "sgd",
    rate_schedule: RateSchedule | str | None = None,
    penalty: Penalty | str | None = None,
    clip: Clip | str | None = None,
    validation: Dataset | None = None,
    patience: int | None = None,
    on_epoch: Callable[[int, float], None] | None = None,
    callbacks: Sequence[Callback] = (),
    checkpoint: str | Path | None = None,
    every: int | None = None,
    keep: int = 3,
    resume: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    backend: str = "numpy",
) -> Training:
    """Train a network on its data; defaults are the net's own, full batches and gradient descent.

    epochs, learning_rate, dtype: numbers; `start` replaces start weights. batch: rows an update, shuffled anew for every epoch by
    `seed`, the last batch short. update, order, optimizer, rate_schedule, penalty, clip: as training_step takes them.
    validation: rows that are looked at after every epoch; `patience`: end after so many epochs without a lower validation loss, and go
    back to the weights of the lowest. on_epoch(epoch, loss) and callbacks (callbacks.py) hear of every epoch.
    checkpoint: a folder, written to `every` so many epochs (a twentieth of all by default) and at the end; the last `keep` stay.
    resume: such a folder, or one checkpoint in it: go on where it was written, to the same weights and history, bit by bit, as if there
    had been no interruption; only `epochs` may change. `options` is JSON data that a checkpoint keeps for its reader.
    backend: 'numpy'; 'numba' compiles the whole loop (extra `jit`), to the same numbers but for rounding; 'auto' does so where it is
    sure to pay off, compiling included.
    Raises: BadSetting for a setting out of range or one that does not fit another; BindingError for an unknown start; DataError for
    validation rows that do not fit; CheckpointError for a checkpoint that is damaged, or that belongs to something else.

    >>> from symdiff.training.nets import mazur
    >>> f'{train(mazur(), epochs=1).losses[0]:.9f}'
    '0.298371109'
    """
    if net.sampled:
        raise BadSetting(f"{net.name} has no data yet: fit it to some, as in fitted(net, find_data('digits'))")
    batches = batches_of(net, batch, seed, dtype)
    settings = make_settings(
        net, epochs=epochs, learning_rate=learning_rate, dtype=dtype, seed=seed, batch=batch, per_epoch=batches.per_epoch, update=update,
        order=order, optimizer=optimizer, rate_schedule=rate_schedule, penalty=penalty, clip=clip, patience=patience,
    )  # fmt: skip
    if patience is not None and validation is None:
        raise BadSetting("patience looks at the validation loss: hold out some rows for it")
    values = _start_values(net, start)
    step = training_step(
        net, update=update, order=settings.order, optimizer=settings.optimizer, rate_schedule=settings.rate_schedule,
        penalty=settings.penalty, clip=settings.clip,
    )  # fmt: skip
    compiled = choose_steps(backend, step, net, batches, settings)
    settings = replace(settings, backend="numpy" if compiled is None else "numba")
    run = Run(
        net=net,
        settings=settings,
        step=step,
        batches=batches,
        updater=make_updater(step, net, batches, settings.learning_rate),
        evaluator=Evaluator(net),
        validation=None if validation is None else fitted(net, validation),
        keeping=Keeping.of(net, checkpoint, every, keep, resume, settings, options or {}),
        start=values | step.state,
    )
    if resume is not None:
        run.resume(resume)
    ending: Ending = "finished"
    began = perf_counter()
    try:
        with np.errstate(all="ignore"):  # overflow is looked for in the loss
            ending = run.go(on_epoch, callbacks) if compiled is None else go(run, compiled, on_epoch, callbacks)
    except KeyboardInterrupt:
        ending = "interrupted"
    if _closed(run, ending):
        ending = "interrupted"
    return _result(run, ending, perf_counter() - began)


def _closed(run: Run, ending: Ending) -> bool:
    """Bring a run to order and on disk; whether Ctrl-C came meanwhile, at which it is done once more."""

    def close() -> None:
        run.tidy()
        if ending != "diverged":
            run.save()

    try:
        close()
    except KeyboardInterrupt:
        close()
        return True
    return False


def _start_values(net: Net, start: Mapping[Var, Array] | None) -> dict[Var, Array]:
    values = net.values() | dict(start or {})
    if unknown := [v.name for v in values if v not in net.values()]:
        raise BindingError(f"{net.name} has no parameter {', '.join(unknown)}. Parameters: {', '.join(w.name for w in net.weights)}")
    for leaf in net.leaves:
        if np.shape(values[leaf.var]) != leaf.value.shape:
            raise BindingError(f"{leaf.var.name}: {leaf.value.shape} is expected, a start of shape {np.shape(values[leaf.var])} is given")
    return values


def _result(run: Run, ending: Ending, seconds: float) -> Training:
    """The training that a run makes: at the best weights with patience, else at the last whose loss is finite."""
    now = run.now
    dtype = run.batches.dtype
    best = run.best if run.settings.patience is not None else None
    epochs, updates = len(run.history), now.updates
    arrays = run.updater.arrays_of(best.values if best else now.values)
    final = run.evaluator(run.net, arrays, dtype)
    diverged_at = None
    if best is None and (ending == "diverged" or not isfinite(final.loss)):
        diverged_at, ending = updates + 1, "diverged"
        if not isfinite(final.loss):
            arrays, updates = run.updater.arrays_of(now.before), max(updates - 1, 0)
            epochs = min(epochs, updates // run.batches.per_epoch)
            final = run.evaluator(run.net, arrays, dtype)
    weights = {w: arrays[w] for w in run.net.weights}
    state = {v: a for v, a in arrays.items() if v not in weights}
    return Training(
        run.net, run.step, run.settings, run.history, weights, state, final, epochs, updates, run.seconds_before + seconds, ending,
        diverged_at, run.best.epoch if run.best else None, run.keeping.last if run.keeping else None,
    )  # fmt: skip
