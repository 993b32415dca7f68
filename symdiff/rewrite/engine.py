"""The engine: every node is brought to normal form, operands first, and the whole is repeated until nothing changes.

One visit to a node tries, in this order: the elementwise identities, the normal form of its product or sum, and the expansion of sums
inside a product where their terms meet factors that they can cancel with. A change is kept if it is canonical or lowers the measure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from symdiff.expr import ops
from symdiff.expr.algebra import add, broadcast_to, contract, permute, zeros_of
from symdiff.expr.build import apply
from symdiff.expr.dims import Shape
from symdiff.expr.leaves import constant_value
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Add, Const, Contract, Delta, Gather, GatherT, Linalg, Map, Ones, Reduce, Reshape, Scan, Scatter, Slice
from symdiff.expr.rebuild import with_operands
from symdiff.expr.traverse import node_count, transform, use_counts
from symdiff.rewrite.choices import COMPARISONS, bound_apart, visit_comparison, visit_where
from symdiff.rewrite.expand import expanded, expanded_terms
from symdiff.rewrite.fractions import cleared, divided, number_inside, over_common_denominator
from symdiff.rewrite.match import rewrite
from symdiff.rewrite.measure import cost, cost_beside
from symdiff.rewrite.orientation import Signs, sign_into_sum
from symdiff.rewrite.powers import join_equal_powers
from symdiff.rewrite.products import normal_product
from symdiff.rewrite.softmax import log_of_sum, shifted_logsumexp
from symdiff.rewrite.sums import drop_axes, normal_sum, opened
from symdiff.rewrite.terms import Term, as_term, collect
from symdiff.rules.identities import ELEMENTWISE, Identity

ROUNDS = 12  # until a normal form is reached
PASSES = 3  # until a written form is
LARGE = 3000  # nodes; above this, one round without trials: identities, products, like terms
FUEL = 24  # changes of one node in one round
DEPTH = 4  # trials within trials


@dataclass(frozen=True, slots=True)
class Step:
    """One rewriting: the name of the rule, the expression before and after. Both are equal wherever the first is defined."""

    rule: str
    before: Expr
    after: Expr


def by_function(identities: Sequence[Identity]) -> dict[str, list[Identity]]:
    """Identities by the function at the root of their left side."""
    table: dict[str, list[Identity]] = {}
    for identity in identities:
        assert isinstance(identity.left, Map)
        table.setdefault(identity.left.fn, []).append(identity)
    return table


_BY_FUNCTION = by_function(ELEMENTWISE)


class Round:
    """One pass over a DAG. Normal forms are remembered by node, so that a shared node is treated once."""

    def __init__(self, roots: Sequence[Expr], steps: list[Step] | None, signs: Signs, large: bool = False) -> None:
        self.signs = signs
        self.large = large
        self.depth = 0
        self.uses: Counter[Expr] = use_counts(*roots)
        self.normal: dict[Expr, Expr] = {}
        self.shared: set[Expr] = set()
        self.steps = steps

    def run(self, e: Expr) -> Expr:
        for node in topological(e, until=lambda n: n in self.normal):
            if node in self.normal:
                continue
            result = with_operands(node, tuple(self.normal[o] for o in node.operands))
            for _ in range(FUEL):
                before = result
                result = self.visit(before)
                if result is before:
                    break
                result = self._below(result)
            self.normal[node] = result
            self.normal.setdefault(result, result)
            if self.uses[node] > 1:
                self.shared.add(result)
        return self.normal[e]

    def _below(self, e: Expr) -> Expr:
        """Bring the new operands of a rewritten node to normal form."""
        if all(o in self.normal for o in e.operands):
            return e
        return with_operands(e, tuple(self.run(o) for o in e.operands))

    def may_open(self, e: Expr) -> bool:
        """Whether a product or sum may be joined into the one above: not if others use it as well."""
        return e not in self.shared

    def log(self, rule: str, before: Expr, after: Expr) -> None:
        if self.steps is not None:
            self.steps.append(Step(rule, before, after))

    def visit(self, e: Expr) -> Expr:
        match e:
            case Map():
                return self.visit_map(e)
            case Contract():
                return self.visit_product(e)
            case Add():
                return self.visit_sum(e)
            case Reduce():
                shifted = shifted_logsumexp(e)
                return e if shifted is None else shifted
            case Linalg():
                return visit_linalg(e)
            case Reshape():
                return number_in_front(visit_reshape(e))
            case Slice() | Scan(kind="cumsum") | Gather() | GatherT() | Scatter():
                return number_in_front(e)
        return e

    def product(self, term: Term) -> Expr:
        return normal_product(term, self.may_open, self.signs.turn)

    def visit_product(self, e: Contract) -> Expr:
        """The shorter of: products that others use as well opened, so that they can cancel here, or left whole and then not paid for."""
        names: list[str] = []
        result = normal_product(as_term(e), self.may_open, self.signs.turn, names.append)
        for name in names:
            self.log(name, e, result)
        if self.large:
            return result
        result = self.shortest_product(result)
        whole = normal_product(as_term(e), self.may_open, self.signs.turn, open_shared=False)
        given = [f for f in topological(whole, until=lambda f: f in self.shared or not isinstance(f, Contract)) if f in self.shared]
        given = [f for f in given if isinstance(f, Contract)]
        if given and whole is not result:
            result, whole = self._below(result), self.shortest_product(whole)
            if cost_beside(whole, given) < cost_beside(result, given):
                return whole
        return result

    def shortest_product(self, e: Expr) -> Expr:
        """The shortest of: the product as it is, multiplied out, with its fractions cleared, with its number in a sum."""
        best = expanded(e, self.product, self.settle, self.may_open)
        for trial in (partial(cleared, may_open=self.may_open), divided, number_inside):
            candidate = trial(as_term(best), self.product) if isinstance(best, Contract) else None
            if candidate is not None and cost(candidate) < cost(best):
                best = candidate
        return best

    def visit_sum(self, e: Add) -> Expr:
        """The shortest of: inner sums opened, left as they are, and products multiplied out where terms can cancel."""
        if self.large:
            kept = collect([as_term(t) for t in e.terms])
            return add(*(t.expr() for t in kept)) if kept else zeros_of(e.shape)
        terms = opened(e, self.may_open)
        best = normal_sum(terms, self.product)
        for trial in ([as_term(t) for t in e.terms], expanded_terms(terms, self.product)):
            if trial is not None and len(trial) > 1 and list(trial) != terms:
                candidate = normal_sum(trial, self.product)
                if cost(candidate) < cost(best):
                    best = candidate
        fraction = over_common_denominator(terms, self.product)
        return best if fraction is None or cost(fraction) >= cost(best) else fraction

    def settle(self, e: Expr) -> Expr:
        """A new expression in normal form, as far down as DEPTH trials within trials."""
        if self.depth == DEPTH:
            return e
        self.depth += 1
        try:
            return self.run(e)
        finally:
            self.depth -= 1

    def visit_map(self, e: Map) -> Expr:
        lowered = lower_rank(e)
        if lowered is not e:
            return lowered
        for identity in _BY_FUNCTION.get(e.fn, ()):
            result = rewrite(identity, e)
            if result is not None and result is not e:
                self.log(identity.name, e, result)
                return result
        summed = log_of_sum(e)
        if summed is not None:
            self.log("log-sum-exp", e, summed)
            return summed
        if e.fn == "where":
            return visit_where(e)
        if e.fn in COMPARISONS:
            return visit_comparison(e, self.settle)
        return e


def lower_rank(e: Map) -> Expr:
    """f of a broadcast or transposed array is the broadcast or transpose of f: computed once for each different entry."""
    if not e.shape:
        return e
    terms = [as_term(a) for a in e.args]
    carried: set[int] = set()
    for t in terms:
        own = {label for f, ls in t.factors if not isinstance(f, Ones) for label in ls}
        carried |= {k for k, label in enumerate(t.out) if label in own}
    idle = [k for k in range(len(e.shape)) if k not in carried]
    if idle:
        inner = apply(e.fn, *(drop_axes(t, idle).expr() for t in terms))
        kept = tuple(k for k in range(len(e.shape)) if k not in idle)
        return contract([(inner, kept), *((Ones(e.shape[k]), (k,)) for k in idle)], tuple(range(len(e.shape))))
    moving = [k for k, a in enumerate(e.args) if constant_value(a) is None]
    if len(moving) == 1 and isinstance(e.args[moving[0]], Contract):
        t = terms[moving[0]]
        if len(t.factors) == 1 and t.factors[0][1] != t.out and set(t.factors[0][1]) == set(t.out) and len(t.factors[0][1]) == len(t.out):
            order = [t.factors[0][1].index(label) for label in t.out]
            back = tuple(order.index(a) for a in range(len(order)))
            core = t.factors[0][0].shape
            args = [permute(a, back) if k == moving[0] else refilled(a, core) for k, a in enumerate(e.args)]
            return permute(apply(e.fn, *args), order)
    return e


def refilled(a: Expr, shape: Shape) -> Expr:
    """A broadcast constant under another shape."""
    value = constant_value(a)
    assert value is not None
    return broadcast_to(Const(value), shape)


def number_in_front(e: Expr) -> Expr:
    """A linear node over k x is k times the node over x."""
    if not isinstance(e, (Slice, Scan, Gather, GatherT, Scatter, Reshape)):
        return e
    moved = e.operands if isinstance(e, Scatter) else e.operands[:1]
    numbers = {as_term(o).coefficient for o in moved}
    scale = numbers.pop()
    if numbers or scale in (0, 1) or any(constant_value(o) is not None for o in moved):
        return e
    bare = tuple(Term(1, as_term(o).factors, as_term(o).out).expr() for o in moved)
    inner = with_operands(e, (*bare, *e.operands[len(bare) :]))
    every = tuple(range(len(e.shape)))
    return contract([(Const(scale), ()), (inner, every)], every)


def visit_reshape(e: Reshape) -> Expr:
    """The identity of order m n, its axes split into (m, n), is the product of two identities."""
    half = len(e.to) // 2
    if isinstance(e.x, Delta) and len(e.to) % 2 == 0 and e.to[:half] == e.to[half:]:
        return contract([(Delta(d), (k, half + k)) for k, d in enumerate(e.to[:half])], tuple(range(len(e.to))))
    return e


def visit_linalg(e: Linalg) -> Expr:
    """inv(A.T) = inv(A).T; inv(inv(A)) = A; the determinant of a transpose or an inverse."""
    a = e.args[0]
    if e.fn == "solve":
        return ops.inv(a) @ e.args[1]
    if len(a.shape) == 2 and isinstance(a, Contract):
        t = as_term(a)
        if t.coefficient == 1 and len(t.factors) == 1 and t.factors[0][1] == t.out[::-1] and len(t.out) == 2:
            inner = t.factors[0][0]
            if e.fn == "inv":
                return ops.inv(inner).T
            if e.fn in ("det", "logdet"):
                return Linalg(e.fn, (inner,))
    if e.fn == "inv" and isinstance(a, Linalg) and a.fn == "inv":
        return a.args[0]
    if e.fn == "logdet" and isinstance(a, Linalg) and a.fn == "inv":
        return -ops.logdet(a.args[0])
    return e


def simplify_all(roots: Sequence[Expr], steps: list[Step] | None = None) -> list[Expr]:
    """Several expressions in normal form, together, so that what they share stays shared.

    `steps`, if given, is told each identity that was used.
    """
    current = list(roots)
    if node_count(*current) > LARGE:
        return finished(rounds(current, steps, 1))
    for _ in range(PASSES):
        new = finished(rounds(current, steps, ROUNDS))
        if new == current:
            break
        current = new
    return current


def rounds(roots: Sequence[Expr], steps: list[Step] | None, most: int) -> list[Expr]:
    """Rounds until nothing changes."""
    current = list(roots)
    signs = Signs(current)
    for _ in range(most):
        one = Round(current, steps, signs, large=most == 1)
        new = [one.run(e) for e in current]
        if new == current:
            break
        current = new
    return current


def finished(roots: Sequence[Expr]) -> list[Expr]:
    """Normal forms as they are written: signs in sums, bounds apart from what they bound, equal powers as one."""
    shared = {e for e, count in use_counts(*roots).items() if count > 1}

    def change(e: Expr, operands: tuple[Expr, ...]) -> Expr:
        new = sign_into_sum(bound_apart(join_equal_powers(with_operands(e, operands), shared)), shared)
        if e in shared:
            shared.add(new)
        return new

    return transform(roots, change)


def simplify(e: Expr, steps: list[Step] | None = None) -> Expr:
    """The expression in normal form: equal in value wherever it is defined and finite, never with more operations.

    >>> from symdiff.expr.leaves import var
    >>> from symdiff.expr import ops
    >>> x = var('x')
    >>> simplify(ops.log(ops.exp(x)) + x - 2 * x) is ops.zeros(())
    True
    """
    return simplify_all([e], steps)[0]
