"""The nodes. Everything else about them (derivatives, identities, printing, lowering) stands in tables elsewhere.

`Contract` is the heart: matmul, transpose, trace, diagonal, outer and elementwise products, broadcasting and sums are one node
with other labels. Nodes are made by the constructors in build.py, ops.py and structure.py; the classes themselves check and store.
"""

from __future__ import annotations

import struct
from fractions import Fraction
from typing import ClassVar, NamedTuple

import numpy as np

from symdiff.errors import ShapeError
from symdiff.expr.dims import Dim, Shape, dim_add, dim_mul, show_shape
from symdiff.expr.functions import FUNCTIONS
from symdiff.expr.node import Expr, Key, node

Labels = tuple[int, ...]
LETTERS = "ijklmnopqrstuvwxyzabcdefghIJKLMNOPQRSTUVWXYZABCDEFGH"  # what einsum calls the labels
Number = int | Fraction | float
Array = np.ndarray


@node
class Var(Expr):
    """An input. `token` is 0 for variables of the user and fresh for each parameter of a traced function."""

    name: str
    dims: Shape
    assumptions: tuple[str, ...]
    token: int

    def infer_shape(self) -> Shape:
        return self.dims


@node
class Const(Expr):
    """A constant: an exact int or Fraction, a float, a bool, or a read-only array of its own."""

    value: Number | Array

    @classmethod
    def key_of(cls, value: Number | Array) -> Key:
        if isinstance(value, float):  # 0.0 and -0.0 differ, a nan is its bits
            return (cls, float, value if value < 0 or value > 0 else struct.pack("<d", value))
        if isinstance(value, np.ndarray):
            return (cls, value.dtype.str, value.shape, value.tobytes())
        return (cls, type(value).__name__, value)

    def infer_shape(self) -> Shape:
        return self.value.shape if isinstance(self.value, np.ndarray) else ()

    @classmethod
    def rebuild(cls, operands: tuple[Expr, ...], statics: tuple[Number | Array]) -> Expr:
        if isinstance(statics[0], np.ndarray):  # a pickle forgets that the array is read-only
            statics[0].setflags(write=False)
        return cls(*statics)

    def static_key(self) -> str:
        if isinstance(self.value, np.ndarray):
            return f"{self.value.dtype.str}{self.value.shape}{self.value.tobytes().hex()}"
        return repr(self.value)


@node
class Size(Expr):
    """The scalar whose value is a dim."""

    dim: str

    def infer_shape(self) -> Shape:
        return ()


@node
class Iota(Expr):
    """0, 1, ..., dim - 1."""

    dim: Dim

    def infer_shape(self) -> Shape:
        return (self.dim,)


@node
class Delta(Expr):
    """The identity of order `dim`: Kronecker's delta."""

    dim: Dim

    def infer_shape(self) -> Shape:
        return (self.dim, self.dim)


@node
class Ones(Expr):
    """A vector of ones: what broadcasts."""

    dim: Dim

    def infer_shape(self) -> Shape:
        return (self.dim,)


@node
class Add(Expr):
    """Sum of terms of equal shape."""

    terms: tuple[Expr, ...]

    def infer_shape(self) -> Shape:
        shape = self.terms[0].shape
        for term in self.terms:
            if term.shape != shape:
                raise ShapeError(f"add: the terms have shapes {show_shape(shape)} and {show_shape(term.shape)}")
        return shape


