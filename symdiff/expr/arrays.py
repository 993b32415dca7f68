"""NumPy's functions of structure: reshape, index, join, sort. Under NumPy's names and argument order."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from symdiff.errors import ShapeError, SymbolicValue, Unsupported
from symdiff.expr.algebra import add, contract, multiply, permute, size
from symdiff.expr.algebra import broadcast_to as stretch
from symdiff.expr.build import apply
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import Dim, Shape, as_dim, as_shape, broadcast_dims, dim_add, dim_div, dim_floordiv, dim_mul, dim_sub, show_shape
from symdiff.expr.elementwise import is_boolean
from symdiff.expr.leaves import const
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Arg, Const, Delta, Iota, Ones, Place, Range
from symdiff.expr.structure import axes_of, axis_of, concat, expand_axis, full_range, gather, reshape_node, scatter, slice_node, stack_nodes


# --- makers -------------------------------------------------------------------------------------------------------
def arange(start: Any, stop: Any = None, step: int = 1) -> Expr:
    """start, start + step, ... below stop, whole numbers; an end may be a dim's name: arange('n')."""
    first, last = (0, start) if stop is None else (start, stop)
    low, high = (v if isinstance(v, str) else operator.index(v) for v in (first, last))
    if step < 1:
        raise ShapeError("arange: a step of at least 1 is wanted")
    count = dim_floordiv(dim_add(dim_sub(as_dim(high), low), step - 1), step)
    if isinstance(count, int) and isinstance(low, int):
        return const(np.arange(low, low + count * step, step))
    return add(multiply(stretch(Const(step), (count,)), Iota(count)), size(low))


def zeros(shape: Any) -> Expr:
    """Zeros of a shape of whole numbers and names."""
    return stretch(Const(0), as_shape(shape))


def ones(shape: Any) -> Expr:
    """Ones of a shape of whole numbers and names."""
    return stretch(Const(1), as_shape(shape))


def full(shape: Any, fill_value: Any) -> Expr:
    """A value stretched to a shape."""
    return stretch(as_expr(fill_value), as_shape(shape))


def eye(n: Any, m: Any = None, k: int = 0) -> Expr:
    """The identity matrix of order n, a whole number or a name; k shifts the diagonal of ones."""
    rows, columns = as_dim(n), as_dim(n if m is None else m)
    if rows == columns and k == 0:
        return Delta(rows)
    return apply("equal", *_row_and_column(rows, columns, k))


def _row_and_column(rows: Dim, columns: Dim, k: int) -> tuple[Expr, Expr]:
    """i + k and j as (rows, columns) arrays."""
    i = contract([(Iota(rows), (0,)), (Ones(columns), (1,))], (0, 1))
    j = contract([(Iota(columns), (1,)), (Ones(rows), (0,))], (0, 1))
    return add(i, stretch(Const(k), (rows, columns))), j


def tri(n: Any, m: Any = None, k: int = 0) -> Expr:
    """Ones at and below the k-th diagonal."""
    return apply("greater_equal", *_row_and_column(as_dim(n), as_dim(n if m is None else m), k))


def tril(x: Any, k: int = 0) -> Expr:
    """The entries at and below the k-th diagonal of the last two axes, zeros above."""
    e = as_expr(x)
    return apply("where", stretch(tri(e.shape[-2], e.shape[-1], k), e.shape), e, stretch(Const(0), e.shape))


def triu(x: Any, k: int = 0) -> Expr:
    """The entries at and above the k-th diagonal of the last two axes, zeros below."""
    e = as_expr(x)
    return apply("where", stretch(tri(e.shape[-2], e.shape[-1], k - 1), e.shape), stretch(Const(0), e.shape), e)


# --- shapes -------------------------------------------------------------------------------------------------------
def reshape(x: Any, shape: Any) -> Expr:
    """The same elements, in row-major order, under another shape; one dim may be -1."""
    e = as_expr(x)
    dims = [shape] if isinstance(shape, (int, str, np.integer)) else list(shape)
    holes = [k for k, d in enumerate(dims) if isinstance(d, (int, np.integer)) and d == -1]
    if len(holes) > 1:
        raise ShapeError(f"reshape: only one dim of {shape!r} can be -1")
    if holes:
        rest = dim_mul(*(as_dim(d) for k, d in enumerate(dims) if k != holes[0]))
        found = dim_div(dim_mul(*e.shape), rest)
        if found is None:
            raise ShapeError(f"reshape: {show_shape(e.shape)} does not divide into {tuple(dims)}")
        dims[holes[0]] = found
    return reshape_node(e, tuple(as_dim(d) for d in dims))


