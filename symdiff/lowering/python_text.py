"""The table from operation to Python on floats, for programs that were taken apart into scalars.

What `math` raises on (a division by zero, the logarithm of 0, an exponential that overflows) is left to raise: the caller then asks
NumPy. `math.pow` and `math.sqrt` raise too where `**` would turn complex.
"""

from __future__ import annotations

from collections.abc import Sequence

from symdiff.lowering.numpy_text import OPERATORS
from symdiff.lowering.program import Instruction
from symdiff.lowering.text import ATOM, UNARY, Context, Text, literal, within
from symdiff.lowering.writer import Language, Row

MATH = {  # operation: function of math
    **{n: n for n in ("sqrt", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "cbrt", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{n: n for n in ("hypot", "erf", "erfc", "pow")},
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh",
    "gammaln": "lgamma", "abs": "fabs",
}  # fmt: skip
NAMES = (*MATH.values(), "inf", "nan")


def _math(name: str) -> Row:
    def row(c: Context, i: Instruction, args: Sequence[Text]) -> Text:
        c.helpers.add(name)
        return Text(f"{name}({', '.join(a.code for a in args)})")

    return row


def _const(c: Context, i: Instruction, args: Sequence[Text]) -> Text:
    text = literal(i.params[0])
    if "np." not in text.code:
        return text
    code = text.code.replace("np.", "")
    c.helpers.add(code.removeprefix("-"))
    return Text(code, text.binds)


def _form(form: str) -> Row:
    """A text in parentheses, with the operands, which are names or numbers, in place of x, y, z."""
    return lambda c, i, args: Text(f"({form.format(*(within(a, ATOM) for a in args))})")


FLOATS = Language(
    {
        **{op: row for op, row in OPERATORS.items() if op != "pow"},
        **{op: _math(name) for op, name in MATH.items()},
        "const": _const,
        "negative": lambda c, i, args: Text(f"-{within(args[0], UNARY)}", UNARY),
        "cast": lambda c, i, args: Text(f"float({args[0].code})"),
        "sign": _form("{0} if {0} != {0} else float({0} > 0.0) - float({0} < 0.0)"),
        "maximum": _form("{0} if {0} > {1} or {0} != {0} else {1}"),
        "minimum": _form("{0} if {0} < {1} or {0} != {0} else {1}"),
        "where": _form("{1} if {0} else {2}"),
    },
    {},
    apart=frozenset(("sign", "maximum", "minimum")),
)
