"""`sd.derive`: formulas with their layout, their conventions and their blocks; values that are those of the formulas."""

from __future__ import annotations

import json

import numpy as np
import pytest

import symdiff as sd
from symdiff.api.layouts import LAYOUTS
from symdiff.expr.traverse import variables
from tests.reference import evaluate_all

X, w, y, b = sd.var("X", ("n", "d")), sd.var("w", "d"), sd.var("y", "n"), sd.var("b")
T, U, V = sd.var("T", ("m", "n")), sd.var("U", ("m", "r")), sd.var("V", ("n", "r"))
SQUARES = sd.sum((X @ w + b - y) ** 2)
FACTORS = sd.sum((T - U @ V.T) ** 2)
SIZES = {"n": 4, "d": 2, "m": 3, "r": 2}


def sample(*es):
    rng = np.random.default_rng(1)
    return {v: rng.normal(size=tuple(SIZES[d] for d in v.shape)) for v in variables(*es)}


@pytest.mark.parametrize(
    ("expr", "wrt", "kind", "layout", "text"),
    [
        (SQUARES, w, "gradient", "numpy", "∂E/∂w = 2·Xᵀ(X w + b − y)    (d,)"),
        (SQUARES, w, "gradient", "denominator", "∂E/∂w = 2·Xᵀ(X w + b − y)    (d,)"),
        (SQUARES, w, "gradient", "numerator", "∂E/∂w = 2·(X w + b − y)ᵀ X    (1, d)"),
        (SQUARES, b, "gradient", "numerator", "∂E/∂b = 2·Σ (X w + b − y)"),
        (FACTORS, U, "gradient", "numerator", "∂E/∂U = 2·Vᵀ(U Vᵀ − T)ᵀ    (r, m)"),
        (sd.tanh(X @ w), w, "jacobian", "numpy", "∂f/∂w = diag(1 − tanh(X w)²) X    (n, d)"),
        (sd.tanh(X @ w), w, "jacobian", "numerator", "∂f/∂w = diag(1 − tanh(X w)²) X    (n, d)"),
        (sd.tanh(X @ w), w, "jacobian", "denominator", "∂f/∂w = Xᵀ diag(1 − tanh(X w)²)    (d, n)"),
        (w * b, b, "jacobian", "denominator", "∂f/∂b = wᵀ    (1, d)"),
        (X.T @ T.T, T, "jacobian", "numpy", "∂f/∂T = Xₗᵢ δⱼₖ    (d, m, m, n)"),
        (X.T @ T.T, T, "jacobian", "numerator", "∂f/∂T = (I ⊗ Xᵀ) K    (d*m, m*n)"),
        (FACTORS, U, "hessian", "numpy", "by columns: 2·Vᵀ V ⊗ I"),
        (FACTORS, U, "hessian", "denominator", "∂²E/∂U² = 2·Vᵀ V ⊗ I    (m*r, m*r)"),
    ],
)
def test_layouts(expr, wrt, kind, layout, text):
    answer = sd.derive(expr, wrt, kind, layout=layout)
    assert text in str(answer)
    assert answer.values[0].shape == answer.spelled[0].value.shape


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("expr", "wrt", "kind"),
    [
        (SQUARES, w, "gradient"),
        (FACTORS, U, "gradient"),
        (sd.tanh(X @ w), w, "jacobian"),
        (U @ V.T, U, "jacobian"),
        (FACTORS, U, "hessian"),
    ],
)
def test_every_layout_has_the_same_numbers(layout, expr, wrt, kind):
    values = sample(expr, wrt)
    plain, laid = evaluate_all([sd.derive(expr, wrt, kind).values[0], sd.derive(expr, wrt, kind, layout=layout).values[0]], values, SIZES)
    if layout != "numpy" and plain.ndim == 4:
        plain = plain.transpose(1, 0, 3, 2).reshape(laid.shape if kind == "hessian" or layout == "numerator" else laid.shape[::-1])
    if (layout == "numerator" and kind == "gradient") or (layout == "denominator" and kind == "jacobian"):
        plain = plain[None] if plain.ndim == 1 else plain.T
    np.testing.assert_allclose(laid, plain)


def test_a_hessian_in_several_variables_is_a_matrix_of_blocks():
    page = sd.derive(SQUARES, [w, b], "hessian").lines(100)
    assert page[-2:] == ["  ∂²E/∂(w, b)² = ⎡ 2·Xᵀ X  2·Xᵀ 𝟏 ⎤", "                 ⎣ 2·𝟏ᵀ X  2·n    ⎦"]
    wide = sd.derive(FACTORS, [U, V], "hessian")
    assert "⎡ 2·I ⊗ Vᵀ V" in wide.text(120) and "⎡ ∂²E/∂U²      ∂²E/∂U∂V ⎤" in wide.text(80)
    assert r"\begin{bmatrix} 2 X^\top X & 2 X^\top \mathbf{1} \\" in sd.derive(SQUARES, [w, b], "hessian").latex()
    assert str(sd.hessian(SQUARES, [w, b])).splitlines()[0] == "⎡ 2·Xᵀ X  2·Xᵀ 𝟏 ⎤"
    assert isinstance(sd.hessian(SQUARES, [w, b]), list)


