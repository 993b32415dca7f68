"""Text in columns: formulas that break at an operator and line up under their right-hand side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import wrap

from rich.cells import cell_len

from symdiff.printing.lines import broken


def padded(text: str, columns: int) -> str:
    """Text filled with blanks to a number of columns."""
    return text + " " * max(0, columns - cell_len(text))


def equation(left: str, right: str, columns: int, indent: int = 0) -> list[str]:
    """left = right, the right side wrapped and indented under its beginning.

    >>> print('\\n'.join(equation('∂E/∂w', '(a + b) · c + d · (e + f)', 26, indent=2)))
      ∂E/∂w = (a + b) · c
              + d · (e + f)
    """
    head = " " * indent + left + " = "
    return broken(head + right, columns, cell_len(head))


def beside(left: Sequence[str], right: Sequence[str], gap: int = 2) -> list[str]:
    """Two blocks side by side, the second at one column."""
    column = max(map(cell_len, left), default=0) + gap
    rows = max(len(left), len(right))
    filled = [*left, *[""] * (rows - len(left))]
    return [(padded(a, column) + b).rstrip() for a, b in zip(filled, [*right, *[""] * (rows - len(right))], strict=True)]


def table(rows: Iterable[Sequence[str]], right: Sequence[int] = (), gap: int = 3, indent: int = 2) -> list[str]:
    """Rows in columns; those in `right` are set flush right.

    >>> table([('a', '1'), ('bc', '23')], right=[1])
    ['  a     1', '  bc   23']
    """
    cells = [tuple(row) for row in rows]
    widths = [max(cell_len(row[k]) for row in cells) for k in range(len(cells[0]))]

    def cell(text: str, k: int) -> str:
        blank = " " * (widths[k] - cell_len(text))
        return blank + text if k in right else text + blank

    return [(" " * indent + (" " * gap).join(cell(text, k) for k, text in enumerate(row))).rstrip() for row in cells]


def wrapped(text: str, columns: int, indent: int = 2) -> list[str]:
    """A sentence in lines, all indented.

    >>> wrapped('one two three', 9)
    ['  one two', '  three']
    """
    return wrap(text, columns, initial_indent=" " * indent, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)


def table_in(rows: Sequence[Sequence[str]], columns: int, right: Sequence[int] = (), gap: int = 3, indent: int = 2) -> list[str]:
    """Rows in columns, the text of the last column wrapped to a number of columns.

    >>> table_in([('a', 'what is wrapped at this width'), ('bc', 'short')], 27)
    ['  a    what is wrapped at', '       this width', '  bc   short']
    """
    *fixed, last = zip(*rows, strict=True)
    start = indent + sum(max(map(cell_len, column)) + gap for column in fixed)
    cells: list[tuple[str, ...]] = []
    for k, text in enumerate(last):
        lines = wrapped(text, max(columns - start, 20), 0) or [""]
        cells += [(*(column[k] if i == 0 else "" for column in fixed), line) for i, line in enumerate(lines)]
    return table(cells, right, gap, indent)
