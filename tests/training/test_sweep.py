"""Sweeps: every combination is trained as `train` trains it."""

from __future__ import annotations

import pytest

from symdiff.errors import BadSetting, UnknownName
from symdiff.training import mazur, random_start, train, xor
from symdiff.training.sweeping import sweep


def test_every_combination_is_trained():
    heard = []
    found = sweep(
        mazur(), {"learning_rate": [0.1, 0.5], "update": ["parallel", "sequential"]}, epochs=30, on_trial=lambda *n: heard.append(n)
    )
    assert [tuple(t.settings.values()) for t in found.trials] == [
        (0.1, "parallel"),
        (0.1, "sequential"),
        (0.5, "parallel"),
        (0.5, "sequential"),
    ]
    assert [t.final_loss for t in found.trials] == [train(mazur(), epochs=30, **t.settings).final_loss for t in found.trials]
    assert heard == [(k, 4) for k in (1, 2, 3, 4)]
    assert found.best.settings["learning_rate"] == 0.5


def test_seeds_draw_starts():
    found = sweep(xor(), {"seed": [1, 2]}, epochs=3)
    assert [t.final_loss for t in found.trials] == [train(xor(), epochs=3, start=random_start(xor(), s), seed=s).final_loss for s in (1, 2)]


def test_when_the_target_is_reached():
    (trial,) = sweep(mazur(), {"learning_rate": [0.5]}, epochs=100, target_loss=0.1).trials
    losses = train(mazur(), epochs=100).losses
    assert losses[trial.reached] <= 0.1 < losses[trial.reached - 1]
    assert sweep(mazur(), {"learning_rate": [0.5]}, epochs=10, target_loss=1e-9).trials[0].reached is None


@pytest.mark.parametrize(
    ("grid", "error", "message"),
    [
        ({}, BadSetting, "no combinations are given"),
        ({"learning_rate": []}, BadSetting, "learning_rate has no values"),
        ({"learning_rate": [1.0, 1.0]}, BadSetting, "has a value twice"),
        ({"learning_rates": [1.0]}, UnknownName, "no setting 'learning_rates' .did you mean 'learning_rate'"),
        ({"learning_rate": [-1.0]}, BadSetting, "learning rate: -1.0 is given"),
        ({"update": ["paralel"]}, UnknownName, "no update 'paralel'"),
        ({"seed": list(range(1001))}, BadSetting, "1001 combinations are given"),
    ],
)
def test_bad_grids(grid, error, message):
    with pytest.raises(error, match=message):
        sweep(mazur(), grid, epochs=2)
