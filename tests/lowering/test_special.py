"""Programs for known sizes: what memory they take, how often they go over it, and what they give, whatever the arguments look like."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from symdiff.api.programs import lower
from symdiff.errors import BindingError
from symdiff.expr import ops as o
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr
from symdiff.grad import grad, hessian
from symdiff.lowering.helpers import HELPERS
from symdiff.lowering.lowered import Lowered
from symdiff.lowering.operations import OPERATIONS
from symdiff.lowering.passes import optimise
from symdiff.lowering.program import ProgramError, check
from symdiff.lowering.special import special_passes
from tests.threads import in_threads

RNG = np.random.default_rng(5)
X, T, y = var("X", ("n", "i")), var("T", ("n", "o"), ("onehot",)), var("y", "n")
W1, b1, W2, b2, w, rate = var("W1", ("i", "h")), var("b1", "h"), var("W2", ("h", "o")), var("b2", "o"), var("w", "i"), var("rate")
WEIGHTS = [W1, b1, W2, b2]
SIZES = {"n": 128, "i": 64, "h": 32, "o": 10}


def mlp(relu: bool = False, **options: object) -> Lowered:
    a = X @ W1 + b1
    h = o.relu(a) if relu else o.tanh(a)
    loss = -o.mean(o.sum(T * o.log_softmax(h @ W2 + b2, axis=1), axis=1))
    new = [p - rate * g for p, g in zip(WEIGHTS, grad(loss, WEIGHTS), strict=True)]
    return lower([loss, *new], [X, T, *WEIGHTS, rate], names={h: "h", a: "a"}, name="step", **options)


def mlp_values(dtype: type = np.float64) -> list[np.ndarray]:
    n, i, h, k = SIZES.values()
    values = [RNG.normal(size=(n, i)), np.eye(k)[RNG.integers(0, k, n)], RNG.normal(size=(i, h)) / 8, np.zeros(h)]
    return [v.astype(dtype) for v in (*values, RNG.normal(size=(h, k)) / 5, np.zeros(k))]


def plain_mlp(
    X: np.ndarray, T: np.ndarray, W1: np.ndarray, b1: np.ndarray, W2: np.ndarray, b2: np.ndarray, rate: float
) -> list[np.ndarray]:
    h = np.tanh(X @ W1 + b1)
    z = h @ W2 + b2
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    d = (p - T) / len(X)
    d1 = d @ W2.T * (1 - h**2)
    loss = -np.mean(np.sum(T * np.log(p), axis=1))
    return [loss, W1 - rate * X.T @ d1, b1 - rate * d1.sum(0), W2 - rate * h.T @ d, b2 - rate * d.sum(0)]


def body(f: Lowered) -> list[str]:
    """The lines of the function that is called."""
    text = f.source[f.source.rindex(f"def {f.function}(") :]
    return [line.strip() for line in text[text.rindex('"""') + 3 :].strip().splitlines()]


def over(f: Lowered, shape: tuple[int, ...]) -> int:
    """How often the program writes an array of this shape."""
    program = [p for _, p in optimise(f.program, special_passes("np.float64", f._options))][-1]
    check(program)
    return sum(i.into >= 0 and i.shape == shape for i in program.instructions)


# --- what is written ------------------------------------------------------------------------------------------------
def test_a_training_step_goes_over_memory_as_often_as_by_hand() -> None:
    f = mlp().for_sizes(**SIZES)
    assert over(f, (128, 32)) == 7  # X W1, + b1, tanh; h h, - 1; back through W2, * (h h - 1)
    assert over(f, (128, 10)) == 8  # h W2, + b2, - max, exp, - log sum, / sum, T - p, * rate / n
    assert over(f, (64, 32)) == 2  # X^T d and the update: the rate is in d already
    program = [p for _, p in optimise(f.program, special_passes("np.float64", f._options))][-1]
    assert sum(not b.fresh for b in program.buffers) <= 7 and sum(b.fresh for b in program.buffers) == 4
    text = "\n".join(body(f))
    assert "einsum" not in text and "np.sum" not in text and "**" not in text
    assert text.count("rate") == 1


def test_scalings_move_only_where_all_readers_want_them() -> None:
    h = o.tanh(X @ w)
    f = lower([3 * (X.T @ h), 3 * o.sum(h)], [X, w]).for_sizes(n=200, i=40)
    assert over(f, (40,)) == 2 and over(f, (200,)) == 2
    a, b = var("a", (6, 6)), var("b", (6, 6))
    both = a.T @ (b @ a)
    g = lower(0.5 * both + 0.5 * both.T, [a, b])
    A, B = RNG.normal(size=(6, 6)), RNG.normal(size=(6, 6))
    np.testing.assert_allclose(g(A, B), 0.5 * (A.T @ B @ A + (A.T @ B @ A).T), rtol=1e-12, atol=1e-13)


