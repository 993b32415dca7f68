"""The derivation of a gradient, a Jacobian or a Hessian: the log of what differentiation did, line by line, each line an equality.

Both sides of each line are expressions over symbols whose meanings are recorded, so that a derivation can be checked by numbers as well as
read. deriving.py makes the record, symdiff.printing.derivation spells it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symdiff.api.derivatives import KINDS, Kind
from symdiff.api.deriving import record_of
from symdiff.api.deriving_second import hessian_record, jacobian_record
from symdiff.api.programs import lower
from symdiff.api.rulebook import conventions
from symdiff.errors import BadSetting, BindingError, NameClash, ShapeError, UnknownName, did_you_mean
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import show_shape
from symdiff.expr.names import is_name
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import substitute, variables
from symdiff.printing.derivation import page
from symdiff.printing.derivation_code import derivation_mathml, derivation_sympy
from symdiff.printing.derivation_page import Page
from symdiff.printing.formula import style_of
from symdiff.rules.record import Line, Record

CODE = {"mathml": derivation_mathml, "sympy": derivation_sympy}
IN_ROWS = {"mathml": "latex", "sympy": "python"}  # the style of the rows of data


@dataclass(frozen=True)
class Derivation:
    """A derivation, ready to be read: `print(d)`, `d.text(width)`, `d.lines`, `d.to_dict()`.

    `values` are those of the symbols, if the derivation was asked for at values of the variables.
    """

    record: Record
    style: str = "unicode"
    values: Mapping[Expr, NDArray[Any]] = field(default_factory=dict)

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines, each with the expressions left and right of its equality sign, in symbols."""
        return self.record.lines

    @property
    def gradient(self) -> Expr:
        """The gradient, Jacobian or Hessian that the derivation arrives at, in the variables of the loss."""
        return self.expanded(self.lines[-1].right)

    def expanded(self, e: Expr) -> Expr:
        """An expression of a line with its symbols replaced by what they stand for: of the variables and of the variable's differential."""
        return substitute(e, self.record.meanings)

    def _page(self) -> Page:
        chosen = conventions(self.record.loss, [e for v, e in self.record.differentials.items() if self.expanded(v) is v])
        return page(self.record, IN_ROWS.get(self.style, self.style), self.values, chosen)

    def text(self, width: int = 100) -> str:
        """The numbered lines within `width` columns: formula, rule, explanation; in the latex style one aligned block, in the mathml
        style an element a line, in the sympy style a script."""
        if self.style in CODE:
            return CODE[self.style](self.record)
        if self.style == "latex":
            return self._page().latex()
        return "\n".join(self._page().lines(width))

    def __str__(self) -> str:
        return self.text()

    def _repr_latex_(self) -> str:
        return f"$${page(self.record, 'latex', self.values).latex().replace('{align}', '{aligned}')}$$"

    def to_dict(self) -> dict[str, Any]:
        """The lines as plain data: number, kind, formula, left, right, rules, explanation, shape, values."""
        return self._page().data()


