"""The settings of a training, checked and in one place: what a checkpoint must agree with to be taken up again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from symdiff.errors import BadSetting
from symdiff.expr.nodes import Var
from symdiff.training.net import Net
from symdiff.training.optimizers import Optimizer
from symdiff.training.penalties import Clip, Penalty, read_clip, read_penalty
from symdiff.training.rates import RateSchedule, read_rate
from symdiff.training.second_order import JointOptimizer, read_method


@dataclass(frozen=True)
class Settings:
    """Numbers, and specs as texts that read back as the same choice. `batch` is None for all rows at once; `backend` is the one that
    was taken, 'numpy' or 'numba', which round differently."""

    epochs: int
    learning_rate: float
    dtype: str
    seed: int
    batch: int | None
    update: str
    order: tuple[str, ...] | None
    optimizer: str
    rate_schedule: str
    penalty: str | None
    clip: str | None
    patience: int | None
    backend: str = "numpy"

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


def make_settings(
    net: Net,
    *,
    epochs: int | None,
    learning_rate: float | None,
    dtype: DTypeLike,
    seed: int,
    batch: int | None,
    per_epoch: int,
    update: str,
    order: Sequence[Var | str] | None,
    optimizer: Optimizer | JointOptimizer | str,
    rate_schedule: RateSchedule | str | None,
    penalty: Penalty | str | None,
    clip: Clip | str | None,
    patience: int | None,
) -> Settings:
    """The settings as they are meant: what is None is the net's own, or the optimizer's usual rate where it is not gradient descent.

    Raises: BadSetting for a number out of range; UnknownName for a spec that names what is not there.
    """
    method, shrink, limit = read_method(optimizer), read_penalty(penalty), read_clip(clip)
    epochs = net.epochs if epochs is None else epochs
    if epochs < 1:
        raise BadSetting(f"epochs: {epochs} is given, at least 1 is wanted")
    if learning_rate is None:
        learning_rate = net.learning_rate if method.name == "sgd" else method.kind.usual_rate
    if not 0 < learning_rate < float("inf"):
        raise BadSetting(f"learning rate: {learning_rate} is given, a positive number is wanted")
    number: Any = np.dtype(dtype).type
    with np.errstate(over="ignore"):
        if not isfinite(number(learning_rate)):
            raise BadSetting(f"learning rate: {learning_rate} is given, which {np.dtype(dtype)} cannot hold")
    if seed < 0:
        raise BadSetting(f"seed: {seed} is given, a whole number from 0 on is wanted")
    if patience is not None and patience < 1:
        raise BadSetting(f"patience: {patience} is given, a whole number of epochs from 1 on is wanted")
    return Settings(
        epochs,
        float(learning_rate),
        np.dtype(dtype).name,
        seed,
        batch,
        update,
        None if order is None else tuple(o if isinstance(o, str) else o.name for o in order),
        method.spec,
        read_rate(rate_schedule, steps=epochs * per_epoch).spec,
        None if shrink is None else shrink.spec,
        None if limit is None else limit.spec,
        patience,
    )
