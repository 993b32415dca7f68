"""The best matrix notation of a product: a search over the orders in which its factors are joined.

A Contract is a small tensor network. For every subset of its factors the search keeps the cheapest NumPy notation in each layout,
and joins subsets pairwise: elementwise with broadcasting, by `@`, by `outer`, by `diag` with an identity. After each join, labels
that no other factor needs may be summed (`sum`, `mean`, `trace`), and the axes exchanged. Every notation is weighed by the number
of operations printed; at a tie the authored order of the factors wins. A quotient is kept as (factors above, factors below) until it
must be a value, so that reciprocals collect into one division.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from symdiff.expr.dims import Dim, dim_mul
from symdiff.printing import term
from symdiff.printing.layout import Layout, Options, labels_of, reindex
from symdiff.printing.term import STEP, Term

Part = tuple[int, Term]  # place among the factors, notation


class Factor(NamedTuple):
    """A factor: its notations by layout, over the network's labels; `below` if it divides."""

    place: int
    options: Options
    below: bool = False
    identity: bool = False

    @property
    def labels(self) -> frozenset[int]:
        return frozenset(labels_of(next(iter(self.options))))


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """A notation of a subset of factors: a quotient of elementwise products, and the scalar claims that it has used."""

    above: tuple[Part, ...]
    below: tuple[Part, ...]
    layout: Layout
    claimed: int
    weight: int


class Claim(NamedTuple):
    """A scalar of the whole product that a part of it can swallow: the dim that a mean divides by, or a numerator for 1/x."""

    bit: int
    dim: Dim | None  # a divisor of this size
    above: Term | None  # a numerator


def _quotient_weight(above: Sequence[Part], below: Sequence[Part]) -> int:
    total = sum(t.weight for _, t in above) + sum(t.weight for _, t in below)
    operators = max(len(above) - 1, 0) + max(len(below) - 1, 0) + (1 if above and below else 0)
    return total + STEP * operators


