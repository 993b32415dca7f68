"""A product seen as a coefficient and labelled factors, and the key by which two products are the same.

Factors may be written in any order and summed labels may have any numbers; `term_key` is the same for all ways of writing one product.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from symdiff.expr.algebra import contract, inlined
from symdiff.expr.leaves import add_numbers, constant_value, multiply_numbers
from symdiff.expr.node import Expr, memo_of, topological
from symdiff.expr.nodes import Add, Const, Contract, Delta, Labels, Linalg, Map, Number, Ones, Var
from symdiff.rules.assumptions import holds

Factor = tuple[Expr, Labels]


@dataclass(frozen=True, slots=True)
class Term:
    """coefficient * factors, summed over the labels missing from `out`."""

    coefficient: Number
    factors: tuple[Factor, ...]
    out: Labels
    key: tuple[Number, tuple[object, ...]] | None = field(default=None, compare=False, repr=False)  # see joined_key

    def expr(self) -> Expr:
        head: list[Factor] = [] if self.coefficient == 1 else [(Const(self.coefficient), ())]
        return contract([*head, *self.factors], self.out)

    def scaled(self, by: Number) -> Term:
        return Term(multiply_numbers(self.coefficient, by), self.factors, self.out, self.key)

    @property
    def varying(self) -> tuple[Factor, ...]:
        """The factors without the vectors of ones, along whose axes nothing varies."""
        return tuple([factor for factor in self.factors if type(factor[0]) is not Ones])

    def without(self, k: int) -> tuple[Factor, ...]:
        return self.factors[:k] + self.factors[k + 1 :]


def is_number(e: Expr) -> bool:
    return isinstance(e, Const) and e.shape == () and not isinstance(e.value, bool)


def as_term(e: Expr) -> Term:
    """An expression as one product; whatever is no product is a product of one factor."""
    if isinstance(e, Contract):
        notes = memo_of(e)
        if "term" in notes:
            return notes["term"]  # type: ignore[no-any-return]
        coefficient: Number = 1
        factors: list[Factor] = []
        for f, ls in zip(e.factors, e.labels, strict=True):
            if is_number(f):
                coefficient = multiply_numbers(coefficient, f.value)  # type: ignore[attr-defined]
            else:
                factors.append((f, ls))
        term = notes["term"] = Term(coefficient, tuple(factors), e.out)
        return term
    if is_number(e):
        return Term(e.value, (), ())  # type: ignore[attr-defined]
    labels = tuple(range(len(e.shape)))
    return Term(1, ((e, labels),), labels)


def base_and_exponent(e: Expr) -> tuple[Expr, Number]:
    """b and k of b ** k; e and 1 of anything else."""
    if isinstance(e, Map) and e.fn == "pow":
        k = constant_value(e.args[1])
        if k is not None and not isinstance(k, bool):
            return e.args[0], k
    return e, 1


def joined(term: Term, room: int = 10) -> Term:
    """The product with all products inside it opened, as far as it stays short: for comparing, whoever else uses them."""
    factors = list(term.factors)
    coefficient = term.coefficient
    fresh = 1 + max((label for _, ls in factors for label in ls), default=0) + len(term.out)
    k = 0
    while k < len(factors):
        f, ls = factors[k]
        if not isinstance(f, Contract) or len(factors) + len(f.factors) > room:
            k += 1
            continue
        inner = as_term(f)
        coefficient = multiply_numbers(coefficient, inner.coefficient)
        factors[k : k + 1], fresh = inlined(inner.factors, inner.out, ls, fresh)
    return Term(coefficient, tuple(factors), term.out)


def used_labels(factors: Iterable[Factor]) -> set[int]:
    return {label for _, ls in factors for label in ls}


def term_key(term: Term) -> tuple[object, ...]:
    """The same for all orders of the factors and all numbers of the summed labels; the coefficient does not count."""
    digests = [(f.digest, ls, is_symmetric(f)) for f, ls in term.factors]
    colour = _colours(digests, term.out)

    def place(k: int) -> tuple[bytes, list[int]]:
        digest, ls, symmetric = digests[k]
        shades = [colour[label] for label in ls]
        return digest, sorted(shades) if symmetric else shades

    number = {label: k for k, label in enumerate(term.out)}
    parts: list[object] = [len(term.out)]
    for k in sorted(range(len(digests)), key=place):
        ls = digests[k][1]
        if digests[k][2]:
            ls = tuple(sorted(ls, key=lambda label: (number.get(label, 10**9), colour[label])))
        parts.append((term.factors[k][0], tuple([number.setdefault(label, len(number)) for label in ls])))
    return tuple(parts)


def _colours(digests: Sequence[tuple[bytes, Labels, bool]], out: Labels) -> dict[int, int]:
    """A number for each label that depends on where it stands and on its neighbours: different ones where three refinements tell them apart."""
    colour = {label: k for k, label in enumerate(out)}
    for _, ls, _ in digests:
        for label in ls:
            colour.setdefault(label, len(out))
    for _ in range(3):
        if len(set(colour.values())) == len(colour):
            break
        seen: dict[int, list[tuple[bytes, int, tuple[int, ...]]]] = {label: [] for label in colour}
        for digest, ls, symmetric in digests:
            shades = tuple([colour[label] for label in ls])
            for axis, label in enumerate(ls):
                seen[label].append((digest, 0, (shades[1 - axis],)) if symmetric else (digest, axis, shades))
        known = {label: (colour[label], sorted(where)) for label, where in seen.items()}
        distinct: list[tuple[int, list[tuple[bytes, int, tuple[int, ...]]]]] = []
        for label in sorted(known, key=known.__getitem__):
            if not distinct or distinct[-1] != known[label]:
                distinct.append(known[label])
            colour[label] = len(distinct) - 1
    return colour


def joined_key(t: Term) -> tuple[Number, tuple[object, ...]]:
    """The number that products inside a term contribute, and the key of the whole, these opened; noted at the term."""
    if t.key is None:
        whole = joined(Term(1, t.factors, t.out))
        object.__setattr__(t, "key", (whole.coefficient, term_key(whole)))
    assert t.key is not None
    return t.key


def is_symmetric(e: Expr) -> bool:
    """Whether a square matrix is known to equal its transpose: by assumption, or by its form (X.T @ X)."""
    if len(e.shape) != 2 or e.shape[0] != e.shape[1]:
        return False
    notes = memo_of(e)
    if "symmetric" not in notes:
        for node in topological(e, until=lambda n: "symmetric" in memo_of(n)):
            square = len(node.shape) == 2 and node.shape[0] == node.shape[1]
            memo_of(node).setdefault("symmetric", False if not square else None)
            if memo_of(node)["symmetric"] is None:
                memo_of(node)["symmetric"] = _is_symmetric(node)
    return notes["symmetric"]  # type: ignore[no-any-return]


def _is_symmetric(e: Expr) -> bool:
    match e:
        case Var():
            return holds(e, "symmetric")
        case Delta():
            return True
        case Linalg(fn="inv"):
            return is_symmetric(e.args[0])
        case Map():
            return all(is_symmetric(a) for a in e.args)
        case Add():
            return sum_key(e.terms) == sum_key(e.terms, turned=True)
        case Contract():
            term = joined(as_term(e))
            return term_key(term) == term_key(Term(term.coefficient, term.factors, term.out[::-1]))
    return False


def sum_key(terms: Iterable[Expr], turned: bool = False) -> Counter[object]:
    """The terms of a matrix sum (of its transpose, if turned), in no order."""
    listed = [joined(as_term(t)) for t in terms]
    return Counter((t.coefficient, term_key(Term(1, t.factors, t.out[::-1] if turned else t.out))) for t in listed)


def collect(terms: Sequence[Term]) -> list[Term]:
    """Like terms added, in the order of their first appearance; those that cancel drop."""
    first: dict[tuple[object, ...], int] = {}
    kept: list[Term] = []
    scale: list[Number] = []
    for t in terms:
        ratio, key = joined_key(t)
        if key in first:
            k = first[key]
            extra = multiply_numbers(t.coefficient, as_ratio(ratio, scale[k]))
            kept[k] = Term(add_numbers(kept[k].coefficient, extra), kept[k].factors, kept[k].out)
        else:
            first[key] = len(kept)
            kept.append(t)
            scale.append(ratio)
    return [t for t in kept if t.coefficient != 0]


def as_ratio(a: Number, b: Number) -> Number:
    """a / b, exact for exact numbers."""
    if isinstance(a, float) or isinstance(b, float):
        return float(a) / float(b)
    value = Fraction(a) / Fraction(b)
    return int(value) if value.denominator == 1 else value


def connected(factors: Sequence[Factor], out: Labels) -> list[list[int]]:
    """Positions of factors, grouped by the labels they share."""
    group = list(range(len(factors)))

    def root(k: int) -> int:
        while group[k] != k:
            k = group[k]
        return k

    first: dict[int, int] = {}
    for k, (_, ls) in enumerate(factors):
        for label in ls:
            if label in first:
                group[root(k)] = root(first[label])
            else:
                first[label] = k
    members: dict[int, list[int]] = {}
    for k in range(len(factors)):
        members.setdefault(root(k), []).append(k)
    return sorted(members.values())
