"""`symdiff compare`: published trainings of a network beside what its formulas give, and what makes them differ."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from symdiff.cli.console import check_writable, json_text, width, write
from symdiff.cli.exits import with_exit_code
from symdiff.cli.explain import match_data
from symdiff.cli.layout import table as table_of
from symdiff.cli.layout import table_in, wrapped
from symdiff.errors import UnknownName, did_you_mean
from symdiff.report.colours import names_of
from symdiff.report.comparison import schedule_panels
from symdiff.report.plot import check_plot
from symdiff.training.comparing import Comparison, Row
from symdiff.training.comparing import compare as compare_rows
from symdiff.training.explaining import Search
from symdiff.training.nets import find_net
from symdiff.training.published import PUBLISHED, Table, read_published
from symdiff.training.trajectory import follow_all

USUAL = 1000  # iterations that are drawn
SHOWN = ("update",)  # conventions that are told even where they are the network's own
LEAST = 24  # columns that tell which training a row is


@with_exit_code
def compare(
    net: Annotated[str, typer.Argument(metavar="NET", help=f"A network with published trainings: {', '.join(PUBLISHED)}.")],
    iterations: Annotated[
        int | None, typer.Option("--iterations", metavar="N", help="What each training gives after N updates, too.")
    ] = None,
    published: Annotated[Path | None, typer.Option("--published", metavar="FILE", help="Published trainings of your own, as JSON.")] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Four panels of the update schedules: .png, .svg or .pdf.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON.")] = False,
) -> None:
    """Reproduce published trainings from the formulas, and conclude what really makes their numbers differ."""
    known = find_net(net)
    if plot is not None:
        check_plot(plot)
        check_writable(plot)
    tables = _tables(net, published)
    search = Search(known)
    found = [(table, compare_rows(known, table.rows, iterations=iterations, search=search)) for table in tables]
    if as_json:
        write([json_text({"command": "compare", "net": known.name, "iterations": iterations, "tables": [_data(t, c) for t, c in found]})])
    else:
        lines = ["   ".join(filter(None, (known.name, known.description, f"learning rate {known.learning_rate:g}")))]
        for t, c in found:
            lines += ["", *_page(t, c, width())]
        write(lines, names=names_of(known))
    if plot is not None:
        schedule_panels(follow_all(known, iterations or USUAL), plot)


def _tables(net: str, published: Path | None) -> tuple[Table, ...]:
    if published is not None:
        return (read_published(published),)
    if net not in PUBLISHED:
        raise UnknownName(
            f"no training of {net!r} is known as published{did_you_mean(net, PUBLISHED)}: give a table of your own by --published FILE. "
            f"Known: {', '.join(PUBLISHED)}"
        )
    return PUBLISHED[net]


def _page(table: Table, found: Comparison, columns: int) -> list[str]:
    now = [f"before {found.iterations:,}"] if found.iterations is not None else []
    rows = [["training", "published", "computed", "differs by", "read", *now]]
    for row in found.rows:
        after = [f"{row.now.loss:.10f}" if row.now else "diverged"] if now else []
        read = f"{row.nearest.answer('reading')} {row.published.after:,}"
        rows.append([row.published.name, *_numbers(row), f"{row.nearest.difference:.1e}", read, *after])
    which = [
        "which training",
        *(
            ", ".join(c.name for c in row.nearest.choices if c.convention in SHOWN or (c.departs and c.convention != "reading"))
            for row in found.rows
        ),
    ]
    lines = table_of(rows, right=[3], gap=2)
    if max(map(len, lines)) + LEAST <= columns:  # otherwise the sentences below say it
        lines = table_in([[*cells, last] for cells, last in zip(rows, which, strict=True)], columns, right=[3])
    lines = [table.title, *lines]
    for row in found.rows:
        lines += ["", f"  {row.published.name}"]
        for finding in row.findings:
            lines += _bullet(finding.text, columns)
    for finding in found.conclusions:
        lines += ["", *wrapped(finding.text, columns)]
    return lines


def _bullet(text: str, columns: int) -> list[str]:
    first, *rest = wrapped(text[0].upper() + text[1:], columns - 4, 0)
    return [f"  - {first}", *(f"    {line}" for line in rest)]


def _numbers(row: Row) -> tuple[str, str]:
    """What was published, and what was computed, as short as they can be told."""
    question, m = row.question, row.nearest
    if question.loss:
        return question.loss.text, f"{m.loss:.{-question.loss.exponent}f}"
    if question.prediction:
        return question.prediction[0].text, f"{m.point.prediction[0]:.{-question.prediction[0].exponent}f}"
    name = next(iter(question.weights))
    return f"{name} {question.weights[name].text}", f"{m.weight(name):.{-question.weights[name].exponent}f}"


def _data(table: Table, found: Comparison) -> dict[str, Any]:
    return {
        "title": table.title,
        "rows": [
            {
                "name": r.published.name,
                "after": r.published.after,
                "published": {
                    "loss": r.published.loss.value if r.published.loss else None,
                    "prediction": [q.value for q in r.published.prediction] or None,
                    "reduction": r.published.reduction.value if r.published.reduction else None,
                    "weights": {name: q.value for name, q in r.published.weights.items()} or None,
                    "said": dict(r.published.said),
                },
                "reproduced": r.reproduced,
                "nearest": match_data(r.nearest),
                "as_said": match_data(r.said) if r.said else None,
                "now": {"iterations": found.iterations, "loss": r.now.loss} if r.now else None,
                "findings": [vars(f) for f in r.findings],
            }
            for r in found.rows
        ],
        "conclusions": [vars(f) for f in found.conclusions],
    }
