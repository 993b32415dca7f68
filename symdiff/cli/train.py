"""`symdiff train`: train a network by its generated step, and report what came of it."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from symdiff.cli.console import check_writable, json_text, width, write
from symdiff.cli.exits import INTERRUPTED, MISSED, complain, with_exit_code
from symdiff.cli.options import DTYPES, choice, name_list
from symdiff.cli.progress import Progress
from symdiff.cli.train_report import Report, as_data, page, summary
from symdiff.errors import BadSetting, CheckpointError
from symdiff.report.logs import TrainingLog, check_logs
from symdiff.report.plot import check_plot, training_curves
from symdiff.training.bursts import BACKENDS
from symdiff.training.checkpoints import load
from symdiff.training.data import DATA
from symdiff.training.losses import LOSSES
from symdiff.training.nets import NETS
from symdiff.training.optimizers import OPTIMIZERS
from symdiff.training.penalties import CLIPS
from symdiff.training.rates import RATES
from symdiff.training.second_order import SECOND_ORDER
from symdiff.training.tasks import INITS, PRESETS, Choices, Task, clip_spec, make_task, penalty_spec
from symdiff.training.updates import UPDATES

NAMES = f"{', '.join([*NETS, *PRESETS])}, xor:8:tanh:bias, mlp:64-32-10:tanh:softmax-ce, FILE.py:FUNCTION"


@with_exit_code
def train(
    net: Annotated[str | None, typer.Argument(metavar="NET", help=f"The network: {NAMES}; with --resume that of the checkpoint.")] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", metavar="N", help="Passes over the data; the net's own by default.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", metavar="RATE", help="The net's or the optimizer's by default.")
    ] = None,
    optimizer: Annotated[
        str | None, typer.Option("--optimizer", metavar="SPEC", help=f"{', '.join([*OPTIMIZERS, *SECOND_ORDER])}; as in momentum:beta=0.8.")
    ] = None,
    update: Annotated[str | None, typer.Option("--update", metavar="UPDATE", help=f"{', '.join(UPDATES)}.")] = None,
    order: Annotated[str | None, typer.Option("--order", metavar="NAMES", help="Of the updates: W2,W1; the output layer first.")] = None,
    schedule: Annotated[
        str | None, typer.Option("--schedule", metavar="SPEC", help=f"Of the rate: {', '.join(RATES)}; as in warmup:steps=50+cosine.")
    ] = None,
    batch: Annotated[
        int | None, typer.Option("--batch", metavar="N", help="Rows an update, shuffled anew each epoch; all by default.")
    ] = None,
    l1: Annotated[float | None, typer.Option("--l1", metavar="STRENGTH", help="Penalty on |w|; with --l2 the elastic net.")] = None,
    l2: Annotated[float | None, typer.Option("--l2", metavar="STRENGTH", help="Penalty on w²/2.")] = None,
    decay: Annotated[float | None, typer.Option("--decay", metavar="STRENGTH", help="Weight decay beside the gradient.")] = None,
    clip: Annotated[str | None, typer.Option("--clip", metavar="SPEC", help=f"Of gradients: {', '.join(CLIPS)}, as in norm:1.")] = None,
    dropout: Annotated[float | None, typer.Option("--dropout", metavar="SHARE", help="Of hidden values, drawn for every update.")] = None,
    label_smoothing: Annotated[float | None, typer.Option("--label-smoothing", metavar="SHARE", help="Of cross-entropy targets.")] = None,
    loss: Annotated[
        str | None, typer.Option("--loss", metavar="LOSS", help=f"{', '.join(LOSSES)}, or with its output: softmax-ce.")
    ] = None,
    data: Annotated[str | None, typer.Option("--data", metavar="DATA", help=f"{', '.join(DATA)}, FILE.csv or FILE.npz.")] = None,
    target: Annotated[
        str | None, typer.Option("--target", metavar="COLUMNS", help="Of a file: what to predict; the last by default.")
    ] = None,
    validation: Annotated[
        float | None, typer.Option("--validation", metavar="SHARE", help="Rows to look at each epoch: a share below 1, or a number.")
    ] = None,
    test: Annotated[float | None, typer.Option("--test", metavar="SHARE", help="Rows held out for the end; 0.2 of the images.")] = None,
    patience: Annotated[
        int | None, typer.Option("--patience", metavar="N", help="End after N epochs without a lower validation loss; keep the best.")
    ] = None,
    init: Annotated[str | None, typer.Option("--init", metavar="START", help=f"{', '.join(INITS)}.")] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", help="Of start, split, batches, dropout; implies a random start.")
    ] = None,
    dtype: Annotated[str | None, typer.Option("--dtype", metavar="DTYPE", help=f"{', '.join(DTYPES)}.")] = None,
    backend: Annotated[
        str | None,
        typer.Option("--backend", metavar="BACKEND", help=f"{', '.join(BACKENDS)}: compiles the loop, where it pays off (extra jit)."),
    ] = None,
    target_loss: Annotated[
        float | None, typer.Option("--target-loss", metavar="LOSS", help="A run that ends above it exits with 1; the net's own by default.")
    ] = None,
    checkpoint: Annotated[Path | None, typer.Option("--checkpoint", metavar="DIR", help="A folder for checkpoints.")] = None,
    every: Annotated[int | None, typer.Option("--every", metavar="N", help="Epochs between two checkpoints; a twentieth of all.")] = None,
    keep: Annotated[int | None, typer.Option("--keep", metavar="K", help="Checkpoints that stay; 3 by default.")] = None,
    resume: Annotated[Path | None, typer.Option("--resume", metavar="DIR", help="Go on from the newest checkpoint of a folder.")] = None,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw losses and accuracies: .png, .svg or .pdf.")] = None,
    log_dir: Annotated[Path | None, typer.Option("--log-dir", metavar="DIR", help="Event files for TensorBoard, and JSON lines.")] = None,
    show_source: Annotated[bool, typer.Option("--show-source", help="Print the generated step too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="One line, no progress.")] = False,
    output: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write to a file instead of stdout.")] = None,
) -> int:
    """Train a network and print its predictions, its losses and the gradient formulas that were used."""
    if dtype is not None:
        choice("--dtype", dtype, DTYPES)
    if backend is not None:
        choice("--backend", backend, BACKENDS)
    given = {
        "net": net, "data": data, "target": tuple(name_list(target)), "loss": loss, "dropout": dropout, "label_smoothing": label_smoothing,
        "validation": validation, "test": test, "init": init, "seed": seed, "epochs": epochs, "learning_rate": learning_rate,
        "dtype": dtype, "batch": batch, "optimizer": optimizer, "update": update, "order": tuple(name_list(order)) or None,
        "rate_schedule": schedule, "penalty": penalty_spec(l1, l2, decay), "clip": clip_spec(clip), "patience": patience,
    }  # fmt: skip
    keeping: dict[str, Any] = {"every": every, "keep": keep, "target_loss": target_loss, "backend": backend}
    choices, keeping = _resumed(given, keeping, resume) if resume is not None else (_chosen(given), keeping)
    task = make_task(choices)
    goal = keeping.pop("target_loss") if keeping["target_loss"] is not None else task.net.target_loss
    if goal is not None and not 0 < goal < float("inf"):
        raise BadSetting(f"target loss: {goal} is given, a positive number is wanted")
    if checkpoint is None and resume is None and (every, keep) != (None, None):
        raise BadSetting("--every and --keep go with --checkpoint: name a folder")
    if plot is not None:
        check_plot(plot)
    if log_dir is not None:
        check_logs(log_dir)
    for path in (plot, output):
        if path is not None:
            check_writable(path)
    report = _run(task, goal, checkpoint, resume, keeping, quiet, log_dir)
    training = report.training
    if as_json:
        lines = [json_text(as_data(report))]
    elif quiet:
        lines = [summary(report)]
    else:
        lines = page(report, width())
        if show_source:
            lines += ["", "The generated step", *training.step.source.splitlines()]
    write(lines, output, [leaf.var.name for leaf in task.net.leaves])
    if plot is not None and training.losses:
        training_curves(training, plot, f"{task.title}, learning rate {training.learning_rate:g}")
    return _code(report)


def _chosen(given: dict[str, Any]) -> Choices:
    if given["net"] is None:
        raise BadSetting(f"Missing argument NET: {NAMES}")
    return Choices(**given)


def _resumed(given: dict[str, Any], keeping: dict[str, Any], resume: Path) -> tuple[Choices, dict[str, Any]]:
    """What the checkpoint's training was started with, and above it what is typed now.

    Raises: CheckpointError for a checkpoint that is damaged or was not made here; BadSetting for a net that is a file and is not named.
    """
    record = load(resume).record
    options = record["options"] | {"backend": record["settings"]["backend"]}
    if "choices" not in options:
        raise CheckpointError(f"{resume} was not made by `train`: it has no choices to go on with; use symdiff.training.train(resume=...)")
    stored = options["choices"]
    if given["net"] is None and ".py:" in stored["net"]:
        raise BadSetting(
            f"{resume}: its net is the file {stored['net']!r}, which is run only where it is named: train {stored['net']} --resume ..."
        )
    typed = {key: value for key, value in given.items() if value not in (None, ())}
    kept = {key: options.get(key) if value is None else value for key, value in keeping.items()}
    return Choices.from_dict(stored | typed), kept


def _run(
    task: Task,
    goal: float | None,
    checkpoint: Path | None,
    resume: Path | None,
    keeping: dict[str, Any],
    quiet: bool,
    log_dir: Path | None,
) -> Report:
    backend = keeping["backend"] or "numpy"
    options = {
        "choices": task.choices.to_dict() | {"net": task.title},
        "target_loss": goal,
        "every": keeping["every"],
        "keep": keeping["keep"],
    }
    epochs = task.choices.epochs or task.net.epochs
    log = nullcontext() if log_dir is None else TrainingLog(log_dir, task.net, epochs)
    with Progress(epochs, quiet) as progress, log as heard:
        detailed = progress.wanted and (backend == "numpy" or task.rows is not None)  # without it whole epochs are compiled together
        training = task.train(
            on_epoch=progress.show if progress.wanted or backend == "numpy" else None,  # to be heard costs more than a compiled epoch
            callbacks=[*([progress.heard] if detailed else []), *([heard] if heard else [])],
            checkpoint=checkpoint,
            resume=resume,
            every=keeping["every"],
            keep=3 if keeping["keep"] is None else keeping["keep"],
            options=options,
            backend=backend,
        )
    return Report(task, training, task.test(training), goal)


def _code(report: Report) -> int:
    """Exit code of a training; a missed target and a loss that is not finite are said on stderr."""
    training = report.training
    if training.ending == "interrupted":
        return INTERRUPTED
    if training.ending == "diverged":
        complain(
            f"the loss before update {training.diverged_at} is not finite; the weights after {training.updates} updates are kept: "
            f"try a learning rate below {training.learning_rate:g}"
        )
        return MISSED
    if not report.reached:
        complain(f"target loss {report.goal:g} not reached: the loss is {training.final_loss:.9g} after {training.epochs:,} epochs")
        return MISSED
    return 0
