"""`symdiff inspect`: look into a network while it is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from symdiff.cli.console import check_writable, json_text, width, write
from symdiff.cli.exits import with_exit_code
from symdiff.cli.layout import table, wrapped
from symdiff.cli.options import choice
from symdiff.errors import BadSetting
from symdiff.report.inside import decision_surface, layer_panels, prediction_curves, two_inputs
from symdiff.report.plot import check_plot
from symdiff.training.convergence import fit_convergence
from symdiff.training.layers import FAR, Observed, observe
from symdiff.training.tasks import Choices, make_task

VIEWS = {"layers": layer_panels, "predictions": prediction_curves, "surface": decision_surface}
ROWS = 6  # moments that are shown


@with_exit_code
def inspect(
    net: Annotated[str, typer.Argument(metavar="NET", help="The network, as for train.")],
    view: Annotated[
        str | None, typer.Option("--view", metavar="VIEW", help=f"What --plot draws: {', '.join(VIEWS)}; layers by default.")
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw it: .png, .svg or .pdf.")] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", metavar="N", help="The net's own number by default.")] = None,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate", metavar="RATE", help="The net's own by default.")] = None,
    update: Annotated[str | None, typer.Option("--update", metavar="UPDATE", help="The update schedule.")] = None,
    optimizer: Annotated[str | None, typer.Option("--optimizer", metavar="SPEC", help="The optimizer.")] = None,
    batch: Annotated[int | None, typer.Option("--batch", metavar="N", help="Rows an update; all by default.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="Start from N(0, 1) by this seed.")] = None,
    data: Annotated[str | None, typer.Option("--data", metavar="NAME", help="Data for the net: a name or a .csv or .npz file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON.")] = False,
) -> None:
    """Train a network and tell what slopes reach its layers, naming those that vanish or explode, and how fast it converges."""
    draw = VIEWS[choice("--view", view or "layers", list(VIEWS))]
    if view is not None and plot is None:
        raise BadSetting("--view goes with --plot: name a file to draw to")
    task = make_task(
        Choices(net=net, data=data, epochs=epochs, learning_rate=learning_rate, update=update, optimizer=optimizer, batch=batch, seed=seed)
    )
    if plot is not None:
        check_plot(plot)
        check_writable(plot)
        if view == "surface":
            two_inputs(task.net)
    seen = observe(task.net, start=task.start, **task.arguments)
    if as_json:
        write([json_text(as_data(seen))])
    else:
        write(page(seen, width()), names=[leaf.var.name for leaf in task.net.leaves])
    if plot is not None:
        draw(seen, plot)


def page(seen: Observed, columns: int) -> list[str]:
    """A few moments of the training, and what they come to."""
    net, training = seen.training.net, seen.training
    last = len(seen.epochs) - 1
    shown = sorted({round(k * last / (ROWS - 1)) for k in range(ROWS)}) if last else [0]
    slopes = [(name, seen.slopes[name]) for name in _ends(list(seen.slopes))]
    layers = [(name, seen.cotangents[name]) for name in _ends(list(seen.cotangents))]
    rows = [["epoch", "loss", *(f"‖∂E/∂{name}‖" for name, _ in slopes), *(f"rms {name}" for name, _ in layers), "slopes"]]
    for k in shown:
        numbers = (values[k] for _, values in (*slopes, *layers))
        rows.append([f"{seen.epochs[k]:,}", f"{seen.losses[k]:.6g}", *(f"{x:.2e}" for x in numbers), seen.flow(k)])
    lines = [
        "   ".join(filter(None, (net.name, net.description, f"{training.epochs:,} epochs"))),
        "",
        *table(rows, right=range(len(rows[0]) - 1), gap=2),
        "",
    ]
    ratio = float(seen.ratios[-1])
    lines += wrapped(
        f"The slope that reaches the first layer is {ratio:.2g} of that of the last at the end: {seen.flow(-1)} "
        f"(beyond a factor of {FAR:,.0f} it vanishes or explodes).",
        columns,
    )
    lines += wrapped(f"Convergence of the second half: {fit_convergence([*training.losses, training.final_loss]).text()}.", columns)
    if training.ending == "diverged":
        lines += wrapped(f"The loss before update {training.diverged_at} is not finite.", columns)
    return lines


def _ends(names: list[str]) -> list[str]:
    """A few names: the first and the last two of many."""
    return names if len(names) <= 4 else names[:2] + names[-2:]


def as_data(seen: Observed) -> dict[str, Any]:
    """What was seen, for JSON; of the activations their mean and standard deviation."""
    law = fit_convergence([*seen.training.losses, seen.training.final_loss])
    return {
        "command": "inspect",
        "net": seen.training.net.name,
        "epochs": seen.epochs,
        "loss": seen.losses,
        "slopes": seen.slopes,
        "cotangents": seen.cotangents,
        "activations": {
            name: {"mean": [float(v.mean()) for v in values], "std": [float(v.std()) for v in values]}
            for name, values in seen.activations.items()
        },
        "predictions": seen.predictions,
        "ratio": seen.ratios,
        "flow": [seen.flow(k) for k in range(len(seen.epochs))],
        "convergence": {"law": law.law, "value": law.value, "explained": law.explained},
        "ending": seen.training.ending,
    }
