"""`train`: what it prints and returns, and bad input."""

from __future__ import annotations

import json
import signal
import sys

import numpy as np
import pytest

from symdiff.cli.progress import Progress
from symdiff.expr.leaves import var
from symdiff.expr.ops import square
from symdiff.expr.ops import sum as sum_of
from symdiff.report import plot
from symdiff.training import NETS, Definition, Leaf, Net, train, xor


def test_xor_learns_the_truth_table(symdiff):
    answer = symdiff("train", "xor")
    assert (answer.code, answer.err) == (0, "")
    for text in (
        "x₁   x₂   target",
        "0.400740029 at first",
        "0.000190991 after 10,000 epochs",
        "loss at most 0.01: reached",
        "∂E/∂W = ",
        "epochs/s",
    ):
        assert text in answer.out
    assert max(map(len, answer.lines)) <= 100


def test_mazur_json(symdiff):
    answer = symdiff("train", "mazur", "--epochs", "1000", "--json", "--target-loss", "0.0012")
    data = json.loads(answer.out)
    assert answer.code == 0
    assert round(data["history"]["loss"][999], 10) == 0.0011157856
    assert [round(y, 4) for y in data["prediction"]] == [0.0441, 0.9573]
    assert data["target_reached"] is True and data["epochs"] == 1000 and data["ending"] == "finished"
    assert data["final_loss"] < data["history"]["loss"][-1] < data["first_loss"]
    assert set(data["weights"]) == {"W1", "W2"}


def test_xor_json_loss_before_update_1000(symdiff):
    data = json.loads(symdiff("train", "xor", "--epochs", "1000", "--json").out)
    assert data["history"]["loss"][0] == pytest.approx(0.40074002863563846, rel=1e-9)
    assert data["history"]["loss"][1] == pytest.approx(0.3644912472900367, rel=1e-9)
    assert data["history"]["loss"][999] == pytest.approx(0.002372537547244107, rel=1e-9)


def test_missed_target_is_one(symdiff):
    answer = symdiff("train", "xor", "--epochs", "100")
    assert answer.code == 1
    assert "NOT reached" in answer.out
    assert answer.err.startswith("error: target loss 0.01 not reached: the loss is 0.") and answer.err.count("\n") == 1


def test_quiet_is_one_line(symdiff):
    answer = symdiff("train", "mazur", "--epochs", "10", "--quiet", "--target-loss", "1")
    assert answer.code == 0 and answer.err == ""
    assert len(answer.lines) == 1 and answer.out.startswith("mazur: loss 0.298371109 -> ")


def test_seed_implies_a_random_start(symdiff):
    one, again, other = (
        json.loads(symdiff("train", "xor", "--epochs", "2", "--seed", seed, "--json", "--target-loss", "1").out) for seed in ("1", "1", "2")
    )
    assert one["start"] == "N(0, 1), seed 1"
    assert one["history"] == again["history"] != other["history"]
    zero = json.loads(symdiff("train", "xor", "--epochs", "2", "--init", "random", "--json").out)
    assert zero["start"] == "N(0, 1), seed 0"


def test_rate_and_dtype(symdiff):
    data = json.loads(symdiff("train", "xor", "--epochs", "9", "--learning-rate", "1", "--dtype", "float32", "--json").out)
    assert data["learning_rate"] == 1 and data["dtype"] == "float32"
    assert data["final_loss"] == pytest.approx(train(xor(), epochs=9, learning_rate=1).final_loss, rel=1e-5)


def test_source_is_shown(symdiff):
    out = symdiff("train", "mazur", "--epochs", "1", "--show-source", "--target-loss", "1").out
    assert "def mazur_step(" in out


def test_output_to_a_file(symdiff, tmp_path):
    path = tmp_path / "result.json"
    assert symdiff("train", "mazur", "--epochs", "2", "--json", "--output", str(path), "--target-loss", "1").out == ""
    assert json.loads(path.read_text())["epochs"] == 2


