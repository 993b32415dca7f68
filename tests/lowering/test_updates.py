"""Products that BLAS adds to an array in place: what becomes one, what it computes, and that the memory is the planned one."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from symdiff.api.programs import lower
from symdiff.errors import MissingExtra
from symdiff.expr import ops as o
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr
from symdiff.grad import grad
from symdiff.lowering.lowered import Lowered
from symdiff.lowering.passes import optimise
from symdiff.lowering.program import Program, ProgramError, check
from symdiff.lowering.special import run_text, special_passes
from tests.reference import evaluate_all
from tests.threads import in_threads

pytest.importorskip("scipy")
RNG = np.random.default_rng(11)
N = 96  # squared more than the least number of entries of what is copied
A, B, C, D = (var(name, (N, N)) for name in "ABCD")
P, Q = var("P", (N, 8)), var("Q", (8, N))
u, v, s = var("u", N), var("v", N), var("s")
INPUTS = [A, B, C, D, P, Q, u, v, s]
ARRAYS = [RNG.normal(size=x.shape) for x in INPUTS[:-1]]


def planned(f: Lowered, dtype: str = "np.float64") -> Program:
    return [p for _, p in optimise(f.program, special_passes(dtype, f._options))][-1]


def factors(f: Lowered, dtype: str = "np.float64") -> list[tuple[float, float]]:
    """alpha and beta of each product that is added in place."""
    return [i.params for i in planned(f, dtype).instructions if i.op == "gemm"]


def count(f: Lowered, op: str) -> int:
    return sum(i.op == op for i in planned(f).instructions)


CASES: tuple[tuple[str, Callable[[], Expr], list[tuple[float, float]], int], ...] = (  # expression, (alpha, beta), copies
    ("W - X d", lambda: A - P @ Q, [(-1.0, 1.0)], 1),
    ("X d - W", lambda: P @ Q - A, [(1.0, -1.0)], 1),
    ("W + 2 X d", lambda: A + 2 * (P @ Q), [(1.0, 1.0)], 1),  # the 2 goes into X
    ("3 W - X d", lambda: 3 * A - P @ Q, [(-1.0, 3.0)], 1),
    ("transposes", lambda: A.T - Q.T @ P.T, [(-1.0, 1.0)], 1),
    ("sum of products", lambda: A @ B + P @ Q + Q.T @ P.T, [(1.0, 1.0), (1.0, 1.0)], 0),
    ("onto what is computed", lambda: o.tanh(A) - P @ Q, [(-1.0, 1.0)], 0),
    ("onto what is read again", lambda: o.sum(o.tanh(A)) * (o.tanh(A) - P @ Q), [(-1.0, 1.0)], 1),
    ("rank one", lambda: A - o.outer(u, v), [(-1.0, 1.0)], 1),
    ("rank one, scaled", lambda: A - s * o.outer(u, v), [(-1.0, 1.0)], 1),
    ("two of rank one", lambda: A + o.outer(u, v) - o.outer(v, u), [(1.0, 1.0), (-1.0, 1.0)], 1),
    ("a matrix with itself", lambda: A + B.T @ B, [], 0),  # half of the work is left out by NumPy
    ("a product that is read again", lambda: (A - P @ Q) * (P @ Q), [], 0),
    ("broadcast", lambda: u - P @ Q, [], 0),
    ("a small matrix", lambda: Q @ P - B[:8, :8], [], 0),
)  # fmt: skip


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 3e-5)])
@pytest.mark.parametrize("make, expected, copies", [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_what_is_added_in_place(
    make: Callable[[], Expr], expected: list[tuple[float, float]], copies: int, dtype: type, tolerance: float
) -> None:
    e = make()
    given = [a.astype(dtype) for a in ARRAYS] + [dtype(0.3)]
    (wanted,) = evaluate_all([e], dict(zip(INPUTS, [np.asarray(g, float) for g in given], strict=True)), {})
    before = [np.copy(g) for g in given]
    for reuse in (False, True):
        f = lower(e, INPUTS, blas=True, reuse_buffers=reuse)
        assert factors(f) == expected
        assert count(f, "copy") == copies
        for _ in range(3):
            got = f(*given)
            assert got.dtype == dtype
            np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance * np.abs(wanted).max())
        assert ("scipy" in f.for_sizes().source) == bool(expected)
    assert all(np.array_equal(a, b) for a, b in zip(before, given, strict=True))
    assert "scipy" not in lower(e, INPUTS, fast=True).source


def test_the_memory_is_written_over() -> None:
    """No copy is made by the wrapper: what it returns is the array that it was given."""
    outputs = [A - P @ Q, B - o.outer(u, v), C @ D + Q.T @ P.T, o.tanh(C).T - P @ B[:8]]
    for reuse in (False, True):
        for dtype in ("np.float64", "np.float32"):
            f = lower(outputs, INPUTS, blas=True, reuse_buffers=reuse)
            space = run_text(f._at((), dtype).source)
            name = "dgemm" if dtype == "np.float64" else "sgemm"
            real, same = space[name], []

            def noted(*args: object, c: np.ndarray, real=real, same=same, **keywords: object) -> np.ndarray:
                result = real(*args, c=c, **keywords)
                same.append(np.shares_memory(result, c))
                return result

            space[name] = noted
            number = np.dtype(dtype.removeprefix("np.")).type
            space["f"](*(a.astype(number) for a in ARRAYS), number(0.3))
            assert len(same) == len(factors(f, dtype)) == 4 and all(same)


@pytest.mark.parametrize("layout", [np.asfortranarray, lambda a: a[::-1][::-1], lambda a: np.repeat(a, 2, -1)[..., ::2]])
def test_any_layout_of_the_arguments(layout: Callable[[np.ndarray], np.ndarray]) -> None:
    outputs = [A - P @ Q, B - o.outer(u, v), C.T - (P + 1) @ Q]
    given = [layout(a) for a in ARRAYS]
    for a in given:
        a.setflags(write=False)
    wanted = evaluate_all(outputs, dict(zip(INPUTS[:-1], ARRAYS, strict=True)), {})
    for reuse in (False, True):
        for got, expected in zip(lower(outputs, INPUTS, blas=True, reuse_buffers=reuse)(*given, 0.3), wanted, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("left, right", [(0.0, np.inf), (np.inf, 0.0), (np.nan, 0.0), (0.0, 2.0), (np.inf, -1.0)])
def test_zeros_do_not_hide_what_is_not_finite(left: float, right: float) -> None:
    x, y = np.ones(N), np.ones(N)
    x[3], y[5] = left, right
    f = lower(A - o.outer(u, v), [A, u, v], blas=True)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(f(ARRAYS[0], x, y), ARRAYS[0] - np.outer(x, y))
        np.testing.assert_array_equal(f(np.full((N, N), np.inf), x, y), np.inf - np.outer(x, y))


def network(n: int, **options: object) -> Lowered:
    X, T, W, V, rate = var("X", (n, 120)), var("T", (n, 90)), var("W", (120, 100)), var("V", (100, 90)), var("rate")
    loss = o.mean((o.tanh(X @ W) @ V - T) ** 2)
    new = [w - rate * g for w, g in zip((W, V), grad(loss, [W, V]), strict=True)]
    return lower([loss, *new], [X, T, W, V, rate], name="step", **options)


def values(n: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, 120)), rng.normal(size=(n, 90)), rng.normal(size=(120, 100)) / 11, rng.normal(size=(100, 90)) / 10]


@pytest.mark.parametrize("reuse", [False, True])
def test_a_training_step_agrees_from_threads(reuse: bool) -> None:
    f, plain = network(32, blas=True, reuse_buffers=reuse), network(32)
    assert factors(f) == [(-1.0, 1.0)] * 2
    wrong: list[int] = []

    def work(k: int) -> None:
        X, T, *state = values(32, k)
        expected: list[np.ndarray] = list(state)
        for _ in range(30):
            loss, *state = f(X, T, *state, 0.1)
            value, *expected = plain(X, T, *expected, 0.1)
            if not all(np.allclose(a, b, rtol=1e-9, atol=1e-11) for a, b in zip([loss, *state], [value, *expected], strict=True)):
                wrong.append(k)

    in_threads(work, range(3))
    assert not wrong


def test_products_with_long_sums_are_left_to_numpy() -> None:
    assert factors(network(64, blas=True), "np.float32") == [] and len(factors(network(64, blas=True))) == 2
    assert (-1.0, 1.0) not in factors(network(300, blas=True))
    assert "add products in place" in network(64, blas=True, fast=True).explain()


def test_long_arrays_stay_in_blocks() -> None:
    x, a = var("x", "n"), var("a")
    f = lower([o.sum(o.tanh(a * x) * o.exp(-(x**2))), A - P @ Q], [x, a, A, P, Q], blas=True)
    assert "for start in" in f.for_sizes(n=10**6).source and "dgemm" in f.for_sizes(n=1000).source


def test_the_program_travels_and_is_saved(tmp_path: Path) -> None:
    f = network(32, blas=True, fast=True)
    assert pickle.loads(pickle.dumps(f)).source == f.source
    f.save(tmp_path / "step.py")
    assert "from scipy.linalg.blas import dgemm\n" in (tmp_path / "step.py").read_text()
    space: dict[str, Callable[..., object]] = {}
    exec((tmp_path / "step.py").read_text(), space)
    given = values(32)
    for got, expected in zip(space["step"](*given, np.float64(0.1)), network(32)(*given, 0.1), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-12)


def test_a_missing_scipy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.linalg.blas", None)
    with pytest.raises(MissingExtra, match=r"pip install -e \"\.\[fast\]\""):
        lower(A - P @ Q, blas=True)
    lower(A - P @ Q, INPUTS)(*ARRAYS, 0.3)


def test_the_checker_knows_what_is_written_over() -> None:
    program = planned(lower([A - P @ Q, o.exp(B)], INPUTS, blas=True))
    place = next(k for k, i in enumerate(program.instructions) if i.op == "gemm")
    gemm, listed = program.instructions[place], list(program.instructions)
    other = next(i.into for i in listed if i.op == "exp")
    with pytest.raises(ProgramError, match="writes over"):
        check(program.with_instructions([*listed[:place], replace(gemm, into=other), *listed[place + 1 :]]))
    with pytest.raises(ProgramError, match="reads and writes"):
        square = replace(gemm, args=(gemm.args[0], gemm.args[0], gemm.args[0]))
        check(program.with_instructions([*listed[:place], square, *listed[place + 1 :]]))
    with pytest.raises(ProgramError, match="no longer holds"):
        late = replace(gemm, op="negative", args=(gemm.args[0],), params=(), result=999, into=other)
        check(program.with_instructions([*listed, late]))
    with pytest.raises(ValueError, match="gemm of"):
        check(
            program.with_instructions(
                [*listed[:place], replace(gemm, args=(gemm.args[0], gemm.args[2], gemm.args[1])), *listed[place + 1 :]]
            )
        )


def test_results_may_be_the_arguments_of_any_later_call() -> None:
    f, plain = network(32, blas=True, reuse_buffers=True), network(32)
    X, T, *state = values(32)
    for _ in range(3):
        _, *state = f(X, T, *state, 0.1)
    f(X, T, *state, 0.1)
    for given in (state, [s[...] for s in state], [s[::-1][::-1] for s in state]):  # these lie where the next results go
        keep = [s.copy() for s in given]
        for got, expected in zip(f(X, T, *given, 0.1), plain(X, T, *keep, 0.1), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-12)
