"""`inspect` on the command line: table, the three views, bad input."""

from __future__ import annotations

import json

import pytest


def test_page(symdiff):
    answer = symdiff("inspect", "mlp:2-8-8-8-8-8-8-8-1:sigmoid", "--data", "xor", "--epochs", "30", columns=100)
    assert (answer.code, answer.err) == (0, "")
    assert "vanishing" in answer.out and "Convergence of the second half: " in answer.out
    assert "steady" in symdiff("inspect", "xor", "--epochs", "30").out


def test_json(symdiff):
    data = json.loads(symdiff("inspect", "mazur", "--epochs", "30", "--json").out)
    assert data["epochs"][0] == 0 and data["epochs"][-1] == 30
    assert len(data["slopes"]["W1"]) == len(data["epochs"]) == len(data["flow"]) == len(data["activations"]["h"]["mean"])
    assert set(data["convergence"]) == {"law", "value", "explained"}


@pytest.mark.parametrize(("net", "view"), [("xor", "predictions"), ("mazur", "layers"), ("xor:3:tanh", "surface")])
def test_views(symdiff, tmp_path, net, view):
    pytest.importorskip("matplotlib")
    path = tmp_path / "view.svg"
    answer = symdiff("inspect", net, "--epochs", "20", "--view", view, "--plot", str(path))
    assert (answer.code, answer.err) == (0, "")
    text = path.read_text()
    assert text.startswith("<?xml") and "20" in text


def test_same_training_same_drawing(symdiff, tmp_path):
    pytest.importorskip("matplotlib")
    paths = [tmp_path / name for name in ("one.svg", "two.svg")]
    for path in paths:
        assert symdiff("inspect", "mazur", "--epochs", "5", "--view", "predictions", "--plot", str(path)).code == 0
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["xor", "--view", "layer"], "--view: there is no 'layer' (did you mean 'layers'?)"),
        (["mazur", "--view", "surface"], "--view goes with --plot"),
        (["mazur", "--view", "surface", "--plot", "a.png"], "a decision surface is drawn for two inputs and one output"),
        (["mlp:2-3-1"], "has no data: name some with --data"),
        (["mlp:3-3-1", "--data", "xor"], "xor has 2 inputs a row, but"),
        (["xor", "--seed", "-1"], "--seed: -1 is given"),
        (["xor", "--epochs", "0"], "epochs: 0 is given"),
        (["xor", "--plot", "a.jpeg"], "cannot draw 'a.jpeg'"),
    ],
)
def test_bad_input_is_one_line_and_two(symdiff, arguments, message):
    answer = symdiff("inspect", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err and answer.err.count("\n") == 1
