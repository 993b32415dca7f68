"""The matrix of Gauss and Newton against closed forms, against the products JᵀHJ of numbers, and against its own products."""

from __future__ import annotations

import numpy as np
import pytest

import symdiff as sd

rng = np.random.default_rng(0)
n, i, h, o = 5, 3, 4, 2
X, T = sd.var("X", (n, i)), sd.var("T", (n, o))
V, W, b = sd.var("V", (i, h)), sd.var("W", (h, o)), sd.var("b", o)
NET = sd.tanh(X @ V) @ W + b
VALUES = {X: rng.normal(size=(n, i)), T: rng.random((n, o)), V: rng.normal(size=(i, h)), W: rng.normal(size=(h, o)), b: rng.normal(size=o)}
LOSSES = {
    "squares": lambda y: sd.sum((y - T) ** 2) / 2,
    "softmax": lambda y: sd.sum(sd.logsumexp(y, axis=1) - sd.sum(T * y, axis=1)),
    "logistic": lambda y: sd.sum(sd.softplus(y) - T * y),
    "not convex": lambda y: sd.sum(sd.sin(y) * T),
}


def value(e):
    inputs = list(VALUES)
    return np.asarray(sd.lower(e, inputs)(*VALUES.values()))


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("wrt", [V, W, b], ids=str)
def test_it_is_the_product_of_its_three_factors(loss, wrt):
    y = sd.var("y", NET.shape)
    inner = sd.substitute(sd.hessian(loss(y), y), {y: NET})
    J = value(sd.jacobian(NET, wrt)).reshape(n * o, -1)
    expected = J.T @ value(inner).reshape(n * o, n * o) @ J
    found = value(sd.gauss_newton(loss, NET, wrt))
    np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_its_products_need_no_matrix(loss):
    weights = [V, W, b]
    vectors = [rng.normal(size=w.shape) for w in weights]
    rows = sd.gauss_newton(loss, NET, weights)
    matrix = np.block(
        [[value(e).reshape(v.size, u.size) for e, u in zip(row, vectors, strict=True)] for row, v in zip(rows, vectors, strict=True)]
    )
    found = np.concatenate([value(p).ravel() for p in sd.gnvp(loss, NET, weights, vectors)])
    np.testing.assert_allclose(found, matrix @ np.concatenate([v.ravel() for v in vectors]), rtol=1e-11, atol=1e-12)


def test_it_is_the_hessian_where_the_outputs_are_linear():
    w, t, M = sd.var("w", "d"), sd.var("t", "n"), sd.var("M", ("n", "d"))
    assert str(sd.gauss_newton(lambda y: sd.sum((y - t) ** 2) / 2, M @ w, w)) == "Mᵀ M"
    loss = LOSSES["logistic"]
    np.testing.assert_allclose(value(sd.gauss_newton(loss, NET, b)), value(sd.hessian(loss(NET), b)), rtol=1e-11, atol=1e-13)


def test_several_outputs_and_a_weight_that_is_one():
    penalty = lambda y, w: sd.sum((y - T) ** 2) / 2 + 3 * sd.sum(w * w)
    alone = value(sd.gauss_newton(LOSSES["squares"], NET, W)).reshape(h * o, h * o)
    both = value(sd.gauss_newton(penalty, [NET, W], W)).reshape(h * o, h * o)
    np.testing.assert_allclose(both, alone + 6 * np.eye(h * o), rtol=1e-12, atol=1e-13)
    twice = sd.gnvp(lambda y, z: sd.sum(y * z) / 2, [NET, NET], [b], [np.ones(o)])
    np.testing.assert_allclose(value(twice[0]), value(sd.gnvp(lambda y: sd.sum(y * y) / 2, NET, b, np.ones(o))), rtol=1e-12)


def test_what_is_refused():
    with pytest.raises(sd.Unsupported, match="depends on W by itself"):
        sd.gauss_newton(lambda y: sd.sum(y) + sd.sum(W), NET, W)
    with pytest.raises(sd.Unsupported, match="a function of the outputs"):
        sd.gauss_newton(sd.sum(NET), NET, W)
    with pytest.raises(sd.ShapeError, match="scalar"):
        sd.gauss_newton(lambda y: y, NET, W)
    with pytest.raises(sd.ShapeError, match="1 variables and 2 vectors"):
        sd.gnvp(LOSSES["squares"], NET, [W], [W, W])
