"""The parser of formulas: what it reads, what it refuses, and where its errors point."""

import json
import math

import numpy as np
import pytest

from symdiff import errors
from symdiff.errors import DtypeError, NameClash, ParseError, ShapeError, SymdiffError, UnknownName, Unsupported
from symdiff.expr import ops
from symdiff.expr.algebra import size
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Const, Delta
from symdiff.expr.scope import parse_shapes
from symdiff.expr.text import parse, parse_names
from symdiff.expr.vocabulary import CALLABLE

SHAPES = {"X": "n,d", "w": ("d",), "y": ["n"], "lam": ()}
X, w, y, lam = var("X", ("n", "d")), var("w", ("d",)), var("y", ("n",)), var("lam")
n, d = size("n"), size("d")

SAME = [
    ("sum((X @ w - y)**2) / n", ops.sum((X @ w - y) ** 2) / n),
    ("X.T @ (X @ w)", X.T @ (X @ w)),
    ("-w**2", -(w**2)),
    ("w**-1", w**-1),
    ("w*1/2", w / 2),
    ("2*3*w", 6 * w),
    ("2**3*w", 8 * w),
    ("+w", w),
    ("w % 2 + w // 2", w % 2 + w // 2),
    ("eye(n)", Delta("n")),
    ("eye(d)*sqrt(d)", ops.multiply(Delta("d"), ops.sqrt(d))),
    ("zeros(n, d) + X", X),
    ("zeros((n, d)) + X", X),
    ("ones(n) + 0*y", ops.ones("n")),
    ("full((n,), 2.5)*y", 2.5 * y),
    ("sum(X, axis=1, keepdims=True)", ops.sum(X, axis=1, keepdims=True)),
    ("sum(X, axis=(0, -1))", ops.sum(X)),
    ("mean(X, 0)", ops.mean(X, 0)),
    ("max(X, axis=1)", ops.max(X, axis=1)),
    ("where(w > 0, w, 0.1*w)", ops.where(ops.greater(w, 0), w, 0.1 * w)),
    ("where((w > 0) & ~(w >= 1) | (w == 2), w, 0)", ops.where(
        ops.logical_or(ops.logical_and(w > 0, ops.logical_not(w >= 1)), ops.equal(w, 2)), w, 0)),
    ("0 < w < 1", ops.logical_and(ops.less(0, w), ops.less(w, 1))),
    ("w != 0", ops.not_equal(w, 0)),
    ("einsum('ij,j->i', X, w)", X @ w),
    ("outer(w, w)", ops.outer(w, w)),
    ("norm(w)**2 + norm(X, 'fro')", ops.norm(w) ** 2 + ops.norm(X, "fro")),
    ("norm(w, ord=1)", ops.norm(w, 1)),
    ("matrix_power(X.T @ X, 3)", ops.matrix_power(X.T @ X, 3)),
    ("X[0]", X[0]),
    ("X[:, -1]", X[:, -1]),
    ("w[d - 1]", ops.index(w, "d - 1")),
    ("w[1:d:2]", w[1::2]),
    ("X[None, ..., 0]", X[None, ..., 0]),
    ("w[[0, 1, 1]]", w[[0, 1, 1]]),
    ("concatenate([w, w])", ops.concatenate([w, w])),
    ("reshape(X, (n*d,))", ops.ravel(X)),
    ("reshape(X, -1)", ops.ravel(X)),
    ("arange(n)*y", ops.arange("n") * y),
    ("slogdet(X.T @ X)[1]", ops.logdet(X.T @ X)),
    ("sigmoid(w) + softplus(w)", ops.sigmoid(w) + ops.softplus(w)),
    ("abs(w)", ops.absolute(w)),
    ("var(y)", ops.variance(y)),
    ("[lam, 2*lam]", ops.stack([lam, 2 * lam])),
    ("0.1*3*lam", 0.3 * lam),
    ("1/3*lam", lam / 3),
    (" \t sum(w) ", ops.sum(w)),
    ("sum(\n  w\n)", ops.sum(w)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), SAME, ids=[t for t, _ in SAME])
def test_text_is_the_expression_that_the_api_builds(text, wanted):
    assert parse(text, shapes=SHAPES) is wanted


def test_names_may_be_expressions_shapes_or_constants():
    assert parse("X @ v", {"X": X, "v": 2 * w}) is X @ (2 * w)
    assert parse("X @ v + c*n", {"X": X, "v": "d", "c": 0.5}) is X @ var("v", "d") + 0.5 * n
    assert parse("a @ w", {"a": np.ones((2, 3)), "w": (3,)}).shape == (2,)
    assert parse("x + μ₁", shapes={"x": (), "μ₁": ()}).shape == ()


def test_assumptions_reach_the_variable():
    assert parse("Y", shapes={"Y": "n,k"}, assume={"Y": "onehot"}) is var("Y", ("n", "k"), "onehot")
    with pytest.raises(UnknownName, match=r"'Z', which has no shape"):
        parse("Y", shapes={"Y": "n"}, assume={"Z": "spd"})
    with pytest.raises(UnknownName, match=r"did you mean 'onehot'"):
        parse("Y", shapes={"Y": "n"}, assume={"Y": "one_hot"})


def test_let_names_parts_that_later_ones_may_use():
    let = {"r": "X @ w - y", "s": "r*r"}
    assert parse("sum(s)", shapes=SHAPES, let=let) is ops.sum((X @ w - y) * (X @ w - y))
    names = parse_names(let, SHAPES)
    assert list(names) == ["X", "w", "y", "lam", "r", "s"]
    assert parse("r @ r", names) is (X @ w - y) @ (X @ w - y)
    with pytest.raises(NameClash, match="'w' is given twice"):
        parse_names({"w": "y"}, SHAPES)


REFUSED = [
    ("", ParseError, "empty"),
    ("sum(X @ w", ParseError, r"'\(' is never closed \(column 4\)"),
    ("sum(w))", ParseError, r"'\)' closes nothing \(column 7\)"),
    ("(w]", ParseError, r"'\]' does not close '\(' \(column 3\)"),
    ("X @ v", ParseError, r"no name 'v'.*\(column 5\)"),
    ("X @ W", ParseError, r"did you mean 'w'\?\); names: X, w, y, lam; sizes: n, d \(column 5\)"),
    ("sum(lamb*w)", ParseError, r"did you mean 'lam'"),
    ("foo(w)", ParseError, "no function 'foo'"),
    ("sigmiod(w)", ParseError, "did you mean 'sigmoid'"),
    ("w(3)", ParseError, "'w' is no function: write"),
    ("sin", ParseError, "'sin' is a function here"),
    ("open('x')", ParseError, "no function 'open'"),
    ("eval(w)", ParseError, "no function 'eval'"),
    ("__import__('os')", ParseError, "no function '__import__'"),
    ("index(w, 0)", ParseError, "no function 'index'"),
    ("X.shape", ParseError, r"attribute .shape .*only one is .T \(column 3\)"),
    ("X.__class__", ParseError, r"attribute .__class__"),
    ("X.T.__class__.__mro__", ParseError, "attribute .__"),
    ("X.sum()", ParseError, r"write sum\(...\), without a dot"),
    ("np.sum(X)", ParseError, r"write sum\(...\), without a dot"),
    ("X'@ y", ParseError, r"write .T for a transpose \(column 2\)"),
    ("2x", ParseError, "no formula"),
    ("w +", ParseError, "no formula"),
    ("w w", ParseError, "no formula"),
    ("w = 3", ParseError, "no formula"),
    ("w; w", ParseError, r"';' has no place"),
    ("w # c", ParseError, r"'#' has no place"),
    ("w\0", ParseError, "has no place"),
    ("w\ud800", ParseError, "has no place"),
    ("w if lam else y", ParseError, "a branch has no place.*write where"),
    ("w and w", ParseError, "and, or has no place.*write &"),
    ("not w", ParseError, "not has no place.*write ~"),
    ("w ^ 2", ParseError, r"\^ has no place in a formula: write \*\* for a power \(column 3\)"),
    ("w in w", ParseError, "in has no place"),
    ("w << 2", ParseError, "BinOp has no place"),
    ("lambda: w", ParseError, "lambda has no place"),
    ("[v for v in w]", ParseError, "comprehension has no place"),
    ("sum(v for v in w)", ParseError, "comprehension has no place"),
    ("{w}", ParseError, "set has no place"),
    ("{1: w}", ParseError, "dict has no place"),
    ('f"{w}"', ParseError, "f-string has no place"),
    ("(v := w)", ParseError, "assignment has no place"),
    ("sum(*w)", ParseError, "starred argument has no place"),
    ("sum(**w)", ParseError, r"\*\* has no place in a call"),
    ("sum(w, axes=0)", ParseError, r"no option 'axes' \(did you mean 'axis'\?\)"),
    ("sin(w, w)", ParseError, r"sin\(\) takes 1 argument"),
    ("outer(w)", ParseError, "missing"),
    ("True", ParseError, "True is no expression"),
    ("'w'", ParseError, "is no expression"),
    ("w + True", ParseError, "True is no operand"),
    ("w + None", ParseError, "None is no operand"),
    ('w + "a"', ParseError, "'a' is no operand"),
    ('sin("w")', ParseError, "takes no text"),
    ("w, w", ParseError, "several expressions"),
    ("slogdet(X.T @ X)", ParseError, "several expressions"),
    ("slogdet(X.T @ X)[2]", ParseError, "one of 2 results"),
    ("w[0.5]", ParseError, "index is a whole number"),
    ('w["a"]', ParseError, "index is a whole number"),
    ("w[:lam]", ParseError, "bound of a slice"),
    ("1j*w", ParseError, "real numbers only"),
    ("b'a'*w", ParseError, "no place"),
    ("1e999", ParseError, "too large"),
    ("1" * 200, ParseError, "too long"),
    ("2**1000000000*w", ParseError, "too large"),
    ("zeros(10**9)", ParseError, "larger than|not between"),
    ("zeros(lam)", ParseError, "a size is a whole number or is made of names of dims"),
    ("repeat(w, 10000000)", ParseError, "larger than"),
    ("X @ y", ShapeError, r"the last dim of X, 'd', must equal the first of y, 'n' \(column 3\)"),
    ("X.T + X", ShapeError, r"add: .* do not broadcast.*\(column 5\)"),
    ("w @ 3", ShapeError, "use . for a scalar"),
    ("sum(w, axis=3)", ShapeError, "no axis 3"),
    ("inv(X)", ShapeError, r"square matrix .*\(column 1\)"),
    ("X[0, 0, 0]", ShapeError, "3 indices"),
    ("w[w > 0]", Unsupported, r"np.where\(mask, a, b\)"),
    ("einsum('ij,jk', X)", ShapeError, "has 2 operands, 1"),
]


@pytest.mark.parametrize(("text", "kind", "message"), REFUSED, ids=[t[:24].encode("ascii", "replace").decode() for t, _, _ in REFUSED])
def test_what_is_no_formula_is_refused(text, kind, message):
    with pytest.raises(kind, match=f"(?s){message}") as caught:
        parse(text, shapes=SHAPES)
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000 + "w" + ")" * 100_000,
        "(" * 100_000,
        "(" * 5000 + "w" + ")" * 5000,
        "[" * 150 + "]" * 150,
        "-" * 19_000 + "w",
        "not " * 4_000 + "w",
        "w**" * 6_000 + "w",
        "lambda:" * 2_000 + "w",
        "w if w else " * 1_500 + "w",
        "sin(" * 4000 + "w" + ")" * 4000,
        "w" * 1_000_000,
    ],
    ids=lambda t: t[:8],
)
def test_long_and_deep_text_is_a_clear_error(text):
    with pytest.raises(ParseError) as caught:
        parse(text, shapes=SHAPES)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("text", ["~" * 5_000 + "w", "w" + ".T" * 9_000, "w" + "[0]" * 6_000], ids=lambda t: t[:8])
