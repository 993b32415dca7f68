"""The usual mistakes in a derivative found by hand, as two tables.

A mistake of the result turns the right values into the claimed ones: transposed, a factor, a sum left out. A mistake of a rule is one
wrong step of the chain rule, and what the whole derivative then becomes: sigma for sigma', a derivative left out, a path left out. Both
are tried, and what explains the claim at every point is its diagnosis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations, permutations

import numpy as np

from symdiff.api.evidence import Array, Evidence, alike
from symdiff.api.factors import STEADY, Mistake, Multiple, factor, multiple, ratios_of
from symdiff.calculus import gradient
from symdiff.calculus.linear import times
from symdiff.calculus.partials import partial
from symdiff.calculus.reverse import active_nodes, gathered, operand_cotangents
from symdiff.expr import ops
from symdiff.expr.build import apply
from symdiff.expr.leaves import constant_value
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Const, Map
from symdiff.printing.formula import format_formula
from symdiff.rewrite import simplify_all
from symdiff.rules.elementwise import CHOICES

# --- mistakes of the result -----------------------------------------------------------------------------------------
Explained = tuple[str, str, list[Array], list[Array]]  # name, message, and the two lists of values that are then alike


def _transposed(evidence: Evidence) -> Iterator[Explained]:
    rank = evidence.expected[0].ndim
    for order in list(permutations(range(rank)))[1:] if 2 <= rank <= 4 else []:
        turned = [np.transpose(a, order) for a in evidence.claim] if evidence.claim[0].ndim == rank else []
        if turned:
            yield "transposed", "transposed: the claim is the transpose of the right formula", turned, evidence.expected


def _not_summed(evidence: Evidence) -> Iterator[Explained]:
    more = evidence.claim[0].ndim - evidence.expected[0].ndim
    for axes in combinations(range(evidence.claim[0].ndim), more) if more > 0 else ():
        where = f"axis {axes[0]}" if len(axes) == 1 else f"the axes {', '.join(map(str, axes))}"
        text = f"not summed: what was broadcast over {where} is summed over it in the gradient; write sum(..., axis={axes[0] if len(axes) == 1 else axes})"
        yield "not summed", text, [a.sum(axis=axes) for a in evidence.claim], evidence.expected


def _kept(evidence: Evidence) -> Iterator[Explained]:
    """An axis of size 1 too many or too few."""
    pairs = list(zip(evidence.claim, evidence.expected, strict=True))
    if all(c.ndim != r.ndim and c.size == r.size for c, r in pairs):
        text = "the shape only: the numbers are right, an axis of size 1 is too many or too few"
        yield "shape", text, [c.reshape(r.shape) for c, r in pairs], evidence.expected


def _summed_too_much(evidence: Evidence) -> Iterator[Explained]:
    less = evidence.expected[0].ndim - evidence.claim[0].ndim
    for axes in combinations(range(evidence.expected[0].ndim), less) if less > 0 else ():
        text = f"summed too much: the right formula keeps its axis {axes[0]}, the claim is its sum over it"
        yield "summed too much", text, evidence.claim, [a.sum(axis=axes) for a in evidence.expected]
    pairs = list(zip(evidence.claim, evidence.expected, strict=True))
    if less > 0 and all(_stretches(c, r) for c, r in pairs):
        text = "not broadcast: the numbers are right, but every entry of the gradient has its own; multiply by ones of the right shape"
        yield "not broadcast", text, [np.broadcast_to(c, r.shape) for c, r in pairs], evidence.expected


def _stretches(c: Array, r: Array) -> bool:
    return all(m in (1, n) for m, n in zip(c.shape[::-1], r.shape[::-1], strict=False))


def _diagonal(evidence: Evidence) -> Iterator[Explained]:
    claim, right = evidence.claim[0], evidence.expected[0]
    if claim.ndim == right.ndim == 2 and claim.shape[0] == claim.shape[1] and right.shape == claim.shape:
        text = "only the diagonal: the claim is right on the diagonal and zero off it"
        yield "only the diagonal", text, evidence.claim, [np.diag(np.diag(a)) for a in evidence.expected]


RESULTS: tuple[Callable[[Evidence], Iterator[Explained]], ...] = (
    _transposed, _not_summed, _kept, _summed_too_much, _diagonal,
)  # fmt: skip


def of_the_result(evidence: Evidence) -> Iterator[Mistake]:
    """The mistakes of the result that explain the claim."""
    if not evidence.claim_is_finite:
        yield Mistake("not finite", "the claim is not finite at points where the derivative is")
    plain = factor(evidence, evidence.claim, evidence.expected)
    if plain is not None:
        yield plain
    for row in RESULTS:
        for name, text, claim, right in row(evidence):
            if alike(claim, right):
                yield Mistake(name, text)
                break
            more = factor(evidence, claim, right)
            if more is not None and more.name in ("sign", "factor"):
                yield Mistake(name, f"{text}; and {more.message}")
                break


# --- mistakes of a rule ---------------------------------------------------------------------------------------------
Edge = tuple[Expr, int]  # a node and the position of an operand


def mistaken_gradient(loss: Expr, wrt: Expr, wrong: Mapping[Expr, Expr], scaled: Mapping[Edge, int] | None = None) -> Expr:
    """The gradient that comes out if the elementwise nodes in `wrong` have those derivatives, and if what flows along the edges in
    `scaled` is multiplied by those numbers (0 leaves a path out)."""
    scaled = scaled or {}
    order, positions = active_nodes([loss], [wrt])
    flowing: dict[Expr, list[Expr]] = {loss: [Const(1)]}
    for node in reversed(order):
        contributions = flowing.pop(node, None)
        if contributions is None:
            continue
        cotangent = gathered(contributions)
        if node is wrt:
            return cotangent
        if node in wrong:
            pairs = [(node.operands[k], times(wrong[node], cotangent, 0)) for k in positions[node]]
        else:
            pairs = operand_cotangents(node, positions, cotangent, 0)
        for place, (operand, contribution) in enumerate(pairs):
            weight = scaled.get((node, place), 1)
            if weight:
                flowing.setdefault(operand, []).append(contribution if weight == 1 else weight * contribution)
    return ops.zeros(wrt.shape)


MOST_NODES, MOST_EDGES, LONGEST_TERM = 24, 40, 60


def _spelt(node: Map) -> str:
    """f(u) for a node of the function f, u^2 for a power."""
    exponent = constant_value(node.args[-1]) if node.fn == "pow" else None
    return f"u**{exponent}" if exponent is not None else f"{node.fn}(u)"


def rule_mistakes(loss: Expr, wrt: Expr) -> Iterator[tuple[Mistake, Expr]]:
    """Wrong derivatives with the mistake that leads to each."""
    order, positions = active_nodes([loss], [wrt])
    maps = [e for e in order if isinstance(e, Map) and positions[e] and e.fn not in CHOICES and len(positions[e]) == 1][:MOST_NODES]
    for e in maps:
        f, one = _spelt(e), ops.ones(e.shape)
        k = positions[e][0]
        yield _of_rule("derivative missing", f"the derivative of {f} is missing", loss, wrt, {e: one})
        yield _of_rule("function for derivative", f"{f} stands where its derivative belongs", loss, wrt, {e: e})
        if e.fn != "pow":  # there it is a factor
            yield _of_rule("argument for derivative", f"the argument of {f} stands where its derivative belongs", loss, wrt, {e: e.args[k]})
        inside = _partial_at(e, e, k)
        if inside is not None:
            text = f"the derivative of {f} at the wrong place: it is taken at {f}, not at u"
            yield _of_rule("derivative at the wrong place", text, loss, wrt, {e: inside})
        for other in maps:
            if other is not e and other.shape == e.shape and other.fn == e.fn:
                text = f"the derivative of {f} at the wrong place: it is taken where another {e.fn} is"
                yield _of_rule("derivative at the wrong place", text, loss, wrt, {e: partial(other, positions[other][0])})
    for name, same in _by_function(maps).items():
        if len(same) > 1:
            text = f"the derivatives of all {name} are missing"
            yield _of_rule("derivative missing", text, loss, wrt, {e: ops.ones(e.shape) for e in same})
            yield _of_rule("function for derivative", f"{name} stands where its derivative belongs", loss, wrt, {e: e for e in same})


def _of_rule(name: str, text: str, loss: Expr, wrt: Expr, wrong: Mapping[Expr, Expr]) -> tuple[Mistake, Expr]:
    return Mistake(name, text), mistaken_gradient(loss, wrt, wrong)


def _by_function(maps: Sequence[Map]) -> dict[str, list[Map]]:
    table: dict[str, list[Map]] = {}
    for e in maps:
        table.setdefault(e.fn, []).append(e)
    return table


def _partial_at(e: Map, argument: Expr, k: int) -> Expr | None:
    """The derivative of the function of `e` at another argument."""
    args = tuple(argument if j == k else a for j, a in enumerate(e.args))
    moved = apply(e.fn, *args)
    return partial(moved, k) if isinstance(moved, Map) and moved.fn == e.fn else None


def _edges(loss: Expr, wrt: Expr) -> list[Edge]:
    """The places where what flows back divides: a path through each is a term of the gradient."""
    order, positions = active_nodes([loss], [wrt])
    return [(e, place) for e in reversed(order) if len(positions[e]) > 1 for place in range(len(positions[e]))][:MOST_EDGES]


def of_a_rule(evidence: Evidence, loss: Expr, wrt: Expr) -> Iterator[Mistake]:
    """The mistakes of a rule that explain the claim: those of a term first, those that need a factor besides last."""
    if evidence.claim[0].shape != evidence.expected[0].shape:
        return
    yield from _of_a_term(evidence, loss, wrt)
    rows = list(rule_mistakes(loss, wrt))
    late = []
    for (mistake, _), values in zip(rows, evidence.values([e for _, e in rows]), strict=False):
        if alike(values, evidence.expected):
            continue  # no mistake at all
        if alike(values, evidence.claim):
            yield mistake
        elif (more := factor(evidence, evidence.claim, values, "what that gives")) is not None and more.name in ("sign", "factor"):
            late.append(Mistake(mistake.name, f"{mistake.message}; and {more.message}"))
    yield from late


def _of_a_term(evidence: Evidence, loss: Expr, wrt: Expr) -> Iterator[Mistake]:
    """A path of the chain rule left out, or multiplied by something: the claim is off by a multiple of one term."""
    without = [mistaken_gradient(loss, wrt, {}, {edge: 0}) for edge in _edges(loss, wrt)]
    off = [c - r for c, r in zip(evidence.claim, evidence.expected, strict=True)]
    for e, values in zip(without, evidence.values(without), strict=False):
        terms = [r - v for r, v in zip(evidence.expected, values, strict=True)]
        ratios = ratios_of(off, terms)
        if ratios is None:
            continue
        weights = [1 + r for r in ratios]
        missing = max(map(abs, weights)) <= STEADY
        found = None if missing else multiple(evidence, weights)
        if not missing and found is None:
            continue
        (term,) = simplify_all([gradient(loss, [wrt])[0] - e])
        text = format_formula(term)
        said = f": {text.text}" if len(text.text) <= LONGEST_TERM and not text.where else ""
        if found is None:
            yield Mistake("missing term", f"a term is missing{said}")
        elif found == Multiple(Fraction(-1)):
            yield Mistake("sign of a term", f"the sign of a term{said}")
        else:
            minus = "minus " if found.number < 0 else ""
            yield Mistake(
                "factor of a term",
                f"a factor of a term: it is {minus}{found.text()} what it should be{said}{found.hint() and ';' + found.hint()[1:]}",
            )
