"""The corpus's closed forms, built as expressions, print in the python style with the textbook's value and at most its operations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symdiff.printing.formula import count_operations, format_formula, op_count
from tests.printing.printed import assert_prints_its_value, corpus, read_case, sample

TEXTBOOK, IDENTITIES = corpus("textbook"), corpus("identities")


@pytest.mark.parametrize("case", TEXTBOOK + IDENTITIES, ids=lambda c: c["id"])
def test_closed_form_prints_its_value(case: dict[str, Any]) -> None:
    e, variables = read_case(case)
    for first in (2, 4):
        sizes = {d: first + k for k, d in enumerate(sorted({d for dims in case["vars"].values() for d in dims}))}
        rng = np.random.default_rng(first)
        assert_prints_its_value(e, {v: sample(v, sizes, rng) for v in variables}, sizes)


@pytest.mark.parametrize("case", TEXTBOOK + IDENTITIES, ids=lambda c: c["id"])
def test_closed_form_prints_with_the_textbooks_operations(case: dict[str, Any]) -> None:
    e, _ = read_case(case)
    book = case.get("ops", count_operations(case["closed_form"]) + sum(map(count_operations, case["let"].values())))
    assert op_count(e) <= book, format_formula(e, "python")


@pytest.mark.parametrize("case", TEXTBOOK, ids=lambda c: c["id"])
def test_our_count_of_a_textbook_form_is_the_corpus_count(case: dict[str, Any]) -> None:
    assert count_operations(case["closed_form"]) + sum(map(count_operations, case["let"].values())) == case["ops"]
