"""The module that the numba backend writes: a compiled function of loops, and a plain one around it that gives NumPy's scalars.

Types are stated, so that compiling happens once, when the module is loaded, and can be kept on disk. The compiled function releases
the interpreter's lock; division and overflow give inf and nan as in NumPy, and nothing is reordered (no fastmath).
"""

from __future__ import annotations

from collections.abc import Sequence

from symdiff.expr.dims import Shape, show_shape, whole_dims
from symdiff.lowering.helpers import HELPERS
from symdiff.lowering.kernels import KERNELS
from symdiff.lowering.layout import array_lines, call_lines, indented, wrapped
from symdiff.lowering.naming import Names, ascii_name
from symdiff.lowering.numba_nests import Nests, preamble
from symdiff.lowering.numba_rows import ROWS
from symdiff.lowering.numba_scalars import places, taken_apart
from symdiff.lowering.numba_texts import SOURCES, helper_lines
from symdiff.lowering.numpy_source import RESERVED, Source
from symdiff.lowering.preamble import shape_lines
from symdiff.lowering.program import Input, Program
from symdiff.lowering.scalars import entries
from symdiff.lowering.text import Text

OPTIONS = 'nogil=True, error_model="numpy"'
NAMES = (*RESERVED, *HELPERS, *KERNELS, *SOURCES, "njit", "abs", "_")


def emit_numba(program: Program, dtype: str = "float64") -> Source:
    """The module of a program, in float64 or float32 throughout, and the name of its function."""
    names = Names(NAMES)
    name = names.fresh(program.name)
    compiled = names.fresh(f"{name}_loops")
    nests, arguments, statements, results = _on_scalars(program, names, dtype) or _on_arrays(program, names, dtype)
    lines = [
        decorator([signature(i, dtype) for i in program.inputs]),
        *call_lines(f"def {compiled}(", arguments, "):"),
        *indented([*_docstring(program, arguments), *statements, f"return {', '.join(results)}"]),
        "",
        "",
        *_plain(program, dtype, name, compiled, arguments),
    ]
    return Source(module(nests, lines), name)


Written = tuple[Nests, list[str], list[str], list[str]]  # the nests, the arguments, the statements, the results


def _on_arrays(program: Program, names: Names, dtype: str) -> Written:
    nests = body(program, names, dtype)
    statements = [*preamble(nests), *nests.buffers, *nests.lines]
    return nests, list(nests.arguments.values()), statements, [value(nests, o.register).code for o in program.outputs]


def _on_scalars(program: Program, names: Names, dtype: str) -> Written | None:
    """A small program entry by entry; None if it is not small."""
    scalars = taken_apart(program)
    if scalars is None:
        return None
    nests = body(scalars, names, dtype)
    waiting = iter(nests.arguments.values())
    arguments: list[str] = []
    before: list[str] = []
    for i in program.inputs:
        shape = whole_dims(i.shape)
        own = [next(waiting) for _ in entries(i.name, shape)]
        arguments.append(names.fresh(i.name) if shape else own[0])
        before += [f"{variable} = {arguments[-1]}[{', '.join(place)}]" for variable, place in zip(own, places(shape), strict=True) if shape]
    found = iter(scalars.outputs)
    results: list[str] = []
    after: list[str] = []
    for o, shape in zip(program.outputs, map(whole_dims, _output_shapes(program)), strict=True):
        texts = [value(nests, next(found).register).code for _ in entries(o.name, shape)]
        if not shape:
            results.append(texts[0])
            continue
        results.append(names.fresh(ascii_name(o.name)))
        after.append(f"{results[-1]} = np.empty({shape}, np.{dtype})")
        after += [f"{results[-1]}[{', '.join(place)}] = {text}" for place, text in zip(places(shape), texts, strict=True)]
    return nests, arguments, [*shape_lines(program.name, arguments, program.inputs), *before, *nests.lines, *after], results


def _output_shapes(program: Program) -> list[Shape]:
    shapes = program.shapes()
    return [shapes[o.register] for o in program.outputs]


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


def _docstring(program: Program, arguments: Sequence[str]) -> list[str]:
    """Shapes of the inputs and outputs."""
    inputs = [f"{a} {show_shape(i.shape)}" for a, i in zip(arguments, program.inputs, strict=True)]
    outputs = [f"{ascii_name(o.name)} {show_shape(shape)}" for o, shape in zip(program.outputs, _output_shapes(program), strict=True)]
    text = f"{', '.join(inputs)} -> {', '.join(outputs)}".strip()
    return [f'"""{text}"""'] if len(text) < 100 else ['"""', *wrapped(inputs), "->", *wrapped(outputs), '"""']


def _plain(program: Program, dtype: str, name: str, compiled: str, arguments: Sequence[str]) -> list[str]:
    """The function to call: scalars come out as NumPy's."""
    call = call_lines(f"{compiled}(", arguments, ")")
    head = [*call_lines(f"def {name}(", arguments, "):"), f'    """As {compiled}."""']
    shapes = _output_shapes(program)
    if all(shapes):
        return [*head, *indented([f"return {call[0]}", *call[1:]])]
    names = Names((*NAMES, *arguments))
    results = [names.fresh(f"out{k}") for k in range(1, len(shapes) + 1)]
    kinds = program.kinds()
    scalar = {"int": "np.int64", "bool": "np.bool_"}
    back = [
        r if shape else f"{scalar.get(kinds[o.register], f'np.{dtype}')}({r})"
        for r, shape, o in zip(results, shapes, program.outputs, strict=True)
    ]
    return [*head, *indented([f"{', '.join(results)} = {call[0]}", *call[1:], f"return {', '.join(back)}"])]
