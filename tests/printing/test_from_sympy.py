"""from_sympy: what users of SymPy write, as the node that NumPy's names make; errors by name; round trips of random expressions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy.matrices.expressions.diagonal import DiagonalMatrix, DiagonalOf
from sympy.matrices.expressions.hadamard import HadamardPower

from symdiff.errors import DtypeError, ShapeError, UnknownName, Unsupported
from symdiff.expr import ops
from symdiff.expr.algebra import contract, size
from symdiff.expr.build import apply
from symdiff.expr.leaves import const, var
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Const
from symdiff.expr.traverse import variables
from symdiff.printing.from_sympy import from_sympy
from symdiff.printing.sympy_source import sympy_source
from symdiff.printing.to_sympy import to_sympy
from tests.printing.sympy_values import sympy_value
from tests.reference import evaluate

n, d = sp.symbols("n d", integer=True, positive=True)
i, j, k = sp.symbols("i j k", integer=True)
x, t, p = sp.Symbol("x"), sp.Symbol("t", real=True), sp.Symbol("p", positive=True)
X, A, B = sp.MatrixSymbol("X", n, d), sp.MatrixSymbol("A", n, n), sp.MatrixSymbol("B", n, n)
w, y, u = sp.MatrixSymbol("w", d, 1), sp.MatrixSymbol("y", n, 1), sp.MatrixSymbol("u", n, 1)
T = sp.IndexedBase("T", shape=(n, d, 3))

_x, _t, _p = var("x"), var("t"), var("p", (), "positive")
_X, _A, _B = var("X", ("n", "d")), var("A", ("n", "n")), var("B", ("n", "n"))
_w, _y, _u, _T = var("w", ("d",)), var("y", ("n",)), var("u", ("n",)), var("T", ("n", "d", 3))

ROWS = [
    # scalars
    (x + 1, 1 + _x),
    (sp.Add(x, -t, evaluate=False), _x - _t),
    (sp.Rational(2, 3) * x, Fraction(2, 3) * _x),
    (sp.Float(0.1) * x, 0.1 * _x),
    (sp.pi * x, math.pi * _x),
    (x**2, _x**2),
    (sp.sqrt(x), ops.sqrt(_x)),
    (x**t, _x**_t),
    (1 / x, 1 / _x),
    (sp.exp(-(x**2)), ops.exp(-(_x**2))),
    (sp.Abs(x), abs(_x)),
    (sp.sign(t), ops.sign(_t)),
    (sp.Min(x, 1), ops.minimum(1, _x)),
    (sp.loggamma(p), ops.gammaln(_p)),
    (sp.polygamma(0, p), ops.digamma(_p)),
    (sp.polygamma(2, p), ops.polygamma(2, _p)),
    (sp.gamma(p), ops.exp(ops.gammaln(_p))),
    (sp.erf(x), ops.erf(_x)),
    (sp.sec(x), 1 / ops.cos(_x)),
    (sp.sinc(sp.pi * x), ops.sinc(_x)),
    (sp.atan2(x, t), ops.arctan2(_x, _t)),
    (sp.Mod(x, 3), ops.mod(_x, 3)),
    (sp.Piecewise((x, x > 0), (t, True)), ops.where(_x > 0, _x, _t)),
    (sp.Piecewise((x, x > 1), (0, x < -1), (t, True)), ops.where(_x > 1, _x, ops.where(_x < -1, 0, _t))),
    (sp.Piecewise((1, x > 0), (0, True)), _x > 0),
    (sp.Heaviside(x), ops.heaviside(_x, Fraction(1, 2))),
    (sp.Mul(n, x, evaluate=False), size("n") * _x),
    (sp.Function("sigmoid")(x), ops.sigmoid(_x)),
    # matrices
    (X * w, _X @ _w),
    (y.T * u, _y @ _u),
    (y * w.T, ops.outer(_y, _w)),
    (sp.Trace(A), ops.trace(_A)),
    (sp.Trace(A * B), ops.einsum("ij,ji->", _A, _B)),
    (sp.Trace(A.T * B), ops.einsum("ij,ij->", _A, _B)),
    (sp.Determinant(A), ops.det(_A)),
    (A.I, ops.inv(_A)),
    (A**3, ops.matrix_power(_A, 3)),
    (sp.MatPow(A, -1), ops.inv(_A)),
    (sp.HadamardProduct(A, B), _A * _B),
    (HadamardPower(X, 2), _X**2),
    (HadamardPower(A, B), _A**_B),
    (sp.KroneckerProduct(A, X), ops.kron(_A, _X)),
    (sp.Identity(n) + A, ops.eye("n") + _A),
    (sp.ZeroMatrix(n, d), ops.zeros(("n", "d"))),
    (x * sp.OneMatrix(n, d), _x * ops.ones(("n", "d"))),
    (sp.DiagMatrix(y), ops.diag(_y)),
    (sp.DiagMatrix(y) * X, ops.einsum("i,ij->ij", _y, _X)),
    (DiagonalOf(A), ops.diag(_A)),
    (DiagonalMatrix(A), _A * ops.eye("n")),
    (X.applyfunc(sp.tanh), ops.tanh(_X)),
    (X.applyfunc(sp.Lambda(x, x**2 + 1)), 1 + _X**2),
    (sp.BlockMatrix([[A, X], [B, X]]), ops.concatenate([ops.concatenate([_A, _X], 1), ops.concatenate([_B, _X], 1)])),
    (X[1, 2], _X[1, 2]),
    (X[1:3, :], _X[1:3, :]),
    (y[-1 + n, 0], _y[-1]),
    (sp.Matrix([[1, 2], [3, 4]]), const(np.array([[1, 2], [3, 4]]))),
    (sp.Matrix([x, t]), ops.concatenate([ops.reshape(_x, (1,)), ops.reshape(_t, (1,))])),
    # indices
    (sp.Sum(X[i, j] ** 2, (i, 0, n - 1), (j, 0, d - 1)), ops.sum(_X**2)),
    (sp.Sum(X[i, j] * w[j, 0], (j, 0, d - 1), (i, 0, n - 1)), ops.einsum("ij,j->", _X, _w)),
    (sp.Sum(y[i, 0], (i, 1, n - 1)), ops.sum(_y[1:])),
    (sp.Sum(x, (i, 0, n - 1)), _x * size("n")),
    (sp.Sum(i, (i, 0, n - 1)), ops.sum(ops.arange("n"))),
    (sp.Product(y[i, 0], (i, 0, n - 1)), ops.prod(_y)),
    (sp.Sum(sp.KroneckerDelta(i, j) * A[i, j], (i, 0, n - 1), (j, 0, n - 1)), ops.trace(_A)),
    (sp.FunctionMatrix(n, n, sp.Lambda((i, j), A[i, j] * y[j, 0])), _A * _y),
    (sp.FunctionMatrix(n, 1, sp.Lambda((i, j), sp.Sum(y[k, 0], (k, 0, i)))), ops.cumsum(_y)),
    (sp.Sum(T[i, j, 0], (i, 0, n - 1), (j, 0, d - 1)), ops.sum(_T[:, :, 0])),
]  # fmt: skip


@pytest.mark.parametrize("s, e", ROWS, ids=[str(s) for s, _ in ROWS])
def test_reads_as_the_node_that_numpys_names_make(s, e):
    assert from_sympy(s) is e


EQUAL = [  # in SymPy's order of operands
    (sp.Max(x, t, 0), ops.maximum(ops.maximum(_x, _t), 0)),
    (sp.And(x > 0, x < 1), (_x > 0) & (_x < 1)),
    (x / t - 3 * sp.exp(x) * t**2, _x / _t - 3 * ops.exp(_x) * _t**2),
    (2 * X.T * (X * w - y), 2 * _X.T @ (_X @ _w - _y)),
    ((X * w - y).T * (X * w - y), ops.sum((_X @ _w - _y) ** 2)),
    (X[0, :].T, _X[0, :, None]),
    (sp.Sum(y[i + 1, 0] - y[i, 0], (i, 0, n - 2)), ops.sum(_y[1:] - _y[:-1])),
    (sp.Sum(y[i, 0] * u[j, 0], (i, 0, j), (j, 0, n - 1)), ops.cumsum(_y) @ _u),
    (sp.Sum(y[i, 0], (i, j, n - 1), (j, 0, n - 1)), ops.sum(ops.arange("n") * _y + _y)),
]


@pytest.mark.parametrize("s, e", EQUAL, ids=[str(s) for s, _ in EQUAL])
def test_reads_what_has_the_same_values(s, e):
    back = from_sympy(s)
    env = {v: np.random.default_rng(3).normal(size=[{"n": 3, "d": 2}[d] for d in v.shape]) for v in variables(e)}
    assert back.shape == e.shape
    assert np.allclose(evaluate(back, env), evaluate(e, env))


# --- shapes and kinds of symbols ------------------------------------------------------------------------------------
def test_a_column_is_a_vector_unless_shapes_say_otherwise():
    assert from_sympy(y) is _y
    assert from_sympy(y, {"y": ("n", 1)}) is var("y", ("n", 1))
    assert from_sympy(X * w, {"w": "d,1"}) is _X @ var("w", ("d", 1))
    assert from_sympy(sp.MatrixSymbol("r", 1, n), {"r": ("n",)}).shape == (1, "n")
    assert from_sympy(sp.MatrixSymbol("r", 1, n)) is var("r", (1, "n"))


def test_shapes_may_put_expressions_in_place_of_names():
    assert from_sympy(X * w, {"w": ops.exp(_w)}) is _X @ ops.exp(_w)
    assert from_sympy(x + 1, {"x": _y @ _u}) is 1 + _y @ _u


def test_a_symbol_that_stands_in_a_shape_is_a_dim():
    m = sp.Symbol("m")
    M = sp.MatrixSymbol("M", m, m)
    assert from_sympy(sp.Trace(M) / m) is contract([(size("m") ** -1, ()), (ops.trace(var("M", ("m", "m"))), ())], ())
    assert from_sympy(m) is var("m")
    assert from_sympy(n) is size("n")
    assert from_sympy(n + x, {"n": ()}) is from_sympy(n + x, {"n": var("n")})


def test_numbers_keep_their_kind():
    for number, value in [
        (sp.Integer(2), 2),
        (sp.Float(2.0), 2.0),
        (sp.Rational(1, 3), Fraction(1, 3)),
        (sp.oo, math.inf),
        (sp.true, True),
    ]:
        back = from_sympy(number)
        assert isinstance(back, Const)
        assert back.value == value
        assert type(back.value) is type(value)
    assert math.isnan(from_sympy(sp.nan).value)
    assert from_sympy(3) is Const(3)


# --- errors -------------------------------------------------------------------------------------------------------
ERRORS = [
    (sp.Function("f")(x), Unsupported, "the function f is not known"),
    (sp.zeta(x), Unsupported, "zeta"),
    (sp.besselj(0, x), Unsupported, "besselj"),
    (sp.Derivative(sp.Function("f")(x), x), Unsupported, "Derivative"),
    (sp.Integral(x, (x, 0, 1)), Unsupported, "Integral"),
    (sp.I * x, DtypeError, "complex"),
    (sp.zoo, DtypeError, "complex"),
    (sp.Symbol("z", imaginary=True), DtypeError, "not real"),
    (sp.gamma(x), Unsupported, "positive arguments"),
    (sp.Piecewise((x, x > 0)), Unsupported, "end it with"),
    (A**sp.Rational(1, 2), Unsupported, "no whole number"),
    (sp.Lambda(x, x + 1), Unsupported, "Idx"),
    (sp.IndexedBase("U")[i], ShapeError, "has no shape"),
    ("x + 1", Unsupported, "sd.parse"),
]  # fmt: skip


@pytest.mark.parametrize("s, error, words", ERRORS, ids=[str(s) for s, *_ in ERRORS])
def test_what_is_not_known_is_an_error_with_its_name(s, error, words):
    with pytest.raises(error, match=words):
        from_sympy(s)


def test_shapes_are_checked():
    with pytest.raises(UnknownName, match="did you mean 'w'"):
        from_sympy(X * w, {"ww": ("d",)})
    with pytest.raises(ShapeError, match="its shape is given as"):
        from_sympy(X * w, {"w": ("d", 2)})
    with pytest.raises(ShapeError, match="a vector or matrix is a MatrixSymbol"):
        from_sympy(x + 1, {"x": ("n",)})
    with pytest.raises(UnknownName, match="cannot be called"):
        from_sympy(sp.Symbol("not a name"))


# --- random expressions over the bridge and back ----------------------------------------------------------------------
DIMS = ("n", "d", 2)
UNARY = ("exp", "sin", "tanh", "abs", "sigmoid", "relu", "floor", "log1p", "gelu", "sign")
BINARY = ("maximum", "minimum", "arctan2", "less", "pow", "hypot", "equal", "logaddexp")


@st.composite
def expressions(draw: st.DrawFn, depth: int = 4) -> Expr:
    """An expression of rank 0 to 3 by random constructors over variables of random shapes."""
    shapes = [(), ("n",), ("d",), ("n", "d"), ("n", "n"), ("n", 1), (2, "n"), ("n", "d", 2)]
    pool = [var(f"v{a}{b}", draw(st.sampled_from(shapes))) for a, b in enumerate(draw(st.permutations("abc")))]
    for _ in range(depth):
        kind = draw(st.sampled_from(("contract", "add", "map1", "map2", "reduce", "slice", "join", "scale")))
        e = draw(st.sampled_from(pool))
        like = [o for o in pool if o.shape == e.shape]
        match kind:
            case "contract":
                pool.append(draw(contractions(pool)))
            case "add":
                pool.append(ops.add(e, draw(st.sampled_from(like))))
            case "scale":
                pool.append(ops.multiply(draw(st.sampled_from((2, -1, 0.5, Fraction(1, 3)))), e))
            case "map1":
                pool.append(apply(draw(st.sampled_from(UNARY)), e))
            case "map2":
                pool.append(apply(draw(st.sampled_from(BINARY)), e, draw(st.sampled_from([*like, const(2), const(0.5)]))))
            case "reduce" if e.shape and 0 not in e.shape:
                make = draw(st.sampled_from((ops.max, ops.prod, ops.logsumexp, ops.cumsum, ops.argsort)))
                pool.append(make(e, axis=draw(st.integers(0, e.ndim - 1))))
            case "slice" if e.shape and 0 not in e.shape:
                key = [draw(st.sampled_from((slice(None), slice(1, None), 0, -1, slice(None, None, -1)))) for _ in e.shape]
                pool.append(e[tuple(key)])
            case "join" if e.shape:
                pool.append(ops.concatenate([e, draw(st.sampled_from(like))], axis=draw(st.integers(0, e.ndim - 1))))
    return pool[-1]


@st.composite
def contractions(draw: st.DrawFn, pool: list[Expr]) -> Expr:
    """A product of one to four members of the pool, with random labels of equal dims and a random output of at most three."""
    factors = []
    dims: dict[int, object] = {}
    for e in draw(st.lists(st.sampled_from(pool), min_size=1, max_size=4)):
        labels = []
        for dim in e.shape:
            same = [label for label, other in dims.items() if other == dim]
            label = draw(st.sampled_from([*same, len(dims)]))
            dims[label] = dim
            labels.append(label)
        factors.append((e, tuple(labels)))
    out = draw(st.lists(st.sampled_from(sorted(dims)), unique=True, max_size=3)) if dims else []
    return contract(factors, tuple(out))


V = var("v", ("n", "d", 2))
T = ops.transpose(V, (0, 2, 1))


@pytest.mark.parametrize(
    "e",
    [T + T, ops.transpose(V + V, (0, 2, 1)), ops.exp(T), ops.transpose(ops.exp(V), (0, 2, 1)), ops.sum(ops.exp(T) * T, axis=1)],
    ids=repr,
)
def test_a_function_of_transposed_axes_is_not_the_transposed_function(e):
    assert from_sympy(to_sympy(e)) is e


@settings(max_examples=150, deadline=None)
@given(expressions())
def test_random_expressions_come_back_as_the_same_node(e):
    assert from_sympy(to_sympy(e)) is e


@settings(max_examples=150, deadline=None)
@given(contractions([var("a", ("n", "n")), var("b", ("n",)), var("c"), var("e", ("n", "n")), var("f", ("n",)), ops.eye("n")]))
def test_random_products_come_back_as_the_same_node(e):
    assert from_sympy(to_sympy(e)) is e


@settings(max_examples=40, deadline=None)
@given(
    contractions([var("a", ("n", "n")), var("b", ("n",)), var("c"), var("e", ("n", 3)), ops.eye("n"), ops.ones("n")]),
    st.integers(0, 2**32 - 1),
)
def test_random_products_have_the_same_value_in_sympy(e, seed):
    rng = np.random.default_rng(seed)
    env = {v: rng.integers(-3, 4, size=[{"n": 2}.get(d, d) for d in v.shape]) for v in variables(e)}
    want = evaluate(e, env, {"n": 2})
    got = sympy_value(to_sympy(e), env, {"n": 2})
    assert np.allclose(got[:, 0] if want.ndim == 1 else got, want)


@settings(max_examples=60, deadline=None)
@given(expressions(), st.integers(0, 2**32 - 1))
def test_text_pasted_into_sympy_reads_back_with_the_same_values(e, seed):
    source = sympy_source(e)
    namespace: dict[str, object] = {}
    exec(f"from sympy import *\n{source.declarations}\nresult = {source.formula}", namespace)
    result = sp.sympify(namespace["result"])
    symbols = {str(s) for s in result.atoms(sp.Symbol, sp.MatrixSymbol, sp.IndexedBase)}
    back = from_sympy(result, {v.name: v for v in variables(e) if v.name in symbols})
    rng = np.random.default_rng(seed)
    env = {v: rng.normal(size=[{"n": 2, "d": 3}.get(d, d) for d in v.shape]) for v in variables(e)}
    got, want = (evaluate(x, env, {"n": 2, "d": 3}) for x in (back, e))
    if want.shape != got.shape:  # an (n, 1) array is a vector in the text
        want = want.reshape(got.shape)
    assert np.allclose(got, want, equal_nan=True)
