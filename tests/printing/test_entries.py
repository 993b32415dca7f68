"""Entries: the scalar formula of one entry, with sums over index letters."""

from __future__ import annotations

import numpy as np
import pytest

from symdiff.errors import ShapeError
from symdiff.expr import ops
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr
from symdiff.grad import hessian
from symdiff.printing.entries import entry_form, readable_form
from symdiff.printing.namespace import preamble
from symdiff.rewrite import simplify
from tests.reference import evaluate

X, A, w, x, y, s = var("X", ("n", "d")), var("A", ("n", "n")), var("w", ("d",)), var("x", ("n",)), var("y", ("n",)), var("s")

TABLE: list[tuple[Expr, str, str]] = [
    (X.T @ (X @ w - y), "Σⱼ Xⱼᵢ (Σₖ Xⱼₖ wₖ − yⱼ)", "sum(X[j, i] * (sum(X[j, k] * w[k] for k in range(d)) - y[j]) for j in range(n))"),
    (A @ A @ x, "Σⱼₖ Aᵢⱼ Aⱼₖ xₖ", "sum(A[i, j] * A[j, k] * x[k] for j in range(n) for k in range(n))"),
    (ops.sum((X @ w - y) ** 2) / 2, "½ Σᵢ (Σⱼ Xᵢⱼ wⱼ − yᵢ)²", "0.5 * sum((sum(X[i, j] * w[j] for j in range(d)) - y[i])**2 for i in range(n))"),
    (ops.trace(A) * x, "(Σⱼ Aⱼⱼ) xᵢ", "sum(A[j, j] for j in range(n)) * x[i]"),
    (X / ops.sum(X, axis=1, keepdims=True), "Xᵢⱼ / (Σₖ Xᵢₖ)", "X[i, j] / sum(X[i, k] for k in range(d))"),
    (s * ops.eye("n"), "s δᵢⱼ", "s * eye(n)[i, j]"),
    (ops.inv(A + ops.outer(x, x)) @ x, "Σⱼ ((A + x xᵀ)⁻¹)ᵢⱼ xⱼ", "sum(inv(A + outer(x, x))[i, j] * x[j] for j in range(n))"),
    (ops.mean(X, axis=0), "Σⱼ Xⱼᵢ / n", "sum(X[j, i] for j in range(n)) / n"),
    (-(A @ x) + y, "yᵢ − Σⱼ Aᵢⱼ xⱼ", "y[i] - sum(A[i, j] * x[j] for j in range(n))"),
    (ops.where(ops.greater(x, 0), x, 0), "where(xᵢ > 0, xᵢ, 0)", "where(x[i] > 0, x[i], 0)"),
    (x[1:] * 2, "2·(x[1:])ᵢ", "2 * x[1:][i]"),
    (ops.softmax(X), "softmax(X)ᵢⱼ", "softmax(X, axis=1)[i, j]"),
    (ops.exp(-x) / (1 + ops.absolute(y)), "exp(−xᵢ) / (1 + |yᵢ|)", "exp(-x[i]) / (1 + abs(y[i]))"),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[1])
def test_entry(row: tuple[Expr, str, str]) -> None:
    e, unicode, python = row
    assert entry_form(e).text == unicode
    assert entry_form(e, style="python").text == python


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[1])
def test_entry_has_its_value(row: tuple[Expr, str, str]) -> None:
    e, _, python = row
    rng = np.random.default_rng(2)
    env = {v: rng.normal(size=tuple({"n": 3, "d": 2}[d] for d in v.shape)) for v in (X, A, w, x, y, s)}
    wanted = evaluate(e, env, {"n": 3, "d": 2})
    scope: dict[str, object] = {}
    exec(preamble([python]), scope)
    scope |= {v.name: a for v, a in env.items()} | {"n": 3, "d": 2, "sum": sum, "exp": np.exp, "abs": abs}
    for at in np.ndindex(wanted.shape):
        assert eval(python, scope | dict(zip("ij", at, strict=False))) == pytest.approx(wanted[at])


def test_named_parts_are_defined_by_their_entries() -> None:
    h = ops.tanh(X @ w)
    formula = entry_form(ops.outer(h * (1 - h), h), indices=("k", "l"), names={h: "h"})
    assert formula.text == "hₖ (1 − hₖ) · hₗ"
    assert formula.where == (("hᵢ", "tanh(Σⱼ Xᵢⱼ wⱼ)"),)


def test_a_named_part_without_entries_of_its_own_is_written_out() -> None:
    Q = ops.inv(A)
    formula = entry_form(ops.outer(Q @ x, x) + Q * 2, names={Q: "Q"})
    assert formula.text == "(Σₖ Qᵢₖ xₖ) xⱼ + 2·Qᵢⱼ"
    assert formula.where == (("Qᵢⱼ", "(A⁻¹)ᵢⱼ"),)


def test_names_inside_what_has_no_entries_are_defined() -> None:
    M = A + s * ops.eye("n")
    formula = entry_form(ops.exp(M) + ops.inv(M) * 2, names={M: "M"})
    assert formula.text == "exp(Mᵢⱼ) + 2·(M⁻¹)ᵢⱼ"
    assert formula.where == (("Mᵢⱼ", "Aᵢⱼ + s δᵢⱼ"),)
    assert entry_form(2 * ops.inv(M), names={M: "M"}).where == formula.where


def test_hessians_of_four_axes_define_all_that_they_name() -> None:
    rows = ops.logsumexp(ops.logsumexp(A, axis=0)[:, None] + A, axis=0)
    for e in (ops.sum(rows * y), ops.sum(ops.log(1 + ops.sum((A @ ops.inv(A + s * ops.eye("n"))) * A, axis=1)))):
        formula = readable_form(simplify(hessian(e, A)))
        assert formula.where
        assert all(text != name for name, text in formula.where)


def test_signs_are_pulled_out_and_divisors_stand_last() -> None:
    e = ops.einsum("i,j->ij", -(X @ w) * x / y, y) + A
    assert entry_form(e).text == "Aᵢⱼ − (Σₖ Xᵢₖ wₖ) xᵢ yⱼ / yᵢ"


def test_one_index_for_each_axis() -> None:
    with pytest.raises(ShapeError, match=r"1 indices for an expression of shape \(n, d\)"):
        entry_form(X, ("i",))
