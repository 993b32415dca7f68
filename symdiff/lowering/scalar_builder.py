"""Arithmetic on scalar registers: exact zeros and ones drop out, and what is constant is computed."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from symdiff.lowering.builder import Builder, as_float


class NotScalar(Exception):
    """The program has an operation, a shape or a size that is not taken apart."""


class Scalars:
    """A builder of programs on scalars. `constants` are the arrays of the program that is taken apart."""

    def __init__(self, constants: tuple[np.ndarray, ...]) -> None:
        self.b = Builder()
        self.constants = constants

    def number(self, value: float) -> int:
        return self.b.number(as_float(value))

    def add(self, x: int, y: int) -> int:
        if self.b.number_of(x) == 0:
            return y
        if self.b.number_of(y) == 0:
            return x
        return self.b.arithmetic("add", x, y)

    def subtract(self, x: int, y: int) -> int:
        if self.b.number_of(y) == 0:
            return x
        return self.negative(y) if self.b.number_of(x) == 0 else self.b.arithmetic("subtract", x, y)

    def multiply(self, x: int, y: int) -> int:
        for p, q in ((x, y), (y, x)):
            value = self.b.number_of(p)
            if value == 0 or value == 1:
                return p if value == 0 else q
            if value == -1:
                return self.negative(q)
        return self.b.arithmetic("multiply", x, y)

    def divide(self, x: int, y: int) -> int:
        p, q = self.b.number_of(x), self.b.number_of(y)
        if q == 0:
            raise NotScalar
        if p is not None and q is not None:
            return self.number(p / q)
        return x if q == 1 else self.b.emit("divide", [self.as_real(x), self.as_real(y)])

    def as_real(self, x: int) -> int:
        """The register as a float: numbers are floats, truth values are cast."""
        value = self.b.number_of(x)
        return self.number(value) if value is not None else self.b.real(x)

    def negative(self, x: int) -> int:
        return self.b.negative(x)

    def function(self, name: str, *args: int) -> int:
        values = [self.b.number_of(a) for a in args]
        if all(v is not None for v in values):
            return self._folded(name, [float(v) for v in values if v is not None])
        return self.b.emit(name, [self.as_real(a) for a in args])

    def _folded(self, name: str, values: list[float]) -> int:
        function = getattr(np, {"pow": "power"}.get(name, name), None)
        if function is None:
            raise NotScalar
        with np.errstate(all="ignore"):
            return self.number(float(function(*values)))

    def sum(self, terms: Iterable[int]) -> int:
        total = self.number(0.0)
        for t in terms:
            total = self.add(total, self.as_real(t))
        return total

    def dot(self, xs: Iterable[int], ys: Iterable[int]) -> int:
        return self.sum(self.multiply(self.as_real(int(x)), self.as_real(int(y))) for x, y in zip(xs, ys, strict=True))
