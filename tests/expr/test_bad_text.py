"""Text that no one should write: limits of length and depth, arguments of the wrong kind, names and constants that mean nothing."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from symdiff.errors import DtypeError, NameClash, ParseError, ShapeError, SymbolicValue, SymdiffError, UnknownName, Unsupported
from symdiff.expr import ops
from symdiff.expr.leaves import const, var
from symdiff.expr.node import Expr
from symdiff.expr.scope import parse_shapes
from symdiff.expr.text import parse

SHAPES = {"X": "n,d", "A": "n,n", "w": "d", "y": "n", "lam": "", "z": "0"}
LONG = "a" * 15_000

DEEP = {
    "100,000 terms": "+".join(["w"] * 100_000),
    "10,000 terms": "+".join(["w"] * 9_999),
    "10,000 factors": "*".join(["lam"] * 5_000),
    "100,000 signs": "-" * 100_000 + "w",
    "9,000 signs apart": "- " * 9_000 + "w",
    "9,000 mixed signs": "+-" * 9_000 + "w",
    "9,000 subtracted signs": "w--" * 6_000 + "w",
    "towers of powers": "lam**-" * 3_000 + "2",
    "100,000 brackets": "[" * 100_000 + "1" + "]" * 100_000,
    "nested lists": "[" * 90 + "lam" + "]" * 90,
    "nested lists of numbers": "[" * 99 + "1" + "]" * 99,
    "nested indices": "w[" + "[" * 90 + "0" + "]" * 90 + "]",
    "nested calls": "exp(" * 3_000 + "lam" + ")" * 3_000,
    "nested calls and lists": "sum([" * 2_000 + "lam" + "])" * 2_000,
    "many axes": "zeros(" + "1, " * 70 + "1)",
    "a long name": LONG,
    "a long function": f"{LONG}(w)",
    "a long attribute": f"w.{LONG}",
    "a long option": f"sum(w, {LONG}=1)",
    "a long number": "1" * 10_000,
    "a long hexadecimal": "0x" + "f" * 10_000,
    "a long text": f"einsum('{LONG}', w)",
    "a node for each of a million": "vander(w, 1000000)",
    "a million differences": "diff(w, n=1000000)",
    "more than memory": "zeros(10**9)",
}


@pytest.mark.parametrize("name", DEEP)
def test_long_and_deep_text_is_a_short_error_at_once(name):
    start = time.perf_counter()
    with pytest.raises((ParseError, DtypeError, ShapeError)) as caught:
        parse(DEEP[name], shapes=SHAPES)
    assert len(str(caught.value)) < 700
    assert time.perf_counter() - start < 3


@pytest.mark.parametrize(
    "text",
    ["(" * 99 + "lam" + ")" * 99, "exp(" * 99 + "lam" + ")" * 99, "+".join(["w"] * 1_000), "[" * 30 + "lam" + "]" * 30, "w<" * 3_000 + "w"],
)
def test_what_is_within_the_limits_is_read(text):
    assert isinstance(parse(text, shapes=SHAPES), Expr)


REFUSED = [
    # brackets and names
    ("sum(w[0)", ParseError, r"'\)' does not close '\[' \(column 8\)"),
    ("{w", ParseError, "'{' is never closed"),
    ("nan*w", ParseError, "no name 'nan'"),
    ("inf + lam", ParseError, "no name 'inf'"),
    ("float('nan')", ParseError, "no function 'float'"),
    ("__builtins__", ParseError, "no name '__builtins__'"),
    ("().__class__", ParseError, "attribute .__class__"),
    ("(1).real", ParseError, "attribute .real"),
    ("X.T.T.shape", ParseError, r"attribute .shape .* \(column 7\)"),
    ("sum(w)(w)", ParseError, "only functions by name"),
    ("getattr(w, 'T')", ParseError, "no function 'getattr'"),
    ("'a'.join(w)", ParseError, "only functions by name"),
    ("wł + w", ParseError, "no name 'wł' .did you mean 'w'"),
    ("w²", ParseError, "invalid character"),
    ("w\u202e", ParseError, "no formula"),
    # arguments of the wrong kind
    ("w[1:2:n]", ShapeError, "step of a slice is a whole number"),
    ("w[::0]", ShapeError, "step 0"),
    ("transpose(X, 5)", ShapeError, "a tuple of 2 whole numbers, not 5"),
    ("transpose(X, (0, 0))", ShapeError, "each axis"),
    ("matrix_power(A, 1.5)", Unsupported, "the exponent is a whole number, not 1.5"),
    ("matrix_power(A, lam)", Unsupported, "the exponent is a whole number"),
    ("tril(w)", ShapeError, "tril: a matrix is wanted"),
    ("triu(lam)", ShapeError, "triu: a matrix is wanted"),
    ("linspace(0, 1, 2.5)", ShapeError, "not 2.5"),
    ("linspace(0, 1, -1)", ShapeError, "not -1"),
    ("repeat(w, -1)", ShapeError, "repeat: a count is a whole number from 0 on, not -1"),
    ("tile(w, (2, -3))", ShapeError, "tile: a count is a whole number from 0 on, not -3"),
    ("pad(w, -1)", ShapeError, "pad"),
    ("diff(w, n=-1)", ShapeError, "diff: the order is a whole number from 0 on, not -1"),
    ("sum(X, axis=w)", SymbolicValue, "has no value yet"),
    ("sum(X, axis=0.5)", ShapeError, "not a whole number"),
    ("sum(X, axis=(0, 0))", ShapeError, "named twice"),
    ("full((2,), 1j)", ParseError, "real numbers only"),
    # shapes that cannot match
    ("X + y", ShapeError, r"\(column 3\)"),
    ("where(w > 0, w, y)", ShapeError, "do not broadcast"),
    ("[w, y]", ShapeError, "differ"),
    ("[[1, 2], [3]]", DtypeError, "no array of numbers"),
    ("concatenate([X, w])", ShapeError, "differ"),
    ("concatenate([])", ShapeError, "nothing"),
    ("einsum('i,i', w, y)", ShapeError, "'d' and for 'n'"),
    ("einsum('ij,jk->ik', X, y)", ShapeError, "does not fit"),
    ("solve(A, w)", ShapeError, "solve"),
    ("dot(X, X)", ShapeError, "last dim"),
    ("reshape(w, (n,))", ShapeError, "has d elements"),
    ("broadcast_to(w, (n,))", ShapeError, "does not stretch"),
    ("det(w)", ShapeError, "a matrix is wanted"),
    # empty axes
    ("max(z)", ShapeError, "empty"),
    ("mean(z)", ShapeError, "empty"),
    ("std(z)", ShapeError, "empty"),
    ("median(z)", ShapeError, "empty"),
    ("z[0]", ShapeError, "out of range for an axis of size 0"),
]


@pytest.mark.parametrize(("text", "kind", "message"), REFUSED, ids=[t.encode("ascii", "replace").decode() for t, _, _ in REFUSED])
def test_bad_text_is_refused_with_its_column(text, kind, message):
    with pytest.raises(kind, match=f"(?s){message}") as caught:
        parse(text, shapes=SHAPES)
    assert type(caught.value) is kind
    assert "(column " in str(caught.value)


EMPTY = [("sum(z)", ()), ("prod(z)", ()), ("norm(z)", ()), ("cumsum(z)", (0,)), ("softmax(z)", (0,)), ("eye(0)", (0, 0)), ("z @ z", ())]


@pytest.mark.parametrize(("text", "shape"), EMPTY)
def test_what_an_empty_axis_has(text, shape):
    assert parse(text, shapes=SHAPES).shape == shape


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("w:n w:d", NameClash, r"'w' is given two shapes, \(n,\) and \(d,\)"),
        ("w: n", ParseError, "write 'w:n'"),
        ("X: n,d w:d", ParseError, "write 'X:n,d'"),
        ("s: lam", ParseError, "or the names alone"),
        ("w:2.5", ShapeError, "a whole number"),
        ("__class__:n", ParseError, "no shape of a variable"),
        ("w:" + "(" * 3_000 + "n" + ")" * 3_000, ShapeError, "a whole number"),
    ],
    ids=lambda v: v[:12] if isinstance(v, str) else None,
)
def test_bad_shapes(text, kind, message):
    with pytest.raises(kind, match=message):
        parse_shapes(text)


def test_a_dim_is_no_variable():
    for shapes in ({"X": "n,d", "n": ""}, {"d": "", "X": "n,d"}, {"X": "n*d", "d": "k"}):
        with pytest.raises(NameClash, match="is both a dim and a name"):
            parse("sum(X)", shapes=shapes)


# --- constants ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("value", [math.nan, np.float32("nan"), np.array([1.0, np.nan]), [[1.0, math.nan]], const([0.0, math.nan])])
def test_a_constant_that_is_not_a_number_is_refused(value):
    with pytest.raises(DtypeError, match="holds nan"):
        parse("c*lam", {"c": value, "lam": ()})


@pytest.mark.parametrize("value", [math.inf, np.array([-np.inf, 1.0]), 10**400])
def test_constants_without_a_float_are_constants(value):
    assert parse("c*lam", {"c": value, "lam": ()}).shape == np.shape(value)


NO_NUMBERS = [
    1j, 1 + 0j, np.complex64(1), [1j, 2], np.array([1j]), np.array([1, None], dtype=object), np.array([object()]), "a", ["a"], None, {1.0}, b"a",
    [[1, 2], [3]], [10**400, 1], np.zeros(1, "M8[D]"), np.zeros(1, [("a", float)]), object(),
]  # fmt: skip


@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
def test_what_is_no_real_number_is_no_constant(value):
    with pytest.raises(DtypeError, match=r"complex|real numbers|no number"):
        const(value)


@pytest.mark.parametrize("value", [v for v in NO_NUMBERS if v is not None], ids=repr)
def test_what_is_no_real_number_is_no_operand(value):
    x = var("x", (1,))
    for operation in (ops.add, ops.multiply, ops.where):
        with pytest.raises(DtypeError):
            operation(x, value) if operation is not ops.where else operation(x > 0, x, value)


@pytest.mark.parametrize("name", ["", "1x", "x y", "__class__", "x;import os", "x.y", "x\n", 3, None])
def test_a_variable_has_a_name(name):
    with pytest.raises(UnknownName):
        var(name, ())


def test_every_error_is_one_of_ours():
    for kind in (DtypeError, NameClash, ParseError, ShapeError, SymbolicValue, UnknownName, Unsupported):
        assert issubclass(kind, SymdiffError)
        assert issubclass(kind, (ValueError, TypeError))
