"""What the unicode and LaTeX styles share: NumPy's values turned back into the notation of mathematics.

Vectors are columns: `a @ b` is aᵀb, `outer(a, b)` is a bᵀ, `v @ A` is Aᵀv. A factor that broadcasts along rows or columns is a
diagonal matrix, a new axis is no sign at all, and einsum is an indexed sum. The two styles differ in the tokens only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import groupby, pairwise
from typing import Any

from symdiff.expr.dims import Shape
from symdiff.expr.functions import FUNCTIONS
from symdiff.printing import term
from symdiff.printing.forms import (
    diagonal_side,
    in_letter,
    is_column_of_ones_product,
    is_identity,
    is_kron,
    is_new_axis,
    is_open_sum,
    is_square,
    is_unit,
    joined_norms,
    reads_as_row,
)
from symdiff.printing.math_calls import CALLS
from symdiff.printing.precedence import ADD, ATOM, LOOSE, POSTFIX, POWER, PRODUCT, SIGN, TIMES, binding
from symdiff.printing.rows import turned
from symdiff.printing.term import Term

ELEMENTWISE = frozenset(f.numpy or fn for fn, f in FUNCTIONS.items() if f.arity > 1)


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
        self.vec = ""  # how vec(X) stacks the entries of X, by 'rows' or by 'columns', where a formula may say vec

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

    def divided(self, above: str, below: Term) -> str:
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

    def _times(self, t: Term) -> str:
        arrays = [a for a in t.args if a.shape != ()]
        scalars = [a for a in t.args if a.shape == ()]
        if len(t.args) > 1 and is_unit(t.args[0]):  # 1·[x > 0], which makes numbers of truth values
            rest = term.times(t.args[1:], t.shape)
            return f"{self.minus}{self.write(rest, TIMES)}" if t.args[0].data < 0 else self.write(rest)
        if not arrays:
            return self.juxtaposed(scalars)
        lefts = [a for a in arrays if diagonal_side(a, t.shape) == "left"]
        rights = [a for a in arrays if diagonal_side(a, t.shape) == "right"]
        middle = [a for a in arrays if not diagonal_side(a, t.shape)]
        if lefts or rights:
            chain = [self.diagonal(lefts)] if lefts else []
            middle = [a for a in middle if not is_identity(a)]
            if len(middle) == 1:
                chain.append(self.factor(middle[0]))
            elif middle:
                chain.append(self.bracket(self.hadamard.join(self.write(a, PRODUCT) for a in middle)))
            chain += [self.diagonal(rights)] if rights else []
            back = self.joined(chain)
        else:
            bodies = [self.write(a, PRODUCT) for a in arrays]
            twice = len(bodies) == 2 and bodies[0] == bodies[1]
            back = self.raised(self.write(arrays[0], POSTFIX), "2", len(t.shape) >= 2) if twice else self.hadamard.join(bodies)
        return self.prefixed(scalars, back)

    def factor(self, t: Term) -> str:
        """A factor of a matrix product; a product in a product needs no brackets, but a Kronecker product does."""
        chained = (
            self.binding(t) == PRODUCT and not is_kron(t) and t.shape != () and (t.op != "times" or all(a.shape != () for a in t.args))
        )
        return self.write(t, PRODUCT if chained else POWER)

    def prefixed(self, scalars: Sequence[Term], back: str) -> str:
        """Scalars before an array."""
        if not scalars:
            return back
        if len(scalars) == 1 and scalars[0].op == "over" and term.is_number(scalars[0].args[0]) and scalars[0].args[0].data == 1:
            return self.divided(back, scalars[0].args[1])
        front = self.juxtaposed(scalars, alone=False)
        last = scalars[-1]
        return f"{front}{self.after_number if self.bare_number(last) else self.after_quotient if last.op == 'over' else ' '}{back}"

    def bare_number(self, t: Term) -> bool:
        """A literal that would run into what follows: 2·X, but ½ X."""
        return term.is_number(t) and self.fraction(t.data) is None

    def juxtaposed(self, scalars: Sequence[Term], alone: bool = True) -> str:
        """A product of numbers: 2·a b. An inner product among others stands in brackets, powers of one norm are one."""
        scalars = joined_norms(scalars)
        bodies = []
        for k, a in enumerate(scalars):
            last = k == len(scalars) - 1 and alone
            level = SIGN if k == 0 and (last or not is_open_sum(a)) else TIMES if last and is_open_sum(a) else PRODUCT
            body = self.write(a, level)
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
        if isinstance(value, float) and abs(value) in (0.5, 0.25, 0.75):
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
            return self.joined(self.factors(args))
        left = self.transposed(self.write(args[0], POSTFIX) if at == 0 else self.bracket(self.chain(args[: at + 1])))
        rest = args[at + 1 :]
        if len(rest[-1].shape) == 1:
            return self.joined([left, *self.factors(rest)])
        column = self.factor(args[0]) if at == 0 else self.chain(args[: at + 1])
        return self.joined([*(self.write(term.transpose(a), POWER) for a in reversed(rest)), column])

    def factors(self, args: Sequence[Term]) -> list[str]:
        """The factors of a product, those that repeat as a power: A², A⁻²."""
        found: list[str] = []
        for _, run in groupby(args, self._power_key):
            equal = list(run)
            base = equal[0].args[0] if equal[0].op == "call" else equal[0]
            sign = -1 if equal[0].op == "call" else 1
            if len(equal) == 1:
                found.append(self.factor(equal[0]))
            else:
                found.append(self.raised(self.write(base, POSTFIX), self.number(sign * len(equal)), False))
        return found

    def _power_key(self, a: Term) -> Any:
        """What makes neighbours equal: a matrix by its name, or the inverse of one."""
        inverse = a.op == "call" and a.data[0] == "inv"
        name = a.args[0] if inverse else a
        return (inverse, name.data) if name.op == "name" and len(name.shape) == 2 else a

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

    def norm(self, x: Term) -> str:
        return self.bracket(self.write(x), "‖‖")


_SPELL: Mapping[str, Callable[[Any, Term], str]] = {
    op: getattr(MathWriter, f"_{op}")
    for op in (
        "name", "text", "number", "array", "add", "neg", "times", "over", "matmul", "power", "transpose", "index", "list", "compare", "entry",
        "sigma",
    )
}  # fmt: skip
