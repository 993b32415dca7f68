"""What `hessian` of several variables returns: rows of blocks to compute with, which print as one matrix."""

from __future__ import annotations

from collections.abc import Sequence

from symdiff.api.answers import Answer
from symdiff.api.hessian_blocks import Hessian
from symdiff.expr.node import Expr
from symdiff.printing.blocks import block_latex, block_lines


class Blocks(Hessian):
    """The blocks of a Hessian in several variables; printed, a matrix of simplified blocks."""

    def __init__(self, rows: Sequence[Sequence[Expr]], loss: Expr, wrt: Sequence[Expr]) -> None:
        super().__init__(rows, loss, wrt)
        self.answer = Answer(loss, tuple(wrt), "hessian")

    def __str__(self) -> str:
        cells = self.answer.cells("unicode")
        found = block_lines(cells) if cells else []
        if found and max(map(len, found)) <= 100:
            return "\n".join(found)
        pairs = zip(self.answer.found, self.answer.spelled, strict=True)
        return "\n".join(line for d, s in pairs for line in s.formula.lines(label=f"{self.answer.label(d)} = "))

    def _repr_latex_(self) -> str:
        cells = self.answer.cells("latex")
        return f"$\\displaystyle {block_latex(cells)}$" if cells else self.answer._repr_latex_()
