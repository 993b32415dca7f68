"""`bench` on the command line: what is refused before anything is timed, and what a run writes where no peer is installed."""

from __future__ import annotations

import json

import pytest

from symdiff.cli import bench

PEERS = ("autograd", "casadi", "jax", "pytensor", "torch")  # sympy is always there


@pytest.mark.parametrize("option", ["--rounds", "--runs"])
@pytest.mark.parametrize("count", ["0", "-1"])
def test_there_is_one_run_of_one_round_at_least(symdiff, option, count):
    answer = symdiff("bench", option, count)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == f"error: {option}: {count} is given, a whole number from 1 on is wanted\n"


def test_outside_a_checkout_one_line_says_so(symdiff, monkeypatch, tmp_path):
    monkeypatch.setattr(bench, "_CHECKOUT", tmp_path)
    answer = symdiff("bench")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.count("\n") == 1 and "run python cli.py bench in a clone" in answer.err


@pytest.mark.parametrize("known", [(), ("--only", "xor-step")])
def test_a_workload_that_is_not_there(process, known):
    running = process("bench", *known, "--only", "mazurr")
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (2, "")
    assert err.startswith("error: there is no workload 'mazurr'. Workloads: mazur-step, ") and err.count("\n") == 1


def test_json_is_all_there_is_on_stdout(process, tmp_path):
    """Two runs of one round, with modules before those of the peers that say that they are missing."""
    for peer in PEERS:
        (tmp_path / f"{peer}.py").write_text(f"raise ImportError('No module named {peer}')\n", encoding="utf-8")
    running = process("bench", "--only", "mazur-step", "--rounds", "1", "--runs", "2", "--json", PYTHONPATH=str(tmp_path))
    out, err = running.communicate(timeout=60)
    rows = json.loads(out)
    assert err == "mazur-step ...\n"
    assert type(rows) is list and running.returncode == any(bar["met"] is False for row in rows for bar in row["bar"])
    assert [row["implementation"] for row in rows[:2]] == ["plain", "symdiff floats"]
    for row in rows:
        assert row["workload"] == "mazur-step"
        figure = type(None) if row["implementation"] in PEERS else float
        assert type(row["median_s"]) is type(row["ratio_to_plain"]) is figure
        assert all((type(bar["against"]), type(bar["at_most"])) == (str, float) for bar in row["bar"])
        assert all(len(bar["ratios"]) == (0 if bar["against"] in PEERS else 2) for bar in row["bar"])
        judged = [bar["met"] for bar in row["bar"]]
        assert row["met"] is (None if not judged or None in judged else all(judged))
    against = {bar["against"]: bar["met"] for row in rows for bar in row["bar"]}
    assert against["jax"] is against["torch"] is None and against["plain"] is not None
