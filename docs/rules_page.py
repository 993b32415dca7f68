"""Writes docs/rules.md, the rule book, by applying every rule of the library to symbols: `python docs/rules_page.py`."""

from __future__ import annotations

from pathlib import Path

from symdiff.api.rulebook import book

PAGE = Path(__file__).with_name("rules.md")

if __name__ == "__main__":
    PAGE.write_text(book(), encoding="utf-8")
