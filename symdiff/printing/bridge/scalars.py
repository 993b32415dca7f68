"""Readers of SymPy's scalars: numbers, symbols, sums and products, functions, sums over an index, conditions."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from functools import cache, reduce
from typing import Any

from symdiff.errors import ShapeError, Unsupported
from symdiff.expr import build, structure
from symdiff.expr.algebra import add, size
from symdiff.expr.dims import dim_add, dim_sub
from symdiff.expr.elementwise import floor, heaviside, is_boolean, reciprocal, subtract
from symdiff.expr.functions import FUNCTIONS
from symdiff.expr.leaves import constant_value
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Const, Delta, Iota, Map
from symdiff.printing.bridge.functions import named_function, names_of_classes
from symdiff.printing.bridge.reader import Reader, Readers, Reading
from symdiff.printing.bridge.symbols import constant_of_sympy, dim_of_sympy, variable_of_symbol
from symdiff.printing.bridge.values import Index, Scope, Value, dims_of, elementwise, in_order, joined, scalar


# --- leaves -------------------------------------------------------------------------------------------------------
def _number(r: Reader, s: Any, scope: Scope) -> Value:
    return scalar(constant_of_sympy(s))


def _symbol(r: Reader, s: Any, scope: Scope) -> Value:
    for label, bound in scope:
        if label == s:
            if isinstance(bound, Value):
                return bound
            place = scalar(Iota(bound.dim), (s,))
            return place if bound.start == 0 else elementwise(add, [place, scalar(size(bound.start))], scope)
    if s.name in r.known:
        given = r.known[s.name]
        if given.shape:
            raise ShapeError(
                f"from_sympy: {s} is a scalar Symbol, its shape is given as {given.shape}: a vector or matrix is a MatrixSymbol"
            )
        return scalar(given)
    is_dim = s in r.dims or (s.is_integer and s.is_positive and "count" not in s.assumptions0)
    return scalar(size(dim_of_sympy(s)) if is_dim else variable_of_symbol(s))


# --- arithmetic ---------------------------------------------------------------------------------------------------
def _all(r: Reader, parts: Sequence[Any], scope: Scope) -> Generator[tuple[Any, Scope], Value, list[Value]]:
    values = []
    for part in parts:
        value = yield part, scope
        if value.is_matrix:
            raise ShapeError(f"from_sympy: {part} is a matrix where a scalar is wanted")
        values.append(value)
    return values


def _sum(r: Reader, s: Any, scope: Scope) -> Reading:
    values = yield from _all(r, s.args, scope)
    return elementwise(add, values, scope)


def _product(r: Reader, s: Any, scope: Scope) -> Reading:
    values = yield from _all(r, s.args, scope)
    return Value(tuple(_one_factor(v, scope) for v in values))


def _one_factor(value: Value, scope: Scope) -> Any:
    if len(value.factors) == 1:
        return value.factors[0]
    labels = in_order(value.labels, scope)
    return joined(value.factors, labels, dims_of(scope)), labels


def _power(r: Reader, s: Any, scope: Scope) -> Reading:
    values = yield from _all(r, s.args, scope)
    return elementwise(lambda x, p: build.apply("pow", x, p), values, scope)


def _function(r: Reader, s: Any, scope: Scope) -> Reading:
    name = names_of_classes()[type(s)]
    values = yield from _all(r, s.args, scope)
    if name in ("logical_and", "logical_or", "logical_xor", "logical_not", "where"):
        values = [_as_written(part, v) for part, v in zip(s.args, values, strict=True)]
    return elementwise(_folded(name), values, scope)


def _folded(name: str) -> Callable[..., Expr]:
    """A function of two operands over any number of them, as SymPy's Max and And are."""
    return lambda *nodes: reduce(lambda a, b: build.apply(name, a, b), nodes) if FUNCTIONS[name].arity == 2 else build.apply(name, *nodes)


def _as_written(part: Any, value: Value) -> Value:
    """The number whose truth is meant where to_sympy wrote Ne(0, number)."""
    import sympy as sp

    if isinstance(part, sp.Ne) and part.args[0] == 0 and len(value.factors) == 1:
        node, labels = value.factors[0]
        if isinstance(node, Map) and node.fn == "not_equal" and constant_value(node.args[0]) == 0:
            return scalar(node.args[1], labels)
    return value


