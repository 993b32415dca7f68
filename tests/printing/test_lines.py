"""Formulas within the width of a terminal."""

from __future__ import annotations

import pytest

from symdiff.printing.formula import Formula
from symdiff.printing.lines import broken

LONG = "alpha · beta + gamma ⊙ (delta + epsilon) − zeta(eta, theta) + iota"


@pytest.mark.parametrize("width", (80, 60, 40, 30, 20))
def test_broken_text_keeps_its_words_and_the_width(width: int) -> None:
    lines = broken(LONG, width, 4)
    assert " ".join(line.strip() for line in lines) == LONG
    assert all(len(line) <= width for line in lines)
    assert all(line.startswith("    ") for line in lines[1:])


def test_breaks_before_a_sum_outside_brackets_first() -> None:
    assert broken(LONG, 60, 2) == ["alpha · beta + gamma ⊙ (delta + epsilon) − zeta(eta, theta)", "  + iota"]
    assert broken(LONG, 42, 2) == ["alpha · beta + gamma ⊙ (delta + epsilon)", "  − zeta(eta, theta) + iota"]


def test_a_word_that_is_too_long_stays_whole() -> None:
    assert broken("x" * 50, 20, 4) == ["x" * 50]


def test_where_list_is_aligned_under_its_formula() -> None:
    formula = Formula("δ₁ xᵀ", (("δ₂", "(y − t) ⊙ y ⊙ (1 − y)"), ("h", "σ(W₁ x)")))
    assert formula.lines(100, "∂E/∂W₁ = ") == ["∂E/∂W₁ = δ₁ xᵀ", "  where  δ₂ = (y − t) ⊙ y ⊙ (1 − y)", "         h  = σ(W₁ x)"]


def test_long_where_lists_say_what_is_left_out() -> None:
    formula = Formula("p9", tuple((f"p{k}", "x") for k in range(9)))
    assert formula.lines(most=3)[-1].strip() == "… and 6 more parts"
    assert len(formula.lines(most=3)) == 5
