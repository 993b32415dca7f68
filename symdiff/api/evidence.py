"""Two expressions compared by numbers: at random points that keep the assumptions, at several sizes, where the result is well determined.

A point counts if the expected value is finite there and does not hang on the last digits of the inputs (so that 1e-9 is a fair bound).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from symdiff.api.programs import lower
from symdiff.api.sampling import perturbed, points
from symdiff.errors import Unsupported
from symdiff.expr.dims import dim_names
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import size_names

Array = NDArray[Any]
RTOL, CLOSE, ATOL = 1e-9, 1e-5, 1e-13
WANTED, ATTEMPTS = 12, 60
FAINT = 1e-8  # where the result has all but vanished, there is little to compare
NUDGE, STEADY = 1e-12, 1e-8  # a relative change of the inputs, and what it may change in the result


class Point(NamedTuple):
    """Sizes of the named dims and values of the variables."""

    sizes: Mapping[str, int]
    values: Mapping[Var, Array]


def distance(a: Array, b: Array) -> float:
    """The largest difference, relative to the largest entry; infinite for other shapes, or where one of the two is not finite.

    >>> distance(np.array([1.0, 2.0]), np.array([1.0, 2.5]))
    0.2
    """
    if a.shape != b.shape:
        return float("inf")
    if not a.size:
        return 0.0
    with np.errstate(all="ignore"):
        gap, scale = np.max(np.abs(a - b)), max(np.max(np.abs(a)), np.max(np.abs(b)))
    if not np.isfinite(gap):
        return 0.0 if np.array_equal(a, b) else float("inf")
    return float(gap / scale) if gap > ATOL else 0.0


def alike(a: Sequence[Array], b: Sequence[Array]) -> bool:
    """Whether values at several points are those of one formula: all of them close, and most to the last digits.

    A formula may lose digits at some points (1 - tanh(x)**2 far out), but a wrong one is not close everywhere.
    """
    gaps = [distance(x, y) for x, y in zip(a, b, strict=True)]
    return max(gaps) <= CLOSE and 2 * sum(gap <= RTOL for gap in gaps) >= len(gaps)


class Evaluator:
    """Values of expressions at points, each list of expressions by one program."""

    def __init__(self, inputs: Sequence[Var]) -> None:
        self.inputs = list(inputs)
        self.carried = {name for v in inputs for name in dim_names(v.shape)}
        self.programs: dict[tuple[Any, ...], Any] = {}

    def at(self, exprs: Sequence[Expr], point: Point) -> list[Array]:
        """The values of all expressions at a point."""
        free = sorted(size_names(*exprs) - self.carried)
        key = (*exprs, *(point.sizes[name] for name in free))
        if key not in self.programs:
            sizes = {name: point.sizes[name] for name in free}
            self.programs[key] = lower(list(exprs), self.inputs, simplify=False, sizes=sizes)
        with np.errstate(all="ignore"):
            return [np.asarray(a, dtype=float) for a in self.programs[key](*(point.values[v] for v in self.inputs))]


class Evidence:
    """What an expected expression and a claimed one come to at admissible points."""

    def __init__(self, expected: Expr, claim: Expr, inputs: Sequence[Var], others: Sequence[Expr] = (), wanted: int = WANTED) -> None:
        self.evaluator = Evaluator(inputs)
        self.points: list[Point] = []
        self.expected: list[Array] = []
        self.claim: list[Array] = []
        rng = np.random.default_rng(1)
        for attempt, (sizes, values) in enumerate(points(inputs, [expected, claim, *others])):
            if attempt == ATTEMPTS or len(self.points) == wanted:
                break
            point = Point(sizes, values)
            try:
                right, claimed = self.evaluator.at([expected, claim], point)
                nudged, _ = self.evaluator.at([expected, claim], Point(sizes, perturbed(values, NUDGE, rng)))
            except np.linalg.LinAlgError:
                continue
            largest = np.max(np.abs(right), initial=0.0)
            if np.isfinite(largest) and not 0 < largest < FAINT and distance(right, nudged) <= STEADY:
                self.points.append(point)
                self.expected.append(right)
                self.claim.append(claimed)
        if not self.points:
            raise Unsupported(
                "check: no random point was found at which the derivative is finite; say what is known of the variables with assume"
            )

    @property
    def difference(self) -> float:
        """The largest relative difference over the points."""
        return max(map(distance, self.expected, self.claim))

    @property
    def claim_is_finite(self) -> bool:
        """Whether the claim has a value at every point, as the expected expression has."""
        return all(np.all(np.isfinite(c)) for c in self.claim)

    def agree(self) -> bool:
        return alike(self.expected, self.claim)

    def values(self, exprs: Sequence[Expr]) -> list[list[Array]]:
        """For each expression its values at the points; none at all if one cannot be computed."""
        if not exprs:
            return []
        try:
            rows = [self.evaluator.at(exprs, point) for point in self.points]
        except np.linalg.LinAlgError:
            return []
        return [list(column) for column in zip(*rows, strict=True)]
