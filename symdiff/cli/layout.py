"""Text in columns: formulas that break at an operator and line up under their right-hand side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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
