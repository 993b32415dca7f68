"""NumPy's functions and operators on traced arrays: each is applied to the expressions and, where known, to the values.

Most go through the tables of symdiff.expr.protocol; those of symdiff.api.special have a form of their own. A result whose value shares
memory with the argument's is linked to it, so that a write to one is a write to the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from symdiff.api.operands import expressions, leaves, plain_key, value_of, wrap
from symdiff.api.recording import user_line
from symdiff.api.special import SPECIAL
from symdiff.api.traced import TracedArray
from symdiff.errors import Unsupported
from symdiff.expr import ops, protocol
from symdiff.expr.convert import as_expr
from symdiff.expr.elementwise import is_boolean
from symdiff.expr.node import Expr
from symdiff.expr.structure import gather_transpose

np: Any = numpy  # its functions of traced arrays, which their annotations do not know
_OF_TRUTH = {"add": "logical_or", "maximum": "logical_or", "multiply": "logical_and", "minimum": "logical_and"}


# --- ufuncs and operators -----------------------------------------------------------------------------------------
def apply_ufunc(ufunc: numpy.ufunc, *inputs: Any) -> Any:
    """ufunc(*inputs), one of which is traced."""
    exprs = [x.__expr__ if type(x) is TracedArray else expressions(x) for x in inputs]
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
        expr = protocol.array_ufunc(ufunc, method, *map(expressions, inputs), **{k: expressions(v) for k, v in kwargs.items()})
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
    positions = np.arange(int(np.prod(target.shape))).reshape(target.shape)[np.asarray(plain_key(key))]
    amount = np.broadcast_to(item, positions.shape)
    gathered = ops.reshape(_add_at(as_expr(amount), positions, target.size), target.shape)
    value = None
    if target.value is not None:
        value = np.array(target.value)
        ufunc.at(value, plain_key(key), np.broadcast_to(value_of(item), positions.shape))
    expr = (ops.add if ufunc.__name__ == "add" else ops.subtract)(target.__expr__, gathered)
    target.assign(wrap(expr, value, (target, item)))


def _add_at(values: Expr, positions: numpy.ndarray, size: int) -> Expr:
    from_positions = as_expr(positions.reshape(-1))
    return gather_transpose(ops.ravel(values), [from_positions], 0, (size,))


# --- functions ----------------------------------------------------------------------------------------------------
def call_function(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What NumPy asks for when an argument of one of its functions is traced."""
    special = SPECIAL.get(func)
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
    expr = protocol.array_function(func, tuple(map(expressions, args)), {k: expressions(v) for k, v in kwargs.items()})
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
