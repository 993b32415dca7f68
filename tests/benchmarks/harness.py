"""Workloads, their implementations and bars; interleaved rounds, medians of ratios.

An implementation is made only when it is wanted, so that a peer that is missing is named and nothing else. What all compute is compared
before anything is timed. A round times each implementation once, one after the other; a ratio is taken within its round, so that what
slows the machine slows both sides. A run makes all implementations anew, in memory of their own, and its ratio is the median of its rounds;
of several runs it is the median of theirs. The collector is off while a clock runs, as timeit has it. Where other threads work during a sample the
next one waits until they rest: JAX frees what it computed with after its call has returned, for up to 40 ms after the largest Hessians.
"""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import perf_counter, process_time, sleep, thread_time
from typing import Any

import numpy as np

SHORTEST = 0.004  # seconds in one sample: shorter calls are repeated within it
PAUSE = 0.001  # seconds in which other threads are watched
PAUSES = 200
SLACK = 1.05  # the bars are met within 5 %


@dataclass(frozen=True)
class Run:
    """A call to time, the number of units (steps of a loop) that it does, and whether its result is compared with the others'."""

    call: Callable[[], Any]
    units: int = 1
    compared: bool = True


@dataclass(frozen=True)
class Bar:
    """The time of `of` is at most `at_most` times that of `against`."""

    of: str
    at_most: float
    against: str = "plain"

    def __str__(self) -> str:
        share = round(1 / self.at_most, 2)
        return f"{f'1/{share:.0f}' if share >= 2 and share == round(share) else f'{self.at_most:.3g}'} of {self.against}"


@dataclass(frozen=True)
class Workload:
    """`makers` give each implementation's Run; `relative` is the accuracy to which their results agree (None: they are not compared)."""

    name: str
    title: str
    makers: dict[str, Callable[[], Run]]
    bars: tuple[Bar, ...] = ()
    relative: float | None = 1e-8
    seconds: float = 4.0


@dataclass
class Timed:
    """Samples of one implementation, in seconds a unit: a list for each run, with an entry for each round."""

    runs: list[list[float]] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(map(statistics.median, self.runs))


@dataclass(frozen=True)
class Result:
    workload: Workload
    timed: dict[str, Timed]
    missing: dict[str, str]

    def _ratios(self, name: str, against: str) -> list[list[float]]:
        """Of two implementations, run by run, round by round."""
        if name not in self.timed or against not in self.timed:
            return []
        pairs = zip(self.timed[name].runs, self.timed[against].runs, strict=True)
        return [[a / b for a, b in zip(ours, theirs, strict=False)] for ours, theirs in pairs]

    def by_run(self, name: str, against: str = "plain") -> list[float]:
        """The median ratio of two implementations in each run; none where one of them is missing."""
        return [statistics.median(run) for run in self._ratios(name, against)]

    def ratio(self, name: str, against: str = "plain") -> tuple[float, float, float] | None:
        """The median of the runs' ratios, and the least and the largest of all rounds."""
        rounds = [r for run in self._ratios(name, against) for r in run]
        return (statistics.median(self.by_run(name, against)), min(rounds), max(rounds)) if rounds else None

    def verdict(self, bar: Bar) -> bool | None:
        """Whether a bar is met; None where a side of it is missing."""
        found = self.ratio(bar.of, bar.against)
        return None if found is None else found[0] <= bar.at_most * SLACK


def flat(result: Any) -> np.ndarray[Any, Any]:
    """All numbers of a result, in order: arrays, lists of them, floats."""
    if isinstance(result, (tuple, list)):
        return np.concatenate([flat(r) for r in result])
    if hasattr(result, "detach"):
        result = result.detach().numpy()
    return np.asarray(result, dtype=np.float64).ravel()


def _elsewhere() -> float:
    """Processor seconds of all other threads of the process."""
    return process_time() - thread_time()


def _settle() -> None:
    """Wait until the other threads rest."""
    for _ in range(PAUSES):
        before = _elsewhere()
        sleep(PAUSE)
        if _elsewhere() - before < PAUSE / 10:
            return


def measure(workload: Workload, rounds: int | None = None, only: Iterable[str] = (), runs: int = 1) -> Result:
    """Make, compare and time, so many runs. Raises: AssertionError where two implementations disagree."""
    timed: dict[str, Timed] = {}
    missing: dict[str, str] = {}
    wanted = set(only) or set(workload.makers)
    for _ in range(runs):
        for name, samples in _one_run(workload, rounds, wanted, missing).items():
            timed.setdefault(name, Timed()).runs.append(samples)
    return Result(workload, timed, missing)


def _one_run(workload: Workload, rounds: int | None, wanted: set[str], missing: dict[str, str]) -> dict[str, list[float]]:
    """Samples by implementation; what cannot be made goes to `missing`, with the reason."""
    made: dict[str, Run] = {}
    for name, make in workload.makers.items():
        if name in wanted:
            try:
                made[name] = make()
            except (ImportError, FileNotFoundError) as error:
                missing[name] = str(error)
    cost = _compared(workload, made)
    repeats = {name: max(1, round(SHORTEST / seconds)) for name, seconds in cost.items()}
    one_round = sum(repeats[name] * cost[name] for name in made)
    count = rounds or max(3, min(200, int(workload.seconds / one_round)))
    samples: dict[str, list[float]] = {name: [] for name in made}
    gc.collect()
    gc.disable()
    try:
        for _ in range(count):
            for name, run in made.items():
                if cost[name] > 2.0 and len(samples[name]) >= 3:
                    continue  # a call that takes seconds is timed three times
                call, n = run.call, repeats[name]
                others = _elsewhere()
                began = perf_counter()
                for _ in range(n):
                    call()
                samples[name].append((perf_counter() - began) / n / run.units)
                if _elsewhere() - others > PAUSE / 10:
                    _settle()
    finally:
        gc.enable()
    return samples


def _compared(workload: Workload, made: dict[str, Run]) -> dict[str, float]:
    """Seconds of a second call of each, after the result of the first is compared."""
    expected: np.ndarray[Any, Any] | None = None
    cost: dict[str, float] = {}
    for name, run in made.items():
        result = run.call()
        if workload.relative is not None and run.compared:
            numbers = flat(result)
            if expected is None:
                expected = numbers
            else:
                np.testing.assert_allclose(
                    numbers,
                    expected,
                    rtol=workload.relative,
                    atol=workload.relative * np.abs(expected).max(),
                    err_msg=f"{workload.name}: {name}",
                )
        began = perf_counter()
        run.call()
        cost[name] = max(perf_counter() - began, 1e-8)
    return cost
