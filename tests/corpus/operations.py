"""Operations of a formula in NumPy's syntax, by the corpus's rule: each binary operator, comparison, unary minus (of what is no number),
call (but eye, ones, zeros) and transpose counts one; a named subexpression counts once."""

from __future__ import annotations

import ast
from collections.abc import Mapping

FREE = ("eye", "ones", "zeros")


def operations(text: str) -> int:
    """Operations of one line."""
    return sum(_own(node) for node in ast.walk(ast.parse(text, mode="eval")))


def _own(node: ast.AST) -> int:
    match node:
        case ast.BinOp() | ast.Attribute(attr="T"):
            return 1
        case ast.Compare():
            return len(node.ops)
        case ast.UnaryOp(op=ast.USub()):
            return not isinstance(node.operand, ast.Constant)
        case ast.Call(func=ast.Name(id=name)):
            return name not in FREE
    return 0


def operations_with_names(text: str, let: Mapping[str, str]) -> int:
    """Operations of a line and of the names that it uses, directly or by another name, each once."""
    used = _names(text)
    for name, line in reversed(let.items()):
        if name in used:
            used |= _names(line)
    return operations(text) + sum(operations(line) for name, line in let.items() if name in used)


def _names(text: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(text, mode="eval")) if isinstance(node, ast.Name)}
