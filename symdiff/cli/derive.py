"""`symdiff derive`: the gradient formulas of a network, with their values; the derivatives of a loss; the derivation of either."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from symdiff.api.layouts import LAYOUTS
from symdiff.cli.console import json_text, width, write
from symdiff.cli.derive_code import listing
from symdiff.cli.derive_data import as_data
from symdiff.cli.derive_loss import answer, read_loss
from symdiff.cli.derive_text import page
from symdiff.cli.derive_update import Choices, derive_update, update_lines
from symdiff.cli.derive_update import as_data as update_data
from symdiff.cli.exits import with_exit_code
from symdiff.cli.options import FORMS, STYLES, choice, kind_of, name_list, refuse, settings
from symdiff.training.derived import Form
from symdiff.training.derived import derive as derive_net
from symdiff.training.nets import NETS, find_net
from symdiff.training.steps import derivations, targets_of
from symdiff.training.tasks import clip_spec, penalty_spec
from symdiff.training.updates import UPDATES


@with_exit_code
def derive(
    net: Annotated[str | None, typer.Option("--net", metavar="NAME", help=f"The network: {', '.join(NETS)}; mazur by default.")] = None,
    loss: Annotated[str | None, typer.Option("--loss", metavar="FORMULA", help="A loss in place of a network, in NumPy's syntax.")] = None,
    shape: Annotated[str | None, typer.Option("--shape", metavar="SHAPES", help='Shapes for --loss, such as "X:n,d w:d y:n".')] = None,
    assume: Annotated[str | None, typer.Option("--assume", metavar="FACTS", help='Facts for --loss, such as "Y:onehot K:spd".')] = None,
    let: Annotated[
        list[str] | None, typer.Option("--let", metavar="NAME=FORMULA", help="A name for a part of --loss; may be repeated.")
    ] = None,
    wrt: Annotated[str | None, typer.Option("--wrt", metavar="NAMES", help="Parameters, single weights or variables: W1 or w5,w6.")] = None,
    form: Annotated[str | None, typer.Option("--form", metavar="FORM", help=f"{', '.join(FORMS)}; matrix and scalar by default.")] = None,
    style: Annotated[str, typer.Option("--style", metavar="STYLE", help=f"{', '.join(STYLES)}.")] = "unicode",
    layout: Annotated[
        str | None, typer.Option("--layout", metavar="LAYOUT", help=f"Of --loss: {', '.join(LAYOUTS)} (a transpose, and vec by columns).")
    ] = None,
    steps: Annotated[bool, typer.Option("--steps", help="The derivation, line by line, with its rules.")] = False,
    hessian: Annotated[bool, typer.Option("--hessian", help="Of --loss, the second derivatives.")] = False,
    jacobian: Annotated[bool, typer.Option("--jacobian", help="Of --loss, which may be an array, the Jacobian.")] = False,
    at: Annotated[str | None, typer.Option("--at", metavar="SETTINGS", help="Values to use, such as w5=0.3,w6=0.1.")] = None,
    update: Annotated[
        str | None, typer.Option("--update", metavar="SCHEDULE", help=f"Formulas of an update: {', '.join(UPDATES)}.")
    ] = None,
    order: Annotated[
        str | None, typer.Option("--order", metavar="NAMES", help="Of an update: W2,W1; output layer first by default.")
    ] = None,
    optimizer: Annotated[str | None, typer.Option("--optimizer", metavar="SPEC", help="Of an update: adam, momentum:beta=0.8 ...")] = None,
    schedule: Annotated[str | None, typer.Option("--schedule", metavar="SPEC", help="Of an update: cosine:steps=1000, plateau ...")] = None,
    l1: Annotated[float | None, typer.Option("--l1", metavar="STRENGTH", help="Of an update: a penalty on |w|.")] = None,
    l2: Annotated[float | None, typer.Option("--l2", metavar="STRENGTH", help="Of an update: a penalty on w²/2.")] = None,
    decay: Annotated[float | None, typer.Option("--decay", metavar="STRENGTH", help="Of an update: weight decay.")] = None,
    clip: Annotated[str | None, typer.Option("--clip", metavar="SPEC", help="Of an update: norm:1, value:0.5.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON.")] = False,
    output: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write to a file instead of stdout.")] = None,
) -> None:
    """Print the gradient formulas of a network, in matrices and weight by weight, with their values; or the derivatives of a loss."""
    choice("--style", style, STYLES)
    choice("--form", form or FORMS[0], FORMS)
    changes = Choices(update, name_list(order) or None, optimizer, schedule, penalty_spec(l1, l2, decay), clip_spec(clip))
    if loss is not None:
        refuse("--loss", changes.given)
        refuse("--loss", {"--net": net, "--at": at, "--form inlined": form == "inlined" or None})
        question = read_loss(loss, name_list(wrt), shape, assume, let or [], kind_of(hessian, jacobian))
        found = answer(question, style, choice("--layout", layout or "numpy", tuple(LAYOUTS)), steps, by_entry=form == "scalar")
        lines = [json_text({"command": "derive", **found.to_dict()})] if as_json else found.lines(width())
        write(lines, output, list(question.names))
        return
    needs_loss = {
        "--layout": layout,
        "--shape": shape,
        "--assume": assume,
        "--let": let or None,
        "--hessian": hessian or None,
        "--jacobian": jacobian or None,
    }
    refuse("a network", needs_loss)
    if changes.given:
        refuse("an update", {"--wrt": wrt, "--form": form, "--steps": steps or None, "--at": at})
        made_update = derive_update(find_net(net or "mazur"), changes)
        lines = [json_text(update_data(made_update))] if as_json else update_lines(made_update, style, width())
        write(lines, output, [leaf.var.name for leaf in made_update.net.leaves])
        return
    values = {name: float(number) for name, number in settings("--at", at).items()}
    derived = derive_net(find_net(net or "mazur"), name_list(wrt), cast(Form, form or "all"), values)
    names = [v.name for v in (*derived.leaves, *derived.entries)]
    if steps:
        made = derivations(derived.net, targets_of(derived.net, name_list(wrt)), style, derived.leaves if at else None)
        texts = [d.text(width()) for d in made.values()]
        lines = (
            [json_text({"command": "derive", "steps": [d.to_dict() for d in made.values()]})]
            if as_json
            else "\n\n".join(texts).splitlines()
        )
        write(lines, output, names)
    elif as_json:
        write([json_text(as_data(derived, style))], output)
    elif style == "unicode":
        write(page(derived, width()), output, names)
    else:
        write(listing(derived, style), output)
