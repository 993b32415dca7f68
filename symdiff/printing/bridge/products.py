"""A Contract as a product of SymPy's matrices, its factors in their order.

The factors are laid end to end like dominoes: the right label of one is the left label of the next. A matrix is turned by a Transpose, a
vector lies as a row, a column or a diagonal, factors side by side over the same labels are a HadamardProduct, a label that is summed
over and stands once gets a vector of ones. What comes out is one MatMul, turned, traced or taken at [0, 0] as the output wants it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from symdiff.expr.nodes import Labels

LONGEST = 40  # factors; a longer product is written with indices


class Part(NamedTuple):
    """A factor: a scalar (no label), a column (one) or a matrix (two)."""

    form: Any
    labels: Labels


class Lay(NamedTuple):
    """A factor as it lies in the row: with its label on the left and on the right, None at the side where a vector has none."""

    form: Any
    left: int | None
    right: int | None


def matrix_product(parts: Sequence[Part], out: Labels, dims: Mapping[int, Any], diagonal: Callable[[Any], Any]) -> Any | None:
    """The matrix product of the parts with the axes `out`, the plainest there is; None if they do not lie in a row.

    `diagonal` makes the column of a matrix's diagonal.
    """
    if len(parts) > LONGEST or len(out) > 2 or any(len(p.labels) > 2 for p in parts):
        return None
    heavy = [p for p in parts if p.labels]
    if len(heavy) == 1 and not out and len(heavy[0].labels) == 2 and heavy[0].labels[0] == heavy[0].labels[1]:
        return _trace([p.form for p in parts])
    plain = [_without_repeats(p, diagonal) for p in parts]
    rows = [row for attempt in (plain, _grouped(plain)) for way in range(3) if (row := _row(attempt, out, dims, way)) is not None]
    return min(rows, key=lambda row: row[0])[1] if rows else None


def _without_repeats(part: Part, diagonal: Callable[[Any], Any]) -> Part:
    repeats = len(part.labels) == 2 and part.labels[0] == part.labels[1]
    return Part(diagonal(part.form), part.labels[:1]) if repeats else part


def _grouped(parts: Sequence[Part]) -> list[Part]:
    """Neighbours over the same labels as one elementwise product."""
    import sympy as sp

    result: list[Part] = []
    for _, same in groupby(parts, key=lambda p: frozenset(p.labels)):
        run = list(same)
        first = run[0].labels
        if len(run) == 1 or not first:
            result += run
        else:
            result.append(Part(sp.HadamardProduct(*(p.form if p.labels == first else sp.Transpose(p.form) for p in run)), first))
    return result


def _turned(form: Any) -> Any:
    import sympy as sp

    if isinstance(form, sp.OneMatrix) and form.shape != (1, 1):  # which would still be a column
        return sp.OneMatrix(*form.shape[::-1])
    return form if isinstance(form, sp.Identity) else sp.Transpose(form)


def _ways(part: Part) -> list[Lay]:
    """All ways for a factor to lie: a matrix as it is or turned; a vector as column, row or diagonal."""
    from sympy.matrices.expressions.diagonal import DiagMatrix

    form, labels = part
    if len(labels) == 2:
        i, j = labels
        return [Lay(form, i, j), Lay(_turned(form), j, i)]
    x = labels[0]
    return [Lay(form, x, None), Lay(_turned(form), None, x), Lay(DiagMatrix(form), x, x)]


def _row(parts: Sequence[Part], out: Labels, dims: Mapping[int, Any], way: int) -> tuple[int, Any] | None:
    """The parts in a row, the first of them lying in the given way: (cost, form)."""
    args: list[Any] = []
    left: int | None = None
    right: int | None = None
    seen: set[int] = set()
    started = False
    for k, part in enumerate(parts):
        if not part.labels:
            args.append(part.form)
            continue
        later = {label for p in parts[k + 1 :] for label in p.labels}
        needed = later | set(out)
        if any(x in seen and x != right and not (x == left and not out and not later) for x in part.labels):
            return None
        seen.update(part.labels)
        ways = _ways(part)
        if not started:
            if way >= len(ways):
                return None
            lay, started = ways[way], True
            left = lay.left
        else:
            if right is not None and right not in part.labels:
                if right in needed:
                    return None
                args.append(_ones(dims, right))
                right = None
            if right is not None:
                stays = right in later or (right in out and left != right)
                if stays and len(part.labels) == 2:
                    return None
                lay = ways[2] if stays else next(w for w in ways if w.left == right)
            elif len(part.labels) == 1:
                lay = ways[1]
            else:
                lay = next((w for w in ways if w.left not in needed and w.left != left), ways[0])
                if lay.left is None or lay.left in needed or lay.left == left:
                    return None
                args.append(_ones(dims, lay.left, as_row=True))
        args.append(lay.form)
        right = lay.right
    return _closed(args, left, right, out, dims)


def _ones(dims: Mapping[int, Any], label: int, as_row: bool = False) -> Any:
    """The vector of ones that sums over a label: a column on the right of it, a row on the left."""
    import sympy as sp

    column = sp.OneMatrix(dims[label], 1)
    return _turned(column) if as_row else column


def _closed(args: list[Any], left: int | None, right: int | None, out: Labels, dims: Mapping[int, Any]) -> tuple[int, Any] | None:
    """The row with its two ends brought to the output."""
    import sympy as sp
    from sympy.matrices.expressions.matexpr import MatrixElement

    if not out and left == right and left is not None:
        return _cost(args) + 5, _trace(args)
    if left is not None and left == right:
        args, right = [*args, _ones(dims, left)], None
    if right is not None and right not in out:
        args, right = [*args, _ones(dims, right)], None
    if left is not None and left not in out:
        args, left = [_ones(dims, left, as_row=True), *args], None
    ends = tuple(label for label in (left, right) if label is not None)
    if not out and not ends:
        return _cost(args), MatrixElement(_joined(args), 0, 0)
    if ends == out and left is not None:
        return _cost(args), _joined(args)
    if ends[::-1] == out:
        return _cost(args) + 3, sp.Transpose(_joined(args))
    return None


def _trace(args: Sequence[Any]) -> Any:
    import sympy as sp

    return sp.Trace(_joined(args))


def _cost(args: Sequence[Any]) -> int:
    """What a reader has to see through: transposes, ones, diagonal matrices."""
    weights = {"Transpose": 2, "OneMatrix": 4, "DiagMatrix": 6}
    return sum(weights.get(type(a).__name__, 0) for a in args)


def _joined(args: Sequence[Any]) -> Any:
    """The product, an identity left out where another matrix stands."""
    import sympy as sp

    if any(a.is_Matrix and not isinstance(a, sp.Identity) for a in args):
        args = [a for a in args if not isinstance(a, sp.Identity)]
    return args[0] if len(args) == 1 else sp.MatMul(*args, evaluate=False)
