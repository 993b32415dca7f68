"""Derivations of Jacobians and Hessians: every line an equality, and the last one what the calculus says."""

from __future__ import annotations

import json

import numpy as np
import pytest

import symdiff as sd
from symdiff.api.sampling import samples, size_choices
from symdiff.expr.text import parse_names
from symdiff.expr.traverse import variables
from symdiff.training import mazur
from symdiff.training.formulas import EntryForm
from symdiff.training.steps import derivations, targets_of
from tests.reference import evaluate_all

# name: (formula, variables, shapes, assumptions, let)
HESSIANS = {
    "least squares": ("sum((X@w - y)**2)", "w", "X:n,d w:d y:n", {}, {}),
    "ridge": ("mean((X@w - y)**2) + lam*sum(w**2)", "w", "X:n,d w:d y:n lam", {}, {}),
    "logistic": ("sum(logaddexp(0, X@w)) - y@X@w", "w", "X:n,d w:d y:n", {"y": "binary"}, {}),
    "log-sum-exp": ("log(sum(exp(z)))", "z", "z:k", {}, {}),
    "logsumexp of a map": ("logsumexp(A@x + b)", "x", "A:m,n x:n b:m", {}, {}),
    "quadratic form": ("x@A@x", "x", "A:n,n x:n", {}, {}),
    "half a norm": ("w@w/2", "w", "w:d", {}, {}),
    "norm": ("norm(x - a)", "x", "x:n a:n", {}, {}),
    "linear": ("a@x", "x", "a:n x:n", {}, {}),
    "entry by entry": ("sum(exp(x)*sin(x))", "x", "x:n", {}, {}),
    "scalar": ("x**3*exp(x)", "x", "x", {}, {}),
    "factorisation": ("sum((T - U@V.T)**2)", "U", "T:m,n U:m,r V:n,r", {}, {}),
    "factorisation, block": ("sum((T - U@V.T)**2)", "U,V", "T:m,n U:m,r V:n,r", {}, {}),
    "bias and weight": ("sum((X@w + b - y)**2)", "w,b", "X:n,d w:d b y:n", {}, {}),
    "log det": ("logdet(K)", "K", "K:n,n", {"K": "spd"}, {}),
    "log det of invertible": ("logdet(K)", "K", "K:n,n", {"K": "invertible"}, {}),
    "Gaussian": ("y@inv(K)@y", "K", "K:n,n y:n", {"K": "spd"}, {}),
    "orthogonality": ("sum((U.T@U - eye(r))**2)", "U", "U:m,r", {}, {}),
    "two layers": ("sum((tanh(X@A)@B - Y)**2)", "A,B", "X:n,d A:d,h B:h,k Y:n,k", {}, {}),
    "softmax regression": ("-sum(Y*log_softmax(X@W, axis=1))", "W", "X:n,d W:d,k Y:n,k", {"Y": "onehot"}, {}),
    "Rayleigh quotient": ("(w@A@w)/(w@w)", "w", "A:n,n w:n", {"A": "symmetric"}, {}),
    "neighbours": ("sum((x[1:] - x[:-1]**2)**2)", "x", "x:n", {}, {}),
    "flat": ("sum(floor(x))", "x", "x:n", {}, {}),
}  # fmt: skip
JACOBIANS = {
    "linear map": ("A@x", "x", "A:m,n x:n", {}, {}),
    "layer": ("tanh(X@w)", "w", "X:n,d w:d", {}, {}),
    "softmax": ("softmax(z)", "z", "z:k", {}, {}),
    "normalised": ("x/norm(x)", "x", "x:n", {}, {}),
    "product": ("A@X@B", "X", "A:p,m X:m,n B:n,q", {}, {}),
    "transposed": ("A@X.T@B", "X", "A:p,n X:m,n B:m,q", {}, {}),
    "inverse": ("inv(K)", "K", "K:n,n", {"K": "invertible"}, {}),
    "inverse of symmetric": ("inv(K)", "K", "K:n,n", {"K": "spd"}, {}),
    "Gram": ("X.T@X", "X", "X:m,n", {}, {}),
    "outer": ("outer(x, x)", "x", "x:n", {}, {}),
    "in a matrix": ("tanh(X@b)", "X", "X:m,n b:n", {}, {}),
    "entry by entry": ("exp(X)*X", "X", "X:m,n", {}, {}),
    "running sums": ("cumsum(x**2)", "x", "x:n", {}, {}),
    "itself": ("x", "x", "x:n", {}, {}),
    "not in it": ("exp(y)", "x", "x:n y:m", {}, {}),
}  # fmt: skip
CASES = [("hessian", name) for name in HESSIANS] + [("jacobian", name) for name in JACOBIANS]


def case(kind, name):
    text, wrt, shapes, assume, let = (HESSIANS if kind == "hessian" else JACOBIANS)[name]
    names = parse_names(let, dict(entry.partition(":")[::2] for entry in shapes.split()), assume)
    chosen = [names[w] for w in wrt.split(",")]
    return sd.parse(text, names), chosen if len(chosen) > 1 else chosen[0]


