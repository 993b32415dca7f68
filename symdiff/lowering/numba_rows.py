"""How each operation that is neither pointwise nor a product is written as a loop nest: reductions, scans, what moves entries about."""

from __future__ import annotations

from collections.abc import Sequence

from symdiff.errors import Unsupported
from symdiff.expr.dims import Shape, dim_add
from symdiff.expr.nodes import key_shape
from symdiff.lowering.numba_nests import Nests, Row, placed
from symdiff.lowering.numba_products import PRODUCTS, Labels, store
from symdiff.lowering.program import Instruction
from symdiff.lowering.text import PRODUCT, SUM, Text, within

# --- reductions -----------------------------------------------------------------------------------------------------------
FOLDS = {  # operation: start, how one more entry comes in
    "sum": (0.0, "{0} += {1}"),
    "prod": (1.0, "{0} *= {1}"),
    "max": (float("-inf"), "{0} = np.maximum({0}, {1})"),
    "min": (float("inf"), "{0} = np.minimum({0}, {1})"),
}


def _reduce(n: Nests, i: Instruction) -> None:
    (axes,) = i.params
    x = i.args[0]
    shape = n.shapes[x]
    start, form = FOLDS[i.op]
    kept = [a for a in range(len(shape)) if a not in axes]
    if kept and max(kept) > min(axes):  # in the order of memory, added up entry by entry
        name = n.buffer(i, n.scalar.number(start).code)
        with n.loops(shape) as index:
            target = n.element(name, [index[a] for a in kept])
            n.write(form.format(target, n.as_real(x, n.at(x, index)).code))
        return

    def folded(outer: Sequence[str]) -> Text:
        name = n.names.numbered("total" if i.op == "sum" else i.op)
        n.write(f"{name} = {n.scalar.number(start).code if i.op in ('max', 'min') else start}")
        with n.loops(tuple(shape[a] for a in sorted(axes))) as inner:
            n.write(form.format(name, n.as_real(x, n.at(x, _joined(kept, outer, sorted(axes), inner))).code))
        return Text(name)

    store(n, i, i.shape, folded)


def _joined(kept: Sequence[int], outer: Sequence[str], axes: Sequence[int], inner: Sequence[str]) -> list[str]:
    """An index from its parts on two sets of axes."""
    at = dict(zip(kept, outer, strict=True)) | dict(zip(axes, inner, strict=True))
    return [at[a] for a in range(len(at))]


def _logsumexp(n: Nests, i: Instruction) -> None:
    (axes,) = i.params
    x, axes = i.args[0], sorted(axes)
    shape = n.shapes[x]
    kept = [a for a in range(len(shape)) if a not in axes]

    def value(outer: Sequence[str]) -> Text:
        top, total = n.names.numbered("top"), n.names.numbered("total")
        n.write(f"{top} = {n.scalar.number(float('-inf')).code}")
        with n.loops(tuple(shape[a] for a in axes)) as inner:
            n.write(f"{top} = np.maximum({top}, {n.at(x, _joined(kept, outer, axes, inner)).code})")
        n.write(f"{top} = {top} if np.isfinite({top}) else {n.scalar.number(0.0).code}")
        n.write(f"{total} = 0.0")
        with n.loops(tuple(shape[a] for a in axes)) as inner:
            n.write(f"{total} += np.exp({within(n.at(x, _joined(kept, outer, axes, inner)), SUM)} - {top})")
        return Text(f"np.log({total}) + {top}", SUM)

    store(n, i, i.shape, value)


# --- along an axis -----------------------------------------------------------------------------------------------------------
def _scan(n: Nests, i: Instruction) -> None:
    axis, reverse = i.params
    x, shape = i.args[0], i.shape
    name = n.buffer(i)
    with n.loops((*shape[:axis], *shape[axis + 1 :])) as outer:
        so_far = n.names.numbered("total")
        n.write(f"{so_far} = {'0.0' if i.op == 'cumsum' else '1.0'}")
        with n.loop(n.index(n.depth), n.dim(shape[axis])):
            k = n.index(n.depth - 1)
            k = f"{n.dim(dim_add(shape[axis], -1))} - {k}" if reverse else k
            at = [*outer[:axis], k, *outer[axis:]]
            n.write(f"{so_far} {'+' if i.op == 'cumsum' else '*'}= {n.at(x, at).code}")
            n.write(f"{n.element(name, at)} = {so_far}")


