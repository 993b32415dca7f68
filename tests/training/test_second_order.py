"""Second-order optimizers against SciPy: their matrices, their steps, and where they end."""

from __future__ import annotations

import sys
from itertools import pairwise

import numpy as np
import pytest
import scipy.linalg
import scipy.optimize

from symdiff.api.programs import lower
from symdiff.errors import BadSetting, BindingError, MissingExtra, UnknownName
from symdiff.expr.leaves import var
from symdiff.expr.ops import exp, log_softmax, matmul, mean, softplus, square
from symdiff.expr.ops import sum as sum_of
from symdiff.training import mazur, xor
from symdiff.training.lbfgs import lbfgs
from symdiff.training.net import Definition, Leaf, Net
from symdiff.training.second_order import SECOND_ORDER, gauss_newton_matrix, hessian_matrix, read_method
from symdiff.training.step import RATE, training_step

GENERATOR = np.random.default_rng(5)
X = GENERATOR.normal(size=(12, 3))
LABELS = (GENERATOR.normal(size=12) > 0).astype(float)


def net_of(name, parameters, data, definitions, objective, target) -> Net:
    return Net(
        name=name, description="", parameters=parameters, fixed=(), data=data, definitions=definitions, objective=objective,
        prediction=definitions[-1].var, target=target, start="zeros", learning_rate=1.0, epochs=10, target_loss=1.0,
    )  # fmt: skip


def logistic() -> Net:
    """Logistic regression with a bias, kept convex by a small square."""
    w, b, x, t, a = var("w", 3), var("b"), var("X", ("n", 3)), var("t", "n"), var("a", "n")
    parameters = (Leaf(w, np.zeros(3), ("w1", "w2", "w3")), Leaf(b, np.array(0.0), ("b",)))
    data = (Leaf(x, X, ("x1", "x2", "x3")), Leaf(t, LABELS, ("t",)))
    loss = mean(softplus(a) - t * a) + 0.05 * (sum_of(square(w)) + square(b))
    return net_of("logistic", parameters, data, (Definition(a, matmul(x, w) + b, ("a",)),), loss, t)


def curve() -> Net:
    """Least squares of c exp(-r x) + d against points near a curve."""
    c, r, d, x, t, y = var("c"), var("r"), var("d"), var("x", "n"), var("t", "n"), var("y", "n")
    points = np.linspace(0, 4, 20)
    values = 2.5 * np.exp(-1.3 * points) + 0.5 + 0.05 * np.sin(7 * points)
    parameters = tuple(Leaf(v, np.array(value), (v.name,)) for v, value in ((c, 1.0), (r, 0.5), (d, 0.0)))
    data = (Leaf(x, points, ("x",)), Leaf(t, values, ("t",)))
    return net_of("curve", parameters, data, (Definition(y, c * exp(-r * x) + d, ("y",)),), sum_of(square(y - t)) / 2, t)


def softmax_regression() -> Net:
    """Three classes, cross-entropy in the last layer's sums."""
    W, x, t, a = var("W", (3, 3)), var("X", ("n", 3)), var("T", ("n", 3)), var("a", ("n", 3))
    targets = np.eye(3)[np.arange(12) % 3]
    parameters = (Leaf(W, GENERATOR.normal(size=(3, 3)), tuple(f"w{k}" for k in range(9))),)
    data = (Leaf(x, X, ("x1", "x2", "x3")), Leaf(t, targets, ("t1", "t2", "t3")))
    return net_of(
        "softmax",
        parameters,
        data,
        (Definition(a, matmul(x, W), ("a1", "a2", "a3")),),
        -mean(sum_of(t * log_softmax(a, axis=-1), axis=-1)),
        t,
    )


def function_of(net: Net):
    """The loss and its gradient as functions of one vector, by one lowered program."""
    inputs = [leaf.var for leaf in net.leaves]
    program = lower(net.loss, inputs)
    shapes = [leaf.value.shape for leaf in net.parameters]
    given = [leaf.value for leaf in (*net.fixed, *net.data)]
    cuts = np.cumsum([int(np.prod(s)) for s in shapes])[:-1]
    start = np.concatenate([leaf.value.ravel() for leaf in net.parameters])
    return lambda vector: float(program(*(p.reshape(s) for p, s in zip(np.split(vector, cuts), shapes, strict=True)), *given)), start


def steps(net: Net, spec: str, count: int, rate: float = 1.0, **choices):
    step = training_step(net, optimizer=spec, **choices)
    values = {**net.values(), **step.state, RATE: np.float64(rate)}
    losses = []
    for _ in range(count):
        loss, *new = step.program(*(values[v] for v in step.inputs))
        values |= zip(step.updates, new, strict=True)
        losses.append(float(loss))
    return losses, np.concatenate([np.ravel(values[w]) for w in net.weights]), values


