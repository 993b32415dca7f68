"""Run by test_checkpoints.py in a process of its own: train, be killed, go on, and compare with the training that nobody killed.

Every kill is a child of this process (os.fork), so that what is imported is there at once. Half of the children kill themselves at a
line of checkpoints.py, also in the middle of a write; the others are killed from outside after a time. What is left is taken up again.
Prints one line of JSON: how many were killed, where, and whether everything agreed.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np

from symdiff.training import checkpoints, loop
from symdiff.training.checkpoints import checkpoints_in, load
from symdiff.training.data import Dataset, fitted, split
from symdiff.training.evaluation import Evaluator
from symdiff.training.loop import Training, train
from symdiff.training.net import Net
from symdiff.training.nets import find_net

EPOCHS = 24


def made() -> tuple[Net, Dataset]:
    """A net on its rows, and those for validation."""
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(90, 3))
    parts = split(Dataset("made", inputs, (inputs.sum(axis=1) > 0).astype(float)), validation=0.2)
    assert parts.validation is not None
    return fitted(find_net("mlp:3-8-2:tanh:softmax-ce", dropout=0.2), parts.train), parts.validation


NET, VALIDATION = made()


def training(folder: Path, resume: bool) -> Training:
    return train(
        NET, epochs=EPOCHS, batch=16, seed=1, optimizer="adam", learning_rate=0.02, rate_schedule="plateau:patience=5", validation=VALIDATION,
        patience=20, checkpoint=folder, every=2, resume=folder if resume else None,
    )  # fmt: skip


def outcome(result: Training) -> tuple[object, ...]:
    arrays = [*result.weights.values(), *result.state.values()]
    return (*(a.tobytes() for a in arrays), result.history.columns(), result.epochs, result.updates, result.best_epoch, result.ending)


def in_a_child(folder: Path, resume: bool, line: int | None, after: float | None) -> str:
    """Train in a child that is killed at the `line`-th line of checkpoints.py, or from outside after so many seconds; what became of it."""
    child = os.fork()
    if child == 0:
        seen = 0

        def trace(frame, event, argument):  # type: ignore[no-untyped-def]
            nonlocal seen
            if frame.f_code.co_filename != checkpoints.__file__:
                return None
            if event == "line":
                seen += 1
                if seen == line:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        if line is not None:
            sys.settrace(trace)
        try:
            training(folder, resume)
            os._exit(0)
        except BaseException:
            os._exit(1)
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return "killed" if os.WIFSIGNALED(status) else "done" if os.waitstatus_to_exitcode(status) == 0 else "failed"


def main(base: Path) -> None:
    # Written once, here: the children have to train, not to lower.
    step, evaluator = loop.training_step(NET, optimizer="adam", rate_schedule="plateau:patience=5"), Evaluator(NET)
    loop.training_step = lambda net, **choices: step  # type: ignore[assignment]
    loop.Evaluator = lambda net: evaluator  # type: ignore[assignment,misc]
    began = time.perf_counter()
    expected = outcome(training(base / "whole", False))
    usual = time.perf_counter() - began
    choose = random.Random(7)
    points = [(line, None) for line in (*range(2, 40, 7), *choose.sample(range(40, 400), 18))]
    points += [(None, usual * choose.uniform(0.1, 0.9)) for _ in range(8)]
    killed, wrong, resumed = 0, [], 0
    for k, (line, after) in enumerate(points):
        folder = base / f"run{k}"
        killed += in_a_child(folder, False, line, after) == "killed"
        if k % 3 == 0 and checkpoints_in(folder):  # and once more, while it goes on
            killed += in_a_child(folder, True, line, None if after is None else after / 2) == "killed"
        left = checkpoints_in(folder)
        for path in left:
            load(path)  # each that is there is whole
        resumed += bool(left)
        if not left:
            shutil.rmtree(folder, ignore_errors=True)
        if outcome(training(folder, bool(left))) != expected:
            wrong.append((line, after))
    print(json.dumps({"killed": killed, "resumed": resumed, "points": len(points), "wrong": wrong}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
