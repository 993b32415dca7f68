"""The page of conventions and the tables say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from symdiff.rules.elementwise import CHOICES, DERIVATIVES

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
