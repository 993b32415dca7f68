"""What a program takes with each backend, in seconds, estimated from its instructions: enough to choose by.

The figures are of one core and NumPy 2.4: about a microsecond a NumPy call, 30 ns an operation on Python's floats, a nanosecond an
operation in compiled code. They err on the side of NumPy, because a wrong choice of it costs nothing that was promised.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from symdiff.lowering.numba_cache import is_compiled
from symdiff.lowering.operations import OPERATIONS
from symdiff.lowering.program import Instruction, Program, cost, nominal, nominal_size

CALL = 0.8e-6  # a NumPy call on small arrays
VIEW = 0.15e-6
FLOAT = 30e-9  # an operation on Python's floats
COMPILED_CALL = 1.5e-6
START = 1.0  # seconds to import and to set up numba
LINE = 0.012  # seconds to compile a line

# Seconds an entry, by NumPy and compiled. NumPy's loops are vectorised, compiled ones are where nothing else is called in them.
SLOW = {
    "exp": (4e-9, 6e-9), "log": (4e-9, 7e-9), "tanh": (5e-9, 14e-9), "sin": (9e-9, 12e-9), "cos": (9e-9, 12e-9), "pow": (20e-9, 25e-9),
    "sigmoid": (10e-9, 9e-9), "sigmoids": (12e-9, 10e-9), "softplus": (14e-9, 18e-9), "log_sigmoid": (14e-9, 18e-9), "silu": (11e-9, 10e-9),
    "logsumexp": (8e-9, 10e-9), "argsort": (50e-9, 120e-9), "gather_t": (10e-9, 2e-9), "erf": (15e-9, 15e-9), "erfc": (15e-9, 15e-9),
}  # fmt: skip
PLAIN = (0.7e-9, 1e-9)
PRODUCT = (0.12e-9, 0.45e-9)  # a multiplication or an addition of a matrix product
PRODUCTS = frozenset(("matmul", "dot", "vdot", "tensordot", "einsum", "outer"))


def _work(program: Program, sizes: Mapping[str, int]) -> tuple[float, float]:
    """Seconds in the loops, by NumPy and compiled."""
    shapes = {i.register: i.shape for i in program.inputs}
    numpy = compiled = 0.0
    for i in program.instructions:
        shapes[i.result] = i.shape
        if OPERATIONS[i.op].view or i.op in ("const", "constant", "size"):
            continue
        operands = [tuple(nominal(d, sizes) for d in shapes[a]) for a in i.args]
        work = OPERATIONS[i.op].work(operands, i.params, nominal_size(i.shape, sizes))
        if i.op == "sigmoids":
            work = nominal_size(shapes[i.args[0]], sizes)
        slow, fast = PRODUCT if i.op in PRODUCTS else SLOW.get(i.op, PLAIN)
        numpy += slow * work
        compiled += fast * work
    return numpy, compiled


def _calls(instruction: Instruction) -> float:
    if instruction.op in ("const", "constant", "size", "item"):
        return 0.0
    return VIEW if OPERATIONS[instruction.op].view else CALL


def numpy_seconds(program: Program, sizes: Mapping[str, int]) -> float:
    """Of one call of the numpy backend, which computes tiny programs on Python's floats."""
    calls = sum(map(_calls, program.instructions))
    operations = cost(program, sizes).operations
    return min(calls + _work(program, sizes)[0], operations * FLOAT + 0.5e-6 * (len(program.inputs) + len(program.outputs)))


def compiled_seconds(program: Program, sizes: Mapping[str, int]) -> float:
    """Of one step inside a compiled function."""
    return _work(program, sizes)[1]


def compile_seconds(source: str) -> float:
    """Until a source can be called: nothing but setting up numba if it has been compiled before."""
    start = 0.0 if "numba" in sys.modules else START
    return start if is_compiled(source) else start + LINE * source.count("\n")
