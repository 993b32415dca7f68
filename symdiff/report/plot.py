"""Curves by matplotlib (extra `plot`); the ending of the file says PNG, SVG or PDF. What every plot shares stands here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from symdiff.errors import BadSetting, MissingExtra
from symdiff.training.loop import Training

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CURVES = {"training": "#2a5db0", "validation": "#d9642b"}
MANY = 100  # epochs that are drawn logarithmically
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
    """Losses, logarithmic, against epochs, one line a curve; below them accuracies, as shares of 1, if there are any.

    Epochs are logarithmic too where there are many.

    Raises: as check_plot; BadSetting if the file cannot be written.
    """
    drawn = [("loss", dict(curves))]
    if accuracies:
        drawn.append(("accuracy, %", {name: [100 * share for share in shares] for name, shares in accuracies.items()}))
    many = max(map(len, curves.values()), default=0) > MANY
    figure = new_figure(path, 7, 1.5 + 3.2 * len(drawn))
    parts = figure.subplots(len(drawn), 1, squeeze=False, sharex=True)[:, 0]
    for axes, (y, lines) in zip(parts, drawn, strict=True):
        for name, values in lines.items():
            axes.plot(range(1, len(values) + 1), values, label=name, color=CURVES.get(name))
        dress(axes, title if axes is parts[0] else "", "epoch" if axes is parts[-1] else "", y, x_log=many, y_log=y == "loss")
        if len(lines) > 1:
            axes.legend(frameon=False)
    save(figure, path)


def training_curves(training: Training, path: Path, title: str) -> None:
    """The losses of a training, those of the validation beside them, and accuracies below, if they are known.

    Raises: as check_plot; BadSetting if the file cannot be written.
    """
    history = training.history
    losses = {"training": history.loss, "validation": history.validation_loss}
    accuracies = {"validation": history.validation_accuracy} if history.validation_accuracy else None
    loss_curves({name: values for name, values in losses.items() if values}, path, title, accuracies)
