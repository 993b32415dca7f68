"""What is printed inside what: use counts as a reader meets them, and inner products and sums written out in the outer ones.

A product that only one other product uses is part of that network, so that the search sees all factors at once; likewise a sum in a
sum. Shared nodes stay whole: they get a name. Everything is linear in the number of nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from symdiff.expr.algebra import add, contract
from symdiff.expr.build import power
from symdiff.expr.dims import Shape, dim_mul
from symdiff.expr.leaves import multiply_numbers
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Add, Contract, Delta, Labels, Number, Ones
from symdiff.printing.view import Reader, View, exponent_of, scalar_constant, softmax_factor, softmax_pair

MOST_FACTORS = 7  # a network of more is not written out further
MOST_TERMS = 60
LARGE = 2000  # nodes: of an expression beyond this, only short products are searched


class Network(NamedTuple):
    """A product: a number and factors with labelled axes, over the labels `out`."""

    coefficient: Number
    factors: tuple[tuple[Expr, Labels], ...]
    out: Labels


class Sum(NamedTuple):
    terms: tuple[tuple[bool, Expr], ...]


class Plan(NamedTuple):
    """The printed parts of one node."""

    view: View
    parts: tuple[Expr, ...]
    content: Network | Sum | None = None


def ordered(roots: Iterable[Expr], operands: Callable[[Expr], tuple[Expr, ...]]) -> Iterator[Expr]:
    """Each node once, operands first, where `operands` says what they are."""
    done: set[Expr] = set()
    stack: list[tuple[Expr, bool]] = [(r, False) for r in reversed(list(roots))]
    while stack:
        e, ready = stack.pop()
        if e in done:
            continue
        if ready:
            done.add(e)
            yield e
        else:
            stack.append((e, True))
            stack.extend((o, False) for o in reversed(operands(e)))


def network_of(e: Contract) -> Network:
    coefficient: Number = 1
    factors = []
    for f, ls in zip(e.factors, e.labels, strict=True):
        if scalar_constant(f):
            coefficient = multiply_numbers(coefficient, f.value)  # type: ignore[attr-defined]
        else:
            factors.append((f, ls))
    return Network(coefficient, tuple(factors), e.out)


class Planner:
    """Plans for all nodes below the roots. `given` are printed by a name and not entered; `named` are entered, and stay whole.
    `norms` reads ‖v‖ where ‖v‖² is shared, too."""

    def __init__(self, roots: Sequence[Expr], given: Collection[Expr], named: Collection[Expr], norms: bool = False) -> None:
        self.atoms = frozenset(given) | frozenset(named)
        self.reader = Reader(roots, frozenset(given), self.atoms, norms)
        order = list(ordered(roots, lambda e: self.reader.view(e).operands))
        self.uses: dict[Expr, int] = dict.fromkeys(order, 0)
        for r in roots:
            self.uses[r] += 1
        for e in reversed(order):
            through = self.uses[e] if self.transparent(e) else 1
            for o in self.reader.view(e).operands:
                self.uses[o] += through
        self.most_factors = MOST_FACTORS if len(order) <= LARGE else 3
        self.plans: dict[Expr, Plan] = {}
        self.chunks: set[Expr] = set()
        stack = list(roots)
        while stack:
            e = stack.pop()
            if e not in self.plans:
                plan = self.plans[e] = self._plan(e)
                stack.extend(plan.parts)
        self.order = list(ordered(roots, lambda e: self.plans[e].parts))
        self.uses = dict.fromkeys(self.order, 0)
        for r in roots:
            self.uses[r] += 1
        for e in reversed(self.order):
            through = self.uses[e] if self.transparent(e) else 1
            for o in self.plans[e].parts:
                self.uses[o] += through

    def transparent(self, e: Expr) -> bool:
        """Printed by its one operand, with a sign or other axes at most: a name for it would hide more than it says."""
        if e in self.atoms:
            return False
        view = self.reader.view(e)
        if view.kind == "reciprocal":
            return True
        if view.kind != "Contract":
            return False
        assert isinstance(e, Contract)
        heavy = [f for f in view.operands if not isinstance(f, Ones)]
        if len(heavy) != 1 or isinstance(heavy[0], Delta) or network_of(e).coefficient not in (1, -1):
            return False
        return all(ls[k] in e.out or d == 1 for f, ls in zip(e.factors, e.labels, strict=True) for k, d in enumerate(f.shape))

    def _inlined(self, e: Expr, kind: str) -> bool:
        return (
            e not in self.atoms
            and e not in self.chunks
            and self.reader.view(e).kind == kind
            and (self.uses.get(e, 1) <= 1 or self.transparent(e))
        )

    def _plan(self, e: Expr) -> Plan:
        view = self.reader.view(e)
        if view.kind == "Contract":
            assert isinstance(e, Contract)
            network = self._network(network_of(e))
            return Plan(view, self._parts(network), network)
        if view.kind == "Add":
            assert isinstance(e, Add)
            content = self._sum(e)
            return Plan(view, tuple(t for _, t in content.terms), content)
        if view.kind == "Reshape" and self._inlined(e.operands[0], "Contract"):
            inner = e.operands[0]
            assert isinstance(inner, Contract)
            network = self._network(network_of(inner))
            if is_kronecker(network, inner.shape, e.shape):
                return Plan(View("kron", view.operands), self._parts(network), network)
        return Plan(view, view.operands)

    def _parts(self, network: Network) -> tuple[Expr, ...]:
        """The nodes whose notation a network needs: of a reciprocal, what it divides by."""
        parts = []
        for f, _ in network.factors:
            view = self.reader.view(f)
            parts.append(view.operands[0] if view.kind == "reciprocal" else f)
        return tuple(parts)

    def _network(self, network: Network) -> Network:
        """With the inner products written out, products below the line divided, and exp(Z) / sum(exp(Z)) as one factor."""
        coefficient = network.coefficient
        done: list[tuple[Expr, Labels]] = []
        todo = list(network.factors)
        fresh = 1 + max((label for _, ls in network.factors for label in ls), default=0)
        while todo:
            f, ls = todo.pop(0)
            if self._inlined(f, "Contract"):
                assert isinstance(f, Contract)
                inner = network_of(f)
                if len(done) + len(todo) + len(inner.factors) <= self.most_factors or len(inner.factors) <= 1:
                    rename = dict(zip(inner.out, ls, strict=True))
                    own = sorted({label for _, inner_ls in inner.factors for label in inner_ls} - set(inner.out))
                    rename |= {label: fresh + k for k, label in enumerate(own)}
                    fresh += len(own)
                    coefficient = multiply_numbers(coefficient, inner.coefficient)
                    todo[:0] = [(g, tuple(rename[label] for label in inner_ls)) for g, inner_ls in inner.factors]
                    continue
            if f.shape == () and exponent_of(f) == -1 and self._inlined(f.operands[0], "Contract") and f not in self.atoms:
                below = network_of(f.operands[0])  # type: ignore[arg-type]
                if all(g.shape == () for g, _ in below.factors) and isinstance(below.coefficient, (int, Fraction)):
                    coefficient = multiply_numbers(coefficient, 1 / Fraction(below.coefficient))
                    done.extend((power(g, -1), ()) for g, _ in below.factors)
                    continue
            done.append((f, ls))
        return Network(coefficient, tuple(self._with_identity(self._softmax(done), network.out)), network.out)

    def _softmax(self, factors: list[tuple[Expr, Labels]]) -> list[tuple[Expr, Labels]]:
        for i, (f, ls) in enumerate(factors):
            for j, (g, g_ls) in enumerate(factors):
                found = softmax_pair(f, ls, g, g_ls)
                if found is not None and not {f, g} & self.atoms:
                    rest = [pair for k, pair in enumerate(factors) if k not in (i, j)]
                    rest.insert(min(i, j), (softmax_factor(*found), ls))
                    return rest
        return factors

    def _with_identity(self, factors: list[tuple[Expr, Labels]], out: Labels) -> list[tuple[Expr, Labels]]:
        """diag(p) - outer(p, p) for p_i (I - 1 p')_ij: vectors that scale a sum with an identity in it are multiplied into the sum.

        Only where the sum stays a matrix: in (A + I) x the vector is summed away.
        """
        for f, ls in factors:
            if len(set(ls)) == 2 == len(ls) and self._inlined(f, "Add") and any(_has_identity(t) for t in f.operands):
                scales = [(g, own) for g, own in factors if len(own) == 1 and own[0] in ls and self.reader.view(g).kind != "reciprocal"]
                others = {label for pair in factors if pair not in scales and pair != (f, ls) for label in pair[1]} | set(out)
                if scales and others.issuperset(ls):
                    inside = add(*(contract([*scales, (t, ls)], ls) for t in f.operands))
                    rest = [pair for pair in factors if pair not in scales]
                    return [(inside, ls) if pair == (f, ls) else pair for pair in rest]
        return factors

    def _sum(self, e: Add) -> Sum:
        if len(e.terms) > MOST_TERMS:
            return Sum(tuple((True, t) for t in self._chunked(e.terms)))
        terms: list[tuple[bool, Expr]] = []
        todo = [(True, t) for t in reversed(e.terms)]
        while todo:
            sign, t = todo.pop()
            inner, positive = self._under_sign(t)
            if self._inlined(inner, "Add") and len(terms) + len(todo) + len(inner.operands) <= MOST_TERMS:
                todo.extend((sign == positive, u) for u in reversed(inner.operands))
            else:
                terms.append((sign, t))
        return Sum(tuple(terms))

    def _chunked(self, terms: tuple[Expr, ...]) -> tuple[Expr, ...]:
        """Partial sums, each to be named, of a sum too long for one line."""
        while len(terms) > MOST_TERMS:
            parts = [Add(terms[k : k + MOST_TERMS]) for k in range(0, len(terms), MOST_TERMS)]
            self.chunks.update(parts)
            terms = tuple(parts)
        return terms

    def _under_sign(self, t: Expr) -> tuple[Expr, bool]:
        """(x, False) of a -x that nothing else uses, else (t, True)."""
        if self._inlined(t, "Contract"):
            assert isinstance(t, Contract)
            network = network_of(t)
            if network.coefficient == -1 and len(network.factors) == 1 and network.factors[0][1] == network.out:
                return network.factors[0][0], False
        return t, True


def _has_identity(e: Expr) -> bool:
    return isinstance(e, Delta) or (isinstance(e, Contract) and any(isinstance(f, Delta) for f in e.factors))


def is_kronecker(network: Network, shape: Shape, to: Shape) -> bool:
    """Whether a product of this shape, reshaped, is a Kronecker product: every other axis is one matrix's, and nothing connects the two."""
    if len(shape) != 2 * len(to) or len(to) not in (1, 2) or any(dim_mul(*shape[2 * k : 2 * k + 2]) != d for k, d in enumerate(to)):
        return False
    single = {label for label, d in zip(network.out, shape, strict=True) if d == 1}  # the other side of a row or a column
    left, right = set(network.out[::2]) - single, set(network.out[1::2]) - single
    labelled = [own for _, ls in network.factors if (own := set(ls) - single)]
    parts = components(labelled)
    owned = [set().union(*(labelled[k] for k in part)) & set(network.out) for part in parts]
    apart = all(own <= left or own <= right for own in owned)
    return apart and all(own for own in owned) and bool(left) and bool(right) and left | right == set().union(*owned)


def components(labels: Sequence[set[int]]) -> list[list[int]]:
    """Positions grouped by shared labels, each group and the groups in order of first appearance."""
    groups: list[tuple[set[int], list[int]]] = []
    for k, own in enumerate(labels):
        joined = [g for g in groups if g[0] & own]
        merged = (own.union(*(g[0] for g in joined)), sorted([k, *(i for g in joined for i in g[1])]))
        groups = [g for g in groups if g not in joined]
        groups.append(merged)
    return sorted((members for _, members in groups), key=lambda members: members[0])
