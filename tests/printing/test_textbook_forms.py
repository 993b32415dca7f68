"""Gradients and Hessians as textbooks print them, character by character; and what no formula of the corpus may look like."""

from __future__ import annotations

import re

import pytest

import symdiff as sd
from symdiff.expr.text import parse, parse_names
from symdiff.printing.formula import format_formula
from tests.corpus.cases import all_cases, derive

DATA = "X:n,d w:d y:n A:n,n B:n,n x:n z:n a:n b:n s lam W:d,k Y:n,k"

# (loss, variable, kind, what a textbook prints, its LaTeX)
FORMS = [
    ("0.5*sum((X@w - y)**2)", "w", "grad", "Xᵀ(X w − y)", r"X^\top (X w - y)"),
    ("sum((y - X@w)**2)", "w", "grad", "2·Xᵀ(X w − y)", r"2 X^\top (X w - y)"),
    ("mean((X@w - y)**2)/2", "w", "grad", "Xᵀ(X w − y) / n", r"\frac{X^\top (X w - y)}{n}"),
    ("sum((X@w - y)**2)", "y", "grad", "2·(y − X w)", "2 (y - X w)"),
    ("0.5*sum((X@w - y)**2)", "w", "hessian", "Xᵀ X", r"X^\top X"),
    ("sum((X@W - Y)**2)", "W", "grad", "2·Xᵀ(X W − Y)", r"2 X^\top (X W - Y)"),
    ("x@x", "x", "grad", "2·x", "2 x"),
    ("norm(x)", "x", "grad", "x / ‖x‖", r"\frac{x}{\left\lVert x\right\rVert}"),
    ("norm(x - a)", "x", "grad", "(x − a) / ‖x − a‖", r"\frac{x - a}{\left\lVert x - a\right\rVert}"),
    ("1/norm(x)", "x", "grad", "−x / ‖x‖³", r"-\frac{x}{\left\lVert x\right\rVert^{3}}"),
    ("a@x", "x", "grad", "a", "a"),
    ("x@A@x", "x", "grad", "(A + Aᵀ) x", r"(A + A^\top) x"),
    ("x@A@x", "x", "hessian", "A + Aᵀ", r"A + A^\top"),
    ("a@A@b", "A", "grad", "a bᵀ", r"a b^\top"),
    ("a@A.T@b", "A", "grad", "b aᵀ", r"b a^\top"),
    ("a@A.T@A@b", "A", "grad", "A (b aᵀ + a bᵀ)", r"A (b a^\top + a b^\top)"),
    ("trace(A)", "A", "grad", "I", "I"),
    ("trace(A@B)", "A", "grad", "Bᵀ", r"B^\top"),
    ("trace(A.T@B)", "A", "grad", "B", "B"),
    ("trace(A@A)", "A", "grad", "2·Aᵀ", r"2 A^\top"),
    ("trace(A@A@A)", "A", "grad", "3·(A²)ᵀ", r"3 (A^{2})^\top"),
    ("sum(A**2)", "A", "grad", "2·A", "2 A"),
    ("logdet(A)", "A", "grad", "A⁻ᵀ", r"A^{-\top}"),
    ("det(A)", "A", "grad", "det(A) A⁻ᵀ", r"\det(A) A^{-\top}"),
    ("a@inv(A)@b", "A", "grad", "−A⁻ᵀ a bᵀ A⁻ᵀ", r"-A^{-\top} a b^\top A^{-\top}"),
    ("trace(inv(A)@B)", "A", "grad", "−(A⁻¹ B A⁻¹)ᵀ", r"-(A^{-1} B A^{-1})^\top"),
    ("logsumexp(x)", "x", "grad", "softmax(x)", r"\operatorname{softmax}(x)"),
    ("logsumexp(X@w)", "w", "grad", "Xᵀ softmax(X w)", r"X^\top \operatorname{softmax}(X w)"),
    ("sum(log(1 + exp(X@w))) - y@X@w", "w", "grad", "Xᵀ(σ(X w) − y)", r"X^\top (\sigma(X w) - y)"),
    ("sum(log(cosh(x)))", "x", "grad", "tanh(x)", r"\tanh(x)"),
    ("sum(exp(X@w)) - y@X@w", "w", "grad", "Xᵀ(exp(X w) − y)", r"X^\top (\exp(X w) - y)"),
    ("sum(abs(w))", "w", "grad", "sign(w)", r"\operatorname{sign}(w)"),
    ("sum(maximum(w, 0))", "w", "grad", "[w > 0]", "[w > 0]"),
    ("-sum(x*log(x))", "x", "grad", "−1 − log(x)", r"-1 - \log(x)"),
    ("sum(sin(x)*x)", "x", "grad", "sin(x) + x ⊙ cos(x)", r"\sin(x) + x \odot \cos(x)"),
    ("prod(x)", "s", "grad", "0", "0"),
    ("(x@A@x)/(x@x)", "x", "grad", "((A + Aᵀ) x − 2·(xᵀ A x) x / ‖x‖²) / ‖x‖²",
     r"\frac{(A + A^\top) x - \frac{2 (x^\top A x) x}{\left\lVert x\right\rVert^{2}}}{\left\lVert x\right\rVert^{2}}"),
    ("mean(x)", "x", "grad", "𝟏 / n", r"\frac{\mathbf{1}}{n}"),
    ("sum((x - mean(x))**2)", "x", "grad", "2·(x − mean(x))", r"2 (x - \operatorname{mean}(x))"),
    ("s**3*exp(-s)", "s", "grad", "s² (3 − s) exp(−s)", r"s^{2} (3 - s) \exp(-s)"),
    ("s/(1 + s)", "s", "grad", "1 / (1 + s)²", r"\frac{1}{(1 + s)^{2}}"),
    ("lam*sum(w**2)/2 + sum((X@w - y)**2)/2", "w", "grad", "Xᵀ(X w − y) + lam w", r"X^\top (X w - y) + \lambda w"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "wrt", "kind", "unicode", "latex"), FORMS, ids=[f"{text} in {wrt}, {kind}" for text, wrt, kind, _, _ in FORMS]
)
def test_a_derivative_reads_as_in_a_textbook(text, wrt, kind, unicode, latex):
    names = parse_names({}, dict(entry.partition(":")[::2] for entry in DATA.split()), {})
    e = sd.simplify({"grad": sd.grad, "hessian": sd.hessian}[kind](parse(text, names), names[wrt]))
    assert format_formula(e).text == unicode
    assert format_formula(e, "latex").text == latex


UGLY = {
    "a factor −1": re.compile(r"−1·|(?<![\w.])-1 \*(?! \()|(?<!\w)1 \* (?!\()"),
    "a sign after a sign": re.compile(r"[+−-] [−-](?=[\w(σ∂δ‖√])"),
    "a negative power": re.compile(r"\*\* ?\(?-[0-9]"),
    "a quotient of a quotient": re.compile(r"^[\w ]+ / [\w ]+ / [\w ]+$"),
    "empty brackets": re.compile(r"(?<!\w)\(\)"),
    "doubled brackets": re.compile(r"\(\([^()]*\)\)(?!\w)"),
}


@pytest.mark.slow
@pytest.mark.parametrize("style", ["unicode", "python"])
def test_no_formula_of_the_corpus_reads_badly(style):
    found = [
        f"{case.id}: {what}: {text}"
        for case in all_cases()
        for f in [derive(case).formula(style)]
        for text in (f.text, *(part for _, part in f.where))
        for what, pattern in UGLY.items()
        if pattern.search(text) and not (what == "doubled brackets" and style == "python")
    ]
    assert found == []
