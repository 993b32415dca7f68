"""Writes a program one instruction at a time, and never the same instruction twice.

Operations that come out equal (same name, operands, parameters) are one register: common subexpressions cost nothing further. Views
are undone where they meet their opposite. Kinds are reconciled here: truth values and whole numbers become real where NumPy would
otherwise choose a dtype of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from symdiff.expr.dims import Dim, Shape, dim_terms
from symdiff.expr.nodes import Place
from symdiff.lowering.operations import OPERATIONS, Kind
from symdiff.lowering.program import Input, Instruction, Output, Program, Requirement, nominal_size

WHOLE = ("int", "number")


def as_float(value: int | Fraction | float) -> float:
    """The nearest float; beyond the largest, infinity."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


class Builder:
    """The growing program: registers with their shapes and kinds, and a memo of every instruction."""

    def __init__(self, sizes: Mapping[str, int] | None = None) -> None:
        self.sizes = dict(sizes or {})
        self.inputs: list[Input] = []
        self.instructions: list[Instruction] = []
        self.constants: list[np.ndarray] = []
        self.requirements: dict[Any, tuple[int, Requirement]] = {}
        self.shapes: list[Shape] = []
        self.kinds: list[Kind] = []
        self.made_by: list[Instruction | None] = []
        self.hints: dict[int, tuple[str, str]] = {}
        self._memo: dict[tuple[Any, ...], int] = {}

    # --- making registers -----------------------------------------------------------------------------------------
    def input(self, name: str, shape: Shape, kind: Kind = "real") -> int:
        register = self._register(shape, kind)
        self.inputs.append(Input(name, shape, register, kind))
        self.made_by.append(None)
        return register

    def _register(self, shape: Shape, kind: Kind) -> int:
        self.shapes.append(shape)
        self.kinds.append(kind)
        return len(self.shapes) - 1

    def emit(self, op: str, args: Sequence[int] = (), *params: Any) -> int:
        """The register of an operation, which is written out unless it has been already."""
        key = (op, tuple(args), params)
        found = self._memo.get(key)
        if found is not None:
            return found
        operation = OPERATIONS[op]
        shape = operation.shape(tuple(self.shapes[a] for a in args), params)
        return self._write(key, op, tuple(args), params, shape, operation.kind(tuple(self.kinds[a] for a in args), params))

    def _write(self, key: Any, op: str, args: tuple[int, ...], params: tuple[Any, ...], shape: Shape, kind: Kind) -> int:
        register = self._register(shape, kind)
        instruction = Instruction(op, args, params, register, shape, kind)
        self.instructions.append(instruction)
        self.made_by.append(instruction)
        self._memo[key] = register
        return register

    def number(self, value: int | Fraction | float | bool) -> int:
        """A Python number; whole ones stay whole until they meet something real."""
        plain: int | float = int(value) if isinstance(value, int) else as_float(value)
        key = ("const", type(plain), repr(plain))
        return self._memo.get(key) if key in self._memo else self._write(key, "const", (), (plain,), (), "number")  # type: ignore[return-value]

    def array(self, value: np.ndarray) -> int:
        """A constant array; whole numbers and truth values keep their kind."""
        kind: Kind = {"b": "bool", "i": "int", "u": "int"}.get(value.dtype.kind, "real")  # type: ignore[assignment]
        key = ("constant", value.dtype.str, value.shape, value.tobytes())
        if key not in self._memo:
            self.constants.append(value)
            self._write(key, "constant", (), (len(self.constants) - 1, kind), value.shape, kind)
        return self._memo[key]

    def number_of(self, register: int) -> int | float | None:
        """The value of a register that is a constant number."""
        made = self.made_by[register]
        return made.params[0] if made is not None and made.op == "const" else None

    def require(self, dim: Dim, why: str) -> None:
        """Ask that a dim be not negative at run time; of 'n - 1' and 'n - 5' only the second is kept."""
        if isinstance(dim, int):
            return
        terms = dim_terms(dim)
        rest = tuple(sorted((atoms, count) for count, atoms in terms if atoms))
        constant = sum(count for count, atoms in terms if not atoms)
        if all(count > 0 for _, count in rest) and constant >= 0:
            return
        found = self.requirements.get(rest)
        if found is None or constant < found[0]:
            self.requirements[rest] = (constant, Requirement(dim, why))

    def weigh(self, register: int) -> int:
        """Number of elements at the hinted sizes."""
        return nominal_size(self.shapes[register], self.sizes)

    # --- kinds ----------------------------------------------------------------------------------------------------
    def real(self, register: int) -> int:
        """The register as real values; a Python number becomes one of the program's dtype."""
        if self.kinds[register] == "real":
            return register
        made = self.made_by[register]
        if made is not None and made.op == "constant":
            return self.array(self.constants[made.params[0]].astype(np.float64))
        return self.emit("cast", [register], "real")

    def operand(self, register: int) -> int:
        """The register as an operand beside real ones: real, or a Python number written as a float."""
        if self.kinds[register] == "number":
            value = self.number_of(register)
            return self.number(as_float(value)) if isinstance(value, int) else register
        return self.real(register)

    def index(self, register: int) -> int:
        """The register as whole numbers that can index."""
        return register if self.kinds[register] == "int" else self.emit("cast", [register], "int")

    # --- arithmetic -----------------------------------------------------------------------------------------------
    def whole(self, *registers: int) -> bool:
        """Whether arithmetic of these stays in whole numbers: indices and sizes, exact beyond what a float32 holds."""
        kinds = [self.kinds[r] for r in registers]
        return "int" in kinds and all(
            k == "int" or (k == "number" and not isinstance(self.number_of(r), float)) for k, r in zip(kinds, registers, strict=True)
        )

    def arithmetic(self, op: str, a: int, b: int) -> int:
        """add, subtract or multiply."""
        a, b = self.broadcasting([a, b])
        x, y = self.number_of(a), self.number_of(b)
        if x is not None and y is not None:
            return self.number({"add": x + y, "subtract": x - y, "multiply": x * y}[op])
        if self.kinds[a] == self.kinds[b] == "number" or self.whole(a, b):
            return self._either_order(op, a, b)
        if op == "multiply":
            if (1 in (x, y)) and not isinstance(x if x is not None else y, bool):
                return self.operand(b if x == 1 else a)
            kinds = {self.kinds[a], self.kinds[b]}
            if kinds == {"bool", "real"} or kinds == {"bool"}:
                return self._either_order(op, a, b)
        return self._either_order(op, self.operand(a), self.operand(b))

    def _either_order(self, op: str, a: int, b: int) -> int:
        """The instruction; the sum or product with its operands exchanged, if that is there already."""
        return self.emit(op, [b, a] if op != "subtract" and self.has(op, b, a) else [a, b])

    def has(self, op: str, *args: int) -> bool:
        """Whether this instruction has been written."""
        return (op, args, ()) in self._memo

    def divide(self, a: int, b: int) -> int:
        """a / b by NumPy's rules also at zero, which is why two Python numbers are not divided as such."""
        a, b = self.broadcasting([self.operand(a), self.operand(b)])
        if self.kinds[a] == self.kinds[b] == "number":
            a = self.real(a)
        return self.emit("divide", [a, b])

    def negative(self, a: int) -> int:
        value = self.number_of(a)
        if value is not None:
            return self.number(-value)
        made = self.made_by[a]
        if made is not None and made.op == "negative":
            return made.args[0]
        if self.kinds[a] == "bool":
            a = self.real(a)
        return self.emit("negative", [a])

    def function(self, name: str, *args: int) -> int:
        """An elementwise function of real arguments, or of Python numbers of which the first is made real."""
        registers = self.broadcasting([self.operand(a) for a in args])
        if all(self.kinds[r] == "number" for r in registers):
            registers[0] = self.real(registers[0])
        return self.emit(name, registers)

    def broadcasting(self, registers: Sequence[int]) -> list[int]:
        """Operands of an elementwise operation; leading axes of size 1 are not taken away where broadcasting puts up with them."""
        rank = max([len(self.shapes[r]) for r in registers])
        if not rank:
            return list(registers)
        result = []
        for r in registers:
            made = self.made_by[r]
            if made is not None and made.op == "squeeze" and len(self.shapes[made.args[0]]) <= rank:
                axes = made.params[0]
                if axes == tuple(range(len(axes))):
                    r = made.args[0]
            result.append(r)
        return result

    # --- views ----------------------------------------------------------------------------------------------------
    def transpose(self, x: int, order: Sequence[int]) -> int:
        if list(order) == list(range(len(order))):
            return x
        made = self.made_by[x]
        if made is not None and made.op == "transpose":
            return self.transpose(made.args[0], [made.params[0][a] for a in order])
        return self.emit("transpose", [x], tuple(order))

    def expand(self, x: int, axes: Sequence[int]) -> int:
        """New axes of size 1 at these places of the result. Leading ones are kept: NumPy would add them by itself."""
        made = self.made_by[x]
        if axes and made is not None and made.op == "squeeze" and made.params[0] == tuple(sorted(axes)):
            return made.args[0]
        return self.emit("expand", [x], tuple(sorted(axes))) if axes else x

    def squeeze(self, x: int, axes: Sequence[int]) -> int:
        """Without these axes, which are of size 1; new axes are taken away where they were put in."""
        if not axes:
            return x
        made = self.made_by[x]
        if made is not None and made.op == "expand":
            added = made.params[0]
            rest = [a for a in added if a not in axes]
            if len(rest) == len(added) - len(axes):
                dropped = sorted(axes)
                return self.expand(made.args[0], [a - sum(d < a for d in dropped) for a in rest])
        return self.emit("squeeze", [x], tuple(sorted(axes)))

    def reshape(self, x: int, shape: Shape) -> int:
        return x if self.shapes[x] == shape else self.emit("reshape", [x], shape)

    def broadcast(self, x: int, shape: Shape) -> int:
        """x stretched to `shape`, a view; a Python number becomes real."""
        if self.shapes[x] == shape:
            return x
        if self.kinds[x] == "number":
            x = self.real(x)
        return self.emit("broadcast", [x], shape)

    def slice(self, x: int, key: tuple[Place, ...]) -> int:
        return self.emit("slice", [x], key)

    def align(self, x: int, labels: Sequence[int], order: Sequence[int]) -> int:
        """x with its axes in the order of `order`, and axes of size 1 for the labels it lacks, fit to broadcast."""
        present = [label for label in order if label in labels]
        x = self.transpose(x, [labels.index(label) for label in present])
        first = order.index(present[0]) if present else len(order)
        tail = order[first:]
        return self.expand(x, [a for a, label in enumerate(tail) if label not in labels])

    # --- reductions -----------------------------------------------------------------------------------------------
    def sum(self, x: int, axes: Sequence[int]) -> int:
        return self.emit("sum", [self.real(x)], tuple(sorted(axes))) if axes else x

    # --- the end --------------------------------------------------------------------------------------------------
    def hint(self, register: int, name: str, comment: str = "") -> None:
        """Name a register, and say what it is; the first name stays, the last comment."""
        named, said = self.hints.get(register, ("", ""))
        self.hints[register] = named or name, comment or said

    def said(self, register: int, comment: str) -> int:
        """The register, with what it is as a comment."""
        self.hint(register, "", comment)
        return register

    def name_of(self, register: int) -> str:
        """The name of an input, or the hint of what is computed; '' without one."""
        made = self.made_by[register]
        if made is None:
            return next((i.name for i in self.inputs if i.register == register), "")
        return self.hints.get(register, ("", ""))[0]

    def program(self, name: str, outputs: Sequence[Output]) -> Program:
        instructions = tuple(
            Instruction(i.op, i.args, i.params, i.result, i.shape, i.kind, *self.hints[i.result]) if i.result in self.hints else i
            for i in self.instructions
        )
        return Program(
            name, tuple(self.inputs), instructions, tuple(outputs), tuple(self.constants), tuple(r for _, r in self.requirements.values())
        )
