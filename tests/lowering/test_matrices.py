"""Products of stacks as products of matrices: no loop over the stack, no tensordot, and the numbers are the same."""

from __future__ import annotations

import numpy as np
import pytest

from symdiff.api.programs import lower
from symdiff.expr import ops as o
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr
from symdiff.grad import hessian

S, T, A, B = var("S", ("n", "i", "j")), var("T", ("n", "i", "j")), var("A", ("j", "k")), var("B", ("j", "k"))
SIZES = {"n": 3, "i": 4, "j": 5, "k": 2}


def arrays(inputs: list[Expr], dtype: type = np.float64) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=[SIZES.get(d, d) for d in v.shape]).astype(dtype) for v in inputs]


@pytest.mark.parametrize("dtype", (np.float64, np.float32))
@pytest.mark.parametrize(
    ("formula", "inputs", "reference"),
    (
        (o.tanh(S) @ A, [S, A], lambda s, a: np.tanh(s) @ a),
        (o.einsum("nij,jk->kni", o.tanh(S), A), [S, A], lambda s, a: np.einsum("nij,jk->kni", np.tanh(s), a)),
        (o.tensordot(S, T, ([1, 2], [1, 2])), [S, T], lambda s, t: np.tensordot(s, t, ([1, 2], [1, 2]))),
        (o.tensordot(o.exp(S), T, ([0], [0])), [S, T], lambda s, t: np.tensordot(np.exp(s), t, ([0], [0]))),
        (o.einsum("nij,nlj->nil", o.tanh(S), o.tanh(S)), [S], lambda s: np.tanh(s) @ np.tanh(s).swapaxes(1, 2)),
        (o.einsum("ij,nij->nij", o.greater(S[0], 0.0), T), [S, T], lambda s, t: (s[0] > 0) * t),
    ),
)  # fmt: skip
def test_forms_agree_with_numpy(formula: Expr, inputs: list[Expr], reference: object, dtype: type) -> None:
    f, given = lower(formula, inputs), arrays(inputs, dtype)
    assert "tensordot" not in f.for_sizes(**{d: SIZES[d] for v in inputs for d in v.shape}).source
    found = f(*given)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, reference(*given), rtol=1e-12 if dtype is np.float64 else 1e-4, atol=1e-5 * (dtype is np.float32))  # type: ignore[operator]


@pytest.mark.parametrize("empty", ("n", "i", "j", "k"))
def test_empty_stacks(empty: str) -> None:
    sizes = SIZES | {empty: 0}
    s, a = np.ones([sizes[d] for d in S.shape]), np.ones([sizes[d] for d in A.shape])
    np.testing.assert_array_equal(lower(o.tanh(S) @ A, [S, A])(s, a), np.tanh(s) @ a)
    np.testing.assert_array_equal(lower(o.tensordot(o.tanh(S), S, ([0], [0])), [S])(s), np.tensordot(np.tanh(s), s, ([0], [0])))


def test_inputs_that_do_not_lie_in_order() -> None:
    s, a = arrays([S, A])
    f = lower([S @ A, o.tensordot(S, T, ([0], [0]))], [S, T, A])
    turned = np.asfortranarray(s)
    for found, expected in zip(f(turned, s[::-1], a), f(s.copy(), s[::-1].copy(), a), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_relu_hessian_multiplies_matrices_only() -> None:
    weights = [var(f"V{k}", (10, 10)) for k in range(6)]
    h: Expr = var("X", (16, 10))
    for k, v in enumerate(weights):
        h = h @ v if k == 5 else o.relu(h @ v)
    source = lower(hessian(o.sum((h - var("T", (16, 10))) ** 2) / 2, weights[0])).for_sizes().source
    assert "tensordot" not in source and "einsum" not in source
    assert source.count("np.matmul(") == 1  # J J' for each row of data
