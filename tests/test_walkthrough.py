"""Everything that a graph/op/session engine can do has its counterpart: the rows of docs/walkthrough.md, one test each.

The numbers of XOR are those of the original program, whose gradient of `mean` lacks the factor 1/4: its learning rate 1 is ours of 4.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import symdiff as sd

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4)) + 3.0
a, b = sd.var("a", shape=(3, 4)), sd.var("b", shape=(3, 4))


def values(outputs, feed):
    """The values of expressions at the arrays fed for their variables."""
    return sd.lower(outputs, list(feed))(*feed.values())


def logistic(z):
    return 1 / (1 + np.exp(-z))


@pytest.mark.parametrize(
    ("e", "expected", "da", "db"),
    [
        pytest.param(a + b, A + B, 1 + 0 * A, 1 + 0 * A, id="add"),
        pytest.param(a - b, A - B, 1 + 0 * A, -1 + 0 * A, id="sub"),
        pytest.param(a * b, A * B, B, A, id="mul"),
        pytest.param(a / b, A / B, 1 / B, -A / B**2, id="div"),
        pytest.param(-a, -A, -1 + 0 * A, 0 * A, id="neg"),
        pytest.param(np.square(a), A * A, 2 * A, 0 * A, id="square"),
        pytest.param(sd.sigmoid(a), logistic(A), logistic(A) * (1 - logistic(A)), 0 * A, id="sigmoid"),
        pytest.param(np.mean(a), A.mean(), np.full((3, 4), 1 / 12), 0 * A, id="mean"),
        pytest.param(a.T, A.T, 1 + 0 * A, 0 * A, id="transpose"),
        pytest.param(np.dot(a, b.T), A @ B.T, np.ones((3, 3)) @ B, np.ones((3, 3)) @ A, id="dot"),
    ],
)
def test_each_op_has_its_value_and_its_gradients(e, expected, da, db):
    got = values([e, *sd.grad(sd.sum(e), [a, b])], {a: A, b: B})
    for found, wanted in zip(got, (expected, da, db), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-13, atol=1e-13)


def test_placeholders_are_fed_at_run_time_with_batches_of_any_size():
    x, w = sd.var("x", shape=("n", 2)), sd.var("w", shape=(2,))
    predict = sd.lower([sd.sigmoid(x @ w)], [x, w])
    for n in (1, 4, 7):
        batch = RNG.normal(size=(n, 2))
        np.testing.assert_allclose(predict(batch, np.array([0.5, -1.0]))[0], logistic(batch @ [0.5, -1.0]), rtol=1e-13)


def test_a_placeholder_fed_with_the_wrong_shape_is_refused():
    x = sd.var("x", shape=("n", 2))
    with pytest.raises(sd.BindingError, match="x"):
        sd.lower([sd.sum(x)], [x])(np.zeros((4, 3)))


def test_constants_are_part_of_the_formula():
    table = np.array([[0.0, 1.0], [1.0, 0.0]])
    x = sd.var("x", shape=(2,))
    (got,) = values([sd.const(table) @ x * 2.5], {x: np.array([3.0, 4.0])})
    np.testing.assert_allclose(got, [10.0, 7.5])


def test_group_is_several_outputs_that_share_their_work():
    x = sd.var("x", shape=(3,))
    y = sd.sigmoid(x)
    both = sd.lower([sd.sum(y), sd.grad(sd.sum(y), x), y], [x])
    total, gradient, out = both(np.array([0.1, 0.2, 0.3]))
    assert total == pytest.approx(out.sum()) and gradient == pytest.approx(out * (1 - out))
    assert both.source.count("exp(") <= 2  # one sigmoid, however it is spelled


def test_assign_is_a_step_that_returns_new_weights():
    w = sd.var("w", shape=(2,))
    step = sd.lower([w - 0.5 * sd.grad(sd.sum(w**2), w)], [w])
    before = np.array([1.0, -2.0])
    (after,) = step(before)
    np.testing.assert_allclose(after, [0.0, 0.0], atol=1e-15)
    np.testing.assert_array_equal(before, [1.0, -2.0])


def test_fan_out_adds_up_all_uses():
    h = sd.sigmoid(a)
    loss = sd.sum(h * h + h * b - h)
    (got,) = values([sd.grad(loss, a)], {a: A, b: B})
    H = logistic(A)
    np.testing.assert_allclose(got, (2 * H + B - 1) * H * (1 - H), rtol=1e-12)


def test_the_gradient_in_an_inner_tensor():
    h = sd.sigmoid(a)
    assert sd.grad(sd.sum(h * b), h) is b


# --- XOR ----------------------------------------------------------------------------------------------------------
INPUTS, TARGETS = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0.0], [1], [1], [0]])
LOSSES = {0: 0.40074002863563846, 1: 0.3644912472900367, 999: 0.002372537547244107, 9999: 0.00019101099236883186}


def xor_step(batch):
    x, t = sd.var("x", shape=(batch, 2)), sd.var("t", shape=(batch, 1))
    W, V, rate = sd.var("W", shape=(2, 4)), sd.var("V", shape=(4, 1)), sd.var("rate")
    loss = sd.mean((sd.sigmoid(sd.sigmoid(x @ W) @ V) - t) ** 2)
    dW, dV = sd.grad(loss, [W, V])
    return sd.lower([loss, W - rate * dW, V - rate * dV], [x, t, W, V, rate])


@pytest.mark.parametrize("batch", ["n", 4])
def test_xor_trains_as_the_walkthrough_does(batch):
    random = np.random.RandomState(67)
    w, v = random.normal(size=(2, 4)), random.normal(size=(4, 1))
    step = xor_step(batch)
    losses = []
    for _ in range(10_000):
        loss, w, v = step(INPUTS, TARGETS, w, v, 4.0)
        losses.append(loss)
    for epoch, loss in LOSSES.items():
        assert losses[epoch] == pytest.approx(loss, rel=1e-9)


def test_the_quarter_that_the_walkthrough_lacks():
    """Its gradient of `mean` is that of `sum`: four times ours on four examples."""
    random = np.random.RandomState(67)
    x, t = sd.const(INPUTS), sd.const(TARGETS)
    W, V = sd.var("W", shape=(2, 4)), sd.var("V", shape=(4, 1))
    errors = (sd.sigmoid(sd.sigmoid(x @ W) @ V) - t) ** 2
    theirs, ours = values(
        [sd.grad(sd.sum(errors), W), sd.grad(sd.mean(errors), W)], {W: random.normal(size=(2, 4)), V: random.normal(size=(4, 1))}
    )
    np.testing.assert_allclose(theirs, 4 * ours, rtol=1e-14)


def test_the_page_names_every_concept():
    page = (Path(__file__).parents[1] / "docs" / "walkthrough.md").read_text(encoding="utf-8")
    named = " ".join(re.findall(r"^\| (.*?) \| .* \|$", page, re.MULTILINE)).lower()
    for concept in (
        *("graph", "tensor", "op", "session", "placeholder", "constant", "variable", "assign", "group", "gradients", "fan-out"),
        *("add", "sub", "mul", "div", "neg", "dot", "square", "transpose", "sigmoid", "mean"),
    ):
        assert re.search(rf"\b{concept}\b", named), concept
