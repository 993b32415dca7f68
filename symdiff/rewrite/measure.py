"""The measure that simplification lowers: the operations of the printed form.

A product costs one operation for each factor after the first, a division as much as a product, a minus nothing inside a sum. Numbers,
ones and identities are free. Named functions cost one. A shared node is paid once: it is printed once, with a name.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symdiff.expr.algebra import contract
from symdiff.expr.leaves import constant_value
from symdiff.expr.node import Expr, memo_of, topological
from symdiff.expr.nodes import Add, Const, Contract, Delta, Iota, Map, Ones, Size, Var
from symdiff.rewrite.softmax import log_softmax_of

MOST = 48  # parts that are in no block; an expression with more is a block, which pays for them: comparisons stay local


def cost(e: Expr) -> int:
    """Operations of `e`, each different node counted once."""
    notes = memo_of(e)
    if "cost" not in notes:
        for node in topological(e, until=lambda n: "cost" in memo_of(n)):
            _visit(node)
    return notes["cost"]  # type: ignore[no-any-return]


def operations(roots: Sequence[Expr]) -> int:
    """Operations of several expressions together, each different node counted once, however many there are."""
    seen: set[Expr] = set()
    todo = list(roots)
    total = 0
    while todo:
        e = todo.pop()
        if e not in seen and constant_value(e) is None:
            seen.add(e)
            total += _own(e)
            todo.extend(_written(e))
    return total


def cost_beside(e: Expr, others: Sequence[Expr]) -> int:
    """Operations of `e` where `others` are computed anyway."""
    total = cost(e)
    if not others:
        return total
    paid: set[Expr] = set()
    for other in others:
        cost(other)
        paid |= memo_of(other)["parts"] | {other}
    notes = memo_of(e)
    return sum(memo_of(p)["own"] for p in (notes["parts"] | {e}) - paid)


def _visit(e: Expr) -> None:
    """Notes of a node: its own operations, the different nodes below it that have any, and the sum."""
    notes = memo_of(e)
    if "cost" in notes:
        return
    own = 0 if constant_value(e) is not None else _own(e)
    parts: set[Expr] = set()
    for o in _written(e):
        if "cost" not in memo_of(o):
            _visit(o)  # a term without its sign, or z, over the same operands
        parts |= memo_of(o)["parts"]
        if memo_of(o)["own"]:
            parts.add(o)
    if len(parts) > MOST:
        loose = {p for p in parts if "block" not in memo_of(p)}
        if len(loose) > MOST:
            own += sum(memo_of(p)["own"] for p in loose)
            parts -= loose
            notes["block"] = True
    notes["own"] = own
    notes["parts"] = parts
    notes["cost"] = own + sum(memo_of(p)["own"] for p in parts)


def _written(e: Expr) -> Sequence[Expr]:
    """The operands as they are written: of a division by b, only b; of a term that is taken off, the term."""
    if isinstance(e, Contract):
        return [f if (base := _inverse(f)) is None else base for f in e.factors]
    if isinstance(e, Add):
        whole = _log_softmax(e)
        return _unsigned(e) if whole is None else [whole]
    return e.operands


def _log_softmax(e: Expr) -> Expr | None:
    """z of z - logsumexp(z), which is log_softmax(z), one function."""
    if not isinstance(e, Add):
        return None
    notes = memo_of(e)
    if "log_softmax" not in notes:
        found = log_softmax_of(e)
        notes["log_softmax"] = None if found is None else found[0]
    return notes["log_softmax"]  # type: ignore[no-any-return]


def _unsigned(e: Add) -> Sequence[Expr]:
    """The terms without the signs before them."""
    notes = memo_of(e)
    if "unsigned" not in notes:
        notes["unsigned"] = [_opposite(t) if _has_sign(t) else t for t in e.terms]
    return notes["unsigned"]  # type: ignore[no-any-return]


def _has_sign(e: Expr) -> bool:
    first = e.factors[0] if isinstance(e, Contract) else None
    return isinstance(first, Const) and not isinstance(first.value, np.ndarray) and first.value < 0


def _opposite(e: Expr) -> Expr:
    assert isinstance(e, Contract) and isinstance(e.factors[0], Const)
    return contract([(Const(-e.factors[0].value), ()), *zip(e.factors[1:], e.labels[1:], strict=True)], e.out)


def _inverse(e: Expr) -> Expr | None:
    """b of b ** -1, which a product writes as a division by b."""
    return e.args[0] if isinstance(e, Map) and e.fn == "pow" and constant_value(e.args[1]) == -1 else None


def _own(e: Expr) -> int:
    """Operations of the node itself."""
    match e:
        case Var() | Const() | Size() | Iota() | Delta() | Ones():
            return 0
        case Add() if _log_softmax(e) is not None:
            return 1
        case Map(fn="exp") if _log_softmax(e.args[0]) is not None:
            return 0  # softmax
        case Add():
            return len(e.terms) - 1 + _is_negated(e.terms[0])
        case Contract():
            return _product(e)
        case _:
            return 1


def _is_negated(e: Expr) -> bool:
    return isinstance(e, Contract) and isinstance(e.factors[0], Const) and e.factors[0].shape == () and e.factors[0].value == -1


def _divides_by_size(e: Contract, summed: set[int]) -> bool:
    dims = e.dims()
    sizes = {dims[label] for label in summed}
    return any(isinstance(b := _inverse(f), Size) and b.dim in sizes for f in e.factors)


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
        total += _inverse(f) is not None and len(e.factors) == 1  # 1 / b
        heavy += 1
        for label in set(ls) & summed:
            carriers[label] += ls.count(label)  # a trace sums by itself
        if len(set(ls)) < len(ls):
            total += 1  # trace or diagonal
    total += max(heavy - 1, 0)
    if any(count == 1 for count in carriers.values()):
        total += 0 if _divides_by_size(e, summed) else 1  # an explicit sum; with 1 / n it is a mean
        if heavy == 1 and not e.out and len(e.labels[-1]) == 1 and _is_square_of_variable(e.factors[-1]):
            total -= 1  # x @ x
    return total
