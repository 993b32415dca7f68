"""What does not vary along an axis is computed once: functions and reductions of broadcast arrays, numbers inside linear nodes."""

from __future__ import annotations

import numpy as np

from symdiff.expr import ops
from symdiff.expr.algebra import broadcast_to, contract, permute, size
from symdiff.expr.build import apply, reduce
from symdiff.expr.dims import Shape, dim_mul
from symdiff.expr.leaves import constant_value
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Const, Contract, Delta, Gather, GatherT, Map, Ones, Reduce, Reshape, Scan, Scatter, Slice
from symdiff.expr.rebuild import with_operands
from symdiff.rewrite.addends import drop_axes
from symdiff.rewrite.terms import Term, as_term, used_labels


def lower_rank(e: Map) -> Expr:
    """f of a broadcast or transposed array is the broadcast or transpose of f: computed once for each different entry."""
    if not e.shape:
        return e
    terms = [as_term(a) for a in e.args]
    carried: set[int] = set()
    for t in terms:
        own = used_labels(t.varying)
        carried |= {k for k, label in enumerate(t.out) if label in own}
    idle = [k for k in range(len(e.shape)) if k not in carried]
    if idle:
        inner = apply(e.fn, *(drop_axes(t, idle).expr() for t in terms))
        kept = tuple(k for k in range(len(e.shape)) if k not in idle)
        return contract([(inner, kept), *((Ones(e.shape[k]), (k,)) for k in idle)], tuple(range(len(e.shape))))
    moving = [k for k, a in enumerate(e.args) if constant_value(a) is None]
    if len(moving) == 1 and isinstance(e.args[moving[0]], Contract):
        t = terms[moving[0]]
        if len(t.factors) == 1 and t.factors[0][1] != t.out and set(t.factors[0][1]) == set(t.out) and len(t.factors[0][1]) == len(t.out):
            order = [t.factors[0][1].index(label) for label in t.out]
            back = tuple(order.index(a) for a in range(len(order)))
            core = t.factors[0][0].shape
            args = [permute(a, back) if k == moving[0] else refilled(a, core) for k, a in enumerate(e.args)]
            return permute(apply(e.fn, *args), order)
    return e


def refilled(a: Expr, shape: Shape) -> Expr:
    """A broadcast constant under another shape."""
    value = constant_value(a)
    assert value is not None
    return broadcast_to(Const(value), shape)


def number_of_array(e: Const) -> Expr:
    """An array of one float everywhere is that number, stretched: the np.zeros(k) that a recurrence starts from falls away."""
    array = e.value
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f" or array.size < 2:
        return e
    first = array.flat[0]
    if not np.isfinite(first) or (array != first).any() or (first == 0 and np.signbit(array).any()):
        return e
    return broadcast_to(Const(float(first)), e.shape)


def number_in_front(e: Expr) -> Expr:
    """A linear node over k x is k times the node over x."""
    if not isinstance(e, (Slice, Scan, Gather, GatherT, Scatter, Reshape)):
        return e
    moved = e.operands if isinstance(e, Scatter) else e.operands[:1]
    numbers = {as_term(o).coefficient for o in moved}
    scale = numbers.pop()
    if numbers or scale in (0, 1) or any(constant_value(o) is not None for o in moved):
        return e
    bare = tuple(Term(1, as_term(o).factors, as_term(o).out).expr() for o in moved)
    inner = with_operands(e, (*bare, *e.operands[len(bare) :]))
    every = tuple(range(len(e.shape)))
    return contract([(Const(scale), ()), (inner, every)], every)


def visit_reshape(e: Reshape) -> Expr:
    """The identity of order m n, its axes split into (m, n), is the product of two identities."""
    half = len(e.to) // 2
    if isinstance(e.x, Delta) and len(e.to) % 2 == 0 and e.to[:half] == e.to[half:]:
        return contract([(Delta(d), (k, half + k)) for k, d in enumerate(e.to[:half])], tuple(range(len(e.to))))
    return e


def reduced_rank(e: Reduce) -> Expr:
    """A reduction over axes along which nothing varies: n equal entries have logsumexp x + log n and product x ** n."""
    term = as_term(e.x)
    carried = used_labels(term.varying)
    idle = [a for a in e.axes if term.out[a] not in carried]
    if not idle:
        return e
    rest = [a - sum(b < a for b in idle) for a in e.axes if a not in idle]
    inner = reduce(e.kind, drop_axes(term, idle).expr(), rest)
    count = size(dim_mul(*(e.x.shape[a] for a in idle)))
    match e.kind:
        case "logsumexp":
            return ops.add(inner, ops.log(count))
        case "prod":
            return ops.power(inner, count)
    return inner
