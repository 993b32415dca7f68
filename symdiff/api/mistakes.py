"""The usual mistakes in a derivative found by hand, as two tables.

A mistake of the result turns the right values into the claimed ones: transposed, a factor, a sum left out. A mistake of a rule is one
wrong step of the chain rule, and what the whole derivative then becomes: sigma for sigma', a derivative left out, a path left out. Both
are tried, and what explains the claim at every point is its diagnosis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, permutations

import numpy as np

from symdiff.api.evidence import CLOSE, Array, Evidence, alike, distance
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


@dataclass(frozen=True)
class Mistake:
    """What is wrong with a claim: a short name of the mistake, and how to mend it."""

    name: str
    message: str


# --- a factor -----------------------------------------------------------------------------------------------------
def _ratios(claim: Sequence[Array], right: Sequence[Array]) -> list[float] | None:
    """The number by which the right values are multiplied at each point, if it is one number for all entries."""
    found = []
    for c, r in zip(claim, right, strict=True):
        if c.shape != r.shape or not np.any(r) or not np.all(np.isfinite(r)) or not np.all(np.isfinite(c)):
            return None
        ratio = float(np.vdot(c, r) / np.vdot(r, r))
        if ratio == 0 or distance(c, ratio * r) > CLOSE:
            return None
        found.append(ratio)
    return found


def _quantities(evidence: Evidence) -> Iterator[tuple[str, list[float]]]:
    """What a factor may be made of, by name, with its value at each point: the sizes, their products, and the scalar variables."""
    yield "", [1.0] * len(evidence.points)
    names = sorted({n for p in evidence.points for n in p.sizes} & evidence.evaluator.carried)
    sizes = {n: [float(p.sizes[n]) for p in evidence.points] for n in names}
    for n, values in sizes.items():
        yield n, values
        yield f"{n}²", [v * v for v in values]
        yield f"({n} - 1)", [v - 1 for v in values]
        yield f"{n}/({n} - 1)", [v / (v - 1) for v in values]
    for a, b in combinations(names, 2):
        yield f"{a} {b}", [x * y for x, y in zip(sizes[a], sizes[b], strict=True)]
    for v in evidence.evaluator.inputs:
        if v.shape == ():
            values = [float(p.values[v]) for p in evidence.points]
            yield v.name, values
            yield f"{v.name}²", [x * x for x in values]


def _as_fraction(values: Sequence[float]) -> Fraction | None:
    """The simple fraction that all values are."""
    if max(values) - min(values) > STEADY * max(map(abs, values)):
        return None
    fraction = Fraction(values[0]).limit_denominator(60)
    return fraction if fraction and abs(float(fraction) / values[0] - 1) < STEADY else None


@dataclass(frozen=True)
class Multiple:
    """number * quantity ** power, the quantity a size or a scalar variable by name, or '' for 1."""

    number: Fraction
    name: str = ""
    power: int = 1

    @property
    def size(self) -> Fraction:
        return abs(self.number)

    def text(self) -> str:
        """Its absolute value in words: 'half', '3 times', 'n times', '2/n times'."""
        if not self.name:
            return {Fraction(1, 2): "half", Fraction(2): "twice"}.get(self.size, f"{self.size} times")
        above = [str(self.size.numerator)] * (self.size.numerator != 1) + [self.name] * (self.power == 1)
        below = [str(self.size.denominator)] * (self.size.denominator != 1) + [self.name] * (self.power == -1)
        divisor = f"/{below[0]}" if len(below) == 1 else f"/({' '.join(below)})" if below else ""
        return f"{' '.join(above) or '1'}{divisor} times"

    def hint(self) -> str:
        """What was probably forgotten."""
        if not self.name:
            return f": a factor {self.size.denominator} is missing" if self.size.numerator == 1 != self.size.denominator else ""
        if not self.name.isidentifier() or self.size != 1:
            return ""
        return f": the 1/{self.name} of a mean is missing" if self.power == 1 else f": a 1/{self.name} too many"


def multiple(evidence: Evidence, ratios: Sequence[float]) -> Multiple | None:
    """The ratios at the points as a simple number, or one times or divided by a size or a scalar variable."""
    for name, values in _quantities(evidence):
        for power in (1, -1) if name else (1,):
            if all(values):
                number = _as_fraction([r / v**power for r, v in zip(ratios, values, strict=True)])
                if number is not None:
                    return Multiple(number, name, power)
    return None


def factor(evidence: Evidence, claim: Sequence[Array], right: Sequence[Array], of: str = "the right formula") -> Mistake | None:
    """Whether the claim is the right result times something: a number, a size, a scalar variable."""
    ratios = _ratios(claim, right)
    if ratios is None:
        return None
    found = multiple(evidence, ratios)
    if found == Multiple(Fraction(1)):
        return None
    if found == Multiple(Fraction(-1)):
        return Mistake("sign", f"the sign: the claim is minus {of}")
    if found is not None:
        sign, minus = ("the sign, and ", "minus ") if found.number < 0 else ("", "")
        return Mistake("factor", f"{sign}a factor: the claim is {minus}{found.text()} {of}{found.hint()}")
    if max(ratios) - min(ratios) <= STEADY * max(map(abs, ratios)):
        return Mistake("factor", f"a constant factor: the claim is {ratios[0]:.6g} times {of}")
    return Mistake("scalar factor", f"a scalar factor: at each point the claim is a number times {of}, another one at each")


# --- mistakes of the result -----------------------------------------------------------------------------------------
def _transposed(evidence: Evidence) -> Iterator[tuple[str, str, list[Array], list[Array]]]:
    rank = evidence.expected[0].ndim
    for order in list(permutations(range(rank)))[1:] if 2 <= rank <= 4 else []:
        turned = [np.transpose(a, order) for a in evidence.claim] if evidence.claim[0].ndim == rank else []
        if turned:
            yield "transposed", "transposed: the claim is the transpose of the right formula", turned, evidence.expected


def _not_summed(evidence: Evidence) -> Iterator[tuple[str, str, list[Array], list[Array]]]:
    more = evidence.claim[0].ndim - evidence.expected[0].ndim
    for axes in combinations(range(evidence.claim[0].ndim), more) if more > 0 else ():
        where = f"axis {axes[0]}" if len(axes) == 1 else f"the axes {', '.join(map(str, axes))}"
        text = f"not summed: what was broadcast over {where} is summed over it in the gradient; write sum(..., axis={axes[0] if len(axes) == 1 else axes})"
        yield "not summed", text, [a.sum(axis=axes) for a in evidence.claim], evidence.expected


def _kept(evidence: Evidence) -> Iterator[tuple[str, str, list[Array], list[Array]]]:
    """An axis of size 1 too many or too few."""
    claim, right = evidence.claim[0], evidence.expected[0]
    if claim.ndim != right.ndim and claim.size == right.size:
        yield (
            "shape",
            "the shape only: the numbers are right, an axis of size 1 is too many or too few",
            [c.reshape(r.shape) for c, r in zip(evidence.claim, evidence.expected, strict=True)],
            evidence.expected,
        )


def _summed_too_much(evidence: Evidence) -> Iterator[tuple[str, str, list[Array], list[Array]]]:
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


def _diagonal(evidence: Evidence) -> Iterator[tuple[str, str, list[Array], list[Array]]]:
    claim, right = evidence.claim[0], evidence.expected[0]
    if claim.ndim == right.ndim == 2 and claim.shape[0] == claim.shape[1] and right.shape == claim.shape:
        text = "only the diagonal: the claim is right on the diagonal and zero off it"
        yield "only the diagonal", text, evidence.claim, [np.diag(np.diag(a)) for a in evidence.expected]


RESULTS: tuple[Callable[[Evidence], Iterator[tuple[str, str, list[Array], list[Array]]]], ...] = (
    _transposed, _not_summed, _kept, _summed_too_much, _diagonal,
)  # fmt: skip


def of_the_result(evidence: Evidence) -> Iterator[Mistake]:
    """The mistakes of the result that explain the claim."""
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
            pairs = operand_cotangents(node, positions[node], cotangent, 0)
        for place, (operand, contribution) in enumerate(pairs):
            weight = scaled.get((node, place), 1)
            if weight:
                flowing.setdefault(operand, []).append(contribution if weight == 1 else weight * contribution)
    return ops.zeros(wrt.shape)


STEADY = 1e-6  # what ratios at several points may differ by to be one number
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
        ratios = _ratios(off, terms)
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
