"""Shared parts are named once, in linear time at any depth, and the same in every run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from symdiff.calculus import gradient
from symdiff.expr import ops
from symdiff.expr.algebra import add
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr
from symdiff.printing.formula import count_operations, format_formula, format_formulas, op_count

x, y, A, B, X, w = var("x", ("n",)), var("y", ("n",)), var("A", ("n", "n")), var("B", ("n", "n")), var("X", ("n", "d")), var("w", ("d",))

WHERE: list[tuple[Expr, str, list[tuple[str, str]]]] = [
    ((X @ w - y) * ops.exp(X @ w - y), "r * exp(r)", [("r", "X @ w - y")]),
    (ops.tanh(A @ B) * (1 - ops.tanh(A @ B)), "H * (1 - H)", [("H", "tanh(A @ B)")]),
    (ops.outer(ops.softmax(x), ops.softmax(x)), "outer(p, p)", [("p", "softmax(x)")]),
    (ops.einsum("ij,j,kl,l->ik", A, x, A, x), "outer(q, q)", [("q", "A @ x")]),  # equal pieces of one network
    (ops.inv(A) @ x + ops.trace(ops.inv(A)) * x, "M @ x + trace(M) * x", [("M", "inv(A)")]),
    (A.T @ x + A.T @ y, "A.T @ x + A.T @ y", []),  # a transpose is no part worth a name
    (x / ops.exp(y) + y / ops.exp(y), "x / e + y / e", [("e", "exp(y)")]),
    ((1 / (x @ y)) * x + (1 / (x @ y)) * y, "x / q + y / q", [("q", "x @ y")]),
]  # fmt: skip


@pytest.mark.parametrize("row", WHERE, ids=lambda row: row[1])
def test_where_list(row: tuple[Expr, str, list[tuple[str, str]]]) -> None:
    e, text, where = row
    formula = format_formula(e, "python")
    assert formula.text == text
    assert list(formula.where) == where
    assert op_count(e) == count_operations(text) + sum(count_operations(t) for _, t in where)


def test_unicode_names_only_what_saves_two_operations() -> None:
    e = ops.inv(A) @ x + ops.trace(ops.inv(A)) * x
    assert format_formula(e).text == "A⁻¹ x + tr(A⁻¹) x"
    assert format_formula(e).where == ()


def test_names_of_the_caller() -> None:
    W1, W2 = var("W₁", (2, 2)), var("W₂", (2, 2))
    inputs, target = var("x", (2,)), var("t", (2,))
    h = ops.sigmoid(W1 @ inputs)
    out = ops.sigmoid(W2 @ h)
    d2 = (out - target) * out * (1 - out)
    d1 = (W2.T @ d2) * h * (1 - h)
    texts, where = format_formulas([ops.outer(d2, h), ops.outer(d1, inputs)], names={d1: "δ₁", d2: "δ₂"}, given={h: "h", out: "y"})
    assert texts == ["δ₂ hᵀ", "δ₁ xᵀ"]
    assert where == [("δ₂", "(y − t) ⊙ y ⊙ (1 − y)"), ("δ₁", "W₂ᵀ δ₂ ⊙ h ⊙ (1 − h)")]
    python = format_formula(ops.outer(d1, inputs), "python", names={d1: "δ₁", d2: "δ₂"}, given={h: "h", out: "y"})
    assert python.text == "outer(δ1, x)"
    assert dict(python.where)["δ1"] == "(W2.T @ δ2) * h * (1 - h)"
    latex = format_formula(ops.outer(d2, h), "latex", names={d2: "δ₂"}, given={h: "h", out: "y"})
    assert latex.where == ((r"\delta_{2}", r"(y - t) \odot y \odot (1 - y)"),)


def test_names_do_not_collide_with_variables_or_dims() -> None:
    r, n = var("r", ("n",)), var("q", ("n",))
    e = (r - n) * ops.exp(r - n)
    ((name, _),) = format_formula(e, "python").where
    assert name not in ("r", "q", "n")


def test_many_parts_are_numbered() -> None:
    e: Expr = x
    for _ in range(15):
        e = e * ops.exp(e)
    assert [name for name, _ in format_formula(e, "python").where] == [f"p{k}" for k in range(1, 15)]


@pytest.mark.parametrize("style", ("unicode", "latex", "python"))
def test_a_diamond_is_linear(style: str) -> None:
    e: Expr = A
    for _ in range(60):
        e = ops.exp(e) @ e
    formula = format_formula(e, style)
    assert len(formula.where) == 59
    assert sum(len(t) for _, t in formula.where) < 4000
    assert op_count(e) == 120


def _chain(kind: str, n: int) -> Expr:
    e: Expr = x
    if kind == "wide":
        return add(*(x * k for k in range(1, n)))
    for _ in range(n):
        e = {"exp": lambda u: ops.sin(ops.exp(u)), "matmul": lambda u: A @ u, "sum": lambda u: u + ops.exp(x), "product": lambda u: u * y}[
            kind
        ](e)
    return e


@pytest.mark.parametrize("kind", ("exp", "matmul", "sum", "product", "wide"))
def test_long_chains_print_in_bounded_lines(kind: str) -> None:
    formula = format_formula(_chain(kind, 2500), "python")
    assert max(len(text) for text in (formula.text, *(t for _, t in formula.where))) < 3000
    assert sum(len(t) for _, t in formula.where) > 2500  # nothing is left out of the python style


def test_a_very_deep_chain_prints_abridged() -> None:
    e = _chain("exp", 50_000)
    start = time.perf_counter()
    lines = format_formula(e).lines(100)
    assert time.perf_counter() - start < 10
    assert lines[-1].strip().startswith("… and ")
    assert any("(…)" in t for _, t in format_formula(e).where)


def test_the_gradient_of_a_loop_prints_in_linear_time() -> None:
    z = var("z", (600,))
    loss: Expr = 0 * z[0]
    for k in range(599):
        loss = loss + (z[k + 1] - z[k] ** 2) ** 2
    assert op_count(gradient(loss, [z])[0]) < 600 * 12


SCRIPT = """
from symdiff.expr import ops
from symdiff.expr.leaves import var
from symdiff.calculus import gradient
from symdiff.printing.formula import format_formula
X, W, Y = var("X", ("n", "d")), var("W", ("d", "c")), var("Y", ("n", "c"))
for style in ("unicode", "latex", "python"):
    for g in gradient(ops.sum(ops.tanh(X @ W) * Y / (1 + ops.sum(W * W))), [X, W]):
        print(format_formula(g, style))
"""


def test_the_same_bytes_under_any_hash_seed() -> None:
    root = Path(__file__).parents[2]
    runs = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "42")
    }
    assert len(runs) == 1
    assert b"tanh" in runs.pop()