def ravel(x: Any) -> Expr:
    """All elements in row-major order."""
    e = as_expr(x)
    return reshape_node(e, (dim_mul(*e.shape),))


def squeeze(x: Any, axis: Any = None) -> Expr:
    """Without the given axes of size 1, or without any of size 1."""
    e = as_expr(x)
    axes = [a for a, d in enumerate(e.shape) if d == 1] if axis is None else axes_of(axis, e.ndim, "squeeze")
    if any(e.shape[a] != 1 for a in axes):
        raise ShapeError(f"squeeze: axis {axis} of {show_shape(e.shape)} is not of size 1")
    return reshape_node(e, tuple(d for a, d in enumerate(e.shape) if a not in axes))


def expand_dims(x: Any, axis: Any) -> Expr:
    """New axes of size 1 at the given places of the result."""
    e = as_expr(x)
    places = list(axis) if isinstance(axis, (tuple, list)) else [axis]
    for a in axes_of(places, e.ndim + len(places), "expand_dims"):
        e = expand_axis(e, a)
    return e


def broadcast_to(x: Any, shape: Any) -> Expr:
    """x stretched to a shape."""
    return stretch(as_expr(x), as_shape(shape))


# --- joins --------------------------------------------------------------------------------------------------------
def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Expr:
    """Arrays joined along an axis; None joins them flattened."""
    parts = [as_expr(a) for a in arrays]
    if not parts:
        raise ShapeError("concatenate: there is nothing to join")
    if axis is None:
        return concat([ravel(p) for p in parts], 0)
    return concat(parts, axis_of(axis, parts[0].ndim, "concatenate"))


def stack(arrays: Sequence[Any], axis: int = 0) -> Expr:
    """Arrays of one shape along a new axis."""
    parts = [as_expr(a) for a in arrays]
    return stack_nodes(parts, axis_of(axis, parts[0].ndim + 1, "stack")) if parts else stack_nodes([], 0)


# --- indexing -----------------------------------------------------------------------------------------------------
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
        raise ShapeError(f"index: {used} indices for shape {show_shape(e.shape)}")
    if not any(k is Ellipsis for k in entries):
        entries.append(Ellipsis)
    at = next(i for i, k in enumerate(entries) if k is Ellipsis)
    entries[at : at + 1] = [slice(None)] * (e.ndim - used)
    # Basic part: places by axis; new axes and index arrays are put in afterwards.
    places: list[Place] = []
    layout: list[Any] = []  # for each axis of the result so far: 'axis', None (new), or an index array
    axis = 0
    for k in entries:
        if k is None:
            layout.append(None)
        elif isinstance(k, np.ndarray) and k.dtype == bool:
            if k.shape != e.shape[axis : axis + k.ndim]:
                raise ShapeError(f"index: a mask of shape {k.shape} for axes {show_shape(e.shape[axis : axis + k.ndim])}")
            for found in k.nonzero():
                places.append(full_range(e.shape[axis]))
                layout.append(const(found))
                axis += 1
        elif isinstance(k, Expr):
            places.append(full_range(e.shape[axis]))
            layout.append(k)
            axis += 1
        elif isinstance(k, slice):
            places.append(_range(k, e.shape[axis]))
            layout.append("axis")
            axis += 1
        else:
            places.append(_position(k, e.shape[axis]))
            axis += 1
    e = slice_node(e, tuple(places))
    return _advanced(e, layout) if any(isinstance(entry, Expr) for entry in layout) else _with_new_axes(e, layout)


def _array_entry(k: Any) -> Any:
    if k is None or k is Ellipsis or isinstance(k, slice):
        return k
    if isinstance(k, str):
        return as_dim(k)
    if isinstance(k, (bool, np.bool_)):
        raise Unsupported("index: a single bool as an index is not supported")
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
            raise ShapeError(f"index: an array of dtype {array.dtype} is no index")
        return int(array) if array.ndim == 0 else const(array)
    try:
        return operator.index(k)
    except TypeError:
        raise ShapeError(f"index: {k!r} is no index") from None


def _position(k: Dim, dim: Dim) -> Dim:
    if isinstance(k, str):
        return k
    if isinstance(dim, int):
        if not -dim <= k < dim:
            raise ShapeError(f"index: {k} is out of range for an axis of size {dim}")
        return k % dim
    return k if k >= 0 else dim_add(dim, k)


