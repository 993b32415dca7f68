"""Logs of a training: JSON lines, event files, and what happens without tensorboardX."""

from __future__ import annotations

import sys

import pytest

from symdiff.errors import BadSetting, MissingExtra
from symdiff.report.logs import NAME, TrainingLog, check_logs, read_log
from symdiff.training import mazur, train

pytest.importorskip("tensorboardX")


def test_every_epoch_is_a_line_and_an_event(tmp_path):
    net = mazur()
    with TrainingLog(tmp_path, net, 20) as log:
        training = train(net, epochs=20, callbacks=[log])
    rows = read_log(tmp_path)
    assert [r["epoch"] for r in rows] == list(range(1, 21))
    assert [r["loss"] for r in rows] == training.losses
    (events,) = tmp_path.glob("events.out.tfevents.*")
    data = events.read_bytes()
    assert data.count(b"loss/training") == 20 and b"weights/W1" in data


def test_two_runs_write_the_same_lines(tmp_path):
    for name in ("one", "two"):
        with TrainingLog(tmp_path / name, mazur(), 5) as log:
            train(mazur(), epochs=5, callbacks=[log])
    assert (tmp_path / "one" / NAME).read_bytes() == (tmp_path / "two" / NAME).read_bytes()


def test_a_resumed_training_writes_on(tmp_path):
    net = mazur()
    with TrainingLog(tmp_path, net, 6) as log:
        train(net, epochs=6, callbacks=[log], checkpoint=tmp_path / "kept", every=4)
    whole = read_log(tmp_path)
    with TrainingLog(tmp_path, net, 9) as log:
        train(net, epochs=9, callbacks=[log], resume=tmp_path / "kept")
    rows = read_log(tmp_path)
    assert rows[:6] == whole and [r["epoch"] for r in rows] == list(range(1, 10))


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadSetting, match="cannot make the folder"):
        check_logs(tmp_path / "file" / "below")
    with pytest.raises(BadSetting, match="cannot read a log"):
        read_log(tmp_path)


def test_without_tensorboardx_the_line_to_type(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(MissingExtra, match=r"pip install -e '\.\[logs\]'"):
        check_logs(tmp_path)
