"""NumPy's functions of arrays, lowered and differentiated, at whole and at named sizes: values are NumPy's, gradients equal differences."""

from __future__ import annotations

import numpy as np
import pytest

from symdiff import calculus
from symdiff.expr import ops
from symdiff.expr.convert import as_expr
from symdiff.expr.leaves import var
from symdiff.lowering.lowered import lower
from tests.expr.test_arrays import ANYWHERE, SIZES, WHOLE, flatten

ROWS = [(f"{name}, named", call, shapes, True) for name, call, *shapes in ANYWHERE] + [
    (name, call, shapes, False) for name, call, *shapes in (*ANYWHERE, *WHOLE)
]


@pytest.mark.parametrize(("call", "shapes", "named"), [pytest.param(*row[1:], id=row[0]) for row in ROWS])
def test_programs_and_gradients_of_array_functions(call, shapes, named):
    rng = np.random.default_rng(0)
    arrays = [rng.uniform(-2, 2, s) for s in shapes]
    xs = [var(f"x{k}", tuple(SIZES.get(d, d) for d in s) if named else s) for k, s in enumerate(shapes)]
    results = [as_expr(g) for g in flatten(call(*xs))]
    for value, wanted in zip(lower(results, xs)(*arrays), flatten(call(*arrays)), strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-10, atol=1e-10)
    loss = ops.add(0.0, ops.stack([ops.sum(ops.multiply(1.0, ops.square(r))) for r in results]).sum())
    gradients = lower(calculus.gradient(loss, xs), xs)(*arrays)
    directions = [rng.uniform(-1, 1, s) for s in shapes]
    f = lower([loss], xs)

    def along(t):
        return float(f(*(a + t * d for a, d in zip(arrays, directions, strict=True)))[0])

    h = 1e-4
    slope = (8 * (along(h) - along(-h)) - (along(2 * h) - along(-2 * h))) / (12 * h)
    scale = max(1.0, abs(along(0.0)), *(float(np.abs(g).max(initial=0)) for g in gradients))
    found = sum(float(np.sum(g * d)) for g, d in zip(gradients, directions, strict=True))
    assert found == pytest.approx(slope, rel=1e-6, abs=1e-7 * scale)
