"""The traced array: what code written for NumPy meets instead of its argument while it is traced.

It holds an expression and, where known, its value; every NumPy function is applied to both. Comparisons are elementwise, a branch or an
int() is answered by the value and recorded as a guard, item assignment changes the wrapper and no expression. float() of what is
differentiated raises, because it would cut the derivative without a word.

Memory is NumPy's own: values are changed in place as NumPy would, so two traced arrays are views of each other exactly where their
values are. `writes` of the trace counts the changes of each buffer; a view that finds its count behind makes its expression anew.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from symdiff.api.assignment import Overlay, fit
from symdiff.api.recording import Trace, user_line
from symdiff.api.sizes import as_size
from symdiff.errors import ShapeError, SymbolicValue, Unsupported
from symdiff.expr import ops
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import show_shape
from symdiff.expr.elementwise import is_boolean
from symdiff.expr.node import Expr
from symdiff.expr.structure import scatter

numpy: Any = np  # its functions of traced arrays, which their annotations do not know
Remake = Callable[["TracedArray"], "TracedArray"]
Restore = Callable[["TracedArray", "TracedArray"], None]


class TracedArray:
    """An array under way: an expression, its value (None with symbols only), and the trace that it belongs to.

    `varies` says that it depends on an input, `active` that it depends on one that is differentiated.
    """

    __slots__ = (
        "__weakref__",
        "_expr",
        "_overlay",
        "_parent",
        "_remake",
        "_restore",
        "_seen",
        "_value",
        "active",
        "record",
        "varies",
    )
    __array_priority__ = 2000.0

    def __init__(self, expr: Expr, value: Any, trace: Trace, active: bool = False, varies: bool = False) -> None:
        if value is not None and getattr(value, "shape", ()) != expr.shape and all(isinstance(d, int) for d in expr.shape):
            raise ShapeError(f"tracing: an expression of shape {show_shape(expr.shape)} has a value of shape {np.shape(value)}")
        self._expr = expr
        self._value = value
        self.record = trace
        self.active = active
        self.varies = varies
        self._overlay: Overlay | None = None
        self._parent: TracedArray | None = None
        self._remake: Remake | None = None
        self._restore: Restore | None = None
        self._seen = trace.writes.get(self._buffer(), 0) if trace.writes else 0

    if TYPE_CHECKING:  # the operators and methods that symdiff.api.dispatch puts here

        def __getattr__(self, name: str) -> Any: ...

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """What isinstance() sees: the type of the value, so that code which asks whether it got an array or a float goes the same way."""
        return TracedArray if self._value is None else type(self._value)

    # --- expression and value ---------------------------------------------------------------------------------------
    @property
    def __expr__(self) -> Expr:
        """The expression, with all writes to this array, and to what it is a view of, in it."""
        self._synchronise()
        if self._overlay is not None:
            self._expr = self._overlay.over(self._expr)
            self._overlay = None
        return self._expr

    @property
    def value(self) -> Any:
        """The value, or None with symbols only."""
        return self._value

    def _buffer(self) -> int:
        """The identity of the memory that the entries are in."""
        base = self._value
        if isinstance(base, np.ndarray):
            while isinstance(base.base, np.ndarray):
                base = base.base
            return id(base)
        root = self
        while root._parent is not None:
            root = root._parent
        return id(root)

    def _synchronise(self) -> None:
        writes = self.record.writes
        if not writes:
            return
        now = writes.get(self._buffer(), 0)
        if now == self._seen:
            return
        if self._parent is None or self._remake is None:
            raise Unsupported("this array is a view of one that was written to since: make it a copy, x.copy()" + user_line())
        again = self._remake(self._parent)
        self._expr, self._overlay = again.__expr__, None
        self.active, self.varies, self._seen = again.active, again.varies, now

    def _make(self, expr: Expr, value: Any, *others: Any) -> TracedArray:
        """A result of this array and others."""
        return wrap(expr, value, (self, *others))

    # --- Python's questions -----------------------------------------------------------------------------------------
    def _ask(self, expr: Expr, answer: Any) -> None:
        if self.varies:
            self.record.guard(expr, answer)

    def _needs_value(self, what: str, instead: str) -> None:
        if self._value is None:
            raise SymbolicValue(f"{what} of a traced array has no answer, because it is traced with symbols only: {instead}{user_line()}")

    def __bool__(self) -> bool:
        self._needs_value("the truth", "write the branch as np.where(condition, a, b)")
        truth = bool(self._value)
        e = self.__expr__
        self._ask(e if is_boolean(e) else ops.not_equal(e, 0), truth)
        return truth

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

    def __iter__(self) -> Iterator[TracedArray]:
        if not self._expr.shape:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"traced({self._value!r})" if self._value is not None else f"traced({self._expr!r})"

    def __format__(self, spec: str) -> str:
        return format(self._value, spec) if self._value is not None else repr(self)

    # --- NumPy's attributes -----------------------------------------------------------------------------------------
    @property
    def shape(self) -> Any:
        shape = self._expr.shape
        return shape if all(isinstance(d, int) for d in shape) else tuple(as_size(d, self._scalar) for d in shape)

    def _scalar(self, expr: Expr) -> TracedArray:
        return TracedArray(expr, None, self.record)

    @property
    def ndim(self) -> int:
        return len(self._expr.shape)

    @property
    def size(self) -> Any:
        return as_size(self._expr.size, self._scalar)

    @property
    def dtype(self) -> Any:
        return ops.dtype_of(self._expr) if self._value is None else np.asarray(self._value).dtype

    @property
    def T(self) -> Any:
        return numpy.transpose(self)

    @property
    def mT(self) -> Any:
        return numpy.swapaxes(self, -1, -2)

    @property
    def real(self) -> TracedArray:
        return self

    @property
    def imag(self) -> Any:
        return numpy.zeros_like(self)

    @property
    def flat(self) -> Flat:
        return Flat(self)

    # --- items ------------------------------------------------------------------------------------------------------
    def _keys(self, key: Any) -> tuple[Any, Any, bool]:
        """The key for the expression, the key for the value, and whether it is basic, so that NumPy gives a view."""
        entries = key if isinstance(key, tuple) else (key,)
        exprs: list[Any] = []
        values: list[Any] = []
        basic = True
        for k in entries:
            if type(k) is TracedArray:
                if k.dtype.kind == "b" and k._value is not None:
                    exprs.append(np.asarray(k.plain()))
                    values.append(exprs[-1])
                else:
                    exprs.append(k.__expr__ if k.varies or k._value is None else k._value)
                    values.append(k._value)
                basic = False
            elif isinstance(k, slice):
                s = slice(*(None if b is None else getattr(b, "__dim__", None) or operator.index(b) for b in (k.start, k.stop, k.step)))
                exprs.append(s)
                values.append(s)
            else:
                if isinstance(k, (list, np.ndarray)):
                    for leaf in leaves(k):
                        leaf.plain()
                    k = np.asarray(value_of(k))
                    k = k.astype(int) if k.size == 0 else k
                    basic = False
                k = getattr(k, "__dim__", k)
                exprs.append(k)
                values.append(k)
        if not isinstance(key, tuple):
            return exprs[0], values[0], basic
        return tuple(exprs), tuple(values), basic

    def __getitem__(self, key: Any) -> Any:
        for_expr, for_value, basic = self._keys(key)
        value = None if self._value is None else self._value[for_value]
        self._synchronise()
        found: Expr | bool = False
        if self._overlay is not None:
            found = self._overlay.read(for_value) if for_value is for_expr or basic else True
        if isinstance(found, Expr):
            expr = found
        else:
            expr = ops.index(self.__expr__ if found else self._expr, for_expr)
        result = self._make(expr, value, *(k for k in (key if isinstance(key, tuple) else (key,)) if type(k) is TracedArray))
        if basic and expr.shape:
            result._parent = self
            result._remake = lambda parent: parent[key]
            result._restore = lambda parent, view: parent._write(for_value, view.__expr__)
        return result

    def __setitem__(self, key: Any, item: Any) -> None:
        entries = key if isinstance(key, tuple) else (key,)
        plain = tuple(np.asarray(k.plain()) if type(k) is TracedArray and k._value is not None else k for k in entries)
        _, at, _ = self._keys(plain if isinstance(key, tuple) else plain[0])
        written = as_expr(item)
        if self._value is None:
            self._write(at, fit(written, ops.index(self._expr, at).shape))
        else:
            value = value_of(item)
            self._check_dtype(np.asarray(value).dtype)
            self._write(at, fit(written, np.shape(self._value[at])))
            self._value[at] = value
        self._written(*flags((self, item)))

    def _check_dtype(self, dtype: Any) -> None:
        if self._value is not None and not np.can_cast(dtype, np.asarray(self._value).dtype, "same_kind"):
            raise Unsupported(f"item assignment of {dtype} into an array of {self._value.dtype} would round{user_line()}")

    def _write(self, key: Any, value: Expr) -> None:
        """Put an expression at a key, in the expression of this array only."""
        self._synchronise()
        shape = self._expr.shape
        if all(isinstance(d, int) for d in shape):
            if self._overlay is None:
                self._overlay = Overlay(tuple(d for d in shape if isinstance(d, int)))
            self._overlay.write(key, value)
            return
        part = ops.index(self._expr, key)
        from_slice = getattr(part, "key", None)
        if part is self._expr:
            self._expr = value
        elif from_slice is None:
            raise Unsupported("item assignment at symbolic sizes takes whole numbers and slices only: use np.where" + user_line())
        else:
            mask = scatter([ops.ones(part.shape)], [from_slice], shape)
            self._expr = ops.where(ops.greater(mask, 0), scatter([value], [from_slice], shape), self._expr)

    def _written(self, active: bool, varies: bool) -> None:
        """After a write: count it, and pass it on to what this array is a view of."""
        self.active, self.varies = active, varies
        buffer = self._buffer()
        count = self.record.writes.get(buffer, 0) + 1
        view: TracedArray = self
        while (parent := view._parent) is not None and parent._buffer() == buffer:
            if view._restore is None:
                raise Unsupported("this array is a view that cannot be written to: make it a copy, x.copy()" + user_line())
            parent._synchronise()
            view._restore(parent, view)
            parent.active, parent.varies = parent.active or active, parent.varies or varies
            view = parent
        self.record.writes[buffer] = count
        view = self
        view._seen = count
        while (parent := view._parent) is not None and parent._buffer() == buffer:
            parent._seen = count
            view = parent

    def assign(self, new: Any) -> None:
        """self[...] = new, for an array of the same shape."""
        e = as_expr(new)
        if e.shape != self._expr.shape:
            raise ShapeError(f"in place: the result has shape {show_shape(e.shape)}, the array {show_shape(self._expr.shape)}")
        if self._value is not None:
            value = value_of(new)
            self._check_dtype(np.asarray(value).dtype)
            self._synchronise()
            self._value[...] = value
        self._expr, self._overlay = e, None
        self._written(*flags((new,)))

    def link(self, parent: TracedArray, remake: Remake, positions: Callable[[], np.ndarray] | None) -> None:
        """Make this array a view of `parent`: how to make it anew, and which entry of the parent each of its entries is."""

        def restore(p: TracedArray, view: TracedArray) -> None:
            assert positions is not None
            if p._overlay is None:
                p._overlay = Overlay(p.shape)
            p._overlay.write_at(positions(), view.__expr__)

        self._parent, self._remake, self._restore = parent, remake, None if positions is None else restore
        self._seen = self.record.writes.get(self._buffer(), 0)

    @property
    def device(self) -> str:
        return "cpu"

    # --- protocols --------------------------------------------------------------------------------------------------
    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        return np

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return dispatch.call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Callable[..., Any], types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return dispatch.call_function(func, args, kwargs)


class Flat:
    """x.flat: the entries in row-major order, to iterate over, to index and to assign to."""

    __slots__ = ("_array", "_at")

    def __init__(self, array: TracedArray) -> None:
        self._array, self._at = array, 0

    def __len__(self) -> int:
        return int(self._array.size)

    def __iter__(self) -> Flat:
        return Flat(self._array)

    @property
    def coords(self) -> tuple[int, ...]:
        """The position of the next entry."""
        return tuple(int(k) for k in np.unravel_index(min(self._at, len(self) - 1), self._array.shape))

    def __next__(self) -> Any:
        if self._at >= len(self):
            raise StopIteration
        found = self._array[self.coords]
        self._at += 1
        return found

    def __getitem__(self, key: Any) -> Any:
        return numpy.ravel(self._array)[key]

    def __setitem__(self, key: Any, item: Any) -> None:
        positions = np.arange(len(self))[key]
        self._array[np.unravel_index(positions, self._array.shape)] = item


# --- results of several arrays ------------------------------------------------------------------------------------
def leaves(x: Any) -> Iterator[TracedArray]:
    """The traced arrays in nested lists, tuples, dicts and object arrays."""
    if type(x) is TracedArray:
        yield x
    elif isinstance(x, (list, tuple)):
        for v in x:
            yield from leaves(v)
    elif isinstance(x, dict):
        for v in x.values():
            yield from leaves(v)
    elif isinstance(x, np.ndarray) and x.dtype == object:
        for v in x.flat:
            yield from leaves(v)


def flags(operands: Any) -> tuple[bool, bool]:
    """(active, varies) of a result of these operands."""
    found = list(leaves(operands))
    return any(t.active for t in found), any(t.varies for t in found)


def value_of(x: Any) -> Any:
    """The value of what may be or hold traced arrays, as NumPy wants it; None if one of them has none."""
    if type(x) is TracedArray:
        return x._value
    if isinstance(x, Expr) or hasattr(x, "__dim__"):
        return None
    if isinstance(x, np.ndarray) and x.dtype == object:
        values = value_of(x.tolist())
        return None if values is None else np.array(values)
    if isinstance(x, (list, tuple)) and any(True for _ in leaves(x)):
        values = [value_of(v) for v in x]
        return None if any(v is None for v in values) else values
    return x


_PLAIN: tuple[type, ...] = (int, float, str, np.generic, type(None), slice)


def wrap(expr: Expr, value: Any, operands: Any) -> TracedArray:
    """A traced array made of operands, in the innermost of their traces."""
    record: Trace | None = None
    active = varies = False
    for x in operands:
        traced = type(x) is TracedArray
        if not traced and isinstance(x, _PLAIN):
            continue
        for t in (x,) if traced else leaves(x):
            active, varies = active or t.active, varies or t.varies
            if record is None or t.record.token > record.token:
                record = t.record
    assert record is not None
    return TracedArray(expr, value, record, active, varies)


from symdiff.api import dispatch  # noqa: E402  at the end, because it needs the class
