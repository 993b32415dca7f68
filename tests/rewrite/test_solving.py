"""Inverses become solutions of linear systems in programs, and only where they are nothing but multiplied."""

from __future__ import annotations

import numpy as np
import pytest

import symdiff as sd
from symdiff.expr.node import topological
from symdiff.expr.nodes import Linalg
from symdiff.rewrite import stabilise_all

A, B, K, y = sd.var("A", ("n", "n")), sd.var("B", ("n", "k")), sd.var("K", ("n", "n"), "spd"), sd.var("y", "n")
SOLVED = {
    "vector": sd.inv(A) @ y,
    "row": y @ sd.inv(A),
    "quadratic": y @ sd.inv(A) @ y,
    "matrix": sd.inv(A) @ B,
    "product": B.T @ sd.inv(A) @ B @ B.T @ y,
    "solve": sd.solve(A, B),
    "gradient": sd.grad(sd.sum(sd.solve(A, B) ** 2), A),
}
KEPT = {
    "two": sd.inv(A) @ sd.inv(A.T) @ y,
    "entries": sd.inv(A) * A,
    "trace": sd.trace(sd.inv(A) * sd.inv(A)),
    "itself": sd.inv(K) - sd.outer(sd.inv(K) @ y, y),
}


def functions(e: sd.Expr) -> list[str]:
    return [node.fn for node in topological(e) if isinstance(node, Linalg)]


@pytest.mark.parametrize("name", SOLVED)
def test_a_multiplied_inverse_is_solved_for(name: str) -> None:
    e = SOLVED[name]
    (stable,) = stabilise_all([e])
    assert set(functions(stable)) == {"solve"}
    check(e)


@pytest.mark.parametrize("name", KEPT)
def test_an_inverse_whose_entries_are_wanted_stays(name: str) -> None:
    (stable,) = stabilise_all([KEPT[name]])
    assert "solve" not in functions(stable)
    check(KEPT[name])


def check(e: sd.Expr) -> None:
    rng = np.random.default_rng(1)
    a, b, v = rng.normal(size=(4, 4)) + 3 * np.eye(4), rng.normal(size=(4, 2)), rng.normal(size=4)
    given = {"A": a, "B": b, "K": a @ a.T, "y": v}
    f, plain = sd.lower(e), sd.lower(e, simplify=False)
    values = {i.name: given[i.name] for i in plain.program.inputs}
    np.testing.assert_allclose(f(**values), plain(**values), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("derivative", "text"),
    [
        (sd.jacobian(sd.solve(A, y), y), "A⁻¹"),
        (sd.jacobian(sd.solve(A, K), K), "(A⁻¹)ᵢₖ δⱼₗ"),
        (sd.jacobian(sd.solve(A, y), A), "−(A⁻¹)ᵢⱼ (A⁻¹ y)ₖ"),
        (sd.hessian(y @ sd.solve(A, y), y), "A⁻ᵀ + A⁻¹"),
        (sd.det(sd.broadcast_to(A, (3, "n", "n"))), "det(A) 𝟏"),
        (sd.cholesky(sd.broadcast_to(K, (3, "n", "n"))), "cholesky(K) ⊙ 𝟏(3, n, n)"),
    ],
    ids=["solve", "matrix", "in the matrix", "hessian", "det", "cholesky"],
)
def test_a_matrix_repeated_along_a_stack_is_treated_once(derivative: sd.Expr, text: str) -> None:
    assert str(derivative).splitlines()[0] == text
    assert all(len(node.args[0].shape) == 2 for node in topological(sd.simplify(derivative)) if isinstance(node, Linalg))
    check(derivative)
