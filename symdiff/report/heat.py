"""A sweep as a heat map: the final loss over two settings, dark where it is low; a training that diverged is crossed out."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import numpy as np

from symdiff.report.plot import new_figure, save
from symdiff.training.sweeping import Sweep, Trial

SMALLEST = 1e-300  # a loss of 0 has no logarithm
LABELS = {"learning_rate": "learning rate", "rate_schedule": "rate schedule"}


def axes_of(found: Sweep) -> tuple[str, str | None]:
    """The settings that span the map: the first two with several values, seeds last."""
    several = sorted((name for name, values in found.grid.items() if len(values) > 1), key=lambda name: name == "seed")
    names = several or list(found.grid)
    return names[0], names[1] if len(names) > 1 else None


def cells(found: Sweep) -> dict[tuple[object, object], list[Trial]]:
    """The trials of each cell, in the order of the grid."""
    down, across = axes_of(found)
    table: dict[tuple[object, object], list[Trial]] = {}
    for trial in found.trials:
        table.setdefault((trial.settings[down], trial.settings[across] if across else ""), []).append(trial)
    return table


def heat_map(found: Sweep, path: Path) -> None:
    """Final losses, logarithmic in colour; the median of several trials in one cell.

    Raises: as plot.check_plot; BadSetting if the file cannot be written.
    """
    down, across = axes_of(found)
    rows = found.grid[down]
    columns = found.grid[across] if across else ("",)
    figure = new_figure(path, 2.6 + 1.5 * len(columns), 1.9 + 0.7 * len(rows))
    axes = figure.subplots()
    table = cells(found)
    losses = np.full((len(rows), len(columns)), np.nan)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            finished = [t.final_loss for t in table[row, column] if t.ending != "diverged"]
            if len(finished) * 2 > len(table[row, column]):
                losses[i, j] = max(median(finished), SMALLEST)
    image = axes.imshow(np.log10(losses), cmap="viridis", aspect="auto")
    middle = np.nanmean(np.log10(losses)) if np.isfinite(losses).any() else 0.0
    for i in range(len(rows)):
        for j in range(len(columns)):
            known = np.isfinite(losses[i, j])
            text = f"{losses[i, j]:.3g}" if known else "diverged"
            shade = "white" if known and np.log10(losses[i, j]) < middle else "black"
            axes.text(j, i, text, ha="center", va="center", color=shade, fontsize=10)
            if not known:
                axes.plot([j - 0.4, j + 0.4], [i - 0.4, i + 0.4], color="#e0483e", linewidth=1)
    axes.set_xticks(range(len(columns)), [_tick(c) for c in columns])
    axes.set_yticks(range(len(rows)), [_tick(r) for r in rows])
    axes.set_xlabel(LABELS.get(across, across) if across else "")
    axes.set_ylabel(LABELS.get(down, down))
    many = max(map(len, table.values()))
    axes.set_title(
        f"{found.net.name}: loss after {found.epochs:,} epochs" + (f", median of {many}" if many > 1 else ""), fontsize=10.5, loc="left"
    )
    figure.colorbar(image, ax=axes, label="log₁₀ of the loss")
    save(figure, path)


def _tick(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
