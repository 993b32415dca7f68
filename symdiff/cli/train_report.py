"""What `train` prints: predictions beside targets, losses, time, and the gradient formulas that were used; and the same as data."""

from __future__ import annotations

from typing import Any

import numpy as np

from symdiff.cli.layout import table
from symdiff.cli.matrix_text import gradient_lines
from symdiff.cli.notation import Notation
from symdiff.expr.leaves import var
from symdiff.expr.nodes import Var
from symdiff.training.formulas import matrix_formulas
from symdiff.training.loop import Training
from symdiff.training.net import Array


def as_data(training: Training, target_loss: float | None, dtype: str, start: str) -> dict[str, Any]:
    """The result of a training for JSON. `history.loss[k]` is the loss before update k + 1; `final_loss` that after the last."""
    net = training.net
    notation = Notation("unicode")
    formulas = matrix_formulas(net, net.weights[::-1])
    return {
        "command": "train",
        "net": net.name,
        "start": start,
        "dtype": dtype,
        "learning_rate": training.learning_rate,
        "ending": training.ending,
        "diverged_at": training.diverged_at,
        "epochs": training.epochs,
        "seconds": training.seconds,
        "epochs_per_second": _speed(training),
        "first_loss": training.losses[0] if training.losses else training.final_loss,
        "final_loss": training.final_loss,
        "target_loss": target_loss,
        "target_reached": _reached(training, target_loss),
        "target": net.values()[net.target],
        "prediction": training.prediction,
        "weights": {w.name: a for w, a in training.weights.items()},
        "gradients": [{"wrt": w.name, "formula": notation.formula(g)} for w, g in formulas.gradients.items()],
        "cotangents": [{"name": c.name, "formula": notation.formula(g)} for c, g in formulas.cotangents.items()],
        "history": {"loss": training.losses},
    }


def summary(training: Training, target_loss: float | None) -> str:
    """One line: losses, epochs, time, whether the target is reached."""
    return f"{training.net.name}: loss {_losses(training)} after {training.epochs:,} epochs in {training.seconds:.2f} s, {_verdict(training, target_loss)}"


def page(training: Training, target_loss: float | None, dtype: str, start: str, columns: int) -> list[str]:
    """The report in lines of at most so many columns."""
    net = training.net
    first = training.losses[0] if training.losses else training.final_loss
    rows = [
        ("loss", f"{first:.9f} at first, {training.final_loss:.9f} after {training.epochs:,} epochs"),
        ("target", _verdict(training, target_loss)),
        ("time", f"{training.seconds:.2f} s, {_speed(training):,.0f} epochs/s"),
    ]
    return [
        f"{net.name}   {net.description}",
        *table([("start", start), ("rate", f"{training.learning_rate:g}, {dtype}, full batch, all weights updated at once")]),
        "",
        *_predictions(training),
        "",
        *table(rows),
        "",
        "Gradients used",
        *gradient_lines(matrix_formulas(net, net.weights[::-1]), Notation("unicode"), columns),
    ]


def _predictions(training: Training) -> list[str]:
    """One row an example: its inputs, the targets and the predictions."""
    net = training.net
    values = net.values()
    inputs = [leaf for leaf in net.data if leaf.var is not net.target]
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


def _losses(training: Training) -> str:
    first = training.losses[0] if training.losses else training.final_loss
    return f"{first:.9f} -> {training.final_loss:.9f}"


def _speed(training: Training) -> float:
    return training.epochs / training.seconds if training.seconds else 0.0


def _reached(training: Training, target_loss: float | None) -> bool:
    return training.ending == "finished" and (target_loss is None or training.final_loss <= target_loss)


def _verdict(training: Training, target_loss: float | None) -> str:
    if training.ending == "interrupted":
        return f"stopped by Ctrl-C after {training.epochs:,} epochs"
    if training.ending == "diverged":
        return f"the loss before update {training.diverged_at} is not finite: these are the last weights whose loss is finite"
    if target_loss is None:
        return "none"
    return f"loss at most {target_loss:g}: {'reached' if _reached(training, target_loss) else 'NOT reached'}"
