"""The python style runs, and gives the value and the shape of the expression it prints."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symdiff.calculus import gradient
from symdiff.errors import ShapeError
from symdiff.expr import ops
from symdiff.expr.algebra import contract
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Delta, GatherT, Ones, Range, Var
from symdiff.expr.structure import scan, scatter
from symdiff.expr.traverse import substitute, variables
from symdiff.printing.formula import format_formula
from symdiff.printing.mathml import mathml
from tests.calculus.test_node_rules import CASES
from tests.printing.printed import assert_prints_its_value, sample
from tests.random_expressions import SIZES as RANDOM_SIZES
from tests.random_expressions import admissible, grown
from tests.reference import evaluate_all

SIZES = {"n": 3, "d": 4, "k": 2}
RNG = np.random.default_rng(3)


@pytest.mark.parametrize("name", CASES)
def test_every_node_and_its_gradient_print_their_value(name: str) -> None:
    build, shape = CASES[name]
    x = var("x", shape)
    y = build(x)
    loss = ops.sum(y * RNG.normal(size=y.shape)) if y.shape else y
    env = {x: RNG.normal(size=shape)}
    assert_prints_its_value(y, env)
    assert_prints_its_value(gradient(loss, [x])[0], env)


x, y, X, A, S, b = (
    var("x", ("n",)), var("y", ("n",)), var("X", ("n", "d")), var("A", ("n", "n")), var("S", ("n", "n"), "symmetric"), var("b", ()),
)  # fmt: skip
T = var("T", (2, "n", "d"))
FORMS: dict[str, Expr] = {
    "row and column scaling": ops.reshape(x, ("n", 1)) * X * ops.arange("d"),
    "row sums over columns": X / ops.sum(X * X, axis=1, keepdims=True),
    "column of a function": X * ops.reshape(ops.log(ops.sum(X * X, axis=1)), ("n", 1)),
    "trace of three": ops.trace(A @ A @ A.T),
    "diagonal of a product": ops.diag(A @ A.T) * x,
    "diagonal times identity": ops.diag(ops.diag(A)),
    "batched product": T @ X.T @ x,
    "batched transpose": ops.einsum("bnd,nd->bd", T, X),
    "transposed tensor": ops.transpose(T, (1, 2, 0)) * 2,
    "outer of three": contract([(x, (0,)), (x, (1,)), (y, (2,))], (0, 1, 2)),
    "delta and matrix": contract([(Delta("n"), (0, 1)), (X, (0, 2))], (0, 1, 2)),
    "matrix between deltas": contract([(Delta("n"), (0, 2)), (A, (1, 3))], (0, 1, 2, 3)),
    "broadcast to rows": ops.broadcast_to(x, (2, "n")),
    "broadcast to columns": ops.broadcast_to(ops.reshape(x, ("n", 1)), ("n", "d")),
    "broadcast inside": ops.exp(ops.broadcast_to(x, (2, "n"))).sum(axis=0),
    "sum of a stretched": ops.sum(ops.exp(ops.broadcast_to(b, ("n", "d")))),
    "symmetric chain": (S @ S @ x) @ S,
    "truth values": ops.sum(ops.greater(X, 0) * ops.less(X, 1)) - ops.sum(ops.equal(X, 0), axis=0),
    "truth minus truth": ops.greater(x, 0) * 1 - ops.less(x, 0),
    "negative truth": -ops.greater(x, y),
    "truth product": ops.einsum("i,j->ij", ops.greater(x, 0), ops.less(y, 0)),
    "rational": x * 3 / 7 - y / 3 + 1 / (3 * x),
    "decimal": 0.25 * x * 3 / 2,
    "negative powers": x ** -2 / y ** -0.5 * b**-1.5,
    "cube root power": ops.power(ops.absolute(x), 1 / 3) + ops.cbrt(y),
    "mean of a product": ops.mean(x * y) * b,
    "mean over an axis": ops.mean(X, axis=0) / 2,
    "mean over all": 3 * ops.mean(X * X),
    "mean over int": ops.mean(T, axis=(0, 1)),
    "norm cubed": ops.norm(x) ** 3 / ops.norm(X),
    "scalar fraction": b / (ops.sum(x) * ops.trace(A)),
    "half over a root": 0.5 * ops.diag(ops.absolute(x) ** -0.5),
    "kron": 2 * ops.kron(A, X) - ops.kron(A, X),
    "kron of vectors": ops.kron(x, y),
    "kron of products": ops.kron(A @ A, ops.outer(x, x)),
    "scatter": scatter([x, 2 * x], [(Range(0, "n", 2), 0), (Range(1, "n", 1), 1)], ("2*n", 3)),
    "pads": scatter([x, -y], [(Range(1, "n", 1),), (Range(0, "n", 1),)], ("n + 1",)),
    "gather transpose": GatherT(x, (ops.argsort(y),), 0, ("n",)),
    "slices": X[1:, ::-1] * X[:-1, ::2][:, :1] + X[-1] - X[0, -1],
    "reversed scan": scan("cumsum", X, 1, True) + ops.cumsum(X, axis=0),
    "solve a vector": ops.solve(A + 5 * ops.eye("n"), x) + ops.solve(A + 5 * ops.eye("n"), X)[:, 0],
    "stack and join": ops.stack([x, y], axis=1) @ ops.concatenate([ops.reshape(b, (1,)), ops.reshape(2 * b, (1,))]),
    "constants": ops.concatenate([ops.zeros(2), ops.ones(1), np.array([1.5, np.inf])]),
    "where of numbers": ops.where(ops.greater(X, 0), 1, -1),
    "softmax by hand": ops.exp(X) / ops.sum(ops.exp(X), axis=0, keepdims=True),
    "softmax of a vector": ops.exp(x) / ops.sum(ops.exp(x)),
    "log softmax": ops.log_softmax(X, axis=0) + ops.softmax(X),
    "reductions": ops.max(X, axis=0) - ops.min(X) + ops.prod(X, axis=(0, 1)) * ops.logsumexp(X, axis=(0, 1)),
    "column max": X - ops.max(X, axis=1, keepdims=True),
    "int powers": (x**2) @ (y**2) * ops.sum(x**2) + (x - y) @ (x - y),
    "sign turned round": -(X.T @ (x - y)),
    "long product": X.T @ A @ A.T @ S @ A @ A @ A.T @ S @ A @ X,
    "many factors": x * y * ops.exp(x) * ops.sin(y) * ops.cos(x) * ops.tanh(y) * (x + 1) * (y - 1) * x / y,
    "mixed long": contract([(f, ls) for f, ls in ((X, (0, 1)), (A, (0, 2)), (A, (2, 3)), (x, (3,)), (y, (0,)), (X, (2, 1)), (S, (3, 4)), (x, (4,)), (ops.exp(y), (2,)))], (1,)),
    "ones summed": contract([(X, (0, 1)), (Ones("k"), (2,))], (0,)),
    "sizes": ops.mean(ops.ones(("n", "d"))) * ops.variance(X, axis=1, ddof=1),
    "polynomial dims": ops.sum(X[1:]) / ops.mean(ops.ones(("n",))) + ops.mean(X[1:]),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("seed", (0, 1))
def test_form_prints_its_value(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = SIZES if seed == 0 else {"n": 4, "d": 3, "k": 3}
    e = FORMS[name]
    assert_prints_its_value(e, {v: sample(v, sizes, rng) for v in (x, y, X, A, S, b, T)}, sizes)


# --- random expressions -------------------------------------------------------------------------------------------
DIMS = ("n", "d", "k", 1)
LEAVES = [
    var(f"v{i}", s) for i, s in enumerate([(), ("n",), ("n",), ("d",), ("n", "d"), ("d", "n"), ("n", "n"), ("n", 1), (1, "d"), ("k", "n")])
]


@st.composite
def expressions(draw: Any, depth: int = 4) -> Expr:
    """An expression of up to four levels over variables of many shapes, summed, contracted and broadcast at random."""
    if depth == 0 or draw(st.integers(0, 5)) == 0:
        return draw(st.sampled_from(LEAVES))
    kind = draw(st.sampled_from(("contract", "contract", "add", "map", "sum", "scale", "divide", "transpose", "power")))
    e = draw(expressions(depth - 1))
    if kind == "contract":
        factors: list[tuple[Expr, tuple[int, ...]]] = []
        dims: dict[int, Any] = {}
        for f in [e, *(draw(expressions(depth - 2 if depth > 1 else 0)) for _ in range(draw(st.integers(1, 3))))]:
            labels = []
            for d in f.shape:
                known = [a for a, known_d in dims.items() if known_d == d]
                fresh = len(dims)
                label = draw(st.sampled_from([*known, fresh]))
                dims.setdefault(label, d)
                labels.append(label)
            factors.append((f, tuple(labels)))
        order = draw(st.permutations(sorted(dims)))
        return contract(factors, tuple(order[: draw(st.integers(0, min(3, len(order))))]))
    if kind == "add":
        other = draw(expressions(depth - 1))
        try:
            return e + other if draw(st.booleans()) else e - other
        except ValueError:
            return e + 1
    if kind == "map":
        return draw(st.sampled_from((ops.sin, ops.tanh, ops.sigmoid, ops.exp, lambda t: ops.greater(t, 0), ops.negative)))(ops.tanh(e))
    if kind == "sum" and e.ndim:
        return ops.mean(e, axis=draw(st.integers(0, e.ndim - 1)), keepdims=draw(st.booleans()))
    if kind == "divide":
        return e / (2 + ops.sum(e * e))
    if kind == "transpose":
        return e.T
    if kind == "power":
        return ops.power(1 + e * e, draw(st.sampled_from((-2, -1, -0.5, 0.5, 2))))
    return draw(st.sampled_from((-1, 2, -0.5))) * e


@settings(max_examples=150, deadline=None)
@given(expressions())
def test_random_expression_prints_its_value(e: Expr) -> None:
    sizes = {"n": 3, "d": 2, "k": 4}
    rng = np.random.default_rng(0)
    env: dict[Var, Any] = {v: sample(v, sizes, rng) for v in LEAVES}
    assert_prints_its_value(e, env, sizes)


@pytest.mark.parametrize("smooth", [True, False])
def test_random_expressions_over_the_whole_function_table_print_in_every_style(smooth: bool) -> None:
    """What is finite evaluates to its value; LaTeX is read again by the MathML style."""
    decided = 0
    for seed in range(60):
        try:
            e = grown(seed, smooth=smooth)
        except ShapeError:  # operands that do not go together
            continue
        e = substitute(e, {v: var(f"v_{v.name}", v.shape, v.assumptions) for v in variables(e)})  # d is a dim there, too
        rng = np.random.default_rng(seed)
        env: dict[Var, Any] = {v: admissible(v, rng) for v in variables(e)}
        assert format_formula(e).text and mathml(format_formula(e, "latex").text).startswith("<mrow>")
        with np.errstate(all="ignore"):
            finite = all(np.isfinite(value).all() for value in evaluate_all(list(topological(e)), env, RANDOM_SIZES))
        if finite:
            assert_prints_its_value(e, env, RANDOM_SIZES)
            decided += 1
    assert decided > 30
