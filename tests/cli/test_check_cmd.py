"""`check`, and `derive --loss`: a loss as a line of text, on the command line."""

from __future__ import annotations

import json

import pytest

LS = ("--loss", "sum((X@w - y)**2)", "--wrt", "w", "--shape", "X:n,d w:d y:n")
SOFTMAX = ("--loss", "-sum(Y*log(P))", "--let", "P=softmax(X@W)", "--shape", "X:n,d W:d,k Y:n,k")


# --- check ----------------------------------------------------------------------------------------------------------
def test_a_right_claim_is_right(symdiff):
    answer = symdiff("check", *LS, "--claim", "2*X.T@(X@w - y)")
    assert answer.code == 0 and answer.err == ""
    assert answer.lines == ["right: the difference simplifies to zero", "  ∂E/∂w = 2·Xᵀ(X w − y)"]


@pytest.mark.parametrize(
    ("arguments", "claim", "said"),
    [
        (LS, "X.T@(X@w - y)", "a factor 2 is missing"),
        (("--loss", "exp(1000*x)", "--wrt", "x", "--shape", "x:"), "1001*exp(1000*x)", "the number 1001 should be 1000"),
        (LS, "2*X.T*(X@w - y)", "the matrix product is meant"),
        (LS, "2*X@(X@w - y)", "X should be X.T"),
        ((*SOFTMAX, "--wrt", "W", "--assume", "Y:onehot"), "X.T@(Y - P)", "the sign"),
        ((*SOFTMAX, "--wrt", "W"), "X.T@(P - Y)", "right only if Y is onehot"),
        ((*LS, "--hessian"), "X.T@X", "half"),
    ],
)
def test_a_wrong_claim_is_diagnosed(symdiff, arguments, claim, said):
    answer = symdiff("check", *arguments, "--claim", claim, columns=200)
    assert answer.code == 1 and answer.err == "" and answer.lines[0].startswith("wrong: ")
    assert said in answer.out


def test_check_as_json_and_in_other_styles(symdiff, tmp_path):
    answer = symdiff("check", *LS, "--claim", "X.T@(X@w - y)", "--json")
    data = json.loads(answer.out)
    assert answer.code == 1 and data["command"] == "check" and data["ok"] is False and data["diagnosis"][0]["name"] == "factor"
    assert "2 X^\\top (X w - y)" in symdiff("check", *LS, "--claim", "0*w", "--style", "latex").out
    file = tmp_path / "verdict.txt"
    assert symdiff("check", *LS, "--claim", "2*X.T@(X@w - y)", "--output", str(file)).out == ""
    assert file.read_text(encoding="utf-8").startswith("right: ")


@pytest.mark.parametrize("columns", [80, 120])
def test_verdicts_fit_the_width(symdiff, columns):
    answer = symdiff("check", *SOFTMAX, "--wrt", "W", "--claim", "X.T@(Y - P)", columns=columns)
    assert max(map(len, answer.lines)) <= columns


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("check", *LS, "--claim", "2*X.T@(X@w - z)"), 2, "no name 'z'"),
        (("check", *LS, "--claim", "w", "--hessian", "--jacobian"), 2, "one of the two"),
        (("check", "--loss", "sum(w)", "--wrt", "v", "--shape", "w:d", "--claim", "w"), 2, "no variable 'v'"),
        (("check", "--loss", "w*2", "--wrt", "w", "--shape", "w:d", "--claim", "w"), 2, "the gradient of a scalar"),
        (("check", *LS), 2, "--claim"),
        (("derive", "--loss", "sum(w)", "--wrt", "w"), 2, "--shape"),
        (("derive", "--loss", "sum(w)", "--shape", "w:d"), 2, "--wrt"),
        (("derive", "--loss", "sum(w", "--shape", "w:d", "--wrt", "w"), 2, "never closed"),
        (("derive", "--loss", "sum(w)", "--shape", "w:d", "--wrt", "w", "--net", "mazur"), 2, "--net does not go with --loss"),
        (("derive", "--loss", "sum(w)", "--shape", "w:d", "--wrt", "w", "--at", "w=1"), 2, "--at does not go with --loss"),
        (("derive", "--net", "mazur", "--hessian"), 2, "--hessian does not go with a network"),
        (("derive", *LS, "--assume", "y=binary"), 2, "NAME:WORD"),
        (("derive", *LS, "--assume", "y:binray"), 2, "did you mean 'binary'"),
        (("derive", *LS, "--let", "P:2"), 2, "NAME=FORMULA"),
        (("derive", *LS, "--layout", "numertor"), 2, "no 'numertor' (did you mean 'numerator'"),
        (("derive", "--net", "mazur", "--layout", "numerator"), 2, "--layout does not go with a network"),
        (("derive", "--loss", "sum(polygamma(w, 1))", "--wrt", "w", "--shape", "w:d", "--style", "latexx"), 2, "did you mean 'latex'"),
    ],
)
def test_bad_input_is_one_line_and_a_code(symdiff, arguments, code, said):
    answer = symdiff(*arguments)
    assert answer.code == code and answer.out == "" and len(answer.err.splitlines()) == 1
    assert said in answer.err


