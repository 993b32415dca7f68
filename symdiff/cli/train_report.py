"""What `train` prints: predictions beside targets, losses, time, and the gradient formulas that were used; and the same as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from symdiff.cli.layout import table
from symdiff.cli.matrix_text import gradient_lines
from symdiff.cli.notation import Notation
from symdiff.expr.leaves import var
from symdiff.expr.nodes import Var
from symdiff.training.evaluation import Evaluation
from symdiff.training.formulas import matrix_formulas
from symdiff.training.loop import Training
from symdiff.training.net import Array, Net
from symdiff.training.tasks import Task

MOST_SHOWN = 16  # rows of predictions that are printed one by one
MOST_WEIGHTS = 4096  # numbers of weights that JSON has; more are for a checkpoint


@dataclass(frozen=True)
class Report:
    """A training with what belongs to it: its task, the rows held out, the loss that it should reach."""

    task: Task
    training: Training
    test: Evaluation | None
    goal: float | None

    @property
    def reached(self) -> bool:
        """Whether it ended by itself, at or below its target."""
        return self.training.ending in ("finished", "stopped") and (self.goal is None or self.training.final_loss <= self.goal)

    @property
    def verdict(self) -> str:
        """How it ended, in words."""
        training = self.training
        if training.ending == "interrupted":
            return f"stopped by Ctrl-C after {training.epochs:,} epochs"
        if training.ending == "diverged":
            return f"the loss before update {training.diverged_at} is not finite: these are the last weights whose loss is finite"
        if training.ending == "stopped":
            return f"stopped early: the weights are those of epoch {training.best_epoch}, whose validation loss is the lowest"
        if self.goal is None:
            return f"all {training.epochs:,} epochs done"
        return f"loss at most {self.goal:g}: {'reached' if self.reached else 'NOT reached'}"


def as_data(report: Report) -> dict[str, Any]:
    """The result of a training for JSON. `history.loss[k]` is the loss of epoch k + 1; `final_loss` that after the last."""
    training, test = report.training, report.test
    net, history = training.net, training.history.columns()
    notation = Notation("unicode")
    formulas = matrix_formulas(net, net.weights[::-1])
    few = _examples(net) <= MOST_SHOWN
    return {
        "command": "train",
        "net": report.task.title,
        "description": net.description,
        "data": report.task.choices.data,
        "start": net.start,
        **training.settings.to_dict(),
        "ending": training.ending,
        "diverged_at": training.diverged_at,
        "epochs": training.epochs,
        "updates": training.updates,
        "seconds": training.seconds,
        "epochs_per_second": _speed(training),
        "first_loss": training.losses[0] if training.losses else training.final_loss,
        "final_loss": training.final_loss,
        "target_loss": report.goal,
        "target_reached": report.reached,
        "accuracy": training.final.accuracy,
        "best_epoch": training.best_epoch,
        "validation_loss": history["validation_loss"][-1] if history["validation_loss"] else None,
        "validation_accuracy": history["validation_accuracy"][-1] if history["validation_accuracy"] else None,
        "test_loss": None if test is None else test.loss,
        "test_accuracy": None if test is None else test.accuracy,
        "confusion": (test or training.final).confusion,
        "target": net.values().get(net.target) if few else None,
        "prediction": training.prediction if few else None,
        "weights": {w.name: a for w, a in training.weights.items()}
        if sum(a.size for a in training.weights.values()) <= MOST_WEIGHTS
        else None,
        "checkpoint": None if training.checkpoint is None else str(training.checkpoint),
        "gradients": [{"wrt": w.name, "formula": notation.formula(g)} for w, g in formulas.gradients.items()],
        "cotangents": [{"name": c.name, "formula": notation.formula(g)} for c, g in formulas.cotangents.items()],
        "history": history,
    }


def summary(report: Report) -> str:
    """One line: losses, epochs, time, accuracy, whether the target is reached."""
    training = report.training
    first = training.losses[0] if training.losses else training.final_loss
    right = [] if report.test is None or report.test.accuracy is None else [f"test accuracy {_percent(report.test.accuracy)}"]
    done = f"loss {first:.9f} -> {training.final_loss:.9f} after {training.epochs:,} epochs in {training.seconds:.2f} s"
    return f"{report.task.title}: {', '.join([done, *right, report.verdict])}"


def page(report: Report, columns: int) -> list[str]:
    """The report in lines of at most so many columns."""
    training, net = report.training, report.training.net
    return [
        f"{report.task.title}   {net.description}"[:columns],
        *table(_how(report)),
        "",
        *(_predictions(training) if _examples(net) <= MOST_SHOWN else _classes(report)),
        "",
        *table(_results(report)),
        "",
        "Gradients used",
        *gradient_lines(matrix_formulas(net, net.weights[::-1]), Notation("unicode"), columns),
    ]


def _how(report: Report) -> list[tuple[str, str]]:
    """Where it started and how it descended."""
    settings, rows = report.training.settings, report.task.rows
    batch = "full batch" if settings.batch is None else f"batches of {settings.batch}"
    updates = "all weights updated at once" if settings.update == "parallel" else f"{settings.update} updates"
    found = [("start", report.training.net.start), ("rate", f"{settings.learning_rate:g}, {settings.dtype}, {batch}, {updates}")]
    chosen = [settings.optimizer, settings.rate_schedule, *(spec for spec in (settings.penalty, settings.clip) if spec)]
    if extra := [spec for spec in chosen if spec not in ("sgd", "constant")]:
        found.append(("by", ", ".join(extra)))
    if rows is not None:
        parts = [
            (len(rows.train), "to train on"),
            *((len(p), name) for p, name in ((rows.validation, "for validation"), (rows.test, "to test")) if p),
        ]
        found.append(("data", f"{rows.train.name}: {', '.join(f'{count:,} rows {name}' for count, name in parts)}"))
    return found


def _results(report: Report) -> list[tuple[str, str]]:
    training, test, history = report.training, report.test, report.training.history
    first = training.losses[0] if training.losses else training.final_loss
    rows = [("loss", f"{first:.9f} at first, {training.final_loss:.9f} after {training.epochs:,} epochs")]
    if training.final.accuracy is not None:
        rows.append(("accuracy", _percent(training.final.accuracy)))
    if history.validation_loss:
        epoch = training.best_epoch or len(history)
        right = f", accuracy {_percent(history.validation_accuracy[epoch - 1])}" if history.validation_accuracy else ""
        rows.append(("validation", f"loss {history.validation_loss[epoch - 1]:.9f}{right} at epoch {epoch}"))
    if test is not None:
        rows.append(("test", f"loss {test.loss:.9f}" + ("" if test.accuracy is None else f", accuracy {_percent(test.accuracy)}")))
    rows += [("target", report.verdict), ("time", f"{training.seconds:.2f} s, {_speed(training):,.0f} epochs/s")]
    if training.checkpoint is not None:
        rows.append(("checkpoint", f"{training.checkpoint}"))
    return rows


def _classes(report: Report) -> list[str]:
    """True classes against predicted ones: of the rows held out, or of all where none are."""
    confusion = (report.test or report.training.final).confusion
    if confusion is None or len(confusion) > MOST_SHOWN:
        return []
    rows = [("true", *(f"as {k}" for k in range(len(confusion))))]
    rows += [(str(k), *(str(count) for count in row)) for k, row in enumerate(confusion.tolist())]
    return [f"Predicted, {'of the test rows' if report.test else 'of the rows trained on'}", *table(rows, right=range(len(rows[0])))]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _examples(net: Net) -> int:
    """Rows of predictions; 1 for a net without a batch."""
    shape = net.prediction.shape
    return len(next(leaf.value for leaf in net.data)) if shape and isinstance(shape[0], str) else 1


def _predictions(training: Training) -> list[str]:
    """One row an example: its inputs, the targets and the predictions."""
    net = training.net
    values = net.values()
    inputs = net.inputs
    targets = next(leaf for leaf in net.data if leaf.var is net.target)
    notation = Notation("unicode")
    heads = [notation.name(var(name)) for leaf in inputs for name in leaf.entries]
    outputs = next(d.entries for d in net.definitions if d.var is net.prediction)
    rows: list[tuple[str, ...]] = [(*heads, *targets.entries, *outputs)]
    given = np.hstack([_rows(leaf.var, values[leaf.var]) for leaf in inputs])
    for x, target, prediction in zip(given, _rows(net.target, values[net.target]), _rows(net.prediction, training.prediction), strict=True):
        rows.append((*(f"{a:g}" for a in x), *(f"{a:g}" for a in target), *(f"{a:.6f}" for a in prediction)))
    return table(rows, right=range(len(rows[0])))


def _rows(v: Var, array: Array) -> Array:
    """The numbers of each example: a row for each of the batch, one row where there is none."""
    return array.reshape(len(array) if v.shape and isinstance(v.shape[0], str) else 1, -1)


def _speed(training: Training) -> float:
    return training.epochs / training.seconds if training.seconds else 0.0
