"""Multi-layer perceptrons from a short spec: `mlp:64-32-10:tanh:softmax-ce` and `xor:8:tanh:bias`.

A spec is words between colons, the first of which gives sizes; the others may stand in any order, each known by itself: an activation
of the hidden layers, a loss with or without its output function, `bias` or `nobias`. The number of rows is a named dim, n, so one
program serves every batch; a bias is broadcast by the product rule like anything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from symdiff.errors import BadSetting, UnknownName, did_you_mean
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.ops import matmul
from symdiff.training.losses import ACTIVATIONS, LOSSES, OUTPUTS, Decision, decision_of, loss_word, loss_words, smoothed
from symdiff.training.net import Array, Definition, Leaf, Net
from symdiff.training.starts import STARTS

SAMPLE = 4  # rows of the numbers that a net without data is tried on
WORDS = ("bias", "nobias")


@dataclass(frozen=True)
class Plan:
    """What a perceptron is made of: sizes from the inputs to the outputs, activation, output function, loss, biases or none.

    `dropout` is the share of the hidden values that each step drops, `smoothing` the ε of label smoothing.
    """

    sizes: tuple[int, ...]
    activation: str = "tanh"
    output: str = "linear"
    loss: str = "mse"
    bias: bool = True
    dropout: float = 0.0
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        if len(self.sizes) < 2 or min(self.sizes) < 1:
            raise BadSetting(f"sizes: {'-'.join(map(str, self.sizes))} is given, at least inputs and outputs are wanted, such as 2-4-1")
        if not 0 <= self.dropout < 1:
            raise BadSetting(f"dropout: {self.dropout} is given, a number from 0 on and below 1 is wanted")
        if self.output == "softmax" and self.sizes[-1] < 2:
            raise BadSetting("softmax wants two outputs at least; for one, the loss is sigmoid-bce")

    @property
    def description(self) -> str:
        """In words; the usual loss, mse, goes without saying."""
        words = ["-".join(map(str, self.sizes)), self.activation]
        words += [self.output] if self.output != self.activation else []
        words += [] if self.bias else ["no biases"]
        words += [f"dropout {self.dropout:g}"] if self.dropout else []
        words += [f"label smoothing {self.smoothing:g}"] if self.smoothing else []
        return ", ".join([*words, LOSSES[self.loss].title] if self.loss != "mse" else words)


def read_plan(spec: str, plan: Plan, words: Sequence[str]) -> Plan:
    """A plan with what the words of a spec say in place of its own.

    Raises: UnknownName for a word that is none of the known ones, with the near miss; BadSetting for two words of one kind.

    >>> read_plan('mlp:2-3-2:relu:softmax-ce', Plan((2, 3, 2)), ['relu', 'softmax-ce']).loss
    'ce'
    """
    given: dict[str, object] = {}

    def put(**settings: object) -> None:
        for key, value in settings.items():
            if key in given:
                raise BadSetting(f"{spec}: {key} is given twice")
            given[key] = value

    for word in words:
        if word in ACTIVATIONS:
            put(activation=word)
        elif word in WORDS:
            put(bias=word == "bias")
        elif found := loss_word(word):
            put(output=found[0], loss=found[1])
        else:
            known = [*ACTIVATIONS, *loss_words(), *WORDS]
            raise UnknownName(
                f"{spec}: {word!r} is no activation, loss or bias{did_you_mean(word, known)}. Activations: {', '.join(ACTIVATIONS)}. "
                f"Losses: {', '.join(LOSSES)}, each also behind its output, as in softmax-ce. Also: bias, nobias"
            )
    return replace(plan, **given)  # type: ignore[arg-type]


def read_sizes(spec: str, text: str) -> tuple[int, ...]:
    """Sizes between hyphens. Raises: BadSetting for anything else.

    >>> read_sizes('mlp:2-4-1', '2-4-1')
    (2, 4, 1)
    """
    parts = text.split("-")
    if not all(part.isascii() and part.isdigit() and 0 < int(part) < 10**6 for part in parts):
        raise BadSetting(
            f"{spec}: the sizes are {text!r}; whole numbers from 1 on, with hyphens between them, are wanted, such as 64-32-10"
        )
    return tuple(map(int, parts))


def mlp(plan: Plan, name: str = "") -> Net:
    """The network of a plan, with start weights drawn by Glorot's rule (seed 0) and a few random rows in place of data.

    >>> net = mlp(Plan((2, 3, 2), 'tanh', 'softmax', 'ce'))
    >>> [f'{leaf.var.name} {leaf.var.shape}' for leaf in net.parameters]
    ['W1 (2, 3)', 'b1 (3,)', 'W2 (3, 2)', 'b2 (2,)']
    """
    inputs, outputs = plan.sizes[0], plan.sizes[-1]
    decision = decision_of(plan.output, plan.loss, outputs)
    X, t = _batch("X", inputs), _batch("t", outputs, "prob" if decision == "largest" and LOSSES[plan.loss].smooth else "")
    parameters: list[Leaf] = []
    definitions: list[Definition] = []
    masks: dict[Var, float] = {}
    below: Expr = X
    last = len(plan.sizes) - 1
    for k, (fan_in, fan_out) in enumerate(zip(plan.sizes, plan.sizes[1:], strict=False), 1):
        W, b = _variable(f"W{k}", (fan_in, fan_out)), _variable(f"b{k}", (fan_out,))
        parameters.append(Leaf(W, np.zeros((fan_in, fan_out))))
        a = _batch(f"a{k}", fan_out)
        total = matmul(below, W)
        if plan.bias:
            parameters.append(Leaf(b, np.zeros(fan_out), bias=True))
            total = total + b
        layer = _batch("y" if k == last else f"h{k}", fan_out)
        value = OUTPUTS[plan.output](a) if k == last else ACTIVATIONS[plan.activation](a)
        if plan.dropout and k < last:
            mask = _batch(f"M{k}", fan_out)
            masks[mask] = plan.dropout
            value = mask * value
        definitions += [
            Definition(a, total, _names(f"net{k}", fan_out), f"δ{k}".translate(_SUBSCRIPT), _names(f"δ{k}", fan_out)),
            Definition(layer, value, _names("out" if k == last else f"h{k}", fan_out)),
        ]
        below = layer
    a, y = definitions[-2].var, definitions[-1].var
    net = Net(
        name=name or "mlp",
        description=plan.description,
        parameters=tuple(parameters),
        data=(
            Leaf(X, np.zeros((SAMPLE, inputs)), _names("x", inputs)),
            Leaf(t, np.zeros((SAMPLE, outputs)), _names("t", outputs)),
            *(Leaf(m, np.ones((SAMPLE, n)), _names(m.name, n)) for m, n in zip(masks, plan.sizes[1:], strict=False)),
        ),
        definitions=tuple(definitions),
        objective=LOSSES[plan.loss].formula(a, y, smoothed(t, plan.smoothing, plan.loss)),
        prediction=y,
        target=t,
        decision=decision,
        signed=plan.loss == "hinge",
        masks=masks,
        start="Glorot's rule, seed 0",
        sampled=True,
    )
    return net.with_values(STARTS["glorot"].draw(net, 0) | _sample(plan, X, t, decision))


TRUTH = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def xor_of(plan: Plan, name: str = "xor") -> Net:
    """Two inputs, one hidden layer, one output, the whole truth table at once; its weights are W and the vector v, its biases b and c.

    Raises: BadSetting for other sizes than 2-WIDTH-1.
    """
    if len(plan.sizes) != 3 or (plan.sizes[0], plan.sizes[2]) != (2, 1):
        raise BadSetting(f"xor has the sizes 2-WIDTH-1, not {'-'.join(map(str, plan.sizes))}")
    width = plan.sizes[1]
    W, b, v, c = _variable("W", (2, width)), _variable("b", (width,)), _variable("v", (width,)), _variable("c", ())
    X, t, a2, y = _batch("X", 2), _variable("t", ("n",)), _variable("a2", ("n",)), _variable("y", ("n",))
    a1, h = _batch("a1", width), _batch("h", width)
    start_W, start_v = _walkthrough_start(width)
    parameters = [Leaf(W, start_W, _names("w1", width) + _names("w2", width))]
    parameters += [Leaf(b, np.zeros(width), _names("b", width), bias=True)] if plan.bias else []
    parameters += [Leaf(v, start_v, _names("v", width))]
    parameters += [Leaf(c, np.array(0.0), ("c",), bias=True)] if plan.bias else []
    hidden = ACTIVATIONS[plan.activation](a1)
    mask = _batch("M", width)
    masks = {mask: plan.dropout} if plan.dropout else {}
    sums = (matmul(X, W) + b, matmul(h, v) + c) if plan.bias else (matmul(X, W), matmul(h, v))
    targets = np.array([0.0, 1.0, 1.0, 0.0])
    decision = decision_of(plan.output, plan.loss, 1)
    return Net(
        name=name,
        description=f"{plan.description}, the four rows of the truth table",
        parameters=tuple(parameters),
        data=(
            Leaf(X, TRUTH, ("x1", "x2")),
            Leaf(t, 2 * targets - 1 if plan.loss == "hinge" else targets, ("target",)),
            *(Leaf(m, np.ones((len(TRUTH), width)), _names("m", width)) for m in masks),
        ),
        definitions=(
            Definition(a1, sums[0], _names("net_h", width), "δ₁", _names("δ_h", width)),
            Definition(h, mask * hidden if plan.dropout else hidden, _names("out_h", width)),
            Definition(a2, sums[1], ("net_o",), "δ₂", ("δ_o",)),
            Definition(y, OUTPUTS[plan.output](a2), ("out_o",)),
        ),
        objective=LOSSES[plan.loss].formula(a2, y, smoothed(t, plan.smoothing, plan.loss)),
        prediction=y,
        target=t,
        decision=decision,
        signed=plan.loss == "hinge",
        masks=masks,
        start="the weights of the walkthrough (seed 67 of NumPy's legacy generator)" + (", biases 0" if plan.bias else ""),
        learning_rate=4.0,
        epochs=10_000,
        target_loss=0.01,
    )


def _walkthrough_start(width: int) -> tuple[Array, Array]:
    generator = np.random.RandomState(67)  # what numpy.random.seed(67) sets up, without touching the global state
    return generator.normal(size=(2, width)), generator.normal(size=(width, 1))[:, 0]


# --- variables and their names --------------------------------------------------------------------------------------
_SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def _variable(name: str, shape: tuple[int | str, ...], assume: str = "") -> Var:
    return var(name, shape, assume)


def _batch(name: str, width: int, assume: str = "") -> Var:
    return var(name, ("n", width), assume)


def _names(prefix: str, count: int) -> tuple[str, ...]:
    """prefix1, prefix2 ...; an underscore parts two numbers."""
    gap = "_" if prefix[-1].isdigit() and not prefix.startswith("w") else ""
    return tuple(f"{prefix}{gap}{k}" for k in range(1, count + 1))


def _sample(plan: Plan, X: Var, t: Var, decision: Decision) -> dict[Var, Array]:
    """Rows from N(0, 1), and targets of the kind that the loss wants."""
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(SAMPLE, plan.sizes[0]))
    if decision == "largest":
        targets = np.eye(plan.sizes[-1])[np.arange(SAMPLE) % plan.sizes[-1]]
    else:
        targets = generator.integers(0, 2, size=(SAMPLE, plan.sizes[-1])).astype(np.float64)
    return {X: rows, t: 2 * targets - 1 if plan.loss == "hinge" else targets}
