"""The normal form of a product: nested products joined, powers of one base merged, exponentials added, identities of pairs applied,
sums that are known carried out, and scalar parts set apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symdiff.expr.algebra import add, contract
from symdiff.expr.build import apply, power
from symdiff.expr.leaves import add_numbers
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Add, Contract, Delta, Labels, Map, Number, Ones, Size
from symdiff.rewrite.exponentials import merge_exponentials
from symdiff.rewrite.known_sums import known_sums
from symdiff.rewrite.opening import flatten, open_powers
from symdiff.rewrite.pairs import apply_pairs
from symdiff.rewrite.powers import merge_symbolic_powers
from symdiff.rewrite.terms import Factor, Term, as_term, base_and_exponent, connected, is_symmetric, used_labels


def identities_apart(term: Term) -> Term:
    """a I + b I beside an array is (a + b) I, which the array takes up."""
    for k, (f, ls) in enumerate(term.factors):
        if not isinstance(f, Add) or len(f.shape) != 2 or not any(g.shape for j, (g, _) in enumerate(term.factors) if j != k):
            continue
        terms = [as_term(t) for t in f.terms]
        arrays = [[(g, gls) for g, gls in t.factors if gls] for t in terms]
        if all(len(a) == 1 and isinstance(a[0][0], Delta) and set(a[0][1]) == set(t.out) for a, t in zip(arrays, terms, strict=True)):
            scale = add(*(Term(t.coefficient, tuple(s for s in t.factors if not s[1]), ()).expr() for t in terms))
            return Term(term.coefficient, (*term.factors[:k], (scale, ()), *term.factors[k + 1 :], (Delta(f.shape[0]), ls)), term.out)
    return term


def diagonals_inside(term: Term, may_open: Callable[[Expr], bool]) -> Term:
    """diag(f(A)) is f(diag(A)), which takes f of fewer entries; of what others use as well, only an exponential that meets another here."""
    if all(len(set(ls)) == len(ls) or not isinstance(f, Map) for f, ls in term.factors):
        return term
    exponentials = sum(isinstance(f, Map) and f.fn == "exp" for f, _ in term.factors)
    factors: list[Factor] = []
    for f, ls in term.factors:
        kept = tuple(dict.fromkeys(ls))
        if len(kept) < len(ls) and isinstance(f, Map) and (may_open(f) or (f.fn == "exp" and exponentials > 1)):
            factors.append((apply(f.fn, *(_diagonal(a, ls, kept) for a in f.args)), kept))
        else:
            factors.append((f, ls))
    return Term(term.coefficient, tuple(factors), term.out)


def _diagonal(e: Expr, ls: Labels, kept: Labels) -> Expr:
    terms = e.terms if isinstance(e, Add) else (e,)
    return add(*(contract([(t, ls)], kept) for t in terms))


def _key_labels(f: Expr, ls: Labels) -> Labels:
    return tuple(sorted(ls)) if is_symmetric(f) else ls


def merge_powers(term: Term) -> Term:
    """x ** a x ** b over the same axes becomes x ** (a + b)."""
    groups: dict[tuple[Expr, Labels], tuple[Labels, Number, int]] = {}
    for f, ls in term.factors:
        base, k = (f, 1) if isinstance(f, (Ones, Delta)) else base_and_exponent(f)
        key = (base, _key_labels(base, ls))
        if key in groups:
            first, total, count = groups[key]
            groups[key] = (first, add_numbers(total, k), count + 1)
        else:
            groups[key] = (ls, k, 1)
    if len(groups) == len(term.factors):
        return term
    factors: list[Factor] = []
    for (base, _), (ls, k, _) in groups.items():
        if isinstance(base, (Ones, Delta)):
            factors.append((base, ls))
        elif k == 0:
            factors += [(Ones(d), (label,)) for label, d in zip(ls, base.shape, strict=True)]
        else:
            factors.append((power(base, k), ls))
    return Term(term.coefficient, tuple(factors), term.out)


def orient_symmetric(term: Term) -> Term:
    """A symmetric matrix is written with the axis first that is nearer to the first axis of the result, as a product reads."""
    if not any(is_symmetric(f) for f, _ in term.factors):
        return term
    steps = _steps_from(term.out[:1], [ls for _, ls in term.factors])
    place = {label: k for k, label in enumerate(term.out)}

    def rank(label: int) -> tuple[int, int]:
        return steps.get(label, 99), place.get(label, 99)

    factors = tuple((f, ls[::-1] if is_symmetric(f) and rank(ls[1]) < rank(ls[0]) else ls) for f, ls in term.factors)
    return Term(term.coefficient, factors, term.out)


def _steps_from(start: Sequence[int], factors: Sequence[Labels]) -> dict[int, int]:
    """How many factors lie between the start and each label."""
    steps = dict.fromkeys(start, 0)
    wave = list(start)
    while wave:
        reached = {other: steps[label] + 1 for label in wave for ls in factors if label in ls for other in ls if other not in steps}
        steps |= reached
        wave = list(reached)
    return steps


def split_scalars(term: Term) -> Term:
    """Parts of the product that share no axis with the result become scalar factors of their own."""
    groups = [members for members in connected(term.factors, term.out) if term.factors[members[0]][1]]
    apart = [members for members in groups if not used_labels(term.factors[k] for k in members) & set(term.out)]
    if not apart or (len(apart[0]) == len(term.factors) and term.coefficient == 1):
        return term
    first: dict[int, list[int]] = {}
    gone: set[int] = set()
    for members in apart:
        first[members[0]] = members + _mean_divisor(term, members, gone)
        gone |= set(first[members[0]])
    factors: list[Factor] = []
    for k, factor in enumerate(term.factors):
        if k in first:
            factors.append((contract([term.factors[m] for m in sorted(first[k])], ()), ()))
        elif k not in gone:
            factors.append(factor)
    return Term(term.coefficient, tuple(factors), term.out)


def _mean_divisor(term: Term, members: Sequence[int], gone: set[int]) -> list[int]:
    """The position of the 1 / n that makes a mean of a sum over n entries: it stays with the sum."""
    dims = {d for k in members for d in term.factors[k][0].shape}
    for k, (f, ls) in enumerate(term.factors):
        base, exponent = base_and_exponent(f)
        if not ls and k not in gone and isinstance(base, Size) and exponent == -1 and base.dim in dims:
            return [k]
    return []


def turn_sums(term: Term, turn: Callable[[Add], Add | None]) -> Term:
    """(b - a) as -(a - b) where `turn` says so, so that a difference is written in one way only."""
    coefficient = term.coefficient
    factors: list[Factor] = []
    for f, ls in term.factors:
        base, k = base_and_exponent(f)
        turned = turn(base) if isinstance(base, Add) and isinstance(k, int) else None
        if turned is None:
            factors.append((f, ls))
        else:
            assert isinstance(k, int)
            factors.append((power(turned, k), ls))
            coefficient = -coefficient if k % 2 else coefficient
    return Term(coefficient, tuple(factors), term.out)


def normal_product(
    term: Term,
    may_open: Callable[[Expr], bool],
    turn: Callable[[Add], Add | None],
    log: Callable[[str], None] = lambda name: None,
    open_shared: bool = True,
) -> Expr:
    """The product in normal form. `log` is told the name of each identity that is used."""
    for _ in range(40):
        before = term
        term = diagonals_inside(identities_apart(flatten(term, may_open, open_shared)), may_open)
        term = merge_powers(turn_sums(open_powers(term), turn))
        term = merge_exponentials(merge_symbolic_powers(term))
        step = apply_pairs(term) or known_sums(term)
        if step is not None:
            term, name = step
            log(name)
        if term == before or (step is None and term is before):
            break
        e = term.expr()  # Deltas and Ones that arose are absorbed
        if not isinstance(e, Contract):
            return e
        term = as_term(e)
    return merge_powers(split_scalars(orient_symmetric(term))).expr()
