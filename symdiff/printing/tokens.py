"""The tokens of mathematical notation, which the styles fill in; the forms that products and functions take are the same in all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symdiff.printing.precedence import LOOSE
from symdiff.printing.term import Term


class Tokens:
    """What differs from style to style: how a name, a bracket or a transpose is written. `write` spells a term in them."""

    minus = "−"
    after_number = "·"
    after_quotient = " · "
    between = " · "
    hadamard = " ⊙ "
    kronecker = " ⊗ "
    signs: Mapping[str, str] = {"<": "<", "<=": "≤", ">": ">", ">=": "≥", "==": "=", "!=": "≠"}

    def __init__(self, names: Mapping[Any, str]) -> None:
        self.names = names
        self.vec = ""  # how vec(X) stacks the entries of X, by 'rows' or by 'columns', where a formula may say vec

    def name(self, word: str) -> str:
        raise NotImplementedError

    def number(self, value: Any) -> str:
        raise NotImplementedError

    def bracket(self, body: str, kind: str = "()") -> str:
        raise NotImplementedError

    def transposed(self, base: str, inverse: bool = False) -> str:
        raise NotImplementedError

    def raised(self, base: str, exponent: str, elementwise: bool) -> str:
        raise NotImplementedError

    def subscripted(self, base: str, letters: str) -> str:
        raise NotImplementedError

    def quotient(self, above: Term, below: Term) -> str:
        raise NotImplementedError

    def divided(self, above: str, below: Term) -> str:
        raise NotImplementedError

    def root(self, t: Term) -> str:
        raise NotImplementedError

    def summed(self, letters: str, body: str) -> str:
        raise NotImplementedError

    def function(self, fn: str) -> str:
        raise NotImplementedError

    def may_touch(self, left: str, right: str) -> bool:
        """Whether two factors read as two without a space between them."""
        return False

    def write(self, t: Term, level: int = LOOSE) -> str:
        """The text of a term, in brackets if it binds less than `level`."""
        raise NotImplementedError

    def binding(self, t: Term) -> int:
        """The level of what a term turns into, which may be another form than its own."""
        raise NotImplementedError

    def norm(self, x: Term) -> str:
        return self.bracket(self.write(x), "‖‖")