@node
class Contract(Expr):
    """Product of `factors`, summed over every label missing from `out`; X_01 w_1 -> 0 is X @ w.

    A label may stand twice in one factor (a diagonal), never twice in `out`. Labels are numbered by first appearance.
    """

    factors: tuple[Expr, ...]
    labels: tuple[Labels, ...]
    out: Labels

    def infer_shape(self) -> Shape:
        if not any(self.labels) and not self.out:  # a product of numbers
            for f in self.factors:
                if f.shape:
                    break
            else:
                return ()
        dims: dict[int, Dim] = {}
        for k, (factor, labels) in enumerate(zip(self.factors, self.labels, strict=True)):
            if len(labels) != len(factor.shape):
                raise ShapeError(f"contract: factor {k} {show_shape(factor.shape)} has {len(labels)} labels")
            for label, dim in zip(labels, factor.shape, strict=True):
                if dims.setdefault(label, dim) != dim:
                    raise ShapeError(f"contract: label {label} is {dims[label]!r}, but factor {k} {show_shape(factor.shape)} has {dim!r}")
        if len(set(self.out)) != len(self.out) or any(label not in dims for label in self.out):
            raise ShapeError(f"contract: the output labels {self.out} must be distinct and stand in a factor")
        return tuple(dims[label] for label in self.out)

    def dims(self) -> dict[int, Dim]:
        """The dim of every label."""
        return {label: dim for f, ls in zip(self.factors, self.labels, strict=True) for label, dim in zip(ls, f.shape, strict=True)}


@node
class Map(Expr):
    """An elementwise function of the table, over operands of equal shape."""

    fn: str
    args: tuple[Expr, ...]

    def infer_shape(self) -> Shape:
        args = self.args
        shape = args[0].shape
        if len(args) != FUNCTIONS[self.fn].arity or (len(args) > 1 and any(a.shape != shape for a in args)):
            raise ShapeError(f"{self.fn}: operands of shapes {', '.join(show_shape(a.shape) for a in args)}")
        return shape

    @classmethod
    def rebuild(cls, operands: tuple[Expr, ...], statics: tuple[str, ...]) -> Expr:
        return cls(statics[0], operands)


@node
class Reduce(Expr):
    """A reduction that is no contraction: max, min, prod, logsumexp, any, all. `axes` ascend and disappear."""

    x: Expr
    kind: str
    axes: tuple[int, ...]

    KINDS: ClassVar[tuple[str, ...]] = ("max", "min", "prod", "logsumexp")

    def infer_shape(self) -> Shape:
        return tuple(d for a, d in enumerate(self.x.shape) if a not in self.axes)


@node
class Scan(Expr):
    """A cumulative sum or product along one axis, from the far end if `reverse`."""

    x: Expr
    kind: str
    axis: int
    reverse: bool

    KINDS: ClassVar[tuple[str, ...]] = ("cumsum", "cumprod")

    def infer_shape(self) -> Shape:
        return self.x.shape


@node
class Arg(Expr):
    """Positions found in the data, whole numbers: argsort keeps the axis, argmax and argmin drop it. Flat: its derivative is zero."""

    x: Expr
    kind: str
    axis: int

    KINDS: ClassVar[tuple[str, ...]] = ("argsort", "argmax", "argmin")

    def infer_shape(self) -> Shape:
        return self.x.shape if self.kind == "argsort" else tuple(d for a, d in enumerate(self.x.shape) if a != self.axis)


@node
class Reshape(Expr):
    """The same elements in row-major order under another shape of equal size."""

    x: Expr
    to: Shape

    def infer_shape(self) -> Shape:
        if dim_mul(*self.x.shape) != dim_mul(*self.to):
            raise ShapeError(
                f"reshape: {show_shape(self.x.shape)} has {dim_mul(*self.x.shape)} elements, {show_shape(self.to)} has {dim_mul(*self.to)}"
            )
        return self.to


class Range(NamedTuple):
    """start, start + step, ... : `length` positions on an axis. A negative step runs down from start."""

    start: Dim
    length: Dim
    step: int


Place = Dim | Range  # one entry of a key: a position, which drops the axis, or a range of them


def key_shape(key: tuple[Place, ...]) -> Shape:
    return tuple(k.length for k in key if isinstance(k, Range))


@node
class Slice(Expr):
    """x[key], one entry of the key for each axis of x."""

    x: Expr
    key: tuple[Place, ...]

    def infer_shape(self) -> Shape:
        if len(self.key) != len(self.x.shape):
            raise ShapeError(f"slice: a key of {len(self.key)} entries for shape {show_shape(self.x.shape)}")
        return key_shape(self.key)


