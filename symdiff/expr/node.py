"""What all nodes share: shape, digest, pickling, and NumPy's operators.

A node is data: its fields, its operands and its shape. Building the same node twice gives the same object (the pool), so equality is
`is` and a hash costs nothing. Rules, printing and lowering live in tables elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import FrozenInstanceError, dataclass, fields
from numbers import Number
from typing import Any, ClassVar, Never, NoReturn, Self, TypeVar, dataclass_transform

import numpy as np

from symdiff.errors import ShapeError, SymbolicValue
from symdiff.expr.dims import Dim, Shape, dim_mul, show_shape
from symdiff.expr.pool import Key as Key
from symdiff.expr.pool import constructor
from symdiff.expr.walk import topological as topological


class Expr:
    """An immutable expression. `shape` is a tuple of dims, `operands` the nodes directly below."""

    __slots__ = ("__weakref__", "_digest", "memo", "operands", "shape")
    shape: Shape
    operands: tuple[Expr, ...]
    _digest: bytes | None
    memo: dict[str, Any] | None  # what passes have found out about this node; never part of its value

    make: ClassVar[Callable[..., Expr]]  # the constructor without the detour of a call of a class
    statics: ClassVar[tuple[str, ...]] = ()  # fields that are no operands; they follow the operands
    variadic: ClassVar[bool] = False  # one tuple of operands, rather than one field for each

    # --- what a node class says of itself -------------------------------------------------------------------------
    @classmethod
    def key_of(cls, *values: Any) -> Key:
        return (cls, *values)

    def infer_shape(self) -> Shape:
        raise NotImplementedError

    @classmethod
    def rebuild(cls, operands: tuple[Expr, ...], statics: tuple[Any, ...]) -> Expr:
        """The node of these operands and static fields, as it is: no constructor folds anything."""
        return cls(*((operands,) if cls.variadic else operands), *statics)

    # --- identity ------------------------------------------------------------------------------------------------
    def __eq__(self, other: object) -> bool:
        if isinstance(other, Expr):
            return self is other
        if isinstance(other, (np.ndarray, np.generic, Number, list, tuple)):
            raise SymbolicValue(
                f"== of an expression and {type(other).__name__} is identity, which is never true: use sd.equal for the elementwise comparison"
            )
        return NotImplemented

    __hash__ = object.__hash__

    def __setattr__(self, name: str, value: Never) -> NoReturn:
        raise FrozenInstanceError(f"cannot assign to field {name!r}: an expression never changes")

    def __delattr__(self, name: str) -> NoReturn:
        raise FrozenInstanceError(f"cannot delete field {name!r}: an expression never changes")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Callable[..., Expr], tuple[Any, ...]]:
        return from_table, (to_table(self),)

    @property
    def digest(self) -> bytes:
        """A hash of the content, the same in every run; what canonical orders go by."""
        if self._digest is None:
            import hashlib  # here: it loads OpenSSL

            for node in topological(self, until=lambda e: e._digest is not None):
                if node._digest is None:
                    h = hashlib.blake2b(type(node).__name__.encode(), digest_size=16)
                    h.update(node.static_key().encode())
                    for operand in node.operands:
                        h.update(operand._digest or b"")
                    _write(node, "_digest", h.digest())
        assert self._digest is not None
        return self._digest

    def static_key(self) -> str:
        """The fields that are no operands, as text for the digest."""
        return repr([getattr(self, name) for name in self.statics])

    # --- NumPy's attributes --------------------------------------------------------------------------------------
    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> Dim:
        """Number of elements, a dim."""
        return dim_mul(*self.shape)

    @property
    def T(self) -> Expr:
        return ops.transpose(self)

    @property
    def mT(self) -> Expr:
        return ops.matrix_transpose(self)

    def __len__(self) -> int:
        if not self.shape:
            raise SymbolicValue("len() of a scalar expression, which has no axes")
        if isinstance(self.shape[0], int):
            return self.shape[0]
        raise SymbolicValue(
            f"len() of an expression of shape {show_shape(self.shape)}: its size is the name {self.shape[0]!r}; use x.shape[0]"
        )

    def __iter__(self) -> Iterator[Expr]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> NoReturn:
        raise SymbolicValue(
            "the truth of an expression is not known when the formula is built: write a branch as np.where(condition, a, b)"
        )

    def _no_value(self, kind: str) -> NoReturn:
        raise SymbolicValue(
            f"{kind}() of an expression: it has no value yet (math.sin and the like call float(): write np.sin; lower() makes a function that computes values)"
        )

    def __float__(self) -> float:
        self._no_value("float")

    def __int__(self) -> int:
        self._no_value("int")

    def __index__(self) -> int:
        self._no_value("int")

    def __complex__(self) -> complex:
        self._no_value("complex")

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise SymbolicValue("an expression is not an array: use NumPy's functions on it (np.sum(x)), or lower() it to a function of arrays")

    __array_priority__ = 1000.0

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return protocol.array_ufunc(ufunc, method, *inputs, **kwargs)

    def __array_function__(self, func: Callable[..., Any], types: Iterable[type], args: Any, kwargs: Any) -> Any:
        return protocol.array_function(func, args, kwargs)

    # --- operators -----------------------------------------------------------------------------------------------
    def __add__(self, other: Any) -> Expr:
        return ops.add(self, other)

    def __radd__(self, other: Any) -> Expr:
        return ops.add(other, self)

    def __sub__(self, other: Any) -> Expr:
        return ops.subtract(self, other)

    def __rsub__(self, other: Any) -> Expr:
        return ops.subtract(other, self)

    def __mul__(self, other: Any) -> Expr:
        return ops.multiply(self, other)

    def __rmul__(self, other: Any) -> Expr:
        return ops.multiply(other, self)

    def __truediv__(self, other: Any) -> Expr:
        return ops.divide(self, other)

    def __rtruediv__(self, other: Any) -> Expr:
        return ops.divide(other, self)

    def __pow__(self, other: Any) -> Expr:
        return ops.power(self, other)

    def __rpow__(self, other: Any) -> Expr:
        return ops.power(other, self)

    def __matmul__(self, other: Any) -> Expr:
        return ops.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Expr:
        return ops.matmul(other, self)

    def __mod__(self, other: Any) -> Expr:
        return ops.mod(self, other)

    def __rmod__(self, other: Any) -> Expr:
        return ops.mod(other, self)

    def __floordiv__(self, other: Any) -> Expr:
        return ops.floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> Expr:
        return ops.floor_divide(other, self)

    def __divmod__(self, other: Any) -> tuple[Expr, Expr]:
        return ops.divmod(self, other)

    def __rdivmod__(self, other: Any) -> tuple[Expr, Expr]:
        return ops.divmod(other, self)

    def __neg__(self) -> Expr:
        return ops.negative(self)

    def __pos__(self) -> Expr:
        return self

    def __abs__(self) -> Expr:
        return ops.absolute(self)

    def __lt__(self, other: Any) -> Expr:
        return ops.less(self, other)

    def __le__(self, other: Any) -> Expr:
        return ops.less_equal(self, other)

    def __gt__(self, other: Any) -> Expr:
        return ops.greater(self, other)

    def __ge__(self, other: Any) -> Expr:
        return ops.greater_equal(self, other)

    def __and__(self, other: Any) -> Expr:
        return ops.logical_and(self, other)

    def __rand__(self, other: Any) -> Expr:
        return ops.logical_and(other, self)

    def __or__(self, other: Any) -> Expr:
        return ops.logical_or(self, other)

    def __ror__(self, other: Any) -> Expr:
        return ops.logical_or(other, self)

    def __invert__(self) -> Expr:
        return ops.logical_not(self)

    def __getitem__(self, key: Any) -> Expr:
        return ops.index(self, key)

    # --- NumPy's methods -----------------------------------------------------------------------------------------
    def sum(self, axis: Any = None, keepdims: bool = False, *, where: Any = True, initial: Any = None) -> Expr:
        return ops.sum(self, axis=axis, keepdims=keepdims, where=where, initial=initial)

    def mean(self, axis: Any = None, keepdims: bool = False, *, where: Any = True) -> Expr:
        return ops.mean(self, axis=axis, keepdims=keepdims, where=where)

    def var(self, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Expr:
        return ops.variance(self, axis=axis, ddof=ddof, keepdims=keepdims)

    def std(self, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Expr:
        return ops.std(self, axis=axis, ddof=ddof, keepdims=keepdims)

    def prod(self, axis: Any = None, keepdims: bool = False, *, where: Any = True, initial: Any = None) -> Expr:
        return ops.prod(self, axis=axis, keepdims=keepdims, where=where, initial=initial)

    def max(self, axis: Any = None, keepdims: bool = False, *, where: Any = True, initial: Any = None) -> Expr:
        return ops.max(self, axis=axis, keepdims=keepdims, where=where, initial=initial)

    def min(self, axis: Any = None, keepdims: bool = False, *, where: Any = True, initial: Any = None) -> Expr:
        return ops.min(self, axis=axis, keepdims=keepdims, where=where, initial=initial)

    def cumsum(self, axis: Any = None) -> Expr:
        return ops.cumsum(self, axis=axis)

    def cumprod(self, axis: Any = None) -> Expr:
        return ops.cumprod(self, axis=axis)

    def dot(self, other: Any) -> Expr:
        return ops.dot(self, other)

    def clip(self, min: Any = None, max: Any = None) -> Expr:
        return ops.clip(self, min, max)

    def trace(self) -> Expr:
        return ops.trace(self)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Expr:
        return ops.diagonal(self, offset, axis1, axis2)

    def transpose(self, *axes: Any) -> Expr:
        return ops.transpose(self, axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else (axes or None))

    def swapaxes(self, axis1: int, axis2: int) -> Expr:
        return ops.swapaxes(self, axis1, axis2)

    def reshape(self, *shape: Any, order: str = "C") -> Expr:
        return ops.reshape(self, shape[0] if len(shape) == 1 else shape, order)

    def ravel(self, order: str = "C") -> Expr:
        return ops.ravel(self, order)

    def flatten(self, order: str = "C") -> Expr:
        return ops.ravel(self, order)

    def squeeze(self, axis: Any = None) -> Expr:
        return ops.squeeze(self, axis)

    def repeat(self, repeats: int, axis: int | None = None) -> Expr:
        return ops.repeat(self, repeats, axis)

    def take(self, indices: Any, axis: int | None = None) -> Expr:
        return ops.take(self, indices, axis)

    def argsort(self, axis: int = -1) -> Expr:
        return ops.argsort(self, axis)

    def argmax(self, axis: int | None = None) -> Expr:
        return ops.argmax(self, axis)

    def argmin(self, axis: int | None = None) -> Expr:
        return ops.argmin(self, axis)

    def copy(self) -> Expr:
        return self

    def all(self, axis: Any = None, keepdims: bool = False) -> Expr:
        return ops.all(self, axis, keepdims)

    def any(self, axis: Any = None, keepdims: bool = False) -> Expr:
        return ops.any(self, axis, keepdims)

    def round(self, decimals: int = 0) -> Expr:
        return ops.around(self, decimals)

    def conj(self) -> Expr:
        return self

    def astype(self, dtype: Any, copy: bool = True) -> Expr:
        return ops.astype(self, dtype)

    def item(self, *at: Any) -> Expr:
        return ops.reshape(self, ())[()] if not at else ops.ravel(self)[at[0]] if len(at) == 1 else self[at]

    @property
    def dtype(self) -> np.dtype[Any]:
        return ops.dtype_of(self)

    @property
    def real(self) -> Expr:
        return self

    @property
    def imag(self) -> Expr:
        return ops.zeros_like(self)

    @property
    def flat(self) -> Iterator[Expr]:
        return iter(ops.ravel(self))

    # --- printing ------------------------------------------------------------------------------------------------
    def __repr__(self) -> str:
        return show.bounded_repr(self)

    def __str__(self) -> str:
        return display("unicode", self)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def latex(self) -> str:
        """The simplified formula as LaTeX."""
        return display("latex", self)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {display('latex', self)}$"


_write = object.__setattr__  # of what is found out about a node and is no part of its value


def memo_of(e: Expr) -> dict[str, Any]:
    """The notes of passes about a node, by the pass's name; they live as long as the node."""
    notes = e.memo
    if notes is None:
        notes = {}
        _write(e, "memo", notes)
    return notes


