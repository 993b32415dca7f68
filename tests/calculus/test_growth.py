"""Deriving, simplifying and lowering take work that grows as the expression does, and memory for an object a node.

Counts of calls, not seconds: they are the same in every run, and a walk that is quadratic shows in them.
"""

from __future__ import annotations

import cProfile
import subprocess
import sys
from collections.abc import Callable
from math import log10
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import symdiff as sd
from tests.benchmarks.ours import chained

STEEPEST = 1.1  # calls grow as N^1.1 at most
KILOBYTES = 500_000  # for 100,000 steps and their gradient


def calls(function: Callable[[], Any]) -> int:
    """How many functions, of Python and of C, a call calls."""
    profile = cProfile.Profile()
    profile.runcall(function)
    return sum(entry.callcount for entry in profile.getstats())


def deriving(steps: int) -> Callable[[], Any]:
    return lambda: sd.grad(*chained(steps))


def simplifying(steps: int) -> Callable[[], Any]:
    slope = sd.grad(*chained(steps))
    return lambda: sd.simplify(slope)


def lowering(steps: int) -> Callable[[], Any]:
    y, x = chained(steps)
    slope = sd.grad(y, x)
    return lambda: sd.lower([y, slope], [x])


@pytest.mark.parametrize(
    ("work", "steps"),
    [
        (deriving, 1_000),
        pytest.param(simplifying, 1_000, marks=pytest.mark.slow),
        pytest.param(lowering, 500, marks=pytest.mark.slow),
    ],  # shorter chains are given more effort than in proportion
)
def test_work_grows_as_the_steps_do(work, steps):
    """From N to 10 N steps x -> sin(x) x + c, after a first chain that fills tables and imports."""
    work(10)()
    few, many = calls(work(steps)), calls(work(10 * steps))
    assert log10(many / few) <= STEEPEST, f"{few} calls for {steps} steps, {many} for {10 * steps}"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs the peak of memory as Linux tells it")
def test_a_long_chain_and_its_gradient_fit_in_memory():
    """Above the peak of importing alone. What `resource` calls the peak may be that of the process that started this one."""
    code = """
        from pathlib import Path
        import symdiff as sd
        from tests.benchmarks.ours import chained

        def peak():
            return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))

        before = peak()
        slope = sd.grad(*chained(100_000))
        print(peak() - before)
    """
    done = subprocess.run([sys.executable, "-c", dedent(code)], cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 10_000 < int(done.stdout) < KILOBYTES
