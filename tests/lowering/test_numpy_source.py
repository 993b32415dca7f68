"""The emitted text: the forms a person would have written, stable functions, and no size that breaks it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from symdiff.expr import ops as o
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr
from symdiff.lowering.lowered import lower
from symdiff.lowering.naming import ascii_name

X, Y, W = var("X", ("n", "d")), var("Y", ("n", "k")), var("W", ("d", "k"))
v, w, y, b = var("v", "n"), var("w", "d"), var("y", "n"), var("b", "k")
A = var("A", ("n", "n"))


def body(e: Expr | list[Expr], **options: Any) -> str:
    """The lines of the function, without its head."""
    text = lower(e, **options).source
    return "\n".join(line.strip() for line in text[text.rindex('"""') + 3 :].strip().splitlines())


FORMS: dict[str, tuple[Expr, str]] = {
    "matmul": (X @ W, "return X @ W"),
    "transposed": (X.T @ v, "return X.T @ v"),
    "both transposed": (W.T @ X.T, "return W.T @ X.T"),
    "row": (v @ X, "return v @ X"),
    "dot": (o.sum(v * y), "return v @ y"),
    "squares": (o.sum(v**2), "return v @ v"),
    "squares of a matrix": (o.sum(X**2), "return np.vdot(X, X)"),
    "outer": (v[:, None] * w, "return np.outer(v, w)"),
    "trace": (o.trace(A), "return np.trace(A)"),
    "diagonal": (o.diag(v) @ X, "return v[:, None] * X"),
    "diagonal matrix": (o.diag(v), "return np.diag(v)"),
    "bias": (X @ W + b, "return X @ W + b"),
    "sum": (o.sum(X, 0), "return np.sum(X, axis=0)"),
    "difference": (v - y, "return v - y"),
    "minus first": (-v + y, "return y - v"),
    "negated product": (-(X.T @ v), "return -(X.T @ v)"),
    "scale": (2 * (X.T @ v), "return 2.0 * (X.T @ v)"),
    "quotient": (v / y, "return v / y"),
    "reciprocal": (1 / v, "return 1.0 / v"),
    "square": (v**2, "return v * v"),
    "cube": (v**3, "return v * (v * v)"),
    "root": (o.sqrt(v), "return np.sqrt(v)"),
    "inverse root": (v**-0.5, "return 1.0 / np.sqrt(v)"),
    "one minus": (1 - v, "return 1.0 - v"),
    "mean": (o.mean(v), "n = len(v)\nreturn np.sum(v) / n"),
    "chain from the right": (X.T @ (X @ w), "return X.T @ (X @ w)"),
    "chain reordered": ((X.T @ X) @ w, "return X.T @ (X @ w)"),
    "last axis": (o.sum(X * w, 1), "return X @ w"),
    "mask": ((v > 0) * v, "return (v > 0) * v"),
    "where": (o.where(v > y, v, 0), "return np.where(v > y, v, 0.0)"),
    "stable softplus": (o.softplus(v), "return softplus(v)"),
    "gradient of least squares": (2 * X.T @ (X @ w - y) / o.sum(o.ones(("n",))), "n = X.shape[0]\nreturn 2.0 * (X.T @ (X @ w - y)) / n"),
    "weighted gram": (X.T @ (v[:, None] * X), "return X.T @ (v[:, None] * X)"),
    "quadratic form": (v @ A @ y, "return v @ (A @ y)"),
    "bias row": (X @ W + o.reshape(b, (1, "k")), "return X @ W + b"),
}


@pytest.mark.parametrize("name", FORMS)
def test_form(name: str) -> None:
    e, expected = FORMS[name]
    assert body(e) == expected


def test_no_einsum_in_usual_forms() -> None:
    logits = X @ W + b
    loss = o.mean(o.logsumexp(logits, 1)) - o.sum(Y * logits) / o.sum(o.ones(("n",)))
    back = o.softmax(logits) - Y
    f = lower([loss, X.T @ back, o.sum(back, 0), o.diag(v) @ X @ W, A @ o.diag(v), o.trace(A @ A)])
    assert "einsum" not in f.source
    assert f.source.count("X @ W") == 1


def test_a_product_that_two_others_hold_is_computed_once() -> None:
    e, g = v - y, o.tanh(v)
    first = e * g * (1 - g)
    second = o.einsum("i,i,i,ij->j", g, 1 - g, e, X)
    third = o.einsum("i,i,i->i", 1 - g, e, g) * y
    text = lower([first, second, third]).source
    assert text.count("1.0 -") == 1
    assert sum(i.op == "multiply" for i in lower([first, second, third]).program.instructions) == 3


def test_a_sigmoid_and_its_complement_share_the_exponential() -> None:
    h = o.sigmoid(v)
    f = lower([h, y * o.sigmoid(-v)], [v, y], names={h: "h"})
    assert "h, h_rest = sigmoids(v)" in f.source and "def sigmoid(" not in f.source
    points = np.array([-np.inf, -1000, -40, 0, 40, 1000, np.inf])
    both = f(points, np.ones(7))
    for got, sign in zip(both, (1, -1), strict=True):
        np.testing.assert_allclose(got, lower(o.sigmoid(v))(sign * points), rtol=1e-15)


def test_a_decomposition_of_which_two_parts_are_read_is_made_once() -> None:
    values, vectors = o.eigh(A)
    f = lower([values, vectors])
    assert f.source.count("linalg") == 1 and "values_A, vectors_A = np.linalg.eigh(A)" in f.source


