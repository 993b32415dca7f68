"""What a kept program depends on besides its arguments: the summary changes exactly when that does."""

from __future__ import annotations

import functools
import sys
import types

import numpy as np
import pytest

from symdiff.api.fingerprint import NotSteady, fingerprint


def closed_over(value):
    return lambda x: x * value


class Model:
    scale = 2.0

    def __init__(self, w):
        self.w = w

    def loss(self, x):
        return self.scale * x * self.w


VALUES = [
    (1, 2), (1.0, 2.0), (1, 1.0), (1, True), (0.0, -0.0), ("a", "b"), (None, 0), ([1, 2], (1, 2)), ({"a": 1}, {"a": 2}), ({1, 2}, {1, 3}),
    (np.ones(2), np.zeros(2)), (np.ones(2), np.ones(3)), (np.ones(2), np.ones(2, dtype=np.float32)), (np.float64(1), np.float32(1)),
    (slice(1), slice(2)), (Model(1.0), Model(2.0)),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b"), VALUES, ids=repr)
def test_other_values_have_other_summaries(a, b):
    for make in (lambda v: v, closed_over, lambda v: functools.partial(max, v), lambda v: [v], lambda v: {"k": v}):
        assert fingerprint(make(a)) != fingerprint(make(b))
        assert hash(fingerprint(make(a))) == hash(fingerprint(make(a)))


def test_equal_values_have_equal_summaries():
    assert fingerprint(np.arange(3.0)) == fingerprint(np.arange(3.0))
    f = closed_over([1.0, np.ones(2)])
    assert fingerprint(f) == fingerprint(f)
    assert fingerprint(Model(1.0).loss) == fingerprint(Model(1.0).loss)


def test_a_change_within_is_seen():
    w = np.ones(3)
    f, model = closed_over(w), Model(w)
    before = fingerprint(f), fingerprint(model.loss), fingerprint(lambda x: f(x))
    w[1] = 5
    after = fingerprint(f), fingerprint(model.loss), fingerprint(lambda x: f(x))
    assert all(a != b for a, b in zip(before, after, strict=True))


def test_a_change_of_a_class_or_of_a_users_module_is_seen(monkeypatch):
    settings = types.ModuleType("settings_of_a_user")
    settings.rate = 1.0
    monkeypatch.setitem(sys.modules, "settings_of_a_user", settings)
    namespace = {"settings": settings, "Model": Model, "__name__": "a_users_code"}
    exec("def f(x):\n    return Model(x).scale * settings.rate * x", namespace)
    seen = [fingerprint(namespace["f"])]
    settings.rate = 2.0
    seen.append(fingerprint(namespace["f"]))
    monkeypatch.setattr(Model, "scale", 3.0)
    seen.append(fingerprint(namespace["f"]))
    assert len(set(seen)) == 3


def test_functions_that_call_each_other_have_a_summary():
    def even(n):
        return True if n == 0 else odd(n - 1)

    def odd(n):
        return False if n == 0 else even(n - 1)

    assert fingerprint(even) == fingerprint(even)


@pytest.mark.parametrize(
    "value",
    [
        np.random.default_rng(0), iter([1]), lambda: np.random.normal(), closed_over(np.random.default_rng(0)), (v for v in [1]),
        Model(np.random.default_rng(0)),
    ],
)  # fmt: skip
def test_what_need_not_be_the_same_again_has_none(value):
    with pytest.raises(NotSteady):
        fingerprint(value)
