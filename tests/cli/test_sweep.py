"""`sweep` on the command line: table, heat map, bad input."""

from __future__ import annotations

import json

import pytest

ARGUMENTS = ("sweep", "xor", "--learning-rate", "0.5,4", "--update", "parallel,sequential", "--epochs", "40")


def test_table(symdiff):
    answer = symdiff(*ARGUMENTS, columns=80)
    assert (answer.code, answer.err) == (0, "")
    assert [line.split()[:2] for line in answer.lines[3:]] == [
        ["0.5", "parallel"],
        ["0.5", "sequential"],
        ["4", "parallel"],
        ["4", "sequential"],
    ]
    assert answer.out.count("best") == 1 and "convergence of the second half" in answer.out


def test_json(symdiff):
    data = json.loads(symdiff(*ARGUMENTS, "--json").out)
    assert len(data["trials"]) == 4 and data["grid"] == {"learning_rate": [0.5, 4.0], "update": ["parallel", "sequential"]}
    assert data["best"]["learning_rate"] == 4 and {"law", "value", "explained"} == set(data["trials"][0]["convergence"])


def test_settings_of_an_optimizer_stay_with_it(symdiff):
    specs = ("--optimizer", "momentum:beta=0.8,adam:beta1=0.5,beta2=0.9,sgd")
    data = json.loads(symdiff("sweep", "xor", *specs, "--epochs", "2", "--json").out)
    assert data["grid"]["optimizer"] == ["momentum:beta=0.8", "adam:beta1=0.5,beta2=0.9", "sgd"]


@pytest.mark.parametrize("options", [[], ["--update", "parallel,sequential"], ["--update", "parallel,sequential", "--seed", "1,2,3"]])
def test_heat_map(symdiff, tmp_path, options):
    pytest.importorskip("matplotlib")
    path = tmp_path / "heat.svg"
    answer = symdiff("sweep", "xor", "--learning-rate", "0.5,4", "--epochs", "10", *options, "--plot", str(path))
    assert answer.code == 0 and path.read_bytes().startswith(b"<?xml")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["xor"], "nothing is given to sweep: one of --learning-rate, --update, --optimizer, --schedule, --batch, --seed is wanted"),
        (["xor", "--update", "parallel", "--target-loss", "-1"], "target loss: -1.0 is given, a positive number is wanted"),
        (["xor", "--learning-rate", "0.1,x"], "--learning-rate: 'x' is given, a number is wanted"),
        (["xor", "--seed", "1.5"], "--seed: '1.5' is given, a whole number is wanted"),
        (["xor", "--update", "paralel"], "did you mean 'parallel'?"),
        (["xorr", "--update", "parallel"], "did you mean 'xor'?"),
        (["xor", "--update", "parallel", "--plot", "a.gif"], "cannot draw 'a.gif'"),
        (["mlp:2-3-1", "--learning-rate", "0.1"], "has no data: name some with --data"),
    ],
)
def test_bad_input_is_one_line_and_two(symdiff, arguments, message):
    answer = symdiff("sweep", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err and answer.err.count("\n") == 1
