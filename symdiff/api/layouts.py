"""Derivatives as people lay them out: gradients as columns or rows, Jacobians one way or the other, matrices by stacked entries.

NumPy's way, the default, keeps every axis: a gradient has the shape of its variable, a Jacobian has the function's axes, then the
variable's. In numerator layout a gradient is a row, the transpose; in denominator layout a Jacobian is the transpose; both put the
entries of a matrix into one vector by columns. Source: Magnus and Neudecker, Matrix Differential Calculus, 3rd ed., 2019, chapter 9.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from symdiff.api.derivatives import Derivative, Kind
from symdiff.errors import UnknownName, did_you_mean
from symdiff.expr import ops
from symdiff.expr.algebra import permute
from symdiff.expr.node import Expr
from symdiff.printing.entries import entry_form, readable_form
from symdiff.printing.formula import Formula, format_formula, transposed_formula
from symdiff.printing.kronecker import vec_form, vec_notes
from symdiff.printing.mathml import mathml
from symdiff.printing.sympy_source import sympy_source
from symdiff.rewrite import simplify_all

STYLES = ("unicode", "latex", "python", "sympy", "mathml")


class Layout(NamedTuple):
    """Whether a gradient and a Jacobian are turned round, and what is said of it."""

    turns_gradients: bool
    turns_jacobians: bool
    note: str = ""


LAYOUTS = {
    "numpy": Layout(False, False),
    "numerator": Layout(True, False, "numerator layout: the transpose of the array of the variable's shape"),
    "denominator": Layout(False, True, "denominator layout: the transpose of the array with the function's axes first"),
}


class Spelled(NamedTuple):
    """A derivative in a layout: its value, its text, what else it is as a matrix, and what is said of the layout."""

    value: Expr
    formula: Formula
    notes: tuple[str, ...] = ()
    matrix_notes: tuple[str, ...] = ()


def layout_of(name: str) -> Layout:
    """Raises: UnknownName, with the layouts there are."""
    if name not in LAYOUTS:
        raise UnknownName(f"there is no layout {name!r}{did_you_mean(name, LAYOUTS)}. Layouts: {', '.join(LAYOUTS)}")
    return LAYOUTS[name]


def spelling(style: str, by_entry: bool = False) -> Callable[[Expr], Formula]:
    """What spells an expression in a style, whole or entry by entry."""
    if style == "sympy":
        return lambda e: Formula(str(sympy_source(e)))
    if style == "mathml":
        return lambda e: as_mathml(spelling("latex", by_entry)(e))
    return (lambda e: entry_form(e, style=style)) if by_entry else (lambda e: readable_form(e, style))


def as_mathml(f: Formula) -> Formula:
    return Formula(mathml(f.text), tuple((mathml(name), mathml(text)) for name, text in f.where))


def spelled(d: Derivative, rank: int, kind: Kind, style: str = "unicode", layout: str = "numpy", by_entry: bool = False) -> Spelled:
    """A derivative of a function of so many axes, laid out and spelt."""
    chosen = layout_of(layout)
    rows = d.wrt[0].ndim if kind == "hessian" else rank
    spell = spelling(style, by_entry)
    many = d.value.ndim > 2 and rows > 0
    if by_entry or layout == "numpy":
        return Spelled(d.value, spell(d.value), (), tuple(vec_notes(d.value, rows, _for_notes(style))) if many and not by_entry else ())
    if many:
        return _stacked(d.value, rows, kind == "jacobian" and chosen.turns_jacobians, style)
    turns = chosen.turns_jacobians if kind == "jacobian" and rows else chosen.turns_gradients
    if kind != "hessian" and turns and d.value.ndim:
        return _transposed(d.value, style, chosen)
    return Spelled(d.value, spell(d.value))


def _transposed(e: Expr, style: str, chosen: Layout) -> Spelled:
    (value,) = simplify_all([ops.expand_dims(e, 0) if e.ndim == 1 else ops.transpose(e)])
    if style not in ("unicode", "latex", "mathml"):
        return Spelled(value, spelling(style)(value), (chosen.note,))
    plain = "latex" if style == "mathml" else style
    forms = [transposed_formula(e, plain), *([format_formula(value, plain)] if e.ndim == 2 else [])]
    text = min(forms, key=lambda f: len(str(f)))
    return Spelled(value, as_mathml(text) if style == "mathml" else text, (chosen.note,))


def _stacked(e: Expr, rows: int, turned: bool, style: str) -> Spelled:
    """Over entries stacked by columns, where that is a sum of Kronecker products; else as NumPy has it, said so."""
    if turned:
        other = e.ndim - rows
        form = vec_form(permute(e, (*range(rows, e.ndim), *range(rows))), other, "columns")
    else:
        form = vec_form(e, rows, "columns")
    if form is None or (style == "sympy" and form.commutations):
        return Spelled(e, spelling(style)(e), ("entry by entry, the function's indices first",))
    notes = ("vec stacks the columns of a matrix", *(f"{form.symbol} vec(X) = vec(Xᵀ)" for _ in form.commutations[:1]))
    if style == "sympy":
        return Spelled(form.matrix, spelling(style)(form.matrix), notes)
    text = form.formula("latex" if style == "mathml" else style)
    return Spelled(form.matrix, as_mathml(text) if style == "mathml" else text, notes)


def _for_notes(style: str) -> str:
    return style if style in ("latex", "python") else "unicode"
