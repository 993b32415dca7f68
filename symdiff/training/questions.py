"""What a text says of a training: numbers as they are printed, the update that they are told for, and what reproduces them.

A printed number is known to half a unit of its last digit, so final zeros count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from math import inf

from symdiff.errors import BadSetting, UnknownName, did_you_mean
from symdiff.training.net import Net
from symdiff.training.runs import Point, prediction_count

TOLERANCE = 1e-9


@dataclass(frozen=True)
class Quoted:
    """A number as a text gives it: what is between two of its last digits is not known."""

    text: str
    value: float
    half_unit: float
    exponent: int  # of its last digit

    @property
    def digits(self) -> int:
        """How many significant digits it has."""
        return len(Decimal(self.text).as_tuple().digits)


def quoted(number: float | str) -> Quoted:
    """A number from its text, which keeps final zeros, or from a float. Raises: BadSetting for what is no finite number.

    >>> quoted('0.0440').half_unit, quoted('0.0440').digits
    (5e-05, 3)
    """
    text = number.strip() if isinstance(number, str) else repr(float(number))
    try:
        value = Decimal(text)
        exponent = value.as_tuple().exponent
    except InvalidOperation:
        exponent = "n"
    if not isinstance(exponent, int):
        raise BadSetting(f"{text!r} is given, a number is wanted, such as 0.0011157856")
    return Quoted(text, float(value), float(Decimal((0, (5,), exponent - 1))), min(exponent, 0))


def agreeing_digits(value: float, target: Quoted) -> int:
    """How many significant digits of the target the value has when both are rounded to so many; all of them if they never differ.

    >>> agreeing_digits(0.00111578652, quoted('0.0011157875'))
    7
    """
    for digits in range(target.digits, 0, -1):
        if f"{value:.{digits - 1}e}" == f"{target.value:.{digits - 1}e}":
            return digits
    return 0


@dataclass(frozen=True)
class Question:
    """What was published of update `after`: a loss, a prediction, single weights by the names of their entries.

    The first of these that is given is what is reproduced; a prediction beside a loss is looked for in the trainings that give the loss.
    """

    after: int
    loss: Quoted | None
    prediction: tuple[Quoted, ...]
    weights: Mapping[str, Quoted]
    tolerance: float

    @property
    def wanted(self) -> tuple[Quoted, ...]:
        """The numbers to reproduce."""
        return (self.loss,) if self.loss else self.prediction or tuple(self.weights.values())

    def difference(self, loss: float, point: Point, net: Net) -> float:
        """The largest difference of a training from what is to be reproduced; `loss` is as it is told."""
        found: Sequence[float] = (loss,)
        if not self.loss:
            found = point.prediction
        if not (self.loss or self.prediction):
            by_name = weights_of(net, point)
            found = [by_name[name] for name in self.weights]
        return max(abs(x - q.value) for x, q in zip(found, self.wanted, strict=True))

    def predicts(self, prediction: Sequence[float]) -> bool:
        """Whether a prediction rounds to the published one."""
        rounds = (abs(y - q.value) <= q.half_unit * (1 + 1e-9) for y, q in zip(prediction, self.prediction, strict=bool(self.prediction)))
        return bool(self.prediction) and all(rounds)


def weights_of(net: Net, point: Point) -> dict[str, float]:
    """The weights of a training by the names of their entries."""
    return dict(zip((name for leaf in net.parameters for name in leaf.entries), point.weights, strict=True))


def ask(
    net: Net,
    after: int,
    loss: float | str | None = None,
    prediction: Sequence[float | str] = (),
    weights: Mapping[str, float | str] | None = None,
    tolerance: float | None = None,
) -> Question:
    """A question about a network. Raises: BadSetting and UnknownName, as `explain`."""
    if after < 1:
        raise BadSetting(f"after: {after} is given, a number of updates from 1 on is wanted")
    if tolerance is not None and not 0 < tolerance < inf:
        raise BadSetting(f"tolerance: {tolerance} is given, a positive number is wanted")
    if loss is None and not prediction and not weights:
        raise BadSetting("nothing is given to explain: a loss, a prediction or weights are wanted")
    count = prediction_count(net)
    if prediction and len(prediction) != count:
        raise BadSetting(f"prediction: {len(prediction)} numbers are given, {net.name} predicts {count}")
    known = [name for leaf in net.parameters for name in leaf.entries]
    for name in weights or {}:
        if name not in known:
            raise UnknownName(f"{net.name} has no weight {name!r}{did_you_mean(name, known)}. Weights: {', '.join(known[:20])}")
    question = Question(
        after,
        None if loss is None else quoted(loss),
        tuple(map(quoted, prediction)),
        {n: quoted(w) for n, w in (weights or {}).items()},
        0.0,
    )
    usual = max(TOLERANCE, *(q.half_unit for q in question.wanted))
    return replace(question, tolerance=usual if tolerance is None else tolerance)
