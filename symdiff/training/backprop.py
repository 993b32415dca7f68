"""Backpropagation as textbooks print it: the cotangents of named intermediates, each by those of the layer above it.

The chain rule runs over definitions (net.py) rather than over nodes: every formula stays in terms of the variables that a reader knows
(h, y) and of the named cotangents (δ₂). Inside one definition the derivative is the calculus's own. Source: Rumelhart, Hinton and
Williams, Learning representations by back-propagating errors, Nature 323 (1986), 533-536.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from symdiff.expr.algebra import add, zeros_of
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Const, Var
from symdiff.expr.traverse import substitute, variables
from symdiff.grad import vjp


@dataclass(frozen=True)
class Backward:
    """`gradients` of the wanted variables; the named `cotangents` with their formulas, the last layer first."""

    gradients: dict[Var, Expr]
    cotangents: dict[Var, Expr]


def backpropagate(definitions: Mapping[Var, Expr], objective: Expr, wanted: Sequence[Var], names: Mapping[Var, str]) -> Backward:
    """The gradients of a scalar objective in `wanted`, in terms of the definitions' variables and of the cotangents that `names` names.

    Shapes: each gradient as its variable. Raises: MissingRule if an operation has no derivative.

    >>> w, x, a = var('w'), var('x'), var('a')
    >>> back = backpropagate({a: w * x}, a * a, [w], {a: 'δ'})
    >>> back.gradients[w] is var('δ') * x
    True
    """
    arrived: dict[Var, list[Expr]] = {v: [] for v in (*definitions, *wanted)}
    cotangents: dict[Var, Expr] = {}

    def pull_back(value: Expr, cotangent: Expr, result: Mapping[Expr, Expr]) -> None:
        inputs = [v for v in variables(value) if v in arrived]
        for v, contribution in zip(inputs, vjp(value, inputs, cotangent), strict=True):
            arrived[v].append(substitute(contribution, result))

    def gathered(v: Var) -> Expr:
        """What has arrived, in the order of the definitions that it comes from."""
        return add(*reversed(arrived[v]))

    pull_back(objective, Const(1), {})
    for v, value in reversed(list(definitions.items())):
        if not arrived[v]:
            continue
        cotangent = gathered(v)
        if v in names:
            named = var(names[v], v.shape)
            cotangents[named] = cotangent
            cotangent = named
        pull_back(value, cotangent, {value: v})  # a rule that uses its result (σ′ = σ (1 − σ)) then shows it by name
    return Backward({v: gathered(v) if arrived[v] else zeros_of(v.shape) for v in wanted}, cotangents)
