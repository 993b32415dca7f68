"""Nets from specs and files: what they are made of, and that each loss and each formula is the one it is called."""

from __future__ import annotations

import re

import numpy as np
import pytest

from symdiff.api.programs import lower
from symdiff.errors import BadSetting, UnknownName
from symdiff.training import find_net, matrix_formulas, training_step
from symdiff.training.derived import derive
from symdiff.training.evaluation import Evaluator
from symdiff.training.starts import STARTS

ROWS = np.array([[0.3, -1.2, 0.5], [1.5, 0.1, -0.4]])  # what a last layer computes: two rows, three outputs


def loss_at(word: str, targets: np.ndarray, smoothing: float = 0.0) -> float:
    """The loss of a linear net without biases whose weights are the identity: it sees ROWS as they are."""
    net = find_net(f"mlp:3-3:{word}:nobias", smoothing=smoothing)
    net = net.with_values({net.inputs[0].var: ROWS, net.target: targets, net.weights[0]: np.eye(3)})
    return Evaluator(net)(net).loss


def softmax(a):
    e = np.exp(a - a.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


ONE_HOT = np.array([[0.0, 1, 0], [1, 0, 0]])
REAL = np.array([[0.1, 0.9, -2.0], [1.6, 0.0, 0.3]])
SIGNS = 2 * ONE_HOT - 1


def bce(p, t):
    return np.mean(-t * np.log(p) - (1 - t) * np.log(1 - p))


def huber(r):
    return np.mean(np.where(np.abs(r) <= 1, r**2 / 2, np.abs(r) - 0.5))


@pytest.mark.parametrize(
    ("word", "targets", "smoothing", "expected"),
    [
        ("mse", REAL, 0, np.mean((ROWS - REAL) ** 2)),
        ("sigmoid-mse", ONE_HOT, 0, np.mean((sigmoid(ROWS) - ONE_HOT) ** 2)),
        ("half-sse", REAL, 0, np.sum((ROWS - REAL) ** 2) / 2),
        ("bce", ONE_HOT, 0, bce(sigmoid(ROWS), ONE_HOT)),
        ("bce", ONE_HOT, 0.2, bce(sigmoid(ROWS), 0.8 * ONE_HOT + 0.1)),
        ("softmax-ce", ONE_HOT, 0, -np.mean(np.sum(ONE_HOT * np.log(softmax(ROWS)), axis=1))),
        ("ce", ONE_HOT, 0.3, -np.mean(np.sum((0.7 * ONE_HOT + 0.1) * np.log(softmax(ROWS)), axis=1))),
        ("hinge", SIGNS, 0, np.mean(np.maximum(0, 1 - SIGNS * ROWS))),
        ("huber", REAL, 0, huber(ROWS - REAL)),
    ],
)
def test_losses(word, targets, smoothing, expected):
    assert loss_at(word, targets, smoothing) == pytest.approx(expected, rel=1e-13)


def test_the_same_program_serves_every_batch():
    net = find_net("mlp:3-4-2:relu:softmax-ce")
    step = training_step(net)
    values = {**net.values(), **step.state, step.inputs[-1]: 0.1}
    for rows in (1, 2, 7):
        sized = {**values, net.inputs[0].var: np.ones((rows, 3)), net.target: np.tile([1.0, 0.0], (rows, 1))}
        losses = step.program(*(sized[v] for v in step.inputs))
        assert np.ndim(losses[0]) == 0 and losses[1].shape == (3, 4)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "leaky-relu", "elu", "gelu", "silu", "softplus", "softsign", "linear"])
@pytest.mark.parametrize("spec", ["mlp:2-3-3-2:{}:softmax-ce", "xor:3:{}:bias", "mlp:2-3-1:{}:huber"])
def test_gradients_equal_central_differences(spec, activation):
    net = find_net(spec.format(activation))
    net = net.with_values(STARTS["random"].draw(net, 5))
    formulas = matrix_formulas(net, net.weights)
    slopes = formulas.evaluate(net.values()).gradients
    loss = lower(net.loss, [leaf.var for leaf in net.leaves])
    for leaf in net.parameters:
        place = tuple(n - 1 for n in leaf.value.shape)
        sides = []
        for sign in (1, -1):
            moved = leaf.value.copy()
            moved[place] += sign * 1e-6
            sides.append(float(loss(*({**net.values(), leaf.var: moved}[v.var] for v in net.leaves))))
        assert slopes[leaf.var][place] == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-5, abs=1e-8)


def test_a_bias_is_broadcast_by_the_product_rule():
    net = find_net("xor:2:tanh:bias")
    assert [leaf.var.name for leaf in net.parameters if leaf.bias] == ["b", "c"]
    derived = derive(net, ["b1"])
    (slope,) = derived.weights.values.gradients.values()
    cotangent = next(a for v, a in derived.weights.values.named.items() if v.name == "δ_h1")
    assert float(slope) == pytest.approx(cotangent.sum(), rel=1e-14)


