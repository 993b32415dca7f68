"""A derivation as numbered lines: what equals what on the left, the rule and what is new on the right.

A gradient is read off from an inner product with a differential, gᵀ dw or tr(Gᵀ dW). A rule is stated where it is first used and named
afterwards, and so is the law by which a factor moves to the other side transposed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from symdiff.expr.dims import show_shape
from symdiff.expr.node import Expr
from symdiff.printing.derivation_formulas import ATOM, Formulas
from symdiff.printing.derivation_page import Page, Row, latex_note
from symdiff.printing.formula import format_formula
from symdiff.printing.kronecker import vec_notes
from symdiff.rules.record import Line, Record, Rule

LETTERS = "ijklmn"
LOWERED = str.maketrans(LETTERS, "ᵢⱼₖₗₘₙ")
MOST_ENTRIES = 4
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


def page(
    record: Record, style: str = "unicode", values: Mapping[Expr, NDArray[Any]] | None = None, conventions: Sequence[str] = ()
) -> Page:
    """The rows of a record in the style 'unicode', 'latex' or 'python'; `values` of symbols are shown where they first appear.

    `conventions` are those that the result uses; the last line says those that no rule has said.
    """
    return _Lines(record, style, values or {}).page(conventions)


class _Lines(Formulas):
    """The notes and the rows of one record in one style."""

    def __init__(self, record: Record, style: str, values: Mapping[Expr, NDArray[Any]]) -> None:
        super().__init__(record, style)
        self.values = values
        self.stated: set[str] = set()

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

    def page(self, conventions: Sequence[str]) -> Page:
        rows = []
        shown: set[Expr] = set()
        said: dict[str, str] = {}  # the named parts as they were last defined
        for number, line in enumerate(self.record.lines, 1):
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


def _numbers(value: NDArray[Any]) -> str:
    flat: Iterable[Any] = value.ravel()[:MOST_ENTRIES]
    shown = " ".join(f"{float(x):.6g}" for x in flat)
    return shown if value.ndim == 0 else f"[{shown}{' …' if value.size > MOST_ENTRIES else ''}]"