def test_chains_that_newer_parsers_read_are_read_or_a_clear_error(text):
    try:
        assert isinstance(parse(text, shapes=SHAPES), Expr)
    except SymdiffError as error:
        assert len(str(error)) < 400


def test_a_long_sum_within_the_limits_is_read():
    assert parse("+".join(["lam"] * 2000), shapes=SHAPES).shape == ()
    assert parse("sin(" * 90 + "lam" + ")" * 90, shapes=SHAPES).shape == ()


@pytest.mark.parametrize(
    ("text", "column"),
    [("X @ v", 4), ("   X @ v", 4), ("μ + X @ v", 8), ("sum((X) @ (y))", 8), ("w + (lam*(X+w.T+y))", 15), ("w + 1*" * 20 + "v", 120)],
)
def test_the_caret_stands_under_the_fault(text, column):
    with pytest.raises(SymdiffError) as caught:
        parse(text, shapes=SHAPES | {"μ": ()})
    message, line, caret = str(caught.value).rsplit("\n", 2)
    assert message.endswith(f"(column {column + 1})")
    assert caret.strip() == "^"
    assert line[caret.index("^")] == text.strip()[column]


def test_a_name_means_one_thing():
    with pytest.raises(NameClash, match="'n' is both a dim and a name"):
        parse("X", shapes={"X": "n,d", "n": ()})
    with pytest.raises(NameClash, match="'n' is both a dim and a name"):
        parse("n", shapes={"n": (), "X": "n,d"})
    with pytest.raises(NameClash, match="'w' is given twice"):
        parse("w", {"w": w}, shapes={"w": "n"})
    with pytest.raises(NameClash, match="'w' is given two shapes"):
        parse_shapes("w:n w:d")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (math.nan, "holds nan"),
        (np.array([1.0, np.nan]), "holds nan"),
        (1j, "complex"),
        (np.array([1j]), "complex"),
        (np.array([object()]), "object"),
        ({"a": 1}, "no number|object"),
    ],
)
def test_a_constant_for_a_name_is_real_numbers(value, message):
    with pytest.raises(DtypeError, match=message):
        parse("c", {"c": value})


