"""The differential of every node that is neither sum, product nor elementwise function, as the Matrix Cookbook prints it.

A row takes the node and the tangents of its operands (None where an operand is held fixed) and gives an expression that is linear in
the tangents, or None where the node is flat. Forward mode uses it as it stands; reverse mode transposes it. There is no second table.
Sums and products need no row: they are linear in each operand, which is the product rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from symdiff.errors import MissingRule
from symdiff.expr import ops
from symdiff.expr.algebra import broadcast_to, contract, zeros_of
from symdiff.expr.dims import Shape, dim_mul, dim_sub
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Arg, Concat, Const, Delta, Gather, GatherT, Iota, Linalg, Ones, Range, Reduce, Reshape, Scan, Scatter, Slice
from symdiff.expr.rebuild import with_operands
from symdiff.expr.structure import concat, expand_axis, full_range, reshape_node, scan, slice_node

Tangents = Sequence[Expr | None]
HALF = Fraction(1, 2)
COOKBOOK = "Petersen and Pedersen, The Matrix Cookbook, 2012"


# --- linear nodes: the differential is the node over the tangent ---------------------------------------------------
def _linear(node: Expr, tangents: Tangents) -> Expr | None:
    """A node that is linear in all its operands together: fixed ones get a zero tangent."""
    return with_operands(node, tuple(zeros_of(o.shape) if t is None else t for o, t in zip(node.operands, tangents, strict=True)))


def _linear_in_first(node: Expr, tangents: Tangents) -> Expr | None:
    """A gather: linear in the array, flat in the indices."""
    return None if tangents[0] is None else with_operands(node, (tangents[0], *node.operands[1:]))


# --- reductions ---------------------------------------------------------------------------------------------------
def _along(y: Expr, x: Expr, axes: Sequence[int]) -> Expr:
    """A reduced array stretched back to the shape of x."""
    for axis in sorted(axes):
        y = expand_axis(y, axis)
    return broadcast_to(y, x.shape)


def _extremum(node: Reduce, tangents: Tangents) -> Expr | None:
    """d max(x) = the mean of dx over the entries that attain the maximum."""
    (dx,) = tangents
    if dx is None:
        return None
    mask = ops.equal(node.x, _along(node, node.x, node.axes))
    return ops.sum(mask * dx, node.axes) / ops.sum(mask, node.axes)


def _logsumexp(node: Reduce, tangents: Tangents) -> Expr | None:
    """d log sum exp(x) = sum softmax(x) dx."""
    (dx,) = tangents
    return None if dx is None else ops.sum(ops.exp(node.x - _along(node, node.x, node.axes)) * dx, node.axes)


def _prod(node: Reduce, tangents: Tangents) -> Expr | None:
    """d prod(x) = sum of dx_i times the product of the others, from the left and from the right: no division."""
    (dx,) = tangents
    if dx is None:
        return None
    x, lead = node.x, [a for a in range(node.x.ndim) if a not in node.axes]
    order = [*lead, *node.axes]
    shape: Shape = (*(x.shape[a] for a in lead), dim_mul(*(x.shape[a] for a in node.axes)))
    x, dx = (reshape_node(ops.transpose(e, order), shape) for e in (x, dx))
    axis = len(lead)
    others = _shifted_products(x, axis, False) * _shifted_products(x, axis, True)
    return ops.sum(others * dx, axis)


def _shifted_products(x: Expr, axis: int, reverse: bool) -> Expr:
    """For each position the product of all entries before it (after it, if reverse)."""
    if x.shape[axis] == 0:
        return x
    one = broadcast_to(Const(1), tuple(1 if a == axis else d for a, d in enumerate(x.shape)))
    all_but_one = dim_sub(x.shape[axis], 1)
    key = tuple(Range(1 if reverse else 0, all_but_one, 1) if a == axis else full_range(d) for a, d in enumerate(x.shape))
    products = scan("cumprod", slice_node(x, key), axis, reverse)
    return concat([products, one] if reverse else [one, products], axis)


# --- scans --------------------------------------------------------------------------------------------------------
def _cumprod(node: Scan, tangents: Tangents) -> Expr | None:
    """dy_i = sum over j up to i of dx_j times the product of x_k, k up to i, k not j: quadratic, but right where an x is zero."""
    (dx,) = tangents
    if dx is None:
        return None
    axis, n = node.axis, node.x.shape[node.axis]
    rank = node.x.ndim
    wide = (*node.x.shape[:axis], n, *node.x.shape[axis:])  # axis: j, axis + 1: k
    x = broadcast_to(expand_axis(node.x, axis), wide)
    labels = tuple(range(rank + 1))
    rest = [(Ones(d), (a,)) for a, d in enumerate(wide) if a not in (axis, axis + 1)]
    j, k = (contract([(Iota(n), (a,)), (Ones(n), (b,)), *rest], labels) for a, b in ((axis, axis + 1), (axis + 1, axis)))
    without_j = scan("cumprod", ops.where(ops.equal(j, k), 1, x), axis + 1, node.reverse)
    reached = ops.greater_equal(j, k) if node.reverse else ops.less_equal(j, k)
    terms = ops.where(reached, without_j, 0)
    return contract([(terms, labels), (dx, tuple(a for a in labels if a != axis + 1))], tuple(a for a in labels if a != axis))


# --- matrix functions; u.T of a stack of matrices is u.mT -------------------------------------------------------------
def _symmetric(da: Expr) -> Expr:
    return HALF * (da + da.mT)


def _inv(y: Linalg, da: Expr) -> Expr:
    return -(y @ da @ y)


def _logdet(y: Linalg, da: Expr) -> Expr:
    return ops.einsum("...ij,...ji->...", ops.inv(y.args[0]), da)


def _det(y: Linalg, da: Expr) -> Expr:
    return y * _logdet(y, da)


def _cholesky(y: Linalg, da: Expr) -> Expr:
    inverse = ops.inv(y)
    inner = inverse @ _symmetric(da) @ inverse.mT
    return y @ (ops.tril(inner, -1) + HALF * _diagonal_matrix(inner))


def _diagonal_matrix(a: Expr) -> Expr:
    return ops.einsum("...ij,ij->...ij", a, Delta(a.shape[-1]))


def _eigvalsh(y: Linalg, da: Expr) -> Expr:
    v = ops.eigh(y.args[0])[1]
    return ops.einsum("...ik,...ij,...jk->...k", v, _symmetric(da), v)


def _eigvecs(y: Linalg, da: Expr) -> Expr:
    values = ops.eigh(y.args[0])[0]
    return y @ (_inverse_gaps(values) * (y.mT @ _symmetric(da) @ y))


def _inverse_gaps(values: Expr) -> Expr:
    """1 / (l_j - l_i) off the diagonal, 0 on it."""
    n = values.shape[-1]
    gaps = expand_axis(values, values.ndim - 1) - expand_axis(values, values.ndim)
    on = broadcast_to(ops.equal(*_index_pair(n)), gaps.shape)
    return ops.where(on, 0, 1 / ops.where(on, 1, gaps))


def _index_pair(n: int | str) -> tuple[Expr, Expr]:
    return contract([(Iota(n), (0,)), (Ones(n), (1,))], (0, 1)), contract([(Iota(n), (1,)), (Ones(n), (0,))], (0, 1))


def _svdvals(y: Linalg, da: Expr) -> Expr:
    a = y.args[0]
    return ops.einsum("...ik,...ij,...kj->...k", Linalg("svdu", (a,)), da, Linalg("svdvt", (a,)))


def _singular(a: Expr) -> tuple[Expr, Expr, Expr]:
    return Linalg("svdu", (a,)), ops.svdvals(a), Linalg("svdvt", (a,)).mT


def _svdu(y: Linalg, da: Expr) -> Expr:
    return _singular_vectors(*_singular(y.args[0]), da)


def _svdvt(y: Linalg, da: Expr) -> Expr:
    u, s, v = _singular(y.args[0])
    return _singular_vectors(v, s, u, da.mT).mT


def _singular_vectors(u: Expr, s: Expr, v: Expr, da: Expr) -> Expr:
    """dU of the thin factorisation A = U S V^T with distinct singular values, none of them zero."""
    p = u.mT @ da @ v
    row = expand_axis(s, s.ndim - 1)
    inside = u @ (_inverse_gaps(s * s) * (p * row + (p * row).mT))
    outside = (da @ v - u @ p) / row
    return inside + outside


def _pinv(y: Linalg, da: Expr) -> Expr:
    a = y.args[0]
    at = da.mT
    py = y.mT
    left = y @ py @ (at - at @ a @ y)
    right = (at - y @ a @ at) @ py @ y
    return left + right - y @ da @ y


MATRIX: dict[str, tuple[Callable[[Linalg, Expr], Expr], str]] = {
    "inv": (_inv, f"{COOKBOOK}, (40)"),
    "det": (_det, f"{COOKBOOK}, (41)"),
    "logdet": (_logdet, f"{COOKBOOK}, (43)"),
    "cholesky": (_cholesky, "Murray, Differentiation of the Cholesky decomposition, 2016"),
    "eigvalsh": (_eigvalsh, f"{COOKBOOK}, (67); distinct eigenvalues"),
    "eigvecs": (_eigvecs, f"{COOKBOOK}, (68); distinct eigenvalues"),
    "svdvals": (_svdvals, "Giles, An extended collection of matrix derivative results, 2008"),
    "svdu": (_svdu, "Townsend, Differentiating the singular value decomposition, 2016"),
    "svdvt": (_svdvt, "Townsend, Differentiating the singular value decomposition, 2016"),
    "pinv": (_pinv, "Golub and Pereyra, The differentiation of pseudo-inverses, 1973"),
}


def _linalg(node: Linalg, tangents: Tangents) -> Expr | None:
    if node.fn == "solve":
        da, db = tangents
        if da is None:
            return None if db is None else ops.solve(node.args[0], db)
        right = -(da @ node) if db is None else db - da @ node
        return ops.solve(node.args[0], right)
    if node.fn not in MATRIX:
        raise MissingRule(f"{node.fn} has no differential")
    return None if tangents[0] is None else MATRIX[node.fn][0](node, tangents[0])


# --- the table ----------------------------------------------------------------------------------------------------
REDUCTIONS: dict[str, Callable[[Reduce, Tangents], Expr | None]] = {
    "max": _extremum,
    "min": _extremum,
    "prod": _prod,
    "logsumexp": _logsumexp,
}
SCANS: dict[str, Callable[[Scan, Tangents], Expr | None]] = {"cumsum": _linear, "cumprod": _cumprod}


def differential(node: Expr, tangents: Tangents) -> Expr | None:
    """The differential of a node given its operands' tangents; None where it is zero.

    Shapes: each tangent as its operand, the result as the node. Raises: MissingRule, with the operation, if it has none.
    """
    match node:
        case Slice() | Scatter() | Concat() | Reshape():
            return _linear(node, tangents)
        case Gather() | GatherT():
            return _linear_in_first(node, tangents)
        case Reduce() if node.kind in REDUCTIONS:
            return REDUCTIONS[node.kind](node, tangents)
        case Scan() if node.kind in SCANS:
            return SCANS[node.kind](node, tangents)
        case Linalg():
            return _linalg(node, tangents)
        case Arg():
            return None
    name = getattr(node, "kind", getattr(node, "fn", type(node).__name__))
    raise MissingRule(f"{name} has no differential")
