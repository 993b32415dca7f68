"""First-order optimizers as formulas: from a weight, its gradient, the rate and some state to the new weight and the new state.

A rule is one function, used twice: with numbers for its settings it becomes part of the training step, with symbols it is the formula
that `derive` prints. Conventions, such as where ε stands, are those of the source that each rule names; defaults are PyTorch's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from symdiff.expr.elementwise import sign, sqrt, square
from symdiff.expr.node import Expr
from symdiff.training.specs import Choice, Setting, chosen, fraction, nonnegative, positive, read

New = tuple[Expr, dict[str, Expr]]  # the new weight, and the new state by the names of its slots
Rule = Callable[[Expr, Expr, Expr, Expr, Mapping[str, Expr], Mapping[str, Expr]], New]


def sgd(w: Expr, g: Expr, rate: Expr, k: Expr, s: Mapping[str, Expr], p: Mapping[str, Expr]) -> New:
    """Gradient descent. Source: Cauchy, Méthode générale pour la résolution des systèmes d'équations simultanées (1847)."""
    return w - rate * g, {}


def momentum(w: Expr, g: Expr, rate: Expr, k: Expr, s: Mapping[str, Expr], p: Mapping[str, Expr]) -> New:
    """Heavy ball, with the rate outside the velocity, as torch.optim.SGD (no dampening).

    Source: Polyak, Some methods of speeding up the convergence of iteration methods (1964).
    """
    u = p["beta"] * s["u"] + g
    return w - rate * u, {"u": u}


def nesterov(w: Expr, g: Expr, rate: Expr, k: Expr, s: Mapping[str, Expr], p: Mapping[str, Expr]) -> New:
    """Nesterov's momentum in the form whose gradient is at the weight itself, as torch.optim.SGD(nesterov=True).

    Source: Sutskever, Martens, Dahl and Hinton, On the importance of initialization and momentum in deep learning (2013), section 2.
    """
    u = p["beta"] * s["u"] + g
    return w - rate * (g + p["beta"] * u), {"u": u}


def adagrad(w: Expr, g: Expr, rate: Expr, k: Expr, s: Mapping[str, Expr], p: Mapping[str, Expr]) -> New:
    """ε outside the root and no decay of the rate, as torch.optim.Adagrad.

    Source: Duchi, Hazan and Singer, Adaptive subgradient methods for online learning and stochastic optimization (2011), figure 1.
    """
    v = s["v"] + square(g)
    return w - rate * g / (sqrt(v) + p["eps"]), {"v": v}


def rmsprop(w: Expr, g: Expr, rate: Expr, k: Expr, s: Mapping[str, Expr], p: Mapping[str, Expr]) -> New:
    """ε outside the root, not centred, as torch.optim.RMSprop. Source: Hinton, Neural networks for machine learning (2012), lecture 6e."""
    v = p["alpha"] * s["v"] + (1 - p["alpha"]) * square(g)
    return w - rate * g / (sqrt(v) + p["eps"]), {"v": v}


def adam(w: Expr, g: Expr, rate: Expr, k: Expr, s: Mapping[str, Expr], p: Mapping[str, Expr]) -> New:
    """Both moments corrected for their start at 0, ε outside the root of the corrected one, as torch.optim.Adam.

    Source: Kingma and Ba, Adam: a method for stochastic optimization (2015), algorithm 1.
    """
    m = p["beta1"] * s["m"] + (1 - p["beta1"]) * g
    v = p["beta2"] * s["v"] + (1 - p["beta2"]) * square(g)
    return w - rate * (m / (1 - p["beta1"] ** k)) / (sqrt(v / (1 - p["beta2"] ** k)) + p["eps"]), {"m": m, "v": v}


def adamw(w: Expr, g: Expr, rate: Expr, k: Expr, s: Mapping[str, Expr], p: Mapping[str, Expr]) -> New:
    """Adam with the weight decay beside the gradient, times the rate, as torch.optim.AdamW.

    Source: Loshchilov and Hutter, Decoupled weight decay regularization (2019), algorithm 2.
    """
    new, state = adam(w, g, rate, k, s, p)
    return new - rate * p["decay"] * w, state


