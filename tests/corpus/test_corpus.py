"""Every case of the corpus: the closed form is right, ours is equal to it, and as short as the textbook's."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import symdiff as sd
from symdiff.expr.leaves import var
from tests.corpus import numeric
from tests.corpus.cases import Case, Derived, all_cases, derive, read, reference
from tests.corpus.operations import operations, operations_with_names
from tests.reference import evaluate

CASES = all_cases()
LONGER = {"cp-decomposition"}  # cases that are known to be longer than the textbook's form
derived = cache(derive)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_derivative_is_right(case: Case) -> None:
    """Ours, raw and simplified, and the closed form against the numeric derivative, at two sizes."""
    ours: Derived = derived(case)
    for step in (0, 1):
        sizes = numeric.sizes_of(case.vars, step)
        values = numeric.sample(case.vars, case.domain, sizes, seed=step)
        env = {var(name, tuple(shape), case.domain.get(name, ())): values[name] for name, shape in case.vars.items()}
        expected = reference(case, values, sizes)
        loose = {"rtol": 1e-6, "atol": 1e-6} if case.kind == "hessian" else {"rtol": 1e-9, "atol": 1e-9}
        np.testing.assert_allclose(evaluate(ours.raw, env, sizes), expected, **loose)
        simplified = evaluate(ours.simplified, env, sizes)
        np.testing.assert_allclose(simplified, expected, **loose)
        if case.closed_form is not None:
            textbook = numeric.value(case.closed_form, case.let, values, sizes)
            np.testing.assert_allclose(simplified, textbook, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("case", [c for c in CASES if c.ops is not None], ids=str)
def test_operations_are_counted_by_the_rule(case: Case) -> None:
    assert case.closed_form is not None
    assert operations_with_names(case.closed_form, case.let) == case.ops
    assert operations(case.closed_form) == case.ops_formula


@pytest.mark.parametrize("case", CASES, ids=str)
def test_formula_is_as_short_as_the_textbook(case: Case) -> None:
    textbook = case.textbook_operations
    if textbook is not None and case.id not in LONGER:
        shown = derived(case).formula()
        assert derived(case).operations <= textbook, f"{shown.text} {shown.where}"


def test_few_formulas_are_longer() -> None:
    assert not any(case.id in LONGER for book in ("textbook", "identities") for case in read(book))
    assert len(LONGER) <= 0.05 * len(CASES)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_simplification_is_settled(case: Case) -> None:
    """A simplified formula is its own simplification, and is no larger than what it was made of."""
    ours = derived(case)
    assert sd.simplify(ours.simplified) is ours.simplified
    assert ours.operations <= sd.op_count(ours.raw)
