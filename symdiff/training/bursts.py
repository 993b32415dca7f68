"""A training by compiled bursts: the same run (run.py), many updates at a time.

A burst is whole epochs where the data never change and nobody looks at the net in between, and updates of one epoch otherwise. After
each the run stands as if it had gone one update at a time: history, moment and checkpoints do not know the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import Literal

import numpy as np

from symdiff.errors import BadSetting, Unsupported, did_you_mean
from symdiff.expr.nodes import Var
from symdiff.lowering.numba_cache import numba_is_there
from symdiff.lowering.numba_cost import pays_off
from symdiff.training.batches import Batches
from symdiff.training.callbacks import Callback
from symdiff.training.compiled import Burst, CompiledSteps, compiled_steps
from symdiff.training.net import Array, Net
from symdiff.training.run import Moment, Run
from symdiff.training.settings import Settings
from symdiff.training.step import Step

BACKENDS = ("numpy", "numba", "auto")
MOMENT = 0.1  # seconds that a burst is to take: how long Ctrl-C and the bar wait
BYTES = 2**25  # of data that are laid side by side for a burst

Ending = Literal["finished", "stopped", "diverged"]


def choose_steps(backend: str, step: Step, net: Net, batches: Batches, settings: Settings) -> CompiledSteps | None:
    """The compiled steps of a training, or None for NumPy's: 'auto' compiles where that surely pays off, compiling included.

    Raises: BadSetting for an unknown backend; with 'numba', MissingExtra if it is not installed, and Unsupported for a step with an
    operation that it has not.
    """
    if backend not in BACKENDS:
        raise BadSetting(f"backend: there is no {backend!r}{did_you_mean(backend, BACKENDS)}. Backends: {', '.join(BACKENDS)}")
    if backend == "numpy" or (backend == "auto" and not numba_is_there()):
        return None
    changing = [] if batches.constant else [leaf.var for leaf in net.data]
    try:
        steps = compiled_steps(step, net, settings.learning_rate, rate_formula=step.rate, dtype=batches.dtype, changing=changing)
    except Unsupported:
        if backend == "numba":
            raise
        return None
    if backend == "numba":
        return steps
    rows = {leaf.var.shape[0]: batches.size for leaf in net.data if leaf.var.shape and isinstance(leaf.var.shape[0], str)}
    plain, fast, compiling = steps.loop.seconds(rows)
    updates = settings.epochs * batches.per_epoch
    if not pays_off(updates, plain, fast, compiling):
        return None
    try:
        steps.loop.compile()
    except Unsupported:
        return None
    return steps


def go(run: Run, steps: CompiledSteps, on_epoch: Callable[[int, float], None] | None, callbacks: Sequence[Callback]) -> Ending:
    """Train from this moment to the end, and say which end it was; as `Run.go`, in bursts."""
    steps.loop.compile()
    pace = Pace()
    if run.batches.constant and run.validation is None and not callbacks:
        return _epochs_at_once(run, steps, pace, on_epoch)
    while len(run.history) < run.settings.epochs:
        if run.is_out_of_patience():
            return "stopped"
        if not _epoch(run, steps, pace):
            return "diverged"
        if run.epoch_is_over(on_epoch, callbacks):
            return "stopped"
    return "finished"


class Pace:
    """How many updates a burst may have, to take no longer than a moment: one at first, then by the speed of the last burst."""

    def __init__(self) -> None:
        self.updates = 1

    def burst(self, run: Run, steps: CompiledSteps, updates: int, data: dict[Var, Array] | None = None) -> Burst:
        """So many updates from where the run stands."""
        began = perf_counter()
        burst = steps.run(_state(run), updates, data)
        took = max(perf_counter() - began, 1e-6)
        self.updates = max(1, min(8 * self.updates, int(updates * MOMENT / took)))
        return burst


def _epochs_at_once(run: Run, steps: CompiledSteps, pace: Pace, on_epoch: Callable[[int, float], None] | None) -> Ending:
    history = run.history
    while len(history) < run.settings.epochs:
        first = len(history)
        left = run.settings.epochs - first
        if run.keeping is not None:
            left = min(left, run.keeping.every - first % run.keeping.every)
        burst = pace.burst(run, steps, min(pace.updates, left))
        losses, rates = burst.losses, burst.rates
        if losses:
            now = Moment(_values(run, burst.before), _values(run, burst.after), run.now.updates + len(losses), losses[-1], rates[-1])
            try:
                _record(run, first, losses, rates, now)
            except KeyboardInterrupt:  # in the middle of it: the run is to be found whole
                _record(run, first, losses, rates, now)
                raise
        if on_epoch is not None:
            for k, loss in enumerate(losses, first + 1):
                on_epoch(k, loss)
        if not burst.finite:
            return "diverged"
        if run.keeping is not None and len(history) % run.keeping.every == 0:
            run.save()
    return "finished"


def _record(run: Run, first: int, losses: Sequence[float], rates: Sequence[float], now: Moment) -> None:
    """The rows of some epochs, from the first on; done twice it is the same as once."""
    run.history.rate[first:] = rates
    run.history.loss[first:] = losses
    run.now = now


def _epoch(run: Run, steps: CompiledSteps, pace: Pace) -> bool:
    """The updates that are left of an epoch; whether all their losses are finite."""
    per_epoch, epoch = run.batches.per_epoch, len(run.history)
    for shares, data in _stacked(run.batches, pace, epoch, run.now.updates - epoch * per_epoch):
        burst = pace.burst(run, steps, len(shares), data)
        if burst.losses:
            updates = run.now.updates
            fresh = updates % per_epoch == 0
            partial = 0.0 if fresh else run.now.partial
            for share, loss in zip(shares, burst.losses, strict=False):
                partial += share * loss
            rate = burst.rates[0] if fresh else run.now.rate
            run.now = Moment(_values(run, burst.before), _values(run, burst.after), updates + len(burst.losses), partial, rate)
        if not burst.finite:
            return False
    return True


def _stacked(batches: Batches, pace: Pace, epoch: int, first: int) -> Iterator[tuple[list[float], dict[Var, Array] | None]]:
    """The shares and the data of the updates of an epoch, as many side by side as are of one shape, fit, and take no longer than a moment."""
    if batches.constant:
        if first == 0:
            yield [1.0], None
        return
    variables = [leaf.var for leaf in batches.net.data]
    shares: list[float] = []
    waiting: list[tuple[Array, ...]] = []

    def together() -> dict[Var, Array]:
        return {v: np.stack(arrays) for v, arrays in zip(variables, zip(*waiting, strict=True), strict=True)}

    for share, data in batches.of_epoch(epoch, first):
        size = sum(a.nbytes for a in data)
        full = len(waiting) >= pace.updates or size * (len(waiting) + 1) > BYTES
        if waiting and (full or data[0].shape != waiting[0][0].shape):
            yield shares, together()
            shares, waiting = [], []
        shares.append(share)
        waiting.append(data)
    if waiting:
        yield shares, together()


def _state(run: Run) -> list[Array]:
    arrays = run.updater.arrays_of(run.now.values)
    return [arrays[v] for v in run.updater.variables]


def _values(run: Run, arrays: Sequence[Array]) -> Sequence[object]:
    return run.updater.state_of(dict(zip(run.updater.variables, arrays, strict=True)))
