"""Dims: the length of an axis, an int or a name such as 'n'.

What slicing, concatenation and reshaping make of names are polynomials in them ('n - 1', 'm + n', 'd*n', '(n + 1)//2').
A polynomial is kept as its canonical text, so that a dim is always an int or a str and two dims are equal when they are `==`.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Iterable, Mapping
from functools import lru_cache
from keyword import iskeyword
from math import prod

from symdiff.errors import BindingError, ShapeError

Dim = int | str
Shape = tuple[Dim, ...]
Monomial = tuple[str, ...]  # sorted atoms: ('d', 'n') is d*n, () the constant
Polynomial = dict[Monomial, int]


def _combine(p: Polynomial, q: Polynomial, sign: int) -> Polynomial:
    total = dict(p)
    for monomial, count in q.items():
        total[monomial] = total.get(monomial, 0) + sign * count
    return {m: c for m, c in total.items() if c}


def _times(p: Polynomial, q: Polynomial) -> Polynomial:
    total: Polynomial = {}
    for m1, c1 in p.items():
        for m2, c2 in q.items():
            monomial = tuple(sorted(m1 + m2))
            total[monomial] = total.get(monomial, 0) + c1 * c2
    return {m: c for m, c in total.items() if c}


def _text(p: Polynomial) -> Dim:
    """Canonical dim of a polynomial: names by degree and alphabet, the constant last."""
    if all(m == () for m in p):
        return p.get((), 0)
    parts: list[str] = []
    for monomial, count in sorted(p.items(), key=lambda item: (item[0] == (), -len(item[0]), item[1] < 0, item[0])):
        size = abs(count)
        body = "*".join(([str(size)] if size != 1 or not monomial else []) + list(monomial))
        if parts:
            parts.append(f" {'-' if count < 0 else '+'} {body}")
        else:
            parts.append(f"-{body}" if count < 0 else body)
    return "".join(parts)


def _floordiv(p: Polynomial, k: int) -> Polynomial:
    if k == 1:
        return p
    if all(c % k == 0 for c in p.values()):
        return {m: c // k for m, c in p.items()}
    text = _text(p)
    if isinstance(text, int):
        return {(): text // k} if text // k else {}
    return {(f"(({text})//{k})",): 1}


_NOT_A_DIM = "dim {!r}: a dim is a whole number, a name such as 'n', or a sum or product of these"


def _from_ast(node: ast.expr, text: str, sizes: Mapping[str, int]) -> Polynomial:
    """The polynomial of a dim's text, with the names in `sizes` replaced by numbers."""
    match node:
        case ast.Constant(value=int(value)) if not isinstance(value, bool):
            return {(): value} if value else {}
        case ast.Name(id=name):
            if name in sizes:
                return {(): sizes[name]} if sizes[name] else {}
            return {(name,): 1}
        case ast.UnaryOp(op=ast.USub(), operand=x):
            return _combine({}, _from_ast(x, text, sizes), -1)
        case ast.BinOp(left=a, op=ast.Add(), right=b):
            return _combine(_from_ast(a, text, sizes), _from_ast(b, text, sizes), 1)
        case ast.BinOp(left=a, op=ast.Sub(), right=b):
            return _combine(_from_ast(a, text, sizes), _from_ast(b, text, sizes), -1)
        case ast.BinOp(left=a, op=ast.Mult(), right=b):
            return _times(_from_ast(a, text, sizes), _from_ast(b, text, sizes))
        case ast.BinOp(left=a, op=ast.FloorDiv(), right=ast.Constant(value=int(k))) if k > 0:
            return _floordiv(_from_ast(a, text, sizes), k)
    raise ShapeError(_NOT_A_DIM.format(text))


@lru_cache(maxsize=65536)
def _polynomial(dim: Dim) -> Polynomial:
    if isinstance(dim, int):
        return {(): dim} if dim else {}
    if dim.isidentifier() and not iskeyword(dim):
        return {(dim,): 1}
    try:
        return _from_ast(ast.parse(dim, mode="eval").body, dim, {})
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ShapeError(_NOT_A_DIM.format(dim)) from None


def as_dim(value: object) -> Dim:
    """The dim that a user wrote: a whole number >= 0, a name, or the text of a polynomial.

    >>> as_dim('n'), as_dim(3), as_dim('1 + n')
    ('n', 3, 'n + 1')
    """
    value = getattr(value, "__dim__", value)  # a named size that a traced function was handed
    if isinstance(value, str):
        dim = _text(_polynomial(value.strip()))
        if isinstance(dim, str) or dim >= 0:
            return dim
        value = dim
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise ShapeError(f"dim {value!r}: a dim is a whole number or a name such as 'n'") from None
    if isinstance(value, bool) or number < 0:
        raise ShapeError(f"dim {value!r}: a dim is a whole number from 0 on, or a name such as 'n'")
    return number


def as_shape(value: object) -> Shape:
    """A shape from a tuple or list of dims, one dim, or text such as 'n,d' ('' and () are the scalar).

    >>> as_shape('n,d'), as_shape(3), as_shape(('n', 2))
    (('n', 'd'), (3,), ('n', 2))
    """
    if isinstance(value, str):
        return tuple(as_dim(p) for p in value.split(",") if p.strip())
    if isinstance(value, (tuple, list)):
        return tuple(as_dim(v) for v in value)
    return (as_dim(value),)


