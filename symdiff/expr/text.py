"""The parser of formulas: a line of Python's expression syntax, from an allow list, becomes an expression.

Text is parsed and never evaluated. Python's own grammar (`ast`) gives the tree; each kind of node that may stand in a formula has its
own case below, and every other kind is refused by name. Operands are visited on an explicit stack, so depth costs no recursion.
Every error says the column and draws a caret under it.
"""

from __future__ import annotations

import ast
import inspect
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from symdiff.errors import ParseError, SymdiffError, did_you_mean
from symdiff.expr import ops
from symdiff.expr.convert import as_expr
from symdiff.expr.node import Expr
from symdiff.expr.scope import Scope, make_scope
from symdiff.expr.source import SourceText
from symdiff.expr.vocabulary import ANY_NUMBER, CALLABLE, LARGEST, NODE_FOR_EACH, TAKE_TEXT, dim_of

LONGEST_NUMBER = 400  # bits of a whole number that constants may fold to
MOST_AXES = 32  # of an array of NumPy, whatever its version

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Expr]] = {
    ast.Add: ops.add, ast.Sub: ops.subtract, ast.Mult: ops.multiply, ast.Div: ops.divide, ast.Pow: ops.power, ast.MatMult: ops.matmul,
    ast.Mod: ops.mod, ast.FloorDiv: ops.floor_divide, ast.BitAnd: ops.logical_and, ast.BitOr: ops.logical_or,
}  # fmt: skip
_COMPARISON: dict[type[ast.cmpop], Callable[[Any, Any], Expr]] = {
    ast.Lt: ops.less, ast.LtE: ops.less_equal, ast.Gt: ops.greater, ast.GtE: ops.greater_equal, ast.Eq: ops.equal, ast.NotEq: ops.not_equal,
}  # fmt: skip
_WHOLE: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
}  # fmt: skip
_REFUSED: dict[type[ast.AST], tuple[str, str]] = {  # what it is called, and what to write
    ast.IfExp: ("a branch", ": write where(condition, a, b)"),
    ast.BoolOp: ("and, or", ": write & and | between comparisons in parentheses"),
    ast.BitXor: ("^", ": write ** for a power"),
    ast.Not: ("not", ": write ~ before a comparison in parentheses"),
    ast.In: ("in", ""),
    ast.Is: ("is", ": write =="),
    ast.Lambda: ("a lambda", ""),
    ast.ListComp: ("a comprehension", ": write a sum over an axis"),
    ast.GeneratorExp: ("a comprehension", ": write a sum over an axis"),
    ast.Dict: ("a dict", ""),
    ast.Set: ("a set", ""),
    ast.JoinedStr: ("an f-string", ""),
    ast.NamedExpr: ("an assignment", ": name parts with let"),
    ast.Starred: ("a starred argument", ""),
}


def parse(
    text: str,
    names: Mapping[str, Any] | None = None,
    *,
    shapes: Mapping[str, Any] | None = None,
    assume: Mapping[str, Any] | None = None,
    let: Mapping[str, str] | None = None,
) -> Expr:
    """The expression that a line of text says, in NumPy's syntax without the `np.`.

    `shapes` gives the variables ({"X": "n,d", "w": ("d",)}) and `assume` facts about them; `names` may hold expressions or shapes. A
    dim's name counts as a number (sum(x)/n, eye(k)). `let` names subexpressions, in order; later ones and the text may use them.
    Raises: ParseError for text that is no formula, with the column; ShapeError, with the column, for shapes that do not fit.

    >>> parse("sum((X @ w - y)**2) / n", shapes={"X": "n,d", "w": "d", "y": "n"}).shape
    ()
    >>> parse("X @ v", shapes={"X": "n,d", "w": "d"})
    Traceback (most recent call last):
    symdiff.errors.ParseError: there is no name 'v'; names: X, w; sizes: n, d (column 5)
      X @ v
          ^
    """
    scope = make_scope(names, shapes, assume)
    for name, line in (let or {}).items():
        scope.define(name, _formula(line, scope))
    return _formula(text, scope)


def parse_names(let: Mapping[str, str], shapes: Mapping[str, Any], assume: Mapping[str, Any] | None = None) -> dict[str, Expr]:
    """The variables of `shapes` and the named subexpressions of `let` as expressions, ready to be the `names` of `parse`.

    >>> names = parse_names({"r": "X @ w - y"}, {"X": "n,d", "w": "d", "y": "n"})
    >>> parse("r @ r", names) is parse("(X @ w - y) @ (X @ w - y)", names)
    True
    """
    scope = make_scope(None, shapes, assume)
    for name, line in let.items():
        scope.define(name, _formula(line, scope))
    return dict(scope.names)


def _formula(text: str, scope: Scope) -> Expr:
    if not isinstance(text, str):
        raise ParseError(f"a formula is text, not {type(text).__name__}")
    return _Reader(text, scope).read()


