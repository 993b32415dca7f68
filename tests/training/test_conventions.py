"""The conventions: what each choice does to a network and its training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from symdiff.expr.leaves import var
from symdiff.expr.ops import absolute, mean, square
from symdiff.expr.ops import sum as sum_of
from symdiff.training.conventions import (
    CONVENTIONS,
    Setup,
    biases,
    counts,
    share_of_squares,
    transposed,
    untied,
    with_trained,
)
from symdiff.training.loop import train
from symdiff.training.nets import find_net, mazur, xor
from symdiff.training.runs import Runs, program_of


def names(convention: str, net) -> list[str]:
    return [c.name for c in next(c for c in CONVENTIONS if c.name == convention).of(net)]


def test_every_convention_begins_with_what_the_network_declares():
    for net in (mazur(), xor()):
        for convention in CONVENTIONS:
            first, *others = convention.of(net)
            assert first.change(Setup(net)) == Setup(net) and not first.departs
            assert all(c.departs for c in others[convention.usual - 1 :])


def test_mean_of_two_squares_is_half_their_sum():
    assert names("loss", mazur())[0] == "mean of the squares = half the sum of the squares"
    assert names("loss", xor())[:2] == ["mean of the squares", "half the sum of the squares"]


@pytest.mark.parametrize(
    ("objective", "share"),
    [
        (lambda y, t: sum_of(square(y - t)), 1.0),
        (lambda y, t: mean(square(t - y)), 0.5),
        (lambda y, t: 3 * mean(square(y - t)), 1.5),
        (lambda y, t: sum_of(absolute(y - t)), None),
        (lambda y, t: sum_of(square(y - t)) + sum_of(y), None),
    ],
)
def test_share_of_squares(objective, share):
    net = mazur()
    assert share_of_squares(replace(net, objective=objective(net.prediction, net.target))) == share


def test_a_loss_of_another_kind_is_summed_or_averaged():
    net = xor()
    other = replace(net, objective=mean(absolute(net.prediction - net.target)))
    assert names("loss", other) == ["as declared", "times the number of examples", "divided by the number of examples"]


def test_counts():
    assert (counts(mazur()), counts(xor())) == ((1, 2), (4, 1))


def test_transposed_matrices_are_another_network():
    net = mazur()
    other = transposed(net, net.weights)
    x = net.data[0].value
    h = 1 / (1 + np.exp(-(net.parameters[0].value.T @ x + 0.35)))
    y = 1 / (1 + np.exp(-(net.parameters[1].value.T @ h + 0.6)))
    first = Runs(0.5, [0]).of(program_of(other, "parallel", "output"), Setup(other))[0]
    np.testing.assert_allclose(first.prediction, y, rtol=1e-14)
    assert round(first.loss, 7) == 0.3036583


def test_a_matrix_that_is_not_square_has_one_layout():
    assert names("layout", xor()) == ["as written"]


def test_biases_are_found_by_their_differential():
    assert [leaf.var.name for leaf in biases(mazur())] == ["b1", "b2"]
    assert [leaf.var.name for leaf in biases(find_net("mlp:3-4-2:tanh"))] == ["b1", "b2"]
    assert names("biases", find_net("mlp:3-4-2:tanh"))[:2] == ["trained", "not trained"]


def test_a_bias_a_neuron_starts_where_the_shared_one_does():
    net = mazur()
    other = untied(net)
    assert [leaf.var.shape for leaf in other.fixed] == [(2,), (2,)]
    at = program_of(net, "parallel", "output"), program_of(other, "parallel", "output")
    first = [Runs(0.5, [3]).of(p, Setup(p.net)) for p in at]
    assert first[0][3].loss == pytest.approx(first[1][3].loss, rel=1e-14)


def test_trained_biases_move():
    net = mazur()
    trained = with_trained(net, [*net.weights, *(leaf.var for leaf in net.fixed)])
    assert [leaf.var.name for leaf in trained.parameters] == ["W1", "b1", "W2", "b2"] and not trained.fixed
    assert train(trained, epochs=100).final_loss < train(net, epochs=100).final_loss


@pytest.mark.parametrize("net", [mazur(), xor()], ids=lambda net: net.name)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_run_is_what_train_computes(net, dtype):
    points = Runs(net.learning_rate, [1, 50]).of(program_of(net, "parallel", "output"), replace(Setup(net), dtype=dtype))
    training = train(net, epochs=50, dtype=np.dtype(dtype))
    exact = 1e-12 if dtype == "float64" else 1e-5
    assert [points[k].loss for k in (0, 1)] == pytest.approx(training.losses[:2], rel=exact)
    assert points[50].loss == pytest.approx(training.final_loss, rel=exact)
    assert points[50].prediction == pytest.approx(np.ravel(training.prediction), rel=exact)
    assert points[50].weights == pytest.approx(np.concatenate([np.ravel(a) for a in training.weights.values()]), rel=exact)


def test_a_run_that_diverges_ends():
    net = with_trained(replace(mazur(), objective=sum_of(square(var("a2", 2)))), mazur().weights[1:])
    points = Runs(1e6, [1, 5000]).of(program_of(net, "parallel", "output"), Setup(net))
    assert 0 in points and 5000 not in points


def test_equal_formulas_are_one_program():
    """With two layers, updating the input layer first changes no explicit weight: sequential is parallel then."""
    net = mazur()
    assert program_of(net, "sequential", "input") == program_of(net, "parallel", "output")
    assert program_of(net, "sequential", "output") != program_of(net, "parallel", "output")
