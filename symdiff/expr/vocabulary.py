"""The words of the formula language: which functions a line of text may call, and which of their arguments are not expressions.

The functions are NumPy's names in `ops`, plus short names that people write. Nothing else can be called from text.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from symdiff.errors import ParseError
from symdiff.expr import ops
from symdiff.expr.dims import Dim, dim_add, dim_floordiv, dim_mul
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Add, Const, Contract, Map, Size

LARGEST = 1_000_000  # a whole number in an argument that says how many


def dim_of(value: Any) -> Dim | None:
    """The dim that a whole number or a scalar expression in sizes is: 3, n, n - 1, n*d, n//2; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, Expr) or value.shape != ():
        return None
    found: dict[Expr, Dim | None] = {}
    for e in topological(value):
        below = [found[o] for o in e.operands]
        known = [d for d in below if d is not None]
        dim: Dim | None = None
        if isinstance(e, Size):
            dim = e.dim
        elif isinstance(e, Const) and isinstance(e.value, int) and not isinstance(e.value, bool):
            dim = e.value
        elif len(known) < len(below):
            dim = None
        elif isinstance(e, Add):
            dim = dim_add(*known)
        elif isinstance(e, Contract) and e.shape == ():
            dim = dim_mul(*known)
        elif isinstance(e, Map) and e.fn == "floor_divide" and isinstance(known[1], int) and known[1] > 0:
            dim = dim_floordiv(known[0], known[1])
        found[e] = dim
    return found[value]


def as_count(value: Any, what: str) -> Dim:
    """A dim from an argument that says how many. Raises: ParseError for anything else, and for numbers beyond reason."""
    dim = dim_of(value)
    if dim is None:
        raise ParseError(f"{what}: a size is a whole number or is made of names of dims, as n, n - 1 and n*d")
    if isinstance(dim, int) and not 0 <= dim <= LARGEST:
        raise ParseError(f"{what}: the size {dim} is not between 0 and {LARGEST}")
    return dim


def _counts(values: tuple[Any, ...], what: str) -> tuple[Dim, ...]:
    if len(values) == 1 and isinstance(values[0], (tuple, list)):
        values = tuple(values[0])
    return tuple(as_count(v, what) for v in values)


def _zeros(*dims: Any) -> Expr:
    """zeros(n, m) or zeros((n, m)): zeros of these dims."""
    return ops.zeros(_counts(dims, "zeros"))


def _ones(*dims: Any) -> Expr:
    """ones(n, m) or ones((n, m)): ones of these dims."""
    return ops.ones(_counts(dims, "ones"))


def _full(shape: Any, fill_value: Any) -> Expr:
    """full((n, m), value): a value stretched to these dims."""
    return ops.full(_counts((shape,), "full"), fill_value)


def _eye(n: Any, m: Any = None, k: int = 0) -> Expr:
    """eye(n): the identity matrix."""
    return ops.eye(as_count(n, "eye"), None if m is None else as_count(m, "eye"), k)


def _tri(n: Any, m: Any = None, k: int = 0) -> Expr:
    """tri(n): ones at and below the diagonal."""
    return ops.tri(as_count(n, "tri"), None if m is None else as_count(m, "tri"), k)


def _arange(start: Any, stop: Any = None, step: int = 1) -> Expr:
    """arange(n), arange(start, stop, step): whole numbers below stop."""
    return ops.arange(as_count(start, "arange"), None if stop is None else as_count(stop, "arange"), step)


def _reshape(x: Any, *shape: Any) -> Expr:
    """reshape(x, n, m) or reshape(x, (n, m)); one dim may be -1."""
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = tuple(shape[0])
    return ops.reshape(x, [d if isinstance(d, int) and d == -1 else as_count(d, "reshape") for d in shape])


def _broadcast_to(x: Any, shape: Any) -> Expr:
    """broadcast_to(x, (n, m)): x stretched to these dims."""
    return ops.broadcast_to(x, _counts((shape,), "broadcast_to"))


_NO_FUNCTIONS_OF_TEXT = {"index", "meshgrid"}
_OTHER_NAMES: dict[str, Callable[..., Any]] = {
    "abs": ops.absolute, "asin": ops.arcsin, "acos": ops.arccos, "atan": ops.arctan, "asinh": ops.arcsinh, "acosh": ops.arccosh,
    "atanh": ops.arctanh, "atan2": ops.arctan2, "pow": ops.power, "ln": ops.log, "sgn": ops.sign, "var": ops.variance, "amax": ops.max,
    "amin": ops.min, "round": ops.rint, "zeros": _zeros, "ones": _ones, "full": _full, "eye": _eye, "tri": _tri, "arange": _arange,
    "reshape": _reshape, "broadcast_to": _broadcast_to,
}  # fmt: skip

CALLABLE: dict[str, Callable[..., Any]] = {
    name: found
    for name, found in sorted((vars(ops) | _OTHER_NAMES).items())
    if inspect.isfunction(found) and name not in _NO_FUNCTIONS_OF_TEXT
}

# functions with an argument that is text: subscripts, an order of a norm, a mode
TAKE_TEXT = {"einsum", "norm", "pad", "convolve", "correlate"}
# functions that make a node for each of the number that they are given
NODE_FOR_EACH = {"vander": 1000, "diff": 1000}
# functions whose work does not grow with a whole number among their arguments
ANY_NUMBER = {"matrix_power"} | {name for name, found in CALLABLE.items() if found.__module__.endswith(".elementwise")}
