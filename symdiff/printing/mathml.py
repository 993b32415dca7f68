"""The MathML style, for web pages: the LaTeX of a formula read token by token into presentation elements.

Only what the LaTeX style writes is known here. A bracket and what it holds are one row, so that a power stands on the whole of it.
Source: MathML Core, W3C, the elements mi, mn, mo, mrow, mfrac, msqrt, msub, msup, msubsup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from symdiff.errors import ParseError
from symdiff.printing.greek import GREEK

TOKEN = r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\S"
ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})
OPERATORS = {
    "odot": "⊙", "otimes": "⊗", "top": "⊤", "cdot": "·", "le": "≤", "ge": "≥", "ne": "≠", "sum": "∑", "circ": "∘", "lVert": "‖", "rVert": "‖", "times": "×",
    "partial": "∂", "dots": "…",
}  # fmt: skip
WORDS = ("mathrm", "operatorname", "mathbf", "text")
CLOSING = {"(": ")", "[": "]", "{": "}"}


def mathml(latex: str) -> str:
    """The elements of a formula that the LaTeX style wrote, in one mrow.

    >>> mathml(r'\\delta_{2} h^\\top')
    '<mrow><msub><mi>δ</mi><mn>2</mn></msub><msup><mi>h</mi><mo>⊤</mo></msup></mrow>'
    >>> mathml('(y - t)^{2}')
    '<mrow><msup><mrow><mo>(</mo><mi>y</mi><mo>−</mo><mi>t</mi><mo>)</mo></mrow><mn>2</mn></msup></mrow>'
    """
    tokens = iter(re.findall(TOKEN, latex))
    return _row(list(_elements(tokens, "")), always=True)


def _row(elements: list[str], always: bool = False) -> str:
    return elements[0] if len(elements) == 1 and not always else f"<mrow>{''.join(elements)}</mrow>"


def _elements(tokens: Iterator[str], end: str) -> list[str]:
    """The elements up to the token `end`; sub- and superscripts join the element before them."""
    found: list[str] = []
    scripts: dict[str, str] = {}

    def settle() -> None:
        if scripts:
            kind = f"msu{''.join(k for k in ('b', 'p') if k in scripts)}"
            kind = "msubsup" if kind == "msubp" else kind
            found[-1:] = [f"<{kind}>{found[-1] if found else '<mrow/>'}{''.join(scripts[k] for k in ('b', 'p') if k in scripts)}</{kind}>"]
            scripts.clear()

    for token in tokens:
        if token == end:
            break
        if token in "_^":
            script = "b" if token == "_" else "p"
            if script in scripts:
                settle()
            scripts[script] = _argument(tokens)
            continue
        settle()
        found.append(_element(token, tokens))
    else:
        if end:
            raise ParseError(f"mathml: {end!r} is missing")
    settle()
    return found


def _argument(tokens: Iterator[str]) -> str:
    return _element(next(tokens), tokens)


def _element(token: str, tokens: Iterator[str]) -> str:
    """The element that begins with a token."""
    if token == "{":
        return _row(_elements(tokens, "}"))
    if token in CLOSING:
        return _bracketed(token, _elements(tokens, CLOSING[token]), CLOSING[token])
    if not token.startswith("\\"):
        return f"<mn>{token}</mn>" if token[0].isdigit() else f"<mi>{token}</mi>" if token.isalpha() else _operator(token)
    word = token[1:]
    match word:
        case "frac":
            return f"<mfrac>{_argument(tokens)}{_argument(tokens)}</mfrac>"
        case "sqrt":
            return f"<msqrt>{_argument(tokens)}</msqrt>"
        case "left":
            opening = next(tokens)
            inner = _elements(tokens, "\\right")
            return _bracketed(opening, inner, next(tokens))
        case "quad":
            return '<mspace width="1em"/>'
        case "infty":
            return "<mi>∞</mi>"
    if word in WORDS:
        return f"<mi>{''.join(_letters(tokens)).translate(ESCAPES)}</mi>"
    if word in GREEK:
        return f"<mi>{GREEK[word]}</mi>"
    return f"<mi>{word}</mi>" if word.isalpha() and word not in OPERATORS else _operator(token)


def _letters(tokens: Iterator[str]) -> Iterator[str]:
    """The letters of a braced word."""
    next(tokens)
    for token in tokens:
        if token == "}":
            return
        yield token.removeprefix("\\")


def _bracketed(opening: str, inner: list[str], closing: str) -> str:
    return f"<mrow>{_operator(opening)}{''.join(inner)}{_operator(closing)}</mrow>"


def _operator(token: str) -> str:
    word = token.removeprefix("\\")
    return f"<mo>{OPERATORS.get(word, '−' if word == '-' else word).translate(ESCAPES)}</mo>"
