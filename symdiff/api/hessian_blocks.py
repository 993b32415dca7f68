"""The Hessian of a scalar in several variables, without writing it out: its blocks, its diagonal and its products with vectors.

`Hessian` holds expressions; `at` values of the variables it becomes `HessianAt`, which computes. Both write a dense matrix only where
it is small enough: that of a net with 100,000 weights has 10^10 entries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from symdiff import calculus
from symdiff.api.programs import lower
from symdiff.errors import BindingError, ShapeError, Unsupported
from symdiff.expr import ops
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import Shape, dim_mul, dim_names, dim_value, show_shape
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import variables
from symdiff.lowering.lowered import Lowered
from symdiff.rewrite import simplify

MOST_ENTRIES = 2**27  # of a dense array: 1 GiB of float64


def refuse_dense(entries: int, what: str) -> None:
    """Raises: Unsupported for an array of more than MOST_ENTRIES, with the size it would have.

    >>> refuse_dense(10**10, 'hessian')
    Traceback (most recent call last):
        ...
    symdiff.errors.Unsupported: hessian: dense it would have 10,000,000,000 entries (74.5 GiB); use its blocks, hvp or diagonal
    """
    if entries > MOST_ENTRIES:
        raise Unsupported(f"{what}: dense it would have {entries:,} entries ({entries / 2**27:.3g} GiB); use its blocks, hvp or diagonal")


def diagonal_of(block: Expr) -> Expr:
    """The entries of a block at equal places: shape (shape of the variable), never by way of the block.

    Shapes: the block (shape..., shape...). Simplifying carries the equal labels down to the factors.
    """
    rank = block.ndim // 2
    letters = "abcdefghijklmnopqrstuvwxyz"[:rank]
    return simplify(ops.einsum(f"{letters}{letters}->{letters}", block) if rank else block)


class HessianAt:
    """The Hessian of a scalar at a point: products, diagonal and blocks, each computed by a program of its own when it is first asked for.

    `shape` is that of the dense matrix over all entries of the variables, one after the other, each row-major; `H @ vector` and
    `matvec` make it a linear operator, such as scipy.sparse.linalg takes.
    """

    def __init__(self, blocks: Sequence[Sequence[Expr]], loss: Expr, wrt: Sequence[Expr], values: Mapping[Var, Any]) -> None:
        self._blocks, self._loss, self._wrt = blocks, loss, tuple(wrt)
        self._inputs = list(variables(loss, *wrt))
        missing = [v.name for v in self._inputs if v not in values]
        if missing:
            raise BindingError(f"hessian: no value is given for {', '.join(missing)}")
        self._values = [np.asarray(values[v]) for v in self._inputs]
        self._programs: dict[tuple[int, int], Lowered] = {}
        self._sizes: dict[str, int] = {}
        for v, a in zip(self._inputs, self._values, strict=True):
            if len(v.shape) != a.ndim:
                raise ShapeError(f"hessian: {v.name} is {show_shape(v.shape)}, a value of shape {a.shape} is given")
            for d, n in zip(v.shape, a.shape, strict=True):
                if self._sizes.setdefault(d, n) != n if isinstance(d, str) else d != n:
                    raise ShapeError(f"hessian: {v.name} is {show_shape(v.shape)}, a value of shape {a.shape} is given")
        self.shapes = [self._at(w.shape) for w in self._wrt]
        self.count = sum(map(prod, self.shapes))

    def _at(self, shape: Shape) -> tuple[int, ...]:
        unknown = dim_names(shape) - set(self._sizes)
        if unknown:
            raise BindingError(f"hessian: the size of {', '.join(sorted(unknown))} is not known from the values")
        return tuple(dim_value(d, self._sizes) for d in shape)

    @property
    def shape(self) -> tuple[int, int]:
        return self.count, self.count

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.result_type(np.float32, *self._values) if all(a.dtype == np.float32 for a in self._values) else np.dtype(np.float64)

    @cached_property
    def _product(self) -> tuple[Lowered, list[Expr]]:
        taken = {v.name for v in self._inputs}
        names = iter(f"v{k}" for k in range(len(taken) + len(self._wrt)) if f"v{k}" not in taken)
        vectors: list[Expr] = [var(next(names), w.shape) for w in self._wrt]
        return lower(calculus.hvp(self._loss, self._wrt, vectors), [*self._inputs, *vectors], name="hvp"), vectors

    def hvp(self, *vectors: Any) -> list[Any]:
        """The Hessian times a vector, given and returned as one array for each variable, of its shape."""
        if len(vectors) != len(self._wrt):
            raise ShapeError(f"hvp: {len(self._wrt)} variables and {len(vectors)} vectors; one for each variable is wanted")
        result: list[Any] = self._product[0](*self._values, *vectors)
        return result

    def matvec(self, vector: Any) -> Any:
        """The product with one vector of all entries."""
        flat = np.asarray(vector).reshape(-1)
        if flat.size != self.count:
            raise ShapeError(f"hessian: {self.shape} times a vector of {flat.size} entries; one of {self.count} is wanted")
        ends = np.cumsum([prod(s) for s in self.shapes])[:-1]
        parts = [p.reshape(s) for p, s in zip(np.split(flat, ends), self.shapes, strict=True)]
        return np.concatenate([np.ravel(p) for p in self.hvp(*parts)])

    __matmul__ = matvec

    @cached_property
    def _diagonal(self) -> Lowered:
        return lower([diagonal_of(self._blocks[k][k]) for k in range(len(self._wrt))], self._inputs, name="diagonal", simplify=False)

    def diagonal(self) -> list[Any]:
        """The diagonal, as one array for each variable, of its shape."""
        result: list[Any] = self._diagonal(*self._values)
        return result

    def block(self, i: int, j: int) -> Any:
        """The second derivatives in variables i and j: an array (shape of i..., shape of j...). Raises: Unsupported if it is too large."""
        i, j = range(len(self._wrt))[i], range(len(self._wrt))[j]
        refuse_dense(prod(self.shapes[i]) * prod(self.shapes[j]), f"hessian block ({i}, {j})")
        if (i, j) not in self._programs:
            self._programs[i, j] = lower(self._blocks[i][j], self._inputs, name="block", sizes=self._sizes)
        return self._programs[i, j](*self._values)

    def dense(self) -> Any:
        """The matrix over all entries. Raises: Unsupported, with the size it would have, if it is too large."""
        refuse_dense(self.count**2, "hessian")
        counts = [prod(s) for s in self.shapes]
        upper = {(i, j): self.block(i, j).reshape(counts[i], counts[j]) for i in range(len(counts)) for j in range(i, len(counts))}
        return np.block([[upper[i, j] if i <= j else upper[j, i].T for j in range(len(counts))] for i in range(len(counts))])

    def __repr__(self) -> str:
        return f"<Hessian {self.count:,} x {self.count:,} at a point: hvp, diagonal, block, dense>"


class Hessian(list[list[Expr]]):
    """The blocks of a Hessian in several variables: a list of rows of expressions, with what is made of them.

    >>> import numpy as np, symdiff as sd
    >>> U, V = sd.var('U', ('m', 'k')), sd.var('V', ('n', 'k'))
    >>> H = sd.hessian(sd.sum((U @ V.T) ** 2), [U, V])
    >>> print(H.diagonal()[0].shape, H[0][1].shape)
    ('m', 'k') ('m', 'k', 'n', 'k')
    >>> at = H.at({U: np.ones((2000, 3)), V: np.ones((4000, 3))})
    >>> at.diagonal()[0][0]
    array([8000., 8000., 8000.])
    """

    def __init__(self, rows: Sequence[Sequence[Expr]], loss: Expr, wrt: Sequence[Expr]) -> None:
        super().__init__(list(row) for row in rows)
        self.loss, self.wrt = loss, tuple(wrt)

    def hvp(self, *vectors: Any) -> list[Expr]:
        """The product with a vector, one expression for each variable, of its shape; without the Hessian."""
        return calculus.hvp(self.loss, self.wrt, [as_expr(v) for v in vectors])

    def diagonal(self) -> list[Expr]:
        """The diagonal, one expression for each variable, of its shape; without the Hessian."""
        return [diagonal_of(self[k][k]) for k in range(len(self))]

    def dense(self) -> Expr:
        """One matrix over all entries, each variable row-major. Raises: Unsupported, with the size it would have, if that is too large."""
        counts = [dim_mul(*w.shape) for w in self.wrt]
        known = [c for c in counts if isinstance(c, int)]
        refuse_dense(sum(known) ** 2, "hessian")
        return ops.block([[ops.reshape(self[i][j], (m, n)) for j, n in enumerate(counts)] for i, m in enumerate(counts)])

    def at(self, values: Mapping[Any, Any]) -> HessianAt:
        """The Hessian at values of the variables, by variable or by name."""
        by_name = {v.name: v for v in variables(self.loss, *self.wrt)}
        unknown = [k for k in values if not isinstance(k, Expr) and k not in by_name]
        if unknown:
            raise BindingError(f"hessian: there is no variable {unknown[0]!r}. Variables: {', '.join(by_name)}")
        return HessianAt(self, self.loss, self.wrt, {by_name[k] if isinstance(k, str) else k: a for k, a in values.items()})
