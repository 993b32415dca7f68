"""How fast a loss falls: a geometric law or a power law, fitted to the second half of a training.

Gradient descent on a strictly convex loss falls geometrically, by one factor an update (linear convergence); where the curvature goes to
zero with the loss, as behind a sigmoid that approaches its target but never reaches it, it falls by a power of the number of updates
(sublinear convergence). Source: Nocedal and Wright, Numerical Optimization, 2nd ed., section 2.2, on rates of convergence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, isfinite, log
from typing import Literal

import numpy as np

FEWEST = 8  # updates that say anything about a rate
FLAT = 0.01  # a loss that falls by less than this part in the second half stands still
CLEAR = 0.9  # the share of the variation that a law must explain


@dataclass(frozen=True)
class Convergence:
    """The law that fits better: 'linear', loss ∝ value**k, or 'sublinear', loss ∝ k**-value; 'flat', 'rising' and 'irregular' have none.

    `explained` is the share of the variation of log(loss) that the law explains.
    """

    law: Literal["linear", "sublinear", "flat", "rising", "irregular"]
    value: float | None = None
    explained: float | None = None

    def text(self) -> str:
        """The law in words.

        >>> Convergence('sublinear', 1.25, 1.0).text(), Convergence('linear', 0.99, 1.0).text()
        ('∝ k^−1.250', '×0.990000 an update, halved in 69')
        """
        if self.value is None:
            return self.law
        if self.law == "sublinear":
            return f"∝ k^−{self.value:.3f}"
        return f"×{self.value:.6f} an update, halved in {log(0.5) / log(self.value):,.0f}"


def fit_convergence(losses: Sequence[float]) -> Convergence:
    """The law of the second half of losses, of which number k stands before update k.

    >>> fit_convergence([0.9 ** k for k in range(100)]).text()
    '×0.900000 an update, halved in 7'
    >>> fit_convergence([1 / k for k in range(1, 200)]).text()
    '∝ k^−1.000'
    """
    begin = len(losses) // 2
    tail = np.array(losses[begin:])
    if len(tail) < FEWEST or not all(isfinite(x) and x > 0 for x in tail):
        return Convergence("irregular")
    k = np.arange(begin + 1, len(losses) + 1, dtype=float)
    if tail[-1] > tail[0] * (1 + FLAT):
        return Convergence("rising")
    if tail[-1] > tail[0] * (1 - FLAT):
        return Convergence("flat")
    logs = np.log(tail)
    (geometric, of_geometric), (power, of_power) = _line(k, logs), _line(np.log(k), logs)
    if max(of_geometric, of_power) < CLEAR:
        return Convergence("irregular")
    if of_geometric >= of_power:
        return Convergence("linear", exp(geometric), of_geometric)
    return Convergence("sublinear", -power, of_power)


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The slope of the least-squares line, and the share of the variation of y that it explains."""
    dx, dy = x - x.mean(), y - y.mean()
    slope = float(dx @ dy / (dx @ dx))
    rest = dy - slope * dx
    return slope, 1 - float(rest @ rest / (dy @ dy))
