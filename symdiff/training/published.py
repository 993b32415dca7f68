"""Numbers that were published of trainings, as their texts give them, with what the texts say of how they came about.

Nothing here is computed and nothing is concluded: `compare` finds out what reproduces each number, and whether that is what was said.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from symdiff.errors import BadSetting, did_you_mean
from symdiff.training.questions import Quoted, quoted


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
    Published("weights after 1 update", 1, weights={f"w{k}": quoted(text) for k, text in enumerate(_WEIGHTS, 1)}),
    Published("error after 1 update", 1, quoted("0.291027924")),
    Published("outputs after 10,000", 10_000, prediction=(quoted("0.015912196"), quoted("0.984065734"))),
)


@dataclass(frozen=True)
class Table:
    """Published trainings that stand together."""

    title: str
    rows: tuple[Published, ...]


PUBLISHED: dict[str, tuple[Table, ...]] = {
    "mazur": (Table("Four trainings of 1,000 updates", FOUR_TRAININGS), Table("The tutorial behind them", TUTORIAL)),
}


def read_published(path: Path) -> Table:
    """A table from a JSON file: {"title": ..., "rows": [{"name": ..., "after": ..., "loss": "0.00111", "said": {"update": "parallel"}}]}.

    A row has the fields of Published; its numbers may be text, which keeps final zeros.
    Raises: BadSetting for a file that cannot be read or is not of this form.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        rows = tuple(_row(row) for row in data["rows"])
        return Table(str(data.get("title", path.name)), rows)
    except OSError as error:
        raise BadSetting(f"cannot read {str(path)!r}: {error.strerror or error}") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, BadSetting):
            raise
        raise BadSetting(f"{path}: not a table of published trainings ({type(error).__name__}: {error})") from None


def _row(row: Mapping[str, Any]) -> Published:
    readers: dict[str, Callable[[Any], Any]] = {
        "name": str,
        "after": int,
        "loss": quoted,
        "prediction": lambda numbers: tuple(map(quoted, numbers)),
        "reduction": quoted,
        "said": dict,
        "blamed": tuple,
        "beside": str,
        "weights": lambda numbers: {name: quoted(w) for name, w in numbers.items()},
    }
    for key in row:
        if key not in readers:
            raise BadSetting(f"a published training has no field {key!r}{did_you_mean(key, readers)}. Fields: {', '.join(readers)}")
    return Published(**{key: readers[key](value) for key, value in row.items()})
