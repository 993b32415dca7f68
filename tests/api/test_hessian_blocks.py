"""Hessians in several variables: products, diagonal and blocks agree with the dense matrix, and a large one is never written out."""

from __future__ import annotations

import numpy as np
import pytest

import symdiff as sd
from symdiff.errors import BindingError, ShapeError, Unsupported


def net(i, h, o):
    X, T = sd.var("X", ("n", i)), sd.var("T", ("n", o), assume="onehot")
    weights = sd.var("W1", (i, h)), sd.var("b1", h), sd.var("W2", (h, o)), sd.var("b2", o)
    W1, b1, W2, b2 = weights
    z = sd.tanh(X @ W1 + b1) @ W2 + b2
    return sd.mean(sd.logsumexp(z, axis=1) - sd.sum(T * z, axis=1)), X, T, list(weights)


def point(rng, X, T, weights, n):
    values = {w: rng.normal(size=w.shape) / 10 for w in weights}
    return values | {X: rng.normal(size=(n, X.shape[1])), T: np.eye(T.shape[1])[rng.integers(0, T.shape[1], n)]}


@pytest.fixture(scope="module")
def large():
    loss, X, T, weights = net(784, 128, 10)
    values = point(np.random.default_rng(0), X, T, weights, 16)
    return loss, weights, values, sd.hessian(loss, weights).at(values)


def test_a_large_hessian_multiplies_vectors(large):
    loss, weights, values, H = large
    rng = np.random.default_rng(1)
    v = [rng.normal(size=w.shape) for w in weights]
    grad = sd.lower(sd.grad(loss, weights), list(values))
    step = 1e-5
    ahead, behind = (grad(*(a + s * step * v[weights.index(w)] if w in weights else a for w, a in values.items())) for s in (1, -1))
    for product, p, q in zip(H.hvp(*v), ahead, behind, strict=True):
        np.testing.assert_allclose(product, (p - q) / (2 * step), rtol=1e-4, atol=1e-5 * np.abs(product).max())


def test_a_large_hessian_has_its_diagonal(large):
    _, weights, _, H = large
    diagonal = H.diagonal()
    assert [d.shape for d in diagonal] == [w.shape for w in weights]
    for k, place in ((0, (5, 7)), (1, (3,)), (2, (100, 9)), (3, (0,))):
        unit = [np.zeros(w.shape) for w in weights]
        unit[k][place] = 1.0
        np.testing.assert_allclose(H.hvp(*unit)[k][place], diagonal[k][place], rtol=1e-9, atol=1e-15)


def test_a_large_hessian_gives_blocks_and_is_a_linear_operator(large):
    _, _, _, H = large
    block = H.block(3, 3)
    np.testing.assert_allclose(block, block.T, atol=1e-15)
    np.testing.assert_allclose(np.diagonal(block), H.diagonal()[3], rtol=1e-9)
    assert H.block(1, 3).shape == (128, 10)
    assert H.shape == (101770, 101770)
    flat = np.zeros(H.shape[0])
    flat[-10:] = np.arange(10.0)
    np.testing.assert_allclose((H @ flat)[-10:], block @ np.arange(10.0), rtol=1e-9, atol=1e-14)


def test_a_large_hessian_is_not_written_out(large):
    _, weights, _, H = large
    with pytest.raises(Unsupported, match=r"10,357,132,900 entries \(77.2 GiB\)"):
        H.dense()
    with pytest.raises(Unsupported, match=r"block \(0, 0\): dense it would have 10,070,523,904 entries"):
        H.block(0, 0)
    with pytest.raises(Unsupported, match="entries"):
        sd.hessian(net(784, 128, 10)[0], weights).dense()
    with pytest.raises(Unsupported, match="hessian: dense it would have 10,000,000,000 entries"):
        sd.hessian(lambda x: np.sum(x**4))(np.ones(100_000))


def test_a_small_hessian_is_the_same_dense():
    loss, X, T, weights = net(3, 4, 2)
    values = point(np.random.default_rng(2), X, T, weights, 5)
    H = sd.hessian(loss, weights).at({v.name: a for v, a in values.items()})
    dense = H.dense()
    assert dense.shape == H.shape == (26, 26)
    np.testing.assert_allclose(dense, np.column_stack([H @ e for e in np.eye(26)]), atol=1e-13)
    np.testing.assert_allclose(np.diagonal(dense), np.concatenate([d.ravel() for d in H.diagonal()]), atol=1e-13)
    symbolic = sd.lower(sd.hessian(loss, weights).dense(), list(values))
    np.testing.assert_allclose(symbolic(*values.values()), dense, atol=1e-13)


def test_what_is_given_is_checked():
    loss, X, T, weights = net(3, 4, 2)
    values = point(np.random.default_rng(2), X, T, weights, 5)
    H = sd.hessian(loss, weights)
    with pytest.raises(BindingError, match="no value is given for X"):
        H.at({v: a for v, a in values.items() if v is not X})
    with pytest.raises(BindingError, match="no variable 'W3'"):
        H.at({"W3": 1.0})
    with pytest.raises(ShapeError, match=r"X is \(n, 3\), a value of shape \(5, 4\)"):
        H.at(values | {X: np.ones((5, 4))})
    with pytest.raises(ShapeError, match="4 variables and 1 vectors"):
        H.at(values).hvp(np.ones((3, 4)))
    with pytest.raises(ShapeError, match="a vector of 3"):
        H.at(values) @ np.ones(3)
