"""The table of operations that a program is made of: arity, result shape, result kind, and work.

An operation is as high as a NumPy call: `matmul`, `sum`, `sigmoid`. Elementwise ones broadcast as in NumPy, by int 1 only.
A register is of one kind: 'real' (float64, or float32 when all inputs are), 'int', 'bool', 'number' (a Python number, which takes on
the dtype of what it meets) or 'tuple' (the parts of a decomposition).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, Literal, NamedTuple

from symdiff.expr.dims import Dim, Shape, broadcast_dims, dim_add
from symdiff.expr.functions import FUNCTIONS
from symdiff.expr.nodes import key_shape

Kind = Literal["real", "int", "bool", "number", "tuple"]
Params = tuple[Any, ...]
ShapeRule = Callable[[tuple[Shape, ...], Params], Shape]
KindRule = Callable[[tuple[Kind, ...], Params], Kind]
WorkRule = Callable[[Sequence[tuple[int, ...]], Params, int], int]


def _real(kinds: tuple[Kind, ...], params: Params) -> Kind:
    return "real"


def _bool(kinds: tuple[Kind, ...], params: Params) -> Kind:
    return "bool"


def _int(kinds: tuple[Kind, ...], params: Params) -> Kind:
    return "int"


def _number(kinds: tuple[Kind, ...], params: Params) -> Kind:
    return "number"


def _tuple(kinds: tuple[Kind, ...], params: Params) -> Kind:
    return "tuple"


def _same(kinds: tuple[Kind, ...], params: Params) -> Kind:
    return kinds[0]


def _last_param(kinds: tuple[Kind, ...], params: Params) -> Kind:
    return params[-1]  # type: ignore[no-any-return]


def joined_kind(kinds: tuple[Kind, ...], params: Params = ()) -> Kind:
    """The kind of a sum or product: real wins; whole numbers and truth values stay what they are among themselves."""
    found = set(kinds)
    for kind in ("real", "int", "bool"):
        if kind in found:
            return kind
    return "number"


def _elementwise_shape(shapes: tuple[Shape, ...], params: Params) -> Shape:
    if len(shapes) == 1 or shapes[0] == shapes[-1] == shapes[len(shapes) // 2]:
        return shapes[0]
    return broadcast_dims("elementwise", *shapes)


def _first_shape(shapes: tuple[Shape, ...], params: Params) -> Shape:
    return shapes[0]


def _without_axes(shapes: tuple[Shape, ...], params: Params) -> Shape:
    return tuple(d for a, d in enumerate(shapes[0]) if a not in params[0])


def _scalar(shapes: tuple[Shape, ...], params: Params) -> Shape:
    return ()


def _expanded(shapes: tuple[Shape, ...], params: Params) -> Shape:
    rest = iter(shapes[0])
    rank = len(shapes[0]) + len(params[0])
    return tuple(1 if a in params[0] else next(rest) for a in range(rank))


def _matmul_shape(shapes: tuple[Shape, ...], params: Params) -> Shape:
    a, b = shapes
    if a[-1] != b[-1 if len(b) == 1 else -2]:
        raise ValueError(f"matmul of {a} and {b}")
    batch = broadcast_dims("matmul", a[:-2], b[:-2])
    return (*batch, *(a[-2:-1] if len(a) > 1 else ()), *(b[-1:] if len(b) > 1 else ()))


def _gemm_shape(shapes: tuple[Shape, ...], params: Params) -> Shape:
    c, *factors = shapes
    if _matmul_shape(tuple(factors), ()) != c:
        raise ValueError(f"gemm of {factors[0]} and {factors[1]} onto {c}")
    return c


def _tensordot_shape(shapes: tuple[Shape, ...], params: Params) -> Shape:
    a, b = shapes
    of_a, of_b = params
    return (*(d for k, d in enumerate(a) if k not in of_a), *(d for k, d in enumerate(b) if k not in of_b))


def _einsum_shape(shapes: tuple[Shape, ...], params: Params) -> Shape:
    labels, out = params
    dims = {label: d for ls, s in zip(labels, shapes, strict=True) for label, d in zip(ls, s, strict=True)}
    return tuple(dims[label] for label in out)


def _diagonal_shape(shapes: tuple[Shape, ...], params: Params) -> Shape:
    i, j = params
    return (*(d for a, d in enumerate(shapes[0]) if a not in (i, j)), shapes[0][i])


def _concat_shape(shapes: tuple[Shape, ...], params: Params) -> Shape:
    (axis,) = params
    joined: Dim = dim_add(*(s[axis] for s in shapes))
    return (*shapes[0][:axis], joined, *shapes[0][axis + 1 :])


def _gather_shape(shapes: tuple[Shape, ...], params: Params) -> Shape:
    (axis,) = params
    x, *indices = shapes
    return (*x[:axis], *broadcast_dims("gather", *indices), *x[axis + len(indices) :])


# --- work: scalar operations of one call --------------------------------------------------------------------------
def _per_element(operands: Sequence[tuple[int, ...]], params: Params, size: int) -> int:
    return size


def _per_operand_element(operands: Sequence[tuple[int, ...]], params: Params, size: int) -> int:
    return sum(prod(o) for o in operands)


def _matmul_work(operands: Sequence[tuple[int, ...]], params: Params, size: int) -> int:
    return 2 * size * operands[0][-1]


def _gemm_work(operands: Sequence[tuple[int, ...]], params: Params, size: int) -> int:
    return _matmul_work(operands[1:], (), size) + size


def _tensordot_work(operands: Sequence[tuple[int, ...]], params: Params, size: int) -> int:
    summed: int = prod(operands[0][k] for k in params[0])
    return 2 * size * summed


def _einsum_work(operands: Sequence[tuple[int, ...]], params: Params, size: int) -> int:
    dims: dict[int, int] = {label: d for ls, s in zip(params[0], operands, strict=True) for label, d in zip(ls, s, strict=True)}
    return len(operands) * prod(dims.values())


def _cubic_work(operands: Sequence[tuple[int, ...]], params: Params, size: int) -> int:
    return prod(operands[0]) * (operands[0][-1] if operands[0] else 1)


class Operation(NamedTuple):
    """One row: `arity` None takes any number of operands; a `view` shares the memory of its first operand; `over`: the result is written
    over that."""

    name: str
    arity: int | None
    shape: ShapeRule = _elementwise_shape
    kind: KindRule = _real
    work: WorkRule = _per_element
    view: bool = False
    over: bool = False

    @property
    def elementwise(self) -> bool:
        return self.shape is _elementwise_shape


def _functions() -> list[Operation]:
    """Every elementwise function of the function table, under its name there."""
    kinds: dict[str, KindRule] = {"real": _real, "bool": _bool, "int": _int}
    own = {"where": lambda kinds, params: joined_kind(kinds[1:]), "maximum": joined_kind, "minimum": joined_kind, "mod": joined_kind}
    own["floor_divide"] = joined_kind
    return [Operation(f.name, f.arity, kind=own.get(f.name, kinds[f.result])) for f in FUNCTIONS.values()]


TABLE: tuple[Operation, ...] = (
    # leaves
    Operation("const", 0, _scalar, _number),  # (number)
    Operation("constant", 0, _scalar, _last_param),  # (position in the program's constants, kind)
    Operation("size", 0, _scalar, _number),  # (dim)
    Operation("iota", 0, lambda shapes, params: (params[0],), _int),  # (dim)
    Operation("eye", 0, lambda shapes, params: (params[0], params[0])),  # (dim)
    # arithmetic
    Operation("add", 2, kind=joined_kind),
    Operation("subtract", 2, kind=joined_kind),
    Operation("multiply", 2, kind=joined_kind),
    Operation("divide", 2),
    Operation("negative", 1, kind=joined_kind),
    Operation("sqrt", 1),
    Operation("cast", 1, _first_shape, _last_param),  # (kind)
    *_functions(),
    Operation("sigmoids", 1, _scalar, _tuple, _per_operand_element),  # sigmoid(x) and sigmoid(-x), items 0 and 1
    # views
    Operation("transpose", 1, lambda s, p: tuple(s[0][a] for a in p[0]), _same, view=True),  # (order)
    Operation("expand", 1, _expanded, _same, view=True),  # (axes of the result)
    Operation("squeeze", 1, _without_axes, _same, view=True),  # (axes), each of size 1 in the data
    Operation("reshape", 1, lambda s, p: p[0], _same, view=True),  # (shape)
    Operation("broadcast", 1, lambda s, p: p[0], _same, view=True),  # (shape)
    Operation("slice", 1, lambda s, p: key_shape(p[0]), _same, view=True),  # (key)
    Operation("diagonal", 1, _diagonal_shape, _same, view=True),  # (axis, axis)
    Operation("copy", 1, _first_shape, _same),  # (which output): each output has memory of its own
    Operation("full", 1, lambda s, p: p[0], lambda k, p: "real" if k[0] == "number" else k[0]),  # (shape, which output)
    # contractions
    Operation("sum", 1, _without_axes, work=_per_operand_element),  # (axes)
    Operation("trace", 1, _scalar),
    Operation("dot", 2, _scalar, work=_per_operand_element),  # of vectors
    Operation("vdot", 2, _scalar, work=_per_operand_element),  # of arrays of one shape
    Operation("outer", 2, lambda s, p: (*s[0], *s[1])),
    Operation("matmul", 2, _matmul_shape, work=_matmul_work),
    Operation("gemm", 3, _gemm_shape, work=_gemm_work, over=True),  # (alpha, beta); operands C, A, B: alpha A B + beta C
    Operation("tensordot", 2, _tensordot_shape, work=_tensordot_work),  # (axes of the left, axes of the right)
    Operation("einsum", None, _einsum_shape, work=_einsum_work),  # (labels of each operand, labels of the result)
    Operation("diag", 1, lambda s, p: (s[0][0], s[0][0])),
    Operation("embed", 1, lambda s, p: p[0]),  # (shape, label of each axis of it): zeros but where axes of one label agree
    # reductions and scans
    Operation("max", 1, _without_axes, _same, _per_operand_element),
    Operation("min", 1, _without_axes, _same, _per_operand_element),
    Operation("prod", 1, _without_axes, work=_per_operand_element),
    Operation("logsumexp", 1, _without_axes, work=_per_operand_element),
    Operation("cumsum", 1, _first_shape),  # (axis, reverse)
    Operation("cumprod", 1, _first_shape),
    Operation("argsort", 1, _first_shape, _int),  # (axis)
    Operation("argmax", 1, lambda s, p: _without_axes(s, ((p[0],),)), _int, _per_operand_element),
    Operation("argmin", 1, lambda s, p: _without_axes(s, ((p[0],),)), _int, _per_operand_element),
    # structure
    Operation("scatter", None, lambda s, p: p[1], work=_per_operand_element),  # (keys, shape)
    Operation("concat", None, _concat_shape, joined_kind),  # (axis)
    Operation("stack", None, lambda s, p: (*s[0][: p[0]], len(s), *s[0][p[0] :]), joined_kind),  # (axis), new
    Operation("gather", None, _gather_shape, _same),  # (axis); operands x, indices
    Operation("gather_t", None, lambda s, p: p[1], work=_per_operand_element),  # (axis, shape); operands x, indices
    # matrix functions
    Operation("inv", 1, _first_shape, work=_cubic_work),
    Operation("det", 1, lambda s, p: s[0][:-2], work=_cubic_work),
    Operation("logdet", 1, lambda s, p: s[0][:-2], work=_cubic_work),
    Operation("cholesky", 1, _first_shape, work=_cubic_work),
    Operation("eigvalsh", 1, lambda s, p: s[0][:-1], work=_cubic_work),
    Operation("svdvals", 1, lambda s, p: p[0], work=_cubic_work),
    Operation("pinv", 1, lambda s, p: (*s[0][:-2], s[0][-1], s[0][-2]), work=_cubic_work),
    Operation("solve", 2, lambda s, p: s[1], work=_cubic_work),
    Operation("eigh", 1, _scalar, _tuple, _cubic_work),
    Operation("svd", 1, _scalar, _tuple, _cubic_work),
    Operation("item", 1, lambda s, p: p[1], view=True),  # (position, shape) of a tuple
)

OPERATIONS: dict[str, Operation] = {operation.name: operation for operation in TABLE}
