"""Curves by matplotlib (extra `plot`); the ending of the file says PNG, SVG or PDF. What every plot shares stands here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from symdiff.errors import BadSetting, MissingExtra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ENDINGS = (".png", ".svg", ".pdf")


def check_plot(path: Path) -> None:
    """Raises: BadSetting for an ending that is not drawn; MissingExtra, with the line that installs it, without matplotlib."""
    if path.suffix.lower() not in ENDINGS:
        raise BadSetting(f"cannot draw {path.name!r}: the file's ending is one of {', '.join(ENDINGS)}")
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingExtra('plots need matplotlib, which is not installed: pip install -e ".[plot]"') from None


def new_figure(path: Path, width: float, height: float, title: str = "") -> Figure:
    """An empty figure of a size in inches, to be saved by `save`. Raises: as check_plot."""
    check_plot(path)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    if title:
        figure.suptitle(title, fontsize=13)
    return figure


def dress(axes: Axes, title: str, x: str, y: str, *, x_log: bool = False, y_log: bool = False) -> None:
    """Title, labels, scales and a light grid."""
    axes.set_title(title, fontsize=10.5, loc="left")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    if x_log:
        axes.set_xscale("log")
    if y_log:
        axes.set_yscale("log")
    axes.grid(True, which="major", alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def save(figure: Figure, path: Path) -> None:
    """Write a figure, the same bytes for the same figure. Raises: BadSetting if the file cannot be written."""
    import matplotlib

    undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    try:
        with matplotlib.rc_context({"svg.hashsalt": "symdiff"}):
            figure.savefig(path, dpi=150, metadata=undated.get(path.suffix.lower()))
    except OSError as error:
        raise BadSetting(f"cannot write {str(path)!r}: {error.strerror or error}") from None


def loss_curves(
    curves: Mapping[str, Sequence[float]], path: Path, title: str, accuracies: Mapping[str, Sequence[float]] | None = None
) -> None:
    """Losses against epochs, both logarithmic, one line a curve; below them accuracies, in percent, if there are any.

    Raises: as check_plot; BadSetting if the file cannot be written.
    """
    figure = new_figure(path, 7, 7 if accuracies else 4.5)
    parts = figure.subplots(2 if accuracies else 1, 1, squeeze=False, sharex=True)[:, 0]
    for name, losses in curves.items():
        parts[0].plot(range(1, len(losses) + 1), losses, label=name)
    dress(
        parts[0], title, "epoch" if not accuracies else "", "loss before the update" if not accuracies else "loss", x_log=True, y_log=True
    )
    if accuracies:
        for name, shares in accuracies.items():
            parts[1].plot(range(1, len(shares) + 1), [100 * share for share in shares], label=name)
        dress(parts[1], "", "epoch", "accuracy, %", x_log=True)
    for axes, lines in zip(parts, (curves, accuracies or {}), strict=False):
        if len(lines) > 1:
            axes.legend(frameon=False)
    save(figure, path)