def test_empty_axes_have_no_maximum():
    assert parse("sum(z)", shapes={"z": (0,)}).shape == ()
    with pytest.raises(ShapeError, match=r"max: an axis of \(0,\) is empty"):
        parse("max(z)", shapes={"z": (0,)})


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("X:n,d w:d y:n", {"X": ("n", "d"), "w": ("d",), "y": ("n",)}),
        ("lam A:3,3 s:", {"lam": (), "A": (3, 3), "s": ()}),
        (["X:n, d", "w:d"], {"X": ("n", "d"), "w": ("d",)}),
        ("X:n,2*n;z:n+1", {"X": ("n", "2*n"), "z": ("n + 1",)}),
        ("w:d w:d", {"w": ("d",)}),
        ("", {}),
    ],
)
def test_shapes_are_read_from_a_line(text, shapes):
    assert parse_shapes(text) == shapes


@pytest.mark.parametrize(
    ("text", "kind"), [("X:n:d", ParseError), (":n", ParseError), ("2x:n", ParseError), ("X:n^2", ShapeError), ("X:-1", ShapeError)]
)
def test_what_is_no_shape_is_refused(text, kind):
    with pytest.raises(kind):
        parse_shapes(text)


def test_every_function_of_the_corpus_can_be_called():
    words = (
        "abs cos cosh det diag einsum exp eye inv kron log log1p logdet matrix_power max maximum mean minimum norm ones outer sign sin sqrt sum tan "
        "tanh trace where zeros sigmoid softmax logsumexp relu"
    )
    assert not set(words.split()) - CALLABLE.keys()


def test_errors_are_symdiff_errors():
    assert issubclass(ParseError, errors.SymdiffError)
    assert issubclass(ParseError, ValueError)
    assert isinstance(parse("2"), Const)
    with pytest.raises(ParseError, match="text, not int"):
        parse(3)
    assert json.dumps(str(UnknownName("x")))
