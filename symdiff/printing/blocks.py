"""A matrix of blocks as text: cells in columns between tall brackets, ⎡ XᵀX  Xᵀ𝟏 ⎤ over ⎣ ... ⎦; a bmatrix in LaTeX."""

from __future__ import annotations

from collections.abc import Sequence


def block_lines(cells: Sequence[Sequence[str]], head: str = "") -> list[str]:
    """The cells of a square of blocks in columns; `head` stands before the first line.

    >>> print('\\n'.join(block_lines([['2·A', 'b'], ['bᵀ', 'c']], 'H = ')))
    H = ⎡ 2·A  b ⎤
        ⎣ bᵀ   c ⎦
    """
    widths = [max(len(row[k]) for row in cells) for k in range(len(cells[0]))]
    lines = []
    for k, row in enumerate(cells):
        left, right = ("⎡", "⎤") if k == 0 else ("⎣", "⎦") if k == len(cells) - 1 else ("⎢", "⎥")
        body = "  ".join(text.ljust(w) for text, w in zip(row, widths, strict=True))
        lines.append(f"{head if k == 0 else ' ' * len(head)}{left} {body} {right}")
    return lines


def block_latex(cells: Sequence[Sequence[str]]) -> str:
    """The same for amsmath."""
    rows = r" \\ ".join(" & ".join(row) for row in cells)
    return rf"\begin{{bmatrix}} {rows} \end{{bmatrix}}"
