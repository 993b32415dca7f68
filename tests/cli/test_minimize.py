"""`minimize`: what it prints, its data, its exit codes, and bad input."""

from __future__ import annotations

import json
import re
import sys

import numpy as np
import pytest

from symdiff.training import lbfgs, mazur


def test_xor_is_solved(symdiff):
    answer = symdiff("minimize", "xor")
    assert answer.code == 0 and answer.err == ""
    assert re.search(r"loss +0\.400740029 at first, \d\.\d+e-\d\d at the end", answer.out)
    assert "accuracy   100.00%" in answer.out and "  w11 " in answer.out


def test_data_are_those_of_the_function(symdiff):
    data = json.loads(symdiff("minimize", "mazur", "--steps", "5", "--l2", "0.001", "--json").out)
    expected = lbfgs(mazur(), steps=5, penalty="l2:0.001")
    assert data["command"] == "minimize" and data["steps"] == 5 and not data["reached"]
    assert data["history"]["loss"] == expected.losses
    assert data["final_loss"] == pytest.approx(expected.losses[-1], rel=1e-12)
    for w, value in expected.weights.items():
        np.testing.assert_array_equal(data["weights"][w.name], value)


def test_rows_held_out_are_looked_at(symdiff, tmp_path):
    table = tmp_path / "plane.csv"
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(60, 2))
    table.write_text("a,b,c\n" + "".join(f"{a},{b},{int(a > b)}\n" for a, b in rows))
    answer = symdiff("minimize", "mlp:2-3-1:tanh:sigmoid-bce", "--data", str(table), "--test", "0.25", "--l2", "0.001", "--json")
    data = json.loads(answer.out)
    assert answer.code == 0 and data["test_accuracy"] >= 0.8 and data["accuracy"] >= 0.9


def test_target_that_is_not_reached(symdiff):
    answer = symdiff("minimize", "xor", "--steps", "1", "--quiet")
    assert answer.code == 1 and re.search(r"the loss 0\.\d+ is above the target 0\.01, after 1 steps", answer.err)


def test_interrupt_keeps_the_last_whole_step():
    def stop(step, loss):
        if step == 3:
            raise KeyboardInterrupt

    found = lbfgs(mazur(), on_step=stop)
    assert found.interrupted and not found.reached and len(found.losses) == 4
    whole = lbfgs(mazur(), steps=3)
    for w, value in whole.weights.items():
        np.testing.assert_array_equal(found.weights[w], value)


def test_loss_curve(symdiff, tmp_path):
    assert symdiff("minimize", "mazur", "--quiet", "--plot", str(tmp_path / "loss.svg")).code == 0
    assert (tmp_path / "loss.svg").read_text().startswith("<?xml")


def test_without_scipy(symdiff, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    answer = symdiff("minimize", "mazur")
    assert answer.code == 2 and 'pip install -e ".[fast]"' in answer.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["mazor"], "did you mean 'mazur'"),
        (["mazur", "--steps", "0"], "steps=0 is given"),
        (["mazur", "--tolerance", "-1"], "tolerance=-1.0 is given"),
        (["mazur", "--l1", "-1"], "strength=-1 is given"),
        (["mazur", "--target-loss", "0"], "target loss: 0.0 is given, a positive number is wanted"),
    ],
)
def test_bad_input(symdiff, options, message):
    answer = symdiff("minimize", *options)
    assert answer.code == 2 and message in answer.err


def test_train_says_where_lbfgs_is(symdiff):
    answer = symdiff("train", "xor", "--optimizer", "lbfgs")
    assert answer.code == 2 and "use `minimize NET`" in answer.err
