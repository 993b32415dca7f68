"""A training step is one expression program: the loss, its gradients and the new weights, lowered together to one function.

How the new weights depend on the gradients is a substitution on the tree, so that the program shares every common part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from symdiff.api.programs import lower
from symdiff.calculus import gradient
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.lowering.lowered import Lowered
from symdiff.training.net import Net

RATE = var("rate")

Rule = Callable[[Var, Expr], Expr]  # a weight and its gradient -> its new value
Schedule = Callable[[Expr, Sequence[Var], Rule], dict[Var, Expr]]  # a loss and its weights -> the new value of each


def gradient_descent(weight: Var, slope: Expr) -> Expr:
    """W - rate * ∂loss/∂W."""
    return weight - RATE * slope


def parallel(loss: Expr, weights: Sequence[Var], rule: Rule) -> dict[Var, Expr]:
    """All gradients at the old weights."""
    return {w: rule(w, g) for w, g in zip(weights, gradient(loss, weights), strict=True)}


@dataclass(frozen=True)
class Step:
    """One update as formulas and as a program.

    `program` is called with weights, fixed parameters, data and rate, in the order of `inputs`; it returns the loss before the update
    and the new weights.
    """

    inputs: tuple[Var, ...]
    loss: Expr
    updates: dict[Var, Expr]
    program: Lowered

    @property
    def source(self) -> str:
        """The generated Python source of the step."""
        return self.program.source


def training_step(net: Net, schedule: Schedule = parallel, rule: Rule = gradient_descent) -> Step:
    """The step of a network: loss, gradients and update in one generated function."""
    updates = schedule(net.loss, net.weights, rule)
    inputs = (*(leaf.var for leaf in net.leaves), RATE)
    names = {net.expanded[d.var]: d.var.name for d in net.definitions} | {new: f"new_{w.name}" for w, new in updates.items()}
    cotangents = gradient(net.loss, [net.expanded[d.var] for d in net.definitions])
    names |= {c: d.cotangent or f"d_{d.var.name}" for d, c in zip(net.definitions, cotangents, strict=True)}
    names[net.loss] = "loss"
    # As they are derived, not rewritten: the step computes the formulas that are shown.
    program = lower([net.loss, *updates.values()], inputs, simplify=False, names=names, name=f"{net.name}_step")
    return Step(inputs, net.loss, updates, program)