def _range(s: slice, dim: Dim) -> Range:
    step = 1 if s.step is None else operator.index(s.step)
    if step == 0:
        raise ShapeError("index: a slice cannot have step 0")
    if isinstance(dim, int):
        r = range(*s.indices(dim))
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
    k = operator.index(b)
    return k if k >= 0 else dim_add(dim, k)


def _ceil_div(count: Dim, step: int, dim: Dim) -> Dim:
    if isinstance(count, int) and count < 0:
        raise SymbolicValue(f"index: a slice of the named dim {dim!r} whose length is not known")
    return dim_floordiv(dim_add(count, step - 1), step)


def _with_new_axes(e: Expr, layout: Sequence[Any]) -> Expr:
    for a, entry in enumerate(layout):
        if entry is None:
            e = expand_axis(e, a)
    return e


def _advanced(e: Expr, layout: Sequence[Any]) -> Expr:
    """Index arrays broadcast together; their shape stands where they stood if they are neighbours, in front if they are not."""
    e = _with_new_axes(e, ["axis" if isinstance(entry, Expr) else entry for entry in layout])
    axes = [a for a, entry in enumerate(layout) if isinstance(entry, Expr)]
    shape = broadcast_dims("index", *(layout[a].shape for a in axes))
    indices = [stretch(layout[a], shape) for a in axes]
    for a, i in zip(axes, indices, strict=True):
        dim = e.shape[a]
        known = i.value if isinstance(i, Const) and isinstance(i.value, np.ndarray) and i.value.size else None
        if known is not None and isinstance(dim, int) and (known.min() < -dim or known.max() >= dim):
            raise ShapeError(f"index: an index array has entries out of range for an axis of size {dim}")
    if axes != list(range(axes[0], axes[0] + len(axes))):
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


def repeat(x: Any, repeats: int, axis: int | None = None) -> Expr:
    """Each entry repeated; of the flattened array by default."""
    e = as_expr(x)
    if axis is None:
        e, axis = ravel(e), 0
    a = axis_of(axis, e.ndim, "repeat")
    e = expand_axis(e, a + 1)
    shape = (*e.shape[: a + 1], operator.index(repeats), *e.shape[a + 2 :])
    return reshape_node(stretch(e, shape), (*shape[:a], dim_mul(shape[a], shape[a + 1]), *shape[a + 2 :]))


# --- order --------------------------------------------------------------------------------------------------------
def _arg(kind: str, x: Any, axis: int | None) -> Expr:
    e = as_expr(x)
    if axis is None:
        e, axis = ravel(e), 0
    return Arg(e, kind, axis_of(axis, e.ndim, kind))


def argsort(x: Any, axis: int | None = -1) -> Expr:
    """The order that sorts x along the axis."""
    return _arg("argsort", x, axis)


def argmax(x: Any, axis: int | None = None) -> Expr:
    """The position of the first maximum."""
    return _arg("argmax", x, axis)


def argmin(x: Any, axis: int | None = None) -> Expr:
    """The position of the first minimum."""
    return _arg("argmin", x, axis)


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


def sort(x: Any, axis: int | None = -1) -> Expr:
    """x in ascending order along the axis: a gather by its argsort."""
    e = as_expr(x)
    if axis is None:
        e, axis = ravel(e), 0
    a = axis_of(axis, e.ndim, "sort")
    order = Arg(e, "argsort", a)
    return gather(e, [order], 0) if e.ndim == 1 else take_along_axis(e, order, a)


def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Expr:
    """x with a border of zeros (or one constant) of the given widths."""
    e = as_expr(x)
    if mode != "constant" or np.ndim(constant_values) != 0:
        raise Unsupported(f"pad: mode {mode!r} is not supported, only 'constant' with one value")
    widths = np.broadcast_to(np.asarray(pad_width), (e.ndim, 2)).tolist()
    into: Shape = tuple(dim_add(d, lo, hi) for d, (lo, hi) in zip(e.shape, widths, strict=True))
    key = tuple(Range(lo, d, 1) for d, (lo, hi) in zip(e.shape, widths, strict=True))
    if constant_values == 0:
        return scatter([e], [key], into)
    fill = as_expr(constant_values)
    return add(scatter([add(e, multiply(stretch(Const(-1), e.shape), stretch(fill, e.shape)))], [key], into), stretch(fill, into))
