"""SymPy's expressions as ours: scalars, matrices, sums over indices.

Every class of SymPy has one row in a table: a reader that asks for the values of the parts (it yields them) and puts them together. The
readers run on one explicit stack, so that the depth of an expression is no limit here. No text is ever evaluated: what comes in is a
SymPy object, and a function that the tables do not know is an error with its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symdiff.errors import UnknownName, Unsupported, did_you_mean
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import as_shape
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr
from symdiff.printing.bridge.entries import entry_readers
from symdiff.printing.bridge.matrices import matrix_readers
from symdiff.printing.bridge.reader import Reader
from symdiff.printing.bridge.scalars import scalar_readers
from symdiff.printing.bridge.values import Scope, node_of, rank_two


def from_sympy(s: Any, shapes: Mapping[str, Any] | None = None) -> Expr:
    """The expression that a SymPy expression says.

    A Symbol is a scalar variable, or the dim of that name if it stands in a shape or is integer and positive. A MatrixSymbol of n x 1 is
    a vector of shape (n,), any other a matrix. `shapes` says otherwise by name: a shape such as ('n', 1), or an expression to put there.
    A 1 x 1 matrix is a number. What to_sympy wrote comes back as the same node.

    Raises: Unsupported, with the name, for a function or class that is not known; ShapeError for shapes that do not fit; DtypeError for
    what is not real; UnknownName for a name in `shapes` that does not occur.

    >>> import sympy
    >>> n, d = sympy.symbols('n d')
    >>> X, w = sympy.MatrixSymbol('X', n, d), sympy.MatrixSymbol('w', d, 1)
    >>> from_sympy(X * w).shape
    ('n',)
    """
    if isinstance(s, str):
        raise Unsupported(f"from_sympy: {s!r} is text: SymPy would evaluate it; give a SymPy expression, or parse the text with sd.parse")
    import sympy as sp

    if not isinstance(s, (sp.Basic, sp.MatrixBase)):
        return as_expr(s)
    if isinstance(s, sp.MatrixBase):
        s = s.as_immutable()
    known = {name: _given(name, given) for name, given in (shapes or {}).items()}
    try:
        return _read(s, known, ())
    except RecursionError:
        raise Unsupported("from_sympy: the expression is deeper than SymPy can walk") from None


def _read(s: Any, known: Mapping[str, Expr], scope: Scope) -> Expr:
    reader = Reader(scalar_readers() | matrix_readers() | entry_readers(), known, s)
    unused = [name for name in known if name not in reader.names]
    if unused:
        raise UnknownName(f"from_sympy: there is no symbol {unused[0]!r}{did_you_mean(unused[0], reader.names)}")
    value = reader.read(s, scope)
    if value.is_matrix and value.kind == (False, True):
        return rank_two(value)
    return node_of(value)


def _given(name: str, given: Any) -> Expr:
    """What stands for a name: an expression, or a variable of the given shape."""
    return given if isinstance(given, Expr) else var(name, as_shape(given))