def evaluated(net: Net, e):
    return lower(e, [leaf.var for leaf in net.leaves], simplify=False)(*(leaf.value for leaf in net.leaves))


def central(function, at, h=1e-4):
    """The Hessian by central differences."""
    n = len(at)
    unit = np.eye(n) * h
    return np.array(
        [
            [(function(at + a + b) - function(at + a - b) - function(at - a + b) + function(at - a - b)) / (4 * h * h) for b in unit]
            for a in unit
        ]
    )


@pytest.mark.parametrize("net", [mazur(), xor(), logistic(), curve()], ids=lambda net: net.name)
def test_hessian_is_that_of_central_differences(net):
    function, start = function_of(net)
    matrix = evaluated(net, hessian_matrix(net.loss, net.weights))
    np.testing.assert_allclose(matrix, central(function, start), atol=2e-6)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-14)


@pytest.mark.parametrize("net", [logistic(), softmax_regression()], ids=lambda net: net.name)
def test_gauss_newton_is_the_hessian_where_the_layers_are_linear(net):
    np.testing.assert_allclose(
        evaluated(net, gauss_newton_matrix(net, net.weights)), evaluated(net, hessian_matrix(net.loss, net.weights)), atol=1e-14
    )


def test_gauss_newton_of_least_squares_is_the_jacobian_squared():
    net = curve()
    points = net.data[0].value
    jacobian = np.stack([np.exp(-0.5 * points), -points * np.exp(-0.5 * points), np.ones(20)], axis=1)
    np.testing.assert_allclose(evaluated(net, gauss_newton_matrix(net, net.weights)), jacobian.T @ jacobian, rtol=1e-13)
    residual = np.exp(-0.5 * points) - net.data[1].value
    expected = np.array([1.0, 0.5, 0.0]) - scipy.linalg.lstsq(jacobian, residual)[0]
    np.testing.assert_allclose(steps(net, "gauss-newton:0", 1)[1], expected, rtol=1e-9)


def test_newton_step_is_that_of_scipys_solver():
    net = logistic()
    function, start = function_of(net)
    slope = scipy.optimize.approx_fprime(start, function, 1e-7)
    expected = start - 0.5 * scipy.linalg.solve(central(function, start) + 0.1 * np.eye(4), slope)
    np.testing.assert_allclose(steps(net, "newton:0.1", 1, rate=0.5)[1], expected, atol=1e-5)


@pytest.mark.parametrize("spec", ["newton:0", "gauss-newton:0", "levenberg-marquardt"])
def test_convex_minimum_is_that_of_scipy(spec):
    net = logistic()
    function, start = function_of(net)
    expected = scipy.optimize.minimize(function, start, method="BFGS", options={"gtol": 1e-9})
    losses, weights, _ = steps(net, spec, 25)
    np.testing.assert_allclose(weights, expected.x, atol=1e-6)
    assert losses[-1] <= expected.fun + 1e-14


@pytest.mark.parametrize("spec", ["gauss-newton", "levenberg-marquardt"])
def test_least_squares_are_those_of_scipy(spec):
    net = curve()
    points, values = net.data[0].value, net.data[1].value
    expected = scipy.optimize.least_squares(
        lambda p: p[0] * np.exp(-p[1] * points) + p[2] - values, [1.0, 0.5, 0.0], method="lm", xtol=1e-14, ftol=1e-14, gtol=1e-14
    )
    losses, weights, _ = steps(net, spec, 60)
    np.testing.assert_allclose(weights, expected.x, rtol=1e-7)
    assert losses[-1] == pytest.approx(expected.cost, rel=1e-12)


def test_levenberg_marquardt_never_climbs_and_damps_after_a_step_that_would():
    losses, _, values = steps(xor(), "levenberg-marquardt", 40)
    assert all(after <= before for before, after in pairwise(losses))
    assert losses[-1] < 1e-10
    assert losses[1] == losses[2]  # one refused step
    assert 1e-12 <= float(values[var("damping")]) < 1e-3


def test_a_penalty_is_part_of_the_system():
    net = curve()
    weights = steps(net, "levenberg-marquardt", 40, penalty="l2:0.5")[1]
    function, start = function_of(net)
    expected = scipy.optimize.minimize(lambda p: function(p) + 0.25 * p @ p, start, method="BFGS", options={"gtol": 1e-9})
    np.testing.assert_allclose(weights, expected.x, atol=1e-5)


