"""A program as statements on scalars and loop nests: numba compiles those to what C would be.

An array register is a buffer that a nest fills, or an expression of the loop's index that stands where it is read (numba_plan.py). A
register of rank 0 is a variable. The rows for what is more than pointwise are in numba_rows.py and numba_products.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from symdiff.errors import Unsupported
from symdiff.expr.dims import Dim, Shape
from symdiff.expr.nodes import Place, Range
from symdiff.lowering.naming import Names, ascii_name
from symdiff.lowering.numba_plan import PLACED, POINTWISE, plan
from symdiff.lowering.numba_texts import CONDITION, TEXTS, Scalar
from symdiff.lowering.preamble import carrier, requirement_lines, shape_lines, size_lines
from symdiff.lowering.program import Input, Instruction, Program
from symdiff.lowering.text import ATOM, SUM, Context, Text
from symdiff.lowering.writer import STEMS

INLINE = 72  # characters of a part that may stand inside a line
INDICES = ("i", "j", "k", "l", "p", "q")

Index = Sequence[str]
Row = Callable[["Nests", Instruction], None]


class Nests:
    """Writes the body of one program. `lines` are its statements, `buffers` what they need allocated before."""

    def __init__(self, program: Program, names: Names, constants: Sequence[str], dtype: str, rows: dict[str, Row]) -> None:
        self.program = program
        self.names = names
        self.scalar = Scalar(dtype)
        self.rows = rows
        self.made = {i.result: i for i in program.instructions}
        self.kinds = program.kinds()
        self.shapes = program.shapes()
        self.arguments = {i.register: names.fresh(i.name) for i in program.inputs}
        self.context = Context(names.fresh, constants, self.kinds, self.shapes)
        self.plan = plan(program)
        self.names_of: dict[int, str] = dict(self.arguments)  # arrays, and variables of rank 0
        self.texts: dict[int, Text] = {}  # of rank 0, waiting for their one reader
        self.readers = {a: i for i in program.instructions for a in i.args}
        self.lines: list[str] = []
        self.buffers: list[str] = []
        self._indices: list[str] = []
        self._depth = 0
        self._scopes: list[dict[tuple[int, tuple[str, ...]], Text]] = [{}]

    def run(self) -> None:
        """Write every instruction that is not computed inside another one's loop."""
        for i in self.program.instructions:
            if i.result not in self.plan.stored:
                continue
            row = self.rows.get(i.op)
            if row is not None:
                row(self, i)
            elif i.op in POINTWISE or i.op in PLACED:
                self.pointwise(i)
            elif not i.shape and i.kind == "tuple":
                continue
            else:
                raise Unsupported(f"lower: the numba backend has no {i.op}; use backend='numpy'")

    # --- lines ----------------------------------------------------------------------------------------------------
    def write(self, line: str) -> None:
        self.lines.append("    " * self._depth + line)

    @contextmanager
    def loop(self, variable: str, over: str) -> Iterator[None]:
        self.write(f"for {variable} in range({over}):")
        self._depth += 1
        self._scopes.append({})
        yield
        self._scopes.pop()
        self._depth -= 1

    @contextmanager
    def loops(self, shape: Shape) -> Iterator[list[str]]:
        """Nested loops over all entries of a shape; yields their variables. An axis of one entry needs no loop."""
        with ExitStack() as stack:
            index = []
            for d in shape:
                index.append("0" if d == 1 else self.index(self._depth))
                if d != 1:
                    stack.enter_context(self.loop(index[-1], self.dim(d)))
            yield index

    def index(self, depth: int) -> str:
        """The loop variable at a depth."""
        while len(self._indices) <= depth:
            k = len(self._indices)
            self._indices.append(self.names.fresh(INDICES[k]) if k < len(INDICES) else self.names.numbered("i"))
        return self._indices[depth]

    @property
    def depth(self) -> int:
        return self._depth

    def dim(self, dim: Dim) -> str:
        return self.context.dim(dim).code

    # --- names ----------------------------------------------------------------------------------------------------
    def name(self, i: Instruction) -> str:
        """A name for a result: that of the formula, else a short one."""
        return self.names.fresh(ascii_name(i.hint)) if i.hint else self.names.numbered(STEMS.get(i.op, i.op))

    def buffer(self, i: Instruction, fill: str = "empty") -> str:
        """A new array for a result; one that is to start as zeros is filled where it stands, because buffers are kept."""
        name = self.names_of[i.result] = self.name(i)
        dtype = {"int": "np.int64", "bool": "np.bool_"}.get(i.kind, f"np.{self.scalar.dtype}")
        self.buffers.append(f"{name} = np.empty({self.context.shape(i.shape)}, {dtype}){_comment(i)}")
        if fill != "empty":  # by loops: an assignment to all of an array takes numba seconds to compile
            with self.loops(i.shape) as index:
                self.write(f"{self.element(name, index)} = {fill}")
        return name

    def element(self, name: str, index: Index) -> str:
        return f"{name}[{', '.join(index)}]" if index else name

    # --- pointwise results ----------------------------------------------------------------------------------------
    def pointwise(self, i: Instruction) -> None:
        """A nest that computes each entry from those of the operands; of rank 0, a statement or a part of one."""
        if i.shape:
            name = self.buffer(i)
            with self.loops(i.shape) as index:
                self.write(f"{self.element(name, index)} = {self.inside(i, index).code}")
            return
        self.set_scalar(i, self.inside(i, ()))

    def set_scalar(self, i: Instruction, text: Text) -> None:
        """The value of a register of rank 0: kept as text if its one reader is of rank 0 too and it is short, else a variable."""
        reader = self.readers.get(i.result)
        alone = self.plan.uses[i.result] == 1 and (reader is None or (not reader.shape and reader.op in POINTWISE))
        if text.work == 0 or (alone and not i.hint and len(text.code) <= INLINE):
            self.texts[i.result] = text
            return
        name = self.names_of[i.result] = self.name(i)
        self.write(f"{name} = {text.code}{_comment(i)}")

    # --- entries --------------------------------------------------------------------------------------------------
    def at(self, register: int, index: Index) -> Text:
        """The entry of a register at an index of its own shape."""
        if register in self.names_of:
            return Text(self.element(self.names_of[register], index))
        if register in self.texts:
            return self.texts[register]
        key = (register, tuple(index))
        for scope in self._scopes:
            if key in scope:
                return scope[key]
        i = self.made[register]
        text = self.inside(i, index)
        if text.work and (self.plan.uses[register] > 1 or len(text.code) > INLINE):
            name = self.name(i)
            self.write(f"{name} = {text.code}")
            text = Text(name)
        if text.work == 0:
            self._scopes[-1][key] = text
        return text

    def spread(self, register: int, index: Index, shape: Shape) -> Text:
        """The entry of an operand that is broadcast to `shape`, at an index of that shape."""
        own = self.shapes[register]
        tail = index[len(shape) - len(own) :]
        return self.at(register, ["0" if d == 1 else k for k, d in zip(tail, own, strict=True)])

    def inside(self, i: Instruction, index: Index) -> Text:
        """The text of one entry of a result."""
        view = VIEWS.get(i.op)
        if view is not None:
            return self.at(i.args[0], view(self, i, index))
        leaf = ENTRIES.get(i.op)
        if leaf is not None:
            return leaf(self, i, index)
        args = [self.spread(a, index, i.shape) for a in i.args]
        if i.op == "cast":
            text = self.scalar.cast(args[0], self.kinds[i.args[0]]) if i.kind == "real" else Text(f"int({args[0].code})")
        else:
            kinds = [self.kinds[a] for a in i.args]
            first = int(i.op == "where")
            if i.kind == "real" or "real" in kinds[first:]:
                args[first:] = [self.as_real(a, t) for a, t in zip(i.args[first:], args[first:], strict=True)]
            text = TEXTS[i.op](self.scalar, args)
        return Text(text.code, text.binds, sum(a.work for a in args) + 1)

    def as_real(self, register: int, text: Text) -> Text:
        """An operand beside real ones, in the dtype of the program."""
        if self.kinds[register] == "real":
            return text
        made = self.made.get(register)
        if made is not None and made.op == "const":
            return self.scalar.number(made.params[0])
        return self.scalar.cast(text, self.kinds[register])


