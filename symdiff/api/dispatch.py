"""NumPy's functions and operators on traced arrays: each is applied to the expressions and, where known, to the values.

Most go through the tables of symdiff.expr.protocol. What stands here is what a traced array can do and an expression cannot: answer
from its value (nonzero, unique), be written to (copyto, out=), and call a function of the user's with traced arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from symdiff.api.recording import user_line
from symdiff.api.traced import TracedArray, leaves, value_of, wrap
from symdiff.errors import SymbolicValue, Unsupported
from symdiff.expr import ops, protocol
from symdiff.expr.convert import as_expr
from symdiff.expr.elementwise import is_boolean
from symdiff.expr.node import Expr
from symdiff.expr.structure import gather_transpose

np: Any = numpy  # its functions of traced arrays, which their annotations do not know
_OF_TRUTH = {"add": "logical_or", "maximum": "logical_or", "multiply": "logical_and", "minimum": "logical_and"}


# --- ufuncs and operators -----------------------------------------------------------------------------------------
def _expressions(x: Any) -> Any:
    """Traced arrays as expressions, in nested lists and object arrays too; all else as it is."""
    if type(x) is TracedArray:
        return x.__expr__
    if isinstance(x, (list, tuple)) and any(True for _ in leaves(x)):
        return type(x)(*map(_expressions, x)) if hasattr(x, "_fields") else type(x)(map(_expressions, x))
    if isinstance(x, np.ndarray) and x.dtype == object:
        return as_expr(x)
    return getattr(x, "__expr__", x) if hasattr(x, "__dim__") else x


def apply_ufunc(ufunc: numpy.ufunc, *inputs: Any) -> Any:
    """ufunc(*inputs), one of which is traced."""
    exprs = [x.__expr__ if type(x) is TracedArray else _expressions(x) for x in inputs]
    if ufunc.__name__ in _OF_TRUTH and all(is_boolean(as_expr(e)) for e in exprs):
        expr = getattr(ops, _OF_TRUTH[ufunc.__name__])(*exprs)
    elif ufunc in _OPERATIONS:
        expr = _OPERATIONS[ufunc](*exprs)
    else:
        expr = protocol.array_ufunc(ufunc, "__call__", *exprs)
    values = [x._value if type(x) is TracedArray else value_of(x) for x in inputs]
    value = None if any(v is None for v in values) else ufunc(*values)
    return wrap(expr, value, inputs) if isinstance(expr, Expr) else _wrapped(expr, value, inputs)


# the commonest ones, without a look at the tables
_OPERATIONS: dict[Any, Callable[..., Expr]] = {
    np.add: ops.add, np.subtract: ops.subtract, np.multiply: ops.multiply, np.divide: ops.divide, np.power: ops.power, np.negative: ops.negative,
}  # fmt: skip


def _wrapped(expr: Any, value: Any, operands: Any) -> Any:
    """Results with their values: one, or a tuple or list of them."""
    if isinstance(expr, (list, tuple)):
        values = [None] * len(expr) if value is None else value
        parts = [_wrapped(e, v, operands) for e, v in zip(expr, values, strict=True)]
        return type(expr)(*parts) if hasattr(expr, "_fields") else type(expr)(parts)
    return wrap(expr, value, operands) if isinstance(expr, Expr) else expr


def call_ufunc(ufunc: numpy.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What NumPy asks for when an input or an output of a ufunc is traced."""
    out = kwargs.pop("out", None)
    target = None if out is None else out[0]
    if target is not None and (type(target) is not TracedArray or len(out) > 1):
        raise Unsupported(f"np.{ufunc.__name__}(..., out=): the output is a plain array, which cannot hold a derivative{user_line()}")
    if method == "at":
        return _at(ufunc, *inputs)
    mask = kwargs.pop("where", True) if method == "__call__" else True
    if method == "__call__" and not {k: v for k, v in kwargs.items() if not (k == "dtype" and v in (None, float, np.float64))}:
        result = apply_ufunc(ufunc, *inputs)
    else:
        values = [value_of(x) for x in inputs]
        value_options = {k: value_of(v) for k, v in kwargs.items()}
        known = not any(v is None for v in values) and not any(v is None and kwargs[k] is not None for k, v in value_options.items())
        value = getattr(ufunc, method)(*values, **value_options) if known else None
        expr = protocol.array_ufunc(ufunc, method, *map(_expressions, inputs), **{k: _expressions(v) for k, v in kwargs.items()})
        result = _wrapped(expr, value, (inputs, kwargs))
    if mask is not True:
        if target is None:
            raise Unsupported(f"np.{ufunc.__name__}(..., where=) without out= leaves entries undefined: use np.where{user_line()}")
        result = np.where(mask, result, target)
    if target is None:
        return result
    target.assign(np.broadcast_to(result, target.shape))
    return target


