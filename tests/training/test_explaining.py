"""`explain`: published numbers, and what reproduces them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symdiff.errors import BadSetting, UnknownName, Unsupported
from symdiff.training import find_net, mazur, xor
from symdiff.training.explaining import Search, explain
from symdiff.training.questions import agreeing_digits, ask, quoted

SEQUENTIAL = "sequential, output layer first"
TRANSPOSED = "W1 and W2 transposed"
SEARCHES = {"mazur": Search(mazur()), "xor": Search(xor(), learning_rate=1)}


def explained(net: str, after: int, loss: str, **more):
    return SEARCHES[net].explain(ask(SEARCHES[net].net, after, loss, **more))


@pytest.mark.parametrize(
    ("net", "after", "loss", "departures", "reading"),
    [
        ("mazur", 1000, "0.0011157856", [], "before"),
        ("mazur", 1000, "0.0011153760", [SEQUENTIAL], "before"),
        ("mazur", 1000, "0.0011157384", ["gauss-seidel, output layer first"], "before"),
        ("mazur", 1000, "0.0011163501", [TRANSPOSED, "float32"], "before"),
        ("mazur", 1000, "0.0011157875", ["float32"], "before"),
        ("mazur", 1, "0.291027774", [], "after"),
        ("mazur", 1, "0.291027924", [SEQUENTIAL], "after"),
        ("mazur", 1, "0.291027900", ["gauss-seidel, output layer first"], "after"),
        ("mazur", 1, "0.298371109", [], "before"),
        ("mazur", 1, "0.3036583", [TRANSPOSED], "before"),
        ("mazur", 1, "0.596742218", ["sum of the squares"], "before"),
        ("xor", 1000, "0.002372537547244107", ["times 4: a mean lacks its 1/4"], "before"),
    ],
)
def test_published_number_is_explained(net, after, loss, departures, reading):
    best = explained(net, after, loss).matches[0]
    assert [c.name for c in best.departures] == departures
    assert best.answer("reading") == reading
    assert best.difference <= max(1e-9, quoted(loss).half_unit)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"update": "gauss-seidel, input layer first"}, 0),
        ({"layout": "W2 transposed"}, 0),
        ({"loss": "sum of the squares"}, 0),
        ({"rate": "times 1/2: the 2 of the square left out"}, 0),
        ({"biases": "trained"}, 0),
        ({"biases": "trained, one a neuron"}, 0),
        ({"biases": "left out"}, 0),
        ({"reading": "after"}, 0),
        ({"reading": "before, one fewer"}, 0),
        ({"reading": "after, one more"}, 0),
        ({"layout": "W1 transposed", "biases": "trained"}, 0),
        ({"update": SEQUENTIAL, "rate": "times 2: a mean lacks its 1/2", "reading": "before, one fewer"}, 0),
    ],
    ids=lambda change: str(change),
)
def test_what_a_convention_makes_is_found_again(change, wanted):
    search = SEARCHES["mazur"]
    made = search.with_choices(ask(search.net, 60, 1.0), **change)
    found = explained("mazur", 60, f"{made.loss:.12f}").matches[0]
    assert {c.convention: c.name for c in found.departures} == {k: v for k, v in change.items() if v not in ("before", "after")}
    assert found.answer("reading") == made.answer("reading")


def test_outputs_after_10000_updates_are_sequential():
    found = explain(mazur(), after=10_000, prediction=("0.015912196", "0.984065734"), departures=1)
    assert [[c.name for c in m.departures] for m in found.matches] == [[SEQUENTIAL]]
    assert found.matches[0].answer("reading") == "after"


def test_weights_after_one_update_are_parallel():
    found = explain(mazur(), after=1, weights={"w1": "0.149780716", "w5": "0.35891648"}, departures=1)
    assert found.matches[0].departures == () and found.matches[0].point.updates == 1
    assert SEQUENTIAL not in [m.answer("update") for m in found.matches]


def test_loss_and_prediction_of_different_moments():
    best = explained("mazur", 1000, "0.0011163501", prediction=("0.0440", "0.9573")).matches[0]
    assert best.mixes and (best.point.updates, best.prediction_at.updates) == (999, 1000)
    assert [round(p, 6) for p in (best.point.prediction[0], best.prediction_at.prediction[0])] == [0.044069, 0.044046]
    assert round(best.first_loss, 7) == 0.3036583 and round(best.reduction, 4) == 99.6324
    same = explained("mazur", 1000, "0.0011163501", prediction=("0.0441", "0.9573")).matches[0]
    assert not same.mixes and same.prediction_at == same.point
    other = explained("mazur", 1000, "0.0011163501", prediction=("0.05", "0.9573")).matches[0]
    assert other.prediction_at is None and not other.mixes


def test_what_each_departure_does():
    search = SEARCHES["mazur"]
    question = ask(search.net, 1000, "0.0011163501")
    best = search.explain(question).matches[0]
    rest = {c.convention: m.difference for c, m in search.taken_back(question, best).items()}
    assert rest["layout"] == pytest.approx(5.6e-7, rel=0.01) and rest["precision"] == pytest.approx(2.6e-9, rel=0.02)


def test_a_number_that_nothing_reproduces():
    found = explained("mazur", 1000, "0.0012345678")
    assert found.matches == () and found.nearest
    assert all(m.difference > 1e-9 for m in found.nearest)
    assert [m.difference for m in found.nearest] == sorted(m.difference for m in found.nearest)


def test_tolerance_is_absolute_and_no_less_than_the_digits_given():
    assert ask(mazur(), 1, "0.29").tolerance == 0.005
    assert ask(mazur(), 1, "0.291027924").tolerance == 1e-9
    assert ask(mazur(), 1, "0.291027924", tolerance=1e-6).tolerance == 1e-6
    assert explained("mazur", 1, "0.29").matches[0].departures == ()  # what is the same in all digits: the fewest departures first


def test_a_net_of_the_users_own(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from dataclasses import replace\nfrom symdiff.training import mazur\ndef mine():\n    return replace(mazur(), learning_rate=0.25)\n"
    )
    mine = find_net(f"{path}:mine")
    told = Search(mine).with_choices(ask(mine, 20, 1.0), update=SEQUENTIAL)
    best = explain(mine, after=20, loss=f"{told.loss:.12f}").matches[0]
    assert [c.name for c in best.departures] == [SEQUENTIAL]


@pytest.mark.parametrize(
    ("value", "text", "digits"), [(0.0440, "0.0440", 3), (0.04404, "0.0440", 3), (0.0441, "0.0440", 2), (5.0, "0.0440", 0)]
)
def test_agreeing_digits(value, text, digits):
    assert agreeing_digits(value, quoted(text)) == digits


@pytest.mark.parametrize("text", ["", "abc", "nan", "inf", "0,5"])
def test_a_quoted_number_is_a_number(text):
    with pytest.raises(BadSetting, match="a number is wanted"):
        quoted(text)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"after": 1}, BadSetting, "nothing is given to explain"),
        ({"after": 0, "loss": 1}, BadSetting, "after: 0 is given"),
        ({"after": 1, "loss": 1, "tolerance": 0.0}, BadSetting, "tolerance: 0.0 is given"),
        ({"after": 1, "loss": 1, "learning_rate": -1.0}, BadSetting, "learning rate: -1.0 is given"),
        ({"after": 1, "prediction": (1, 2, 3)}, BadSetting, "3 numbers are given, mazur predicts 2"),
        ({"after": 1, "weights": {"w9": 1}}, UnknownName, "mazur has no weight 'w9'"),
    ],
)
def test_bad_questions(settings, error, message):
    with pytest.raises(error, match=message):
        explain(mazur(), **settings)


def test_dropout_is_not_explained():
    with pytest.raises(Unsupported, match="dropout masks"):
        Search(replace(mazur(), masks={mazur().data[0].var: 0.5}))


def test_unknown_choice():
    search = SEARCHES["mazur"]
    with pytest.raises(UnknownName, match="update: there is no 'paralel'"):
        search.with_choices(ask(search.net, 1, 1.0), update="paralel")
