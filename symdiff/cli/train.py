"""`symdiff train`: train a network by its generated step, and report what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symdiff.cli.console import check_writable, json_text, width, write
from symdiff.cli.exits import INTERRUPTED, MISSED, complain, with_exit_code
from symdiff.cli.options import DTYPES, STARTS, choice
from symdiff.cli.progress import Progress
from symdiff.cli.train_report import as_data, page, summary
from symdiff.errors import BadSetting
from symdiff.expr.nodes import Var
from symdiff.report.plot import check_plot, loss_curves
from symdiff.training.loop import Training
from symdiff.training.loop import train as train_net
from symdiff.training.net import Array, Net
from symdiff.training.nets import NETS, find_net
from symdiff.training.starts import random_start


@with_exit_code
def train(
    net: Annotated[str, typer.Argument(metavar="NET", help=f"The network: {', '.join(NETS)}.")],
    epochs: Annotated[int | None, typer.Option("--epochs", metavar="N", help="Updates; the net's own number by default.")] = None,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate", metavar="RATE", help="The net's own by default.")] = None,
    init: Annotated[str | None, typer.Option("--init", metavar="START", help=f"{', '.join(STARTS)} (from N(0, 1)).")] = None,
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="Seed of a random start, which it implies; 0 by default.")] = None,
    dtype: Annotated[str, typer.Option("--dtype", metavar="DTYPE", help=f"{', '.join(DTYPES)}.")] = "float64",
    target_loss: Annotated[
        float | None, typer.Option("--target-loss", metavar="LOSS", help="A run that ends above it exits with 1; the net's own by default.")
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw the loss curve: .png, .svg or .pdf.")] = None,
    show_source: Annotated[bool, typer.Option("--show-source", help="Print the generated step too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="One line, no progress.")] = False,
    output: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write to a file instead of stdout.")] = None,
) -> int:
    """Train a network and print its predictions, its losses and the gradient formulas that were used."""
    known = find_net(net)
    choice("--dtype", dtype, DTYPES)
    start, words = _start(known, init, seed)
    target = known.target_loss if target_loss is None else target_loss
    if target is not None and not 0 < target < float("inf"):
        raise BadSetting(f"target loss: {target} is given, a positive number is wanted")
    if plot is not None:
        check_plot(plot)
    for path in (plot, output):
        if path is not None:
            check_writable(path)
    with Progress(known.epochs if epochs is None else epochs, quiet) as progress:
        training = train_net(known, epochs=epochs, learning_rate=learning_rate, dtype=dtype, start=start, on_epoch=progress.show)
    if as_json:
        lines = [json_text(as_data(training, target, dtype, words))]
    elif quiet:
        lines = [summary(training, target)]
    else:
        lines = page(training, target, dtype, words, width())
        if show_source:
            lines += ["", "The generated step", *training.step.source.splitlines()]
    write(lines, output, [leaf.var.name for leaf in known.leaves])
    if plot is not None and training.losses:
        loss_curves({known.name: training.losses}, plot, f"{known.name}, learning rate {training.learning_rate:g}")
    return _code(training, target)


def _start(net: Net, init: str | None, seed: int | None) -> tuple[dict[Var, Array] | None, str]:
    """Start weights (None: the net's own) and where they come from, in words."""
    init = choice("--init", init, STARTS) if init else ("walkthrough" if seed is None else "random")
    if init == "walkthrough":
        if seed is not None:
            raise BadSetting(f"--init walkthrough has no seed, and {seed} is given: leave out --seed, or use --init random")
        return None, net.start
    seed = 0 if seed is None else seed
    if seed < 0:
        raise BadSetting(f"--seed: {seed} is given, a whole number from 0 on is wanted")
    return random_start(net, seed), f"N(0, 1), seed {seed}"


def _code(training: Training, target: float | None) -> int:
    """Exit code of a training; a missed target and a loss that is not finite are said on stderr."""
    if training.ending == "interrupted":
        return INTERRUPTED
    if training.ending == "diverged":
        complain(
            f"the loss before update {training.diverged_at} is not finite; the weights after {training.epochs} updates are kept: "
            f"try a learning rate below {training.learning_rate:g}"
        )
        return MISSED
    if target is not None and training.final_loss > target:
        complain(f"target loss {target:g} not reached: the loss is {training.final_loss:.9g} after {training.epochs:,} epochs")
        return MISSED
    return 0
