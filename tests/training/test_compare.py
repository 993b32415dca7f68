"""`compare`: the published table, and conclusions that change with its numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symdiff.errors import BadSetting, UnknownName
from symdiff.training.comparing import Row, compare
from symdiff.training.explaining import Search
from symdiff.training.nets import mazur
from symdiff.training.published import FOUR_TRAININGS, TUTORIAL, Published, read_published
from symdiff.training.questions import quoted

SEARCH = Search(mazur())
BY_NAME = {p.name: p for p in FOUR_TRAININGS}


@pytest.fixture(scope="module")
def table() -> dict[str, Row]:
    return {row.published.name: row for row in compare(mazur(), FOUR_TRAININGS, search=SEARCH).rows}


def row_of(*published: Published) -> Row:
    return compare(mazur(), published, search=SEARCH).rows[0]


def texts(row: Row, about: str) -> str:
    return " ".join(f.text for f in row.findings if f.about == about)


@pytest.mark.parametrize(
    ("name", "loss", "departures"),
    [
        ("NumPy sequential", 0.0011153760, ["sequential, output layer first"]),
        ("NumPy parallel", 0.0011157856, []),
        ("TensorFlow", 0.0011163501, ["W1 and W2 transposed", "float32"]),
        ("Keras (fixed)", 0.0011157875, ["float32"]),
    ],
)
def test_every_row_is_reproduced(table, name, loss, departures):
    row = table[name]
    assert row.reproduced and row.nearest.loss == pytest.approx(loss, abs=1e-9)
    assert [c.name for c in row.nearest.departures] == departures


@pytest.mark.parametrize(
    ("name", "words"),
    [("NumPy parallel", "as published in all digits"), ("TensorFlow", "near, not equal"), ("Keras (fixed)", "near, not equal")],
)
def test_near_is_not_called_equal(table, name, words):
    assert words in texts(table[name], "reproduced")


def test_tensorflow_is_another_network(table):
    row = table["TensorFlow"]
    assert "first loss is 0.3036583 instead of 0.2983711" in texts(row, "not said")
    assert "the mean of the squares is half their sum" in texts(row, "blamed")
    assert "precision is not the reason" in texts(row, "blamed")
    assert (
        "the row mixes the two" in texts(row, "prediction")
        and "[0.044046, " in texts(row, "prediction")
        and "[0.044069, " in texts(row, "prediction")
    )
    assert "reduced by 99.6324 %, as published" in texts(row, "reduction")


def test_keras_is_parallel(table):
    row = table["Keras (fixed)"]
    assert "said to be sequential, output layer first, not parallel: that would give 0.0011153768" in texts(row, "contradicted")
    assert "reduced by 99.6260 %, as published" in texts(row, "reduction")
    assert not texts(table["NumPy sequential"], "contradicted") and not texts(table["NumPy parallel"], "contradicted")


def test_the_tutorial_is_not_of_one_training():
    found = compare(mazur(), TUTORIAL, search=SEARCH)
    (conclusion,) = found.conclusions
    assert "parallel: weights after 1 update; " in conclusion.text
    assert "sequential, output layer first: error after 1 update and outputs after 10,000." in conclusion.text
    assert "0.291027924, parallel gives 0.291027774" in conclusion.text


def test_the_tutorials_conclusion_falls_with_its_number():
    weights, error, _ = TUTORIAL
    assert compare(mazur(), (weights, replace(error, loss=quoted("0.291027774"))), search=SEARCH).conclusions == ()


@pytest.mark.parametrize(
    ("change", "departures"),
    [
        ({"loss": quoted("0.0011157867")}, ["float32"]),
        ({"loss": quoted("0.00111578556")}, []),
        ({"loss": quoted("0.0011153760")}, ["sequential, output layer first"]),
        ({"loss": quoted("0.0011157384")}, ["gauss-seidel, output layer first"]),
    ],
)
def test_another_loss_is_another_explanation(change, departures):
    row = row_of(replace(BY_NAME["TensorFlow"], **change), BY_NAME["NumPy parallel"])
    assert [c.name for c in row.nearest.departures] == departures
    assert "transposed" not in texts(row, "not said")


def test_another_prediction_or_reduction_is_another_conclusion():
    row = row_of(
        replace(BY_NAME["TensorFlow"], prediction=(quoted("0.0441"), quoted("0.9573")), reduction=quoted("99.7")), BY_NAME["NumPy parallel"]
    )
    assert "that of the same moment" in texts(row, "prediction") and "not by 99.7 %" in texts(row, "reduction")
    row = row_of(replace(BY_NAME["TensorFlow"], prediction=(quoted("0.5"), quoted("0.9573"))), BY_NAME["NumPy parallel"])
    assert "is not that of this training" in texts(row, "prediction")


def test_a_row_that_says_what_it_is_is_not_contradicted():
    row = row_of(replace(BY_NAME["Keras (fixed)"], said={"update": "parallel", "precision": "float32"}), BY_NAME["NumPy parallel"])
    assert not texts(row, "contradicted") and not texts(row, "not said")


def test_a_contradiction_is_told_once():
    row = row_of(replace(BY_NAME["NumPy sequential"], said={"update": "parallel"}))
    assert "said to be parallel, not sequential, output layer first" in texts(row, "contradicted") and not texts(row, "not said")


def test_precision_is_blamed_rightly():
    exact, rounded = BY_NAME["NumPy parallel"], replace(BY_NAME["Keras (fixed)"], loss=quoted("0.0011157867"))
    assert "precision is the reason" in texts(row_of(rounded, exact), "blamed")


def test_a_number_that_is_not_reproduced():
    row = row_of(replace(BY_NAME["NumPy sequential"], loss=quoted("0.0012345678")))
    assert not row.reproduced and "no combination of conventions gives it" in texts(row, "not reproduced")


def test_other_iterations():
    rows = compare(mazur(), FOUR_TRAININGS[1:2], iterations=10_000, search=SEARCH).rows
    assert f"{rows[0].now.loss:.10f}" == "0.0000351085"


@pytest.mark.parametrize(
    ("row", "error", "message"),
    [
        (Published("a", 1, quoted("0.1"), said={"updates": "parallel"}), UnknownName, "no convention 'updates' .did you mean 'update'"),
        (Published("a", 1, quoted("0.1"), said={"update": "paralel"}), UnknownName, "there is no 'paralel'"),
        (Published("a", 1, quoted("0.1"), beside="b"), UnknownName, "there is no training 'b'"),
        (Published("a", 0, quoted("0.1")), BadSetting, "after: 0 is given"),
        (Published("a", 1), BadSetting, "nothing is given"),
    ],
)
def test_bad_rows(row, error, message):
    with pytest.raises(error, match=message):
        compare(mazur(), [row], search=SEARCH)


def test_iterations_out_of_range():
    with pytest.raises(BadSetting, match="iterations: 0 is given"):
        compare(mazur(), FOUR_TRAININGS[:1], iterations=0, search=SEARCH)


def test_published_trainings_from_a_file(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(
        '{"title": "Mine", "rows": [{"name": "a", "after": 1, "loss": "0.2910", "weights": {"w1": 0.15}, "said": {"update": "parallel"}}]}'
    )
    found = read_published(path)
    assert found.title == "Mine" and found.rows[0].loss.half_unit == 0.00005 and found.rows[0].weights["w1"].value == 0.15


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a table of published trainings"),
        ("[]", r'not a table of published trainings: \{"title": ..., "rows": .* is wanted'),
        ('{"rows": [1]}', "not a table of published trainings"),
        ('{"rows": [{"name": "a"}]}', "row 1 of the published trainings has no 'after'"),
        ('{"rows": [{"name": "a", "after": "x"}]}', "after is 'x', a whole number is wanted"),
        ('{"rows": [{"name": "a", "after": 1, "weights": 3}]}', "weights is 3, an object of numbers by weight is wanted"),
        ('{"rows": [{"name": "a", "after": 1, "los": "1"}]}', "no field 'los' .did you mean 'loss'"),
        ('{"rows": [{"name": "a", "after": 1, "loss": "x"}]}', "'x' is given, a number is wanted"),
    ],
)
def test_files_of_another_form(tmp_path, text, message):
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(BadSetting, match=message):
        read_published(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(BadSetting, match="cannot read"):
        read_published(tmp_path / "none.json")
