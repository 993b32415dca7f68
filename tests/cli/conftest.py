"""Run the command line in this process, or in one of its own where signals, pipes or the environment matter."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from symdiff.cli.app import app
from symdiff.cli.exits import run

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@pytest.fixture
def symdiff(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """symdiff('derive', '--net', 'mazur', columns=80) -> its exit code, stdout and stderr."""

    def call(*arguments: str, columns: int = 100) -> Answer:
        monkeypatch.setenv("COLUMNS", str(columns))
        capsys.readouterr()
        code = run(app, arguments)
        captured = capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    return call


@pytest.fixture
def process() -> Callable[..., subprocess.Popen[str]]:
    """process('train', 'xor') starts `python cli.py train xor` in the clone."""

    def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "cli.py", *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start
