"""The inside of a training: predictions on their way to the targets, slopes and activations layer by layer, and the decision surface."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from symdiff.api.programs import lower
from symdiff.errors import BadSetting
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import substitute
from symdiff.report.colours import PALETTE, plot_colours
from symdiff.report.plot import MANY, dress, new_figure, save
from symdiff.training.layers import Observed
from symdiff.training.net import Net, entry_names

COLOURS = tuple(PALETTE.values())
MOST_LINES = 12
BINS = 40
GRID = 200


def prediction_curves(seen: Observed, path: Path) -> None:
    """Every output against the epochs, with its target as a dashed line of the same colour; those of the first few examples.

    Raises: as plot.check_plot; BadSetting if the file cannot be written.
    """
    net = seen.training.net
    figure = new_figure(path, 7.5, 4.8)
    axes = figure.subplots()
    targets = np.ravel(net.values()[net.target])
    names = output_names(net)
    for k, name in enumerate(names[:MOST_LINES]):
        colour = COLOURS[k % len(COLOURS)]
        axes.plot(seen.epochs + 1, seen.predictions[:, k], color=colour, label=name)
        axes.axhline(targets[k], color=colour, linestyle="--", linewidth=0.9, alpha=0.7)
    dress(axes, f"{net.name}: predictions (targets dashed)", "epoch + 1", "prediction", x_log=seen.epochs[-1] > MANY)
    axes.legend(frameon=False, fontsize=9)
    save(figure, path)


def output_names(net: Net) -> list[str]:
    """The names of the numbers that a prediction has: out_o1, or out_o of example 1.

    >>> from symdiff.training.nets import mazur, xor
    >>> output_names(mazur()), output_names(xor())[-1]
    (['out_o1', 'out_o2'], 'out_o, example 4')
    """
    entries = next((d.entries for d in net.definitions if d.var is net.prediction), entry_names(net.prediction))
    if not (net.prediction.shape and isinstance(net.prediction.shape[0], str)):
        return list(entries)
    rows = len(net.values()[net.target])
    return [f"{name}, example {k + 1}" for k in range(rows) for name in entries]


def layer_panels(seen: Observed, path: Path) -> None:
    """Gradient norms by weights, slopes by layers, and below them a histogram of every layer's activations over the epochs.

    Vanishing and exploding slopes are named in the title. Raises: as plot.check_plot; BadSetting if the file cannot be written.
    """
    net = seen.training.net
    layers = list(seen.activations)[:6]
    across = 2 if len(layers) < 3 else 3
    down = 1 + -(-len(layers) // across)
    figure = new_figure(path, 3.7 * across, 3.1 * down, f"{net.name}: slopes are {seen.flow(0)} at first, {seen.flow(-1)} at the end")
    places = figure.add_gridspec(down, 2 * across)
    at, many = seen.epochs + 1, seen.epochs[-1] > MANY
    own = plot_colours(leaf.var.name for leaf in net.leaves)
    a, b = (figure.add_subplot(places[0, k * across : (k + 1) * across]) for k in range(2))
    for axes, lines, title, y in (
        (a, seen.slopes, "Gradients of the weights", "‖∂E/∂W‖"),
        (b, seen.cotangents, "Slopes that reach the layers", "root mean square of δ"),
    ):
        for k, (name, values) in enumerate(lines.items()):
            axes.plot(at, values, color=own.get(name, COLOURS[k % len(COLOURS)]), label=name)
        dress(axes, title, "epoch + 1", y, x_log=many, y_log=True)
        beside = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)} if len(lines) > 4 else {}
        axes.legend(frameon=False, fontsize=8, **beside)
    for k, name in enumerate(layers):
        row, column = divmod(k, across)
        axes = figure.add_subplot(places[1 + row, 2 * column : 2 * column + 2])
        activations = seen.activations[name]
        finite = np.concatenate([v[np.isfinite(v)] for v in activations])
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        edges = np.linspace(low, high if high > low else low + 1.0, BINS + 1)
        shares = np.array([np.histogram(v, edges)[0] / max(v.size, 1) for v in activations])
        bounds = np.concatenate([at, [at[-1] * 1.15]]) if len(at) > 1 else np.array([1.0, 2.0])
        axes.pcolormesh(bounds, edges, shares.T, cmap="Greys", vmin=0, vmax=max(float(np.quantile(shares, 0.995)), 1e-9))
        dress(axes, f"Activations {name}", "epoch + 1", "value", x_log=many)
        axes.grid(False)
    save(figure, path)


def decision_surface(seen: Observed, path: Path) -> None:
    """The output over the plane of two inputs, with the line where it is one half and the examples on it.

    Raises: BadSetting for a network that has not two inputs and one output over a batch, or if the file cannot be written;
    otherwise as plot.check_plot.
    """
    net = seen.training.net
    X, values = two_inputs(net), net.values()
    figure = new_figure(path, 6.2, 5)
    axes = figure.subplots()
    data, target = values[X], np.ravel(values[net.target])
    low, high = data.min(axis=0), data.max(axis=0)
    margin = 0.5 * (high - low).max()
    x1, x2 = (np.linspace(low[k] - margin, high[k] + margin, GRID) for k in range(2))
    plane = np.stack(np.meshgrid(x1, x2), axis=-1).reshape(-1, 2)
    kept = [leaf.var for leaf in (*net.parameters, *net.fixed)]
    program = lower(substitute(net.prediction, net.expanded), [X, *kept])
    given = values | seen.training.weights
    height = np.asarray(program(plane, *(given[v] for v in kept))).reshape(GRID, GRID)
    middle = (target.min() + target.max()) / 2
    shades = axes.contourf(x1, x2, height, levels=21, cmap="RdBu_r", alpha=0.85)
    if height.min() < middle < height.max():
        line = axes.contour(x1, x2, height, levels=[middle], colors="black", linewidths=1.2)
        axes.clabel(line, fmt={middle: f"{middle:g}"}, fontsize=8)
    axes.scatter(
        data[:, 0], data[:, 1], c=target, cmap="RdBu_r", edgecolors="black", linewidths=1.2, s=110 if len(data) < 50 else 18, zorder=3
    )
    figure.colorbar(shades, ax=axes, label="output")
    names = next(leaf.entries for leaf in net.leaves if leaf.var is X)
    dress(axes, f"{net.name}: output after {seen.training.epochs:,} epochs, loss {seen.training.final_loss:.3g}", names[0], names[1])
    axes.grid(False)
    save(figure, path)


def two_inputs(net: Net) -> Var:
    """The batch of inputs of a network that has two of them and one output. Raises: BadSetting for another network."""
    inputs = [leaf.var for leaf in net.data if leaf.var is not net.target and leaf.var not in net.masks]
    single = net.prediction.shape in (("n",), ("n", 1))
    if len(inputs) == 1 and len(inputs[0].shape) == 2 and inputs[0].shape[1] == 2 and single:
        return inputs[0]
    raise BadSetting(
        f"a decision surface is drawn for two inputs and one output over a batch, such as xor; {net.name} is {net.description}"
    )
