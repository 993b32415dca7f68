"""A derivation for other programs: MathML, one element a line; SymPy, a script that makes the list of its steps."""

from __future__ import annotations

from symdiff.expr.names import SUBSCRIPTS
from symdiff.expr.node import Expr
from symdiff.expr.traverse import variables
from symdiff.printing.derivation import page
from symdiff.printing.derivation_page import TITLES
from symdiff.printing.greek import GREEK
from symdiff.printing.mathml import mathml
from symdiff.printing.sympy_source import sources_of_sympy
from symdiff.printing.to_sympy import to_sympy
from symdiff.rules.record import Record

SPELLED = {letter: name for name, letter in GREEK.items()}


def derivation_mathml(record: Record) -> str:
    """One math element a line, with the names of its rules."""
    return "\n".join(
        f'<math display="block"><mrow>{mathml(r.left)}<mo>=</mo>{mathml(r.right)}</mrow></math> {", ".join(r.rules) or TITLES.get(r.kind, r.kind)}'
        for r in page(record, "latex").rows
    )


def derivation_sympy(record: Record) -> str:
    """A script after which `steps` is a list of (left side, right side, rule); `definitions` says what the symbols stand for.

    >>> from symdiff.expr.leaves import var
    >>> identifier('∂²E/∂w²'), identifier('dδ₂')
    ('d2E_dw2', 'ddelta2')
    """
    names: dict[Expr, str] = {e: identifier(name) for e, name in record.names.items()}
    meant = {s: e for s, e in record.meanings.items() if s in names and s not in record.differentials and s is not e}
    meant = {s: e for s, e in meant.items() if not record.names[s].startswith(("∂", "d²"))}
    known = set(variables(record.loss, record.wrt)) | set(names)
    shown = {s: e for s, e in meant.items() if set(variables(e)) <= known}
    sides = [e for line in record.lines for e in (line.left, line.right)]
    declarations, texts = sources_of_sympy(to_sympy(e, names=names) for e in [*sides, *shown, *shown.values()])
    count = 2 * len(record.lines)
    lines = ["from sympy import *", *declarations.splitlines(), "steps = ["]
    for k, line in enumerate(record.lines):
        said = ", ".join(r.name for r in line.rules) or line.kind
        lines.append(f"    ({texts[2 * k]}, {texts[2 * k + 1]}, {said!r}),")
    lines += ["]", "definitions = ["]
    pairs = zip(texts[count : count + len(shown)], texts[count + len(shown) :], strict=True)
    return "\n".join([*lines, *(f"    ({symbol}, {text})," for symbol, text in pairs), "]"])


def identifier(name: str) -> str:
    """A symbol's name as Python has names."""
    plain = name.translate(SUBSCRIPTS).replace("²", "2").replace("∂", "d").replace("/", "_")
    return "".join(SPELLED.get(c, c) for c in plain)
