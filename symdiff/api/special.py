"""NumPy's functions that a traced array answers in its own way: from its value (nonzero, unique), by a write to it (copyto, put), or by a
call of the user's function with traced arrays (piecewise, apply_along_axis)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from symdiff.api.operands import expressions, plain_key, value_of, wrap
from symdiff.api.recording import user_line
from symdiff.api.traced import TracedArray
from symdiff.errors import SymbolicValue, Unsupported
from symdiff.expr import ops
from symdiff.expr.convert import as_expr

np: Any = numpy  # its functions of traced arrays, which their annotations do not know


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
    expr = ops.where(*map(expressions, (condition, *choices)))
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
    a[np.unravel_index(np.asarray(plain_key(ind)), a.shape)] = v


def _putmask(a: Any, mask: Any, values: Any) -> None:
    if type(a) is not TracedArray:
        raise Unsupported(f"np.putmask into a plain array would cut the derivative: start from np.zeros_like(x){user_line()}")
    a.assign(np.where(mask, values, a))


def _put_along_axis(arr: Any, indices: Any, values: Any, axis: Any = -1) -> None:
    if type(arr) is not TracedArray:
        raise Unsupported(f"np.put_along_axis into a plain array would cut the derivative: start from np.zeros_like(x){user_line()}")
    at = np.asarray(plain_key(indices))
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


SPECIAL: dict[Callable[..., Any], Callable[..., Any]] = {
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
