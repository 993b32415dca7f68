"""Products in mathematical notation: scalars in front, matrices side by side, diag(v) for what broadcasts, ⊙ for what does not.

NumPy's `v @ A` is Aᵀv here, since vectors are columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby, pairwise
from typing import Any

from symdiff.printing import term
from symdiff.printing.forms import (
    diagonal_side,
    is_identity,
    is_kron,
    is_open_sum,
    is_square,
    is_unit,
    joined_norms,
)
from symdiff.printing.precedence import LOOSE, POSTFIX, POWER, PRODUCT, SIGN, TIMES
from symdiff.printing.term import Term
from symdiff.printing.tokens import Tokens


class Products(Tokens):
    """The forms of products, of the text that `write` makes of their factors."""

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
