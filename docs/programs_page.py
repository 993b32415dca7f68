"""Writes docs/programs.md, generated programs as they are, from the library itself: `python docs/programs_page.py`."""

from __future__ import annotations

from pathlib import Path

import symdiff as sd
from symdiff.lowering import Lowered
from symdiff.training.nets import find_net
from symdiff.training.step import training_step

PAGE = Path(__file__).with_name("programs.md")
SIZES = {"n": 128, "d": 64, "h": 32, "k": 10}


def logistic_regression() -> Lowered:
    """Loss, gradient and Hessian of logistic regression with labels 0 and 1."""
    X, y, w = sd.var("X", ("n", "d")), sd.var("y", "n"), sd.var("w", "d")
    z = X @ w
    loss = sd.sum(sd.softplus(z) - y * z)
    outputs = {"loss": loss, "gradient": sd.grad(loss, w), "hessian": sd.hessian(loss, w)}
    return sd.lower(outputs, [X, y, w], names={z: "z"}, name="logistic_regression")


def mlp() -> Lowered:
    """One step of gradient descent for a network with a tanh layer and a softmax."""
    X, T, rate = sd.var("X", ("n", "d")), sd.var("T", ("n", "k"), ("onehot",)), sd.var("rate")
    W1, b1, W2, b2 = weights = [sd.var("W1", ("d", "h")), sd.var("b1", "h"), sd.var("W2", ("h", "k")), sd.var("b2", "k")]
    h = sd.tanh(X @ W1 + b1)
    z = h @ W2 + b2
    loss = -sd.mean(sd.sum(T * sd.log_softmax(z, axis=1), axis=1))
    new = {f"new_{v.name}": v - rate * g for v, g in zip(weights, sd.grad(loss, weights), strict=True)}
    return sd.lower({"loss": loss} | new, [X, T, *weights, rate], names={h: "h", z: "z"}, name="mlp_step")


def page() -> str:
    """The page as Markdown."""
    mazur, xor = (training_step(find_net(name)).program for name in ("mazur", "xor"))
    regression, network = logistic_regression(), mlp()
    parts = [
        "# Generated programs",
        "",
        "Written by `python docs/programs_page.py`; a test fails when it is out of date. Every program but the last runs with NumPy alone:",
        "`f.save(path)` writes it as a module.",
        "",
        "`sd.lower(outputs, inputs)` gives `f.source`, a program for arrays of any sizes and either precision. The first call with some sizes and",
        "a dtype writes it again for those (`f.for_sizes(n=128)` shows how): every array then has its memory, kept for each thread, scalings move",
        "to the smallest array, `X.T @ (s * X)` becomes the product of one matrix with itself, sigmoids and softmaxes share their exponentials,",
        "and long arrays are computed in blocks that stay in the cache. A tiny program is computed on Python floats; where those would raise, NumPy",
        "gives the result. `f.explain()` lists what each pass did. Options: `fast=False` keeps to the first form; `fast=True` with `sizes=` for all",
        "dims makes the second form the source; `reuse_buffers=True` lets results lie in memory that a later call writes to again, though not the",
        "next one, whose arguments they may be; `blas=True` is [below](#updates-by-blas).",
        "",
        *_section("mazur: a step of a 2-2-2 network", mazur, "The same on floats:", mazur.for_sizes()),
        *_section("xor: a step of a 2-4-1 network on any number of rows", xor),
        *_section(
            "Logistic regression: loss, gradient, Hessian", regression, "For 200 rows of 100 numbers:", regression.for_sizes(n=200, d=100)
        ),
        *_section(
            "A network with a tanh layer and a softmax", network, "For batches of 128, layers of 64, 32 and 10:", network.for_sizes(**SIZES)
        ),
        "## Long arrays",
        "",
        "The sum of tanh(a x) exp(-x²) and its gradient, for a million numbers:",
        "",
        *_code(_chain().for_sizes(n=10**6).source),
        "## Updates by BLAS",
        "",
        "`blas=True` (SciPy, extra `fast`) writes W - X.T @ d as one product that is added to a copy of W, or to an array that is read there for",
        "the last time, in its memory: one pass less. It is done where it saves time: results that need a copy have 8,192 entries or more, and",
        "the products sum over at most 256 entries, in float32 32. Rank-one updates go the same way. A module that is saved then imports SciPy.",
        "",
        "Trap: NumPy has a BLAS of its own. Where both have more than one thread they fight for the cores, and a step of a 784-128-10 network",
        "takes five times as long. The option is off by default; with it, set `OPENBLAS_NUM_THREADS=1` before Python starts.",
        "",
        *_code(_update().for_sizes(n=64, d=784, k=128).source),
    ]
    return "\n".join(parts)


def _chain() -> Lowered:
    x, a = sd.var("x", "n"), sd.var("a")
    value = sd.sum(sd.tanh(a * x) * sd.exp(-(x**2)))
    return sd.lower({"value": value, "slope": sd.grad(value, x)}, [x, a], name="chain")


def _update() -> Lowered:
    X, T, W, rate = sd.var("X", ("n", "d")), sd.var("T", ("n", "k")), sd.var("W", ("d", "k")), sd.var("rate")
    loss = sd.mean((X @ W - T) ** 2)
    return sd.lower({"loss": loss, "new_W": W - rate * sd.grad(loss, W)}, [X, T, W, rate], name="step", blas=True)


def _section(title: str, program: Lowered, text: str = "", special: Lowered | None = None) -> list[str]:
    lines = [f"## {title}", "", *_code(program.source)]
    return lines if special is None else [*lines, text, "", *_code(special.source)]


def _code(source: str) -> list[str]:
    return ["```python", source.rstrip("\n"), "```", ""]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
