"""What is 0 times infinity where something vanishes: r / norm(r) is 0 where r is, by declaration, and u log u is 0 where u is.

A product that divides by the root of a sum of squares and has one of what is squared as a factor is 0 wherever that sum is 0. The program
divides by 1 there. A quotient whose numerator need not vanish, such as 1 / norm(r), is left as it is.
"""

from __future__ import annotations

from symdiff.expr import ops
from symdiff.expr.algebra import contract
from symdiff.expr.build import power
from symdiff.expr.leaves import constant_value
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Add, Const, Contract, Delta, Map, Ones
from symdiff.rewrite.signs import is_nonnegative, is_positive
from symdiff.rewrite.terms import as_term, base_and_exponent


def squared(q: Expr) -> set[Expr]:
    """What is squared in a sum of squares, each term times something that is not negative; empty where it is no such sum."""
    found: set[Expr] = set()
    for t in q.terms if isinstance(q, Add) else (q,):
        own = _squared_in_product(t)
        if not own:
            return set()
        found |= own
    return found


def _squared_in_product(t: Expr) -> set[Expr]:
    term = as_term(t)
    if term.coefficient <= 0:
        return set()
    found: set[Expr] = set()
    once: set[tuple[Expr, tuple[int, ...]]] = set()
    for f, ls in term.factors:
        base, k = base_and_exponent(f)
        if isinstance(k, int) and k > 0 and k % 2 == 0:
            found.add(base)
        elif isinstance(base, Map) and base.fn == "abs" and k > 1:
            found |= {base, base.args[0]}
        elif (f, ls) in once:
            found.add(f)
            once.discard((f, ls))
        elif isinstance(f, Contract | Add) and (inner := squared(f)):
            found |= inner
        elif not (is_positive(f) or isinstance(f, Ones | Delta)):
            once.add((f, ls))
    return found if all(is_nonnegative(f) for f, _ in once) else set()


def _vanishes_with(e: Expr, roots: set[Expr]) -> bool:
    """Whether `e` is 0 where all of `roots` are: one of them, a product with one, a positive power of one, a sum of such."""
    stack = [e]
    while stack:
        node = stack.pop()
        if _is_root_or_power(node, roots):
            continue
        if isinstance(node, Add):
            stack.extend(node.terms)
        elif not (isinstance(node, Contract) and any(_is_root_or_power(f, roots) for f in node.factors)):
            return False
    return True


def _is_root_or_power(f: Expr, roots: set[Expr]) -> bool:
    base, k = base_and_exponent(f)
    return f in roots or (base in roots and k > 0)


def guarded(e: Contract) -> Expr:
    """The product with the roots that it divides by taken as 1 where they are 0, if it is 0 there."""
    factors = list(zip(e.factors, e.labels, strict=True))
    changed = False
    for k, (f, ls) in enumerate(factors):
        if not isinstance(f, Map) or f.fn != "pow":
            continue
        q, exponent = f.args[0], constant_value(f.args[1])
        if exponent is None or not -1 < exponent < 0:
            continue
        roots = squared(q)
        if roots and any(_vanishes_with(g, roots) for j, (g, _) in enumerate(factors) if j != k):
            one = ops.broadcast_to(Const(1), q.shape)
            factors[k] = power(ops.where(ops.equal(q, 0), one, q), exponent), ls
            changed = True
    for k, (f, ls) in enumerate(factors):
        beside = [g for j, (g, other) in enumerate(factors) if j != k and set(other) <= set(ls)]
        if isinstance(f, Map) and f.fn == "log" and any(_only_zero(f.args[0], g) for g in beside):
            one = ops.broadcast_to(Const(1), f.shape)
            factors[k] = ops.log(ops.where(ops.equal(f.args[0], 0), one, f.args[0])), ls
            changed = True
    return contract(factors, e.out) if changed else e


def _only_zero(u: Expr, g: Expr) -> bool:
    """Whether u is 0 only where g is: u is g, or a multiple of g by what is not 0."""
    if u is g:
        return True
    term = as_term(u)
    others = [f for f, _ in term.factors if base_and_exponent(f)[0] is not g]
    return len(others) < len(term.factors) and all(is_positive(f) or base_and_exponent(f)[1] < 0 for f in others)
