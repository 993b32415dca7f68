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


def on_a_terminal(*arguments: str, stream: str, **environment: str) -> str:
    """What `python cli.py` writes to stdout or stderr if that is a terminal of 100 columns."""
    kept = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    ours, theirs = os.openpty()
    other = "stderr" if stream == "stdout" else "stdout"
    running = subprocess.Popen(
        [sys.executable, "cli.py", *arguments],
        cwd=ROOT,
        env=kept | {"TERM": "xterm-256color", "COLUMNS": "100"} | environment,
        **{stream: theirs, other: subprocess.DEVNULL},
    )
    os.close(theirs)
    parts: list[bytes] = []
    try:
        while part := os.read(ours, 4096):
            parts.append(part)
    except OSError:  # what Linux says when the other end is closed
        pass
    os.close(ours)
    assert running.wait() == 0
    return b"".join(parts).decode().replace("\r\n", "\n")


def test_colour_is_for_terminals_only(process):
    """A terminal shows colour; with NO_COLOR, and without a terminal, there is the same text without it."""
    colour, plain = on_a_terminal("derive", stream="stdout"), on_a_terminal("derive", stream="stdout", NO_COLOR="1")
    assert "\x1b[" in colour and "\x1b[" not in plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", colour) == plain
    assert process("derive", COLUMNS="100").communicate()[0] == plain


def test_progress_is_live_on_a_terminal_and_off_it_nothing(process):
    shown = on_a_terminal("train", "xor", "--epochs", "20000", stream="stderr")
    assert "epochs/s" in shown and "loss 0.0" in shown
    assert on_a_terminal("train", "xor", "--epochs", "20000", "--quiet", stream="stderr") == ""
    out, err = process("train", "xor", "--epochs", "2000").communicate()
    assert err == "" and "epochs/s" in out


@pytest.mark.parametrize("arguments", [["derive"], ["derive", "--net", "xor", "--form", "inlined"], ["derive", "--style", "sympy"]])
def test_same_bytes_under_any_hash_seed(process, arguments):
    one, two = (process(*arguments, PYTHONHASHSEED=seed).communicate()[0] for seed in ("1", "2"))
    assert one == two and one
