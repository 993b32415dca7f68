"""`train` on data and from checkpoints: what it prints, and bad input."""

from __future__ import annotations

import json
import re
import signal
import sys
import time

import pytest

from symdiff.cli.progress import Progress
from symdiff.training import data as tables
from symdiff.training import random_start, train, xor

QUICK = ("--epochs", "6", "--learning-rate", "0.1", "--target-loss", "9")


@pytest.fixture
def table(tmp_path):
    """A file of 24 rows: two classes that a line parts."""
    path = tmp_path / "points.csv"
    rows = [f"{k / 10},{(k * 7 % 5) / 10},{int(k > 11)}" for k in range(24)]
    path.write_text("\n".join(["height,width,tall", *rows]) + "\n", encoding="utf-8")
    return path


def test_digits_in_json(symdiff):
    pytest.importorskip("sklearn")
    answer = symdiff("train", "digits", "--epochs", "4", "--validation", "0.1", "--json")
    data = json.loads(answer.out)
    assert answer.code == 0
    assert data["net"] == "digits" and data["data"] == "digits" and data["batch"] == 32
    assert data["optimizer"].startswith("adam:") and data["epochs"] == 4
    assert data["test_accuracy"] > 0.9 and data["final_loss"] < data["first_loss"]
    assert sum(map(sum, data["confusion"])) == 359 and len(data["confusion"]) == 10
    assert set(data["history"]) == {"loss", "rate", "validation_loss", "validation_accuracy"}
    assert all(len(column) == 4 for column in data["history"].values())
    assert data["validation_accuracy"] == data["history"]["validation_accuracy"][-1]
    assert data["prediction"] is None and data["target"] is None  # too many rows to print


def test_page_of_a_table(symdiff, table):
    answer = symdiff(
        "train", "mlp:2-4-1:tanh:bce", "--data", str(table), "--target", "tall", "--test", "0.25", "--batch", "5", "--validation", "3",
        "--epochs", "300", "--optimizer", "adam", "--learning-rate", "0.05", "--seed", "2",
    )  # fmt: skip
    assert (answer.code, answer.err) == (0, "")
    for text in (
        "points.csv: 15 rows to train on, 3 rows for validation, 6 rows to test",
        "batches of 5",
        "adam:beta1=0.9",
        "accuracy     100.0 %",
        "all 300 epochs done",
    ):
        assert text in answer.out
    assert max(map(len, answer.lines)) <= 100


def test_options_reach_the_step(symdiff):
    given = {
        "--optimizer": "momentum:beta=0.5", "--update": "sequential", "--order": "W,v", "--schedule": "warmup:steps=3+cosine", "--l1": "0.1",
        "--l2": "0.3", "--clip": "0.5", "--batch": "3", "--seed": "4", "--dtype": "float32",
    }  # fmt: skip
    answer = symdiff("train", "xor", *QUICK, *(word for pair in given.items() for word in pair), "--json")
    data = json.loads(answer.out)
    expected = train(
        xor(), epochs=6, learning_rate=0.1, optimizer="momentum:0.5", update="sequential", order=("W", "v"), rate_schedule="warmup:steps=3+cosine:12",
        penalty="elastic:strength=0.4,ratio=0.25", clip="norm:0.5", batch=3, seed=4, dtype="float32",
        start=random_start(xor(), 4),
    )  # fmt: skip
    assert data["history"]["loss"] == expected.losses and data["final_loss"] == expected.final_loss
    assert (data["update"], data["order"], data["batch"], data["dtype"]) == ("sequential", ["W", "v"], 3, "float32")


def test_dropout_and_smoothing(symdiff):
    usual = symdiff("train", "xor:4:tanh:bce:bias", *QUICK, "--json")
    changed = symdiff("train", "xor:4:tanh:bias", "--loss", "bce", "--dropout", "0.3", "--label-smoothing", "0.1", *QUICK, "--json")
    assert "dropout 0.3, label smoothing 0.1" in json.loads(changed.out)["description"]
    assert json.loads(usual.out)["history"]["loss"] != json.loads(changed.out)["history"]["loss"]


