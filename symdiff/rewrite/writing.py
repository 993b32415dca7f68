"""How a normal form is written: signs where they cost nothing, bounds apart from what they bound, equal powers as one.

None of this helps other rules, so it is done once, at the end.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

from symdiff.expr.algebra import add, broadcast_to
from symdiff.expr.build import apply
from symdiff.expr.leaves import constant_value, multiply_numbers
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Add, Const, Contract, Map
from symdiff.expr.rebuild import with_operands
from symdiff.expr.traverse import transform, use_counts
from symdiff.rewrite.choices import COMPARISONS
from symdiff.rewrite.orientation import negative
from symdiff.rewrite.powers import join_equal_powers
from symdiff.rewrite.terms import Term, as_term
from symdiff.rules.identities import ODD


def written(roots: Sequence[Expr]) -> list[Expr]:
    """Normal forms as they are written. What several use keeps its form for all of them."""
    shared = {e for e, count in use_counts(*roots).items() if count > 1}
    terms = {t for e in topological(*roots) if isinstance(e, Add) for t in e.terms}

    def change(e: Expr, operands: tuple[Expr, ...]) -> Expr:
        new = with_operands(e, operands)
        new = complement(bound_apart(sign_inward(positive_first(join_equal_powers(new, shared)), shared, e in terms), shared), shared)
        if e in shared:
            shared.add(new)
        return new

    return transform(roots, change)


# --- signs --------------------------------------------------------------------------------------------------------
NESTED = 2  # choices in choices into which a sign goes


def takes_sign(e: Expr, depth: int = NESTED) -> bool:
    """Whether -e is as short as e: a number, a term with a sign or a number in front, a sum with one of these, a choice of these."""
    if constant_value(e) is not None:
        return True
    if isinstance(e, Add):
        return any(takes_sign(t, 0) for t in e.terms if not isinstance(t, Add))
    if isinstance(e, Map) and e.fn == "where":
        return depth > 0 and all(takes_sign(a, depth - 1) for a in e.args[1:])
    coefficient = as_term(e).coefficient
    return coefficient < 0 or coefficient != 1


def opposite(e: Expr) -> Expr:
    if isinstance(e, Map) and e.fn == "where":
        return apply("where", e.args[0], *map(opposite, e.args[1:]))
    return negative(e) if isinstance(e, Add) else as_term(e).scaled(-1).expr()


def positive_first(e: Expr) -> Expr:
    """-y + x as x - y; otherwise terms stay in the author's order."""
    if not isinstance(e, Add) or not has_sign(e.terms[0]):
        return e
    first = next((k for k, t in enumerate(e.terms) if not has_sign(t)), None)
    return e if first is None else add(e.terms[first], *(t for k, t in enumerate(e.terms) if k != first))


def has_sign(e: Expr) -> bool:
    value = constant_value(e)
    return value < 0 if value is not None else as_term(e).coefficient < 0


def sign_inward(e: Expr, shared: Container[Expr], in_sum: bool) -> Expr:
    """-X.T (y - X w) becomes X.T (X w - y): a sum, a choice or an odd function that nobody else uses takes the sign of the product.

    In a sum a sign costs nothing, and goes no further than into a difference.
    """
    if not isinstance(e, Contract):
        return e
    term = as_term(e)
    if not term.coefficient < 0:
        return e
    able = [(k, f) for k, (f, _) in enumerate(term.factors) if f not in shared]
    for turn in (_plain_difference,) if in_sum or term.coefficient != -1 else (_plain_difference, _choice, _odd, _difference):
        for k, f in able:
            turned = turn(f)
            if turned is not None:
                factors = (*term.factors[:k], (turned, term.factors[k][1]), *term.factors[k + 1 :])
                return Term(-term.coefficient, factors, term.out).expr()
    return e


def _difference(f: Expr) -> Expr | None:
    return negative(f) if isinstance(f, Add) and takes_sign(f) else None


def _plain_difference(f: Expr) -> Expr | None:
    """A difference without a number: 1 - u is kept as long as another factor can take the sign."""
    plain = any(as_term(t).coefficient < 0 for t in f.operands) and all(constant_value(t) is None for t in f.operands)
    return _difference(f) if plain else None


def _choice(f: Expr) -> Expr | None:
    return opposite(f) if isinstance(f, Map) and f.fn == "where" and takes_sign(f) else None


def _odd(f: Expr) -> Expr | None:
    return apply(f.fn, opposite(f.args[0])) if isinstance(f, Map) and f.fn in ODD and takes_sign(f.args[0]) else None


def complement(e: Expr, shared: Container[Expr]) -> Expr:
    """1 - sigmoid(a - b) as sigmoid(b - a), where the sigmoid is not used otherwise."""
    if not isinstance(e, Add) or len(e.terms) != 2:
        return e
    numbers = [constant_value(t) for t in e.terms]
    if 1 not in numbers:
        return e
    rest = as_term(e.terms[1 - numbers.index(1)])
    if rest.coefficient != -1 or len(rest.factors) != 1 or rest.factors[0][1] != rest.out:
        return e
    f = rest.factors[0][0]
    if isinstance(f, Map) and f.fn == "sigmoid" and f not in shared and takes_sign(f.args[0]):
        return apply("sigmoid", opposite(f.args[0]))
    return e


# --- comparisons --------------------------------------------------------------------------------------------------
def bound_apart(e: Expr, shared: Container[Expr]) -> Expr:
    """1 - u > 0 as u < 1, u - v > 0 as u > v: a term goes to the other side of a comparison with 0, which holds in floats as well."""
    if not isinstance(e, Map) or e.fn not in COMPARISONS or not isinstance(e.args[0], Add) or constant_value(e.args[1]) != 0:
        return e
    constant = next((c for t in e.args[0].terms if (c := constant_value(t)) is not None), None)
    if constant is None:
        signs = [has_sign(t) for t in e.args[0].terms]
        if e.args[0] in shared or sorted(signs) != [False, True]:
            return e
        above, below = e.args[0].terms[signs.index(False)], e.args[0].terms[signs.index(True)]
        return apply(e.fn, above, as_term(below).scaled(-1).expr())
    rest = [as_term(t) for t in e.args[0].terms if constant_value(t) is None]
    if all(t.coefficient < 0 for t in rest):
        return apply(COMPARISONS[e.fn], add(*(t.scaled(-1).expr() for t in rest)), broadcast_to(Const(constant), e.shape))
    return apply(e.fn, add(*(t.expr() for t in rest)), broadcast_to(Const(multiply_numbers(constant, -1)), e.shape))
