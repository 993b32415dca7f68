"""`symdiff derive --loss`: the derivatives of a loss that is given as a line of text, in any style, with the derivation on request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symdiff.api.derivation import Derivation, derivation
from symdiff.api.derivatives import Derivative, Kind, derivatives
from symdiff.api.rulebook import conventions
from symdiff.errors import BadSetting, ParseError, UnknownName, did_you_mean
from symdiff.expr.dims import show_shape
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.scope import parse_shapes
from symdiff.expr.text import parse, parse_names
from symdiff.expr.traverse import variables
from symdiff.printing.entries import entry_form
from symdiff.printing.formula import Formula, format_formula, op_count
from symdiff.printing.mathml import mathml
from symdiff.printing.namespace import preamble
from symdiff.printing.sympy_source import sympy_source

STEP_STYLES = ("unicode", "latex", "python")


@dataclass(frozen=True)
class Question:
    """A loss as text became this: the expression, its names, and the variables that its derivatives are asked in."""

    loss: Expr
    names: Mapping[str, Expr]
    wrt: tuple[Expr, ...]
    kind: Kind

    @property
    def symbol(self) -> str:
        return "E" if self.loss.shape == () else "f"


def read_loss(
    text: str, wrt: Sequence[str], shape: str | None, assume: str | None, let: Sequence[str], kind: Kind = "gradient"
) -> Question:
    """The question that the options ask.

    Raises: ParseError, with the column, for text that is no formula; BadSetting for an option that is missing.
    """
    if not shape:
        raise BadSetting('--loss: give the shapes of its variables, such as --shape "X:n,d w:d y:n"')
    if not wrt:
        raise BadSetting("--loss: say with --wrt in which variable to differentiate, such as --wrt w")
    names = parse_names(dict(map(_definition, let)), parse_shapes(shape), _assumptions(assume))
    for name in wrt:
        if name not in names:
            raise UnknownName(f"--wrt: there is no variable {name!r}{did_you_mean(name, names)}. Variables: {', '.join(names)}")
    return Question(parse(text, names), names, tuple(names[name] for name in wrt), kind)


def _definition(text: str) -> tuple[str, str]:
    name, equals, formula = text.partition("=")
    if not equals or formula.startswith("="):
        raise ParseError(f"--let: {text!r} is given, NAME=FORMULA is wanted, such as P=softmax(X@W)")
    return name.strip(), formula.strip()


def _assumptions(text: str | None) -> dict[str, str]:
    """ "Y:onehot K:spd" as a mapping; several words for one name stand between commas."""
    found: dict[str, str] = {}
    for entry in (text or "").split():
        name, colon, words = entry.partition(":")
        if not colon or not name or not words:
            raise ParseError(f'--assume: {entry!r} is given, NAME:WORD is wanted, such as "Y:onehot K:spd"')
        found[name] = f"{found[name]},{words}" if name in found else words
    return found


@dataclass(frozen=True)
class Answer:
    """The derivatives of a question, their formulas in a style, the derivations if they were asked for."""

    question: Question
    style: str
    found: tuple[Derivative, ...]
    formulas: tuple[Formula, ...]
    loss: Formula
    notes: tuple[str, ...]
    steps: tuple[Derivation, ...]


def answer(question: Question, style: str, steps: bool, by_entry: bool) -> Answer:
    """Differentiate, simplify and spell."""
    if steps and question.kind != "gradient":
        raise BadSetting(f"--steps derives gradients, not a {question.kind}")
    if steps and style not in STEP_STYLES:
        raise BadSetting(f"--steps: there is no style {style!r} of it. Styles: {', '.join(STEP_STYLES)}")
    found = tuple(derivatives(question.loss, question.wrt, question.kind))
    spell = _spelling(style, by_entry)
    return Answer(
        question,
        style,
        found,
        tuple(spell(d.value) for d in found),
        _spelling(style, False)(question.loss),
        tuple(conventions(question.loss, question.wrt)),
        tuple(derivation(question.loss, w, style=style) for w in question.wrt) if steps else (),
    )


def _spelling(style: str, by_entry: bool) -> Callable[[Expr], Formula]:
    if style == "sympy":
        return lambda e: Formula(str(sympy_source(e)))
    if style == "mathml":
        return lambda e: _as_mathml(_formula(e, "latex", by_entry))
    return lambda e: _formula(e, style, by_entry)


def _formula(e: Expr, style: str, by_entry: bool) -> Formula:
    return entry_form(e, style=style) if by_entry else format_formula(e, style)


def _as_mathml(f: Formula) -> Formula:
    return Formula(mathml(f.text), tuple((mathml(name), mathml(text)) for name, text in f.where))


def _label(question: Question, d: Derivative, by_entry: bool) -> str:
    """∂E/∂w, or ∂²E/∂w∂b for a block."""
    names = [e.name if isinstance(e, Var) else next(n for n, v in question.names.items() if v is e) for e in d.wrt]
    indices = "".join("ᵢⱼₖₗₘₙ"[: d.value.ndim]) if by_entry else ""
    if len(names) == 1:
        whole = f"∂{question.symbol}/∂{names[0]}"
    else:
        below = f"∂{names[0]}²" if names[0] == names[1] else "".join(f"∂{n}" for n in names)
        whole = f"∂²{question.symbol}/{below}"
    return f"({whole}){indices}" if indices else whole


# --- pages ----------------------------------------------------------------------------------------------------------
def page(a: Answer, columns: int, by_entry: bool = False) -> list[str]:
    """The answer for a reader: the loss and its variables, each derivative, the conventions it uses, the derivations."""
    q = a.question
    given = "  ".join(f"{v.name} {show_shape(v.shape) if v.shape else ''}".rstrip() for v in variables(q.loss, *q.wrt))
    lines = [*a.loss.lines(columns - 2, f"{q.symbol} = "), f"  {given}", ""]
    for d, formula in zip(a.found, a.formulas, strict=True):
        shape = f"    {show_shape(d.value.shape)}" if d.value.shape and not by_entry else ""
        body = formula.lines(columns - 2, f"{_label(q, d, by_entry)} = ")
        fits = len(body[0]) + len(shape) <= columns - 2
        body = [body[0] + shape, *body[1:]] if fits else [*body, shape]
        lines += [f"  {line}".rstrip() for line in body]
    lines += [f"  at a corner: {note}" for note in a.notes]
    for steps in a.steps:
        lines += ["", *steps.text(columns).splitlines()]
    return lines


def listing(a: Answer) -> list[str]:
    """The answer in a style for other programs."""
    q, rows = a.question, list(zip(a.found, a.formulas, strict=True))
    labels = [_label(q, d, False) for d, _ in rows]
    match a.style:
        case "python":
            named = [(_code(label), f) for label, (_, f) in zip(labels, rows, strict=True)]
            texts = [t for _, f in named for t in (f.text, *(part for _, part in f.where))]
            body = [line for name, f in named for line in (*(f"{part} = {text}" for part, text in f.where), f"{name} = {f.text}")]
            lines = [*preamble(texts).splitlines(), *body]
        case "sympy":
            body = [line for label, (_, f) in zip(labels, rows, strict=True) for line in _sympy_lines(_code(label), f.text)]
            lines = ["from sympy import *", *dict.fromkeys(body)]
        case "latex":
            body = [
                rf"  {_latex_label(q, d)} &= {f.text}" + "".join(rf", \quad {name} = {text}" for name, text in f.where) for d, f in rows
            ]
            lines = [r"\begin{align*}", *(line + r" \\" for line in body[:-1]), *body[-1:], r"\end{align*}"]
        case _:
            lines = [f'<math display="block">{f.text}</math>' for _, f in rows]
    return lines + [line for steps in a.steps for line in ("", *steps.text(100).splitlines())]


def _code(label: str) -> str:
    return label.replace("∂", "d").replace("²", "2").replace("/", "_")


def _sympy_lines(name: str, source: str) -> list[str]:
    *head, last = source.splitlines()
    return [*head, f"{name} = {last}"]


def _latex_label(q: Question, d: Derivative) -> str:
    names = [format_formula(e, "latex").text for e in d.wrt]
    if len(names) == 1:
        return rf"\frac{{\partial {q.symbol}}}{{\partial {names[0]}}}"
    below = rf"\partial {names[0]}^2" if names[0] == names[1] else " ".join(rf"\partial {n}" for n in names)
    return rf"\frac{{\partial^2 {q.symbol}}}{{{below}}}"


def as_data(a: Answer) -> dict[str, Any]:
    """The answer as data."""
    rows = [
        {
            "wrt": [e.name if isinstance(e, Var) else str(e) for e in d.wrt],
            "formula": f.text,
            "where": dict(f.where),
            "shape": list(d.value.shape),
            "operations": op_count(d.value),
        }
        for d, f in zip(a.found, a.formulas, strict=True)
    ]
    return {
        "command": "derive",
        "kind": a.question.kind,
        "style": a.style,
        "loss": a.loss.text,
        "derivatives": rows,
        "conventions": list(a.notes),
        "steps": [d.to_dict() for d in a.steps],
    }
