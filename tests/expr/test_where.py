"""A condition that is no truth value holds where it is not 0, as in NumPy, in value, printed form and gradient."""

from __future__ import annotations

import numpy as np
import pytest

import symdiff as sd

a, b = sd.var("a", 4), sd.var("b", 4)
m = sd.var("m", 4, assume="binary")
A = np.array([2.0, 0.0, -3.0, -1.0])
B = np.array([3.0, 4.0, 5.0, 6.0])
CONDITIONS = {"a number": a, "a sum": a + 1, "a difference of comparisons": (a > 0) * 1 - (a < 0) * 1, "a comparison": a > 0}
CHOICES = {"zero": lambda x: (x, 0), "zero first": lambda x: (0, x), "both": lambda x: (2 * x, x), "numbers": lambda x: (3, 0)}


@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES)
@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS)
@pytest.mark.parametrize("simplify", [True, False])
def test_any_number_but_zero_is_true(condition, choice, simplify):
    truth = sd.lower(condition, [a])(A).astype(bool)
    found = sd.lower(sd.where(condition, *choice(b)), [a, b], simplify=simplify)(A, B)
    np.testing.assert_array_equal(found, np.where(truth, *choice(B)))
    slope = sd.lower(sd.grad(sd.sum(sd.where(condition, b * b, 0)), b), [a, b], simplify=simplify)(A, B)
    np.testing.assert_array_equal(slope, np.where(truth, 2 * B, 0))


def test_it_is_printed():
    assert str(sd.where(a, b, 0)) == "where(a ≠ 0, b, 0)"
    assert "≠" not in str(sd.where((a > 0)[1:], b[1:], 0))
    assert str(sd.where(m, b, 0)) == "where(m, b, 0)"
