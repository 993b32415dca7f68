"""sin and cos by tangents: right to the last digits without an option, absolutely to 5e-16 with fast_math, and only where it pays."""

from __future__ import annotations

import numpy as np
import pytest

from symdiff.api.programs import lower
from symdiff.expr import ops as o
from symdiff.expr.leaves import var
from symdiff.lowering import half_angles

RNG = np.random.default_rng(11)
x, c = var("x", "n"), var("c")
MULTIPLES = np.arange(-300, 301) * np.pi / 2
POINTS = np.concatenate(
    [
        RNG.normal(size=2000) * 10,
        RNG.uniform(-1, 1, 500) * 1e6,
        10 ** RNG.uniform(-300, 300, 500),
        MULTIPLES,
        MULTIPLES * (1 + 1e-9 * RNG.normal(size=len(MULTIPLES))),
        [0.0, -0.0, 1e-300, -1e-10, 1e22],
    ]
)


@pytest.fixture
def vector_tan(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine that has vector code for tan."""
    monkeypatch.setattr(half_angles, "has_vector_tan", lambda: True)


@pytest.mark.parametrize("outputs", [("sin", "cos"), ("sin",), ("cos",)])
@pytest.mark.usefixtures("vector_tan")
def test_tangents_keep_the_digits_near_every_zero(outputs: tuple[str, ...]) -> None:
    f = lower([getattr(o, name)(x) for name in outputs], [x])
    assert "np.tan(" in f.for_sizes(n=len(POINTS)).source
    for name, got in zip(outputs, f(POINTS), strict=True):
        np.testing.assert_allclose(got, getattr(np, name)(POINTS), rtol=8e-16, atol=0)
        assert np.array_equal(np.signbit(got), np.signbit(getattr(np, name)(POINTS)))


@pytest.mark.parametrize("fast_math", [False, True])
@pytest.mark.usefixtures("vector_tan")
def test_what_has_no_value_stays_without(fast_math: bool) -> None:
    f = lower([o.sin(c * x), o.cos(c * x)], [x, c], fast_math=fast_math)
    v = np.where(np.arange(1000) % 7 == 0, np.nan, 1.0)
    for got in f(v, 2.0):
        assert np.array_equal(np.isnan(got), np.isnan(v))
    with np.errstate(invalid="ignore"):
        assert all(np.isnan(got).all() for got in f(np.full(1000, np.inf), 2.0))


def test_half_angles_are_an_option() -> None:
    exact, fast = lower([o.sin(x), o.cos(x)], [x]), lower([o.sin(x), o.cos(x)], [x], fast_math=True)
    for a, b in zip(fast(POINTS), exact(POINTS), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-15)
    assert fast.for_sizes(n=100).source.count("np.tan(") == 1 and "tan" not in exact.for_sizes(n=100).source
    single = POINTS[:2000].astype(np.float32)
    np.testing.assert_allclose(fast(single)[0], np.sin(single), rtol=1e-6)


@pytest.mark.parametrize("vector, n, tangents", [(True, 1000, 2), (True, 999, 0), (False, 10**6, 0)])
def test_tangents_are_taken_where_they_are_quicker(vector: bool, n: int, tangents: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(half_angles, "has_vector_tan", lambda: vector)
    source = lower([o.sum(o.sin(x)), o.cos(x)], [x]).for_sizes(n=n).source
    assert source.count("np.tan(") == tangents
    assert ("np.sin(" in source) == ("np.cos(" in source) == (tangents == 0)


@pytest.mark.usefixtures("vector_tan")
def test_the_half_goes_to_a_scalar_factor_and_formulas_and_names_are_told() -> None:
    z = c * x
    source = lower([o.cos(z), o.sum(o.sin(z))], [x, c], names={o.cos(z): "wave"}).for_sizes(n=1000).source
    assert "0.5 * c" in source and "wave" in source
    assert "# cos z = 1 / (1 + tan(z/2) tan z)" in source and "# sin z = tan(z) cos z" in source
