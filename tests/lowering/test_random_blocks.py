"""Random programs cut into blocks of rows, blocks that are small here: any number of rows, in both precisions, from threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symdiff as sd
from symdiff.expr.node import Expr
from symdiff.lowering import blocks
from tests.lowering.test_random_threads import race
from tests.random_expressions import Close

x, y, M, w, a = LEAVES = [sd.var("x", "n"), sd.var("y", "n"), sd.var("M", ("n", "d")), sd.var("w", "d"), sd.var("a")]
UNARY = (
    sd.tanh, sd.sin, sd.cos, sd.sigmoid, sd.softplus, sd.log_sigmoid, sd.relu, sd.arctan, lambda e: sd.exp(sd.tanh(e)), lambda e: e**2, lambda e: e**3,
    lambda e: 1 - e, lambda e: e / (2 + a * a), lambda e: a * e, lambda e: sd.sqrt(1 + e * e), lambda e: sd.where(e > 0, e, a * e),
)  # fmt: skip
BINARY = (sd.add, sd.subtract, sd.multiply, sd.maximum, lambda p, q: p / (2 + sd.tanh(q)), lambda p, q: sd.where(p > q, p, q))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"LEAST": 1, "LEAST_ROWS": 1, "CACHE": 1 << 11}.items():
        monkeypatch.setattr(blocks, name, value)


def random_rows(seed: int) -> list[Expr]:
    """Results with a row for each of the n, sums over all rows, what follows from those, and a gradient."""
    rng = np.random.default_rng(seed)
    vectors, matrices = [x, y], [M]

    def one(of: Any) -> Any:
        return of[int(rng.integers(len(of)))]

    for _ in range(9):
        match int(rng.integers(7)):
            case 0 | 1:
                vectors.append(one(UNARY)(one(vectors)))
            case 2:
                vectors.append(one(BINARY)(one(vectors), one(vectors)))
            case 3:
                matrices.append(one(UNARY)(one(matrices)))
            case 4:
                matrices.append(one(BINARY)(one(matrices), one((one(vectors)[:, None], w, one(matrices)))))
            case 5:
                vectors.append(one((one(matrices) @ w, sd.sum(one(matrices), axis=1), sd.max(one(matrices), axis=1))))
            case _:
                vectors.append(sd.logsumexp(one(matrices), axis=1))
    total = sd.sum(vectors[-1]) + sd.sum(matrices[-1])
    loss = sd.mean(sd.tanh(vectors[-1])) + sd.mean(matrices[-1] ** 2)
    return [vectors[-1], total * a + 1, one(matrices).T @ one(vectors), sd.grad(loss, one((x, M, w, a))), a * sd.sum(w)]


def cases(outputs: list[Expr], seed: int) -> list[tuple[list[Any], Close]]:
    rng = np.random.default_rng(seed)
    made = []
    for n in (64, 61, 33, 8, 1):
        for dtype, tolerance, rounding in ((np.float64, 1e-12, 1.2e-16), (np.float32, 1e-5, 6e-8)):
            sizes = {"n": n, "d": 3}
            env = {v: rng.normal(size=tuple(sizes[str(d)] for d in v.shape)).astype(dtype) for v in LEAVES}
            close = Close(outputs, {v: e.astype(float) for v, e in env.items()}, sizes, tolerance, rounding)
            made.append(([e if e.ndim else dtype(e) for e in env.values()], close))
    return made


def check_blocks(seed: int) -> bool:
    """Whether the program was cut into blocks."""
    outputs = random_rows(seed)
    plain, reused = (sd.lower(outputs, LEAVES, simplify=False, reuse_buffers=reuse) for reuse in (False, True))
    for arguments, close in cases(outputs, seed):
        for f in (plain, reused):
            for _ in range(2):
                close(f(*arguments), f"{seed}, {arguments[0].shape}, {arguments[0].dtype}")
    race(plain, cases(outputs, seed + 1), 4)
    return "for start in range(0, 61" in plain.for_sizes(n=61, d=3).source


def test_programs_in_blocks_equal_the_reference() -> None:
    assert sum(check_blocks(seed) for seed in range(3)) >= 1


@pytest.mark.slow
def test_many_programs_in_blocks_equal_the_reference() -> None:
    assert sum(check_blocks(seed) for seed in range(5000, 5016)) >= 3


S = sd.sum(sd.exp(-2.5 * x * x) * (x * x + 1))
AROUND = {
    "divided by a sum": S / (2 + a * a),
    "minus a sum": S - (a + 1),
    "times a difference": S * (a - 1),
    "a sum to a power": (a + 1) ** 2 * S,
    "to a negated power": S ** (-a),
    "a power to a power": (a**2) ** (S / 10),
    "a negative number to a power": sd.const(-1.0) ** sd.floor(S),
    "rows by a sum": sd.exp(x) / (a + 1),
    "rows to a power of a sum": (1 + x * x) ** (a + 1),
    "a sum to a power of rows": (1 + a * a) ** sd.tanh(x),
}


@pytest.mark.parametrize("e", AROUND.values(), ids=AROUND)
def test_what_is_computed_before_the_loop_keeps_its_parentheses(e: Expr) -> None:
    f = sd.lower([e, S], [x, a], simplify=False)
    assert "for start in range(" in f.for_sizes(n=700).source
    env = {x: np.random.default_rng(0).normal(size=700), a: np.array(0.7)}
    Close([e, S], env, {"n": 700}, 1e-13, 1.2e-16)(f(env[x], 0.7), str(e))
