"""np.pad: borders of constants, or of the array's own entries, which a gather or flipped slices bring there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symdiff.errors import ShapeError, Unsupported
from symdiff.expr.algebra import add
from symdiff.expr.algebra import broadcast_to as stretch
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import dim_add
from symdiff.expr.elementwise import subtract
from symdiff.expr.indexing import index, take
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Range
from symdiff.expr.structure import concat, full_range, scatter

Edge = Callable[[int], slice]
# mode -> the slices that make the border before and after, of widths a and b no larger than the axis allows
_BORDERS: dict[str, tuple[Edge, Edge]] = {
    "reflect": (lambda a: slice(a, 0, -1), lambda b: slice(-2, -2 - b, -1)),
    "symmetric": (lambda a: slice(a - 1, None, -1), lambda b: slice(-1, -1 - b, -1)),
    "wrap": (lambda a: slice(-a, None), lambda b: slice(None, b)),
}


def pad(array: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Expr:
    """x with a border of the given widths: 'constant', 'edge', 'reflect', 'symmetric' or 'wrap'. A named axis is taken to be longer than its border.

    Raises: Unsupported for another mode, by name.
    """
    e = as_expr(array)
    widths = _widths(pad_width, e.ndim)
    if mode == "constant":
        return _constant(e, widths, constant_values)
    if mode not in ("edge", *_BORDERS):
        raise Unsupported(f"pad: the mode {mode!r} is not supported; modes: constant, edge, {', '.join(_BORDERS)}")
    for a, (lo, hi) in enumerate(widths):
        e = _own_entries(e, a, lo, hi, mode)
    return e


def _widths(pad_width: Any, rank: int) -> list[tuple[int, int]]:
    if isinstance(pad_width, dict):
        table = {a % rank: w if isinstance(w, tuple) else (w, w) for a, w in pad_width.items()}
        pad_width = [table.get(a, (0, 0)) for a in range(rank)]
    try:
        widths = np.broadcast_to(np.asarray(pad_width), (rank, 2))
    except ValueError:
        raise ShapeError(
            f"pad: the widths {pad_width!r} do not fit {rank} axes: (before, after), or one such pair for each, is wanted"
        ) from None
    if widths.dtype.kind not in "iu" or (widths < 0).any():
        raise ShapeError(f"pad: the widths {pad_width!r} are no whole numbers from 0 on")
    return [(lo, hi) for lo, hi in widths.tolist()]


def _fills(values: Any, rank: int) -> list[tuple[Expr, Expr]]:
    """The constants before and after, for each axis."""
    if isinstance(values, (tuple, list, np.ndarray)):
        rows = [tuple(v) if isinstance(v, (tuple, list, np.ndarray)) else (v, v) for v in values]
        if len(rows) == 2 and all(not isinstance(v, (tuple, list, np.ndarray)) for v in values):
            rows = [tuple(values)]
        rows = rows * rank if len(rows) == 1 else rows
        if len(rows) != rank or any(len(r) not in (1, 2) for r in rows):
            raise ShapeError(f"pad: constant_values {values!r} do not fit {rank} axes")
        return [(as_expr(r[0]), as_expr(r[-1])) for r in rows]
    return [(as_expr(values), as_expr(values))] * rank


def _constant(e: Expr, widths: list[tuple[int, int]], values: Any) -> Expr:
    """One axis after another, as NumPy does: later axes fill the corners. Equal constants take one step."""
    fills = _fills(values, e.ndim)
    one = len({c for pair in fills for c in pair}) == 1
    steps = [widths] if one else [[w if k == a else (0, 0) for k, w in enumerate(widths)] for a in range(e.ndim)]
    for a, step in enumerate(steps):
        into = tuple(dim_add(d, lo, hi) for d, (lo, hi) in zip(e.shape, step, strict=True))
        key = tuple(Range(lo, d, 1) for d, (lo, hi) in zip(e.shape, step, strict=True))
        background = stretch(fills[0][0], into) if one else _two_sided(into, a, *fills[a], before=step[a][0], after=step[a][1])
        inner = index(background, tuple(slice(lo, dim_add(lo, d)) for d, (lo, _) in zip(e.shape, step, strict=True)))
        e = add(scatter([subtract(e, inner)], [key], into), background)
    return e


def _two_sided(into: Any, axis: int, low: Expr, high: Expr, *, before: int, after: int) -> Expr:
    """`low` in the first `before` places of an axis, zeros, `high` in the last `after`."""
    parts = []
    middle = dim_add(into[axis], -before, -after)
    for fill, size in ((low, before), (as_expr(0), middle), (high, after)):
        if size != 0:
            parts.append(stretch(fill, (*into[:axis], size, *into[axis + 1 :])))
    return concat(parts, axis)


def _own_entries(e: Expr, axis: int, lo: int, hi: int, mode: str) -> Expr:
    if not lo and not hi:
        return e
    dim = e.shape[axis]
    if isinstance(dim, int):
        if dim == 0:
            raise ShapeError(f"pad: an empty axis has no entries for the mode {mode!r}")
        return take(e, np.pad(np.arange(dim), (lo, hi), mode=mode), axis)  # type: ignore[call-overload]
    all_before = tuple(full_range(d) for d in e.shape[:axis])
    before = (slice(None),) * len(all_before)
    if mode == "edge":
        edges = [index(e, (*before, at)) for at in (slice(0, 1), slice(-1, None))]
        shapes = [(*e.shape[:axis], width, *e.shape[axis + 1 :]) for width in (lo, hi)]
        parts = [stretch(edges[0], shapes[0]), e, stretch(edges[1], shapes[1])]
    else:
        first, last = _BORDERS[mode]
        parts = [index(e, (*before, first(lo))) if lo else e, e, index(e, (*before, last(hi))) if hi else e]
    return concat([p for p, width in zip(parts, (lo, 1, hi), strict=True) if width], axis)
