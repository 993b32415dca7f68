"""A training step is one expression program: the loss, its gradients, the rate, the optimizer and the new weights, lowered together.

How the new weights depend on the gradients is a substitution on the tree (updates.py), what an optimizer does with them a formula
(optimizers.py), so that the program shares every common part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from symdiff.api.programs import lower
from symdiff.errors import BadSetting
from symdiff.expr.dims import Shape
from symdiff.expr.leaves import const, var
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import variables
from symdiff.grad import grad
from symdiff.lowering.lowered import Lowered
from symdiff.training.net import Array, Net
from symdiff.training.optimizers import Optimizer
from symdiff.training.penalties import Clip, Penalty, read_clip, read_penalty
from symdiff.training.rates import RateSchedule, read_rate
from symdiff.training.second_order import JointOptimizer, read_method
from symdiff.training.updates import updated

RATE = var("rate")


@dataclass(frozen=True)
class Step:
    """One update as formulas and as a program.

    `program` is called with the weights, the state, fixed parameters, data and the rate, in the order of `inputs`; it returns the loss
    before the update, without any penalty, and what `updates` has: the new weights, then the new state. `state` has the start values. `rate` is
    the rate of an update as a formula of the rate that is given and of the state.
    """

    inputs: tuple[Var, ...]
    loss: Expr
    updates: dict[Var, Expr]
    state: dict[Var, Array]
    program: Lowered
    rate: Expr = RATE

    @property
    def source(self) -> str:
        """The generated Python source of the step."""
        return self.program.source


def training_step(
    net: Net,
    *,
    update: str = "parallel",
    order: Sequence[Var | str] | None = None,
    optimizer: Optimizer | JointOptimizer | str = "sgd",
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
    how, shrink, limit = read_method(optimizer), read_penalty(penalty), read_clip(clip)
    state = _State({leaf.var.name for leaf in net.leaves} | {RATE.name})
    k = state.variable("k")
    rate: Expr = RATE
    for part in read_rate(rate_schedule).parts:
        kept = state.scalars(f"{part.name}_", part.kind.slots)
        rate, new = part.apply(rate, k, net.loss, kept)
        state.change(kept, new)
    term = const(0) if shrink is None else shrink.term(net.weights)
    objective = net.loss + term
    if isinstance(how, JointOptimizer):
        joint_only = {"update": update != "parallel", "order": order is not None, "clip": limit is not None}
        _refuse(how.name, joint_only | {"decay": shrink is not None and shrink.kind.decoupled})
        kept = state.scalars("", how.kind.slots)
        weights, new = how.apply(net, term, rate, kept)
        state.change(kept, new)
    else:
        arrays = {w: {slot: state.variable(f"{slot}_{w.name}", w.shape) for slot in how.kind.slots} for w in net.weights}
        state.start |= {slot: np.zeros(leaf.value.shape) for leaf in net.parameters for slot in arrays[leaf.var].values()}
        gradients = grad(objective, net.weights)

        def rule(w: Var, slope: Expr) -> dict[Var, Expr]:
            value, new = how.apply(w, slope, rate, k, arrays[w])
            return {w: value if shrink is None else value - rate * shrink.pull(w)} | {arrays[w][slot]: e for slot, e in new.items()}

        found = updated(objective, net.weights, rule, update, order, gradients if limit is None else limit.apply(gradients))
        weights = {w: found[w] for w in net.weights}
        state.new |= {v: found[v] for slots in arrays.values() for v in slots.values()}
    if k in variables(*weights.values(), *state.new.values()):
        state.start[k], state.new[k] = np.array(1.0), k + 1
    updates = weights | {v: state.new[v] for v in state.start}
    inputs = (*updates, *(leaf.var for leaf in (*net.fixed, *net.data)), RATE)
    return Step(inputs, net.loss, updates, state.start, _program(net, updates, inputs), rate)


@dataclass
class _State:
    """The state of a step while the step is put together: its start and its new values, under names that are not taken."""

    taken: set[str]
    start: dict[Var, Array] = field(default_factory=dict)
    new: dict[Var, Expr] = field(default_factory=dict)

    def variable(self, name: str, shape: Shape = ()) -> Var:
        """A variable of that name, with underscores behind it if a leaf of the net has the name."""
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return Var(name, shape, (), 0)

    def scalars(self, prefix: str, slots: Mapping[str, float]) -> dict[str, Var]:
        """A variable for each slot, which starts at its value."""
        made = {slot: self.variable(prefix + slot) for slot in slots}
        self.start |= {made[slot]: np.array(value) for slot, value in slots.items()}
        return made

    def change(self, made: Mapping[str, Var], new: Mapping[str, Expr]) -> None:
        """The new values of slots."""
        self.new |= {made[slot]: e for slot, e in new.items()}


def _refuse(name: str, given: Mapping[str, bool]) -> None:
    """Raises: BadSetting for a choice that means nothing to an optimizer that moves all weights at once."""
    for choice in (choice for choice, is_given in given.items() if is_given):
        raise BadSetting(f"{choice} does not go with {name}, which moves all weights by one linear system: leave it out")


def _program(net: Net, updates: dict[Var, Expr], inputs: Sequence[Var]) -> Lowered:
    names = {net.expanded[d.var]: d.var.name for d in net.definitions} | {new: f"new_{v.name}" for v, new in updates.items()}
    cotangents = grad(net.loss, [net.expanded[d.var] for d in net.definitions])
    names |= {c: d.cotangent or f"d_{d.var.name}" for d, c in zip(net.definitions, cotangents, strict=True)}
    names[net.loss] = "loss"
    # As they are derived, not rewritten: the step computes the formulas that are shown.
    return lower([net.loss, *updates.values()], inputs, simplify=False, names=names, name=f"{net.name}_step")
