"""What a part of a SymPy expression is on our side, while it is read: factors with labelled axes, not yet multiplied out.

A scalar may hang on the indices of a sum or a FunctionMatrix around it: they are labels of its axes. A matrix has a label for its
rows and one for its columns, None at the side where a vector has no axis. Because factors wait until the whole product is known, what
SymPy nests (a Sum of a product, a Trace of a MatMul, a Transpose) becomes the one Contract that it is here.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

from symdiff.errors import ShapeError
from symdiff.expr.algebra import contract
from symdiff.expr.dims import Dim
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Ones
from symdiff.expr.structure import expand_axis

Label = Hashable
Factor = tuple[Expr, tuple[Label, ...]]


class Value(NamedTuple):
    """A product of factors. `rows` and `columns` are the axes of a matrix; `open` products merge into the product around them."""

    factors: tuple[Factor, ...]
    rows: Label | None = None
    columns: Label | None = None
    is_matrix: bool = False
    open: bool = False

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels of a scalar's factors, or a matrix's axes."""
        if self.is_matrix:
            return tuple(label for label in (self.rows, self.columns) if label is not None)
        return tuple(dict.fromkeys(label for _, labels in self.factors for label in labels))

    @property
    def kind(self) -> tuple[bool, bool]:
        """Which of rows and columns are axes: (True, False) is a vector as a column."""
        return self.rows is not None, self.columns is not None

    def renamed(self, new: Mapping[Label, Label]) -> Value:
        factors = tuple((f, tuple(new.get(label, label) for label in labels)) for f, labels in self.factors)
        return self._replace(factors=factors, rows=new.get(self.rows, self.rows), columns=new.get(self.columns, self.columns))


class Index(NamedTuple):
    """What an index runs over: start, start + 1, ... : `dim` values. It is summed over, or an axis of an array around it."""

    dim: Dim
    start: Dim = 0
    summed: bool = False


Scope = tuple[tuple[Label, "Index | Value"], ...]
"""The indices and arguments bound around an expression, outermost first."""


def joined(factors: Sequence[Factor], out: Sequence[Label], dims: Mapping[Label, Dim]) -> Expr:
    """The product with the axes `out`, the rest summed; an axis that no factor has is stretched along it."""
    if len(factors) == 1 and factors[0][1] == tuple(out):
        return factors[0][0]
    numbers: dict[Label, int] = {}
    labelled = [(f, tuple(numbers.setdefault(label, len(numbers)) for label in labels)) for f, labels in factors]
    for label in out:
        if label not in numbers:
            numbers[label] = len(numbers)
            labelled.append((Ones(dims[label]), (numbers[label],)))
    return contract(labelled, tuple(numbers[label] for label in out))


def scalar(node: Expr, labels: Sequence[Label] = ()) -> Value:
    return Value(((node, tuple(labels)),))


def matrix(node: Expr, rows: Label | None, columns: Label | None) -> Value:
    return Value(((node, tuple(label for label in (rows, columns) if label is not None)),), rows, columns, is_matrix=True)


def node_of(value: Value) -> Expr:
    """A closed value as a node: a matrix with the axes it has."""
    return joined(value.factors, value.labels, {})


def rank_two(value: Value) -> Expr:
    """A closed matrix as an array of two axes."""
    node = node_of(value)
    if not value.is_matrix:
        raise ShapeError("from_sympy: a matrix is wanted, not a scalar")
    for axis, present in enumerate(value.kind):
        if not present:
            node = expand_axis(node, axis)
    return node


def in_order(labels: Iterable[Label], scope: Scope) -> tuple[Label, ...]:
    """Labels as axes: those of arrays around in the order of their axes, then those that are summed in the order given."""
    bound = {label: (k, what) for k, (label, what) in enumerate(scope)}
    distinct = dict.fromkeys(labels)
    summed = {label for label in distinct if isinstance(what := bound[label][1], Index) and what.summed}
    return (*sorted(distinct.keys() - summed, key=lambda label: bound[label][0]), *(label for label in distinct if label in summed))


def dims_of(scope: Scope) -> dict[Label, Dim]:
    return {label: bound.dim for label, bound in scope if isinstance(bound, Index)}


def elementwise(make: Callable[..., Expr], values: Sequence[Value], scope: Scope) -> Value:
    """A function of scalars entry by entry, over the union of the labels they hang on."""
    labels = in_order((label for v in values for label in v.labels), scope)
    dims = dims_of(scope)
    nodes = [joined(v.factors, labels if v.labels else (), dims) for v in values]
    return scalar(make(*nodes), labels)
