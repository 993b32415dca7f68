"""x.shape[0] of a traced array at symbolic sizes: a named size, which counts as a number in formulas and as a dim in shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from symdiff.errors import SymbolicValue
from symdiff.expr.algebra import size
from symdiff.expr.dims import Dim, dim_add, dim_floordiv, dim_mul, dim_sub
from symdiff.expr.node import Expr


def _dim(value: Any) -> Dim | None:
    if isinstance(value, NamedSize):
        return value.__dim__
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else None


class NamedSize:
    """The size of an axis whose dim is a name. `+ - * //` with sizes and whole numbers are sizes; other arithmetic is an expression.

    len(), range() and NumPy's array makers need a number and raise.
    """

    __slots__ = ("__dim__", "wrap")
    __array_ufunc__ = None  # arrays leave arithmetic to us

    def __init__(self, dim: str, wrap: Callable[[Expr], Any]) -> None:
        self.__dim__ = dim
        self.wrap = wrap

    @property
    def __expr__(self) -> Expr:
        return size(self.__dim__)

    @property
    def number(self) -> Any:
        """The size as a scalar of the kind that its array has."""
        return self.wrap(self.__expr__)

    def __index__(self) -> int:
        raise SymbolicValue(
            f"the size {self.__dim__!r} is a name, not a number: range(), np.zeros and the like cannot use it; write sd.arange, sd.zeros, sd.eye, "
            "or functions of the whole array"
        )

    def _not_known(self) -> NoReturn:
        raise SymbolicValue(f"how the size {self.__dim__!r} compares is not known: it is a name, not a number")

    __float__ = __int__ = __index__

    def __eq__(self, other: object) -> bool:
        dim = _dim(other)
        if dim != self.__dim__:
            self._not_known()
        return True

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: Any) -> bool:
        self._not_known()

    __le__ = __gt__ = __ge__ = __lt__

    def __hash__(self) -> int:
        return hash(self.__dim__)

    def __repr__(self) -> str:
        return self.__dim__

    def __add__(self, other: Any) -> Any:
        dim = _dim(other)
        return self.number + other if dim is None else as_size(dim_add(self.__dim__, dim), self.wrap)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        dim = _dim(other)
        return self.number - other if dim is None else as_size(dim_sub(self.__dim__, dim), self.wrap)

    def __rsub__(self, other: Any) -> Any:
        dim = _dim(other)
        return other - self.number if dim is None else as_size(dim_sub(dim, self.__dim__), self.wrap)

    def __mul__(self, other: Any) -> Any:
        dim = _dim(other)
        return self.number * other if dim is None else as_size(dim_mul(self.__dim__, dim), self.wrap)

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Any:
        return as_size(dim_floordiv(self.__dim__, other), self.wrap) if isinstance(other, int) and other > 0 else self.number // other

    def __truediv__(self, other: Any) -> Any:
        return self.number / other

    def __rtruediv__(self, other: Any) -> Any:
        return other / self.number

    def __pow__(self, other: Any) -> Any:
        return self.number**other

    def __rpow__(self, other: Any) -> Any:
        return other**self.number

    def __neg__(self) -> Any:
        return -self.number


def as_size(dim: Dim, wrap: Callable[[Expr], Any]) -> Any:
    """A dim as code that was written for arrays wants it: an int, or a named size."""
    return dim if isinstance(dim, int) else NamedSize(dim, wrap)
