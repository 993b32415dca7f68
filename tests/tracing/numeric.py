"""What the derivatives of traced functions are compared with: differences of high order."""

from __future__ import annotations

import numpy as np

from symdiff import calculus
from symdiff.api import functions
from symdiff.lowering.lowered import lower


def value_and_grad(f, argnums=0):
    """sd.value_and_grad without simplification, which has tests of its own."""
    return functions.value_and_grad_function(f, argnums, False, calculus.gradient, lambda exprs, inputs: lower(list(exprs), list(inputs)))


WEIGHTS = np.array([672.0, -168.0, 32.0, -3.0]) / 840  # of the central difference of order 8


def numeric_gradient(f, x, h=2e-3):
    """The gradient of f at x by central differences of order 8."""
    x = np.asarray(x, dtype=float)
    gradient = np.zeros(x.shape)
    for at in np.ndindex(*x.shape):
        step = h * max(1.0, abs(x[at]))
        total = 0.0
        for k, weight in enumerate(WEIGHTS, 1):
            up, down = x.copy(), x.copy()
            up[at] += k * step
            down[at] -= k * step
            total = total + weight * (np.asarray(f(up), dtype=float).item() - np.asarray(f(down), dtype=float).item())
        gradient[at] = total / step
    return gradient


def check_gradient(f, x, rtol=2e-7, h=2e-3):
    """grad(f) at x and, from the kept program, near x; the value too; and x is not changed."""
    x = np.asarray(x, dtype=float)
    before = x.copy()
    transformed = value_and_grad(f)
    rng = np.random.default_rng(0)
    for point in (x, x + 1e-2 * rng.uniform(-1, 1, x.shape)):
        value, gradient = transformed(point)
        wanted = numeric_gradient(f, point.copy(), h)
        scale = max(1.0, float(np.max(np.abs(wanted))), abs(float(np.asarray(f(point.copy())).item())) * 1e-2)
        np.testing.assert_allclose(gradient, wanted, rtol=rtol, atol=rtol * scale)
        np.testing.assert_allclose(value, np.asarray(f(point.copy())).item(), rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(x, before)
