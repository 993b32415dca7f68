"""Learning-rate schedules as formulas of the number of the update: η₀ becomes η₀ γᵗ, t = k − 1 updates after the first.

Conventions are those of torch.optim.lr_scheduler, one scheduler step an update, except where a row says otherwise. Schedules compose:
'warmup:steps=100+cosine:steps=1000' hands the rate of the first to the second.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from symdiff.expr.elementwise import cos, equal, floor, greater, less, logical_and, maximum, minimum, mod, where
from symdiff.expr.leaves import const
from symdiff.expr.node import Expr
from symdiff.training.specs import Choice, Setting, between, count, fraction, nonnegative, number, positive, read

# (the rate so far, k: the number of the update, the loss before it, state, settings) -> the rate, and the new state
Rule = Callable[[Expr, Expr, Expr, Mapping[str, Expr], Mapping[str, Expr]], tuple[Expr, dict[str, Expr]]]
PI = const(math.pi)


def constant(rate: Expr, k: Expr, loss: Expr, s: Mapping[str, Expr], p: Mapping[str, Expr]) -> tuple[Expr, dict[str, Expr]]:
    """The rate as it is given."""
    return rate, {}


def step(rate: Expr, k: Expr, loss: Expr, s: Mapping[str, Expr], p: Mapping[str, Expr]) -> tuple[Expr, dict[str, Expr]]:
    """Times γ after each so many updates, as StepLR."""
    return rate * p["gamma"] ** floor((k - 1) / p["steps"]), {}


def exponential(rate: Expr, k: Expr, loss: Expr, s: Mapping[str, Expr], p: Mapping[str, Expr]) -> tuple[Expr, dict[str, Expr]]:
    """Times γ after each update, as ExponentialLR."""
    return rate * p["gamma"] ** (k - 1), {}


def cosine(rate: Expr, k: Expr, loss: Expr, s: Mapping[str, Expr], p: Mapping[str, Expr]) -> tuple[Expr, dict[str, Expr]]:
    """Half a cosine down to `least` in so many updates, where it stays (CosineAnnealingLR rises again).

    Source: Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts (2017), equation 5, without restarts.
    """
    return p["least"] + (rate - p["least"]) * (1 + cos(PI * minimum((k - 1) / p["steps"], 1))) / 2, {}


def warmup(rate: Expr, k: Expr, loss: Expr, s: Mapping[str, Expr], p: Mapping[str, Expr]) -> tuple[Expr, dict[str, Expr]]:
    """From the fraction `start` of the rate up to all of it in equal parts, as LinearLR."""
    return rate * (p["start"] + (1 - p["start"]) * minimum((k - 1) / p["steps"], 1)), {}


def one_cycle(rate: Expr, k: Expr, loss: Expr, s: Mapping[str, Expr], p: Mapping[str, Expr]) -> tuple[Expr, dict[str, Expr]]:
    """Half a cosine up from rate/div to the rate during the fraction `rise` of the steps, half a cosine down to rate/(div·final).

    As OneCycleLR without its cycle of momentum; after the last step the rate stays.
    Source: Smith and Topin, Super-convergence: very fast training of neural networks using large learning rates (2018).
    """
    t, top = k - 1, p["rise"] * p["steps"] - 1
    up = _half_cosine(rate / p["div"], rate, t / top)
    down = _half_cosine(rate, rate / (p["div"] * p["final"]), minimum((t - top) / (p["steps"] - 1 - top), 1))
    return where(less(t, top), up, down), {}


def _half_cosine(start: Expr, end: Expr, done: Expr) -> Expr:
    return end + (start - end) * (1 + cos(PI * done)) / 2


def plateau(rate: Expr, k: Expr, loss: Expr, s: Mapping[str, Expr], p: Mapping[str, Expr]) -> tuple[Expr, dict[str, Expr]]:
    """Times `factor` once the loss has not fallen below the best by the fraction `threshold` more than `patience` times in a row.

    As ReduceLROnPlateau (mode 'min', threshold_mode 'rel') without its eps, with the loss before the update; `every` so many updates, an
    epoch of mini-batches, their mean loss is looked at. `cooldown` times after a reduction nothing is counted.
    """
    now = equal(mod(k, p["every"]), 0)
    mean = s["mean"] + loss / p["every"]
    better = less(mean, s["best"] * (1 - p["threshold"]))
    cooling = greater(s["cooling"], 0)
    bad = where(better, 0, where(cooling, 0, s["bad"] + 1))
    enough = greater(bad, p["patience"])
    new = {
        "mean": where(now, 0, mean),
        "best": where(logical_and(now, better), mean, s["best"]),
        "bad": where(now, where(enough, 0, bad), s["bad"]),
        "cooling": where(now, where(enough, p["cooldown"], maximum(s["cooling"] - 1, 0)), s["cooling"]),
        "scale": where(logical_and(now, enough), s["scale"] * p["factor"], s["scale"]),
    }
    return minimum(rate, maximum(rate * s["scale"], p["least"])), new


@dataclass(frozen=True)
class Kind:
    """A row of the table: the rule, what may be set, the scalars it keeps with their start values."""

    rule: Rule
    settings: Mapping[str, Setting]
    slots: Mapping[str, float] = field(default_factory=dict)


_STEPS = {"steps": count(None, "T")}

RATES: dict[str, Kind] = {
    "constant": Kind(constant, {}),
    "step": Kind(step, {**_STEPS, "gamma": positive(0.1, "γ")}),
    "exponential": Kind(exponential, {"gamma": positive(None, "γ")}),
    "cosine": Kind(cosine, {**_STEPS, "least": nonnegative(0.0, "η_min")}),
    "warmup": Kind(warmup, {**_STEPS, "start": nonnegative(1 / 3, "f")}),
    "one-cycle": Kind(one_cycle, {**_STEPS, "rise": fraction(0.3, "p"), "div": positive(25, "d"), "final": positive(1e4, "d_f")}),
    "plateau": Kind(
        plateau,
        {
            "patience": number(10, "N"), "factor": between(0.1, "γ"), "threshold": fraction(1e-4, "τ"),
            "cooldown": number(0, "C"), "least": nonnegative(0.0, "η_min"), "every": count(1, "S"),
        },
        {"mean": 0.0, "best": math.inf, "bad": 0.0, "cooling": 0.0, "scale": 1.0},
    ),
}  # fmt: skip


class Rate(Choice[Kind]):
    """One schedule with the values of its settings."""

    def apply(
        self, rate: Expr, k: Expr, loss: Expr, state: Mapping[str, Expr], settings: Mapping[str, Expr] | None = None
    ) -> tuple[Expr, dict[str, Expr]]:
        """The rate of update k, 1 at first, and the new state by slot. `settings`: symbols in place of numbers."""
        return self.kind.rule(rate, k, loss, state, settings or self.numbers)


@dataclass(frozen=True)
class RateSchedule:
    """Schedules one after another: each gets the rate of the one before it."""

    parts: tuple[Rate, ...]

    @property
    def spec(self) -> str:
        """The text that reads back as this schedule."""
        return "+".join(part.spec for part in self.parts)


def read_rate(spec: str | RateSchedule | None, steps: int | None = None) -> RateSchedule:
    """The schedule that a spec means: 'cosine:steps=1000', 'warmup:steps=50+exponential:0.99'; None is constant.

    steps: what `steps` is where the spec of the last part leaves it out, such as the length of the training.
    Raises: UnknownName for a name or setting that is not there, with the near miss; BadSetting for a value out of range or missing.

    >>> read_rate('cosine', steps=10).spec
    'cosine:steps=10,least=0.0'
    """
    if isinstance(spec, RateSchedule):
        return spec
    texts = re.split(r"\+(?=\s*[a-z])", spec or "constant")
    last = {} if steps is None else {"steps": float(steps)}
    return RateSchedule(
        tuple(Rate(*read("rate schedule", text, RATES, last if k == len(texts) - 1 else None)) for k, text in enumerate(texts))
    )