def _at(ufunc: numpy.ufunc, target: Any, key: Any, item: Any = None) -> None:
    """np.add.at and np.subtract.at: repeated indices add up."""
    if ufunc.__name__ not in ("add", "subtract") or type(target) is not TracedArray:
        raise Unsupported(f"np.{ufunc.__name__}.at is supported for add and subtract into a traced array only{user_line()}")
    positions = np.arange(int(np.prod(target.shape))).reshape(target.shape)[np.asarray(_plain_key(key))]
    amount = np.broadcast_to(item, positions.shape)
    gathered = ops.reshape(_add_at(as_expr(amount), positions, target.size), target.shape)
    value = None
    if target.value is not None:
        value = np.array(target.value)
        ufunc.at(value, _plain_key(key), np.broadcast_to(value_of(item), positions.shape))
    expr = (ops.add if ufunc.__name__ == "add" else ops.subtract)(target.__expr__, gathered)
    target.assign(wrap(expr, value, (target, item)))


def _plain_key(key: Any) -> Any:
    return key.plain() if type(key) is TracedArray else key


def _add_at(values: Expr, positions: numpy.ndarray, size: int) -> Expr:
    from_positions = as_expr(positions.reshape(-1))
    return gather_transpose(ops.ravel(values), [from_positions], 0, (size,))


def _operator(ufunc: numpy.ufunc, reflected: bool) -> Callable[[TracedArray, Any], Any]:
    def method(self: TracedArray, other: Any) -> Any:
        if other is None or isinstance(other, (str, bytes, dict, set)):
            return NotImplemented
        return apply_ufunc(ufunc, other, self) if reflected else apply_ufunc(ufunc, self, other)

    return method


def _in_place(ufunc: numpy.ufunc) -> Callable[[TracedArray, Any], Any]:
    def method(self: TracedArray, other: Any) -> Any:
        if self.ndim == 0:  # NumPy's scalars cannot be changed: the name is bound to the result
            return NotImplemented
        self.assign(apply_ufunc(ufunc, self, other))
        return self

    return method


