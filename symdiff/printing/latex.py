"""The LaTeX style, for papers and notebooks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from symdiff.expr.names import SUBSCRIPTS
from symdiff.printing.greek import GREEK
from symdiff.printing.mathematics import MathWriter
from symdiff.printing.numbers import named_number
from symdiff.printing.term import Term

WORDS = {name: f"\\{name}" for name in GREEK} | {"lam": r"\lambda", "lamda": r"\lambda", "Lam": r"\Lambda", "eps": r"\varepsilon"}
LETTERS = {letter: f"\\{name} " for name, letter in GREEK.items()}
KNOWN = ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "det", "max", "min", "arcsin", "arccos", "arctan")
FUNCTIONS = {
    "sigmoid": r"\sigma", "trace": r"\operatorname{tr}", "maximum": r"\max", "minimum": r"\min", "logdet": r"\log\det", "ones": r"\mathbf{1}",
    "delta": r"\delta", "digamma": r"\psi", "gammaln": r"\log\Gamma",
} | {fn: f"\\{fn}" for fn in KNOWN}  # fmt: skip
TALL = (r"\frac", r"\sum", r"\left")  # what plain brackets would be too small for
BRACKETS = {
    "()": (r"\left(", r"\right)"),
    "[]": (r"\left[", r"\right]"),
    "||": (r"\left|", r"\right|"),
    "‖‖": (r"\left\lVert ", r"\right\rVert"),
}


class LatexWriter(MathWriter):
    minus = "-"
    after_number = " "
    after_quotient = " "
    between = r" \cdot "
    hadamard = r" \odot "
    kronecker = r" \otimes "
    signs: Mapping[str, str] = {"<": "<", "<=": r"\le", ">": ">", ">=": r"\ge", "==": "=", "!=": r"\ne"}

    def name(self, word: str) -> str:
        """A Greek letter by its name, digits and what follows _ as a subscript, several letters upright.

        >>> LatexWriter({}).name('W1'), LatexWriter({}).name('out_h1'), LatexWriter({}).name('δ₂')
        ('W_{1}', '\\\\mathrm{out}_{h1}', '\\\\delta_{2}')
        """
        plain = word.translate(SUBSCRIPTS)
        stem, _, below = plain.partition("_")
        digits = re.fullmatch(r"(.*?\D)(\d+)", stem)
        if digits:
            stem, below = digits[1], digits[2] + (f", {below}" if below else "")
        body = WORDS.get(stem) or "".join(LETTERS.get(c, c) for c in stem).strip()
        if body == stem and len(stem) > 1:
            body = f"\\mathrm{{{stem}}}"
        below = "".join(LETTERS.get(c, c) for c in below).replace("_", r"\_").strip()
        return f"{body}_{{{below}}}" if below else body

    def number(self, value: Any) -> str:
        if isinstance(value, bool):
            return str(int(value))
        if value < 0:
            return f"-{self.number(-value)}"
        if (named := named_number(value, 1)) is not None:
            return named
        exact = self.fraction(value)
        if exact is not None:
            return f"\\frac{{{exact.numerator}}}{{{exact.denominator}}}"
        text = r"\infty" if value == float("inf") else str(value)
        mantissa, _, exponent = text.partition("e")
        return f"{mantissa} \\cdot 10^{{{int(exponent)}}}" if exponent.lstrip("+-").isdigit() else text

    def bracket(self, body: str, kind: str = "()") -> str:
        if kind in ("()", "[]") and not any(tall in body for tall in TALL):
            return f"{kind[0]}{body}{kind[1]}"
        left, right = BRACKETS[kind]
        return f"{left}{body}{right}"

    def transposed(self, base: str, inverse: bool = False) -> str:
        return f"{base}^{{-\\top}}" if inverse else f"{base}^\\top"

    def raised(self, base: str, exponent: str, elementwise: bool) -> str:
        wrapped = f"{{{base}}}" if "^" in base and not base.endswith((")", r"\rVert")) else base
        circle = r"\circ " if elementwise else ""
        return f"{wrapped}^{{{circle}{exponent}}}"

    def subscripted(self, base: str, letters: str) -> str:
        loose = ("_{" in base or "^" in base) and not base.endswith((")", "]"))
        return f"({base})_{{{letters}}}" if loose else f"{base}_{{{letters}}}"

    def quotient(self, above: Term, below: Term) -> str:
        return self.divided(self.write(above), below)

    def divided(self, above: str, below: Term) -> str:
        return f"\\frac{{{above}}}{{{self.write(below)}}}"

    def root(self, t: Term) -> str:
        return f"\\sqrt{{{self.write(t)}}}"

    def summed(self, letters: str, body: str) -> str:
        return f"\\sum_{{{letters}}} {body}" if letters else f"\\sum {body}"

    def function(self, fn: str) -> str:
        return FUNCTIONS.get(fn) or r"\operatorname{" + fn.replace("_", r"\_") + "}"
