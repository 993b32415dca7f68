"""`symdiff derive`: the gradient formulas of a network, with their values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from symdiff.cli.console import json_text, width, write
from symdiff.cli.derive_code import listing
from symdiff.cli.derive_data import as_data
from symdiff.cli.derive_text import page
from symdiff.cli.exits import with_exit_code
from symdiff.cli.options import FORMS, STYLES, choice, name_list, settings
from symdiff.training.derived import Form
from symdiff.training.derived import derive as derive_net
from symdiff.training.nets import NETS, find_net


@with_exit_code
def derive(
    net: Annotated[str, typer.Option("--net", metavar="NAME", help=f"The network: {', '.join(NETS)}.")] = "mazur",
    wrt: Annotated[str | None, typer.Option("--wrt", metavar="NAMES", help="Parameters or single weights, such as W1 or w5,w6.")] = None,
    form: Annotated[str | None, typer.Option("--form", metavar="FORM", help=f"{', '.join(FORMS)}; matrix and scalar by default.")] = None,
    style: Annotated[str, typer.Option("--style", metavar="STYLE", help=f"{', '.join(STYLES)}.")] = "unicode",
    at: Annotated[str | None, typer.Option("--at", metavar="SETTINGS", help="Values to use, such as w5=0.3,w6=0.1.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON.")] = False,
    output: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write to a file instead of stdout.")] = None,
) -> None:
    """Print the gradient formulas of a network, in matrices and weight by weight, with their values."""
    choice("--style", style, STYLES)
    wanted_form = cast(Form, choice("--form", form, FORMS) if form else "all")
    derived = derive_net(find_net(net), name_list(wrt), wanted_form, settings("--at", at))
    if as_json:
        write([json_text(as_data(derived, style))], output)
    elif style == "unicode":
        write(page(derived, width()), output, [v.name for v in (*derived.leaves, *derived.entries)])
    else:
        write(listing(derived, style), output)
