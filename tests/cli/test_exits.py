"""Exit codes, closed pipes, a full disk, and a Python without the dependencies."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import symdiff as sd
from symdiff.errors import ClaimWrong, SymdiffError, Unsupported

ROOT = Path(__file__).parents[2]


def test_no_command_shows_the_help(symdiff):
    answer = symdiff()
    assert answer.code == 0 and "derive" in answer.out and "train" in answer.out


def test_unknown_command_has_its_near_miss(symdiff):
    answer = symdiff("deriv")
    assert answer.code == 2 and answer.err.count("\n") == 1
    assert "'deriv'" in answer.err and "derive" in answer.err


def test_version(symdiff):
    assert symdiff("--version").out == f"symdiff {sd.__version__}\n"


@pytest.mark.parametrize(
    ("error", "code"), [(SymdiffError, 2), (Unsupported, 3), (ClaimWrong, 1), (KeyboardInterrupt, 130), (BrokenPipeError, 0)]
)
def test_exit_code_of_an_error(monkeypatch, symdiff, error, code):
    import symdiff.cli.exits as exits
    from symdiff.cli import derive

    def fails(name: str) -> None:
        raise error("two\nlines")

    monkeypatch.setattr(derive, "find_net", fails)
    monkeypatch.setattr(exits, "silence_stdout", lambda: None)
    answer = symdiff("derive")
    assert answer.code == code
    assert answer.err == ("error: two lines\n" if issubclass(error, SymdiffError) else "")


@pytest.mark.parametrize("arguments", [["derive"], ["--help"], ["train", "mazur", "--epochs", "3", "--json"]])
def test_closed_pipe_is_quiet(process, arguments):
    running = process(*arguments)
    assert running.stdout is not None and running.stderr is not None
    running.stdout.close()
    with running.stderr:
        err = running.stderr.read()
    assert running.wait(timeout=30) == 0, err
    assert "Traceback" not in err and "Broken" not in err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_full_disk_is_one_line():
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "cli.py", "derive"], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert done.stderr == "error: stdout: No space left on device\n"


def test_python_without_the_dependencies():
    done = subprocess.run([sys.executable, "-S", "-E", "cli.py", "train", "xor"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "numpy" in done.stderr and "-m venv .venv && .venv/bin/pip install -e ." in done.stderr


def test_colour_is_for_terminals_only():
    """With a terminal there is colour, with NO_COLOR the same text without it."""
    texts = {}
    for name, extra in {"colour": {}, "plain": {"NO_COLOR": "1"}}.items():
        environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"TERM": "xterm-256color", "COLUMNS": "100"} | extra
        master, slave = os.openpty()
        done = subprocess.Popen([sys.executable, "cli.py", "derive"], cwd=ROOT, stdout=slave, env=environment)
        os.close(slave)
        parts = []
        while True:
            try:
                part = os.read(master, 4096)
            except OSError:
                break
            if not part:
                break
            parts.append(part)
        os.close(master)
        assert done.wait() == 0
        texts[name] = b"".join(parts).decode()
    assert "\x1b[" in texts["colour"] and "\x1b[" not in texts["plain"]
    assert re.sub(r"\x1b\[[0-9;]*m", "", texts["colour"]) == texts["plain"]