def test_divergence_is_reported(symdiff, monkeypatch):
    w, x, t, y = var("w", 1), var("x", 1), var("t", 1), var("y", 1)
    linear = Net(
        name="linear",
        description="one weight",
        parameters=(Leaf(w, np.ones(1), ("w1",)),),
        fixed=(),
        data=(Leaf(x, np.ones(1), ("i1",)), Leaf(t, np.zeros(1), ("target_o1",))),
        definitions=(Definition(y, w * x, ("out_o1",)),),
        objective=sum_of(square(y - t)),
        prediction=y,
        target=t,
        start="1",
        learning_rate=50.5,
        epochs=100,
        target_loss=1.0,
    )
    monkeypatch.setitem(NETS, "linear", lambda: linear)
    answer = symdiff("train", "linear")
    assert answer.code == 1
    assert answer.err == (
        "error: the loss before update 79 is not finite; the weights after 77 updates are kept: try a learning rate below 50.5\n"
    )
    assert "nan" not in answer.out and "inf" not in answer.out
    data = json.loads(symdiff("train", "linear", "--json").out)
    assert (data["ending"], data["diverged_at"], data["epochs"]) == ("diverged", 79, 77)
    assert abs(data["weights"]["w"][0]) == pytest.approx(100.0**77, rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["xorr"], "there is no net 'xorr' (did you mean 'xor'?)"),
        (["xor", "--epochs", "0"], "epochs: 0 is given, at least 1 is wanted"),
        (["xor", "--epochs", "ten"], "Invalid value for '--epochs'"),
        (["xor", "--learning-rate", "0"], "learning rate: 0.0 is given, a positive number is wanted"),
        (["xor", "--learning-rate", "-1"], "learning rate: -1.0 is given"),
        (["xor", "--learning-rate", "nan"], "learning rate: nan is given"),
        (["xor", "--target-loss", "-1"], "target loss: -1.0 is given"),
        (["xor", "--dtype", "float16"], "--dtype: there is no 'float16' (did you mean"),
        (["xor", "--init", "randon"], "--init: there is no 'randon' (did you mean 'random'?)"),
        (["xor", "--init", "walkthrough", "--seed", "1"], "--init walkthrough has no seed"),
        (["xor", "--seed", "-1"], "--seed: -1 is given"),
        (["xor", "--output", "/no/such/folder/x"], "cannot write '/no/such/folder/x'"),
        (["xor", "--plot", "curve.bmp"], "cannot draw 'curve.bmp': the file's ending is one of .png, .svg, .pdf"),
        ([], "Missing argument"),
    ],
)
def test_bad_input_is_one_line_and_two(symdiff, arguments, message):
    answer = symdiff("train", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err
    assert answer.err.startswith("error: ") and answer.err.count("\n") == 1


def test_missing_extra_says_what_to_type(symdiff, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    answer = symdiff("train", "xor", "--plot", str(tmp_path / "curve.png"))
    assert (answer.code, answer.out) == (2, "")
    assert 'pip install -e ".[plot]"' in answer.err and answer.err.count("\n") == 1


@pytest.mark.parametrize("ending", plot.ENDINGS)
def test_loss_curve_is_drawn(symdiff, tmp_path, ending):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"curve{ending}"
    assert symdiff("train", "xor", "--epochs", "20", "--target-loss", "1", "--plot", str(path)).code == 0
    assert path.read_bytes()[:4] in (b"\x89PNG", b"<?xm", b"%PDF")


def test_interrupt_prints_what_there_is(symdiff, monkeypatch):
    def show(self: Progress, epoch: int, loss: float) -> None:
        if epoch == 50:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Progress, "show", show)
    answer = symdiff("train", "xor")
    assert (answer.code, answer.err) == (130, "")
    assert "stopped by Ctrl-C after 50 epochs" in answer.out and "0.400740029 at first" in answer.out
