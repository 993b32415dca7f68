"""A call of a lowered function runs its program and nothing else: no walk over expressions, and no new memory where results are reused."""

from __future__ import annotations

import sys
import tracemalloc
from typing import Any

import numpy as np
import pytest

import symdiff as sd
from tests.benchmarks import losses, ours, suite

RNG = np.random.default_rng(11)
X, w, y = sd.var("X", ("n", "d")), sd.var("w", "d"), sd.var("y", "n")
LOGISTIC = losses.logistic(ours.XP, X, y, w)
PARTS = [LOGISTIC, sd.grad(LOGISTIC, w)]
GIVEN = {"X": RNG.normal(size=(40, 30)), "w": RNG.normal(size=30), "y": (RNG.random(40) > 0.5) * 1.0}
TINY = {"X": GIVEN["X"][:2, :2], "w": GIVEN["w"][:2], "y": GIVEN["y"][:2]}
SINGLE = {name: value.astype(np.float32) for name, value in GIVEN.items()}


def modules_run(function: Any, *arguments: Any, **named: Any) -> list[str]:
    """The module of each Python function that a call runs, in order; generated ones have none of ours."""
    found: list[str] = []

    def frame_of(frame: Any, event: str, argument: Any) -> None:
        if event == "call":
            found.append(frame.f_globals.get("__name__", frame.f_code.co_filename))

    sys.setprofile(frame_of)
    try:
        function(*arguments, **named)
    finally:
        sys.setprofile(None)
    return found


FUNCTIONS = {
    "as it is": {},
    "sizes": {"sizes": {"n": 40, "d": 30}},
    "sizes, fast": {"sizes": {"n": 40, "d": 30}, "fast": True},
    "slow": {"fast": False},
    "buffers reused": {"reuse_buffers": True},
    "fast_math": {"fast_math": True},
}


@pytest.mark.parametrize("given", [GIVEN, TINY, SINGLE], ids=["float64", "floats", "float32"])
@pytest.mark.parametrize("options", FUNCTIONS.values(), ids=FUNCTIONS)
def test_the_second_call_runs_generated_code_alone(options, given):
    f = sd.lower(PARTS, [X, w, y], **options)
    arguments = [given[name] for name in ("X", "w", "y")]
    f(*arguments)
    assert [m for m in modules_run(f, *arguments) if m.startswith("symdiff")] == []


def test_a_function_with_constants_runs_generated_code_alone():
    f = sd.lower(PARTS, [w], constants={X: GIVEN["X"], y: GIVEN["y"]})
    f(GIVEN["w"])
    assert [m for m in modules_run(f, GIVEN["w"]) if m.startswith("symdiff")] == []


def test_a_training_step_on_floats_is_one_function():
    run = next(w for w in suite.workloads() if w.name == "xor-step").makers["symdiff arrays"]()
    run.call()
    assert modules_run(run.function, *run.arguments) == ["<symdiff call of f>"]


@pytest.mark.parametrize(
    "given", [[[1, 2], [3, 4], [5, 6]], np.asfortranarray(GIVEN["X"]), GIVEN["X"].astype(np.int32)], ids=["list", "columns", "int"]
)
def test_arguments_of_other_kinds_are_converted_without_a_walk(given):
    f = sd.lower(sd.grad(sd.sum(X * X), X), [X])
    f(given)
    above = ("symdiff.expr", "symdiff.rewrite", "symdiff.calculus", "symdiff.api", "symdiff.rules", "symdiff.grad")
    run = modules_run(f, X=given)
    assert "symdiff.lowering.binding" in run
    assert {m for m in run if m.startswith(above)} <= {"symdiff.expr.dims"}  # sizes alone


# --- memory ---------------------------------------------------------------------------------------------------------
def peak(function: Any, *arguments: Any) -> int:
    """Bytes that a call takes at most, above what is held before it."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        function(*arguments)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def planned(f: Any) -> int:
    """Bytes of the arrays that one call computes in."""
    (program,) = f._special.values()
    memory = program.run.__globals__["memory"]
    results, _ = next(memory.turns)
    next(memory.turns)
    return sum(a.nbytes for a in (*memory.arrays, *results))


def long_logistic() -> ours.Called:
    given = [RNG.normal(size=(5_000, 20)), np.ones(5_000), RNG.normal(size=20)]
    return ours.Called(lambda: None, function=sd.lower(PARTS, [X, y, w], reuse_buffers=True), arguments=given)


RUNS = {
    "vectors": long_logistic,
    "a wave": lambda: ours.wave([RNG.normal(size=9_000), 0.7, 0.2, 1.3], reuse_buffers=True),
    "a net": lambda: next(w for w in suite.workloads() if w.name == "mlp-784-float64").makers["symdiff, buffers reused"](),
    "a block-diagonal Hessian": lambda: ours.factorisation_hessian(
        [RNG.normal(size=s) for s in ((50, 50), (50, 5), (50, 5))], reuse_buffers=True
    ),
}


@pytest.mark.parametrize("make", RUNS.values(), ids=RUNS)
def test_reused_results_take_no_new_memory(make):
    """But for what NumPy's ufuncs take to stretch a row over a matrix, and small rows that are turned."""
    run = make()
    run.function(*run.arguments)
    run.function(*run.arguments)
    taken, size = peak(run.function, *run.arguments), planned(run.function)
    assert size > 100_000 and taken < size / 12


def test_a_program_in_blocks_takes_its_result_alone():
    """Blocks have memory that is planned; the long result is fresh."""
    run = ours.wave([RNG.normal(size=100_000), 0.7, 0.2, 1.3])
    run.function(*run.arguments)
    run.function(*run.arguments)
    assert 800_000 < peak(run.function, *run.arguments) < 810_000
