"""What the rows of the lowering table see of the walk: the builder, and which register holds each expression."""

from __future__ import annotations

from symdiff.expr.node import Expr
from symdiff.lowering.builder import Builder


class Walk:
    """Registers of the expressions so far, each with whether it is to be negated."""

    def __init__(self, b: Builder, decomposed: set[tuple[str, Expr]]) -> None:
        self.b = b
        self.decomposed = decomposed
        self.of: dict[Expr, tuple[int, bool]] = {}

    def value(self, e: Expr) -> int:
        """The register of an expression, sign included."""
        register, negated = self.of[e]
        return self.b.negative(register) if negated else register

    def full(self, e: Expr) -> int:
        """The register stretched to the whole shape (a view), real if it was a number."""
        return self.b.broadcast(self.value(e), e.shape)
