"""Gradients in matrix form, as lines of text: each formula, with the cotangents that it shares beside or below."""

from __future__ import annotations

from rich.cells import cell_len

from symdiff.cli.layout import beside, equation
from symdiff.cli.notation import Notation
from symdiff.training.formulas import Formulas

MOST_ROWS = 8  # of one layer


def definition_lines(formulas: Formulas, notation: Notation, columns: int) -> list[str]:
    """h = ..., y = ..., E = ...; all indented by four, the first few of a long layer."""
    lines: list[str] = []
    for layer in formulas.layers:
        shown = [v for v in layer if v in formulas.displayed]
        for v in shown[:MOST_ROWS]:
            lines += equation(notation.formula(v), notation.formula(formulas.displayed[v]), columns, indent=4)
        if len(shown) > MOST_ROWS:
            lines.append(f"    … and {len(shown) - MOST_ROWS:,} more, to {notation.formula(shown[-1])}")
    return lines + equation(notation.loss, notation.formula(formulas.loss), columns, indent=4)


def gradient_lines(formulas: Formulas, notation: Notation, columns: int) -> list[str]:
    """∂E/∂W₂ = δ₂ hᵀ   where  δ₂ = ...: side by side where the width allows it."""
    gradients = [
        line for v, g in formulas.gradients.items() for line in equation(notation.slope(v), notation.formula(g), columns, indent=2)
    ]
    if not formulas.cotangents:
        return gradients

    def named(width: int) -> list[str]:
        blocks = [equation(notation.formula(v), notation.formula(c), width) for v, c in formulas.cotangents.items()]
        return [line for block in blocks for line in block]

    head = "where  "
    left = max(map(cell_len, gradients)) + 5
    right = named(columns * 10)
    if left + len(head) + max(map(cell_len, right)) <= columns:
        return beside(gradients, beside([head], right, gap=0), gap=5)
    return [*gradients, *beside(["  " + head], named(columns - 2 - len(head)), gap=0)]
