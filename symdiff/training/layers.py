"""What goes on inside a network while it is trained: the slopes that reach each layer, and its activations.

At some epochs, close together at first, one lowered program computes the gradients in all weights, the cotangents δ of the layers before
their activations, and the activations themselves. A slope that shrinks a thousandfold between the last layer and the first has vanished,
one that grows so far explodes. Source: Bengio, Simard and Frasconi, Learning long-term dependencies with gradient descent is difficult,
IEEE Transactions on Neural Networks 5 (1994).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from symdiff.api.programs import lower
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import substitute
from symdiff.grad import grad
from symdiff.training.callbacks import EpochEnd
from symdiff.training.loop import Training, train
from symdiff.training.net import Array, Definition, Net

MOMENTS = 60  # epochs that are looked at
FAR = 1e3  # a change of slope between the layers that has a name
MOST_VALUES = 5000  # activations of a layer that are kept of a moment

Flow = Literal["steady", "vanishing", "exploding"]


@dataclass(frozen=True)
class Observed:
    """A training with what was seen at `epochs`, of which the first is 0, before any update.

    `slopes` has the norm of the gradient in each weight, `cotangents` the root mean square of δ of each layer, both over the epochs;
    `activations` the values of each layer at each epoch; `predictions` (epochs, outputs) and `losses` (epochs,).
    """

    training: Training
    epochs: Array
    slopes: dict[str, Array]
    cotangents: dict[str, Array]
    activations: dict[str, list[Array]]
    predictions: Array
    losses: Array

    @property
    def ratios(self) -> Array:
        """At each epoch, the slope that reaches the first layer relative to that of the last."""
        layers = list(self.cotangents.values()) or [np.ones_like(self.losses)]
        with np.errstate(all="ignore"):
            return np.asarray(np.where(layers[0] == 0, 0.0, layers[0] / layers[-1]))

    def flow(self, k: int) -> Flow:
        """What happens to the slope on its way from the last layer to the first, at the moment k."""
        return flow(float(self.ratios[k]))


def flow(ratio: float) -> Flow:
    """The name of a ratio between the slope of the first and of the last layer; what is no number has overflowed.

    >>> flow(0.5), flow(1e-5), flow(1e5), flow(float('nan'))
    ('steady', 'vanishing', 'exploding', 'exploding')
    """
    if ratio < 1 / FAR:
        return "vanishing"
    return "steady" if ratio <= FAR else "exploding"


def observe(net: Net, *, epochs: int | None = None, **settings: Any) -> Observed:
    """Train a network and look into it on the way; settings as `train` takes them.

    Raises: as `train`.

    >>> from symdiff.training.nets import mazur
    >>> seen = observe(mazur(), epochs=10)
    >>> list(seen.slopes), list(seen.cotangents), list(seen.activations)
    (['W1', 'W2'], ['δ₁', 'δ₂'], ['h', 'y'])
    """
    total = net.epochs if epochs is None else epochs
    moments = {*np.unique(np.geomspace(1, max(total, 1), MOMENTS).round().astype(int)).tolist()}
    start = {leaf.var: leaf.value for leaf in net.parameters} | dict(settings.get("start") or {})
    seen: list[tuple[int, Mapping[Var, Array]]] = [(0, start)]

    def listen(end: EpochEnd) -> None:
        if end.epoch in moments:
            arrays = end.arrays()
            seen.append((end.epoch, {w: arrays[w].copy() for w in net.weights}))

    training = train(net, epochs=epochs, callbacks=[listen], **settings)
    return _looked_at(net, training, seen)


def _looked_at(net: Net, training: Training, seen: Sequence[tuple[int, Mapping[Var, Array]]]) -> Observed:
    inner = [d for d in net.definitions if d.cotangent] or list(net.definitions)
    shown = [d for d in net.definitions if not d.cotangent] or list(net.definitions)
    slopes = grad(net.loss, net.weights)
    cotangents = grad(net.loss, [net.expanded[d.var] for d in inner])
    outputs = [net.loss, substitute(net.prediction, net.expanded), *slopes, *cotangents, *(net.expanded[d.var] for d in shown)]
    program = lower(outputs, [leaf.var for leaf in net.leaves], simplify=False, name="inside")

    losses, predictions, rows = [], [], []
    for _, weights in seen:
        values = net.values() | dict(weights)
        with np.errstate(all="ignore"):
            loss, prediction, *rest = program(*(np.asarray(values[leaf.var], np.float64) for leaf in net.leaves))
        losses.append(float(loss))
        predictions.append(np.ravel(prediction))
        rows.append([np.ravel(a) for a in rest])
    a, b = len(net.weights), len(net.weights) + len(inner)
    with np.errstate(all="ignore"):
        norms = np.array([[np.linalg.norm(x) for x in row[:a]] for row in rows])
        sizes = np.array([[np.sqrt(np.mean(x * x)) for x in row[a:b]] for row in rows])
    return Observed(
        training,
        np.array([epoch for epoch, _ in seen]),
        {w.name: norms[:, k] for k, w in enumerate(net.weights)},
        {_name(d): sizes[:, k] for k, d in enumerate(inner)},
        {d.var.name: [_some(row[b + k]) for row in rows] for k, d in enumerate(shown)},
        np.array(predictions),
        np.array(losses),
    )


def _name(d: Definition) -> str:
    return d.cotangent or f"∂E/∂{d.var.name}"


def _some(values: Array) -> Array:
    """At most so many values, evenly spread."""
    return values if values.size <= MOST_VALUES else values[:: values.size // MOST_VALUES + 1]