# --- derive --loss --------------------------------------------------------------------------------------------------
def test_a_loss_is_derived(symdiff):
    answer = symdiff("derive", *LS)
    assert answer.code == 0 and answer.err == ""
    assert answer.lines == ["E = ‖X w − y‖²", "  X (n, d)  w (d,)  y (n,)", "", "  ∂E/∂w = 2·Xᵀ(X w − y)    (d,)"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*LS, "--hessian"), "∂²E/∂w² = 2·Xᵀ X"),
        (("--loss", "tanh(A@x)", "--wrt", "x", "--shape", "A:m,n x:n", "--jacobian"), "∂f/∂x = "),
        ((*LS, "--form", "scalar"), "(∂E/∂w)ᵢ = 2·Σⱼ Xⱼᵢ"),
        ((*LS, "--style", "python"), "dE_dw = 2 * X.T @ (X @ w - y)"),
        ((*LS, "--style", "latex"), r"\frac{\partial E}{\partial w} &= 2 X^\top (X w - y)"),
        ((*LS, "--style", "sympy"), "dE_dw = 2*X.T*(X*w - y)"),
        ((*LS, "--style", "mathml"), "<math display="),
        ((*SOFTMAX, "--wrt", "W", "--assume", "Y:onehot"), "∂E/∂W = Xᵀ(softmax(X W) − Y)"),
        (("--loss", "sum(abs(w))", "--wrt", "w", "--shape", "w:d"), "at a corner: absolute value: 0 at 0"),
        (("--loss", "sum((X@w + b - y)**2)", "--wrt", "w,b", "--shape", "X:n,d w:d b y:n", "--hessian"), "∂²E/∂w∂b = "),
    ],
)
def test_forms_and_styles(symdiff, arguments, said):
    answer = symdiff("derive", *arguments)
    assert answer.code == 0 and said in answer.out


def test_derive_loss_with_steps_and_as_json(symdiff):
    answer = symdiff("derive", *LS, "--steps")
    assert "  2  dE = 2·rᵀ dr" in answer.out and "this is where X is transposed" in answer.out
    data = json.loads(symdiff("derive", *LS, "--steps", "--json").out)
    wanted = {"wrt": ["w"], "formula": "2·Xᵀ(X w − y)", "where": {}, "shape": ["d"], "operations": 5, "notes": []}
    assert data["derivatives"][0] == wanted
    assert data["steps"][0]["lines"][0]["formula"] == "E = ‖X w − y‖²"


FACTORS = ["--loss", "sum((T - U@V.T)**2)", "--wrt", "U", "--shape", "T:m,n U:m,r V:n,r", "--hessian"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (FACTORS, ["∂²E/∂U² = 2·δᵢₖ (Vᵀ V)ⱼₗ", "as a matrix, by rows (NumPy's ravel): 2·I ⊗ Vᵀ V", "by columns: 2·Vᵀ V ⊗ I"]),
        ([*FACTORS, "--layout", "numerator"], ["∂²E/∂U² = 2·Vᵀ V ⊗ I    (m*r, m*r)", "vec stacks the columns of a matrix"]),
        ([*FACTORS, "--steps"], ["d²E = tr(dGᵀ dU)", "dG = −2·dR V", "dGᵢⱼ = Σₖₗ Hᵢⱼₖₗ dUₖₗ"]),
        ([*LS, "--layout", "numerator"], ["∂E/∂w = 2·(X w − y)ᵀ X    (1, d)", "numerator layout"]),
        ([*LS, "--hessian", "--steps"], ["d²E = dwᵀ (2·Xᵀ X) dw", "∂²E/∂w² = 2·Xᵀ X"]),
        ([*LS, "--steps", "--style", "mathml"], ["<mi>d</mi><mi>r</mi>", "product rule"]),
        ([*LS, "--steps", "--style", "sympy"], ["steps = [", "(dr, X*dw, 'product rule'),"]),
    ],
)
def test_second_derivatives_layouts_and_their_steps(symdiff, arguments, said):
    answer = symdiff("derive", *arguments)
    assert answer.code == 0 and all(text in answer.out for text in said)
    assert max(map(len, answer.lines)) <= 100 or "--style" in arguments


# --- derive --net --steps -------------------------------------------------------------------------------------------
def test_steps_of_a_network(symdiff):
    answer = symdiff("derive", "--net", "mazur", "--wrt", "W1", "--steps")
    assert answer.code == 0 and len(answer.lines) <= 15
    assert answer.lines[0].split("   ")[1].strip() == "1  E = ½ ‖y − t‖²" and "∂E/∂W₁ = δ₁ xᵀ" in answer.lines[-1]


def test_steps_of_a_single_weight_are_number_by_number_with_values_on_request(symdiff):
    out = symdiff("derive", "--wrt", "w5", "--steps").out
    for formula in (
        "net_o1 = w₅ out_h1 + w₆ out_h2 + b₂",
        "dnet_o1 = out_h1 dw₅",
        "δ₁ = (out_o1 − target_o1) · out_o1 (1 − out_o1)",
        "∂E/∂w₅ = δ₁ out_h1",
    ):
        assert formula in out
    assert "∂E/∂w₁ = 0.000438568" in symdiff("derive", "--wrt", "w1", "--steps", "--at", "w1=0.15").out
    assert "∂E/∂W" not in symdiff("derive", "--wrt", "w1,w2", "--steps").out
    assert "E = 0.298371" in symdiff("derive", "--wrt", "W1", "--steps", "--at", "w1=0.15").out


def test_steps_of_all_parameters_begin_with_the_last_layer(symdiff):
    text = symdiff("derive", "--net", "xor", "--steps").out
    assert text.index("∂E/∂v = ") < text.index("∂E/∂W = ")
    assert len(json.loads(symdiff("derive", "--net", "xor", "--steps", "--json").out)["steps"]) == 2


def test_a_variable_named_twice_is_asked_once(symdiff):
    assert symdiff("derive", *LS, "--wrt", "w,w").out == symdiff("derive", *LS).out
