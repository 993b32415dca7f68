"""`symdiff sweep`: trainings over a grid of settings, as a table and a heat map."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from symdiff.cli.console import check_writable, is_terminal, json_text, width, write
from symdiff.cli.exits import with_exit_code
from symdiff.cli.layout import table
from symdiff.cli.options import name_list, spec_list
from symdiff.errors import BadSetting
from symdiff.report.heat import heat_map
from symdiff.report.plot import check_plot
from symdiff.training.sweeping import SWEPT, Sweep, Trial
from symdiff.training.sweeping import sweep as run_sweep
from symdiff.training.tasks import Choices, make_task

SPECS = ("optimizer", "rate_schedule")  # whose values have settings of their own


def _listed(option: str, what: str) -> Any:
    return typer.Option(option, metavar="VALUES", help=f"{what}, with commas.")


@with_exit_code
def sweep(
    net: Annotated[str, typer.Argument(metavar="NET", help="The network, as for train.")],
    learning_rate: Annotated[str | None, _listed("--learning-rate", "Learning rates")] = None,
    update: Annotated[str | None, _listed("--update", "Update schedules")] = None,
    optimizer: Annotated[str | None, _listed("--optimizer", "Optimizers (a part NAME=NUMBER belongs to the one before)")] = None,
    rate_schedule: Annotated[
        str | None, _listed("--schedule", "Learning-rate schedules (a part NAME=NUMBER belongs to the one before)")
    ] = None,
    batch: Annotated[str | None, _listed("--batch", "Batch sizes")] = None,
    seed: Annotated[str | None, _listed("--seed", "Seeds of starts from N(0, 1)")] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", metavar="N", help="Of each training; the net's own number by default.")] = None,
    target_loss: Annotated[
        float | None, typer.Option("--target-loss", metavar="LOSS", help="When is it reached? The net's own by default.")
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="A heat map of the final losses: .png, .svg or .pdf.")] = None,
    data: Annotated[str | None, typer.Option("--data", metavar="NAME", help="Data for the net: a name or a .csv or .npz file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON.")] = False,
) -> None:
    """Train a network with every combination of settings; tell how each ended and how fast it converged."""
    task = make_task(Choices(net=net, data=data, epochs=epochs))
    given = {
        "learning_rate": learning_rate, "update": update, "optimizer": optimizer, "rate_schedule": rate_schedule, "batch": batch, "seed": seed,
    }  # fmt: skip
    grid = {
        name: [_value(name, text) for text in (spec_list if name in SPECS else name_list)(texts)]
        for name, texts in given.items()
        if texts is not None
    }
    if not grid:
        raise BadSetting(f"nothing is given to sweep: one of {', '.join(map(_option, given))} is wanted")
    if plot is not None:
        check_plot(plot)
        check_writable(plot)
    found = run_sweep(task.net, grid, target_loss=target_loss, on_trial=_progress(), start=task.start, **task.arguments)
    write([json_text(as_data(found))] if as_json else page(found, width()))
    if plot is not None:
        heat_map(found, plot)


def _option(name: str) -> str:
    return "--schedule" if name == "rate_schedule" else f"--{name.replace('_', '-')}"


def _value(name: str, text: str) -> Any:
    try:
        return SWEPT[name](text)
    except ValueError:
        kind = "whole number" if SWEPT[name] is int else "number"
        raise BadSetting(f"{_option(name)}: {text!r} is given, a {kind} is wanted") from None


def _progress() -> Callable[[int, int], None] | None:
    """A line on stderr that counts the trainings, for a person at a terminal."""
    if not is_terminal(sys.stderr):
        return None

    def show(done: int, of: int) -> None:
        print(f"\r{done} of {of} trainings", end="\r" if done < of else "\r\033[K", file=sys.stderr, flush=True)

    return show


def page(found: Sweep, columns: int) -> list[str]:
    """The trials as a table, best last loss marked."""
    names = list(found.grid)
    target = [] if found.target_loss is None else [f"≤ {found.target_loss:g} at"]
    heads = [*(name.replace("_", " ") for name in names), "loss", *target, "convergence of the second half", ""]
    rows = [heads]
    for t in found.trials:
        reached = [] if found.target_loss is None else ["-" if t.reached is None else f"{t.reached:,}"]
        loss = f"{t.final_loss:.9f}" if t.ending != "diverged" else f"diverged at {t.epochs + 1:,}"
        rows.append(
            [*(_shown(t.settings[name]) for name in names), loss, *reached, t.convergence.text(), "best" if t is found.best else ""]
        )
    right = [len(names), *([len(names) + 1] if target else [])]
    gap = 3 if columns >= 100 else 2
    return [f"{found.net.name}   {found.net.description}   {found.epochs:,} epochs each", "", *table(rows, right=right, gap=gap)]


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def as_data(found: Sweep) -> dict[str, Any]:
    """The sweep for JSON."""

    def trial(t: Trial) -> dict[str, Any]:
        law = t.convergence
        return {
            "settings": t.settings,
            "first_loss": t.first_loss,
            "final_loss": t.final_loss,
            "epochs": t.epochs,
            "ending": t.ending,
            "reached": t.reached,
            "convergence": {"law": law.law, "value": law.value, "explained": law.explained},
            "seconds": t.seconds,
        }

    return {
        "command": "sweep",
        "net": found.net.name,
        "epochs": found.epochs,
        "target_loss": found.target_loss,
        "grid": found.grid,
        "trials": [trial(t) for t in found.trials],
        "best": found.best.settings,
    }
