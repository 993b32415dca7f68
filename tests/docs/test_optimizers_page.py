"""docs/optimizers.md is what the library prints now, and has every row of every table."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from symdiff.training import CLIPS, METHODS, PENALTIES, RATES, UPDATES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def text() -> str:
    return (ROOT / "docs" / "optimizers.md").read_text(encoding="utf-8")


def test_page_is_current(text):
    spec = importlib.util.spec_from_file_location("optimizers_page", ROOT / "docs" / "optimizers_page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.page() == text, "run python docs/optimizers_page.py"


def test_everything_is_on_it(text):
    headings = {line for line in text.splitlines() if line.startswith(("###", "**"))}
    wanted = {f"### {name}" for name in (*METHODS, *RATES, *PENALTIES)} | {f"### clip {name}" for name in CLIPS}
    assert wanted <= headings
    assert all(any(line.startswith(f"**{name}**") for line in headings) for name in UPDATES)


@pytest.mark.parametrize(
    "formula", ["w⁺ = w − η g\n", "m⁺ = β₁ m + (1 − β₁) g", "w⁺ = w − η (g + β u⁺)", "◂ W₂⁺ in place of W₂", "y⁺  = σ(W₂⁺ h + b₂)"]
)
def test_formulas_are_readable(text, formula):
    assert formula in text
