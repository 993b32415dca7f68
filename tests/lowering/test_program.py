"""The checker refuses what is not well formed; the costs count; the paths are the cheapest."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symdiff.expr import ops as o
from symdiff.expr.leaves import var
from symdiff.lowering.linearize import linearize
from symdiff.lowering.numpy_text import LINES, TEXT
from symdiff.lowering.operations import OPERATIONS
from symdiff.lowering.passes import PASSES, optimise
from symdiff.lowering.paths import contraction_path
from symdiff.lowering.program import Instruction, Output, Program, ProgramError, check, cost

X, w = var("X", ("n", "d")), var("w", "d")
GOOD = linearize([X @ w, o.exp(X @ w)], [X, w])


def changed(k: int, **fields: object) -> Program:
    instructions = list(GOOD.instructions)
    instructions[k] = replace(instructions[k], **fields)
    return GOOD.with_instructions(instructions)


@pytest.mark.parametrize(
    "bad, message",
    [
        (changed(0, op="matmull"), "no such operation"),
        (changed(0, args=(0,)), "1 operands, 2 are wanted"),
        (changed(0, args=(0, 9)), "%9 is used before it is defined"),
        (changed(0, result=0), "defined twice"),
        (changed(0, shape=("d",)), r"the shape is \(n,\), not \(d,\)"),
        (changed(1, kind="int"), "the kind is real, not int"),
        (replace(GOOD, outputs=(Output("out", 99),)), "register %99 is not defined"),
        (replace(GOOD, inputs=(*GOOD.inputs, GOOD.inputs[0])), "input 'X': register %0 is defined twice"),
    ],
)
def test_checker_refuses(bad: Program, message: str) -> None:
    with pytest.raises(ProgramError, match=message):
        check(bad)


def test_checker_accepts_what_passes_make() -> None:
    assert check(GOOD) is GOOD
    for _, program in optimise(GOOD, PASSES):
        assert check(program) is program


def test_every_operation_has_a_text() -> None:
    assert set(OPERATIONS) == set(TEXT) | set(LINES) | {"item"}


def test_cost_counts_work_and_writes() -> None:
    program = linearize([X @ w], [X, w])
    assert cost(program, {"n": 10, "d": 5}) == (1, 100, 80, 80)
    assert cost(linearize([X.T], [X]), {"n": 10, "d": 5}) == (1, 50, 400, 400)


def test_dead_code_goes_and_equal_instructions_are_shared() -> None:
    dead = Instruction("exp", (1,), (), 50, ("d",), "real")
    twice = [Instruction("tanh", (1,), (), 51, ("d",), "real"), Instruction("tanh", (1,), (), 52, ("d",), "real")]
    last = Instruction("add", (51, 52), (), 53, ("d",), "real")
    program = Program("f", GOOD.inputs, (dead, *twice, last), (Output("out", 53),))
    (*_, (_, after)) = optimise(check(program))
    assert [(i.op, i.args) for i in after.instructions] == [("tanh", (1,)), ("add", (51, 51))]


def test_path_of_a_long_product_is_found() -> None:
    a, b, c = (frozenset(p) for p in ((0, 1), (1, 2), (2, 3)))
    assert contraction_path([a, b, c], frozenset({0, 3}), {0: 2, 1: 100, 2: 100, 3: 2}) == [(1, 2), (0, 1)]
    chain = [frozenset({k, k + 1}) for k in range(20)]
    steps = contraction_path([*chain, frozenset({20})], frozenset({0}), dict.fromkeys(range(21), 30))
    assert len(steps) == 20 and steps[0] == (19, 20)
