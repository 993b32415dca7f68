"""Walks over expressions: use counts, variables, substitution. None recurses, and each visits a shared node once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from symdiff.errors import BindingError, NameClash, ShapeError
from symdiff.expr.algebra import size
from symdiff.expr.dims import Dim, Shape, dim_bind, dim_names, show_shape
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Delta, GatherT, Iota, Ones, Range, Reshape, Scatter, Size, Slice, Var
from symdiff.expr.rebuild import with_operands
from symdiff.expr.structure import reshape_node, scatter, slice_node


def node_count(*roots: Expr) -> int:
    """Number of distinct nodes."""
    return sum(1 for _ in topological(*roots))


def use_counts(*roots: Expr) -> Counter[Expr]:
    """How many operand places (and roots) each node stands in."""
    counts: Counter[Expr] = Counter(roots)
    for e in topological(*roots):
        counts.update(e.operands)
    return counts


def variables(*roots: Expr) -> list[Var]:
    """The variables, in order of first appearance from the left.

    Raises: NameClash if two of them share a name but not their shape and assumptions.
    """
    found = [e for e in topological(*roots) if isinstance(e, Var)]
    by_name: dict[tuple[str, int], Var] = {}
    for v in found:
        other = by_name.setdefault((v.name, v.token), v)
        if other is not v:
            raise NameClash(
                f"two variables are called {v.name!r}: one of shape {show_shape(other.shape)} {' '.join(other.assumptions)}, "
                f"one of shape {show_shape(v.shape)} {' '.join(v.assumptions)}; give one of them another name"
            )
    return found


def transform(
    roots: Iterable[Expr], change: Callable[[Expr, tuple[Expr, ...]], Expr], until: Callable[[Expr], bool] | None = None
) -> list[Expr]:
    """Rebuild bottom-up: `change(node, new operands)` gives the new node. Nodes where `until` holds are leaves."""
    roots = list(roots)
    new: dict[Expr, Expr] = {}
    for e in topological(*roots, until=until):
        leaf = not e.operands or (until is not None and until(e))
        new[e] = change(e, e.operands if leaf else tuple(new[o] for o in e.operands))
    return [new[r] for r in roots]


def substitute(e: Expr, values: Mapping[Expr, Expr]) -> Expr:
    """`e` with nodes replaced, all at once: what is put in is not searched again. Any node may be replaced, not only a Var.

    Shapes: each new node as the one it replaces. Raises: ShapeError otherwise.
    """
    for old, new in values.items():
        if old.shape != new.shape:
            raise ShapeError(f"substitute: {old!r} has shape {show_shape(old.shape)}, what replaces it {show_shape(new.shape)}")
    return transform([e], lambda node, ops: values[node] if node in values else with_operands(node, ops), until=values.__contains__)[0]


def size_names(*roots: Expr) -> set[str]:
    """The names of dims that occur anywhere in the expressions."""
    found: set[str] = set()
    for e in topological(*roots):
        dims = static_dims(e)
        if dims:
            found |= dim_names(dims)
    return found


def static_dims(e: Expr) -> list[Dim]:
    """The dims in a node's shape and fields."""
    dims: list[Dim] = list(e.shape)
    match e:
        case Size() | Iota() | Delta() | Ones():
            dims.append(e.dim)
        case Slice():
            dims += _key_dims(e.key)
        case Scatter():
            dims += [d for key in e.keys for d in _key_dims(key)]
    return dims


def _key_dims(key: Iterable[Dim | Range]) -> list[Dim]:
    return [d for place in key for d in (place[:2] if isinstance(place, Range) else (place,))]


def bind_sizes(roots: Iterable[Expr], sizes: Mapping[str, int]) -> list[Expr]:
    """The expressions with named dims replaced by numbers; variables get the numbers in their shapes."""
    known = dict(sizes)

    def dim(d: Dim) -> Dim:
        return dim_bind(d, known)

    def length(d: Dim) -> Dim:
        bound = dim(d)
        if isinstance(bound, int) and bound < 0:
            raise BindingError(f"the sizes {known} make the dim {d!r} {bound}; a length is a whole number from 0 on")
        return bound

    def shape(s: Shape) -> Shape:
        return tuple(map(length, s))

    def key(k: tuple[Dim | Range, ...]) -> tuple[Dim | Range, ...]:
        return tuple(Range(dim(p.start), length(p.length), p.step) if isinstance(p, Range) else dim(p) for p in k)

    def change(e: Expr, ops: tuple[Expr, ...]) -> Expr:
        match e:
            case Var():
                return Var(e.name, shape(e.dims), e.assumptions, e.token)
            case Size():
                return size(dim(e.dim))
            case Iota() | Delta() | Ones():
                return type(e)(length(e.dim))
            case Reshape():
                return reshape_node(ops[0], shape(e.to))
            case Slice():
                return slice_node(ops[0], key(e.key))
            case Scatter():
                return scatter(ops, tuple(map(key, e.keys)), shape(e.into))
            case GatherT():
                return GatherT(ops[0], ops[1:], e.axis, shape(e.into))
            case _:
                return with_operands(e, ops)

    for name, value in known.items():
        if value < 0:
            raise BindingError(f"size {name!r} is {value}; a size is a whole number from 0 on")
    return transform(roots, change)
