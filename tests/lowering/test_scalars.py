"""Tiny programs on floats: the same values as on arrays, NumPy's inf and nan where Python raises, and no array in the way."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest

from symdiff.expr import ops as o
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr
from symdiff.grad import grad
from symdiff.lowering.lowered import lower
from tests.threads import in_threads

A, B = var("A", (2, 3)), var("B", (3, 2))
v, w, s = var("v", 3), var("w", 3), var("s")
VALUES = {
    "A": np.array([[0.3, -1.2, 0.7], [2.0, 0.1, -0.4]]),
    "B": np.array([[1.0, 0.5], [-0.3, 0.8], [0.2, -2.0]]),
    "v": np.array([0.5, 1.5, -0.25]),
    "w": np.array([2.0, 0.75, 1.25]),
    "s": 0.6,
}

EXPRESSIONS: dict[str, Expr] = {
    "products": A @ B, "matvec": A @ v, "vecmat": (B @ A) @ w, "dot": o.sum(v * w), "outer": o.outer(v, w), "trace": o.trace(A @ B), "vdot": o.sum(A * B.T),
    "batch": o.einsum("ij,jk,ij->ik", A, B, A), "tensor": o.tensordot(o.outer(v, w), A, ([0, 1], [1, 1])) if False else o.tensordot(A, B, ([0, 1], [1, 0])),
    "views": A.T[1:, ::-1] + o.reshape(A, (3, 2))[:2], "diagonal": o.diagonal(A @ B), "diag": o.diag(v) @ B, "diag alone": o.diag(v), "eye": o.eye(3) * s,
    "embed": o.einsum("i,ij,ik->ijk", v, o.eye(3), B), "sums": o.sum(A, 0) + o.mean(A, 1, keepdims=True), "max": o.max(A, 0) - o.min(A), "prod": o.prod(A, 1), "logsumexp": o.logsumexp(A, 1),
    "softmax": o.softmax(A), "cumsum": o.cumsum(A, 1), "cumprod": o.cumprod(v), "concat": o.concatenate([v, w, v * 2]), "stack": o.stack([s, s * 2, v[0]]), "pad": o.pad(v, 1), "row": A + v - s,
    "powers": v**3 + w**-2 + o.sqrt(w) + w**-0.5 + w**1.7 + w**s + 2**v, "division": v / w / 3, "sign": o.sign(v) + o.absolute(v), "choice": o.where(v > 0, v, w * v), "extremes": o.maximum(v, 0.7) + o.minimum(v, w),
    "sigmoid": o.sigmoid(v) * (1 - o.sigmoid(v)) + o.sigmoid(-v), "softplus": o.softplus(v) + o.log_sigmoid(w), "exponentials": o.exp(v) + o.exp2(v) + o.expm1(v) + o.log(w) + o.log1p(w) + o.log2(w) + o.log10(w),
    "circle": o.sin(v) + o.cos(v) + o.tan(v) + o.arctan(v) + o.arctan2(v, w) + o.arcsin(v / 2) + o.arccos(v / 2) + o.hypot(v, w), "hyperbola": o.sinh(v) + o.cosh(v) + o.tanh(v) + o.arcsinh(v) + o.arccosh(1 + w) + o.arctanh(v / 2),
    "activations": o.relu(v) + o.leaky_relu(v) + o.elu(v) + o.gelu(v) + o.gelu_tanh(v) + o.silu(v) + o.softsign(v), "special": o.erf(v) + o.erfc(v) + o.gammaln(w) + o.cbrt(v), "logaddexp": o.logaddexp(v, w),
    "mask": (v > 0) * w + (1 - (w > 1)), "constants": A * np.arange(6.0).reshape(2, 3) + 0 * A, "all constant": v * 0 + o.exp(o.const(1.0)) if hasattr(o, "const") else v * 0 + 2,
}  # fmt: skip


def values_of(e: Expr) -> dict[str, object]:
    from symdiff.expr.traverse import variables

    return {x.name: VALUES[x.name] for x in variables(e)}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_floats_equal_arrays(name: str) -> None:
    e = EXPRESSIONS[name]
    f, arrays = lower(e, fast=True), lower(e)
    values = values_of(e)
    got, expected = f(**values), arrays(**values)
    assert type(got) is type(expected) and np.shape(got) == np.shape(expected)
    np.testing.assert_allclose(got, expected, rtol=2e-14, atol=1e-14)
    assert f.floats is not None
    flat = f.floats(*(float(x) for i in f.program.inputs for x in np.ravel(values[i.name])))
    np.testing.assert_array_equal(flat, np.ravel(got))
    assert "np." not in f.source[f.source.index("def f_floats") : f.source.index("    except (Arith")]


@pytest.mark.parametrize(
    "e, x",
    [
        (o.exp(s), 1000.0), (o.log(s), 0.0), (o.log(s), -1.0), (1 / s, 0.0), (o.sqrt(s), -1.0), (s**0.3, -2.0), (s**-3, 0.0), (o.sin(s), np.inf), (s * s, 1e300), (o.sigmoid(s), -1000.0),
        (o.sigmoid(-s), 1000.0), (o.softplus(s), 1000.0), (o.cosh(s), -800.0), (o.arccosh(s), 0.5), (o.arctanh(s), 1.0), (o.gammaln(s), 0.0), (o.maximum(s, 1), np.nan), (o.minimum(1, s), np.nan),
        (o.relu(s), np.nan), (o.sign(s), np.nan), (o.logsumexp(o.stack([s, s])), -np.inf), (o.logsumexp(o.stack([s, -s])), np.inf), (o.logaddexp(s, s), np.inf), (2**s, 5000.0), (o.tanh(s), -np.inf),
    ],
)  # fmt: skip
def test_where_python_raises_the_result_is_numpys(e: Expr, x: float) -> None:
    f = lower(e, [s], fast=True)
    assert f.floats is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_array_equal(f(x), lower(e, [s])(x))
        np.testing.assert_array_equal(f.floats(x), [lower(e, [s])(x)])


@pytest.mark.parametrize("x", [np.inf, -np.inf, np.nan, 1e4, -1e4, 740.0, -740.0, 0.0])
def test_what_shares_an_exponential_keeps_the_limits_of_the_functions(x: float) -> None:
    """An infinite argument, as of a product that overflows, raises nothing: exp(inf) times 1 / (1 + exp(inf)) would be nan, and is 1."""
    outputs = [o.sigmoid(v), o.sigmoid(-v), o.sigmoid(v) * o.sigmoid(-v), o.softplus(v), o.log_sigmoid(v), grad(o.sum(o.silu(v)), v)]
    f, plain = lower(outputs, [v], fast=True), lower(outputs, [v], fast=False)
    assert f.floats is not None
    with np.errstate(all="ignore"):
        for got, expected in zip(f(np.full(3, x)), plain(np.full(3, x)), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-13, atol=0)


def test_a_program_stays_on_arrays_where_it_must() -> None:
    for e in (o.sort(v), o.argmax(v), v > 0, o.inv(A @ B), o.digamma(v), v[var("i", 2)]):
        assert lower(e, fast=True).floats is None
    X = var("X", (40, 30))
    assert lower(X @ X.T, fast=True).floats is None


def test_sizes_are_those_of_each_call() -> None:
    X, y = var("X", ("n", "d")), var("y", "n")
    f = lower([X.T @ (X @ o.sum(X, 0) - y), y * 2], [X, y], fast=True)
    for n, d in ((2, 2), (3, 1), (2, 2), (0, 3), (60, 50)):
        a, b = np.arange(n * d, dtype=float).reshape(n, d), np.ones(n)
        got = f(a, b)
        np.testing.assert_allclose(got[0], a.T @ (a @ a.sum(0) - b))
        assert got[1].shape == (n,)
    special = f.for_sizes(n=2, d=2)
    assert special.floats is not None and "X (2, 2), y (2,)" in special.source
    assert f.floats is None
    again = pickle.loads(pickle.dumps(special))
    assert again.source == special.source


def test_float32_goes_to_the_arrays() -> None:
    f = lower(A @ v, [A, v], fast=True)
    got = f(VALUES["A"].astype(np.float32), VALUES["v"].astype(np.float32))
    assert got.dtype == np.float32


def test_a_step_of_a_tiny_network_is_straight_arithmetic() -> None:
    h = o.sigmoid(B @ (A @ v))
    f = lower({"loss": o.sum((h - w) ** 2), "h": h}, [A, B, v, w], names={h: "h"}, fast=True, name="step")
    inside = f.source[f.source.index("def step_floats") : f.source.index("    except (Arith")]
    assert "        h_1 = 1.0 / " in inside and "np." not in inside and "[" not in inside
    assert inside.count("exp(") == 3


def test_constants_that_are_zero_or_one_drop_out() -> None:
    X = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    f = lower(A @ v, [v], constants={A: X}, fast=True)
    inside = f.source[f.source.index("    try:") : f.source.index("    except (Arith")]
    assert inside.split() == ["try:", "return", "v_2,", "v_1"]


def test_fast_functions_in_threads() -> None:
    X = var("X", ("n", 2))
    f = lower(o.sum(X @ X.T), [X], fast=True)
    wrong: list[int] = []

    def work(n: int) -> None:
        a = np.arange(2.0 * n).reshape(n, 2)
        for _ in range(20):
            if not np.isclose(f(a), (a @ a.T).sum()):
                wrong.append(n)

    in_threads(work, range(1, 7))
    assert not wrong