def test_a_weighted_gram_matrix_is_one_triangle() -> None:
    loss = o.sum(o.softplus(X @ w) - y * (X @ w))
    f = lower(hessian(loss, w), [X, w]).for_sizes(n=200, i=100)
    (product,) = re.findall(r"(\w+)\.T\.dot\((\w+)", f.source)
    assert product[0] == product[1] and over(f, (200, 100)) == 1
    weights = lower(X.T @ (y[:, None] * X), [X, y]).for_sizes(n=200, i=100)  # weights of any sign have no root
    assert "sqrt" not in weights.source
    columns = lower((X * o.exp(w)).T @ X, [X, w]).for_sizes(n=200, i=100)  # a scale of the result, not of what is summed
    assert "sqrt" not in columns.source


def test_the_half_of_a_symmetric_product_is_computed_once() -> None:
    A, B, C = var("A", ("n", "n")), var("B", ("n", "n")), var("C", ("n", "n"))
    program = lower(A @ B @ C @ C.T @ B.T @ A.T, [A, B, C]).program
    assert sum(i.op == "matmul" for i in program.instructions) == 3
    weights = [var(f"V{k}", (10, 10)) for k in range(6)]
    h: Expr = var("X", (16, 10))
    for k, v in enumerate(weights):
        h = h @ v if k == 5 else o.relu(h @ v)
    second = lower(hessian(o.sum((h - var("T", (16, 10))) ** 2) / 2, weights[0]))
    assert sum(i.op == "tensordot" for i in second.program.instructions) <= 6
    assert all(i.op != "einsum" for i in second.program.instructions)


def test_a_softmax_takes_one_exponential_and_a_sigmoid_its_complement() -> None:
    f = lower([o.sum(o.log_softmax(X, 1) * T[:, :1]), o.softmax(X, 1)], [X, T]).for_sizes(n=50, i=20, o=3)
    assert f.source.count("np.exp(") == 1
    loss = o.sum(o.softplus(X @ w) - y * (X @ w))
    g = lower([loss, grad(loss, w)], [X, y, w]).for_sizes(n=200, i=100)
    assert "# softplus" in g.source and "# sigmoid" in g.source
    code = re.sub("#.*", "", g.source)
    assert code.count("np.exp(") == 2 and "np.abs" not in code and "np.where" not in code and "sigmoid" not in code


def test_long_arrays_are_computed_in_blocks() -> None:
    x, a = var("x", "n"), var("a")
    f = o.sum(o.tanh(a * x) * o.exp(-(x**2)) * o.sin(x))
    both = lower([f, grad(f, x), a * 2], [x, a], name="chain")
    special = both.for_sizes(n=10**6)
    loop = next(line for line in body(special) if line.startswith("for "))
    rows = int(re.findall(r"\d+", loop)[-1])
    assert 1 << 10 <= rows <= 1 << 15 and "1000000" in loop
    assert "for " not in both.for_sizes(n=1000).source
    for n in (10**6, 10**5 * 3 + 1):
        v = RNG.normal(size=n)
        e, s = np.exp(-(v**2)), np.sin(v)
        t = np.tanh(0.7 * v)
        value, slope, twice = both(v, 0.7)
        np.testing.assert_allclose(value, np.sum(t * e * s), rtol=1e-9)
        np.testing.assert_allclose(slope, 0.7 * (1 - t**2) * e * s - 2 * v * t * e * s + t * e * np.cos(v), rtol=1e-9, atol=1e-12)
        assert twice == 1.4


@pytest.mark.parametrize("shape", [7, (3, 5), (0, 4), (2, 1, 3)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.bool_, np.int64])
def test_kept_arrays_begin_at_multiples_of_64_bytes(shape: int | tuple[int, ...], dtype: type) -> None:
    space: dict[str, Any] = {"np": np}
    exec(HELPERS["aligned"].source, space)
    array = space["aligned"](shape, dtype)
    assert array.shape == np.empty(shape).shape and array.dtype == dtype
    assert array.flags.writeable and array.flags.c_contiguous and array.ctypes.data % 64 == 0


