"""Tiny programs entry by entry: an array of four numbers is four numbers.

NumPy takes about a microsecond a call, Python about 30 ns an operation on floats; a 2-2-2 network is ten times faster without arrays.
An array register becomes an array of scalar registers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from symdiff.expr.dims import Shape, whole_dims
from symdiff.lowering.passes import drop_dead, share
from symdiff.lowering.program import Instruction, Output, Program, check, cost, nominal_size
from symdiff.lowering.scalar_builder import NotScalar, Scalars
from symdiff.lowering.scalar_rows import ROWS, Registers, static

LARGEST = 4000  # scalar instructions
LARGEST_WORK = 4 * LARGEST  # operations of the program on arrays, before zeros and ones drop out
WORTH = 25  # scalar operations that take as long as one call of NumPy
CALLS = {
    "logsumexp": 10,
    "sigmoid": 6,
    "softplus": 5,
    "log_sigmoid": 5,
    "silu": 7,
    "logaddexp": 2,
    "gelu": 4,
    "gelu_tanh": 9,
    "elu": 4,
}  # of NumPy


def entries(name: str, shape: Shape) -> list[str]:
    """The names of the entries of an array, row by row.

    >>> entries('W', (2, 2)), entries('b', ()), entries('x', (11,))[-1]
    (['W_11', 'W_12', 'W_21', 'W_22'], ['b'], 'x_11')
    """
    if not shape:
        return [name]
    sizes = whole_dims(shape)
    apart = "_" if len(sizes) > 1 and max(sizes) > 9 else ""
    return [f"{name}_{apart.join(str(k + 1) for k in index)}" for index in np.ndindex(*sizes)]


def scalarise(program: Program) -> Program | None:
    """The program on scalars, one input for each entry of an input and one output for each entry of an output.

    None if a shape has a name, an operation depends on the data (sorting, gathering) or has no scalar form, or arrays are faster.
    """
    if cost(program, {}).operations > LARGEST_WORK or sum(nominal_size(i.shape, {}) for i in program.instructions) > LARGEST_WORK:
        return None
    try:
        made = on_scalars(program, _row, LARGEST)
    except NotScalar:
        return None
    worth = 4 + sum(CALLS.get(i.op, 1) for i in program.instructions if i.op != "const")
    return None if sum(i.op != "const" for i in made.instructions) > WORTH * worth else made


def _row(s: Scalars, i: Instruction, args: list[Registers]) -> Registers:
    row = ROWS.get(i.op)
    if row is None or i.kind == "int":
        raise NotScalar
    static(i)
    return np.asarray(row(s, i, args))


def on_scalars(program: Program, row: Callable[[Scalars, Instruction, list[Registers]], Registers], most: int) -> Program:
    """The program with a scalar register for each entry of an array, named after it; `row` takes one instruction apart.

    Raises: NotScalar for a shape with a name, an output of truth values, more than `most` instructions, and where `row` does.
    """
    s = Scalars(program.constants)
    b = s.b
    of: dict[int, Registers] = {}
    for argument in program.inputs:
        shape = whole_dims(argument.shape)
        if argument.kind != "real" or len(shape) < len(argument.shape):
            raise NotScalar
        of[argument.register] = np.array([b.input(name, ()) for name in entries(argument.name, shape)], np.int64).reshape(shape)
    for i in program.instructions:
        result = of[i.result] = row(s, i, [of[a] for a in i.args])
        if i.hint:
            for k, (name, register) in enumerate(zip(entries(i.hint, result.shape), result.flat, strict=True)):
                if b.number_of(int(register)) is None:
                    b.hint(int(register), name, i.comment if k == 0 else "")
        if len(b.instructions) > most:
            raise NotScalar
    outputs = []
    for o in program.outputs:
        found = of[o.register]
        if any(b.kinds[int(r)] == "bool" for r in found.flat):
            raise NotScalar
        outputs += [Output(name, int(r)) for name, r in zip(entries(o.name, found.shape), found.flat, strict=True)]
    return check(drop_dead(share(b.program(program.name, outputs))))