def lion(w: Expr, g: Expr, rate: Expr, k: Expr, s: Mapping[str, Expr], p: Mapping[str, Expr]) -> New:
    """The sign of one mean of gradients, with another kept; decoupled weight decay; no ε and no correction.

    Source: Chen et al., Symbolic discovery of optimization algorithms (2023), algorithm 2.
    """
    step = sign(p["beta1"] * s["m"] + (1 - p["beta1"]) * g)
    m = p["beta2"] * s["m"] + (1 - p["beta2"]) * g
    return w - rate * (step + p["decay"] * w), {"m": m}


@dataclass(frozen=True)
class Kind:
    """A row of the table: the rule, what may be set, the state it keeps for each weight (zeros at first), the usual rate."""

    rule: Rule
    settings: Mapping[str, Setting]
    slots: tuple[str, ...]
    usual_rate: float


_ADAM = {"beta1": fraction(0.9, "β₁"), "beta2": fraction(0.999, "β₂"), "eps": positive(1e-8, "ε")}

OPTIMIZERS: dict[str, Kind] = {
    "sgd": Kind(sgd, {}, (), 1e-3),
    "momentum": Kind(momentum, {"beta": fraction(0.9, "β")}, ("u",), 1e-3),
    "nesterov": Kind(nesterov, {"beta": fraction(0.9, "β")}, ("u",), 1e-3),
    "adagrad": Kind(adagrad, {"eps": positive(1e-10, "ε")}, ("v",), 1e-2),
    "rmsprop": Kind(rmsprop, {"alpha": fraction(0.99, "α"), "eps": positive(1e-8, "ε")}, ("v",), 1e-2),
    "adam": Kind(adam, _ADAM, ("m", "v"), 1e-3),
    "adamw": Kind(adamw, {**_ADAM, "decay": nonnegative(0.01, "λ")}, ("m", "v"), 1e-3),
    "lion": Kind(
        lion, {"beta1": fraction(0.9, "β₁"), "beta2": fraction(0.99, "β₂"), "decay": nonnegative(0.0, "λ")}, ("m",), 1e-4
    ),
}  # fmt: skip


class Optimizer(Choice[Kind]):
    """An optimizer with the values of its settings; `optimizer` and `read_optimizer` make one.

    >>> from symdiff.expr.leaves import var
    >>> w, g, rate, k, u = (var(name) for name in ('w', 'g', 'rate', 'k', 'u'))
    >>> optimizer('momentum', beta=0.5).apply(w, g, rate, k, {'u': u})[1]['u'] is 0.5 * u + g
    True
    """

    def apply(self, w: Expr, g: Expr, rate: Expr, k: Expr, state: Mapping[str, Expr], settings: Mapping[str, Expr] | None = None) -> New:
        """The new weight and the new state by slot; k is the number of the update, 1 at first. `settings`: symbols in place of numbers."""
        return self.kind.rule(w, g, rate, k, state, settings or self.numbers)


def optimizer(name: str, **values: float) -> Optimizer:
    """The optimizer of that name; settings that are not given have their defaults.

    Raises: UnknownName for a name or a setting that is not there, with the near miss; BadSetting for a value out of range.
    """
    return Optimizer(*chosen("optimizer", name, OPTIMIZERS, values))


def read_optimizer(spec: str | Optimizer) -> Optimizer:
    """The optimizer that a spec means: 'adam', 'momentum:beta=0.8', 'momentum:0.8'.

    Raises: UnknownName, BadSetting as `optimizer`.

    >>> read_optimizer('momentum:0.8').values
    {'beta': 0.8}
    """
    return spec if isinstance(spec, Optimizer) else Optimizer(*read("optimizer", spec, OPTIMIZERS))
