"""Updates such as W - X^T d as one call of BLAS, which adds the product to what is in memory: alpha A B + beta C, written over C.

NumPy's product has memory of its own, is set to zero first and is added in a pass of its own; here the passes are a copy of C and the
product, or the product alone where nobody else reads C. A rank-one update is a product that sums over one entry: BLAS's own, GER, skips
the zeros of a vector and so loses the nan of 0 * inf. The factors are numbers, since BLAS does not look at A B where alpha is 0.
Source: Dongarra, Du Croz, Hammarling and Duff, A set of level 3 basic linear algebra subprograms, ACM TOMS 16 (1990).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import count
from math import isfinite
from typing import NamedTuple

from symdiff.errors import MissingExtra
from symdiff.lowering.buffers import WRITES
from symdiff.lowering.passes import Pass, drop_dead
from symdiff.lowering.program import Instruction, Program, nominal_size

LEAST_COPIED = 1 << 13  # entries of a C that is copied: below, the longer call costs what the pass takes
MOST_SUMMED = {"np.float64": 256, "np.float32": 32}  # beyond, the pass that is saved is lost in the time of the product


class Product(NamedTuple):
    """factor * (left @ right), or the outer product of two vectors."""

    factor: float
    left: int
    right: int
    outer: bool


def require_blas() -> None:
    """Raises: MissingExtra, with the line that installs it, if there is no SciPy."""
    try:
        import scipy.linalg.blas  # noqa: F401
    except ImportError:
        raise MissingExtra('lower: blas=True needs SciPy, which is not installed: pip install -e ".[fast]"') from None


def accumulate_products(dtype: str, least_copied: int = LEAST_COPIED) -> Pass:
    """The pass that writes sums and differences of a product and an array of its shape as `gemm`, where it saves time in this dtype."""
    return lambda program: _Accumulation(program, MOST_SUMMED[dtype], least_copied).result()


class _Accumulation:
    def __init__(self, program: Program, most_summed: int, least_copied: int) -> None:
        self.program = program
        self.most_summed = most_summed
        self.least_copied = least_copied
        self.made = {i.result: i for i in program.instructions}
        self.shape = program.shapes()
        self.kind = program.kinds()
        self.uses = Counter(a for i in program.instructions for a in i.args)
        self.uses.update(o.register for o in program.outputs)
        self.fresh = count(max(self.shape, default=0) + 1)

    def result(self) -> Program:
        kept: list[Instruction] = []
        for i in self.program.instructions:
            kept += self._instructions(i)
        return self.program if tuple(kept) == self.program.instructions else drop_dead(self.program.with_instructions(kept))

    def _instructions(self, i: Instruction) -> list[Instruction]:
        """The instruction, or the product onto a copy of the array, or onto the array itself."""
        if i.op not in ("add", "subtract") or len(i.shape) != 2 or i.kind != "real" or 0 in i.shape:
            return [i]
        for of, onto in ((1, 0), (0, 1)):
            product = self._product(i.args[of])
            if product is None or self.shape[i.args[onto]] != i.shape or self.kind[i.args[onto]] != "real":
                continue
            beta, c = self._scaled(i.args[onto])
            alpha = product.factor
            if i.op == "subtract":
                alpha, beta = (-alpha, beta) if of else (alpha, -beta)
            copied = not self._is_free(c)
            if copied and nominal_size(i.shape, {}) < self.least_copied:
                continue
            before: list[Instruction] = []
            if copied:
                before.append(Instruction("copy", (c,), (i.result,), next(self.fresh), i.shape, "real"))
                c = before[-1].result
            factors = (product.left, product.right)
            if product.outer:
                before += [self._expanded(r, axis) for r, axis in zip(factors, (1, 0), strict=True)]
                factors = (before[-2].result, before[-1].result)
            return [*before, replace(i, op="gemm", args=(c, *factors), params=(alpha, beta))]
        return [i]

    def _expanded(self, vector: int, axis: int) -> Instruction:
        (size,) = self.shape[vector]
        return Instruction("expand", (vector,), ((axis,),), next(self.fresh), (size, 1) if axis else (1, size), "real")

    def _product(self, register: int) -> Product | None:
        """What a register that is read here alone multiplies; None for a product that is better left to NumPy."""
        if self.uses[register] != 1:
            return None
        factor, register = self._scaled(register)
        i = self.made.get(register)
        if i is None or self.uses[register] != 1 or i.kind != "real":
            return None
        left, right = i.args if i.op in ("matmul", "outer") else (-1, -1)
        if i.op == "outer" and len(self.shape[left]) == len(self.shape[right]) == 1:
            return Product(factor, left, right, True)
        if i.op != "matmul" or not len(self.shape[left]) == len(self.shape[right]) == 2:
            return None
        summed = self.shape[left][1]
        if not isinstance(summed, int) or not 0 < summed <= self.most_summed or self._is_square(left, right):
            return None
        return Product(factor, left, right, False)

    def _is_square(self, left: int, right: int) -> bool:
        """Whether one is the transpose of the other: NumPy computes half of such a product."""
        pairs = ((self.made.get(left), right), (self.made.get(right), left))
        return any(i is not None and i.op == "transpose" and i.args[0] == other for i, other in pairs)

    def _scaled(self, register: int) -> tuple[float, int]:
        """A number and what it multiplies, by way of registers that nobody else reads."""
        factor, found = 1.0, register
        while (i := self.made.get(found)) is not None and self.uses[found] == 1:
            if i.op == "negative":
                factor, found = -factor, i.args[0]
            elif i.op == "multiply" and (number := self._number(i)) is not None:
                factor, found = factor * number[0], number[1]
            else:
                break
        return (factor, found) if factor and isfinite(factor) else (1.0, register)

    def _number(self, i: Instruction) -> tuple[float, int] | None:
        """The number among the operands of a product, and the other one if it has the shape of the result."""
        for number, other in (i.args, i.args[::-1]):
            made = self.made.get(number)
            if made is not None and made.op == "const" and self.shape[other] == i.shape:
                return float(made.params[0]), other
        return None

    def _is_free(self, register: int) -> bool:
        """Whether a register's memory may be written over: it is read here alone, and planned."""
        made = self.made.get(register)
        return made is not None and self.uses[register] == 1 and made.op in WRITES
