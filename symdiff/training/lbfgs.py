"""L-BFGS by SciPy (extra `fast`) on the lowered loss and gradients: the minimiser is theirs, the function is ours.

Source: Liu and Nocedal, On the limited memory BFGS method for large scale optimization (1989).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symdiff.api.programs import lower
from symdiff.errors import BadSetting, BindingError, MissingExtra
from symdiff.expr.nodes import Var
from symdiff.grad import grad
from symdiff.training.net import Array, Net
from symdiff.training.penalties import Penalty, read_penalty


@dataclass(frozen=True)
class Minimum:
    """Where a minimisation ended: the weights, and the loss (without any penalty) at the start and after each step.

    `reached` is false where it stopped for another reason than a gradient or a decrease below the tolerance; `message` is SciPy's.
    Ctrl-C ends it with the weights after the last whole step.
    """

    weights: dict[Var, Array]
    losses: list[float]
    evaluations: int
    reached: bool
    message: str
    interrupted: bool = False


def lbfgs(
    net: Net,
    *,
    start: Mapping[Var, Array] | None = None,
    penalty: Penalty | str | None = None,
    steps: int = 1000,
    memory: int = 10,
    tolerance: float = 1e-8,
    on_step: Callable[[int, float], None] | None = None,
) -> Minimum:
    """Minimise the loss of a network over all its weights, by at most so many steps.

    start: weights in place of the net's own; memory: how many pairs of steps and changes of the gradient are kept; tolerance: the
    largest number of the gradient at which it ends; on_step(k, loss) hears the loss after each step.
    Raises: MissingExtra without SciPy; BadSetting for steps, memory or tolerance out of range, or a penalty that is no term of the
    loss; BindingError for a start that names no weight or has another shape.

    >>> from symdiff.training.nets import mazur
    >>> lbfgs(mazur(), steps=50).losses[-1] < 1e-6
    True
    """
    for name, value in {"steps": steps, "memory": memory}.items():
        if value < 1:
            raise BadSetting(f"lbfgs: {name}={value} is given, a whole number from 1 on is wanted")
    if not tolerance >= 0:
        raise BadSetting(f"lbfgs: tolerance={tolerance} is given, a number from 0 on is wanted")
    shrink = read_penalty(penalty)
    if shrink is not None and shrink.kind.decoupled:
        raise BadSetting(f"lbfgs: the penalty {shrink.name} is no term of the loss: use l2")
    minimize = _minimize()
    values = net.values() | dict(start or {})
    for v, array in values.items():
        if v not in net.values():
            raise BindingError(f"{net.name} has no parameter {v.name}. Parameters: {', '.join(w.name for w in net.weights)}")
        if np.shape(array) != net.values()[v].shape:
            raise BindingError(f"{v.name}: {net.values()[v].shape} is expected, a start of shape {np.shape(array)} is given")
    objective = net.loss if shrink is None else net.loss + shrink.term(net.weights)
    inputs = [leaf.var for leaf in net.leaves]
    program = lower([net.loss, objective, *grad(objective, net.weights)], inputs, simplify=False, name=f"{net.name}_loss")
    given = [np.asarray(values[v], np.float64) for v in inputs if v not in net.weights]
    shapes = [np.shape(values[w]) for w in net.weights]
    cuts = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
    losses: list[float] = []
    evaluations = 0
    now = np.concatenate([np.ravel(np.asarray(values[w], np.float64)) for w in net.weights])

    def weights_of(vector: Array) -> list[Array]:
        return [part.reshape(shape) for part, shape in zip(np.split(vector, cuts), shapes, strict=True)]

    def function(vector: Array) -> tuple[float, Array]:
        nonlocal evaluations
        evaluations += 1
        _, value, *slopes = program(*weights_of(vector), *given)
        return float(value), np.concatenate([np.ravel(g) for g in slopes])

    def heard(vector: Array) -> None:
        nonlocal now
        now = vector.copy()
        losses.append(float(program(*weights_of(now), *given)[0]))
        if on_step is not None:
            on_step(len(losses) - 1, losses[-1])

    losses.append(float(program(*weights_of(now), *given)[0]))
    options = {"maxiter": steps, "maxfun": 20 * steps + 20, "maxcor": memory, "gtol": tolerance, "ftol": 0.0}
    reached, message, interrupted = False, "interrupted", False
    try:
        with np.errstate(all="ignore"):  # a trial step may overflow; the line search takes a shorter one
            found = minimize(function, now, jac=True, method="L-BFGS-B", callback=heard, options=options)
        now, reached, message = found.x, bool(found.success), str(found.message)
    except KeyboardInterrupt:
        interrupted = True
    ended = {w: part.copy() for w, part in zip(net.weights, weights_of(now), strict=True)}
    return Minimum(ended, losses, evaluations, reached, message, interrupted)


def _minimize() -> Callable[..., Any]:
    try:
        from scipy.optimize import minimize
    except ImportError:
        raise MissingExtra('L-BFGS needs SciPy, which is not installed: pip install -e ".[fast]"') from None
    found: Callable[..., Any] = minimize
    return found
