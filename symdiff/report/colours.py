"""One colour a variable, the same in formula, table and plot: what a terminal calls it, and what a plot draws."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import cycle

from symdiff.training.net import Net

PALETTE = {
    "cyan": "#0e9aa7",
    "magenta": "#c2187a",
    "green": "#2e8b47",
    "yellow": "#c99700",
    "blue": "#2a5db0",
    "bright_red": "#e0483e",
    "bright_cyan": "#5bc0d4",
    "bright_magenta": "#e98bc9",
    "bright_green": "#86b93b",
    "bright_blue": "#7fa8ea",
}
UPDATE_COLOURS = {"parallel": "#2a5db0", "sequential": "#d9642b", "gauss-seidel": "#2e8b47"}


def names_of(net: Net) -> list[str]:
    """The variables of a net in the order in which they get their colours: the leaves, then their entries one by one."""
    return [leaf.var.name for leaf in net.leaves] + [name for leaf in net.leaves for name in leaf.entries]


def plot_colours(names: Iterable[str]) -> dict[str, str]:
    """The colour of each name in a plot.

    >>> plot_colours(['w1', 'w2'])
    {'w1': '#0e9aa7', 'w2': '#c2187a'}
    """
    return dict(zip(dict.fromkeys(names), cycle(PALETTE.values()), strict=False))
