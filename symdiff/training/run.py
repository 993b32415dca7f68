"""A training under way: what it is at a moment, how it goes on, and how it is kept on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from math import isfinite
from pathlib import Path
from time import perf_counter
from typing import Any, Literal, NamedTuple

import numpy as np

from symdiff.api.programs import lower
from symdiff.errors import BadSetting
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import variables
from symdiff.training.batches import Batches
from symdiff.training.callbacks import Callback, EpochEnd
from symdiff.training.checkpoints import check_same, check_unused, load, make_folder, require_safetensors, save
from symdiff.training.evaluation import Evaluation, Evaluator
from symdiff.training.history import History
from symdiff.training.net import Array, Net
from symdiff.training.settings import Settings
from symdiff.training.step import RATE, Step
from symdiff.training.updater import Updater, Values


class Moment(NamedTuple):
    """The state before the last update and after it; the number of updates; of the epoch of the last update, the part of its mean loss
    so far and the rate of its first update."""

    before: Values
    values: Values
    updates: int
    partial: float
    rate: float


class Best(NamedTuple):
    """The epoch with the lowest validation loss, and the state after it."""

    epoch: int
    loss: float
    values: Values


@dataclass
class Keeping:
    """Where checkpoints go and how many epochs apart; `last` is the newest, `identity` what each must agree with."""

    folder: Path
    every: int
    keep: int
    identity: dict[str, Any]
    options: Mapping[str, Any]
    last: Path | None = None

    @classmethod
    def of(
        cls,
        net: Net,
        folder: str | Path | None,
        every: int | None,
        keep: int,
        resume: str | Path | None,
        settings: Settings,
        options: Mapping[str, Any],
    ) -> Keeping | None:
        """What `train` was asked for; None for no checkpoints at all.

        Raises: BadSetting for numbers below 1; CheckpointError for a folder in use, unless it is that of the training taken up again.
        """
        for name, value in {"every": every, "keep": keep}.items():
            if value is not None and value < 1:
                raise BadSetting(f"{name}: {value} is given, a whole number from 1 on is wanted")
        if folder is None and resume is None:
            return None
        require_safetensors()
        resumed = Path(resume) if resume is not None and Path(resume).is_dir() else Path(resume or "").parent
        place = resumed if folder is None else Path(folder)
        if resume is None or place.resolve() != resumed.resolve():
            check_unused(place)
        make_folder(place)
        identity = {"name": net.name, "net": net.fingerprint, "data": digest_of(net), "settings": settings.to_dict()}
        return cls(place, every or max(1, settings.epochs // 20), keep, identity, options)


def digest_of(net: Net) -> str:
    """A digest of all that is given to a net and not trained: its data and its fixed parameters."""
    digest = sha256()
    for leaf in (*net.fixed, *net.data):
        digest.update(f"{leaf.var.name} {leaf.value.shape} {leaf.value.dtype}".encode())
        digest.update(np.ascontiguousarray(leaf.value).tobytes())
    return digest.hexdigest()


@dataclass
class Run:
    """A training under way. `go` trains on; `now` is what it is at this moment, `history` what it was."""

    net: Net
    settings: Settings
    step: Step
    batches: Batches
    updater: Updater
    evaluator: Evaluator
    validation: Net | None
    keeping: Keeping | None
    start: dict[Var, Array]
    history: History = field(default_factory=History)
    best: Best | None = None
    seconds_before: float = 0.0

    def __post_init__(self) -> None:
        first = self.updater.state_of(self.start)
        self.now = Moment(first, first, 0, 0.0, self.settings.learning_rate)
        self.saved: int | None = None
        self.began = perf_counter()

    def go(
        self, on_epoch: Callable[[int, float], None] | None, callbacks: Sequence[Callback]
    ) -> Literal["finished", "stopped", "diverged"]:
        """Train from this moment to the end, and say which end it was."""
        update, batches, history = self.updater.update, self.batches, self.history
        per_epoch, rate_at = batches.per_epoch, self._rate()
        while len(history) < self.settings.epochs:
            if self.is_out_of_patience():
                return "stopped"
            epoch = len(history)
            for share, data in batches.of_epoch(epoch, self.now.updates - epoch * per_epoch):
                _, values, updates, partial, rate = self.now
                if updates % per_epoch == 0:
                    partial, rate = 0.0, rate_at(values)
                loss, *new = update(values, data)
                loss = float(loss)
                if not isfinite(loss):
                    return "diverged"
                self.now = Moment(values, new, updates + 1, partial + share * loss, rate)
            if self.epoch_is_over(on_epoch, callbacks):
                return "stopped"
        return "finished"

    def epoch_is_over(self, on_epoch: Callable[[int, float], None] | None, callbacks: Sequence[Callback]) -> bool:
        """Record an epoch whose updates are done, keep it and tell of it; whether a callback wants to end."""
        validation = self._end_epoch()
        if self.keeping is not None and len(self.history) % self.keeping.every == 0:
            self.save()
        if on_epoch is not None:
            on_epoch(len(self.history), self.history.loss[-1])
        return bool(callbacks) and self._told(callbacks, validation)

    def _end_epoch(self) -> Evaluation | None:
        """Write the epoch into the history, which makes it count."""
        validation = None
        if self.validation is not None:
            validation = self.evaluator(self.validation, self.updater.arrays_of(self.now.values), self.batches.dtype)
            if isfinite(validation.loss) and (self.best is None or validation.loss < self.best.loss):
                self.best = Best(len(self.history) + 1, validation.loss, self.now.values)
        self.history.append(self.now.partial, self.now.rate, validation)
        return validation

    def tidy(self) -> None:
        """After an interrupt: finish the row of an epoch whose updates are all done, forget one that is half written."""
        self.history.cut(len(self.history))
        if self.now.updates == (len(self.history) + 1) * self.batches.per_epoch:
            self._end_epoch()

    def is_out_of_patience(self) -> bool:
        """Whether the validation loss has not fallen for so many epochs as the settings allow."""
        patience = self.settings.patience
        return patience is not None and len(self.history) - (self.best.epoch if self.best else 0) >= patience

    def _told(self, callbacks: Sequence[Callback], validation: Evaluation | None) -> bool:
        """Tell every callback of the epoch; whether one of them wants to end."""
        values = self.now.values
        end = EpochEnd(
            epoch=len(self.history),
            updates=self.now.updates,
            loss=self.history.loss[-1],
            rate=self.now.rate,
            validation_loss=None if validation is None else validation.loss,
            validation_accuracy=None if validation is None else validation.accuracy,
            arrays=lambda: self.updater.arrays_of(values),
        )
        wishes = [callback(end) for callback in callbacks]  # every one of them hears it
        return any(wishes)

    def _rate(self) -> Callable[[Values], float]:
        """The rate of the next update, of a state."""
        given, formula = self.settings.learning_rate, self.step.rate
        if formula is RATE:
            return lambda values: given
        places = {v: self.updater.place(v) for v in variables(formula) if v is not RATE}
        program = lower([formula], [RATE, *places], simplify=False, fast=True, name="rate")
        return lambda values: float(program(given, *(values[k] for k in places.values()))[0])

    # --- on disk ----------------------------------------------------------------------------------------------------
    def save(self) -> None:
        """Write a checkpoint of this moment, where they are wanted and there is none of it yet."""
        keeping = self.keeping
        if keeping is None or self.saved == self.now.updates:
            return
        arrays = {f"now/{v.name}": a for v, a in self.updater.arrays_of(self.now.values).items()}
        if self.best is not None:
            arrays |= {f"best/{v.name}": a for v, a in self.updater.arrays_of(self.best.values).items()}
        record = {
            **keeping.identity,
            "epoch": len(self.history),
            "partial": self.now.partial,
            "rate": self.now.rate,
            "best": None if self.best is None else {"epoch": self.best.epoch, "loss": self.best.loss},
            "history": self.history.columns(),
            "seconds": self.seconds_before + perf_counter() - self.began,
            "options": dict(keeping.options),
        }
        keeping.last = save(keeping.folder, self.now.updates, arrays, record, keeping.keep)
        self.saved = self.now.updates

    def resume(self, where: str | Path) -> None:
        """Become what a checkpoint holds. Raises: CheckpointError, BadSetting if it is damaged, of another training, or past the epochs."""
        assert self.keeping is not None
        found = load(where)
        check_same(found, **self.keeping.identity)
        record = found.record

        def state(part: str) -> Values:
            return self.updater.state_of({v: found.arrays[f"{part}/{v.name}"] for v in self.updater.variables})

        values, best = state("now"), record["best"]
        self.history = History(**record["history"])
        if len(self.history) > self.settings.epochs:
            raise BadSetting(
                f"epochs: {self.settings.epochs} is given, but {found.path} is of epoch {len(self.history)}: "
                f"a number from {len(self.history)} on is wanted, or an older checkpoint"
            )
        self.now = Moment(values, values, record["updates"], record["partial"], record["rate"])
        self.best = None if best is None else Best(best["epoch"], best["loss"], state("best"))
        self.seconds_before = record["seconds"]
        self.keeping.last, self.saved = found.path, record["updates"]
