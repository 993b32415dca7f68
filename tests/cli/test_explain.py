"""`explain` on the command line."""

from __future__ import annotations

import json

import pytest


def test_page(symdiff):
    answer = symdiff("explain", "mazur", "--loss", "0.0011163501", "--after", "1000", "--prediction", "0.0440,0.9573", columns=80)
    assert (answer.code, answer.err) == (0, "")
    flat = " ".join(answer.out.split())
    for text in (
        "W1 and W2 transposed (declared: as written)",
        "float32 (declared: float64)",
        "0.303658336 at first",
        "reduced by 99.6324 %",
        "is that after 1,000 updates, [0.044046, 0.957278], the loss that after 999 updates",
        "Without “W1 and W2 transposed” the loss is 0.00111578",
    ):
        assert text in flat
    assert max(map(len, answer.lines)) <= 80


def test_json(symdiff):
    data = json.loads(symdiff("explain", "xor", "--loss", "0.002372537547244107", "--after", "1000", "--learning-rate", "1", "--json").out)
    best = data["matches"][0]
    assert data["reproduced"] and best["departures"] == ["rate"] and best["conventions"]["rate"].startswith("times 4")
    assert (best["updates"], best["digits"]) == (999, 15) and data["taken_back"].keys() == {best["conventions"]["rate"]}


def test_weights(symdiff):
    answer = symdiff("explain", "mazur", "--weights", "w1=0.149780716,w5=0.35891648", "--after", "1", "--departures", "1")
    assert answer.code == 0 and "w1 0.149780716, w5 0.35891648, told for update 1" in answer.out
    assert answer.lines[6].split() == ["0.149780716133", "2.8e-10", "after", "none"]


def test_not_reproduced_is_one(symdiff):
    answer = symdiff("explain", "mazur", "--loss", "0.0012345678", "--after", "20", "--departures", "1")
    assert answer.code == 1 and "None of " in answer.out
    assert answer.err == "error: no combination of conventions reproduces it within 1e-09\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mazor", "--loss", "1", "--after", "1"], "did you mean 'mazur'?"),
        (["mazur", "--loss", "x", "--after", "1"], "'x' is given, a number is wanted"),
        (["mazur", "--after", "1"], "nothing is given to explain"),
        (["mazur", "--weights", "w1", "--after", "1"], "--weights: 'w1' is given, NAME=NUMBER is wanted"),
        (["mazur", "--weights", "w9=1", "--after", "1"], "mazur has no weight 'w9'"),
        (["mazur", "--loss", "0.1"], "Missing option '--after'"),
        (["mazur", "--loss", "0.1", "--after", "0"], "after: 0 is given"),
        (["mazur", "--loss", "0.1", "--after", "1", "--tolerance", "-1"], "tolerance: -1.0 is given"),
        (["mazur", "--loss", "0.29", "--after", "1", "--departures", "-1"], "departures: -1 is given, a whole number from 0 on is wanted"),
    ],
)
def test_bad_input_is_one_line_and_two(symdiff, arguments, message):
    answer = symdiff("explain", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err and answer.err.count("\n") == 1
