"""The page of conventions and the tables say the same."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import symdiff as sd
from symdiff.api.rulebook import TITLES
from symdiff.expr.build import apply
from symdiff.expr.functions import FUNCTIONS
from symdiff.rules.elementwise import CHOICE_CONVENTION, CHOICES, DERIVATIVES

PAGE = (Path(__file__).parents[2] / "docs" / "conventions.md").read_text(encoding="utf-8")
ROWS = {
    name: (at, declared)
    for names, at, declared in re.findall(r"^\| (`.*?) \| (.*?) \| (.*?) \|$", PAGE, re.MULTILINE)
    for name in re.findall(r"`(\w+)`", names)
}
DECLARED = {name: rule.convention for name, rule in DERIVATIVES.items() if rule.convention}


def test_every_convention_of_the_table_stands_on_the_page():
    assert set(DECLARED) | (set(CHOICES) - {"where"}) == set(ROWS)


@pytest.mark.parametrize(
    "name", sorted(name for name, text in DECLARED.items() if re.fullmatch(r"0 (everywhere|at 0|at the origin)", text))
)
def test_zeros_are_declared_where_the_table_has_them(name):
    at, declared = ROWS[name]
    assert declared.split()[0] == "0" and DECLARED[name].endswith(at)


x, y, v = sd.var("x"), sd.var("y"), sd.var("v", shape=(3,))


@pytest.mark.parametrize(
    ("e", "at", "declared"),
    [
        pytest.param(sd.abs(x), {x: 0}, [0], id="abs"),
        pytest.param(sd.relu(x), {x: 0}, [0], id="relu"),
        pytest.param(sd.leaky_relu(x, 0.2), {x: 0}, [0.2], id="leaky_relu"),
        pytest.param(sd.elu(x, 2), {x: 0}, [2], id="elu"),
        pytest.param(sd.hypot(x, y), {x: 0, y: 0}, [0, 0], id="hypot"),
        pytest.param(sd.sign(x) + sd.floor(x) + sd.ceil(x) + sd.rint(x) + sd.trunc(x), {x: 0}, [0], id="flat functions"),
        pytest.param(sd.less(x, 0) + sd.equal(x, 0) + sd.floor_divide(x, 2), {x: 0}, [0], id="comparisons"),
        pytest.param(sd.mod(x, y), {x: 4, y: 2}, [1, -2], id="mod"),
        pytest.param(x**y, {x: 0, y: 2}, [0, 0], id="pow"),
        pytest.param(sd.maximum(x, y), {x: 1, y: 1}, [0, 1], id="maximum"),
        pytest.param(sd.minimum(x, y), {x: 1, y: 1}, [0, 1], id="minimum"),
        pytest.param(sd.maximum(x, 0), {x: 0}, [0], id="maximum(x, 0)"),
        pytest.param(sd.maximum(0, x), {x: 0}, [0], id="maximum(0, x)"),
        pytest.param(sd.maximum(x, x), {x: 1}, [1], id="maximum(x, x)"),
        pytest.param(sd.clip(x, 0, 1), {x: 0}, [0], id="clip at its lower end"),
        pytest.param(sd.clip(x, 0, 1), {x: 1}, [0], id="clip at its upper end"),
        pytest.param(sd.where(x > 0, sd.log(sd.where(x > 0, x, 1)), 0), {x: 0}, [0], id="a guarded choice"),
        pytest.param(sd.max(v), {v: [1, 1, 0]}, [[0.5, 0.5, 0]], id="max"),
        pytest.param(sd.min(v), {v: [1, 0, 0]}, [[0, 0.5, 0.5]], id="min"),
        pytest.param(sd.ptp(v), {v: [1, 1, 0]}, [[0.5, 0.5, -1]], id="ptp"),
        pytest.param(sd.norm(v, np.inf), {v: [1, -1, 0]}, [[0.5, -0.5, 0]], id="norm of order inf"),
        pytest.param(sd.norm(v), {v: [0, 0, 0]}, [[0, 0, 0]], id="norm"),
        pytest.param(sd.std(v), {v: [1, 1, 1]}, [[0, 0, 0]], id="std"),
        pytest.param(sd.maximum(x, 0) + sd.log1p(sd.exp(-abs(x))), {x: 0}, [0.5], id="softplus by its larger side"),
        pytest.param(sd.prod(v), {v: [0, 2, 3]}, [[6, 0, 0]], id="prod"),
        pytest.param(sd.sum(sd.cumprod(v)), {v: [0, 2, 3]}, [[1 + 2 + 6, 0, 0]], id="cumprod"),
        pytest.param(sd.sort(v)[0], {v: [3, 1, 2]}, [[0, 1, 0]], id="sort"),
    ],
)
def test_the_derivative_is_the_declared_one(e, at, declared):
    gradient = sd.lower(sd.grad(e, list(at)), list(at))
    found = gradient(*(np.asarray(value, dtype=float) for value in at.values()))
    for g, wanted in zip(found, declared, strict=True):
        np.testing.assert_array_equal(g, wanted)


@pytest.mark.parametrize(
    ("e", "at"),
    [(sd.sqrt(x), {x: 0}), (sd.cbrt(x), {x: 0}), (1 / sd.norm(v), {v: [0, 0, 0]}), (x * sd.log(x), {x: 0})],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_where_nothing_is_declared_no_finite_number_comes_out(e, at):
    gradient = sd.lower(sd.grad(e, list(at)), list(at))
    assert not np.isfinite(gradient(*(np.asarray(value, dtype=float) for value in at.values()))).any()


@pytest.mark.parametrize("name", sorted(set(DECLARED) - {"pow"}))
def test_what_a_function_declares_stands_beneath_its_derivative(name):
    u = [sd.var(f"u{k}", "n") for k in range(FUNCTIONS[name].arity)]
    moving = u[1] if name == "polygamma" else u[0]  # the order is no variable
    assert f"  at a corner: {TITLES.get(name, name)}: {DECLARED[name]}" in sd.derive(sd.sum(apply(name, *u)), moving).text(200)


@pytest.mark.parametrize(
    ("e", "wrt", "note"),
    [
        (x**y, y, "the derivative of 0 ** p in p is 0"),
        (sd.maximum(x, y), x, CHOICE_CONVENTION),
        (sd.minimum(x, 2), x, CHOICE_CONVENTION),
        (sd.clip(x, 0, 1), x, CHOICE_CONVENTION),
        (sd.max(v) + x, v, "at a tie it is shared equally"),
        (sd.norm(v) * x, v, "norm: 0 at the zero vector"),
        (sd.sum(sd.sign(v) * v), v, "0 everywhere"),
    ],
)
def test_choices_reductions_norms_and_flat_functions_say_theirs(e, wrt, note):
    assert note in sd.derive(e, wrt).text(200) and note in sd.derivation(e, wrt).text(400)
