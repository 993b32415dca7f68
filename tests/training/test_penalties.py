"""Penalties and clipping: their gradients by hand, in a step, and what is out of range."""

from __future__ import annotations

import numpy as np
import pytest

from symdiff.api.programs import lower
from symdiff.calculus import gradient
from symdiff.errors import BadSetting, UnknownName
from symdiff.expr.leaves import var
from symdiff.training import mazur
from symdiff.training.penalties import CLIPS, PENALTIES, global_norm, read_clip, read_penalty
from symdiff.training.step import RATE, training_step

W = np.array([[0.5, -2.0], [0.0, 3.0]])
SLOPES = {
    "l1:0.3": 0.3 * np.sign(W),
    "l2:0.3": 0.3 * W,
    "elastic:strength=0.3,ratio=0.25": 0.3 * (0.25 * np.sign(W) + 0.75 * W),
    "elastic:strength=0.3,ratio=1": 0.3 * np.sign(W),
    "decay:0.3": np.zeros((2, 2)),
}


@pytest.mark.parametrize("spec", SLOPES)
def test_slope_of_a_penalty(spec):
    w = var("w", (2, 2))
    (slope,) = gradient(read_penalty(spec).term([w]), [w])
    np.testing.assert_allclose(lower(slope, [w], simplify=False)(W), SLOPES[spec], rtol=1e-15)


def new_weights(**choices) -> list[np.ndarray]:
    step = training_step(mazur(), **choices)
    values = {**mazur().values(), **step.state, RATE: np.float64(0.5)}
    loss, *new = step.program(*(values[v] for v in step.inputs))
    assert float(loss) == pytest.approx(0.298371109, abs=1e-9)  # without the penalty
    return new[:2]


@pytest.fixture(scope="module")
def gradients() -> list[np.ndarray]:
    return [(leaf.value - new) / 0.5 for leaf, new in zip(mazur().parameters, new_weights(), strict=True)]


@pytest.mark.parametrize(("spec", "slope"), [("l1:0.1", np.sign), ("l2:0.1", lambda w: w), ("decay:0.1", lambda w: w)])
def test_a_penalty_in_the_step(gradients, spec, slope):
    for leaf, g, new in zip(mazur().parameters, gradients, new_weights(penalty=spec), strict=True):
        np.testing.assert_allclose(new, leaf.value - 0.5 * (g + 0.1 * slope(leaf.value)), rtol=1e-13)


def test_decay_is_decoupled_from_what_the_optimizer_does():
    plain, coupled, decoupled = (new_weights(optimizer="adam", penalty=p) for p in (None, "l2:0.1", "decay:0.1"))
    for leaf, old, one, other in zip(mazur().parameters, plain, coupled, decoupled, strict=True):
        np.testing.assert_allclose(other, old - 0.5 * 0.1 * leaf.value, rtol=1e-13)
        assert not np.allclose(one, other)
    adamw = new_weights(optimizer="adamw:decay=0.1")
    for one, other in zip(adamw, decoupled, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-15)


def test_clipping_by_value(gradients):
    for leaf, g, new in zip(mazur().parameters, gradients, new_weights(clip="value:0.01"), strict=True):
        np.testing.assert_allclose(new, leaf.value - 0.5 * np.clip(g, -0.01, 0.01), rtol=1e-13)


@pytest.mark.parametrize("limit", [0.01, 100.0])
def test_clipping_by_the_norm_of_all_gradients(gradients, limit):
    norm = np.sqrt(sum(np.sum(g * g) for g in gradients))
    factor = limit / norm if norm > limit else 1.0
    for leaf, g, new in zip(mazur().parameters, gradients, new_weights(clip=f"norm:{limit}"), strict=True):
        np.testing.assert_allclose(new, leaf.value - 0.5 * factor * g, rtol=1e-13)


def test_clipping_comes_after_the_penalty(gradients):
    for leaf, g, new in zip(mazur().parameters, gradients, new_weights(penalty="l2:0.1", clip="value:0.02"), strict=True):
        np.testing.assert_allclose(new, leaf.value - 0.5 * np.clip(g + 0.1 * leaf.value, -0.02, 0.02), rtol=1e-13)


def test_a_gradient_of_zeros_is_clipped_to_zeros():
    g = var("g", 3)
    (clipped,) = read_clip("norm:1").apply([g])
    np.testing.assert_array_equal(lower(clipped, [g], simplify=False)(np.zeros(3)), np.zeros(3))


def test_norm_of_arrays_of_any_shapes():
    a, b = var("a", (2, 2)), var("b")
    assert lower(global_norm([a, b]), [a, b])(np.ones((2, 2)), -2.0) == pytest.approx(np.sqrt(8))


@pytest.mark.parametrize(
    ("read", "spec", "error", "message"),
    [
        (read_penalty, "l3", UnknownName, r"there is no penalty 'l3' \(did you mean 'l2'\?\). Choices: l1, l2, elastic, decay"),
        (read_penalty, "l2:-1", BadSetting, "penalty l2: strength=-1 is given, a number from 0 on is wanted"),
        (read_penalty, "elastic:ratio=1.5", BadSetting, "ratio=1.5 is given, a number from 0 on, at most 1 is wanted"),
        (read_clip, "nrm:1", UnknownName, r"there is no gradient clipping 'nrm' \(did you mean 'norm'\?\)"),
        (read_clip, "norm:0", BadSetting, "limit=0 is given, a number above 0 is wanted"),
    ],
)
def test_bad_specs(read, spec, error, message):
    with pytest.raises(error, match=message):
        read(spec)


@pytest.mark.parametrize(("read", "table"), [(read_penalty, PENALTIES), (read_clip, CLIPS)])
def test_a_spec_reads_back(read, table):
    for name in table:
        assert read(read(name).spec) == read(name)
    assert read(None) is None
