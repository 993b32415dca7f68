"""Whether a claim is the right result times something: a number, a size, a scalar variable; and what was probably forgotten then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from typing import NamedTuple

import numpy as np

from symdiff.api.evidence import CLOSE, Array, Evidence, distance

STEADY = 1e-6  # what ratios at several points may differ by to be one number


class Mistake(NamedTuple):
    """What is wrong with a claim: a short name of the mistake, and how to mend it."""

    name: str
    message: str


def ratios_of(claim: Sequence[Array], right: Sequence[Array]) -> list[float] | None:
    """The number by which the right values are multiplied at each point, if it is one number for all entries."""
    found = []
    for c, r in zip(claim, right, strict=True):
        if c.shape != r.shape or not np.any(r) or not np.all(np.isfinite(r)) or not np.all(np.isfinite(c)):
            return None
        scale = np.max(np.abs(r))  # squares of very large or small numbers are no numbers
        with np.errstate(all="ignore"):
            ratio = float(np.vdot(c / scale, r / scale) / np.vdot(r / scale, r / scale))
            if ratio == 0 or not np.isfinite(ratio) or distance(c, ratio * r) > CLOSE:
                return None
        found.append(ratio)
    return found


def _quantities(evidence: Evidence) -> Iterator[tuple[str, list[float]]]:
    """What a factor may be made of, by name, with its value at each point: the sizes, their products, and the scalar variables."""
    yield "", [1.0] * len(evidence.points)
    names = sorted({n for p in evidence.points for n in p.sizes} & evidence.evaluator.carried)
    sizes = {n: [float(p.sizes[n]) for p in evidence.points] for n in names}
    for n, values in sizes.items():
        yield n, values
        yield f"{n}²", [v * v for v in values]
        yield f"({n} - 1)", [v - 1 for v in values]
        yield f"{n}/({n} - 1)", [v / (v - 1) for v in values]
    for a, b in combinations(names, 2):
        yield f"{a} {b}", [x * y for x, y in zip(sizes[a], sizes[b], strict=True)]
    for v in evidence.evaluator.inputs:
        if v.shape == ():
            values = [float(p.values[v]) for p in evidence.points]
            yield v.name, values
            yield f"{v.name}²", [x * x for x in values]


def _as_fraction(values: Sequence[float]) -> Fraction | None:
    """The simple fraction that all values are."""
    if max(values) - min(values) > STEADY * max(map(abs, values)):
        return None
    fraction = Fraction(values[0]).limit_denominator(60)
    return fraction if fraction and abs(float(fraction) / values[0] - 1) < STEADY else None


class Multiple(NamedTuple):
    """number * quantity ** power, the quantity a size or a scalar variable by name, or '' for 1."""

    number: Fraction
    name: str = ""
    power: int = 1

    @property
    def size(self) -> Fraction:
        return abs(self.number)

    def text(self) -> str:
        """Its absolute value in words: 'half', '3 times', 'n times', '2/n times'."""
        if not self.name:
            return {Fraction(1, 2): "half", Fraction(2): "twice"}.get(self.size, f"{self.size} times")
        above = [str(self.size.numerator)] * (self.size.numerator != 1) + [self.name] * (self.power == 1)
        below = [str(self.size.denominator)] * (self.size.denominator != 1) + [self.name] * (self.power == -1)
        divisor = f"/{below[0]}" if len(below) == 1 else f"/({' '.join(below)})" if below else ""
        return f"{' '.join(above) or '1'}{divisor} times"

    def hint(self) -> str:
        """What was probably forgotten."""
        if not self.name:
            return f": a factor {self.size.denominator} is missing" if self.size.numerator == 1 != self.size.denominator else ""
        if not self.name.isidentifier() or self.size != 1:
            return ""
        return f": the 1/{self.name} of a mean is missing" if self.power == 1 else f": a 1/{self.name} too many"


def multiple(evidence: Evidence, ratios: Sequence[float]) -> Multiple | None:
    """The ratios at the points as a simple number, or one times or divided by a size or a scalar variable."""
    for name, values in _quantities(evidence):
        for power in (1, -1) if name else (1,):
            if all(values):
                number = _as_fraction([r / v**power for r, v in zip(ratios, values, strict=True)])
                if number is not None:
                    return Multiple(number, name, power)
    return None


def factor(evidence: Evidence, claim: Sequence[Array], right: Sequence[Array], of: str = "the right formula") -> Mistake | None:
    """Whether the claim is the right result times something: a number, a size, a scalar variable."""
    ratios = ratios_of(claim, right)
    if ratios is None:
        return None
    found = multiple(evidence, ratios)
    if found == Multiple(Fraction(1)):
        return None
    if found == Multiple(Fraction(-1)):
        return Mistake("sign", f"the sign: the claim is minus {of}")
    if found is not None:
        sign, minus = ("the sign, and ", "minus ") if found.number < 0 else ("", "")
        return Mistake("factor", f"{sign}a factor: the claim is {minus}{found.text()} {of}{found.hint()}")
    if max(ratios) - min(ratios) <= STEADY * max(map(abs, ratios)):
        return Mistake("factor", f"a constant factor: the claim is {ratios[0]:.6g} times {of}")
    return Mistake("scalar factor", f"a scalar factor: at each point the claim is a number times {of}, another one at each")
