"""Results that are zeros but for a diagonal: what is reused keeps its zeros, and nobody can write to them."""

from __future__ import annotations

import numpy as np
import pytest

from symdiff.api.programs import lower
from symdiff.expr import ops as o
from symdiff.expr.leaves import var
from symdiff.grad import hessian

T, U, V = var("T", ("m", "n")), var("U", ("m", "k")), var("V", ("n", "k"))
HESSIAN = hessian(o.sum((T - U @ V.T) ** 2), U)


def given(m: int, n: int, k: int, seed: int, dtype: type = np.float64) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(dtype) for shape in ((m, n), (m, k), (n, k))]


def expected(arrays: list[np.ndarray]) -> np.ndarray:
    _, u, v = arrays
    m, k = u.shape
    return np.kron(np.eye(m), 2 * v.T @ v).reshape(m, k, m, k)


@pytest.mark.parametrize("dtype", (np.float64, np.float32))
@pytest.mark.parametrize("sizes", ((12, 7, 5), (1, 1, 1), (12, 7, 0), (220, 3, 5)))
@pytest.mark.parametrize("reuse", (False, True))
def test_dense_hessian_of_a_factorisation(reuse: bool, sizes: tuple[int, int, int], dtype: type) -> None:
    f = lower(HESSIAN, [T, U, V], reuse_buffers=reuse)
    for seed in range(5):
        arrays = given(*sizes, seed, dtype)
        found = f(*arrays)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected(arrays), rtol=1e-12 if dtype is np.float64 else 1e-4, atol=1e-4 * (dtype is np.float32))


def test_a_reused_result_keeps_its_zeros() -> None:
    f = lower(HESSIAN, [T, U, V], reuse_buffers=True)
    source = f.for_sizes(m=12, n=7, k=5).source
    body = source[source.index("def f(") :]
    assert "np.zeros" not in body and "np.full" not in body
    first, second, third = (f(*given(12, 7, 5, seed)) for seed in range(3))
    assert first is third and first is not second
    with pytest.raises(ValueError, match="read-only"):
        first += 1
    fresh = lower(HESSIAN, [T, U, V])(*given(12, 7, 5, 0))
    fresh += 1  # a result of one's own may be written to


def test_a_reused_result_is_an_argument() -> None:
    H, A, B = var("H", (4, 3, 4, 3)), var("A", (4, 3)), var("B", (3, 3))
    f = lower([o.sum(H * H), hessian(o.sum((A @ B) ** 2), A)], [H, A, B], reuse_buffers=True)
    rng = np.random.default_rng(0)
    a, b, h = rng.normal(size=(4, 3)), rng.normal(size=(3, 3)), np.zeros((4, 3, 4, 3))
    for _ in range(5):
        before = h.copy()
        total, h = f(h, a, b)
        np.testing.assert_allclose(total, np.sum(before * before), rtol=1e-12)
        np.testing.assert_allclose(h.reshape(12, 12), np.kron(np.eye(4), 2 * b @ b.T), rtol=1e-12, atol=1e-15)
