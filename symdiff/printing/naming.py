"""Names for the parts of a formula: r for a difference, p for probabilities, h for an activation, upper case for matrices."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, count
from typing import Any

from symdiff.expr.dims import dim_names
from symdiff.expr.names import SUBSCRIPTS
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import static_dims
from symdiff.printing.namespace import RESERVED
from symdiff.printing.term import Term

_PREFERRED: Mapping[str, str] = {
    "softmax": "pq", "sigmoid": "pq", "tanh": "ha", "relu": "ha", "softplus": "ha", "gelu": "ha", "silu": "ha", "exp": "eq", "inv": "mj",
    "norm": "s", "mean": "m", "array": "c", "difference": "reu",
}  # fmt: skip
_OTHERS = "qsuvztfg"
MANY = 10  # parts beyond which they are numbered


def _letters(e: Any, t: Term) -> str:
    """Letters to try in turn, by what the part is: upper case for matrices."""
    kind = "difference" if t.op == "add" and not all(t.data) else t.data[0] if t.op == "call" else t.op
    letters = _PREFERRED.get(kind, "") + _OTHERS
    return letters.upper() if len(e.shape) >= 2 else letters


def choose_names(parts: Sequence[tuple[Any, Term]], leaves: Iterable[Expr], own: Mapping[Expr, str], identifiers: bool) -> dict[Any, str]:
    """A name for every variable and part, each different; `own` are names that the caller chose.

    With `identifiers` they are Python's: subscript digits become digits, and no name hides a function of the formula.
    """
    names: dict[Any, str] = {}
    taken: set[str] = set(RESERVED) if identifiers else set()
    listed = list(leaves)
    taken |= {d for e in [*listed, *(p for p, _ in parts)] for d in dim_names(static_dims(e) if isinstance(e, Expr) else e.shape)}
    for e in listed:
        wanted = own.get(e) or (e.name if isinstance(e, Var) else "")
        if wanted:
            names[e] = _free(_identifier(wanted) if identifiers else wanted, taken)
            taken.add(names[e])
    for e, _ in parts:
        if e in own:
            names[e] = _free(_identifier(own[e]) if identifiers else own[e], taken)
            taken.add(names[e])
    numbers = count(1)
    for e, t in parts:
        if e in names:
            continue
        letters = _letters(e, t) if len(parts) <= MANY else ""
        names[e] = next(c for c in chain(letters, (f"p{k}" for k in numbers)) if c not in taken)
        taken.add(names[e])
    return names


def _identifier(name: str) -> str:
    plain = name.translate(SUBSCRIPTS)
    return f"{plain}_" if keyword.iskeyword(plain) else plain


def _free(name: str, taken: set[str]) -> str:
    """The name, or with _ and a number behind it until nothing else has it."""
    if name not in taken:
        return name
    k = 1
    while f"{name}_{k if k > 1 else ''}" in taken:
        k += 1
    return f"{name}_{k if k > 1 else ''}"
