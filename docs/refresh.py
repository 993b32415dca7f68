"""Puts the real output under every command in the pages: `python docs/refresh.py` rewrites them, with --check it only compares.

A block fenced as `console` holds `$ python ...` lines, each followed by what it prints in a terminal of 100 columns without colour.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.DOTALL | re.MULTILINE)
ENVIRONMENT = {"COLUMNS": "100", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}


def output_of(command: str) -> str:
    """What a `python ...` command prints, run in the clone by this very Python."""
    words = shlex.split(command)
    if words[0] != "python":
        raise SystemExit(f"only python commands are run, not {command!r}")
    done = subprocess.run([sys.executable, *words[1:]], cwd=ROOT, env=os.environ | ENVIRONMENT, capture_output=True, encoding="utf-8")
    if done.returncode:
        raise SystemExit(f"{command} exited with {done.returncode}:\n{done.stderr}")
    return "\n".join(line.rstrip() for line in done.stdout.splitlines()).strip("\n")


def refreshed(text: str) -> str:
    """A page with the output of its commands as it is today."""

    def run(block: re.Match[str]) -> str:
        commands = [line[2:] for line in block.group().splitlines() if line.startswith("$ ")]
        return "\n".join(f"$ {command}\n\n{output_of(command)}\n" for command in commands)

    return BLOCK.sub(run, text)


def main() -> int:
    stale = []
    for page in PAGES:
        old = page.read_text(encoding="utf-8")
        new = refreshed(old)
        if new != old:
            stale.append(page.relative_to(ROOT))
            if "--check" not in sys.argv[1:]:
                page.write_text(new, encoding="utf-8")
    for page in stale:
        print(f"{page}: {'is out of date' if '--check' in sys.argv[1:] else 'rewritten'}")
    return int(bool(stale) and "--check" in sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
