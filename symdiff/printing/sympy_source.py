"""The SymPy form as text to paste after `from sympy import *`: the declarations it needs, and the formula.

SymPy's own str() drops what a formula needs to be read again (an identity prints as I, a matrix of ones as 1, 1/3 as a float once pasted),
so this printer writes those out. A function that SymPy lacks is declared by its formula.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import groupby
from typing import Any, NamedTuple

from symdiff.expr.names import SUBSCRIPTS
from symdiff.expr.node import Expr
from symdiff.printing.bridge.arrays import TABLE, facts
from symdiff.printing.bridge.functions import CODED, FORMULAS
from symdiff.printing.to_sympy import to_sympy


class SympySource(NamedTuple):
    """`declarations` make the names that `formula` uses; both run after `from sympy import *`."""

    declarations: str
    formula: str

    def __str__(self) -> str:
        return f"{self.declarations}\n{self.formula}" if self.declarations else self.formula


def sympy_source(e: Expr, *, names: Mapping[Expr, str] | None = None) -> SympySource:
    """The text of to_sympy(e, names=names).

    >>> from symdiff.expr.leaves import var
    >>> X, w, y = var('X', ('n', 'd')), var('w', ('d',)), var('y', ('n',))
    >>> print(sympy_source(2 * X.T @ (X @ w - y)))
    n, d = symbols('n d', integer=True, positive=True)
    X = MatrixSymbol('X', n, d)
    w = MatrixSymbol('w', d, 1)
    y = MatrixSymbol('y', n, 1)
    2*X.T*(X*w - y)
    """
    return source_of_sympy(to_sympy(e, names=names))


def source_of_sympy(s: Any) -> SympySource:
    """The text of a SymPy expression as to_sympy makes them."""
    printer = _printer_class()()
    marked = printer.doprint(s)
    made = [printer.declare(symbol) for symbol in printer.symbols]  # a shape may bring further symbols, its dims, to the end of the list
    functions = [_function_line(name) for name in sorted(printer.functions)]
    spelled = _spelled(printer.symbols, _identifiers([marked, *functions, *(call for _, call in made)]) | printer.functions)

    def plain(text: str) -> str:
        return re.sub("\x01(\\d+)\x02", lambda found: spelled[int(found[1])], text)

    lines = []
    first = {_together(item): k for k, item in reversed(list(enumerate(enumerate(made))))}
    for _, run in groupby(sorted(enumerate(made), key=lambda item: (item[1][0], first[_together(item)], item[0])), key=_together):
        members = [k for k, _ in run]
        names = [str(getattr(printer.symbols[k], "name", printer.symbols[k])) for k in members]
        call = made[members[0]][1]
        if len(members) > 1:
            call = call.replace("Symbol(", "symbols(").replace(repr(names[0]), repr(" ".join(names)), 1)
        lines.append(f"{', '.join(spelled[k] for k in members)} = {plain(call)}")
    return SympySource("\n".join([*lines, *functions]), plain(marked))


def sources_of_sympy(expressions: Iterable[Any]) -> tuple[str, list[str]]:
    """The declarations that several SymPy expressions need, in which a name means one thing, and the text of each."""
    import sympy as sp

    source = source_of_sympy(sp.Tuple(*expressions))
    return source.declarations, _elements(source.formula)


def _elements(text: str) -> list[str]:
    """The elements of a tuple's text: '(a, f(b, c))' has two."""
    depth, start, found = 0, 1, []
    for k, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if (character == "," and depth == 1) or depth == 0:
            found.append(text[start:k].strip())
            start = k + 1
    return [element for element in found if element]


def _together(item: tuple[int, tuple[int, str]]) -> tuple[int, str]:
    """Scalars with the same assumptions share a line; everything else has its own."""
    k, (group, call) = item
    return (group, call.partition(",")[2]) if group == SCALAR else (group, str(k))


def _identifiers(texts: list[str]) -> set[str]:
    """The words that a formula and its declarations use, which no symbol may be called."""
    unquoted = re.sub(r"'[^']*'", "", " ".join(texts))
    return set(re.findall(r"[^\W\d]\w*", unquoted)) | set(keyword.kwlist) | {"symbols"}


def _spelled(symbols: list[Any], taken: set[str]) -> list[str]:
    """A Python name for each symbol: its own, where that is free."""
    taken = set(taken)
    result: list[str] = []
    for symbol in symbols:
        name = re.sub(r"\W", "_", str(getattr(symbol, "name", symbol)).translate(SUBSCRIPTS))
        while name in taken:
            name += "_"
        taken.add(name)
        result.append(name)
    return result