@node
class Scatter(Expr):
    """Zeros of shape `into` to which each part is added at its key: the transpose of slices, and padding."""

    parts: tuple[Expr, ...]
    keys: tuple[tuple[Place, ...], ...]
    into: Shape

    def infer_shape(self) -> Shape:
        for part, key in zip(self.parts, self.keys, strict=True):
            if part.shape != key_shape(key) or len(key) != len(self.into):
                raise ShapeError(f"scatter: a part of shape {show_shape(part.shape)} at {key} of {show_shape(self.into)}")
        return self.into


@node
class Concat(Expr):
    """Parts joined along an axis."""

    parts: tuple[Expr, ...]
    axis: int

    def infer_shape(self) -> Shape:
        first = self.parts[0].shape
        for part in self.parts:
            if len(part.shape) != len(first) or any(
                p != f for a, (p, f) in enumerate(zip(part.shape, first, strict=True)) if a != self.axis
            ):
                raise ShapeError(f"concatenate: shapes {' and '.join(show_shape(p.shape) for p in self.parts)} differ off axis {self.axis}")
        return (*first[: self.axis], dim_add(*(p.shape[self.axis] for p in self.parts)), *first[self.axis + 1 :])


@node
class Gather(Expr):
    """x at whole-number indices: index k, all of one shape, replaces axis `axis` + k; negative indices count from the end.

    The indices' shape stands where the axes stood.
    """

    x: Expr
    indices: tuple[Expr, ...]
    axis: int

    def infer_shape(self) -> Shape:
        return (*self.x.shape[: self.axis], *self.indices[0].shape, *self.x.shape[self.axis + len(self.indices) :])

    @classmethod
    def rebuild(cls, operands: tuple[Expr, ...], statics: tuple[int, ...]) -> Expr:
        return cls(operands[0], operands[1:], *statics)


@node
class GatherT(Expr):
    """The transpose of Gather: zeros of shape `into` to which x is added at the indices, repeated ones adding up."""

    x: Expr
    indices: tuple[Expr, ...]
    axis: int
    into: Shape

    def infer_shape(self) -> Shape:
        return self.into

    @classmethod
    def rebuild(cls, operands: tuple[Expr, ...], statics: tuple[int, Shape]) -> Expr:
        return cls(operands[0], operands[1:], *statics)


@node
class Linalg(Expr):
    """A matrix function of the last axes; axes before them are a batch and are equal in all operands.

    inv, cholesky (n, n) -> (n, n); det, logdet (the log of |det|) -> (); eigvalsh (n, n) -> (n,), ascending;
    eigvecs (n, n) -> (n, n), the columns of eigh; svdvals (m, n) -> (min,); svdu, svdvt thin factors;
    solve (n, n), (n, k) -> (n, k); pinv (m, n) -> (n, m), full rank.
    """

    fn: str
    args: tuple[Expr, ...]

    def infer_shape(self) -> Shape:
        *batch, m, n = self.args[0].shape
        if self.fn in ("pinv", "svdvals", "svdu", "svdvt"):
            if m != n and not (isinstance(m, int) and isinstance(n, int)) and self.fn != "pinv":
                raise ShapeError(f"{self.fn}: the smaller of {m!r} and {n!r} is not known; use whole numbers or a square matrix")
            k = min(m, n) if isinstance(m, int) and isinstance(n, int) else m
            return {"pinv": (*batch, n, m), "svdvals": (*batch, k), "svdu": (*batch, m, k), "svdvt": (*batch, k, n)}[self.fn]
        if m != n:
            raise ShapeError(f"{self.fn}: a square matrix is wanted, not {show_shape(self.args[0].shape)}")
        match self.fn:
            case "det" | "logdet":
                return tuple(batch)
            case "eigvalsh":
                return (*batch, n)
            case "solve":
                right = self.args[1].shape
                if len(right) != len(batch) + 2 or right[:-1] != (*batch, n):
                    raise ShapeError(f"solve: a matrix {show_shape(self.args[0].shape)} and a right side {show_shape(right)}")
                return right
            case _:
                return self.args[0].shape

    @classmethod
    def rebuild(cls, operands: tuple[Expr, ...], statics: tuple[str, ...]) -> Expr:
        return cls(statics[0], operands)
