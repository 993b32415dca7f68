"""The derivatives of one expression, ready to be read: what `symdiff derive --loss` prints, and `sd.derive` in Python.

Beside the formulas stand the conventions that they use at points without a derivative, how the entries of matrices are stacked where a
matrix of derivatives is a Kronecker product, the blocks of a Hessian in several variables as one matrix, and on request the derivation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from symdiff.api.derivation import Derivation, derivation
from symdiff.api.derivatives import KINDS, Derivative, Kind, derivatives
from symdiff.api.layouts import STYLES, Spelled, layout_of, spelled, spelling
from symdiff.api.rulebook import conventions
from symdiff.errors import UnknownName, did_you_mean
from symdiff.expr.algebra import permute
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import show_shape
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import variables
from symdiff.printing.blocks import block_latex, block_lines
from symdiff.printing.derivation_page import latex_note
from symdiff.printing.formula import Formula, format_formula, op_count, transposed_formula
from symdiff.printing.kronecker import Order, vec_form
from symdiff.printing.lines import broken
from symdiff.printing.namespace import preamble


def derive(
    expr: Expr,
    wrt: Expr | Sequence[Expr],
    kind: Kind | None = None,
    *,
    style: str = "unicode",
    layout: str = "numpy",
    by_entry: bool = False,
    steps: bool = False,
) -> Answer:
    """The gradients, Jacobians or Hessian blocks of an expression, as a page to read: `print(...)`, `.latex()`, `.to_dict()`, `.values`.

    kind: 'gradient', 'jacobian' or 'hessian'; by default the first for a scalar, the second for an array. style: 'unicode', 'latex',
    'python', 'sympy' or 'mathml'. layout: 'numpy' (a gradient has the shape of its variable, a Jacobian the function's axes first),
    'numerator' (gradients are rows) or 'denominator' (Jacobians are transposed); by_entry: entry by entry, with indices; steps: with
    the derivations.
    Raises: UnknownName for another kind, style or layout; ShapeError if a gradient or Hessian of an array is asked for.

    >>> import symdiff as sd
    >>> X, w, y = sd.var('X', ('n', 'd')), sd.var('w', 'd'), sd.var('y', 'n')
    >>> print(sd.derive(sd.sum((X @ w - y) ** 2), w, layout='numerator'))
    E = ‖X w − y‖²
      X (n, d)  w (d,)  y (n,)
    <BLANKLINE>
      ∂E/∂w = 2·(X w − y)ᵀ X    (1, d)
      numerator layout: the transpose of the array of the variable's shape
    """
    expr = as_expr(expr)
    targets = tuple(as_expr(w) for w in (wrt if isinstance(wrt, (list, tuple)) else [wrt]))
    kind = kind or ("jacobian" if expr.shape else "gradient")
    for what, value, known in (("derivative", kind, KINDS), ("style", style, STYLES)):
        if value not in known:
            raise UnknownName(f"derive: there is no {what} {value!r}{did_you_mean(value, known)}. Choices: {', '.join(known)}")
    layout_of(layout)
    return Answer(expr, targets, kind, style, layout, by_entry, steps)


@dataclass(frozen=True)
class Answer:
    """The derivatives of an expression in the variables, in a style and a layout. `names` are those of variables that are expressions."""

    expr: Expr
    wrt: tuple[Expr, ...]
    kind: Kind
    style: str = "unicode"
    layout: str = "numpy"
    by_entry: bool = False
    steps: bool = False
    names: Mapping[Expr, str] | None = None

    @cached_property
    def found(self) -> tuple[Derivative, ...]:
        """The simplified derivatives, as NumPy lays them out."""
        return tuple(derivatives(self.expr, self.wrt, self.kind))

    @property
    def values(self) -> list[Expr]:
        """The derivatives as expressions, in the layout that was asked for."""
        return [s.value for s in self.spelled]

    @cached_property
    def spelled(self) -> tuple[Spelled, ...]:
        return tuple(spelled(d, self.expr.ndim, self.kind, self.style, self.layout, self.by_entry) for d in self.found)

    @cached_property
    def loss(self) -> Formula:
        return spelling(self.style)(self.expr)

    @cached_property
    def conventions(self) -> tuple[str, ...]:
        """What is chosen where no derivative exists."""
        return tuple(conventions(self.expr, self.wrt))

    @cached_property
    def derivations(self) -> tuple[Derivation, ...]:
        """The derivation of each, if asked for."""
        if not self.steps:
            return ()
        return tuple(derivation(self.expr, d.wrt, names=self._inner_names(d), style=self.style, kind=self.kind) for d in self.found)

    def _inner_names(self, d: Derivative) -> dict[Expr, str]:
        return {e: name for e, name in (self.names or {}).items() if e in d.wrt and not isinstance(e, Var)}

    @property
    def symbol(self) -> str:
        return "E" if self.expr.shape == () else "f"

    def _names_of(self, d: Derivative) -> list[str]:
        return [e.name if isinstance(e, Var) else (self.names or {}).get(e) or str(e) for e in d.wrt]

    def label(self, d: Derivative) -> str:
        """∂E/∂w, or ∂²E/∂w∂b for a block."""
        names = self._names_of(d)
        indices = "".join("ᵢⱼₖₗₘₙ"[: d.value.ndim]) if self.by_entry else ""
        if len(names) == 1:
            whole = f"∂{self.symbol}/∂{names[0]}"
        else:
            below = f"∂{names[0]}²" if names[0] == names[1] else "".join(f"∂{n}" for n in names)
            whole = f"∂²{self.symbol}/{below}"
        return f"({whole}){indices}" if indices else whole

    def latex_label(self, d: Derivative) -> str:
        names = [format_formula(e, "latex").text for e in d.wrt]
        if len(names) == 1:
            return rf"\frac{{\partial {self.symbol}}}{{\partial {names[0]}}}"
        below = rf"\partial {names[0]}^2" if names[0] == names[1] else " ".join(rf"\partial {n}" for n in names)
        return rf"\frac{{\partial^2 {self.symbol}}}{{{below}}}"

    # --- the page ---------------------------------------------------------------------------------------------------
    def lines(self, columns: int = 100) -> list[str]:
        """The page for a reader: the expression and its variables, each derivative with its notes, the derivations."""
        if self.style != "unicode":
            return self.listing()
        given = "  ".join(f"{v.name} {show_shape(v.shape) if v.shape else ''}".rstrip() for v in variables(self.expr, *self.wrt))
        lines = [*self.loss.lines(columns - 2, f"{self.symbol} = "), f"  {given}", ""]
        for d, s in zip(self.found, self.spelled, strict=True):
            shape = f"    {show_shape(s.value.shape)}" if s.value.shape and not self.by_entry else ""
            body = s.formula.lines(columns - 2, f"{self.label(d)} = ")
            fits = len(body[0]) + len(shape) <= columns - 2
            body = [body[0] + shape, *body[1:]] if fits else [*body, shape]
            lines += [f"  {line}".rstrip() for line in body]
            lines += [line for note in s.matrix_notes for line in broken(f"    {note}", columns, 6)]
        lines += [f"  {line}".rstrip() for line in self.block_lines(columns - 2)]
        lines += [f"  {note}" for note in dict.fromkeys(note for s in self.spelled for note in s.notes)]
        lines += [f"  at a corner: {note}" for note in self.conventions]
        for made in self.derivations:
            lines += ["", *made.text(columns).splitlines()]
        return lines

    def text(self, columns: int = 100) -> str:
        return "\n".join(self.lines(columns))

    def __str__(self) -> str:
        return self.text()

    def latex(self) -> str:
        """The derivatives as one align* of amsmath, whatever the style of the answer."""
        return "\n".join(replace(self, style="latex", steps=False).listing())

    def _repr_latex_(self) -> str:
        return f"$${self.latex().replace('align*', 'aligned')}$$"

    def block_lines(self, columns: int) -> list[str]:
        """The Hessian in several variables as one matrix of blocks, with the blocks' names in it where the formulas do not fit."""
        if self.kind != "hessian" or len(self.wrt) < 2 or self.by_entry:
            return []
        names = [n for w in self.wrt for n in self._names_of(Derivative((w,), w))]
        head = f"∂²{self.symbol}/∂({', '.join(names)})² = "
        cells = self.cells("unicode")
        found = block_lines(cells, head) if cells else []
        if not found or max(map(len, found)) > columns:
            by_pair = {frozenset(d.wrt): self.label(d) for d in self.found}
            marks = [
                [f"({by_pair[frozenset((u, v))]})ᵀ" if i > j else by_pair[frozenset((u, v))] for j, v in enumerate(self.wrt)]
                for i, u in enumerate(self.wrt)
            ]
            found = block_lines(marks, head)
        return ["", *found] if max(map(len, found)) <= columns else []

    def cells(self, style: str) -> list[list[str]]:
        """The blocks of a Hessian as texts, those of matrices over stacked entries; none if one of them needs more than a line."""
        at = {(self.wrt.index(d.wrt[0]), self.wrt.index(d.wrt[1])): d.value for d in self.found}
        order: Order = "rows" if self.layout == "numpy" else "columns"
        cells: list[list[str]] = []
        for i, u in enumerate(self.wrt):
            row = []
            for j, v in enumerate(self.wrt):
                made = _cell(at[min(i, j), max(i, j)], (u if i <= j else v).ndim, (v if i <= j else u).ndim, i > j, order, style)
                if made is None or made.where:
                    return []
                row.append(made.text)
            cells.append(row)
        return cells

    def listing(self) -> list[str]:
        """The derivatives in a style for other programs."""
        rows = list(zip(self.found, self.spelled, strict=True))
        match self.style:
            case "python":
                named = [(_code(self.label(d)), s.formula) for d, s in rows]
                texts = [t for _, f in named for t in (f.text, *(part for _, part in f.where))]
                body = [line for name, f in named for line in (*(f"{part} = {text}" for part, text in f.where), f"{name} = {f.text}")]
                lines = [*preamble(texts).splitlines(), *body]
            case "sympy":
                body = [line for d, s in rows for line in _sympy_lines(_code(self.label(d)), s.formula.text)]
                lines = ["from sympy import *", *dict.fromkeys(body)]
            case "latex":
                body = [
                    rf"  {self.latex_label(d)} &= {s.formula.text}"
                    + "".join(rf", \quad {name} = {text}" for name, text in s.formula.where)
                    + "".join(rf" \\ &\quad {latex_note(note)}" for note in s.matrix_notes)
                    for d, s in rows
                ]
                if self.kind == "hessian" and len(self.wrt) > 1 and (cells := self.cells("latex")):
                    names = ", ".join(format_formula(w, "latex").text for w in self.wrt)
                    body.append(rf"  \frac{{\partial^2 {self.symbol}}}{{\partial ({names})^2}} &= {block_latex(cells)}")
                lines = [r"\begin{align*}", *(line + r" \\" for line in body[:-1]), *body[-1:], r"\end{align*}"]
            case "mathml":
                lines = [f'<math display="block">{s.formula.text}</math>' for _, s in rows]
            case _:
                lines = [str(s.formula) for _, s in rows]
        return lines + [line for made in self.derivations for line in ("", *made.text(100).splitlines())]

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain data."""
        rows = [
            {
                "wrt": [e.name if isinstance(e, Var) else str(e) for e in d.wrt],
                "formula": s.formula.text,
                "where": dict(s.formula.where),
                "shape": list(s.value.shape),
                "operations": op_count(d.value),
                "notes": [*s.matrix_notes, *s.notes],
            }
            for d, s in zip(self.found, self.spelled, strict=True)
        ]
        return {
            "kind": self.kind,
            "style": self.style,
            "layout": self.layout,
            "loss": self.loss.text,
            "derivatives": rows,
            "conventions": list(self.conventions),
            "steps": [made.to_dict() for made in self.derivations],
        }


def _cell(block: Expr, rows: int, columns: int, turned: bool, order: Order, style: str) -> Formula | None:
    """A block of a Hessian, or its transpose, as a matrix: a vector beside a scalar is a column or a row."""
    if rows + columns > 2:
        axes = tuple(range(block.ndim))
        form = vec_form(permute(block, (*axes[rows:], *axes[:rows])), columns, order) if turned else vec_form(block, rows, order)
        return form.formula(style) if form else None
    is_row = block.ndim == 1 and (rows == 0) != turned
    return transposed_formula(block, style) if is_row or (turned and block.ndim == 2) else format_formula(block, style)


def _code(label: str) -> str:
    return label.replace("∂", "d").replace("²", "2").replace("/", "_")


def _sympy_lines(name: str, source: str) -> list[str]:
    *head, last = source.splitlines()
    return [*head, f"{name} = {last}"]
