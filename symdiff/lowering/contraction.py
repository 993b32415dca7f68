"""A product of labelled factors as plain NumPy: elementwise products, views, sums, `@`, and einsum only where nothing else fits.

The factors arrive as registers with one label an axis. First each is reduced by itself (axes that only broadcast drop, a repeated
label is a diagonal, a label that no other factor has is summed), then factors of equal labels are multiplied, then pairs in the
cheapest order. A factor may be `inverse`: it divides.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import NamedTuple

from symdiff.expr.dims import Dim
from symdiff.lowering.builder import Builder
from symdiff.lowering.halves import join_halves
from symdiff.lowering.pairing import Factor, Labels, pair, plain
from symdiff.lowering.paths import contraction_path
from symdiff.lowering.program import nominal


class Product(NamedTuple):
    """coefficient * product of `factors`, summed over the labels missing from `out`; `dims` has the dim of every label."""

    coefficient: int | Fraction | float
    factors: Sequence[Factor]
    out: Labels
    dims: Mapping[int, Dim]


Pairs = Mapping[frozenset[Hashable], tuple[int, int]]  # in how many products two factors stand, and minus when they were first met


def contract(b: Builder, product: Product, pairs: Pairs) -> int:
    """The register of a product. Axes of `out` that no factor has are left as axes of size 1, or left out in front."""
    work = _Contraction(b, product, pairs)
    if work.is_plain():
        return work.scaled(product.factors)
    factors = [work.reduced(f) for f in product.factors]
    if work.elementwise() and not work.is_outer(factors):
        return work.scaled(work.multiplied_in_place(factors))
    scalars = [f for f in factors if not f.labels]
    labelled = join_halves([f for f in factors if f.labels], product.out, work.part)
    groups = work.grouped(labelled)
    size = {label: nominal(d, b.sizes) for label, d in product.dims.items()}
    out = frozenset(product.out)
    while True:  # a group's own labels are summed in it; that can make two groups alike
        merged = work.grouped([work.own_labels_summed(g, groups, out) for g in groups])
        scalars += [g for g in merged if not g.labels]
        merged = [g for g in merged if g.labels]
        if len(merged) == len(groups):
            groups = merged
            break
        groups = merged
    smallest = min(range(len(groups)), key=lambda k: b.weigh(groups[k].register), default=0)
    if len(groups) > 1 and b.weigh(groups[smallest].register) < prod(size[label] for label in out):
        g = groups[smallest]  # scale what is smallest, not the result
        groups[smallest] = Factor(work.scaled([plain(b, g)], scalars), g.labels)
        return work.joined(groups, out, size)[0].register
    return work.scaled(work.joined(groups, out, size), scalars)


class _Contraction:
    """The state of one contraction: the builder, the product, and which labels are left to sum."""

    def __init__(self, b: Builder, product: Product, pairs: Pairs) -> None:
        self.b, self.product, self.pairs = b, product, pairs
        self.carried: set[int] = set()

    # --- one factor -----------------------------------------------------------------------------------------------
    def reduced(self, f: Factor) -> Factor:
        """Drop the axes that the register lacks or only broadcasts along; take diagonals."""
        b, dims = self.b, self.product.dims
        shape = b.shapes[f.register]
        labels = list(f.labels[len(f.labels) - len(shape) :])
        flat = [a for a, (label, d) in enumerate(zip(labels, shape, strict=True)) if d == 1 and dims[label] != 1]
        register = b.squeeze(f.register, flat)
        labels = [label for a, label in enumerate(labels) if a not in flat]
        while len(set(labels)) < len(labels):
            repeated = next(label for label in labels if labels.count(label) > 1)
            i = labels.index(repeated)
            j = labels.index(repeated, i + 1)
            register = b.emit("diagonal", [register], i, j)
            labels = [label for a, label in enumerate(labels) if a not in (i, j)] + [repeated]
        self.carried.update(labels)
        return Factor(register, tuple(labels), f.inverse, f.key)

    def is_plain(self) -> bool:
        """Whether this is a product of at most two factors whose axes are those of the result already."""
        out, whole = self.product.out, 0
        for f in self.product.factors:
            if f.labels:
                if f.labels != out or f.inverse:
                    return False
                whole += 1
        return whole <= 2 and len(self.product.dims) == len(out)

    def is_outer(self, factors: Sequence[Factor]) -> bool:
        """Whether this is the outer product of two vectors."""
        labels = {f.labels for f in factors if f.labels}
        return len(self.product.out) == len(labels) == 2 and all(len(ls) == 1 for ls in labels) and not any(f.inverse for f in factors)

    def elementwise(self) -> bool:
        """Whether nothing is summed."""
        out = self.product.out
        return all(label in out for label in self.product.dims)

    def multiplied_in_place(self, factors: Sequence[Factor]) -> list[Factor]:
        """Factors without sums: align each to `out` and multiply by groups of equal labels."""
        groups = self.grouped([f for f in factors if f.labels])
        scalars = [f for f in factors if not f.labels]
        if not groups:
            return scalars
        small = [Factor(self.b.align(g.register, g.labels, self.product.out), self.product.out, g.inverse) for g in groups]
        return [*scalars, *small]

    def part(self, factors: Sequence[Factor], out: Labels) -> int:
        """The product of some factors by themselves."""
        dims = {label: self.product.dims[label] for f in factors for label in f.labels}
        return contract(self.b, Product(1, factors, out, dims), self.pairs)

    # --- groups of equal labels -----------------------------------------------------------------------------------
    def grouped(self, factors: Sequence[Factor]) -> list[Factor]:
        """Multiply the factors of equal labels, but two of which a label is summed nowhere else: those make a dot product."""
        groups: dict[frozenset[int], list[Factor]] = {}
        for f in factors:
            groups.setdefault(frozenset(f.labels), []).append(f)
        result: list[Factor] = []
        for labels, members in groups.items():
            elsewhere = set(self.product.out).union(*(other for other in groups if other != labels))
            if len(members) > 1 and not labels <= elsewhere:
                kept = labels & elsewhere
                last = members[-1]
                result.append(pair(self.b, self.times(members[:-1]), last, frozenset(kept), None))
            else:
                result.append(self.times(members))
        return result

    def times(self, members: Sequence[Factor]) -> Factor:
        """The elementwise product of factors of equal labels; pairs that other products have too come first."""
        if len(members) == 1:
            return members[0]
        labels = members[0].labels
        up, down = (
            [Factor(self.b.align(m.register, m.labels, labels), labels, key=m.key) for m in members if m.inverse == inverse]
            for inverse in (False, True)
        )
        if not up:
            return Factor(self._shared_product(down), labels, True)
        register = self._shared_product(up)
        return Factor(self.b.divide(register, self._shared_product(down)) if down else register, labels)

    def _shared_product(self, members: Sequence[Factor]) -> int:
        """The product from left to right, except that what is computed already, or is wanted by other products too, comes first."""
        left = list(members)
        while len(left) > 2:
            chosen = self._next_pair(left)
            if chosen is None:
                break
            i, j = chosen
            first = self.b.arithmetic("multiply", left[i].register, left[j].register)
            left = [Factor(first, members[0].labels, key=object()), *(f for k, f in enumerate(left) if k not in chosen)]
        result = left[0].register
        for f in left[1:]:
            result = self.b.arithmetic("multiply", result, f.register)
        return result

    def _next_pair(self, left: Sequence[Factor]) -> tuple[int, int] | None:
        b, best, chosen = self.b, (1, 0), None
        for i, p in enumerate(left):
            for j, q in enumerate(left[i + 1 :], i + 1):
                if b.has("multiply", p.register, q.register) or b.has("multiply", q.register, p.register):
                    return i, j
                found = self.pairs.get(frozenset((p.key, q.key)))
                if found is not None and found > best and found[0] > 1:
                    best, chosen = found, (i, j)
        return chosen

    def own_labels_summed(self, f: Factor, groups: Sequence[Factor], out: frozenset[int]) -> Factor:
        """Sum the labels that only this factor has."""
        needed = out.union(*(g.labels for g in groups if g is not f))
        axes = [a for a, label in enumerate(f.labels) if label not in needed]
        if not axes:
            return f
        labels = tuple(label for label in f.labels if label in needed)
        single = [a for a in axes if self.b.shapes[f.register][a] == 1]
        if len(single) == len(axes):
            return Factor(self.b.squeeze(f.register, axes), labels, f.inverse)
        register = plain(self.b, f).register
        made = self.b.made_by[register]
        if made is not None and made.op == "diagonal" and not labels and len(self.b.shapes[made.args[0]]) == 2:
            return Factor(self.b.emit("trace", [self.b.real(made.args[0])]), ())
        return Factor(self.b.sum(register, axes), labels)

    # --- pairs ----------------------------------------------------------------------------------------------------
    def joined(self, groups: Sequence[Factor], out: frozenset[int], size: Mapping[int, int]) -> list[Factor]:
        left = list(groups)
        for i, j in contraction_path([frozenset(g.labels) for g in left], out, size):
            x, y = left[i], left[j]
            left = [g for k, g in enumerate(left) if k not in (i, j)]
            needed = out.union(*(g.labels for g in left))
            final = self.product.out if not left else None
            left.append(pair(self.b, x, y, (frozenset(x.labels) | frozenset(y.labels)) & needed, final))
        if not left:
            return []
        (last,) = left
        return [Factor(self.b.align(last.register, last.labels, self.product.out), self.product.out, last.inverse)]

    # --- scalars --------------------------------------------------------------------------------------------------
    def scaled(self, parts: Sequence[Factor], scalars: Sequence[Factor] = ()) -> int:
        """The product of aligned parts, scalars, dims that are summed but carried by nobody, and the coefficient."""
        b = self.b
        lost = [label for label in self.product.dims if label not in self.carried and label not in self.product.out]
        coefficient: int | Fraction | float = self.product.coefficient
        up = [*(f.register for f in (*scalars, *parts) if not f.inverse)]
        down = [f.register for f in (*parts, *scalars) if f.inverse]
        for label in lost:
            dim = self.product.dims[label]
            if isinstance(dim, int):
                coefficient = coefficient * dim
            else:
                up.insert(0, b.emit("size", (), dim))
        up.sort(key=lambda r: (len(b.shapes[r]) > 0, b.weigh(r)))  # scalars and small factors first; the sort is stable
        divisor = 1
        if isinstance(coefficient, Fraction):
            if coefficient.denominator & (coefficient.denominator - 1):
                coefficient, divisor = coefficient.numerator, coefficient.denominator
            else:
                coefficient = float(coefficient)
        if coefficient != 1 or not up:
            up.insert(0, b.number(coefficient))
        result = up[0]
        for r in up[1:]:
            if b.shapes[r] and down and b.kinds[result] != "number":
                result, down = self._divided(result, down, scalars_only=True)
            result = b.arithmetic("multiply", result, r)
        if divisor != 1:
            result = b.divide(result, b.number(divisor))
        return self._divided(result, down, scalars_only=False)[0]

    def _divided(self, result: int, down: list[int], scalars_only: bool) -> tuple[int, list[int]]:
        """The result divided by what can be divided by now, and the divisors that are left."""
        now = [r for r in down if not scalars_only or not self.b.shapes[r]]
        for r in now:
            result = self.b.divide(result, r)
        return result, [r for r in down if r not in now]
