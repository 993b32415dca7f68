"""The engine: every node is brought to normal form, operands first, and the whole is repeated until nothing changes.

One visit to a node tries, in this order: the elementwise identities, the normal form of its product or sum, and the expansion of sums
inside a product where their terms meet factors that they can cancel with. A change is kept if it is canonical or lowers the measure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from symdiff.expr.algebra import add, zeros_of
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Add, Const, Contract, Gather, GatherT, Linalg, Map, Reduce, Reshape, Scan, Scatter, Slice
from symdiff.expr.rebuild import with_operands
from symdiff.expr.traverse import node_count, use_counts
from symdiff.rewrite.addends import opened
from symdiff.rewrite.choices import COMPARISONS, visit_comparison, visit_where
from symdiff.rewrite.expand import expanded, expanded_terms
from symdiff.rewrite.fractions import cleared, divided, number_inside, over_common_denominator
from symdiff.rewrite.match import rewrite
from symdiff.rewrite.matrices import visit_linalg
from symdiff.rewrite.measure import cost, cost_beside, operations
from symdiff.rewrite.orientation import Signs
from symdiff.rewrite.powers import number_out_of_power
from symdiff.rewrite.products import normal_product
from symdiff.rewrite.rank import lower_rank, number_in_front, number_of_array, reduced_rank, visit_reshape
from symdiff.rewrite.softmax import log_of_sum, shifted_logsumexp
from symdiff.rewrite.sums import normal_sum
from symdiff.rewrite.terms import as_term, collect
from symdiff.rewrite.workshop import Products
from symdiff.rewrite.writing import written
from symdiff.rules.identities import ELEMENTWISE, Identity

ROUNDS = 12  # until a normal form is reached
PASSES = 3  # until a written form is
ENOUGH = 2500  # visits, after which no further round begins
LARGE = 3000  # nodes; above this, one round without trials: identities, products, like terms
MOST_INNER = 8  # terms of shared inner sums that a sum is searched for
FUEL = 24  # changes of one node in one round
DEPTH = 4  # trials within trials
TRIALS = 80  # products brought to normal form in one visit, after which no further trial begins
ALL_TRIALS = 4000  # those of the first round, in equal shares; the second round has half of them, the third a third
CHAIN = 2  # trials one after the other: one fraction cleared may be what the next needs


class Step(NamedTuple):
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

    def __init__(
        self, roots: Sequence[Expr], steps: list[Step] | None, signs: Signs, large: bool = False, before: Round | None = None
    ) -> None:
        self.signs = signs
        self.before = before
        self.fixed: set[Expr] = set()  # nodes that a visit left as they were
        self.stirred: set[Expr] = set()  # products, sums and powers over what may be opened now and could not before, or the reverse
        self.large = large
        self.depth = 0
        self.product = Products(lambda term: normal_product(term, self.may_open, signs.turn))
        self.uses: Counter[Expr] = use_counts(*roots)
        self.number: int = 1 if before is None else before.number + 1
        self.visits: int = 0 if before is None else before.visits  # of all rounds
        self.share = min(TRIALS, ALL_TRIALS // (len(self.uses) * self.number))
        self.normal: dict[Expr, Expr] = {}
        self.shared: set[Expr] = set()
        self.steps = steps

    def run(self, e: Expr) -> Expr:
        for node in topological(e, until=lambda n: n in self.normal):
            if node in self.normal:
                continue
            result = with_operands(node, tuple([self.normal[o] for o in node.operands]))
            moved = any(self._moved(o) for o in result.operands)
            if moved and (isinstance(result, (Add, Contract)) or (isinstance(result, Map) and result.fn == "pow")):
                self.stirred.add(result)
            if moved or self.before is None or result not in self.before.fixed:
                result = self._rewritten(result)
            self.normal[node] = result
            self.normal.setdefault(result, result)
            if self.uses[node] > 1:
                self.shared.add(result)
            if result is node and not self.depth:
                self.fixed.add(node)
        return self.normal[e]

    def _moved(self, e: Expr) -> bool:
        """Whether a node looks otherwise than in the round before to those above it."""
        return e in self.stirred or (self.before is not None and (e in self.shared) != (e in self.before.shared))

    def _rewritten(self, e: Expr) -> Expr:
        """A node over operands in normal form, visited until nothing changes."""
        result = e
        for _ in range(FUEL):
            before = result
            result = self.visit(before)
            if result is before:
                break
            result = self._below(result)
        return result

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
        self.visits += 1
        if not self.depth:
            self.product.begin(self.share)
        match e:
            case Const():
                return number_of_array(e)
            case Map():
                return self.visit_map(e)
            case Contract():
                return self.visit_product(e)
            case Add():
                return self.visit_sum(e)
            case Reduce():
                shifted = shifted_logsumexp(e)
                return reduced_rank(e) if shifted is None else shifted
            case Linalg():
                return visit_linalg(e)
            case Reshape():
                return number_in_front(visit_reshape(e))
            case Slice() | Scan(kind="cumsum") | Gather() | GatherT() | Scatter():
                return number_in_front(e)
        return e

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
            candidate: Expr | None = best
            for _ in range(CHAIN):
                candidate = trial(as_term(candidate), self.product) if isinstance(candidate, Contract) else None
                if candidate is None:
                    break
                if cost(candidate) < cost(best):
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
        fewer = self.fewer_terms(e)
        if fewer is not None and cost(fewer) < cost(best):
            best = fewer
        fraction = over_common_denominator(terms, self.product)
        return best if fraction is None or cost(fraction) >= cost(best) else fraction

    def fewer_terms(self, e: Add) -> Expr | None:
        """A sum in which terms cancel against those of inner sums that others use as well: 1 - r for an r = 1 - u is u."""
        inner = [o for t in e.terms for o in (t, *t.operands) if isinstance(o, Add) and not self.may_open(o)]
        if not inner or sum(len(o.terms) for o in inner) > MOST_INNER:
            return None
        terms = collect(opened(e, lambda o: o in inner or self.may_open(o)))
        if len(terms) >= len(e.terms):
            return None
        return add(*(t.expr() for t in terms)) if terms else zeros_of(e.shape)

    def settle(self, e: Expr) -> Expr:
        """A new expression in normal form, as far down as DEPTH trials within trials, while there are TRIALS left."""
        if self.depth == DEPTH or self.product.tired:
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
        if e.fn == "pow":
            return number_out_of_power(e)
        if e.fn == "where":
            return visit_where(e)
        if e.fn in COMPARISONS:
            return visit_comparison(e, self.settle)
        return e


def simplify_all(roots: Sequence[Expr], steps: list[Step] | None = None, large: int = LARGE, strict: bool = True) -> list[Expr]:
    """Several expressions in normal form, together, so that what they share stays shared.

    `steps`, if given, is told each identity that was used. More than `large` nodes get one round without trials.
    Where all that does not make them shorter they are left as they are; if not `strict`, they have been through such a round.
    """
    current = list(roots)
    if node_count(*current) > large:
        return written(rounds(current, steps, 1)[0])
    last: Round | None = None
    for _ in range(PASSES):
        normal, last = rounds(current, steps, ROUNDS, last)
        new = written(normal)
        if new == current:
            break
        current = new
        if last is not None and last.visits > ENOUGH:
            break
    most = operations(roots)
    if operations(current) <= most:
        return current
    plain = written(rounds(roots, None, 1)[0])
    return plain if not strict or operations(plain) <= most else list(roots)


def rounds(roots: Sequence[Expr], steps: list[Step] | None, most: int, last: Round | None = None) -> tuple[list[Expr], Round | None]:
    """Rounds until nothing changes, the first after `last`; and the last of them."""
    current = list(roots)
    signs = Signs(current)
    for _ in range(most):
        last = Round(current, steps, signs, large=most == 1, before=last)
        new = [last.run(e) for e in current]
        if new == current or last.visits > ENOUGH:
            return new, last
        current = new
    return current, last


def simplify(e: Expr, steps: list[Step] | None = None) -> Expr:
    """The expression in normal form: equal in value wherever it is defined and finite, never with more operations.

    >>> from symdiff.expr.leaves import var
    >>> from symdiff.expr import ops
    >>> x = var('x')
    >>> simplify(ops.log(ops.exp(x)) + x - 2 * x) is ops.zeros(())
    True
    """
    return simplify_all([e], steps)[0]
