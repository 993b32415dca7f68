"""The numpy backend: a program as source that a person would have written, and that runs with NumPy alone.

What is used once and is short stands inside the line that uses it; the rest gets a line and a name of its own, from the formula where
it has one. A line that grows too long is broken by naming its longest part. A very long program is cut into functions, because
compiling one huge function takes more than linear time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from symdiff.expr.dims import Dim, show_shape
from symdiff.lowering.helpers import HELPERS, closure
from symdiff.lowering.kernels import KERNELS, kernel_lines
from symdiff.lowering.layout import CHUNK, WIDTH, Statement, array_lines, cut, indented, statement_lines, wrapped
from symdiff.lowering.naming import Names, ascii_name
from symdiff.lowering.numpy_text import LINES, TEXT
from symdiff.lowering.operations import OPERATIONS
from symdiff.lowering.program import Instruction, Program
from symdiff.lowering.text import Context, Text

INLINE = 64  # of a part that may stand inside a line
INLINE_WORK = 5  # operations in such a part

VIEWS_WITHOUT_NAME = ("transpose", "expand", "squeeze", "item")
STEMS = {
    "matmul": "z", "dot": "s", "vdot": "s", "sum": "total", "add": "a", "subtract": "r", "multiply": "p", "divide": "q", "negative": "m",
    "constant": "c", "cast": "x", "outer": "o", "scatter": "v", "embed": "D", "diag": "D", "einsum": "t", "tensordot": "t", "where": "w",
}  # fmt: skip


@dataclass
class Source:
    """An emitted program: the text, the name of its function, and how many functions it was cut into."""

    text: str
    function: str
    arguments: tuple[str, ...]
    parts: int = field(default=1)


def emit(program: Program) -> Source:
    """The program as the source of a module that imports NumPy only.

    >>> from symdiff.expr.leaves import var
    >>> from symdiff.lowering.linearize import linearize
    >>> X, w = var('X', ('n', 'd')), var('w', 'd')
    >>> print(emit(linearize([X @ w], [X, w])).text)
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def f(X, w):
        \"\"\"X (n, d), w (d,) -> out (n,)\"\"\"
        return X @ w
    <BLANKLINE>
    """
    return _Emitter(program).source()


def run_source(program: Program) -> Callable[..., Any]:
    """The function that a program's source defines."""
    source = emit(program)
    namespace: dict[str, Any] = {}
    exec(compile(source.text, f"<symdiff {source.function}>", "exec"), namespace)
    return namespace[source.function]  # type: ignore[no-any-return]


