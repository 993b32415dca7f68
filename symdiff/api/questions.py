"""What Python asks of an array: its truth, int(), float(), len(), a hash. Answers come from the value and are recorded as guards."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from symdiff.api.recording import Trace, user_line
from symdiff.errors import SymbolicValue
from symdiff.expr import ops
from symdiff.expr.dims import show_shape
from symdiff.expr.elementwise import truth
from symdiff.expr.node import Expr

numpy: Any = np  # its functions of traced arrays, which their annotations do not know


class Questions:
    """The half of TracedArray that answers Python."""

    __slots__ = ()
    if TYPE_CHECKING:
        _expr: Expr
        _value: Any
        record: Trace
        active: bool
        varies: bool
        shape: Any

        @property
        def __expr__(self) -> Expr: ...
        def __getitem__(self, key: Any) -> Any: ...

    def _ask(self, expr: Expr, answer: Any) -> None:
        if self.varies:
            self.record.guard(expr, answer)

    def _needs_value(self, what: str, instead: str) -> None:
        if self._value is None:
            raise SymbolicValue(f"{what} of a traced array has no answer, because it is traced with symbols only: {instead}{user_line()}")

    def __bool__(self) -> bool:
        self._needs_value("the truth", "write the branch as np.where(condition, a, b)")
        answer = bool(self._value)
        self._ask(truth(self.__expr__), answer)
        return answer

    def __hash__(self) -> int:
        """That of the value, for keys and sets: scalars only, as NumPy has it, and a guard of that very value."""
        if self._value is None or self._expr.shape:
            raise TypeError(f"unhashable type: a traced array of shape {show_shape(self._expr.shape)}")
        self._ask(self.__expr__, np.array(self._value))
        return hash(self._value.item())

    def _whole(self, name: str, function: Callable[[Expr], Expr], answer: Callable[[Any], int]) -> int:
        self._needs_value(f"{name}()", "use a function of the array, np.floor or np.rint")
        result = answer(self._value)
        e = self.__expr__
        self._ask(e if np.asarray(self._value).dtype.kind in "biu" else function(e), np.asarray(result).reshape(self.shape))
        return result

    def __int__(self) -> int:
        return self._whole("int", ops.trunc, int)

    def __trunc__(self) -> int:
        return self._whole("int", ops.trunc, int)

    def __floor__(self) -> int:
        return self._whole("floor", ops.floor, lambda v: math.floor(float(v)))

    def __ceil__(self) -> int:
        return self._whole("ceil", ops.ceil, lambda v: math.ceil(float(v)))

    def __round__(self, digits: int | None = None) -> Any:
        if digits is not None:
            return numpy.round(self, digits)
        return self._whole("round", ops.rint, lambda v: round(float(v)))

    def __index__(self) -> int:
        self._needs_value("the whole number", "index with np.take, or with a whole number known beforehand")
        if self._value.dtype.kind not in "iub":
            raise TypeError("only integer scalar arrays can be converted to a scalar index")
        answer = operator.index(self._value)
        self._ask(self.__expr__, self._value.copy())
        return answer

    def is_flat(self) -> bool:
        """Whether no derivative is lost with the value: truth values, whole numbers, what is not differentiated."""
        return not self.active or (self._value is not None and np.asarray(self._value).dtype.kind in "biu")

    def plain(self) -> Any:
        """The value of a flat array, recorded as a guard."""
        self._ask(self.__expr__, np.array(self._value))
        return self._value

    def _cut(self, call: str) -> NoReturn:
        raise SymbolicValue(
            f"{call} of a traced value would cut the derivative{user_line()}: write np.sin for math.sin; instead of item assignment into "
            "np.zeros(n) write np.array([...]) or np.stack of a list, or start from np.zeros_like(x)"
        )

    def __float__(self) -> float:
        if self._value is None or not self.is_flat():
            self._cut("float()")
        return float(self.plain())

    def __complex__(self) -> complex:
        self._cut("complex()")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if self._value is not None and self.is_flat():
            return np.array(self.plain(), dtype=dtype)
        if dtype not in (None, object) or self._value is None:
            self._cut("conversion to a plain array")
        entries = np.empty(self.shape, dtype=object)
        for at in np.ndindex(*entries.shape):
            entries[at] = self[at]
        return entries

    def __len__(self) -> int:
        if not self._expr.shape:
            raise TypeError("len() of unsized object")
        dim = self._expr.shape[0]
        if isinstance(dim, int):
            return dim
        raise SymbolicValue(f"len() of an array of shape {show_shape(self._expr.shape)}: its size is a name; use x.shape[0]{user_line()}")

    def __iter__(self) -> Iterator[Any]:
        if not self._expr.shape:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"traced({self._value!r})" if self._value is not None else f"traced({self._expr!r})"

    def __format__(self, spec: str) -> str:
        return format(self._value, spec) if self._value is not None else repr(self)
