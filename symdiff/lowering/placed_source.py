"""The numpy backend for known sizes: a module whose function computes in memory of its own, one set of arrays for each thread.

What the function returns is new memory in each call; with `reuse` it is one of two sets that take turns, so that the results of one call
may be the arguments of the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symdiff.lowering.layout import WIDTH, array_lines, call_lines, dtype_code, if_any_lines, indented, statement_lines
from symdiff.lowering.naming import Names
from symdiff.lowering.numpy_source import NUMPY, RESERVED, Function, Source, module
from symdiff.lowering.placed_writer import PlacedWriter
from symdiff.lowering.preamble import shape_lines
from symdiff.lowering.program import Buffer, Program
from symdiff.lowering.writer import Writer, return_lines

OWN = ("memory", "Memory", "threading", "cycle", "next", "turns", "results", "held", "self", "id", "type", "any")
COMPARED = 3  # results that an argument is compared with one by one
KEPT = "aligned"  # the helper that makes arrays which outlive a call


def emit_placed(program: Program, dtype: str, reuse: bool = False) -> Source:
    """The module of a program with buffers, for arrays of this dtype ('np.float64' or 'np.float32').

    >>> from symdiff.expr.leaves import var
    >>> from symdiff.lowering.buffers import plan_buffers
    >>> from symdiff.lowering.linearize import linearize
    >>> X, w, b = var('X', (5, 3)), var('w', 3), var('b')
    >>> from symdiff.expr.ops import tanh
    >>> print(emit_placed(plan_buffers(linearize([tanh(X @ w + b)], [X, w, b])), 'np.float64').text)
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def f(X, w, b):
        \"\"\"X (5, 3), w (3,), b () -> out (5,)\"\"\"
        if X.shape != (5, 3) or w.shape != (3,):
            raise ValueError("f takes X (5, 3), w (3,)")
        out = X.dot(w)
        out += b
        np.tanh(out, out=out)
        return out
    <BLANKLINE>
    """
    names = Names((*RESERVED, *OWN))
    name = names.fresh(program.name)
    constants = [names.fresh(f"C{k}") for k in range(1, len(program.constants) + 1)]
    writer = PlacedWriter(program, NUMPY, names, constants, dtype, reuse)
    returned = writer.run()
    arguments = tuple(writer.arguments.values())
    again = {k: writer.variable[k] for k in writer.turning}
    opening = []
    if again:
        taken = [n for k, name in again.items() for n in (name, *writer.diagonals.get(k, ())[:1])]
        opening += turn_lines(writer, taken, {name: program.buffers[k] for k, name in again.items()})
    if writer.kept:
        opening += assignment_lines(list(writer.kept.values()), "memory.arrays")
    lines = [
        f"def {name}({', '.join(arguments)}):",
        *indented(writer.docstring()),
        *indented(shape_lines(program.name, arguments, program.inputs)),
        *indented([*opening, *statement_lines(writer.statements), *return_lines(returned)]),
    ]
    arrays = [array_lines(n, a, dtype) for n, a in zip(constants, program.constants, strict=True)]
    arrays += writer.made_once.lines()
    function = Function(name, arguments, lines, arrays, writer.context.helpers)
    if not writer.kept and not again:
        return Source(module([function]), name)
    keeper = Function("Memory", (), _memory(writer, again, dtype), [], {KEPT} if writer.kept else set())
    return Source(module([keeper, function], memory_imports(bool(again))), name)


def memory_imports(turns: bool) -> list[str]:
    """What the memory of a module needs."""
    return ["import threading", *(["from itertools import cycle"] if turns else [])]


def names_code(names: Sequence[str]) -> str:
    """Names as the left side of an assignment."""
    return f"({names[0]},)" if len(names) == 1 else ", ".join(names)


def assignment_lines(names: Sequence[str], value: str) -> list[str]:
    """The parts of a value to these names."""
    line = f"{names_code(names)} = {value}"
    return [line] if len(line) <= WIDTH else call_lines("(", names, f") = {value}")


def turn_lines(w: Writer, taken: Sequence[str], results: Mapping[str, Buffer]) -> list[str]:
    """What has its turn to be the results, with all that is `taken` with them. Arguments that show their memory are copied: none does that
    is neither one of them nor a view."""
    lines = ["results, held = next(memory.turns)", *assignment_lines(taken, "results")]
    arrays = {w.arguments[i.register]: i for i in w.program.inputs if i.shape}
    if not arrays:
        return lines
    w.context.helpers.add("apart")
    parts = []
    for a, i in arrays.items():
        alike = [name for name, buffer in results.items() if (buffer.shape, buffer.kind) == (i.shape, i.kind)]
        parts += [f"{a} is {name}" for name in alike] if len(alike) <= COMPARED else [f"id({a}) in held"]
    bases = " is ".join(f"{a}.base" for a in arrays)
    parts.append(f"not ({bases} is None)" if len(arrays) > 1 else f"{bases} is not None")
    given = f"({', '.join(arrays)}{',' * (len(arrays) == 1)})"
    return [*lines, *if_any_lines(parts), *indented(assignment_lines(list(arrays), f"apart({given}, held)"))]


def turns_lines(results: Sequence[str]) -> list[str]:
    """Two sets of arrays, made by this code, that take turns to be the results."""
    return [
        *call_lines("results = [(", results, "," * (len(results) == 1) + ") for _ in range(2)]"),
        "self.turns = cycle([(arrays, {id(x): x for x in arrays}) for arrays in results])",
    ]


def empty_code(buffer: Buffer, dtype: str, function: str = "np.empty") -> str:
    """An array for a buffer."""
    kind = {"real": dtype_code(dtype), "bool": ", bool", "int": ", np.int64"}[buffer.kind]
    return f"{function}({buffer.shape[0] if len(buffer.shape) == 1 else buffer.shape}{kind})"


def kept_code(buffer: Buffer, dtype: str) -> str:
    """An array for a buffer that outlives the call."""
    return empty_code(buffer, dtype, KEPT)


def _result(w: PlacedWriter, k: int, dtype: str) -> str:
    """What a buffer that turns is in the tuple of all, with the view of its diagonal if that alone is written."""
    buffer = w.program.buffers[k]
    if k not in w.diagonals:
        return empty_code(buffer, dtype)
    w.context.helpers.add("zeros_with_diagonal")
    return f'*zeros_with_diagonal({buffer.shape}, "{w.diagonals[k][1]}"{dtype_code(dtype)})'


def _kept(w: PlacedWriter, k: int, stack: bool, dtype: str) -> str:
    """What a buffer is in the tuple of all: an array of its own, or a stack or part of one that has its name already."""
    buffer = w.program.buffers[k]
    if buffer.part_of:
        whole, place = buffer.part_of
        return f"{w.kept[whole]}[{place}]"
    return w.kept[k] if stack else kept_code(buffer, dtype)


def _memory(w: PlacedWriter, again: dict[int, str], dtype: str) -> list[str]:
    stacks = {b.part_of[0] for k in w.kept if (b := w.program.buffers[k]).part_of}
    lines = [f"{w.kept[k]} = {kept_code(w.program.buffers[k], dtype)}" for k in w.kept if k in stacks]
    arrays = [_kept(w, k, k in stacks, dtype) for k in w.kept]
    if arrays:
        lines += call_lines("self.arrays = (", arrays, "," * (len(arrays) == 1) + ")")
    if again:
        lines += turns_lines([_result(w, k, dtype) for k in again])
    return memory_lines(lines)


def memory_lines(lines: Sequence[str]) -> list[str]:
    """The class of what each thread has, set up by these lines."""
    return [
        "class Memory(threading.local):",
        '    """The arrays that one thread computes in."""',
        "",
        "    def __init__(self):",
        *indented(indented(lines)),
        "",
        "",
        "memory = Memory()",
    ]