class Search:
    """The search over one connected network; `out` are its labels that stay."""

    def __init__(self, factors: Sequence[Factor], out: frozenset[int], dims: dict[int, Dim], claims: Sequence[Claim] = ()) -> None:
        self.factors = factors
        self.out = out
        self.dims = dims
        self.claims = claims
        self.holders: dict[int, int] = {}  # label -> the factors that have it, as a bit mask
        for k, f in enumerate(factors):
            for label in f.labels:
                self.holders[label] = self.holders.get(label, 0) | 1 << k
        self.values: dict[State, Term] = {}
        self.table: list[dict[tuple[Layout, bool, int], State]] = [{} for _ in range(1 << len(factors))]

    def run(self) -> list[State]:
        """The notations of the whole network, lightest first; none if NumPy has no matrix form for it."""
        n = len(self.factors)
        for k, f in enumerate(self.factors):
            for layout, t in f.options.items():
                part = ((f.place, t),)
                above, below = ((), part) if f.below else (part, ())
                self._add(1 << k, State(above, below, layout, 0, t.weight))
        for mask in range(1, 1 << n):
            if mask & (mask - 1):
                self._join(mask)
            self._close(mask)
        final = [s for s in self.table[-1].values() if len(labels_of(s.layout)) == len(self.out) and set(labels_of(s.layout)) == self.out]
        return sorted(final, key=lambda s: s.weight - STEP * s.claimed.bit_count())

    def _add(self, mask: int, s: State) -> bool:
        row = self.table[mask]
        key = (s.layout, bool(s.above), s.claimed)
        old = row.get(key)
        if old is not None and old.weight <= s.weight:
            return False
        row[key] = s
        return True

    # --- joins ------------------------------------------------------------------------------------------------------
    def _join(self, mask: int) -> None:
        lowest = mask & -mask
        sub = (mask - 1) & mask
        while sub:
            if sub & lowest and self.table[sub] and self.table[mask ^ sub]:
                for a in self.table[sub].values():
                    for b in self.table[mask ^ sub].values():
                        if not a.claimed & b.claimed:
                            for s in self._pairs(a, b, mask, sub):
                                self._add(mask, s)
            sub = (sub - 1) & mask

    def _pairs(self, a: State, b: State, mask: int, sub: int) -> Iterator[State]:
        claimed = a.claimed | b.claimed
        common = _broadcast(a.layout, b.layout)
        if common is not None:
            above, below = _merge(a.above, b.above), _merge(a.below, b.below)
            stretched = a.layout != b.layout
            yield State(above, below, common, claimed, _quotient_weight(above, below) + stretched)
        if not a.above or not b.above:
            return
        for x, y in ((a, b), (b, a)):
            layout = self._product_layout(x.layout, y.layout, mask)
            if layout is not None:
                yield self._single(x, y, term.matmul(self.value(x), self.value(y), self.shape(layout)), layout, claimed)
        if len(a.layout) == len(b.layout) == 1 and a.layout != b.layout and None not in a.layout + b.layout:
            for x, y in ((a, b), (b, a)):
                layout = x.layout + y.layout
                yield self._single(x, y, term.call("outer", [self.value(x), self.value(y)], self.shape(layout), blemish=1), layout, claimed)
        for x, y, other in ((a, b, mask ^ sub), (b, a, sub)):
            if not other & (other - 1) and self.factors[other.bit_length() - 1].identity and len(x.layout) == 1 and x.layout[0] in y.layout:
                yield self._single(x, y, term.call("diag", [self.value(x)], self.shape(y.layout)), y.layout, claimed)

    def _single(self, a: State, b: State, t: Term, layout: Layout, claimed: int) -> State:
        place = min(p for s in (a, b) for p, _ in s.above)
        return State(((place, t),), (), layout, claimed, t.weight)

    def _product_layout(self, a: Layout, b: Layout, mask: int) -> Layout | None:
        """The layout of a @ b, if it sums a label that nothing else needs."""
        if not a or not b:
            return None
        k = a[-1]
        at = 0 if len(b) == 1 else len(b) - 2
        if k is None or b[at] != k or k in self.out or self.holders[k] & ~mask or k in a[:-1] or b.count(k) != 1:
            return None
        batch_a, batch_b = a[:-2], b[:-2]
        if batch_a and batch_b and batch_a != batch_b:
            return None
        batch = batch_a or batch_b
        rest = (*(a[-2:-1]), *(b[-1:] if len(b) > 1 else ()))
        if batch and (len(set(rest)) != len(rest) or any(r in batch for r in rest)):
            return None
        return (*batch, *rest)

    # --- what can be done to one notation ---------------------------------------------------------------------------
    def _close(self, mask: int) -> None:
        todo = list(self.table[mask].values())
        while todo:
            s = todo.pop(0)
            if self.table[mask].get((s.layout, bool(s.above), s.claimed)) is not s:
                continue
            todo.extend(t for t in self._steps(s, mask) if self._add(mask, t))

    def _steps(self, s: State, mask: int) -> Iterator[State]:
        layout = s.layout
        bare = labels_of(layout)
        repeated = len(set(bare)) != len(bare)
        if not s.above:
            yield self._lifted(s, term.ONE, s.claimed)
            for c in self.claims:
                if c.above is not None and not s.claimed & c.bit:
                    yield self._lifted(s, c.above, s.claimed | c.bit)
            if len(s.below) == 1 and len(bare) == len(layout) == 1:
                place, t = s.below[0]
                column = (layout[0], None)
                yield State((), ((place, reindex(t, layout, column)),), column, s.claimed, t.weight + STEP)
            return
        if repeated:
            yield from self._diagonals(s, mask)
            return
        closed = [a for a in bare if a not in self.out and not self.holders[a] & ~mask]
        if closed:
            yield from self._sums(s, closed)
        place = min(p for p, _ in s.above)
        if len(layout) == len(bare) == 2:
            t = term.transpose(self.value(s))
            yield State(((place, t),), (), layout[::-1], s.claimed, t.weight)
        elif len(layout) == len(bare) > 2:
            swapped = (*layout[:-2], layout[-1], layout[-2])
            t = term.call("swapaxes", [self.value(s), term.number(-1), term.number(-2)], self.shape(swapped))
            yield State(((place, t),), (), swapped, s.claimed, t.weight)
        elif len(bare) == 1 and len(layout) <= 2:
            other: Layout = (bare[0], None) if len(layout) == 1 else bare
            t = reindex(self.value(s), layout, other)
            yield State(((place, t),), (), other, s.claimed, t.weight)

    def _lifted(self, s: State, numerator: Term, claimed: int) -> State:
        below = term.times([t for _, t in s.below], self.shape(s.layout))
        t = term.over(numerator, below, self.shape(s.layout))
        return State(((s.below[0][0], t),), (), s.layout, claimed, t.weight)

    def _diagonals(self, s: State, mask: int) -> Iterator[State]:
        """A label that stands twice: the trace if it is summed, else the diagonal."""
        if len(s.layout) != 2:
            return
        label = s.layout[0]
        assert label is not None
        place = min(p for p, _ in s.above)
        if label not in self.out and not self.holders[label] & ~mask:
            t = term.call("trace", [self.value(s)], ())
            yield State(((place, t),), (), (), s.claimed, t.weight)
        t = term.call("diag", [self.value(s)], self.shape((label,)))
        yield State(((place, t),), (), (label,), s.claimed, t.weight)

    def _sums(self, s: State, closed: list[int]) -> Iterator[State]:
        value = self.value(s)
        layout = s.layout
        place = min(p for p, _ in s.above)
        axes = [k for k, a in enumerate(layout) if a in closed]
        if len(closed) == len(labels_of(layout)):
            forms: list[tuple[Layout, dict[str, object]]] = [((), {})]
        else:
            axis: object = axes[0] if len(axes) == 1 else tuple(axes)
            forms = [(tuple(a for a in layout if a not in closed), {"axis": axis})]
            first = next(k for k, a in enumerate(layout) if a is not None and a not in closed)
            if first < axes[-1]:
                forms.append((tuple(None if a in closed else a for a in layout), {"axis": axis, "keepdims": True}))
        dims = [self.dims[a] for a in closed]
        for kept, options in forms:
            shape = self.shape(kept)
            blemish = 2 if "keepdims" in options else 0
            if not kept and len(layout) == 1 and _is_square_of_name(value):
                t = term.matmul(value.args[0], value.args[0], ())
            else:
                t = term.call("sum", [value], shape, blemish=blemish, **options)
            yield State(((place, t),), (), kept, s.claimed, t.weight)
            claimed = self._mean_claims(dims, s.claimed)
            if claimed:
                t = term.call("mean", [value], shape, blemish=blemish, **options)
                yield State(((place, t),), (), kept, s.claimed | claimed, t.weight)

    def _mean_claims(self, dims: list[Dim], claimed: int) -> int:
        """The divisors that together are the number of summed entries; 0 if there are none such."""
        bits = 0
        whole = 1
        for d in dims:
            if isinstance(d, int):
                whole *= d
                continue
            free = next((c.bit for c in self.claims if c.dim == d and not (claimed | bits) & c.bit), 0)
            if not free:
                return self._one_divisor(dims, claimed)
            bits |= free
        if whole != 1:
            free = next((c.bit for c in self.claims if c.dim == whole and not (claimed | bits) & c.bit), 0)
            if not free:
                return 0
            bits |= free
        return bits

    def _one_divisor(self, dims: list[Dim], claimed: int) -> int:
        size = dim_mul(*dims)
        return next((c.bit for c in self.claims if c.dim == size and not claimed & c.bit), 0)

    # --- values -----------------------------------------------------------------------------------------------------
    def value(self, s: State) -> Term:
        """The notation of a state that has factors above."""
        if len(s.above) == 1 and not s.below:
            return s.above[0][1]
        found = self.values.get(s)
        if found is None:
            found = self.values[s] = quotient([t for _, t in s.above], [t for _, t in s.below], self.shape(s.layout))
        return found

    def shape(self, layout: Layout) -> tuple[Dim, ...]:
        return tuple([1 if a is None else self.dims[a] for a in layout])


