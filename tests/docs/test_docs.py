"""What the pages show is what happens: every block of Python runs, every link leads somewhere, every command prints what stands there."""

from __future__ import annotations

import doctest
import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(page: Path, language: str) -> list[tuple[int, str]]:
    """The first line and the text of each block of a language."""
    text = page.read_text(encoding="utf-8")
    return [(text.count("\n", 0, m.start(2)) + 1, m.group(2)) for m in FENCE.finditer(text) if m.group(1) == language]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_python_blocks_run(page, tmp_path, monkeypatch):
    """The blocks of a page are one session, as a reader would type them from top to bottom."""
    monkeypatch.chdir(tmp_path)
    session: dict[str, object] = {"__name__": "__page__"}
    runner = doctest.DocTestRunner(verbose=False)
    for line, code in blocks(page, "python"):
        if ">>>" not in code:
            exec(compile("\n" * (line - 1) + code, str(page), "exec"), session)
            continue
        example = doctest.DocTestParser().get_doctest(code, session, name(page), str(page), line - 1)
        said: list[str] = []
        failed, _ = runner.run(example, out=said.append, clear_globs=False)
        session |= example.globs
        assert not failed, "".join(said)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", FENCE.sub("", text)):
        assert "://" not in target and (page.parent / target).exists(), f"{name(page)} links to {target}"


def refresher():
    spec = importlib.util.spec_from_file_location("refresh", ROOT / "docs" / "refresh.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_print_what_the_page_shows(page):
    text = page.read_text(encoding="utf-8")
    assert refresher().refreshed(text) == text, f"{name(page)} is out of date: run python docs/refresh.py"


def test_the_readme_never_installs_the_other_project():
    for page in PAGES:
        assert not re.search(r"install\s+(-\S+\s+)*['\"]?symdiff(?!-grad)\b", page.read_text(encoding="utf-8")), name(page)


def test_ci_installs_by_the_readmes_step():
    step = "-m pip install -e '.[test]'"
    assert step in (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(r"-m pip install .*-e '\.\[test\]'", (ROOT / ".ci" / "run").read_text(encoding="utf-8"))


def test_the_map_of_the_lowering_floor_has_every_file_once():
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    named = re.findall(r"`(\w+)`", text.split("## The way of a program")[1].split("| stage | files |")[1].split("\n\n")[0])
    files = [p.stem for p in (ROOT / "symdiff" / "lowering").glob("*.py") if p.stem != "__init__"]
    assert sorted(named) == sorted(files)