@pytest.mark.parametrize(
    "make, expected",
    [
        (lambda x: o.cumsum(x) * 2, lambda v: np.cumsum(v) * 2),  # a row needs the rows before it
        (lambda x: o.exp(x) / o.sum(o.exp(x)), lambda v: np.exp(v) / np.sum(np.exp(v))),  # a row needs the sum
        (lambda x: x[::-1] * o.exp(x) + o.sin(x), lambda v: v[::-1] * np.exp(v) + np.sin(v)),
        (lambda x: o.where(x > 0, x, 0) + 0 * o.tanh(o.sin(x)), lambda v: np.maximum(v, 0)),
        (lambda x: o.mean(o.exp(o.sin(x)) ** 2) * 3 - 1, lambda v: np.mean(np.exp(np.sin(v)) ** 2) * 3 - 1),
    ],
)
def test_what_is_not_by_rows_is_right_at_any_length(make: Callable[[Expr], Expr], expected: Callable[[np.ndarray], np.ndarray]) -> None:
    x = var("x", "n")
    f = lower(make(x), [x])
    for n in (5, 3 * 10**5 + 7):
        v = RNG.normal(size=n)
        np.testing.assert_allclose(f(v), expected(v), rtol=1e-10, atol=1e-9)


# --- sizes and arguments ----------------------------------------------------------------------------------------------
def test_hints_that_differ_from_a_call_do_no_harm() -> None:
    f = lower([X.T @ (X @ w - y), o.softmax(X)], [X, w, y], sizes={"n": 8, "i": 3}, fast=True)
    assert "X (8, 3)" in f.source
    for n, i in ((8, 3), (7, 4), (0, 2), (8, 3), (40, 30)):
        A, v, r = RNG.normal(size=(n, i)), RNG.normal(size=i), RNG.normal(size=n)
        got = f(A, v, r)
        np.testing.assert_allclose(got[0], A.T @ (A @ v - r), rtol=1e-12, atol=1e-12)
        assert got[1].shape == (n, i)
    with pytest.raises(BindingError, match="y has shape"):
        f(np.ones((8, 3)), np.ones(3), np.ones(7))


def _fortran(a: np.ndarray) -> np.ndarray:
    return np.asfortranarray(a)


def _strided(a: np.ndarray) -> np.ndarray:
    wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]))
    wide[..., ::2] = a
    return wide[..., ::2]


def _read_only(a: np.ndarray) -> np.ndarray:
    a = a.copy()
    a.setflags(write=False)
    return a