_CLASSES: dict[str, type[Expr]] = {}
N = TypeVar("N", bound=type)


@dataclass_transform(frozen_default=True, eq_default=False)
def node(cls: N) -> N:
    """Make a class of nodes of a class that annotates its fields: a frozen, slotted dataclass, which knows which of its fields are operands,
    and whose constructor looks in the pool.

    Not by a metaclass: every isinstance would take three times as long.
    """
    made: Any = dataclass(frozen=True, slots=True, init=False, repr=False, eq=False)(cls)
    kinds = {f.name: f.type for f in fields(made)}
    held = {name: f"*{name}" if kind == "tuple[Expr, ...]" else name for name, kind in kinds.items() if "Expr" in kind}
    made.statics = tuple(name for name in kinds if name not in held)
    made.variadic = len(held) == 1 and next(iter(held.values())).startswith("*")
    operands = next(iter(held)) if made.variadic else f"({', '.join([*held.values(), ''])})" if held else "()"
    make = constructor(made, tuple(kinds), operands)
    made.make = staticmethod(make)
    made.__new__ = lambda _, *values: make(*values)
    _CLASSES[made.__name__] = made
    return made  # type: ignore[no-any-return]


# --- the printing hook: the printers live above and register themselves (symdiff.api) -----------------------------
_display: Callable[[str, Expr], str] | None = None


