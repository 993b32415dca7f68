"""Curves by matplotlib (extra `plot`); the ending of the file says PNG, SVG or PDF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from symdiff.errors import BadSetting, MissingExtra

ENDINGS = (".png", ".svg", ".pdf")


def check_plot(path: Path) -> None:
    """Raises: BadSetting for an ending that is not drawn; MissingExtra, with the line that installs it, without matplotlib."""
    if path.suffix.lower() not in ENDINGS:
        raise BadSetting(f"cannot draw {path.name!r}: the file's ending is one of {', '.join(ENDINGS)}")
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingExtra('plots need matplotlib, which is not installed: pip install -e ".[plot]"') from None


def loss_curves(curves: Mapping[str, Sequence[float]], path: Path, title: str) -> None:
    """Losses against epochs, both logarithmic, one line a curve.

    Raises: as check_plot; BadSetting if the file cannot be written.
    """
    check_plot(path)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for name, losses in curves.items():
        axes.plot(range(1, len(losses) + 1), losses, label=name)
    axes.set(title=title, xlabel="epoch", ylabel="loss before the update", xscale="log", yscale="log")
    axes.grid(True, which="major", alpha=0.3)
    if len(curves) > 1:
        axes.legend()
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise BadSetting(f"cannot write {str(path)!r}: {error.strerror or error}") from None
