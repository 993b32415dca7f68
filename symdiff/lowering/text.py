"""Source of expressions, put together piece by piece.

A text knows how tightly it binds, so that parentheses stand where Python needs them, and where a reader does: around `@` beside `*`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from symdiff.expr.dims import Dim, Shape, dim_add, dim_mul
from symdiff.expr.nodes import Place, Range
from symdiff.lowering.operations import Kind

COMPARE, SUM, MATMUL, PRODUCT, UNARY, POWER, ATOM = 4, 10, 11, 12, 13, 14, 20


class Text(NamedTuple):
    """Source of an expression, how tightly it binds, and how many operations it holds."""

    code: str
    binds: int = ATOM
    work: int = 0
    reads: frozenset[str] = frozenset()


def variable_text(name: str) -> Text:
    return Text(name, reads=frozenset((name,)))


# The sign of an operation, how tightly it binds, and how tightly its operands must, to stand without parentheses.
INFIX: dict[str, tuple[str, int, int, int]] = {
    "add": ("+", SUM, SUM, SUM + 1),
    "subtract": ("-", SUM, SUM, SUM + 1),
    "multiply": ("*", PRODUCT, PRODUCT, PRODUCT + 1),
    "divide": ("/", PRODUCT, PRODUCT, PRODUCT + 1),
    "pow": ("**", POWER, ATOM, ATOM),
    "less": ("<", COMPARE, SUM, SUM),
    "less_equal": ("<=", COMPARE, SUM, SUM),
    "greater": (">", COMPARE, SUM, SUM),
    "greater_equal": (">=", COMPARE, SUM, SUM),
    "equal": ("==", COMPARE, SUM, SUM),
    "not_equal": ("!=", COMPARE, SUM, SUM),
}


def infix(op: str, x: Text, y: Text) -> Text:
    sign, binds, left, right = INFIX[op]
    return Text(f"{within(x, left)} {sign} {within(y, right)}", binds)


def within(text: Text, least: int) -> str:
    """The text, in parentheses if it binds less than `least`."""
    return text.code if text.binds >= least else f"({text.code})"


@dataclass
class Context:
    """What a row may ask for: the names of dims, the kinds of its operands, and helpers to carry along."""

    fresh: Callable[[str], str]
    constants: Sequence[str]
    kinds: Mapping[int, Kind]
    shapes: Mapping[int, Shape]
    helpers: set[str] = field(default_factory=set)
    needs_dtype: bool = False
    sizes: dict[str, str] = field(default_factory=dict)  # the variable of each dim that was read
    known_dtype: str = ""  # where the program is written for one dtype

    def dtype(self) -> str:
        if self.known_dtype:
            return self.known_dtype
        self.needs_dtype = True
        return "dtype"

    def scalar_type(self) -> str:
        """What makes a Python number one of the program's dtype."""
        return self.known_dtype or f"{self.dtype()}.type"

    def dim(self, dim: Dim) -> Text:
        if isinstance(dim, int):
            return Text(str(dim), ATOM if dim >= 0 else UNARY)

        def name(match: re.Match[str]) -> str:
            if match[0] not in self.sizes:
                self.sizes[match[0]] = self.fresh(match[0])
            return self.sizes[match[0]]

        code = re.sub(r"[^\W\d]\w*", name, dim)
        return Text(code, ATOM if dim.isidentifier() else SUM)

    def shape(self, shape: Shape) -> str:
        return f"({', '.join(self.dim(d).code for d in shape)}{',' if len(shape) == 1 else ''})"


def literal(value: float) -> Text:
    """A number as Python writes it.

    >>> literal(2).code, literal(0.5).code, literal(float('-inf')).code
    ('2', '0.5', '-np.inf')
    """
    if isinstance(value, float) and not math.isfinite(value):
        name = "np.nan" if value != value else "np.inf" if value > 0 else "-np.inf"
        return Text(name, UNARY if name[0] == "-" else ATOM)
    code = repr(value)
    return Text(code, UNARY if code[0] == "-" else ATOM)


# --- indices ---------------------------------------------------------------------------------------------------------
def place_code(c: Context, place: Place, dim: Dim) -> str:
    """One entry of an index."""
    if not isinstance(place, Range):
        return c.dim(place).code
    start, length, step = place
    if place == Range(0, dim, 1):
        return ":"
    stop = dim_add(start, dim_mul(length, step))
    first = "" if (start == 0 and step > 0) or (step < 0 and start == dim_add(dim, -1)) else within(c.dim(start), SUM)
    tail = "" if step == 1 else f":{step}"
    if step > 0:
        return f"{first}:{'' if stop == dim else c.dim(stop).code}{tail}"
    if isinstance(stop, int):
        return f"{first}:{stop if stop >= 0 else ''}{tail}"
    code = c.dim(stop).code
    return f"{first}:({code} if {code} >= 0 else None){tail}"


def key_code(c: Context, key: Sequence[Place], shape: Shape) -> str:
    """The inside of the brackets; whole axes at the end are left out."""
    entries = [place_code(c, p, d) for p, d in zip(key, shape, strict=True)]
    while len(entries) > 1 and entries[-1] == ":":
        entries.pop()
    return ", ".join(entries) if entries else "()"
