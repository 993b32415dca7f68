"""MathML: every formula of a table is well formed, and holds the letters and numbers of its LaTeX."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from symdiff.errors import ParseError
from symdiff.expr import ops
from symdiff.expr.leaves import var
from symdiff.printing.formula import format_formula
from symdiff.printing.mathml import mathml

X, w, y, s = var("X", ("n", "d")), var("w", "d"), var("y", "n"), var("out_h1")

FORMULAS = {
    "residual": 2 * X.T @ (X @ w - y),
    "quotient": ops.sigmoid(X @ w) / (1 + s),
    "root": ops.sqrt(ops.sum(y * y) + 1),
    "norm": ops.sum((X @ w - y) ** 2) / 2,
    "power": s**3 * ops.exp(-s),
    "inverse": ops.inv(X.T @ X) @ w,
    "comparison": ops.where(y > 0, y, -y),
    "absolute": ops.absolute(s),
    "softmax": ops.log_softmax(X, axis=1),
    "maximum": ops.maximum(s, 0.25),
    "small": s * 1e-12,
}


@pytest.mark.parametrize("name", FORMULAS)
def test_formula_is_well_formed(name):
    latex = format_formula(FORMULAS[name], "latex").text
    tree = ElementTree.fromstring(mathml(latex))
    counts = {"mfrac": 2, "msup": 2, "msub": 2, "msubsup": 3}
    for element in tree.iter():
        assert len(element) == counts.get(element.tag, len(element))
        if element.tag in ("mi", "mn", "mo"):
            assert element.text and not len(element)
    letters = re.findall(r"(?<![A-Za-z\\])[A-Za-z](?![A-Za-z])|\d", latex)
    shown = "".join(tree.itertext())
    assert all(letter in shown for letter in letters)


def test_scripts_join_their_base():
    assert mathml("W_{1}^\\top") == "<mrow><msubsup><mi>W</mi><mn>1</mn><mo>⊤</mo></msubsup></mrow>"


def test_signs_are_escaped():
    assert "<mo>&lt;</mo>" in mathml("a < b")


def test_missing_bracket_is_refused():
    with pytest.raises(ParseError, match="'\\)' is missing"):
        mathml("(a + b")
