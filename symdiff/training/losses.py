"""Losses and output functions, as formulas: what a spec's last word (softmax-ce, sigmoid-mse, huber) means.

A loss is written in three variables: `a`, what the last layer computes; `y`, its output function of `a`; `t`, the target. Where a
logarithm would undo an exponential, the formula is in `a`, where it stays finite: softplus(a) - t a in place of
-t log σ(a) - (1 - t) log(1 - σ(a)).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from symdiff.errors import BadSetting, UnknownName, did_you_mean
from symdiff.expr import ops
from symdiff.expr.node import Expr
from symdiff.expr.special import huber

Elementwise = Callable[[Expr], Expr]
Decision = Literal["none", "half", "sign", "largest"]  # how a prediction names a class: y > 1/2, y > 0, the largest of its row

ACTIVATIONS: dict[str, Elementwise] = {
    "sigmoid": ops.sigmoid,
    "tanh": ops.tanh,
    "relu": ops.relu,
    "leaky-relu": ops.leaky_relu,
    "elu": ops.elu,
    "gelu": ops.gelu,
    "silu": ops.silu,
    "softplus": ops.softplus,
    "softsign": ops.softsign,
    "linear": lambda a: a,
}
OUTPUTS: dict[str, Elementwise] = {
    "linear": lambda a: a,
    "sigmoid": ops.sigmoid,
    "tanh": ops.tanh,
    "softmax": lambda a: ops.softmax(a, axis=-1),
}


@dataclass(frozen=True)
class Loss:
    """`formula` of (a, y, t); `outputs` are the output functions that it goes with, the first by default.

    `smooth` says that the target is a probability, which label smoothing may move towards a half or a uniform distribution.
    """

    title: str
    outputs: tuple[str, ...]
    formula: Callable[[Expr, Expr, Expr], Expr]
    smooth: bool = False


def _cross_entropy(a: Expr, y: Expr, t: Expr) -> Expr:
    """-t log softmax(a), written out for targets whose rows sum to one: its gradient is softmax(a) - t, with no sum of t in it."""
    return ops.mean(ops.logsumexp(a, axis=-1) - ops.sum(t * a, axis=-1))


LOSSES: dict[str, Loss] = {
    "mse": Loss("mean squared error", ("linear", "sigmoid", "tanh", "softmax"), lambda a, y, t: ops.mean(ops.square(y - t))),
    "half-sse": Loss("half the sum of squares", ("linear", "sigmoid", "tanh", "softmax"), lambda a, y, t: ops.sum(ops.square(y - t)) / 2),
    "bce": Loss("binary cross-entropy", ("sigmoid",), lambda a, y, t: ops.mean(ops.softplus(a) - t * a), smooth=True),
    "ce": Loss("categorical cross-entropy", ("softmax",), _cross_entropy, smooth=True),
    "hinge": Loss("hinge loss, targets -1 and 1", ("linear", "tanh"), lambda a, y, t: ops.mean(ops.relu(1 - t * y))),
    "huber": Loss("Huber loss, δ = 1", ("linear", "sigmoid", "tanh"), lambda a, y, t: ops.mean(huber(1, y - t))),
}


def loss_word(word: str) -> tuple[str, str] | None:
    """(output, loss) that a word means, 'softmax-ce' or 'ce'; None if it is no loss at all.

    Raises: BadSetting for an output function that does not go with the loss.

    >>> loss_word('softmax-ce'), loss_word('half-sse'), loss_word('sigmoid-mse'), loss_word('tanh')
    (('softmax', 'ce'), ('linear', 'half-sse'), ('sigmoid', 'mse'), None)
    """
    if word in LOSSES:
        return LOSSES[word].outputs[0], word
    output, _, name = word.partition("-")
    if name not in LOSSES or output not in OUTPUTS:
        return None
    if output not in LOSSES[name].outputs:
        raise BadSetting(f"the loss {name} does not go with a {output} output: {' or '.join(LOSSES[name].outputs)} is wanted")
    return output, name


def find_loss(word: str) -> tuple[str, str]:
    """As loss_word. Raises: UnknownName, with the near miss, for a word that is no loss."""
    found = loss_word(word)
    if found is None:
        raise UnknownName(f"there is no loss {word!r}{did_you_mean(word, loss_words())}. Losses: {', '.join(loss_words())}")
    return found


def loss_words() -> list[str]:
    """Every way to name a loss: alone, or behind its output function."""
    return [*LOSSES, *(f"{output}-{name}" for name, loss in LOSSES.items() for output in loss.outputs)]


def decision_of(output: str, loss: str, outputs: int) -> Decision:
    """How the predictions of such a net name classes."""
    if output == "softmax" or (outputs > 1 and (output == "sigmoid" or loss == "hinge")):
        return "largest"
    if output == "sigmoid":
        return "half"
    return "sign" if loss == "hinge" else "none"


def smoothed(t: Expr, amount: float, loss: str) -> Expr:
    """The target with label smoothing: (1 - ε) t + ε / K, where K counts the classes (2 for the binary loss).

    Raises: BadSetting for an amount outside 0 <= ε < 1, or a loss whose target is no probability.
    Source: Szegedy et al., Rethinking the Inception Architecture for Computer Vision, CVPR 2016, section 7.
    """
    if not 0 <= amount < 1:
        raise BadSetting(f"label smoothing: {amount} is given, a number from 0 on and below 1 is wanted")
    if not amount:
        return t
    if not LOSSES[loss].smooth:
        raise BadSetting(f"label smoothing goes with {' and '.join(n for n, row in LOSSES.items() if row.smooth)}, not with {loss}")
    classes = t.shape[-1] if loss == "ce" else 2
    assert isinstance(classes, int)
    return (1 - amount) * t + amount / classes