@pytest.mark.parametrize("layout", [_fortran, _strided, _read_only, lambda a: a[::-1][::-1], lambda a: a.tolist()])
@pytest.mark.parametrize("reuse", [False, True])
def test_any_layout_of_the_arguments(layout: Callable[[np.ndarray], np.ndarray], reuse: bool) -> None:
    f = mlp(reuse_buffers=reuse)
    values = mlp_values()
    before = [v.copy() for v in values]
    got = f(*(layout(v) for v in values), 0.1)
    for a, b in zip(got, plain_mlp(*values, 0.1), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    assert all(np.array_equal(a, b) for a, b in zip(before, values, strict=True))


@pytest.mark.parametrize("convert, dtype", [(np.float32, np.float32), (np.int64, np.float64), (np.float16, np.float64), (bool, np.float64)])
def test_dtypes(convert: type, dtype: type) -> None:
    f = lower([o.tanh(X @ w) + 1, X.T @ o.sigmoid(X @ w) / 3], [X, w])
    A, v = (RNG.normal(size=(50, 7)) * 2).astype(convert), (RNG.normal(size=7) * 2).astype(convert)
    wide, z = A.astype(float), A.astype(float) @ v.astype(float)
    for got, expected in zip(f(A, v), (np.tanh(z) + 1, wide.T @ (1 / (1 + np.exp(-z))) / 3), strict=True):
        assert got.dtype == dtype
        np.testing.assert_allclose(got, expected, rtol=1e-4 if dtype == np.float32 else 1e-12, atol=1e-5 if dtype == np.float32 else 1e-12)


def test_no_rows_and_one_row() -> None:
    f = lower([X.T @ o.sigmoid(X @ w), o.log_softmax(X @ W1, 1), o.sum(X, 0)], [X, w, W1])
    for n in (0, 1, 2):
        A = RNG.normal(size=(n, 3))
        got = f(A, np.ones(3), np.ones((3, 4)))
        assert [g.shape for g in got] == [(3,), (n, 4), (3,)]
        np.testing.assert_allclose(got[2], A.sum(0), atol=1e-15)


@pytest.mark.parametrize("x", [0.0, 1.0, -1.0, 40.0, -40.0, 745.0, -745.0, 1e4, -1e4])
def test_stable_functions_far_out(x: float) -> None:
    v = var("v", "n")
    outputs = [o.sigmoid(v), o.sigmoid(-v), o.softplus(v), o.log_sigmoid(v), o.silu(v)]
    near, plain = lower(outputs, [v]), lower(outputs, [v], fast=False)
    alone = [lower(e, [v]) for e in outputs]
    values = np.full(300, x)
    for a, b, c in zip(near(values), plain(values), alone, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-300)
        np.testing.assert_allclose(c(values), b, rtol=1e-12, atol=1e-300)


# --- memory -----------------------------------------------------------------------------------------------------------
def test_results_are_fresh_unless_buffers_are_reused() -> None:
    values = mlp_values()
    f, g = mlp(), mlp(reuse_buffers=True)
    first, second = f(*values, 0.1), f(*values, 0.1)
    assert all(not np.shares_memory(a, b) for a in first[1:] for b in (*second[1:], *values))
    first, second, third = (g(*values, 0.1) for _ in range(3))
    assert all(np.shares_memory(a, b) for a, b in zip(first[1:], third[1:], strict=True))
    assert all(not np.shares_memory(a, b) for a, b in zip(first[1:], second[1:], strict=True))


def test_results_may_be_the_arguments_of_any_later_call() -> None:
    X_, T_, *weights = mlp_values()
    f = mlp(reuse_buffers=True)
    state = weights
    expected = weights
    for _ in range(5):
        loss, *state = f(X_, T_, *state, 0.1)
        wanted, *expected = plain_mlp(X_, T_, *expected, 0.1)
        assert loss == pytest.approx(wanted, rel=1e-10)
    old = [s.copy() for s in state]
    f(X_, T_, *state, 0.1)
    for given in (state, [s[...] for s in state], [s[::-1][::-1] for s in state]):  # these lie where the next results go
        keep = [s.copy() for s in given]
        got = f(X_, T_, *given, 0.1)
        for a, b in zip(got[1:], plain_mlp(X_, T_, *keep, 0.1)[1:], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    assert any(not np.array_equal(a, b) for a, b in zip(old, state, strict=True))


@pytest.mark.parametrize("reuse", [False, True])
def test_threads_have_memory_of_their_own(reuse: bool) -> None:
    f = mlp(reuse_buffers=reuse)
    data = [mlp_values() for _ in range(4)]
    expected = [plain_mlp(*d, 0.1) for d in data]
    wrong: list[int] = []

    def work(k: int) -> None:
        for _ in range(30):
            got = f(*data[k], 0.1)
            if not all(np.allclose(a, b, rtol=1e-9, atol=1e-11) for a, b in zip(got, expected[k], strict=True)):
                wrong.append(k)

    in_threads(work, range(4))
    assert not wrong


def test_special_programs_travel_and_stand_alone(tmp_path: object) -> None:
    f = mlp().for_sizes(**SIZES)
    again = pickle.loads(pickle.dumps(f))
    assert again.source == f.source
    space: dict[str, object] = {}
    exec(f.source, space)
    values = mlp_values()
    run = space["step"]
    assert callable(run)
    for a, b in zip(run(*values, np.float64(0.1)), f(*values, 0.1), strict=True):
        np.testing.assert_array_equal(a, b)
    assert "symdiff" not in f.source
    assert "plan buffers" in f.explain() and "scale what is small" in f.explain()


def test_the_checker_knows_buffers() -> None:
    program = [p for _, p in optimise(mlp().for_sizes(**SIZES).program, special_passes("np.float64", mlp()._options))][-1]
    assert all(OPERATIONS[i.op].view or i.into >= 0 or not i.shape or i.op == "constant" for i in program.instructions)
    first = next(k for k, i in enumerate(program.instructions) if i.op == "tanh")
    target = program.instructions[first]
    later = [
        replace(i, into=target.into) if i.shape == target.shape and k > first and i.into >= 0 else i
        for k, i in enumerate(program.instructions)
    ]
    with pytest.raises(ProgramError, match=r"no longer holds|reads and writes"):
        check(program.with_instructions(later))


def test_an_outer_product_is_a_product_of_matrices() -> None:
    u, v = var("u", "n"), var("v", "m")
    f = lower(o.outer(u, v), [u, v])
    a, b = np.array([0.0, np.inf, -1.5]), np.array([np.inf, 0.0, np.nan, 2.0])
    special = f.for_sizes(n=40, m=50)
    assert "u[:, None].dot(v[None])" in special.source
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(f(a, b), np.outer(a, b))
        np.testing.assert_array_equal(special(np.tile(a, 14)[:40], np.tile(b, 13)[:50]), np.outer(np.tile(a, 14)[:40], np.tile(b, 13)[:50]))