def derivation(
    loss: Expr,
    wrt: Expr | Sequence[Expr],
    *,
    names: Mapping[Expr, str] | None = None,
    style: str = "unicode",
    at: Mapping[Any, Any] | None = None,
    kind: Kind | None = None,
) -> Derivation:
    """The derivation of the gradient of a scalar loss in one variable, rule by rule; of an array, that of its Jacobian.

    kind: 'gradient', 'jacobian' or 'hessian'; by default the first for a scalar, the second for an array. A Hessian's block is asked for
    by its two variables, wrt=(u, v). names: names for inner expressions (h for sigmoid(W @ x)); others get u, v, p ... as they come. style: 'unicode', 'latex',
    'python', 'mathml' or 'sympy'. at: a value for each variable (by itself or by name), to print values beside the lines.
    Raises: ShapeError if the loss of a gradient or a Hessian is not a scalar; NameClash for a name given twice; MissingRule, with the operation, if it has no derivative.

    >>> import symdiff as sd
    >>> X, w, y = sd.var('X', ('n', 'd')), sd.var('w', 'd'), sd.var('y', 'n')
    >>> print(sd.derivation(sd.sum((X @ w - y) ** 2), w).text(100))
      1  E = ‖X w − y‖²          the loss
      2  dE = 2·rᵀ dr            square: d u² = 2·u du;  r = X w − y
      3  dr = X dw               product rule: d(A B) = dA B + A dB;  X and y held fixed
      4  dE = 2·rᵀ X dw          2 to 3 put together
      5  dE = (2·Xᵀ r)ᵀ dw       moved to dw: this is where X is transposed;  aᵀ(W b) = (Wᵀa)ᵀ b
      6  ∂E/∂w = 2·Xᵀ r          read off: dE = Gᵀ dw means G = ∂E/∂w;  shape (d,)
      7  ∂E/∂w = 2·Xᵀ(X w − y)   in the variables of the loss;  shape (d,)
    """
    loss = as_expr(loss)
    targets = [as_expr(w) for w in (wrt if isinstance(wrt, (list, tuple)) else [wrt])]
    kind = kind or ("jacobian" if loss.shape else "gradient")
    if kind not in KINDS:
        raise UnknownName(f"derivation: there is no derivative {kind!r}{did_you_mean(kind, KINDS)}. Kinds: {', '.join(KINDS)}")
    if not 1 <= len(targets) <= (2 if kind == "hessian" else 1):
        raise BadSetting(f"derivation: {len(targets)} variables are given: take the {kind} in one, or a hessian in a pair of them")
    if kind != "jacobian" and loss.shape != ():
        raise ShapeError(
            f"derivation: the {kind} is that of a scalar loss, not of shape {show_shape(loss.shape)}: sum it, or ask for kind='jacobian'"
        )
    if style not in CODE:
        style_of(style)
    own = {as_expr(e): name for e, name in (names or {}).items()}
    _check_names(own, variables(loss, *targets))
    match kind:
        case "hessian":
            record = hessian_record(loss, targets[0], targets[-1], own)
        case "jacobian" if loss.shape:
            record = jacobian_record(loss, targets[0], own)
        case _:
            record = record_of(loss, targets[0], own)
    return Derivation(record, style, _values(record, at) if at is not None else {})


def _check_names(own: Mapping[Expr, str], inputs: Sequence[Var]) -> None:
    """Raises: UnknownName for what is no name; NameClash for one that two expressions have."""
    meaning: dict[str, Expr] = {v.name: v for v in inputs}
    for e, name in own.items():
        if not is_name(name):
            raise UnknownName(f"derivation: {name!r} is no name: letters, digits and _, and no digit first")
        if meaning.setdefault(name, e) is not e:
            raise NameClash(f"derivation: the name {name!r} is given to two expressions: call one of them otherwise")


def _values(record: Record, at: Mapping[Any, Any]) -> dict[Expr, NDArray[Any]]:
    """The values of the symbols that contain no differential, at values of the variables."""
    inputs = variables(record.loss, record.wrt)
    by_name = {v.name: v for v in inputs}
    values = {}
    for key, value in at.items():
        v = by_name.get(key) if isinstance(key, str) else key
        if v not in inputs:
            raise UnknownName(f"derivation: at names {key!r}, which is no variable of the loss. Variables: {', '.join(by_name)}")
        values[v] = np.asarray(value, dtype=float)
    if missing := [v.name for v in inputs if v not in values]:
        raise BindingError(f"derivation: at has no value for {', '.join(missing)}: give one for each variable")
    shown = [s for s in record.meanings if s not in record.differentials]
    results = lower([record.meanings[s] for s in shown], inputs)(*(values[v] for v in inputs))
    return dict(zip(shown, map(np.asarray, results), strict=True))
