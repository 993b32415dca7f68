"""The traced array: what code written for NumPy meets instead of its argument while it is traced.

It holds an expression and, where known, its value; every NumPy function is applied to both. Comparisons are elementwise, a branch or an
int() is answered by the value and recorded as a guard, item assignment changes the wrapper and no expression. float() of what is
differentiated raises, because it would cut the derivative without a word.

Memory is NumPy's own: values are changed in place as NumPy would, so two traced arrays are views of each other exactly where their
values are. `writes` of the trace counts the changes of each buffer; a view that finds its count behind makes its expression anew.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from symdiff.api import operands
from symdiff.api.assignment import Overlay, fit
from symdiff.api.flat import Flat
from symdiff.api.questions import Questions
from symdiff.api.recording import Trace, user_line
from symdiff.api.sizes import as_size
from symdiff.errors import ShapeError, Unsupported
from symdiff.expr import ops
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import show_shape, whole_dims
from symdiff.expr.node import Expr
from symdiff.expr.structure import scatter

numpy: Any = np  # its functions of traced arrays, which their annotations do not know
Remake = Callable[["TracedArray"], "TracedArray"]
Restore = Callable[["TracedArray", "TracedArray"], None]


class TracedArray(Questions):
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
        result: TracedArray = operands.wrap(expr, value, (self, *others))
        return result

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
    def itemsize(self) -> int:
        return int(self.dtype.itemsize)

    @property
    def nbytes(self) -> Any:
        return self.size * self.itemsize

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
                    for leaf in operands.leaves(k):
                        leaf.plain()
                    k = np.asarray(operands.value_of(k))
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
            value = operands.value_of(item)
            self._check_dtype(np.asarray(value).dtype)
            self._write(at, fit(written, np.shape(self._value[at])))
            self._value[at] = value
        self._written(*operands.flags((self, item)))

    def _check_dtype(self, dtype: Any) -> None:
        if self._value is not None and not np.can_cast(dtype, np.asarray(self._value).dtype, "same_kind"):
            raise Unsupported(f"item assignment of {dtype} into an array of {self._value.dtype} would round{user_line()}")

    def _write(self, key: Any, value: Expr) -> None:
        """Put an expression at a key, in the expression of this array only."""
        self._synchronise()
        shape = self._expr.shape
        if all(isinstance(d, int) for d in shape):
            if self._overlay is None:
                self._overlay = Overlay(whole_dims(shape))
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
            value = operands.value_of(new)
            self._check_dtype(np.asarray(value).dtype)
            self._synchronise()
            self._value[...] = value
        self._expr, self._overlay = e, None
        self._written(*operands.flags((new,)))

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


# at the end, because they need the class; `methods` gives it operators and methods
from symdiff.api import dispatch  # noqa: E402
from symdiff.api import methods as methods  # noqa: E402
