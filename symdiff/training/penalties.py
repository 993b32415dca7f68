"""What is added to the descent: penalties on the size of the weights, and limits on the size of the gradients.

A penalty is a term of the loss, or, decoupled, a pull on the weight beside its gradient; it acts on all trained parameters, biases
too, as weight_decay does in PyTorch. Clipping acts on the gradients of the loss with its penalty, before the optimizer sees them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from symdiff.expr.algebra import add, zeros_of
from symdiff.expr.elementwise import absolute, clip, maximum, sqrt, square
from symdiff.expr.leaves import const
from symdiff.expr.node import Expr
from symdiff.expr.ops import sum as sum_of
from symdiff.training.specs import Choice, Setting, nonnegative, positive, read, share

Term = Callable[[Sequence[Expr], Mapping[str, Expr]], Expr]
Limit = Callable[[Sequence[Expr], Mapping[str, Expr]], list[Expr]]


# --- penalties ------------------------------------------------------------------------------------------------------
def _total(function: Callable[[Expr], Expr], weights: Sequence[Expr]) -> Expr:
    return add(*(sum_of(function(w)) for w in weights))


def l2(weights: Sequence[Expr], p: Mapping[str, Expr]) -> Expr:
    """λ/2 Σ w²: its gradient is λ w, which is the weight_decay of torch.optim.SGD. Source: Hoerl and Kennard, Ridge regression (1970)."""
    return p["strength"] * _total(square, weights) / 2


def l1(weights: Sequence[Expr], p: Mapping[str, Expr]) -> Expr:
    """λ Σ |w|, with the slope 0 at 0. Source: Tibshirani, Regression shrinkage and selection via the lasso (1996)."""
    return p["strength"] * _total(absolute, weights)


def elastic(weights: Sequence[Expr], p: Mapping[str, Expr]) -> Expr:
    """λ (ρ Σ |w| + (1 − ρ)/2 Σ w²). Source: Zou and Hastie, Regularization and variable selection via the elastic net (2005), with the
    weights of scikit-learn's ElasticNet."""
    return p["strength"] * (p["ratio"] * _total(absolute, weights) + (1 - p["ratio"]) * _total(square, weights) / 2)


def decay(weights: Sequence[Expr], p: Mapping[str, Expr]) -> Expr:
    """No term of the loss: each new weight loses η λ w beside what the optimizer does.

    Source: Loshchilov and Hutter, Decoupled weight decay regularization (2019), with the rate as a factor as in torch.optim.AdamW.
    """
    return const(0)


@dataclass(frozen=True)
class PenaltyKind:
    """A row of the table: the term of the loss, what may be set, whether it pulls on the weights beside the gradient."""

    term: Term
    settings: Mapping[str, Setting]
    decoupled: bool = False


_STRENGTH = {"strength": nonnegative(0.01, "λ")}

PENALTIES: dict[str, PenaltyKind] = {
    "l1": PenaltyKind(l1, _STRENGTH),
    "l2": PenaltyKind(l2, _STRENGTH),
    "elastic": PenaltyKind(elastic, {**_STRENGTH, "ratio": share(0.5, "ρ")}),
    "decay": PenaltyKind(decay, _STRENGTH, decoupled=True),
}


class Penalty(Choice[PenaltyKind]):
    """A penalty with the values of its settings.

    >>> from symdiff.expr.leaves import var
    >>> w = var('w')
    >>> read_penalty('l2:0.5').term([w]) is 0.5 * square(w) / 2
    True
    """

    def term(self, weights: Sequence[Expr], settings: Mapping[str, Expr] | None = None) -> Expr:
        """What it adds to the loss. `settings`: symbols in place of numbers."""
        return self.kind.term(weights, settings or self.numbers)

    def pull(self, w: Expr, settings: Mapping[str, Expr] | None = None) -> Expr:
        """What it takes off a weight, per unit of rate: λ w where it is decoupled, else 0."""
        return (settings or self.numbers)["strength"] * w if self.kind.decoupled else zeros_of(w.shape)


def read_penalty(spec: str | Penalty | None) -> Penalty | None:
    """The penalty that a spec means: 'l2:0.001', 'elastic:strength=0.01,ratio=0.3'; None for none.

    Raises: UnknownName for a name or a setting that is not there, with the near miss; BadSetting for a value out of range.
    """
    if spec is None or isinstance(spec, Penalty):
        return spec
    return Penalty(*read("penalty", spec, PENALTIES))


# --- clipping -------------------------------------------------------------------------------------------------------
def by_value(gradients: Sequence[Expr], p: Mapping[str, Expr]) -> list[Expr]:
    """Each number of a gradient to [−c, c]."""
    return [clip(g, -p["limit"], p["limit"]) for g in gradients]


def by_norm(gradients: Sequence[Expr], p: Mapping[str, Expr]) -> list[Expr]:
    """All gradients times c / max(‖g‖, c), ‖g‖ the norm of them all.

    Source: Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks (2013), algorithm 1. PyTorch's
    clip_grad_norm_ adds 1e-6 to the norm; this does not.
    """
    factor = p["limit"] / maximum(global_norm(gradients), p["limit"])
    return [factor * g for g in gradients]


def global_norm(gradients: Sequence[Expr]) -> Expr:
    """The Euclidean norm of all numbers of all gradients.

    >>> from symdiff.expr.leaves import var
    >>> global_norm([var('g', 3), var('h')]).shape
    ()
    """
    return sqrt(_total(square, gradients))


@dataclass(frozen=True)
class ClipKind:
    """A row of the table: the limit, and what may be set."""

    limit: Limit
    settings: Mapping[str, Setting]


_LIMIT = {"limit": positive(1.0, "c")}

CLIPS: dict[str, ClipKind] = {"value": ClipKind(by_value, _LIMIT), "norm": ClipKind(by_norm, _LIMIT)}


class Clip(Choice[ClipKind]):
    """A way of clipping with the values of its settings."""

    def apply(self, gradients: Sequence[Expr], settings: Mapping[str, Expr] | None = None) -> list[Expr]:
        """The gradients within the limit. `settings`: symbols in place of numbers."""
        return self.kind.limit(gradients, settings or self.numbers)


def read_clip(spec: str | Clip | None) -> Clip | None:
    """The clipping that a spec means: 'value:0.5', 'norm:limit=1'; None for none.

    Raises: UnknownName for a name or a setting that is not there, with the near miss; BadSetting for a value out of range.
    """
    if spec is None or isinstance(spec, Clip):
        return spec
    return Clip(*read("gradient clipping", spec, CLIPS))
