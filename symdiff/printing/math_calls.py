"""The functions that mathematics has a sign for, in the terms of a writer: norms, roots, inverses, sums, outer products."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from symdiff.printing import term
from symdiff.printing.forms import diagonal_side, is_new_axis, is_square, is_sum_of_squares, row_of
from symdiff.printing.precedence import POSTFIX, POWER, PRODUCT
from symdiff.printing.rows import turned
from symdiff.printing.term import Term


def _norm(w: Any, t: Term) -> str:
    return str(w.norm(t.args[0]))


def _sqrt(w: Any, t: Term) -> str:
    (x,) = t.args
    if x.op == "matmul" and is_square(x):
        return str(w.norm(x.args[0]))
    if x.op == "call" and x.data[0] == "sum" and is_sum_of_squares(x):
        return str(w.norm(x.args[0].args[0]))
    return str(w.root(x))


def _abs(w: Any, t: Term) -> str:
    return str(w.bracket(w.write(t.args[0]), "||"))


def _inverse(w: Any, t: Term) -> str:
    return str(w.raised(w.write(t.args[0], POSTFIX), w.number(-1), False))


def _eye(w: Any, t: Term) -> str:
    return "I"


def _ones(w: Any, t: Term) -> str:
    ones = w.function("ones")
    return str(ones if len(t.shape) <= 1 else w.joined([ones, w.transposed(ones)]) if len(t.shape) == 2 else "")


def _zeros(w: Any, t: Term) -> str:
    return str(w.number(0))


def _outer(w: Any, t: Term) -> str:
    a, b = t.args
    left, right = w.factor(a), w.factor(b)
    opens = b.op == "matmul" and left != right and all(m.op != "add" for m in b.args)  # a bᵀ Aᵀ, but A x (A x)ᵀ
    return str(w.joined([left, turned(w, b) if opens else w.transposed(w.write(b, POSTFIX))]))


def _kron(w: Any, t: Term) -> str:
    """A ⊗ B; what is a row is written as one."""
    return str(w.kronecker.join(w.transposed(w.write(row, POSTFIX)) if (row := row_of(a)) else w.factor(a) for a in t.args))


def _reshape(w: Any, t: Term) -> str:
    """vec(X), where the formula says how X is stacked."""
    x, to = t.args
    if not w.vec or len(x.shape) != 2 or not (term.is_number(to) and to.data == -1):
        return ""
    stacked = x if w.vec == "rows" or (x.op == "call" and x.data[0] == "eye") else term.transpose(x)
    return str(w.function("vec") + w.bracket(w.write(stacked)))


def _swapaxes(w: Any, t: Term) -> str:
    return str(w.transposed(w.write(t.args[0], POSTFIX)))


def _sum(w: Any, t: Term) -> str:
    (x,) = t.args
    options = dict(t.data[1])
    if is_sum_of_squares(t):
        return str(w.raised(w.norm(x.args[0]), "2", False))
    if not options:
        return str(w.summed("", w.write(x, PRODUCT)))
    if len(x.shape) == 2 and isinstance(options["axis"], int):
        if options.get("keepdims"):
            return str(w.function("rowsum" if options["axis"] == 1 else "colsum") + w.bracket(w.write(x)))
        core = w.factor(x) if options["axis"] == 1 else w.transposed(w.write(x, POSTFIX))
        return str(w.joined([core, w.function("ones")]))
    return ""


def _where(w: Any, t: Term) -> str:
    """diag([c]) for the choice of an identity's rows."""
    condition, chosen, other = t.args
    whole = chosen.op == "call" and chosen.data[0] == "eye" and term.is_number(other) and other.data == 0
    side = diagonal_side(condition, t.shape)
    if not whole or not side:
        return ""
    inner = condition.args[0] if is_new_axis(condition) else condition
    return str(w.function("diag") + w.bracket(w.write(inner)))


def _einsum(w: Any, t: Term) -> str:
    """Σ over the letters that are summed of a product of entries."""
    left, out = t.args[0].data.strip("'").split("->")
    entries = [w.write(term.entry(a, tuple(letters)), POWER) for a, letters in zip(t.args[1:], left.split(","), strict=True)]
    summed = "".join(dict.fromkeys(c for c in left if c.isalpha() and c not in out))
    body = " ".join(entries)
    return str(w.summed(summed, body)) if summed else body


CALLS: Mapping[str, Callable[[Any, Term], str]] = {
    "norm": _norm, "sqrt": _sqrt, "abs": _abs, "inv": _inverse, "eye": _eye, "ones": _ones, "zeros": _zeros, "outer": _outer, "kron": _kron,
    "where": _where, "reshape": _reshape, "swapaxes": _swapaxes, "sum": _sum, "einsum": _einsum,
}  # fmt: skip
