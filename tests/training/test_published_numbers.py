"""The published numbers of the two networks, each computed from the expressions. A wrong rule changes them."""

from __future__ import annotations

import numpy as np
import pytest

from symdiff.training import EntryForm, Training, find_net, matrix_formulas, mazur, train, xor
from symdiff.training.derived import derive

MAZUR_FORWARD = {"net_h1": 0.3775, "out_h1": 0.593269992, "net_o1": 1.105905967, "out_o1": 0.751365070, "out_o2": 0.772928465}
MAZUR_AFTER = {
    "w1": 0.149780716,
    "w2": 0.199561432,
    "w3": 0.249751144,
    "w4": 0.299502287,
    "w5": 0.358916480,
    "w6": 0.408666186,
    "w7": 0.511301270,
    "w8": 0.561370121,
}


@pytest.fixture(scope="module")
def mazur_training() -> Training:
    return train(mazur())


@pytest.fixture(scope="module")
def xor_training() -> Training:
    return train(xor())


def nine(value: float) -> float:
    return round(float(value), 9)


@pytest.mark.parametrize(("name", "value"), MAZUR_FORWARD.items())
def test_mazur_forward_value(name, value):
    forward = {v.name: a for v, a in derive(mazur()).forward.items()}
    assert nine(forward[name]) == value


def test_mazur_error():
    assert nine(derive(mazur()).loss) == 0.298371109


@pytest.mark.parametrize(("name", "slope"), {"w5": 0.082167041, "w6": 0.082667628, "w1": 0.000438568}.items())
def test_mazur_slope(name, slope):
    ((_, value),) = derive(mazur(), [name]).weights.values.gradients.items()
    assert nine(value) == slope


@pytest.mark.parametrize(("name", "value"), MAZUR_AFTER.items())
def test_mazur_weight_after_one_step(name, value):
    after = {v.name: a for v, a in derive(mazur()).after.items()}
    assert nine(after[name]) == value


def test_mazur_error_after_one_parallel_step(mazur_training):
    assert nine(mazur_training.losses[1]) == 0.291027774


def test_mazur_trained_1000_steps():
    training = train(mazur(), epochs=999)
    assert round(training.final_loss, 10) == 0.0011157856  # before the 1000th update
    after = train(mazur(), epochs=1000)
    assert round(after.losses[999], 10) == 0.0011157856
    assert training.prediction.round(4).tolist() == [0.0441, 0.9573]


def test_mazur_trained_10000_steps(mazur_training):
    assert len(mazur_training.losses) == 10_000
    assert round(mazur_training.losses[9_999], 10) == 0.0000351085


@pytest.mark.parametrize(
    ("update", "loss"),
    [(1, 0.40074002863563846), (2, 0.3644912472900367), (1_000, 0.002372537547244107), (10_000, 0.00019101099236883186)],
)
def test_xor_loss_before_update(xor_training, update, loss):
    assert xor_training.losses[update - 1] == pytest.approx(loss, rel=1e-9)


def test_xor_starts_from_the_walkthrough():
    W, v = (leaf.value for leaf in xor().parameters)
    np.testing.assert_array_equal(
        W.round(8), [[1.12852215, 0.14419228, -1.1152586, 1.23104654], [-0.15465816, -0.5983871, 0.34899214, 1.22058965]]
    )
    np.testing.assert_array_equal(v.round(8), [-0.82870991, -1.1110595, -0.52429046, -1.09342227])


def test_xor_without_the_quarter_is_four_times_the_rate():
    """The walkthrough's gradient of mean lacks 1/4: four times ours, so its rate of 1 is our rate of 4."""
    net = xor()
    formulas = matrix_formulas(net, net.weights)
    slopes = formulas.evaluate(net.values()).gradients
    step = train(net, epochs=1, learning_rate=4)
    for leaf in net.parameters:
        walkthrough = 4 * slopes[leaf.var]
        np.testing.assert_allclose(step.weights[leaf.var], leaf.value - 1 * walkthrough, rtol=1e-14)


@pytest.mark.parametrize("name", ["mazur", "xor"])
def test_defaults_reach_their_target(name, mazur_training, xor_training):
    training = {"mazur": mazur_training, "xor": xor_training}[name]
    net = find_net(name)
    assert (net.epochs, net.learning_rate, net.target_loss) == {"mazur": (10_000, 0.5, 0.001), "xor": (10_000, 4, 0.01)}[name]
    assert training.ending == "finished" and training.final_loss < net.target_loss


@pytest.mark.parametrize("name", ["mazur", "xor"])
def test_three_forms_agree(name):
    """Matrix, weight by weight and inlined: three derivations of one gradient."""
    net = find_net(name)
    form = EntryForm(net)
    weights = [entry for w in net.weights for entry in form.entries[w].flat]
    named = form.formulas(weights).evaluate(form.values(net.values()))
    inlined = form.inlined(weights).evaluate(form.values(net.values()))
    matrices = matrix_formulas(net, net.weights).evaluate(net.values())
    flat = np.concatenate([matrices.gradients[w].ravel() for w in net.weights])
    np.testing.assert_allclose([float(named.gradients[w]) for w in weights], flat, rtol=1e-12)
    np.testing.assert_allclose([float(inlined.gradients[w]) for w in weights], flat, rtol=1e-12)
    assert named.loss == pytest.approx(matrices.loss, rel=1e-14)


@pytest.mark.parametrize("name", ["mazur", "xor"])
def test_gradients_equal_central_differences(name):
    net = find_net(name)
    formulas = matrix_formulas(net, net.weights)
    slopes = formulas.evaluate(net.values()).gradients
    for leaf in net.parameters:
        for place in np.ndindex(leaf.value.shape):
            sides = []
            for sign in (1, -1):
                moved = leaf.value.copy()
                moved[place] += sign * 1e-6
                sides.append(formulas.evaluate({**net.values(), leaf.var: moved}).loss)
            assert slopes[leaf.var][place] == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-6, abs=1e-9)
