"""NumPy's sums and products: every one of them a Contract with other labels."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from symdiff.errors import ShapeError, Unsupported
from symdiff.expr.algebra import broadcast_to, contract, permute, product, size, sum_axes
from symdiff.expr.build import apply, reduce
from symdiff.expr.build import power as constant_power
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import Dim, broadcast_dims, dim_add, dim_mul, dim_sub, show_shape
from symdiff.expr.elementwise import add, divide, maximum, minimum, multiply, sqrt, square, subtract
from symdiff.expr.elementwise import where as choose
from symdiff.expr.node import Expr
from symdiff.expr.nodes import LETTERS, Const, Delta, Labels, Ones, Range
from symdiff.expr.structure import (
    axes_of,
    axis_of,
    concat,
    expand_axis,
    full_range,
    reshape_node,
    scan,
    scatter,
    slice_node,
    whole_number,
)  # fmt: skip

Axis = int | Sequence[int] | None


# --- reductions ---------------------------------------------------------------------------------------------------
def keep_axes(e: Expr, axes: Sequence[int], keepdims: bool) -> Expr:
    """Reduced axes as dims of size 1 if `keepdims`."""
    if keepdims:
        for a in sorted(axes):
            e = expand_axis(e, a)
    return e


def _masked(e: Expr, where: Any, neutral: float, name: str) -> Expr:
    """`e` with a neutral number where the condition does not hold. Raises: ShapeError for a condition that does not fit into `e`."""
    if where is True:
        return e
    masked = choose(where, e, neutral)
    if masked.shape != e.shape:
        raise ShapeError(f"{name}: where has shape {show_shape(as_expr(where).shape)}, which does not fit into {show_shape(e.shape)}")
    return masked


def sum(x: Any, axis: Axis = None, keepdims: bool = False, *, where: Any = True, initial: Any = None) -> Expr:
    """Sum over axes (all of them by default), of the entries that `where` chooses, and of `initial`."""
    e = _masked(as_expr(x), where, 0, "sum")
    axes = axes_of(axis, e.ndim, "sum")
    found = keep_axes(sum_axes(e, axes), axes, keepdims)
    return found if initial is None else add(found, initial)


def mean(x: Any, axis: Axis = None, keepdims: bool = False, *, where: Any = True) -> Expr:
    """Mean over axes of the entries that `where` chooses: their sum divided by their number, of all by the size, which may be a name.

    Raises: ShapeError for an empty axis.
    """
    e = as_expr(x)
    if where is not True:
        chosen = _masked(broadcast_to(Const(1), e.shape), where, 0, "mean")
        return divide(sum(e, axis, keepdims, where=where), sum(chosen, axis, keepdims))
    axes = axes_of(axis, e.ndim, "mean")
    if any(e.shape[a] == 0 for a in axes):
        raise ShapeError(f"mean: an axis of {show_shape(e.shape)} is empty and has no mean")
    return keep_axes(product((constant_power(size(dim_mul(*(e.shape[a] for a in axes))), -1), sum_axes(e, axes))), axes, keepdims)


def average(x: Any, axis: Axis = None, weights: Any = None, returned: bool = False, keepdims: bool = False) -> Any:
    """Weighted mean, and the sum of the weights if `returned`; the weights have the shape of x, or of its one axis."""
    e = as_expr(x)
    w = broadcast_to(Const(1), e.shape) if weights is None else as_expr(weights)
    if w.shape != e.shape:
        if axis is None or not isinstance(axis, int) or w.shape != (e.shape[axis_of(axis, e.ndim, "average")],):
            raise ShapeError(f"average: weights of shape {show_shape(w.shape)} for {show_shape(e.shape)}")
        a = axis_of(axis, e.ndim, "average")
        w = contract([(w, (a,)), *((Ones(d), (k,)) for k, d in enumerate(e.shape) if k != a)], tuple(range(e.ndim)))
    total = sum(w, axis, keepdims)
    result = mean(e, axis, keepdims) if weights is None else product((sum(product((e, w)), axis, keepdims), constant_power(total, -1)))
    return (result, broadcast_to(total, result.shape)) if returned else result


def variance(x: Any, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Expr:
    """Variance over axes, np.var: the mean square of the distance from the mean, divided by size - ddof."""
    e = as_expr(x)
    axes = axes_of(axis, e.ndim, "var")
    total = sum_axes(square(subtract(e, mean(e, axes, keepdims=True))), axes)
    count = subtract(size(dim_mul(*(e.shape[a] for a in axes))), ddof)
    return keep_axes(product((constant_power(count, -1), total)), axes, keepdims)


def std(x: Any, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Expr:
    """Standard deviation over axes."""
    return sqrt(variance(x, axis, ddof, keepdims))


def _reduction(kind: str, x: Any, axis: Axis, keepdims: bool) -> Expr:
    e = as_expr(x)
    axes = axes_of(axis, e.ndim, kind)
    if any(e.shape[a] == 0 for a in axes) and kind in ("max", "min"):
        raise ShapeError(f"{kind}: an axis of {show_shape(e.shape)} is empty and has no {kind}")
    return keep_axes(reduce(kind, e, axes), axes, keepdims)


def prod(x: Any, axis: Axis = None, keepdims: bool = False, *, where: Any = True, initial: Any = None) -> Expr:
    """Product over axes, of the entries that `where` chooses, and of `initial`."""
    found = _reduction("prod", _masked(as_expr(x), where, 1, "prod"), axis, keepdims)
    return found if initial is None else multiply(found, initial)


def max(x: Any, axis: Axis = None, keepdims: bool = False, *, where: Any = True, initial: Any = None) -> Expr:
    """Maximum over axes, of the entries that `where` chooses, and of `initial`; at ties the derivative is shared equally."""
    found = _reduction("max", _masked(as_expr(x), where, -np.inf, "max"), axis, keepdims)
    return found if initial is None else maximum(found, initial)


def min(x: Any, axis: Axis = None, keepdims: bool = False, *, where: Any = True, initial: Any = None) -> Expr:
    """Minimum over axes, of the entries that `where` chooses, and of `initial`; at ties the derivative is shared equally."""
    found = _reduction("min", _masked(as_expr(x), where, np.inf, "min"), axis, keepdims)
    return found if initial is None else minimum(found, initial)


def ptp(x: Any, axis: Axis = None, keepdims: bool = False) -> Expr:
    """Maximum less minimum."""
    return subtract(max(x, axis, keepdims), min(x, axis, keepdims))


def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Expr:
    """log(sum(exp(x))) over axes, without overflow."""
    return _reduction("logsumexp", x, axis, keepdims)


def softmax(x: Any, axis: Axis = -1) -> Expr:
    """exp(x) / sum(exp(x)) along the axis."""
    return apply("exp", log_softmax(x, axis))


def log_softmax(x: Any, axis: Axis = -1) -> Expr:
    """x - logsumexp(x) along the axis."""
    e = as_expr(x)
    return subtract(e, logsumexp(e, axis, keepdims=True))


def cumsum(x: Any, axis: int | None = None) -> Expr:
    """Cumulative sum; of the flattened array by default."""
    return _scan("cumsum", x, axis)


def cumprod(x: Any, axis: int | None = None) -> Expr:
    """Cumulative product; of the flattened array by default."""
    return _scan("cumprod", x, axis)


def _scan(kind: str, x: Any, axis: int | None) -> Expr:
    e = as_expr(x)
    if axis is None:
        e, axis = reshape_node(e, (dim_mul(*e.shape),)), 0
    return scan(kind, e, axis_of(axis, e.ndim, kind))


def diff(x: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Expr:
    """The n-th difference along the axis, of x with entries put before and after it."""
    e = as_expr(x)
    a = axis_of(axis, e.ndim, "diff")
    ends = [None if v is None or v is np._NoValue else as_expr(v) for v in (prepend, append)]
    one = (*e.shape[:a], 1, *e.shape[a + 1 :])
    before, after = (None if v is None else broadcast_to(v, one) if v.ndim == 0 else v for v in ends)
    e = concat([p for p in (before, e, after) if p is not None], a)
    length, n = e.shape[a], whole_number(n, "diff: the order", 0)
    if isinstance(length, int) and n > length:
        raise ShapeError(f"diff: {n} differences of an axis of size {length}")
    for _ in range(n):
        less_one = dim_sub(e.shape[a], 1)
        both = [
            slice_node(e, tuple(Range(start, less_one, 1) if k == a else full_range(d) for k, d in enumerate(e.shape))) for start in (1, 0)
        ]
        e = subtract(*both)
    return e


# --- products -----------------------------------------------------------------------------------------------------
def vecdot(x1: Any, x2: Any, axis: int = -1) -> Expr:
    """Sums of products along an axis."""
    return sum(product((as_expr(x1), as_expr(x2))), axis)


def matvec(x1: Any, x2: Any) -> Expr:
    """Stacks of matrices times stacks of vectors."""
    return einsum("...ij,...j->...i", x1, x2)


def vecmat(x1: Any, x2: Any) -> Expr:
    """Stacks of vectors times stacks of matrices."""
    return einsum("...i,...ij->...j", x1, x2)


def matmul(a: Any, b: Any) -> Expr:
    """a @ b by NumPy's rules: vectors, matrices, and stacks of matrices whose leading axes broadcast."""
    x, y = as_expr(a), as_expr(b)
    if not x.shape or not y.shape:
        raise ShapeError(f"matmul: a scalar {show_shape(x.shape)} @ {show_shape(y.shape)}: use * for a scalar")
    if x.shape[-1] != y.shape[0 if y.ndim == 1 else -2]:
        last, first = x.shape[-1], y.shape[0 if y.ndim == 1 else -2]
        names = [getattr(e, "name", side) for e, side in ((x, "the left"), (y, "the right"))]
        raise ShapeError(
            f"matmul: {names[0]} is {show_shape(x.shape)} and {names[1]} is {show_shape(y.shape)}: "
            f"the last dim of {names[0]}, {last!r}, must equal the {'first' if y.ndim < 3 else 'last but one'} of {names[1]}, {first!r}"
        )
    batch = broadcast_dims("matmul", x.shape[:-2], y.shape[:-2])
    rank = len(batch)
    row, inner, column, fresh = rank, rank + 1, rank + 2, rank + 3
    labelled: list[tuple[Expr, Labels]] = []
    for e, own in ((x, (row, inner) if x.ndim > 1 else (inner,)), (y, (inner, column) if y.ndim > 1 else (inner,))):
        lead = e.shape[: e.ndim - len(own)]
        ls = []
        for k, d in enumerate(lead, start=rank - len(lead)):
            if d == batch[k]:
                ls.append(k)
            else:
                ls.append(fresh)
                fresh += 1
        labelled.append((e, (*ls, *own)))
    out = (*range(rank), *((row,) if x.ndim > 1 else ()), *((column,) if y.ndim > 1 else ()))
    return contract(labelled, out)


