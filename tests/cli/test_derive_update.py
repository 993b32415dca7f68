"""`derive --update`, `--optimizer` ...: the formulas of an update, its marks, and bad input."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from symdiff.cli.derive_update import Choices, derive_update, listing, page
from symdiff.training import CLIPS, METHODS, PENALTIES, RATES, UPDATES, mazur, training_step, xor
from symdiff.training.nets import find_net
from symdiff.training.step import RATE

PENALTY_OPTIONS = {
    "l1": ("--l1", "0.01"),
    "l2": ("--l2", "0.01"),
    "elastic": ("--l1", "0.005", "--l2", "0.005"),
    "decay": ("--decay", "0.01"),
}
ALL = {
    "sequential": Choices("sequential"),
    "gauss-seidel": Choices("gauss-seidel"),
    "everything": Choices("sequential", ("W2", "W1"), "adam", "warmup:steps=3+plateau", "elastic", "norm:1"),
    "lm": Choices(optimizer="levenberg-marquardt", penalty="l2"),
    "decay": Choices(optimizer="lion", penalty="decay", clip="value:0.1"),
}


def test_the_place_where_sequential_updates_differ_is_marked(symdiff):
    answer = symdiff("derive", "--net", "mazur", "--update", "sequential")
    assert answer.code == 0 and answer.err == ""
    assert "  W₁⁺ = W₁ − η δ₁ xᵀ" in answer.lines
    assert [line for line in answer.lines if "◂" in line] == ["         δ₁ = W₂⁺ᵀ δ₂ ⊙ h ⊙ (1 − h)   ◂ W₂⁺ in place of W₂"]
    assert "  E = 0.298371109, then 0.291027924   (parallel updates: 0.291027774)" in answer.lines


def test_gauss_seidel_computes_the_layers_again(symdiff):
    lines = symdiff("derive", "--net", "mazur", "--update", "gauss-seidel").lines
    assert "         y⁺  = σ(W₂⁺ h + b₂)            ◂ W₂⁺ in place of W₂" in lines
    assert "         δ₂⁺ = (y⁺ − t) ⊙ y⁺ ⊙ (1 − y⁺)" in lines
    assert any(line.startswith("  E = 0.298371109, then 0.291027900") for line in lines)


def test_parallel_updates_have_no_mark(symdiff):
    answer = symdiff("derive", "--update", "parallel")
    assert "◂" not in answer.out and "W₂ᵀ δ₂ ⊙ h ⊙ (1 − h)" in answer.out


def test_first_layer_first_has_no_mark_but_with_layers_computed_again(symdiff):
    assert "◂" not in symdiff("derive", "--update", "sequential", "--order", "W1,W2").out
    marked = [line for line in symdiff("derive", "--update", "gauss-seidel", "--order", "W1,W2").lines if "◂" in line]
    assert len(marked) == 1 and marked[0].strip().startswith("h⁺  = σ(W₁⁺ x + b₁)")


def test_adam_is_printed(symdiff):
    lines = symdiff("derive", "--net", "mazur", "--optimizer", "adam").lines
    for line in [
        "Each number w of a weight, with the slope g = ∂E/∂w; k = 1, 2, … counts the updates",
        "  optimizer adam   β₁ = 0.9, β₂ = 0.999, ε = 1e-08; at first m = 0, v = 0",
        "    m⁺ = β₁ m + (1 − β₁) g",
        "    v⁺ = β₂ v + (1 − β₂) g²",
        "    w⁺ = w − η m⁺ / ((1 − β₁^k) (√(v⁺ / (1 − β₂^k)) + ε))",
    ]:
        assert line in lines


@pytest.mark.parametrize("columns", [80, 100])
@pytest.mark.parametrize("net", [mazur(), xor()], ids=lambda net: net.name)
@pytest.mark.parametrize("choices", ALL.values(), ids=ALL)
def test_page_fits_the_width(net, choices, columns):
    if choices.order:
        choices = Choices(**{**vars(choices), "order": [w.name for w in net.weights]})
    lines = page(derive_update(net, choices), columns)
    assert max(map(len, lines)) <= columns and lines[0] and lines[-1]


@pytest.mark.parametrize(
    "choices",
    [{"optimizer": name} for name in METHODS]
    + [{"schedule": name + ("" if name in ("constant", "plateau") else ":9" if name != "exponential" else ":0.9")} for name in RATES]
    + [{"penalty": name} for name in PENALTIES]
    + [{"clip": name} for name in CLIPS]
    + [{"update": name} for name in UPDATES],
    ids=lambda choices: " ".join(choices.values()),
)
def test_everything_has_a_page_a_latex_form_and_data(symdiff, choices):
    found = derive_update(xor(), Choices(**choices))
    assert page(found, 100) == page(derive_update(xor(), Choices(**choices)), 100)
    latex = "\n".join(listing(found, "latex"))
    assert latex.count("{") == latex.count("}") and "⁺" not in latex
    options = [text for name, spec in choices.items() for text in ((f"--{name}", spec) if name != "penalty" else PENALTY_OPTIONS[spec])]
    data = json.loads(symdiff("derive", "--net", "xor", *options, "--json").out)
    assert data["command"] == "derive" and data["one_update"]["loss_before"] == pytest.approx(found.losses["before"])


def test_the_values_are_those_of_the_step(symdiff):
    data = json.loads(symdiff("derive", "--net", "xor", "--update", "sequential", "--optimizer", "adam", "--json").out)
    net = xor()
    step = training_step(net, update="sequential", optimizer="adam")
    values = {**net.values(), **step.state, RATE: np.array(0.001)}
    loss, *new = step.program(*(values[v] for v in step.inputs))
    assert data["one_update"]["loss_before"] == float(loss)
    for w, value in zip(net.weights, new, strict=False):
        np.testing.assert_array_equal(data["one_update"]["weights"][w.name], value)
    assert data["order"] == ["v", "W"] and data["update"] == "sequential"
    marked = [row for row in data["named"] if row["new_weights"]]
    assert [(row["name"], row["new_weights"]) for row in marked] == [("δ₁", ["v⁺"])]


def test_python_style_is_the_generated_step(symdiff):
    out = symdiff("derive", "--update", "sequential", "--style", "python").out
    scope: dict = {}
    exec(out, scope)
    assert out == training_step(mazur(), update="sequential").source and "mazur_step" in scope


def test_a_deeper_net_keeps_its_versions_apart():
    """Out of order: the second layer is updated with the old third one, the first with the new one."""
    net = find_net("mlp:2-3-3-1:tanh:sigmoid-mse")
    weights = [w.name for w in net.weights]
    third, second, *others = sorted((name for name in weights if name.startswith("W")), reverse=True)
    order = [second, third, *others, *(name for name in weights if not name.startswith("W"))]
    found = derive_update(net, Choices("sequential", order))
    names = [v.name + "⁺" * v.token for v in found.seen.named]
    assert len(names) == len(set(names)) and any("⁺" in name for name in names)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--update", "sequental"], r"there is no update 'sequental' \(did you mean 'sequential'\?\)"),
        (["--optimizer", "nadam"], r"there is no optimizer 'nadam' \(did you mean 'adam'\?\)"),
        (["--optimizer", "adam:beta1=2"], "beta1=2 is given"),
        (["--schedule", "cosin"], "did you mean 'cosine'"),
        (["--schedule", "exponential"], "gamma is not given"),
        (["--order", "W1"], "order: W1 is given, each of W1, W2 is wanted once"),
        (["--l2", "-1"], "strength=-1 is given, a number from 0 on is wanted"),
        (["--l2", "0.1", "--decay", "0.1"], "--decay acts beside the gradient"),
        (["--clip", "norm:-1"], "limit=-1 is given, a number above 0 is wanted"),
        (["--update", "sequential", "--wrt", "W1"], "--wrt does not go with an update"),
        (["--update", "sequential", "--style", "mathml"], "--style mathml: an update is written in unicode, latex, python"),
        (["--loss", "x**2", "--l2", "0.1"], "--l1, --l2 or --decay does not go with --loss"),
        (["--loss", "x**2", "--schedule", "plateau"], "--schedule does not go with --loss"),
    ],
)
def test_bad_input(symdiff, options, message):
    answer = symdiff("derive", *options)
    assert answer.code == 2 and answer.out == ""
    assert re.search(message, answer.err)
