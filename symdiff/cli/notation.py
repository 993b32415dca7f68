"""How the commands spell formulas, names and derivatives in a style."""

from __future__ import annotations

import re

from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import variables
from symdiff.lowering.naming import ascii_name
from symdiff.printing.formula import leaves_of, style_of
from symdiff.printing.mathml import mathml
from symdiff.printing.naming import choose_names
from symdiff.printing.notation import notation

NUMBERED = re.compile(r"([^\W\d_]+)(\d+)")
MUCH = 10**9  # operations that a name would have to save
CODE = ("python", "sympy")
DIGITS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class Notation:
    """One style. `loss` is the name of the loss, the same in all of them."""

    loss = "E"

    def __init__(self, style: str) -> None:
        self.style = style
        self.loss_symbol = f"<mi>{self.loss}</mi>" if style == "mathml" else self.loss

    def name(self, v: Var) -> str:
        """What a variable is called: w₅ for readers, an identifier (delta2) in code.

        >>> from symdiff.expr.leaves import var
        >>> Notation('unicode').name(var('w5')), Notation('python').name(var('δ₂'))
        ('w₅', 'delta2')
        """
        if self.style == "unicode":
            numbered = NUMBERED.fullmatch(v.name)
            return numbered[1] + numbered[2].translate(DIGITS) if numbered else v.name
        return ascii_name(v.name) if self.style in CODE else v.name

    def symbol(self, v: Var) -> str:
        """A variable as its formula is written, W_{2} in LaTeX."""
        return self.name(v) if self.style in CODE else self.formula(v)

    def parts(self, e: Expr) -> tuple[str, tuple[tuple[str, str], ...]]:
        """The text of a formula as it is given, and the (name, text) of the parts that are too long for one line.

        A part that stands twice is written twice: what deserves a name has one among the definitions.
        """
        style = style_of("latex" if self.style == "mathml" else self.style)
        given: dict[Expr, str] = {v: self.name(v) for v in variables(e)}
        found = notation([e], (), given, MUCH)
        leaves = leaves_of([*found.roots, *(t for _, t in found.parts)], [part for part, _ in found.parts])
        table = choose_names(found.parts, leaves, given, style.identifiers)
        writer = style.writer(table)
        spelled = mathml if self.style == "mathml" else str
        return spelled(writer.write(found.roots[0])), tuple((table[part], spelled(writer.write(t))) for part, t in found.parts)

    def formula(self, e: Expr) -> str:
        """The text of a formula in one line."""
        text, where = self.parts(e)
        return text + "".join(f"   with {name} = {part}" for name, part in where)

    def slope(self, v: Var) -> str:
        """The derivative of the loss in a variable: ∂E/∂w₅, or a name in code."""
        return _SLOPES.get(self.style, _SLOPES["python"]).format(self.loss, self.symbol(v))


_SLOPES = {
    "unicode": "∂{}/∂{}",
    "latex": r"\frac{{\partial {}}}{{\partial {}}}",
    "mathml": "<mfrac><mrow><mo>∂</mo><mi>{}</mi></mrow><mrow><mo>∂</mo>{}</mrow></mfrac>",
    "python": "d{}_d{}",
}
