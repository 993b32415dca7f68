"""Arrays that are made when the module of a program is loaded, because a ufunc takes them sooner than a number.

Beside a small array a number of rank 0 saves 0.2 us of about 1. The maximum with zero has vector instructions for two arrays only: four
times as fast as with a number. A sum along an axis is a product with ones.
"""

from __future__ import annotations

from math import prod

from symdiff.lowering.expansions import LARGEST
from symdiff.lowering.layout import dtype_code
from symdiff.lowering.naming import Names

SMALL = 1 << 12  # entries of an array beside which numbers are of rank 0 and zeros of its shape
LEAST_ROW = 64  # entries of rows beside which zeros are one row
NUMBERS = {
    0.0: "zero", 0.5: "half", 1.0: "one", 2.0: "two", 3.0: "three", -1.0: "minus_one",
    **{sign * largest: name for largest in LARGEST.values() for sign, name in ((1, "largest"), (-1, "lowest"))},
}  # fmt: skip


class MadeOnce:
    """The variables of such arrays in one module, by what makes them."""

    def __init__(self, names: Names, dtype: str) -> None:
        self._names = names
        self._dtype = dtype_code(dtype)
        self._variables: dict[str, str] = {}

    def lines(self) -> list[list[str]]:
        """The statements that make them."""
        return [[f"{variable} = {code}"] for code, variable in self._variables.items()]

    def number(self, value: float, code: str) -> str:
        code = f"{value}.0" if isinstance(value, int) else code  # beside real arrays a whole number would be cast in each call
        return self._variable(f"np.array({code}{self._dtype})", NUMBERS.get(value, "number"))

    def ones(self, size: int) -> str:
        return self._variable(f"np.ones({size}{self._dtype})", self._first("ones", (size,)))

    def zeros(self, shape: tuple[int, ...], exact: bool = True) -> str:
        """What is as good as 0 beside an array of this shape; `exact`: the array is never shorter."""
        if not exact or prod(shape) > SMALL:
            if shape[-1] < LEAST_ROW or not (exact or len(shape) > 1):
                return self.number(0.0, "0.0")
            shape = shape[-1:]
        return self._variable(f"np.zeros({shape[0] if len(shape) == 1 else shape}{self._dtype})", self._first("zeros", shape))

    def _first(self, name: str, shape: tuple[int, ...]) -> str:
        """The name, with the sizes where there are others of it."""
        others = any(code.startswith(f"np.{name}") for code in self._variables)
        return f"{name}_{'x'.join(map(str, shape))}" if others else name

    def _variable(self, code: str, name: str) -> str:
        if code not in self._variables:
            self._variables[code] = self._names.fresh(name)
        return self._variables[code]
