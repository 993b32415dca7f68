"""The unicode style: Xᵀ(X w − y), ½ ‖y − t‖², δ ⊙ h ⊙ (1 − h), for a terminal."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from symdiff.printing.mathematics import MathWriter
from symdiff.printing.numbers import named_number
from symdiff.printing.precedence import POSTFIX, POWER, SIGN
from symdiff.printing.term import Term, decimal

FRACTIONS = {
    Fraction(1, 2): "½", Fraction(1, 3): "⅓", Fraction(2, 3): "⅔", Fraction(1, 4): "¼", Fraction(3, 4): "¾", Fraction(1, 5): "⅕",
    Fraction(1, 6): "⅙", Fraction(1, 8): "⅛", Fraction(3, 8): "⅜",
}  # fmt: skip
SUPERSCRIPTS = dict(zip("0123456789-+", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", strict=True))
SUBSCRIPTS = dict(zip("0123456789ijklmnopqrstaehxuv,", "₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₗₘₙₒₚᵩᵣₛₜₐₑₕₓᵤᵥ,", strict=True))
SUBSCRIPTS.pop("q")
PLAIN = ("number", "text")
FUNCTIONS = {
    "sigmoid": "σ", "trace": "tr", "maximum": "max", "minimum": "min", "logdet": "log det", "ones": "𝟏", "delta": "δ", "digamma": "ψ",
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "gammaln": "log Γ",
    "norm": "norm",
}  # fmt: skip


class UnicodeWriter(MathWriter):
    def name(self, word: str) -> str:
        return word

    def number(self, value: Any) -> str:
        if isinstance(value, bool):
            return str(int(value))
        if value < 0:
            return f"−{self.number(-value)}"
        if (named := named_number(value, 0)) is not None:
            return named
        exact = self.fraction(value)
        if exact is not None and (value := exact):
            return FRACTIONS.get(value) or (decimal(value) if value.denominator > 20 else None) or f"{value.numerator}/{value.denominator}"
        return "∞" if value == float("inf") else repr(value)

    def bracket(self, body: str, kind: str = "()") -> str:
        return f"{kind[0]}{body}{kind[1]}"

    def transposed(self, base: str, inverse: bool = False) -> str:
        return f"{base}⁻ᵀ" if inverse else f"{base}ᵀ"

    def raised(self, base: str, exponent: str, elementwise: bool) -> str:
        plain = exponent.replace("−", "-")
        circle = "∘" if elementwise else ""
        if all(c in SUPERSCRIPTS for c in plain):
            return f"{base}{circle}{''.join(SUPERSCRIPTS[c] for c in plain)}"
        return f"{base}^{circle}{exponent if plain.isalnum() else f'({exponent})'}"

    def subscripted(self, base: str, letters: str) -> str:
        if len(base) > 1 and not base.isidentifier() and base[-1] != ")" and base not in ("δ", "Σ"):
            base = self.bracket(base)
        if all(c in SUBSCRIPTS for c in letters):
            return base + "".join(SUBSCRIPTS[c] for c in letters)
        return f"{base}[{','.join(letters)}]"

    def quotient(self, above: Term, below: Term) -> str:
        if above.op in PLAIN and below.op in PLAIN:
            return f"{self.write(above, SIGN)}/{self.write(below, POWER)}"
        return self.divided(self.write(above, SIGN), below)

    def divided(self, above: str, below: Term) -> str:
        return f"{above} / {self.write(below, POWER)}"

    def root(self, t: Term) -> str:
        body = self.write(t)
        return f"√{body}" if self.binding(t) >= POSTFIX and (t.op in ("name", "text", "number") or body.startswith("‖")) else f"√({body})"

    def summed(self, letters: str, body: str) -> str:
        return f"{self.subscripted('Σ', letters)} {body}" if letters else f"Σ {body}"

    def function(self, fn: str) -> str:
        return FUNCTIONS.get(fn, fn)

    def may_touch(self, left: str, right: str) -> bool:
        return right.startswith("(") and left[-1] in "ᵀ⁻¹²"