def register_display(hook: Callable[[str, Expr], str]) -> None:
    """Give `print(expr)` and `expr.latex()` their printer: hook(style, expr) -> text."""
    global _display
    _display = hook


def display(style: str, expr: Expr) -> str:
    return show.bounded_repr(expr) if _display is None else _display(style, expr)


# --- pickling: one flat table of fields per root ------------------------------------------------------------------
def to_table(root: Expr) -> list[tuple[Any, ...]]:
    """Rows (class name, operand rows, static fields), operands first."""
    row_of: dict[Expr, int] = {}
    table: list[tuple[Any, ...]] = []
    for e in topological(root):
        row_of[e] = len(table)
        table.append((type(e).__name__, tuple(row_of[o] for o in e.operands), tuple(getattr(e, name) for name in e.statics)))
    return table


def from_table(table: list[tuple[Any, ...]]) -> Expr:
    """The expression of a table made by `to_table`: the same object, if it is still alive."""
    built: list[Expr] = []
    for name, rows, statics in table:
        cls = _CLASSES.get(name)
        if cls is None:
            raise ShapeError(f"this pickle holds a node of class {name!r}, which this version does not know")
        built.append(cls.rebuild(tuple(built[r] for r in rows), statics))
    return built[-1]


# At the end, because they need Expr and its operators need them.
from symdiff.expr import ops, protocol, show  # noqa: E402