def _comment(i: Instruction) -> str:
    return f"  # {i.comment}" if i.comment else ""


# --- views: from an index of the result to one of the operand --------------------------------------------------------------
def _transposed(n: Nests, i: Instruction, index: Index) -> Index:
    own = [""] * len(index)
    for axis, k in zip(i.params[0], index, strict=True):
        own[axis] = k
    return own


def _squeezed(n: Nests, i: Instruction, index: Index) -> Index:
    rest = iter(index)
    return ["0" if axis in i.params[0] else next(rest) for axis in range(len(n.shapes[i.args[0]]))]


def _broadcast(n: Nests, i: Instruction, index: Index) -> Index:
    own = n.shapes[i.args[0]]
    return ["0" if d == 1 else k for k, d in zip(index[len(index) - len(own) :], own, strict=True)]


def placed(n: Nests, key: Sequence[Place], index: Index) -> list[str]:
    """An index of a slice as one of the whole array."""
    rest = iter(index)
    return [_position(n, p, next(rest)) if isinstance(p, Range) else n.dim(p) for p in key]


def _position(n: Nests, place: Range, k: str) -> str:
    start, _, step = place
    if step != 1 and not k.isalnum():
        k = f"({k})"
    scaled = k if step == 1 else f"{step} * {k}" if step > 0 else f"- {-step} * {k}" if step != -1 else f"- {k}"
    if start == 0 and step > 0:
        return scaled
    first = n.dim(start)
    return f"{first} + {scaled}" if step > 0 else f"{first} {scaled}"


