"""Derivatives of matrices as matrices: the entries are those of the array, stacked by rows or by columns, in every style."""

from __future__ import annotations

import numpy as np
import pytest

import symdiff as sd
from symdiff.expr.traverse import variables
from symdiff.printing.kronecker import commutation, vec_form, vec_notes
from tests.printing.printed import evaluate
from tests.reference import evaluate_all

SIZES = {"m": 3, "n": 2, "r": 4, "p": 4, "q": 3, "k": 2, "d": 3, "N": 5}
A, X, B, Z = (sd.var(name, shape) for name, shape in [("A", ("p", "m")), ("X", ("m", "n")), ("B", ("n", "q")), ("Z", ("q", "p"))])
T, U, V = sd.var("T", ("m", "n")), sd.var("U", ("m", "r")), sd.var("V", ("n", "r"))
S, b, c, D, W = sd.var("S", ("n", "n")), sd.var("b", "n"), sd.var("c", "m"), sd.var("D", ("N", "d")), sd.var("W", ("d", "k"))
S_inv = sd.inv(S)

# (derivative, axes of the function, by rows, by columns)
FORMS = [
    (sd.hessian(sd.sum((T - U @ V.T) ** 2), U), 2, "2·I ⊗ Vᵀ V", "2·Vᵀ V ⊗ I"),
    (sd.hessian(sd.sum((T - U @ V.T) ** 2), [U, V])[0][1], 2,
     "2·(U Vᵀ − T) ⊗ I + 2·(U ⊗ Vᵀ) K", "2·I ⊗ (U Vᵀ − T) + 2·(Vᵀ ⊗ U) K"),
    (sd.jacobian(A @ X @ B, X), 2, "A ⊗ Bᵀ", "Bᵀ ⊗ A"),
    (sd.jacobian(X.T, X), 2, "K", "K"),
    (sd.jacobian(X, X), 2, "I", "I"),
    (sd.jacobian(B.T @ X.T @ A.T, X), 2, "(Bᵀ ⊗ A) K", "(A ⊗ Bᵀ) K"),
    (sd.jacobian(S_inv, S), 2, "−S⁻¹ ⊗ S⁻ᵀ", "−S⁻ᵀ ⊗ S⁻¹"),
    (sd.hessian(sd.slogdet(S)[1], S), 2, "−(S⁻ᵀ ⊗ S⁻¹) K", "−(S⁻¹ ⊗ S⁻ᵀ) K"),
    (sd.jacobian(X.T @ X, X), 2, "Xᵀ ⊗ I + (I ⊗ Xᵀ) K", "I ⊗ Xᵀ + (Xᵀ ⊗ I) K"),
    (sd.hessian(sd.sum(sd.exp(X)), X), 2, "diag(vec(exp(X)))", "diag(vec(exp(X)))"),
    (sd.hessian(sd.sum(X * X) / 2, X), 2, "I", "I"),
    (sd.hessian(sd.trace(S @ S), S), 2, "2·K", "2·K"),
    (sd.hessian(sd.trace(S) ** 2, S), 2, "2·vec(I) vec(I)ᵀ", "2·vec(I) vec(I)ᵀ"),
    (sd.jacobian(X @ b, X), 1, "I ⊗ bᵀ", "bᵀ ⊗ I"),
    (sd.jacobian(c @ X, X), 1, "cᵀ ⊗ I", "I ⊗ cᵀ"),
    (sd.jacobian(A @ X @ b, X), 1, "A ⊗ bᵀ", "bᵀ ⊗ A"),
    (sd.jacobian(sd.tanh(X @ b), X), 1, "diag(1 − tanh(X b)²) ⊗ bᵀ", "bᵀ ⊗ diag(1 − tanh(X b)²)"),
    (sd.jacobian(sd.outer(c, b), b), 2, "c ⊗ I", "I ⊗ c"),
    (sd.jacobian(sd.outer(b, b), b), 2, "I ⊗ b + b ⊗ I", "b ⊗ I + I ⊗ b"),
    (sd.hessian(sd.sum(sd.exp(sd.var("s", "N"))[:, None] * (D @ W) ** 2), W), 2,
     "2·Dᵀ diag(exp(s)) D ⊗ I", "2·I ⊗ Dᵀ diag(exp(s)) D"),
    (sd.hessian(sd.sum(sd.exp(X @ b)), X), 2, "diag(exp(X b)) ⊗ b bᵀ", "b bᵀ ⊗ diag(exp(X b))"),
]  # fmt: skip


def values_of(e):
    rng = np.random.default_rng(0)
    return {v: rng.normal(size=tuple(SIZES[d] for d in v.shape)) + (2 * np.eye(2) if v is S else 0) for v in variables(e)}


@pytest.mark.parametrize(("derivative", "rows", "by_rows", "by_columns"), FORMS, ids=[by_rows for _, _, by_rows, _ in FORMS])
def test_the_matrix_reads_as_in_books_and_has_the_entries_of_the_array(derivative, rows, by_rows, by_columns):
    e = sd.simplify(derivative)
    values = values_of(e)
    for order, text in (("rows", by_rows), ("columns", by_columns)):
        form = vec_form(e, rows, order)
        assert form is not None and form.formula().text == text
        array, matrix = evaluate_all([e, form.matrix], values, SIZES)
        axes = range(array.ndim)
        if order == "columns":
            array = array.transpose(*reversed(axes[:rows]), *reversed(axes[rows:]))
        np.testing.assert_allclose(array.reshape(matrix.shape), matrix)
        shown = form.formula("python")
        scope = {name: getattr(np, name) for name in ("einsum", "kron", "eye", "diag", "outer", "reshape", "exp", "tanh")}
        scope |= {"inv": np.linalg.inv, **SIZES, **{v.name: a for v, a in values.items()}}
        for name, part in shown.where:
            scope[name] = eval(part, scope)
        np.testing.assert_allclose(eval(shown.text, scope), matrix)


def test_the_commutation_matrix_turns_a_stacked_matrix_round():
    K = evaluate(commutation("m", "n"), {}, SIZES)
    x = np.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(K @ x.ravel(), x.T.ravel())


@pytest.mark.parametrize(
    ("derivative", "rows"),
    [
        (sd.hessian(sd.sum(sd.logaddexp(0, D @ W)), W), 2),  # a sum over examples of Kronecker products
        (sd.hessian(sd.sum(b**2), b), 1),  # a matrix already
        (sd.jacobian(sd.einsum("i,jk->ijk", b, X), X), 3),  # a function of three axes
    ],
)
def test_where_there_is_no_such_form_nothing_is_said(derivative, rows):
    assert vec_form(sd.simplify(derivative), rows) is None and vec_notes(sd.simplify(derivative), rows) == []


def test_the_commutation_matrix_has_a_name_of_its_own():
    K = sd.var("K", ("n", "n"))
    assert vec_form(sd.simplify(sd.jacobian(K @ K.T, K)), 2).formula().text == "I ⊗ K + (K ⊗ I) C"
    assert vec_notes(sd.jacobian(K.T, K), 2)[-1] == "K vec(X) = vec(Xᵀ)"
