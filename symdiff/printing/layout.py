"""Layouts: which label runs along which axis of a printed NumPy value.

A layout is a tuple with one entry for each axis, a label or None for an axis of size 1. Values broadcast as in NumPy, aligned at the
last axis, so a vector along j fits beside a matrix (i, j) as it is, and one along i as a column `v[:, None]`. `Options` holds the
cheapest notation found of one value in each of several layouts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symdiff.expr.dims import Dim, Shape
from symdiff.printing import term
from symdiff.printing.term import Term

Layout = tuple[int | None, ...]
Options = dict[Layout, Term]
WHOLE = ("", "", "")  # the entry `:` of a key


def natural(shape: Shape) -> Layout:
    """The axes in order; those of size 1 are None."""
    return tuple([None if d == 1 else a for a, d in enumerate(shape)])


def labels_of(layout: Layout) -> tuple[int, ...]:
    return tuple([a for a in layout if a is not None])


def fits(layout: Layout, target: Layout) -> bool:
    """Whether a value in `layout` broadcasts to `target` as it is."""
    extra = len(layout) - len(target)
    if extra > 0:
        return all(a is None for a in layout[:extra]) and fits(layout[extra:], target)
    return all(a is None or a == t for a, t in zip(layout, target[-extra:] if extra else target, strict=True))


def stripped(layout: Layout) -> Layout:
    """Without leading axes of size 1."""
    k = 0
    while k < len(layout) and layout[k] is None:
        k += 1
    return layout[k:]


def placed(labels: tuple[int, ...], target: Layout) -> Layout:
    """The shortest layout of `labels` that broadcasts to `target`."""
    return stripped(tuple([a if a in labels else None for a in target]))


def broadcast(layouts: Sequence[Layout]) -> Layout:
    """The layout of values that broadcast together."""
    result: list[int | None] = [None] * max(map(len, layouts))
    for layout in layouts:
        for k in range(1, len(layout) + 1):
            if layout[-k] is not None:
                result[-k] = layout[-k]
    return tuple(result)


def reindex(t: Term, layout: Layout, wanted: Layout) -> Term:
    """The same labels in the same order, with axes of size 1 dropped and inserted as `wanted` has them."""
    if layout == wanted:
        return t
    if layout == ():
        return filled(t, layout, wanted, (1,) * len(wanted))  # a Python number cannot be indexed
    if t.op == "index" and all(k is None or k == WHOLE for k in t.data):  # only new axes: begin again without them
        kept = [k is not None for k in t.data] + [True] * (len(layout) - len(t.data))
        return reindex(t.args[0], tuple([a for a, keep in zip(layout, kept, strict=True) if keep]), wanted)
    key: list[int | tuple[str, str, str] | None] = []
    have, want = list(layout), list(wanted)
    while have or want:
        if have and want and have[0] == want[0]:
            key.append(WHOLE)
            have.pop(0)
            want.pop(0)
        elif have and have[0] is None:
            key.append(0)
            have.pop(0)
        else:
            key.append(None)
            want.pop(0)
    dims = iter([d for a, d in zip(layout, t.shape, strict=True) if a is not None])
    shape = tuple([1 if a is None else next(dims) for a in wanted])
    while key and key[-1] == WHOLE:
        key.pop()
    return term.index(t, key, shape)


def permuted(t: Term, layout: Layout, order: tuple[int, ...]) -> tuple[Term, Layout]:
    """The labels in another order, by a transpose."""
    bare = labels_of(layout)
    if bare == order:
        return t, layout
    if bare == order[::-1] and len(layout) == len(bare):
        return term.transpose(t), order
    t = reindex(t, layout, bare)
    if bare == order[::-1]:
        return term.transpose(t), order
    axes = tuple(bare.index(a) for a in order)
    shape = tuple(t.shape[a] for a in axes)
    return term.call("transpose", [t, term.text(str(axes))], shape), order


def fit(options: Options, target: Layout) -> tuple[Term, Layout]:
    """The cheapest notation that broadcasts to `target`, transposed or indexed where it must be."""
    best: tuple[Term, Layout] | None = None
    for layout, t in options.items():
        if not fits(layout, target):
            if len(set(labels_of(layout))) != len(labels_of(layout)):
                continue
            order = tuple([a for a in labels_of(target) if a in layout])
            t, layout = permuted(t, layout, order)
            if not fits(layout, target):
                wanted = placed(order, target)
                t, layout = reindex(t, layout, wanted), wanted
        if best is None or t.weight < best[0].weight:
            best = t, layout
    assert best is not None
    return best


def exact(options: Options, target: Layout, shape: Shape) -> Term:
    """The cheapest notation of exactly this layout and shape: what only broadcasts is multiplied by ones."""
    t, layout = fit(options, target)
    missing = [a for a in labels_of(target) if a not in layout]
    if not missing:
        return reindex(t, layout, target)
    return filled(t, layout, target, shape)


def filled(t: Term, layout: Layout, target: Layout, shape: Shape) -> Term:
    """A value stretched to a shape: zeros, ones, outer(ones, v), or a product with ones."""
    if t.op == "number" and t.data == 0:
        return term.call("zeros", dims_of(shape), shape)
    ones = term.call("ones", dims_of(shape), shape)
    if t.op == "number" and t.data == 1:
        return ones
    if len(target) == 2 and len(labels_of(layout)) == 1:
        v = reindex(t, layout, labels_of(layout))
        if labels_of(layout) == (target[1],):
            return term.call("outer", [term.call("ones", dims_of(shape[:1]), shape[:1]), v], shape)
        return term.call("outer", [v, term.call("ones", dims_of(shape[1:]), shape[1:])], shape)
    return term.times([t, ones], shape)


def dims_of(shape: Shape) -> list[Term]:
    return [dim(d) for d in shape]


def dim(d: Dim) -> Term:
    """A dim as a number or a name; a polynomial of names counts its operators."""
    if isinstance(d, int):
        return term.number(d)
    if d.isidentifier():
        return term.text(d)
    return term.text(d, own=term.operations_in(d))


def keep_best(options: Options, layout: Layout, t: Term) -> None:
    """Add a notation if it is the cheapest of its layout."""
    old = options.get(layout)
    if old is None or t.weight < old.weight:
        options[layout] = t


def relabel(options: Options, labels: Mapping[int, int | None]) -> Options:
    """The options of a node with its axes renamed."""
    renamed: Options = {}
    for layout, t in options.items():
        keep_best(renamed, tuple([None if a is None else labels[a] for a in layout]), t)
    return renamed
