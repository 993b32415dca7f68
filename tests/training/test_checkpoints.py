"""Checkpoints: what is taken up again is the same training, bit by bit, and nothing that is not whole is ever read."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from symdiff.errors import BadSetting, CheckpointError, MissingExtra
from symdiff.training import checkpoints, find_net, mazur, train, xor
from symdiff.training.checkpoints import checkpoints_in, load
from symdiff.training.data import find_data, fitted
from symdiff.training.loop import Training

pytest.importorskip("safetensors")
ROOT = Path(__file__).parents[2]


def same(one: Training, other: Training) -> bool:
    """Whether two trainings have the same bits in weights, optimizer state and history."""
    pairs = [(one.weights, other.weights), (one.state, other.state)]
    arrays = all(a[v].tobytes() == b[v].tobytes() for a, b in pairs for v in a)
    return (
        arrays
        and one.history == other.history
        and (one.epochs, one.updates, one.best_epoch) == (other.epochs, other.updates, other.best_epoch)
    )


def xor_run(epochs: int = 30, **more) -> Training:
    """On floats: full batch, a tiny net."""
    return train(xor(), epochs=epochs, optimizer="adam", learning_rate=0.1, rate_schedule="step:steps=7,gamma=0.5", **more)


def mask_run(epochs: int = 6, **more) -> Training:
    """On arrays: mini-batches with a short last one, dropout, validation, momentum."""
    data = find_data("xor")
    net = fitted(find_net("mlp:2-5-1:tanh:bce", dropout=0.4), data)
    return train(net, epochs=epochs, batch=3, seed=4, optimizer="momentum", validation=data, patience=50, **more)


RUNS = pytest.mark.parametrize("run", [xor_run, mask_run])


@RUNS
def test_resumed_is_as_if_never_stopped(tmp_path, run):
    whole = run(6)
    run(3, checkpoint=tmp_path, every=2)
    assert same(run(6, resume=tmp_path), whole)


@RUNS
@pytest.mark.parametrize("stop", [1, 4, 5])
def test_interrupt_saves_what_there_is(tmp_path, run, stop):
    def interrupt(epoch: int, loss: float) -> None:
        if epoch == stop:
            raise KeyboardInterrupt

    stopped = run(6, checkpoint=tmp_path, every=100, on_epoch=interrupt)
    assert (stopped.ending, stopped.epochs) == ("interrupted", stop) and stopped.checkpoint is not None
    assert same(run(6, resume=tmp_path), run(6))


@pytest.mark.parametrize("calls", [1, 2, 3, 6, 7])
def test_interrupt_in_the_middle_of_an_epoch(tmp_path, monkeypatch, calls):
    """Ctrl-C between two mini-batches, or in the validation after the last: what is resumed still ends the same."""
    from symdiff.training import run as run_module

    whole = mask_run()
    seen = 0
    original = run_module.Moment.__new__

    def counted(cls, *arguments, **keywords):
        nonlocal seen
        seen += 1
        made = original(cls, *arguments, **keywords)
        if seen == calls + 1:  # the first is the start
            raise KeyboardInterrupt
        return made

    with monkeypatch.context() as patch:
        patch.setattr(run_module.Moment, "__new__", counted)
        stopped = mask_run(checkpoint=tmp_path, every=100)
    assert stopped.ending == "interrupted" and stopped.updates == calls - 1
    assert same(mask_run(resume=tmp_path), whole)


def test_the_last_few_are_kept_and_each_can_be_taken_up(tmp_path):
    whole = xor_run()
    xor_run(checkpoint=tmp_path, every=4, keep=2)
    found = checkpoints_in(tmp_path)
    assert [load(path).record["epoch"] for path in found] == [30, 28]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        p.with_suffix(s).name for p in found for s in (".json", ".safetensors")
    )
    assert same(xor_run(resume=found[1]), whole)


def test_a_run_taken_up_from_an_older_checkpoint_gives_up_the_newer(tmp_path):
    xor_run(20, checkpoint=tmp_path, every=5, keep=10)
    third = checkpoints_in(tmp_path)[2]
    xor_run(12, resume=third, every=1, keep=10)
    assert [load(path).record["epoch"] for path in checkpoints_in(tmp_path)] == [12, 11, 10, 5]


def test_more_epochs_than_at_first(tmp_path):
    xor_run(10, checkpoint=tmp_path)
    assert same(xor_run(25, resume=tmp_path), xor_run(25))


def damaged(path: Path, how: str) -> None:
    arrays = path.with_suffix(".safetensors")
    if how == "short arrays":
        arrays.write_bytes(arrays.read_bytes()[:-5])
    elif how == "changed arrays":
        data = bytearray(arrays.read_bytes())
        data[-3] ^= 1
        arrays.write_bytes(bytes(data))
    elif how == "no arrays":
        arrays.unlink()
    elif how == "short json":
        path.write_bytes(path.read_bytes()[:-20])
    elif how == "changed json":
        path.write_text(path.read_text().replace('"epoch": 12', '"epoch": 11'))
    elif how == "no symdiff json":
        path.write_text("[]")
    elif how == "new version":
        path.write_text(path.read_text().replace('"version": 1', '"version": 9'))


DAMAGES = {
    "short arrays": "is damaged: checkpoint-000000000012.safetensors is truncated or has changed",
    "changed arrays": "is truncated or has changed since it was written",
    "no arrays": "checkpoint-000000000012.safetensors cannot be read (No such file or directory)",
    "short json": "is damaged, no JSON can be read from it",
    "changed json": "is damaged: its contents have changed since it was written",
    "no symdiff json": "is no checkpoint of symdiff",
    "new version": "has version 9, but this symdiff reads version 1",
}


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_checkpoint_is_refused_and_the_previous_offered(tmp_path, how):
    xor_run(12, checkpoint=tmp_path, every=4)
    newest, previous, _ = checkpoints_in(tmp_path)
    damaged(newest, how)
    with pytest.raises(CheckpointError, match=re.escape(DAMAGES[how])) as error:
        xor_run(20, resume=tmp_path)
    assert f"the previous checkpoint is whole: --resume {previous}" in str(error.value)
    assert same(xor_run(20, resume=previous), xor_run(20))


def test_a_damaged_checkpoint_without_another(tmp_path):
    xor_run(4, checkpoint=tmp_path, keep=1)
    damaged(checkpoints_in(tmp_path)[0], "short json")
    with pytest.raises(CheckpointError, match="there is no other whole checkpoint"):
        load(tmp_path)


def test_what_is_no_checkpoint(tmp_path):
    with pytest.raises(CheckpointError, match="there is no checkpoint in"):
        load(tmp_path)
    with pytest.raises(CheckpointError, match=re.escape("no.json': the folder of a training, or the .json of one checkpoint, is wanted")):
        load(tmp_path / "no.json")


def test_a_checkpoint_of_something_else(tmp_path):
    xor_run(4, checkpoint=tmp_path)
    with pytest.raises(CheckpointError, match="is a checkpoint of another network: of 'xor', not of 'mazur' as it is here"):
        train(mazur(), resume=tmp_path)
    with pytest.raises(CheckpointError, match="is a checkpoint of other data"):
        train(fitted(xor(), find_data("and")), resume=tmp_path)
    with pytest.raises(BadSetting, match=r"was made with learning rate 0.1, not 0.2"):
        train(xor(), epochs=9, optimizer="adam", learning_rate=0.2, rate_schedule="step:steps=7,gamma=0.5", resume=tmp_path)


def test_a_checkpoint_past_the_epochs(tmp_path):
    xor_run(6, checkpoint=tmp_path)
    with pytest.raises(BadSetting, match=r"epochs: 2 is given, but .* is of epoch 6: a number from 6 on is wanted"):
        xor_run(2, resume=tmp_path)


def test_a_folder_in_use_is_not_mixed_with(tmp_path):
    xor_run(4, checkpoint=tmp_path)
    with pytest.raises(
        CheckpointError, match=re.escape(f"has checkpoints already (checkpoint-000000000004.json): --resume {tmp_path} goes on")
    ):
        xor_run(4, checkpoint=tmp_path)


@pytest.mark.parametrize("setting", [{"every": 0}, {"keep": 0}])
def test_settings_out_of_range(tmp_path, setting):
    with pytest.raises(BadSetting, match="0 is given, a whole number from 1 on is wanted"):
        xor_run(4, checkpoint=tmp_path, **setting)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match=re.escape("no checkpoint can be written to")) as error:
        xor_run(4, checkpoint=tmp_path / "file" / "folder")
    assert "Not a directory" in str(error.value)


@pytest.mark.parametrize("after", [0, 1, 8])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_disk_that_fills_up(tmp_path, monkeypatch, after, call):
    """ENOSPC in the writing: an error that says what is whole, no rubbish, and the earlier checkpoints can be taken up."""
    whole = xor_run(12)
    original, seen = getattr(os, call), 0

    def full(*arguments):
        nonlocal seen
        seen += 1
        if seen > after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints.os, call, full)
        with pytest.raises(CheckpointError, match="No space left on device") as error:
            xor_run(12, checkpoint=tmp_path, every=2)
    left = checkpoints_in(tmp_path)
    assert not list(tmp_path.glob("*.tmp"))
    if left:
        assert f"{left[0]} is whole: make room, then --resume {tmp_path}" in str(error.value)
        assert same(xor_run(12, resume=tmp_path), whole)
    else:
        assert "there is no checkpoint yet" in str(error.value) or "no checkpoint can be written to" in str(error.value)


def test_what_a_killed_writer_left_is_removed(tmp_path):
    (tmp_path / "checkpoint-000000000002.json.tmp").write_text('{"half')
    (tmp_path / "checkpoint-000000000004.safetensors").write_bytes(b"without its json")
    (tmp_path / "notes.txt").write_text("of the user")
    xor_run(4, checkpoint=tmp_path, every=2)
    assert [load(path).record["epoch"] for path in checkpoints_in(tmp_path)] == [4, 2]
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".json", ".safetensors", ".safetensors", ".txt"]


def test_a_checkpoint_says_what_it_is(tmp_path):
    path = xor_run(4, checkpoint=tmp_path, options={"mine": [1, 2]}).checkpoint
    record = json.loads(path.read_text())
    assert (record["format"], record["version"], record["epoch"], record["options"]) == ("symdiff checkpoint", 1, 4, {"mine": [1, 2]})
    assert record["settings"]["optimizer"].startswith("adam:") and len(record["history"]["loss"]) == 4
    assert set(load(path).arrays) >= {"now/W", "now/v", "now/m_W", "now/k"}
    assert np.array_equal(load(path).arrays["now/W"], xor_run(4).weights[xor().weights[0]])


def test_missing_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(MissingExtra, match=re.escape('pip install -e ".[checkpoints]"')):
        xor_run(4, checkpoint=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_interrupt_in_the_last_write(tmp_path, monkeypatch):
    """Ctrl-C while the checkpoint at the end is written: it is written all the same."""
    original, seen = os.replace, 0

    def interrupted(*arguments):
        nonlocal seen
        seen += 1
        if seen == 2:
            raise KeyboardInterrupt
        return original(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints.os, "replace", interrupted)
        stopped = xor_run(5, checkpoint=tmp_path, every=100)
    assert stopped.ending == "interrupted" and load(tmp_path).record["epoch"] == 5
    assert same(xor_run(9, resume=tmp_path), xor_run(9))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_killed_at_any_moment(tmp_path):
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("killed_runs.py")), str(tmp_path)],
        cwd=ROOT, env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["wrong"] == [] and found["killed"] >= 20 and found["resumed"] >= 20, found
