"""How a function begins: it reads the sizes that it needs, and refuses arrays that its text is not right for.

A module that was saved, and `raw`, have no other check. What is written for n = 100 may hold 1/100 or the end of a loop, and would give
a wrong number for other arrays where nothing else fails; compiled loops would read beyond their end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from symdiff.expr.dims import Dim, dim_add, dim_terms, show_shape
from symdiff.lowering.layout import WIDTH, if_any_lines, indented, wrapped
from symdiff.lowering.program import Input, Program

Place = Callable[[Input, int], str]  # code for the size that an input must have along an axis; '' if it may have any


def size_lines(program: Program, arguments: Mapping[int, str], sizes: Mapping[str, str]) -> list[str]:
    """Lines that read the size of each dim from the input that carries it; `arguments` by register, `sizes` the variable of each dim."""
    lines = []
    for dim, variable in sizes.items():
        i, axis = carrier(program, dim)
        argument = arguments[i.register]
        lines.append(f"{variable} = {argument}.shape[{axis}]" if axis or len(i.shape) > 1 else f"{variable} = len({argument})")
    return lines


def carrier(program: Program, dim: Dim) -> tuple[Input, int]:
    """The first input, and the axis of it, that has just this dim."""
    return next((i, axis) for i in program.inputs for axis, d in enumerate(i.shape) if d == dim)


def requirement_lines(program: Program, code: Callable[[Dim], str]) -> list[str]:
    """Lines that check what the formula takes for granted of sizes."""
    lines = []
    for r in program.requirements:
        least = -sum(count for count, atoms in dim_terms(r.dim) if not atoms)
        lines += [f"if {code(dim_add(r.dim, least))} < {least}:", f'    raise ValueError("{program.name}: {r.why}")']
    return lines


def number(i: Input, axis: int) -> str:
    """The size of an axis if it is a number.

    >>> number(Input('X', ('n', 3), 0), 0), number(Input('X', ('n', 3), 0), 1)
    ('', '3')
    """
    return str(i.shape[axis]) if isinstance(i.shape[axis], int) else ""


def shape_lines(function: str, arguments: Sequence[str], inputs: Sequence[Input], size: Place = number) -> list[str]:
    """Lines that raise a ValueError for an array of another shape; none if every size may be any.

    >>> print(*shape_lines('f', ['X', 'w'], [Input('X', (200, 100), 0), Input('w', (100,), 1)]), sep=chr(10))
    if X.shape != (200, 100) or w.shape != (100,):
        raise ValueError("f takes X (200, 100), w (100,)")
    """
    arrays = [(a, i) for a, i in zip(arguments, inputs, strict=True) if i.shape]
    conditions = [c for a, i in arrays for c in _conditions(a, [size(i, axis) for axis in range(len(i.shape))])]
    if not conditions:
        return []
    lines = if_any_lines(conditions)
    first, *more = wrapped([f"{a} {show_shape(i.shape)}" for a, i in arrays], WIDTH - 30)
    rows = [f"{function} takes {first}", *more]
    texts = [f'"{row} "' for row in rows[:-1]] + [f'"{rows[-1].removesuffix(",")}"']
    if len(texts) == 1:
        return [*lines, f"    raise ValueError({texts[0]})"]
    return [*lines, "    raise ValueError(", *indented(indented(texts)), "    )"]


def _conditions(argument: str, sizes: Sequence[str]) -> list[str]:
    if all(sizes):
        return [f"{argument}.shape != ({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"]
    return [f"{argument}.shape[{axis}] != {size}" for axis, size in enumerate(sizes) if size]
