"""Expressions as SymPy's: matrices where SymPy has them, sums over indices where it has not.

Nothing is evaluated or reordered (evaluate=False throughout), so that the formula is SymPy's to transform and from_sympy finds the same
node on the way back. A vector of n entries is an n x 1 matrix. An operation with no matrix form is written entry by entry, as a
FunctionMatrix, and for an array of rank 3 or more as a Lambda of its indices. Truth values in arithmetic are a Piecewise of 1 and 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from symdiff.errors import Unsupported
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import (
    Add,
    Arg,
    Concat,
    Const,
    Contract,
    Delta,
    Gather,
    GatherT,
    Iota,
    Linalg,
    Map,
    Ones,
    Reduce,
    Reshape,
    Scan,
    Scatter,
    Size,
    Slice,
    Var,
)
from symdiff.printing.bridge.algebra import (
    constant_form,
    function_form,
    identity_form,
    ones_form,
    product_form,
    sum_form,
)
from symdiff.printing.bridge.structure import (
    concatenation_form,
    gather_form,
    linalg_form,
    named_form,
    reduction_form,
    reshape_form,
    scan_form,
    slice_form,
)
from symdiff.printing.bridge.symbols import dim_symbol
from symdiff.printing.bridge.writer import Writer


def to_sympy(e: Expr, *, names: Mapping[Expr, str] | None = None) -> Any:
    """The expression as a SymPy one: a scalar, a MatrixExpr for ranks 1 and 2, a Lambda of the indices for a higher rank.

    `names` writes nodes as symbols of the given names: named intermediates, or variables under another name.
    Raises: NameClash if two variables of the expression share a name; Unsupported where SymPy cannot hold it.

    >>> from symdiff.expr.leaves import var
    >>> X, w, y = var('X', ('n', 'd')), var('w', ('d',)), var('y', ('n',))
    >>> print(to_sympy(2 * X.T @ (X @ w - y)))
    2*X.T*(X*w - y)
    """
    names = dict(names or {})
    nodes = list(topological(e, until=names.__contains__))
    writer = Writer(names, nodes)
    try:
        for node in nodes:
            writer.forms[node] = _form(writer, node)
    except RecursionError:
        raise Unsupported(f"to_sympy: an expression of {len(nodes)} nodes is deeper than SymPy can hold") from None
    return writer.forms[e]


def _form(writer: Writer, e: Expr) -> Any:
    if e in writer.names:
        return writer.symbol(e)
    row = FORMS.get(type(e))
    if row is None:
        raise Unsupported(f"to_sympy: there is no SymPy form of the node {type(e).__name__}")
    return row(writer, e, [writer.forms[o] for o in e.operands])


FORMS: dict[type[Expr], Callable[[Writer, Any, list[Any]], Any]] = {
    Var: lambda b, e, operands: b.symbol(e),
    Const: constant_form,
    Size: lambda b, e, operands: dim_symbol(e.dim),
    Iota: lambda b, e, operands: b.array(e.shape, lambda i: i),
    Delta: identity_form,
    Ones: ones_form,
    Add: sum_form,
    Contract: product_form,
    Map: function_form,
    Reduce: reduction_form,
    Scan: scan_form,
    Arg: named_form,
    Reshape: reshape_form,
    Slice: slice_form,
    Scatter: named_form,
    Concat: concatenation_form,
    Gather: gather_form,
    GatherT: named_form,
    Linalg: linalg_form,
}
"""Every class of nodes and its SymPy form."""
