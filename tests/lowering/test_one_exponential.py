"""An activation with its derivative takes one exponential, in the program for any sizes and in those for known ones."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import symdiff as sd

x = sd.var("x", "n")
ONE = {
    "x e^-x": (x * sd.exp(-x), {"exp": 1}),
    "e^(-x^2)": (sd.exp(-(x**2)), {"exp": 1}),
    "1/(1 + e^-x)": (1 / (1 + sd.exp(-x)), {"exp": 1}),
    "e^x/(1 + e^x)": (sd.exp(x) / (1 + sd.exp(x)), {"exp": 1}),
    "sigmoid": (sd.sigmoid(x), {"exp": 1}),
    "x sigmoid": (x * sd.sigmoid(x), {"exp": 1}),
    "silu": (sd.silu(x), {"exp": 1}),
    "gelu_tanh": (sd.gelu_tanh(x), {"tanh": 1}),
    "tanh": (sd.tanh(x), {"tanh": 1}),
    "x tanh": (x * sd.tanh(x), {"tanh": 1}),
}


class Counting:
    """NumPy, counting the calls of functions that take long."""

    def __init__(self):
        self.calls = Counter()

    def __getattr__(self, name):
        if name in ("exp", "expm1", "log", "log1p", "tanh", "cosh", "sinh", "sin", "cos", "tan", "power"):
            self.calls[name] += 1
        return getattr(np, name)


@pytest.mark.parametrize("sizes", [{}, {"n": 1000}], ids=["any sizes", "1000"])
@pytest.mark.parametrize("name", ONE)
def test_value_and_derivative_share_it(name, sizes):
    value, expected = ONE[name]
    f = sd.lower([value, sd.grad(sd.sum(value), x)], [x])
    f = f.for_sizes(**sizes) if sizes else f
    space = {}
    exec(f.source, space)
    space["np"] = counting = Counting()
    values = np.linspace(-3, 3, 1000)
    found = space["f"](values)
    assert counting.calls == expected and "**" not in f.source.split('"""')[-1]
    plain = sd.lower([value, sd.grad(sd.sum(value), x)], [x], fast=False)
    for ours, reference in zip(found, plain(values), strict=True):
        np.testing.assert_allclose(ours, reference, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("u", [x, 2 * x, x**2, sd.gelu(x)], ids=str)
def test_gelu_and_its_derivative_share_the_normal_distribution_function(u):
    value = sd.gelu(u)
    f = sd.lower([value, sd.grad(sd.sum(value), x)], [x])
    gelus = 2 if u is sd.gelu(x) else 1
    assert f.source[f.source.index("def f(") :].count("erfc(") == gelus
    assert "def gelu" in sd.lower(value, [x]).source and "def gelu" not in f.source
    values = np.linspace(-40, 5, 300)
    for ours, reference in zip(f(values), (sd.lower(e, [x])(values) for e in (value, sd.grad(sd.sum(value), x))), strict=True):
        np.testing.assert_allclose(ours, reference, rtol=1e-12, atol=1e-300)
