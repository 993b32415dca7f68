"""What the unicode and LaTeX styles share: NumPy's values turned back into the notation of mathematics.

Vectors are columns: `a @ b` is aᵀb, `outer(a, b)` is a bᵀ, `v @ A` is Aᵀv. A factor that broadcasts along rows or columns is a
diagonal matrix, a new axis is no sign at all, and einsum is an indexed sum. The two styles differ in the tokens only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from symdiff.printing import term
from symdiff.printing.layout import WHOLE
from symdiff.printing.precedence import ADD, ATOM, LOOSE, POSTFIX, POWER, PRODUCT, SIGN, TIMES, binding
from symdiff.printing.term import Term


class MathWriter:
    """Spells terms in mathematical notation; a style fills in the tokens."""

    minus = "−"
    after_number = "·"
    after_quotient = " · "
    between = " · "
    hadamard = " ⊙ "
    kronecker = " ⊗ "
    signs: Mapping[str, str] = {"<": "<", "<=": "≤", ">": ">", ">=": "≥", "==": "=", "!=": "≠"}

    def __init__(self, names: Mapping[Any, str]) -> None:
        self.names = names

    # --- tokens of a style ------------------------------------------------------------------------------------------
    def name(self, word: str) -> str:
        raise NotImplementedError

    def number(self, value: Any) -> str:
        raise NotImplementedError

    def bracket(self, body: str, kind: str = "()") -> str:
        raise NotImplementedError

    def transposed(self, base: str, inverse: bool = False) -> str:
        raise NotImplementedError

    def raised(self, base: str, exponent: str, elementwise: bool) -> str:
        raise NotImplementedError

    def subscripted(self, base: str, letters: str) -> str:
        raise NotImplementedError

    def quotient(self, above: Term, below: Term) -> str:
        raise NotImplementedError

    def root(self, t: Term) -> str:
        raise NotImplementedError

    def summed(self, letters: str, body: str) -> str:
        raise NotImplementedError

    def function(self, fn: str) -> str:
        raise NotImplementedError

    # --- terms ------------------------------------------------------------------------------------------------------
    def write(self, t: Term, level: int = LOOSE) -> str:
        """The text of a term, in brackets if it binds less than `level`."""
        row = _SPELL.get(t.op)
        body = row(self, t) if row else self._call(t)
        return self.bracket(body) if self.binding(t) < level else body

    def binding(self, t: Term) -> int:
        """The level of what a term turns into, which may be another form than its own."""
        if t.op == "call":
            fn = t.data[0]
            if fn in ("outer", "kron"):
                return PRODUCT
            if fn == "sum" and not is_sum_of_squares(t):
                return TIMES
            return PRODUCT if fn == "einsum" else ATOM
        if t.op == "matmul" and is_square(t):
            return POSTFIX
        if t.op == "over" and diagonal_side(t.args[1], t.shape):
            return PRODUCT
        if t.op == "times" and any(diagonal_side(a, t.shape) for a in t.args):
            return PRODUCT
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
        pieces = [self.write(t.args[0], ADD)]
        for sign, a in zip(t.data[1:], t.args[1:], strict=True):
            pieces.append(f"+ {self.write(a, ADD)}" if sign else f"{self.minus} {self.write(a, SIGN)}")
        return " ".join(pieces)

    def _neg(self, t: Term) -> str:
        return f"{self.minus}{self.write(t.args[0], TIMES)}"

    def _times(self, t: Term) -> str:
        arrays = [a for a in t.args if a.shape != ()]
        scalars = [a for a in t.args if a.shape == ()]
        if not arrays:
            return self.juxtaposed(scalars)
        lefts = [a for a in arrays if diagonal_side(a, t.shape) == "left"]
        rights = [a for a in arrays if diagonal_side(a, t.shape) == "right"]
        middle = [a for a in arrays if not diagonal_side(a, t.shape)]
        if lefts or rights:
            chain = [self.diagonal(lefts)] if lefts else []
            if len(middle) == 1:
                chain.append(self.factor(middle[0]))
            elif middle:
                chain.append(self.bracket(self.hadamard.join(self.write(a, PRODUCT) for a in middle)))
            chain += [self.diagonal(rights)] if rights else []
            back = self.joined(chain)
        else:
            back = self.hadamard.join(self.write(a, PRODUCT) for a in arrays)
        return self.prefixed(scalars, back)

    def factor(self, t: Term) -> str:
        """A factor of a matrix product; a product in a product needs no brackets."""
        chained = self.binding(t) == PRODUCT and t.shape != () and (t.op != "times" or all(a.shape != () for a in t.args))
        return self.write(t, PRODUCT if chained else POWER)

    def prefixed(self, scalars: Sequence[Term], back: str) -> str:
        """Scalars before an array."""
        if not scalars:
            return back
        front = self.juxtaposed(scalars, alone=False)
        last = scalars[-1]
        return f"{front}{self.after_number if self.bare_number(last) else self.after_quotient if last.op == 'over' else ' '}{back}"

    def bare_number(self, t: Term) -> bool:
        """A literal that would run into what follows: 2·X, but ½ X."""
        return term.is_number(t) and self.fraction(t.data) is None

    def juxtaposed(self, scalars: Sequence[Term], alone: bool = True) -> str:
        """A product of numbers: 2·a b. An inner product among others stands in brackets."""
        bodies = []
        for k, a in enumerate(scalars):
            last = k == len(scalars) - 1 and alone
            body = self.write(a, SIGN if k == 0 and (last or a.op != "sigma") else TIMES if last and a.op == "sigma" else PRODUCT)
            others = any(not term.is_number(b) for b in scalars if b is not a) or not alone
            bodies.append(self.bracket(body) if others and self.binding(a) == PRODUCT else body)
        pairs = [right == self.bracket(f"1 {self.minus} {left}") for left, right in pairwise(bodies)]
        text = bodies[0]
        for k, body in enumerate(bodies[1:]):
            apart = any(pairs) and not pairs[k]  # u (1 − u) stays together among other factors
            text += (self.after_number if self.bare_number(scalars[k]) else self.between if apart else " ") + body
        return text

    def diagonal(self, vectors: Sequence[Term]) -> str:
        body = self.hadamard.join(self.write(v, PRODUCT if len(vectors) > 1 else LOOSE) for v in vectors)
        return self.function("diag") + self.bracket(body)

    def _over(self, t: Term) -> str:
        above, below = t.args
        side = diagonal_side(below, t.shape)
        if side:
            scale = self.raised(self.diagonal([below]), self.number(-1), False)
            scalars = [above] if above.shape == () else []
            core = self.function("ones") if scalars else self.factor(above)
            return self.prefixed(scalars, self.joined([scale, core] if side == "left" else [core, scale]))
        exact = self.fraction(above.data) if term.is_number(above) else None
        if exact is not None:
            above, below = term.number(exact.numerator), term.times([term.number(exact.denominator), below], below.shape)
        return self.quotient(above, below)

    def fraction(self, value: Any) -> Fraction | None:
        """The fraction that a style writes for a number, 1/2 for 0.5; None for what it writes as digits."""
        if isinstance(value, float) and value in (0.5, 0.25, 0.75):
            return Fraction(value)
        return value if isinstance(value, Fraction) and value.denominator != 1 else None

    def _matmul(self, t: Term) -> str:
        if is_square(t):
            return self.raised(self.norm(t.args[0]), "2", False)
        return self.chain(list(t.args))

    def chain(self, args: list[Term]) -> str:
        """A chain of NumPy products with vectors as columns: what stands before a product with a vector's left side is transposed."""
        at = next((k for k, a in enumerate(args) if len(a.shape) == 1), len(args))
        if at >= len(args) - 1:
            return self.joined([self.factor(a) for a in args])
        left = self.transposed(self.write(args[0], POSTFIX) if at == 0 else self.bracket(self.chain(args[: at + 1])))
        rest = args[at + 1 :]
        if len(rest[-1].shape) == 1:
            return self.joined([left, *(self.factor(a) for a in rest)])
        column = self.factor(args[0]) if at == 0 else self.chain(args[: at + 1])
        return self.joined([*(self.write(term.transpose(a), POWER) for a in reversed(rest)), column])

    def joined(self, factors: Sequence[str]) -> str:
        """Factors of a matrix product side by side."""
        text = factors[0]
        for f in factors[1:]:
            text += f if self.may_touch(text, f) else f" {f}"
        return text

    def may_touch(self, left: str, right: str) -> bool:
        return False

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
        a, b = t.args
        return f"{self.write(a, ADD)} {self.signs[t.data]} {self.write(b, ADD)}"

    # --- calls ------------------------------------------------------------------------------------------------------
    def _call(self, t: Term) -> str:
        fn, options = t.data
        row = _CALLS.get(fn)
        if row is not None:
            body = row(self, t)
            if body:
                return body
        last = fn in ("softmax", "log_softmax", "logsumexp") and dict(options).get("axis") == len(t.args[0].shape) - 1
        parts = [self.argument(a) for a in t.args] + [f"{k}={v}" for k, v in options if k != "keepdims" and not (last and k == "axis")]
        return self.function(fn) + self.bracket(", ".join(parts))

    def argument(self, t: Term) -> str:
        """An argument of a function: a condition needs no brackets there."""
        return self.comparison(t) if t.op == "compare" else self.write(t)

    def norm(self, x: Term) -> str:
        return self.bracket(self.write(x), "‖‖")

    def _norm(self, t: Term) -> str:
        return self.norm(t.args[0])

    def _sqrt(self, t: Term) -> str:
        return self.root(t.args[0])

    def _abs(self, t: Term) -> str:
        return self.bracket(self.write(t.args[0]), "||")

    def _inverse(self, t: Term) -> str:
        return self.raised(self.write(t.args[0], POSTFIX), self.number(-1), False)

    def _eye(self, t: Term) -> str:
        return "I"

    def _ones(self, t: Term) -> str:
        ones = self.function("ones")
        return ones if len(t.shape) <= 1 else self.joined([ones, self.transposed(ones)]) if len(t.shape) == 2 else ""

    def _zeros(self, t: Term) -> str:
        return self.number(0)

    def _outer(self, t: Term) -> str:
        a, b = t.args
        return self.joined([self.factor(a), self.transposed(self.write(b, POSTFIX))])

    def _kron(self, t: Term) -> str:
        return self.kronecker.join(self.write(a, POWER) for a in t.args)

    def _swapaxes(self, t: Term) -> str:
        return self.transposed(self.write(t.args[0], POSTFIX))

    def _sum(self, t: Term) -> str:
        (x,) = t.args
        options = dict(t.data[1])
        if is_sum_of_squares(t):
            return self.raised(self.norm(x.args[0]), "2", False)
        if not options:
            return self.summed("", self.write(x, PRODUCT))
        if len(x.shape) == 2 and isinstance(options["axis"], int):
            if options.get("keepdims"):
                return self.function("rowsum" if options["axis"] == 1 else "colsum") + self.bracket(self.write(x))
            core = self.factor(x) if options["axis"] == 1 else self.transposed(self.write(x, POSTFIX))
            return self.joined([core, self.function("ones")])
        return ""

    def _einsum(self, t: Term) -> str:
        """Σ over the letters that are summed of a product of entries."""
        subscripts = t.args[0].data.strip("'")
        left, out = subscripts.split("->")
        entries = []
        for a, letters in zip(t.args[1:], left.split(","), strict=True):
            entries.append(self._entry(term.entry(a, tuple(letters))))
        summed = "".join(dict.fromkeys(c for c in left if c.isalpha() and c not in out))
        body = " ".join(entries)
        return self.summed(summed, body) if summed else body