def test_kill_and_resume(symdiff, tmp_path):
    pytest.importorskip("safetensors")
    folder = str(tmp_path / "run")
    options = ("--optimizer", "adam", "--seed", "3", "--target-loss", "9")
    whole = json.loads(symdiff("train", "xor", "--epochs", "12", *options, "--json").out)
    symdiff("train", "xor", "--epochs", "5", *options, "--checkpoint", folder, "--every", "2", "--keep", "2", "--quiet")
    resumed = json.loads(symdiff("train", "--resume", folder, "--epochs", "12", "--json").out)
    for key in ("history", "weights", "final_loss", "epochs", "optimizer", "start"):
        assert resumed[key] == whole[key]
    assert resumed["checkpoint"].endswith("checkpoint-000000000012.json")
    assert len(list((tmp_path / "run").iterdir())) == 4  # two are kept, as at first


def test_resumed_by_the_backend_it_was_begun_with(symdiff, tmp_path):
    pytest.importorskip("safetensors")
    pytest.importorskip("numba")
    folder, options = str(tmp_path / "run"), ("--backend", "numba", "--target-loss", "9")
    whole = json.loads(symdiff("train", "xor", "--epochs", "60", *options, "--json").out)
    symdiff("train", "xor", "--epochs", "30", *options, "--checkpoint", folder, "--every", "7", "--quiet")
    resumed = json.loads(symdiff("train", "--resume", folder, "--epochs", "60", "--json").out)
    assert (resumed["weights"], resumed["history"], resumed["backend"]) == (whole["weights"], whole["history"], "numba")
    answer = symdiff("train", "--resume", folder, "--epochs", "90", "--backend", "numpy")
    assert answer.code == 2 and "was made with backend numba, not numpy: leave it as it was" in answer.err


def test_interrupt_saves_the_weights(symdiff, monkeypatch, tmp_path):
    pytest.importorskip("safetensors")

    def show(self: Progress, epoch: int, loss: float) -> None:
        if epoch == 50:
            signal.raise_signal(signal.SIGINT)

    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(Progress, "show", show)
        answer = symdiff("train", "xor", "--epochs", "80", "--target-loss", "9", "--checkpoint", str(folder), "--every", "1000")
    assert (answer.code, answer.err) == (130, "")
    assert "stopped by Ctrl-C after 50 epochs" in answer.out and "checkpoint-000000000050.json" in answer.out
    resumed, whole = (
        symdiff("train", "--resume", str(folder), "--json"),
        symdiff("train", "xor", "--epochs", "80", "--target-loss", "9", "--json"),
    )
    assert json.loads(resumed.out)["weights"] == json.loads(whole.out)["weights"]


def test_interrupt_of_a_process(process, tmp_path):
    """A real Ctrl-C, at some moment of a long run."""
    pytest.importorskip("safetensors")
    folder = tmp_path / "run"
    running = process("train", "xor", "--epochs", "5000000", "--checkpoint", str(folder), "--every", "100", "--quiet")
    until = time.monotonic() + 60
    while not list(folder.glob("*.json")) and time.monotonic() < until:
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (130, "")
    done = int(re.search(r"stopped by Ctrl-C after ([\d,]+) epochs", out).group(1).replace(",", ""))
    assert (folder / f"checkpoint-{done:012d}.json").exists()


