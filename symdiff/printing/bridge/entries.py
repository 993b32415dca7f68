"""Readers of entries: X[i, j], arrays given by their entries, blocks, slices, and the named functions of to_sympy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from symdiff.errors import ShapeError, Unsupported
from symdiff.expr import build, structure
from symdiff.expr.dims import Dim, dim_add, dim_mul, dim_sub, show_shape
from symdiff.expr.functions import FUNCTIONS
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Place, Range
from symdiff.printing.bridge.arrays import TABLE, applied, split
from symdiff.printing.bridge.matrices import filled, of_kind, of_node, shape_of, zeros
from symdiff.printing.bridge.reader import Reader, Readers, Reading
from symdiff.printing.bridge.symbols import array_of_sympy, dim_of_sympy, variable_of_symbol
from symdiff.printing.bridge.values import Index, Scope, Value, dims_of, elementwise, in_order, joined, node_of, rank_two, scalar


# --- arrays by their entries ------------------------------------------------------------------------------------------
def _by_entries(r: Reader, s: Any, scope: Scope) -> Reading:
    return (yield from _entries(r, s, scope, both=False))


def _entries(r: Reader, s: Any, scope: Scope, both: bool) -> Reading:
    """A FunctionMatrix; one of n x 1 is a vector unless `both` axes are wanted."""
    rows, columns = shape_of(s)
    i, j = s.lamda.variables
    around = (*scope, (i, Index(rows)), (j, Index(columns)))
    body = yield s.lamda.expr, around
    kept = (i, j) if both or columns != 1 else (i,)
    return of_kind(r, joined(body.factors, kept, dims_of(around)), (True, len(kept) == 2))


def _array(r: Reader, s: Any, scope: Scope) -> Reading:
    """A Lambda of indices with their ranges is an array of any rank."""
    import sympy as sp

    bound = []
    for i in s.variables:
        if not isinstance(i, sp.Idx) or i.upper is None:
            raise Unsupported(f"from_sympy: {s}: the length of {i} is not known: write Idx({str(i)!r}, n)")
        bound.append((i, Index(dim_of_sympy(i.upper - i.lower + 1))))
    around = (*scope, *bound)
    body = yield s.expr, around
    labels = [i for i, _ in bound]
    return scalar(joined(body.factors, labels, dims_of(around)), [r.fresh() for _ in labels])


# --- entries ------------------------------------------------------------------------------------------------------
def _entry_of_matrix(r: Reader, s: Any, scope: Scope) -> Reading:
    value = yield s.args[0], scope
    places = s.args[1:]
    if value.kind == (False, False):
        return scalar(joined(value.factors, (), {}))
    wanted = [p for p, present in zip(places, value.kind, strict=True) if present]
    return (yield from _entry(r, node_of(value), wanted, scope))


def _entry_of_array(r: Reader, s: Any, scope: Scope) -> Reading:
    value = yield s.args[0], scope
    return (yield from _entry(r, node_of(value), s.args[1:], scope))


def _indexed(r: Reader, s: Any, scope: Scope) -> Reading:
    import sympy as sp

    base = s.args[0]
    if isinstance(base, sp.IndexedBase):
        name = str(base.label)
        node = r.known[name] if name in r.known else variable_of_symbol(base)
    else:
        node = array_of_sympy(base)
    if len(s.indices) != node.ndim:
        raise ShapeError(f"from_sympy: {s}: {len(s.indices)} indices for shape {show_shape(node.shape)}")
    return (yield from _entry(r, node, s.indices, scope))


def _entry(r: Reader, node: Expr, places: Sequence[Any], scope: Scope) -> Reading:
    """The entry at the given indices: a whole axis, a slice of it for i + 1 or 2 i, a gather for an index that is computed."""
    key: list[Place] = []
    labels: list[Any] = []
    computed: dict[int, Value] = {}
    for axis, (place, dim) in enumerate(zip(places, node.shape, strict=True)):
        found = _straight(place, scope, dim)
        if found is None:
            value = yield place, scope
            computed[axis] = value
            key.append(Range(0, dim, 1))
            labels.append(None)
        else:
            key.append(found[0])
            if found[1] is not None:
                labels.append(found[1])
    kept = [a for a, p in enumerate(key) if isinstance(p, Range)]
    node = structure.slice_node(node, tuple(key))
    if not computed:
        return scalar(node, labels)
    axes = [kept.index(a) for a in computed]
    inner = in_order((label for v in computed.values() for label in v.labels), scope)
    dims = dims_of(scope)
    indices = [joined(v.factors, inner, dims) for v in computed.values()]
    if axes != list(range(axes[0], axes[0] + len(axes))):
        order = [*axes, *(a for a in range(node.ndim) if a not in axes)]
        node = joined(((node, tuple(range(node.ndim))),), order, {})
        labels, axes = [labels[a] for a in order], list(range(len(axes)))
    first = axes[0]
    gathered = structure.gather(node, indices, first)
    return scalar(gathered, [*labels[:first], *inner, *labels[first + len(axes) :]])


def _straight(place: Any, scope: Scope, dim: Dim) -> tuple[Place, Any] | None:
    """A position, or a range along one index that runs over it with a whole step; None for anything else."""
    import sympy as sp

    if not all(isinstance(p, (sp.Add, sp.Mul, sp.Symbol, sp.Idx, sp.Integer, sp.Tuple)) or p in place.free_symbols for p in _terms(place)):
        return None
    bound = {label: b for label, b in scope if isinstance(b, Index) and label in place.free_symbols}
    if any(label in place.free_symbols for label, b in scope if isinstance(b, Value)) or len(bound) > 1:
        return None
    if not bound:
        position = dim_of_sympy(place) if not (place.is_Integer and place < 0) else dim_add(dim, int(place))
        if isinstance(position, int) and isinstance(dim, int) and not 0 <= position < dim:
            raise ShapeError(f"from_sympy: the index {place} is out of range for an axis of size {dim}")
        return position, None
    ((label, index),) = bound.items()
    step = sp.expand(place).coeff(label)
    start = sp.expand(place - step * label)
    if not step.is_Integer or step == 0 or label in start.free_symbols:
        return None
    return Range(dim_add(dim_of_sympy(start), dim_mul(int(step), index.start)), index.dim, int(step)), label


def _terms(place: Any) -> Any:
    import sympy as sp

    yield place
    for part in place.args if isinstance(place, (sp.Add, sp.Mul)) else ():
        yield part
        yield from part.args if isinstance(part, sp.Mul) else ()


# --- blocks and slices --------------------------------------------------------------------------------------------
def _blocks(r: Reader, s: Any, scope: Scope) -> Reading:
    import sympy as sp

    if s.blockshape == (1, 1):
        inner = s.blocks[0, 0]
        if isinstance(inner, sp.FunctionMatrix):
            return (yield from _entries(r, inner, scope, both=True))
        if isinstance(inner, sp.OneMatrix):
            return filled(r, inner, both=True)
        if isinstance(inner, sp.ZeroMatrix):
            return zeros(r, inner, both=True)
        if isinstance(inner, sp.MatrixBase) and all(v.is_number for v in inner.flat()):
            return of_kind(r, array_of_sympy(inner, both=True), (True, True))
        value = yield inner, scope
        return of_kind(r, rank_two(value), (True, True))
    lines = []
    for k in range(s.blockshape[0]):
        line = []
        for j in range(s.blockshape[1]):
            line.append((yield s.blocks[k, j], scope))
        lines.append(line)
    if s.blockshape[1] == 1 and all(line[0].kind == (True, False) for line in lines):
        return of_kind(r, structure.concat([node_of(line[0]) for line in lines], 0), (True, False))
    return of_node(r, structure.concat([structure.concat([rank_two(v) for v in line], 1) for line in lines], 0))


def _matrix_slice(r: Reader, s: Any, scope: Scope) -> Reading:
    value = yield s.parent, scope
    key = []
    for (start, stop, step), present in zip((s.rowslice, s.colslice), value.kind, strict=True):
        if present:
            first, last = (dim_of_sympy(v) for v in (start, stop))
            count = dim_sub(last, first)
            if step != 1 and not isinstance(count, int):
                raise Unsupported(f"from_sympy: {s}: a step of {step} over a length that is not known")
            key.append(Range(first, count if step == 1 else -(-int(count) // int(step)), int(step)))
    return of_kind(r, structure.slice_node(node_of(value), tuple(key)), value.kind)


# --- named functions ----------------------------------------------------------------------------------------------
def _named(r: Reader, s: Any, scope: Scope) -> Reading:
    """A function of to_sympy's: of an array's entries, or elementwise; any other is unknown."""
    name = s.func.__name__
    if name in TABLE:
        operands, data, places = split(name, s.args)
        nodes = []
        for operand in operands:
            value = yield operand, scope
            nodes.append(node_of(value))
        return (yield from _entry(r, TABLE[name].node(tuple(nodes), data), places, scope))
    values = []
    if name == "iverson" or (name in FUNCTIONS and FUNCTIONS[name].arity == len(s.args)):
        for part in s.args:
            values.append((yield part, scope))
        return values[0] if name == "iverson" else elementwise(lambda *nodes: build.apply(name, *nodes), values, scope)
    raise Unsupported(f"from_sympy: the function {name} is not known: symdiff has no such function")


def _constant_array(r: Reader, s: Any, scope: Scope) -> Value:
    node = array_of_sympy(s)
    return scalar(node, [r.fresh() for _ in node.shape])


@cache
def entry_readers() -> Readers:
    """SymPy's class -> its reader."""
    import sympy as sp
    from sympy.matrices.expressions.matexpr import MatrixElement
    from sympy.matrices.expressions.slice import MatrixSlice

    return {
        sp.FunctionMatrix: _by_entries,
        sp.Lambda: _array,
        sp.NDimArray: _constant_array,
        MatrixElement: _entry_of_matrix,
        sp.Indexed: _indexed,
        sp.BlockMatrix: _blocks,
        MatrixSlice: _matrix_slice,
        applied(): _entry_of_array,
        sp.Function: _named,
    }
