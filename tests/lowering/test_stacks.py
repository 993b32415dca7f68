"""Equal operations on equal small arrays are one operation on a stack, and nothing is copied or written over for it."""

from __future__ import annotations

import numpy as np
import pytest

from symdiff.api.programs import lower
from symdiff.expr import ops as o
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr
from symdiff.lowering.lowered import Lowered
from tests.threads import in_threads

SIZE = 12  # too large to be computed on floats
X, *WEIGHTS = (var(name, (SIZE, SIZE)) for name in "XABCD")


def given(dtype: type = np.float64, seed: int = 0) -> list[np.ndarray]:
    return [a.astype(dtype) for a in np.random.default_rng(seed).normal(size=(5, SIZE, SIZE)) / 3]


def made(outputs: Expr | list[Expr], **options: bool) -> Lowered:
    return lower(outputs, [X, *WEIGHTS], simplify=False, **options)


def layers(count: int) -> list[Expr]:
    """The sums of a relu net of square layers, each of which the next one reads."""
    found, h = [], X
    for k in range(count):
        found.append(h @ WEIGHTS[k % 4])
        h = o.relu(found[-1])
    return found


def reference_layers(arrays: list[np.ndarray], count: int) -> list[np.ndarray]:
    found, h = [], arrays[0]
    for k in range(count):
        found.append(h @ arrays[1 + k % 4])
        h = np.maximum(found[-1], 0)
    return found


@pytest.mark.parametrize("dtype", (np.float64, np.float32))
@pytest.mark.parametrize("reuse", (False, True))
def test_gates_are_compared_at_once(dtype: type, reuse: bool) -> None:
    zs = layers(6)
    total: Expr = X @ X
    for z in zs:
        total = (o.greater(z, 0.0) * total) @ X
    f = made(total, reuse_buffers=reuse)
    assert f.for_sizes().source.count("np.greater(") == 1 and "np.stack" not in f.for_sizes().source
    for seed in range(4):  # memory that is used again
        arrays = given(dtype, seed)
        expected = arrays[0] @ arrays[0]
        for z in reference_layers(arrays, 6):
            expected = ((z > 0) * expected) @ arrays[0]
        np.testing.assert_allclose(f(*arrays), expected, rtol=1e-11 if dtype is np.float64 else 1e-3, atol=1e-4 * (dtype is np.float32))


def test_what_is_stacked_stays_for_those_who_read_it_later() -> None:
    products = [X @ w for w in WEIGHTS]
    curved = [o.tanh(p) for p in products]
    f = made([sum((c @ p for c, p in zip(curved, products, strict=True)), X), *(p + c for p, c in zip(products, curved, strict=True))])  # type: ignore[list-item]
    assert f.for_sizes().source.count("np.tanh(") == 1
    arrays = given()
    expected = [arrays[0] @ a for a in arrays[1:]]
    first, *rest = f(*arrays)
    np.testing.assert_allclose(first, sum((np.tanh(p) @ p for p in expected), arrays[0]), rtol=1e-12)
    for found, p in zip(rest, expected, strict=True):
        np.testing.assert_allclose(found, p + np.tanh(p), rtol=1e-12)


def test_steps_that_need_each_other_are_not_stacked() -> None:
    h: Expr = X
    for w in WEIGHTS:
        h = o.tanh(h @ w)
    f = made(h)
    assert f.for_sizes().source.count("np.tanh(") == 4
    expected, *arrays = given()
    for a in arrays:
        expected = np.tanh(expected @ a)
    np.testing.assert_allclose(f(*given()), expected, rtol=1e-12)


def test_two_operations_on_the_same_arrays_and_results_that_leave() -> None:
    products = [X @ w for w in WEIGHTS]
    f = made([products[0], *(o.exp(p) @ o.sin(p) for p in products), o.cos(products[1])], reuse_buffers=True)
    arrays = given()
    kept = [a.copy() for a in f(*arrays)]
    f(*given(seed=1))
    expected = [arrays[0] @ a for a in arrays[1:]]
    for found, value in zip(kept, [expected[0], *(np.exp(p) @ np.sin(p) for p in expected), np.cos(expected[1])], strict=True):
        np.testing.assert_allclose(found, value, rtol=1e-12)


def test_stacks_of_threads_are_apart() -> None:
    zs = layers(5)
    f = made(sum((o.greater(z, 0.0) * X for z in zs), X))  # type: ignore[arg-type]
    wrong: list[int] = []

    def work(seed: int) -> None:
        arrays = given(seed=seed)
        expected = sum(((z > 0) * arrays[0] for z in reference_layers(arrays, 5)), arrays[0])
        for _ in range(100):
            if not np.allclose(f(*arrays), expected, rtol=1e-12):
                wrong.append(seed)

    in_threads(work, range(4))
    assert not wrong