class _Reader(SourceText):
    """One text and the names in it."""

    def __init__(self, text: str, scope: Scope) -> None:
        super().__init__(text)
        self.scope = scope

    # --- values, operands first, on a stack ---------------------------------------------------------------------------
    def read(self) -> Expr:
        root = self.tree()
        shift = len(self.text) - len(self.text.lstrip())
        if shift:  # columns in the tree count from the first character that is no space
            self.text = self.text[shift:]
        value = self.evaluate(root)
        if isinstance(value, (str, bool)) or value is None or value is Ellipsis:
            self.fail(f"{value!r} is no expression", root)
        if isinstance(value, tuple) and any(isinstance(v, (tuple, dict)) or v is None for v in value):
            self.fail("this is no expression", root)
        if isinstance(value, tuple):
            self.fail("this is several expressions: choose one by [0], [1] ...", root)
        result: Expr = self.attempt(root, as_expr, value)
        return result

    def evaluate(self, root: ast.expr) -> Any:
        values: list[Any] = []
        stack: list[tuple[ast.AST, int]] = [(root, -1)]
        while stack:
            node, count = stack.pop()
            if count >= 0:
                operands = values[len(values) - count :]
                del values[len(values) - count :]
                values.append(self.make(node, operands))
                continue
            below = self.below(node)
            stack.append((node, len(below)))
            stack.extend((b, -1) for b in reversed(below))
        return values[0]

    def below(self, node: ast.AST) -> list[ast.expr]:
        """The operands of a node; kinds of nodes that have no place in a formula are refused here."""
        match node:
            case ast.Constant() | ast.Name():
                return []
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Invert(), operand=x):
                return [x]
            case ast.BinOp(left=a, op=op, right=b) if type(op) in _BINARY:
                return [a, b]
            case ast.Compare(left=a, ops=kinds, comparators=rest) if all(type(k) in _COMPARISON for k in kinds):
                return [a, *rest]
            case ast.Call():
                return self.check_call(node)
            case ast.Attribute(value=x):
                self.check_attribute(node)
                return [x]
            case ast.Subscript(value=x, slice=key):
                return [x, key]
            case ast.Slice(lower=a, upper=b, step=c):
                return [bound for bound in (a, b, c) if bound is not None]
            case ast.Tuple(elts=items) | ast.List(elts=items):
                return items
            case _:
                raise self.refusal(node)

    def refusal(self, node: ast.AST) -> ParseError:
        kinds: list[ast.AST] = [node, *(getattr(node, "ops", None) or [getattr(node, "op", node)])]
        what, instead = next((_REFUSED[type(k)] for k in kinds if type(k) in _REFUSED), (type(node).__name__, ""))
        return ParseError(f"{what} has no place in a formula{instead}{self.pointer(self.column(node))}")

    def check_call(self, node: ast.Call) -> list[ast.expr]:
        if not isinstance(node.func, ast.Name):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            hint = f": write {name}(...), without a dot" if name in CALLABLE else ""
            self.fail(f"only functions by name can be called{hint}", node.func)
        name = node.func.id
        if name not in CALLABLE:
            if name in self.scope.names or name in self.scope.sizes:
                self.fail(f"{name!r} is no function: write * for a product", node)
            self.fail(f"there is no function {name!r}{did_you_mean(name, CALLABLE)}", node)
        for keyword in node.keywords:
            if keyword.arg is None:
                self.fail("** has no place in a call in a formula", keyword)
        return [*node.args, *(keyword.value for keyword in node.keywords)]

    def check_attribute(self, node: ast.Attribute) -> None:
        if node.attr != "T":
            hint = f": write {node.attr}(...), without a dot" if node.attr in CALLABLE else ""
            self.fail(
                f"the attribute .{node.attr} is not known; the only one is .T{hint}",
                (self.characters(node.end_col_offset or 0) - len(node.attr)),
            )

    def make(self, node: ast.AST, operands: list[Any]) -> Any:
        match node:
            case ast.Constant(value=value):
                return self.constant(value, node)
            case ast.Name(id=name):
                return self.name(name, node)
            case ast.UnaryOp(op=ast.USub()) if isinstance(operands[0], (int, float)) and not isinstance(operands[0], bool):
                return -operands[0]
            case ast.UnaryOp(op=op):
                sign = {ast.USub: ops.negative, ast.UAdd: ops.positive, ast.Invert: ops.logical_not}[type(op)]
                return self.attempt(node, sign, *operands)
            case ast.BinOp(op=op):
                return self.binary(node, type(op), operands)
            case ast.Compare(ops=kinds):
                held = [self.attempt(node, _COMPARISON[type(k)], a, b) for k, a, b in zip(kinds, operands, operands[1:], strict=False)]
                result = held[0]
                for more in held[1:]:
                    result = self.attempt(node, ops.logical_and, result, more)
                return result
            case ast.Attribute():
                return self.attempt(node, ops.transpose, *operands)
            case ast.Subscript():
                return self.subscript(node, *operands)
            case ast.Slice(lower=a, upper=b, step=c):
                bounds = iter(operands)
                return slice(*(self.bound(next(bounds), node) if x is not None else None for x in (a, b, c)))
            case ast.Call():
                return self.call(node, operands)
            case ast.Tuple():
                return tuple(operands)
        return operands

    def attempt(self, node: ast.AST, make: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """make(*args); an error of symdiff gets the column, any other that a wrong argument causes becomes a ParseError."""
        try:
            made = make(*args, **options)
        except SymdiffError as error:
            raise type(error)(self.message(str(error), node)) from None
        except (TypeError, ValueError, IndexError, AttributeError, OverflowError, KeyError) as error:
            self.fail(f"{error}", node)
        if isinstance(made, Expr) and made.ndim > MOST_AXES:
            self.fail(f"this has {made.ndim} axes; an array has at most {MOST_AXES}", node)
        return made

    def constant(self, value: Any, node: ast.AST) -> Any:
        if isinstance(value, complex):
            self.fail("complex numbers have no place here: symdiff works on real numbers only", node)
        if isinstance(value, bytes):
            self.fail("bytes have no place in a formula", node)
        if isinstance(value, float) and not math.isfinite(value):
            self.fail("this number is too large for a float", node)
        if isinstance(value, int) and value.bit_length() > LONGEST_NUMBER:
            self.fail("this whole number is too long: write it as a float, 1e200", node)
        return value

    def name(self, name: str, node: ast.AST) -> Any:
        found = self.scope.look_up(name)
        if found is None:
            if name in CALLABLE:
                self.fail(f"{name!r} is a function here: call it, {name}(...), or give the name a shape", node)
            sizes = f"; sizes: {', '.join(self.scope.sizes)}" if self.scope.sizes else ""
            near = did_you_mean(name, [*self.scope.names, *self.scope.sizes])
            self.fail(f"there is no name {name!r}{near}; names: {', '.join(self.scope.names) or 'none'}{sizes}", node)
        return found

    def binary(self, node: ast.BinOp, kind: type[ast.operator], operands: list[Any]) -> Any:
        a, b = operands
        for side in operands:
            if isinstance(side, (str, bool, slice)) or side is None or side is Ellipsis:
                self.fail(f"{side!r} is no operand", node)
        if type(a) is int and type(b) is int and kind in _WHOLE:
            return self.constant(_WHOLE[kind](a, b), node)
        if kind is ast.Pow and type(a) is int and type(b) is int:
            if a.bit_length() * abs(b) > LONGEST_NUMBER and abs(a) > 1:
                self.fail("this power is too large a number: write it as a float, 1e200", node)
            if b >= 0:
                return a**b
        return self.attempt(node, _BINARY[kind], a, b)

    def bound(self, value: Any, node: ast.AST) -> Any:
        if value is None:
            return None
        dim = dim_of(value)
        if dim is None:
            self.fail("a bound of a slice is a whole number or is made of names of dims", node)
        return dim

    def subscript(self, node: ast.Subscript, value: Any, key: Any) -> Any:
        if isinstance(value, tuple):
            if type(key) is not int or not -len(value) <= key < len(value):
                self.fail(f"one of {len(value)} results is chosen by a whole number", node.slice)
            return value[key]
        entries = key if isinstance(key, tuple) else (key,)
        if any(isinstance(k, (str, float)) for k in entries):
            self.fail("an index is a whole number, a slice, or an array of whole numbers", node.slice)
        places = tuple(dim_of(k) if isinstance(k, Expr) and dim_of(k) is not None else k for k in entries)
        return self.attempt(node.slice, ops.index, value, places)

    def call(self, node: ast.Call, operands: list[Any]) -> Any:
        assert isinstance(node.func, ast.Name)
        name = node.func.id
        function = CALLABLE[name]
        count = len(node.args)
        args, options = operands[:count], {k.arg: v for k, v in zip(node.keywords, operands[count:], strict=True) if k.arg is not None}
        places = [*node.args, *(k.value for k in node.keywords)]
        signature = inspect.signature(function)
        for keyword in node.keywords:
            known = signature.parameters
            if keyword.arg not in known and not any(p.kind is p.VAR_KEYWORD for p in known.values()):
                self.fail(f"{name}() has no option {keyword.arg!r}{did_you_mean(str(keyword.arg), known)}", keyword)
        for value, place in zip(operands, places, strict=True):
            if isinstance(value, str) and name not in TAKE_TEXT:
                self.fail(f"{name}() takes no text: names are written without quotes", place)
            largest = NODE_FOR_EACH.get(name, LARGEST)
            if type(value) is int and abs(value) > largest and name not in ANY_NUMBER:
                self.fail(f"{name}(): the whole number {value} is larger than {largest}", place)
        try:
            signature.bind(*args, **options)
        except TypeError as error:
            self.fail(f"{name}(): {error}", node)
        return self.attempt(node, function, *args, **options)
