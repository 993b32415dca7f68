"""Learning-rate schedules agree with PyTorch's schedulers, and refuse what is out of range."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from symdiff.api.programs import lower
from symdiff.errors import BadSetting, UnknownName
from symdiff.expr.leaves import var
from symdiff.training import mazur
from symdiff.training.rates import RATES, read_rate
from symdiff.training.step import RATE, training_step

REFERENCE = json.loads((Path(__file__).with_name("reference") / "optimizers.json").read_text(encoding="utf-8"))


def rates(spec: str, losses: list[float], base: float = 0.5) -> list[float]:
    """The rate of each step, given the loss before it."""
    k, loss = var("k"), var("loss")
    rate, changed, state = RATE, {}, {}
    for part in read_rate(spec).parts:
        slots = {slot: var(f"{part.name}_{slot}") for slot in part.kind.slots}
        rate, new = part.apply(rate, k, loss, slots)
        changed |= {slots[slot]: value for slot, value in new.items()}
        state |= {slots[slot]: value for slot, value in part.kind.slots.items()}
    program = lower([rate, *changed.values()], [RATE, k, loss, *state], simplify=False)
    found = []
    for number, value in enumerate(losses, 1):
        now, *new = program(base, float(number), value, *state.values())
        found.append(float(now))
        state = dict(zip(changed, new, strict=True))
    return found


@pytest.mark.parametrize("spec", REFERENCE["rates"])
def test_as_pytorch(spec):
    losses = REFERENCE["plateau losses"] if "plateau" in spec else [1.0] * 60
    np.testing.assert_allclose(rates(spec, losses), REFERENCE["rates"][spec], rtol=0, atol=1e-12)


def test_every_schedule_has_a_reference():
    assert {part.partition(":")[0] for spec in REFERENCE["rates"] for part in spec.split("+")} == set(RATES)


@pytest.mark.parametrize("spec", ["cosine:steps=10,least=0.1", "one-cycle:steps=10"])
def test_after_its_last_step_a_schedule_stays(spec):
    found = rates(spec, [1.0] * 15)
    np.testing.assert_allclose(found[10:], found[-1], rtol=1e-15)
    assert found[-1] == min(found)


def test_plateau_looks_at_the_mean_of_an_epoch():
    """Two batches an epoch: of the means 1, 1, 1 the third is one too many for a patience of 1."""
    noisy = [0.5, 1.5, 1.5, 0.5, 0.2, 1.8, 1.0, 1.0]
    assert rates("plateau:patience=1,every=2", noisy) == [0.5] * 6 + [0.05] * 2


def test_the_rate_of_a_step_is_that_of_its_number():
    net = mazur()
    step = training_step(net, rate_schedule="exponential:0.5")
    assert [v.name for v in step.state] == ["k"]
    values = {**net.values(), **step.state, RATE: np.float64(0.8)}
    plain = training_step(net)
    for k in range(4):
        expected = plain.program(*({**values, RATE: np.float64(0.8 * 0.5**k)}[v] for v in plain.inputs))
        loss, *new = step.program(*(values[v] for v in step.inputs))
        for one, other in zip((loss, *new[:2]), expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-15)
        values |= zip(step.updates, new, strict=True)
    assert values[var("k")] == 5


def test_steps_may_come_from_the_length_of_the_training():
    assert read_rate("cosine", steps=30) == read_rate("cosine:steps=30")
    assert read_rate("cosine:steps=20", steps=30) == read_rate("cosine:steps=20")
    assert read_rate("warmup:steps=3+cosine", steps=30) == read_rate("warmup:steps=3+cosine:steps=30")
    assert read_rate("constant", steps=30) == read_rate(None)


@pytest.mark.parametrize("spec", ["constant", "warmup:steps=5+cosine:steps=20", "plateau", "exponential:1e-05+step:steps=1e+2"])
def test_a_spec_reads_back(spec):
    assert read_rate(read_rate(spec).spec) == read_rate(spec)


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ("cosin:steps=3", UnknownName, r"there is no rate schedule 'cosin' \(did you mean 'cosine'\?\). Choices: constant, step"),
        ("cosine", BadSetting, "rate schedule cosine: steps is not given, a whole number from 1 on is wanted, such as cosine:steps=100"),
        ("cosine:steps=0", BadSetting, "steps=0 is given"),
        ("cosine:steps=2.5", BadSetting, "steps=2.5 is given, a whole number from 1 on is wanted"),
        ("exponential:-1", BadSetting, "gamma=-1 is given, a number above 0 is wanted"),
        ("warmup:steps=5+cosin", UnknownName, "did you mean 'cosine'"),
        ("plateau:patient=3", UnknownName, r"has no setting 'patient' \(did you mean 'patience'\?\)"),
    ],
)
def test_bad_specs(spec, error, message):
    with pytest.raises(error, match=message):
        read_rate(spec)
