"""What a training leaves behind, epoch by epoch. Times are no part of it: two runs of one seed have the same history."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from symdiff.training.evaluation import Evaluation


@dataclass
class History:
    """One number an epoch in each list; those of the validation are empty without one, or where there are no classes.

    `loss` is the mean of the losses before the epoch's updates (with one update an epoch: the loss before it), without any penalty;
    `rate` that of the epoch's first update. `validation_loss` and `validation_accuracy` are those after the epoch.
    """

    loss: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.loss)

    def append(self, loss: float, rate: float, validation: Evaluation | None) -> None:
        """One more epoch; `loss` comes last, so that the length counts whole epochs only, whatever interrupts."""
        self.rate.append(rate)
        if validation is not None:
            self.validation_loss.append(validation.loss)
            if validation.accuracy is not None:
                self.validation_accuracy.append(validation.accuracy)
        self.loss.append(loss)

    def cut(self, epochs: int) -> None:
        """Forget what comes after so many epochs."""
        for column in self.columns().values():
            del column[epochs:]

    def columns(self) -> dict[str, list[float]]:
        """The lists by their names."""
        return {f.name: getattr(self, f.name) for f in fields(self)}
