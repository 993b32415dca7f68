"""Forms that mathematics writes in another way than NumPy: squared norms, open sums, values that broadcast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symdiff.expr.nodes import Var
from symdiff.printing import term
from symdiff.printing.layout import WHOLE
from symdiff.printing.term import Term


def is_square(t: Term) -> bool:
    """v @ v of one vector, or v @ (A @ x) where v is A @ x."""
    if t.shape != ():
        return False
    first, rest = t.args[0], t.args[1:]
    if len(rest) == 1:
        return _same(first, rest[0])
    return first.op == "matmul" and len(first.args) == len(rest) and all(map(_same, first.args, rest))


def _same(a: Term, b: Term) -> bool:
    """One term, or one name."""
    return a is b or (a.op == b.op == "name" and a.data is b.data)


def is_sum_of_squares(t: Term) -> bool:
    """sum(x**2) over all of a vector or matrix: a squared norm."""
    x = t.args[0]
    return not t.data[1] and x.op == "power" and x.args[1].op == "number" and x.args[1].data == 2 and len(x.shape) in (1, 2)


def is_new_axis(t: Term) -> bool:
    """Only axes of size 1 come or go: nothing that mathematics writes."""
    if t.op != "index":
        return False
    dims = iter(t.args[0].shape)
    return all(k is None or (k == WHOLE and next(dims, 0)) or (k == 0 and next(dims, 0) == 1) for k in t.data)


def row_of(t: Term) -> Term | None:
    """v, if `t` is v as a matrix of one row: v[None, :]."""
    return t.args[0] if is_new_axis(t) and len(t.shape) == 2 and t.shape[0] == 1 != t.shape[1] and len(t.args[0].shape) == 1 else None


def diagonal_side(a: Term, shape: Sequence[Any]) -> str:
    """'left' for a factor that scales the rows of a matrix, 'right' for one that scales its columns."""
    if len(shape) != 2 or a.shape in ((), tuple(shape)):
        return ""
    if len(a.shape) == 2 and a.shape[1] == 1 != shape[1] and a.shape[0] == shape[0]:
        return "left"
    if a.shape[-1:] == tuple(shape[1:]) and shape[0] != 1 and (len(a.shape) == 1 or a.shape[0] == 1):
        return "right"
    return ""


def is_identity(t: Term) -> bool:
    return t.op == "call" and t.data[0] == "eye"


def in_letter(t: Term, letter: str) -> Term | None:
    """arange(n) − 1 as i − 1; None if `t` is made of more than an index and numbers."""
    if t.op == "call" and t.data[0] == "arange":
        return term.text(letter, t.shape)
    if t.op not in ("add", "times", "neg", "over") or not any(a.shape for a in t.args):
        return None
    args = [in_letter(a, letter) if a.shape else a for a in t.args]
    return None if any(a is None for a in args) else term.with_args(t, [a for a in args if a is not None])


def joined_norms(scalars: Sequence[Term]) -> list[Term]:
    """Powers of one norm among factors as one power: ‖A‖ ‖A‖² is ‖A‖³."""
    found: list[tuple[Term, Term | None, int]] = []  # a factor, the array that it is a power of the norm of, the exponent
    for t in scalars:
        base, exponent = _norm_power(t)
        at = next((k for k, (_, b, _) in enumerate(found) if base is not None and b is not None and _same(b, base)), None)
        if at is None or base is None:
            found.append((t, base, exponent))
        else:
            total = found[at][2] + exponent
            found[at] = (term.power(term.call("norm", [base], ()), term.number(total)), base, total)
    return [t for t, _, _ in found]


def _norm_power(t: Term) -> tuple[Term | None, int]:
    """(x, k) for ‖x‖^k with a whole k."""
    if t.op == "call" and t.data[0] == "norm":
        return t.args[0], 1
    if t.op == "power" and t.args[1].op == "number" and isinstance(t.args[1].data, int):
        base, exponent = _norm_power(t.args[0])
        return base, exponent * t.args[1].data
    if t.op == "matmul" and len(t.args) == 2 and is_square(t):
        return t.args[0], 2
    if t.op == "call" and t.data[0] == "sum" and is_sum_of_squares(t):
        return t.args[0].args[0], 2
    return None, 0


def is_kron(t: Term) -> bool:
    """A Kronecker product; X B ⊗ Y would be read in two ways."""
    return t.op == "call" and t.data[0] == "kron"


def is_unit(t: Term) -> bool:
    """1 or −1, which no product needs to show."""
    return t.op == "number" and not isinstance(t.data, bool) and t.data in (1, -1) and not isinstance(t.data, float)


def is_open_sum(t: Term) -> bool:
    """Σ ..., which takes in all that follows it."""
    return t.op == "sigma" or (t.op == "call" and t.data[0] == "sum" and not t.data[1] and not is_sum_of_squares(t))


def is_column_of_ones_product(t: Term) -> bool:
    """sum(X, axis=k) of a matrix, which is X 𝟏 or Xᵀ 𝟏."""
    options = dict(t.data[1])
    return t.data[0] == "sum" and len(t.args[0].shape) == 2 and isinstance(options.get("axis"), int) and not options.get("keepdims")


def reads_as_row(t: Term) -> bool:
    """A row that people add to a matrix as it is: a bias or a mean; what else is stretched is written as a product with 𝟏."""
    if t.op == "call":
        return ("axis" in dict(t.data[1]) and t.data[0] != "sum") or bool(dict(t.data[1]).get("keepdims"))
    return t.op == "name" and isinstance(t.data, Var) and len(t.shape) == 1