def test_a_net_of_the_users_own(symdiff, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("from symdiff.training import find_net\n\ndef small():\n    return find_net('xor:2:tanh')\n", encoding="utf-8")
    answer = symdiff("train", f"{path}:small", *QUICK, "--json")
    assert answer.code == 0 and json.loads(answer.out)["description"].startswith("2-2-1, tanh")


def test_a_checkpoint_never_runs_a_file_by_itself(symdiff, tmp_path):
    pytest.importorskip("safetensors")
    path, folder = tmp_path / "mine.py", tmp_path / "run"
    path.write_text("from symdiff.training import find_net\n\ndef small():\n    return find_net('xor:2:tanh')\n", encoding="utf-8")
    assert symdiff("train", f"{path}:small", *QUICK, "--checkpoint", str(folder)).code == 0
    answer = symdiff("train", "--resume", str(folder))
    assert answer.code == 2 and "is run only where it is named" in answer.err
    assert symdiff("train", f"{path}:small", "--resume", str(folder)).code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["xor", "--optimizer", "adm"], "there is no optimizer 'adm' (did you mean 'adam'?)"),
        (["xor", "--schedule", "cosin"], "there is no rate schedule 'cosin' (did you mean 'cosine'?)"),
        (["xor", "--update", "paralel"], "there is no update 'paralel' (did you mean 'parallel'?)"),
        (["xor", "--clip", "nrm:1"], "there is no gradient clipping 'nrm' (did you mean 'norm'?)"),
        (["xor", "--batch", "5"], "batch: 5 rows are given, but there are 4 to train on"),
        (["xor", "--batch", "0"], "batch: 0 is given"),
        (["xor", "--loss", "hubr"], "there is no loss 'hubr' (did you mean 'huber'?)"),
        (["xor", "--l2", "-1"], "strength=-1 is given, a number from 0 on is wanted"),
        (["xor", "--l2", "1", "--decay", "1"], "--decay acts beside the gradient"),
        (["xor", "--dropout", "1"], "dropout: 1.0 is given"),
        (["xor", "--validation", "1"], "--validation goes with --data: xor has its own data"),
        (["xor", "--target", "y"], "--target goes with --data"),
        (["xor", "--patience", "3"], "patience looks at the validation loss"),
        (["xor", "--every", "3"], "--every and --keep go with --checkpoint"),
        (["xor", "--data", "no.csv"], "cannot read 'no.csv': No such file or directory"),
        (["xor", "--data", "digit"], "there are no data 'digit' (did you mean 'digits'?)"),
        (["xor", "--data", "xor", "--validation", "4"], "xor has 4 rows: with 4 for validation and 0 for the test none is left"),
        (["mlp:2-2-1"], "mlp:2-2-1 has no data: name some with --data: and, or,"),
        (["mlp:3-1", "--data", "xor"], "xor has 2 inputs a row, but mlp:3-1 takes 3"),
        (["mlp:2-1:tann", "--data", "xor"], "'tann' is no activation, loss or bias (did you mean 'tanh'?)"),
        (["mlp:2-1", "--data", "xor", "--init", "walkthrough"], "mlp:2-1 has no start of its own"),
        (["mazur", "--data", "xor"], "mazur is no net of rows of data"),
        (["no.py:net"], "there is no file 'no.py'"),
        (["--resume", "/no/such/folder"], "there is no checkpoint '/no/such/folder'"),
    ],
)
def test_bad_input_is_one_line_and_two(symdiff, arguments, message):
    answer = symdiff("train", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err
    assert answer.err.startswith("error: ") and answer.err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b,y\n1,2,0\nnan,1,1\n", "bad.csv, line 3, column 'a': nan is given"),
        ("a,b,y\n1,two,0\n", "bad.csv, line 2, column 'b': 'two' is given, a number is wanted"),
        ("a,b,y\n1,2,2\n", "bad.csv, row 1: the label is 2; whole numbers from 0 to 1 are wanted"),
        ("a,b,y\n", "bad.csv: the data are empty"),
    ],
)
def test_bad_data_is_one_line_and_two(symdiff, tmp_path, text, message):
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    answer = symdiff("train", "mlp:2-1:bce", "--data", str(path))
    assert (answer.code, answer.out) == (2, "") and message in answer.err and answer.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "extra"), [(["xor", "--checkpoint", "folder"], "checkpoints"), (["digits"], "data"), (["mnist5k"], "data")]
)
def test_missing_extra_says_what_to_type(symdiff, monkeypatch, tmp_path, arguments, extra):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setattr(tables, "find_spec", lambda name: None)
    answer = symdiff("train", *arguments)
    assert (answer.code, answer.out) == (2, "") and f'pip install -e ".[{extra}]"' in answer.err and answer.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_same_seed_same_bytes(process, tmp_path):
    arguments = (
        "train",
        "xor:3:tanh:bias",
        "--epochs",
        "40",
        "--seed",
        "5",
        "--batch",
        "3",
        "--dropout",
        "0.2",
        "--json",
        "--target-loss",
        "9",
    )
    one, two = (json.loads(process(*arguments, PYTHONHASHSEED=seed).communicate()[0]) for seed in ("1", "2"))
    times = {"seconds", "epochs_per_second"}
    assert {k: v for k, v in one.items() if k not in times} == {k: v for k, v in two.items() if k not in times}
