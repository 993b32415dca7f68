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
    except OSError as error:
        raise BadSetting(f"cannot read {str(path)!r}: {error.strerror or error}") from None
    except ValueError as error:
        raise BadSetting(f"{path}: not a table of published trainings: no JSON can be read from it ({error})") from None
    rows = data.get("rows") if isinstance(data, dict) else None
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise BadSetting(f"{path}: not a table of published trainings: {FORM} is wanted")
    return Table(str(data.get("title", path.name)), tuple(_row(row, k) for k, row in enumerate(rows, 1)))


FORM = '{"title": ..., "rows": [{"name": ..., "after": 1000, "loss": "0.00111"}, ...]}'
_READERS: dict[str, tuple[Callable[[Any], Any], str]] = {  # of each field how it is read, and what is wanted
    "name": (str, "a text"),
    "after": (int, "a whole number"),
    "loss": (quoted, "a number"),
    "prediction": (lambda numbers: tuple(map(quoted, numbers)), "a list of numbers"),
    "reduction": (quoted, "a number"),
    "said": (dict, "an object of texts by convention"),
    "blamed": (tuple, "a list of conventions"),
    "beside": (str, "a text"),
    "weights": (lambda numbers: {name: quoted(w) for name, w in numbers.items()}, "an object of numbers by weight"),
}


def _row(row: Mapping[str, Any], number: int) -> Published:
    found: dict[str, Any] = {}
    for key, value in row.items():
        if key not in _READERS:
            raise BadSetting(f"a published training has no field {key!r}{did_you_mean(key, _READERS)}. Fields: {', '.join(_READERS)}")
        read, wanted = _READERS[key]
        try:
            found[key] = read(value)
        except BadSetting:
            raise
        except (ValueError, TypeError, AttributeError):
            raise BadSetting(f"row {number} of the published trainings: {key} is {value!r}, {wanted} is wanted") from None
    for key in ("name", "after"):
        if key not in found:
            raise BadSetting(f"row {number} of the published trainings has no {key!r}: {FORM} is wanted")
    return Published(**found)
