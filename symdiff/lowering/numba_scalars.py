"""Small programs entry by entry for the compiled backend: what is on scalars lives in registers of the machine.

The same taking apart as for Python's floats (scalars.py), but functions stay functions, because the compiled ones neither raise nor
cost a call, and a limit of its own, because compiling grows with the number of operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from symdiff.lowering.program import Instruction, Program, nominal_size
from symdiff.lowering.scalar_builder import NotScalar, Scalars
from symdiff.lowering.scalar_rows import ROWS, Registers
from symdiff.lowering.scalars import on_scalars

LARGEST = 600  # operations, inputs and outputs on scalars; beyond, loops compile faster and run as fast

KEPT = ("sigmoid", "softplus", "log_sigmoid", "silu", "relu", "leaky_relu", "elu", "gelu", "gelu_tanh", "softsign", "logaddexp")


def taken_apart(program: Program, largest: int = LARGEST) -> Program | None:
    """The program on scalars; None if a shape has a name, an operation has no scalar form, or it would be too long."""
    try:
        return _taken_apart(program, largest)
    except NotScalar:
        return None


def _taken_apart(program: Program, largest: int) -> Program:
    shapes = [i.shape for i in program.inputs] + [i.shape for i in program.instructions]
    if sum(nominal_size(shape, {}) for shape in shapes) > 4 * largest:
        raise NotScalar
    made = on_scalars(program, _row, 4 * largest)
    if sum(i.op != "const" for i in made.instructions) + len(made.inputs) + len(made.outputs) > largest:
        raise NotScalar
    return replace(made, requirements=())


def _row(s: Scalars, i: Instruction, args: list[Registers]) -> Registers:
    if i.op == "sigmoids":
        return _sigmoids(s, args[0])
    if i.op in KEPT:
        return _each(s, i, args)
    if i.op in ROWS and i.kind != "int":
        return np.asarray(ROWS[i.op](s, i, args))
    raise NotScalar


def _each(s: Scalars, i: Instruction, args: list[Registers]) -> Registers:
    """The function of each entry."""
    arrays = np.broadcast_arrays(*args)
    result = np.empty(arrays[0].shape, np.int64)
    for index in np.ndindex(*result.shape):
        result[index] = s.function(i.op, *(int(a[index]) for a in arrays))
    return result


def _sigmoids(s: Scalars, x: Registers) -> Registers:
    """sigmoid(x) and, by the same exponential e, sigmoid(-x) = e sigmoid(x), which is 1 where e is inf."""
    result = np.empty((2, *x.shape), np.int64)
    for index in np.ndindex(*x.shape):
        e = s.function("exp", s.negative(int(x[index])))
        first = s.divide(s.number(1), s.add(s.number(1), e))
        result[(0, *index)] = first
        rest = s.b.emit("where", [s.function("equal", e, s.number(np.inf)), s.number(1), s.multiply(e, first)])
        result[(1, *index)] = rest
    return result


def places(shape: Sequence[int]) -> list[list[str]]:
    """The index of every entry, row by row."""
    found: list[list[str]] = [[]]
    for d in shape:
        found = [[*p, str(k)] for p in found for k in range(d)]
    return found
