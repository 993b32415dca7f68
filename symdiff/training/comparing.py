"""Published trainings of one network beside what its formulas give, and what really makes their numbers differ.

Every sentence is concluded from numbers: a published number that changes changes what is said about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symdiff.errors import BadSetting, UnknownName, did_you_mean
from symdiff.training.explaining import Match, Search
from symdiff.training.findings import (
    Finding,
    against_what_is_said,
    besides_what_is_said,
    blamed,
    prediction,
    reduction,
    reproduction,
)
from symdiff.training.net import Net
from symdiff.training.published import Published
from symdiff.training.questions import Question, ask

BROAD, NARROW = 3, 1  # departures that are searched where a loss is published, and where it is not


@dataclass(frozen=True)
class Row:
    """One published training: the `nearest` of what the conventions give, whether it is within the tolerance, and what the conventions
    that the text says would give (`said`); both again at other numbers of updates, if they are asked for, as `now`."""

    published: Published
    question: Question
    nearest: Match
    reproduced: bool
    said: Match | None
    now: Match | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Comparison:
    """All rows of a table, and the `conclusions` about rows together."""

    net: Net
    iterations: int | None
    rows: tuple[Row, ...]
    conclusions: tuple[Finding, ...]


def compare(net: Net, published: Sequence[Published], *, iterations: int | None = None, search: Search | None = None) -> Comparison:
    """Reproduce published trainings of a network and conclude what makes them differ.

    `iterations`: what each gives after another number of updates, too.
    Raises: BadSetting for fewer than one iteration; UnknownName for a convention or a row that a published training names and is not there.

    >>> from symdiff.training.nets import mazur
    >>> from symdiff.training.published import FOUR_TRAININGS
    >>> compare(mazur(), FOUR_TRAININGS[:1]).rows[0].reproduced
    True
    """
    if iterations is not None and iterations < 1:
        raise BadSetting(f"iterations: {iterations} is given, at least 1 is wanted")
    search = search or Search(net)
    by_name = {p.name: p for p in published}
    for p in published:
        if p.beside and p.beside not in by_name:
            raise UnknownName(f"{p.name}: there is no training {p.beside!r} to compare with{did_you_mean(p.beside, by_name)}")
        for convention in (*p.said, *p.blamed):
            if convention not in search.choices:
                raise UnknownName(
                    f"{p.name}: there is no convention {convention!r}{did_you_mean(convention, search.choices)}. "
                    f"Conventions: {', '.join(search.choices)}"
                )
    rows = tuple(_row(search, p, by_name.get(p.beside), iterations) for p in published)
    return Comparison(net, iterations, rows, tuple(_together(search, rows)))


def _row(search: Search, published: Published, beside: Published | None, iterations: int | None) -> Row:
    p = published
    question = ask(
        search.net,
        p.after,
        p.loss.text if p.loss else None,
        [q.text for q in p.prediction],
        {name: q.text for name, q in p.weights.items()},
    )
    found = search.explain(question, BROAD if p.loss else NARROW)
    if not found.nearest:
        raise BadSetting(f"{p.name}: every training of {search.net.name} at a learning rate of {search.learning_rate:g} diverges")
    nearest = found.nearest[0]
    said = search.with_choices(question, **p.said)
    now = None
    if iterations is not None:
        now = search.match(ask(search.net, iterations, 1.0), nearest.choices)
    findings = [
        *reproduction(found),
        *blamed(search, p, beside, question),
    ]
    if found.matches:
        findings += against_what_is_said(p, question, nearest, said)
        findings += besides_what_is_said(search, p, question, nearest)
        findings += prediction(question, nearest)
        findings += reduction(p, nearest)
    return Row(p, question, nearest, bool(found.matches), said, now, tuple(findings))


def _together(search: Search, rows: Sequence[Row]) -> list[Finding]:
    """Whether rows that are told as one training can be of one: their update schedules are compared."""
    told = [r for r in rows if r.reproduced and not r.published.said]
    schedules = list(dict.fromkeys(r.nearest.answer("update") for r in told))
    if len(schedules) < 2:
        return []
    of = {s: " and ".join(r.published.name for r in told if r.nearest.answer("update") == s) for s in schedules}
    text = f"These are not of one training. {'; '.join(f'{s}: {names}' for s, names in of.items())}."
    for r in told:
        if r.question.loss is None:
            continue
        for schedule in schedules:
            other = search.with_choices(r.question, update=schedule, reading=r.nearest.answer("reading"))
            if schedule != r.nearest.answer("update") and other:
                text += f" For {r.published.name}, {r.question.loss.text}, {schedule} gives {other.loss:.{-r.question.loss.exponent}f}."
    return [Finding("together", text)]
