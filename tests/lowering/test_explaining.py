"""`explain()`: each pass shows by its numbers what it is for."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest

import symdiff as sd
from symdiff.training import mazur
from symdiff.training.step import training_step

X, w, y, x, a = sd.var("X", ("n", "d")), sd.var("w", "d"), sd.var("y", "n"), sd.var("x", "n"), sd.var("a")
SQUARES = sd.mean((X @ w - y) ** 2)
WAVE = sd.sum(sd.tanh(a * x) * sd.exp(-(x**2)))
LOGISTIC = sd.sum(sd.softplus(-y * (X @ w)))


def effect(f):
    """The columns of each pass: pairs of the number before and after."""
    head, *lines = f.explain().splitlines()
    assert re.split(r"  +", head.strip()) == ["instructions", "operations", "bytes written", "bytes of arrays"]
    cells = [re.split(r"  +", line) for line in lines]
    passes = {name: [number_pair(cell) for cell in rest] for name, *rest in cells}
    rows = list(passes.values())
    assert all(q == p for row, after in pairwise(rows) for (_, q), (p, _) in zip(row, after, strict=True))
    return passes


def number_pair(cell):
    numbers = [int(n.replace(",", "")) for n in cell.split(" -> ")]
    return numbers[0], numbers[-1]


def test_without_sizes_there_are_the_passes_of_the_source():
    passes = effect(sd.lower([SQUARES, sd.grad(SQUARES, w)]))
    assert next(iter(passes)) == "as written" and "plan buffers" not in passes and "compute on floats" not in passes


@pytest.mark.parametrize("fast", [None, True])
def test_buffers_are_fewer_bytes(fast):
    passes = effect(sd.lower([WAVE, sd.grad(WAVE, x)], sizes={"n": 1000}, fast=fast))
    (_, _, (before, after), (made, kept)) = passes["plan buffers"]
    assert before == after == made and kept == 3 * 8000  # two buffers and the gradient
    assert "plan buffers" not in effect(sd.lower([WAVE, sd.grad(WAVE, x)], sizes={"n": 1000}, fast=False))


def test_blocks_are_what_fits_into_the_cache():
    passes = effect(sd.lower([WAVE, sd.grad(WAVE, x)], sizes={"n": 1 << 20}))
    (instructions, operations, _, (before, after)) = passes["cut into blocks"]
    assert before > 10 * 8 * (1 << 20) and after - 8 * (1 << 20) <= 1 << 20  # beside the gradient
    assert instructions[1] > 8 * instructions[0] and operations[1] < 1.1 * operations[0]


def test_floats_are_no_arrays():
    passes = effect(training_step(mazur()).program)
    assert [after for _, after in passes["compute on floats"]][2:] == [0, 0]


def test_shared_work_and_stable_forms_show():
    hessian = effect(sd.lower(sd.hessian(LOGISTIC, w), sizes={"n": 1000, "d": 100}))
    assert hessian["share exponentials of sigmoids"][1][1] < hessian["share exponentials of sigmoids"][1][0]
    assert hessian["write stable functions out"][0][1] > hessian["write stable functions out"][0][0]
    assert hessian["plan buffers"][3][1] < hessian["plan buffers"][3][0]


def test_counts_are_those_of_the_formula():
    f = sd.lower(sd.sum((X @ w + a - y) ** 2), [X, w, a, y], sizes={"n": 10, "d": 5}, fast=False)
    assert [after for _, after in effect(f)["drop dead code"]] == [4, 100 + 10 + 10 + 20, 240, 240]
    assert f(np.ones((10, 5)), np.ones(5), 0.0, np.ones(10)) == 160.0
