"""Trainings over a grid of settings: every combination is trained, and how each ended and how fast it converged is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import inf, prod
from typing import Any

from symdiff.errors import BadSetting, UnknownName, did_you_mean
from symdiff.training.convergence import Convergence, fit_convergence
from symdiff.training.loop import Ending, train
from symdiff.training.net import Net
from symdiff.training.starts import random_start

MOST = 1000  # trainings

# What may be swept, and how a value is read from text. `seed` draws start weights from N(0, 1), and the batches.
SWEPT: dict[str, Callable[[str], Any]] = {
    "learning_rate": float,
    "update": str,
    "optimizer": str,
    "rate_schedule": str,
    "penalty": str,
    "clip": str,
    "batch": int,
    "seed": int,
}


@dataclass(frozen=True)
class Trial:
    """One training of a sweep. `reached` is the first epoch whose loss is at most the target, None if there is none."""

    settings: dict[str, Any]
    first_loss: float
    final_loss: float
    epochs: int
    ending: Ending
    reached: int | None
    convergence: Convergence
    seconds: float


@dataclass(frozen=True)
class Sweep:
    """All trials of a grid, the last setting running fastest. `grid` has the values of each setting."""

    net: Net
    grid: dict[str, tuple[Any, ...]]
    epochs: int
    target_loss: float | None
    trials: tuple[Trial, ...]

    @property
    def best(self) -> Trial:
        """The lowest final loss of those that did not diverge, or the first if all did."""
        return min(self.trials, key=lambda t: (t.ending == "diverged", t.final_loss))


def sweep(
    net: Net,
    grid: Mapping[str, Sequence[Any]],
    *,
    epochs: int | None = None,
    target_loss: float | None = None,
    on_trial: Callable[[int, int], None] | None = None,
    **settings: Any,
) -> Sweep:
    """Train a network with every combination of the settings in `grid`, a mapping from names in SWEPT to values.

    `on_trial(done, of)` hears of every training that ended. Epochs and target are the net's own by default; `settings` are those that all
    trainings share, as `train` takes them.
    Raises: UnknownName for a setting that is not swept; BadSetting for an empty or too large grid, and as `train`.

    >>> from symdiff.training.nets import mazur
    >>> [round(t.final_loss, 4) for t in sweep(mazur(), {'learning_rate': [0.1, 1.0]}, epochs=20).trials]
    [0.2681, 0.0684]
    """
    for name, values in grid.items():
        if name not in SWEPT:
            raise UnknownName(f"sweep: there is no setting {name!r}{did_you_mean(name, SWEPT)}. Settings: {', '.join(SWEPT)}")
        if not values:
            raise BadSetting(f"sweep: {name} has no values")
        if len(set(values)) < len(values):
            raise BadSetting(f"sweep: {name} has a value twice: {', '.join(map(str, values))}")
    count = prod(len(values) for values in grid.values())
    if not grid or count > MOST:
        raise BadSetting(f"sweep: {count if grid else 'no'} combinations are given, 1 to {MOST:,} are wanted")
    target = net.target_loss if target_loss is None else target_loss
    if target is not None and not 0 < target < inf:
        raise BadSetting(f"target loss: {target} is given, a positive number is wanted")
    trials = []
    for values in product(*grid.values()):
        trials.append(_trial(net, dict(zip(grid, values, strict=True)), target, {"epochs": epochs, **settings}))
        if on_trial is not None:
            on_trial(len(trials), count)
    return Sweep(net, {name: tuple(values) for name, values in grid.items()}, epochs or net.epochs, target, tuple(trials))


def _trial(net: Net, own: Mapping[str, Any], target: float | None, shared: Mapping[str, Any]) -> Trial:
    start = {"start": random_start(net, own["seed"])} if "seed" in own else {}
    t = train(net, **{**shared, **own, **start})
    losses = [*t.losses, t.final_loss]
    return Trial(
        settings=dict(own),
        first_loss=losses[0],
        final_loss=t.final_loss,
        epochs=t.epochs,
        ending=t.ending,
        reached=next((k for k, loss in enumerate(losses) if loss <= target), None) if target is not None else None,
        convergence=fit_convergence(losses),
        seconds=t.seconds,
    )
