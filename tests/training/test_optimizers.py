"""First-order optimizers agree with PyTorch's, or with their paper's algorithm written out, to 1e-12 over 100 steps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from symdiff.api.programs import lower
from symdiff.errors import BadSetting, UnknownName
from symdiff.expr.leaves import var
from symdiff.training import mazur
from symdiff.training.optimizers import OPTIMIZERS, Optimizer, optimizer, read_optimizer
from symdiff.training.step import RATE, Step, training_step

FOLDER = Path(__file__).with_name("reference")
REFERENCE = json.loads((FOLDER / "optimizers.json").read_text(encoding="utf-8"))
CLOSE = {"rtol": 0, "atol": 1e-12}


def steps(step: Step, count: int, rate: float):
    """Losses and weights, step by step."""
    net = mazur()
    values = {**net.values(), **step.state, RATE: np.float64(rate)}
    for _ in range(count):
        loss, *new = step.program(*(values[v] for v in step.inputs))
        values |= zip(step.updates, new, strict=True)
        yield float(loss), {w.name: values[w] for w in net.weights}


def test_the_reference_has_the_same_problem():
    given = json.loads((FOLDER / "problem.json").read_text(encoding="utf-8"))
    assert given == {v.name: value.tolist() for v, value in mazur().values().items()}
    assert set(REFERENCE["made with"]) == {"torch", "python"}


@pytest.mark.parametrize("spec", REFERENCE["optimizers"])
def test_as_pytorch(spec):
    name, _, penalty = spec.partition(" ")
    reference = REFERENCE["optimizers"][spec]
    step = training_step(mazur(), optimizer=name, penalty=penalty or None)
    for k, (loss, weights) in enumerate(steps(step, 100, reference["rate"]), 1):
        np.testing.assert_allclose(loss, reference["losses"][k - 1], **CLOSE)
        for weight, value in reference["weights"].get(str(k), {}).items():
            np.testing.assert_allclose(weights[weight], value, **CLOSE)


def test_every_optimizer_has_a_reference():
    assert {spec.partition(" ")[0].partition(":")[0] for spec in REFERENCE["optimizers"]} | {"lion"} == set(OPTIMIZERS)


@pytest.mark.parametrize(("settings", "rate"), [({}, 0.003), ({"beta1": 0.8, "beta2": 0.95, "decay": 0.2}, 0.01)])
def test_lion_is_its_papers_algorithm(settings, rate):
    """Chen et al. (2023), algorithm 2, with the gradients of the network by hand."""
    beta1, beta2, decay = settings.get("beta1", 0.9), settings.get("beta2", 0.99), settings.get("decay", 0.0)
    values = {v.name: a for v, a in mazur().values().items()}
    theta = {"W1": values["W1"].copy(), "W2": values["W2"].copy()}
    mean = {name: np.zeros((2, 2)) for name in theta}
    for _, ours in steps(training_step(mazur(), optimizer=optimizer("lion", **settings)), 100, rate):
        h = 1 / (1 + np.exp(-(theta["W1"] @ values["x"] + values["b1"])))
        y = 1 / (1 + np.exp(-(theta["W2"] @ h + values["b2"])))
        outer = (y - values["t"]) * y * (1 - y)
        inner = (theta["W2"].T @ outer) * h * (1 - h)
        for name, g in (("W1", np.outer(inner, values["x"])), ("W2", np.outer(outer, h))):
            c = beta1 * mean[name] + (1 - beta1) * g
            theta[name] = theta[name] - rate * (np.sign(c) + decay * theta[name])
            mean[name] = beta2 * mean[name] + (1 - beta2) * g
            np.testing.assert_allclose(ours[name], theta[name], **CLOSE)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_first_step_with_a_slope_of_zero_stays_finite(name):
    w = var("w")
    kind = OPTIMIZERS[name]
    slots = {slot: var(slot) for slot in kind.slots}
    new, state = optimizer(name).apply(w, var("g"), RATE, var("k"), slots)
    program = lower([new, *state.values()], [w, var("g"), RATE, var("k"), *slots.values()], simplify=False)
    for value in program(2.0, 0.0, 0.1, 1.0, *(0.0 for _ in slots)):
        assert np.isfinite(value)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_spec_reads_back(name):
    made = optimizer(name)
    assert read_optimizer(made.spec) == made and read_optimizer(made) is made


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_same_bytes_each_time(name):
    assert training_step(mazur(), optimizer=name).source == training_step(mazur(), optimizer=Optimizer(**vars(optimizer(name)))).source


def test_state_is_that_of_the_rule():
    step = training_step(mazur(), optimizer="adam")
    assert [v.name for v in step.state] == ["m_W1", "v_W1", "m_W2", "v_W2", "k"]
    assert [v.name for v in step.inputs] == ["W1", "W2", "m_W1", "v_W1", "m_W2", "v_W2", "k", "b1", "b2", "x", "t", "rate"]
    assert list(step.updates) == [*step.inputs[:7]]
    assert all(step.state[v].shape == v.shape for v in step.state)
    assert training_step(mazur()).state == {}


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ("adm", UnknownName, r"there is no optimizer 'adm' \(did you mean 'adam'\?\). Choices: sgd, momentum"),
        ("adam:beta3=0.9", UnknownName, r"optimizer adam has no setting 'beta3' \(did you mean 'beta2'\?\). Settings: beta1, beta2, eps"),
        ("sgd:beta=0.9", UnknownName, "optimizer sgd has no setting 'beta'. It has no settings"),
        ("sgd:0.9", BadSetting, "optimizer sgd: '0.9' is given, NAME=NUMBER is wanted"),
        ("adam:beta1=1", BadSetting, r"optimizer adam: beta1=1 is given, a number from 0 on, below 1 is wanted"),
        ("adam:eps=0", BadSetting, "optimizer adam: eps=0 is given, a number above 0 is wanted"),
        ("adam:eps=nan", BadSetting, "eps=nan is given"),
        ("momentum:beta=fast", BadSetting, "optimizer momentum: 'beta=fast' is given, NAME=NUMBER is wanted"),
        ("adam:beta1=0.9,beta1=0.8", BadSetting, "optimizer adam: beta1 is given twice"),
        ("adamw:decay=-0.1", BadSetting, "decay=-0.1 is given, a number from 0 on is wanted"),
        ("", UnknownName, "there is no optimizer ''"),
    ],
)
def test_bad_specs(spec, error, message):
    with pytest.raises(error, match=message):
        read_optimizer(spec)
