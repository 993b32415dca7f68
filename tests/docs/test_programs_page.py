"""docs/programs.md shows what is generated now, and what it shows runs."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "programs_page.py"


def test_the_page_is_what_is_generated() -> None:
    spec = importlib.util.spec_from_file_location("programs_page", PAGE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    written = PAGE.with_name("programs.md").read_text(encoding="utf-8")
    assert written == module.page(), "run `python docs/programs_page.py`"
    programs = re.findall(r"```python\n(.*?)```", written, re.DOTALL)
    assert len(programs) == 9
    for source in programs:
        exec(compile(source, "<docs/programs.md>", "exec"), {})
        assert "symdiff" not in source and "einsum" not in source
