"""What people hand to simplify, op_count and substitute: expressions, numbers in their place, and what is neither."""

from __future__ import annotations

import numpy as np
import pytest

import symdiff as sd

x, lam = sd.var("x", 3), sd.var("lam")


def test_numbers_and_arrays_take_the_place_of_variables():
    assert sd.substitute(lam * x, {lam: 2}) is sd.const(2) * x
    put_in = sd.substitute(lam * x, {lam: 0.5, x: np.array([1.0, 2.0, 4.0])})
    np.testing.assert_array_equal(sd.lower(put_in, [])(), [0.5, 1.0, 2.0])


def test_parts_of_a_formula_are_replaced_all_at_once():
    assert sd.substitute(sd.exp(x) + x, {sd.exp(x): x, x: sd.exp(x)}) is x + sd.exp(x)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: sd.substitute(x, {"x": 1}), sd.BindingError, "substitute: 'x' is no expression"),
        (lambda: sd.substitute(x, {x: 1}), sd.ShapeError, r"has shape \(3,\), what replaces it \(\)"),
        (lambda: sd.simplify("x + 1"), sd.DtypeError, "sd.parse reads a formula"),
        (lambda: sd.op_count(None), sd.DtypeError, "None is no number and no expression"),
        (lambda: sd.hessian(x, x), sd.ShapeError, "hessian: a scalar is wanted"),
        (lambda: sd.hvp(x, x, x), sd.ShapeError, "hvp: a scalar is wanted"),
        (lambda: np.percentile(x, "a"), sd.DtypeError, "percentile: q is a number"),
        (lambda: np.pad(x, (1, 2, 3)), sd.ShapeError, r"pad: the widths \(1, 2, 3\) do not fit 1 axes"),
    ],
)
def test_what_is_neither_is_refused_with_the_way_out(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