def dot(a: Any, b: Any) -> Expr:
    """np.dot: the last axis of a with the last but one of b; a scalar multiplies."""
    x, y = as_expr(a), as_expr(b)
    if not x.shape or not y.shape:
        return product((x, y))
    if x.ndim <= 2 and y.ndim <= 2:
        return matmul(x, y)
    return tensordot(x, y, axes=([x.ndim - 1], [y.ndim - 2 if y.ndim > 1 else 0]))


def inner(a: Any, b: Any) -> Expr:
    """Sum of products over the last axes."""
    x, y = as_expr(a), as_expr(b)
    if not x.shape or not y.shape:
        return product((x, y))
    return tensordot(x, y, axes=([x.ndim - 1], [y.ndim - 1]))


def vdot(a: Any, b: Any) -> Expr:
    """Sum of products of all entries."""
    x, y = as_expr(a), as_expr(b)
    if x.shape != y.shape:
        x, y = (reshape_node(e, (dim_mul(*e.shape),)) for e in (x, y))
    return sum(product((x, y), "vdot"))


def outer(a: Any, b: Any) -> Expr:
    """The products of all entries of a with all of b; arrays are flattened."""
    x, y = (reshape_node(e, (dim_mul(*e.shape),)) for e in map(as_expr, (a, b)))
    return contract([(x, (0,)), (y, (1,))], (0, 1))


