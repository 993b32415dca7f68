"""NumPy's products: every one of them a Contract with other labels."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from itertools import count
from typing import Any

import numpy as np

from symdiff.errors import ShapeError, Unsupported
from symdiff.expr.algebra import contract, product
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import Dim, broadcast_dims, dim_mul, show_shape
from symdiff.expr.node import Expr
from symdiff.expr.nodes import LETTERS, Labels, Ones
from symdiff.expr.reductions import sum
from symdiff.expr.structure import axis_of, reshape_node, whole_number


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
    if isinstance(axes, (tuple, list, np.ndarray)):
        of_x, of_y = (list(v) if isinstance(v, (tuple, list, np.ndarray)) else [v] for v in axes)
    else:
        several = whole_number(axes, "tensordot: the number of axes", 0)
        of_x, of_y = list(range(x.ndim - several, x.ndim)), list(range(several))
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
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(es):
        raise ShapeError(f"einsum: {subscripts!r} has {len(terms)} operands, {len(es)} are given")
    if any(c not in LETTERS for c in (left + right).replace("...", "").replace(",", "")):
        raise ShapeError(f"einsum: {subscripts!r}: subscripts are letters, commas, -> and ...")
    ranks = [e.ndim - len(t.replace("...", "")) if "..." in t else 0 for t, e in zip(terms, es, strict=True)]
    wide = builtins.max(0, *ranks)
    labels: list[list[int]] = []
    for t, e, rank in zip(terms, es, ranks, strict=True):
        ls = _labels(t, rank, wide)
        if len(ls) != e.ndim or rank < 0:
            raise ShapeError(f"einsum: {t!r} of {subscripts!r} does not fit shape {show_shape(e.shape)}")
        labels.append(ls)
    dims = _common_dims(subscripts, es, labels)
    once = "".join(sorted(c for c in set(left) if c in LETTERS and left.count(c) == 1))
    out = tuple(_labels(right if arrow else f"...{once}", wide, wide))
    if len(set(out)) != len(out) or any(label not in dims for label in out):
        raise ShapeError(f"einsum: {subscripts!r}: the output's subscripts must be distinct and stand in an operand")
    fresh = count(len(LETTERS) + wide)  # an int 1 stretches, by a label of its own
    labelled = [
        (e, tuple([k if d == dims[k] else next(fresh) for k, d in zip(ls, e.shape, strict=True)])) for e, ls in zip(es, labels, strict=True)
    ]
    carried = {label for _, ls in labelled for label in ls}
    return contract([*labelled, *((Ones(dims[label]), (label,)) for label in out if label not in carried)], out)


def _labels(term: str, rank: int, wide: int) -> list[int]:
    """The labels of a term: letters by their place in the alphabet, then the last `rank` of the `wide` axes that an ellipsis stands for."""
    head, dots, tail = term.partition("...")
    between = range(len(LETTERS) + wide - rank, len(LETTERS) + wide) if dots else ()
    return [*map(LETTERS.index, head), *between, *map(LETTERS.index, tail)]


def _common_dims(subscripts: str, es: Sequence[Expr], labels: Sequence[Sequence[int]]) -> dict[int, Dim]:
    """The dim of each label; an int 1 stretches. Raises: ShapeError for two dims of one label."""
    dims: dict[int, Dim] = {}
    for e, ls in zip(es, labels, strict=True):
        for label, d in zip(ls, e.shape, strict=True):
            known = dims.setdefault(label, d)
            if known == 1:
                dims[label] = d
            elif d not in (1, known):
                raise ShapeError(f"einsum: {subscripts!r}: a subscript stands for {known!r} and for {d!r}")
    return dims


def kron(a: Any, b: Any) -> Expr:
    """The Kronecker product; the operand of lower rank gets leading dims of size 1."""
    x, y = as_expr(a), as_expr(b)
    rank = builtins.max(x.ndim, y.ndim)
    x, y = (reshape_node(e, (1,) * (rank - e.ndim) + e.shape) for e in (x, y))
    blocks = contract([(x, tuple(range(0, 2 * rank, 2))), (y, tuple(range(1, 2 * rank, 2)))], tuple(range(2 * rank)))
    return reshape_node(blocks, tuple(dim_mul(p, q) for p, q in zip(x.shape, y.shape, strict=True)))