def dim_add(*dims: Dim) -> Dim:
    """Sum of dims.

    >>> dim_add('n', -1), dim_add('n', 'm', 2)
    ('n - 1', 'm + n + 2')
    """
    if all(isinstance(d, int) for d in dims):
        return sum(d for d in dims if isinstance(d, int))
    total: Polynomial = {}
    for d in dims:
        total = _combine(total, _polynomial(d), 1)
    return _text(total)


def dim_sub(a: Dim, b: Dim) -> Dim:
    """Difference of two dims; an int wherever the names cancel."""
    if isinstance(a, int) and isinstance(b, int):
        return a - b
    return _text(_combine(_polynomial(a), _polynomial(b), -1))


def dim_mul(*dims: Dim) -> Dim:
    """Product of dims; 1 for none."""
    if all(isinstance(d, int) for d in dims):
        return prod(d for d in dims if isinstance(d, int))
    total: Polynomial = {(): 1}
    for d in dims:
        total = _times(total, _polynomial(d))
    return _text(total)


def dim_floordiv(a: Dim, k: int) -> Dim:
    """`a // k` for a whole k > 0, kept as text where it does not come out even.

    >>> dim_floordiv('n + 1', 2), dim_floordiv('2*n', 2)
    ('((n + 1)//2)', 'n')
    """
    return a // k if isinstance(a, int) else _text(_floordiv(_polynomial(a), k))


def dim_div(a: Dim, b: Dim) -> Dim | None:
    """`a / b` where it comes out even as a polynomial (one monomial in `b`), else None."""
    if a == b:
        return 1
    p, q = _polynomial(a), _polynomial(b)
    if len(q) != 1:
        return None
    ((divisor, k),) = q.items()
    total: Polynomial = {}
    for monomial, count in p.items():
        rest = list(monomial)
        for atom in divisor:
            if atom not in rest:
                return None
            rest.remove(atom)
        if count % k:
            return None
        total[tuple(rest)] = count // k
    return _text(total)


def dim_names(dims: Iterable[Dim]) -> set[str]:
    """The names in dims: {'n'} of 'n - 1'."""
    names: set[str] = set()
    for d in dims:
        if isinstance(d, str):
            names |= {d} if d.isidentifier() else {n.id for n in ast.walk(ast.parse(d, mode="eval")) if isinstance(n, ast.Name)}
    return names


def dim_terms(dim: Dim) -> list[tuple[int, Monomial]]:
    """A dim as (count, atoms) pairs: 'n*d - 1' is [(1, ('d', 'n')), (-1, ())]."""
    return [(c, m) for m, c in _polynomial(dim).items()]


def dim_bind(dim: Dim, sizes: Mapping[str, int]) -> Dim:
    """A dim with the names in `sizes` replaced by numbers; the other names stay.

    >>> dim_bind('m + n', {'n': 5}), dim_bind('((n + 1)//2)', {'n': 6})
    ('m + 5', 3)
    """
    if isinstance(dim, int):
        return dim
    if dim in sizes:
        return sizes[dim]
    return dim if dim.isidentifier() else _text(_from_ast(ast.parse(dim, mode="eval").body, dim, sizes))


def dim_value(dim: Dim, sizes: Mapping[str, int]) -> int:
    """The number that a dim is, given the sizes of its names.

    >>> dim_value('((n + 1)//2)', {'n': 6})
    3
    """
    if isinstance(dim, int):
        return dim
    if dim in sizes:
        return sizes[dim]
    return _value(ast.parse(dim, mode="eval").body, sizes)


def _value(node: ast.expr, sizes: Mapping[str, int]) -> int:
    match node:
        case ast.Constant(value=int(value)):
            return value
        case ast.Name(id=name):
            if name not in sizes:
                raise BindingError(f"the size of dim {name!r} is not known: give sizes={{{name!r}: ...}}")
            return sizes[name]
        case ast.UnaryOp(operand=inner):
            return -_value(inner, sizes)
        case ast.BinOp(left=a, op=op, right=b):
            x, y = _value(a, sizes), _value(b, sizes)
            match op:
                case ast.Add():
                    return x + y
                case ast.Sub():
                    return x - y
                case ast.Mult():
                    return x * y
                case _:
                    return x // y
    raise ShapeError(f"not a dim: {ast.dump(node)}")


def broadcast_dims(name: str, *shapes: Shape) -> Shape:
    """The shape that NumPy broadcasts `shapes` to: int 1 stretches, a name fits only itself.

    Raises: ShapeError with the operation's name and both dims.
    """
    first = shapes[0]
    if all(s == first for s in shapes):
        return first
    rank = max(len(s) for s in shapes)
    result: list[Dim] = []
    for axis in range(-rank, 0):
        dim: Dim = 1
        for s in shapes:
            if len(s) < -axis or s[axis] == 1:
                continue
            if dim not in (1, s[axis]):
                hint = " (a name never stretches; only an int 1 does)" if isinstance(dim, str) or isinstance(s[axis], str) else ""
                raise ShapeError(
                    f"{name}: shapes {' and '.join(map(show_shape, shapes))} do not broadcast: axis {axis} is {dim!r} and {s[axis]!r}{hint}"
                )
            dim = s[axis]
        result.append(dim)
    return tuple(result)


def whole_dims(shape: Shape) -> tuple[int, ...]:
    """The dims that are numbers.

    >>> whole_dims((3, 'n', 2))
    (3, 2)
    """
    return tuple(d for d in shape if isinstance(d, int))


def show_shape(shape: Shape) -> str:
    """A shape as people write it: (n, d), (n,), ()."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
