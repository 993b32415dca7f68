"""The straight-line program that stands between expressions and source.

A program is data: typed inputs, flat instructions that each define one register once, and named outputs. Passes map programs to
programs, backends only read them, and `check` says after every step that the program is still well formed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from symdiff.errors import SymdiffError
from symdiff.expr.dims import Dim, Shape, dim_mul, dim_names, dim_value, show_shape
from symdiff.lowering.operations import OPERATIONS, Kind

NOMINAL_SIZE = 64  # what a dim of unknown size counts as when costs are compared


class ProgramError(SymdiffError):
    """A program that is not well formed: a fault of symdiff, never of its user."""


class Input(NamedTuple):
    """An argument of the program; `kind` is 'real', or 'int' for one that is only ever an index."""

    name: str
    shape: Shape
    register: int
    kind: Kind = "real"


@dataclass(frozen=True, slots=True)
class Instruction:
    """`result` = op(args; params). `hint` is a name for the result and `comment` the formula beside it.

    `into` is the buffer that the result is written to, once buffers are planned; -1 stands for none.
    """

    op: str
    args: tuple[int, ...]
    params: tuple[Any, ...]
    result: int
    shape: Shape
    kind: Kind
    hint: str = ""
    comment: str = ""
    into: int = -1


class Buffer(NamedTuple):
    """Memory for results of one shape, one after the other. A `fresh` one is made in each call and may leave it. `part_of` is the buffer
    of a stack, and the place in it, whose memory this is."""

    shape: Shape
    kind: Kind
    fresh: bool
    part_of: tuple[int, int] | None = None


class Output(NamedTuple):
    name: str
    register: int


class Requirement(NamedTuple):
    """A dim that must not be negative at run time, such as 'n - 5' for x[:5], and why."""

    dim: Dim
    why: str


@dataclass(frozen=True)
class Program:
    """Instructions in order, between inputs and outputs. `constants` are arrays that instructions name by position."""

    name: str
    inputs: tuple[Input, ...]
    instructions: tuple[Instruction, ...]
    outputs: tuple[Output, ...]
    constants: tuple[np.ndarray, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    buffers: tuple[Buffer, ...] = ()

    def size_names(self) -> set[str]:
        """The names of the dims that the inputs carry as they are, each of which gives its size at run time."""
        return {d for i in self.inputs for d in i.shape if isinstance(d, str) and d.isidentifier()}

    def shapes(self) -> dict[int, Shape]:
        """The shape of each register."""
        return {i.register: i.shape for i in self.inputs} | {i.result: i.shape for i in self.instructions}

    def kinds(self) -> dict[int, Kind]:
        """The kind of each register."""
        return {i.register: i.kind for i in self.inputs} | {i.result: i.kind for i in self.instructions}

    def with_instructions(self, instructions: Iterator[Instruction] | list[Instruction] | tuple[Instruction, ...]) -> Program:
        return replace(self, instructions=tuple(instructions))

    def __str__(self) -> str:
        lines = [f"{self.name}({', '.join(f'%{i.register} {i.name} {show_shape(i.shape)}' for i in self.inputs)})"]
        for i in self.instructions:
            params = "; ".join(map(str, i.params))
            into = f" into buffer {i.into}" if i.into >= 0 else ""
            lines.append(
                f"  %{i.result} = {i.op}({', '.join(f'%{a}' for a in i.args)}{'; ' + params if params else ''}) {show_shape(i.shape)} {i.kind}{into}"
            )
        lines.append(f"  return {', '.join(f'{o.name} %{o.register}' for o in self.outputs)}")
        return "\n".join(lines)


def check(program: Program) -> Program:
    """The program itself, if it is well formed.

    Raises: ProgramError for a register that is used before it is defined or defined twice, for an unknown operation, for a shape or
    kind other than the operation gives, and for a register that is read after its buffer was written over.
    """
    shapes: dict[int, Shape] = {}
    kinds: dict[int, Kind] = {}
    for argument in program.inputs:
        if argument.register in shapes:
            raise ProgramError(f"input {argument.name!r}: register %{argument.register} is defined twice")
        shapes[argument.register], kinds[argument.register] = argument.shape, argument.kind
    for k, i in enumerate(program.instructions):
        wrong = _fault(i, shapes, kinds, program)
        if wrong:
            raise ProgramError(f"instruction {k}, %{i.result} = {i.op}: {wrong}")
        shapes[i.result], kinds[i.result] = i.shape, i.kind
    for o in program.outputs:
        if o.register not in shapes:
            raise ProgramError(f"output {o.name!r}: register %{o.register} is not defined")
    if program.buffers:
        _check_buffers(program)
    return program


def _fault(i: Instruction, shapes: Mapping[int, Shape], kinds: Mapping[int, Kind], program: Program) -> str:
    """What is wrong with an instruction after those that gave the shapes and kinds of its operands; '' if nothing is."""
    operation = OPERATIONS.get(i.op)
    if operation is None:
        return "there is no such operation"
    if operation.arity is not None and len(i.args) != operation.arity:
        return f"{len(i.args)} operands, {operation.arity} are wanted"
    for a in i.args:
        if a not in shapes:
            return f"register %{a} is used before it is defined"
    if i.result in shapes:
        return "the register is defined twice"
    if i.op == "constant":
        shape: Shape = program.constants[i.params[0]].shape
    else:
        shape = operation.shape(tuple([shapes[a] for a in i.args]), i.params)
    if shape != i.shape:
        return f"the shape is {show_shape(shape)}, not {show_shape(i.shape)}"
    kind = operation.kind(tuple([kinds[a] for a in i.args]), i.params)
    return "" if kind == i.kind else f"the kind is {kind}, not {i.kind}"


def memory_owners(program: Program) -> dict[int, int]:
    """The register whose memory each register shows: itself, but for views."""
    owner = {i.register: i.register for i in program.inputs}
    for i in program.instructions:
        owner[i.result] = owner[i.args[0]] if OPERATIONS[i.op].view and i.op != "item" else i.result
    return owner


def _check_buffers(program: Program) -> None:
    owner = memory_owners(program)
    into = {i.result: i.into for i in program.instructions if i.into >= 0}
    holds: dict[int, int] = {}
    for k, i in enumerate(program.instructions):
        over = OPERATIONS[i.op].over
        if over and into.get(i.args[0], -1) != i.into:
            raise ProgramError(f"instruction {k}, %{i.result} = {i.op}: buffer {i.into} is not that of %{i.args[0]}, which it writes over")
        for place, a in enumerate(i.args):
            buffer = into.get(owner[a], -1)
            if buffer >= 0 and holds[buffer] != owner[a]:
                raise ProgramError(f"instruction {k}, %{i.result} = {i.op}: buffer {buffer} no longer holds %{owner[a]}")
            if buffer >= 0 and buffer == i.into and not OPERATIONS[i.op].elementwise and not (over and place == 0):
                raise ProgramError(f"instruction {k}, %{i.result} = {i.op}: reads and writes buffer {buffer}")
        if i.into >= 0:
            buffer_of = program.buffers[i.into]
            if (buffer_of.shape, buffer_of.kind) != (i.shape, i.kind):
                raise ProgramError(
                    f"instruction {k}, %{i.result} = {i.op}: buffer {i.into} is {show_shape(buffer_of.shape)} {buffer_of.kind}"
                )
            holds[i.into] = i.result
    for o in program.outputs:
        buffer = into.get(owner[o.register], -1)
        if buffer >= 0 and holds[buffer] != owner[o.register]:
            raise ProgramError(f"output {o.name!r}: buffer {buffer} was written over")


def nominal(dim: Dim, sizes: Mapping[str, int]) -> int:
    """The size that costs are compared with: the hint, or a middling number for a name without one.

    >>> nominal('n', {'n': 10}), nominal(3, {}), nominal('2*d', {})
    (10, 3, 128)
    """
    if isinstance(dim, int):
        return dim
    return max(dim_value(dim, {name: sizes.get(name, NOMINAL_SIZE) for name in dim_names([dim])}), 0)


def nominal_size(shape: Shape, sizes: Mapping[str, int]) -> int:
    """Number of elements at the hinted sizes."""
    return 1 if not shape else nominal(dim_mul(*shape), sizes)


class Cost(NamedTuple):
    """What a program takes at the hinted sizes: instructions that do work, scalar operations, bytes that are written to arrays, and bytes of
    the arrays that are made for them (float64)."""

    instructions: int
    operations: int
    written: int
    memory: int


def cost(program: Program, sizes: Mapping[str, int]) -> Cost:
    """Count the work of a program; views, constants and numbers without an array take nothing."""
    shapes = program.shapes()
    count = operations = written = 0
    for i in program.instructions:
        operation = OPERATIONS[i.op]
        if operation.view or i.op in ("const", "constant", "size"):
            continue
        count += 1
        operations += operation.work([tuple(nominal(d, sizes) for d in shapes[a]) for a in i.args], i.params, nominal_size(i.shape, sizes))
        written += _bytes(i.shape, sizes)
    memory = sum(_bytes(b.shape, sizes) for b in program.buffers if b.part_of is None) if program.buffers else written
    return Cost(count, operations, written, memory)


def _bytes(shape: Shape, sizes: Mapping[str, int]) -> int:
    return 8 * nominal_size(shape, sizes) if shape else 0
