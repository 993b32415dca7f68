"""The page of a derivation: rows of number, formula and notes, set in columns, as LaTeX, or as plain data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

from symdiff.printing.lines import broken

TITLES = {
    "loss": "the loss",
    "together": "put together",
    "moved": "moved",
    "gradient": "read off",
    "second": "second differential",
    "quadratic": "moved",
    "jacobian": "read off",
    "result": "in the variables of the loss",
}


class Row(NamedTuple):
    """One printed line: its number, kind, formula (left = right), the names of its rules, the symbols it defines,
    what is said beside it, values by name."""

    number: int
    kind: str
    left: str
    right: str
    rules: tuple[str, ...]
    defines: tuple[str, ...]
    notes: tuple[str, ...]
    shape: tuple[Any, ...]
    values: Mapping[str, NDArray[Any]]

    @property
    def formula(self) -> str:
        return f"{self.left} = {self.right}"


class Page(NamedTuple):
    """The rows of a derivation in a style."""

    style: str
    loss: str
    wrt: str
    rows: tuple[Row, ...]

    def lines(self, width: int = 100) -> list[str]:
        """The rows in columns, number, formula, notes, within `width`; where a formula is long its notes stand below it."""
        digits = len(str(len(self.rows)))
        margin = digits + 4
        room = width - margin
        usual = sorted(len(r.formula) for r in self.rows)
        column = max((n for n in usual if n <= room * 11 // 20), default=0) + 3
        found: list[str] = []
        for row in self.rows:
            body = broken(row.formula, room, len(row.left) + 3)
            head = f"  {str(row.number).rjust(digits)}  "
            if len(body) == 1 and len(body[0]) <= column - 3:
                beside = wrapped(row.notes, room - column)
                found.append((head + body[0].ljust(column) + beside[0]).rstrip())
                found += [" " * (margin + column) + line for line in beside[1:]]
            else:
                found.append(head + body[0])
                found += [" " * margin + line for line in body[1:]]
                found += [" " * (margin + 4) + line for line in wrapped(row.notes, room - 4) if line]
        return found

    def latex(self) -> str:
        """The rows as one aligned block of amsmath, each with its rules and the symbols that it defines."""
        body = []
        for r in self.rows:
            said = ", ".join(r.rules) or TITLES.get(r.kind, r.kind)
            beside = "".join(rf",\; {d}" for d in r.defines)
            body.append(rf"  {r.left} &= {r.right} && \text{{{latex_text(said)}}}{beside}")
        return "\n".join([r"\begin{align}", *(line + r" \\" for line in body[:-1]), *body[-1:], r"\end{align}"])

    def data(self) -> dict[str, Any]:
        rows = [
            {
                "number": r.number, "kind": r.kind, "formula": r.formula, "left": r.left, "right": r.right, "rules": list(r.rules),
                "explanation": list(r.notes), "shape": list(r.shape), "values": {k: v.tolist() for k, v in r.values.items()},
            }
            for r in self.rows
        ]  # fmt: skip
        return {"style": self.style, "loss": self.loss, "wrt": self.wrt, "lines": rows}


def wrapped(notes: Sequence[str], width: int) -> list[str]:
    """Notes on lines of at most `width` columns: several on a line where they fit, a long one broken between words."""
    lines = [""]
    for k, note in enumerate(notes):
        text = note + (";" if k < len(notes) - 1 else "")
        if lines[-1] and len(lines[-1]) + 2 + len(text) > width and len(text) <= width:
            lines.append(text)
            continue
        gap = "  "
        for word in text.split(" "):
            if lines[-1] and len(lines[-1]) + len(gap) + len(word) > max(width, 20):
                lines.append(word)
            else:
                lines[-1] = f"{lines[-1]}{gap}{word}" if lines[-1] else word
            gap = " "
    return lines


def latex_note(note: str) -> str:
    """ "by columns: A ⊗ B" with its words as text; an equation as it is."""
    words, colon, formula = note.partition(": ")
    return rf"\text{{{latex_text(words)}:}}\ {formula}" if colon else note


def latex_text(text: str) -> str:
    return re.sub(r"([_&%#$])", r"\\\1", text)