_OPERATORS = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide, "floordiv": np.floor_divide, "mod": np.remainder,
    "pow": np.power, "matmul": np.matmul, "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor, "divmod": np.divmod,
}  # fmt: skip
_COMPARISONS = {"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal}
_UNARY = {"neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert}

for _name, _ufunc in _OPERATORS.items():
    setattr(TracedArray, f"__{_name}__", _operator(_ufunc, False))
    setattr(TracedArray, f"__r{_name}__", _operator(_ufunc, True))
    if _name != "divmod":
        setattr(TracedArray, f"__i{_name}__", _in_place(_ufunc))
for _name, _ufunc in _COMPARISONS.items():
    setattr(TracedArray, f"__{_name}__", _operator(_ufunc, False))
for _name, _ufunc in _UNARY.items():
    setattr(TracedArray, f"__{_name}__", lambda self, _f=_ufunc: apply_ufunc(_f, self))
# NumPy calls these of the entries of an object array
for _name in (
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh",
    "tanh", "arcsinh", "arccosh", "arctanh", "rint", "degrees", "radians", "deg2rad", "rad2deg", "fabs", "square", "reciprocal", "conjugate",
    "arctan2", "hypot", "logaddexp", "fmod", "isfinite", "isnan", "isinf", "sign",
):  # fmt: skip
    setattr(TracedArray, _name, lambda self, *others, _f=getattr(np, _name): apply_ufunc(_f, self, *others))


# --- functions ----------------------------------------------------------------------------------------------------
def call_function(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What NumPy asks for when an argument of one of its functions is traced."""
    special = _SPECIAL.get(func)
    if special is not None:
        return special(*args, **kwargs)
    target = kwargs.pop("out", None) if "out" in kwargs else None
    if target is not None:
        if type(target) is not TracedArray:
            raise Unsupported(f"np.{func.__name__}(..., out=): the output is a plain array, which cannot hold a derivative{user_line()}")
        target.assign(call_function(func, args, kwargs))
        return target
    if func not in protocol.FUNCTIONS_OF_NUMPY:
        return _from_values(func, args, kwargs)
    operands = (args, kwargs)
    expr = protocol.array_function(func, tuple(map(_expressions, args)), {k: _expressions(v) for k, v in kwargs.items()})
    if not isinstance(expr, (Expr, list, tuple)):
        return expr
    values, options = [value_of(a) for a in args], {k: value_of(v) for k, v in kwargs.items()}
    unknown = any(t.value is None for t in leaves(operands)) or any(hasattr(x, "__dim__") for x in args)
    value = None if unknown else func(*values, **options)
    return _linked(_wrapped(expr, value, operands), func, args, kwargs)


def _from_values(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A function without a derivative, of what is not differentiated: its plain result, the values being a guard."""
    found = list(leaves((args, kwargs)))
    if any(t.value is None or not t.is_flat() for t in found):
        protocol.array_function(func, args, kwargs)  # raises, with the name
    for t in found:
        t.plain()
    return func(*(value_of(a) for a in args), **{k: value_of(v) for k, v in kwargs.items()})


def _linked(result: Any, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A result whose value is a view of the first argument's value is a view of the first argument."""
    parent = args[0] if args else None
    if type(parent) is not TracedArray:
        return result
    parts = list(result) if isinstance(result, (list, tuple)) else [result]
    for k, part in enumerate(parts):
        if type(part) is not TracedArray:
            continue
        if part.value is None:
            if func in _VIEWS:
                part.link(parent, _remaker(func, args, kwargs, k if part is not result else None), None)
        elif isinstance(part.value, np.ndarray) and part is not parent and part._buffer() == parent._buffer():
            pick = k if part is not result else None

            def positions(pick: int | None = pick) -> Any:
                numbered = func(np.arange(parent.size).reshape(parent.shape), *map(value_of, args[1:]), **kwargs)
                return numbered if pick is None else numbered[pick]

            part.link(parent, _remaker(func, args, kwargs, pick), positions)
    return result


def _remaker(
    func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], pick: int | None
) -> Callable[[TracedArray], TracedArray]:
    def remake(parent: TracedArray) -> TracedArray:
        again = func(parent, *args[1:], **kwargs)
        result: TracedArray = again if pick is None else again[pick]
        return result

    return remake


_VIEWS = {
    np.reshape, np.ravel, np.transpose, np.swapaxes, np.moveaxis, np.squeeze, np.expand_dims, np.rollaxis, np.flip, np.fliplr, np.flipud,
    np.rot90, np.diagonal, np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit, np.atleast_1d, np.atleast_2d, np.atleast_3d,
}  # fmt: skip


# --- functions with a form of their own ---------------------------------------------------------------------------
def _mask(x: Any, name: str) -> Any:
    """Which entries are not 0, recorded as a guard."""
    if type(x) is not TracedArray:
        return np.asarray(x) != 0
    if x.value is None:
        raise SymbolicValue(
            f"np.{name} of a traced array has a result of unknown size with symbols only: use np.where(mask, a, b){user_line()}"
        )
    truth = x if x.dtype.kind == "b" else np.not_equal(x, 0)
    return np.asarray(truth.plain() if type(truth) is TracedArray else truth)


def _nonzero(a: Any) -> Any:
    return np.nonzero(_mask(a, "nonzero"))


def _flatnonzero(a: Any) -> Any:
    return np.flatnonzero(_mask(a, "flatnonzero"))


def _argwhere(a: Any) -> Any:
    return np.argwhere(_mask(a, "argwhere"))


def _compress(condition: Any, a: Any, axis: int | None = None) -> Any:
    return np.take(a, np.flatnonzero(_mask(condition, "compress")), axis)


def _extract(condition: Any, arr: Any) -> Any:
    return np.take(np.ravel(arr), np.flatnonzero(_mask(condition, "extract")))


def _where(condition: Any, *choices: Any) -> Any:
    if not choices:
        return _nonzero(condition)
    condition = np.asarray(condition) if type(condition) is bool else condition  # the answer to a question, or a length compared
    values = [value_of(x) for x in (condition, *choices)]
    expr = ops.where(*map(_expressions, (condition, *choices)))
    return wrap(expr, None if any(v is None for v in values) else np.where(*values), (condition, *choices))


def _trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    found = np.flatnonzero(_mask(filt, "trim_zeros"))
    first = found[0] if "f" in trim and len(found) else 0
    last = found[-1] + 1 if "b" in trim and len(found) else len(filt) if len(found) else 0
    return filt[first:last]


def _unique(ar: Any, **options: Any) -> Any:
    """The distinct values in order: the first place of each is recorded as a guard."""
    if type(ar) is not TracedArray or ar.value is None:
        raise SymbolicValue(f"np.unique of a traced array has a result of unknown size with symbols only{user_line()}")
    if ar.is_flat():
        return np.unique(ar.plain(), **options)
    _, first, inverse = np.unique(ar.value, return_index=True, return_inverse=True)
    flat = np.ravel(ar)
    same = np.equal(np.take(flat, first[inverse].reshape(-1)), flat)
    ranked = np.less(np.take(flat, first[:-1]), np.take(flat, first[1:]))
    for question in (same, ranked):
        question.plain()
    found = np.take(flat, first)
    if not any(options.values()):
        return found
    return (found, *np.unique(ar.value, **options)[1:])


def _lexsort(keys: Any, axis: int = -1) -> Any:
    ranks = [np.argsort(np.argsort(k, kind="stable"), kind="stable") for k in keys]
    plain = [r.plain() if type(r) is TracedArray else r for r in ranks]
    return np.lexsort([value_of(k) for k in keys], axis) if len(plain) else np.lexsort(keys, axis)


def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    conditions, functions = list(condlist), list(funclist)
    default = functions.pop() if len(functions) == len(conditions) + 1 else 0
    result = default(x, *args, **kw) if callable(default) else np.full_like(x, default)
    for condition, function in zip(conditions, functions, strict=True):
        result = np.where(condition, function(x, *args, **kw) if callable(function) else function, result)
    return result


def _apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    rows = np.moveaxis(arr, axis, -1)
    lead = rows.shape[:-1]
    parts = [func1d(rows[at], *args, **kwargs) for at in np.ndindex(*lead)]
    joined = np.stack(parts).reshape(*lead, *np.shape(parts[0]))
    place = axis % arr.ndim
    return np.moveaxis(joined, tuple(range(len(lead), joined.ndim)), tuple(range(place, place + np.ndim(parts[0]))))


def _copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    if type(dst) is not TracedArray:
        raise Unsupported(f"np.copyto into a plain array would cut the derivative: start from np.zeros_like(x){user_line()}")
    dst.assign(np.broadcast_to(src, dst.shape) if where is True else np.where(where, src, dst))


def _fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    if type(a) is not TracedArray or wrap:
        raise Unsupported(f"np.fill_diagonal of a plain array would cut the derivative: start from np.zeros_like(x){user_line()}")
    a[np.diag_indices(min(a.shape), a.ndim)] = val


def _put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    if type(a) is not TracedArray:
        raise Unsupported(f"np.put into a plain array would cut the derivative: start from np.zeros_like(x){user_line()}")
    a[np.unravel_index(np.asarray(_plain_key(ind)), a.shape)] = v


def _putmask(a: Any, mask: Any, values: Any) -> None:
    if type(a) is not TracedArray:
        raise Unsupported(f"np.putmask into a plain array would cut the derivative: start from np.zeros_like(x){user_line()}")
    a.assign(np.where(mask, values, a))


def _put_along_axis(arr: Any, indices: Any, values: Any, axis: Any = -1) -> None:
    if type(arr) is not TracedArray:
        raise Unsupported(f"np.put_along_axis into a plain array would cut the derivative: start from np.zeros_like(x){user_line()}")
    at = np.asarray(_plain_key(indices))
    numbered = np.take_along_axis(np.arange(arr.size).reshape(arr.shape), at, axis)
    arr[np.unravel_index(numbered, arr.shape)] = values


def _like(make: Callable[..., Any]) -> Callable[..., Any]:
    """zeros_like and its kin: a traced array that can be written to, whatever dtype is asked for."""

    def like(x: Any, *args: Any, **kwargs: Any) -> Any:
        fill = [args[0] if args else kwargs.get("fill_value")] if make is np.full_like else []
        shape = kwargs.get("shape") or x.shape
        value = None if value_of(x) is None or any(value_of(f) is None for f in fill) else make(value_of(x), *map(value_of, args), **kwargs)
        number = as_expr(fill[0]) if fill else as_expr(1 if make is np.ones_like else 0)
        return wrap(ops.full([getattr(d, "__dim__", d) for d in shape], number), value, (x, fill))

    return like


def _of_value(func: Callable[..., Any]) -> Callable[..., Any]:
    """A question about dtypes or memory, answered by the values."""

    def answer(*args: Any, **kwargs: Any) -> Any:
        return func(*(np.zeros(()) if type(a) is TracedArray and a.value is None else value_of(a) for a in args), **kwargs)

    return answer


def _shape(a: Any) -> Any:
    return a.shape if type(a) is TracedArray else np.shape(value_of(a))


def _ndim(a: Any) -> int:
    return len(_shape(a))


def _size(a: Any, axis: Any = None) -> Any:
    return (a.size if type(a) is TracedArray else np.size(value_of(a))) if axis is None else _shape(a)[axis]


def _text(a: Any, *args: Any, **kwargs: Any) -> str:
    return repr(a)


_SPECIAL: dict[Callable[..., Any], Callable[..., Any]] = {
    np.nonzero: _nonzero,
    np.flatnonzero: _flatnonzero,
    np.argwhere: _argwhere,
    np.compress: _compress,
    np.extract: _extract,
    np.where: _where,
    np.trim_zeros: _trim_zeros,
    np.unique: _unique,
    np.lexsort: _lexsort,
    np.piecewise: _piecewise,
    np.apply_along_axis: _apply_along_axis,
    np.copyto: _copyto,
    np.fill_diagonal: _fill_diagonal,
    np.put: _put,
    np.putmask: _putmask,
    np.place: lambda arr, mask, vals: _putmask(arr, mask, vals),
    np.put_along_axis: _put_along_axis,
    np.zeros_like: _like(np.zeros_like),
    np.ones_like: _like(np.ones_like),
    np.empty_like: _like(np.zeros_like),
    np.full_like: _like(np.full_like),
    np.shape: _shape,
    np.ndim: _ndim,
    np.size: _size,
    np.array_repr: _text,
    np.array_str: _text,
    np.array2string: _text,
} | {
    func: _of_value(func)
    for func in (np.result_type, np.can_cast, np.common_type, np.min_scalar_type, np.may_share_memory, np.shares_memory)
}


# --- methods ------------------------------------------------------------------------------------------------------
def _method(func: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *args, **kwargs: func(self, *args, **kwargs)


for _name in (
    "all", "any", "argmax", "argmin", "argpartition", "argsort", "choose", "clip", "copy", "cumprod", "cumsum", "diagonal", "dot", "max", "mean",
    "min", "nonzero", "prod", "ptp", "ravel", "repeat", "round", "searchsorted", "squeeze", "std", "sum", "swapaxes", "take", "trace", "var",
):  # fmt: skip
    setattr(TracedArray, _name, _method(getattr(np, _name)))


def _shaped(self: TracedArray, *shape: Any, order: str = "C", copy: Any = None) -> Any:
    return np.reshape(self, shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape, order=order)


def _transposed(self: TracedArray, *axes: Any) -> Any:
    return np.transpose(self, (axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes) or None)


def _astype(self: TracedArray, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True, copy: bool = True) -> Any:
    if not copy and np.dtype(dtype) == self.dtype:
        return self
    if np.dtype(dtype).kind == "f":  # float32 and others: values keep their precision
        value = None if self.value is None else np.array(self.value, dtype=np.float64)
        return wrap(ops.astype(self.__expr__, float), value, (self,))
    value = None if self.value is None else np.asarray(self.value).astype(dtype)
    return wrap(ops.astype(self.__expr__, dtype), value, (self,))


def _item(self: TracedArray, *at: Any) -> Any:
    if at:
        return np.ravel(self)[at[0]] if len(at) == 1 and not isinstance(at[0], tuple) else self[at[0] if len(at) == 1 else at]
    return np.reshape(self, ())[()]


def _tolist(self: TracedArray) -> Any:
    return [part.tolist() for part in self] if self.ndim else self


def _sorted_in_place(self: TracedArray, axis: int = -1, kind: Any = None) -> None:
    self.assign(np.sort(self, axis))


def _filled(self: TracedArray, value: Any) -> None:
    self[...] = value


def _compressed(self: TracedArray, condition: Any, axis: int | None = None) -> Any:
    return _compress(condition, self, axis)


def _flattened(self: TracedArray, order: str = "C") -> Any:
    return np.copy(np.ravel(self, order))


def _itself(self: TracedArray) -> TracedArray:
    return self


for _name, _function in {
    "reshape": _shaped, "transpose": _transposed, "astype": _astype, "item": _item, "tolist": _tolist, "sort": _sorted_in_place, "fill": _filled,
    "compress": _compressed, "flatten": _flattened, "conj": _itself, "__copy__": lambda self: np.copy(self),
    "__deepcopy__": lambda self, memo: np.copy(self), "put": lambda self, at, v: _put(self, at, v),
}.items():  # fmt: skip
    setattr(TracedArray, _name, _function)
