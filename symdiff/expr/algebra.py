"""The constructors of sums and products: a constant amount of work each, on this node and its operands only.

They fold constants exactly, drop neutral operands, and let a Contract absorb relabelings (transposes, broadcasts, diagonals), Deltas,
Ones and constant factors. They keep the author's order and flatten neither sums into sums nor products into products: who else
uses an operand is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from symdiff.errors import ShapeError
from symdiff.expr.dims import Dim, Shape, broadcast_dims, dim_terms, show_shape
from symdiff.expr.functions import FUNCTIONS
from symdiff.expr.leaves import add_numbers, constant_value, multiply_numbers, to_float, whole
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Add, Const, Contract, Delta, Labels, Map, Number, Ones, Size

# --- products -----------------------------------------------------------------------------------------------------
_LIGHT = {Ones, Delta, Const}


def is_relabeling(e: Contract) -> bool:
    """At most one factor that is no Const, Ones or Delta, and nothing summed but labels of size 1: a Contract over it may absorb it."""
    factors = e.factors
    if len(factors) > 1 and type(factors[0]) not in _LIGHT and type(factors[-1]) not in _LIGHT:
        return False
    heavy = 0
    for f in factors:
        kind = type(f)
        if kind not in _LIGHT or (kind is Const and f.shape):
            heavy += 1
            if heavy > 1:
                return False
    out = e.out
    return all(label in out or dim == 1 for f, ls in zip(factors, e.labels, strict=True) for label, dim in zip(ls, f.shape, strict=True))


def scalar_product(factors: tuple[Expr, ...]) -> Expr:
    """The product of numbers: a contract without labels, with next to nothing to look at where no factor is absorbed."""
    for f in factors:
        kind = type(f)
        if kind is Const or (kind is Contract and is_relabeling(f)):  # type: ignore[arg-type]
            return contract([(f, ()) for f in factors], ())
    return Contract.make(factors, _NO_LABELS[len(factors)] if len(factors) < 8 else ((),) * len(factors), (), ())


_NO_LABELS: tuple[tuple[Labels, ...], ...] = tuple(((),) * k for k in range(8))


def contract(factors: Sequence[tuple[Expr, Labels]], out: Labels) -> Expr:
    """The product of factors with labelled axes, summed over the labels missing from `out`.

    Labels are any whole numbers; every label of `out` stands in a factor (a broadcast axis in an Ones).

    >>> from symdiff.expr.leaves import var
    >>> X, w = var('X', ('n', 'd')), var('w', ('d',))
    >>> contract([(X, (0, 1)), (w, (1,))], (0,)).shape
    ('n',)
    """
    coefficient: Number = 1
    kept: list[tuple[Expr, Labels]] = []
    light: list[tuple[Expr, Labels]] = []
    fresh = max((max(ls, default=0) for _, ls in factors), default=0) + 1
    for f, ls in factors:
        if isinstance(f, Contract) and is_relabeling(f):
            rename = dict(zip(f.out, ls, strict=True))
            for g, inner in zip(f.factors, f.labels, strict=True):
                for label in inner:
                    if label not in rename:
                        rename[label] = fresh
                        fresh += 1
                ls_g = tuple(rename[label] for label in inner)
                if isinstance(g, Const) and g.shape == ():
                    coefficient = multiply_numbers(coefficient, g.value)  # type: ignore[arg-type]
                else:
                    (light if isinstance(g, (Ones, Delta)) else kept).append((g, ls_g))
        elif isinstance(f, Const) and f.shape == ():
            coefficient = multiply_numbers(coefficient, f.value)  # type: ignore[arg-type]
        elif isinstance(f, (Ones, Delta)):
            light.append((f, ls))
        else:
            kept.append((f, ls))
    if light:
        kept, sizes = _absorb(kept, light, out)
        for e in sizes:
            if isinstance(e, Const):
                coefficient = multiply_numbers(coefficient, e.value)  # type: ignore[arg-type]
            else:
                kept.insert(0, (e, ()))
    if coefficient == 0 and not any(isinstance(f, Map) and _has_no_value(f) for f, _ in kept):
        return _zeros(kept, out)
    coefficient = whole(coefficient)
    if len(kept) == 1 and coefficient == 1 and not isinstance(coefficient, bool) and kept[0][1] == out:
        return kept[0][0]
    if not kept:
        return Const(coefficient)
    if coefficient != 1 or isinstance(coefficient, bool):
        kept.insert(0, (Const(coefficient), ()))
    return Contract(tuple(f for f, _ in kept), *_renumber([ls for _, ls in kept], out))


def inlined(factors: Iterable[tuple[Expr, Labels]], out: Labels, axes: Labels, fresh: int) -> tuple[list[tuple[Expr, Labels]], int]:
    """The factors of a product that is itself a factor, in the labels of the product around it, and the next label that is free there.

    Its axes `out` are called `axes` around it; what it sums takes labels that are free, from `fresh` on.
    """
    names = dict(zip(out, axes, strict=True))
    moved: list[tuple[Expr, Labels]] = []
    for f, ls in factors:
        for label in ls:
            if label not in names:
                names[label] = fresh
                fresh += 1
        moved.append((f, tuple([names[label] for label in ls])))
    return moved, fresh


def _has_no_value(f: Map) -> bool:
    """Whether a function of constants is not finite, such as 1 / 0: then 0 times it is not 0."""
    values = [constant_value(a) for a in f.args]
    compute = getattr(np, FUNCTIONS[f.fn].numpy or "", None)
    if compute is None or None in values:
        return False
    with np.errstate(all="ignore"):
        return not np.isfinite(compute(*(to_float(v) for v in values if v is not None)))


def _renumber(labels: Sequence[Labels], out: Labels) -> tuple[tuple[Labels, ...], Labels]:
    number_of: dict[int, int] = {}
    renamed = tuple(tuple([number_of.setdefault(label, len(number_of)) for label in ls]) for ls in labels)
    return renamed, tuple([number_of[label] for label in out])


def _zeros(factors: Sequence[tuple[Expr, Labels]], out: Labels) -> Expr:
    dims = {label: dim for f, ls in factors for label, dim in zip(ls, f.shape, strict=True)}
    if not out:
        return Const(0)
    return Contract((Const(0), *(Ones(dims[label]) for label in out)), ((), *((k,) for k in range(len(out)))), tuple(range(len(out))))


def _absorb(kept: list[tuple[Expr, Labels]], light: list[tuple[Expr, Labels]], out: Labels) -> tuple[list[tuple[Expr, Labels]], list[Expr]]:
    """Eliminate Deltas by renaming a summed label, and Ones by dropping them or by the size of a summed dim; the factors and the sizes.

    A Delta between two labels of the output stays; of the labels it makes equal, the first of `out` stands in all other factors,
    so that a symmetric product (eye.T, diag(x).T) is one node.
    """
    rename: dict[int, int] = {}

    def root(label: int) -> int:
        while label in rename:
            label = rename[label]
        return label

    ones: list[tuple[Dim, int]] = []
    equal: dict[int, Dim] = {}  # labels of the output that a Delta made equal to an earlier one
    place = {label: k for k, label in enumerate(out)}
    for f, ls in light:
        if isinstance(f, Ones):
            ones.append((f.dim, ls[0]))
            continue
        assert isinstance(f, Delta)
        i, j = root(ls[0]), root(ls[1])
        if i == j:
            ones.append((f.dim, i))
        else:
            first, second = (i, j) if place.get(i, len(out)) <= place.get(j, len(out)) else (j, i)
            rename[second] = first
            ones.append((f.dim, first))
            if second in place:
                equal[second] = f.dim
    if rename:
        kept = [(f, tuple(map(root, ls))) for f, ls in kept]
    deltas: list[tuple[Expr, Labels]] = [
        (Delta(dim), (root(label), label)) for label, dim in sorted(equal.items(), key=lambda e: place[e[0]])
    ]
    carried = {label for _, ls in kept for label in ls} | {label for _, ls in deltas for label in ls}
    sizes: list[Expr] = []
    stretched: list[tuple[Expr, Labels]] = []
    for dim, label in ones:
        label = root(label)
        if label in carried:
            continue
        carried.add(label)
        if label in place:
            stretched.append((Ones(dim), (label,)))
        elif dim != 1:
            sizes.append(size(dim))
    return [*kept, *sorted(stretched, key=lambda one: place[one[1][0]]), *deltas], sizes


def multiply(a: Expr, b: Expr) -> Expr:
    """Elementwise product with broadcasting."""
    if a.shape == b.shape:
        if not a.shape:
            return scalar_product((a, b))
        labels = _RANGES[len(a.shape)] if len(a.shape) < 8 else tuple(range(len(a.shape)))
        return contract(((a, labels), (b, labels)), labels)
    return product((a, b))


_RANGES = tuple(tuple(range(k)) for k in range(8))


def product(factors: Sequence[Expr], name: str = "multiply") -> Expr:
    """Elementwise product of any number of factors with broadcasting; scalars multiply as they are."""
    if not any(f.shape for f in factors):
        return scalar_product(tuple(factors))
    shape = broadcast_dims(name, *(f.shape for f in factors))
    rank = len(shape)
    labelled = []
    fresh = rank
    carried: set[int] = set()
    for f in factors:
        ls = []
        for axis, dim in enumerate(f.shape, start=rank - len(f.shape)):
            if dim == shape[axis]:
                ls.append(axis)
                carried.add(axis)
            else:  # an int 1 that stretches: its own label, summed away
                ls.append(fresh)
                fresh += 1
        labelled.append((f, tuple(ls)))
    labelled += [(Ones(shape[axis]), (axis,)) for axis in range(rank) if axis not in carried]
    return contract(labelled, tuple(range(rank)))


def broadcast_to(e: Expr, shape: Shape) -> Expr:
    """`e` stretched to `shape`, as np.broadcast_to."""
    if e.shape == shape:
        return e
    lead = len(shape) - len(e.shape)
    if lead < 0 or any(d not in (1, s) for d, s in zip(e.shape, shape[lead:], strict=True)):
        raise ShapeError(f"broadcast_to: {show_shape(e.shape)} does not stretch to {show_shape(shape)}")
    labels = tuple(lead + a if d == shape[lead + a] else len(shape) + a for a, d in enumerate(e.shape))
    ones = [(Ones(d), (a,)) for a, d in enumerate(shape) if a not in labels]
    return contract([(e, labels), *ones], tuple(range(len(shape))))


# --- sums ---------------------------------------------------------------------------------------------------------
def add(*terms: Expr) -> Expr:
    """Sum of terms of any shapes that broadcast; constants fold, zeros drop."""
    shape = terms[0].shape
    for t in terms:
        if t.shape != shape:
            shape = broadcast_dims("add", *(t.shape for t in terms))
            break
    kept: list[Expr] = []
    constant: Number = 0
    lone: Expr | None = None  # the constant term, if there is one alone
    where = 0
    for t in terms:
        value = constant_value(t)
        if value is None:
            kept.append(t if t.shape == shape else broadcast_to(t, shape))
        elif value != 0 or isinstance(value, float):
            if constant:
                constant, lone = add_numbers(constant, value), None
            else:
                where, constant, lone = len(kept), value, t
    if constant != 0 or constant != constant:
        folded = whole(constant)
        stays = type(lone) is Const and lone.shape == shape and lone.value is folded
        kept.insert(where, lone if stays else broadcast_to(Const.make(folded), shape))  # type: ignore[arg-type]
    if not kept:
        return broadcast_to(Const(0), shape)
    return kept[0] if len(kept) == 1 else Add.make(tuple(kept), shape)


def size(dim: Dim) -> Expr:
    """The number that a dim is, as a scalar expression; a polynomial becomes a sum of products of Sizes."""
    if isinstance(dim, int):
        return Const(dim)
    terms: list[Expr] = []
    for count, atoms in dim_terms(dim):
        factors: list[tuple[Expr, Labels]] = [(Const(count), ())] if count != 1 or not atoms else []
        terms.append(contract([*factors, *((Size(a), ()) for a in atoms)], ()))
    return add(*terms)


def full(value: Expr, shape: Shape) -> Expr:
    """A scalar broadcast to a shape."""
    return broadcast_to(value, shape)


def zeros_of(shape: Shape) -> Expr:
    return broadcast_to(Const(0), shape)


def sum_axes(e: Expr, axes: Sequence[int]) -> Expr:
    """`e` summed over axes (non-negative)."""
    if not axes:
        return e
    labels = tuple(range(len(e.shape)))
    return contract([(e, labels)], tuple(a for a in labels if a not in axes))


def permute(e: Expr, order: Sequence[int]) -> Expr:
    """`e` with axis k of the result being axis order[k]."""
    return contract([(e, tuple(range(len(e.shape))))], tuple(order))
