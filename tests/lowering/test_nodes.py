"""Every node and function, lowered and compared with the reference evaluator and with NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from symdiff.expr import ops as o
from symdiff.expr.algebra import contract
from symdiff.expr.functions import FUNCTIONS
from symdiff.expr.leaves import const, var
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Contract, Delta, GatherT, Linalg, Ones, Range, Reduce, Scan, Scatter, Slice
from symdiff.lowering.linearize import LOWER
from symdiff.lowering.lowered import lower
from tests.reference import evaluate_named

RNG = np.random.default_rng(3)
SIZES = {"n": 5, "d": 3, "h": 4}
X, Y = var("X", ("n", "d")), var("Y", ("n", "d"))
A, B, C = var("A", ("n", "n")), var("B", ("d", "h")), var("C", ("h", "n"))
v, w, u = var("v", "n"), var("w", "d"), var("u", "n")
s, t = var("s"), var("t")
T, S = var("T", ("n", "d", "h")), var("S", ("n", "h", "d"))
K = var("K", (4, 3))
row, column = var("row", (1, "d")), var("column", ("n", 1))
index = var("index", (4,))
VALUES = {
    x.name: RNG.uniform(0.2, 1.8, tuple(SIZES.get(d, d) for d in x.shape)) for x in (X, Y, A, B, C, v, w, u, s, t, T, S, K, row, column)
} | {"index": np.array([0, 2, -1, 2])}
VALUES["A"] = VALUES["A"] @ VALUES["A"].T + np.eye(5)
n, d, h = ("n", "d", "h")

EXPRESSIONS: dict[str, Expr] = {
    # products
    "matmul": X @ B, "matvec": X @ w, "vecmat": v @ X, "dot": v @ u, "outer": o.outer(v, w), "chain": X @ B @ C @ v, "gram": X.T @ X,
    "transpose": X.T, "trace": o.trace(A), "diagonal": o.diagonal(A), "diag": o.diag(v), "diag product": o.diag(v) @ X, "identity": o.eye("n") * 2 + A,
    "two diagonals": o.diag(v) @ o.diag(u), "diag of a product": o.diag(v * u) @ X, "inner": o.inner(X, Y), "vdot": o.vdot(X, Y),
    "batched": o.einsum("ijk,ikl->ijl", T, S), "batched vector": o.einsum("ijk,ij->ik", T, X), "batched dot": o.einsum("ij,ij->i", X, Y),
    "tensordot": o.tensordot(T, S, ([1, 2], [2, 1])), "tensordot one": o.tensordot(T, X, ([0, 1], [0, 1])), "stack times matrix": T @ C,
    "einsum only": o.einsum("ijk,ikl,il->jl", T, S, X), "three way": o.einsum("ij,ik,il->jkl", X, o.tanh(X), X), "sums": o.sum(X, 0) + w,
    "sum of product": o.sum(X * Y), "sum all": X.sum(), "mean": o.mean(X, 1), "quadratic": v @ A @ v, "weighted": X.T @ (v[:, None] * X),
    "many factors": o.einsum("i,i,i,ij,j,j,jk,k,kl,l->i", v, u, v, X, w, w, B, o.sum(B, 0), C, v),
    "repeated label": o.einsum("iij->ij", o.broadcast_to(A[:, :, None], (n, n, 1)) * o.ones((n, n, 2))), "kron": o.kron(B, w[:, None]),
    # broadcasting
    "row": X + row, "column": X * column, "row and column": row * column, "row minus column": row - column + X, "scalar": s * X - t,
    "bias": X @ B + o.sum(B, 0), "bare row": o.broadcast_to(row, (n, d)), "bare scalar": o.broadcast_to(s, (n, d)), "zeros": o.zeros((n, 2)) + 0 * v[:, None],
    "column of vector": v[:, None] * X, "standardise": (X - o.mean(X, 0)) / o.std(X, 0), "difference": v[:, None] - v, "function of broadcast": o.exp(row) * X,
    # sums, signs, powers
    "negative": -X, "minus first": -X + Y, "all minus": -X - Y - 2, "one minus": 1 - o.tanh(v), "third": v / 3, "half": X / 2, "divide": X / Y,
    "divide by size": v / o.mean(o.ones((n,))) / o.sum(o.ones((n,))), "reciprocal": 1 / v, "divide twice": X / Y / w, "matmul of reciprocal": X @ (1 / w),
    "cube": v**3, "power 7": v**7, "power -2": v**-2, "root": o.sqrt(v), "inverse root": v**-0.5, "three halves": v**1.5, "power 0.3": v**0.3,
    "power of": v**u, "two to the": 2**v, "squares": o.sum(v**2), "size": o.sum(o.ones((n, d))) * s, "power 20": v**20, "constants": s * 0 + 3.5,
    # reductions and scans
    "max": o.max(X, 1), "min": o.min(X), "prod": o.prod(X, 0), "logsumexp": o.logsumexp(X, 1), "logsumexp all": o.logsumexp(X), "keepdims": o.max(X, 1, keepdims=True) - X,
    "softmax": o.softmax(X), "log_softmax": o.log_softmax(X, 0), "cumsum": o.cumsum(X, 0), "cumprod": o.cumprod(X, 1), "reverse": Scan(X, "cumsum", 0, True),
    "reverse prod": Scan(X, "cumprod", 1, True), "argsort": o.argsort(X, 0), "argmax": o.argmax(X, 1), "argmin": o.argmin(X), "sort": o.sort(X, 0), "sort flat": o.sort(v),
    "reduce of broadcast": o.max(o.broadcast_to(row, (n, d)), 0), "prod of constant": o.prod(o.full((3,), 2.0)) * s,
    # structure
    "reshape": o.reshape(X, ("d", "n")), "ravel": X.ravel(), "slice": X[1:3], "step": v[::2], "backwards": v[::-1], "backwards by 2": v[::-2], "to the end": v[1:], "but the last": v[:-1],
    "last": v[-1], "entry": X[1, 2], "column slice": X[:, 1], "diff": o.diff(v), "pad": o.pad(v, 1), "pad 2": o.pad(X, ((0, 2), (1, 0)), constant_values=2.5),
    "concat": o.concatenate([X, Y, X], 1), "concat rows": o.concatenate([X, row, o.zeros((2, d))], 0), "stack": o.stack([v, u, v * 2], 1), "stack scalars": o.stack([s, t, 2.0]),
    "array of entries": o.as_expr([s, t, s * t]) if hasattr(o, "as_expr") else o.stack([s, t, s * t]), "repeat": o.repeat(w, 2), "gather": X[index], "gather 2": K[index, 1], "gather columns": K[:, [0, 2]],
    "take": o.take(v, [0, 3, 3]), "gather of broadcast": o.broadcast_to(row, (n, d))[index], "take along": o.take_along_axis(X, o.argsort(X, 0), 0), "gather pairs": K[[0, 1, 1], [2, 0, 0]],
    "gather transpose": GatherT(var("v4", 4), (index,), 0, (n,)) if False else GatherT(X[index], (index,), 0, (n, d)), "gather transpose columns": GatherT(K, (const([0, 0, 1]),), 1, (4, 2)),
    "scatter": Scatter((v, u), ((Range(0, n, 1), 1), (Range(0, n, 1), 1)), (n, d)), "scatter pieces": Scatter((v[0], v[1:]), ((0,), (Range(1, "n - 1", 1),)), (n,)),
    "scatter of constant": Scatter((o.ones((n,)),), ((Range(0, n, 1), 0),), (n, d)), "tril": o.tril(A), "triu": o.triu(A, 1), "eye shifted": o.eye(n, n, 1) @ X, "arange": o.arange(n) * v,
    "arange steps": o.arange(0, n, 2), "slice of sum": (X + Y)[1], "slice of broadcast": o.broadcast_to(row, (n, d))[1:, 0],
    # Delta and Ones where no constructor would leave them
    "bare delta": Contract((X, Delta("d")), ((0, 1), (1, 2)), (0, 2)), "bare ones": Contract((X, Ones("d")), ((0, 1), (1,)), (0,)),
    "jacobian of x": Contract((v, Delta(n)), ((0,), (1, 2)), (0, 1, 2)), "four labels": Contract((Delta(n), Delta(d), s), ((0, 1), (2, 3), ()), (0, 2, 1, 3)),
    "masked diagonal": Contract((A, Delta(n)), ((0, 1), (0, 1)), (0, 1)), "diagonal and product": Contract((v, u, Delta(n)), ((0,), (1,), (0, 1)), (0, 1)),
    "diagonal of batch": Contract((X, Delta(n)), ((0, 1), (0, 2)), (0, 2, 1)), "sum of nothing": Contract((Ones(n), s), ((0,), ()), ()), "bare identity": Delta(n), "bare ones alone": Ones(n),
    # linear algebra
    "inv": o.inv(A), "det": o.det(A), "logdet": o.logdet(A), "cholesky": o.cholesky(A), "eigvalsh": o.eigvalsh(A), "eigh": o.eigh(A)[1] @ o.diag(o.eigh(A)[0]) @ o.eigh(A)[1].T,
    "svdvals": o.svdvals(K), "svd": Linalg("svdu", (K,)) @ o.diag(o.svdvals(K)) @ Linalg("svdvt", (K,)), "solve": o.solve(A, v), "solve matrix": o.solve(A, X), "pinv": o.pinv(K),
    "solve stack": o.solve(o.broadcast_to(A, (2, n, n)), X), "det of stack": o.det(o.broadcast_to(A, (2, n, n)) * o.ones((2, 1, 1))),
    # truth values and whole numbers
    "mask": (X > 1) * X, "masks": ((X > 1) & (Y < 1)) * 1.0, "count": o.sum(X > 1), "mean of mask": o.mean(X > 1), "one less mask": 1 - (v > 1), "sum of masks": (v > 1) + (u > 1), "minus mask": -(v > 1),
    "where": o.where(X > Y, X, 0.0), "where numbers": o.where(X > 1, 1, -1), "where row": o.where(row > 1, X, Y), "not": o.logical_not(v > 1), "float mask": o.where(v, u, 0), "matmul of mask": (X > 1) @ w,
    "index arithmetic": K[o.mod(index + 5, 4)], "clip": o.clip(X, 0.5, 1.0), "maximum of columns": o.maximum(row, column), "constant array": K * np.arange(3) + np.array([True, False, True]),
    "stack of masks": o.concatenate([v > 1, u], 0),
}  # fmt: skip


def arguments(*roots: Expr) -> dict[str, np.ndarray]:
    from symdiff.expr.traverse import variables

    return {x.name: VALUES[x.name] for x in variables(*roots)}


def sizes(e: Expr) -> dict[str, int]:
    """The sizes that no variable carries."""
    from symdiff.expr.traverse import size_names, variables

    return {n: SIZES[n] for n in size_names(e) - {d for x in variables(e) for d in x.shape}}


def agree(got: object, expected: np.ndarray, tolerance: float = 1e-12) -> None:
    assert np.shape(got) == expected.shape
    scale = max(1.0, float(np.max(np.abs(expected[np.isfinite(expected)]), initial=0.0)))
    np.testing.assert_allclose(np.asarray(got, float), np.asarray(expected, float), rtol=tolerance, atol=tolerance * scale)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_node_equals_the_reference(name: str) -> None:
    e = EXPRESSIONS[name]
    values = arguments(e)
    f = lower(e, sizes=sizes(e))
    got = f(**values)
    agree(got, evaluate_named(e, values, SIZES))
    if not e.shape:
        assert isinstance(got, np.generic)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_float32_throughout(name: str) -> None:
    e = EXPRESSIONS[name]
    values = arguments(e)
    got = np.asarray(lower(e, sizes=sizes(e))(**{k: a.astype(np.float32) if a.dtype == float else a for k, a in values.items()}))
    if any(a.dtype == float for a in values.values()) and got.dtype.kind == "f":
        assert got.dtype == np.float32
    agree(got, evaluate_named(e, values, SIZES), 2e-3 if name in ("inv", "cholesky", "solve", "eigh", "power 20") else 2e-4)


def test_every_node_class_has_a_rule_and_a_case() -> None:
    from symdiff.expr.node import _CLASSES, topological

    assert set(LOWER) == set(_CLASSES.values())
    seen = {type(e) for root in EXPRESSIONS.values() for e in topological(root)}
    assert seen == set(LOWER)
    kinds = {e.kind for root in EXPRESSIONS.values() for e in topological(root) if isinstance(e, Reduce)}
    assert kinds == set(Reduce.KINDS)


# --- functions ----------------------------------------------------------------------------------------------------
POINTS = np.array([-2.5, -1.0, -0.3, 0.0, 0.4, 1.0, 2.0])
POSITIVE = np.array([0.1, 0.5, 1.0, 2.5, 7.0])
INSIDE = np.array([-0.9, -0.2, 0.0, 0.5, 0.9])
DOMAINS = {
    **dict.fromkeys(("log", "log2", "log10", "gammaln", "digamma"), POSITIVE), **dict.fromkeys(("arcsin", "arccos", "arctanh"), INSIDE),
    "log1p": POSITIVE - 0.5, "arccosh": POSITIVE + 1,
}  # fmt: skip


@pytest.mark.parametrize("fn", [f for f in FUNCTIONS if FUNCTIONS[f].numpy or f not in ("polygamma",)])
def test_function_equals_numpy(fn: str) -> None:
    from symdiff.expr.build import apply

    points = DOMAINS.get(fn, POINTS)
    x, y, z = (var(q, (len(points),)) for q in "xyz")
    values = {"x": points, "y": np.roll(np.abs(points) + 0.5, 1), "z": np.roll(points, 2)}
    if fn == "polygamma":
        return
    if fn == "pow":
        values["x"] = np.abs(points) + 0.1
    e = apply(fn, *[x, y, z][: FUNCTIONS[fn].arity])
    got = lower(e)(**{k: values[k] for k in "xyz"[: FUNCTIONS[fn].arity]})
    agree(got, evaluate_named(e, values, SIZES), 1e-13)


def test_keys_of_slices_with_names() -> None:
    x = var("x", ("m",))
    for size in (2, 3, 5, 6):
        value = np.arange(size) * 1.0
        for key in (
            slice(1, None),
            slice(None, -1),
            slice(None, None, 2),
            slice(None, None, -1),
            slice(None, None, -2),
            slice(-2, None),
            slice(1, None, 2),
        ):
            np.testing.assert_array_equal(lower(x[key])(value), value[key])
    e = Slice(x, (Range("m - 1", 2, -1),))
    np.testing.assert_array_equal(lower(e)(np.arange(4.0)), [3, 2])


@pytest.mark.parametrize("d", [1, 3])
def test_a_power_of_the_identity_that_is_summed_along_an_axis(d: int) -> None:
    eye = Delta(d)
    e = contract([(const(0.5), ()), (o.power(eye, 2), (0, 1))], (1,))
    assert np.array_equal(lower(e, [], fast=False)(), np.full(d, 0.5))
