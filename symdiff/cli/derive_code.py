"""The formulas of `derive` for other programs: NumPy and SymPy source that runs as it is, LaTeX, MathML.

A listing goes forward through the definitions, then backward through the cotangents, so that each name stands before its use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from symdiff.cli.notation import Notation
from symdiff.expr.node import Expr
from symdiff.printing.namespace import preamble
from symdiff.printing.sympy_source import sources_of_sympy
from symdiff.printing.to_sympy import to_sympy
from symdiff.training.derived import Derived
from symdiff.training.formulas import Formulas

Line = tuple[str, Expr]  # a name (or what stands left of =) and its formula


def listing(derived: Derived, style: str) -> list[str]:
    """All formulas in a style other than the page's."""
    return _LISTINGS[style](derived, Notation(style))


def _sections(derived: Derived) -> Iterator[tuple[str, Formulas]]:
    if derived.matrices:
        yield "matrices", derived.matrices.formulas
    if derived.weights:
        yield "weight by weight", derived.weights.formulas


def _lines(formulas: Formulas, notation: Notation) -> Iterator[Line]:
    for v, e in formulas.displayed.items():
        yield notation.symbol(v), e
    yield notation.loss_symbol, formulas.loss
    for v, e in formulas.cotangents.items():
        yield notation.symbol(v), e
    for v, e in formulas.gradients.items():
        yield notation.slope(v), e


# --- NumPy ----------------------------------------------------------------------------------------------------------
def _python(derived: Derived, notation: Notation) -> list[str]:
    """A script: imports, values, formulas."""
    body: list[str] = []
    texts: list[str] = []
    for title, formulas in _sections(derived):
        body += ["", f"# {title}"]
        values = derived.leaves | derived.entries
        body += [f"{notation.name(v)} = {_literal(values[v])}" for v in formulas.leaves]
        for name, e in _lines(formulas, notation):
            text, where = notation.parts(e)
            texts += [text, *(part for _, part in where)]
            body += [f"{part} = {formula}" for part, formula in where] + [f"{name} = {text}"]
    sizes = {d: n for leaf in derived.net.data for d, n in zip(leaf.var.shape, leaf.value.shape, strict=True) if isinstance(d, str)}
    head = [f"# {derived.net.name}: {derived.net.description}", *preamble(texts).splitlines()]
    return head + [f"{name} = {size}" for name, size in sizes.items()] + body


def _literal(value: np.ndarray) -> str:
    return f"np.array({value.tolist()})" if value.ndim else repr(value.item())


# --- SymPy ----------------------------------------------------------------------------------------------------------
def _sympy(derived: Derived, notation: Notation) -> list[str]:
    """A script: symbols for all that has a name, the gradients, and in `definitions` what the names stand for.

    `g.subs(reversed(definitions))` writes a gradient in the weights and inputs alone.
    """
    lines = [f"# {derived.net.name}: {derived.net.description}", "from sympy import *"]
    for title, formulas in _sections(derived):
        named = formulas.displayed | formulas.cotangents
        names: dict[Expr, str] = {v: notation.name(v) for v in (*formulas.leaves, *named)}
        every = [*names, *named.values(), formulas.loss, *formulas.gradients.values()]
        declarations, texts = sources_of_sympy(to_sympy(e, names=names) for e in every)
        symbols, texts = texts[len(formulas.leaves) : len(names)], texts[len(names) :]
        lines += ["", f"# {title}", *declarations.splitlines(), "definitions = ["]
        lines += [f"    ({symbol}, {text})," for symbol, text in zip(symbols, texts, strict=False)]
        slopes = [notation.loss, *(notation.slope(v) for v in formulas.gradients)]
        lines += ["]", *(f"{name} = {text}" for name, text in zip(slopes, texts[len(named) :], strict=True))]
    return lines


# --- LaTeX and MathML -----------------------------------------------------------------------------------------------
def _latex(derived: Derived, notation: Notation) -> list[str]:
    """An align* of amsmath for each form."""
    lines: list[str] = []
    for title, formulas in _sections(derived):
        rows = [f"  {name} &= {notation.formula(e)}" for name, e in _lines(formulas, notation)]
        lines += [f"% {derived.net.name}, {title}", r"\begin{align*}", *(row + r" \\" for row in rows[:-1]), rows[-1], r"\end{align*}"]
    return lines


def _mathml(derived: Derived, notation: Notation) -> list[str]:
    """One math element a line, each an equation."""
    return [
        f'<math display="block"><mrow>{name}<mo>=</mo>{notation.formula(e)}</mrow></math>'
        for _, formulas in _sections(derived)
        for name, e in _lines(formulas, notation)
    ]


_LISTINGS: dict[str, Callable[[Derived, Notation], list[str]]] = {"python": _python, "sympy": _sympy, "latex": _latex, "mathml": _mathml}