@pytest.mark.parametrize("name", SECOND_ORDER)
def test_same_bytes_each_time(name):
    assert training_step(mazur(), optimizer=name).source == training_step(mazur(), optimizer=read_method(name)).source


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"update": "sequential"}, "update does not go with newton, which moves all weights by one linear system"),
        ({"clip": "norm:1"}, "clip does not go with newton"),
        ({"penalty": "decay"}, "decay does not go with newton"),
        ({"order": ["W2", "W1"]}, "order does not go with newton"),
    ],
)
def test_choices_that_do_not_go_with_a_linear_system(choices, message):
    with pytest.raises(BadSetting, match=message):
        training_step(mazur(), optimizer="newton", **choices)


def test_a_matrix_that_would_be_too_large_is_refused():
    w, t, y = var("w", 5000), var("t"), var("y")
    net = net_of("wide", (Leaf(w, np.zeros(5000), tuple(f"w{k}" for k in range(5000))),), (Leaf(t, np.array(1.0), ("t",)),),
                 (Definition(y, sum_of(w), ("y",)),), square(y - t), t)  # fmt: skip
    with pytest.raises(BadSetting, match="newton: 5,000 weights are given, at most 4,096 are wanted"):
        training_step(net, optimizer="newton")


def test_unknown_optimizer_names_those_of_both_orders():
    with pytest.raises(
        UnknownName, match=r"there is no optimizer 'newtn' \(did you mean 'newton'\?\). Choices: sgd, .*levenberg-marquardt"
    ):
        training_step(mazur(), optimizer="newtn")


# --- L-BFGS ---------------------------------------------------------------------------------------------------------
def test_lbfgs_is_scipys_on_a_function_by_hand():
    """The losses of each step, of ours and of SciPy on a function that NumPy computes."""
    net = curve()
    points, values = net.data[0].value, net.data[1].value

    def by_hand(p):
        decay = np.exp(-p[1] * points)
        residual = p[0] * decay + p[2] - values
        return residual @ residual / 2, np.array([residual @ decay, residual @ (-p[0] * points * decay), residual.sum()])

    heard = []
    expected = scipy.optimize.minimize(
        by_hand,
        [1.0, 0.5, 0.0],
        jac=True,
        method="L-BFGS-B",
        callback=lambda p: heard.append(by_hand(p)[0]),
        options={"ftol": 0, "gtol": 1e-8},
    )
    said = []
    found = lbfgs(net, on_step=lambda k, loss: said.append((k, loss)))
    np.testing.assert_allclose(np.ravel(list(found.weights.values())), expected.x, rtol=1e-6)
    np.testing.assert_allclose(found.losses[1:6], heard[:5], rtol=1e-9)
    assert said == list(enumerate(found.losses))[1:]
    assert found.evaluations >= len(found.losses) and isinstance(found.message, str)


def test_lbfgs_with_a_penalty():
    net = logistic()
    function, start = function_of(net)
    expected = scipy.optimize.minimize(lambda p: function(p) + 0.15 * p @ p, start, method="BFGS", options={"gtol": 1e-9})
    found = lbfgs(net, penalty="l2:0.3")
    np.testing.assert_allclose(np.concatenate([np.ravel(a) for a in found.weights.values()]), expected.x, atol=1e-6)
    assert found.reached


def test_lbfgs_stops_where_it_is_told():
    assert len(lbfgs(xor(), steps=3).losses) == 4
    assert not lbfgs(xor(), steps=3).reached


@pytest.mark.parametrize(
    ("choices", "error", "message"),
    [
        ({"steps": 0}, BadSetting, "lbfgs: steps=0 is given, a whole number from 1 on is wanted"),
        ({"memory": -1}, BadSetting, "lbfgs: memory=-1 is given"),
        ({"tolerance": float("nan")}, BadSetting, "lbfgs: tolerance=nan is given, a number from 0 on is wanted"),
        ({"penalty": "decay"}, BadSetting, "lbfgs: the penalty decay is no term of the loss: use l2"),
        ({"start": {var("Q"): np.zeros(2)}}, BindingError, "mazur has no parameter Q"),
        ({"start": {mazur().weights[0]: np.zeros(2)}}, BindingError, r"W1: \(2, 2\) is expected, a start of shape \(2,\) is given"),
    ],
)
def test_bad_choices(choices, error, message):
    with pytest.raises(error, match=message):
        lbfgs(mazur(), **choices)


def test_lbfgs_without_scipy(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(MissingExtra, match=r'L-BFGS needs SciPy, which is not installed: pip install -e "\.\[fast\]"'):
        lbfgs(mazur())
