"""Update schedules: the numbers that tell them apart, and what a substitution replaces."""

from __future__ import annotations

import numpy as np
import pytest

from symdiff.api.programs import lower
from symdiff.errors import BadSetting, UnknownName
from symdiff.expr.leaves import var
from symdiff.expr.ops import sigmoid, square, tanh
from symdiff.expr.traverse import substitute, variables
from symdiff.training import mazur, xor
from symdiff.training.net import Net
from symdiff.training.step import RATE, Step, training_step
from symdiff.training.updates import UPDATES, order_of, updated


def losses(net: Net, step: Step, count: int, rate: float | None = None) -> tuple[list[float], dict]:
    """The loss before each update, and all values after the last."""
    values = {**net.values(), **step.state, RATE: np.float64(rate or net.learning_rate)}
    found = []
    for _ in range(count):
        loss, *new = step.program(*(values[v] for v in step.inputs))
        values |= zip(step.updates, new, strict=True)
        found.append(float(loss))
    return found, values


@pytest.fixture(scope="module")
def ten_thousand() -> dict[str, tuple[list[float], dict]]:
    net = mazur()
    return {update: losses(net, training_step(net, update=update), 10_000) for update in UPDATES}


@pytest.mark.parametrize(
    ("update", "before", "loss", "decimals"),
    [
        ("parallel", 1000, 0.0011157856, 10),
        ("sequential", 1000, 0.0011153760, 10),
        ("gauss-seidel", 1000, 0.0011157384, 10),
        ("parallel", 2, 0.291027774, 9),
        ("sequential", 2, 0.291027924, 9),
        ("gauss-seidel", 2, 0.291027900, 9),
        ("parallel", 10_000, 0.0000351085, 10),
    ],
)
def test_loss_before_an_update(ten_thousand, update, before, loss, decimals):
    assert round(ten_thousand[update][0][before - 1], decimals) == loss


def test_outputs_after_ten_thousand_sequential_steps(ten_thousand):
    values = ten_thousand["sequential"][1]
    W1, W2, b1, b2, x = (values[var(name, shape)] for name, shape in [("W1", (2, 2)), ("W2", (2, 2)), ("b1", ()), ("b2", ()), ("x", 2)])

    def layer(z):
        return 1 / (1 + np.exp(-z))

    np.testing.assert_array_equal(np.round(layer(W2 @ layer(W1 @ x + b1) + b2), 9), [0.015912196, 0.984065734])


def rule(w, g):
    return {w: w - g}


def test_sequential_keeps_activations_and_gauss_seidel_computes_them_again():
    u, v, x = var("u"), var("v"), var("x")
    loss = square(v * tanh(u * x))
    new = {update: updated(loss, [u, v], rule, update) for update in UPDATES}
    h = tanh(u * x)
    slope = 2 * (v * h) * h
    new_v = v - slope
    assert all(found[v] is new_v for found in new.values())
    at = {u: 0.3, v: 0.7, x: 1.1}
    U, V, X = at[u], at[v], at[x]
    H = np.tanh(U * X)
    V1 = V - 2 * V * H * H
    by_hand = {
        "parallel": U - 2 * V * H * V * (1 - H * H) * X,
        "sequential": U - 2 * (V * H) * V1 * (1 - H * H) * X,  # the residual v h is an activation: the old one
        "gauss-seidel": U - 2 * V1 * H * V1 * (1 - H * H) * X,
    }
    for update, value in by_hand.items():
        assert lower(new[update][u], [u, v, x], simplify=False)(U, V, X) == pytest.approx(value, rel=1e-15)


def test_first_layer_first_differs_from_parallel_only_by_gauss_seidel():
    """No gradient of a later layer mentions the weights of an earlier one by themselves."""
    net = mazur()
    first = {update: training_step(net, update=update, order=["W1", "W2"]).updates for update in UPDATES}
    assert first["sequential"] == first["parallel"] != first["gauss-seidel"]


def test_weights_come_in_the_order_of_the_net_whatever_the_order_of_updates():
    net = xor()
    for update in UPDATES:
        assert list(training_step(net, update=update).updates) == list(net.weights)


def test_three_layers_see_all_that_came_before():
    a, b, c, x = var("a"), var("b"), var("c"), var("x")
    loss = c * sigmoid(b * sigmoid(a * x))
    new = updated(loss, [a, b, c], rule, "sequential")
    inner = sigmoid(b * sigmoid(a * x))
    assert new[c] is c - inner
    marked_b, marked_c = var("new_b"), var("new_c")
    shown = substitute(new[a], {new[b]: marked_b, new[c]: marked_c})
    assert {marked_b, marked_c} <= set(variables(shown))


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (["W1"], "order: W1 is given, each of W1, W2 is wanted once"),
        (["W1", "W1"], "order: W1, W1 is given, each of W1, W2 is wanted once"),
    ],
)
def test_order_that_is_not_complete(order, message):
    with pytest.raises(BadSetting, match=message):
        order_of(mazur().weights, order)


def test_unknown_names():
    with pytest.raises(UnknownName, match=r"there is no parameter 'W3' \(did you mean 'W2'\?\)"):
        order_of(mazur().weights, ["W3", "W2"])
    with pytest.raises(UnknownName, match=r"there is no update 'gaus-seidel' \(did you mean 'gauss-seidel'\?\). Choices: parallel"):
        training_step(mazur(), update="gaus-seidel")


def test_same_bytes_each_time():
    sources = {update: training_step(mazur(), update=update).source for update in UPDATES}
    assert sources == {update: training_step(mazur(), update=update).source for update in UPDATES}
    assert len(set(sources.values())) == 3
