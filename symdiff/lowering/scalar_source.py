"""A tiny program as a module of three functions: on arrays, on floats, and the one to call, which takes arrays and computes on floats.

Python's floats raise where NumPy gives inf or nan; the function on floats then asks the one on arrays, so that the result is NumPy's.
Arrays of float32 go to the function on arrays as well. The same lines, with those that take arrays apart and put them together around
them, are what the calls of a lowered function run (calls.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from math import prod
from struct import Struct
from typing import Any, NamedTuple

import numpy as np

from symdiff.expr.dims import whole_dims
from symdiff.lowering.calls import OWN, OnFloats
from symdiff.lowering.layout import call_lines, indented, statement_lines
from symdiff.lowering.naming import Names
from symdiff.lowering.numpy_source import RESERVED, Function, Source, array_function, module
from symdiff.lowering.preamble import shape_lines
from symdiff.lowering.program import Program
from symdiff.lowering.python_text import FLOATS, NAMES
from symdiff.lowering.scalars import entries
from symdiff.lowering.text import Text
from symdiff.lowering.writer import Writer, return_lines


class ScalarSource(NamedTuple):
    """A module, the name of its function on floats, and that function with arrays in and out, for calls."""

    source: Source
    floats: str
    on_floats: OnFloats


def emit_scalars(program: Program, scalars: Program) -> ScalarSource:
    """The module of a program and of what it is on scalars."""
    names = Names((*RESERVED, "struct", "flat", "ZeroDivisionError", *NAMES))
    call = names.fresh(program.name)
    arrays = array_function(replace(program, name=f"{call}_arrays"), names, checked=False)
    floats, imported, on_floats = _float_function(program, scalars, names, f"{call}_floats", arrays)
    outer = _array_call(program, call, arrays, floats, names)
    imports = [f"from math import {', '.join(sorted(imported))}"] if imported else []
    imports += ["import struct"] if outer.arrays else []
    flat = Function("flat", (), _FLAT, [], set())
    return ScalarSource(Source(module([flat, arrays, floats, outer], imports), call), floats.name, on_floats)


_FLAT = [
    "def flat(arrays):",
    '    """All entries of some arrays, as floats."""',
    "    return tuple([float(x) for a in arrays for x in np.ravel(a)])",
]


def _float_function(program: Program, scalars: Program, names: Names, name: str, arrays: Function) -> tuple[Function, set[str], OnFloats]:
    name = names.fresh(name)
    names = Names((*RESERVED, *OWN, "flat", *NAMES, name, arrays.name))
    called = [names.fresh(i.name) if i.shape else "" for i in program.inputs]
    writer = Writer(scalars, FLOATS, names, [])
    returned = writer.run()
    arguments = tuple(writer.arguments.values())
    rest = iter(arguments)
    given = [_nested([next(rest) for _ in entries(i.name, i.shape)], whole_dims(i.shape)) for i in program.inputs]
    as_arrays = [f"np.array({g})" if i.shape else f"np.float64({g})" for g, i in zip(given, program.inputs, strict=True)]
    before, after = ("[", "]") if len(program.outputs) == 1 else ("", "")
    result = return_lines(returned) if len(returned) != 1 else [f"return ({returned[0].code},)"]
    lines = [
        *call_lines(f"def {name}(", arguments, "):"),
        *indented(_docstring(scalars)),
        "    try:",
        *indented(indented([*statement_lines(writer.statements), *result])),
        "    except (ArithmeticError, ValueError):  # where Python's floats raise, NumPy gives inf or nan",
        *indented(indented(call_lines(f"return flat({before}{arrays.name}(", as_arrays, f"){after})"))),
    ]
    on_floats = _on_floats(program, writer, given, called, [r.code for r in returned])
    return Function(name, arguments, lines, [], set()), writer.context.helpers, on_floats


def _on_floats(program: Program, writer: Writer, entered: Sequence[str], called: Sequence[str], results: Sequence[str]) -> OnFloats:
    """The program with arrays in and out; `entered` has what the entries of each input are called, nested as the input is, and `called`
    what the input is called, if it is an array."""
    space: dict[str, Any] = {name: getattr(math, name) for name in writer.context.helpers}
    space |= {"empty": np.empty}
    shapes = tuple(whole_dims(i.shape) for i in program.inputs)
    arguments = [a or e for a, e in zip(called, entered, strict=True)]
    lines = []
    for argument, names, shape in zip(arguments, entered, shapes, strict=True):
        lines += [f"{argument} = float({argument})"] if not shape else [] if 0 in shape else [f"{names} = {argument}.tolist()"]
    lines += statement_lines(writer.statements)
    made = program.shapes()
    built, rest = [], list(results)
    put: dict[int, str] = {}
    for o in program.outputs:
        shape = whole_dims(made[o.register])
        size = prod(shape)
        own, rest = rest[:size], rest[size:]
        if not shape:
            built.append(f"scalar({own[0]})")
            continue
        built.append(writer.names.fresh(o.name))
        lines.append(f"{built[-1]} = empty({shape})")
        if size:
            if size not in put:
                put[size] = writer.names.fresh(f"put_{size}")
                space[put[size]] = Struct(f"{size}d").pack_into
            lines.append(f"{put[size]}({built[-1]}, 0, {', '.join(own)})")
    return OnFloats(shapes, tuple(arguments), tuple(lines), tuple(built), space)


def _docstring(scalars: Program) -> list[str]:
    text = f"The same on floats, entry by entry: {len(scalars.inputs)} in, {len(scalars.outputs)} out, as one tuple."
    return [f'"""{text}"""']


def _array_call(program: Program, call: str, arrays: Function, floats: Function, taken: Names) -> Function:
    """Takes the arrays apart, computes on floats, and puts arrays together."""
    given: list[str] = []
    for argument, i in zip(arrays.arguments, program.inputs, strict=True):
        flat = f"*{argument}.ravel().tolist()" if len(i.shape) > 1 else f"*{argument}.tolist()"
        given.append(flat if i.shape else f"float({argument})")
    made = program.shapes()
    shapes = [whole_dims(made[o.register]) for o in program.outputs]
    put = {size: taken.fresh(f"put_{size}") for size in dict.fromkeys(prod(s) for s in shapes if s) if size}
    names = Names((*RESERVED, "struct", "values", call, arrays.name, floats.name, *put.values(), *arrays.arguments))
    lines = call_lines(f"values = {floats.name}(", given, ")")
    built: list[str] = []
    place = 0
    for o, shape in zip(program.outputs, shapes, strict=True):
        size = prod(shape)
        own = f"values[{place}]" if not shape else f"*values[{place}:{place + size}]"
        place += size
        if not shape:
            built.append(f"np.float64({own})")
            continue
        name = names.fresh(o.name)
        built.append(name)
        lines.append(f"{name} = np.empty({shape[0] if len(shape) == 1 else shape})")
        if size:
            lines.append(f"{put[size]}({name}, 0, {own})")
    first = next((a for a, i in zip(arrays.arguments, program.inputs, strict=True) if i.shape), None)
    if first:
        lines.insert(0, f"    return {arrays.name}({', '.join(arrays.arguments)})")
        lines.insert(0, f'if {first}.dtype.char != "d":')
    lines[:0] = shape_lines(program.name, arrays.arguments, program.inputs)
    lines += return_lines([Text(code) for code in built])
    head = [f"def {call}({', '.join(arrays.arguments)}):", f'    """As {arrays.name}, computed on floats."""']
    setup = [[f'{name} = struct.Struct("{size}d").pack_into'] for size, name in put.items()]
    return Function(call, arrays.arguments, [*head, *indented(lines)], setup, set())


def _nested(names: Sequence[str], shape: Sequence[int]) -> str:
    """Names as nested tuples of a shape."""
    if not shape:
        return names[0]
    step = len(names) // shape[0] if shape[0] else 0
    parts = [_nested(names[k * step : (k + 1) * step], shape[1:]) for k in range(shape[0])]
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
