"""What is printed for an expression, in each style."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from symdiff.errors import UnknownName
from symdiff.expr import ops
from symdiff.expr.algebra import contract, size
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Delta, Range
from symdiff.expr.structure import scan, scatter
from symdiff.printing.formula import STYLES, format_formula

X, A, B, S = var("X", ("n", "d")), var("A", ("n", "n")), var("B", ("n", "n")), var("S", ("n", "n"), "symmetric")
w, x, y, v = var("w", ("d",)), var("x", ("n",)), var("y", ("n",)), var("v", ("n",))
s, lam = var("s"), var("lam")
T = var("T", (2, "n", "d"))
r = X @ w - y

# (expression, unicode, LaTeX, python)
TABLE: list[tuple[Expr, str, str, str]] = [
    # products and transposes
    (2 * X.T @ r, "2·Xᵀ(X w − y)", r"2 X^\top (X w - y)", "2 * X.T @ (X @ w - y)"),
    (X.T @ r / size("n"), "Xᵀ(X w − y) / n", r"\frac{X^\top (X w - y)}{n}", "X.T @ (X @ w - y) / n"),
    ((A @ B).T, "(A B)ᵀ", r"(A B)^\top", "(A @ B).T"),
    ((A @ B.T).T, "B Aᵀ", r"B A^\top", "B @ A.T"),
    (x @ A, "Aᵀ x", r"A^\top x", "A.T @ x"),
    (x @ S, "S x", "S x", "S @ x"),
    (S.T @ x, "S x", "S x", "S @ x"),
    (x @ A @ y, "xᵀ A y", r"x^\top A y", "x @ A @ y"),
    (x @ x, "‖x‖²", r"\left\lVert x\right\rVert^{2}", "x @ x"),
    (0.5 * ops.sum((x - y) ** 2), "½ ‖x − y‖²", r"\frac{1}{2} \left\lVert x - y\right\rVert^{2}", "0.5 * sum((x - y)**2)"),
    (ops.outer(x, y), "x yᵀ", r"x y^\top", "outer(x, y)"),
    (ops.trace(A @ B), "tr(A B)", r"\operatorname{tr}(A B)", "trace(A @ B)"),
    (ops.sum(A * B), "Σ (A ⊙ B)", r"\sum (A \odot B)", "sum(A * B)"),
    (ops.einsum("ij,i,ik->jk", X, v, X), "Xᵀ diag(v) X", r"X^\top \operatorname{diag}(v) X", "(X.T * v) @ X"),
    (ops.diag(v), "diag(v)", r"\operatorname{diag}(v)", "diag(v)"),
    (2 * s * ops.eye("n"), "2·s I", "2 s I", "2 * s * eye(n)"),
    (ops.inv(A).T @ x, "A⁻ᵀ x", r"A^{-\top} x", "inv(A).T @ x"),
    (ops.kron(A, B), "A ⊗ B", r"A \otimes B", "kron(A, B)"),
    (contract([(Delta("n"), (0, 2)), (A, (1, 4)), (B, (4, 3))], (0, 1, 2, 3)), "δᵢₖ (A B)ⱼₗ", r"\delta_{ik} (A B)_{jl}", "einsum('ik,jl->ijkl', eye(n), A @ B)"),
    # powers of matrices, inner products, what is stretched
    (A @ A, "A²", "A^{2}", "A @ A"),
    (A @ A @ A @ B, "A³ B", "A^{3} B", "A @ A @ A @ B"),
    (x @ A @ A @ y, "xᵀ A² y", r"x^\top A^{2} y", "x @ A @ A @ y"),
    (ops.outer(x, X @ w), "x wᵀ Xᵀ", r"x w^\top X^\top", "outer(x, X @ w)"),
    (ops.tril(A), "where(i ≥ j, A, 0)", r"\operatorname{where}(i \ge j, A, 0)", "where(arange(n)[:, None] >= arange(n), A, 0)"),
    (ops.maximum(x[:, None], y[None, :]), "max(x 𝟏ᵀ, 𝟏 yᵀ)", r"\max(x \mathbf{1}^\top, \mathbf{1} y^\top)", "maximum(x[:, None], y)"),
    (ops.less(x[:, None], y[None, :]), "[x 𝟏ᵀ < 𝟏 yᵀ]", r"[x \mathbf{1}^\top < \mathbf{1} y^\top]", "x[:, None] < y"),
    (ops.eye("n") - 1 / size("n"), "I − 𝟏 𝟏ᵀ / n", r"I - \frac{\mathbf{1} \mathbf{1}^\top}{n}", "eye(n) - 1 / n"),
    (-1 * ops.greater(x, y), "−[x > y]", "-[x > y]", "-1 * (x > y)"),
    (1 * ops.greater(x, y) * v, "[x > y] ⊙ v", r"[x > y] \odot v", "(x > y) * v"),
    (ops.sqrt(x @ x) * (1 + x @ x), "‖x‖ (1 + ‖x‖²)", r"\left\lVert x\right\rVert \left(1 + \left\lVert x\right\rVert^{2}\right)", "norm(x) * (1 + x @ x)"),
    (ops.kron(A @ B, X), "A B ⊗ X", r"A B \otimes X", "kron(A @ B, X)"),
    (ops.kron(A, B) @ ops.kron(B, A), "(A ⊗ B) (B ⊗ A)", r"(A \otimes B) (B \otimes A)", "kron(A, B) @ kron(B, A)"),
    (A / (ops.norm(A) * ops.sum(A**2)), "A / ‖A‖³", r"\frac{A}{\left\lVert A\right\rVert^{3}}", "A / (norm(A) * sum(A**2))"),
    (ops.where(ops.arange("n")[:, None] - 1 >= ops.arange("n"), A, 0), "where(i − 1 ≥ j, A, 0)", r"\operatorname{where}(i - 1 \ge j, A, 0)", "where((arange(n) - 1)[:, None] >= arange(n), A, 0)"),
    (2 / np.sqrt(np.pi) * ops.exp(-x**2), "2/√π·exp(−x²)", r"\frac{2}{\sqrt{\pi}} \exp(-x^{2})", "1.1283791670955126 * exp(-x**2)"),
    # elementwise
    (x * y * (1 - y), "x ⊙ y ⊙ (1 − y)", r"x \odot y \odot (1 - y)", "x * y * (1 - y)"),
    (A @ x * y, "A x ⊙ y", r"A x \odot y", "(A @ x) * y"),
    (X / ops.sum(X, axis=1, keepdims=True), "diag(rowsum(X))⁻¹ X", r"\operatorname{diag}(\operatorname{rowsum}(X))^{-1} X", "X / sum(X, axis=1, keepdims=True)"),
    (ops.sum(X, axis=0), "Xᵀ 𝟏", r"X^\top \mathbf{1}", "sum(X, axis=0)"),
    (ops.sigmoid(X @ w), "σ(X w)", r"\sigma(X w)", "sigmoid(X @ w)"),
    (ops.greater(X, 0) * X, "[X > 0] ⊙ X", r"[X > 0] \odot X", "(X > 0) * X"),
    (ops.where(ops.greater(x, 0), 1, 0.5), "where(x > 0, 1, ½)", r"\operatorname{where}\left(x > 0, 1, \frac{1}{2}\right)", "where(x > 0, 1, 0.5)"),
    (A**2, "A∘²", r"A^{\circ 2}", "A**2"),
    (ops.absolute(x) + ops.sqrt(y), "|x| + √y", r"\left|x\right| + \sqrt{y}", "abs(x) + sqrt(y)"),
    # numbers, signs, fractions
    (-x, "−x", "-x", "-x"),
    (y - x, "y − x", "y - x", "y - x"),
    (-x + y, "y − x", "y - x", "y - x"),
    (-x - y, "−(x + y)", "-(x + y)", "-(x + y)"),
    (-1 - ops.log(x), "−1 − log(x)", r"-1 - \log(x)", "-1 - log(x)"),
    (-2 * x - y, "−2·x − y", "-2 x - y", "-2 * x - y"),
    (-(A @ (x - y)), "A (y − x)", "A (y - x)", "A @ (y - x)"),
    (x / 2, "½ x", r"\frac{1}{2} x", "0.5 * x"),
    (x / 3, "x / 3", r"\frac{x}{3}", "x / 3"),
    (x * 2 / 3, "2/3 · x", r"\frac{2}{3} x", "2 / 3 * x"),
    (Fraction(3, 2) * x, "3/2 x", r"\frac{3}{2} x", "1.5 * x"),
    (y / (2 * ops.sqrt(x @ A @ y)), "y / (2·√(xᵀ A y))", r"\frac{y}{2 \sqrt{x^\top A y}}", "y / (2 * sqrt(x @ A @ y))"),
    (x / ops.norm(x) ** 3, "x / ‖x‖³", r"\frac{x}{\left\lVert x\right\rVert^{3}}", "x / norm(x)**3"),
    (1 / (1 + ops.exp(-x)), "1 / (1 + exp(−x))", r"\frac{1}{1 + \exp(-x)}", "1 / (1 + exp(-x))"),
    (lam * w + X.T @ r, "lam w + Xᵀ(X w − y)", r"\lambda w + X^\top (X w - y)", "lam * w + X.T @ (X @ w - y)"),
    (s**2 * s / (1 + s), "s² s / (1 + s)", r"\frac{s^{2} s}{1 + s}", "s**2 * s / (1 + s)"),
    (x**-2, "1 / x²", r"\frac{1}{x^{2}}", "1 / x**2"),
    (ops.power(x, Fraction(1, 3)), "x^(1/3)", r"x^{1/3}", "x**(1/3)"),
    (ops.zeros(("n", "d")), "0", "0", "zeros(n, d)"),
    (3 * ops.ones(("n", "d")), "3·𝟏 𝟏ᵀ", r"3 \mathbf{1} \mathbf{1}^\top", "3 * ones(n, d)"),
    (ops.mean(x), "mean(x)", r"\operatorname{mean}(x)", "mean(x)"),
    (ops.variance(x), "mean((x − mean(x))²)", r"\operatorname{mean}((x - \operatorname{mean}(x))^{2})", "mean((x - mean(x))**2)"),
    (x - ops.mean(x), "x − mean(x)", r"x - \operatorname{mean}(x)", "x - mean(x)"),
    (X @ w + s, "X w + s", "X w + s", "X @ w + s"),
    # structure
    (x[1:] - x[:-1], "x[1:] − x[:-1]", "x[1:] - x[:-1]", "x[1:] - x[:-1]"),
    (X[0, ::-1], "X[0, ::-1]", "X[0, ::-1]", "X[0, ::-1]"),
    (ops.reshape(X, -1), "reshape(X, −1)", r"\operatorname{reshape}(X, -1)", "reshape(X, -1)"),
    (scatter([x], [(Range(1, "n", 1),)], ("n + 1",)), "pad(x, (1, 0))", r"\operatorname{pad}(x, (1, 0))", "pad(x, (1, 0))"),
    (scan("cumsum", x, 0, True), "cumsum(x[::-1])[::-1]", r"\operatorname{cumsum}(x[::-1])[::-1]", "cumsum(x[::-1])[::-1]"),
    (ops.max(X, axis=0), "max(X, axis=0)", r"\max(X, axis=0)", "max(X, axis=0)"),
    (ops.sort(x), "x[argsort(x)]", r"x[\operatorname{argsort}(x)]", "x[argsort(x)]"),
    (x[np.array([2, 0])], "x[[2, 0]]", "x[[2, 0]]", "x[[2, 0]]"),
    (ops.solve(A, x), "solve(A, x)", r"\operatorname{solve}(A, x)", "solve(A, x)"),
    (ops.det(A.T) * ops.logdet(A), "det(A) log det(A)", r"\det(A) \log\det(A)", "det(A) * logdet(A)"),
    (ops.stack([x, y]), "array([x, y])", r"\operatorname{array}([x, y])", "array([x, y])"),
    (ops.softmax(X), "softmax(X)", r"\operatorname{softmax}(X)", "softmax(X, axis=1)"),
    (ops.exp(X) / ops.sum(ops.exp(X), axis=1, keepdims=True), "softmax(X)", r"\operatorname{softmax}(X)", "softmax(X, axis=1)"),
    # values that broadcast
    (ops.softmax(X) @ w + s, "softmax(X) w + s", r"\operatorname{softmax}(X) w + s", "softmax(X, axis=1) @ w + s"),
    (X - w, "X − w", "X - w", "X - w"),
    (X - ops.reshape(x, ("n", 1)), "X − x 𝟏ᵀ", r"X - x \mathbf{1}^\top", "X - x[:, None]"),
    (ops.reshape(x, ("n", 1)) - w, "x 𝟏ᵀ − 𝟏 wᵀ", r"x \mathbf{1}^\top - \mathbf{1} w^\top", "x[:, None] - w"),
    (ops.eye("n") - x, "I − 𝟏 xᵀ", r"I - \mathbf{1} x^\top", "eye(n) - x"),
    (ops.einsum("i,ij->ij", x, ops.eye("n") - x), "diag(x) − x xᵀ", r"\operatorname{diag}(x) - x x^\top", "diag(x) - outer(x, x)"),
    ((A + ops.eye("n")) @ x, "(A + I) x", "(A + I) x", "(A + eye(n)) @ x"),
    (X - ops.sum(X, axis=1, keepdims=True), "X − rowsum(X)", r"X - \operatorname{rowsum}(X)", "X - sum(X, axis=1, keepdims=True)"),
    (X - ops.sum(X, axis=0), "X − colsum(X)", r"X - \operatorname{colsum}(X)", "X - sum(X, axis=0)"),
    (X * ops.exp(ops.reshape(x, ("n", 1))), "diag(exp(x)) X", r"\operatorname{diag}(\exp(x)) X", "X * exp(x)[:, None]"),
    (2 * ops.sum(A * B, axis=1), "2·(A ⊙ B) 𝟏", r"2 (A \odot B) \mathbf{1}", "2 * sum(A * B, axis=1)"),
    (ops.sum(x) * y, "(Σ x) y", r"\left(\sum x\right) y", "sum(x) * y"),
    (s * ops.sum(x), "s Σ x", r"s \sum x", "s * sum(x)"),
    (ops.sqrt(x @ x) * y / ops.norm(x - y), "‖x‖ y / ‖x − y‖", r"\frac{\left\lVert x\right\rVert y}{\left\lVert x - y\right\rVert}", "norm(x) * y / norm(x - y)"),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[3])
def test_printed(row: tuple[Expr, str, str, str]) -> None:
    e, *wanted = row
    assert [format_formula(e, style).text for style in ("unicode", "latex", "python")] == wanted
    assert all(format_formula(e, style).where == () for style in STYLES)


def test_names_that_python_would_not_take() -> None:
    e = var("δ₂", ("n",)) * var("lambda", ("n",)) + var("sum", ("n",)) + ops.sum(var("n", ()) * x)
    assert format_formula(e, "python").text == "δ2 * lambda_ + sum_ + n_ * sum(x)"
    assert format_formula(e, "unicode").text.startswith("δ₂ ⊙ lambda + sum")
    assert r"\delta_{2} \odot \lambda" in format_formula(e, "latex").text


def test_two_variables_of_one_name_are_told_apart() -> None:
    e = var("x", ()) * var("x", (), token=7)
    assert format_formula(e, "python").text == "x * x_"


def test_unknown_style_is_refused() -> None:
    with pytest.raises(UnknownName, match=r"there is no style 'unicod'.*did you mean 'unicode'.*Styles: unicode, latex, python"):
        format_formula(x, "unicod")
