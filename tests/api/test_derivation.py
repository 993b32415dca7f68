"""Derivations: every line an equality, checked by numbers; what is printed; the rule book that the lines cite."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import symdiff as sd
from symdiff.api.rulebook import book, conventions, differentials, identities
from symdiff.api.sampling import samples, size_choices
from symdiff.expr.text import parse_names
from symdiff.expr.traverse import variables
from symdiff.printing.derivation import statement
from symdiff.printing.nesting import put_in
from symdiff.rules.differentials import MATRIX, REDUCTIONS, SCANS
from symdiff.rules.elementwise import DERIVATIVES
from symdiff.training import mazur, xor
from symdiff.training.steps import derivations
from tests.reference import evaluate_all

ROOT = Path(__file__).parents[2]

# name: (loss, variable, shapes, assumptions, let)
LOSSES = {
    "least squares": ("sum((X@w - y)**2)", "w", "X:n,d w:d y:n", {}, {}),
    "ridge mean": ("mean((X@w - y)**2) + lam*sum(w**2)", "w", "X:n,d w:d y:n lam", {}, {}),
    "lasso": ("0.5*sum((X@w - y)**2) + lam*sum(abs(w))", "w", "X:n,d w:d y:n lam", {"lam": "positive"}, {}),
    "logistic": ("-sum(y*log(p) + (1-y)*log(1-p))", "w", "X:n,d w:d y:n", {"y": "binary"}, {"p": "1/(1+exp(-(X@w)))"}),
    "softmax regression": (
        "-sum(Y*log(P))/n", "W", "X:n,d W:d,k Y:n,k", {"Y": "onehot"}, {"P": "exp(X@W)/sum(exp(X@W), axis=1, keepdims=True)"},
    ),
    "softmax bias": ("-sum(Y*log_softmax(X@W + b))", "b", "X:n,d W:d,k b:k Y:n,k", {"Y": "onehot"}, {}),
    "log det": ("logdet(K)", "K", "K:n,n", {"K": "spd"}, {}),
    "log det of a product": ("logdet(A.T @ W @ A)", "W", "A:n,n W:n,n", {"A": "invertible", "W": "spd"}, {}),
    "Gaussian process": ("0.5*(y@inv(K)@y) + 0.5*logdet(K)", "K", "K:n,n y:n", {"K": "spd"}, {}),
    "matrix factorisation": ("sum((T - U@V.T)**2)", "U", "T:m,n U:m,r V:n,r", {}, {}),
    "two layers": ("sum((tanh(X@A)@B - Y)**2)", "A", "X:n,d A:d,h B:h,k Y:n,k", {}, {}),
    "attention": ("sum(G*(softmax(Q@K.T/sqrt(d), axis=1)@V))", "Q", "G:n,v Q:n,d K:m,d V:m,v", {}, {}),
    "layer norm": ("g@((x - mean(x))/sqrt(mean((x - mean(x))**2) + 0.1))", "x", "g:d x:d", {}, {}),
    "Rayleigh quotient": ("(w@A@w)/(w@w)", "w", "A:n,n w:n", {"A": "symmetric"}, {}),
    "reconstruction": ("sum((X - X@W@W.T)**2)", "W", "X:n,d W:d,k", {}, {}),
    "relu layer": ("sum(G*maximum(X@W, 0))", "W", "G:n,k X:n,d W:d,k", {}, {}),
    "quantile": ("sum(maximum(0.3*r, -0.7*r))", "w", "X:n,d w:d y:n", {}, {"r": "y - X@w"}),
    "log barrier": ("-sum(log(b - A@x))", "x", "A:m,n x:n b:m", {"A": "small", "x": "small", "b": "positive"}, {}),
    "norm": ("norm(x - a)", "x", "x:n a:n", {}, {}),
    "products of neighbours": ("sum(x[1:]*x[:-1])", "x", "x:n", {}, {}),
    "running sums": ("sum(cumsum(x)**2)", "x", "x:n", {}, {}),
    "product": ("prod(x)", "x", "x:n", {}, {}),
    "largest": ("max(x)*sum(x)", "x", "x:n", {}, {}),
    "sorted": ("sum(sort(x)*a)", "x", "x:n a:n", {}, {}),
    "eigenvalues": ("sum(eigvalsh(S)**3)", "S", "S:n,n", {"S": "spd"}, {}),
    "Cholesky": ("sum(cholesky(K)*A)", "K", "K:n,n A:n,n", {"K": "spd"}, {}),
    "several paths": ("sum(exp(u)*sin(u)/(1 + u**2))", "x", "A:n,n x:n", {}, {"u": "A@x"}),
    "cubic form": ("trace(X@X@X)*(a@X@a)", "X", "X:n,n a:n", {}, {}),
    "linear": ("trace(A@X)", "X", "A:n,n X:n,n", {}, {}),
    "choice": ("sum(where(x > 0, x, exp(x)))", "x", "x:n", {}, {}),
    "flat in part": ("sum(sign(x)*x + floor(x))", "x", "x:n", {}, {}),
}  # fmt: skip


def loss_of(name):
    text, wrt, shapes, assume, let = LOSSES[name]
    names = parse_names(let, dict(entry.partition(":")[::2] for entry in shapes.split()), assume)
    return sd.parse(text, names), names[wrt]


def check_lines(d, values, sizes):
    """Both sides of every line have one value; dE is the change of E; each symbol's differential is the change of the symbol."""
    record = d.record
    (dw,) = [v for v, e in record.differentials.items() if e is record.wrt]
    rng = np.random.default_rng(2)
    direction = rng.standard_normal(values[record.wrt].shape)
    if {"spd", "symmetric"} & set(getattr(record.wrt, "assumptions", ())):  # eigvalsh and cholesky read one triangle
        direction = direction + direction.T
    values = {**values, dw: direction}
    sides = [e for line in d.lines for e in (line.left, line.right)]
    found = evaluate_all([d.expanded(e) for e in sides], values, sizes)
    for k, line in enumerate(d.lines):
        np.testing.assert_allclose(found[2 * k], found[2 * k + 1], rtol=1e-8, atol=1e-10, err_msg=f"line {k + 1}: {line.kind}")
    h = 1e-6
    nodes = [record.loss, *(e for e in record.differentials.values() if e is not record.wrt)]
    tangents = [d.expanded(d.lines[-1].left), *(d.expanded(v) for v, e in record.differentials.items() if e is not record.wrt)]
    ahead, behind = ({**values, record.wrt: values[record.wrt] + s * h * values[dw]} for s in (1, -1))
    change = [(a - b) / (2 * h) for a, b in zip(*(evaluate_all(nodes, at, sizes) for at in (ahead, behind)), strict=True)]
    slope, *along = evaluate_all(tangents, values, sizes)
    np.testing.assert_allclose(np.sum(slope * values[dw]), change[0], rtol=1e-5, atol=1e-7)
    for a, b in zip(along, change[1:], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_every_line_is_an_equality(name):
    loss, wrt = loss_of(name)
    d = sd.derivation(loss, wrt)
    inputs = variables(loss, wrt)
    for seed, sizes in enumerate(size_choices([*inputs, loss])[:2]):
        check_lines(d, samples(inputs, sizes, np.random.default_rng(seed + 3)), sizes)


@pytest.mark.parametrize("net", [mazur(), xor()], ids=lambda n: n.name)
def test_the_derivation_of_a_network_holds_line_by_line(net):
    for d in derivations(net, net.weights).values():
        sizes = {"n": 4}
        check_lines(d, net.values(), sizes)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("width", [80, 120])
def test_lines_fit_and_every_differential_cites_a_rule(name, width):
    d = sd.derivation(*loss_of(name))
    assert max(map(len, d.text(width).splitlines())) <= width
    assert all(line.rules for line in d.lines if line.kind == "differential")
    assert d.lines[0].kind == "loss" and d.lines[-1].kind in ("gradient", "result")


def test_mazur_reads_as_a_textbook():
    net = mazur()
    text = derivations(net, [net.weights[0]])[net.weights[0]].text(120).replace(" · ", " ")
    assert len(text.splitlines()) <= 15
    for formula in (
        "E = ½ ‖y − t‖²", "dE = (y − t)ᵀ dy", "square: d u² = 2·u du", "dy = y ⊙ (1 − y) ⊙ da₂", "sigmoid: d σ(u) = σ(u) (1 − σ(u)) du",
        "a₂ = W₂ h + b₂", "da₂ = W₂ dh", "W₂ and b₂ held fixed", "da₁ = dW₁ x", "2 to 6 put together", "this is where W₂ is transposed",
        "δ₂ = (y − t) ⊙ y ⊙ (1 − y)", "δ₁ = W₂ᵀ δ₂ ⊙ h ⊙ (1 − h)", "dE = tr((δ₁ xᵀ)ᵀ dW₁)", "∂E/∂W₁ = δ₁ xᵀ",
        "dE = tr(Gᵀ dW₁) means G = ∂E/∂W₁", "shape (2, 2)",
    ):  # fmt: skip
        assert formula in text, formula


def test_softmax_regression_ends_with_the_error_of_the_probabilities():
    assert (
        sd.derivation(*loss_of("softmax regression"))
        .text(160)
        .splitlines()[-1]
        .split("   ")[0]
        .endswith("∂E/∂W = Xᵀ(softmax(X W) − Y) / n")
    )


def test_values_stand_beside_the_symbols():
    net = mazur()
    (d,) = derivations(net, [net.weights[0]], values=net.values()).values()
    assert "y = [0.751365 0.772928]" in d.text(120) and "∂E/∂W₁ = [0.000438568" in d.text(120)
    rows = d.to_dict()["lines"]
    np.testing.assert_allclose(rows[-1]["values"]["∂E/∂W₁"][0][0], 0.000438568, rtol=1e-5)
    with pytest.raises(sd.BindingError, match="no value for W2, W1"):
        derivations(net, [net.weights[0]], values={})
    x = sd.var("x")
    with pytest.raises(sd.UnknownName, match="at names 'z'"):
        sd.derivation(x**2, x, at={"x": 1.0, "z": 2.0})


@pytest.mark.parametrize("style", ["unicode", "latex", "python"])
def test_every_style_has_the_same_lines_and_json_holds_them(style):
    d = sd.derivation(*loss_of("two layers"), style=style)
    data = json.loads(json.dumps(d.to_dict()))
    assert [row["kind"] for row in data["lines"]] == [line.kind for line in d.lines]
    assert all(row["formula"] == f"{row['left']} = {row['right']}" and row["explanation"] for row in data["lines"])
    if style == "latex":
        assert d.text().count("\\\\") == len(d.lines) - 1 and r"\mathrm{d}" in d.text() and d._repr_latex_().startswith("$$")
    if style == "python":
        for row in data["lines"]:
            compile(row["right"], "line", "eval")


def test_names_are_the_callers_or_new_ones():
    A, x, E, G = sd.var("A", ("n", "n")), sd.var("x", "n"), sd.var("E", "n"), sd.var("G", "n")
    h = sd.tanh(A @ x)
    named = sd.derivation(sd.sum(h**2), x, names={h: "h", A @ x: "a1"}).text()
    assert "dh = (1 − h²) ⊙ da₁" in named.replace("∘", "") and "a₁ = A x" in named
    taken = sd.derivation(sd.sum((E * G) ** 2), E)
    assert taken.record.names[taken.lines[0].left] == "L"
    assert len(set(taken.record.names.values())) == len(taken.record.names)
    clash = sd.derivation(sd.sum(sd.var("dE", "n") * E**2), E)
    assert len(set(clash.record.names.values()) | {"dE"}) == len(clash.record.names) + 1
    with pytest.raises(sd.NameClash, match="'x' is given to two"):
        sd.derivation(sd.sum(h**2), x, names={h: "x"})
    with pytest.raises(sd.UnknownName, match="'2 h' is no name"):
        sd.derivation(sd.sum(h**2), x, names={h: "2 h"})
    with pytest.raises(sd.UnknownName, match="no style"):
        sd.derivation(sd.sum(x), x, style="unicod")


@pytest.mark.parametrize(
    ("make", "last"),
    [
        pytest.param(lambda w, x: (w, w), "∂E/∂w = 1", id="the loss itself"),
        pytest.param(lambda w, x: (sd.sum(x), w), "∂E/∂w = 0", id="not in the loss"),
        pytest.param(lambda w, x: (sd.sum(sd.floor(x)), x), "∂E/∂x = 0", id="flat"),
        pytest.param(lambda w, x: (sd.sum(3 * x), x), "∂E/∂x = 3·𝟏", id="linear"),
    ],
)
def test_what_needs_no_chain_rule(make, last):
    d = sd.derivation(*make(sd.var("w"), sd.var("x", "n")))
    assert d.text().splitlines()[-1].split("   ")[0].strip().partition("  ")[2].startswith(last)


def test_a_derivative_in_an_inner_expression():
    A, x = sd.var("A", ("n", "n")), sd.var("x", "n")
    h = sd.tanh(A @ x)
    d = sd.derivation(sd.sum(h**2), h)
    assert d.gradient is sd.simplify(sd.grad(sd.sum(h**2), h)) or sd.simplify(d.gradient - sd.grad(sd.sum(h**2), h)) is sd.zeros(h.shape)


def test_what_is_known_of_the_variable_is_not_used_before_differentiating():
    """tr(Kᵀ A) of a symmetric K must not become tr(K A): the gradients in K differ."""
    K, A = sd.var("K", ("n", "n"), "symmetric"), sd.var("A", ("n", "n"))
    d = sd.derivation(sd.trace(K.T @ A), K)
    sizes = {"n": 3}
    values = samples([K, A], sizes, np.random.default_rng(0))
    np.testing.assert_allclose(evaluate_all([d.gradient], values, sizes)[0], values[A])


def test_what_is_no_scalar_and_what_is_too_long_are_refused():
    x = sd.var("x", "n")
    for kind in ("gradient", "hessian"):
        with pytest.raises(
            sd.ShapeError, match=f"the {kind} is that of a scalar loss, not of shape \\(n,\\): sum it, or ask for kind='jacobian'"
        ):
            sd.derivation(x, x, kind=kind)
    with pytest.raises(sd.UnknownName, match="no derivative 'hesian' \\(did you mean 'hessian'"):
        sd.derivation(sd.sum(x), x, kind="hesian")
    with pytest.raises(sd.SymdiffError, match="2 variables are given"):
        sd.derivation(sd.sum(x), (x, x))
    y = w = sd.var("w")
    for _ in range(400):
        y = sd.sin(y)
    with pytest.raises(sd.Unsupported, match="400 lines"):
        sd.derivation(y, w)


@pytest.mark.parametrize(
    ("outer", "inner", "whole"),
    [
        ("y ⊙ #", "W h", "y ⊙ W h"),
        ("aᵀ #", "y ⊙ h", "aᵀ (y ⊙ h)"),
        ("#ᵀ y", "W h", "(W h)ᵀ y"),
        ("2·#", "a + b", "2·(a + b)"),
        ("where(c, #, 0)", "X dW", "where(c, X dW, 0)"),
        ("−aᵀ #", "−A dx", "−aᵀ (−A dx)"),
        ("#", "a ⊙ b", "a ⊙ b"),
        ("Q # + b", "a ⊙ h", "Q (a ⊙ h) + b"),
    ],
)
def test_formulas_put_into_one_another_keep_their_brackets(outer, inner, whole):
    assert put_in(outer, "#", inner) == whole


def test_the_text_is_the_same_in_every_run():
    program = (
        "import symdiff as sd\n"
        "X, W, Y = sd.var('X', ('n', 'd')), sd.var('W', ('d', 'k')), sd.var('Y', ('n', 'k'), 'onehot')\n"
        "print(sd.derivation(-sd.sum(Y * sd.log_softmax(sd.tanh(X @ W))), W).text())\n"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1 and "∂E/∂W" in runs.pop()


# --- the rule book --------------------------------------------------------------------------------------------------
def test_the_book_has_every_row_of_the_tables():
    rules = [r for _, found in differentials() for r in found]
    assert len(rules) >= len(DERIVATIVES) + len(MATRIX) + len(REDUCTIONS) + len(SCANS)
    assert all("=" in statement(r) for r in rules)
    assert all("=" in statement(r) for _, found in identities() for r in found)


def test_the_page_is_current():
    assert (ROOT / "docs" / "rules.md").read_text(encoding="utf-8") == book(), "run python docs/rules_page.py"


def test_conventions_are_those_of_the_functions_on_the_way():
    w, y = sd.var("w", "d"), sd.var("y", "d")
    assert conventions(sd.sum(sd.abs(w) + sd.abs(y)), [w]) == ["absolute value: 0 at 0"]
    assert conventions(sd.sum(w * sd.abs(y)), [w]) == []
    assert conventions(sd.sum(w**2), [w]) == []
