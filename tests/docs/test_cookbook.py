"""The page of matrix derivatives is current, complete and right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from symdiff.calculus import jvp
from symdiff.expr.dims import dim_value
from symdiff.expr.leaves import var
from symdiff.expr.traverse import size_names, variables
from symdiff.report.cookbook import CASES, Case, derived, page
from tests.reference import evaluate

ALL = [case for _, cases in CASES for case in cases]


def test_the_page_is_current() -> None:
    assert Path(__file__).parents[2].joinpath("docs/cookbook.md").read_text(encoding="utf-8") == page()


def test_the_page_covers_the_chapter() -> None:
    assert len({case.number for case in ALL}) >= 60


@pytest.mark.parametrize("case", ALL, ids=lambda c: f"{c.number} {c.text}")
def test_the_derivative_is_that_of_the_function(case: Case) -> None:
    e, wrt, derivative = derived(case)
    names = sorted(size_names(e, derivative) | {d for v in variables(e) for d in v.shape})
    sizes = {n: 2 + k for k, n in enumerate(names)}
    rng = np.random.default_rng(3)
    env = {}
    for v in variables(e):
        shape = tuple(dim_value(d, sizes) for d in v.shape)
        value = rng.normal(size=shape)
        if len(shape) == 2 and shape[0] == shape[1]:
            value = value + 3 * np.eye(shape[0])
        env[v] = value + value.T if "symmetric" in v.assumptions else value
    t = var("t", wrt.shape)
    env[t] = rng.normal(size=env[wrt].shape)
    first = jvp(e, [wrt], [t])
    expected = evaluate(first if case.kind != "hessian" else jvp(first, [wrt], [t]), env, sizes)
    found = evaluate(derivative, env, sizes)
    rank = env[t].ndim
    for _ in range(2 if case.kind == "hessian" else 1):
        found = np.tensordot(found, env[t], axes=rank)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-9)
