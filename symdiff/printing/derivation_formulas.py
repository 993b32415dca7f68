"""The formulas of a derivation: symbols by their names, and what stands on either side of a line.

An inner product with a differential is written gᵀ dw or tr(Gᵀ dW), a quadratic form dwᵀ H dw, and the differentials of an inner function
are put into those of the outer with the brackets that this takes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import takewhile

from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import variables
from symdiff.printing.formula import Formula, style_of
from symdiff.printing.latex import LatexWriter
from symdiff.printing.naming import choose_names
from symdiff.printing.nesting import outside_brackets, put_in
from symdiff.printing.notation import notation
from symdiff.rules.record import Line, Record

NUMBERED = r"([^\W\d_]+)(\d+)"
NO_CHAIN = (" + ", " − ", " - ", "·", "⊙", "odot", "⊗", "otimes", "/", "frac", "2 ")  # what may not stand bare in a product of matrices
DIGITS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
LONGEST = 400  # characters of one formula
INNER = {  # style -> how the inner product of a cotangent with a differential is written, by rank
    "unicode": ("{} {}", "{}ᵀ {}", "tr({}ᵀ {})", "Σ {} ⊙ {}"),
    "latex": ("{} \\, {}", "{}^\\top {}", "\\operatorname{{tr}}({}^\\top {})", "\\sum {} \\odot {}"),
    "python": ("{} * {}", "{} @ {}", "trace({}.T @ {})", "sum({} * {})"),
}
FIRST_MARK = 0xE000  # private characters, which stand for a differential until it is written out
MINUS = {"unicode": "−", "latex": "-", "python": "-"}
ATOM = r"[^\Wᵀ]+(\([^()]*\))?"  # a name or a call, which needs no brackets


class Formulas:
    """The formulas of one record in one style, by the names that the record gives."""

    def __init__(self, record: Record, style: str) -> None:
        self.record, self.style = record, style
        stand_ins = {e.name: e for e in record.names if isinstance(e, Var) and record.names[e] == e.name}
        self.twins = {v: stand_ins[v.name] for v in variables(record.loss, record.wrt) if v.name in stand_ins}  # one name for both
        self.names = {e: self._name(name) for e, name in self._all_names().items()}
        self.symbol_of = {e: s for s, e in record.meanings.items() if s in record.names and not record.names[s].startswith(("∂", "d²"))}
        self.stages = {
            e: self.names[s]
            for s, e in record.meanings.items()
            if s in self.symbol_of.values() and s not in record.differentials and not isinstance(e, Var)
        }
        self.extra: dict[str, str] = {}  # parts that the formulas of the present line name

    def _all_names(self) -> dict[Expr, str]:
        own: dict[Expr, str] = {v: v.name for v in variables(self.record.loss, self.record.wrt)}
        return {**{v: name for v, name in own.items() if v not in self.twins}, **self.record.names}

    def _name(self, name: str) -> str:
        if self.style == "unicode":
            found = re.fullmatch(NUMBERED, name)
            return found[1] + found[2].translate(DIGITS) if found else name
        return name

    def parts(self, e: Expr, names: Mapping[Expr, str] | None = None) -> Formula:
        """An expression with the parts that it names, none of them by a name of the record."""
        spell = style_of(self.style)
        found = notation([e], (), list(self.names), spell.saving)
        again = {self.symbol_of[part] for part, _ in found.parts if part in self.symbol_of}  # a stage written out keeps its name
        leaves = [e for e in self.names if e not in again]
        table = choose_names(found.parts, leaves, self.names | self.stages, spell.identifiers) | dict(names or {})
        table |= {v: table[twin] for v, twin in self.twins.items()}
        writer = spell.writer(table)
        texts = [self._spaced(writer.write(t)) for t in (*found.roots, *(t for _, t in found.parts))]
        return Formula(texts[0], tuple(zip((table[part] for part, _ in found.parts), texts[1:], strict=True)))

    def formula(self, e: Expr) -> str:
        """The text of an expression in one line; the parts that it names go into the notes of the line."""
        found = self.parts(e)
        self.extra.update(found.where)
        return _cut(found.text)

    def _spaced(self, text: str) -> str:
        """In LaTeX the d of a differential is upright and apart from what it belongs to."""
        if self.style != "latex":
            return text
        writer = LatexWriter({})
        for tangent in self.record.differentials:
            name = self.record.names[tangent]
            text = text.replace(writer.name(name), f"\\mathrm{{d}}{writer.name(name[1:])}")
        return text

    def left(self, e: Expr) -> str:
        name = self.record.names.get(e, "")
        if name.startswith("∂"):
            return self._slope(name)
        if name.startswith("d²"):
            return {"latex": r"\mathrm{d}^2 " + LatexWriter({}).name(name[2:]), "python": f"d2{name[2:]}"}.get(self.style, name)
        return self.formula(e)

    def _slope(self, name: str) -> str:
        """∂E/∂w, ∂²E/∂w², ∂²E/∂U∂V."""
        above, below = name.split("/")
        second, of = "²" * above.startswith("∂²"), above.lstrip("∂²")
        parts = [(word, square) for word, square in re.findall("∂([^∂²]+)(²?)", below)]
        match self.style:
            case "latex":
                spell = LatexWriter({}).name
                under = r" \, ".join(rf"\partial {spell(word)}" + "^2" * bool(square) for word, square in parts)
                return rf"\frac{{\partial{'^2' * bool(second)} {spell(of)}}}{{{under}}}"
            case "python":
                under = "".join(f"d{word}{'2' * bool(square)}" for word, square in parts)
                return f"d{'2' * bool(second)}{of}_{under}"
        return f"∂{second}{of}/" + "".join(f"∂{self._name(word)}{square}" for word, square in parts)

    def right(self, line: Line) -> str:
        if line.kind == "together":
            return _cut(self._together(line))
        if line.kind == "quadratic":
            return self._quadratic(line)
        if not line.pairs or line.kind == "jacobian":
            return self.formula(line.right)
        parts = [self._inner(*pair) for pair in line.pairs]
        text = parts[0]
        for part in parts[1:]:
            text += f" {MINUS[self.style]} {part[1:]}" if part.startswith(MINUS[self.style]) else f" + {part}"
        return text

    def _bracketed(self, e: Expr) -> str:
        body = self.formula(e)
        loose = not isinstance(e, Var) if self.style == "latex" else not re.fullmatch(ATOM, body)
        return f"({body})" if loose else body

    def _inner(self, cotangent: Expr, differential: Expr) -> str:
        body = self._bracketed(cotangent)
        return INNER[self.style][min(cotangent.ndim, 3)].format(body, self.formula(differential))

    def _quadratic(self, line: Line) -> str:
        """dwᵀ H dw."""
        (matrix, first), (_, second) = line.pairs
        if self.style == "python" or not (first.ndim or second.ndim):
            return self.formula(line.right)
        body = self.formula(matrix)
        if first.ndim and second.ndim and any(sign in outside_brackets(body) for sign in NO_CHAIN):
            body = f"({body})"
        elif not (first.ndim and second.ndim):
            body = self._bracketed(matrix)
        turned = self.formula(first) + ("ᵀ" if self.style == "unicode" else r"^\top") * bool(first.ndim)
        return f"{turned} {body} {self.formula(second)}"

    def _together(self, whole: Line) -> str:
        """The differentials put into one another, the innermost first, with the brackets that are needed."""
        known: dict[Expr, str] = {}
        marks: dict[Expr, str] = {}
        for line in reversed(self._steps_before(whole)):
            found = self.parts(line.right, marks)
            self.extra.update(found.where)
            text = found.text
            for inner, mark in marks.items():
                text = put_in(text, mark, known[inner])
            known[line.left] = text
            marks[line.left] = chr(FIRST_MARK + len(marks))
        return text

    def _steps_before(self, line: Line) -> list[Line]:
        """The differentials since the last line of another kind."""
        place = self.record.lines.index(line)
        return list(takewhile(lambda r: r.kind == "differential", reversed(self.record.lines[:place])))[::-1]


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + " …"
