"""`symdiff derive --loss`: the derivatives of a loss that is given as a line of text, in any style, with the derivation on request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from symdiff.api.answers import Answer
from symdiff.api.derivatives import Kind
from symdiff.errors import BadSetting, ParseError, UnknownName, did_you_mean
from symdiff.expr.node import Expr
from symdiff.expr.scope import parse_shapes
from symdiff.expr.text import parse, parse_names


@dataclass(frozen=True)
class Question:
    """A loss as text became this: the expression, its names, and the variables that its derivatives are asked in."""

    loss: Expr
    names: Mapping[str, Expr]
    wrt: tuple[Expr, ...]
    kind: Kind


def read_loss(
    text: str, wrt: Sequence[str], shape: str | None, assume: str | None, let: Sequence[str], kind: Kind = "gradient"
) -> Question:
    """The question that the options ask; a variable named twice is asked once.

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
    return Question(parse(text, names), names, tuple(names[name] for name in dict.fromkeys(wrt)), kind)


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


def answer(question: Question, style: str, layout: str, steps: bool, by_entry: bool) -> Answer:
    """What the page shows."""
    names = {e: name for name, e in question.names.items()}
    return Answer(question.loss, question.wrt, question.kind, style, layout, by_entry, steps, names)
