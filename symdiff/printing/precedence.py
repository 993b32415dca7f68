"""How tightly each form of notation binds, for every style: the one table that decides on brackets."""

from __future__ import annotations

from collections.abc import Mapping

from symdiff.printing.term import Term, decimal

LOOSE, COMPARE, ADD, SIGN, TIMES, PRODUCT, POWER, POSTFIX, ATOM = range(9)

BINDS: Mapping[str, int] = {
    "compare": COMPARE,
    "add": ADD,
    "neg": SIGN,
    "times": TIMES,
    "over": TIMES,
    "matmul": PRODUCT,  # a matrix product binds tighter than an elementwise one; Python, where they are equal, gets brackets
    "power": POWER,
    "transpose": POSTFIX,
    "index": POSTFIX,
    "entry": POSTFIX,
    "sigma": TIMES,
    "call": ATOM,
    "name": ATOM,
    "list": ATOM,
    "array": ATOM,
}


def binding(t: Term) -> int:
    """The level of a term; numbers and the text of dims by what they look like."""
    if t.op == "number":
        if isinstance(t.data, bool):
            return ATOM
        if t.data < 0:
            return SIGN
        return ATOM if getattr(t.data, "denominator", 1) == 1 or isinstance(t.data, float) or decimal(t.data) else TIMES
    if t.op == "text":
        return ATOM if t.ops == 0 else ADD
    return BINDS[t.op]