def _function_line(name: str) -> str:
    """The declaration of a function that `from sympy import *` does not bring."""
    import sympy as sp

    if name in CODED:
        return f"from sympy.codegen.cfunctions import {name}"
    if name in ("isfinite", "isnan"):
        return f"{name} = lambda x: {'true' if name == 'isfinite' else 'false'}  # of real numbers"
    if name not in FORMULAS or name in ("where", "iverson"):  # a Piecewise would take conditions of conditions apart
        assumed = facts(name) if name in TABLE else ("real",)
        return f"{name} = Function('{name}', {', '.join(f'{fact}=True' for fact in assumed)})"
    formula = FORMULAS[name]
    args = list(formula.__code__.co_varnames[1 : formula.__code__.co_argcount])
    printer = _printer_class()()
    text = printer.doprint(formula(sp, *map(sp.Symbol, args)))
    return f"{name} = lambda {', '.join(args)}: " + re.sub("\x01(\\d+)\x02", lambda found: printer.symbols[int(found[1])].name, text)


SCALAR, MATRIX, ARRAY, INDEX = range(4)  # the order of declarations


@cache
def _printer_class() -> Any:
    """SymPy's str() with every symbol as a numbered mark, and with what a reader of the text needs."""
    import sympy as sp
    from sympy.printing.precedence import PRECEDENCE
    from sympy.printing.str import StrPrinter

    class SourcePrinter(StrPrinter):  # type: ignore[misc, unused-ignore]
        printmethod = "_symdiff_source"  # Idx and Indexed would print themselves

        def __init__(self) -> None:
            super().__init__({"order": "none"})
            self.symbols: list[Any] = []
            self.functions: set[str] = set()

        def mark(self, symbol: Any) -> str:
            if symbol not in self.symbols:
                self.symbols.append(symbol)
            return f"\x01{self.symbols.index(symbol)}\x02"

        _print_Symbol = _print_MatrixSymbol = _print_IndexedBase = _print_Idx = mark

        def declare(self, symbol: Any) -> tuple[int, str]:
            if isinstance(symbol, sp.MatrixSymbol):
                return MATRIX, f"MatrixSymbol({symbol.name!r}, {self.stringify(symbol.shape, ', ')})"
            if isinstance(symbol, sp.IndexedBase):
                return ARRAY, f"IndexedBase({str(symbol.label)!r}, shape=({self.stringify(symbol.shape, ', ')}))"
            if isinstance(symbol, sp.Idx):
                return INDEX, f"Idx({str(symbol.label)!r}, {self._print(symbol.upper + 1)})"
            given = getattr(symbol, "_assumptions_orig", symbol.assumptions0)
            return SCALAR, f"Symbol({', '.join([repr(symbol.name), *(f'{k}={v}' for k, v in given.items())])})"

        def _named(self, e: Any) -> str:
            name = e.func.__name__
            if name in CODED or name in FORMULAS or name in TABLE or name in ("isfinite", "isnan"):
                self.functions.add(name)
            return f"{name}({self.stringify(e.args, ', ')})"

        _print_Function = _print_isfinite = _print_isnan = _named

        def _called(self, e: Any) -> str:
            return f"{type(e).__name__}({self.stringify(e.args, ', ')})"

        _print_Identity = _print_OneMatrix = _print_ZeroMatrix = _print_HadamardProduct = _print_HadamardPower = _called

        def _print_MatMul(self, e: Any) -> str:
            return str(self._print(e.args[0]) if len(e.args) == 1 else super()._print_MatMul(e))

        def _print_Rational(self, e: Any) -> str:
            return f"Rational({e.p}, {e.q})"

        def _print_Float(self, e: Any) -> str:
            return repr(float(e))

        def _print_Indexed(self, e: Any) -> str:
            return f"{self._print(e.base)}[{self.stringify(e.indices, ', ')}]"

        def _print_ElementwiseApplyFunction(self, e: Any) -> str:
            return f"{self.parenthesize(e.expr, PRECEDENCE['Atom'], strict=True)}.applyfunc({self._print(e.function)})"

        def _print_MatrixBase(self, e: Any) -> str:
            rows = ", ".join(f"[{self.stringify(e.row(k), ', ')}]" for k in range(e.rows))
            return f"ImmutableMatrix([{rows}])" if e.rows and e.cols else f"ImmutableMatrix({e.rows}, {e.cols}, [])"

        _print_ImmutableDenseMatrix = _print_ImmutableMatrix = _print_MatrixBase

        def _print_BlockMatrix(self, e: Any) -> str:
            rows = ", ".join(f"[{self.stringify(e.blocks.row(k), ', ')}]" for k in range(e.blockshape[0]))
            return f"BlockMatrix([{rows}])"

        def _print_NDimArray(self, e: Any) -> str:
            return f"ImmutableDenseNDimArray([{self.stringify(list(e), ', ')}], ({self.stringify(e.shape, ', ')}))"

        _print_ImmutableDenseNDimArray = _print_NDimArray

    return SourcePrinter
