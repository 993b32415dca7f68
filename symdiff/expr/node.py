"""What all nodes share: interning, shape, digest, pickling, and NumPy's operators.

A node is data: its fields, its operands and its shape. Building the same node twice gives the same object (a weak pool, keyed by class
and fields), so equality is `is` and a hash costs nothing. Rules, printing and lowering live in tables elsewhere.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import FrozenInstanceError
from numbers import Number
from threading import RLock
from typing import Any, ClassVar, Never, NoReturn, Self, TypeVar, dataclass_transform

import numpy as np

from symdiff.errors import ShapeError, SymbolicValue
from symdiff.expr.dims import Dim, Shape, dim_mul, show_shape

Key = tuple[Hashable, ...]


class _PoolRef(weakref.ref["Expr"]):
    """A weak reference that knows its key in the pool."""

    __slots__ = ("key",)
    key: Key


_POOL: dict[Key, _PoolRef] = {}
_LOCK = RLock()  # reentrant: a collection may drop a node while this thread holds it


def _forget(ref: _PoolRef, pool: dict[Key, _PoolRef] = _POOL, lock: Any = _LOCK) -> None:  # by default: globals end first
    with lock:
        if pool.get(ref.key) is ref:
            del pool[ref.key]


class Interned(type):
    """The kind of node classes. Each field that a class annotates is a slot; calls go to `make`, which `node` writes for each class and
    which looks in the pool first."""

    def __new__(meta, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> Interned:
        own = tuple(field for field, kind in body.get("__annotations__", {}).items() if not kind.startswith("ClassVar"))
        slots = own if bases else (*own, "__weakref__")
        return super().__new__(meta, name, bases, body | {"__slots__": slots, "__match_args__": own})

    def __call__(cls, *values: Any) -> Any:
        return cls.make(*values)  # type: ignore[attr-defined]


def _pooled(ref: _PoolRef, new: Expr) -> Expr:
    """The node that the pool has under a key where another entry stands: one that died, or that another thread made."""
    with _LOCK:
        found = _POOL.setdefault(ref.key, ref)
        if found is not ref and (other := found()) is not None:
            return other
        _POOL[ref.key] = ref  # what stood there is dead
        return new


def _constructor(cls: type[Expr], names: Sequence[str], operands: str) -> Callable[..., Expr]:
    """`make` of a class: the node of these fields, from the pool if it is there.

    It is written out for each class, as dataclasses are, because every expression is made by it: a loop over the fields takes twice as
    long. `operands` is the expression of the node's operands in its fields.
    """
    own_key = cls.key_of.__func__ is not Expr.key_of.__func__  # type: ignore[attr-defined]
    arguments = ", ".join(names)
    lines = [
        f"def make({arguments}):",
        f"    _key = {f'key_of({arguments})' if own_key else f'(cls, {arguments})'}",
        "    _ref = find(_key)",
        "    if _ref is not None and (_found := _ref()) is not None:",
        "        return _found",
        "    _new = allocate(cls)",
        *(f"    set_{name}(_new, {name})" for name in names),
        f"    set_operands(_new, {operands})",
        "    set_shape(_new, infer_shape(_new))",
        "    set_digest(_new, None)",
        "    set_memo(_new, None)",
        "    _ref = PoolRef(_new, forget)",
        "    _ref.key = _key",
        "    return _new if enter(_key, _ref) is _ref else pooled(_ref, _new)",  # one step, which no thread interrupts
    ]
    namespace: dict[str, Any] = {
        "cls": cls, "key_of": cls.key_of, "find": _POOL.get, "enter": _POOL.setdefault, "allocate": object.__new__, "infer_shape": cls.infer_shape,
        "set_operands": _set_operands, "set_shape": _set_shape, "set_digest": _set_digest, "set_memo": _set_memo,
        "PoolRef": _PoolRef, "forget": _forget, "pooled": _pooled,
    } | {f"set_{name}": cls.__dict__[name].__set__ for name in names}  # fmt: skip
    exec(compile("\n".join(lines), f"<node {cls.__name__}>", "exec"), namespace)
    made: Callable[..., Expr] = namespace["make"]
    return made


class Expr(metaclass=Interned):
    """An immutable expression. `shape` is a tuple of dims, `operands` the nodes directly below."""

    shape: Shape
    operands: tuple[Expr, ...]
    _digest: bytes | None
    memo: dict[str, Any] | None  # what passes have found out about this node; never part of its value

    make: ClassVar[Callable[..., Any]]  # the constructor, which looks in the pool first
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
                    _set_digest(node, h.digest())
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


_set_shape: Callable[[Expr, Shape], None] = Expr.__dict__["shape"].__set__
_set_operands: Callable[[Expr, tuple[Expr, ...]], None] = Expr.__dict__["operands"].__set__
_set_digest: Callable[[Expr, bytes | None], None] = Expr.__dict__["_digest"].__set__
_set_memo: Callable[[Expr, dict[str, Any] | None], None] = Expr.__dict__["memo"].__set__


def memo_of(e: Expr) -> dict[str, Any]:
    """The notes of passes about a node, by the pass's name; they live as long as the node."""
    notes = e.memo
    if notes is None:
        notes = {}
        _set_memo(e, notes)
    return notes


_CLASSES: dict[str, type[Expr]] = {}
N = TypeVar("N", bound=type)


@dataclass_transform(frozen_default=True, eq_default=False)
def node(cls: N) -> N:
    """Make a class of nodes of a class that annotates its fields: its constructor, and which of its fields are operands.

    Not by `dataclass`: it would write methods for each class at every import, and nodes have use for none of them.
    """
    made: Any = cls
    own: tuple[str, ...] = made.__match_args__
    kinds = made.__annotations__
    held = {name: f"*{name}" if kinds[name] == "tuple[Expr, ...]" else name for name in own if "Expr" in kinds[name]}
    made.statics = tuple(name for name in own if name not in held)
    made.variadic = len(held) == 1 and next(iter(held.values())).startswith("*")
    operands = next(iter(held)) if made.variadic else f"({', '.join([*held.values(), ''])})" if held else "()"
    made.make = staticmethod(_constructor(made, own, operands))
    _CLASSES[made.__name__] = made
    return cls


# --- the printing hook: the printers live above and register themselves (symdiff.api) -----------------------------
_display: Callable[[str, Expr], str] | None = None


def register_display(hook: Callable[[str, Expr], str]) -> None:
    """Give `print(expr)` and `expr.latex()` their printer: hook(style, expr) -> text."""
    global _display
    _display = hook


def display(style: str, expr: Expr) -> str:
    return show.bounded_repr(expr) if _display is None else _display(style, expr)


# --- walking ------------------------------------------------------------------------------------------------------
def topological(*roots: Expr, until: Callable[[Expr], bool] | None = None) -> Iterator[Expr]:
    """Yield each distinct node below `roots` once, operands first, without recursion. Nodes where `until` holds are not entered."""
    done: set[Expr] = set()
    stack: list[Expr | None] = []
    path: list[Expr] = []
    for root in roots:
        if root in done:
            continue
        stack.append(root)
        while stack:
            e = stack.pop()
            if e is None:  # all operands of the node on the path are done
                ready = path.pop()
                if ready not in done:
                    done.add(ready)
                    yield ready
                continue
            if e in done:
                continue
            if not e.operands or (until is not None and until(e)):
                done.add(e)
                yield e
                continue
            path.append(e)
            stack.append(None)
            stack.extend(reversed(e.operands))


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
