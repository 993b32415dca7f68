"""The networks that symdiff knows by name, by a spec (`mlp:64-32-10:tanh:softmax-ce`) or from a file of the user's.

Each is formulas, with the data and the starting weights of the text it comes from where there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from symdiff.errors import BadSetting, UnknownName, did_you_mean
from symdiff.expr.leaves import var
from symdiff.expr.ops import sigmoid, square
from symdiff.expr.ops import sum as sum_of
from symdiff.training.losses import find_loss
from symdiff.training.net import Definition, Leaf, Net
from symdiff.training.perceptrons import Plan, mlp, read_plan, read_sizes, xor_of
from symdiff.training.user_nets import user_net


def mazur() -> Net:
    """Two inputs, two hidden and two output neurons, all sigmoid, one example, half the sum of squares; the biases stay as they are.

    Source: Matt Mazur, A Step by Step Backpropagation Example (2015), whose names w1 ... w8, net_h1, out_o1 the entries carry.
    """
    W1, b1, W2, b2 = var("W1", (2, 2)), var("b1"), var("W2", (2, 2)), var("b2")
    x, t = var("x", 2), var("t", 2)
    a1, h, a2, y = (var(name, 2) for name in ("a1", "h", "a2", "y"))
    return Net(
        name="mazur",
        description="2-2-2, sigmoid, one example",
        parameters=(
            Leaf(W1, np.array([[0.15, 0.20], [0.25, 0.30]]), ("w1", "w2", "w3", "w4")),
            Leaf(W2, np.array([[0.40, 0.45], [0.50, 0.55]]), ("w5", "w6", "w7", "w8")),
        ),
        fixed=(Leaf(b1, np.array(0.35), ("b1",)), Leaf(b2, np.array(0.60), ("b2",))),
        data=(Leaf(x, np.array([0.05, 0.10]), ("i1", "i2")), Leaf(t, np.array([0.01, 0.99]), ("target_o1", "target_o2"))),
        definitions=(
            Definition(a1, W1 @ x + b1, ("net_h1", "net_h2"), "δ₁", ("δ_h1", "δ_h2")),
            Definition(h, sigmoid(a1), ("out_h1", "out_h2")),
            Definition(a2, W2 @ h + b2, ("net_o1", "net_o2"), "δ₂", ("δ_o1", "δ_o2")),
            Definition(y, sigmoid(a2), ("out_o1", "out_o2")),
        ),
        objective=sum_of(square(y - t)) / 2,
        prediction=y,
        target=t,
        start="the weights that the tutorial publishes",
        learning_rate=0.5,
        epochs=10_000,
        target_loss=0.001,
    )


XOR = Plan((2, 4, 1), "sigmoid", "sigmoid", "mse", bias=False)


def xor() -> Net:
    """Two inputs, four hidden neurons, one output, all sigmoid, no biases, the whole truth table at once, mean squared error."""
    return xor_of(XOR)


NETS: dict[str, Callable[[], Net]] = {"mazur": mazur, "xor": xor}
FORMS = "mazur, xor, xor:WIDTH:..., mlp:SIZES:..., FILE.py:FUNCTION"


def find_net(name: str, *, loss: str | None = None, dropout: float = 0.0, smoothing: float = 0.0) -> Net:
    """The network of a name, a spec or a file. `loss`, `dropout` and `smoothing` (of labels) change what a spec says.

    xor:WIDTH[:WORD...] and mlp:SIZES[:WORD...] take as words an activation, a loss such as softmax-ce, bias or nobias
    (perceptrons.py). FILE.py:FUNCTION runs the user's file.
    Raises: UnknownName, with the near miss; BadSetting for a spec that does not fit together.

    >>> find_net('xor').loss.shape, find_net('mlp:64-32-10:tanh:softmax-ce').description
    ((), '64-32-10, tanh, softmax, categorical cross-entropy')
    """
    changes = {"loss": loss, "dropout": dropout or None, "smoothing": smoothing or None}
    kind, *words = name.split(":")
    if kind == "xor" and (words or any(changes.values())):
        width = read_sizes(name, words[0]) if words else (4,)
        if len(width) != 1:
            raise BadSetting(f"{name}: xor takes the width of its hidden layer, such as xor:8")
        return xor_of(_changed(read_plan(name, replace(XOR, sizes=(2, *width, 1)), words[1:]), loss, dropout, smoothing), name)
    if kind == "mlp":
        if not words:
            raise BadSetting("mlp: the sizes are missing, such as mlp:64-32-10:tanh:softmax-ce")
        return mlp(_changed(read_plan(name, Plan(read_sizes(name, words[0])), words[1:]), loss, dropout, smoothing), name)
    if not words or kind in NETS or not name.rpartition(":")[0].endswith(".py"):
        if name not in NETS:
            raise UnknownName(f"there is no net {name!r}{did_you_mean(name, NETS)}. Nets: {FORMS}")
        net = NETS[name]()
    else:
        net = user_net(name)
    for key, value in changes.items():
        if value:
            raise BadSetting(
                f"{net.name} has its own formulas: --{key.replace('smoothing', 'label-smoothing')} goes with xor and mlp specs"
            )
    return net


def _changed(plan: Plan, loss: str | None, dropout: float, smoothing: float) -> Plan:
    output, loss = find_loss(loss) if loss else (plan.output, plan.loss)
    return replace(plan, output=output, loss=loss, dropout=dropout, smoothing=smoothing)
