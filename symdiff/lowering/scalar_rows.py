"""How each operation of a program is taken apart: from arrays of scalar registers to an array of scalar registers.

Views cost nothing then, a sum is a chain of additions, and a matrix product is sums of products.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from symdiff.expr.dims import whole_dims
from symdiff.expr.nodes import Place, Range
from symdiff.lowering.program import Instruction
from symdiff.lowering.scalar_builder import NotScalar, Scalars

Registers = np.ndarray  # of whole numbers
Row = Callable[[Scalars, Instruction, list[Registers]], Any]


def static(i: Instruction) -> tuple[int, ...]:
    """The shape of a result, of whole numbers. Raises: NotScalar if it has a name."""
    shape = whole_dims(i.shape)
    if len(shape) < len(i.shape):
        raise NotScalar
    return shape


# --- elementwise ---------------------------------------------------------------------------------------------------------
def _elementwise(function: Callable[..., int]) -> Row:
    """A scalar function of the walk for each entry, operands broadcast."""

    def row(s: Scalars, i: Instruction, args: list[Registers]) -> Registers:
        arrays = np.broadcast_arrays(*args)
        result = np.empty(arrays[0].shape, np.int64)
        for index in np.ndindex(*result.shape):
            result[index] = function(s, *(int(a[index]) for a in arrays))
        return result

    return row


def _named(name: str) -> Row:
    return _elementwise(lambda s, *args: s.function(name, *args))


def _sigmoid(s: Scalars, x: int) -> int:
    """1 / (1 + exp(-x)); of -x, exp(-x) times that, which is 1 where exp(-x) is inf: a sigmoid and its complement share the exponential."""
    made = s.b.made_by[x]
    if made is not None and made.op == "negative":
        e = s.function("exp", x)
        complement = s.multiply(e, s.divide(s.number(1), s.add(s.number(1), e)))
        return _where(s, s.function("equal", e, s.number(math.inf)), s.number(1), complement)
    return s.divide(s.number(1), s.add(s.number(1), s.function("exp", s.negative(x))))


def _sigmoids(s: Scalars, i: Instruction, args: list[Registers]) -> Registers:
    """sigmoid(x) and sigmoid(-x), one behind the other."""
    x = args[0]
    minus = np.array([s.negative(int(r)) for r in x.flat], np.int64).reshape(x.shape)
    return np.stack([np.array([_sigmoid(s, int(r)) for r in a.flat], np.int64).reshape(x.shape) for a in (x, minus)])


def _softplus(s: Scalars, x: int) -> int:
    return s.add(s.function("maximum", x, s.number(0)), s.function("log1p", s.function("exp", s.negative(s.function("abs", x)))))


def _where(s: Scalars, c: int, x: int, y: int) -> int:
    return s.b.emit("where", [c, s.as_real(x), s.as_real(y)])


def _leaky_relu(s: Scalars, x: int, slope: int) -> int:
    return _where(s, s.function("greater", x, s.number(0)), x, s.multiply(slope, x))


def _elu(s: Scalars, x: int, alpha: int) -> int:
    below = s.function("expm1", s.function("minimum", x, s.number(0)))
    return _where(s, s.function("greater", x, s.number(0)), x, s.multiply(alpha, below))


def _gelu(s: Scalars, x: int) -> int:
    return s.multiply(s.multiply(s.number(0.5), x), s.function("erfc", s.multiply(s.number(-math.sqrt(0.5)), x)))


def _gelu_tanh(s: Scalars, x: int) -> int:
    inner = s.add(x, s.multiply(s.multiply(s.multiply(s.number(0.044715), x), x), x))
    gate = s.add(s.number(1), s.function("tanh", s.multiply(s.number(math.sqrt(2 / math.pi)), inner)))
    return s.multiply(s.multiply(s.number(0.5), x), gate)


def _comparison(name: str) -> Row:
    def compare(s: Scalars, *args: int) -> int:
        if all(s.b.number_of(a) is not None for a in args):
            raise NotScalar
        return s.b.emit(name, list(args))

    return _elementwise(compare)


def _reduced(axes: tuple[int, ...], x: Registers, function: Callable[[list[int]], int]) -> Registers:
    kept = [a for a in range(x.ndim) if a not in axes]
    moved = x.transpose([*kept, *axes]).reshape([x.shape[a] for a in kept] + [-1]) if x.size else None
    if moved is None:
        raise NotScalar
    result = np.empty(moved.shape[:-1], np.int64)
    for index in np.ndindex(*result.shape):
        result[index] = function([int(r) for r in moved[index]])
    return result


def _chain(s: Scalars, name: str, registers: list[int]) -> int:
    result = registers[0]
    for r in registers[1:]:
        result = s.multiply(result, r) if name == "multiply" else s.function(name, result, r)
    return result


def _logsumexp(s: Scalars, registers: list[int]) -> int:
    if len(registers) == 1:
        return registers[0]
    largest = _chain(s, "maximum", registers)
    finite = s.b.emit("less", [s.function("abs", largest), s.number(math.inf)])
    top = _where(s, finite, largest, s.number(0))
    return s.add(top, s.function("log", s.sum([s.function("exp", s.subtract(r, top)) for r in registers])))


def _matmul(s: Scalars, i: Instruction, args: list[Registers]) -> Registers:
    x, y = args
    left = x[None, :] if x.ndim == 1 else x
    right = y[:, None] if y.ndim == 1 else y
    batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    left, right = (np.broadcast_to(a, (*batch, *a.shape[-2:])) for a in (left, right))
    result = np.empty((*batch, left.shape[-2], right.shape[-1]), np.int64)
    for index in np.ndindex(*result.shape):
        result[index] = s.dot(left[(*index[:-2], index[-2])], right[(*index[:-2], slice(None), index[-1])])
    return result.reshape(static(i))


def _outer(s: Scalars, i: Instruction, args: list[Registers]) -> Registers:
    row = _elementwise(Scalars.multiply)
    return np.asarray(row(s, i, [args[0][:, None], args[1]]))


def _tensordot(s: Scalars, i: Instruction, args: list[Registers]) -> Registers:
    of_x, of_y = i.params
    x, y = args
    x = x.transpose([a for a in range(x.ndim) if a not in of_x] + list(of_x))
    y = y.transpose(list(of_y) + [a for a in range(y.ndim) if a not in of_y])
    size = int(np.prod([args[0].shape[a] for a in of_x]))
    left, right = x.reshape(math.prod(x.shape[: x.ndim - len(of_x)]), size), y.reshape(size, math.prod(y.shape[len(of_y) :]))
    return np.array([[s.dot(row, column) for column in right.T] for row in left], np.int64).reshape(static(i))


def _einsum(s: Scalars, i: Instruction, args: list[Registers]) -> Registers:
    (left, right), out = i.params
    dims = {label: d for ls, a in zip((left, right), args, strict=True) for label, d in zip(ls, a.shape, strict=True)}
    summed = [label for label in dims if label not in out]
    result = np.empty([dims[label] for label in out], np.int64)
    for index in np.ndindex(*result.shape):
        at = dict(zip(out, index, strict=True))
        pairs = []
        for inner in np.ndindex(*(dims[label] for label in summed)):
            full = at | dict(zip(summed, inner, strict=True))
            pairs.append([a[tuple(full[label] for label in ls)] for ls, a in zip((left, right), args, strict=True)])
        result[index] = s.dot(*zip(*pairs, strict=True)) if pairs else s.number(0)
    return result


def _scan(s: Scalars, i: Instruction, args: list[Registers]) -> Registers:
    axis, reverse = i.params
    x = np.moveaxis(args[0], axis, -1).copy()
    x = x[..., ::-1] if reverse else x
    for index in np.ndindex(*x.shape[:-1]):
        for k, j in pairwise(range(x.shape[-1])):
            x[(*index, j)] = (s.add if i.op == "cumsum" else s.multiply)(int(x[(*index, k)]), int(x[(*index, j)]))
    return np.moveaxis(x[..., ::-1] if reverse else x, -1, axis)


def _index(key: tuple[Place, ...]) -> tuple[Any, ...]:
    entries: list[Any] = []
    for place in key:
        if not isinstance(place, Range):
            entries.append(place)
            continue
        start, length, step = place
        assert isinstance(start, int) and isinstance(length, int)
        stop = start + length * step
        entries.append(slice(start, stop if stop >= 0 else None, step) if length else slice(0, 0))
    return tuple(entries)


def _scatter(s: Scalars, i: Instruction, args: list[Registers]) -> Registers:
    keys, into = i.params
    result = np.full(into, s.number(0.0), np.int64)
    for key, part in zip(keys, args, strict=True):
        index = _index(key)
        target = np.asarray(result[index])
        whole = np.broadcast_to(part, target.shape)
        added = np.empty(target.shape, np.int64)
        for at in np.ndindex(*target.shape):
            added[at] = s.add(int(target[at]), s.as_real(int(whole[at])))
        result[index] = added
    return result


def _embed(s: Scalars, i: Instruction, args: list[Registers]) -> Registers:
    shape, labels = i.params
    result = np.full(shape, s.number(0.0), np.int64)
    np.einsum(result, list(labels), sorted(set(labels)))[...] = args[0]
    return result


def _constant(s: Scalars, i: Instruction, args: list[Registers]) -> Registers:
    array = s.constants[i.params[0]]
    if array.dtype.kind == "b":
        raise NotScalar
    return np.array([s.number(float(v)) for v in array.flat], np.int64).reshape(array.shape)


def _values(s: Scalars, values: np.ndarray) -> Registers:
    return np.array([s.number(float(v)) for v in values.flat], np.int64).reshape(values.shape)


ROWS: dict[str, Row] = {
    "const": lambda s, i, args: s.number(i.params[0]),
    "constant": _constant,
    "eye": lambda s, i, args: _values(s, np.eye(i.params[0])),
    "add": _elementwise(Scalars.add),
    "subtract": _elementwise(Scalars.subtract),
    "multiply": _elementwise(lambda s, x, y: s.multiply(s.as_real(x), s.as_real(y))),
    "divide": _elementwise(Scalars.divide),
    "negative": _elementwise(lambda s, x: s.negative(s.as_real(x))),
    "cast": _elementwise(Scalars.as_real),
    "copy": lambda s, i, args: args[0],
    "full": lambda s, i, args: np.broadcast_to(args[0], static(i)).copy(),
    # functions
    **{
        name: _named(name)
        for name in (
            "sqrt", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "cbrt", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2",
            "hypot", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "abs", "sign", "maximum", "minimum", "erf", "erfc", "gammaln", "pow",
        )
    },
    **{name: _comparison(name) for name in ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal")},
    "where": _elementwise(_where),
    "sigmoid": _elementwise(_sigmoid),
    "sigmoids": _sigmoids,
    "item": lambda s, i, args: args[0][i.params[0]],
    "softplus": _elementwise(_softplus),
    "log_sigmoid": _elementwise(lambda s, x: s.negative(_softplus(s, s.negative(x)))),
    "logaddexp": _elementwise(lambda s, x, y: _logsumexp(s, [x, y])),
    "relu": _elementwise(lambda s, x: s.function("maximum", x, s.number(0))),
    "leaky_relu": _elementwise(_leaky_relu),
    "elu": _elementwise(_elu),
    "silu": _elementwise(lambda s, x: s.multiply(x, _sigmoid(s, x))),
    "gelu": _elementwise(_gelu),
    "gelu_tanh": _elementwise(_gelu_tanh),
    "softsign": _elementwise(lambda s, x: s.divide(x, s.add(s.number(1), s.function("abs", x)))),
    # views
    "transpose": lambda s, i, args: args[0].transpose(i.params[0]),
    "expand": lambda s, i, args: args[0].reshape(static(i)),
    "squeeze": lambda s, i, args: args[0].reshape(static(i)),
    "reshape": lambda s, i, args: args[0].reshape(static(i)),
    "broadcast": lambda s, i, args: np.broadcast_to(args[0], static(i)),
    "slice": lambda s, i, args: args[0][_index(i.params[0])],
    "diagonal": lambda s, i, args: np.diagonal(args[0], 0, *i.params),
    # products and sums
    "sum": lambda s, i, args: _reduced(i.params[0], args[0], s.sum),
    "trace": lambda s, i, args: s.sum([int(r) for r in np.diagonal(args[0])]),
    "dot": lambda s, i, args: s.dot(args[0], args[1]),
    "vdot": lambda s, i, args: s.dot(args[0].ravel(), args[1].ravel()),
    "outer": _outer,
    "matmul": _matmul,
    "tensordot": _tensordot,
    "einsum": _einsum,
    "diag": lambda s, i, args: np.where(np.eye(len(args[0]), dtype=bool), args[0], s.number(0.0)),
    "embed": _embed,
    # reductions, scans, structure
    "max": lambda s, i, args: _reduced(i.params[0], args[0], lambda rs: _chain(s, "maximum", rs)),
    "min": lambda s, i, args: _reduced(i.params[0], args[0], lambda rs: _chain(s, "minimum", rs)),
    "prod": lambda s, i, args: _reduced(i.params[0], args[0], lambda rs: _chain(s, "multiply", rs)),
    "logsumexp": lambda s, i, args: _reduced(i.params[0], args[0], lambda rs: _logsumexp(s, rs)),
    "cumsum": _scan,
    "cumprod": _scan,
    "scatter": _scatter,
    "concat": lambda s, i, args: np.concatenate(args, axis=i.params[0]),
    "stack": lambda s, i, args: np.stack(args, axis=i.params[0]),
}  # fmt: skip