def _argsort(n: Nests, i: Instruction) -> None:
    (axis,) = i.params
    x, shape = i.args[0], i.shape
    name, lane = n.buffer(i), n.names.fresh("lane")
    n.buffers.append(f"{lane} = np.empty({n.dim(shape[axis])}, np.{n.scalar.dtype})")
    with n.loops((*shape[:axis], *shape[axis + 1 :])) as outer:
        k = n.index(n.depth)
        with n.loop(k, n.dim(shape[axis])):
            n.write(f"{lane}[{k}] = {n.at(x, [*outer[:axis], k, *outer[axis:]]).code}")
        order = n.names.numbered("order")
        n.write(f'{order} = np.argsort({lane}, kind="mergesort")')
        with n.loop(k, n.dim(shape[axis])):
            n.write(f"{n.element(name, [*outer[:axis], k, *outer[axis:]])} = {order}[{k}]")


def _arg(n: Nests, i: Instruction) -> None:
    """The first place of the largest or smallest entry; of the first nan, if there is one."""
    (axis,) = i.params
    x = i.args[0]
    size = n.shapes[x][axis]
    sign = ">" if i.op == "argmax" else "<"

    def value(outer: Sequence[str]) -> Text:
        best, place, entry = n.names.numbered("best"), n.names.numbered("place"), n.names.numbered("entry")
        n.write(f"{best} = {n.at(x, [*outer[:axis], '0', *outer[axis:]]).code}")
        n.write(f"{place} = 0")
        k = n.index(n.depth)
        with n.loop(k, n.dim(size)):
            n.write(f"{entry} = {n.at(x, [*outer[:axis], k, *outer[axis:]]).code}")
            n.write(f"if {entry} {sign} {best} or ({entry} != {entry} and {best} == {best}):")
            n.write(f"    {best} = {entry}")
            n.write(f"    {place} = {k}")
        return Text(place, work=1)

    if i.shape:
        name = n.buffer(i)
        with n.loops(i.shape) as index:
            n.write(f"{n.element(name, index)} = {value(index).code}")
    else:
        n.set_scalar(i, value(()))


# --- structure -----------------------------------------------------------------------------------------------------------
def _reshape(n: Nests, i: Instruction) -> None:
    """The same memory under another shape; a view is stored first, by the plan."""
    x = i.args[0]
    if not i.shape:
        n.set_scalar(i, n.at(x, ["0"] * len(n.shapes[x])))
    elif not n.shapes[x] or (n.made.get(x) is not None and n.made[x].op in ("iota", "eye")):
        name = n.buffer(i)
        with n.loops(i.shape) as index:
            flat = _flat(n, i.shape, index)
            rank = len(n.shapes[x])
            own = (
                [] if not rank else [flat] if rank == 1 else [f"({flat}) // {n.dim(n.shapes[x][1])}", f"({flat}) % {n.dim(n.shapes[x][1])}"]
            )
            n.write(f"{n.element(name, index)} = {n.at(x, own).code}")
    else:
        name = n.names_of[i.result] = n.name(i)
        n.write(f"{name} = {n.at(x, ()).code if x not in n.names_of else n.names_of[x]}.reshape({n.context.shape(i.shape)})")


def _flat(n: Nests, shape: Shape, index: Sequence[str]) -> str:
    flat = index[0]
    for d, k in zip(shape[1:], index[1:], strict=True):
        flat = f"({flat}) * {within(n.context.dim(d), PRODUCT + 1)} + {k}"
    return flat


def _diag(n: Nests, i: Instruction) -> None:
    _embedded(n, i, [0, 0])


def _embed(n: Nests, i: Instruction) -> None:
    _embedded(n, i, i.params[1])


def _embedded(n: Nests, i: Instruction, labels: Labels) -> None:
    name = n.buffer(i, n.scalar.number(0.0).code)
    own = sorted(set(labels))
    shape = tuple(i.shape[list(labels).index(label)] for label in own)
    with n.loops(shape) as index:
        at = dict(zip(own, index, strict=True))
        n.write(f"{n.element(name, [at[x] for x in labels])} = {n.as_real(i.args[0], n.spread(i.args[0], index, shape)).code}")


def _scatter(n: Nests, i: Instruction) -> None:
    keys, _ = i.params
    name = n.buffer(i, n.scalar.number(0.0).code)
    for key, part in zip(keys, i.args, strict=True):
        shape = key_shape(key)
        with n.loops(shape) as index:
            n.write(f"{n.element(name, placed(n, key, index))} += {n.as_real(part, n.spread(part, index, shape)).code}")


