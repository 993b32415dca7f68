"""`derive`: the page, its flags, the forms that other programs read, and bad input."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import sympy

from symdiff.expr.leaves import var
from symdiff.expr.ops import log_softmax, mean, tanh
from symdiff.expr.ops import sum as sum_of
from symdiff.training import NETS, Definition, Leaf, Net, mazur
from symdiff.training.derived import derive as derive_net

NUMBERS = [
    "E      0.298371109", "net_h1 0.377500000", "out_h1 0.593269992", "out_o1 0.751365070", "0.082167041   w₅ 0.358916480",
    "w₆ 0.408666186", "w₇ 0.511301270", "w₈ 0.561370121", "w₁ 0.149780716", "w₂ 0.199561432", "w₃ 0.249751144", "w₄ 0.299502287",
]  # fmt: skip
FORMULAS = [
    "h = σ(W₁ x + b₁)",
    "y = σ(W₂ h + b₂)",
    "E = ½ ‖y − t‖²",
    "∂E/∂W₂ = δ₂ hᵀ",
    "∂E/∂W₁ = δ₁ xᵀ",
    "δ₂ = (y − t) ⊙ y ⊙ (1 − y)",
    "δ₁ = W₂ᵀ δ₂ ⊙ h ⊙ (1 − h)",
    "∂E/∂w₅ = (out_o1 − target_o1) · out_o1 (1 − out_o1) · out_h1",
    "∂E/∂w₁ = (δ_o1 w₅ + δ_o2 w₇) · out_h1 (1 − out_h1) · i₁",
    "where  δ_o1 = (out_o1 − target_o1) · out_o1 (1 − out_o1)",
]


@pytest.mark.parametrize("text", [*NUMBERS, *FORMULAS])
def test_mazur_page_shows(symdiff, text):
    answer = symdiff("derive", "--net", "mazur", columns=120)
    assert answer.code == 0 and answer.err == ""
    assert text in answer.out


@pytest.mark.parametrize("columns", [80, 100, 120])
@pytest.mark.parametrize("net", ["mazur", "xor"])
def test_page_fits_the_width(symdiff, net, columns):
    answer = symdiff("derive", "--net", net, columns=columns)
    assert max(map(len, answer.lines)) <= columns
    assert answer.lines[0] and answer.lines[-1]
    if net == "mazur":
        assert len(answer.lines) <= 50


def test_narrower_terminals_get_eighty_columns(symdiff):
    assert symdiff("derive", columns=40).out == symdiff("derive", columns=80).out


def test_xor_weights_have_names(symdiff):
    out = symdiff("derive", "--net", "xor").out
    for name in ("w₁₁", "w₂₄", "v₁", "v₄"):
        assert re.search(rf"∂E/∂{name} +=", out)


@pytest.mark.parametrize(
    ("arguments", "present", "absent"),
    [
        (["--wrt", "W1"], ["∂E/∂W₁", "∂E/∂w₁", "∂E/∂w₄"], ["∂E/∂W₂", "∂E/∂w₅"]),
        (["--wrt", "w5"], ["∂E/∂w₅"], ["∂E/∂W", "∂E/∂w₆"]),
        (["--wrt", "w5,w1"], ["∂E/∂w₅", "∂E/∂w₁"], ["∂E/∂w₂"]),
        (["--wrt", "b1"], ["∂E/∂b₁"], ["∂E/∂w₁"]),
        (["--form", "matrix"], ["∂E/∂W₁", "0.082167041"], ["∂E/∂w₅"]),
        (["--form", "scalar"], ["∂E/∂w₅"], ["∂E/∂W₁"]),
        (["--form", "inlined", "--wrt", "w5"], ["∂E/∂w₅", "i₁"], ["out_h1", "δ"]),
    ],
)
def test_forms_and_choices(symdiff, arguments, present, absent):
    answer = symdiff("derive", *arguments)
    assert answer.code == 0, answer.err
    for text in present:
        assert text in answer.out
    for text in absent:
        assert text not in answer.out


def test_values_at_given_weights(symdiff):
    out = symdiff("derive", "--at", "w5=0.3,w6=0.1").out
    expected = derive_net(mazur(), at={"w5": 0.3, "w6": 0.1})
    assert f"E      {expected.loss:.9f}" in out
    assert "0.298371109" not in out and "W₂" in out


def test_json_has_the_numbers(symdiff):
    data = json.loads(symdiff("derive", "--json").out)
    assert round(data["loss"], 9) == 0.298371109
    weights = {row["wrt"]: row for row in data["weights"]["gradients"]}
    assert round(weights["w5"]["value"], 9) == 0.082167041
    assert round(weights["w5"]["after"], 9) == 0.358916480
    assert round(data["weights"]["forward"]["out_h1"], 9) == 0.593269992
    np.testing.assert_allclose(
        np.ravel([row["value"] for row in data["matrices"]["gradients"]]), [weights[f"w{k}"]["value"] for k in (5, 6, 7, 8, 1, 2, 3, 4)]
    )


@pytest.mark.parametrize("net", ["mazur", "xor"])
@pytest.mark.parametrize("form", ["all", "matrix", "scalar", "inlined"])
def test_python_listing_runs_and_gives_the_values(symdiff, net, form):
    arguments = [] if form == "all" else ["--form", form]
    answer = symdiff("derive", "--net", net, "--style", "python", *arguments)
    scope: dict = {}
    exec(answer.out, scope)
    data = json.loads(symdiff("derive", "--net", net, "--json", *arguments).out)
    for section in ("matrices", "weights"):
        for row in (data[section] or {"gradients": []})["gradients"]:
            np.testing.assert_allclose(scope[f"dE_d{row['wrt']}"], row["value"], rtol=1e-12)
    assert scope["E"] == pytest.approx(data["loss"], rel=1e-12)


def test_sympy_listing_can_be_pasted(symdiff):
    answer = symdiff("derive", "--style", "sympy", "--form", "scalar")
    scope: dict = {}
    exec(answer.out, scope)
    derived = derive_net(mazur())
    values = {sympy.Symbol(v.name, real=True): float(a) for v, a in derived.entries.items()}
    for w, expected in derived.weights.values.gradients.items():
        slope = scope[f"dE_d{w.name}"].subs(list(reversed(scope["definitions"])))
        assert float(slope.subs(values)) == pytest.approx(float(expected), rel=1e-12)
    error = scope["E"].subs(list(reversed(scope["definitions"]))).subs(values)
    assert round(float(error), 9) == 0.298371109


@pytest.mark.parametrize("style", ["latex", "mathml", "sympy", "python"])
@pytest.mark.parametrize("net", ["mazur", "xor"])
def test_other_styles_mention_every_gradient(symdiff, net, style):
    answer = symdiff("derive", "--net", net, "--style", style)
    assert answer.code == 0, answer.err
    for line in answer.lines:
        if style == "mathml" and line.startswith("<math"):
            assert line.count("<mrow") == line.count("</mrow>")


def tanh_net(inputs: int, hidden: int, outputs: int) -> Net:
    """A net with biases and softmax cross-entropy over a batch of 6, unlike the two that come with symdiff."""
    generator = np.random.default_rng(0)

    def leaf(name: str, *shape: int | str) -> Leaf:
        value = generator.normal(size=[6 if d == "n" else d for d in shape])
        return Leaf(var(name, shape), value, entries(name.lower(), *shape))

    def entries(stem: str, *shape: int | str) -> tuple[str, ...]:
        return tuple(stem + "_".join(str(k + 1) for k in place) for place in np.ndindex(*(d for d in shape if d != "n")))

    W, b, V, c, X = leaf("W", inputs, hidden), leaf("b", hidden), leaf("V", hidden, outputs), leaf("c", outputs), leaf("X", "n", inputs)
    T = Leaf(var("T", ("n", outputs)), np.eye(outputs)[generator.integers(outputs, size=6)], entries("target_o", "n", outputs))
    a1, h, a2 = var("a1", ("n", hidden)), var("h", ("n", hidden)), var("a2", ("n", outputs))
    return Net(
        name="tanh",
        description=f"{inputs}-{hidden}-{outputs}",
        parameters=(W, b, V, c),
        fixed=(),
        data=(X, T),
        definitions=(
            Definition(a1, X.var @ W.var + b.var, entries("net_h", hidden), "δ₁", entries("δ_h", hidden)),
            Definition(h, tanh(a1), entries("out_h", hidden)),
            Definition(a2, h @ V.var + c.var, entries("net_o", outputs), "δ₂", entries("δ_o", outputs)),
        ),
        objective=-mean(sum_of(T.var * log_softmax(a2, axis=1), axis=1)),
        prediction=a2,
        target=T.var,
        start="N(0, 1)",
        learning_rate=0.1,
        epochs=10,
        target_loss=1.0,
    )


def test_large_net_is_abridged_with_the_count_of_what_is_left_out(symdiff, monkeypatch):
    monkeypatch.setitem(NETS, "tanh", lambda: tanh_net(3, 12, 2))
    answer = symdiff("derive", "--net", "tanh")
    assert answer.code == 0, answer.err
    assert "∂E/∂W = Xᵀ δ₁" in answer.out and "∂E/∂b = δ₁ᵀ 𝟏" in answer.out
    assert "… and 60 more (20 of V, 8 of b, 32 of W): name the ones to see with --wrt" in answer.out
    assert len(answer.lines) < 80 and max(map(len, answer.lines)) <= 100
    data = json.loads(symdiff("derive", "--net", "tanh", "--json").out)
    assert data["weights"]["left_out"] == {"V": 20, "b": 8, "W": 32}
    one = symdiff("derive", "--net", "tanh", "--wrt", "w3_12")
    assert one.code == 0 and "∂E/∂w3_12 = " in one.out


def test_single_weights_of_another_net_agree_with_its_matrices(symdiff, monkeypatch):
    monkeypatch.setitem(NETS, "tanh", lambda: tanh_net(2, 2, 2))
    data = json.loads(symdiff("derive", "--net", "tanh", "--json").out)
    single = np.concatenate([[row["value"] for row in data["weights"]["gradients"]]])
    whole = np.concatenate([np.ravel(row["value"]) for row in data["matrices"]["gradients"]])
    np.testing.assert_allclose(single, whole, rtol=1e-12)


def test_output_to_a_file(symdiff, tmp_path):
    path = tmp_path / "formulas.txt"
    shown = symdiff("derive").out
    answer = symdiff("derive", "--output", str(path))
    assert (answer.code, answer.out) == (0, "")
    assert path.read_text(encoding="utf-8") == shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--net", "mazor"], "there is no net 'mazor' (did you mean 'mazur'?). Nets: mazur, xor"),
        (["--wrt", "W3"], "mazur has no weight 'W3' (did you mean"),
        (["--wrt", "w9"], "mazur has no weight 'w9' (did you mean"),
        (["--style", "unicod"], "--style: there is no 'unicod' (did you mean 'unicode'?)"),
        (["--form", "scaler"], "--form: there is no 'scaler' (did you mean 'scalar'?)"),
        (["--form", "matrix", "--wrt", "w5"], "w5 is one weight of a matrix"),
        (["--at", "w5"], "--at: 'w5' is given, NAME=NUMBER is wanted"),
        (["--at", "w5=x"], "--at: 'w5=x' is given"),
        (["--at", "w5=nan"], "--at: 'w5=nan' is given"),
        (["--at", "w5=1,w5=2"], "--at: w5 is given twice"),
        (
            ["--loss", "sum(x)", "--wrt", "x", "--shape", "x:n", "--assume", "x:spd"],
            "x is assumed spd, but its shape is (n,): a square matrix is wanted",
        ),
        (["--at", "q5=1"], "mazur has no number 'q5' (did you mean 'w5'?)"),
        (["--output", "/no/such/folder/x"], "cannot write '/no/such/folder/x': No such file or directory"),
        (["--outptu", "x"], "No such option: --outptu"),
    ],
)
def test_bad_input_is_one_line_and_two(symdiff, arguments, message):
    answer = symdiff("derive", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err
    assert answer.err.startswith("error: ") and answer.err.count("\n") == 1


def test_no_ansi_without_a_terminal(symdiff):
    assert not re.search("\x1b", symdiff("derive").out)
