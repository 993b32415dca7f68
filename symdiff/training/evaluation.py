"""How good a net is on data: its loss (without penalty, without dropout), its predictions, and the classes that these name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import DTypeLike

from symdiff.api.programs import lower
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import substitute
from symdiff.lowering.lowered import Lowered
from symdiff.training.metrics import accuracy, confusion_matrix
from symdiff.training.net import Array, Net


@dataclass(frozen=True)
class Evaluation:
    """What predictions on some data come to; `accuracy` and `confusion` (true class by predicted class) are None without classes."""

    loss: float
    prediction: Array
    accuracy: float | None
    confusion: Array | None = field(repr=False)


class Evaluator:
    """The loss and the prediction of a net as one program, for any values of its leaves.

    >>> from symdiff.training.nets import xor
    >>> f'{Evaluator(xor())(xor()).loss:.6f}'
    '0.400740'
    """

    def __init__(self, net: Net) -> None:
        outputs = [net.loss, substitute(net.prediction, net.expanded)]
        self.program: Lowered = lower(outputs, [leaf.var for leaf in net.leaves], simplify=False)

    def __call__(self, net: Net, weights: Mapping[Var, Array] | None = None, dtype: DTypeLike = np.float64) -> Evaluation:
        """The net on its own data, at its own or at other weights."""
        values = net.values() | dict(weights or {})
        with np.errstate(all="ignore"):  # what is not finite is seen in the loss
            loss, prediction = self.program(*(np.asarray(values[leaf.var], dtype) for leaf in net.leaves))
        prediction, target = np.asarray(prediction), np.asarray(values[net.target]) if net.target in values else np.zeros(())
        right = accuracy(prediction, target, net.decision)
        return Evaluation(float(loss), prediction, right, confusion_matrix(prediction, target, net.decision))
