"""One change in the text of a claim that would make it right: the other side of a diagnosis.

Each row of the table looks at one place of the text's syntax tree and offers what could have been meant there: a matrix product for an
elementwise one, a transpose, the other order, the other sign, another function. The changed texts are parsed and compared like any claim.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from symdiff.expr.names import SUBSCRIPTS

MOST_NODES = 400  # of a syntax tree
MOST_EDITS = 400
Offer = tuple[str, str, ast.expr]  # name, message, what to put in the place


class Edit(NamedTuple):
    """A changed text, and what was changed."""

    name: str
    message: str
    text: str


def spelt(node: ast.expr) -> str:
    return ast.unparse(node)


def _binary(left: ast.expr, op: ast.operator, right: ast.expr) -> ast.expr:
    return ast.BinOp(copy.deepcopy(left), op, copy.deepcopy(right))


def _call(name: str, *args: ast.expr, **options: int) -> ast.expr:
    keywords = [ast.keyword(key, ast.Constant(value)) for key, value in options.items()]
    return ast.Call(ast.Name(name), [copy.deepcopy(a) for a in args], keywords)


def _renamed(call: ast.Call, name: str) -> ast.expr:
    made = copy.deepcopy(call)
    made.func = ast.Name(name)
    return made


def _with_axis(call: ast.Call, axis: int) -> ast.expr:
    made = copy.deepcopy(call)
    next(k for k in made.keywords if k.arg == "axis").value = ast.Constant(axis)
    return made


def _transpose(node: ast.expr) -> ast.expr:
    return ast.Attribute(copy.deepcopy(node), "T")


def products(node: ast.expr) -> Iterator[Offer]:
    """The other product, the other order."""
    match node:
        case ast.BinOp(left=a, op=ast.Mult(), right=b):
            made = _binary(a, ast.MatMult(), b)
            yield "elementwise for matrix product", f"{spelt(node)} is elementwise; the matrix product is meant: {spelt(made)}", made
            made = _binary(b, ast.MatMult(), a)
            yield "elementwise for matrix product", f"{spelt(node)} is elementwise; the matrix product is meant: {spelt(made)}", made
            for x, y in ((a, b), (b, a)):
                for made in (_binary(_transpose(x), ast.MatMult(), y), _binary(x, ast.MatMult(), _transpose(y)), _call("outer", x, y)):
                    yield (
                        "elementwise for matrix product",
                        f"{spelt(node)} is elementwise; the matrix product is meant: {spelt(made)}",
                        made,
                    )
        case ast.BinOp(left=a, op=ast.MatMult(), right=b):
            made = _binary(a, ast.Mult(), b)
            yield "matrix product for elementwise", f"{spelt(node)} is a matrix product; the elementwise one is meant: {spelt(made)}", made
            made = _binary(b, ast.MatMult(), a)
            yield "order", f"the order of a product: {spelt(node)} should be {spelt(made)}", made
            made = _binary(_transpose(b), ast.MatMult(), a)
            yield "order", f"the order of a product: {spelt(node)} should be {spelt(made)}", made
            made = _binary(b, ast.MatMult(), _transpose(a))
            yield "order", f"the order of a product: {spelt(node)} should be {spelt(made)}", made
            made = _call("outer", a, b)
            yield "inner for outer product", f"{spelt(node)} is an inner product; the outer one is meant: {spelt(made)}", made
        case ast.Call(func=ast.Name(id="outer"), args=[a, b]):
            made = _call("outer", b, a)
            yield "order", f"the order of a product: {spelt(node)} should be {spelt(made)}", made
            made = _binary(a, ast.Mult(), b)
            yield "matrix product for elementwise", f"{spelt(node)} is an outer product; the elementwise one is meant: {spelt(made)}", made


def transposes(node: ast.expr) -> Iterator[Offer]:
    """A transpose too many or too few."""
    match node:
        case ast.Attribute(value=inner, attr="T"):
            yield "transposed", f"{spelt(node)} should be {spelt(inner)}: a transpose too many", inner
        case ast.Name() | ast.BinOp() | ast.Call():
            made = _transpose(node)
            yield "transposed", f"{spelt(node)} should be {spelt(made)}: a transpose is missing", made


def signs(node: ast.expr) -> Iterator[Offer]:
    """The other sign of a term, a term or a factor too many."""
    match node:
        case ast.BinOp(left=a, op=ast.Add() | ast.Sub() as op, right=b):
            other = ast.Sub() if isinstance(op, ast.Add) else ast.Add()
            made = _binary(a, other, b)
            yield "sign of a term", f"the sign of a term: {spelt(node)} should be {spelt(made)}", made
            yield "extra term", f"a term too many: {spelt(b)} in {spelt(node)}", a
            yield (
                "extra term",
                f"a term too many: {spelt(a)} in {spelt(node)}",
                b if isinstance(op, ast.Add) else ast.UnaryOp(ast.USub(), b),
            )
            if isinstance(op, ast.Sub):
                made = _binary(b, ast.Sub(), a)
                yield "sign of a term", f"the sign of a difference: {spelt(node)} should be {spelt(made)}", made
        case ast.BinOp(left=a, op=ast.Mult(), right=b):
            yield "extra factor", f"a factor too many: {spelt(b)} in {spelt(node)}", a
            yield "extra factor", f"a factor too many: {spelt(a)} in {spelt(node)}", b
        case ast.BinOp(left=a, op=ast.Div(), right=b):
            yield "extra factor", f"a division too many: by {spelt(b)} in {spelt(node)}", a
            made = _binary(a, ast.Mult(), b)
            yield "divided for multiplied", f"{spelt(node)} should be {spelt(made)}", made


def numbers(node: ast.expr) -> Iterator[Offer]:
    """Another number: twice, half, negative, one more or one less, in place of an exponent or a coefficient."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            for other in (2 * value, value / 2, value + 1, value - 1):
                made = ast.Constant(int(other) if float(other).is_integer() else other)
                yield "number", f"the number {spelt(node)} should be {spelt(made)}", made