def tensordot(a: Any, b: Any, axes: Any = 2) -> Expr:
    """Sum of products over the last `axes` axes of a and the first of b, or over two lists of axes."""
    x, y = as_expr(a), as_expr(b)
    if isinstance(axes, (int, np.integer)):
        of_x, of_y = list(range(x.ndim - int(axes), x.ndim)), list(range(int(axes)))
    else:
        of_x, of_y = ([int(v)] if isinstance(v, (int, np.integer)) else list(v) for v in axes)
    of_x = [axis_of(v, x.ndim, "tensordot") for v in of_x]
    of_y = [axis_of(v, y.ndim, "tensordot") for v in of_y]
    if [x.shape[v] for v in of_x] != [y.shape[v] for v in of_y]:
        raise ShapeError(f"tensordot: axes {of_x} of {show_shape(x.shape)} and {of_y} of {show_shape(y.shape)} differ")
    ys = {v: u for u, v in zip(of_x, of_y, strict=True)}
    labels_y = tuple(ys.get(v, x.ndim + v) for v in range(y.ndim))
    out = (*(u for u in range(x.ndim) if u not in of_x), *(x.ndim + v for v in range(y.ndim) if v not in of_y))
    return contract([(x, tuple(range(x.ndim))), (y, labels_y)], out)


