"""Pickle, copy and deepcopy give the same object; a digest is the same in every process."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

import symdiff as sd
from symdiff.expr.leaves import const, var
from symdiff.expr.nodes import Const

x, y, X, A = var("x"), var("y", ("n",)), var("X", ("n", "d")), var("A", (3, 3))

# One expression for each class of node.
FORMULAS: dict[str, sd.Expr] = {
    "var": var("δ₂", ("n", 2), "positive"),
    "const": const(0.1),
    "fraction": const(Fraction(1, 3)),
    "array": const([[1.0, -0.0], [np.nan, np.inf]]),
    "size": sd.mean(y),
    "iota": sd.arange("n") * y,
    "delta": sd.eye("n") + sd.outer(y, y),
    "ones": x + y,
    "contract": sd.einsum("ij,kj->ik", X, X),
    "map": sd.where(sd.less(y, 0), sd.exp(y), y**3),
    "reduce": sd.logsumexp(X, axis=1),
    "scan": sd.cumsum(y) + sd.cumprod(y),
    "arg": y[sd.argsort(y)],
    "reshape": X.ravel(),
    "slice": y[::-2],
    "scatter": sd.pad(A, 1),
    "concat": sd.concatenate([y, y]),
    "gather": A[[0, 2, 2]],
    "linalg": sd.solve(A, sd.eye(3)) + sd.inv(A),
    "gather transpose": sd.grad(sd.sum(A[[0, 2, 2]] ** 2), A),
}


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_gives_the_same_object(name, protocol):
    e = FORMULAS[name]
    assert pickle.loads(pickle.dumps(e, protocol)) is e


@pytest.mark.parametrize("name", FORMULAS)
def test_a_copy_is_the_same_object(name):
    e = FORMULAS[name]
    assert copy.copy(e) is e and copy.deepcopy(e) is e
    assert copy.deepcopy({"loss": [e, e]})["loss"][1] is e


def test_a_pickle_holds_no_hash_and_no_nested_nodes():
    def depth(table: object) -> int:
        return 1 + max(map(depth, table), default=0) if isinstance(table, (list, tuple)) else 0

    deep = y
    for k in range(100):
        deep = sd.sin(deep) * k
    _, (table,) = deep.__reduce__()
    assert depth(table) <= 5 and not any(isinstance(entry, sd.Expr) for row in table for entry in row)


def test_an_unpickled_array_is_read_only():
    code = "import pickle, sys; e = pickle.load(sys.stdin.buffer); print(e.value.flags.writeable)"
    array = const(np.arange(6.0).reshape(2, 3))
    assert python(code, stdin=pickle.dumps(array)).split() == ["False"]
    assert isinstance(array, Const)


def test_a_pickle_of_another_version_is_refused_by_name():
    row = ("Tensorette", (), ())
    with pytest.raises(sd.SymdiffError, match="'Tensorette'"):
        sd.Expr.__reduce__(x)[0]([row])


def python(code: str, seed: str = "0", stdin: bytes = b"") -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], input=stdin, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
    )
    return done.stdout.decode()


def test_pickles_and_digests_are_the_same_in_another_process():
    formulas = list(FORMULAS.values())
    code = (
        "import pickle, sys\n"
        "es = pickle.load(sys.stdin.buffer)\n"
        "assert all(pickle.loads(pickle.dumps(e)) is e for e in es)\n"
        "print(*(e.digest.hex() for e in es))"
    )
    expected = [e.digest.hex() for e in formulas]
    for seed in ("0", "1", "4242"):
        assert python(code, seed, pickle.dumps(formulas)).split() == expected


def test_digests_tell_formulas_apart():
    more = [const(v) for v in (1, 1.0, True, 0.0, -0.0)] + [var("x", ("n",)), var("x", (), "positive"), x + y, y + x, y * 2, y * 2.0]
    formulas = {*FORMULAS.values(), *more}
    assert len({e.digest for e in formulas}) == len(formulas)
