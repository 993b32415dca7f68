"""Ctrl-C in compiled trainings: bursts are as long as a moment, other threads run meanwhile, and a real signal ends a real process soon."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symdiff as sd
from symdiff.training import bursts, find_net, train, xor
from symdiff.training.checkpoints import checkpoints_in, load
from symdiff.training.compiled import CompiledSteps
from symdiff.training.data import Dataset, fitted

pytest.importorskip("numba")
ROOT = Path(__file__).parents[2]
SOON = 30.0  # seconds that nothing may take, however busy the machine is: without bursts it would be hours


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYMDIFF_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


# --- how long a burst is ----------------------------------------------------------------------------------------------
@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int], float]], list[float]]:
    """clock(seconds_of) makes update number k take seconds_of(k) by the clock that bursts look at; the list is how long each burst took."""

    def start(seconds_of: Callable[[int], float]) -> list[float]:
        took: list[float] = []
        now, done = 0.0, 0

        def run(self: CompiledSteps, state: Any, updates: int, data: Any = None, whole: Any = CompiledSteps.run) -> Any:
            nonlocal now, done
            took.append(sum(seconds_of(done + k) for k in range(updates)))
            now, done = now + took[-1], done + updates
            return whole(self, state, updates, data)

        monkeypatch.setattr(bursts, "perf_counter", lambda: now)
        monkeypatch.setattr(CompiledSteps, "run", run)
        return took

    return start


RNG = np.random.default_rng(0)
ROWS = fitted(find_net("mlp:2-3-1:tanh:mse"), Dataset("some rows", RNG.normal(size=(2000, 2)), RNG.normal(size=2000)))
KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "whole epochs": (xor(), {"epochs": 2000}),
    "checkpoints": (xor(), {"epochs": 2000, "every": 700}),
    "heard": (xor(), {"epochs": 300, "callbacks": [lambda end: False]}),
    "batches": (ROWS, {"epochs": 2, "batch": 2}),
}


@pytest.mark.parametrize("cost", [1e-6, 2.0])
@pytest.mark.parametrize("kind", KINDS)
def test_a_burst_takes_a_moment_or_is_one_update(kind: str, cost: float, clock: Any, tmp_path: Path) -> None:
    net, options = KINDS[kind]
    if "every" in options:
        pytest.importorskip("safetensors")
        options = {**options, "checkpoint": tmp_path / "run"}
    took = clock(lambda k: cost)
    training = train(net, backend="numba", **options)
    assert sum(took) == pytest.approx(cost * training.updates)
    assert max(took) <= max(bursts.MOMENT, cost) * (1 + 1e-9)
    if cost == 1e-6 and kind == "whole epochs":
        assert len(took) <= 6  # as long as may be, soon
    if cost == 2.0:
        assert len(took) == training.updates


def test_a_training_that_gets_slower_gets_shorter_bursts(clock: Any) -> None:
    took = clock(lambda k: 1e-4 if k < 3000 else 1e-2)
    train(xor(), epochs=4500, backend="numba")
    surprised = next(k for k, t in enumerate(took) if t > 0.11)
    assert took[surprised] < 10 and max(took[surprised + 2 :]) <= bursts.MOMENT * (1 + 1e-9)


def test_bursts_of_any_length_train_to_the_same_bits(clock: Any) -> None:
    for net, options in (KINDS["whole epochs"], KINDS["batches"]):
        whole = train(net, backend="numba", **options)
        clock(lambda k: 0.013)
        parts = train(net, backend="numba", **options)
        assert parts.losses == whole.losses
        for v, a in whole.weights.items():
            np.testing.assert_array_equal(parts.weights[v], a)


# --- the interpreter's lock -------------------------------------------------------------------------------------------
def ticks_during(work: Callable[[], object]) -> tuple[float, int]:
    """How long the work took in seconds, and how often another thread woke up meanwhile, which it wants to every 5 ms."""
    ticks: list[float] = []
    over = threading.Event()

    def tick() -> None:
        while not over.wait(0.005):
            ticks.append(time.monotonic())

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        began = time.monotonic()
        work()
        ended = time.monotonic()
    finally:
        over.set()
        thread.join()
    return ended - began, sum(began < t < ended for t in ticks)


def slow(x: Any) -> Any:
    for _ in range(20):
        x = sd.sin(x)
    return x


def test_one_burst_lets_other_threads_run() -> None:
    """One call of machine code, of half a second or more: a thread that needs the lock at every turn goes on beside it."""
    x = sd.var("x")
    loop = sd.lowering.compiled_loop.lower_loop([x], {x: slow(x) + 1}, [x])
    steps = 1000
    while True:
        took, ticks = ticks_during(partial(loop.run, [np.array(1.0)], steps))
        if took > 0.5:
            break
        steps *= 4
    assert ticks >= 10, f"{ticks} in {took:.2f} s"


def test_one_call_lets_other_threads_run() -> None:
    x = sd.var("x", "n")
    f = sd.lower(sd.sum(slow(x)), [x], backend="numba")
    f(np.ones(3))
    size = 1000
    while True:
        took, ticks = ticks_during(partial(f, np.ones(size)))
        if took > 0.5:
            break
        size *= 4
    assert ticks >= 10, f"{ticks} in {took:.2f} s"


# --- signals ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "options", [{}, {"batch": 3}, {"on_epoch": lambda epoch, loss: None}, {"callbacks": [lambda end: False]}], ids=["whole", "batches", "heard", "callbacks"]
)  # fmt: skip
def test_a_signal_ends_a_training_soon(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[float] = []

    def send() -> None:
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(0.2, send)

    def run(self: CompiledSteps, *args: Any, whole: Any = CompiledSteps.run) -> Any:
        if timer.ident is None:  # the training has begun
            timer.start()
        return whole(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(CompiledSteps, "run", run)
        training = train(xor(), epochs=10**9, backend="numba", **options)
    timer.join()
    assert time.monotonic() - sent[0] < SOON
    assert training.ending == "interrupted" and 0 < training.epochs == len(training.losses)
    again = train(xor(), epochs=training.epochs, backend="numba", **{k: v for k, v in options.items() if k == "batch"})
    assert again.losses == training.losses
    if training.updates == again.updates:
        for v, a in again.weights.items():
            np.testing.assert_array_equal(training.weights[v], a)


def interrupted(*options: str, when: Callable[[], bool]) -> tuple[int, str, str, float]:
    """`python cli.py train xor --backend numba` for hours, with a Ctrl-C as soon as `when` says: its exit code, what it wrote, how long
    after the signal it was gone."""
    command = [sys.executable, "cli.py", "train", "xor", "--backend", "numba", "--epochs", "100000000000", *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + 60
        while not when() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, out, err, time.monotonic() - sent


def test_a_process_stops_and_leaves_the_checkpoint_that_it_names(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    folder = tmp_path / "run"
    code, out, err, took = interrupted(
        "--checkpoint", str(folder), "--every", "5000", when=lambda: len(checkpoints_in(folder)) > 1
    )  # fmt: skip
    assert (code, err) == (130, "") and took < SOON
    done = int(re.search(r"stopped by Ctrl-C after ([\d,]+) epochs", out)[1].replace(",", ""))  # type: ignore[index]
    newest = checkpoints_in(folder)[0]
    assert newest.name == f"checkpoint-{done:012d}.json" and newest.name in out
    assert load(folder).record["epoch"] == done >= 10000
    command = ["train", "--resume", str(folder), "--epochs", str(done + 5), "--json"]
    again = subprocess.run([sys.executable, "cli.py", *command], cwd=ROOT, capture_output=True, text=True, check=True)
    resumed = json.loads(again.stdout)
    assert resumed["epochs"] == done + 5 == len(resumed["history"]["loss"])


def test_a_process_without_checkpoints_says_how_far_it_came() -> None:
    began = time.monotonic()
    code, out, err, took = interrupted("--quiet", when=lambda: time.monotonic() - began > 4)
    assert (code, err) == (130, "") and took < SOON
    if out:  # the loop had begun
        assert re.fullmatch(r"xor: loss .* stopped by Ctrl-C after [\d,]+ epochs?\n", out)
