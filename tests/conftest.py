"""Hypothesis draws the same examples in every run: a red test says that the code changed."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")