def _relation(r: Reader, s: Any, scope: Scope) -> Reading:
    name = names_of_classes()[type(s)]
    values = yield from _all(r, s.args, scope)
    return elementwise(lambda a, b: build.apply(name, a, b), values, scope)


def _sinc(r: Reader, s: Any, scope: Scope) -> Reading:
    """sinc(pi x) is np.sinc(x)."""
    import sympy as sp

    (x,) = s.args
    rest = [f for f in x.args if f != sp.pi] if x.is_Mul else [x]
    values = yield from _all(r, rest, scope)
    scale = [] if x.is_Mul and sp.pi in x.args else [scalar(Const(1 / math.pi))]
    product = Value(tuple(_one_factor(v, scope) for v in (*values, *scale)))
    return elementwise(lambda v: build.apply("sinc", v), [product], scope)


def _polygamma(r: Reader, s: Any, scope: Scope) -> Reading:
    order, x = yield from _all(r, s.args, scope)
    if s.args[0] == 0:
        return elementwise(lambda v: build.apply("digamma", v), [x], scope)
    return elementwise(lambda n, v: build.apply("polygamma", n, v), [order, x], scope)


def _gamma(r: Reader, s: Any, scope: Scope) -> Reading:
    """exp(gammaln(x)), which is gamma(x) only for positive x."""
    if not s.args[0].is_positive:
        raise Unsupported(f"from_sympy: {s}: gamma is known for positive arguments only; say positive=True of its symbols, or use loggamma")
    values = yield from _all(r, s.args, scope)
    return elementwise(lambda v: build.apply("exp", build.apply("gammaln", v)), values, scope)


def _by(make: Callable[..., Expr]) -> Any:
    """A reader of a function that we write by others."""

    def read(r: Reader, s: Any, scope: Scope) -> Reading:
        values = yield from _all(r, s.args, scope)
        return elementwise(make, values, scope)

    return read


# --- conditions ---------------------------------------------------------------------------------------------------
def _piecewise(r: Reader, s: Any, scope: Scope) -> Reading:
    """where(condition, ...) from the last branch up; Piecewise((1, c), (0, True)) is the condition c itself."""
    import sympy as sp

    branches = [(pair.expr, pair.cond) for pair in s.args]
    if len(branches) == 2 and [b[0] for b in branches] == [1, 0] and branches[1][1] == sp.true:
        (condition,) = yield from _all(r, [branches[0][1]], scope)
        if all(is_boolean(f) for f, _ in condition.factors):
            return condition
    last, closing = branches[-1]
    if closing != sp.true and not (len(branches) == 2 and closing == sp.Not(branches[0][1], evaluate=False)):
        raise Unsupported(f"from_sympy: {s} has no value where none of its conditions holds: end it with (value, True)")
    (result,) = yield from _all(r, [last], scope)
    for expr, cond in reversed(branches[:-1]):
        value, condition = yield from _all(r, [expr, cond], scope)
        condition = _as_written(cond, condition)
        result = elementwise(lambda c, a, b: build.apply("where", c, a, b), [condition, value, result], scope)
    return result


def _delta(r: Reader, s: Any, scope: Scope) -> Reading:
    """Kronecker's delta of two indices is the identity."""
    bound = dict(scope)
    i, j = s.args[:2]
    first, second = bound.get(i), bound.get(j)
    if isinstance(first, Index) and isinstance(second, Index) and first == second and i != j:
        return scalar(Delta(first.dim), (i, j))
    values = yield from _all(r, (i, j), scope)
    return elementwise(lambda a, b: build.apply("equal", a, b), values, scope)


# --- sums and products over an index ------------------------------------------------------------------------------
def _over_indices(r: Reader, s: Any, scope: Scope) -> Reading:
    return (yield from _over(r, s, s.limits, scope))


