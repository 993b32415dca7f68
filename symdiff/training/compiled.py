"""The step of a net as a compiled loop: many updates in one call, with weights and optimizer state in variables of the machine.

A call does a burst of updates, short enough that Ctrl-C and the progress bar wait no longer than a moment. What a burst gives is what
one update at a time would have given: the state before and after the last update, and where a loss was not finite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.lowering.compiled_loop import CompiledLoop, lower_loop
from symdiff.training.net import Array, Net
from symdiff.training.step import RATE, Step


@dataclass(frozen=True)
class Burst:
    """What some updates came to: their losses and rates, and the state before the last of them and after it, in the order of
    `Step.updates`. `finite` is False where the loss before the next update is not finite, which ends a burst."""

    losses: list[float]
    rates: list[float]
    before: list[Array]
    after: list[Array]
    finite: bool


class CompiledSteps:
    """The updates of a net, compiled; made by `compiled_steps`."""

    def __init__(self, loop: CompiledLoop, step: Step, given: Mapping[Var, Any], rate: float) -> None:
        self.loop = loop
        self._inputs = step.inputs
        self._state = tuple(step.updates)
        self._given = given
        self._rate = rate

    @property
    def source(self) -> str:
        """The generated module."""
        return self.loop.source

    def run(self, state: Sequence[Array], updates: int, data: Mapping[Var, Array] | None = None) -> Burst:
        """So many updates from a state. `data`, where the data change, has an axis for the updates in front of each array."""
        state = list(state)
        records = [np.empty(updates, self.loop.dtype) for _ in range(self.loop.recorded)]

        def go(values: Sequence[Array], first: int, count: int) -> tuple[list[Array], int]:
            known = dict(self._given) | dict(zip(self._state, values, strict=True))
            known |= {v: a[first : first + count] for v, a in (data or {}).items()}
            _, after, done = self.loop.run([known[v] for v in self._inputs], count, [r[first : first + count] for r in records])
            return after, done

        before, done = go(state, 0, updates - 1) if updates > 1 else (state, 0)
        after, finite = before, done == updates - 1
        if finite:
            after, last = go(before, updates - 1, 1)
            done, finite = done + last, bool(last)
        if not finite:
            before = go(state, 0, done - 1)[0] if done > 1 else state
        rates = records[1][:done].tolist() if len(records) > 1 else [self._rate] * done
        return Burst(records[0][:done].tolist(), rates, before, after, finite)


def compiled_steps(
    step: Step, net: Net, rate: float, *, rate_formula: Expr = RATE, dtype: DTypeLike = np.float64, changing: Sequence[Var] = ()
) -> CompiledSteps:
    """The step of a net as a compiled loop. rate_formula: what the rate of an update is, if it is not the same for all; changing: the
    data that are others at every update, such as batches.

    Raises: MissingExtra without numba; Unsupported for an operation that the numba backend has not.

    >>> from symdiff.training.nets import mazur
    >>> from symdiff.training.step import training_step
    >>> net = mazur()
    >>> steps = compiled_steps(training_step(net), net, net.learning_rate)
    >>> burst = steps.run([leaf.value for leaf in net.parameters], 10_000)
    >>> f'{burst.losses[0]:.9f}', f'{burst.losses[-1]:.3e}'
    ('0.298371109', '3.511e-05')
    """
    kind = np.dtype(dtype)
    given: dict[Var, Any] = {leaf.var: np.asarray(leaf.value, kind) for leaf in (*net.fixed, *net.data) if leaf.var not in changing}
    given[RATE] = np.array(rate, kind)
    sizes = {d: n for v, a in given.items() for d, n in zip(v.shape, np.shape(a), strict=True) if isinstance(d, str)}
    names = {net.expanded[d.var]: d.var.name for d in net.definitions} | {e: f"new_{v.name}" for v, e in step.updates.items()}
    names[step.loss] = "loss"
    loop = lower_loop(
        [step.loss, *([] if rate_formula is RATE else [rate_formula])],
        step.updates,
        step.inputs,
        fed=[v for v in step.inputs if v in changing],
        sizes=sizes,
        names=names,
        name=f"{net.name}_step",
        dtype=kind.name,
    )
    return CompiledSteps(loop, step, given, rate)
