"""The networks that symdiff knows by name, each as formulas, with the data and the starting weights of the text it comes from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from symdiff.errors import UnknownName, did_you_mean
from symdiff.expr.leaves import var
from symdiff.expr.ops import matmul, mean, sigmoid, square
from symdiff.expr.ops import sum as sum_of
from symdiff.training.net import Array, Definition, Leaf, Net


def _numbered(*patterns: str, count: int) -> tuple[str, ...]:
    return tuple(f"{pattern}{k}" for pattern in patterns for k in range(1, count + 1))


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


def xor() -> Net:
    """Two inputs, four hidden neurons, one output, all sigmoid, no biases, the whole truth table at once, mean squared error."""
    W, v = var("W", (2, 4)), var("v", 4)
    X, t = var("X", ("n", 2)), var("t", "n")
    a1, h, a2, y = var("a1", ("n", 4)), var("h", ("n", 4)), var("a2", "n"), var("y", "n")
    start_W, start_v = _walkthrough_start()
    return Net(
        name="xor",
        description="2-4-1, sigmoid, no biases, the four rows of the truth table",
        parameters=(Leaf(W, start_W, _numbered("w1", "w2", count=4)), Leaf(v, start_v, _numbered("v", count=4))),
        fixed=(),
        data=(
            Leaf(X, np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), ("x1", "x2")),
            Leaf(t, np.array([0.0, 1.0, 1.0, 0.0]), ("target",)),
        ),
        definitions=(
            Definition(a1, matmul(X, W), _numbered("net_h", count=4), "δ₁", _numbered("δ_h", count=4)),
            Definition(h, sigmoid(a1), _numbered("out_h", count=4)),
            Definition(a2, matmul(h, v), ("net_o",), "δ₂", ("δ_o",)),
            Definition(y, sigmoid(a2), ("out_o",)),
        ),
        objective=mean(square(y - t)),
        prediction=y,
        target=t,
        start="the weights of the walkthrough (seed 67 of NumPy's legacy generator)",
        learning_rate=4.0,
        epochs=10_000,
        target_loss=0.01,
    )


def _walkthrough_start() -> tuple[Array, Array]:
    generator = np.random.RandomState(67)  # what numpy.random.seed(67) sets up, without touching the global state
    return generator.normal(size=(2, 4)), generator.normal(size=(4, 1))[:, 0]


NETS: dict[str, Callable[[], Net]] = {"mazur": mazur, "xor": xor}


def find_net(name: str) -> Net:
    """The network of that name. Raises: UnknownName, with the near miss.

    >>> find_net('xor').loss.shape
    ()
    """
    if name not in NETS:
        raise UnknownName(f"there is no net {name!r}{did_you_mean(name, NETS)}. Nets: {', '.join(NETS)}")
    return NETS[name]()
