"""What `derive` answers about a network: which formulas are wanted, in which form, with their values and the weights after one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from symdiff.api.rulebook import conventions
from symdiff.errors import BadSetting, UnknownName, did_you_mean
from symdiff.expr.nodes import Var
from symdiff.training.formulas import EntryForm, Formulas, Values, inlined_formulas, matrix_formulas
from symdiff.training.net import Array, Net
from symdiff.training.step import training_step

Form = Literal["all", "matrix", "scalar", "inlined"]
MOST_WEIGHTS = 16  # more than these are abridged, unless they are asked for by name


@dataclass(frozen=True)
class Section:
    """Formulas with what they come to."""

    formulas: Formulas
    values: Values


@dataclass(frozen=True)
class Derived:
    """The formulas of a network at the values of its leaves.

    `matrices` are the gradients by parameter and `weights` those by weight, either None if not wanted; `left_out` counts, by
    parameter, the weights that are not shown. `forward` holds the named entries of the forward pass, `after` the weights after one step.
    """

    net: Net
    form: Form
    leaves: dict[Var, Array]
    loss: float
    matrices: Section | None
    weights: Section | None
    left_out: dict[str, int]
    entries: dict[Var, Array]
    forward: dict[Var, Array]
    after: dict[Var, Array]

    @property
    def conventions(self) -> list[str]:
        """What is chosen where the loss has no derivative in a parameter: relu at 0."""
        return conventions(self.net.loss, self.net.weights)


def derive(net: Net, wanted: Sequence[str] = (), form: Form = "all", at: Mapping[str, float] | None = None) -> Derived:
    """The gradients of a network in the parameters or single weights that `wanted` names (all parameters by default, the last layer first).

    `at` replaces values by the names of single weights, fixed parameters or data.
    Raises: UnknownName for a name that the network has not; BadSetting for a weight where the form has only matrices.

    >>> from symdiff.training.nets import mazur
    >>> list(derive(mazur(), ['w5']).weights.values.gradients.values())[0].round(9)
    np.float64(0.082167041)
    """
    entry_form = EntryForm(net)
    by_name = {leaf.var.name: leaf.var for leaf in net.leaves}
    entry_by_name = {entry.name: entry for entry in entry_form.leaves}
    known = list(dict.fromkeys((*by_name, *entry_by_name)))
    for name in wanted:
        if name not in known:
            raise UnknownName(f"{net.name} has no weight {name!r}{did_you_mean(name, known)}. Names: {', '.join(known)}")
    arrays = [by_name[name] for name in wanted if name in by_name] if wanted else list(reversed(net.weights))
    if form == "matrix" and (single := [name for name in wanted if name not in by_name]):
        raise BadSetting(f"{single[0]} is one weight of a matrix: leave out the matrix form, or name one of {', '.join(by_name)}")
    weights, left_out = _shown_weights(entry_form, arrays, [entry_by_name[name] for name in wanted if name not in by_name])

    leaves = _values_at(net, entry_form, at or {})
    entries = entry_form.values(leaves)
    matrices = section = None
    if form != "scalar" and arrays:
        formulas = (
            inlined_formulas([leaf.var for leaf in net.leaves], net.loss, arrays) if form == "inlined" else matrix_formulas(net, arrays)
        )
        matrices = Section(formulas, formulas.evaluate(leaves))
    if form != "matrix":
        formulas = entry_form.inlined(weights) if form == "inlined" else entry_form.formulas(weights)
        section = Section(formulas, formulas.evaluate(entries))
    forward = section.values.named if section else {}
    return Derived(
        net=net,
        form=form,
        leaves=leaves,
        loss=(section or matrices).values.loss,  # type: ignore[union-attr]
        matrices=matrices,
        weights=section,
        left_out=left_out if section else {},
        entries=entries,
        forward={v: a for v, a in forward.items() if v in entry_form.definitions},
        after=entry_form.values(leaves | _after_one_step(net, leaves)),
    )


def _shown_weights(form: EntryForm, arrays: Sequence[Var], single: Sequence[Var]) -> tuple[list[Var], dict[str, int]]:
    """The weights to show: those named one by one, and of each array its share of MOST_WEIGHTS."""
    shown: list[Var] = []
    left_out: dict[str, int] = {}
    total = sum(form.entries[array].size for array in arrays)
    for array in arrays:
        entries = form.entries[array].ravel().tolist()
        share = entries if total <= MOST_WEIGHTS else entries[: MOST_WEIGHTS // len(arrays) or 1]
        shown += share
        if len(share) < len(entries):
            left_out[array.name] = len(entries) - len(share)
    return list(dict.fromkeys((*shown, *single))), left_out


def _values_at(net: Net, form: EntryForm, at: Mapping[str, float]) -> dict[Var, Array]:
    """The values of the leaves with single entries replaced."""
    leaves = {v: np.array(a, np.float64) for v, a in net.values().items()}
    place_of = {
        entry.name: (v, place)
        for v, entries in form.entries.items()
        for place, entry in np.ndenumerate(entries)
        if entry.shape == () and v in leaves
    }
    for name, value in at.items():
        if name not in place_of:
            raise UnknownName(f"{net.name} has no number {name!r}{did_you_mean(name, place_of)}. Names: {', '.join(place_of)}")
        v, place = place_of[name]
        leaves[v][place] = value
    return leaves


def _after_one_step(net: Net, leaves: Mapping[Var, Array]) -> dict[Var, Array]:
    step = training_step(net)
    values = {**leaves, step.inputs[-1]: np.array(net.learning_rate)}
    _, *new = step.program(*(values[v] for v in step.inputs))
    return dict(zip(step.updates, map(np.asarray, new), strict=True))
