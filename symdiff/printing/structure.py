"""The notation of reductions, matrix functions and structure: slices as slices, gathers as indexing, transposed slices as padding."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from symdiff.errors import Unsupported
from symdiff.expr.dims import Dim, Shape, dim_add, dim_floordiv, dim_mul, dim_sub
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Arg, Concat, Const, Gather, GatherT, Linalg, Place, Range, Reduce, Reshape, Scan, Scatter, Slice
from symdiff.printing import term
from symdiff.printing.layout import WHOLE, Layout, Options, dim, dims_of, exact, fit, labels_of, natural, reindex
from symdiff.printing.term import Term

Known = Mapping[Expr, Options]
MOST_PADS = 3


def compose(e: Expr, known: Known) -> Options:
    """The notations of a node, given those of its operands.

    Raises: Unsupported, with the name of the node's class, if it has no notation.
    """
    row = _ROWS.get(type(e).__name__)
    if row is None:
        raise Unsupported(f"there is no notation for a node of class {type(e).__name__}")
    return row(e, known)


def whole(e: Expr, known: Known) -> Term:
    """The notation of `e` in its own shape."""
    return exact(known[e], natural(e.shape), e.shape)


# --- reductions and scans -----------------------------------------------------------------------------------------
def _reduce(e: Reduce, known: Known) -> Options:
    x = whole(e.x, known)
    if len(e.axes) == e.x.ndim:
        return {(): term.call(e.kind, [x], ())}
    axis = e.axes[0] if len(e.axes) == 1 else e.axes
    options: Options = {natural(e.shape): term.call(e.kind, [x], e.shape, axis=axis)}
    renumbered = iter(natural(e.shape))
    column: Layout = tuple([None if a in e.axes else next(renumbered) for a in range(e.x.ndim)])
    shape = tuple(1 if a in e.axes else d for a, d in enumerate(e.x.shape))
    options.setdefault(column, term.call(e.kind, [x], shape, blemish=2, axis=axis, keepdims=True))
    return options


def _scan(e: Scan, known: Known) -> Options:
    x = whole(e.x, known)
    key = [*[WHOLE] * e.axis, ("", "", "-1")]
    option = {} if e.ndim == 1 else {"axis": e.axis}
    t = term.call(e.kind, [term.index(x, key, e.shape) if e.reverse else x], e.shape, **option)
    return {natural(e.shape): term.index(t, key, e.shape) if e.reverse else t}


def _arg(e: Arg, known: Known) -> Options:
    option = {} if e.x.ndim == 1 else {"axis": e.axis}
    return {natural(e.shape): term.call(e.kind, [whole(e.x, known)], e.shape, **option)}


# --- shapes, slices, joins ----------------------------------------------------------------------------------------
def _reshape(e: Reshape, known: Known) -> Options:
    long = [a for a, d in enumerate(e.to) if isinstance(d, str) and not d.isidentifier()]
    dims = [term.number(-1) if long[:1] == [a] or len(e.to) == 1 else dim(d) for a, d in enumerate(e.to)]
    return {natural(e.shape): term.call("reshape", [whole(e.x, known), dims[0] if len(dims) == 1 else term.listing(dims)], e.shape)}


def key_texts(key: Sequence[Place], shape: Shape) -> list[int | tuple[str, str, str] | Term]:
    """The entries of x[key] as a person writes them: x[1:], x[:-1], x[::-1], x[0]."""
    return [_range_text(p, d) if isinstance(p, Range) else _position(p, d) for p, d in zip(key, shape, strict=True)]


def _position(p: Dim, d: Dim) -> int | tuple[str, str, str] | Term:
    if isinstance(p, int):
        return p
    back = dim_sub(p, d)
    return back if isinstance(back, int) and back < 0 else dim(p)


def _bound(b: Dim, d: Dim) -> str:
    """A bound of a slice, counted from the end where that is a plain number."""
    if isinstance(b, str):
        back = dim_sub(b, d)
        if isinstance(back, int) and back < 0:
            return str(back)
    return str(b)


def _range_text(r: Range, d: Dim) -> tuple[str, str, str]:
    start, length, step = r
    stop = dim_add(start, dim_mul(length, step))
    if step > 0:
        to_end = dim_floordiv(dim_add(dim_sub(d, start), step - 1), step) == length
        return ("" if start == 0 else _bound(start, d), "" if to_end else _bound(stop, d), "" if step == 1 else str(step))
    first = "" if dim_sub(d, 1) == start else _bound(start, d)
    to_start = dim_floordiv(dim_add(start, -step), -step) == length
    return first, "" if to_start or stop == -1 else _bound(stop, d), str(step)


def sliced(x: Term, key: Sequence[Place], within: Shape, shape: Shape) -> Term:
    entries = key_texts(key, within)
    while entries and entries[-1] == WHOLE:
        entries.pop()
    return term.index(x, entries, shape)


def _slice(e: Slice, known: Known) -> Options:
    return {natural(e.shape): sliced(whole(e.x, known), e.key, e.x.shape, e.shape)}


def _scatter(e: Scatter, known: Known) -> Options:
    parts = [whole(p, known) for p in e.parts]
    if len(parts) <= MOST_PADS and all(isinstance(k, Range) and k.step == 1 for key in e.keys for k in key):
        signed = [term.split_sign(p) for p in parts]
        pads = [_padded(p, key, e.into) for (_, p), key in zip(signed, e.keys, strict=True)]
        return {natural(e.shape): term.add(pads, [s for s, _ in signed], e.shape)}
    entries = [
        term.listing([sliced(term.text("s_"), key, e.into, ()) if key else term.text("()"), p])
        for p, key in zip(parts, e.keys, strict=True)
    ]
    return {natural(e.shape): term.call("scatter", [term.listing(dims_of(e.into)), *entries], e.shape)}


def _padded(p: Term, key: Sequence[Place], into: Shape) -> Term:
    widths = [[dim(k.start), dim(dim_sub(d, dim_add(k.start, k.length)))] for k, d in zip(key, into, strict=True) if isinstance(k, Range)]
    pairs = [term.listing(w) for w in widths]
    return term.call("pad", [p, pairs[0] if len(pairs) == 1 else term.listing(pairs)], into)


def _concat(e: Concat, known: Known) -> Options:
    layout = natural(e.shape)
    if all(p.shape[e.axis] == 1 for p in e.parts):
        items = []
        for p in e.parts:
            own = natural(p.shape)
            items.append(reindex(whole(p, known), own, own[: e.axis] + own[e.axis + 1 :]))
        if e.axis == 0:
            return {layout: term.call("array", [term.listing(items, "[]")], e.shape)}
        return {layout: term.call("stack", [term.listing(items, "[]")], e.shape, axis=e.axis)}
    joined = term.listing([whole(p, known) for p in e.parts], "[]")
    option = {"axis": e.axis} if e.axis else {}
    return {layout: term.call("concatenate", [joined], e.shape, **option)}


# --- gathers ------------------------------------------------------------------------------------------------------
def _index_terms(indices: Sequence[Expr], known: Known) -> list[Term]:
    """Index arrays as they broadcast together, the first in full if none carries some axis."""
    target = natural(indices[0].shape)
    fitted = [fit(known[i], target) for i in indices]
    carried = {a for _, layout in fitted for a in labels_of(layout)}
    if carried != set(labels_of(target)) or max(len(layout) for _, layout in fitted) < len(target):
        fitted[0] = whole(indices[0], known), target
    return [_plain_list(i, t) for i, (t, _) in zip(indices, fitted, strict=True)]


def _plain_list(i: Expr, t: Term) -> Term:
    if isinstance(i, Const) and isinstance(i.value, np.ndarray) and i.value.ndim == 1 and i.value.size <= 8:
        return term.listing([term.number(int(v)) for v in i.value], "[]")
    return t


def _gather(e: Gather, known: Known) -> Options:
    key = [*[WHOLE] * e.axis, *_index_terms(e.indices, known)]
    return {natural(e.shape): term.index(whole(e.x, known), key, e.shape)}


def _gather_transpose(e: GatherT, known: Known) -> Options:
    key = [*[WHOLE] * e.axis, *_index_terms(e.indices, known)]
    entry = term.listing([term.index(term.text("s_"), key, ()), whole(e.x, known)])
    return {natural(e.shape): term.call("scatter", [term.listing(dims_of(e.into)), entry], e.shape)}


# --- matrix functions ---------------------------------------------------------------------------------------------
def _linalg(e: Linalg, known: Known) -> Options:
    a = e.args[0]
    layout = natural(e.shape)
    if a.ndim == 2 and a.shape[0] == a.shape[1] != 1:
        plain, turned = (exact(known[a], lay, a.shape) for lay in ((0, 1), (1, 0)))
        if e.fn == "inv":
            t = term.call("inv", [plain], e.shape)
            if turned is plain:
                return {(0, 1): t, (1, 0): t}
            return {(0, 1): t, (1, 0): term.transpose(t) if plain.ops <= turned.ops else term.call("inv", [turned], e.shape)}
        if e.fn in ("det", "logdet"):
            return {(): term.call(e.fn, [turned if turned.weight < plain.weight else plain], ())}
    if e.fn == "solve" and e.ndim == 2 and e.shape[1] == 1 and e.shape[0] != 1:
        right, right_layout = fit(known[e.args[1]], (0, None))
        vector = reindex(right, right_layout, (0,))
        t = term.call("solve", [whole(a, known), vector], e.shape[:1])
        return {(0,): t, layout: term.call("solve", [whole(a, known), whole(e.args[1], known)], e.shape)}
    return {layout: term.call(e.fn, [whole(x, known) for x in e.args], e.shape)}


_ROWS: Mapping[str, Callable[[Any, Known], Options]] = {
    "Reduce": _reduce,
    "Scan": _scan,
    "Arg": _arg,
    "Reshape": _reshape,
    "Slice": _slice,
    "Scatter": _scatter,
    "Concat": _concat,
    "Gather": _gather,
    "GatherT": _gather_transpose,
    "Linalg": _linalg,
}