@pytest.mark.parametrize("style", ["unicode", "latex", "python", "sympy", "mathml"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_style_and_its_data(style, layout):
    for expr, wrt, kind in ((SQUARES, [w, b], "gradient"), (FACTORS, [U, V], "hessian"), (sd.tanh(X @ w), w, None)):
        answer = sd.derive(expr, wrt, kind, style=style, layout=layout, steps=True)
        assert answer.text() and json.dumps(answer.to_dict())
        assert len(answer.derivations) == len(answer.found)


@pytest.mark.parametrize(
    ("expr", "note"),
    [
        (sd.sum(sd.abs(w)), "absolute value: 0 at 0"),
        (sd.sum(sd.relu(w)), "relu: 0 at 0"),
        (sd.sum(sd.maximum(w, 0)), "maximum: "),
        (sd.max(w), "largest entry: at a tie it is shared equally"),
        (sd.norm(w - y[0]), "norm: 0 at the zero vector"),
        (sd.sum(sd.sign(w) * w), "sign: 0 everywhere"),
    ],
)
def test_a_convention_stands_under_the_formula_that_uses_it(expr, note):
    assert f"  at a corner: {note}" in str(sd.derive(expr, w))
    assert note.partition(": ")[2] in str(sd.derivation(expr, w).text(200))


def test_bad_choices_are_named():
    for options, said in (
        ({"layout": "numertor"}, "no layout 'numertor' \\(did you mean 'numerator'"),
        ({"kind": "hesian"}, "no derivative 'hesian'"),
        ({"style": "tex"}, "no style 'tex'"),
    ):
        with pytest.raises(sd.UnknownName, match=said):
            sd.derive(SQUARES, w, **options)
    with pytest.raises(sd.ShapeError, match="gradient of a scalar"):
        str(sd.derive(X @ w, w, "gradient"))


def test_the_default_is_the_gradient_of_a_scalar_and_the_jacobian_of_an_array():
    assert sd.derive(SQUARES, w).kind == "gradient" and sd.derive(X @ w, w).kind == "jacobian"
    assert sd.derive(SQUARES, w)._repr_latex_().startswith("$$\\begin{aligned}")


def test_print_says_the_matrix_of_second_derivatives_and_keeps_to_one_notation():
    lines = str(sd.hessian(FACTORS, U)).splitlines()
    assert lines == ["2·δᵢₖ (Vᵀ V)ⱼₗ", "  as a matrix, by rows (NumPy's ravel): 2·I ⊗ Vᵀ V", "  by columns: 2·Vᵀ V ⊗ I"]
    assert sd.hessian(FACTORS, U).latex() == r"2 \delta_{ik} (V^\top V)_{jl}"
    A, B, C, D = sd.var("A", ("a", "r")), sd.var("B", ("b", "r")), sd.var("C", ("c", "r")), sd.var("D", ("a", "b", "c"))
    loss = sd.sum((sd.einsum("ir,jr,kr->ijk", A, B, C) - D) ** 2)
    assert str(sd.grad(loss, A)) == "2·Σₖₗ (Σₘ Aᵢₘ Bₖₘ Cₗₘ − Dᵢₖₗ) Bₖⱼ Cₗⱼ"


def test_latex_of_a_choice_and_of_named_parts():
    assert sd.where(w > 0, sd.exp(w), w).latex() == r"\operatorname{where}(w > 0, \exp(w), w)"
    assert sd.jacobian(sd.softmax(w), w).latex() == r"\operatorname{diag}(p) - p p^\top \quad \text{where}\ p = \operatorname{softmax}(w)"
    assert sd.jacobian(sd.softmax(w), w)._repr_latex_().startswith("$\\displaystyle")


def test_what_is_stretched_along_a_third_axis_is_written_by_its_entries():
    loss = sd.sum(sd.exp(-sd.sum((X[:, None, :] - X[None, :, :]) ** 2, axis=2)))
    text = str(sd.grad(loss, X))
    assert "Rᵢⱼₖ = Xᵢₖ − Xⱼₖ" in text and text.startswith("2·(Σₖ Eₖᵢ Rₖᵢⱼ − Σₖ Eᵢₖ Rᵢₖⱼ)")
