"""A derivation as numbered lines: what equals what on the left, the rule and what is new on the right.

The formulas are those of the record; this file only spells them. Inner products with a differential are written as gᵀ dw and
tr(Gᵀ dW), from which a gradient is read off. A rule is stated where it is first used and named afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Any

from numpy.typing import NDArray

from symdiff.expr.dims import show_shape
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import variables
from symdiff.printing.derivation_page import Page, Row, latex_note
from symdiff.printing.formula import Formula, format_formula, style_of
from symdiff.printing.kronecker import vec_notes
from symdiff.printing.latex import LatexWriter
from symdiff.printing.naming import choose_names
from symdiff.printing.nesting import outside_brackets, put_in
from symdiff.printing.notation import notation
from symdiff.rules.record import Line, Record, Rule

NUMBERED = r"([^\W\d_]+)(\d+)"
NO_CHAIN = (" + ", " − ", " - ", "·", "⊙", "odot", "⊗", "otimes", "/", "frac", "2 ")  # what may not stand bare in a product of matrices
LETTERS = "ijklmn"
LOWERED = str.maketrans(LETTERS, "ᵢⱼₖₗₘₙ")
DIGITS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
ATOM = r"[^\Wᵀ]+(\([^()]*\))?"  # a name or a call, which needs no brackets
LONGEST = 400  # characters of one formula
MOST_ENTRIES = 4
INNER = {  # style -> how the inner product of a cotangent with a differential is written, by rank
    "unicode": ("{} {}", "{}ᵀ {}", "tr({}ᵀ {})", "Σ {} ⊙ {}"),
    "latex": ("{} \\, {}", "{}^\\top {}", "\\operatorname{{tr}}({}^\\top {})", "\\sum {} \\odot {}"),
    "python": ("{} * {}", "{} @ {}", "trace({}.T @ {})", "sum({} * {})"),
}
READ_OFF = {
    "unicode": ("d{0} = G d{1}", "d{0} = Gᵀ d{1}", "d{0} = tr(Gᵀ d{1})", "d{0} = Σ G ⊙ d{1}"),
    "latex": (
        "d{0} = G \\, d{1}",
        "d{0} = G^\\top d{1}",
        "d{0} = \\operatorname{{tr}}(G^\\top d{1})",
        "d{0} = \\sum G \\odot d{1}",
    ),
    "python": ("d{0} = G * d{1}", "d{0} = G @ d{1}", "d{0} = trace(G.T @ d{1})", "d{0} = sum(G * d{1})"),
}
FIRST_MARK = 0xE000  # private characters, which stand for a differential until it is written out
MINUS = {"unicode": "−", "latex": "-", "python": "-"}


def page(
    record: Record, style: str = "unicode", values: Mapping[Expr, NDArray[Any]] | None = None, conventions: Sequence[str] = ()
) -> Page:
    """The rows of a record in the style 'unicode', 'latex' or 'python'; `values` of symbols are shown where they first appear.

    `conventions` are those that the result uses; the last line says those that no rule has said.
    """
    return _Spelling(record, style, values or {}).page(conventions)


class _Spelling:
    """One record in one style."""

    def __init__(self, record: Record, style: str, values: Mapping[Expr, NDArray[Any]]) -> None:
        self.record, self.style, self.values = record, style, values
        stand_ins = {e.name: e for e in record.names if isinstance(e, Var) and record.names[e] == e.name}
        self.twins = {v: stand_ins[v.name] for v in variables(record.loss, record.wrt) if v.name in stand_ins}  # one name for both
        self.names = {e: self._name(name) for e, name in self._all_names().items()}
        self.symbol_of = {e: s for s, e in record.meanings.items() if s in record.names and not record.names[s].startswith(("∂", "d²"))}
        self.stages = {
            e: self.names[s]
            for s, e in record.meanings.items()
            if s in self.symbol_of.values() and s not in record.differentials and not isinstance(e, Var)
        }
        self.stated: set[str] = set()
        self.first_of: dict[str, int] = {}
        self.extra: dict[str, str] = {}  # parts that the formulas of the present line name
        self.nested: dict[Expr, str] = {}  # differentials written out, for the line that puts them together

    def _all_names(self) -> dict[Expr, str]:
        own: dict[Expr, str] = {v: v.name for v in variables(self.record.loss, self.record.wrt)}
        return {**{v: name for v, name in own.items() if v not in self.twins}, **self.record.names}

    def _name(self, name: str) -> str:
        if self.style == "unicode":
            found = re.fullmatch(NUMBERED, name)
            return found[1] + found[2].translate(DIGITS) if found else name
        return name

    # --- formulas ---------------------------------------------------------------------------------------------------
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

    # --- notes ------------------------------------------------------------------------------------------------------
    def _rule(self, rule: Rule) -> str:
        """The rule's name, with its statement where it is used for the first time."""
        said = statement(rule, self.style)
        if not said or rule.name in self.stated or rule.name == "sum rule":
            return rule.name
        self.stated.add(rule.name)
        extra = "".join(f" ({part})" for part in (rule.convention, rule.source) if part)
        return f"{rule.name}: {said}{extra}"

    def _held(self, line: Line) -> list[str]:
        if not line.fixed or not any(r.name == "product rule" for r in line.rules):
            return []
        names = [self.formula(e) for e in line.fixed]
        return [f"{_listed(names)} held fixed"] if len(names) <= MOST_ENTRIES else ["all else held fixed"]

    def _defined(self, line: Line) -> list[str]:
        return [f"{self.formula(symbol)} = {self.formula(value)}" for symbol, value in line.defines]

    def notes(self, line: Line, number: int) -> list[str]:
        shape = [f"shape {show_shape(line.right.shape)}"] if line.right.shape else []
        match line.kind:
            case "loss":
                return ["the function" if self.record.lines[0].left.shape else "the loss"]
            case "rewritten":
                return [f"the same, by identities: {', '.join(r.name for r in line.rules)}" if line.rules else "the same, simplified"]
            case "differential":
                return [*map(self._rule, line.rules), *self._held(line), *self._defined(line)]
            case "together":
                return [f"{number - len(self._steps_before(line))} to {number - 1} put together"]
            case "moved":
                (_, target), *_ = line.pairs
                return [f"moved to {self.formula(target)}{self._turned(line)}", *self._law(line), *self._defined(line)]
            case "cotangent":
                return [f"the derivative in {self.formula(line.fixed[0])}, all paths added{self._turned(line)}"]
            case "gradient":
                result, own = self.record.names[self.record.lines[0].left], self._name(self.record.names[line.left].split("∂")[-1])
                way = READ_OFF[self.style][min(line.right.ndim, 3)].format(result, own)
                return [f"read off: {way} means G = {self.left(line.left)}", *shape]
            case "second":
                held, *varied = (self.formula(e) for e in line.fixed)
                return [
                    f"the second differential: {held} held fixed" + "".join(f", {name} varied" for name in varied),
                    *(f"{text}, the gradient" for text in self._defined(line)[:1]),
                ]
            case "quadratic":
                return [f"{self.formula(line.pairs[1][1])} moved to the right"]
            case "jacobian":
                return [self._read_off(line), *self._as_matrix(line), *shape]
            case "identity":
                return [self._rule(r) for r in line.rules]
            case _:
                names = ", ".join(r.name for r in line.rules)
                simplified = f"simplified: {names}" if all(r.is_identity for r in line.rules) else names
                return [simplified if names else "in the variables of the loss", *shape]

    def _read_off(self, line: Line) -> str:
        """What a Jacobian or a Hessian is read off from."""
        ((whole, part),) = line.pairs
        name = self.left(line.left)
        letter = "H" if self.record.names[line.left].startswith("∂²") else "J"
        left, right = self.formula(whole), self.formula(part)
        if whole.ndim <= 1 and part.ndim <= 1:
            times = " @ " if whole.ndim and part.ndim and self.style == "python" else " * " if self.style == "python" else " "
            return f"read off: {left} = {letter}{times}{right} means {letter} = {name}"
        rows, columns = (LETTERS[: whole.ndim], LETTERS[whole.ndim : whole.ndim + part.ndim])
        match self.style:
            case "python":
                way = f"{left} = einsum('{rows}{columns},{columns}->{rows}', {letter}, {right})"
            case "latex":
                low = [f"_{{{i}}}" if i else "" for i in (rows, rows + columns, columns)]
                way = rf"{left}{low[0]} = \sum_{{{columns}}} {letter}{low[1]} {right}{low[2]}"
            case _:
                low = [i.translate(LOWERED) for i in (rows, rows + columns, columns)]
                way = f"{left}{low[0]} = Σ{low[2]} {letter}{low[1]} {right}{low[2]}"
        return f"read off: {way} means {letter} = {name}"

    def _as_matrix(self, line: Line) -> list[str]:
        """The Jacobian over stacked entries, if it has a form in Kronecker products."""
        ((whole, _),) = line.pairs
        return vec_notes(line.right, whole.ndim, self.style, self.names)

    def _transposes(self, line: Line) -> list[str]:
        """The factors whose transposes the line shows."""
        shown = self.right(line) + " ".join(self._defined(line))
        names = dict.fromkeys(self.formula(e) for e in line.transposed)
        return [name for name in names if f"{name}ᵀ" in shown and re.fullmatch(ATOM, name)] if self.style == "unicode" else []

    def _turned(self, line: Line) -> str:
        names = self._transposes(line)
        return f": this is where {_listed(names)} {'is' if len(names) == 1 else 'are'} transposed" if names else ""

    def _law(self, line: Line) -> list[str]:
        """Why a transpose is there, said once."""
        if "transpose" in self.stated or not self._transposes(line):
            return []
        self.stated.add("transpose")
        return ["aᵀ(W b) = (Wᵀa)ᵀ b"]

    # --- the page ---------------------------------------------------------------------------------------------------
    def page(self, conventions: Sequence[str]) -> Page:
        rows = []
        shown: set[Expr] = set()
        said: dict[str, str] = {}  # the named parts as they were last defined
        for number, line in enumerate(self.record.lines, 1):
            self.first_of.setdefault(line.kind, number)
            new = [s for s in (line.left, *(s for s, _ in line.defines)) if s in self.values and s not in shown]
            shown.update(new)
            values = {self.left(s): self.values[s] for s in new}
            self.extra = {}
            left, right = self.left(line.left), self.right(line)
            notes = self.notes(line, number)
            defines = tuple(self._defined(line))
            if line.kind == "jacobian" and self.style == "latex":
                defines += tuple(map(latex_note, self._as_matrix(line)))
            notes += [f"{name} = {text}" for name, text in self.extra.items() if said.get(name) != text]
            said |= self.extra
            notes += [f"{name} = {_numbers(value)}" for name, value in values.items()]
            if line is self.record.lines[-1]:
                notes += [f"at a corner: {c}" for c in conventions if c.partition(":")[0] not in self.stated]
            names = tuple(r.name for r in line.rules)
            rows.append(Row(number, line.kind, left, right, names, defines, tuple(notes), line.right.shape, values))
        return Page(self.style, self.formula(self.record.loss), self.formula(self.record.wrt), tuple(rows))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + " …"


def statement(rule: Rule, style: str = "unicode") -> str:
    """The rule as one equation, 'd σ(u) = σ(u) (1 − σ(u)) du'; '' for a rule that has none."""
    if rule.of is None or rule.differential is None:
        return ""
    left, right = format_formula(rule.of, style).text, format_formula(rule.differential, style)
    tail = "".join(f", {name} = {text}" for name, text in right.where)
    if not rule.is_identity:
        left = f"d({left})" if " " in left and not left.endswith(")") else f"d {left}"
    return f"{left} = {right.text}{tail}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join((", ".join(names[:-1]), names[-1]) if len(names) > 1 else names)


def _shape(e: Expr) -> str:
    return f" {show_shape(e.shape)}" if e.shape else ""


def _numbers(value: NDArray[Any]) -> str:
    flat: Iterable[Any] = value.ravel()[:MOST_ENTRIES]
    shown = " ".join(f"{float(x):.6g}" for x in flat)
    return shown if value.ndim == 0 else f"[{shown}{' …' if value.size > MOST_ENTRIES else ''}]"
