"""`symdiff explain`: which conventions reproduce a published number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer

from symdiff.cli.console import json_text, width, write
from symdiff.cli.exits import MISSED, complain, with_exit_code
from symdiff.cli.layout import table, table_in, wrapped
from symdiff.cli.options import name_list, net_on, settings
from symdiff.report.colours import names_of
from symdiff.training.explaining import DEPARTURES, Explanation, Match, Search
from symdiff.training.questions import ask

SHOWN = 5


@with_exit_code
def explain(
    net: Annotated[str, typer.Argument(metavar="NET", help="The network: a name, a spec or FILE.py:FUNCTION.")],
    after: Annotated[int, typer.Option("--after", metavar="N", help="The update that the number is told for.")],
    loss: Annotated[str | None, typer.Option("--loss", metavar="LOSS", help="The published loss.")] = None,
    prediction: Annotated[str | None, typer.Option("--prediction", metavar="NUMBERS", help="The published outputs, with commas.")] = None,
    weights: Annotated[str | None, typer.Option("--weights", metavar="SETTINGS", help="Published weights: w1=0.1498,w5=0.3589.")] = None,
    tolerance: Annotated[
        float | None, typer.Option("--tolerance", metavar="D", help="Absolute; 1e-9 or half a unit of the last digit by default.")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", metavar="RATE", help="The one published; the net's own by default.")
    ] = None,
    departures: Annotated[
        int, typer.Option("--departures", metavar="N", help="In how many conventions a training may depart.")
    ] = DEPARTURES,
    data: Annotated[str | None, typer.Option("--data", metavar="NAME", help="Data for the net: a name or a .csv or .npz file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON.")] = False,
) -> int:
    """Find the conventions (update schedule, layout, loss, precision ...) under which a network gives a published number."""
    known = net_on(net, data)
    search = Search(known, learning_rate=learning_rate, departures=departures)
    found = search.explain(ask(known, after, loss, name_list(prediction), settings("--weights", weights), tolerance))
    if as_json:
        write([json_text(as_data(found, search))])
    else:
        write(page(found, search, width()), names=names_of(known))
    if not found.matches:
        complain(f"no combination of conventions reproduces it within {found.question.tolerance:g}")
        return MISSED
    return 0


def asked(found: Explanation) -> str:
    """What is to be explained, in words."""
    question = found.question
    parts = [f"loss {question.loss.text}"] if question.loss else []
    if question.prediction:
        parts.append(f"prediction {numbers(q.text for q in question.prediction)}")
    if question.weights:
        parts.append(", ".join(f"{name} {w.text}" for name, w in question.weights.items()))
    return f"{' and '.join(parts)}, told for update {question.after:,}"


def numbers(texts: Iterable[str]) -> str:
    """Numbers in brackets."""
    return f"[{', '.join(texts)}]"


def moment(updates: int) -> str:
    """After how many updates, as both texts that mean it: the loss before update 1,000 is that after 999."""
    return f"after {updates:,} update{'s' if updates != 1 else ''}"


def page(found: Explanation, search: Search, columns: int) -> list[str]:
    """The report in lines."""
    question, matches = found.question, found.matches
    lines = [
        f"{found.net.name}   {asked(found)}",
        *table([("rate", f"{found.learning_rate:g}"), ("tolerance", f"{question.tolerance:g}")]),
        "",
        *wrapped(
            f"{len(matches) or 'None'} of {found.combinations:,} combinations of conventions "
            f"{'reproduces' if len(matches) == 1 else 'reproduce'} it ({found.trainings:,} trainings, "
            f"at most {search.departures} departure{'s' if search.departures != 1 else ''})",
            columns,
            indent=0,
        ),
    ]
    if matches:
        lines += _listing(found, matches[:SHOWN], columns)
    if len(matches) > SHOWN:
        lines.append(f"  and {len(matches) - SHOWN} more")
    if matches:
        lines += ["", "The nearest", *_details(found, search, matches[0], columns)]
    others = [m for m in found.nearest if m not in matches][: SHOWN if not matches else 3]
    if others:
        lines += ["", "The nearest that do not" if matches else "The nearest", *_listing(found, others, columns)]
    return lines


def _listing(found: Explanation, matches: Sequence[Match], columns: int) -> list[str]:
    loss = found.question.loss
    rows = [(_kind(found), "differs by", *(["digits"] if loss else []), "read", "departures")]
    for m in matches:
        digits = [f"{m.digits} of {loss.digits}"] if loss else []
        departures = [c.name for c in m.departures if c.convention != "reading"]
        rows.append((_value(found, m), f"{m.difference:.1e}", *digits, m.answer("reading"), "; ".join(departures) or "none"))
    return table_in(rows, columns, right=[0, 1])


def _kind(found: Explanation) -> str:
    """What is listed of a training: the first of what was published."""
    question = found.question
    return "loss" if question.loss else "prediction" if question.prediction else next(iter(question.weights))


def _value(found: Explanation, m: Match) -> str:
    question = found.question
    if question.loss:
        return f"{m.loss:.12g}"
    return numbers(f"{y:.9f}" for y in m.point.prediction) if question.prediction else f"{m.weight(_kind(found)):.12g}"


def _details(found: Explanation, search: Search, m: Match, columns: int) -> list[str]:
    """Every convention of a match, what each departure does by itself, and where its prediction is found."""
    question = found.question
    rows = []
    for name, choices in search.choices.items():
        departs = any(c.convention == name for c in m.departures)
        if len(choices) > 1:
            rows.append((name, m.answer(name) + (f"   (declared: {choices[0].name})" if departs and name != "reading" else "")))
    lines = table_in(rows, columns)
    lines += table(
        [
            ("loss", f"{m.first_loss:.9f} at first, {m.loss:.12g} {moment(m.point.updates)}"),
            ("error", f"reduced by {m.reduction:.4f} %"),
            ("outputs", f"{numbers(f'{y:.6f}' for y in m.point.prediction)} {moment(m.point.updates)}"),
        ]
    )
    if question.prediction and question.loss:
        published = numbers(q.text for q in question.prediction)
        if m.prediction_at is None:
            lines += wrapped(f"The published prediction {published} is not that of this training near update {question.after:,}.", columns)
        elif m.mixes:
            told = numbers(f"{y:.6f}" for y in m.prediction_at.prediction)
            lines += wrapped(
                f"The published prediction {published} is that {moment(m.prediction_at.updates)}, {told}, the loss that "
                f"{moment(m.point.updates)}: the two are from different moments.",
                columns,
            )
    for gone, rest in search.taken_back(question, m).items():
        if rest is not None and len(m.departures) > 1:
            lines += wrapped(f"Without “{gone.name}” the {_kind(found)} is {_value(found, rest)}, {rest.difference:.1e} away.", columns)
    return lines


def as_data(found: Explanation, search: Search) -> dict[str, Any]:
    """The answer for JSON."""
    question = found.question
    return {
        "command": "explain",
        "net": found.net.name,
        "after": question.after,
        "loss": question.loss.value if question.loss else None,
        "prediction": [q.value for q in question.prediction] or None,
        "weights": {name: w.value for name, w in question.weights.items()} or None,
        "tolerance": question.tolerance,
        "learning_rate": found.learning_rate,
        "combinations": found.combinations,
        "trainings": found.trainings,
        "reproduced": bool(found.matches),
        "matches": [match_data(m) for m in found.matches],
        "nearest": [match_data(m) for m in found.nearest],
        "taken_back": {c.name: rest.loss if rest else None for c, rest in search.taken_back(question, found.matches[0]).items()}
        if found.matches
        else {},
    }


def match_data(m: Match) -> dict[str, Any]:
    """One combination for JSON."""
    return {
        "conventions": {c.convention: c.name for c in m.choices},
        "departures": [c.convention for c in m.departures],
        "updates": m.point.updates,
        "loss": m.loss,
        "difference": m.difference,
        "digits": m.digits,
        "first_loss": m.first_loss,
        "reduction": m.reduction,
        "prediction": list(m.point.prediction),
        "prediction_after": m.prediction_at.updates if m.prediction_at else None,
    }
