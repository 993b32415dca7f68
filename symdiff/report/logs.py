"""Logs of a training: event files for TensorBoard (extra `logs`), and the same numbers as plain JSON, one line an epoch.

A log is a callback of `train`: it hears of every epoch and writes what it is told. The JSON lines hold no times, so that two runs of one
seed write the same bytes; event files carry the time of day, as their format wants.
"""

from __future__ import annotations

import json
from math import isfinite
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from symdiff.errors import BadSetting, MissingExtra
from symdiff.training.callbacks import EpochEnd
from symdiff.training.net import Net

NAME = "history.jsonl"
SCALARS = {  # of an epoch, by their tags in TensorBoard
    "loss": "loss/training",
    "rate": "rate",
    "validation_loss": "loss/validation",
    "validation_accuracy": "accuracy/validation",
}
HISTOGRAMS = 50  # of each parameter, at most, over a training


def check_logs(folder: Path) -> None:
    """Raises: MissingExtra, with the line that installs it, without tensorboardX; BadSetting if the folder cannot be made."""
    try:
        import tensorboardX  # noqa: F401
    except ImportError:
        raise MissingExtra("event files need tensorboardX, which is not installed: pip install -e '.[logs]'") from None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSetting(f"cannot make the folder {str(folder)!r}: {error.strerror or error}") from None


class TrainingLog:
    """A callback that writes every epoch to a folder, to be used as a context: `with TrainingLog(folder, net, epochs) as log`.

    A training that is resumed writes on: lines of epochs that come again are replaced.
    Raises: as check_logs.
    """

    def __init__(self, folder: Path, net: Net, epochs: int) -> None:
        check_logs(folder)
        self.folder = folder
        self.parameters = net.weights
        self.apart = max(1, epochs // HISTOGRAMS)

    def __enter__(self) -> Self:
        from tensorboardX import SummaryWriter

        self.path = self.folder / NAME
        self.lines = self.path.open("a+", encoding="utf-8")
        self.first = True
        self.events: Any = SummaryWriter(str(self.folder))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.lines.close()
        self.events.close()

    def __call__(self, end: EpochEnd) -> None:
        """Write one epoch."""
        if self.first:
            self._forget(end.epoch)
            self.first = False
        row: dict[str, Any] = {"epoch": end.epoch, "updates": end.updates}
        for name, tag in SCALARS.items():
            value = getattr(end, name)
            if value is not None:
                row[name] = value if isfinite(value) else None
                self.events.add_scalar(tag, value, end.epoch)
        self.lines.write(json.dumps(row) + "\n")
        self.lines.flush()
        if end.epoch % self.apart == 0:
            arrays = end.arrays()
            for w in self.parameters:
                if np.isfinite(arrays[w]).all():
                    self.events.add_histogram(f"weights/{w.name}", np.ravel(arrays[w]), end.epoch)

    def _forget(self, epoch: int) -> None:
        """Drop the lines of an earlier run from an epoch on."""
        self.lines.seek(0)
        kept = [line for line in self.lines if json.loads(line)["epoch"] < epoch]
        self.lines.seek(0)
        self.lines.truncate()
        self.lines.writelines(kept)


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The rows of a log, one an epoch. Raises: BadSetting if there is none."""
    try:
        return [json.loads(line) for line in (folder / NAME).read_text(encoding="utf-8").splitlines()]
    except OSError as error:
        raise BadSetting(f"cannot read a log in {str(folder)!r}: {error.strerror or error}") from None
