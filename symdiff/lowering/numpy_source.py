"""The numpy backend: a program as source that a person would have written, and that runs with NumPy alone.

A very long program is cut into functions, because compiling one huge function takes more than linear time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from symdiff.lowering.helpers import HELPERS, closure
from symdiff.lowering.kernels import KERNELS, kernel_lines
from symdiff.lowering.layout import CHUNK, array_lines, cut, indented, statement_lines
from symdiff.lowering.naming import Names
from symdiff.lowering.numpy_text import BLAS, LINES, TEXT
from symdiff.lowering.preamble import requirement_lines, shape_lines, size_lines
from symdiff.lowering.program import Program
from symdiff.lowering.writer import Language, Writer, reads, return_lines

NUMPY = Language(
    TEXT, LINES, zero_rank=frozenset(("where", "reshape", "elu", "leaky_relu", "einsum", "tensordot", "transpose", "broadcast"))
)
RESERVED = (
    "np", "math", "base64", "zlib", "dtype", "ERFC_SERIES", "len", "bool", "float", "int", "min", "max", "range", "enumerate", "ValueError",
    "ImportError", "ArithmeticError", *HELPERS, *KERNELS, *BLAS,
)  # fmt: skip


class Source(NamedTuple):
    """An emitted program: the text of a module, and the name of its function."""

    text: str
    function: str


class Function(NamedTuple):
    """One function of a module, and what the module must have for it."""

    name: str
    arguments: tuple[str, ...]
    lines: list[str]
    arrays: list[list[str]]
    helpers: set[str]


def emit(program: Program) -> Source:
    """The program as the source of a module that imports NumPy only.

    >>> from symdiff.expr.leaves import var
    >>> from symdiff.lowering.linearize import linearize
    >>> X, w = var('X', ('n', 'd')), var('w', 'd')
    >>> print(emit(linearize([X @ w], [X, w])).text)
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def f(X, w):
        \"\"\"X (n, d), w (d,) -> out (n,)\"\"\"
        return X @ w
    <BLANKLINE>
    """
    function = array_function(program, Names(RESERVED))
    return Source(module([function]), function.name)


def run_source(program: Program) -> Callable[..., Any]:
    """The function that a program's source defines."""
    source = emit(program)
    namespace: dict[str, Any] = {}
    exec(compile(source.text, f"<symdiff {source.function}>", "exec"), namespace)
    return namespace[source.function]  # type: ignore[no-any-return]


def array_function(program: Program, names: Names, checked: bool = True) -> Function:
    """The program as a function of arrays, which checks shapes that are numbers, if nothing has before."""
    name = names.fresh(program.name)
    constants = [names.fresh(f"C{k}") for k in range(1, len(program.constants) + 1)]
    writer = Writer(program, NUMPY, names, constants)
    returned = writer.run()
    preamble = _preamble(writer, checked)
    arguments = tuple(writer.arguments.values())
    head = [f"def {name}({', '.join(arguments)}):", *indented(writer.docstring())]
    result = return_lines(returned)
    if len(writer.statements) <= CHUNK:
        lines = [*head, *indented([*preamble, *statement_lines(writer.statements), *result])]
    else:
        shared = [*arguments, *writer.context.sizes.values(), *(["dtype"] if writer.context.needs_dtype else [])]
        lines = cut(names, shared, writer.statements, [*head, *indented(preamble)], result, reads(returned))
    arrays = [array_lines(n, a) for n, a in zip(constants, program.constants, strict=True)]
    return Function(name, arguments, lines, arrays, writer.context.helpers)


def _preamble(w: Writer, checked: bool) -> list[str]:
    """Lines that read sizes and the dtype, and check what the text takes for granted of sizes."""
    checks = requirement_lines(w.program, lambda dim: w.context.dim(dim).code)
    lines = size_lines(w.program, w.arguments, w.context.sizes)
    if w.context.needs_dtype:
        real = [i for i in w.program.inputs if i.kind == "real"]
        lines.append(f"dtype = np.result_type({w.arguments[real[0].register]}, np.float32)" if real else "dtype = np.dtype(np.float64)")
    shapes = shape_lines(w.program.name, list(w.arguments.values()), w.program.inputs) if checked else []
    return [*shapes, *lines, *checks]


def module(functions: Sequence[Function], imports: Sequence[str] = ()) -> str:
    """A module of these functions, the last of which is the one to call."""
    arrays = [a for f in functions for a in f.arrays]
    wanted = set().union(*(f.helpers for f in functions))
    helpers, kernels = closure(wanted - BLAS)
    blas = [f"from scipy.linalg.blas import {', '.join(sorted(wanted & BLAS))}"] if wanted & BLAS else []
    modules = {"import base64", "import zlib"} if any("b85decode" in line for a in arrays for line in a) else set()
    modules |= {"import math"} if any("math." in HELPERS[h].source for h in helpers) else set()
    first = sorted({*modules, *imports}, key=lambda line: (line.startswith("from"), line))
    lines = [*first, *([""] if first else []), "import numpy as np", *blas, ""]
    if kernels:
        lines += [*kernel_lines(kernels), ""]
    lines += [line for a in arrays for line in a]
    lines += [""] if arrays else []
    for name in helpers:
        lines += ["", *HELPERS[name].source.rstrip("\n").split("\n"), ""]
    for f in functions:
        lines += ["", *f.lines, ""]
    return "\n".join(lines)