def einsum(subscripts: Any, *operands: Any, **options: Any) -> Expr:
    """np.einsum with subscripts as text, the ellipsis included.

    Raises: ShapeError for subscripts that do not fit; Unsupported for the form with lists of labels.
    """
    for option in options:
        if option not in ("optimize", "order", "casting", "dtype", "out") or (option == "out" and options[option] is not None):
            raise Unsupported(f"einsum: the option {option!r} is not supported")
    if not isinstance(subscripts, str):
        raise Unsupported("einsum: write the subscripts as text, einsum('ij,j->i', A, x)")
    es = [as_expr(o) for o in operands]
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(es):
        raise ShapeError(f"einsum: {subscripts!r} has {len(terms)} operands, {len(es)} are given")
    if any(c not in LETTERS for c in (left + right).replace("...", "").replace(",", "")):
        raise ShapeError(f"einsum: {subscripts!r}: subscripts are letters, commas, -> and ...")
    number = {c: k for k, c in enumerate(LETTERS)}
    ranks = [e.ndim - len(t.replace("...", "")) if "..." in t else 0 for t, e in zip(terms, es, strict=True)]
    ellipsis = builtins.max(0, *ranks)
    base, fresh = len(LETTERS), len(LETTERS) + ellipsis
    dims: dict[int, Dim] = {}
    labelled: list[list[Any]] = []
    for t, e, extra in zip(terms, es, ranks, strict=True):
        head, dots, tail = t.partition("...")
        ls = [number[c] for c in head] + ([base + ellipsis - extra + k for k in range(extra)] if dots else []) + [number[c] for c in tail]
        if len(ls) != e.ndim or extra < 0:
            raise ShapeError(f"einsum: {t!r} of {subscripts!r} does not fit shape {show_shape(e.shape)}")
        labelled.append([e, ls])
        for label, d in zip(ls, e.shape, strict=True):
            if dims.setdefault(label, d) != d:
                if dims[label] == 1:
                    dims[label] = d
                elif d != 1:
                    raise ShapeError(f"einsum: {subscripts!r}: a subscript stands for {dims[label]!r} and for {d!r}")
    for entry in labelled:  # an int 1 stretches, by a label of its own
        for k, d in enumerate(entry[0].shape):
            if d != dims[entry[1][k]]:
                entry[1][k], fresh = fresh, fresh + 1
    if arrow:
        head, dots, tail = right.partition("...")
        out = [number[c] for c in head] + ([base + k for k in range(ellipsis)] if dots else []) + [number[c] for c in tail]
    else:
        once = sorted(c for c in set(left) if c in number and left.count(c) == 1)
        out = [base + k for k in range(ellipsis)] + [number[c] for c in once]
    if len(set(out)) != len(out) or any(label not in dims for label in out):
        raise ShapeError(f"einsum: {subscripts!r}: the output's subscripts must be distinct and stand in an operand")
    carried = {label for _, ls in labelled for label in ls}
    ones = [(Ones(dims[label]), (label,)) for label in out if label not in carried]
    return contract([*((e, tuple(ls)) for e, ls in labelled), *ones], tuple(out))


def kron(a: Any, b: Any) -> Expr:
    """The Kronecker product; the operand of lower rank gets leading dims of size 1."""
    x, y = as_expr(a), as_expr(b)
    rank = builtins.max(x.ndim, y.ndim)
    x, y = (reshape_node(e, (1,) * (rank - e.ndim) + e.shape) for e in (x, y))
    blocks = contract([(x, tuple(range(0, 2 * rank, 2))), (y, tuple(range(1, 2 * rank, 2)))], tuple(range(2 * rank)))
    return reshape_node(blocks, tuple(dim_mul(p, q) for p, q in zip(x.shape, y.shape, strict=True)))