def is_square(t: Term) -> bool:
    """v @ v of one vector."""
    return (
        len(t.args) == 2
        and t.shape == ()
        and (t.args[0] is t.args[1] or (t.args[0].op == t.args[1].op == "name" and t.args[0].data is t.args[1].data))
    )


def is_sum_of_squares(t: Term) -> bool:
    """sum(x**2) over all of a vector or matrix: a squared norm."""
    x = t.args[0]
    return not t.data[1] and x.op == "power" and x.args[1].op == "number" and x.args[1].data == 2 and len(x.shape) in (1, 2)


def is_new_axis(t: Term) -> bool:
    """Only axes of size 1 come or go: nothing that mathematics writes."""
    return t.op == "index" and all(k is None or k == WHOLE for k in t.data)


def diagonal_side(a: Term, shape: Sequence[Any]) -> str:
    """'left' for a factor that scales the rows of a matrix, 'right' for one that scales its columns."""
    if len(shape) != 2 or a.shape in ((), tuple(shape)):
        return ""
    if len(a.shape) == 2 and a.shape[1] == 1 != shape[1] and a.shape[0] == shape[0]:
        return "left"
    if a.shape[-1:] == tuple(shape[1:]) and shape[0] != 1 and (len(a.shape) == 1 or a.shape[0] == 1):
        return "right"
    return ""


_SPELL: Mapping[str, Callable[[Any, Term], str]] = {
    op: getattr(MathWriter, f"_{op}")
    for op in (
        "name",
        "text",
        "number",
        "array",
        "add",
        "neg",
        "times",
        "over",
        "matmul",
        "power",
        "transpose",
        "index",
        "list",
        "compare",
        "entry",
        "sigma",
    )
}
_CALLS: Mapping[str, Callable[[Any, Term], str]] = {
    "norm": MathWriter._norm, "sqrt": MathWriter._sqrt, "abs": MathWriter._abs, "inv": MathWriter._inverse, "eye": MathWriter._eye,
    "ones": MathWriter._ones, "zeros": MathWriter._zeros, "outer": MathWriter._outer, "kron": MathWriter._kron, "swapaxes": MathWriter._swapaxes, "sum": MathWriter._sum,
    "einsum": MathWriter._einsum,
}  # fmt: skip
