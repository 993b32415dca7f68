"""The text of a formula before it means anything: its columns, its brackets, and Python's tree of it.

Length and nesting are bounded before Python's own parser sees the text, and what that parser still cannot take becomes a ParseError.
"""

from __future__ import annotations

import ast
import re
import warnings
from typing import NoReturn

from symdiff.errors import ParseError
from symdiff.expr.names import SUBSCRIPTS

LONGEST_TEXT = 20_000
DEEPEST_BRACKETS = 100


class SourceText:
    """A line of text with an error for every column."""

    def __init__(self, text: str) -> None:
        self.text = re.sub(r"\s", " ", text).translate(SUBSCRIPTS)

    def pointer(self, column: int) -> str:
        """' (column c)' and the text with a caret under the column, counted from 0; a long text is cut to its neighbourhood."""
        start = max(0, column - 60)
        line = ("..." if start else "") + self.text[start : column + 40] + ("..." if column + 40 < len(self.text) else "")
        return f" (column {column + 1})\n  {line}\n  {' ' * (column - start + (3 if start else 0))}^"

    def fail(self, message: str, at: ast.AST | int) -> NoReturn:
        raise ParseError(self.message(message, at))

    def message(self, text: str, at: ast.AST | int) -> str:
        """The text of an error, its longest words cut, and where it is."""
        cut = re.sub(r"\w{60,}", lambda word: f"{word[0][:40]}...", text)
        return cut + self.pointer(at if isinstance(at, int) else self.column(at))

    def column(self, node: ast.AST) -> int:
        """The column of a node in characters; ast counts bytes. An operator points at itself, not at its left operand."""
        offset = getattr(node, "col_offset", 0)
        if isinstance(node, (ast.BinOp, ast.Compare)):
            left = node.left
            right = node.right if isinstance(node, ast.BinOp) else node.comparators[0]
            begin, end = self.characters(left.end_col_offset or 0), self.characters(right.col_offset)
            between = self.text[begin:end]
            symbol = re.search(r"[^\s()]", between)
            return begin + (symbol.start() if symbol else 0)
        return self.characters(offset)

    def characters(self, offset: int) -> int:
        return len(self.text.encode()[:offset].decode(errors="ignore"))

    # --- the tree -----------------------------------------------------------------------------------------------------
    def tree(self) -> ast.expr:
        """Python's tree of the text. Length and depth of brackets are bounded first, what is left is caught."""
        if not self.text.strip():
            raise ParseError("the formula is empty")
        if len(self.text) > LONGEST_TEXT:
            raise ParseError(f"the formula has {len(self.text)} characters; at most {LONGEST_TEXT} can be read: name its parts with let")
        self.check_brackets()
        bad = re.search(r"[\x00#;`\\$!?'\ud800-\udfff]", re.sub(r"!=", "  ", re.sub(r"'[\w,>. -]*'", lambda m: " " * len(m[0]), self.text)))
        if bad:
            hint = ": write .T for a transpose" if bad[0] == "'" else ""
            self.fail(f"the character {bad[0]!r} has no place in a formula{hint}", bad.start())
        lead = len(self.text) - len(self.text.lstrip())
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                return ast.parse(self.text[:lead].replace(" ", "") + self.text[lead:], mode="eval").body
        except SyntaxError as error:
            column = min(max((error.offset or 1) - 1 + lead, 0), max(len(self.text.rstrip()) - 1, 0))
            self.fail(f"this is no formula: {error.msg}", column)
        except (RecursionError, MemoryError):
            raise ParseError("the formula is nested too deeply to be read: name its parts with let") from None
        except (ValueError, Warning) as error:
            raise ParseError(f"this is no formula: {error}") from None

    def check_brackets(self) -> None:
        pairs = {")": "(", "]": "[", "}": "{"}
        open_at: list[int] = []
        for column, c in enumerate(self.text):
            if c in "([{":
                open_at.append(column)
                if len(open_at) > DEEPEST_BRACKETS:
                    self.fail(f"brackets are nested more than {DEEPEST_BRACKETS} deep", column)
            elif c in pairs:
                if not open_at:
                    self.fail(f"{c!r} closes nothing", column)
                if self.text[open_at[-1]] != pairs[c]:
                    self.fail(f"{c!r} does not close {self.text[open_at[-1]]!r}", column)
                open_at.pop()
        if open_at:
            self.fail(f"{self.text[open_at[-1]]!r} is never closed", open_at[-1])