VIEWS: dict[str, Callable[[Nests, Instruction, Index], Index]] = {
    "transpose": _transposed,
    "expand": lambda n, i, index: [k for axis, k in enumerate(index) if axis not in i.params[0]],
    "squeeze": _squeezed,
    "broadcast": _broadcast,
    "full": _broadcast,
    "copy": lambda n, i, index: index,
    "slice": lambda n, i, index: placed(n, i.params[0], index),
    "diagonal": lambda n, i, index: _on_diagonal(i.params, index),
}


def _on_diagonal(axes: Sequence[int], index: Index) -> list[str]:
    rest = iter(index[:-1])
    return [index[-1] if axis in axes else next(rest) for axis in range(len(index) + 1)]


# --- entries of what has no operands -----------------------------------------------------------------------------------------
def _const(n: Nests, i: Instruction, index: Index) -> Text:
    value = i.params[0]
    return n.scalar.number(value) if isinstance(value, float) else Text(repr(value))


def _constant(n: Nests, i: Instruction, index: Index) -> Text:
    if i.shape:
        return Text(n.element(n.context.constants[i.params[0]], index))
    value = n.program.constants[i.params[0]].item()
    return n.scalar.number(value) if i.kind == "real" else Text(repr(value))


def _eye(n: Nests, i: Instruction, index: Index) -> Text:
    return Text(f"{n.scalar.number(1).code} if {index[0]} == {index[1]} else {n.scalar.number(0).code}", CONDITION)


ENTRIES: dict[str, Callable[[Nests, Instruction, Index], Text]] = {
    "const": _const,
    "constant": _constant,
    "size": lambda n, i, index: n.context.dim(i.params[0]),
    "iota": lambda n, i, index: Text(index[0], ATOM if index[0].isalnum() else SUM),
    "eye": _eye,
}


# --- requirements and sizes ----------------------------------------------------------------------------------------------------
def preamble(n: Nests) -> list[str]:
    """Lines that read the sizes and check the shapes. To be asked for when all else is written."""

    def size(i: Input, axis: int) -> str:
        return "" if (i, axis) in carriers else n.dim(i.shape[axis])

    carriers = [carrier(n.program, name) for name in n.program.size_names()]
    arguments = [n.arguments[i.register] for i in n.program.inputs]
    checks = shape_lines(n.program.name, arguments, n.program.inputs, size)
    checks += requirement_lines(n.program, n.dim)
    return [*size_lines(n.program, n.arguments, n.context.sizes), *checks]
