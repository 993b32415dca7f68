"""Fitted convergence rates, against laws that are known."""

from __future__ import annotations

import numpy as np
import pytest

from symdiff.training import mazur, train
from symdiff.training.convergence import fit_convergence

K = np.arange(1, 401)


@pytest.mark.parametrize(
    ("losses", "law", "value"),
    [
        (0.98**K, "linear", 0.98),
        (5 * 0.5 ** (K / 100), "linear", 0.5**0.01),
        (3.0 / K, "sublinear", 1.0),
        (K**-2.5, "sublinear", 2.5),
        (np.ones(400), "flat", None),
        (1 + 0.001 * 0.9**K, "flat", None),
        (1.01**K, "rising", None),
        (1 / K * (1 + 0.9 * np.sin(K)), "irregular", None),
        (np.full(400, np.nan), "irregular", None),
        (np.zeros(400), "irregular", None),
        (0.9 ** np.arange(4), "irregular", None),
    ],
    ids=range(11),
)
def test_law(losses, law, value):
    found = fit_convergence(list(losses))
    assert (found.law, found.value) == (law, None if value is None else pytest.approx(value, rel=1e-9))


def test_a_quadratic_converges_by_its_rate():
    """Gradient descent on w² multiplies w by 1 − 2η, so the loss by its square. Source: Nocedal and Wright, section 3.3."""
    w, losses = 1.0, []
    for _ in range(60):
        losses.append(w * w)
        w -= 0.1 * 2 * w
    assert fit_convergence(losses).value == pytest.approx(0.64, rel=1e-12)


def test_a_saturating_network_is_sublinear():
    found = fit_convergence(train(mazur(), epochs=2000).losses)
    assert found.law == "sublinear" and 1 < found.value < 2 and found.explained > 0.999
