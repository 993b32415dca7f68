"""A pass as a table: each instruction is written again by a builder, some of them in another form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from symdiff.lowering.builder import Builder
from symdiff.lowering.program import Instruction, Output, Program

Row = Callable[[Builder, Instruction, list[int]], int | None]


def rebuild(program: Program, rows: Mapping[str, Row]) -> Program:
    """The program with instructions replaced by what the row of their operation writes; None leaves one as it is.

    A row is given the instruction as it was, and its operands in the new program.
    """
    b = Builder()
    of = {i.register: b.input(i.name, i.shape, i.kind) for i in program.inputs}
    for i in program.instructions:
        args = [of[a] for a in i.args]
        row = rows.get(i.op)
        register = row(b, i, args) if row else None
        if register is None:
            register = again(b, i, args, program)
        of[i.result] = register
        if i.hint or i.comment:
            b.hint(register, i.hint, i.comment)
    made = b.program(program.name, [Output(o.name, of[o.register]) for o in program.outputs])
    return replace(made, requirements=program.requirements)


def again(b: Builder, i: Instruction, args: list[int], program: Program) -> int:
    """The same instruction."""
    if i.op == "const":
        return b.number(i.params[0])
    if i.op == "constant":
        return b.array(program.constants[i.params[0]])
    return b.emit(i.op, args, *i.params)
