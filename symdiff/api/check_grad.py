"""A gradient in plain NumPy against its function: central differences, extrapolated until they stop improving.

Ridders' method halves the step and extrapolates the even error terms away; the spread of its table bounds what the numbers can know, so
that a deviation counts only beyond it. Many entries are checked along random directions instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symdiff.errors import ClaimWrong, DtypeError, ShapeError

Array = NDArray[np.float64]
MOST_ENTRIES = 200  # entries that are checked one by one
DIRECTIONS = 40
LEVELS, SHRINK = 9, 1.6
FIRST_STEPS = (0.1, 1e-3, 1e-5)  # relative to the size of x; a kink or the end of the domain may be near
FAINT = 1e-8  # a gradient this small against the function's value is as good as none
UNSURE = 0.1  # a relative uncertainty of the numeric derivative beyond which it decides nothing


@dataclass(frozen=True)
class GradCheck:
    """What was found: `error` is the largest deviation beyond the numeric uncertainty, relative to the largest entry.

    at: the index of the worst entry (None where directions were checked), `given` and `numeric` the two values there. uncertainty: of
    the numeric derivative, relative. diagnosis: what the given gradient has to do with the numeric one, '' if nothing simple.
    """

    ok: bool
    error: float
    at: tuple[int, ...] | None
    given: float
    numeric: float
    uncertainty: float
    diagnosis: str
    rtol: float

    def __bool__(self) -> bool:
        return self.ok

    def __float__(self) -> float:
        return self.error

    def text(self) -> str:
        """The finding in one line."""
        where = "along a direction" if self.at is None else f"at entry {list(self.at)}" if self.at else "at the number"
        if self.ok:
            seen = f"the largest relative error is {self.error:.1e}" if self.error else "no entry is off by more than differences can tell"
            return f"right: {seen} (they are sure to {self.uncertainty:.1e})"
        said = f"; {self.diagnosis}" if self.diagnosis else ""
        return (
            f"wrong: {where} the gradient is {self.given:.10g}, differences say {self.numeric:.10g} (relative error {self.error:.1e}){said}"
        )

    def __str__(self) -> str:
        return self.text()


def check_grad(
    f: Callable[..., Any],
    grad_f: Callable[..., Any],
    x: Any,
    *args: Any,
    rtol: float = 1e-6,
    raises: bool = False,
    seed: int = 0,
) -> GradCheck:
    """Whether grad_f(x, *args) is the gradient of the number f(x, *args) at x, by numeric differences.

    Shapes: the gradient as x. More than 200 entries are checked along 40 random directions (`seed`).
    Raises: ShapeError for a gradient of another shape or an f that is no number; ClaimWrong, if `raises` and the gradient is wrong.
    Source: Ridders, Accurate computation of F'(x) and F'(x)F''(x), Advances in Engineering Software 4 (1982).

    >>> import numpy as np
    >>> bool(check_grad(lambda x: np.sum(np.sin(x)), np.cos, np.array([0.3, 1.0])))
    True
    >>> print(check_grad(lambda x: np.sum(x**2), lambda x: x, np.array([1.0, 2.0])))
    wrong: at entry [1] the gradient is 2, differences say 4 (relative error 5.0e-01); it is 0.5 times the right one
    """
    point = np.array(x, dtype=np.float64) if np.asarray(x).dtype.kind in "biuf" else _refused(x)
    given = np.asarray(grad_f(point.copy(), *args), dtype=np.float64)
    if given.shape != point.shape:
        hint = "; it is transposed" if given.ndim > 1 and given.shape == point.shape[::-1] else ""
        raise ShapeError(f"check_grad: x has shape {point.shape}, the gradient {given.shape}{hint}")

    def along(direction: Array) -> tuple[float, float]:
        size = max(1.0, float(np.max(np.abs(point * direction), initial=0.0)))
        with np.errstate(all="ignore"):
            tries = [_ridders(lambda t: _number(f(point + t * direction, *args)), step * size) for step in FIRST_STEPS]
        return min(tries, key=lambda found: found[1])

    faint = FAINT * max(1.0, abs(_number(f(point.copy(), *args))))
    if point.size <= MOST_ENTRIES:
        found = [along(_unit(point.shape, k)) for k in range(point.size)]
        numeric, spread = (np.array([pair[k] for pair in found]).reshape(point.shape) for k in (0, 1))
        return _verdict(given, numeric, spread, rtol, raises, faint, by_entry=True)
    rng = np.random.default_rng(seed)
    directions = rng.choice([-1.0, 1.0], (DIRECTIONS, *point.shape)) / np.sqrt(point.size)
    found = [along(d) for d in directions]
    numeric, spread = (np.array([pair[k] for pair in found]) for k in (0, 1))
    return _verdict(directions.reshape(DIRECTIONS, -1) @ given.ravel(), numeric, spread, rtol, raises, faint, by_entry=False)


def _verdict(given: Array, numeric: Array, spread: Array, rtol: float, raises: bool, faint: float, by_entry: bool) -> GradCheck:
    if not given.size:
        return GradCheck(True, 0.0, None, 0.0, 0.0, 0.0, "", rtol)
    scale = max(float(np.nanmax(np.abs([given, numeric]), initial=faint, where=np.isfinite([given, numeric]))), faint)
    known = np.isfinite(given) & np.isfinite(numeric)
    off = np.where(known, np.maximum(np.abs(given - numeric) - spread, 0.0) / scale, np.inf)
    uncertainty = float(np.max(spread)) / scale
    worst = np.unravel_index(int(np.argmax(off)), off.shape)
    error = float(off[worst])
    ok = error <= rtol and uncertainty <= UNSURE
    diagnosis = (
        "" if ok else _diagnosis(given, numeric) if uncertainty <= UNSURE else "the function is not smooth enough here for differences"
    )
    at = tuple(int(k) for k in worst) if by_entry else None
    verdict = GradCheck(ok, error, at, float(given[worst]), float(numeric[worst]), uncertainty, diagnosis, rtol)
    if raises and not ok:
        raise ClaimWrong(f"check_grad: {verdict.text()}")
    return verdict


def _diagnosis(given: Array, numeric: Array) -> str:
    """A factor, a sign or a transpose that explains the difference."""
    for right, name in ((numeric, "the right one"), *(((numeric.T, "the transpose of the right one"),) if _is_square(numeric) else ())):
        square = float(np.vdot(right, right))
        ratio = float(np.vdot(given, right)) / square if square else 0.0
        if ratio and np.allclose(given, ratio * right, rtol=1e-4, atol=1e-5 * float(np.max(np.abs(right)))):
            if abs(ratio - 1) < 1e-4:
                return "" if right is numeric else f"it is {name}"
            return f"it is {'minus ' if abs(ratio + 1) < 1e-4 else f'{ratio:.6g} times '}{name}"
    return ""


def _is_square(a: Array) -> bool:
    return a.ndim == 2 and a.shape[0] == a.shape[1]


def _ridders(phi: Callable[[float], float], step: float) -> tuple[float, float]:
    """phi'(0) and a bound of its error: the entry of the extrapolation table that moves least from its neighbours."""
    table: list[list[float]] = []
    best, error = float("nan"), float("inf")
    for level in range(LEVELS):
        h = step / SHRINK**level
        ahead, behind = phi(h), phi(-h)
        row = [(ahead - behind) / (2 * h)]
        noise = 4 * np.finfo(float).eps * max(abs(ahead), abs(behind)) / h
        factor = 1.0
        for k in range(level):
            factor *= SHRINK * SHRINK
            row.append((row[k] * factor - table[-1][k]) / (factor - 1))
            moved = max(abs(row[k + 1] - row[k]), abs(row[k + 1] - table[-1][k])) + noise
            if np.isfinite(row[k + 1]) and moved <= error:
                best, error = row[k + 1], moved
        if table and abs(row[-1] - table[-1][-1]) >= 2 * error:
            break
        table.append(row)
    return best, error


def _number(value: Any) -> float:
    array = np.asarray(value, dtype=np.float64)
    if array.size != 1:
        raise ShapeError(f"check_grad: f returned an array of shape {array.shape}; a number is wanted")
    return float(array.reshape(()))


def _unit(shape: tuple[int, ...], place: int) -> Array:
    direction = np.zeros(int(np.prod(shape, dtype=int)))
    direction[place] = 1.0
    return direction.reshape(shape)


def _refused(x: Any) -> Array:
    raise DtypeError(f"check_grad: x is an array of {np.asarray(x).dtype}; real numbers are wanted")
