"""Arrays that are mostly structure, kept as their factors: the Hessian of |T - U V'|² in U is I ⊗ 2 V'V, m² k² numbers of which k² say all.

A simplified expression is a sum of products. Of each product the identities (Delta) and the stretched axes (Ones) are set apart; what is
left is computed, by one lowered program, and the result knows how to multiply and how to write itself out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from symdiff.api.programs import arguments_of, check_dicts, lower, sizes_that_are_left
from symdiff.errors import ShapeError
from symdiff.expr.algebra import contract
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import Dim, Shape, dim_names, dim_value
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Add, Const, Contract, Delta, Labels, Ones
from symdiff.lowering.lowered import Lowered
from symdiff.rewrite import simplify_all

Array = np.ndarray[Any, Any]
LARGEST_KNOWN = 16  # sizes for which a function keeps the shapes of its results


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

    def __init__(
        self, shapes: Sequence[Shape], forms: Sequence[Sequence[Form]], program: Lowered, single: bool, sizes: Mapping[str, int]
    ) -> None:
        self._shapes, self.program, self._single = shapes, program, single
        self._sizes = sizes  # of dims that no argument carries
        ends = list(accumulate((len(listed) for listed in forms), initial=0))
        self._parts = [(tuple(listed), slice(*ends[k : k + 2])) for k, listed in enumerate(forms)]  # with the places of their cores
        self._carriers: list[int] = []  # the arguments whose shapes have the dims
        missing: set[Dim] = set(dim_names(d for shape in shapes for d in shape))
        for k, i in enumerate(program.program.inputs):
            if missing & set(i.shape):
                self._carriers.append(k)
                missing -= set(i.shape)
        self._known: dict[tuple[tuple[int, ...], ...], list[tuple[tuple[int, ...], tuple[Form, ...], slice]]] = {}

    @property
    def source(self) -> str:
        """The source of the program behind it."""
        return self.program.source

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        """The outputs, as the program's arguments have them. Raises: as the program does."""
        cores = self.program(*args, **keywords)
        given = args if not keywords else [*args, *(keywords[i.name] for i in self.program.program.inputs[len(args) :])]
        try:
            key = tuple([given[k].shape for k in self._carriers])
        except AttributeError:  # lists
            key = tuple([np.shape(given[k]) for k in self._carriers])
        made = self._known.get(key) or self._plan(key)
        found = [Compressed(shape, forms, tuple([np.asarray(core) for core in cores[part]])) for shape, forms, part in made]
        return found[0] if self._single else found

    def _plan(self, key: tuple[tuple[int, ...], ...]) -> list[tuple[tuple[int, ...], tuple[Form, ...], slice]]:
        """The shape of each output, its forms and which cores are its own, for shapes of the arguments that carry the dims."""
        inputs = self.program.program.inputs
        carried = {str(d): n for k, shape in zip(self._carriers, key, strict=True) for d, n in zip(inputs[k].shape, shape, strict=True)}
        sizes = {**self._sizes, **carried}
        shapes = [tuple(dim_value(d, sizes) for d in shape) for shape in self._shapes]
        if len(self._known) >= LARGEST_KNOWN:
            self._known.clear()
        self._known[key] = made = [(shape, *part) for shape, part in zip(shapes, self._parts, strict=True)]
        return made


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
    check_dicts(options)
    inputs = arguments_of(listed, inputs, options)
    taken = [[_apart(t) for t in (e.terms if isinstance(e, Add) else (e,))] for e in simplify_all(listed)]
    cores = [core for terms in taken for core, _ in terms]
    sizes, constants = options.get("sizes") or {}, options.get("constants") or {}
    options["sizes"] = sizes_that_are_left(sizes, listed, cores, inputs, constants)
    program = lower(cores, inputs, **options)
    known = dict(sizes) | {str(d): n for v, array in constants.items() for d, n in zip(v.shape, np.shape(array), strict=True)}
    return CompressedFunction([e.shape for e in listed], [[form for _, form in terms] for terms in taken], program, single, known)


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
