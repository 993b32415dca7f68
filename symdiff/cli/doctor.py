"""`symdiff doctor`: what is installed, whether a gradient comes out right, and what each missing extra would give."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import symdiff
from symdiff.cli.console import json_text, width, write
from symdiff.cli.exits import MISSED, with_exit_code
from symdiff.cli.layout import equation, table
from symdiff.report.environment import Environment, Extra, examine, version_of
from symdiff.training.nets import find_net


@with_exit_code
def doctor(as_json: Annotated[bool, typer.Option("--json", help="The same as JSON.")] = False) -> int:
    """Say what is installed, check one gradient from formula to number, and tell what each missing extra would give."""
    found = examine(find_net("mazur"))
    write([json_text(_data(found))] if as_json else _page(found, width()))
    return 0 if found.ok else MISSED


def _versions(extra: Extra) -> dict[str, str | None]:
    return {distribution: None if distribution in extra.missing else version_of(distribution) for distribution in extra.modules.values()}


def _data(found: Environment) -> dict[str, Any]:
    return {
        "command": "doctor",
        "ok": found.ok,
        "symdiff": symdiff.__version__,
        "python": found.python,
        "platform": found.platform,
        "blas": found.blas,
        "packages": found.packages,
        "extras": [
            {"name": e.name, "installed": not e.missing, "packages": _versions(e), "gives": e.gives, "install": e.install}
            for e in found.extras
        ],
        "gradient": {**vars(found.gradient), "ok": found.gradient.ok},
        "clash": found.clash,
    }


def _page(found: Environment, columns: int) -> list[str]:
    check = found.gradient
    verdict = "right" if check.ok else "WRONG"
    rows = [("Python", f"{found.python}, {found.platform}")]
    for name, known in found.packages.items():
        beside = f", BLAS: {found.blas}" if name == "numpy" else ""
        rows.append((name, f"{known}{beside}" if known else "MISSING: pip install -e ."))
    extras = [
        (e.name, "missing" if e.missing else ", ".join(f"{name} {known or ''}".rstrip() for name, known in _versions(e).items()), e.gives)
        for e in found.extras
    ]
    lines = [
        f"symdiff {symdiff.__version__}",
        *table(rows),
        "",
        f"One gradient, derived, printed, lowered and run: {check.net}",
        *equation(f"∂E/∂{check.weight}", check.formula, columns, indent=2),
        f"  {verdict}: the largest deviation from central differences is {check.error:.0e}, relative to the largest entry",
        "",
        "Extras",
        *table(extras),
    ]
    if missing := [e for e in found.extras if e.missing]:
        lines += ["", "To install what is missing, in the clone", *table([(e.name, e.install) for e in missing])]
    if found.clash:
        lines += [
            "",
            f"A distribution called symdiff, version {found.clash}, is installed beside this one. It is another project with the same",
            "import name: uninstall it, and install this one again.",
        ]
    return lines
