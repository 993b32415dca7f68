"""SymPy as a simplifier of scalars: what is computed entry by entry is handed to it as one scalar formula, and read back.

A region is a largest part of an expression made of sums, elementwise products and functions over arrays of one shape, where scalars count
as filling it. Everything else in it, a matrix product say, is an atom with a symbol of its own. SymPy's answer is only a proposal: its
forms differ between versions, and the caller keeps it if it is shorter and has the same values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from symdiff.errors import SymdiffError
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Add, Const, Contract, Map, Ones, Size, Var
from symdiff.expr.rebuild import with_operands
from symdiff.expr.traverse import node_count
from symdiff.printing.bridge.entries import entry_readers
from symdiff.printing.bridge.functions import number, sympy_function
from symdiff.printing.bridge.matrices import matrix_readers
from symdiff.printing.bridge.reader import Reader
from symdiff.printing.bridge.scalars import scalar_readers
from symdiff.printing.bridge.symbols import sympy_number
from symdiff.printing.bridge.values import Index, Scope, dims_of, joined, scalar

LARGEST = 20  # operations of a region written out; a larger part of it is an atom
WAVES = ("sin", "cos", "tan", "sinh", "cosh", "tanh")  # within one another they cost SymPy minutes: the inner one is an atom
GIVEN_UP = (ArithmeticError, AttributeError, LookupError, NotImplementedError, RecursionError, SymdiffError, TypeError, ValueError)
"""What sympy.simplify raises on formulas that it cannot take."""


def simplify_scalar_with_sympy(e: Expr) -> Expr | None:
    """The expression with its entrywise parts as sympy.simplify leaves them, where they get fewer nodes; None if none does.

    The result should be equal wherever the input is defined; that is for the caller to check, since SymPy is not ours.

    >>> from symdiff.expr import ops
    >>> from symdiff.expr.leaves import var
    >>> x = var('x', ('n',))
    >>> simplify_scalar_with_sympy(ops.sin(x) ** 2 + ops.cos(x) ** 2) is ops.ones('n')
    True
    """
    order = list(topological(e))
    regions = _Regions(e, order)
    new: dict[Expr, Expr] = {}
    for node in order:
        rebuilt = with_operands(node, tuple(new[o] for o in node.operands))
        proposal = _simplified(node, regions, new) if node in regions.tops else None
        new[node] = proposal if proposal is not None and node_count(proposal) < node_count(rebuilt) else rebuilt
    return None if new[e] is e else new[e]


# --- regions ------------------------------------------------------------------------------------------------------
def _inner(e: Expr) -> tuple[Expr, ...] | None:
    """The operands that belong to the same entry as `e`, None if `e` is an atom."""
    match e:
        case Map() | Add():
            return e.operands
        case Contract():
            if all(not f.shape or ls == e.out or isinstance(f, Ones) for f, ls in zip(e.factors, e.labels, strict=True)):
                return tuple(f for f in e.factors if not isinstance(f, Ones))
    return None


class _Regions:
    """Where the regions of an expression begin and end."""

    def __init__(self, root: Expr, order: Sequence[Expr]) -> None:
        self.cut: set[Expr] = set()  # parts of regions that are written as atoms all the same
        self.entrywise: set[Expr] = set()
        operations: dict[Expr, int] = {}
        waves: set[Expr] = set()
        outer = {root}
        for e in order:
            inner = _inner(e)
            outer.update(o for o in e.operands if inner is None or o not in inner)
            if inner is None:
                continue
            self.entrywise.add(e)
            if isinstance(e, Map) and e.fn in WAVES:
                self.cut |= waves & set(inner)
                waves.add(e)
            elif any(o in waves and o not in self.cut for o in inner):
                waves.add(e)
            operations[e] = 1 + sum(operations.get(o, 0) for o in inner if o not in self.cut)
            if operations[e] > LARGEST:
                self.cut.add(e)
        self.tops = (outer | self.cut) & self.entrywise


def _simplified(top: Expr, regions: _Regions, new: Mapping[Expr, Expr]) -> Expr | None:
    """SymPy's proposal for one region."""
    import sympy as sp

    def is_atom(e: Expr) -> bool:
        return e is not top and (e in regions.cut or e not in regions.entrywise)

    forms: dict[Expr, Any] = {}
    atoms: dict[Any, Expr] = {}
    for e in topological(top, until=is_atom):
        if not is_atom(e):
            forms[e] = _form(e, forms)
        elif isinstance(e, Const) and not e.shape:
            forms[e] = sympy_number(e.value)
        elif isinstance(e, Ones):
            forms[e] = sp.S.One
        else:
            forms[e] = sp.Symbol(f"_{len(atoms):03}", **_assumed(e))
            atoms[forms[e]] = new[e]
    try:
        proposals = [sp.simplify(forms[top]), sp.simplify(forms[top].doit())]
        return _read(min(proposals, key=sp.count_ops), top, atoms)
    except GIVEN_UP:
        return None


def _assumed(e: Expr) -> dict[str, bool]:
    """What SymPy may assume of an entry of an atom."""
    if isinstance(e, Size):
        return {"integer": True, "positive": True}
    words = e.assumptions if isinstance(e, Var) else ()
    if "positive" in words:
        return {"positive": True}
    return {"real": True, **({"nonnegative": True} if {"nonnegative", "binary", "prob", "count", "onehot"} & set(words) else {})}


def _form(e: Expr, forms: Mapping[Expr, Any]) -> Any:
    import sympy as sp

    inner = [forms[o] for o in _inner(e) or ()]
    match e:
        case Map():
            return sympy_function(e.fn, inner)
        case Add():
            return sp.Add(*map(number, inner))
    return sp.Mul(*map(number, inner))


def _read(s: Any, top: Expr, atoms: Mapping[Any, Expr]) -> Expr:
    """A scalar formula of the atoms' symbols, at every entry."""
    places = [-1 - a for a in range(top.ndim)]  # labels that no reader makes
    around: Scope = (
        *((p, Index(d)) for p, d in zip(places, top.shape, strict=True)),
        *((symbol, scalar(node, places if node.shape else ())) for symbol, node in atoms.items()),
    )
    reader = Reader(scalar_readers() | matrix_readers() | entry_readers(), {}, s, around)
    return joined(reader.read(s, around).factors, places, dims_of(around))
