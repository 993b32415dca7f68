"""Every node that is no elementwise function: numeric derivative, forward against reverse, Jacobian against both, to second order."""

from __future__ import annotations

import numpy as np
import pytest

from symdiff.calculus import gradient, hvp, jacobian, jvp, vjp
from symdiff.expr import ops
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr
from symdiff.expr.structure import scan
from tests.reference import evaluate

RNG = np.random.default_rng(7)
M34, V3, V4, T234 = RNG.normal(size=(3, 4)), RNG.normal(size=3), RNG.normal(size=4), RNG.normal(size=(2, 3, 4))
SQUARE = np.array([[2.0, 0.3, -0.2], [0.1, 1.5, 0.4], [0.5, -0.3, 1.8]])
INDEX = np.array([2, 0, 2])


def spd(x: Expr) -> Expr:
    return x @ x.mT + 2 * ops.eye(x.shape[-1])


CASES = {
    "matmul": (lambda x: x @ M34.T, (2, 4)), "matmul vector": (lambda x: M34 @ x, (4,)), "rmatmul batch": (lambda x: T234 @ x, (2, 4, 2)),
    "matmul broadcast batch": (lambda x: x @ M34.T, (2, 3, 4)), "outer": (lambda x: ops.outer(x, x), (3,)), "quadratic": (lambda x: x @ SQUARE @ x, (3,)),
    "cube": (lambda x: x * x * x, (3,)), "trace": (lambda x: ops.trace(x @ x), (3, 3)), "diagonal": (lambda x: ops.diagonal(x) ** 2, (3, 3)),
    "diag": (lambda x: ops.diag(x * x), (3,)), "diagonal offset": (lambda x: ops.diagonal(x, 1) ** 2, (3, 4)),
    "einsum": (lambda x: ops.einsum("ij,jk,ik->i", x, M34, x @ M34), (3, 3)), "tensordot": (lambda x: ops.tensordot(x, T234, ([0, 1], [1, 2])), (3, 4)),
    "kron": (lambda x: ops.kron(x, x), (2, 2)), "inner": (lambda x: ops.inner(x, M34), (3, 4)), "bias": (lambda x: (M34 + x) ** 2, (4,)),
    "stretch": (lambda x: x * M34, (3, 1)), "subtract stretch": (lambda x: (x - x.T) ** 2, (1, 3)), "divide": (lambda x: M34 / (x * x + 1), (4,)),
    "sum axis": (lambda x: x.sum(axis=-2) ** 2, (2, 3, 4)), "sum keepdims": (lambda x: (x / (x * x + 1).sum(axis=(0, -1), keepdims=True)), (2, 3, 2)),
    "mean": (lambda x: x.mean(axis=0) ** 3, (3, 4)), "var": (lambda x: x.var(axis=1, ddof=1), (3, 4)), "std": (lambda x: x.std(), (3, 4)),
    "max": (lambda x: x.max(axis=1) ** 2, (3, 4)), "min": (lambda x: x.min() ** 2, (3, 4)), "max all axes": (lambda x: x.max(axis=(0, 2), keepdims=True) ** 3, (2, 3, 2)),
    "prod": (lambda x: x.prod(), (4,)), "prod axis": (lambda x: x.prod(axis=(0, 2)), (2, 2, 3)), "prod one": (lambda x: x.prod(axis=0), (1, 3)),
    "logsumexp": (lambda x: ops.logsumexp(x, axis=1), (3, 4)), "softmax": (lambda x: ops.softmax(x, axis=0), (3, 2)), "log_softmax": (lambda x: ops.log_softmax(x), (3, 4)),
    "cumsum": (lambda x: ops.cumsum(x * x, axis=1), (2, 3)), "cumprod": (lambda x: ops.cumprod(x, axis=1), (2, 3)), "cumprod flat": (lambda x: ops.cumprod(x), (2, 2)),
    "cumprod reverse": (lambda x: scan("cumprod", x, 0, True), (4,)), "cumsum reverse": (lambda x: scan("cumsum", x * x, 0, True), (4,)), "diff": (lambda x: ops.diff(x, 2) ** 2, (2, 5)),
    "norm": (lambda x: ops.norm(x), (3, 4)), "norm 1": (lambda x: ops.norm(x, 1, axis=0), (3, 4)), "norm inf": (lambda x: ops.norm(x, np.inf), (4,)),
    "norm 3": (lambda x: ops.norm(x, 3), (4,)), "norm nuc": (lambda x: ops.norm(x, "nuc"), (3, 2)), "norm spectral": (lambda x: ops.norm(x, 2), (3, 2)),
    "inv": (lambda x: ops.inv(x + 3 * ops.eye(3)), (3, 3)), "inv batch": (lambda x: ops.inv(x + 4 * ops.eye(2)), (3, 2, 2)), "det": (lambda x: ops.det(x), (3, 3)),
    "logdet": (lambda x: ops.logdet(x), (3, 3)), "logdet batch": (lambda x: ops.logdet(x + 4 * ops.eye(3)), (2, 3, 3)), "solve": (lambda x: ops.solve(x + 3 * ops.eye(3), M34), (3, 3)),
    "solve right": (lambda x: ops.solve(SQUARE, x * x), (3,)), "solve both": (lambda x: ops.solve(x + 3 * ops.eye(3), x), (3, 3)),
    "solve batch": (lambda x: ops.solve(x + 3 * ops.eye(2), x), (2, 2, 2)),
    "cholesky": (lambda x: ops.cholesky(spd(x)), (3, 3)), "eigvalsh": (lambda x: ops.eigvalsh(x + x.T), (3, 3)), "svdvals": (lambda x: ops.svdvals(x), (2, 3)),
    "eigh": (lambda x: (ops.eigh(x + x.T)[1] ** 2) @ V3, (3, 3)), "pinv": (lambda x: ops.pinv(x), (3, 2)), "matrix_power": (lambda x: ops.matrix_power(x, 3), (2, 2)),
    "matrix_power negative": (lambda x: ops.matrix_power(x + 3 * ops.eye(2), -2), (2, 2)),
    "reshape": (lambda x: ops.reshape(x * x, (2, 6)), (3, 4)), "squeeze": (lambda x: ops.squeeze(x**2), (3, 1, 2)), "transpose": (lambda x: ops.transpose(x**2, (2, 0, 1)), (2, 3, 2)),
    "slice": (lambda x: x[1:, ::-2] ** 2, (3, 4)), "slice position": (lambda x: x[1] * x[-1, ::2].sum(), (3, 4)), "rosen": (lambda x: (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum(), (5,)),
    "concatenate": (lambda x: ops.concatenate([x, x * x, M34], axis=0), (2, 4)), "stack": (lambda x: ops.stack([x, x**3], axis=1), (2, 2)), "pad": (lambda x: ops.pad(x**2, ((1, 0), (0, 2))), (2, 2)),
    "gather": (lambda x: x[INDEX] ** 2, (3, 2)), "gather two": (lambda x: x[INDEX, [0, 1, 1]] ** 2, (3, 2)), "gather axis": (lambda x: ops.take(x**2, INDEX, axis=1), (2, 3)),
    "mask": (lambda x: x[np.array([True, False, True])] ** 2, (3, 2)), "sort": (lambda x: ops.sort(x)[0] * x, (4,)), "sort axis": (lambda x: ops.sort(x**3, axis=0), (3, 2)),
    "repeat": (lambda x: ops.repeat(x**2, 2, axis=0), (2, 2)), "tril": (lambda x: ops.tril(x) @ x, (3, 3)), "where": (lambda x: ops.where(x > 0, x**2, x), (3, 4)),
    "clip": (lambda x: ops.clip(x, -0.5, 0.5) * x, (3, 4)), "average": (lambda x: ops.average(x, weights=x * x), (4,)),
}  # fmt: skip


def derivative(f, x: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The derivative of f at x in direction v, by Richardson's extrapolation."""
    d = lambda s: (f(x + s * v) - f(x - s * v)) / (2 * s)
    h = 2e-3
    return (64 * d(h / 4) - 20 * d(h / 2) + d(h)) / 45


@pytest.mark.parametrize("name", CASES)
def test_modes_agree_with_numeric_derivative(name: str) -> None:
    f, shape = CASES[name]
    rng = np.random.default_rng(len(name))
    x, t = var("x", shape), var("t", shape)
    y = f(x)
    c = var("c", y.shape)
    at, tv, cv = rng.normal(size=shape), rng.normal(size=shape), rng.normal(size=y.shape)
    env = {x: at, t: tv, c: cv}
    expected = derivative(lambda v: evaluate(y, {x: v}), at, tv)
    forward = evaluate(jvp(y, [x], [t]), env)
    np.testing.assert_allclose(forward, expected, rtol=3e-7, atol=3e-7)
    (back,) = vjp(y, [x], c)
    np.testing.assert_allclose(np.sum(evaluate(back, env) * tv), np.sum(cv * forward), rtol=1e-9, atol=1e-9)
    (j,) = jacobian(y, [x])
    assert j.shape == (*y.shape, *x.shape)
    np.testing.assert_allclose(np.tensordot(evaluate(j, env), tv, axes=len(shape)), forward, rtol=1e-9, atol=1e-9)
    loss = ops.sum(c * y)
    (g,) = gradient(loss, [x])
    (second,) = hvp(loss, [x], [t])
    expected = derivative(lambda v: evaluate(g, {**env, x: v}), at, tv)
    np.testing.assert_allclose(evaluate(second, env), expected, rtol=1e-6, atol=1e-6)
    (h,) = jacobian(g, [x])
    np.testing.assert_allclose(np.tensordot(evaluate(h, env), tv, axes=len(shape)), evaluate(second, env), rtol=1e-8, atol=1e-8)


def test_prod_and_cumprod_are_right_at_zeros() -> None:
    x = var("x", 4)
    at = np.array([2.0, 0.0, 3.0, 0.0])
    np.testing.assert_array_equal(evaluate(gradient(ops.prod(x), [x])[0], {x: at}), np.zeros(4))
    at = np.array([2.0, 0.0, 3.0, 5.0])
    np.testing.assert_array_equal(evaluate(gradient(ops.prod(x), [x])[0], {x: at}), [0, 30, 0, 0])
    np.testing.assert_array_equal(evaluate(gradient(ops.cumprod(x)[2], [x])[0], {x: at}), [0, 6, 0, 0])


def test_ties_of_a_maximum_share_the_derivative() -> None:
    x = var("x", 3)
    np.testing.assert_array_equal(evaluate(gradient(ops.max(x), [x])[0], {x: np.array([1.0, 2.0, 2.0])}), [0, 0.5, 0.5])
