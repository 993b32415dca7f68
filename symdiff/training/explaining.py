"""Which conventions reproduce a published number: a search over the table of conventions.py, nearest first.

Every combination of choices that departs from the network's own conventions in few points is trained, and what it gives is compared
with the number. A run is shared by all that read it differently: before or after an update, scaled, or one update further.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from itertools import combinations, product
from math import inf

from symdiff.errors import BadSetting, UnknownName, Unsupported, did_you_mean
from symdiff.training.conventions import CONVENTIONS, Choice, Dtype, Setup
from symdiff.training.net import Net
from symdiff.training.runs import Point, Program, Runs, Steps, prediction_count, program_of

TOLERANCE = 1e-9
DEPARTURES = 3
NEAREST = 8  # how many are kept where none is within the tolerance
STRUCTURE = ("layout", "biases")  # the conventions that change the network


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
class Match:
    """One combination of conventions and what it gives.

    `choices` answer every convention's question. `point` is where the number is read, `first_loss` the loss before the first update;
    `difference` is from the published number, of which `digits` agree. `prediction_at` is where the published prediction is found, at
    `point` if it is found there.
    """

    choices: tuple[Choice, ...]
    setup: Setup
    point: Point
    first_loss: float
    difference: float
    digits: int
    prediction_at: Point | None

    @property
    def departures(self) -> tuple[Choice, ...]:
        """The choices that are not the network's own."""
        return tuple(c for c in self.choices if c.departs)

    @property
    def loss(self) -> float:
        """The loss as it would be told."""
        return self.point.loss * self.setup.reported

    def weight(self, name: str) -> float:
        """One weight, by the name of its entry."""
        return weights_of(self.setup.net, self.point)[name]

    def answer(self, convention: str) -> str:
        """The name of the choice for a convention."""
        return next(c.name for c in self.choices if c.convention == convention)

    @property
    def reduction(self) -> float:
        """By how many percent the error is smaller than at first."""
        return 100 * (1 - self.loss / self.first_loss)

    @property
    def mixes(self) -> bool:
        """Whether loss and prediction are from different moments of the training."""
        return self.prediction_at is not None and self.prediction_at.updates != self.point.updates


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

    def nearness(self, match: Match) -> tuple[float, int, float]:
        """What orders matches: a difference below half a unit of the last digit is none, and then fewer departures come first."""
        unit = max(q.half_unit for q in self.wanted)
        beyond = match.difference if match.difference > unit * (1 + 1e-9) else 0.0
        return beyond, len(match.departures), match.difference

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


@dataclass(frozen=True)
class Explanation:
    """The answer to a question: the `matches` within the tolerance, nearest first, and the `nearest` of all `combinations`."""

    net: Net
    question: Question
    learning_rate: float
    matches: tuple[Match, ...]
    nearest: tuple[Match, ...]
    combinations: int
    trainings: int