class _Emitter:
    def __init__(self, program: Program) -> None:
        self.program = program
        reserved = {
            "np",
            "math",
            "len",
            "bool",
            "ValueError",
            "ImportError",
            "enumerate",
            "range",
            "int",
            "min",
            "max",
            "base64",
            "zlib",
            "dtype",
            "ERFC_SERIES",
            *HELPERS,
            *KERNELS,
        }
        self.names = Names(reserved)
        self.function = self.names.fresh(program.name)
        self.arguments = {i.register: self.names.fresh(i.name) for i in program.inputs}
        self.constants = [self.names.fresh(f"C{k}") for k in range(1, len(program.constants) + 1)]
        self.context = Context(
            self.names.fresh,
            self.constants,
            {i.register: i.kind for i in program.inputs} | {i.result: i.kind for i in program.instructions},
            {i.register: i.shape for i in program.inputs} | {i.result: i.shape for i in program.instructions},
        )
        self.uses: Counter[int] = Counter(a for i in program.instructions for a in i.args)
        self.uses.update(o.register for o in program.outputs)
        self.returned = {o.register for o in program.outputs}
        self.text: dict[int, Text] = {r: Text(n, reads=frozenset((n,))) for r, n in self.arguments.items()}
        self.pending: dict[int, Instruction] = {}
        self.statements: list[Statement] = []

    # --- statements -----------------------------------------------------------------------------------------------
    def source(self) -> Source:
        for i in self.program.instructions:
            self._instruction(i)
        returned = self._returned()
        body, parts = self._cut(returned)
        head = self._head()
        return Source(
            "\n".join([*head, *body]) + "\n", self.function, tuple(self.arguments[i.register] for i in self.program.inputs), parts
        )

    def _instruction(self, i: Instruction) -> None:
        lines = LINES.get(i.op)
        if lines is not None:
            name = self._name(i)
            args = [self.text[a] for a in i.args]
            self.statements.append(Statement(name, lines(self.context, i, args, name), _reads(args), i.comment))
            self._settle(i, name)
            return
        text = self._expression(i)
        if i.op in ("const", "size"):
            self.text[i.result] = text
        elif i.hint or (i.op == "constant" and i.kind == "real") or not self._inlines(i, text):
            self._assign(i, text)
        else:
            self.text[i.result] = text
            if text.work:
                self.pending[i.result] = i

    def _expression(self, i: Instruction) -> Text:
        """The text of an instruction; parts that make it too long are named first."""
        while True:
            args = [self.text[a] for a in i.args]
            text = TEXT[i.op](self.context, i, args)
            waiting = [a for a in dict.fromkeys(i.args) if a in self.pending]
            if len(text.code) <= WIDTH - 12 or not waiting:
                work = sum(t.work for t in args) + (0 if OPERATIONS[i.op].view else 1)
                return Text(text.code, text.binds, work, _reads(args))
            longest = max(waiting, key=lambda a: len(self.text[a].code))
            self._assign(self.pending[longest], self.text[longest])

    def _inlines(self, i: Instruction, text: Text) -> bool:
        if i.op in VIEWS_WITHOUT_NAME and text.work == 0 and len(text.code) < INLINE // 2:
            return True
        return self.uses[i.result] == 1 and len(text.code) <= INLINE and (text.work <= INLINE_WORK or i.result in self.returned)

    def _assign(self, i: Instruction, text: Text) -> None:
        self.pending.pop(i.result, None)
        name = self._name(i)
        comment = i.comment
        self.statements.append(Statement(name, [f"{name} = {text.code}"], text.reads, comment))
        self._settle(i, name)

    def _settle(self, i: Instruction, name: str) -> None:
        self.text[i.result] = Text(name, reads=frozenset((name,)))

    def _name(self, i: Instruction) -> str:
        if i.hint:
            name = self.names.fresh(i.hint)
            return name
        words = [self.text[a].code.removesuffix(".T") for a in i.args]
        if i.op in ("matmul", "outer") and all(w.isidentifier() and len(w) <= 4 for w in words):
            return self.names.fresh("_".join(words))
        if i.op not in STEMS and len(words) == 1 and words[0].isidentifier() and len(words[0]) <= 6:
            return self.names.fresh(f"{i.op}_{words[0]}")
        return self.names.numbered(STEMS.get(i.op, i.op))

    # --- the function ---------------------------------------------------------------------------------------------
    def _returned(self) -> list[Text]:
        """The outputs; they are named where they would not fit on one line."""
        outputs = self.program.outputs
        while True:
            texts = [self._scalar(o.register) for o in outputs]
            waiting = [o.register for o in outputs if o.register in self.pending]
            if sum(len(t.code) + 2 for t in texts) <= WIDTH - 12 or not waiting:
                return texts
            longest = max(waiting, key=lambda r: len(self.text[r].code))
            instruction = self.pending[longest]
            position = next(k for k, o in enumerate(outputs) if o.register == longest)
            name = outputs[position].name
            self._assign(instruction if len(outputs) == 1 else replace(instruction, hint=ascii_name(name)), self.text[longest])

    def _scalar(self, register: int) -> Text:
        """A scalar output as NumPy's scalar rather than an array of rank 0."""
        text = self.text[register]
        made = next((i for i in reversed(self.program.instructions) if i.result == register), None) if not self._shape(register) else None
        if made is None or made.op not in ("where", "reshape", "elu", "leaky_relu", "einsum", "tensordot", "transpose", "broadcast"):
            return text
        return replace_code(text, f"{text.code}[()]" if text.binds >= 20 else f"({text.code})[()]")

    def _shape(self, register: int) -> tuple[Dim, ...]:
        return self.context.shapes[register]

    def _preamble(self) -> list[str]:
        """Lines that read sizes and the dtype, and check what the formula takes for granted of sizes."""
        c = self.context
        checks = []
        for r in self.program.requirements:
            code = c.dim(r.dim).code
            checks.append(f"if {code} < 0:")
            checks.append(f'    raise ValueError("{self.function}: {r.why}")')
        lines = []
        for name, variable in c.sizes.items():
            lines.append(f"{variable} = {self._size_source(name)}")
        if c.needs_dtype:
            real = [i for i in self.program.inputs if i.kind == "real"]
            lines.append(
                f"dtype = np.result_type({self.arguments[real[0].register]}, np.float32)" if real else "dtype = np.dtype(np.float64)"
            )
        return lines + checks

    def _size_source(self, name: str) -> str:
        for i in self.program.inputs:
            for axis, d in enumerate(i.shape):
                if d == name:
                    argument = self.arguments[i.register]
                    return f"{argument}.shape[{axis}]" if axis or len(i.shape) > 1 else f"len({argument})"
        raise AssertionError(f"no input carries {name}")

    def _docstring(self) -> list[str]:
        inputs = [f"{self.arguments[i.register]} {show_shape(i.shape)}" for i in self.program.inputs]
        outputs = [f"{o.name} {show_shape(self._shape(o.register))}" for o in self.program.outputs]
        text = f"{', '.join(inputs)} -> {', '.join(outputs)}".strip()
        if len(text) <= WIDTH:
            return [f'"""{text}"""']
        rows = [*wrapped(inputs), *(f"-> {line}" if k == 0 else f"   {line}" for k, line in enumerate(wrapped(outputs)))]
        return ['"""', *rows[:-1], rows[-1].rstrip(","), '"""']

    def _cut(self, returned: Sequence[Text]) -> tuple[list[str], int]:
        preamble = self._preamble()
        arguments = list(self.arguments.values())
        result = f"return {', '.join(t.code for t in returned)}" if len(returned) != 1 else f"return {returned[0].code}"
        if len(result) > 4 * WIDTH or (len(result) > WIDTH and len(returned) > 1):
            result = "return (\n" + "".join(f"        {line}\n" for line in wrapped([t.code for t in returned])) + "    )"
        head = [f"def {self.function}({', '.join(arguments)}):", *indented(self._docstring())]
        if len(self.statements) <= CHUNK:
            return [*head, *indented([*preamble, *statement_lines(self.statements), result])], 1
        shared = [*self.arguments.values(), *self.context.sizes.values(), *(["dtype"] if self.context.needs_dtype else [])]
        return cut(self.names, shared, self.statements, [*head, *indented(preamble)], result, _reads(returned))

    # --- the head of the module -----------------------------------------------------------------------------------
    def _head(self) -> list[str]:
        helpers, kernels = closure(self.context.helpers)
        arrays = [array_lines(name, a) for name, a in zip(self.constants, self.program.constants, strict=True)]
        modules = ["base64", "zlib"] if any("b85decode" in line for a in arrays for line in a) else []
        modules += ["math"] if any("math." in HELPERS[h].source for h in helpers) else []
        lines = [*(f"import {m}" for m in sorted(modules)), *([""] if modules else []), "import numpy as np", ""]
        if kernels:
            lines += [*kernel_lines(kernels), ""]
        lines += [line for a in arrays for line in a]
        lines += [""] if arrays else []
        for name in helpers:
            lines += ["", *HELPERS[name].source.rstrip("\n").split("\n"), ""]
        return [*lines, ""]


def replace_code(text: Text, code: str) -> Text:
    return Text(code, reads=text.reads, work=text.work)


def _reads(texts: Sequence[Text]) -> frozenset[str]:
    return frozenset().union(*(t.reads for t in texts))
