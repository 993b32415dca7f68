"""The python style: NumPy source under the names of `symdiff.printing.namespace`, one expression a formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from symdiff.printing.precedence import ADD, LOOSE, POSTFIX, POWER, PRODUCT, SIGN, TIMES, binding
from symdiff.printing.term import Term, decimal


def literal(value: Any) -> str:
    """A number as Python source.

    >>> literal(Fraction(1, 2)), literal(Fraction(-1, 3)), literal(2.0), literal(float('inf'))
    ('0.5', '-1/3', '2.0', 'inf')
    """
    if isinstance(value, Fraction):
        return decimal(value) or f"{value.numerator}/{value.denominator}"
    return repr(value)


class PythonWriter:
    """Spells terms as Python; `names` gives the name of each variable and part."""

    def __init__(self, names: Mapping[Any, str]) -> None:
        self.names = names

    def write(self, t: Term, level: int = LOOSE) -> str:
        """The text of a term, in brackets if it binds less than `level`."""
        body = _SPELL[t.op](self, t)
        return f"({body})" if binding(t) < level and t.op != "sigma" else body

    def _name(self, t: Term) -> str:
        return self.names[t.data]

    def _text(self, t: Term) -> str:
        return str(t.data)

    def _number(self, t: Term) -> str:
        return literal(t.data)

    def _array(self, t: Term) -> str:
        values = t.data.tolist()
        if t.data.size == 0:
            return f"zeros({', '.join(map(str, t.shape))})"
        return (
            f"array({values!r})"
            if t.data.dtype != np.float32
            else f"array({np.array2string(t.data, separator=', ', threshold=t.data.size + 1)})"
        )

    def _add(self, t: Term) -> str:
        pieces = [self.write(t.args[0], ADD)]
        for sign, a in zip(t.data[1:], t.args[1:], strict=True):
            pieces.append(f"+ {self.write(a, ADD)}" if sign else f"- {self.write(a, SIGN)}")
        return " ".join(pieces)

    def _neg(self, t: Term) -> str:
        return f"-{self.write(t.args[0], TIMES)}"

    def _times(self, t: Term) -> str:
        scalar_so_far = True
        pieces = []
        for k, a in enumerate(t.args):
            alone = scalar_so_far and all(b.shape == () for b in t.args[k + 1 :])
            if a.op == "matmul" and not alone:
                pieces.append(f"({self.write(a)})")
            elif k == 0:
                pieces.append(self.write(a, SIGN))
            else:
                pieces.append(self.write(a, PRODUCT))
            scalar_so_far = scalar_so_far and a.shape == ()
        return " * ".join(pieces)

    def _over(self, t: Term) -> str:
        above, below = t.args
        bracket = above.op == "matmul" and below.shape != ()
        return f"{f'({self.write(above)})' if bracket else self.write(above, SIGN)} / {self.write(below, POWER)}"

    def _matmul(self, t: Term) -> str:
        return " @ ".join(self.write(a, POWER) for a in t.args)

    def _power(self, t: Term) -> str:
        base, exponent = t.args
        below = self.write(exponent, LOOSE)
        plain = exponent.op in ("name", "text", "call") or (exponent.op == "number" and "/" not in below)
        return f"{self.write(base, POSTFIX)}**{below if plain else f'({below})'}"

    def _transpose(self, t: Term) -> str:
        return f"{self.write(t.args[0], POSTFIX)}.T"

    def _index(self, t: Term) -> str:
        inner = iter(t.args[1:])
        return f"{self.write(t.args[0], POSTFIX)}[{', '.join(self.entry(k, inner) for k in t.data)}]"

    def entry(self, k: Any, inner: Any) -> str:
        """One entry of a key."""
        if k == "term":
            return self.write(next(inner))
        if isinstance(k, tuple):
            start, stop, step = k
            return f"{start}:{stop}" + (f":{step}" if step else "")
        return str(k)

    def _call(self, t: Term) -> str:
        fn, options = t.data
        parts = [self.write(a) for a in t.args] + [f"{k}={v!r}" for k, v in options]
        return f"{fn}({', '.join(parts)})"

    def _entry(self, t: Term) -> str:
        return f"{self.write(t.args[0], POSTFIX)}[{', '.join(t.data)}]"

    def _sigma(self, t: Term) -> str:
        return f"sum({self.write(t.args[0])} {' '.join(f'for {letter} in range({d})' for letter, d in t.data)})"

    def _list(self, t: Term) -> str:
        items = [self.write(a) for a in t.args]
        trailing = "," if t.data == "()" and len(items) == 1 else ""
        return f"{t.data[0]}{', '.join(items)}{trailing}{t.data[1]}"

    def _compare(self, t: Term) -> str:
        a, b = t.args
        return f"{self.write(a, ADD)} {t.data} {self.write(b, ADD)}"


_SPELL: Mapping[str, Callable[[PythonWriter, Term], str]] = {
    op: getattr(PythonWriter, f"_{op}")
    for op in (
        "name", "text", "number", "array", "add", "neg", "times", "over", "matmul", "power", "transpose", "index", "call", "list", "compare",
        "entry", "sigma",
    )
}  # fmt: skip
