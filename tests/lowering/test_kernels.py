"""The kernels of the special functions, against mpmath; SciPy's functions are used where they are installed."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from symdiff.expr import ops as o
from symdiff.expr.leaves import var
from symdiff.lowering.helpers import HELPERS
from symdiff.lowering.kernels import KERNELS, kernel_lines
from symdiff.lowering.lowered import lower

SPACE: dict[str, Any] = {"np": np, "math": __import__("math")}
exec("\n".join(kernel_lines(set(KERNELS), scipy=False)), SPACE)
exec(HELPERS["polygamma"].source, SPACE)

AXIS = np.concatenate([np.linspace(-6, 6, 97), [-26.0, 26.0, 1e-300, -1e-8, 0.0]])
RIGHT = np.concatenate([np.linspace(0.05, 20, 150), [1e-8, 1.0, 2.0, 100.0, 1e6, 1e10, 1e300]])
LEFT = np.linspace(-9.95, -0.05, 100)


@pytest.mark.parametrize(
    "name, exact, points",
    [
        ("erf", mpmath.erf, AXIS),
        ("erfc", mpmath.erfc, AXIS),
        ("gammaln", lambda x: mpmath.re(mpmath.loggamma(x)), np.concatenate([RIGHT, LEFT])),
        ("digamma", mpmath.digamma, np.concatenate([RIGHT, LEFT])),
    ],
)
def test_kernel_equals_mpmath(name: str, exact: Any, points: np.ndarray) -> None:
    got = SPACE[name](points)
    with mpmath.workdps(30):
        expected = np.array([float(exact(mpmath.mpf(float(p)))) for p in points])
    scale = np.maximum(np.abs(expected), 1e-300 if name == "erfc" else 1e-3 if name == "erf" else 1.0)
    if name == "erf":
        scale = np.abs(expected) + 1e-320
    assert np.max(np.abs(got - expected) / scale) < 1e-13 * (1 if name != "digamma" else 20)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_polygamma(order: int) -> None:
    points = np.concatenate([np.linspace(0.05, 15, 60), [100.0, 1e6]])
    with mpmath.workdps(30):
        expected = np.array([float(mpmath.polygamma(order, mpmath.mpf(float(p)))) for p in points])
    np.testing.assert_allclose(SPACE["polygamma"](order, points), expected, rtol=1e-13)
    left = np.array([-0.3, -1.5, -2.75])
    with mpmath.workdps(30):
        expected = np.array([float(mpmath.polygamma(order, mpmath.mpf(float(p)))) for p in left])
    np.testing.assert_allclose(SPACE["polygamma"](order, left), expected, rtol=1e-11)


def test_kernels_at_the_ends_and_in_float32() -> None:
    ends = np.array([np.inf, -np.inf, np.nan])
    np.testing.assert_array_equal(SPACE["erf"](ends), [1, -1, np.nan])
    np.testing.assert_array_equal(SPACE["erfc"](ends), [0, 2, np.nan])
    np.testing.assert_array_equal(SPACE["gammaln"](np.array([0.0, -1.0, np.inf])), [np.inf, np.inf, np.inf])
    assert np.isnan(SPACE["digamma"](np.array([0.0, -3.0]))).all()
    for name in ("erf", "erfc", "gammaln", "digamma"):
        small = SPACE[name](np.array([0.3, 2.5], np.float32))
        assert small.dtype == np.float32
        np.testing.assert_allclose(small, SPACE[name](np.array([0.3, 2.5])), rtol=2e-5)


def test_lowered_special_functions_carry_their_kernels() -> None:
    x = var("x", "n")
    f = lower([o.erf(x), o.gammaln(x), o.digamma(x), o.polygamma(2, x), o.gelu(x), o.polygamma(0, x)])
    assert "from scipy.special import digamma, erf, erfc, gammaln, zeta" in f.source
    assert "except ImportError:" in f.source
    points = np.array([0.5, 1.5, 3.0])
    alone: dict[str, Any] = {}
    exec(f.source.replace("from scipy.special", "from no.such.module"), alone)
    for a, b in zip(f(points), alone["f"](points), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)
    assert all(a.dtype == np.float32 for a in f(points.astype(np.float32)))