@pytest.mark.parametrize(
    ("spec", "parameters", "description"),
    [
        ("xor", ["W (2, 4)", "v (4,)"], "2-4-1, sigmoid, no biases, the four rows of the truth table"),
        ("xor:8:tanh:bias", ["W (2, 8)", "b (8,)", "v (8,)", "c ()"], "2-8-1, tanh, sigmoid, the four rows of the truth table"),
        (
            "mlp:64-32-10:tanh:softmax-ce",
            ["W1 (64, 32)", "b1 (32,)", "W2 (32, 10)", "b2 (10,)"],
            "64-32-10, tanh, softmax, categorical cross-entropy",
        ),
        ("mlp:3-1:nobias:hinge", ["W1 (3, 1)"], "3-1, tanh, linear, no biases, hinge loss, targets -1 and 1"),
    ],
)
def test_specs(spec, parameters, description):
    net = find_net(spec)
    assert [f"{leaf.var.name} {leaf.var.shape}" for leaf in net.parameters] == parameters
    assert net.description == description and net.name == spec


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ("mlp", BadSetting, "the sizes are missing"),
        ("mlp:10", BadSetting, "at least inputs and outputs are wanted"),
        ("mlp:3-x-1", BadSetting, "the sizes are '3-x-1'; whole numbers from 1 on"),
        ("mlp:3-0-1", BadSetting, "whole numbers from 1 on"),
        ("mlp:3-2:tan", UnknownName, "'tan' is no activation, loss or bias (did you mean 'tanh'?)"),
        ("mlp:3-2:tanh:relu", BadSetting, "activation is given twice"),
        ("mlp:3-2:mse:huber", BadSetting, "output is given twice"),
        ("mlp:3-2:sigmoid-ce", BadSetting, "the loss ce does not go with a sigmoid output: softmax is wanted"),
        ("mlp:3-1:softmax-ce", BadSetting, "softmax wants two outputs at least"),
        ("xor:2-3", BadSetting, "xor takes the width of its hidden layer, such as xor:8"),
        ("xorr", UnknownName, "did you mean 'xor'?"),
        ("mazur:3", UnknownName, "there is no net 'mazur:3' (did you mean 'mazur'?)"),
        ("no/such/net.py:make", BadSetting, "there is no file 'no/such/net.py'"),
    ],
)
def test_bad_specs(spec, error, message):
    with pytest.raises(error, match=re.escape(message)):
        find_net(spec)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dropout": 1.0}, "dropout: 1.0 is given, a number from 0 on and below 1 is wanted"),
        ({"dropout": -0.1}, "dropout: -0.1 is given"),
        ({"smoothing": 1.0}, "label smoothing: 1.0 is given"),
        ({"smoothing": 0.1, "loss": "mse"}, "label smoothing goes with bce and ce, not with mse"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(BadSetting, match=re.escape(message)):
        find_net("mlp:2-3-2:softmax-ce", **settings)


def test_a_loss_in_place_of_that_of_the_spec():
    assert find_net("xor", loss="bce").loss is find_net("xor:4:sigmoid:sigmoid-bce").loss
    with pytest.raises(UnknownName, match="there is no loss 'hubert'"):
        find_net("xor", loss="hubert")
    with pytest.raises(BadSetting, match="mazur has its own formulas: --loss"):
        find_net("mazur", loss="mse")


MINE = """
import numpy as np
import symdiff as sd
from symdiff.training import Definition, Leaf, Net

def line():
    w, x, t, y = sd.var("w"), sd.var("x", "n"), sd.var("t", "n"), sd.var("y", "n")
    return Net(
        name="line", parameters=(Leaf(w, np.array(0.5)),), data=(Leaf(x, np.arange(3.0)), Leaf(t, 2 * np.arange(3.0))),
        definitions=(Definition(y, w * x, ("y",)),), objective=sd.mean((y - t) ** 2), prediction=y, target=t,
    )

def broken():
    return 1 / 0

def other():
    return 3
"""


def test_a_net_of_the_users_own(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(MINE, encoding="utf-8")
    assert find_net(f"{path}:line").loss.shape == ()
    with pytest.raises(UnknownName, match=re.escape("mine.py has no function 'lines' (did you mean 'line'?)")):
        find_net(f"{path}:lines")
    with pytest.raises(BadSetting, match=re.escape("mine.py, line 14: ZeroDivisionError: division by zero")):
        find_net(f"{path}:broken")
    with pytest.raises(BadSetting, match=re.escape("returns int; a symdiff.training.Net is wanted")):
        find_net(f"{path}:other")


def test_start_rules():
    net = find_net("mlp:300-200-2:tanh:softmax-ce")
    for name, expected in (("glorot", np.sqrt(2 / 500)), ("he", np.sqrt(2 / 300)), ("random", 1.0)):
        values = STARTS[name].draw(net, 0)
        W1, b1 = (values[w] for w in net.weights[:2])
        assert W1.std() == pytest.approx(expected, rel=0.02)
        assert (b1 == 0).all() == (name != "random")
        assert values[net.weights[0]].tobytes() == STARTS[name].draw(net, 0)[net.weights[0]].tobytes()
