"""The workloads with their implementations and bars."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from symdiff.training import Net, mazur, xor
from tests.benchmarks import losses, native, ours, peers, plain
from tests.benchmarks.harness import Bar, Run, Workload

Maker = Callable[[], Run]
GEMM = "symdiff, gemm updates"


def _plain(function: Callable[..., Any], *arrays: Any, **options: Any) -> Maker:
    return lambda: Run(lambda: function(*arrays, **options))


def _peers(loss: Callable[..., Any], arrays: list[Any], weights: list[int], rate: float | None) -> dict[str, Maker]:
    made = {"autograd": peers.autograd_step, "jax": peers.jax_step, "torch": peers.torch_step, "pytensor": peers.pytensor_step}
    return {name: partial(make, loss, arrays, weights, rate) for name, make in made.items()}


# --- the two networks ---------------------------------------------------------------------------------------------
def _step(net: Net, loss: Callable[..., Any], by_hand: Callable[..., Any], bars: tuple[Bar, ...]) -> Workload:
    arrays = [np.asarray(leaf.value, float) for leaf in net.leaves]
    weights = list(range(len(net.parameters)))
    makers: dict[str, Maker] = {
        "plain": _plain(by_hand, *arrays, net.learning_rate),
        "symdiff floats": partial(ours.net_step, net, floats=True),
        "symdiff floats, data folded": partial(ours.net_step, net, floats=True, folded=True),
        "symdiff arrays": partial(ours.net_step, net),
        **_peers(loss, arrays, weights, net.learning_rate),
        "casadi": partial(peers.casadi_step, loss, arrays, weights, net.learning_rate),
        "sympy": partial(peers.sympy_step, loss, arrays, weights, net.learning_rate),
    }
    return Workload(f"{net.name}-step", f"{net.description}: one update a call", makers, bars)


def _loop(net: Net, loss: Callable[..., Any], by_hand: Callable[..., Any], bars: tuple[Bar, ...]) -> Workload:
    arrays = [np.asarray(leaf.value, float) for leaf in net.leaves]
    count = len(net.parameters)

    def by_hand_loop(steps: int) -> Run:
        def call() -> Any:
            now = arrays
            found = []
            for _ in range(steps):
                value, *new = by_hand(*now, net.learning_rate)
                found.append(value)
                now = [*new, *arrays[count:]]
            return found

        return Run(call, steps)

    makers: dict[str, Maker] = {
        "plain": partial(by_hand_loop, 1_000),
        "symdiff numba": partial(_first, partial(ours.net_loop, net), 100_000, 1_000),
        "c": partial(_first, partial(native.loop, net.name, arrays, net.learning_rate), 100_000, 1_000),
        "jax fori_loop": partial(_first, partial(peers.jax_loop, loss, arrays, list(range(count)), net.learning_rate), 20_000, 1_000),
    }
    return Workload(f"{net.name}-loop", f"{net.description}: a whole training loop", makers, bars, relative=1e-6)


def _first(make: Callable[[int], Run], steps: int, compared: int) -> Run:
    """A loop of many steps whose result is compared over its first steps alone."""
    run = make(steps)
    return Run(lambda: run.call()[:compared], steps)


# --- perceptrons --------------------------------------------------------------------------------------------------
def _mlp(name: str, sizes: tuple[int, int, int], activation: str, dtype: type, bars: tuple[Bar, ...], loop: bool) -> Workload:
    rng = np.random.default_rng(0)
    n, (i, h, o), rate = 128, sizes, 0.1
    drawn = (
        rng.normal(size=(n, i)), np.eye(o)[rng.integers(0, o, n)], rng.normal(size=(i, h)) / np.sqrt(i), np.zeros(h),
        rng.normal(size=(h, o)) / np.sqrt(h), np.zeros(o),
    )  # fmt: skip
    arrays = [a.astype(dtype) for a in drawn]

    def loss(xp: Any, *a: Any) -> Any:
        return losses.mlp(xp, activation, n, *a)

    weights = [2, 3, 4, 5]
    makers: dict[str, Maker] = {
        "plain": _plain(plain.mlp_step, *arrays, dtype(rate), activation=activation),
        "symdiff": partial(ours.mlp, arrays, rate, activation),
        "symdiff, buffers reused": partial(ours.mlp, arrays, rate, activation, reuse_buffers=True),
        **({GEMM: partial(ours.mlp, arrays, rate, activation, reuse_buffers=True, blas=True)} if any(b.of == GEMM for b in bars) else {}),
        **_peers(loss, arrays, weights, dtype(rate)),
        "torch.compile": partial(peers.torch_step, loss, arrays, weights, dtype(rate), compiled=True),
    }
    if loop:
        makers["jax fori_loop"] = lambda: replace(peers.jax_loop(loss, arrays, weights, rate, 200), compared=False)
    return Workload(
        name,
        f"{i}-{h}-{o} {activation} softmax, batch {n}, {np.dtype(dtype)}: one update a call",
        makers,
        bars,
        1e-8 if dtype is np.float64 else 2e-3,
    )


# --- logistic regression, Hessians, a long elementwise chain ----------------------------------------------------------
def _logistic_data(n: int) -> list[Any]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=(2 * n, n)), (rng.random(2 * n) > 0.5).astype(float), rng.normal(size=n) / np.sqrt(n)]


def _logistic(n: int, bar: float) -> Workload:
    arrays = _logistic_data(n)
    makers: dict[str, Maker] = {
        "plain": _plain(plain.logistic, *arrays),
        "symdiff": partial(ours.logistic, arrays),
        **_peers(losses.logistic, arrays, [2], None),
    }
    return Workload(f"logistic-{n}", f"logistic regression {2 * n} x {n}: value and gradient", makers, (Bar("symdiff", bar),))


def _logistic_hessian(n: int, bar: float) -> Workload:
    arrays = _logistic_data(n)
    makers: dict[str, Maker] = {
        "plain": _plain(plain.logistic_hessian, *arrays),
        "symdiff": partial(ours.logistic_hessian, arrays),
        "jax.hessian": partial(peers.jax_hessian, losses.logistic, arrays, 2),
        "torch.func.hessian": partial(peers.torch_hessian, losses.logistic, arrays, 2),
    }
    bars = (Bar("symdiff", bar), Bar("symdiff", 1 / 4, "jax.hessian"), Bar("symdiff", 1 / 25, "torch.func.hessian"))
    return Workload(f"logistic-hessian-{n}", f"logistic regression {2 * n} x {n}: Hessian", makers, bars)


def _factorisation(m: int, bar: float) -> Workload:
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(m, m)), rng.normal(size=(m, 5)), rng.normal(size=(m, 5))]
    makers: dict[str, Maker] = {
        "plain": _plain(plain.factorisation_hessian, *arrays),
        "symdiff": partial(ours.factorisation_hessian, arrays),
        "symdiff, buffers reused": partial(ours.factorisation_hessian, arrays, reuse_buffers=True),
        "symdiff compressed": partial(ours.factorisation_compressed, arrays),
        "jax.hessian": partial(peers.jax_hessian, losses.factorisation, arrays, 1),
    }
    bars = (Bar("symdiff", bar), Bar("symdiff", 1 / 300, "jax.hessian"), Bar("symdiff compressed", 1 / 100))
    return Workload(f"factorisation-hessian-{m}", f"matrix factorisation {m} x {m}, k = 5: Hessian in one factor", makers, bars)


def _relu_hessian(width: int, bar: float, jax_bar: float) -> Workload:
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(16, width)), rng.normal(size=(16, width))]
    arrays += [rng.normal(size=(width, width)) * 1.4 / np.sqrt(width) for _ in range(10)]
    makers: dict[str, Maker] = {
        "plain": _plain(plain.relu_hessian, *arrays),
        "symdiff": partial(ours.relu_hessian, arrays),
        "jax.hessian": partial(peers.jax_hessian, losses.relu_net, arrays, 2),
    }
    bars = (Bar("symdiff", bar), Bar("symdiff", jax_bar, "jax.hessian"))
    return Workload(f"relu-hessian-{width}", f"ten-layer relu net, batch 16, width {width}: Hessian in the first layer", makers, bars)


def _wave(n: int, bar: float, fast_bar: float) -> Workload:
    arrays = [np.random.default_rng(0).normal(size=n), 0.7, 0.2, 1.3]
    makers: dict[str, Maker] = {
        "plain": _plain(plain.wave, *arrays),
        "symdiff": partial(ours.wave, arrays),
        "symdiff fast_math": partial(ours.wave, arrays, fast_math=True),
        "c": partial(native.wave, *arrays),
        **_peers(losses.wave, arrays, [0], None),
        "torch.compile": partial(peers.torch_step, losses.wave, arrays, [0], None, compiled=True),
    }
    bars = (Bar("symdiff", bar), Bar("symdiff", 1.2, "jax"), Bar("symdiff fast_math", fast_bar))
    return Workload(
        f"wave-{n:.0e}".replace("e+0", "e"), f"sum(tanh(a x + b) exp(-x^2) sin(c x)), {n:,} elements: value and gradient", makers, bars
    )


def _build(steps: int, jax: bool) -> Workload:
    makers: dict[str, Maker] = {"plain": partial(peers.casadi_chain, steps), "symdiff": partial(ours.chain, steps)}
    bars = [Bar("symdiff", 0.7)]
    if jax:
        makers["jax tracing"] = partial(peers.jax_trace, steps)
        bars.append(Bar("symdiff", 1 / 25, "jax tracing"))
    return Workload(
        f"build-{steps:.0e}".replace("e+0", "e"), f"{steps:,} operations x = sin(x) x + c: building and differentiating; plain is CasADi's SX", makers, tuple(bars), None
    )  # fmt: skip


def workloads() -> list[Workload]:
    """Every workload, in the order of the page."""
    f, a = "symdiff floats", "symdiff arrays"
    return [
        _step(mazur(), losses.mazur, plain.mazur_step, (Bar(f, 1 / 18), Bar(f, 1 / 10, "jax"), Bar(f, 1 / 200, "torch"), Bar(a, 1 / 8))),
        _loop(mazur(), losses.mazur, plain.mazur_step, tuple(Bar("symdiff numba", *b) for b in ((1.1, "c"), (1 / 1.5, "jax fori_loop"), (1 / 500, "plain")))),
        _step(xor(), losses.xor, plain.xor_step, (Bar(f, 1 / 6), Bar(f, 1 / 4, "jax"))),
        _loop(xor(), losses.xor, plain.xor_step, (Bar("symdiff numba", 1.0, "c"), Bar("symdiff numba", 1 / 4, "jax fori_loop"))),
        _mlp("mlp-64", (64, 32, 10), "tanh", np.float64, (Bar("symdiff, buffers reused", 0.58), Bar("symdiff, buffers reused", 0.85, "jax fori_loop"), Bar("symdiff, buffers reused", 1 / 4, "torch")), True),
        *(
            _mlp(f"mlp-784-{np.dtype(d)}", (784, 128, 10), "relu", d, (Bar("symdiff, buffers reused", p), Bar(GEMM, g), Bar("symdiff, buffers reused", j, "jax")), False)
            for d, p, g, j in ((np.float64, 0.95, 0.85, 0.7), (np.float32, 0.92, 0.88, 1.05))
        ),
        *(_logistic(n, bar) for n, bar in ((100, 0.65), (300, 0.85), (1000, 0.95))),
        *(_logistic_hessian(n, bar) for n, bar in ((100, 0.8), (300, 0.7), (1000, 0.65))),
        *(_factorisation(m, bar) for m, bar in ((100, 0.12), (300, 0.22))),
        *(_relu_hessian(w, bar, 1 / j) for w, bar, j in ((10, 0.6, 3), (20, 0.95, 8), (40, 1.25, 8))),
        *(_wave(n, bar, fast) for n, bar, fast in ((1_000, 0.82, 0.45), (1_000_000, 0.9, 0.3), (10_000_000, 0.5, 0.16))),
        _build(10_000, True),
        _build(100_000, False),
    ]  # fmt: skip