class Search:
    """The combinations of conventions of one network, and what each gives; runs are shared between questions.

    Raises: BadSetting for a learning rate that is not a positive number; Unsupported for a network with dropout.
    """

    def __init__(self, net: Net, *, learning_rate: float | None = None, departures: int = DEPARTURES) -> None:
        self.net = net
        self.learning_rate = net.learning_rate if learning_rate is None else learning_rate
        if not 0 < self.learning_rate < inf:
            raise BadSetting(f"learning rate: {self.learning_rate} is given, a positive number is wanted")
        if net.masks:
            raise Unsupported(f"{net.name} draws dropout masks: its numbers are those of a seed, not of conventions")
        self.departures = departures
        self.choices = {c.name: c.of(net) for c in CONVENTIONS}
        self.offsets = {reading: reading.change(Setup(net)).offset for reading in self.choices["reading"]}
        self._networks: dict[tuple[Choice, ...], Setup] = {}
        self._programs: dict[tuple[str, ...], Program] = {}
        self._steps: Steps = {}
        self._runs: dict[int, Runs] = {}

    def explain(self, question: Question, departures: int | None = None) -> Explanation:
        """All combinations within the departures (those of the search by default) against one published number."""
        most = self.departures if departures is None else departures
        most_rounding = 2 * (question.after + 10) * 2.0**-24  # what so many updates in float32 may add up to, relative to the weights
        seen: set[tuple[object, ...]] = set()
        found: list[Match] = []
        for chosen in self._combinations(most):
            setup = self._setup(chosen)
            same = (self._program(setup, chosen), setup.gradient, setup.reported, setup.dtype)
            if same in seen:
                continue
            seen.add(same)
            if setup.dtype == "float32":
                exact = [self.match(question, [*chosen, r], dtype="float64") for r in self.offsets]
                size = max(abs(q.value) for q in question.wanted)
                if not any(m.difference <= question.tolerance + most_rounding * size for m in exact if m):
                    continue
            allowed = most - sum(c.departs for c in chosen)
            matches = [self.match(question, [*chosen, r]) for r in self.offsets if r.departs <= allowed]
            found += [m for m in matches if m]
        found.sort(key=question.nearness)
        close = tuple(m for m in found if m.difference <= question.tolerance)
        return Explanation(
            self.net, question, self.learning_rate, close, tuple(found[:NEAREST]), len(found), len(self._runs[question.after].points)
        )

    def match(self, question: Question, choices: Sequence[Choice], dtype: Dtype | None = None) -> Match | None:
        """What one combination gives; None if its training diverges, or if it would be read before the first update."""
        setup = self._setup(choices)
        if dtype:
            setup = replace(setup, dtype=dtype)
        after = question.after
        runs = self._runs.setdefault(after, Runs(self.learning_rate, [after + o for o in self.offsets.values()], self._steps))
        points = runs.of(self._program(setup, choices), setup)
        point = points.get(after + setup.offset)
        if point is None:
            return None
        nearby = sorted(
            (points[k] for o in self.offsets.values() if (k := after + o) in points), key=lambda p: abs(p.updates - point.updates)
        )
        told = point.loss * setup.reported
        return Match(
            choices=tuple(choices),
            setup=setup,
            point=point,
            first_loss=points[0].loss * setup.reported,
            difference=question.difference(told, point, setup.net),
            digits=agreeing_digits(told, question.loss) if question.loss else 0,
            prediction_at=next((p for p in nearby if question.predicts(p.prediction)), None),
        )

    def with_choices(self, question: Question, **names: str) -> Match | None:
        """What the network gives with these choices, by convention, and its own for the others.

        Raises: UnknownName for a choice that the convention has not.
        """
        chosen = {name: choices[0] for name, choices in self.choices.items()}
        for convention, name in names.items():
            known = {c.name: c for c in self.choices[convention]}
            if name not in known:
                raise UnknownName(f"{convention}: there is no {name!r}{did_you_mean(name, known)}. Choices: {'; '.join(known)}")
            chosen[convention] = known[name]
        return self.match(question, list(chosen.values()))

    def taken_back(self, question: Question, match: Match) -> dict[Choice, Match | None]:
        """For each departure of a match, what is left without it."""
        return {
            gone: self.match(question, [self.choices[c.convention][0] if c is gone else c for c in match.choices])
            for gone in match.departures
        }

    def _combinations(self, most: int) -> Iterator[list[Choice]]:
        """Every combination within the departures, those with fewer first; how it is read is left open."""
        own = {name: choices[0] for name, choices in self.choices.items() if name != "reading"}
        for count in range(most + 1):
            for names in combinations(own, count):
                for others in product(*(self.choices[name][1:] for name in names)):
                    yield list((own | dict(zip(names, others, strict=True))).values())

    def _setup(self, choices: Sequence[Choice]) -> Setup:
        """The training that choices make: first the network, once for all that share it, then how it is trained."""
        structure = tuple(c for c in choices if c.convention in STRUCTURE)
        if structure not in self._networks:
            setup = Setup(self.net)
            for choice in structure:
                setup = choice.change(setup)
            self._networks[structure] = setup
        setup = self._networks[structure]
        for choice in choices:
            if (choice.departs and choice.convention not in STRUCTURE) or choice.convention == "reading":
                setup = choice.change(setup)
        return setup

    def _program(self, setup: Setup, choices: Sequence[Choice]) -> Program:
        """The formulas of a setup; two that come to the same formulas are the same training."""
        key = (*(c.name for c in choices if c.convention in STRUCTURE), setup.update, setup.first)
        if key not in self._programs:
            self._programs[key] = program_of(setup.net, setup.update, setup.first)
        return self._programs[key]


def explain(
    net: Net,
    *,
    after: int,
    loss: float | str | None = None,
    prediction: Sequence[float | str] = (),
    weights: Mapping[str, float | str] | None = None,
    tolerance: float | None = None,
    learning_rate: float | None = None,
    departures: int = DEPARTURES,
) -> Explanation:
    """Which conventions reproduce a published loss, a prediction, or weights, of update `after`.

    Numbers may be text, which keeps final zeros. They are reproduced within `tolerance`, absolutely: 1e-9 or half a unit of their last
    digit, whichever is more. At most `departures` conventions differ from the network's own.

    Raises: BadSetting if nothing is given to explain, or for a number that is none or out of range; UnknownName for a weight that the
    network has not.

    >>> from symdiff.training.nets import mazur
    >>> found = explain(mazur(), loss='0.291027924', after=1)
    >>> [c.name for c in found.matches[0].departures]
    ['sequential, output layer first']
    """
    return Search(net, learning_rate=learning_rate, departures=departures).explain(ask(net, after, loss, prediction, weights, tolerance))
