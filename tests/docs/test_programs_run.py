"""The programs that docs/programs.md prints, run as they stand on the page, beside textbook NumPy."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.benchmarks import plain

PAGE = Path(__file__).resolve().parents[2] / "docs" / "programs.md"
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
Arrays = list[Any]


def normal(rng: np.random.Generator, *shapes: tuple[int, ...]) -> Arrays:
    return [rng.normal(size=s) if s else np.float64(rng.normal()) for s in shapes]


def mazur(rng: np.random.Generator) -> Arrays:
    return [*normal(rng, (2, 2), (2, 2), (), (), (2,)), rng.random(2), np.float64(0.5)]


def xor(rows: int) -> Callable[[np.random.Generator], Arrays]:
    return lambda rng: [*normal(rng, (2, 4), (4,), (rows, 2)), rng.random(rows), np.float64(4.0)]


def logistic(n: int, d: int) -> Callable[[np.random.Generator], Arrays]:
    return lambda rng: [*normal(rng, (n, d)), (rng.random(n) > 0.5) * 1.0, rng.normal(size=d) / np.sqrt(d)]


def mlp(n: int, d: int, h: int, k: int) -> Callable[[np.random.Generator], Arrays]:
    return lambda rng: [
        rng.normal(size=(n, d)),
        np.eye(k)[rng.integers(0, k, n)],
        *normal(rng, (d, h), (h,), (h, k), (k,)),
        np.float64(0.1),
    ]


def wave(x: np.ndarray, a: float) -> tuple[Any, ...]:
    t, e = np.tanh(a * x), np.exp(-(x**2))
    return np.sum(t * e), a * (1 - t**2) * e - 2 * x * t * e


def least_squares(X: np.ndarray, T: np.ndarray, W: np.ndarray, rate: float) -> tuple[Any, ...]:
    r = X @ W - T
    return np.mean(r**2), W - rate * (2 * X.T @ r / r.size)


def three(X: np.ndarray, y: np.ndarray, w: np.ndarray) -> tuple[Any, ...]:
    return *plain.logistic(X, y, w), plain.logistic_hessian(X, y, w)


CASES: Sequence[tuple[int, str, Sequence[Callable[[np.random.Generator], Arrays]], Callable[..., Any]]] = (
    (0, "mazur_step", [mazur], plain.mazur_step),
    (1, "mazur_step", [mazur], plain.mazur_step),
    (1, "mazur_step_arrays", [mazur], plain.mazur_step),
    (2, "xor_step", [xor(4), xor(1), xor(100)], plain.xor_step),
    (3, "logistic_regression", [logistic(200, 100), logistic(7, 3), logistic(1, 1)], three),
    (4, "logistic_regression", [logistic(200, 100)], three),
    (5, "mlp_step", [mlp(128, 64, 32, 10), mlp(3, 5, 1, 2)], plain.mlp_step),
    (6, "mlp_step", [mlp(128, 64, 32, 10)], plain.mlp_step),
    (7, "chain", [lambda rng: normal(rng, (10**6,), ())], wave),
    (8, "step", [lambda rng: normal(rng, (64, 784), (64, 128), (784, 128), ())], least_squares),
)


def assert_close(found: Sequence[Any], expected: Sequence[Any]) -> None:
    assert len(found) == len(expected)
    for got, wanted in zip(found, expected, strict=True):
        assert np.shape(got) == np.shape(wanted)
        np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-12 * max(1.0, float(np.max(np.abs(wanted)))))


@pytest.mark.parametrize(("place", "function", "makers", "by_hand"), CASES, ids=[f"{place}-{name}" for place, name, *_ in CASES])
def test_a_printed_program_computes_the_textbook(
    place: int, function: str, makers: Sequence[Callable[[np.random.Generator], Arrays]], by_hand: Callable[..., Any]
) -> None:
    if "scipy" in PROGRAMS[place]:
        pytest.importorskip("scipy")
    space: dict[str, Any] = {}
    exec(compile(PROGRAMS[place], f"<program {place}>", "exec"), space)
    rng = np.random.default_rng(place)
    for make in makers:
        for _ in range(2):
            arguments = make(rng)
            before = [np.array(a) for a in arguments]
            assert_close(space[function](*arguments), by_hand(*arguments))
            assert all(np.array_equal(a, b) for a, b in zip(arguments, before, strict=True))


def test_the_printed_function_of_floats_is_the_same() -> None:
    space: dict[str, Any] = {}
    exec(compile(PROGRAMS[1], "<program 1>", "exec"), space)
    arguments = mazur(np.random.default_rng(5))
    found = space["mazur_step_floats"](*[float(x) for a in arguments for x in np.ravel(a)])
    expected = [float(x) for a in plain.mazur_step(*arguments) for x in np.ravel(a)]
    assert all(type(x) is float for x in found)
    np.testing.assert_allclose(found, expected, rtol=1e-13)
    far = [1e6 * np.sign(a) * abs(a) if k < 2 else a for k, a in enumerate(arguments)]  # where exp overflows
    with np.errstate(all="ignore"):
        assert_close(space["mazur_step"](*far), plain.mazur_step(*far))


def test_every_program_of_the_page_is_run() -> None:
    assert {place for place, *_ in CASES} == set(range(len(PROGRAMS)))
