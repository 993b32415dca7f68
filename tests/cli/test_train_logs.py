"""`train --log-dir` and `train --plot`: what is written, and what is missing."""

from __future__ import annotations

import json
import sys

import pytest

from symdiff.report.logs import read_log


def test_log_dir_holds_every_epoch(symdiff, tmp_path):
    pytest.importorskip("tensorboardX")
    answer = symdiff("train", "mazur", "--epochs", "7", "--target-loss", "1", "--json", "--log-dir", str(tmp_path / "logs"))
    assert answer.code == 0
    assert [row["loss"] for row in read_log(tmp_path / "logs")] == json.loads(answer.out)["history"]["loss"]
    assert list((tmp_path / "logs").glob("events.out.tfevents.*"))


def test_without_tensorboardx_nothing_is_trained(symdiff, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    answer = symdiff("train", "mazur", "--log-dir", str(tmp_path / "logs"))
    assert (answer.code, answer.out) == (2, "")
    assert "pip install -e '.[logs]'" in answer.err and answer.err.count("\n") == 1


def test_validation_is_drawn_beside_the_training(symdiff, tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("sklearn")
    path = tmp_path / "curves.svg"
    answer = symdiff("train", "digits", "--epochs", "2", "--validation", "0.1", "--target-loss", "10", "--plot", str(path))
    assert answer.code == 0 and path.read_text().startswith("<?xml")
