"""Which conventions reproduce a published number: a search over the table of conventions.py, nearest first.

Every combination of choices that departs from the network's own conventions in few points is trained, and what it gives is compared
with the number. A run is shared by all that read it differently: before or after an update, scaled, or one update further.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from math import inf

from symdiff.errors import BadSetting, UnknownName, Unsupported, did_you_mean
from symdiff.training.conventions import CONVENTIONS, Choice, Dtype, Setup
from symdiff.training.net import Net
from symdiff.training.questions import Question, agreeing_digits, ask, weights_of
from symdiff.training.runs import Point, Program, Runs, Steps, program_of

DEPARTURES = 3
NEAREST = 8  # how many are kept where none is within the tolerance
STRUCTURE = ("layout", "biases")  # the conventions that change the network


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
class Explanation:
    """The answer to a question: the `matches` within the tolerance, nearest first, and the `nearest` of all `combinations`."""

    net: Net
    question: Question
    learning_rate: float
    matches: tuple[Match, ...]
    nearest: tuple[Match, ...]
    combinations: int
    trainings: int


def nearness(question: Question, match: Match) -> tuple[float, int, float]:
    """What orders matches: a difference below half a unit of the last digit is none, and then fewer departures come first."""
    unit = max(q.half_unit for q in question.wanted)
    beyond = match.difference if match.difference > unit * (1 + 1e-9) else 0.0
    return beyond, len(match.departures), match.difference


class Search:
    """The combinations of conventions of one network, and what each gives; runs are shared between questions.

    Raises: BadSetting for a learning rate that is not a positive number or a negative number of departures; Unsupported for a network
    with dropout.
    """

    def __init__(self, net: Net, *, learning_rate: float | None = None, departures: int = DEPARTURES) -> None:
        self.net = net
        self.learning_rate = net.learning_rate if learning_rate is None else learning_rate
        if not 0 < self.learning_rate < inf:
            raise BadSetting(f"learning rate: {self.learning_rate} is given, a positive number is wanted")
        if departures < 0:
            raise BadSetting(f"departures: {departures} is given, a whole number from 0 on is wanted")
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
        found.sort(key=lambda m: nearness(question, m))
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