def functions(node: ast.expr) -> Iterator[Offer]:
    """A function for its derivative, the other of two functions, a sum over an axis for one over all."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=[a, *_]) as call:
            one = ast.Constant(1)
            same = copy.deepcopy(call)
            squared = ast.BinOp(same, ast.Pow(), ast.Constant(2))
            derivatives: Mapping[str, list[ast.expr]] = {
                "sigmoid": [_binary(same, ast.Mult(), _binary(one, ast.Sub(), same))],
                "tanh": [_binary(one, ast.Sub(), squared)],
                "sin": [_call("cos", a)],
                "cos": [ast.UnaryOp(ast.USub(), _call("sin", a))],
                "log": [_binary(one, ast.Div(), a)],
                "relu": [ast.Compare(copy.deepcopy(a), [ast.Gt()], [ast.Constant(0)])],
                "softplus": [_call("sigmoid", a)],
                "abs": [_call("sign", a)],
            }
            for made in derivatives.get(name, ()):
                yield "function for derivative", f"{spelt(node)} should be its derivative, {spelt(made)}", made
            if name in WRAPPING:
                yield "function too many", f"{spelt(node)} should be {spelt(a)}", a
            for other in {"sin": "cos", "cos": "sin", "sum": "mean", "mean": "sum"}.get(name, "").split():
                made = _renamed(call, other)
                yield other if other in ("sum", "mean") else "function", f"{spelt(node)} should be {spelt(made)}", made
            if name in ("sum", "mean") and not call.keywords and len(call.args) == 1:
                for axis in (0, 1):
                    made = _call(name, a, axis=axis)
                    yield "axis", f"{spelt(node)} should be {spelt(made)}", made
            if name in ("sum", "mean"):
                for keyword in call.keywords:
                    if keyword.arg == "axis" and isinstance(keyword.value, ast.Constant) and keyword.value.value in (0, 1):
                        made = _with_axis(call, 1 - int(keyword.value.value == 1))
                        yield "axis", f"{spelt(node)} should be {spelt(made)}", made


WRAPPING = ("sigmoid", "softmax", "tanh", "exp")  # functions that a claim may lack, or have too many of


def missing_functions(node: ast.expr) -> Iterator[Offer]:
    """The argument of a function for the function: X @ w for sigmoid(X @ w)."""
    if isinstance(node, ast.BinOp):
        for name in WRAPPING:
            made = _call(name, node)
            yield "function missing", f"{spelt(node)} should be {spelt(made)}", made


TABLE: tuple[Callable[[ast.expr], Iterator[Offer]], ...] = (transposes, products, functions, signs, numbers, missing_functions)


def other_names(names: Sequence[str]) -> Callable[[ast.expr], Iterator[Offer]]:
    """The row of the table for one name in place of another."""

    def row(node: ast.expr) -> Iterator[Offer]:
        if isinstance(node, ast.Name) and node.id in names:
            for name in names:
                if name != node.id:
                    yield "name", f"{node.id} should be {name}", ast.Name(name)

    return row


def edits(text: str, names: Sequence[str] = ()) -> list[Edit]:
    """The texts that are one change away, each once, in the order of the table, the smallest places first. None for a text that is too long.

    `names` may stand for one another.

    >>> [e.text for e in edits('X * r')][:3]
    ['X.T * r', 'X * r.T', '(X * r).T']
    """
    tree = ast.parse(text.strip().translate(SUBSCRIPTS), mode="eval").body
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.expr)]
    if len(nodes) > MOST_NODES:
        return []
    smallest_first = sorted(enumerate(nodes), key=lambda pair: len(spelt(pair[1])))
    found: dict[str, Edit] = {}
    for row in (*TABLE, other_names(names)):
        for place, node in smallest_first:
            for name, message, made in row(node):
                changed = spelt(_replaced(tree, place, made))
                found.setdefault(changed, Edit(name, message, changed))
                if len(found) == MOST_EDITS:
                    return list(found.values())
    return list(found.values())


def _replaced(tree: ast.expr, place: int, made: ast.expr) -> ast.expr:
    """A copy of the tree with the node at a place of the walk replaced."""
    whole = ast.Expression(copy.deepcopy(tree))
    target = [n for n in ast.walk(whole.body) if isinstance(n, ast.expr)][place]
    if target is whole.body:
        return made
    for parent in ast.walk(whole):
        for field, value in ast.iter_fields(parent):
            if value is target:
                setattr(parent, field, made)
            elif isinstance(value, list) and any(v is target for v in value):
                setattr(parent, field, [made if v is target else v for v in value])
    return whole.body
