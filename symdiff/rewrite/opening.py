"""What a product takes into itself: the factors of products inside it, and the powers of products.

A product that nobody else uses is opened always; one that others use as well only where something in it can cancel, since both then
stand side by side in the program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from symdiff.expr.algebra import inlined
from symdiff.expr.build import power
from symdiff.expr.leaves import constant_value, multiply_numbers
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Add, Const, Contract, Delta, Linalg, Map, Ones, Size
from symdiff.rewrite.chains import matrix_chain
from symdiff.rewrite.exponentials import is_normaliser
from symdiff.rewrite.terms import Factor, Term, as_term, base_and_exponent, used_labels

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
            heavy = [base_and_exponent(g)[0] for g, _ in inner.varying]
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
