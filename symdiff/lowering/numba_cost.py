"""What a program takes with each backend, in seconds, estimated from its instructions: enough to choose by.

The figures are of one core and NumPy 2.4: about a microsecond a NumPy call, 22 ns an operation on Python's floats, a nanosecond an
operation in compiled code. Compiled code is chosen where it is surely faster, because a wrong choice of NumPy costs nothing that was
promised.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from symdiff.lowering.numba_cache import is_compiled
from symdiff.lowering.operations import OPERATIONS
from symdiff.lowering.program import Instruction, Program, cost, nominal, nominal_size

CALL = 1e-6  # a NumPy call on small arrays
VIEW = 0.15e-6
FLOAT = 22e-9  # an operation on Python's floats
UNPACKED = 0.29e-6  # an array taken apart into Python's floats, or put together of them
COMPILED_ARRAY = 0.5e-6  # an argument or a result of a compiled function
COMPILED_CALL = 0.3e-6
START = 1.0  # seconds to import and to set up numba
LOAD = 0.03  # seconds to load what has been compiled before
SURE = 1.25  # how much faster the estimate has to be
LINE = 0.012  # seconds to compile a line

# Seconds an entry, by NumPy and compiled. NumPy's loops are vectorised, compiled ones are where nothing else is called in them.
SLOW = {
    "exp": (4e-9, 6e-9), "log": (4e-9, 7e-9), "tanh": (5e-9, 14e-9), "sin": (9e-9, 12e-9), "cos": (9e-9, 12e-9), "pow": (20e-9, 25e-9),
    "sigmoid": (10e-9, 9e-9), "sigmoids": (12e-9, 10e-9), "softplus": (14e-9, 18e-9), "log_sigmoid": (14e-9, 18e-9), "silu": (11e-9, 10e-9),
    "logsumexp": (8e-9, 10e-9), "argsort": (50e-9, 120e-9), "gather_t": (10e-9, 2e-9), "erf": (15e-9, 15e-9), "erfc": (15e-9, 15e-9),
}  # fmt: skip
PLAIN = (0.7e-9, 1e-9)
PRODUCT = (0.06e-9, 0.3e-9)  # a multiplication or an addition of a matrix product
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
    return min(calls + _work(program, sizes)[0], operations * FLOAT + UNPACKED * _ends(program))


def compiled_seconds(program: Program, sizes: Mapping[str, int]) -> float:
    """Of one step inside a compiled function."""
    return _work(program, sizes)[1]


def compiled_call_seconds(program: Program, sizes: Mapping[str, int]) -> float:
    """Of one call of a compiled function from Python."""
    return compiled_seconds(program, sizes) + COMPILED_CALL + COMPILED_ARRAY * _ends(program)


def _ends(program: Program) -> int:
    return len(program.inputs) + len(program.outputs)


def compile_seconds(source: str) -> float:
    """Until a source can be called: to set up numba, and to load what has been compiled before or to compile it."""
    start = 0.0 if "numba" in sys.modules else START
    return start + (LOAD if is_compiled(source) else LINE * source.count("\n"))


def pays_off(calls: float, plain: float, compiled: float, compiling: float) -> bool:
    """Whether so many calls are surely faster compiled, compiling included.

    >>> pays_off(10**6, 5e-6, 1e-6, 1.5), pays_off(10**5, 5e-6, 1e-6, 1.5), pays_off(10**9, 5e-6, 4.9e-6, 1.5)
    (True, False, False)
    """
    return calls > 0 and SURE * (compiled + compiling / min(calls, 1e18)) < plain
