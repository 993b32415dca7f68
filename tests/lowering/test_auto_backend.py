"""`backend='auto'` on either side of the number of calls from which compiling pays: what is chosen, by the estimates that it is chosen by."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, floor, inf
from typing import Any

import numpy as np
import pytest

import symdiff as sd
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.lowering import lowered_compiled, numba_cost
from symdiff.lowering.compiled_loop import CompiledLoop
from symdiff.lowering.lowered_compiled import Compiled
from symdiff.lowering.numba_cost import SURE, compile_seconds, compiled_call_seconds, numpy_seconds
from symdiff.training import bursts, find_net, mazur, train, training_step
from symdiff.training.batches import batches_of
from symdiff.training.data import Dataset, fitted

pytest.importorskip("numba")

X, w, y = sd.var("X", ("n", "d")), sd.var("w", "d"), sd.var("y", "n")
LOSS = sd.sum((X @ w - y) ** 2)
PROGRAMS: dict[str, tuple[list[Expr], list[Var], dict[str, int]]] = {
    "a few rows": ([LOSS, sd.grad(LOSS, w)], [X, w, y], {"n": 20, "d": 4}),
    "more rows": ([LOSS, sd.grad(LOSS, w)], [X, w, y], {"n": 50, "d": 6}),
    "elementwise": ([sd.sum(sd.sin(y) * y + sd.sqrt(1 + y * y))], [y], {"n": 10}),
}


@pytest.fixture(autouse=True)
def nothing_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """To choose takes no compiling, and none is known from before."""

    def load(source: str) -> Any:
        raise AssertionError("compiled before it is called")

    monkeypatch.setattr(lowered_compiled, "load", load)
    monkeypatch.setattr(numba_cost, "is_compiled", lambda source: False)
    monkeypatch.setattr(CompiledLoop, "compile", lambda self: None)


def calls_that_pay(plain: float, compiled: float, compiling: float) -> float:
    """From how many calls on compiled code takes 1 / SURE of the time of NumPy, compiling included; inf if never."""
    return compiling / (plain / SURE - compiled) if plain > SURE * compiled else inf


def estimates(outputs: list[Expr], inputs: list[Var], sizes: dict[str, int]) -> tuple[float, float, float]:
    compiled = sd.lower(outputs, inputs, sizes=sizes, backend="numba")
    return numpy_seconds(compiled.program, sizes), compiled_call_seconds(compiled.program, sizes), compile_seconds(compiled.source)


def is_compiled(calls: float, outputs: list[Expr], inputs: list[Var], sizes: dict[str, int]) -> bool:
    return isinstance(sd.lower(outputs, inputs, sizes=sizes, backend="auto", calls=calls), Compiled)


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_calls_just_below_and_above(program: tuple[list[Expr], list[Var], dict[str, int]]) -> None:
    limit = calls_that_pay(*estimates(*program))
    assert 1000 < limit < inf
    assert [is_compiled(calls, *program) for calls in (floor(limit), ceil(limit) + 1)] == [False, True]
    assert [is_compiled(calls, *program) for calls in (1, limit / 2, limit * 2, 1e300)] == [False, False, True, True]


def test_what_is_compiled_already_pays_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    program = PROGRAMS["a few rows"]
    anew = calls_that_pay(*estimates(*program))
    monkeypatch.setattr(numba_cost, "is_compiled", lambda source: True)
    known = calls_that_pay(*estimates(*program))
    assert known < anew / 2
    assert [is_compiled(calls, *program) for calls in (floor(known), ceil(known) + 1)] == [False, True]


def test_where_loops_are_never_faster_no_number_of_calls_is_enough() -> None:
    """A product of large matrices is no faster in loops, however often it is called; what tiny ones take is the call."""
    A, B = sd.var("A", ("n", "n")), sd.var("B", ("n", "n"))
    large, small = ([A @ B + A], [A, B], {"n": 500}), ([sd.sum(sd.sqrt(1 + (A + B) ** 2) / (2 + A * A))], [A, B], {"n": 6})
    assert calls_that_pay(*estimates(*large)) == inf and not is_compiled(1e300, *large)
    assert is_compiled(1e300, *small)


def test_without_calls_it_is_numpy() -> None:
    outputs, inputs, sizes = PROGRAMS["a few rows"]
    for calls in (None, 0, 1):
        assert not isinstance(sd.lower(outputs, inputs, sizes=sizes, backend="auto", calls=calls), Compiled)


def test_the_choice_computes_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("SYMDIFF_CACHE_DIR", str(tmp_path))
    outputs, inputs, sizes = PROGRAMS["a few rows"]
    rng = np.random.default_rng(0)
    arguments = [rng.normal(size=tuple(sizes[str(d)] for d in v.shape)) for v in inputs]
    plain, compiled = (sd.lower(outputs, inputs, sizes=sizes, backend="auto", calls=calls) for calls in (10, 1e12))
    assert isinstance(compiled, Compiled) and not isinstance(plain, Compiled)
    for a, b in zip(compiled(*arguments), plain(*arguments), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


# --- training ---------------------------------------------------------------------------------------------------------
def chosen(net: Any, epochs: int, batch: int | None = None) -> Any:
    settings = replace(train(net, epochs=1, batch=batch).settings, epochs=epochs)
    return bursts.choose_steps("auto", training_step(net), net, batches_of(net, batch, 0, np.float64), settings)


def seconds(net: Any, rows: int, batch: int | None = None) -> tuple[float, float, float]:
    settings = train(net, epochs=1, batch=batch).settings
    steps = bursts.choose_steps("numba", training_step(net), net, batches_of(net, batch, 0, np.float64), settings)
    assert steps is not None
    return steps.loop.seconds({"n": rows})  # type: ignore[no-any-return]


def test_epochs_just_below_and_above() -> None:
    limit = calls_that_pay(*seconds(mazur(), 1))
    assert [chosen(mazur(), n) is not None for n in (floor(limit), ceil(limit) + 1)] == [False, True]


def test_every_update_of_an_epoch_counts() -> None:
    rng = np.random.default_rng(0)
    net = fitted(find_net("mlp:2-3-1:tanh:mse"), Dataset("some rows", rng.normal(size=(24, 2)), rng.normal(size=24)))
    limit = calls_that_pay(*seconds(net, 4, 4)) / 6  # epochs of six updates
    assert [chosen(net, n, 4) is not None for n in (floor(limit), ceil(limit) + 1)] == [False, True]
