"""`symdiff minimize`: the weights of a network where its loss is least, by SciPy's L-BFGS on the lowered loss and gradients."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer

from symdiff.cli.console import check_writable, json_text, write
from symdiff.cli.exits import INTERRUPTED, MISSED, complain, with_exit_code
from symdiff.cli.layout import table
from symdiff.cli.options import name_list
from symdiff.cli.progress import Progress
from symdiff.errors import BadSetting
from symdiff.report.plot import check_plot, loss_curves
from symdiff.training.data import DATA, fitted
from symdiff.training.evaluation import Evaluation, Evaluator
from symdiff.training.lbfgs import Minimum, lbfgs
from symdiff.training.losses import LOSSES
from symdiff.training.nets import NETS
from symdiff.training.tasks import INITS, Choices, Task, make_task, penalty_spec


@dataclass(frozen=True)
class Found:
    """What a minimisation came to, with the net on its data and on the rows held out for the end."""

    task: Task
    minimum: Minimum
    trained: Evaluation
    tested: Evaluation | None
    seconds: float
    goal: float | None


@with_exit_code
def minimize(
    net: Annotated[
        str, typer.Argument(metavar="NET", help=f"The network: {', '.join(NETS)}, mlp:64-32-10:tanh:softmax-ce, FILE.py:FUNCTION.")
    ],
    steps: Annotated[int, typer.Option("--steps", metavar="N", help="At most so many steps.")] = 1000,
    memory: Annotated[int, typer.Option("--memory", metavar="N", help="Pairs of steps and slopes that are kept.")] = 10,
    tolerance: Annotated[float, typer.Option("--tolerance", metavar="SIZE", help="End at slopes below it.")] = 1e-8,
    l1: Annotated[float | None, typer.Option("--l1", metavar="STRENGTH", help="Penalty on |w|; with --l2 the elastic net.")] = None,
    l2: Annotated[float | None, typer.Option("--l2", metavar="STRENGTH", help="Penalty on w²/2.")] = None,
    loss: Annotated[str | None, typer.Option("--loss", metavar="LOSS", help=f"{', '.join(LOSSES)}, or with its output.")] = None,
    data: Annotated[str | None, typer.Option("--data", metavar="DATA", help=f"{', '.join(DATA)}, FILE.csv or FILE.npz.")] = None,
    target: Annotated[
        str | None, typer.Option("--target", metavar="COLUMNS", help="Of a file: what to predict; the last by default.")
    ] = None,
    test: Annotated[float | None, typer.Option("--test", metavar="SHARE", help="Rows held out for the end; 0.2 of the images.")] = None,
    init: Annotated[str | None, typer.Option("--init", metavar="START", help=f"{', '.join(INITS)}.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="Of start and split; implies a random start.")] = None,
    target_loss: Annotated[
        float | None, typer.Option("--target-loss", metavar="LOSS", help="A run that ends above it exits with 1; the net's own by default.")
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw the loss curve: .png, .svg or .pdf.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="One line, no progress.")] = False,
    output: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write to a file instead of stdout.")] = None,
) -> int:
    """Minimise the loss of a network over all its weights by L-BFGS (extra `fast`)."""
    task = make_task(Choices(net=net, data=data, target=tuple(name_list(target)), loss=loss, test=test, init=init, seed=seed))
    goal = task.net.target_loss if target_loss is None else target_loss
    if goal is not None and not 0 < goal < float("inf"):
        raise BadSetting(f"target loss: {goal} is given, a positive number is wanted")
    if plot is not None:
        check_plot(plot)
    for path in (plot, output):
        if path is not None:
            check_writable(path)
    began = perf_counter()
    with Progress(steps, quiet) as progress:
        minimum = lbfgs(
            task.net, start=task.start, penalty=penalty_spec(l1, l2, None), steps=steps, memory=memory, tolerance=tolerance,
            on_step=progress.show,
        )  # fmt: skip
    seconds = perf_counter() - began
    found = Found(task, minimum, Evaluator(task.net)(task.net, minimum.weights), _tested(task, minimum), seconds, goal)
    lines = [json_text(as_data(found))] if as_json else [summary(found)] if quiet else page(found)
    write(lines, output, [leaf.var.name for leaf in task.net.leaves])
    if plot is not None:
        loss_curves({task.title: minimum.losses}, plot, f"{task.title}, L-BFGS")
    if minimum.interrupted:
        return INTERRUPTED
    if not found.trained.loss <= (float("inf") if goal is None else goal):
        wanted = "is not finite" if goal is None else f"is above the target {goal:g}"
        complain(f"the loss {found.trained.loss:.9g} {wanted}, after {len(minimum.losses) - 1:,} steps: {minimum.message}")
        return MISSED
    return 0


def _tested(task: Task, minimum: Minimum) -> Evaluation | None:
    rows = None if task.rows is None else task.rows.test
    if rows is None:
        return None
    held_out = fitted(task.net, rows)
    return Evaluator(held_out)(held_out, minimum.weights)


def summary(found: Found) -> str:
    """One line."""
    minimum = found.minimum
    steps = len(minimum.losses) - 1
    accuracy = "" if found.tested is None or found.tested.accuracy is None else f", test accuracy {found.tested.accuracy:.2%}"
    return f"{found.task.title}: loss {minimum.losses[0]:.9f} -> {found.trained.loss:.9g} after {steps:,} steps in {found.seconds:.2f} s{accuracy}"


def page(found: Found) -> list[str]:
    """Losses, steps, how it ended, the accuracy if there are classes, small weights."""
    minimum, net = found.minimum, found.task.net
    rows = [
        ("start", net.start),
        ("loss", f"{minimum.losses[0]:.9f} at first, {found.trained.loss:.9g} at the end"),
        ("steps", f"{len(minimum.losses) - 1:,} with {minimum.evaluations:,} evaluations of loss and gradient, {found.seconds:.2f} s"),
        ("ended", minimum.message.strip().capitalize()),
    ]
    for name, evaluation in (("accuracy", found.trained), ("test", found.tested)):
        if evaluation is not None and evaluation.accuracy is not None:
            rows.append((name, f"{evaluation.accuracy:.2%}"))
    entries = [(name, value) for leaf in net.parameters for name, value in zip(leaf.entries, minimum.weights[leaf.var].flat, strict=True)]
    small = [(name, f"{value: .9f}") for name, value in entries] if len(entries) <= 16 else []
    lines = [f"{found.task.title}   {net.description}", *table(rows)]
    return [*lines, "", "Weights", *table(small, right=[1])] if small else lines


def as_data(found: Found) -> dict[str, Any]:
    """The result for JSON."""
    minimum = found.minimum
    return {
        "command": "minimize",
        "net": found.task.title,
        "start": found.task.net.start,
        "steps": len(minimum.losses) - 1,
        "evaluations": minimum.evaluations,
        "seconds": found.seconds,
        "reached": minimum.reached,
        "message": minimum.message,
        "first_loss": minimum.losses[0],
        "final_loss": found.trained.loss,
        "target_loss": found.goal,
        "accuracy": found.trained.accuracy,
        "test_accuracy": None if found.tested is None else found.tested.accuracy,
        "weights": {w.name: a for w, a in minimum.weights.items()},
        "history": {"loss": minimum.losses},
    }
