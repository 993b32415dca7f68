"""The record of a derivation: which rule was applied where, in the order in which a reader follows it.

A line is an equality of two expressions over symbols: u for an intermediate, du for its differential, δ for its cotangent. What each
symbol stands for is an expression of the variables, so that every line can be checked by numbers. Printers need nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var

Kind = Literal[
    "loss", "rewritten", "differential", "together", "moved", "cotangent", "gradient", "second", "quadratic", "jacobian", "identity", "result"
]  # fmt: skip


class Rule(NamedTuple):
    """d(of) = differential, in symbols u, v and their differentials du, dv; `convention` is the value chosen where no derivative exists.

    A rule of another kind, an identity, has its two sides in `of` and `differential` and is no differential: `is_identity`.
    """

    name: str
    of: Expr | None = None
    differential: Expr | None = None
    convention: str = ""
    source: str = ""
    is_identity: bool = False


class Line(NamedTuple):
    """left = right, by `rules`.

    `fixed` is what is held fixed: of a second differential in another variable, the differential, then the variable. `defines` are the
    symbols that appear here first, with what they stand for in terms of other symbols. `pairs` are the (cotangent, differential) whose
    inner products the right side is the sum of, or, of a Jacobian that is read off, the differentials of the function and of the
    variable. `transposed` are the factors whose transposes moving a differential to the right brought in.
    """

    kind: Kind
    left: Expr
    right: Expr
    rules: tuple[Rule, ...] = ()
    fixed: tuple[Expr, ...] = ()
    defines: tuple[tuple[Expr, Expr], ...] = ()
    pairs: tuple[tuple[Expr, Expr], ...] = ()
    transposed: tuple[Expr, ...] = ()


class Record(NamedTuple):
    """The lines of a derivation. `names` spell the symbols, `meanings` are the symbols as expressions of the variables alone,
    `differentials` are the symbols du, each with the symbol u that it is the differential of."""

    loss: Expr
    wrt: Expr
    lines: tuple[Line, ...]
    names: Mapping[Expr, str]
    meanings: Mapping[Expr, Expr]
    differentials: Mapping[Var, Expr]
