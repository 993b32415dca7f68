"""A training step is one expression program: the loss, its gradients, the rate, the optimizer and the new weights, lowered together.

How the new weights depend on the gradients is a substitution on the tree (updates.py), what an optimizer does with them a formula
(optimizers.py), so that the program shares every common part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symdiff.api.programs import lower
from symdiff.calculus import gradient
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import variables
from symdiff.lowering.lowered import Lowered
from symdiff.training.net import Array, Net
from symdiff.training.optimizers import Optimizer, read_optimizer
from symdiff.training.penalties import Clip, Penalty, read_clip, read_penalty
from symdiff.training.rates import RateSchedule, read_rate
from symdiff.training.updates import updated

RATE = var("rate")


@dataclass(frozen=True)
class Step:
    """One update as formulas and as a program.

    `program` is called with the weights, the state, fixed parameters, data and the rate, in the order of `inputs`; it returns the loss
    before the update, without any penalty, and what `updates` has: the new weights, then the new state. `state` has the start values.
    """

    inputs: tuple[Var, ...]
    loss: Expr
    updates: dict[Var, Expr]
    state: dict[Var, Array]
    program: Lowered

    @property
    def source(self) -> str:
        """The generated Python source of the step."""
        return self.program.source


def training_step(
    net: Net,
    *,
    update: str = "parallel",
    order: Sequence[Var | str] | None = None,
    optimizer: Optimizer | str = "sgd",
    rate_schedule: RateSchedule | str | None = None,
    penalty: Penalty | str | None = None,
    clip: Clip | str | None = None,
) -> Step:
    """The step of a network: loss, gradients and update in one generated function.

    update, order: which new weights a later gradient sees (updates.py). optimizer, rate_schedule, penalty, clip: each a spec such as
    'adam' or 'cosine:steps=1000', or what its reader makes of one. State that an optimizer or a schedule keeps is in and out of the
    step: arrays of the weights' shapes, and scalars, one of which is the number k of the update, 1 at first.
    Raises: UnknownName for a name that is not there, with the near miss; BadSetting for a value out of range.

    >>> from symdiff.training.nets import mazur
    >>> step = training_step(mazur(), optimizer='momentum')
    >>> [v.name for v in step.inputs], [v.name for v in step.updates]
    (['W1', 'W2', 'u_W1', 'u_W2', 'b1', 'b2', 'x', 't', 'rate'], ['W1', 'W2', 'u_W1', 'u_W2'])
    """
    how, schedule = read_optimizer(optimizer), read_rate(rate_schedule)
    shrink, limit = read_penalty(penalty), read_clip(clip)
    taken = {leaf.var.name for leaf in net.leaves} | {RATE.name}
    k = _new_variable("k", (), taken)
    slots = {w: {slot: _new_variable(f"{slot}_{w.name}", w.shape, taken) for slot in how.kind.slots} for w in net.weights}
    state: dict[Var, Array] = {slot: np.zeros(leaf.value.shape) for leaf in net.parameters for slot in slots[leaf.var].values()}

    rate: Expr = RATE
    scheduled: dict[Var, Expr] = {}
    for part in schedule.parts:
        scalars = {slot: _new_variable(f"{part.name}_{slot}", (), taken) for slot in part.kind.slots}
        rate, changed = part.apply(rate, k - 1, net.loss, scalars)
        scheduled |= {scalars[slot]: new for slot, new in changed.items()}
        state |= {scalars[slot]: np.array(value) for slot, value in part.kind.slots.items()}

    objective = net.loss if shrink is None else net.loss + shrink.term(net.weights)
    gradients = gradient(objective, net.weights)
    if limit is not None:
        gradients = limit.apply(gradients)

    def rule(w: Var, slope: Expr) -> dict[Var, Expr]:
        new, changed = how.apply(w, slope, rate, k, slots[w])
        if shrink is not None:
            new = new - rate * shrink.pull(w)
        return {w: new} | {slots[w][slot]: value for slot, value in changed.items()}

    found = updated(objective, net.weights, rule, update, order, gradients)
    updates = {v: found[v] for v in (*net.weights, *(v for v in state if v in found))} | scheduled
    if k in variables(*updates.values()):
        updates[k] = k + 1
        state[k] = np.array(1.0)
    inputs = (*net.weights, *state, *(leaf.var for leaf in (*net.fixed, *net.data)), RATE)
    return Step(inputs, net.loss, updates, state, _program(net, updates, inputs))


def _new_variable(name: str, shape: tuple[int | str, ...], taken: set[str]) -> Var:
    """A variable of that name, with underscores behind it if a leaf of the net has the name."""
    while name in taken:
        name += "_"
    taken.add(name)
    made = var(name, shape)
    assert isinstance(made, Var)
    return made


def _program(net: Net, updates: dict[Var, Expr], inputs: Sequence[Var]) -> Lowered:
    names = {net.expanded[d.var]: d.var.name for d in net.definitions} | {new: f"new_{v.name}" for v, new in updates.items()}
    cotangents = gradient(net.loss, [net.expanded[d.var] for d in net.definitions])
    names |= {c: d.cotangent or f"d_{d.var.name}" for d, c in zip(net.definitions, cotangents, strict=True)}
    names[net.loss] = "loss"
    # As they are derived, not rewritten: the step computes the formulas that are shown.
    return lower([net.loss, *updates.values()], inputs, simplify=False, names=names, name=f"{net.name}_step")
