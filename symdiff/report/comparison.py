"""The update schedules of one network side by side: losses, distances from the target, differences, and the way of every weight."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from symdiff.report.colours import UPDATE_COLOURS, names_of, plot_colours
from symdiff.report.plot import dress, new_figure, save
from symdiff.training.trajectory import Trajectory

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLES = {"parallel": (2.6, "-"), "sequential": (1.6, "--"), "gauss-seidel": (1.6, ":")}


def schedule_panels(trajectories: Mapping[str, Trajectory], path: Path) -> None:
    """Four panels: loss against iterations, distance from the target, difference between schedules, trajectories of all weights.

    The differences are from the first trajectory. Raises: as plot.check_plot; BadSetting if the file cannot be written.
    """
    base = next(iter(trajectories.values()))
    figure = new_figure(path, 11, 8, f"{base.net.name}: {int(base.updates[-1]):,} updates by {len(trajectories)} schedules")
    (a, b), (c, d) = figure.subplots(2, 2)
    target = np.ravel(base.net.values()[base.net.target])
    for name, t in trajectories.items():
        width, line = STYLES[name]
        look = {"color": UPDATE_COLOURS[name], "linewidth": width, "linestyle": line, "label": name}
        at = t.updates + 1
        a.plot(at, t.losses, **look)
        b.plot(at, np.linalg.norm(t.predictions - target, axis=1), **look)
        if t is not base:
            shared = min(len(t.losses), len(base.losses))
            gap = np.abs(t.losses[:shared] - base.losses[:shared])
            c.plot(at[:shared][gap > 0], gap[gap > 0], **look)
    dress(a, "Loss", "update", "loss before the update", x_log=True, y_log=True)
    dress(b, "Distance from the target", "update", "‖y − t‖", x_log=True, y_log=True)
    dress(c, f"Difference from {base.update} updates", "update", "|difference of the losses|", x_log=True, y_log=True)
    for axes in (a, b, c):
        axes.legend(frameon=False)
    weight_paths(d, base)
    save(figure, path)


def weight_paths(axes: Axes, t: Trajectory) -> None:
    """Every weight against the updates, each in its colour and named at its end, the names kept apart."""
    colours = plot_colours(names_of(t.net))
    ends = []
    for k, name in enumerate(t.weight_names):
        axes.plot(t.updates + 1, t.weights[:, k], color=colours[name], linewidth=1.5)
        ends.append((float(t.weights[-1, k]), name))
    dress(axes, f"Weights, {t.update} updates", "update", "weight", x_log=True)
    if len(ends) <= 24:
        low, high = axes.get_ylim()
        for y, (end, name) in zip(apart([end for end, _ in sorted(ends)], (high - low) / 22), sorted(ends), strict=True):
            axes.annotate(
                name, (t.updates[-1] + 1, end), (1.03, (y - low) / (high - low)), textcoords="axes fraction", va="center", fontsize=9,
                color=colours[name], arrowprops={"arrowstyle": "-", "color": colours[name], "linewidth": 0.6, "shrinkA": 0, "shrinkB": 0},
            )  # fmt: skip


def apart(places: list[float], gap: float) -> list[float]:
    """Sorted places moved up and down until they are a gap apart, as little as that takes.

    >>> apart([0.0, 0.1, 5.0], 1.0)
    [-0.45, 0.55, 5.0]
    """
    groups: list[list[float]] = []  # sum of (place - rank * gap), count: each group stands at its mean
    for place in places:
        groups.append([place, 1])
        while len(groups) > 1 and groups[-2][0] / groups[-2][1] + groups[-2][1] * gap / 1 > groups[-1][0] / groups[-1][1]:
            total, count = groups.pop()
            groups[-1][0] += total - count * groups[-1][1] * gap
            groups[-1][1] += count
    return [total / count + k * gap for total, count in groups for k in range(int(count))]
