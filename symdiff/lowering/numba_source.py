"""The module that the numba backend writes: a compiled function of loops, and a plain one around it that gives NumPy's scalars.

Types are stated, so that compiling happens once, when the module is loaded, and can be kept on disk. The compiled function releases
the interpreter's lock; division and overflow give inf and nan as in NumPy, and nothing is reordered (no fastmath).
"""

from __future__ import annotations

from collections.abc import Sequence

from symdiff.expr.dims import show_shape
from symdiff.lowering.helpers import HELPERS
from symdiff.lowering.kernels import KERNELS
from symdiff.lowering.layout import array_lines, call_lines, indented, wrapped
from symdiff.lowering.naming import Names
from symdiff.lowering.numba_nests import Nests, preamble
from symdiff.lowering.numba_rows import ROWS
from symdiff.lowering.numba_texts import SOURCES, helper_lines
from symdiff.lowering.numpy_source import RESERVED, Source
from symdiff.lowering.program import Input, Program
from symdiff.lowering.text import Text

OPTIONS = 'nogil=True, error_model="numpy"'
NAMES = (*RESERVED, *HELPERS, *KERNELS, *SOURCES, "njit", "abs", "_")


def emit_numba(program: Program, dtype: str = "float64") -> Source:
    """The module of a program, in float64 or float32 throughout, and the name of its function."""
    names = Names(NAMES)
    name = names.fresh(program.name)
    compiled = names.fresh(f"{name}_loops")
    nests = body(program, names, dtype)
    results = [value(nests, o.register) for o in program.outputs]
    arguments = list(nests.arguments.values())
    lines = [
        decorator([signature(i, dtype) for i in program.inputs]),
        *call_lines(f"def {compiled}(", arguments, "):"),
        *indented([*_docstring(nests), *preamble(nests, name), *nests.buffers, *nests.lines]),
        f"    return {', '.join(t.code for t in results)}",
        "",
        "",
        *_plain(nests, name, compiled, arguments),
    ]
    return Source(module(nests, lines), name)


def body(program: Program, names: Names, dtype: str) -> Nests:
    """The statements of a program."""
    constants = [names.fresh(f"C{k}") for k in range(1, len(program.constants) + 1)]
    nests = Nests(program, names, constants, dtype, ROWS)
    nests.run()
    return nests


def value(nests: Nests, register: int) -> Text:
    """An output: the name of an array, the text of a scalar."""
    return Text(nests.names_of[register]) if nests.shapes[register] else nests.at(register, ())


def signature(i: Input, dtype: str) -> str:
    """The type of an argument: arrays are in C order."""
    scalar = "int64" if i.kind == "int" else dtype
    return f"{scalar}[{', '.join([':'] * (len(i.shape) - 1) + ['::1'])}]" if i.shape else scalar


def decorator(types: Sequence[str]) -> str:
    return f'@njit("({", ".join(types)}{"," if len(types) == 1 else ""})", {OPTIONS}, cache=True)'


def module(nests: Nests, lines: Sequence[str]) -> str:
    """The lines with what stands before them: imports, constants, helpers."""
    dtype = nests.scalar.dtype
    helpers = helper_lines(nests.scalar.helpers, dtype, f"@njit({OPTIONS})")
    arrays = [line for n, a in zip(nests.context.constants, nests.program.constants, strict=True) if a.shape for line in array_lines(n, a)]
    if dtype == "float32":
        arrays += [
            f"{n} = {n}.astype(np.float32)"
            for n, a in zip(nests.context.constants, nests.program.constants, strict=True)
            if a.shape and a.dtype.kind == "f"
        ]
    packed = ["import base64", "import zlib"] if any("b85decode" in line for line in arrays) else []
    maths = ["import math"] if any("math." in line for line in (*lines, *helpers)) else []
    standard = sorted([*packed, *maths])
    head = [*standard, *([""] if standard else []), "import numpy as np", "from numba import njit", ""]
    return "\n".join([*head, *arrays, *([""] if arrays else []), *helpers, "", *lines, ""])


def _docstring(nests: Nests) -> list[str]:
    """Shapes of the inputs and outputs."""
    inputs = [f"{nests.arguments[i.register]} {show_shape(i.shape)}" for i in nests.program.inputs]
    outputs = [f"{o.name} {show_shape(nests.shapes[o.register])}" for o in nests.program.outputs]
    text = f"{', '.join(inputs)} -> {', '.join(outputs)}".strip()
    return [f'"""{text}"""'] if len(text) < 100 else ['"""', *wrapped(inputs), "->", *wrapped(outputs), '"""']


def _plain(nests: Nests, name: str, compiled: str, arguments: Sequence[str]) -> list[str]:
    """The function to call: scalars come out as NumPy's."""
    call = call_lines(f"{compiled}(", arguments, ")")
    kinds = {"int": "np.int64", "bool": "np.bool_"}
    outputs = [(o.register, kinds.get(nests.kinds[o.register], f"np.{nests.scalar.dtype}")) for o in nests.program.outputs]
    head = [*call_lines(f"def {name}(", arguments, "):"), f'    """As {compiled}."""']
    if all(nests.shapes[r] for r, _ in outputs):
        return [*head, *indented([f"return {call[0]}", *call[1:]])]
    names = Names(NAMES)
    results = [names.fresh(f"out{k}") for k in range(1, len(outputs) + 1)]
    back = [r if nests.shapes[register] else f"{scalar}({r})" for r, (register, scalar) in zip(results, outputs, strict=True)]
    return [*head, *indented([f"{', '.join(results)} = {call[0]}", *call[1:], f"return {', '.join(back)}"])]
