"""The typer application, and the entry point `symdiff`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import symdiff
from symdiff.cli import bench, check, compare, derive, doctor, explain, inspect, minimize, sweep, train
from symdiff.cli.exits import run

app = typer.Typer(
    name="symdiff",
    help="Gradients as formulas that a person can read, and as programs that train.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("bench")(bench.bench)
app.command("check")(check.check)
app.command("compare")(compare.compare)
app.command("derive")(derive.derive)
app.command("doctor")(doctor.doctor)
app.command("explain")(explain.explain)
app.command("inspect")(inspect.inspect)
app.command("minimize")(minimize.minimize)
app.command("sweep")(sweep.sweep)
app.command("train")(train.train)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"symdiff {symdiff.__version__}")
        raise typer.Exit()


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")] = False,
) -> None:
    """Gradients as formulas that a person can read, and as programs that train."""
    if context.invoked_subcommand is None:
        print(context.get_help())


def main() -> None:
    """The entry point of `symdiff` and of cli.py."""
    sys.exit(run(app, sys.argv[1:]))
