"""`compare` on the command line."""

from __future__ import annotations

import json
import sys

import pytest

PUBLISHED = ("0.0011153760", "0.0011157856", "0.0011163501", "0.0011157875")


@pytest.mark.parametrize("columns", [80, 120])
def test_page(symdiff, columns):
    answer = symdiff("compare", "mazur", columns=columns)
    assert (answer.code, answer.err) == (0, "")
    assert all(number in answer.out for number in PUBLISHED)
    flat = " ".join(answer.out.split())
    for text in (
        "The tutorial behind them",
        "the row mixes the two",
        "not parallel: that would give 0.0011153768",
        "These are not of one training",
    ):
        assert text in flat
    assert max(map(len, answer.lines)) <= columns


def test_json_and_other_lengths(symdiff):
    data = json.loads(symdiff("compare", "mazur", "--iterations", "200", "--json").out)
    rows = data["tables"][0]["rows"]
    assert [r["name"] for r in rows] == ["NumPy sequential", "NumPy parallel", "TensorFlow", "Keras (fixed)"]
    assert all(abs(r["published"]["loss"] - r["nearest"]["loss"]) <= 1e-9 and r["reproduced"] for r in rows)
    assert all(r["now"]["loss"] > r["nearest"]["loss"] for r in rows)
    assert data["tables"][1]["conclusions"][0]["about"] == "together"


def test_four_panels(symdiff, tmp_path):
    pytest.importorskip("matplotlib")
    rows = tmp_path / "rows.json"
    rows.write_text('{"title": "Mine", "rows": [{"name": "one step", "after": 1, "weights": {"w5": "0.35891648"}}]}')
    path = tmp_path / "panels.png"
    answer = symdiff("compare", "mazur", "--published", str(rows), "--iterations", "50", "--plot", str(path))
    assert answer.code == 0 and "Mine" in answer.out
    assert path.read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["xor"], "no training of 'xor' is known as published"),
        (["mazor"], "there is no net 'mazor' (did you mean 'mazur'?)"),
        (["mazur", "--plot", "a.bmp"], "cannot draw 'a.bmp'"),
        (["mazur", "--iterations", "0"], "iterations: 0 is given"),
        (["mazur", "--published", "no.json"], "cannot read 'no.json'"),
    ],
)
def test_bad_input_is_one_line_and_two(symdiff, arguments, message):
    answer = symdiff("compare", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err and answer.err.count("\n") == 1


def test_missing_matplotlib(symdiff, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    answer = symdiff("compare", "mazur", "--plot", "a.png")
    assert answer.code == 2 and 'pip install -e ".[plot]"' in answer.err