# --- relabelings --------------------------------------------------------------------------------------------------
def transpose(x: Any, axes: Sequence[int] | None = None) -> Expr:
    """Axes reversed, or in the given order."""
    e = as_expr(x)
    if axes is not None and not isinstance(axes, Iterable):
        raise ShapeError(f"transpose: the axes are a tuple of {e.ndim} whole numbers, not {axes!r}")
    order = list(range(e.ndim))[::-1] if axes is None else [axis_of(a, e.ndim, "transpose") for a in axes]
    if sorted(order) != list(range(e.ndim)):
        raise ShapeError(f"transpose: {axes!r} does not name each axis of {show_shape(e.shape)} once")
    return permute(e, order)


def matrix_transpose(x: Any) -> Expr:
    """The last two axes exchanged."""
    return swapaxes(x, -1, -2)


def swapaxes(x: Any, axis1: int, axis2: int) -> Expr:
    """Two axes exchanged."""
    e = as_expr(x)
    i, j = axis_of(axis1, e.ndim, "swapaxes"), axis_of(axis2, e.ndim, "swapaxes")
    order = list(range(e.ndim))
    order[i], order[j] = j, i
    return permute(e, order)


def moveaxis(x: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Expr:
    """Axes moved to other places, the rest in order."""
    e = as_expr(x)
    src, dst = ([axis_of(a, e.ndim, "moveaxis") for a in (v if isinstance(v, Iterable) else [v])] for v in (source, destination))
    order = [a for a in range(e.ndim) if a not in src]
    for d, s in sorted(zip(dst, src, strict=True)):
        order.insert(d, s)
    return permute(e, order)


def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Expr:
    """Sum of the diagonal of two axes."""
    return sum(diagonal(x, offset, axis1, axis2), -1)


def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Expr:
    """The diagonal of two axes, as the last axis."""
    e = as_expr(x)
    i, j = axis_of(axis1, e.ndim, "diagonal"), axis_of(axis2, e.ndim, "diagonal")
    offset = whole_number(offset, "diagonal: the offset")
    if i == j:
        raise ShapeError("diagonal: two different axes are wanted")
    m, n = e.shape[i], e.shape[j]
    if offset or m != n:
        rows, columns = (m, dim_sub(n, offset)) if offset >= 0 else (dim_sub(m, -offset), n)
        longer_by = dim_sub(rows, columns)
        if not isinstance(longer_by, int):
            raise ShapeError(f"diagonal: which of {rows!r} and {columns!r} is smaller is not known")
        length: Dim = columns if longer_by > 0 else rows
        if isinstance(length, int):
            length = builtins.max(length, 0)
        starts = {i: builtins.max(-offset, 0), j: builtins.max(offset, 0)}
        e = slice_node(e, tuple(Range(starts[a], length, 1) if a in starts else full_range(d) for a, d in enumerate(e.shape)))
    labels = [*range(e.ndim)]
    labels[j] = i
    return contract([(e, tuple(labels))], (*(a for a in range(e.ndim) if a not in (i, j)), i))


def diagflat(v: Any, k: int = 0) -> Expr:
    """The entries in row-major order as a diagonal matrix."""
    e = as_expr(v)
    return diag(reshape_node(e, (dim_mul(*e.shape),)), k)


def diag(x: Any, k: int = 0) -> Expr:
    """A vector as a diagonal matrix, or the diagonal of a matrix."""
    e = as_expr(x)
    if e.ndim == 2:
        return diagonal(e, k)
    if e.ndim != 1:
        raise ShapeError(f"diag: a vector or matrix is wanted, not {show_shape(e.shape)}")
    square_matrix = contract([(e, (0,)), (Delta(e.shape[0]), (0, 1))], (0, 1))
    k = whole_number(k, "diag: the diagonal")
    if k == 0:
        return square_matrix
    n = dim_add(e.shape[0], abs(k))
    key = (Range(builtins.max(-k, 0), e.shape[0], 1), Range(builtins.max(k, 0), e.shape[0], 1))
    return scatter([square_matrix], [key], (n, n))
