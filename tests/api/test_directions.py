"""One direction for each variable: as many as there are, and those of a variable that is named twice added."""

from __future__ import annotations

import numpy as np
import pytest

import symdiff as sd

x, a, b = sd.var("x", 3), sd.var("a", 3), sd.var("b", 3)
loss = sd.sum(x**3)

CALLS = {
    "jvp": lambda wrt, vectors: sd.jvp(loss, wrt, vectors),
    "hvp": lambda wrt, vectors: sd.hvp(loss, wrt, vectors),
    "gnvp": lambda wrt, vectors: sd.gnvp(lambda y: sd.sum(y**3), x, wrt, vectors),
}


@pytest.mark.parametrize(("name", "call"), CALLS.items(), ids=CALLS)
def test_another_number_of_directions_is_refused(name, call):
    with pytest.raises(sd.errors.ShapeError, match=f"{name}: 1 variables and 2 vectors; one for each variable is wanted"):
        call([x], [a, b])


def test_directions_of_a_variable_that_is_named_twice_add_up():
    names, values = [x, a, b], [np.arange(1.0, 4.0), np.ones(3), np.array([0.5, -1.0, 2.0])]
    X, A, B = values
    made = [sd.jvp(loss, [x, x], [a, b]), *sd.hvp(loss, [x, x], [a, b]), *CALLS["gnvp"]([x, x], [a, b])]
    expected = [(3 * X**2) @ (A + B), *[6 * X * (A + B)] * 4]
    for found, value in zip(sd.lower(made, names)(*values), expected, strict=True):
        np.testing.assert_allclose(found, value, rtol=1e-14)
