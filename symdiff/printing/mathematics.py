"""What the unicode and LaTeX styles share: NumPy's values turned back into the notation of mathematics.

Vectors are columns: `a @ b` is aᵀb, `outer(a, b)` is a bᵀ, `v @ A` is Aᵀv. A factor that broadcasts along rows or columns is a
diagonal matrix, a new axis is no sign at all, and einsum is an indexed sum. The two styles differ in the tokens only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from symdiff.expr.dims import Shape
from symdiff.expr.functions import FUNCTIONS
from symdiff.printing import term
from symdiff.printing.forms import (
    diagonal_side,
    in_letter,
    is_column_of_ones_product,
    is_new_axis,
    is_open_sum,
    is_square,
    joined_norms,
    reads_as_row,
)
from symdiff.printing.math_calls import CALLS
from symdiff.printing.math_products import Products
from symdiff.printing.precedence import ADD, ATOM, LOOSE, POSTFIX, POWER, PRODUCT, SIGN, TIMES, binding
from symdiff.printing.rows import turned
from symdiff.printing.term import Term

ELEMENTWISE = frozenset(f.numpy or fn for fn, f in FUNCTIONS.items() if f.arity > 1)


class MathWriter(Products):
    """Spells terms in mathematical notation; a style fills in the tokens."""

    def write(self, t: Term, level: int = LOOSE) -> str:
        """The text of a term, in brackets if it binds less than `level`."""
        row = _SPELL.get(t.op)
        body = row(self, t) if row else self.call(t)
        return self.bracket(body) if self.binding(t) < level else body

    def binding(self, t: Term) -> int:
        """The level of what a term turns into, which may be another form than its own."""
        if t.op == "call":
            fn = t.data[0]
            if fn in ("outer", "kron"):
                return PRODUCT
            if is_open_sum(t):
                return TIMES
            return PRODUCT if fn == "einsum" or is_column_of_ones_product(t) else ATOM
        if t.op == "matmul" and is_square(t):
            return POSTFIX
        if t.op == "over" and diagonal_side(t.args[1], t.shape):
            return PRODUCT
        if t.op == "times" and any(diagonal_side(a, t.shape) for a in t.args):
            return PRODUCT
        if t.op == "times" and not any(a.shape for a in t.args) and len(joined_norms(t.args)) == 1:
            return POWER
        if t.op == "index" and is_new_axis(t):
            return self.binding(t.args[0])
        if t.op == "compare":
            return ATOM
        return binding(t)

    def _name(self, t: Term) -> str:
        return self.name(self.names[t.data])

    def _text(self, t: Term) -> str:
        return self.name(str(t.data)) if str(t.data).isidentifier() else str(t.data)

    def _number(self, t: Term) -> str:
        return self.number(t.data)

    def _array(self, t: Term) -> str:
        flat = t.data.ravel().tolist()
        shown = [self.number(v) for v in (flat if len(flat) <= 6 else [*flat[:3], *flat[-2:]])]
        if len(flat) > 6:
            shown.insert(3, "…")
        shape = "" if len(t.shape) == 1 and len(flat) <= 6 else f" {'×'.join(map(str, t.shape))}"
        return self.bracket(", ".join(shown) + shape, "[]")

    def _add(self, t: Term) -> str:
        pieces = [self.summand(t.args[0], t, ADD)]
        for sign, a in zip(t.data[1:], t.args[1:], strict=True):
            pieces.append(f"+ {self.summand(a, t, ADD)}" if sign else f"{self.minus} {self.summand(a, t, SIGN)}")
        return " ".join(pieces)

    def summand(self, a: Term, total: Term, level: int) -> str:
        """A term of a sum; a vector that is stretched to a matrix is a product with 𝟏, unless it reads as a row or a column by itself."""
        side = diagonal_side(a, total.shape)
        identity = any(b.op == "call" and b.data[0] == "eye" for b in total.args)
        if identity and a.shape == () and len(total.shape) == 2:  # I − 𝟏 𝟏ᵀ / n, where a bare 1/n would be read as a multiple of I
            ones = self.joined([self.function("ones"), self.transposed(self.function("ones"))])
            if a.op == "over" and term.is_number(a.args[0]) and a.args[0].data == 1:
                return self.divided(ones, a.args[1])
            return ones if term.is_number(a) and a.data == 1 else self.prefixed([a], ones)
        among_matrices = any(b.shape == total.shape for b in total.args) and not identity
        if not side or (among_matrices and reads_as_row(a)):
            return self.write(a, level)
        if a.op == "call" and a.data[0] == "sum" and is_column_of_ones_product(a):
            return self.function("colsum") + self.bracket(self.write(a.args[0]))
        return self.stretched(a, side)

    def stretched(self, a: Term, side: str) -> str:
        """A vector that is stretched to a matrix: x 𝟏ᵀ if it goes down the rows, 𝟏 xᵀ along the columns."""
        ones = self.function("ones")
        if side == "left":
            return self.joined([self.factor(a.args[0] if is_new_axis(a) else a), self.transposed(ones)])
        return self.joined([ones, turned(self, a) if len(a.shape) == 1 else self.factor(a)])

    def _neg(self, t: Term) -> str:
        return f"{self.minus}{self.write(t.args[0], TIMES)}"

    def _power(self, t: Term) -> str:
        base, exponent = t.args
        value = exponent.data if term.is_number(exponent) else None
        inner = f"{value.numerator}/{value.denominator}" if isinstance(value, Fraction) else self.write(exponent)
        return self.raised(self.write(base, POSTFIX), inner, len(base.shape) >= 2)

    def _transpose(self, t: Term) -> str:
        (inner,) = t.args
        if inner.op == "call" and inner.data[0] == "inv":
            return self.transposed(self.write(inner.args[0], POSTFIX), inverse=True)
        return self.transposed(self.write(inner, POSTFIX))

    def _index(self, t: Term) -> str:
        base = t.args[0]
        if is_new_axis(t):
            return self.write(base)
        inner = iter(t.args[1:])
        return f"{self.write(base, POSTFIX)}[{', '.join(self.entry(k, inner) for k in t.data)}]"

    def entry(self, k: Any, inner: Iterator[Term]) -> str:
        if k == "term":
            return self.write(next(inner))
        if isinstance(k, tuple):
            start, stop, step = k
            return f"{start}:{stop}" + (f":{step}" if step else "")
        return "new" if k is None else str(k)

    def _entry(self, t: Term) -> str:
        base = self.function("delta") if t.args[0].op == "call" and t.args[0].data[0] == "eye" else self.write(t.args[0], POSTFIX)
        return self.subscripted(base, "".join(t.data)) if t.data else base

    def _sigma(self, t: Term) -> str:
        return self.summed("".join(letter for letter, _ in t.data), self.write(t.args[0], TIMES))

    def _list(self, t: Term) -> str:
        return f"{t.data[0]}{', '.join(self.write(a) for a in t.args)}{t.data[1]}"

    def _compare(self, t: Term) -> str:
        return self.bracket(self.comparison(t), "[]")

    def comparison(self, t: Term) -> str:
        a, b = (self.operand(x, t.shape, ADD) for x in t.args)
        return f"{a} {self.signs[t.data]} {b}"

    def operand(self, a: Term, shape: Shape, level: int = LOOSE) -> str:
        """An operand of an elementwise function; one that is stretched to a matrix says how, an index by its letter: i ≥ j."""
        side = diagonal_side(a, shape)
        if not side:
            return self.comparison(a) if a.op == "compare" and level == LOOSE else self.write(a, level)
        index = in_letter(a.args[0] if is_new_axis(a) else a, "i" if side == "left" else "j")
        return self.write(index, level) if index is not None else self.stretched(a, side)

    def call(self, t: Term) -> str:
        """A function of its arguments, or the notation that mathematics has for it."""
        fn, options = t.data
        row = CALLS.get(fn)
        body = row(self, t) if row else ""
        if body:
            return body
        last = fn in ("softmax", "log_softmax", "logsumexp") and dict(options).get("axis") == len(t.args[0].shape) - 1
        elementwise = fn in ELEMENTWISE
        parts = [self.operand(a, t.shape) if elementwise else self.argument(a) for a in t.args] + [
            f"{k}={v}" for k, v in options if k != "keepdims" and not (last and k == "axis")
        ]
        return self.function(fn) + self.bracket(", ".join(parts))

    def argument(self, t: Term) -> str:
        """An argument of a function: a condition needs no brackets there."""
        return self.comparison(t) if t.op == "compare" else self.write(t)


_SPELL: Mapping[str, Callable[[Any, Term], str]] = {
    op: getattr(MathWriter, f"_{op}")
    for op in (
        "name", "text", "number", "array", "add", "neg", "times", "over", "matmul", "power", "transpose", "index", "list", "compare", "entry",
        "sigma",
    )
}  # fmt: skip