def check_lines(d, values, sizes):
    """Both sides of every line have one value, at random differentials."""
    rng = np.random.default_rng(2)
    moving = [v for v, e in d.record.differentials.items() if d.expanded(v) is v]
    at = dict(values)
    for v in moving:
        at[v] = rng.standard_normal(tuple(sizes.get(n, n) for n in v.shape))
    found = evaluate_all([d.expanded(e) for line in d.lines for e in (line.left, line.right)], at, sizes)
    for k, line in enumerate(d.lines):
        np.testing.assert_allclose(found[2 * k], found[2 * k + 1], rtol=1e-8, atol=1e-9, err_msg=f"line {k + 1}: {line.kind}")


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_every_line_is_an_equality_and_the_last_is_the_derivative(kind, name):
    e, wrt = case(kind, name)
    d = sd.derivation(e, wrt, kind=kind)
    pair = wrt if isinstance(wrt, list) else [wrt]
    inputs = variables(e, *pair)
    wanted = sd.hessian(e, pair)[0][-1] if kind == "hessian" else sd.jacobian(e, wrt)
    for seed, sizes in enumerate(size_choices([*inputs, e])[:2]):
        values = samples(inputs, sizes, np.random.default_rng(seed + 3))
        check_lines(d, values, sizes)
        found, truth = evaluate_all([d.gradient, wanted], values, sizes)
        np.testing.assert_allclose(found, truth, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize(("kind", "name"), CASES)
@pytest.mark.parametrize("style", ["unicode", "latex", "python"])
def test_every_style_spells_every_line(kind, name, style):
    d = sd.derivation(*case(kind, name), kind=kind, style=style)
    rows = json.loads(json.dumps(d.to_dict()))["lines"]
    assert all(row["left"] and row["right"] and row["explanation"] for row in rows)
    assert all(line.rules for line in d.lines if line.kind == "differential")
    text = d.text(80)
    if style == "unicode":
        assert max(map(len, text.splitlines())) <= 80
    if style == "python":
        for row in rows:
            compile(row["right"], "line", "eval")
            assert row["left"].isidentifier() or row["kind"] == "identity"


def test_least_squares_reads_as_a_textbook():
    lines = sd.derivation(*case("hessian", "least squares"), kind="hessian").text(120).splitlines()
    formulas = [line[6:].split("   ")[0].rstrip() for line in lines]
    assert formulas[7:] == ["d²E = dgᵀ dw", "dg = 2·Xᵀ dr", "dr = X dw", "dg = 2·Xᵀ X dw", "d²E = dwᵀ (2·Xᵀ X) dw", "∂²E/∂w² = 2·Xᵀ X"]
    assert "the second differential: dw held fixed;  g = 2·Xᵀ r, the gradient" in lines[7]
    assert "read off: dg = H dw means H = ∂²E/∂w²;  shape (d, d)" in lines[12]


def test_a_matrix_of_second_derivatives_says_how_entries_are_stacked():
    text = sd.derivation(*case("hessian", "factorisation"), kind="hessian").text(200)
    assert "∂²E/∂U² = 2·δᵢₖ (Vᵀ V)ⱼₗ" in text and "dGᵢⱼ = Σₖₗ Hᵢⱼₖₗ dUₖₗ" in text
    assert "by rows (NumPy's ravel): 2·I ⊗ Vᵀ V;  by columns: 2·Vᵀ V ⊗ I" in text
    block = sd.derivation(*case("hessian", "factorisation, block"), kind="hessian").text(200)
    assert "dU held fixed, V varied" in block and "2·(U ⊗ Vᵀ) K − 2·R ⊗ I" in block and "K vec(X) = vec(Xᵀ)" in block


def test_latex_has_the_matrices_too():
    text = sd.derivation(*case("hessian", "factorisation"), kind="hessian", style="latex").text()
    assert r"\text{by columns:}\ 2 V^\top V \otimes I" in text and r"\frac{\partial^2 E}{\partial U^2} &= 2 \delta_{ik}" in text


def test_an_array_is_derived_to_its_jacobian():
    e, wrt = case("jacobian", "layer")
    assert sd.derivation(e, wrt).text() == sd.derivation(e, wrt, kind="jacobian").text()
    assert "∂f/∂w = diag(1 − f²) X" in sd.derivation(e, wrt).text()


def test_the_hessian_of_a_network_keeps_its_names():
    net = mazur()
    W1 = net.weights[0]
    names = {net.expanded[d.var]: d.var.name for d in net.definitions}
    d = sd.derivation(net.loss, W1, names=names, kind="hessian")
    assert "dδ₁" in d.text(120) and "h = σ(a₁)" in d.text(120)
    check_lines(d, net.values(), {})


def test_the_derivation_of_one_weight_holds_line_by_line():
    net = mazur()
    for v, d in derivations(net, targets_of(net, ["w5", "w1"])).items():
        assert v.name in ("w5", "w1")
        check_lines(d, EntryForm(net).values(net.values()), {})
    with pytest.raises(sd.UnknownName, match="mazur has no weight 'w55'"):
        targets_of(net, ["w55"])
