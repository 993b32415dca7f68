"""Arrays put together, taken apart and moved: concatenate, stack, split, roll, flip, tile. Under NumPy's names and argument order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symdiff.errors import ShapeError, SymbolicValue
from symdiff.expr.algebra import broadcast_to as stretch
from symdiff.expr.algebra import permute
from symdiff.expr.arrays import atleast_1d, atleast_2d, atleast_3d, ravel, reshape
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import Dim, dim_mul, dim_sub, show_shape
from symdiff.expr.indexing import index, take
from symdiff.expr.leaves import const
from symdiff.expr.node import Expr
from symdiff.expr.structure import axes_of, axis_of, concat, expand_axis, reshape_node, stack_nodes, whole_number


def whole_size(e: Expr, axis: int, name: str) -> int:
    """The size of an axis as a number. Raises: SymbolicValue if it is a name."""
    dim = e.shape[axis]
    if isinstance(dim, int):
        return dim
    raise SymbolicValue(f"{name}: axis {axis} has the size {dim!r}; this needs a whole number")


# --- joins --------------------------------------------------------------------------------------------------------
def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Expr:
    """Arrays joined along an axis; None joins them flattened."""
    parts = [as_expr(a) for a in arrays]
    if not parts:
        raise ShapeError("concatenate: there is nothing to join")
    if axis is None:
        return concat([ravel(p) for p in parts], 0)
    if any(not p.shape for p in parts):
        raise ShapeError("concatenate: a scalar cannot be joined; use stack")
    return concat(parts, axis_of(axis, parts[0].ndim, "concatenate"))


def stack(arrays: Sequence[Any], axis: int = 0) -> Expr:
    """Arrays of one shape along a new axis."""
    parts = [as_expr(a) for a in arrays]
    return stack_nodes(parts, axis_of(axis, parts[0].ndim + 1, "stack")) if parts else stack_nodes([], 0)


def hstack(arrays: Sequence[Any]) -> Expr:
    """Arrays joined along their second axis, vectors along their first."""
    parts = [atleast_1d(a) for a in arrays]
    return concatenate(parts, 0 if parts and parts[0].ndim == 1 else 1)


def vstack(arrays: Sequence[Any]) -> Expr:
    """Arrays joined along their first axis; vectors are rows."""
    return concatenate([atleast_2d(a) for a in arrays], 0)


def dstack(arrays: Sequence[Any]) -> Expr:
    """Arrays joined along their third axis."""
    return concatenate([atleast_3d(a) for a in arrays], 2)


def column_stack(arrays: Sequence[Any]) -> Expr:
    """Matrices side by side; vectors are columns."""
    parts = [as_expr(a) for a in arrays]
    return concatenate([p if p.ndim > 1 else reshape_node(p, (*(p.shape or (1,)), 1)) for p in parts], 1)


def append(arr: Any, values: Any, axis: int | None = None) -> Expr:
    """Values after an array along an axis; both flattened by default."""
    return concatenate([arr, values], axis)


def block(arrays: Any) -> Expr:
    """An array of blocks, given as nested lists: the innermost along the last axis, the next along the one before."""

    def depth(a: Any) -> int:
        return 1 + max((depth(v) for v in a), default=0) if isinstance(a, list) else 0

    def rank(a: Any) -> int:
        return max((rank(v) for v in a), default=0) if isinstance(a, list) else as_expr(a).ndim

    axes = max(depth(arrays), rank(arrays))

    def join(a: Any, level: int) -> Expr:
        if not isinstance(a, list):
            e = as_expr(a)
            return reshape_node(e, (1,) * (axes - e.ndim) + e.shape)
        return concatenate([join(v, level - 1) for v in a], axes - level)

    return join(arrays, depth(arrays))


# --- parts --------------------------------------------------------------------------------------------------------
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Expr]:
    """Parts along an axis: so many of nearly equal size, or between the given positions."""
    e = as_expr(ary)
    a = axis_of(axis, e.ndim, "split")
    if np.ndim(indices_or_sections) == 0:
        sections = whole_number(indices_or_sections, "split: the number of parts", 1)
        each, rest = divmod(whole_size(e, a, "split"), sections)
        cuts: list[Any] = np.cumsum([each + (k < rest) for k in range(sections)]).tolist()[:-1]
    else:
        cuts = list(indices_or_sections)
    return [index(e, (*(slice(None),) * a, slice(lo, hi))) for lo, hi in zip([0, *cuts], [*cuts, None], strict=True)]


def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Expr]:
    """Parts along an axis: so many of equal size, or between the given positions. Raises: ShapeError for an uneven division."""
    e = as_expr(ary)
    if isinstance(indices_or_sections, (int, np.integer)):
        size = whole_size(e, axis_of(axis, e.ndim, "split"), "split")
        sections = whole_number(indices_or_sections, "split: the number of parts", 1)
        if size % sections:
            raise ShapeError(f"split: {size} entries do not divide into {sections} equal parts; use array_split")
    return array_split(e, indices_or_sections, axis)


def hsplit(ary: Any, indices_or_sections: Any) -> list[Expr]:
    """Parts along the second axis, of a vector along its first."""
    e = as_expr(ary)
    return split(e, indices_or_sections, 1 if e.ndim > 1 else 0)


def vsplit(ary: Any, indices_or_sections: Any) -> list[Expr]:
    """Parts along the first axis."""
    return split(ary, indices_or_sections, 0)


def dsplit(ary: Any, indices_or_sections: Any) -> list[Expr]:
    """Parts along the third axis."""
    return split(ary, indices_or_sections, 2)


def unstack(x: Any, axis: int = 0) -> tuple[Expr, ...]:
    """The entries along an axis, which they lose."""
    e = as_expr(x)
    a = axis_of(axis, e.ndim, "unstack")
    return tuple(index(e, (*(slice(None),) * a, k)) for k in range(whole_size(e, a, "unstack")))


def delete(arr: Any, obj: Any, axis: int | None = None) -> Expr:
    """Without the entries at positions known beforehand, along an axis; of the flattened array by default."""
    e, a = (ravel(arr), 0) if axis is None else (as_expr(arr), axis)
    a = axis_of(a, e.ndim, "delete")
    return take(e, _positions("delete", np.delete, np.arange(whole_size(e, a, "delete")), obj), a)


def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Expr:
    """Values put in before positions known beforehand, along an axis; into the flattened array by default."""
    e, a = (ravel(arr), 0) if axis is None else (as_expr(arr), axis)
    a = axis_of(a, e.ndim, "insert")
    v = as_expr(values)
    v = reshape_node(v, (1,) * (e.ndim - v.ndim) + v.shape)
    count: Dim
    if isinstance(obj, slice):
        obj = np.arange(whole_size(e, a, "insert"))[obj]
    if np.ndim(obj) == 0:
        v = permute(v, [*range(1, a + 1), 0, *range(a + 1, e.ndim)])
        count = v.shape[a]
    else:
        count = np.size(obj) if np.size(obj) != 1 else v.shape[a]
    v = stretch(v, tuple(count if k == a else d for k, d in enumerate(e.shape)))
    old, new = whole_size(e, a, "insert"), whole_size(v, a, "insert")
    return take(concat([e, v], a), _positions("insert", np.insert, np.arange(old), obj, np.arange(old, old + new)), a)


def _positions(name: str, change: Callable[..., Any], *args: Any) -> Any:
    """What NumPy's function makes of positions. Raises: ShapeError, with NumPy's words, for what it refuses."""
    try:
        return change(*args)
    except (IndexError, TypeError, ValueError) as error:
        raise ShapeError(f"{name}: {error}") from None


# --- moves --------------------------------------------------------------------------------------------------------
def roll(a: Any, shift: Any, axis: Any = None) -> Expr:
    """Entries moved along axes, those that leave coming in at the other end; of the flattened array by default."""
    e = as_expr(a)
    if axis is None:
        return reshape_node(roll(ravel(e), shift, 0), e.shape)
    for s, ax in np.broadcast(shift, axis):
        e = _roll_one(e, whole_number(s, "roll: a shift"), axis_of(ax, e.ndim, "roll"))
    return e


def _roll_one(e: Expr, shift: int, axis: int) -> Expr:
    dim = e.shape[axis]
    if isinstance(dim, int):
        shift = shift % dim if dim else 0
    if shift == 0:
        return e
    before = (slice(None),) * axis
    cut: Any = dim_sub(dim, shift) if shift > 0 else -shift
    return concat([index(e, (*before, slice(cut, None))), index(e, (*before, slice(None, cut)))], axis)


def flip(m: Any, axis: Any = None) -> Expr:
    """Entries in reverse order along axes, all of them by default."""
    e = as_expr(m)
    axes = axes_of(axis, e.ndim, "flip")
    return index(e, tuple(slice(None, None, -1) if a in axes else slice(None) for a in range(e.ndim)))


def fliplr(m: Any) -> Expr:
    """Columns in reverse order."""
    return flip(m, 1)


def flipud(m: Any) -> Expr:
    """Rows in reverse order."""
    return flip(m, 0)


def rot90(m: Any, k: int = 1, axes: Sequence[int] = (0, 1)) -> Expr:
    """Turned by 90 degrees k times, from the first axis towards the second."""
    e = as_expr(m)
    i, j = (axis_of(a, e.ndim, "rot90") for a in axes)
    if i == j:
        raise ShapeError(f"rot90: {tuple(axes)} are one axis of {show_shape(e.shape)}; two are wanted")
    order = list(range(e.ndim))
    order[i], order[j] = j, i
    turned = {0: lambda: e, 1: lambda: permute(flip(e, j), order), 2: lambda: flip(e, (i, j)), 3: lambda: flip(permute(e, order), j)}
    return turned[whole_number(k, "rot90: the number of turns") % 4]()


def rollaxis(a: Any, axis: int, start: int = 0) -> Expr:
    """An axis moved back until it stands before `start`."""
    e = as_expr(a)
    k = axis_of(axis, e.ndim, "rollaxis")
    start = whole_number(start, "rollaxis: the start")
    start = start + e.ndim if start < 0 else start
    order = [m for m in range(e.ndim) if m != k]
    order.insert(start - (k < start), k)
    return permute(e, order)


# --- repetition ---------------------------------------------------------------------------------------------------
def repeat(x: Any, repeats: Any, axis: int | None = None) -> Expr:
    """Each entry repeated, so many times each if `repeats` is a list; of the flattened array by default."""
    e = as_expr(x)
    if axis is None:
        e, axis = ravel(e), 0
    a = axis_of(axis, e.ndim, "repeat")
    counts = [whole_number(n, "repeat: a count", 0) for n in np.asarray(repeats).ravel().tolist()]
    if len(counts) != 1:
        return take(e, _positions("repeat", np.repeat, np.arange(whole_size(e, a, "repeat")), counts), a)
    e = expand_axis(e, a + 1)
    shape = (*e.shape[: a + 1], counts[0], *e.shape[a + 2 :])
    return reshape_node(stretch(e, shape), (*shape[:a], dim_mul(shape[a], shape[a + 1]), *shape[a + 2 :]))


def tile(A: Any, reps: Any) -> Expr:
    """The whole array repeated along its axes, the last entry of `reps` along the last."""
    e = as_expr(A)
    counts = reps if isinstance(reps, (tuple, list)) else reps.ravel().tolist() if isinstance(reps, np.ndarray) else [reps]
    times = [whole_number(r, "tile: a count", 0) for r in counts]
    rank = max(e.ndim, len(times))
    times = [1] * (rank - len(times)) + times
    e = reshape_node(e, (1,) * (rank - e.ndim) + e.shape)
    for a, t in enumerate(times):
        if t != 1:
            wide = expand_axis(e, a)
            wide = stretch(wide, (*wide.shape[:a], t, *wide.shape[a + 1 :]))
            e = reshape_node(wide, (*e.shape[:a], dim_mul(t, e.shape[a]), *e.shape[a + 1 :]))
    return e


def resize(a: Any, new_shape: Any) -> Expr:
    """The entries in row-major order, repeated or cut to fill another shape of whole numbers."""
    e = ravel(a)
    shape = tuple(new_shape) if isinstance(new_shape, (tuple, list)) else (new_shape,)
    size = whole_size(e, 0, "resize")
    if not size:
        raise ShapeError(f"resize: {show_shape(as_expr(a).shape)} has no entries to repeat")
    return reshape(take(e, const(np.arange(int(np.prod(shape))) % size), 0), shape)
