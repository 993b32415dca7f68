"""What is recorded while a Python function runs on traced arrays: the guards, which say what was asked of a value.

A branch, an int() or a length taken from the data fixes the path that the function took. The path is right again only where the
same questions have the same answers, so each question is kept as an expression with its answer.
"""

from __future__ import annotations

import itertools
import linecache
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from symdiff.expr.node import Expr

_tokens = itertools.count(1)
_running: ContextVar[tuple[Trace, ...]] = ContextVar("running", default=())
_OWN = str(Path(__file__).resolve().parents[1])
_LIBRARIES = tuple(str(Path(module.__file__).resolve().parent) for module in (np,) if module.__file__)


class Guard(NamedTuple):
    """A question asked of the data, and its answer: the traced program is right where `expr` has the value `answer`."""

    expr: Expr
    answer: Any

    def holds(self, value: Any) -> bool:
        """Whether the question has the same answer; nan equals nan."""
        if np.shape(value) != np.shape(self.answer):
            return False
        same = np.equal(value, self.answer)
        if np.asarray(self.answer).dtype.kind == "f":
            same = same | (np.isnan(value) & np.isnan(self.answer))
        return bool(np.all(same))


@dataclass(slots=True, eq=False, weakref_slot=True)
class Trace:
    """One run of a function: a token that its variables carry, its guards, how often each buffer of values was written to."""

    token: int = field(default_factory=lambda: next(_tokens))
    guards: dict[Expr, Guard] = field(default_factory=dict)
    writes: dict[int, int] = field(default_factory=dict)
    values: dict[Expr, Any] = field(default_factory=dict)  # of its variables

    def guard(self, expr: Expr, answer: Any) -> None:
        """Keep a question and its answer; a question asked twice is kept once."""
        if expr.operands or type(expr).__name__ == "Var":
            self.guards.setdefault(expr, Guard(expr, answer))


@contextmanager
def running(trace: Trace) -> Iterator[None]:
    """The trace is the innermost one while the block runs."""
    reset = _running.set((*_running.get(), trace))
    try:
        yield
    finally:
        _running.reset(reset)


def traces_running() -> tuple[Trace, ...]:
    """The traces that are under way, outermost first."""
    return _running.get()


def user_line() -> str:
    """The line of the user's code that is being run, as ' (file.py, line 3: y[i] = x[i])'; empty if there is none."""
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith((_OWN, *_LIBRARIES)) and not name.startswith("<frozen"):
            text = linecache.getline(name, frame.f_lineno).strip()
            text = text if len(text) <= 80 else f"{text[:77]}..."
            return f" ({Path(name).name}, line {frame.f_lineno}{': ' + text if text else ''})"
        if frame.f_back is None:
            break
        frame = frame.f_back
    return ""
