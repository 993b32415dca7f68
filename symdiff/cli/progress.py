"""The live progress of a training on stderr, for a person at a terminal only: loss, metric, rate, epochs a second, time left."""

from __future__ import annotations

import sys
from time import perf_counter
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from symdiff.cli.console import is_terminal
from symdiff.training.callbacks import EpochEnd

EVERY = 0.1  # seconds between two redraws; between them an epoch costs one look at the clock


class Progress:
    """A context in which `show(epoch, loss)` may be called after every epoch, and `heard(end)` with all that is known of it.

    `wanted` says whether anyone sees it.
    """

    def __init__(self, epochs: int, quiet: bool) -> None:
        self.epochs = epochs
        self.bar: Bar | None = None
        self.more = ""
        if not quiet and is_terminal(sys.stderr):
            columns = (TextColumn("epoch"), MofNCompleteColumn(), BarColumn(), TextColumn("{task.fields[status]}"), TimeRemainingColumn())
            self.bar = Bar(*columns, console=Console(stderr=True), transient=True)

    @property
    def wanted(self) -> bool:
        """Whether there is a terminal to draw on."""
        return self.bar is not None

    def __enter__(self) -> Self:
        self.began = self.shown = perf_counter()
        if self.bar is not None:
            self.bar.start()
            self.task = self.bar.add_task("", total=self.epochs, status="")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.bar is not None:
            self.bar.stop()

    def show(self, epoch: int, loss: float) -> None:
        """Redraw, if the last time is long enough ago."""
        if self.bar is None or (now := perf_counter()) - self.shown < EVERY:
            return
        self.shown = now
        speed = epoch / (now - self.began)
        self.bar.update(self.task, completed=epoch, status=f"loss {loss:.9f}{self.more}   {speed:,.0f} epochs/s")

    def heard(self, end: EpochEnd) -> None:
        """Keep what the next redraw shows beside the loss: the validation's accuracy or loss, and the rate."""
        if end.validation_accuracy is not None:
            self.more = f"   validation {100 * end.validation_accuracy:.1f} %   η {end.rate:.3g}"
        elif end.validation_loss is not None:
            self.more = f"   validation {end.validation_loss:.6f}   η {end.rate:.3g}"
        else:
            self.more = f"   η {end.rate:.3g}"
