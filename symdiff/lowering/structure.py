"""Lowering of the nodes that move entries about, reduce along axes or decompose matrices."""

from __future__ import annotations

from collections.abc import Callable

from symdiff.expr.dims import Shape, dim_add, dim_mul, dim_sub
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Arg, Concat, Gather, GatherT, Linalg, Place, Range, Reduce, Reshape, Scan, Scatter, Slice
from symdiff.lowering.walk import Walk


# --- reductions ---------------------------------------------------------------------------------------------------
def lower_reduce(w: Walk, e: Expr) -> int:
    assert isinstance(e, Reduce)
    if e.kind in ("max", "min"):
        for a in e.axes:
            w.b.require(dim_sub(e.x.shape[a], 1), f"{e.kind} over an axis of size {e.x.shape[a]}, which must not be empty")
    return w.b.emit(e.kind, [w.b.real(w.full(e.x))], e.axes)


def lower_scan(w: Walk, e: Expr) -> int:
    assert isinstance(e, Scan)
    return w.b.emit(e.kind, [w.b.real(w.full(e.x))], e.axis, e.reverse)


def lower_arg(w: Walk, e: Expr) -> int:
    assert isinstance(e, Arg)
    if e.kind != "argsort":
        w.b.require(dim_sub(e.x.shape[e.axis], 1), f"{e.kind} over an axis of size {e.x.shape[e.axis]}, which must not be empty")
    return w.b.emit(e.kind, [w.full(e.x)], e.axis)


# --- places -------------------------------------------------------------------------------------------------------
def _require_places(w: Walk, key: tuple[Place, ...], shape: Shape) -> None:
    """Ask for what a key takes for granted of dims that are names: that it stays within them."""
    for place, dim in zip(key, shape, strict=True):
        if not isinstance(place, Range):
            w.b.require(dim_sub(dim_sub(dim, 1), place), f"index {place} of an axis of size {dim}")
            w.b.require(place, f"index {place} of an axis of size {dim}")
            continue
        start, length, step = place
        last = dim_add(start, dim_mul(dim_sub(length, 1), step))
        why = f"a slice of {length} entries from {start} on of an axis of size {dim}"
        w.b.require(length, why)
        if isinstance(length, int) and length == 0:
            continue
        if place != Range(0, dim, 1):
            low, high = (start, last) if step > 0 else (last, start)
            slack = 1 if isinstance(length, str) else 0  # an empty slice may start at the end
            w.b.require(dim_add(low, slack), why)
            w.b.require(dim_add(dim_sub(dim_sub(dim, 1), high), slack), why)


def lower_reshape(w: Walk, e: Expr) -> int:
    assert isinstance(e, Reshape)
    return w.b.reshape(w.full(e.x), e.to)


def lower_slice(w: Walk, e: Expr) -> int:
    assert isinstance(e, Slice)
    _require_places(w, e.key, e.x.shape)
    return w.b.slice(w.full(e.x), e.key)


def lower_scatter(w: Walk, e: Expr) -> int:
    assert isinstance(e, Scatter)
    for key in e.keys:
        _require_places(w, key, e.into)
    return w.b.emit("scatter", [w.b.operand(w.value(p)) for p in e.parts], e.keys, e.into)


def lower_concat(w: Walk, e: Expr) -> int:
    assert isinstance(e, Concat)
    if all(p.shape[e.axis] == 1 for p in e.parts):
        return w.b.emit("stack", _one_kind(w, [_without_axis(w, p, e.axis) for p in e.parts]), e.axis)
    return w.b.emit("concat", _one_kind(w, [w.full(p) for p in e.parts]), e.axis)


def _one_kind(w: Walk, parts: list[int]) -> list[int]:
    kinds = {w.b.kinds[p] for p in parts}
    return [w.b.real(p) for p in parts] if len(kinds) > 1 or "number" in kinds else parts


def _without_axis(w: Walk, e: Expr, axis: int) -> int:
    """A part without the axis of size 1 along which it is stacked."""
    register = w.value(e)
    place = axis - (len(e.shape) - len(w.b.shapes[register]))
    if place >= 0:
        register = w.b.squeeze(register, [place])
    return w.b.broadcast(register, (*e.shape[:axis], *e.shape[axis + 1 :]))


# --- gathers ------------------------------------------------------------------------------------------------------
def _indices(w: Walk, indices: tuple[Expr, ...]) -> list[int]:
    return [w.b.index(w.full(i)) for i in indices]


def lower_gather(w: Walk, e: Expr) -> int:
    assert isinstance(e, Gather)
    return w.b.emit("gather", [w.full(e.x), *_indices(w, e.indices)], e.axis)


def lower_gather_transpose(w: Walk, e: Expr) -> int:
    assert isinstance(e, GatherT)
    return w.b.emit("gather_t", [w.b.operand(w.value(e.x)), *_indices(w, e.indices)], e.axis, e.into)


# --- matrix functions ---------------------------------------------------------------------------------------------
def _part(decomposition: str, position: int) -> Callable[[Walk, Linalg], int]:
    def part(w: Walk, e: Linalg) -> int:
        return w.b.emit("item", [w.b.emit(decomposition, [w.b.real(w.full(e.args[0]))])], position, e.shape)

    return part


def _vectorless(fn: str, decomposition: str, position: int, *params: str) -> Callable[[Walk, Linalg], int]:
    """Values alone, unless the vectors are computed as well."""

    def values(w: Walk, e: Linalg) -> int:
        if (decomposition, e.args[0]) in w.decomposed:
            return _part(decomposition, position)(w, e)
        return w.b.emit(fn, [w.b.real(w.full(e.args[0]))], *((e.shape,) if params else ()))

    return values


LINALG: dict[str, Callable[[Walk, Linalg], int]] = {
    "eigvalsh": _vectorless("eigvalsh", "eigh", 0),
    "eigvecs": _part("eigh", 1),
    "svdvals": _vectorless("svdvals", "svd", 1, "shape"),
    "svdu": _part("svd", 0),
    "svdvt": _part("svd", 2),
}


def lower_linalg(w: Walk, e: Expr) -> int:
    assert isinstance(e, Linalg)
    row = LINALG.get(e.fn)
    if row is not None:
        return row(w, e)
    return w.b.emit(e.fn, [w.b.real(w.full(a)) for a in e.args])