def test_given_names_and_comments_stand_in_the_source() -> None:
    h = o.sigmoid(X @ W + b)
    delta = (h - Y) * h * (1 - h)
    f = lower(
        {"loss": o.sum((h - Y) ** 2), "dW": X.T @ delta},
        names={h: "h", delta: "δ₂"},
        comments={delta: "δ₂ = (h − Y) ⊙ h ⊙ (1 − h)"},
        name="step",
    )
    text = f.source
    assert "    h = sigmoid(X @ W + b)\n" in text
    assert "    delta2 = r1 * h * (1.0 - h)" in text and "# δ₂ = (h − Y) ⊙ h ⊙ (1 − h)\n" in text
    assert '"""X (n, d), W (d, k), b (k,), Y (n, k) -> loss (), dW (d, k)"""' in text
    assert "def sigmoid(x)" in text and "def logsumexp" not in text
    assert text.rstrip().endswith("return np.vdot(r1, r1), X.T @ delta2")


def test_a_size_and_an_expression_of_one_name() -> None:
    h = o.tanh(var("x", "h"))
    f = lower(o.mean(h) * h, names={h: "h"})
    np.testing.assert_allclose(f(np.ones(4)), np.tanh(1) ** 2 * np.ones(4))


def test_the_source_needs_numpy_only() -> None:
    f = lower([o.sigmoid(v), o.logsumexp(X, 1), o.gelu(v), X[1:], o.sort(v), o.cumsum(v)])
    namespace: dict[str, Any] = {}
    exec(f.source, namespace)
    values = [np.arange(1.0, 4.0), np.ones((3, 2))]
    for a, q in zip(namespace["f"](*values), f(*values), strict=True):
        assert np.array_equal(a, q)
    assert "symdiff" not in f.source


# --- delicate points ----------------------------------------------------------------------------------------------
INF = np.inf
STABLE: list[tuple[Callable[..., Expr], list[float], list[float]]] = [
    (o.sigmoid, [-INF, -1000, -745, -30, 0, 30, 1000, INF], [0, 0, 5e-324, 9.3576229688401746e-14, 0.5, 0.9999999999999065, 1, 1]),
    (o.softplus, [-INF, -1000, -30, 0, 1000, INF], [0, 0, 9.357622968839737e-14, np.log(2), 1000, INF]),
    (o.log_sigmoid, [-INF, -1000, -30, 0, 40, 1000, INF], [-INF, -1000, -30.000000000000092, -np.log(2), -4.248354255291589e-18, 0, 0]),
    (o.silu, [-1000, 0, 1000], [0, 0, 1000]),
    (o.elu, [-1000, 0, 1000], [-1, 0, 1000]),
    (o.gelu, [-1000, -20, 0, 1000], [0, -5.507248237212467e-88, 0, 1000]),
    (o.expm1, [1e-20, -1000], [1e-20, -1]),
    (o.log1p, [1e-20], [1e-20]),
    (o.relu, [-INF, -1, 0, INF], [0, 0, 0, INF]),
]


@pytest.mark.parametrize("function, points, values", STABLE, ids=lambda p: getattr(p, "__name__", ""))
def test_stable_functions_neither_warn_nor_lose_digits(function: Callable[..., Expr], points: list[float], values: list[float]) -> None:
    got = lower(function(v))(np.array(points))
    np.testing.assert_allclose(got, values, rtol=1e-13)
    assert np.isnan(lower(function(v))(np.array([np.nan]))).all()


def test_logsumexp_at_infinity() -> None:
    rows = np.array([[-INF, -INF], [INF, 1], [1000, 1000], [-1000, -1000], [INF, -INF], [-INF, 3]])
    np.testing.assert_allclose(lower(o.logsumexp(X, 1))(rows), [-INF, INF, 1000 + np.log(2), -1000 + np.log(2), INF, 3])


def test_division_by_zero_is_numpys() -> None:
    s = var("s")
    with np.errstate(all="ignore"):
        assert lower(1 / s)(0.0) == INF
        assert np.isnan(lower(o.sum(v) / o.sum(o.ones(("n",))))(np.zeros(0)))
        assert lower(o.log(s))(0.0) == -INF
        assert np.isnan(lower(s**0.5)(-1.0)) and np.isnan(lower(s**0.3)(-1.0))
        assert lower(1 / o.sum(o.zeros((3,))) + s)(0.0) == INF


# --- size ---------------------------------------------------------------------------------------------------------
def test_a_long_chain_is_cut_into_functions() -> None:
    x = var("x")
    e: Expr = x
    kept = []
    for k in range(4000):
        e = o.sin(e) * e + 0.5
        if k % 500 == 0:
            kept.append(e)
    f = lower([e, *kept], [x])
    assert f.source.count("def part") >= 3
    value, expected = 0.3, []
    for k in range(4000):
        value = float(np.sin(value) * value + 0.5)
        if k % 500 == 0:
            expected.append(value)
    np.testing.assert_allclose(f(0.3), [value, *expected], rtol=1e-12)


@pytest.mark.slow
def test_a_hundred_thousand_nodes_lower_in_seconds() -> None:
    x = var("x")
    e: Expr = x
    for _ in range(33_000):
        e = o.sin(e) * e + 0.5
    start = time.process_time()
    f = lower(e, [x])
    assert np.isfinite(f(0.3))
    assert time.process_time() - start < 60


def test_sharing_stays_linear() -> None:
    x = var("x", "n")
    e: Expr = x
    for _ in range(200):
        e = o.tanh(e + e * e)
    assert len(lower(e).program.instructions) <= 3 * 200


@pytest.mark.parametrize(
    "name, expected",
    [("x", "x"), ("δ₂", "delta2"), ("∂E/∂W₁", "dE_dW1"), ("σ′", "sigma_prime"), ("out_h1", "out_h1"), ("É", "E"), ("3", "v3"), ("", "v")],
)
def test_ascii_names(name: str, expected: str) -> None:
    assert ascii_name(name) == expected
