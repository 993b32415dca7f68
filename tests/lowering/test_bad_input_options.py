"""What `lower` is told, where it contradicts itself, is no number, or speaks of what simplifying has removed."""

from __future__ import annotations

import numpy as np
import pytest

import symdiff as sd

a, x, y = sd.var("a"), sd.var("x"), sd.var("y")
v, X = sd.var("v", "n"), sd.var("X", ("n", "d"))


def test_arguments_stay_in_the_order_of_the_formula_as_it_was_written():
    f = sd.lower((sd.exp(y) - sd.exp(x)) / sd.exp(y))  # becomes 1 - exp(x - y)
    assert f(2.0, 1.0) == pytest.approx(1 - np.exp(-1.0), rel=1e-14)
    assert [i.name for i in f.program.inputs] == ["y", "x"]


def test_arguments_that_simplifying_removes_stay_arguments():
    assert sd.lower(x - x + y)(5.0, 2.0) == 2.0
    assert sd.lower(x - x + y, constants={"x": 5.0})(2.0) == 2.0
    assert sd.lower(x - x + y, [y], constants={"x": 5.0})(2.0) == 2.0


@pytest.mark.parametrize("backend", ["numpy", "auto"])
def test_sizes_that_simplifying_makes_needless_are_taken(backend):
    mean = sd.mean(sd.ones("n") * a)
    assert sd.lower(mean, [a], backend=backend, sizes={"n": 4})(2.0) == 2.0
    assert sd.lower(sd.sum(v) - sd.sum(v) + a, [a, v], fast=True, sizes={"n": 3})(2.0, [1, 2, 3]) == 2.0
    with pytest.raises(sd.errors.BindingError, match="sizes has 'm', which is no dim here"):
        sd.lower(mean, [a], sizes={"n": 4, "m": 2})