def _over(r: Reader, s: Any, limits: Sequence[Any], scope: Scope) -> Reading:
    """A Sum over `limits`, the last outermost, is a Contract, a Product a Reduce; where an index around it is a limit, it is cumulative."""
    import sympy as sp

    inner = scope
    taken: list[Any] = []
    for limit in reversed(limits):
        if len(limit) != 3:
            raise Unsupported(f"from_sympy: {s}: a sum or product over {limit[0]} needs its limits")
        k, low, high = limit
        if {label for label, bound in inner if isinstance(bound, Index)} & limit[1:].free_symbols:
            break
        start = dim_of_sympy(low)
        inner = (*inner, (k, Index(dim_sub(dim_of_sympy(high), dim_add(start, -1)), start, summed=True)))
        taken.append(k)
    rest = limits[: len(limits) - len(taken)]
    if rest and not taken:
        return (yield from _cumulative(r, s, limits, scope))
    body = (yield from _over(r, s, rest, inner)) if rest else (yield from _all(r, [s.function], inner))[0]
    dims = dims_of(inner)
    kept = in_order((label for label in body.labels if label not in taken), inner)
    missing = [k for k in taken if k not in body.labels]
    if isinstance(s, sp.Sum):
        return scalar(joined((*body.factors, *((size(dims[k]), ()) for k in missing)), kept, dims), kept)
    if missing:
        labels = (*kept, *taken)
        node = joined(body.factors, labels, dims)
    else:
        node, labels = _one_factor(body, inner)
    return scalar(build.reduce("prod", node, [a for a, label in enumerate(labels) if label in taken]), kept)


def _cumulative(r: Reader, s: Any, limits: Sequence[Any], scope: Scope) -> Reading:
    """The sum or product from 0 to an index around it, or from such an index to the last."""
    import sympy as sp

    k, low, high = limits[-1]
    bounds = dict(scope)
    index, reverse = (low, True) if low in bounds else (high, False)
    bound = bounds.get(index)
    if not isinstance(bound, Index) or bound.start != 0 or (dim_add(dim_of_sympy(high), 1) != bound.dim if reverse else low != 0):
        raise Unsupported(f"from_sympy: {s}: the limits are not 0 and an index around it, nor such an index and its last value")
    inner = (*scope, (k, bound))
    body = (yield from _over(r, s, limits[:-1], inner)) if len(limits) > 1 else (yield from _all(r, [s.function], inner))[0]
    node, labels = _one_factor(body, inner)
    if k not in labels:
        node, labels = joined(((node, labels),), (*labels, k), dims_of(inner)), (*labels, k)
    scanned = structure.scan("cumsum" if isinstance(s, sp.Sum) else "cumprod", node, labels.index(k), reverse)
    return scalar(scanned, tuple(index if label == k else label for label in labels))


# --- the table ----------------------------------------------------------------------------------------------------
@cache
def scalar_readers() -> Readers:
    """SymPy's class -> its reader."""
    import sympy as sp
    from sympy.core.relational import Relational
    from sympy.logic.boolalg import BooleanAtom

    rows: Readers = dict.fromkeys(names_of_classes(), _function)
    rows |= dict.fromkeys((sp.Number, sp.NumberSymbol, type(sp.I), type(sp.zoo), BooleanAtom), _number)
    rows |= {
        sp.Symbol: _symbol,
        sp.Idx: _symbol,
        sp.Add: _sum,
        sp.Mul: _product,
        sp.Pow: _power,
        Relational: _relation,
        sp.sinc: _sinc,
        sp.polygamma: _polygamma,
        sp.gamma: _gamma,
        sp.Piecewise: _piecewise,
        sp.KroneckerDelta: _delta,
        sp.Sum: _over_indices,
        sp.Product: _over_indices,
        named_function("iverson"): _by(lambda c: c),
        sp.re: _by(lambda x: x),
        sp.conjugate: _by(lambda x: x),
        sp.UnevaluatedExpr: _by(lambda x: x),
        sp.frac: _by(lambda x: subtract(x, floor(x))),
        sp.sec: _by(lambda x: reciprocal(build.apply("cos", x))),
        sp.csc: _by(lambda x: reciprocal(build.apply("sin", x))),
        sp.cot: _by(lambda x: reciprocal(build.apply("tan", x))),
        sp.sech: _by(lambda x: reciprocal(build.apply("cosh", x))),
        sp.csch: _by(lambda x: reciprocal(build.apply("sinh", x))),
        sp.coth: _by(lambda x: reciprocal(build.apply("tanh", x))),
        sp.Heaviside: _by(heaviside),
        sp.ITE: _by(lambda c, a, b: build.apply("where", c, a, b)),
    }
    return rows
