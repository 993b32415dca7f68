"""The measure that simplification lowers: the operations of the printed form, each node paid for wherever it is written.

A product costs one operation for each factor after the first, a division as much as a product, a minus nothing inside a sum. Numbers,
ones and identities are free. Named functions cost one. The count of a shared node is paid at each of its places: what is written
twice should become one.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from symdiff.expr.leaves import constant_value
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Add, Const, Contract, Delta, Iota, Map, Ones, Size, Var

CAP = 10**9  # deep shared expressions have astronomic trees; beyond this, no comparison is asked for
_cost: WeakKeyDictionary[Expr, int] = WeakKeyDictionary()


def cost(e: Expr) -> int:
    """Operations of `e` written out as a tree."""
    known = _cost.get(e)
    if known is None:
        for node in topological(e, until=lambda n: n in _cost):
            if node not in _cost:
                _cost[node] = min(_local(node), CAP)
        known = _cost[e]
    return known


def _inverse(e: Expr) -> Expr | None:
    """b of b ** -1, which a product writes as a division by b."""
    return e.args[0] if isinstance(e, Map) and e.fn == "pow" and constant_value(e.args[1]) == -1 else None


def _local(e: Expr) -> int:
    if constant_value(e) is not None:
        return 0
    match e:
        case Var() | Const() | Size() | Iota() | Delta() | Ones():
            return 0
        case Add():
            total = len(e.terms) - 1
            for k, t in enumerate(e.terms):
                total += _cost[t] - (1 if _is_negated(t) and k else 0)
            return total
        case Contract():
            return _product(e)
        case Map():
            return 1 + sum(_cost[a] for a in e.args)
        case _:
            return 1 + sum(_cost[o] for o in e.operands)


def _is_negated(e: Expr) -> bool:
    return isinstance(e, Contract) and isinstance(e.factors[0], Const) and e.factors[0].shape == () and e.factors[0].value == -1


def _is_square_of_variable(e: Expr) -> bool:
    return isinstance(e, Map) and e.fn == "pow" and constant_value(e.args[1]) == 2 and isinstance(e.args[0], Var)


def _product(e: Contract) -> int:
    total, heavy = 0, 0
    summed = {label for ls in e.labels for label in ls} - set(e.out)
    carriers = dict.fromkeys(summed, 0)
    for f, ls in zip(e.factors, e.labels, strict=True):
        if isinstance(f, Const) and f.shape == ():
            total += 1  # of -1 the minus, of others the product
            continue
        if isinstance(f, Ones):
            continue
        if isinstance(f, Delta):
            total += 1 if len(e.factors) > 1 else 0  # diag(...)
            continue
        base = _inverse(f)
        total += _cost[f] if base is None else _cost[base] + (1 if heavy == 0 and len(e.factors) == 1 else 0)
        heavy += 1
        for label in set(ls) & summed:
            carriers[label] += 1
        if len(set(ls)) < len(ls):
            total += 1  # trace or diagonal
    total += max(heavy - 1, 0)
    if any(count == 1 for count in carriers.values()):
        total += 1  # an explicit sum
        if heavy == 1 and not e.out and len(e.labels[-1]) == 1 and _is_square_of_variable(e.factors[-1]):
            total -= 1  # x @ x
    return total
