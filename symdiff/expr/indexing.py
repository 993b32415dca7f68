"""x[key] by NumPy's rules, and its relatives: basic keys become one Slice, index arrays one Gather."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from symdiff.errors import ShapeError, SymbolicValue, Unsupported
from symdiff.expr.algebra import broadcast_to as stretch
from symdiff.expr.algebra import contract, permute, size
from symdiff.expr.arrays import ravel
from symdiff.expr.build import apply
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import Dim, Shape, as_dim, broadcast_dims, dim_add, dim_floordiv, dim_sub, show_shape, whole_dims
from symdiff.expr.elementwise import is_boolean
from symdiff.expr.leaves import const
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Const, Iota, Ones, Place, Range
from symdiff.expr.structure import axis_of, expand_axis, full_range, gather, slice_node, stack_nodes, whole_number


def index(x: Any, key: Any) -> Expr:
    """x[key] with whole numbers, slices, None, an ellipsis, and integer or constant boolean arrays, by NumPy's rules.

    Raises: ShapeError for an index out of range or too many of them; Unsupported for a mask that is not constant.
    """
    e = as_expr(x)
    entries = list(key) if isinstance(key, tuple) else [key]
    entries = [_array_entry(k) for k in entries]
    used = sum(k.ndim if isinstance(k, np.ndarray) and k.dtype == bool else k is not None and k is not Ellipsis for k in entries)
    if sum(k is Ellipsis for k in entries) > 1:
        raise ShapeError("index: only one ellipsis can stand in an index")
    if used > e.ndim:
        raise ShapeError(f"index: {used} indices for shape {show_shape(e.shape)}: {e.ndim} at most are wanted; None adds an axis")
    if not any(k is Ellipsis for k in entries):
        entries.append(Ellipsis)
    at = next(i for i, k in enumerate(entries) if k is Ellipsis)
    entries[at : at + 1] = [slice(None)] * (e.ndim - used)
    # Basic part: places by axis; new axes and index arrays are put in afterwards.
    places: list[Place] = []
    layout: list[Any] = []  # for each entry of the key: 'axis', 'position' (no axis is left), None (a new axis), or an index array
    for k in entries:
        if k is None:
            layout.append(None)
            continue
        for place, entry in _used_up(k, e.shape[len(places) :]):
            places.append(place)
            layout.append(entry)
    e = slice_node(e, tuple(places))
    return _advanced(e, layout) if any(isinstance(entry, Expr) for entry in layout) else _with_new_axes(e, layout)


def _used_up(k: Any, dims: Shape) -> list[tuple[Place, Any]]:
    """The first axes of `dims`, as many as an entry of a key uses: the place that it takes of each, and what the layout has for it."""
    if isinstance(k, np.ndarray):
        if k.shape != dims[: k.ndim]:
            raise ShapeError(f"index: a mask of shape {k.shape} for axes {show_shape(dims[: k.ndim])}")
        return [(full_range(d), const(found)) for d, found in zip(dims, k.nonzero(), strict=False)]
    if isinstance(k, Expr):
        return [(full_range(dims[0]), k)]
    if isinstance(k, slice):
        return [(_range(k, dims[0]), "axis")]
    return [(_position(k, dims[0]), "position")]


def _array_entry(k: Any) -> Any:
    """An entry of a key as None, an ellipsis, a slice, a position, an array of truth values, or an expression of positions."""
    if k is None or k is Ellipsis or isinstance(k, slice):
        return k
    if isinstance(k, str):
        return as_dim(k)
    if isinstance(k, (bool, np.bool_)):
        raise Unsupported(f"index: {k!r} alone is no index here: write np.where(condition, a, b), or x[None] for a new axis")
    if isinstance(k, Expr) or hasattr(k, "__expr__"):
        e = as_expr(k)
        if is_boolean(e) and not (isinstance(e, Const)):
            raise Unsupported("index: a mask that depends on the data has a result of unknown size: use np.where(mask, a, b)")
        return e.value if isinstance(e, Const) and isinstance(e.value, np.ndarray) and e.value.dtype == bool else e
    if isinstance(k, (list, np.ndarray)):
        array = np.asarray(k)
        if array.dtype == bool:
            return array
        if array.size == 0:
            array = array.astype(np.int64)
        if array.dtype.kind not in "iu":
            raise ShapeError(f"index: an array of dtype {array.dtype} is no index: make whole numbers of it with .astype(int)")
        return int(array) if array.ndim == 0 else const(array)
    try:
        return operator.index(k)
    except TypeError:
        raise ShapeError(f"index: {k!r} is no index: a whole number, a slice, None, ... or an array of whole numbers is wanted") from None


def _position(k: Dim, dim: Dim) -> Dim:
    if isinstance(k, str):
        return k
    if isinstance(dim, int):
        if not -dim <= k < dim:
            raise ShapeError(f"index: {k} is out of range for an axis of size {dim}{f': {-dim} to {dim - 1}' if dim else ''}")
        return k % dim
    return k if k >= 0 else dim_add(dim, k)


def _range(s: slice, dim: Dim) -> Range:
    step = 1 if s.step is None else whole_number(s.step, "index: the step of a slice")
    if step == 0:
        raise ShapeError("index: a slice cannot have step 0")
    if isinstance(dim, int):
        low, high = (None if b is None else whole_number(b, "index: a bound of a slice") for b in (s.start, s.stop))
        r = range(*slice(low, high, step).indices(dim))
        return Range(r.start if len(r) else 0, len(r), step)
    start, stop = (_bound(b, dim) for b in (s.start, s.stop))
    if step > 0:
        start, stop = 0 if start is None else start, dim if stop is None else stop
        return Range(start, _ceil_div(dim_sub(stop, start), step, dim), step)
    start = dim_sub(dim, 1) if start is None else start
    return Range(start, _ceil_div(dim_sub(start, -1 if stop is None else stop), -step, dim), step)


def _bound(b: Any, dim: Dim) -> Dim | None:
    """A bound of a slice over a named dim: whole numbers are taken to be within it, negative ones count from its end."""
    if b is None:
        return None
    if isinstance(b, str):
        return b
    k = whole_number(b, "index: a bound of a slice")
    return k if k >= 0 else dim_add(dim, k)


def _ceil_div(count: Dim, step: int, dim: Dim) -> Dim:
    if isinstance(count, int) and count < 0:
        raise SymbolicValue(f"index: a slice of the named dim {dim!r} whose length is not known")
    return dim_floordiv(dim_add(count, step - 1), step)


def is_position(entry: Any) -> bool:
    return isinstance(entry, str) and entry == "position"


def _with_new_axes(e: Expr, layout: Sequence[Any]) -> Expr:
    for a, entry in enumerate(entry for entry in layout if not is_position(entry)):
        if entry is None:
            e = expand_axis(e, a)
    return e


def _advanced(e: Expr, layout: Sequence[Any]) -> Expr:
    """Index arrays broadcast together; their shape stands where they stood if they are neighbours, in front if they are not.

    Beside an index array a whole number is one too: x[0, :, [1, 2]] has its two positions apart.
    """
    e = _with_new_axes(e, layout)
    arrays = [k for k, entry in enumerate(layout) if isinstance(entry, Expr) or is_position(entry)]
    apart = arrays[-1] - arrays[0] >= len(arrays)
    layout = [entry for entry in layout if not is_position(entry)]
    axes = [a for a, entry in enumerate(layout) if isinstance(entry, Expr)]
    shape = broadcast_dims("index", *(layout[a].shape for a in axes))
    indices = [stretch(layout[a], shape) for a in axes]
    for a, i in zip(axes, indices, strict=True):
        dim = e.shape[a]
        known = i.value if isinstance(i, Const) and isinstance(i.value, np.ndarray) and i.value.size else None
        if known is not None and isinstance(dim, int) and (known.min() < -dim or known.max() >= dim):
            raise ShapeError(f"index: an index array has entries out of range for an axis of size {dim}")
    if apart:
        e = permute(e, axes + [a for a in range(e.ndim) if a not in axes])
        axes = list(range(len(axes)))
    return gather(e, indices, axes[0])


def take(x: Any, indices: Any, axis: int | None = None) -> Expr:
    """Entries at indices along an axis; of the flattened array by default."""
    e = as_expr(x)
    if axis is None:
        e, axis = ravel(e), 0
    k = axis_of(axis, e.ndim, "take")
    i = indices if isinstance(indices, (int, np.integer)) else np.asarray(indices) if not isinstance(indices, Expr) else indices
    return index(e, (*(slice(None),) * k, i))


def take_along_axis(x: Any, indices: Any, axis: int) -> Expr:
    """Entries of x at indices along the axis; the other axes go along."""
    e, i = as_expr(x), as_expr(indices)
    a = axis_of(axis, e.ndim, "take_along_axis")
    shape = (*e.shape[:a], i.shape[a], *e.shape[a + 1 :])
    i = stretch(i, shape)
    grid = [
        i if k == a else contract([(Iota(d), (k,)), *((Ones(s), (j,)) for j, s in enumerate(shape) if j != k)], tuple(range(e.ndim)))
        for k, d in enumerate(e.shape)
    ]
    return gather(e, grid, 0)


def compress(condition: Any, a: Any, axis: int | None = None) -> Expr:
    """Entries along an axis where a condition known beforehand holds; of the flattened array by default."""
    if isinstance(condition, Expr) or hasattr(condition, "__expr__"):
        raise Unsupported("compress: a condition that depends on the data has a result of unknown size: use np.where(mask, a, b)")
    return take(a, np.flatnonzero(condition), axis)


def extract(condition: Any, arr: Any) -> Expr:
    """Entries where a condition known beforehand holds."""
    return compress(condition if isinstance(condition, Expr) or hasattr(condition, "__expr__") else np.ravel(condition), ravel(arr))


def choose(a: Any, choices: Any) -> Expr:
    """For each entry of a, a whole number, the entry of the array of that number in the list."""
    es = [as_expr(c) for c in choices]
    i = as_expr(a)
    shape = broadcast_dims("choose", i.shape, *(e.shape for e in es))
    chosen = stack_nodes([stretch(e, shape) for e in es], 0)
    return take_along_axis(chosen, expand_axis(stretch(i, shape), 0), 0)[0]


def unravel_index(indices: Any, shape: Any) -> tuple[Expr, ...]:
    """The positions on each axis of a position in the flattened array."""
    i = as_expr(indices)
    places: list[Expr] = []
    for d in reversed(shape if isinstance(shape, (tuple, list)) else [shape]):
        n = size(as_dim(d))
        places.append(apply("mod", i, n))
        i = apply("floor_divide", i, n)
    return tuple(reversed(places))


def _whole_shape(x: Any, name: str) -> tuple[int, ...]:
    shape = as_expr(x).shape
    whole = whole_dims(shape)
    if len(whole) < len(shape):
        raise SymbolicValue(f"{name}: index arrays need whole sizes, not {show_shape(shape)}")
    return whole


def tril_indices_from(arr: Any, k: int = 0) -> Any:
    """The index arrays of the entries at and below the k-th diagonal."""
    return np.tril_indices_from(np.zeros(_whole_shape(arr, "tril_indices_from")), k)


def triu_indices_from(arr: Any, k: int = 0) -> Any:
    """The index arrays of the entries at and above the k-th diagonal."""
    return np.triu_indices_from(np.zeros(_whole_shape(arr, "triu_indices_from")), k)


def diag_indices_from(arr: Any) -> Any:
    """The index arrays of the main diagonal."""
    return np.diag_indices_from(np.zeros(_whole_shape(arr, "diag_indices_from")))
