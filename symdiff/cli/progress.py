"""The live progress of a training on stderr: loss and epochs per second, for a person at a terminal only."""

from __future__ import annotations

import sys
from time import perf_counter
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from symdiff.cli.console import is_terminal

EVERY = 0.1  # seconds between two redraws; between them an epoch costs one look at the clock


class Progress:
    """A context in which `show(epoch, loss)` may be called after every epoch."""

    def __init__(self, epochs: int, quiet: bool) -> None:
        self.epochs = epochs
        self.bar: Bar | None = None
        if not quiet and is_terminal(sys.stderr):
            columns = (TextColumn("epoch"), MofNCompleteColumn(), BarColumn(), TextColumn("{task.fields[status]}"), TimeRemainingColumn())
            self.bar = Bar(*columns, console=Console(stderr=True), transient=True)

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
        rate = epoch / (now - self.began)
        self.bar.update(self.task, completed=epoch, status=f"loss {loss:.9f}   {rate:,.0f} epochs/s")
