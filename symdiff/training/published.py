"""Numbers that were published of trainings, as their texts give them, with what the texts say of how they came about.

Nothing here is computed and nothing is concluded: `compare` finds out what reproduces each number, and whether that is what was said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from symdiff.training.explaining import Quoted, quoted


@dataclass(frozen=True)
class Published:
    """One published training of a network.

    `loss` and `prediction` are told for update `after`; `reduction` is that of the error in percent. `said` has, by convention, how the
    text says that it was trained; `blamed` the conventions that it names as the reason why its numbers differ from those of `beside`.
    `weights` are those after `after` updates, by the names of their entries.
    """

    name: str
    after: int
    loss: Quoted | None = None
    prediction: tuple[Quoted, ...] = ()
    reduction: Quoted | None = None
    said: Mapping[str, str] = field(default_factory=dict)
    blamed: tuple[str, ...] = ()
    beside: str = ""
    weights: Mapping[str, Quoted] = field(default_factory=dict)


SEQUENTIAL = "sequential, output layer first"

# The comparison of four trainings of the 2-2-2 network of Mazur's tutorial, 1,000 updates at a learning rate of 0.5.
FOUR_TRAININGS = (
    Published("NumPy sequential", 1000, quoted("0.0011153760"), said={"update": SEQUENTIAL}),
    Published("NumPy parallel", 1000, quoted("0.0011157856"), said={"update": "parallel"}),
    Published(
        "TensorFlow",
        1000,
        quoted("0.0011163501"),
        (quoted("0.0440"), quoted("0.9573")),
        quoted("99.6324"),
        said={"update": "parallel", "precision": "float32"},
        blamed=("loss", "precision"),
        beside="NumPy parallel",
    ),
    Published(
        "Keras (fixed)",
        1000,
        quoted("0.0011157875"),
        reduction=quoted("99.6260"),
        said={"update": SEQUENTIAL, "precision": "float32"},
        blamed=("precision",),
        beside="NumPy parallel",
    ),
)

# What the tutorial itself prints: the weights after one update, the error after it, and the outputs after 10,000.
# Source: Matt Mazur, A Step by Step Backpropagation Example (2015).
_WEIGHTS = ("0.149780716", "0.19956143", "0.24975114", "0.29950229", "0.35891648", "0.408666186", "0.511301270", "0.561370121")
TUTORIAL = (
    Published("the weights after one update", 1, weights={f"w{k}": quoted(text) for k, text in enumerate(_WEIGHTS, 1)}),
    Published("the error after one update", 1, quoted("0.291027924")),
    Published("the outputs after 10,000 updates", 10_000, prediction=(quoted("0.015912196"), quoted("0.984065734"))),
)

PUBLISHED: dict[str, tuple[tuple[Published, ...], tuple[Published, ...]]] = {"mazur": (FOUR_TRAININGS, TUTORIAL)}
