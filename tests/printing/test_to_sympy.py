"""to_sympy: text of the common forms, values against the reference evaluator, the same node on the way back, complete tables."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import sympy as sp

from symdiff.errors import NameClash, Unsupported
from symdiff.expr import node as node_module
from symdiff.expr import ops
from symdiff.expr.build import apply
from symdiff.expr.functions import FUNCTIONS
from symdiff.expr.leaves import const, var
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Linalg, Scan, Scatter
from symdiff.expr.structure import scan
from symdiff.expr.traverse import variables
from symdiff.printing.bridge.arrays import TABLE
from symdiff.printing.bridge.functions import SPECIAL, classes
from symdiff.printing.from_sympy import from_sympy
from symdiff.printing.sympy_source import source_of_sympy, sympy_source
from symdiff.printing.to_sympy import FORMS, to_sympy
from tests.printing.sympy_values import sympy_value
from tests.reference import evaluate

SIZES = {"n": 2, "d": 3}
RNG = np.random.default_rng(7)

X, w, y, u = var("X", ("n", "d")), var("w", ("d",)), var("y", ("n",)), var("u", ("n",))
A, B = var("A", ("n", "n")), var("B", ("n", "n"), "symmetric")
V, c, p, Z, T = var("V", ("n", "d")), var("c"), var("p", (), "positive"), var("Z", ("n", 1)), var("T", ("n", "d", 2))
v2, v3 = var("v2", (2,)), var("v3", (3,))
DATA = const(np.array([[1.5, -2.0, 0.25], [3.0, 0.5, -1.0]]))


def arrays(e: Expr) -> dict[Expr, np.ndarray]:
    """Values of the variables: square matrices well conditioned, what is called positive positive."""
    env = {}
    for v in variables(e):
        value = RNG.normal(size=tuple(SIZES.get(d, d) for d in v.shape)).round(3)
        if v in (A, B):
            value = (value @ value.T + np.eye(2)).round(3)
        env[v] = np.abs(value) + 0.1 if "positive" in v.assumptions else value
    return env


def same_values(s: object, e: Expr, env: dict[Expr, np.ndarray]) -> None:
    want = evaluate(e, env, SIZES)
    got = sympy_value(sp.sympify(s), env, SIZES)
    if want.ndim == 1:
        got = got[:, 0]
    assert got.shape == want.shape
    assert np.allclose(got, want, rtol=1e-10, atol=1e-12), (s, got, want)


# --- text ---------------------------------------------------------------------------------------------------------
TEXTS = [
    (2 * X.T @ (X @ w - y), "2*X.T*(X*w - y)"),
    (X @ w, "X*w"),
    (X.T, "X.T"),
    (ops.outer(y, w), "y*w.T"),
    (y @ u, "(y.T*u)[0, 0]"),
    (y * u, "HadamardProduct(y, u)"),
    (ops.einsum("i,i,j->ij", y, u, w), "(HadamardProduct(y, u))*w.T"),
    (ops.trace(A), "Trace(A)"),
    (ops.trace(A @ A), "Trace(A*A)"),
    (ops.diag(y), "DiagMatrix(y)"),
    (ops.einsum("i,ij->ij", y, X), "DiagMatrix(y)*X"),
    (X + w, "X + OneMatrix(n, 1)*w.T"),
    (c * ops.eye("n"), "c*Identity(n)"),
    (ops.sum(X, axis=0), "X.T*OneMatrix(n, 1)"),
    (ops.sum(y), "(OneMatrix(1, n)*y)[0, 0]"),
    (ops.inv(A) @ y, "A**(-1)*y"),
    (ops.solve(A, y), "A**(-1)*y"),
    (ops.det(A), "Determinant(A)"),
    (ops.kron(A, X), "KroneckerProduct(A, X)"),
    (ops.exp(X), "X.applyfunc(Lambda(x, exp(x)))"),
    (ops.maximum(X, 0), "X.applyfunc(Lambda(x, Max(0, x)))"),
    (y**2, "HadamardPower(y, 2)"),
    (ops.maximum(y, u), "FunctionMatrix(n, 1, Lambda((i, j), Max(u[i, 0], y[i, 0])))"),
    (ops.where(y < 0, u, 1), "FunctionMatrix(n, 1, Lambda((i, j), Piecewise((u[i, 0], y[i, 0] < 0), (1, True))))"),
    (y[1:], "FunctionMatrix(-1 + n, 1, Lambda((i, j), y[1 + i, 0]))"),
    (ops.cumsum(y), "FunctionMatrix(n, 1, Lambda((j, k), Sum(y[i, 0], (i, 0, j))))"),
    (ops.concatenate([y, u]), "BlockMatrix([[y], [u]])"),
    (ops.zeros(("n", "d")), "ZeroMatrix(n, d)"),
    (3 * ops.ones("n"), "3*OneMatrix(n, 1)"),
    (ops.einsum("ijk,ij->ik", T, X), "FunctionMatrix(n, 2, Lambda((p, q), Sum(T[p, l, q]*X[p, l], (l, 0, -1 + d))))"),
    (1 / c + p**0.5, "1/c + sqrt(p)"),
    (ops.sigmoid(c), "sigmoid(c)"),
]  # fmt: skip


@pytest.mark.parametrize("e, text", TEXTS, ids=[text for _, text in TEXTS])
def test_common_forms_read_as_a_person_would_write_them(e, text):
    assert sympy_source(e).formula == text


# --- values and the way back ----------------------------------------------------------------------------------------
CASES = [
    *(e for e, _ in TEXTS),
    ops.sum((X @ w - y) ** 2) / 2, ops.mean(X, axis=1), ops.softmax(X), ops.logsumexp(X, axis=0), ops.logdet(B), ops.solve(A, X) @ w,
    ops.solve(A, X), X.T @ ops.inv(A), ops.matrix_power(A, 3), ops.matrix_power(A, -1), (A @ X) @ w, A @ (X @ w), (X @ w) @ y,
    ops.diag(A), ops.einsum("ii,i->i", A, u), ops.einsum("ij,ji->", A, B), ops.einsum("ij,ij->", X, V), ops.einsum("ij,ij,j->i", X, V, w),
    ops.einsum("i,ij->j", y, X), ops.einsum("ij,i,j->", X, y, w), ops.einsum("i,i,i->", y, u, y), ops.einsum("i,j,i->i", y, w, u),
    ops.einsum("ij,k->ijk", X, u), ops.einsum("i,j,k->ijk", y, w, u), ops.einsum("ijk->kji", T), T * 2, ops.exp(T), T.sum(axis=1), T[0],
    T @ ops.ones((2, 2)), ops.min(T, axis=(0, 2)), ops.max(X), ops.max(X, axis=0), ops.prod(X, axis=1), ops.prod(X), ops.cumsum(X, axis=0),
    ops.cumprod(w), scan("cumsum", y, 0, True), y[::-1], X[:, 1:], X[0], X[:, 0], X[1, 2], X[[1, 0, 1]], X[:, [0, 2]], y[ops.argsort(y)],
    ops.sort(y), ops.take_along_axis(X, ops.argsort(X, 1), 1), ops.argmax(X, axis=1), ops.argmin(y), ops.ravel(X), ops.kron(y, u),
    ops.pad(X, 1), ops.stack([y, u]), ops.concatenate([X, V], axis=1), ops.tril(A), ops.triu(A, 1), ops.arange("n") * y, ops.eye("n", "d", 1),
    y / u, c / (1 + c), ops.hypot(y, u), X**0.5 * 0 + V, p**y, ops.power(2, y), (y < 0) * u, (y < 0) & (u > 0), ~(y < 0), ops.where(y, u, 1),
    ops.where(ops.not_equal(y, 0), u, 1), ops.where(y < 0, 1, 0), ops.where(ops.where(X < 0, X, 1) @ w > 0, y, u), ops.minimum(u, y),
    ops.clip(X, 0, 1), ops.leaky_relu(y), ops.elu(y, c), Z.T @ Z, Z @ Z.T, 2 * Z + 1, ops.softmax(Z, axis=0), ops.ones(("n", 1)),
    ops.zeros(("n", 1)), ops.concatenate([Z, Z]), ops.cholesky(B), ops.pinv(A), ops.eigvalsh(B), ops.svdvals(A), ops.norm(X), ops.std(y),
    DATA @ v3, ops.exp(DATA) * v3, const(np.array([1, 2])), const([[1.0], [2.0]]) * v2[:, None], X[:, None] - V[None], ops.outer(y, y) * A,
    ops.broadcast_to(w, ("n", "d")), ops.broadcast_to(y[:, None], ("n", "d")), ops.eye("n") * A, c * (y @ u) * (w @ w), -A, 0.1 * X, X @ X.T @ A,
]  # fmt: skip
WITHOUT_TEXT_VALUE = ("where", "amax", "amin", "softmax", "logsumexp")


@pytest.mark.parametrize("e", CASES, ids=repr)
def test_form_has_the_value_of_the_expression(e):
    same_values(to_sympy(e), e, arrays(e))


@pytest.mark.parametrize("e", CASES, ids=repr)
def test_what_goes_over_and_back_is_the_same_node(e):
    assert from_sympy(to_sympy(e)) is e


@pytest.mark.parametrize("e", [e for e, _ in TEXTS] + [ops.tril(A), DATA @ v3, ops.sort(y), T * 2, ops.log1p(y), ops.gelu(y)], ids=repr)
def test_text_runs_after_the_star_import_and_has_the_same_value(e):
    source = sympy_source(e)
    scope: dict[str, object] = {}
    exec(f"from sympy import *\n{source.declarations}\nresult = {source.formula}", scope)
    same_values(scope["result"], e, arrays(e))


# --- functions and nodes: complete tables ----------------------------------------------------------------------------
ARGUMENTS = {  # where the default arguments, 0.3, 0.7, 1.2, are outside the domain
    "arccosh": [1.7], "polygamma": [2, 0.7], "mod": [5.5, 2.0], "floor_divide": [5.5, 2.0], "where": [1, 0.3, 0.7], "rint": [2.5], "trunc": [-1.5],
    "cbrt": [-0.5], "gammaln": [-0.5],
}  # fmt: skip


def test_every_function_has_one_form():
    assert set(classes()) | set(SPECIAL) == set(FUNCTIONS) | {"where"}
    assert set(classes()) & set(SPECIAL) == {"where"}


@pytest.mark.parametrize("shape", [(), ("n",)], ids=["scalar", "vector"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_has_its_value_and_comes_back(name, shape):
    numbers = ARGUMENTS.get(name, [0.3, 0.7, 1.2])[: FUNCTIONS[name].arity]
    places = [var(f"a{k}", shape) for k in range(len(numbers))]
    whole = 1 if name == "polygamma" else 0  # its order is a whole number
    e = apply(name, *(const(n) for n in numbers[:whole]), *places[whole:])
    env = {v: np.full([SIZES[d] for d in shape], float(n)) for v, n in zip(places, numbers, strict=True) if v in variables(e)}
    s = to_sympy(e)
    same_values(s, e, env)
    assert from_sympy(s) is e or name == "logical_xor"  # SymPy sorts the operands of Xor


@pytest.mark.parametrize(
    "name",
    [
        n
        for n, f in FUNCTIONS.items()
        if f.result == "real" and n not in ("where", "polygamma", "mod", "floor_divide", "rint", "trunc", "floor", "ceil", "sign")
    ],
)
def test_sympy_differentiates_the_form(name):
    numbers = ARGUMENTS.get(name, [0.3, 0.7, 1.2])[: FUNCTIONS[name].arity]
    symbols = [sp.Symbol(f"a{k}", real=True) for k in range(len(numbers))]
    s = to_sympy(apply(name, *(var(f"a{k}") for k in range(len(numbers)))))
    at = dict(zip(symbols, numbers, strict=True))

    def value(x: float) -> float:
        return float(sp.re(sp.N(s.subs(at | {symbols[0]: x}).doit(), 30)))

    step = 1e-5
    numeric = (value(numbers[0] + step) - value(numbers[0] - step)) / (2 * step)
    exact = float(sp.re(sp.N(s.diff(symbols[0]).subs(at).doit(), 30)))
    assert exact == pytest.approx(numeric, rel=1e-6, abs=1e-8)


def test_every_class_of_nodes_has_a_form():
    assert set(FORMS) == set(node_module._CLASSES.values())


def test_every_matrix_function_has_a_form():
    square = {"inv", "det", "logdet", "cholesky", "eigvalsh", "eigvecs", "svdvals", "svdu", "svdvt", "solve", "pinv"}
    for fn in square:
        e = Linalg(fn, (A, X) if fn == "solve" else (A,))
        assert from_sympy(to_sympy(e)) is e
    assert square <= set(TABLE)


def test_kinds_of_scans_scatters_and_gathers_come_back():
    index = const(np.array([0, 1, 1]))
    for e in [
        *(scan(kind, X, axis, reverse) for kind in Scan.KINDS for axis in (0, 1) for reverse in (False, True)),
        ops.pad(y, ((1, 2),)),
        Scatter((y, u), ops.pad(y, 1).keys * 2, ("n + 2",)),
        ops.take(X, index, axis=1),
    ]:
        assert from_sympy(to_sympy(e)) is e


# --- names, order, errors ------------------------------------------------------------------------------------------
def test_sympy_keeps_the_order_of_terms_and_operands():
    e = ops.maximum(y, u) + ops.minimum(u, y) - y + u
    assert from_sympy(to_sympy(e)) is e
    assert to_sympy(w @ w * 2 + c + 1).args[-1] == 1


def test_assumptions_reach_sympy_and_come_back():
    for word in ("positive", "nonnegative", "binary", "count", "prob", "sign", "small"):
        v = var("v", (), word)
        assert from_sympy(to_sympy(v)) is v
        assert to_sympy(v).is_real
    assert to_sympy(p).is_positive
    assert from_sympy(to_sympy(B)) is B


def test_names_write_nodes_as_symbols():
    r = X @ w - y
    s = to_sympy(X.T @ r, names={r: "r", X: "M"})
    assert str(s) == "M.T*r"
    assert from_sympy(s, {"r": r, "M": X}) is X.T @ r


def test_two_variables_of_one_name_are_refused():
    other = var("y", ("n",), token=1)
    with pytest.raises(NameClash, match="two variables are called 'y'"):
        to_sympy(y + other)
    assert str(to_sympy(y + other, names={other: "y2"})) == "y + y2"


def test_text_spells_names_that_python_or_sympy_would_misread():
    names = [var("lambda"), var("δ₂"), var("sin"), var("n"), var("E")]
    e = ops.sin(names[0]) + names[1] * names[2] + names[3] / 3 + ops.sum(y) + names[4]
    source = sympy_source(e)
    scope: dict[str, object] = {}
    exec(f"from sympy import *\n{source.declarations}\nresult = {source.formula}", scope)
    env = {v: np.array(0.25 * k) for k, v in enumerate(variables(e)[:-1], start=1)} | {y: np.array([1.0, 2.0])}
    env = {v: env.get(v, np.array(0.5)) for v in variables(e)}
    numeric = {k: v for k, v in env.items() if k.name != "n"}
    result = sp.sympify(scope["result"]).subs(sp.Symbol("n", real=True), float(env[names[3]]))
    assert float(sympy_value(result, numeric, {"n": 2})) == pytest.approx(float(evaluate(e, env)))


def test_the_same_text_in_every_run():
    texts = {str(source_of_sympy(to_sympy(e))) for e in [ops.softmax(X @ X.T)] * 3}
    assert len(texts) == 1


def test_a_deep_chain_is_written_without_recursion():
    e = c
    for _ in range(5_000):
        e = ops.sin(e) * c
    assert from_sympy(to_sympy(e)) is e


def test_what_is_deeper_than_sympy_can_hold_is_refused():
    e = y
    for _ in range(700):
        e = ops.sin(e) * y
    with pytest.raises(Unsupported, match="deeper than SymPy can hold"):
        to_sympy(e)


def test_lambdify_knows_the_named_functions():
    e = ops.gelu(c) + ops.softplus(c) * ops.cbrt(c)
    f = sp.lambdify(to_sympy(c), to_sympy(e), "scipy")
    assert f(-0.3) == pytest.approx(float(evaluate(e, {c: np.array(-0.3)})))


def test_maps_of_truth_values_are_numbers_in_arithmetic():
    e = (c < 1) * p + (p > c)
    same_values(to_sympy(e), e, {c: np.array(0.5), p: np.array(2.0)})


def test_forms_pickle():
    for e in [B @ y, ops.gelu(ops.sigmoid(c)), ops.logsumexp(X, axis=1), ops.where(c < 1, c, p)]:
        s = to_sympy(e)
        assert pickle.loads(pickle.dumps(s)) == s
