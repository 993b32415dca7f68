"""`symdiff check`: is a derivative that was found by hand right, and if not, what is wrong with it?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symdiff.api.check import check_formula
from symdiff.api.derivatives import Kind
from symdiff.cli.console import json_text, width, write
from symdiff.cli.derive_loss import read_loss
from symdiff.cli.exits import MISSED, with_exit_code
from symdiff.cli.options import choice, kind_of
from symdiff.printing.formula import STYLES


@with_exit_code
def check(
    loss: Annotated[str, typer.Option("--loss", metavar="FORMULA", help="The loss, in NumPy's syntax.")],
    wrt: Annotated[str, typer.Option("--wrt", metavar="NAME", help="The variable.")],
    shape: Annotated[str, typer.Option("--shape", metavar="SHAPES", help='Shapes of the variables, such as "X:n,d w:d y:n".')],
    claim: Annotated[str, typer.Option("--claim", metavar="FORMULA", help="The derivative to check, in NumPy's syntax.")],
    assume: Annotated[str | None, typer.Option("--assume", metavar="FACTS", help='Facts, such as "Y:onehot K:spd".')] = None,
    let: Annotated[list[str] | None, typer.Option("--let", metavar="NAME=FORMULA", help="A name for a part; may be repeated.")] = None,
    hessian: Annotated[bool, typer.Option("--hessian", help="The claim is the Hessian.")] = False,
    jacobian: Annotated[bool, typer.Option("--jacobian", help="The claim is the Jacobian.")] = False,
    style: Annotated[str, typer.Option("--style", metavar="STYLE", help=f"{', '.join(STYLES)}.")] = "unicode",
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON.")] = False,
    output: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write to a file instead of stdout.")] = None,
) -> int:
    """Check a derivative found by hand; exit code 1 and a diagnosis if it is wrong."""
    choice("--style", style, tuple(STYLES))
    kind: Kind = kind_of(hessian, jacobian)
    question = read_loss(loss, [wrt], shape, assume, let or [], kind)
    verdict = check_formula(question.loss, question.wrt[0], claim, names=question.names, kind=kind)
    lines = [json_text({"command": "check", **verdict.to_dict(style)})] if as_json else verdict.text(width(), style).splitlines()
    write(lines, output, list(question.names))
    return 0 if verdict.ok else MISSED
