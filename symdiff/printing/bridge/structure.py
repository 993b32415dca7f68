"""SymPy forms of reductions, of structure and of matrix functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from symdiff.expr.dims import dim_mul
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Concat, Contract, Gather, Linalg, Place, Range, Reduce, Reshape, Scan, Slice
from symdiff.printing.bridge.arrays import entry, written
from symdiff.printing.bridge.functions import number
from symdiff.printing.bridge.symbols import sympy_dim
from symdiff.printing.bridge.writer import Writer, over, rank_two


# --- reductions and scans -----------------------------------------------------------------------------------------
def named_form(b: Writer, e: Expr, operands: list[Any]) -> Any:
    return b.array(e.shape, lambda *i: written(e, operands, i))


def reduction_form(b: Writer, e: Reduce, operands: list[Any]) -> Any:
    import sympy as sp

    if e.kind != "prod":
        return named_form(b, e, operands)
    factors = {a: b.index() for a in e.axes}

    def at(*index: Any) -> Any:
        rest = iter(index)
        place = [factors[a] if a in factors else next(rest) for a in range(e.x.ndim)]
        return over(sp.Product, number(entry(operands[0], place)), *((i, 0, sympy_dim(e.x.shape[a]) - 1) for a, i in factors.items()))

    return b.array(e.shape, at)


def concatenation_form(b: Writer, e: Concat, operands: list[Any]) -> Any:
    import sympy as sp

    if len(e.shape) > 2:
        return named_form(b, e, operands)
    block = sp.BlockMatrix([operands] if e.axis else [[o] for o in operands])
    return rank_two(block) if len(e.shape) == 2 else block


def reshape_form(b: Writer, e: Reshape, operands: list[Any]) -> Any:
    """A Kronecker product, which is a reshaped outer product of matrices, or the named function."""
    import sympy as sp

    x = e.x
    outer = isinstance(x, Contract) and x not in b.names and x.labels == ((0, 1), (2, 3)) and x.out == (0, 2, 1, 3)
    if outer and e.to == tuple(dim_mul(p, q) for p, q in zip(*(f.shape for f in x.operands), strict=True)):
        return sp.KroneckerProduct(*(b.forms[f] for f in x.operands))
    return named_form(b, e, operands)


def scan_form(b: Writer, e: Scan, operands: list[Any]) -> Any:
    """The entries up to index i, or from it on, summed or multiplied."""
    import sympy as sp

    kind = {"cumsum": sp.Sum, "cumprod": sp.Product}[e.kind]
    k = b.index()
    last = sympy_dim(e.shape[e.axis]) - 1

    def at(*index: Any) -> Any:
        i = index[e.axis]
        body = entry(operands[0], [*index[: e.axis], k, *index[e.axis + 1 :]])
        return over(kind, body, (k, i, last) if e.reverse else (k, 0, i))

    return b.array(e.shape, at)


# --- structure ----------------------------------------------------------------------------------------------------
def slice_form(b: Writer, e: Slice, operands: list[Any]) -> Any:
    def at(*index: Any) -> Any:
        rest = iter(index)
        return entry(operands[0], [_position(p, rest) for p in e.key])

    return b.array(e.shape, at)


def _position(place: Place, index: Iterator[Any]) -> Any:
    if isinstance(place, Range):
        return sympy_dim(place.start) + place.step * next(index)
    return sympy_dim(place)


def gather_form(b: Writer, e: Gather, operands: list[Any]) -> Any:
    """Entries at indices that are entries themselves."""
    x, *indices = operands
    rank = e.indices[0].ndim

    def at(*index: Any) -> Any:
        inner = index[e.axis : e.axis + rank]
        return entry(x, [*index[: e.axis], *(entry(i, inner) for i in indices), *index[e.axis + rank :]])

    return b.array(e.shape, at)


def linalg_form(b: Writer, e: Linalg, operands: list[Any]) -> Any:
    import sympy as sp

    if len(e.args[0].shape) == 2:
        match e.fn:
            case "inv":
                return sp.Inverse(operands[0])
            case "det":
                return sp.Determinant(operands[0])
            case "solve":  # MatPow and not Inverse: inv(A) @ B is another node
                return sp.MatMul(sp.MatPow(operands[0], -1), operands[1], evaluate=False)
    return named_form(b, e, operands)
