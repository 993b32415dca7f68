"""The numpy backend for long arrays: a loop over blocks of rows that stay in the cache, in memory for one block.

The last block may be shorter: its memory is a part of that for a whole one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from symdiff.lowering.blocks import Blocked
from symdiff.lowering.buffers import plan_buffers
from symdiff.lowering.layout import array_lines, call_lines, dtype_code, indented, statement_lines
from symdiff.lowering.naming import Names
from symdiff.lowering.numpy_source import NUMPY, RESERVED, Function, Source, module
from symdiff.lowering.placed_source import (
    KEPT,
    OWN,
    empty_code,
    kept_code,
    memory_imports,
    memory_lines,
    names_code,
    turn_lines,
    turns_lines,
)
from symdiff.lowering.placed_writer import PlacedWriter
from symdiff.lowering.preamble import shape_lines
from symdiff.lowering.program import Buffer, Program, check
from symdiff.lowering.text import Text, variable_text
from symdiff.lowering.writer import Writer

ROWS = ("start", "rows", "range", "slice")


def emit_blocked(program: Program, blocked: Blocked, dtype: str, reuse: bool = False) -> Source:
    """The module of a program in blocks, for arrays of this dtype. With `reuse` the arrays of its results take turns."""
    e = _Emission(program, blocked, dtype, reuse)
    return Source(module([e.memory(), e.function()], memory_imports(bool(e.turning))), e.name)


def _variables(names: Mapping[int, str]) -> dict[int, Text]:
    return {r: variable_text(name) for r, name in names.items()}


class _Emission:
    """The three parts as statements, with one space of names."""

    def __init__(self, program: Program, blocked: Blocked, dtype: str, reuse: bool) -> None:
        self.program, self.blocked, self.dtype = program, blocked, dtype
        self.names = Names((*RESERVED, *OWN, *ROWS))
        self.name = self.names.fresh(program.name)
        self.constants = [self.names.fresh(f"C{k}") for k in range(1, len(program.constants) + 1)]
        self.whole = Writer(program, NUMPY, self.names, self.constants)
        known = dict(self.whole.texts)
        self.before = self._written(blocked.before, known)
        known |= self._before_loop(blocked)
        self.results = {o.register: self.names.fresh(o.name.removesuffix("_rows")) for o in blocked.body.outputs}
        cut = {r: self.names.fresh(f"{known[r].code}_rows") for r in blocked.inputs}
        self.sources = {name: known[r].code for r, name in cut.items()}
        self.body = self._written(blocked.body, {**known, **_variables(cut)}, in_loop=True)
        known |= _variables(self.results)
        self.after = self._written(blocked.after, known)
        self.known = known | {o.register: self.after.texts[o.register] for o in blocked.after.outputs}
        shapes, kinds = program.shapes(), program.kinds()
        self.stored = {self.results[r]: Buffer(shapes[r], kinds[r], True) for r in blocked.stored}
        self.turning = self.stored if reuse else {}
        into = {i.result: i.into for i in self.body.program.instructions}
        self.direct = {into[r]: r for r in blocked.stored if into[r] in self.body.turning}  # buffers that are rows of a result

    def _before_loop(self, blocked: Blocked) -> dict[int, Text]:
        """The texts of what is computed before the loop: what is more than a name or a number gets a variable, if it is read later."""
        read = {a for part in (blocked.body, blocked.after) for i in part.instructions for a in i.args}
        read -= {i.result for i in blocked.before.instructions if i.op == "const"}
        found = {o.register: self.before.texts[o.register] for o in blocked.before.outputs}
        names = {o.register: self.names.fresh(o.name) for o in blocked.before.outputs if found[o.register].work and o.register in read}
        self.assigned = [f"{name} = {found[r].code}" for r, name in names.items()]
        return found | _variables(names)

    def _written(self, part: Program, given: Mapping[int, Text], in_loop: bool = False) -> PlacedWriter:
        planned = check(plan_buffers(part))
        if not in_loop:
            planned = replace(planned, buffers=tuple(b._replace(fresh=True) for b in planned.buffers))
        writer = PlacedWriter(planned, NUMPY, self.names, self.constants, self.dtype, in_loop, given)
        writer.exact = not in_loop  # the last block has fewer rows
        writer.run()
        return writer

    def _rowed(self) -> tuple[dict[int, str], dict[int, str]]:
        """The variables of kept buffers with a row each, and of the others."""
        cut = {i.into for i in self.body.program.instructions if i.result in self.blocked.cut}
        kept = {k: v for k, v in self.body.variable.items() if (k in self.body.kept or k in self.body.turning) and k not in self.direct}
        return {k: v for k, v in kept.items() if k in cut}, {k: v for k, v in kept.items() if k not in cut}

    def _buffer(self, k: int) -> Buffer:
        return self.body.program.buffers[k]

    def memory(self) -> Function:
        lines: list[str] = []
        for attribute, kept in zip(("arrays", "sums"), self._rowed(), strict=True):
            arrays = [kept_code(self._buffer(k), self.dtype) for k in kept]
            if arrays:
                lines += call_lines(f"self.{attribute} = (", arrays, "," * (len(arrays) == 1) + ")")
        helpers = {KEPT} if lines else set()
        if self.turning:
            lines += turns_lines([empty_code(buffer, self.dtype) for buffer in self.turning.values()])
        return Function("Memory", (), memory_lines(lines or ["pass"]), [], helpers)

    def function(self) -> Function:
        b, body = self.blocked, self.body
        shapes = self.program.shapes()
        if self.turning:
            opening = turn_lines(self.whole, list(self.turning), self.turning)
        else:
            opening = [f"{name} = {empty_code(buffer, self.dtype)}" for name, buffer in self.stored.items()]
        for r in b.summed:
            opening.append(f"{self.results[r]} = " + (f"np.zeros({shapes[r]}{dtype_code(self.dtype)})" if shapes[r] else "0.0"))
        views = {**self.sources, **{body.variable[k]: self.results[r] for k, r in self.direct.items()}}
        inner = [f"rows = slice(start, start + {b.rows})", *(f"{view} = {array}[rows]" for view, array in views.items())]
        rowed, other = self._rowed()
        if rowed:
            inner.append(f"{names_code(list(rowed.values()))} = [array[: len({next(iter(views))})] for array in memory.arrays]")
        if other:
            inner.append(f"{names_code(list(other.values()))} = memory.sums")
        inner += statement_lines(body.statements)
        inner += [f"{self.results[r]}[rows] = {body.texts[r].code}" for r in b.stored if r not in self.direct.values()]
        inner += [f"{self.results[r]} += {body.texts[r].code}" for r in b.summed]
        lines = [
            *shape_lines(self.program.name, list(self.whole.arguments.values()), self.program.inputs),
            *opening,
            *statement_lines(self.before.statements),
            *self.assigned,
            f"for start in range(0, {b.size}, {b.rows}):",
            *indented(inner),
            *statement_lines(self.after.statements),
            f"return {', '.join(self.known[o.register].code for o in self.program.outputs)}",
        ]
        parts = (self.whole, self.before, body, self.after)
        arrays = [array_lines(n, a, self.dtype) for n, a in zip(self.constants, self.program.constants, strict=True)]
        arrays += [line for w in parts[1:] for line in w.made_once.lines()]
        head = [f"def {self.name}({', '.join(self.whole.arguments.values())}):", *indented(self.whole.docstring())]
        return Function(self.name, (), [*head, *indented(lines)], arrays, set().union(*(w.context.helpers for w in parts)))
