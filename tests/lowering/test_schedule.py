"""Reads that are moved forward save memory and change no result."""

from __future__ import annotations

import numpy as np
import pytest

import symdiff as sd
from symdiff.lowering.buffers import plan_buffers
from symdiff.lowering.linearize import linearize
from symdiff.lowering.passes import optimise
from symdiff.lowering.program import Program
from symdiff.lowering.schedule import read_first


def optimised(*outputs, inputs):
    return [program for _, program in optimise(linearize(list(outputs), inputs))][-1]


def kept(program: Program) -> int:
    """Bytes of the arrays that outlive a call."""
    return sum(8 * int(np.prod(b.shape)) for b in plan_buffers(program).buffers if not b.fresh)


X, W, d = sd.var("X", (8, 6)), sd.var("W", (6, 4)), sd.var("d", 8)
H = sd.tanh(X)
CASES = {
    "a product that is ready": ([sd.sum((1 - H * H) * X, axis=1), H.T @ d], True),
    "a sum that is ready": ([sd.sum(sd.exp(2 * H) + X, axis=1), sd.sum(H, axis=0)], True),
    "one that waits for the result": ([sd.sum(H @ W, axis=1) * sd.sum(sd.exp(H), axis=1)], False),
}


@pytest.mark.parametrize(("outputs", "saves"), CASES.values(), ids=CASES)
def test_memory_is_saved_and_never_lost(outputs, saves):
    program = optimised(*outputs, inputs=[X, W, d])
    moved = read_first(program)
    assert sorted(map(str, moved.instructions)) == sorted(map(str, program.instructions))
    assert (kept(moved) < kept(program)) if saves else (kept(moved) <= kept(program))


def test_a_hidden_layer_lies_in_one_array():
    n, i, h = 16, 5, 7
    X, T, V, w = sd.var("X", (n, i)), sd.var("T", n), sd.var("V", (i, h)), sd.var("w", h)
    loss = sd.sum((sd.tanh(X @ V) @ w - T) ** 2)
    f = sd.lower([loss, *sd.grad(loss, [V, w])], [X, T, V, w], fast=True)
    assert f.source.count(f"({n}, {h})") == 1
