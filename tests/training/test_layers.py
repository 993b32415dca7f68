"""What `observe` sees inside a training, and the names of slopes that vanish or explode."""

from __future__ import annotations

import numpy as np
import pytest

from symdiff.training import find_net, matrix_formulas, mazur, train, xor
from symdiff.training.data import find_data, fitted
from symdiff.training.layers import observe


def deep(activation: str, scale: float):
    net = fitted(find_net(f"mlp:2-8-8-8-8-8-8-8-1:{activation}"), find_data("xor"))
    return net, {leaf.var: scale * leaf.value for leaf in net.parameters}


def test_the_first_moment_is_the_start_and_the_last_the_end():
    seen = observe(mazur(), epochs=40)
    assert (seen.epochs[0], seen.epochs[-1]) == (0, 40)
    assert seen.losses[0] == pytest.approx(0.298371109, abs=1e-9) and seen.losses[-1] == pytest.approx(seen.training.final_loss, rel=1e-14)
    np.testing.assert_allclose(seen.predictions[-1], seen.training.prediction, rtol=1e-14)


def test_slopes_are_the_norms_of_the_gradients():
    net = xor()
    seen = observe(net, epochs=5)
    values = matrix_formulas(net, net.weights).evaluate(net.values()).gradients
    for w in net.weights:
        assert seen.slopes[w.name][0] == pytest.approx(np.linalg.norm(values[w]), rel=1e-12)


def test_cotangents_are_those_that_derive_prints():
    net = mazur()
    named = {v.name: a for v, a in matrix_formulas(net, net.weights).evaluate(net.values()).named.items()}
    seen = observe(net, epochs=1)
    for name, values in seen.cotangents.items():
        assert values[0] == pytest.approx(np.sqrt(np.mean(named[name] ** 2)), rel=1e-12)


@pytest.mark.parametrize(
    ("activation", "scale", "flow"), [("sigmoid", 1.0, "vanishing"), ("tanh", 1.0, "steady"), ("relu", 30.0, "exploding")]
)
def test_slopes_that_vanish_or_explode_are_named(activation, scale, flow):
    net, start = deep(activation, scale)
    assert observe(net, epochs=1, start=start).flow(0) == flow


def test_a_training_with_an_optimizer_is_seen_as_it_is():
    seen = observe(mazur(), epochs=30, optimizer="adam", learning_rate=0.05)
    assert seen.losses[-1] == train(mazur(), epochs=30, optimizer="adam", learning_rate=0.05).final_loss