def _concat(n: Nests, i: Instruction) -> None:
    (axis,) = i.params
    name = n.buffer(i)
    start = dim_add(0)
    for part in i.args:
        shape = n.shapes[part]
        with n.loops(shape) as index:
            at = list(index)
            if start != 0:
                at[axis] = f"{n.dim(start)} + {at[axis]}"
            n.write(f"{n.element(name, at)} = {n.at(part, index).code}")
        start = dim_add(start, shape[axis])


def _stack(n: Nests, i: Instruction) -> None:
    (axis,) = i.params
    name = n.buffer(i)
    for k, part in enumerate(i.args):
        with n.loops(n.shapes[part]) as index:
            n.write(f"{n.element(name, [*index[:axis], str(k), *index[axis:]])} = {n.at(part, index).code}")


def _places(n: Nests, i: Instruction, index: Sequence[str], shape: Shape, whole: Shape, axis: int) -> list[str]:
    """The index in the whole array, where the indices at `index` point."""
    n.scalar.helpers.add("place")
    count = len(i.args) - 1
    rank = len(shape)
    inner, inner_shape = index[axis : axis + rank], shape
    found = []
    for k in range(count):
        text = n.spread(i.args[1 + k], inner, inner_shape)
        name = n.names.numbered("at")
        n.write(f"{name} = place({text.code}, {n.dim(whole[axis + k])})")
        found.append(name)
    return [*index[:axis], *found, *index[axis + rank :]]


def _gather(n: Nests, i: Instruction) -> None:
    (axis,) = i.params
    whole = n.shapes[i.args[0]]
    rank = len(i.shape) - (len(whole) - (len(i.args) - 1))
    shape = i.shape[axis : axis + rank]
    if not i.shape:
        n.set_scalar(i, Text(n.at(i.args[0], _places(n, i, (), shape, whole, axis)).code, work=1))
        return
    name = n.buffer(i)
    with n.loops(i.shape) as index:
        n.write(f"{n.element(name, index)} = {n.at(i.args[0], _places(n, i, index, shape, whole, axis)).code}")


def _gather_transpose(n: Nests, i: Instruction) -> None:
    axis, whole = i.params
    count = len(i.args) - 1
    indices = [n.shapes[a] for a in i.args[1:]]
    rank = max(len(s) for s in indices)
    shape = tuple(next((s[len(s) - rank + k] for s in indices if len(s) >= rank - k and s[len(s) - rank + k] != 1), 1) for k in range(rank))
    full = (*whole[:axis], *shape, *whole[axis + count :])
    name = n.buffer(i, n.scalar.number(0.0).code)
    with n.loops(full) as index:
        at = _places(n, i, index, shape, whole, axis)
        n.write(f"{n.element(name, at)} += {n.as_real(i.args[0], n.spread(i.args[0], index, full)).code}")


def _sigmoids(n: Nests, i: Instruction) -> None:
    """sigmoid(x) and sigmoid(-x) in one nest, each in an array of its own."""
    n.scalar.helpers.add("sigmoids")
    x = i.args[0]
    parts = [p for p in n.program.instructions if p.op == "item" and p.args[0] == i.result]
    shape = n.shapes[x]
    names = {p.params[0]: n.buffer(p) if shape else n.names.fresh(n.name(p)) for p in parts}
    for p in parts:
        n.names_of[p.result] = names[p.params[0]]
    with n.loops(shape) as index:
        targets = ", ".join(n.element(names[k], index) if k in names else "_" for k in (0, 1))
        n.write(f"{targets} = sigmoids({n.at(x, index).code})")


def _item(n: Nests, i: Instruction) -> None:
    made = n.made[i.args[0]]
    if made.op != "sigmoids":
        raise Unsupported(f"lower: the numba backend has no {made.op}; use backend='numpy'")


ROWS: dict[str, Row] = {
    **PRODUCTS,
    **dict.fromkeys(FOLDS, _reduce),
    "logsumexp": _logsumexp,
    "cumsum": _scan,
    "cumprod": _scan,
    "argsort": _argsort,
    "argmax": _arg,
    "argmin": _arg,
    "reshape": _reshape,
    **dict.fromkeys(("copy", "full", "const", "constant", "size", "iota", "eye"), Nests.pointwise),
    "diag": _diag,
    "embed": _embed,
    "scatter": _scatter,
    "concat": _concat,
    "stack": _stack,
    "gather": _gather,
    "gather_t": _gather_transpose,
    "sigmoids": _sigmoids,
    "item": _item,
}
