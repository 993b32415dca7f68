"""Writing arrays out entry by entry."""

from __future__ import annotations

import numpy as np
import pytest

from symdiff.api.programs import lower
from symdiff.errors import ShapeError, Unsupported
from symdiff.expr.leaves import const, var
from symdiff.expr.node import Expr
from symdiff.expr.ops import cumsum, eye, log_softmax, maximum, mean, outer, prod, sigmoid, softmax, square
from symdiff.expr.ops import max as max_of
from symdiff.expr.ops import min as min_of
from symdiff.training.entries import entries_of, named_entries

A, B = var("A", (2, 3)), var("B", (3, 2))
v, w = var("v", 3), var("w", 2)
X = var("X", ("n", 3))

CASES = {
    "matmul": A @ B,
    "transpose": A.T + B,
    "broadcast": A + v,
    "outer": outer(w, v),
    "trace": (A @ B).trace(),
    "identity": A @ B + eye(2),
    "constants": A * const([[1.0, 2, 3], [4, 5, 6]]) - 1,
    "elementwise": sigmoid(A) * maximum(A, 0.1) + square(A),
    "max": max_of(A, axis=0) + min_of(A, axis=0),
    "prod": prod(A, axis=1),
    "softmax": softmax(A, axis=1),
    "log_softmax": log_softmax(v),
    "batch": X @ B + w,
    "batch mean": mean(square(X @ B)),
    "batch vector": X @ v,
    "batch maximum": max_of(X, axis=0),
    "batch softmax": log_softmax(X, axis=1),
}


def written_out(e: Expr, values: dict) -> np.ndarray:
    """The value of an expression by way of its entries."""
    names = {u: named_entries(u, [f"{u.name}_{k}" for k in range(np.prod([d for d in u.shape if d != "n"], dtype=int))]) for u in values}
    entries = entries_of(e, names)
    leaves = [entry for array in names.values() for entry in array.flat]
    given = [row for u, a in values.items() for row in (a.T if "n" in u.shape else a.reshape(-1))]
    flat = lower(list(entries.flat), leaves)(*given)
    arrays = np.array([np.asarray(a) for a in flat])
    return arrays.reshape(entries.shape + arrays.shape[1:])


@pytest.mark.parametrize("name", CASES)
def test_entries_have_the_values_of_the_array(name):
    e = CASES[name]
    generator = np.random.default_rng(3)
    values = {u: generator.normal(size=tuple(4 if d == "n" else d for d in u.shape)) for u in (A, B, v, w, X)}
    (expected,) = lower([e], list(values))(*values.values())
    found = written_out(e, values)
    if e.shape[:1] == ("n",):
        found = found.T
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_too_few_names_are_refused():
    with pytest.raises(ShapeError, match=r"A \(2, 3\): 6 names are wanted, not 1"):
        named_entries(A, ["a"])


def test_an_operation_without_entry_form_is_named():
    with pytest.raises(Unsupported, match="Scan"):
        entries_of(cumsum(v), {v: named_entries(v, ["a", "b", "c"])})


def test_a_reduction_over_both_kinds_of_axes_is_refused():
    with pytest.raises(Unsupported, match="max over a whole and a named axis"):
        entries_of(max_of(X), {X: named_entries(X, ["a", "b", "c"])})
