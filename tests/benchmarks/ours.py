"""symdiff's side: the same losses, derived and lowered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

import symdiff as sd
from symdiff.training import Net, training_step
from tests.benchmarks import losses
from tests.benchmarks.harness import Run

XP = SimpleNamespace(
    exp=sd.exp, tanh=sd.tanh, sin=sd.sin, sum=sd.sum, relu=sd.relu, softplus=sd.softplus, logsumexp=lambda z: sd.logsumexp(z, axis=1)
)  # fmt: skip


@dataclass(frozen=True)
class Called(Run):
    """A run that is one call of a lowered function, which tests look into."""

    function: Any = None
    arguments: Sequence[Any] = ()


def _called(function: Any, arguments: Sequence[Any], compared: bool = True) -> Called:
    return Called(lambda: function(*arguments), compared=compared, function=function, arguments=arguments)


def net_step(net: Net, *, floats: bool = False, folded: bool = False) -> Run:
    """One update of a net: from arrays to arrays, or on floats; `folded`: with the data known when it is lowered."""
    step = training_step(net)
    data = {leaf.var: leaf.value for leaf in net.data} if folded else {}
    inputs = [v for v in step.inputs if v not in data]
    f = sd.lower([step.loss, *step.updates.values()], inputs, simplify=False, constants=data)
    values = net.values()
    arrays = [np.asarray(values[v], float) if v in values else np.float64(net.learning_rate) for v in inputs]
    if not floats:
        return _called(f, arrays)
    sized = (
        f
        if f.floats is not None
        else f.for_sizes(**{d: n for v in inputs for d, n in zip(v.shape, np.shape(values.get(v)), strict=True) if isinstance(d, str)})
    )
    numbers = [float(x) for a in arrays for x in np.ravel(a)]
    on_floats = sized.floats
    assert on_floats is not None
    return Called(lambda: on_floats(*numbers), function=sized, arguments=numbers)


def net_loop(net: Net, steps: int) -> Run:
    """Whole training, compiled; its losses before each update."""
    from symdiff.training.compiled import compiled_steps

    step = training_step(net)
    loop = compiled_steps(step, net, net.learning_rate).loop
    values = net.values()
    given = [np.asarray(values[v], float) if v in values else np.float64(net.learning_rate) for v in step.inputs]
    return Run(lambda: loop.run(given, steps)[0][0], steps)


def mlp(arrays: Sequence[Any], rate: float, activation: str, **options: Any) -> Run:
    X, T = sd.var("X", ("n", "i")), sd.var("T", ("n", "o"), assume="onehot")
    W1, b1, W2, b2 = sd.var("W1", ("i", "h")), sd.var("b1", "h"), sd.var("W2", ("h", "o")), sd.var("b2", "o")
    weights = [W1, b1, W2, b2]
    eta = sd.var("rate")
    loss = losses.mlp(XP, activation, sd.parse("n", {"X": X}), X, T, *weights)
    slopes = sd.grad(loss, weights)
    f = sd.lower([loss, *(w - eta * g for w, g in zip(weights, slopes, strict=True))], [X, T, *weights, eta], name="mlp_step", **options)
    number = np.asarray(arrays[0]).dtype.type(rate)
    return _called(f, [*arrays, number])


def logistic(arrays: Sequence[Any]) -> Run:
    X, y, w = sd.var("X", ("m", "n")), sd.var("y", "m"), sd.var("w", "n")
    loss = losses.logistic(XP, X, y, w)
    f = sd.lower([loss, sd.grad(loss, w)], [X, y, w], name="logistic")
    return _called(f, arrays)


def logistic_hessian(arrays: Sequence[Any]) -> Run:
    X, y, w = sd.var("X", ("m", "n")), sd.var("y", "m"), sd.var("w", "n")
    f = sd.lower(sd.hessian(losses.logistic(XP, X, y, w), w), [X, y, w], name="hessian")
    return _called(f, arrays)


def _factorisation() -> tuple[Any, list[Any]]:
    T, U, V = sd.var("T", ("m", "n")), sd.var("U", ("m", "k")), sd.var("V", ("n", "k"))
    return sd.hessian(losses.factorisation(XP, T, U, V), U), [T, U, V]


def factorisation_hessian(arrays: Sequence[Any], **options: Any) -> Run:
    hessian, inputs = _factorisation()
    f = sd.lower(hessian, inputs, name="hessian", **options)
    return _called(f, arrays)


def factorisation_compressed(arrays: Sequence[Any]) -> Run:
    """The Hessian as its factors: another object than the dense array, so it is not compared here (tests/api/test_compressed.py does)."""
    hessian, inputs = _factorisation()
    f = sd.lower_compressed(hessian, inputs, name="hessian")
    return _called(f, arrays, compared=False)


def relu_hessian(arrays: Sequence[Any]) -> Run:
    names = ["X", "T", *(f"W{k}" for k in range(1, len(arrays) - 1))]
    inputs = [sd.var(name, np.shape(a)) for name, a in zip(names, arrays, strict=True)]
    f = sd.lower(sd.hessian(losses.relu_net(XP, *inputs), inputs[2]), inputs, name="hessian")
    return _called(f, arrays)


def wave(arrays: Sequence[Any], **options: Any) -> Run:
    x, a, b, c = sd.var("x", "n"), sd.var("a"), sd.var("b"), sd.var("c")
    loss = losses.wave(XP, x, a, b, c)
    f = sd.lower([loss, sd.grad(loss, x)], [x, a, b, c], name="wave", **options)
    return _called(f, arrays)


def chained(steps: int) -> tuple[Any, Any]:
    """x_{k+1} = sin(x_k) x_k + c_k after so many steps, and x_0."""
    x = sd.var("x")
    y: Any = x
    for k in range(steps):
        y = sd.sin(y) * y + (0.1 + k * 1e-6)
    return y, x


def chain(steps: int) -> Run:
    return Run(lambda: sd.grad(*chained(steps)))
