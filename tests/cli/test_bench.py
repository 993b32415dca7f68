"""`bench` on the command line: what is refused before anything is timed."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("rounds", ["0", "-1"])
def test_rounds_are_at_least_one(symdiff, rounds):
    answer = symdiff("bench", "--rounds", rounds)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == f"error: --rounds: {rounds} is given, a whole number from 1 on is wanted\n"
