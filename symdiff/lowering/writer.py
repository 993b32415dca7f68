"""Instructions as statements: what gets a line and a name of its own, and what stands inside the line that uses it.

What is used once and is short stands inside; the rest is named, after the formula where it has a name there. A line that grows too
long is broken by naming its longest part. The table of texts decides the language.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from symdiff.expr.dims import show_shape
from symdiff.lowering.layout import WIDTH, Statement, wrapped
from symdiff.lowering.naming import Names, ascii_name
from symdiff.lowering.operations import OPERATIONS
from symdiff.lowering.program import Instruction, Program
from symdiff.lowering.text import ATOM, Context, Text, variable_text

INLINE = 64  # characters of a part that may stand inside a line
INLINE_WORK = 5  # operations in such a part
ROOM = WIDTH - 12  # for what stands right of "name = "

VIEWS_WITHOUT_NAME = ("transpose", "expand", "squeeze")
STEMS = {
    "matmul": "z", "dot": "s", "vdot": "s", "sum": "total", "add": "a", "subtract": "r", "multiply": "p", "divide": "q", "negative": "m",
    "constant": "c", "cast": "x", "outer": "o", "scatter": "v", "embed": "D", "diag": "D", "einsum": "t", "tensordot": "t", "where": "w",
}  # fmt: skip

PARTS = {"eigh": ("values", "vectors"), "svd": ("left", "values", "right"), "sigmoids": ("sigmoid", "rest")}  # of tuples

Row = Callable[[Context, Instruction, Sequence[Text]], Text]
Lines = Callable[[Context, Instruction, Sequence[Text], str], list[str]]


class Language(NamedTuple):
    """Texts by operation; `lines` for operations that take several; `apart` are those whose operands must be names or numbers."""

    text: Mapping[str, Row]
    lines: Mapping[str, Lines]
    apart: frozenset[str] = frozenset()
    zero_rank: frozenset[str] = frozenset()  # operations that may give an array of rank 0 where a scalar is meant


class Writer:
    """Writes the statements of one program; `texts` then has the text of every register, and `context` what the text asks for."""

    def __init__(
        self, program: Program, language: Language, names: Names, constants: Sequence[str], given: Mapping[int, Text] | None = None
    ) -> None:
        self.program = program
        self.language = language
        self.names = names
        self.arguments = {i.register: given[i.register].code if given else names.fresh(i.name) for i in program.inputs}
        self.context = Context(
            names.fresh,
            constants,
            program.kinds(),
            program.shapes(),
        )
        self.uses: Counter[int] = Counter(a for i in program.instructions for a in i.args)
        self.uses.update(o.register for o in program.outputs)
        self.made = {i.result: i for i in program.instructions}
        self.parts: dict[int, list[Instruction]] = {}
        for i in program.instructions:
            if i.op == "item":
                self.parts.setdefault(i.args[0], []).append(i)
        self.returned = {o.register for o in program.outputs}
        self.texts: dict[int, Text] = {r: given[r] if given else variable_text(n) for r, n in self.arguments.items()}
        self.pending: dict[int, Instruction] = {}
        self.statements: list[Statement] = []

    def run(self) -> list[Text]:
        """Write everything; the texts of the outputs."""
        for i in self.program.instructions:
            self._instruction(i)
        return self._outputs()

    def _instruction(self, i: Instruction) -> None:
        lines = self.language.lines.get(i.op)
        if lines is not None:
            name = self._name(i)
            args = [self.texts[a] for a in i.args]
            self.statements.append(Statement((name,), lines(self.context, i, args, name), reads(args), i.comment))
            self.texts[i.result] = variable_text(name)
            return
        if i.op == "item":  # named where its tuple was written
            return
        text = self._expression(i)
        if i.op in ("const", "size"):
            self.texts[i.result] = text
        elif i.kind == "tuple":
            self._unpack(i, text)
        elif i.hint or (i.op == "constant" and i.kind == "real") or not self._inlines(i, text):
            self._assign(i, text)
        else:
            self.texts[i.result] = text
            if text.work:
                self.pending[i.result] = i

    def _expression(self, i: Instruction) -> Text:
        """The text of an instruction; parts that make it too long, or that it repeats, are named first."""
        waiting = [a for a in dict.fromkeys(i.args) if a in self.pending]
        if i.op in self.language.apart:
            for a in waiting:
                self._assign(self.pending[a], self.texts[a])
            waiting = []
        text = self._text(i)
        length = len(text.code)
        if length > ROOM and waiting:
            for a in sorted(waiting, key=lambda a: -len(self.texts[a].code)):
                if length <= ROOM:
                    break
                length -= len(self.texts[a].code)
                self._assign(self.pending[a], self.texts[a])
                length += len(self.texts[a].code)
            text = self._text(i)
        return text

    def _text(self, i: Instruction) -> Text:
        args = [self.texts[a] for a in i.args]
        text = self.language.text[i.op](self.context, i, args)
        return Text(text.code, text.binds, sum(t.work for t in args) + (0 if OPERATIONS[i.op].view else 1), reads(args))

    def _inlines(self, i: Instruction, text: Text) -> bool:
        if i.op in VIEWS_WITHOUT_NAME and text.work == 0 and len(text.code) < INLINE // 2:
            return True
        return self.uses[i.result] == 1 and len(text.code) <= INLINE and (text.work <= INLINE_WORK or i.result in self.returned)

    def _assign(self, i: Instruction, text: Text) -> None:
        self.pending.pop(i.result, None)
        name = self._name(i)
        self.statements.append(Statement((name,), [f"{name} = {text.code}"], text.reads, i.comment))
        self.texts[i.result] = variable_text(name)

    def _unpack(self, i: Instruction, text: Text) -> None:
        """All parts of a tuple that are read, in one statement."""
        parts = self.parts[i.result]
        hint = next((part.hint for part in parts if part.hint), "")
        names = {}
        for part in parts:
            what = PARTS[i.op][part.params[0]]
            if part.hint or hint:
                names[part.params[0]] = self.names.fresh(part.hint or f"{hint}_{what}")
            else:
                names[part.params[0]] = self._name(replace(part, args=i.args, op=what))
        targets = ", ".join(names.get(k, "_") for k in range(len(PARTS[i.op])))
        comment = " ".join(part.comment for part in parts if part.comment)
        self.statements.append(Statement(tuple(names.values()), [f"{targets} = {text.code}"], text.reads, comment))
        for part in parts:
            name = names[part.params[0]]
            self.texts[part.result] = variable_text(name)

    def _name(self, i: Instruction) -> str:
        if i.hint:
            return self.names.fresh(i.hint)
        words = [self.texts[a].code.removesuffix(".T") for a in i.args]
        if i.op in ("matmul", "outer") and all(w.isidentifier() and len(w) <= 4 for w in words):
            return self.names.fresh("_".join(words))
        if i.op == "slice" and words[0].isidentifier() and all(isinstance(place, int) for place in i.params[0]):
            return self.names.fresh("_".join([words[0], *map(str, i.params[0])]))
        if i.op not in STEMS and len(words) == 1 and words[0].isidentifier() and len(words[0]) <= 6:
            return self.names.fresh(f"{i.op}_{words[0]}")
        return self.names.numbered(STEMS.get(i.op, i.op))

    def _outputs(self) -> list[Text]:
        """The outputs; the longest are named where they would not fit on one line."""
        outputs = self.program.outputs
        texts = [self._output(o.register) for o in outputs]
        waiting = sorted({o.register for o in outputs if o.register in self.pending}, key=lambda r: -len(self.texts[r].code))
        length = sum(len(t.code) + 2 for t in texts)
        named = {o.register: o.name for o in reversed(outputs)}
        for r in waiting:
            if length <= ROOM:
                break
            made = self.pending[r]
            length -= len(self.texts[r].code)
            self._assign(made if len(outputs) == 1 else replace(made, hint=ascii_name(named[r])), self.texts[r])
            length += len(self.texts[r].code)
        return [self._output(o.register) for o in outputs]

    def _output(self, register: int) -> Text:
        """A scalar output as NumPy's scalar rather than an array of rank 0."""
        text = self.texts[register]
        made = self.made.get(register)
        if made is None or made.shape or made.op not in self.language.zero_rank:
            return text
        return Text(f"{text.code}[()]" if text.binds >= ATOM else f"({text.code})[()]", ATOM, text.work, text.reads)

    def docstring(self) -> list[str]:
        """Shapes of the inputs and outputs."""
        inputs = [f"{self.arguments[i.register]} {show_shape(i.shape)}" for i in self.program.inputs]
        outputs = [f"{ascii_name(o.name)} {show_shape(self.context.shapes[o.register])}" for o in self.program.outputs]
        text = f"{', '.join(inputs)} -> {', '.join(outputs)}".strip()
        if len(text) <= WIDTH:
            return [f'"""{text}"""']
        rows = [*wrapped(inputs), *(f"-> {line}" if k == 0 else f"   {line}" for k, line in enumerate(wrapped(outputs)))]
        return ['"""', *rows[:-1], rows[-1].rstrip(","), '"""']


def reads(texts: Sequence[Text]) -> frozenset[str]:
    """The variables that texts read."""
    return frozenset().union(*(t.reads for t in texts))


def return_lines(texts: Sequence[Text]) -> list[str]:
    """The end of a function, over several lines if it must."""
    line = f"return {', '.join(t.code for t in texts)}"
    if len(line) <= WIDTH or len(texts) == 1:
        return [line]
    return ["return (", *(f"    {row}" for row in wrapped([t.code for t in texts])), ")"]
