"""Readers of SymPy's matrices: symbols, products, sums, elementwise functions. Their entries are read in entries.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, reduce
from typing import Any

from symdiff.errors import ShapeError, Unsupported
from symdiff.expr import build, structure
from symdiff.expr.algebra import add, zeros_of
from symdiff.expr.dims import Dim, show_shape
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Delta, Ones
from symdiff.expr.ops import kron, matrix_power, solve, sum
from symdiff.printing.bridge.reader import Reader, Readers, Reading
from symdiff.printing.bridge.symbols import array_of_sympy, dim_of_sympy, variable_of_symbol
from symdiff.printing.bridge.values import (
    Index,
    Label,
    Scope,
    Value,
    dims_of,
    joined,
    matrix,
    node_of,
    rank_two,
    scalar,
)


def shape_of(s: Any) -> tuple[Dim, Dim]:
    rows, columns = map(dim_of_sympy, s.shape)
    return rows, columns


def of_kind(r: Reader, node: Expr, kind: tuple[bool, bool]) -> Value:
    """A node as a matrix whose axes are rows, columns or both."""
    return matrix(node, *(r.fresh() if present else None for present in kind))


def of_node(r: Reader, node: Expr) -> Value:
    """A node as a column or a matrix."""
    return of_kind(r, node, (True, node.ndim == 2))


# --- leaves -------------------------------------------------------------------------------------------------------
def _matrix_symbol(r: Reader, s: Any, scope: Scope) -> Value:
    if s.name not in r.known:
        return of_node(r, variable_of_symbol(s))
    given = r.known[s.name]
    shape = shape_of(s)
    for kind, wanted in {(True, True): shape, (True, False): shape[:1], (False, True): shape[1:]}.items():
        fits = kind == (True, True) or shape[1 if kind[0] else 0] == 1
        if fits and given.shape == wanted:
            return of_kind(r, given, kind)
    raise ShapeError(f"from_sympy: {s} is {show_shape(shape)} in SymPy, its shape is given as {show_shape(given.shape)}")


def _ones(r: Reader, s: Any, scope: Scope) -> Value:
    return filled(r, s, both=False)


def filled(r: Reader, s: Any, both: bool) -> Value:
    """Ones, as a vector where one side is 1 unless `both` axes are wanted."""
    rows, columns = shape_of(s)
    i, j = r.fresh(), r.fresh()
    kept = [True, True] if both else [rows != 1 or columns == 1, columns != 1]
    factors = [(Ones(d), (label,)) for d, label, keep in zip((rows, columns), (i, j), kept, strict=True) if keep]
    return Value(tuple(factors), i if kept[0] else None, j if kept[1] else None, is_matrix=True, open=True)


def _zeros(r: Reader, s: Any, scope: Scope) -> Value:
    return zeros(r, s, both=False)


def zeros(r: Reader, s: Any, both: bool) -> Value:
    shape = shape_of(s)
    return of_node(r, zeros_of(shape if both or shape[1] != 1 else shape[:1]))


def _identity(r: Reader, s: Any, scope: Scope) -> Value:
    i, j = r.fresh(), r.fresh()
    return Value(((Delta(shape_of(s)[0]), (i, j)),), i, j, is_matrix=True, open=True)


def _explicit(r: Reader, s: Any, scope: Scope) -> Reading:
    """A matrix of entries: numbers are one constant, anything else is stacked."""
    rows, columns = shape_of(s)
    if all(v.is_number for v in s.flat()):
        return of_node(r, array_of_sympy(s))
    assert isinstance(rows, int) and isinstance(columns, int)
    nodes = []
    for entry in s.flat():
        value = yield entry, scope
        nodes.append(_closed(value, s))
    if columns == 1:
        return of_node(r, structure.stack_nodes(nodes, 0))
    lines = [structure.stack_nodes(nodes[k * columns : (k + 1) * columns], 0) for k in range(rows)]
    return of_node(r, structure.stack_nodes(lines, 0))


def _closed(value: Value, s: Any) -> Expr:
    if value.is_matrix or value.labels:
        raise Unsupported(f"from_sympy: {s}: an entry that is a matrix, or that hangs on an index")
    return node_of(value)


# --- products -----------------------------------------------------------------------------------------------------
def _turned(r: Reader, s: Any, scope: Scope) -> Reading:
    value = yield s.args[0], scope
    return Value(value.factors, value.columns, value.rows, is_matrix=True, open=True)


def _single(r: Reader, value: Value) -> Value:
    """A matrix as one factor, unless its factors are open to the product around it."""
    return r.freshened(value if value.open else of_kind(r, node_of(value), value.kind))


def _matrix_product(r: Reader, s: Any, scope: Scope) -> Reading:
    import sympy as sp

    if len(s.args) == 2 and type(s.args[0]) is sp.MatPow and s.args[0].args[1] == -1 and s.args[1].is_Matrix:
        return (yield from _solution(r, s, scope))
    if len(s.args) == 1:  # a product of one keeps what is in it apart
        value = yield s.args[0], scope
        return of_kind(r, node_of(value), value.kind)
    factors: list[Any] = []
    rows: Label | None = None
    columns: Label | None = None
    started = False
    for part in s.args:
        value = yield part, scope
        if not value.is_matrix:
            factors.append((_closed(value, s), ()))
            continue
        single = _single(r, value)
        if not started:
            rows, started = single.rows, True
        elif columns is not None and single.rows is not None:
            single = single.renamed({single.rows: columns})
        factors += single.factors
        columns = single.columns
        if single.rows is not None and single.rows == single.columns:
            columns = single.rows
    return Value(tuple(factors), rows, columns, is_matrix=True)


def _solution(r: Reader, s: Any, scope: Scope) -> Reading:
    """MatPow(A, -1) B is solve(A, B); inv(A) B is written with Inverse."""
    a = yield s.args[0].args[0], scope
    b = yield s.args[1], scope
    if b.kind == (True, False):
        return of_kind(r, solve(rank_two(a), node_of(b)), (True, False))
    return of_kind(r, build.linalg("solve", rank_two(a), rank_two(b)), (True, True))


def _elementwise_product(r: Reader, s: Any, scope: Scope) -> Reading:
    i, j = r.fresh(), r.fresh()
    factors: list[Any] = []
    rows: Label | None = None
    columns: Label | None = None
    for part in s.args:
        value = yield part, scope
        single = _single(r, value)
        rows, columns = (rows if single.rows is None else i), (columns if single.columns is None else j)
        factors += single.renamed({label: new for label, new in ((single.rows, i), (single.columns, j)) if label is not None}).factors
    return Value(tuple(factors), rows, columns, is_matrix=True, open=True)


def _diagonal_matrix(r: Reader, s: Any, scope: Scope) -> Reading:
    value = yield s.args[0], scope
    if value.kind == (True, True):
        node = rank_two(value)
        value = of_kind(r, sum(node, 1 if node.shape[1] == 1 else 0), (True, False))
    single = _single(r, value)
    i = single.labels[0]
    j = r.fresh()
    return Value((*single.factors, (Delta(node_of(value).shape[0]), (i, j))), i, j, is_matrix=True, open=True)


def _only_diagonal(r: Reader, s: Any, scope: Scope) -> Reading:
    value = yield s.args[0], scope
    node = rank_two(value)
    i, j = r.fresh(), r.fresh()
    return Value(((node, (i, j)), (Delta(node.shape[0]), (i, j))), i, j, is_matrix=True, open=True)


def _diagonal_of(r: Reader, s: Any, scope: Scope) -> Reading:
    value = yield s.args[0], scope
    i = r.fresh()
    return Value(((rank_two(value), (i, i)),), i, None, is_matrix=True, open=True)


def _trace(r: Reader, s: Any, scope: Scope) -> Reading:
    value = yield s.args[0], scope
    if value.kind == (True, True):
        value = value.renamed({value.columns: value.rows})
    return scalar(joined(value.factors, (), {}))


def _of_square(fn: Callable[..., Expr]) -> Any:
    def read(r: Reader, s: Any, scope: Scope) -> Reading:
        value = yield s.args[0], scope
        node = fn(rank_two(value))
        return of_node(r, node) if node.shape else scalar(node)

    return read


def _matrix_power(r: Reader, s: Any, scope: Scope) -> Reading:
    base, exponent = s.args
    if not exponent.is_Integer:
        raise Unsupported(f"from_sympy: {s}: a matrix to the power {exponent}, which is no whole number")
    value = yield base, scope
    return of_node(r, matrix_power(rank_two(value), int(exponent)))


def _kronecker(r: Reader, s: Any, scope: Scope) -> Reading:
    nodes = []
    for part in s.args:
        nodes.append(rank_two((yield part, scope)))
    return of_node(r, reduce(kron, nodes))


# --- sums and functions -------------------------------------------------------------------------------------------
def _alike(name: str, values: Sequence[Value]) -> tuple[list[Expr], tuple[bool, bool]]:
    """Matrices as nodes of one shape: vectors if all lie alike, otherwise arrays of two axes."""
    nodes = [node_of(v) for v in values]
    sides = []
    for node, value in zip(nodes, values, strict=True):
        dims = iter(node.shape)
        sides.append(tuple(next(dims) if present else 1 for present in value.kind))
    if any(side != sides[0] for side in sides):
        raise ShapeError(f"from_sympy: {name} of shapes {', '.join(map(show_shape, sides))}, which differ")
    kinds = {v.kind for v in values}
    return (nodes, kinds.pop()) if len(kinds) == 1 else ([rank_two(v) for v in values], (True, True))


def _matrix_sum(r: Reader, s: Any, scope: Scope) -> Reading:
    values = []
    for part in s.args:
        values.append((yield part, scope))
    nodes, kind = _alike("MatAdd", values)
    return of_kind(r, add(*nodes), kind)


def _elementwise_power(r: Reader, s: Any, scope: Scope) -> Reading:
    base = yield s.args[0], scope
    exponent = yield s.args[1], scope
    if not exponent.is_matrix:
        return of_kind(r, build.apply("pow", node_of(base), _closed(exponent, s)), base.kind)
    nodes, kind = _alike("HadamardPower", [base, exponent])
    return of_kind(r, build.apply("pow", *nodes), kind)


def _applied(r: Reader, s: Any, scope: Scope) -> Reading:
    """A function of one argument at every entry: the argument stands for the whole matrix."""
    function, inner = s.args
    value = yield inner, scope
    node = node_of(value)
    places = [r.fresh() for _ in node.shape]
    indices = tuple((p, Index(d)) for p, d in zip(places, node.shape, strict=True))
    around = (*scope, *indices, (function.variables[0], scalar(node, places)))
    body = yield function.expr, around
    result = joined(body.factors, places, dims_of(around))
    return of_kind(r, result, value.kind)


@cache
def matrix_readers() -> Readers:
    """SymPy's class -> its reader."""
    import sympy as sp
    from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
    from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalMatrix, DiagonalOf
    from sympy.matrices.expressions.hadamard import HadamardPower

    return {
        sp.MatrixSymbol: _matrix_symbol,
        sp.OneMatrix: _ones,
        sp.ZeroMatrix: _zeros,
        sp.Identity: _identity,
        sp.MatrixBase: _explicit,
        sp.Transpose: _turned,
        sp.Adjoint: _turned,
        sp.MatMul: _matrix_product,
        sp.HadamardProduct: _elementwise_product,
        DiagMatrix: _diagonal_matrix,
        DiagonalMatrix: _only_diagonal,
        DiagonalOf: _diagonal_of,
        sp.Trace: _trace,
        sp.Determinant: _of_square(lambda a: build.linalg("det", a)),
        sp.Inverse: _of_square(lambda a: build.linalg("inv", a)),
        sp.MatPow: _matrix_power,
        sp.KroneckerProduct: _kronecker,
        sp.MatAdd: _matrix_sum,
        HadamardPower: _elementwise_power,
        ElementwiseApplyFunction: _applied,
    }
