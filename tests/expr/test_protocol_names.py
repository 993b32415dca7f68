"""NumPy's own functions on expressions give the node that ours give, and what is not supported is named."""

from __future__ import annotations

import numpy as np
import pytest

import symdiff as sd
from symdiff.expr.leaves import var

x, v, X, A = var("x"), var("v", (3,)), var("X", (3, 4)), var("A", (3, 3))
array = np.array([1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        pytest.param(lambda: np.sum(X), lambda: sd.sum(X), id="sum"),
        pytest.param(lambda: np.sum(X, axis=1, keepdims=True), lambda: sd.sum(X, axis=1, keepdims=True), id="sum by axis"),
        pytest.param(lambda: np.mean(X, 0), lambda: sd.mean(X, 0), id="mean"),
        pytest.param(lambda: np.var(X, ddof=1), lambda: sd.variance(X, ddof=1), id="var"),
        pytest.param(lambda: np.exp(v), lambda: sd.exp(v), id="exp"),
        pytest.param(lambda: np.abs(v), lambda: sd.absolute(v), id="abs"),
        pytest.param(lambda: np.negative(v), lambda: -v, id="negative"),
        pytest.param(lambda: np.true_divide(v, 2), lambda: v / 2, id="true_divide"),
        pytest.param(lambda: np.float64(2) * v, lambda: 2.0 * v, id="NumPy scalar times"),
        pytest.param(lambda: array + v, lambda: sd.add(array, v), id="array plus"),
        pytest.param(lambda: array @ X, lambda: sd.matmul(array, X), id="array @"),
        pytest.param(lambda: np.maximum(v, array), lambda: sd.maximum(v, array), id="maximum"),
        pytest.param(lambda: np.where(v > 0, v, 0), lambda: sd.where(v > 0, v, 0), id="where"),
        pytest.param(lambda: np.dot(X.T, v), lambda: X.T @ v, id="dot"),
        pytest.param(lambda: np.einsum("ij,i->j", X, v), lambda: sd.einsum("ij,i->j", X, v), id="einsum"),
        pytest.param(lambda: np.outer(v, v), lambda: sd.outer(v, v), id="outer"),
        pytest.param(lambda: np.multiply.outer(v, v), lambda: sd.outer(v, v), id="multiply.outer"),
        pytest.param(lambda: np.add.reduce(X), lambda: sd.sum(X, axis=0), id="add.reduce"),
        pytest.param(lambda: np.multiply.accumulate(v), lambda: sd.cumprod(v), id="multiply.accumulate"),
        pytest.param(lambda: np.transpose(X), lambda: X.T, id="transpose"),
        pytest.param(lambda: np.concatenate([v, array]), lambda: sd.concatenate([v, array]), id="concatenate"),
        pytest.param(lambda: np.stack([v, v], axis=1), lambda: sd.stack([v, v], axis=1), id="stack"),
        pytest.param(lambda: np.linalg.inv(A), lambda: sd.inv(A), id="inv"),
        pytest.param(lambda: np.linalg.norm(v), lambda: sd.norm(v), id="norm"),
        pytest.param(lambda: np.trace(A), lambda: sd.trace(A), id="trace"),
        pytest.param(lambda: np.square(v), lambda: v**2, id="square"),
        pytest.param(lambda: np.radians(v), lambda: sd.deg2rad(v), id="radians"),
    ],
)
def test_numpy_gives_our_node(theirs, ours):
    assert theirs() is ours()


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: np.nextafter(v, 1), "np.nextafter"),
        (lambda: np.bitwise_and(v, 1), "np.bitwise_and"),
        (lambda: np.fft.fft(v), "np.fft.fft"),
        (lambda: np.histogram(v), "np.histogram"),
        (lambda: np.linalg.qr(A), "np.linalg.qr"),
        (lambda: np.cumsum(v, dtype=np.float32), "dtype"),
        (lambda: np.exp(v, out=np.zeros(3)), "out"),
        (lambda: np.add(array, v, out=array), "out"),
        (lambda: np.exp(v, dtype=np.float32), "dtype"),
        (lambda: np.subtract.reduceat(v, [0, 1]), "np.subtract.reduceat"),
        (lambda: np.add.at(array, [0], v[0]), "np.add.at"),
    ],
)
def test_what_is_not_supported_is_named(call, named):
    with pytest.raises(sd.Unsupported) as error:
        call()
    assert named in str(error.value)


@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated:DeprecationWarning")
def test_fix_is_trunc():
    assert np.fix(v) is sd.trunc(v)
