"""Arrays that are mostly structure, kept as their factors: the Hessian of |T - U V'|² in U is I ⊗ 2 V'V, m² k² numbers of which k² say all.

A simplified expression is a sum of products. Of each product the identities (Delta) and the stretched axes (Ones) are set apart; what is
left is computed, by one lowered program, and the result knows how to multiply and how to write itself out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symdiff.api.programs import lower
from symdiff.errors import ShapeError
from symdiff.expr.algebra import contract
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import Shape, dim_value
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Add, Const, Contract, Delta, Labels, Ones
from symdiff.expr.traverse import variables
from symdiff.lowering.lowered import Lowered
from symdiff.rewrite import simplify_all

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Form:
    """A product: its core has the axes `core` of the whole; the axes of each pair in `equal` are equal where it is not zero."""

    core: tuple[int, ...]
    equal: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Compressed:
    """An array as a sum of products of a core with identities, stretched over the axes that neither has.

    >>> e = Compressed((3, 2, 3, 2), (Form((1, 3), ((0, 2),)),), (np.array([[1.0, 2.0], [2.0, 5.0]]),))
    >>> e.size_kept, e.dense().shape, (e @ np.ones((3, 2)))[0].tolist()
    (4, (3, 2, 3, 2), [3.0, 7.0])
    """

    shape: tuple[int, ...]
    forms: tuple[Form, ...]
    cores: tuple[Array, ...]

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size_kept(self) -> int:
        """How many numbers stand for the array."""
        return sum(c.size for c in self.cores)

    def _labels(self, form: Form) -> list[int]:
        """A label for each axis, the same for axes that are equal."""
        labels = list(range(self.ndim))
        for a, b in form.equal:
            old, new = labels[b], labels[a]
            labels = [new if label == old else label for label in labels]
        return labels

    def dense(self) -> Array:
        """The array written out."""
        whole = np.zeros(self.shape, dtype=np.result_type(*self.cores))
        for form, core in zip(self.forms, self.cores, strict=True):
            labels = self._labels(form)
            kept = sorted(set(labels))
            place = np.einsum(whole, labels, kept)  # a view: nothing is summed
            own = [labels[a] for a in form.core]
            order = sorted(range(len(own)), key=own.__getitem__)
            place += core.transpose(order).reshape([n if label in own else 1 for label, n in zip(kept, place.shape, strict=True)])
        return whole

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self.dense().astype(dtype) if dtype is not None else self.dense()

    def __matmul__(self, other: Any) -> Array:
        """Summed over the last axes against all axes of an array: a Hessian times a vector of the variable's shape.

        Raises: ShapeError if they do not fit.
        """
        vector = np.asarray(other)
        lead = self.ndim - vector.ndim
        if lead < 0 or self.shape[lead:] != vector.shape:
            raise ShapeError(f"compressed {self.shape} @ {vector.shape}: the last axes must be those of the array")
        total: Array = np.zeros(self.shape[:lead], dtype=np.result_type(vector, *self.cores))
        for form, core in zip(self.forms, self.cores, strict=True):
            labels = self._labels(form)
            out = labels[:lead]
            carried = {labels[a] for a in form.core} | set(labels[lead:])
            missing = [label for label in dict.fromkeys(out) if label not in carried]
            ones = [x for label in missing for x in (np.ones(self.shape[labels.index(label)]), [label])]
            distinct = list(dict.fromkeys(out))
            found = np.einsum(core, [labels[a] for a in form.core], vector, labels[lead:], *ones, distinct, optimize=True)
            np.einsum(total, out, distinct)[...] += found
        return total


class CompressedFunction:
    """A function of arrays whose results are Compressed; made by `lower_compressed`. `program` computes all cores at once."""

    def __init__(self, shapes: Sequence[Shape], forms: Sequence[Sequence[Form]], program: Lowered, single: bool) -> None:
        self._shapes, self._forms, self.program, self._single = shapes, forms, program, single

    @property
    def source(self) -> str:
        """The source of the program behind it."""
        return self.program.source

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        given = dict(zip((i.name for i in self.program.program.inputs), args, strict=False)) | keywords
        cores = iter(self.program(*args, **keywords))
        sizes = {
            d: n
            for i in self.program.program.inputs
            for d, n in zip(i.shape, np.shape(given[i.name]), strict=True)
            if isinstance(d, str) and d.isidentifier()
        }
        found = [
            Compressed(tuple(dim_value(d, sizes) for d in shape), tuple(forms), tuple(np.asarray(next(cores)) for _ in forms))
            for shape, forms in zip(self._shapes, self._forms, strict=True)
        ]
        return found[0] if self._single else found


def lower_compressed(outputs: Any, inputs: Any = None, **options: Any) -> CompressedFunction:
    """A function that computes the outputs as factors: `dense()` writes one out, `@` multiplies it with an array, neither by the other.

    outputs: an expression or a list of them, such as Hessians; inputs and options as `lower` has them (but `simplify`).
    An output without structure has one core, itself.

    >>> import symdiff as sd
    >>> T, U, V = sd.var('T', ('m', 'n')), sd.var('U', ('m', 'k')), sd.var('V', ('n', 'k'))
    >>> f = sd.lower_compressed(sd.hessian(sd.sum((T - U @ V.T) ** 2), U), [T, U, V])
    >>> H = f(np.ones((300, 300)), np.ones((300, 5)), np.ones((300, 5)))
    >>> H.shape, H.size_kept
    ((300, 5, 300, 5), 25)
    """
    single = not isinstance(outputs, (list, tuple))
    listed = [as_expr(e) for e in ([outputs] if single else outputs)]
    if inputs is None:
        inputs = list(variables(*listed))
    taken = [[_apart(t) for t in (e.terms if isinstance(e, Add) else (e,))] for e in simplify_all(listed)]
    cores = [core for terms in taken for core, _ in terms]
    return CompressedFunction(
        [e.shape for e in listed], [[form for _, form in terms] for terms in taken], lower(cores, inputs, **options), single
    )


def _apart(term: Expr) -> tuple[Expr, Form]:
    """A product as its core and the form in which it stands."""
    whole = Form(tuple(range(term.ndim)), ())
    if not isinstance(term, Contract):
        return term, whole
    place = {label: axis for axis, label in enumerate(term.out)}
    heavy: list[tuple[Expr, Labels]] = []
    equal: list[tuple[int, int]] = []
    for factor, labels in zip(term.factors, term.labels, strict=True):
        if isinstance(factor, Delta) and all(label in place for label in labels):
            equal.append((place[labels[0]], place[labels[1]]))
        elif not (isinstance(factor, Ones) and labels[0] in place):
            heavy.append((factor, labels))
    carried = {label for _, labels in heavy for label in labels}
    kept = tuple(label for label in term.out if label in carried)
    if len(kept) == len(term.out) and not equal:
        return term, whole
    return contract(heavy or [(Const(1), ())], kept), Form(tuple(place[label] for label in kept), tuple(equal))
