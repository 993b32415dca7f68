"""Instructions as statements where every array has its memory: `X.dot(W, out=z)`, `z += b`, `h = np.tanh(z, out=z)`.

A buffer is a variable. What is computed in the place of its first operand is written as an assignment with an operator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from symdiff.expr.dims import whole_dims
from symdiff.lowering.buffers import WRITES, WRITES_ELEMENTWISE
from symdiff.lowering.layout import Statement
from symdiff.lowering.made_once import SMALL, MadeOnce
from symdiff.lowering.naming import Names, ascii_name
from symdiff.lowering.numpy_text import diagonal_spec
from symdiff.lowering.operations import OPERATIONS
from symdiff.lowering.program import Instruction, Program, memory_owners
from symdiff.lowering.text import ATOM, Text, variable_text, within
from symdiff.lowering.writer import Language, Writer, reads

OPERATOR = {"add": "+=", "subtract": "-=", "multiply": "*=", "divide": "/="}
SHORT_ROW = 32  # entries of rows so short that a reduction over each is slower than one over the columns of a copy
SUMMED_BY_DOT = {1: 1 << 11, 2: 1 << 18}  # entries of vectors and matrices that are summed along an axis as products with ones
REDUCE = {"sum": "np.add.reduce", "max": "np.maximum.reduce", "min": "np.minimum.reduce", "prod": "np.multiply.reduce"}


class PlacedWriter(Writer):
    """A writer of programs with buffers; with `reuse` the results are written to given memory as well.

    After `run`, `kept` has the variables of the buffers that outlive a call, `turning` those that leave it if they are reused,
    `diagonals` what alone is written of some of these, and `made_once` the arrays that are made when the module is loaded. Where not
    `exact`, arrays may be shorter than planned.
    """

    def __init__(
        self,
        program: Program,
        language: Language,
        names: Names,
        constants: Sequence[str],
        dtype: str,
        reuse: bool = False,
        given: Mapping[int, Text] | None = None,
    ) -> None:
        super().__init__(program, language, names, constants, given)
        self.reuse = reuse
        self.exact = True
        self.turning: list[int] = []
        self.diagonals: dict[int, tuple[str, str]] = {}
        self.context.known_dtype = dtype
        self.kept: dict[int, str] = {}
        self.made_once = MadeOnce(names, dtype)
        self.variable: dict[int, str] = {}
        self.later = _later_names(program)
        self.owner = memory_owners(program)
        self.into = {i.result: i.into for i in program.instructions if i.into >= 0}

    def _instruction(self, i: Instruction) -> None:
        reads_arrays = any(self.context.shapes[self.owner[a]] for a in i.args)
        if i.into >= 0:
            self._place(i)
        elif i.op == "item" or i.kind == "tuple" or OPERATIONS[i.op].view or not reads_arrays:
            super()._instruction(i)
        else:  # a number that is read off arrays, which may be written over before it is used
            self._assign(i, self._reduction(i))

    # --- arrays ---------------------------------------------------------------------------------------------------
    def _place(self, i: Instruction) -> None:
        buffer = self.program.buffers[i.into]
        if OPERATIONS[i.op].over:
            self._write_over(i)
            return
        if i.op == "stack" and i.into in self.kept:  # its parts were computed in it
            self.texts[i.result] = variable_text(self.kept[i.into])
            return
        if i.op == "embed" and self.reuse and self.exact and i.result in {self.owner[o] for o in self.returned}:
            self._write_diagonal(i)
            return
        if i.op not in WRITES:
            super()._instruction(i) if i.op in self.language.lines else self._assign(i, self._text(i))
            self.variable[i.into] = self.texts[i.result].code
            return
        first = i.into not in self.variable
        if first:
            if buffer.fresh and not self.reuse:
                self._assign(i, self._made(i))
                self.variable[i.into] = self.texts[i.result].code
                return
            self.variable[i.into] = self._name(i)
            if buffer.part_of and buffer.part_of[0] not in self.kept:
                self.kept[buffer.part_of[0]] = self.names.numbered("stack")
            if buffer.fresh:
                self.turning.append(i.into)
            else:
                self.kept[i.into] = self.variable[i.into]
        self._write(i, self.variable[i.into], first)

    def _name(self, i: Instruction) -> str:
        """As the register is called, or what takes its place later on."""
        if not i.hint and self.later.get(i.result):
            return self.names.fresh(self.later[i.result])
        return super()._name(i)

    def _made(self, i: Instruction) -> Text:
        """The result in new memory."""
        args = [self.texts[a] for a in i.args]
        if i.op in ("sum", "max", "min", "prod", "matmul", "outer"):
            return Text(self._call(i, args, ""), reads=reads(args))
        return self._text(i)

    def _write(self, i: Instruction, memory: str, first: bool) -> None:
        """The statement that computes into memory, which is named anew where it held something else before."""
        args = self._operands(i)
        codes = [a.code for a in args]
        inside = next((self.texts[a].code for a in i.args if self.into.get(a) == i.into), "")  # computed in place of this
        name = i.hint if inside else self.later.get(i.result, "")
        target = inside or memory
        if i.op in OPERATOR and inside and name in ("", inside) and (codes[0] == inside or i.op in ("add", "multiply")):
            other = args[1] if codes[0] == inside else args[0]
            line = f"{inside} {OPERATOR[i.op]} {other.code}"
        elif i.op in ("full", "copy"):
            line = f"{target}[...] = {codes[0]}"
        else:
            line = self._call(i, args, f", out={target}")
            if name not in ("", target) or not (first or inside or name):
                target = self.names.fresh(name) if name else self._name(i)
                line = f"{target} = {line}"
        self.statements.append(Statement((target,), [line], reads(args), i.comment))
        self.texts[i.result] = variable_text(target)

    def _write_diagonal(self, i: Instruction) -> None:
        """The result keeps its zeros from call to call; its diagonal alone is written."""
        name = self.variable[i.into] = self._name(i)
        self.turning.append(i.into)
        diagonal = self.names.fresh(f"{name}_diagonal")
        self.diagonals[i.into] = diagonal, diagonal_spec(i)
        x = self.texts[i.args[0]]
        self.statements.append(Statement((name,), [f"{diagonal}[...] = {x.code}"], x.reads, i.comment))
        self.texts[i.result] = variable_text(name)

    def _write_over(self, i: Instruction) -> None:
        """The variable of the first operand is bound to what is returned, which is the same memory."""
        first = i.args[0]
        target = self.texts[first].code
        if i.hint and i.hint != self.later.get(first):
            target = self.names.fresh(i.hint)
        text = self._text(i)
        self.statements.append(Statement((target,), [f"{target} = {text.code}"], text.reads, i.comment))
        self.texts[i.result] = variable_text(target)

    def _operands(self, i: Instruction) -> list[Text]:
        """The operands; numbers as arrays where a ufunc takes those sooner."""
        args = [self.texts[a] for a in i.args]
        if i.op not in WRITES_ELEMENTWISE or not any(self.context.kinds[a] == "real" and self.context.shapes[a] for a in i.args):
            return args
        return [self._beside_arrays(i, a, text) for a, text in zip(i.args, args, strict=True)]

    def _beside_arrays(self, i: Instruction, register: int, text: Text) -> Text:
        made = self.made.get(register)
        if made is None or made.op != "const":
            return text
        shape, value = whole_dims(i.shape), made.params[0]
        if i.op in ("maximum", "minimum") and value == 0:
            return Text(self.made_once.zeros(shape, exact=self.exact))
        return Text(self.made_once.number(value, text.code)) if prod(shape) <= SMALL else text

    def _call(self, i: Instruction, args: Sequence[Text], out: str) -> str:
        codes = [a.code for a in args]
        if i.op == "matmul":
            flat = all(len(self.context.shapes[a]) <= 2 for a in i.args)
            return _dot(args[0], args[1], out) if flat else f"np.matmul({codes[0]}, {codes[1]}{out})"
        if i.op == "outer":
            return f"{within(args[0], ATOM)}[:, None].dot({within(args[1], ATOM)}[None]{out})"
        if i.op in REDUCE:
            return self._reduced(i, args[0], out)
        if i.op == "relu":
            codes.append(self.made_once.zeros(whole_dims(i.shape), exact=self.exact))
        return f"{WRITES_ELEMENTWISE[i.op]}({', '.join(codes)}{out})"

    def _reduced(self, i: Instruction, x: Text, out: str) -> str:
        shape, (axes,) = self.context.shapes[i.args[0]], i.params
        sizes = whole_dims(shape)
        if i.op == "sum" and len(axes) == 1 and self._summed_by_dot(i.args[0], sizes):
            ones = Text(self.made_once.ones(sizes[axes[0]]))
            return _dot(ones, x, out) if axes == (0,) else _dot(x, ones, out)
        if i.op in ("max", "min") and axes == (1,) and len(sizes) == 2 and sizes[1] <= SHORT_ROW < sizes[0]:
            return f"{REDUCE[i.op]}({within(x, ATOM)}.T.copy(), axis=0{out})"  # along contiguous memory
        axis = axes[0] if len(axes) == 1 else axes
        if len(axes) == len(shape):
            axis = 0 if len(axes) == 1 else None
        return f"{REDUCE[i.op]}({x.code}{'' if axis == 0 and len(shape) == 1 else f', axis={axis}'}{out})"

    def _summed_by_dot(self, register: int, sizes: Sequence[int]) -> bool:
        fits = 0 < prod(sizes) <= SUMMED_BY_DOT.get(len(sizes), 0)
        return self.exact and fits and self.context.kinds[register] == "real"

    # --- numbers --------------------------------------------------------------------------------------------------
    def _reduction(self, i: Instruction) -> Text:
        args = [self.texts[a] for a in i.args]
        if i.op in REDUCE:
            return Text(self._reduced(i, args[0], ""), reads=reads(args))
        if i.op == "dot" or (i.op == "matmul" and all(len(self.context.shapes[a]) <= 2 for a in i.args)):
            return Text(_dot(args[0], args[1]), reads=reads(args))
        return self._text(i)


def _dot(x: Text, y: Text, out: str = "") -> str:
    """A product as the method of an array: `np.dot` takes a third of a microsecond to find it."""
    return f"{within(x, ATOM)}.dot({y.code}{out})"


def _later_names(program: Program) -> dict[int, str]:
    """The name of a register, or else of the first named result that is computed in its place; an output is named after itself."""
    holder: dict[int, int] = {}
    before: dict[int, int] = {}
    for i in program.instructions:
        if i.into >= 0:
            if i.into in holder and holder[i.into] in i.args:
                before[i.result] = holder[i.into]
            holder[i.into] = i.result
    hints = {o.register: ascii_name(o.name) for o in program.outputs}
    hints |= {i.result: i.hint for i in program.instructions if i.hint}
    later: dict[int, str] = {}
    for i in reversed(program.instructions):
        name = hints.get(i.result) or later.get(i.result)
        if name:
            later[i.result] = name
            if i.result in before:
                later[before[i.result]] = name
    return later
