"""Random programs under every combination of the passes for known sizes, with memory used again, in both dtypes, from threads."""

from __future__ import annotations

import warnings
from itertools import product

import numpy as np
import pytest

from symdiff.expr import ops as o
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr
from symdiff.grad import grad
from symdiff.lowering.lowered import lower
from symdiff.lowering.passes import optimise
from symdiff.lowering.placed_source import emit_placed
from symdiff.lowering.special import Options, run_text, special_passes
from symdiff.lowering.updates import accumulate_products
from tests.reference import evaluate_all
from tests.threads import in_threads

SIZES = {"n": 6, "d": 3, "h": 4}
LEAVES = [var("X", ("n", "d")), var("A", ("d", "h")), var("B", ("h", "h")), var("v", "n"), var("u", "d"), var("s"), var("c", "h")]
UNARY = (
    o.tanh, o.sigmoid, o.softplus, o.log_sigmoid, o.sin, o.relu, o.silu, lambda x: o.exp(o.tanh(x)), lambda x: x**2, lambda x: -x, lambda x: x / 3,
    lambda x: LEAVES[5] * x, lambda x: x / (2 + LEAVES[5] ** 2), lambda x: 1 - x,
)  # fmt: skip


def network(seed: int) -> list[Expr]:
    """Layers drawn at random, a loss, and its scaled gradients: sums, products from both sides, softmax, scalings everywhere."""
    rng = np.random.default_rng(seed)
    X, A, B, v, u, s, c = LEAVES

    def choose() -> object:
        return UNARY[int(rng.integers(len(UNARY)))]

    h: Expr = X @ A
    for _ in range(int(rng.integers(1, 4))):
        h = choose()(h)
        match int(rng.integers(6)):
            case 0:
                h = h @ B
            case 1:
                h = h + c
            case 2:
                h = o.softmax(h, axis=int(rng.integers(2)))
            case 3:
                h = h * v[:, None]
            case 4:
                h = o.log_softmax(h, 1) - o.logsumexp(h, 0)
            case _:
                h = choose()(h) * h
    z = choose()(X @ u)
    loss = o.mean(h * h) + s * o.sum(z * v) / 7
    first, second = grad(loss, [A, u])
    extra = choose()(X.T @ (o.sigmoid(z)[:, None] * X)) if rng.random() < 0.5 else X.T @ h
    return [loss, A - s * first, u - s * second, extra, choose()(h)]


def close(got: object, expected: np.ndarray, tolerance: float) -> None:
    scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    np.testing.assert_allclose(np.asarray(got, float), expected, rtol=tolerance, atol=tolerance * scale)


@pytest.mark.parametrize("seed", range(14))
def test_every_combination_of_passes_agrees(seed: int) -> None:
    outputs = network(seed)
    rng = np.random.default_rng(seed)
    env = {x: rng.normal(size=tuple(SIZES[str(d)] for d in x.shape)) for x in LEAVES}
    expected = evaluate_all(outputs, env, SIZES)
    arguments = [a if a.ndim else np.float64(a) for a in env.values()]
    straight = lower(outputs, LEAVES, fast=True).for_sizes(**SIZES).program
    *passes, plan = special_passes("np.float64", Options())
    add_products = ("add products in place", accumulate_products("np.float64", least_copied=0))
    for chosen in product((False, True), repeat=len(passes)):
        kept = [p for p, on in zip(passes, chosen, strict=True) if on]
        kept += [add_products] if sum(chosen) % 2 else []
        planned = [q for _, q in optimise(straight, (*kept, plan))][-1]
        for reuse in (False, True):
            source = emit_placed(planned, "np.float64", reuse)
            run = run_text(source)[source.function]
            for _ in range(2):
                for got, wanted in zip(run(*arguments), expected, strict=True):
                    close(got, wanted, 1e-12)
    narrow = [a.astype(np.float32) if isinstance(a, np.ndarray) else np.float32(a) for a in arguments]
    of_the_rounded = evaluate_all(outputs, {x: np.asarray(a, float) for x, a in zip(LEAVES, narrow, strict=True)}, SIZES)
    for options in ({}, {"reuse_buffers": True}, {"fast": False}):
        g = lower(outputs, LEAVES, **options)
        for _ in range(2):
            for got, wanted in zip(g(*arguments), expected, strict=True):
                close(got, wanted, 1e-12)
            for got, wanted in zip(g(*narrow), of_the_rounded, strict=True):
                assert np.asarray(got).dtype == np.float32
                close(got, wanted, 1e-5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lower(outputs, LEAVES)(*arguments)


def test_threads_on_one_function() -> None:
    outputs = network(3)
    f = lower(outputs, LEAVES, reuse_buffers=True)
    data, expected = [], []
    for k in range(4):
        rng = np.random.default_rng(k)
        env = {x: rng.normal(size=tuple(SIZES[str(d)] for d in x.shape)) for x in LEAVES}
        data.append([a if a.ndim else float(a) for a in env.values()])
        expected.append(evaluate_all(outputs, env, SIZES))
    wrong: list[int] = []

    def work(k: int) -> None:
        for _ in range(40):
            if not all(np.allclose(a, b, rtol=1e-9) for a, b in zip(f(*data[k]), expected[k], strict=True)):
                wrong.append(k)

    in_threads(work, range(4))
    assert not wrong
