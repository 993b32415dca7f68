"""The normal form of a product: nested products joined, powers of one base merged, exponentials added, identities of pairs applied,
sums that are known carried out, and scalar parts set apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache

from symdiff.expr.algebra import add, contract, inlined, product
from symdiff.expr.build import apply, power
from symdiff.expr.leaves import add_numbers, constant_value, multiply_numbers
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Add, Const, Contract, Delta, Labels, Linalg, Map, Number, Ones, Size, Var
from symdiff.rewrite.chains import cancel_in_chain, matrix_chain
from symdiff.rewrite.exponentials import is_normaliser, merge_exponentials
from symdiff.rewrite.match import rewrite
from symdiff.rewrite.powers import merge_symbolic_powers
from symdiff.rewrite.softmax import is_log_softmax
from symdiff.rewrite.terms import Factor, Term, as_term, base_and_exponent, connected, is_symmetric, used_labels
from symdiff.rules.assumptions import holds
from symdiff.rules.identities import PRODUCTS, Identity

MOST_FACTORS = 12  # longer products are left nested


def cancelling(e: Expr) -> set[object]:
    """What a factor could cancel or merge with: the base of a power, any exponential, and those inside a sum."""
    base, _ = base_and_exponent(e)
    if isinstance(base, (Ones, Delta)):
        return set()
    if isinstance(base, Map) and base.fn in ("exp", "sigmoid"):
        return {"exp"}
    found: set[object] = {base}
    if isinstance(base, Linalg) and base.fn == "inv":
        found |= {base.args[0], *(matrix for matrix, _ in matrix_chain(base.args[0]) or ())}
    if isinstance(base, Add) and len(base.terms) <= 6:
        for t in base.terms:
            for f, _ in as_term(t).factors:
                if not isinstance(f, (Ones, Delta)):
                    inner, _ = base_and_exponent(f)
                    found.add("exp" if isinstance(inner, Map) and inner.fn in ("exp", "sigmoid") else inner)
    return found


def flatten(term: Term, may_open: Callable[[Expr], bool], open_shared: bool = True) -> Term:
    """Products among the factors opened into this one; their summed labels get numbers of their own.

    A product that others use as well is opened only if `open_shared`, it has no sum and something in it can cancel here.
    """
    if not any(isinstance(f, Contract) for f, _ in term.factors):
        return term
    coefficient = term.coefficient
    factors: list[Factor] = []
    fresh = 1 + max(used_labels(term.factors) | set(term.out), default=0)
    room = MOST_FACTORS - len(term.factors)
    for k, (f, ls) in enumerate(term.factors):
        inner = as_term(f) if isinstance(f, Contract) else None
        if inner is not None and not may_open(f):
            others = set().union(*(cancelling(g) for j, (g, _) in enumerate(term.factors) if j != k))
            meets = any(cancelling(g) & others for g, _ in inner.factors)
            alone = set(ls) - set(term.out) - used_labels(g for j, g in enumerate(term.factors) if j != k)
            meets = meets or (bool(alone) and any(isinstance(g, Add) for g, _ in inner.factors))
            summed = used_labels(inner.factors) != set(inner.out)
            others_here = [factor for j, factor in enumerate(term.factors) if j != k]
            ends = _ends_chain(inner, (g for g, _ in others_here)) or _meets(inner, Term(1, tuple(others_here), term.out))
            if not open_shared or not meets or (summed and not ends):
                inner = None
        scalar_sum = inner is not None and not f.shape and bool(used_labels(inner.factors)) and not _meets(inner, term)
        if inner is None or scalar_sum or len(inner.factors) - 1 > room:
            factors.append((f, ls))
            continue
        room -= len(inner.factors) - 1
        moved, fresh = inlined(inner.factors, inner.out, ls, fresh)
        coefficient = multiply_numbers(coefficient, inner.coefficient)
        factors += moved
    return Term(coefficient, tuple(factors), term.out)


def _ends_chain(inner: Term, others: Iterable[Expr]) -> bool:
    """Whether a product of matrices holds one that the inverse of a product beside it may cancel."""
    matrices = {f for f, ls in inner.factors if len(ls) == 2}
    chains = (matrix_chain(g.args[0]) for g in others if isinstance(g, Linalg) and g.fn == "inv")
    return any(matrix in matrices for chain in chains if chain for matrix, _ in chain)


def _meets(inner: Term, term: Term) -> bool:
    """Whether a sum stands beside what belongs to it: a mean beside the size that it divides by, exponentials beside their normaliser."""
    exponentials = [[f for f, _ in t.factors if isinstance(f, Map) and f.fn == "exp"] for t in (inner, term)]
    if all(exponentials) and any(is_normaliser(f) for found in exponentials for f in found):
        return True
    divisors = {base for g, _ in inner.factors for base, k in [base_and_exponent(g)] if isinstance(base, Size) and k < 0}
    return bool(divisors) and any(base in divisors and k > 0 for g, _ in term.factors for base, k in [base_and_exponent(g)])


def open_powers(term: Term) -> Term:
    """(a b) ** k becomes a ** k b ** k for a negative whole k, or where a or b stands in the product as well."""
    factors: list[Factor] = []
    coefficient = term.coefficient
    bases = {base_and_exponent(f)[0] for f, _ in term.factors}
    changed = False
    for f, ls in term.factors:
        base, k = base_and_exponent(f)
        if isinstance(base, Contract) and isinstance(k, int):
            inner = as_term(base)
            elementwise = used_labels(inner.factors) == set(inner.out) and not any(isinstance(g, Delta) for g, _ in inner.factors)
            heavy = [base_and_exponent(g)[0] for g, _ in inner.factors if not isinstance(g, Ones)]
            if elementwise and (k < 0 or len(heavy) < 2 or any(b in bases for b in heavy)):
                scale = power(Const(inner.coefficient), k)
                number = constant_value(scale)
                if number is not None:
                    names = dict(zip(inner.out, ls, strict=True))
                    coefficient = multiply_numbers(coefficient, number)
                    factors += [(g if isinstance(g, Ones) else power(g, k), tuple(names[i] for i in gls)) for g, gls in inner.factors]
                    changed = True
                    continue
        factors.append((f, ls))
    return Term(coefficient, tuple(factors), term.out) if changed else term


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


def apply_pairs(term: Term) -> tuple[Term, str] | None:
    """The first identity of two factors over the same axes that applies."""
    count = len(term.factors)
    for i in range(count):
        f, ls = term.factors[i]
        if isinstance(f, (Ones, Delta)):
            continue
        for j in range(i + 1, count):
            g, other = term.factors[j]
            if other != ls or isinstance(g, (Ones, Delta)) or not (isinstance(f, Map) or isinstance(g, Map)):
                continue
            found = pair_identity(f, g)
            if found is not None:
                result, name = found
                rest = [term.factors[k] for k in range(count) if k not in (i, j)]
                return Term(term.coefficient, (*rest[:i], (result, ls), *rest[i:]), term.out), name
    return None


def _split(identity: Identity) -> tuple[Identity, tuple[Expr, Number], tuple[Expr, Number]]:
    """An identity with the bases and exponents of the two factors on its left."""
    first, second = (base_and_exponent(w) for w, _ in as_term(identity.left).factors)
    return identity, first, second


_PAIRS = [_split(identity) for identity in PRODUCTS]


def _functions(*bases: Expr) -> frozenset[str]:
    return frozenset([b.fn for b in bases if isinstance(b, Map)])


_FUNCTIONS = frozenset().union(*(_functions(x, y) for _, (x, _), (y, _) in _PAIRS))


@cache
def _with_functions(functions: frozenset[str]) -> list[tuple[Identity, tuple[Expr, Number], tuple[Expr, Number]]]:
    """The identities that need no other functions than these."""
    return [row for row in _PAIRS if _functions(row[1][0], row[2][0]) <= functions]


def _looks_like(pattern: Expr, e: Expr) -> bool:
    if isinstance(pattern, Map):
        return isinstance(e, Map) and e.fn == pattern.fn
    return isinstance(pattern, Var) or (type(e) is type(pattern) and len(e.operands) == len(pattern.operands))


def pair_identity(f: Expr, g: Expr) -> tuple[Expr, str] | None:
    """f g as one expression by an identity of the table; of powers, as far as both reach."""
    (a, p), (b, q) = base_and_exponent(f), base_and_exponent(g)
    functions = _functions(a, b) & _FUNCTIONS
    for identity, (x, i), (y, j) in _with_functions(functions) if functions else ():
        for (first, have), (second, also) in (((a, p), (b, q)), ((b, q), (a, p))):
            if not (_looks_like(x, first) and _looks_like(y, second)):
                continue
            for s in (1, -1):  # the identity itself or its reciprocal
                times = _times(have, s * i, also, s * j)
                if not times:
                    continue
                joined = product((power(first, i), power(second, j)))
                result = rewrite(identity, joined)
                if result is not None:
                    left = power(first, add_numbers(have, -s * i * times))
                    right = power(second, add_numbers(also, -s * j * times))
                    return product((left, power(result, s * times), right)), identity.name
    return None


def _times(have: Number, want: Number, also: Number, other: Number) -> int:
    """How often want and other go into the exponents."""
    counts = []
    for exponent, unit in ((have, want), (also, other)):
        if not isinstance(exponent, int) or not isinstance(unit, int) or exponent * unit <= 0:
            return 0
        counts.append(exponent // unit)
    return min(counts)


# --- sums that are known ------------------------------------------------------------------------------------------
def known_sums(term: Term) -> tuple[Term, str] | None:
    """A sum over an axis that is carried out by an assumption or an identity: one-hot rows, softmax, orthogonal columns, inverses."""
    carriers: dict[int, list[int]] = {}
    for k, (_, ls) in enumerate(term.factors):
        for label in set(ls):
            carriers.setdefault(label, []).append(k)
    for label, places in carriers.items():
        if label in term.out:
            continue
        if len(places) == 1:
            k = places[0]
            f, ls = term.factors[k]
            if ls.count(label) == 1 and ls[-1] == label and sums_to_one(f):
                ones = tuple((Ones(d), (other,)) for other, d in zip(ls[:-1], f.shape[:-1], strict=True))
                return Term(term.coefficient, (*term.without(k), *ones), term.out), "entries that sum to 1"
            base, exponent = base_and_exponent(f)
            if exponent == 2 and len(ls) == 1 and holds(base, "unit_norm"):
                return Term(term.coefficient, term.without(k), term.out), "a vector of norm 1"
        elif len(places) == 2:
            i, j = places
            (f, ls), (g, other) = term.factors[i], term.factors[j]
            if len(ls) != 2 or len(other) != 2 or ls.count(label) != 1 or other.count(label) != 1:
                continue
            shortened = cancel_in_chain(term, i, j, label) or cancel_in_chain(term, j, i, label)
            if shortened is not None:
                return shortened
            cancelled = _cancels(f, ls.index(label), g, other.index(label))
            if cancelled:
                ends = (ls[1 - ls.index(label)], other[1 - other.index(label)])
                rest = tuple(f for k, f in enumerate(term.factors) if k not in (i, j))
                return Term(term.coefficient, (*rest, (Delta(f.shape[1 - ls.index(label)]), ends)), term.out), cancelled
    return None


def sums_to_one(e: Expr) -> bool:
    """Whether the entries along the last axis sum to 1: by assumption, or because it is a softmax."""
    if holds(e, "sums_to_one"):
        return True
    if isinstance(e, Map) and e.fn == "exp" and isinstance(e.args[0], Add):
        return is_log_softmax(e.args[0])
    return False


def _cancels(f: Expr, axis: int, g: Expr, other: int) -> str:
    """The name of the identity by which the product of two matrices over a shared axis is the identity; '' if none."""
    for a, b, i, j in ((f, g, axis, other), (g, f, other, axis)):
        if isinstance(a, Linalg) and a.fn == "inv" and len(a.shape) == 2 and a.args[0] is b and (i != j or is_symmetric(b)):
            return "a matrix times its inverse"
    if f is g and axis == other == 0 and holds(f, "orthogonal"):
        return "orthonormal columns"
    return ""


# --- the whole ----------------------------------------------------------------------------------------------------
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
