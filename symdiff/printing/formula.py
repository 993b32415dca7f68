"""A formula as text: the expression on one line, the parts that it names below it; and the number of its operations."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol
from weakref import WeakKeyDictionary

from symdiff.errors import UnknownName, did_you_mean
from symdiff.expr.node import Expr
from symdiff.printing.latex import LatexWriter
from symdiff.printing.lines import laid_out
from symdiff.printing.mathematics import MathWriter
from symdiff.printing.naming import choose_names
from symdiff.printing.notation import notation
from symdiff.printing.python import PythonWriter
from symdiff.printing.rows import turned
from symdiff.printing.term import FREE_CALLS, Term, name
from symdiff.printing.unicode import UnicodeWriter


class Writer(Protocol):
    def write(self, t: Term) -> str: ...


class Style(NamedTuple):
    """How a formula is spelt: its writer, how many operations a name must save, whether names must be identifiers, and what stands
    for the parts of an expression that is too large to read ('' writes them all)."""

    writer: Callable[[Mapping[Any, str]], Writer]
    saving: int
    identifiers: bool
    ellipsis: str = ""


STYLES: Mapping[str, Style] = {
    "unicode": Style(UnicodeWriter, 2, False, "…"),
    "latex": Style(LatexWriter, 2, False, "dots"),
    "python": Style(PythonWriter, 1, True),
}


def style_of(name: str) -> Style:
    """Raises: UnknownName, with the styles there are."""
    style = STYLES.get(name)
    if style is None:
        raise UnknownName(f"there is no style {name!r}{did_you_mean(name, STYLES)}. Styles: {', '.join(STYLES)}")
    return style


class Formula(NamedTuple):
    """The text of an expression, and (name, text) of the parts that it names, each defined before it is used."""

    text: str
    where: tuple[tuple[str, str], ...] = ()

    def lines(self, width: int = 100, label: str = "", most: int = 40) -> list[str]:
        """The formula within `width` columns: broken at operators, indented under its right-hand side; the where-list below.

        `label` stands before it ('∂E/∂w = '). At most `most` named parts are listed, with the count of those left out.
        """
        return laid_out(self.text, self.where, width, label, most)

    def __str__(self) -> str:
        return "\n".join(self.lines())


READABLE = 3000  # nodes


def _beyond(roots: Sequence[Expr]) -> list[Expr]:
    """Of an expression too large to read, the nodes where it is cut off: breadth first from the roots."""
    seen = dict.fromkeys(roots)
    todo = deque(roots)
    while todo and len(seen) <= READABLE:
        for o in todo.popleft().operands:
            if o not in seen:
                seen[o] = None
                todo.append(o)
    return [e for e in todo if e.operands]


def format_formulas(
    roots: Sequence[Expr],
    style: str = "unicode",
    names: Mapping[Expr, str] | None = None,
    given: Mapping[Expr, str] | None = None,
    vec: str = "",
) -> tuple[list[str], list[tuple[str, str]]]:
    """The texts of several expressions, and one where-list of the parts that they share.

    `names`, `given` and `vec` as in `format_formula`.
    """
    spell = style_of(style)
    beyond = _beyond(roots) if spell.ellipsis else []
    found = notation(roots, names or (), [*(given or ()), *beyond], spell.saving)
    defined = [e for e, _ in found.parts]
    leaves = leaves_of([*found.roots, *(t for _, t in found.parts)], defined)
    table = choose_names(found.parts, leaves, {**(names or {}), **(given or {})}, spell.identifiers)
    table |= dict.fromkeys(beyond, spell.ellipsis)
    writer = spell.writer(table)
    if isinstance(writer, MathWriter):
        writer.vec = vec
    return [writer.write(t) for t in found.roots], [(writer.write(name(e, t.shape)), writer.write(t)) for e, t in found.parts]


def format_formula(
    e: Expr,
    style: str = "unicode",
    names: Mapping[Expr, str] | None = None,
    given: Mapping[Expr, str] | None = None,
    vec: str = "",
) -> Formula:
    """An expression as a formula in the style 'unicode', 'latex' or 'python'.

    Parts that it uses again are named and defined in the where-list. `names` gives nodes a name of the caller's, defined there as well;
    `given` nodes are written by their name and not defined, as symbols that the reader knows. `vec`, 'rows' or 'columns', writes the
    entries of a matrix in one vector as vec(X), stacked that way. The python style is NumPy source; see
    `symdiff.printing.namespace.preamble` for what it is run with.
    Raises: UnknownName for another style.

    >>> from symdiff.expr.leaves import var
    >>> X, w, y = var('X', ('n', 'd')), var('w', ('d',)), var('y', ('n',))
    >>> g = 2 * X.T @ (X @ w - y)
    >>> format_formula(g).text, format_formula(g, 'python').text
    ('2·Xᵀ(X w − y)', '2 * X.T @ (X @ w - y)')
    >>> format_formula(g, 'latex').text
    '2 X^\\\\top (X w - y)'
    """
    texts, where = format_formulas([e], style, names, given, vec)
    return Formula(texts[0], tuple(where))


def transposed_formula(e: Expr, style: str = "unicode") -> Formula:
    """The transpose of a vector or a matrix, worked out: rᵀ X for Xᵀ r. In mathematical styles only.

    >>> from symdiff.expr.leaves import var
    >>> X, r, s = var('X', ('n', 'd')), var('r', ('n',)), var('s')
    >>> transposed_formula(2 * X.T @ r / s).text
    '2·rᵀ X / s'
    """
    spell = style_of(style)
    found = notation([e], (), (), spell.saving)
    table = choose_names(found.parts, leaves_of([*found.roots, *(t for _, t in found.parts)], [p for p, _ in found.parts]), {}, False)
    writer = spell.writer(table)
    assert isinstance(writer, MathWriter)
    where = tuple((writer.write(name(part, t.shape)), writer.write(t)) for part, t in found.parts)
    return Formula(turned(writer, found.roots[0]), where)


def leaves_of(terms: Sequence[Term], defined: Collection[Expr]) -> list[Expr]:
    """The variables and given parts that terms mention, in order of appearance."""
    known = set(defined)
    leaves: dict[Expr, None] = {}
    stack = list(reversed(terms))
    while stack:
        t = stack.pop()
        if t.op == "name" and t.data not in known:
            leaves[t.data] = None
        stack.extend(reversed(t.args))
    return list(leaves)


# --- counting -----------------------------------------------------------------------------------------------------
_COUNTS: WeakKeyDictionary[Expr, int] = WeakKeyDictionary()


def op_count(e: Expr) -> int:
    """The operations of the printed python form, those of each named part counted once.

    Each binary operator, comparison, call (but eye, ones, zeros), transpose and unary minus of what is no literal counts one.

    >>> from symdiff.expr.leaves import var
    >>> X, w, y = var('X', ('n', 'd')), var('w', ('d',)), var('y', ('n',))
    >>> op_count(2 * X.T @ (X @ w - y))
    5
    """
    found = _COUNTS.get(e)
    if found is None:
        formula = format_formula(e, "python")
        found = _COUNTS[e] = sum(map(count_operations, (formula.text, *(text for _, text in formula.where))))
    return found


def count_operations(text: str) -> int:
    """The operations in a python-style text.

    >>> count_operations('-2 * X.T @ (X @ w - y) / n'), count_operations('-exp(-x) + eye(n)')
    (6, 4)
    """
    return sum(map(_own_operations, ast.walk(ast.parse(text, mode="eval"))))


def _own_operations(node: ast.AST) -> int:
    match node:
        case ast.BinOp():
            return 1
        case ast.Compare():
            return len(node.ops)
        case ast.UnaryOp():
            return 0 if isinstance(node.operand, ast.Constant) else 1
        case ast.Call():
            return 0 if isinstance(node.func, ast.Name) and node.func.id in FREE_CALLS else 1
        case ast.Attribute():
            return 1
    return 0
