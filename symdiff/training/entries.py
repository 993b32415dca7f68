"""A formula of arrays, written out number by number: W₁ x + b becomes w1·i1 + w2·i2 + b and w3·i1 + w4·i2 + b.

Every axis whose dim is a whole number is written out; an axis whose dim is a name, such as the batch, stays an axis of each entry.
What comes out are expressions like any other, to be differentiated and printed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symdiff.errors import ShapeError, Unsupported
from symdiff.expr.algebra import add, contract
from symdiff.expr.build import apply, reduce
from symdiff.expr.dims import show_shape, whole_dims
from symdiff.expr.leaves import const, var
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Add, Const, Contract, Delta, Map, Ones, Reduce, Size, Var
from symdiff.expr.ops import exp, log, maximum, minimum, multiply

Entries = NDArray[Any]  # expressions, one axis for each whole dim


def named_entries(v: Var, names: Sequence[str]) -> Entries:
    """One variable for each entry of `v`, of the shape of its named dims. Raises: ShapeError if the names are too few or too many.

    >>> named_entries(var('X', ('n', 2)), ['x1', 'x2'])[1].shape
    ('n',)
    """
    shape = whole_dims(v.shape)
    if len(names) != prod(shape):
        raise ShapeError(f"entries of {v.name} {show_shape(v.shape)}: {prod(shape)} names are wanted, not {len(names)}")
    kept = tuple(d for d in v.shape if not isinstance(d, int))
    waiting = iter(names)
    return _filled(shape, lambda place: var(next(waiting), kept))


def entries_of(e: Expr, leaves: Mapping[Var, Entries]) -> Entries:
    """The entries of an expression, given those of its variables.

    Raises: Unsupported for an operation that has no form entry by entry here.

    >>> W, x = var('W', (2, 2)), var('x', (2,))
    >>> leaves = {W: named_entries(W, ['w1', 'w2', 'w3', 'w4']), x: named_entries(x, ['x1', 'x2'])}
    >>> entries_of(W @ x, leaves)[0] is var('w1') * var('x1') + var('w2') * var('x2')
    True
    """
    of: dict[Expr, Entries] = {}
    for node in topological(e):
        match node:
            case Var():
                of[node] = leaves[node]
            case Const() | Size() | Ones() | Delta():
                of[node] = _constant(node)
            case Contract():
                of[node] = _contract(node, of)
            case Add():
                of[node] = _each(add, [of[o] for o in node.operands])
            case Map():
                of[node] = _each(lambda *args, fn=node.fn: apply(fn, *args), [of[o] for o in node.operands])
            case Reduce():
                of[node] = _reduce(node, of[node.x])
            case _:
                raise Unsupported(f"{type(node).__name__} cannot be written out entry by entry; use the matrix form")
    return of[e]


def _filled(shape: tuple[int, ...], entry: Callable[[tuple[int, ...]], Expr]) -> Entries:
    flat: Entries = np.empty(prod(shape), object)
    for k, place in enumerate(np.ndindex(shape)):
        flat[k] = entry(place)  # at a whole number: NumPy then stores the expression as it is
    return flat.reshape(shape)


def _each(function: Callable[..., Expr], operands: Sequence[Entries]) -> Entries:
    return _filled(operands[0].shape, lambda place: function(*(o[place] for o in operands)))


def _constant(e: Const | Size | Ones | Delta) -> Entries:
    if isinstance(e, Const) and isinstance(e.value, np.ndarray):
        value = e.value
        return _filled(value.shape, lambda place: const(value[place]))
    if isinstance(e, Ones) and isinstance(e.dim, int):
        return _filled((e.dim,), lambda place: Const(1))
    if isinstance(e, Delta) and isinstance(e.dim, int):
        return _filled((e.dim, e.dim), lambda place: Const(int(place[0] == place[1])))
    return _filled((), lambda place: e)


def _contract(e: Contract, of: Mapping[Expr, Entries]) -> Entries:
    dims = {label: dim for label, dim in e.dims().items() if isinstance(dim, int)}
    out = [label for label in e.out if label in dims]
    kept_out = tuple(label for label in e.out if label not in dims)
    summed = [label for label in dims if label not in out]

    def terms(place: tuple[int, ...]) -> Iterator[Expr]:
        for inner in product(*(range(dims[label]) for label in summed)):
            at = dict(zip((*out, *summed), (*place, *inner), strict=True))
            yield contract(
                [
                    (of[f][tuple(at[label] for label in ls if label in dims)], tuple(label for label in ls if label not in dims))
                    for f, ls in zip(e.factors, e.labels, strict=True)
                ],
                kept_out,
            )

    return _filled(tuple(dims[label] for label in out), lambda place: add(*terms(place)))


_FOLDS: dict[str, Callable[[Expr, Expr], Expr]] = {"max": maximum, "min": minimum, "prod": multiply}


def _reduce(e: Reduce, x: Entries) -> Entries:
    whole = [isinstance(d, int) for d in e.x.shape]
    if not any(whole[a] for a in e.axes):
        kept_axes = [a - sum(whole[:a]) for a in e.axes]
        return _each(lambda entry: reduce(e.kind, entry, kept_axes), [x])
    if not all(whole[a] for a in e.axes):
        raise Unsupported(f"{e.kind} over a whole and a named axis at once cannot be written out entry by entry; use the matrix form")
    axes = [sum(whole[:a]) for a in e.axes]
    stacked = np.moveaxis(x, axes, range(len(axes))).reshape(-1, *(n for a, n in enumerate(x.shape) if a not in axes))
    rows = [stacked[k, ...] for k in range(len(stacked))]
    if e.kind == "logsumexp":
        return _each(lambda *terms: log(add(*map(exp, terms))), rows)
    result = rows[0]
    for row in rows[1:]:
        result = _each(_FOLDS[e.kind], [result, row])
    return result
