"""Arrays kept as their factors: written out and multiplied, they are what the dense program gives."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import symdiff as sd
from symdiff.errors import BindingError, ShapeError

RNG = np.random.default_rng(5)
T, U, V = sd.var("T", ("m", "n")), sd.var("U", ("m", "k")), sd.var("V", ("n", "k"))
x, A, D = sd.var("x", "n"), sd.var("A", ("n", "n")), sd.var("D", ("n", "n"))
SIZES = {"m": 4, "n": 3, "k": 2}
CASES = {
    "matrix factorisation": (sd.hessian(sd.sum((T - U @ V.T) ** 2), U), (4, 2)),
    "matrix factorisation, ridge": (sd.hessian(sd.sum((T - U @ V.T) ** 2) + sd.sum(U**2), U), (4, 2)),
    "identity": (sd.hessian(sd.sum(x**2), x), (3,)),
    "diagonal": (sd.hessian(sd.sum(sd.exp(x)), x), (3,)),
    "no structure": (sd.hessian(x @ A @ x, x), (3,)),
    "Kronecker on the left": (sd.hessian(sd.sum((A @ D) ** 2), D), (3, 3)),
    "transpose": (sd.jacobian(A.T, A), (3, 3)),
    "trace of a square": (sd.hessian(sd.trace(A @ A), A), (3, 3)),
    "stretched": (sd.jacobian(sd.broadcast_to(x, ("m", "n")) + sd.sum(T), T), (4, 3)),
    "bilinear block": (sd.hessian(sd.sum((T - U @ V.T) ** 2), [U, V])[0][1], (3, 2)),
}


def values(e):
    return {v.name: RNG.normal(size=tuple(SIZES[d] for d in v.shape)) for v in (T, U, V, x, A, D)}


@pytest.mark.parametrize("name", CASES)
def test_compressed_is_dense(name):
    e, shape = CASES[name]
    inputs = [T, U, V, x, A, D]
    given = values(e)
    dense = sd.lower(e, inputs)(**given)
    made = sd.lower_compressed(e, inputs)(**given)
    np.testing.assert_allclose(made.dense(), dense, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(np.asarray(made), dense, rtol=1e-12, atol=1e-13)
    vector = RNG.normal(size=shape)
    np.testing.assert_allclose(made @ vector, np.tensordot(dense, vector, len(shape)), rtol=1e-12, atol=1e-13)


def test_few_numbers_stand_for_many():
    kept = {name: sd.lower_compressed(e, [T, U, V, x, A, D])(**values(e)).size_kept for name, (e, _) in CASES.items()}
    assert kept["matrix factorisation"] == 4  # V'V
    assert kept["matrix factorisation, ridge"] <= 5
    assert kept["identity"] == kept["transpose"] == kept["trace of a square"] == 1
    assert kept["diagonal"] == 3
    assert kept["Kronecker on the left"] == 9


def test_several_outputs_share_a_program():
    f = sd.lower_compressed([CASES["identity"][0], CASES["diagonal"][0]], [x])
    one, two = f(np.zeros(3))
    np.testing.assert_array_equal(one.dense(), 2 * np.eye(3))
    np.testing.assert_array_equal(two.dense(), np.eye(3))
    assert f.source.count("def ") == 1


def test_a_vector_that_does_not_fit_is_refused():
    made = sd.lower_compressed(CASES["identity"][0], [x])(np.zeros(3))
    with pytest.raises(ShapeError, match=r"compressed \(3, 3\) @ \(4,\)"):
        made @ np.ones(4)


def test_sizes_may_change_and_arguments_come_by_name_or_as_lists():
    e, _ = CASES["matrix factorisation"]
    f = sd.lower_compressed(e, [T, U, V])
    for m in (4, 2, *range(5, 30), 4):
        a, b, c = np.ones((m, 3)), np.ones((m, 2)), np.ones((3, 2))
        for made in (f(a, b, c), f(a, V=c, U=b), f(a.tolist(), b.tolist(), c.tolist())):
            assert made.shape == made.dense().shape == (m, 2, m, 2)
    with pytest.raises(BindingError, match="missing: V"):
        f(np.ones((4, 3)), np.ones((4, 2)))
    again = pickle.loads(pickle.dumps(f))
    np.testing.assert_array_equal(again(a, b, c).dense(), f(a, b, c).dense())


def test_a_dim_that_is_computed():
    e = sd.jacobian(sd.diff(x) ** 2, x)
    made = sd.lower_compressed(e, [x])(np.array([1.0, 2.0, 4.0]))
    np.testing.assert_array_equal(made.dense(), [[-2.0, 2.0, 0.0], [0.0, -4.0, 4.0]])


def test_constants_and_sizes_go_by_name_as_in_lower():
    X = sd.var("X", (2, 2))
    given = np.array([[2.0, 1.0], [0.0, 3.0]])
    f = sd.lower_compressed(sd.trace(X) * X, constants={"X": given})
    np.testing.assert_allclose(f().dense(), 5 * given)
    a = sd.var("a", "p")
    g = sd.lower_compressed(X + 0 * sd.sum(a), [X, a], sizes={"p": 3})
    np.testing.assert_allclose(g(given, np.ones(3)).dense(), given)


def test_a_dim_that_only_a_constant_or_a_size_has():
    X, w = sd.var("X", ("n", "d")), sd.var("w", "d")
    array = np.arange(12.0).reshape(4, 3)
    found = sd.lower_compressed(sd.hessian(sd.sum((X @ w) ** 2), w), constants={X: array})()
    np.testing.assert_allclose(found.dense(), 2 * array.T @ array)
    T, U, V = sd.var("T", ("m", "n")), sd.var("U", ("m", "k")), sd.var("V", ("n", "k"))
    found = sd.lower_compressed(sd.hessian(sd.sum((T - U @ V.T) ** 2), U), constants={"V": array}, sizes={"m": 5})()
    assert found.shape == (5, 3, 5, 3)
    np.testing.assert_allclose(found.dense(), np.einsum("ij,kl->ikjl", np.eye(5), 2 * array.T @ array))