def quotient(above: Sequence[Term], below: Sequence[Term], shape: tuple[Dim, ...]) -> Term:
    """One division of two products; what is stretched to the shape stands behind what has it."""
    above = sorted(above, key=lambda t: 0 if t.shape == () else 1 if t.shape == shape else 2)
    top = term.times(above, shape)
    return term.over(top, term.times(below, shape), shape) if below else top


def _is_square_of_name(t: Term) -> bool:
    """x ** 2 of what needs no operation itself: its sum is x @ x."""
    return t.op == "power" and t.args[1].op == "number" and t.args[1].data == 2 and t.args[0].ops == 0


def _merge(a: tuple[Part, ...], b: tuple[Part, ...]) -> tuple[Part, ...]:
    if not a or not b:
        return a or b
    return tuple(sorted(a + b, key=lambda p: p[0]))


def _broadcast(a: Layout, b: Layout) -> Layout | None:
    """The layout of an elementwise product of which one operand has all the labels; None if the axes do not line up."""
    if len(a) < len(b):
        a, b = b, a
    extra = len(a) - len(b)
    result = list(a)
    from_a = from_b = True  # every label so far stands in a, in b
    for k, y in enumerate(b):
        x = a[extra + k]
        if x == y:
            continue
        if y is None:
            from_b = False
        elif x is None:
            from_a = False
            result[extra + k] = y
        else:
            return None
    from_b = from_b and not labels_of(a[:extra])
    bare = labels_of(tuple(result))
    if not (from_a or from_b) or len(set(bare)) != len(bare):
        return None
    return tuple(result)
