"""NumPy's protocols: every function in the tables is NumPy's, options are taken or refused by name, the page of them is current."""

from __future__ import annotations

import importlib.util
import inspect
import re
from pathlib import Path

import numpy as np
import pytest
import scipy.special as sp

from symdiff.errors import ShapeError, Unsupported
from symdiff.expr import ops
from symdiff.expr.convert import as_expr
from symdiff.expr.leaves import var
from symdiff.expr.protocol import FUNCTIONS_OF_NUMPY, array_function, covered, refused
from symdiff.expr.special import OF_SCIPY
from tests.reference import evaluate

ROOT = Path(__file__).parents[2]
x, X, s = var("x", (4,)), var("X", (4, 3)), var("s")


def resolve(name):
    found = np
    for part in name.split(".")[1:]:
        found = getattr(found, part, None)
    return found


def test_the_page_of_numpy_functions_is_current():
    spec = importlib.util.spec_from_file_location("numpy_page", ROOT / "docs" / "numpy_page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    written = set(re.findall(r"`(np\.[\w.]+)`", module.PAGE.read_text(encoding="utf-8")))
    now = set(re.findall(r"`(np\.[\w.]+)`", module.page()))
    assert {n for n in written if resolve(n) is not None} == now, "run `python docs/numpy_page.py`"


def test_nothing_is_both_covered_and_refused():
    names = [name for name, _, _ in covered()]
    assert len(names) == len(set(names))
    assert not set(names) & set(refused())
    assert len(names) > 250


@pytest.mark.parametrize("name", [n for n in refused() if isinstance(resolve(n), np.ufunc) and resolve(n).nin < 3])
def test_a_refused_ufunc_raises_its_name(name):
    ufunc = resolve(name)
    with pytest.raises(Unsupported, match=rf"np\.{ufunc.__name__}\b"):
        ufunc(*[x] * ufunc.nin)


@pytest.mark.parametrize("name", [n for n in refused() if not isinstance(resolve(n), np.ufunc)])
def test_a_refused_function_raises_its_name(name):
    function = resolve(name)
    with pytest.raises(Unsupported, match=re.escape(function.__name__)):
        array_function(function, (x,), {})


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min"])
def test_reductions_take_where(name):
    value = np.array([[1.0, -2.0, 3.0], [-4.0, 5.0, 6.0]])
    v = var("v", (2, 3))
    initial = {"initial": 2.0} if name in ("max", "min") else {}
    wanted = getattr(np, name)(value, axis=1, where=value > 0, **initial)
    for e in (
        getattr(ops, name)(v, 1, where=v > 0, **initial),
        getattr(v, name)(axis=1, where=v > 0, **initial),
        getattr(np, name)(v, axis=1, where=v > 0, **initial),
    ):
        np.testing.assert_allclose(evaluate(e, {v: value}), wanted)
    with pytest.raises(ShapeError, match="where has shape \\(2, 3\\), which does not fit into \\(3,\\)"):
        getattr(ops, name)(v[0], where=v > 0)


def test_every_option_of_numpy_is_known_defaulted_or_refused():
    """No option is dropped without a word: a value that is not NumPy's default is passed on or refused."""
    for function, constructor in FUNCTIONS_OF_NUMPY.items():
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):
            continue
        accepted = inspect.signature(constructor).parameters
        for p in parameters:
            if p.name in accepted or p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) or p.default is p.empty:
                continue
            if p.name in ("kind", "stable", "copy", "subok", "optimize", "order", "casting", "like", "where", "initial"):
                continue
            if any(p.name in names for names in (("a_min", "a_max", "min", "max", "newshape"),)):
                continue
            with pytest.raises((Unsupported, TypeError)):
                array_function(function, (X,), {p.name: object()})


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: np.sum(x, out=np.zeros(())), "out=...|out="),
        (lambda: np.sum(x, dtype=np.float32), "dtype"),
        (lambda: np.std(x, where=x > 0), "where"),
        (lambda: np.add(x, 1, out=np.zeros(4)), r"np\.add\(\.\.\., out"),
        (lambda: np.add(x, 1, where=x > 0), "where"),
        (lambda: np.exp(x, dtype=np.float32), "dtype"),
        (lambda: np.add.reduceat(x, [0, 2]), r"np\.add\.reduceat"),
        (lambda: np.subtract.reduce(x, where=x > 0), r"np\.subtract\.reduce"),
        (lambda: np.nextafter.accumulate(x), r"np\.nextafter"),
        (lambda: np.take(x, [0], mode="wrap"), "mode='wrap'"),
        (lambda: np.interp(x, [0.0, 1], [0.0, 1], period=2), "period"),
        (lambda: np.linspace(s, 1, 3, retstep=True), "retstep"),
        (lambda: np.ravel(X, order="X"), "order"),
        (lambda: np.bitwise_and(x, 1), "np.bitwise_and"),
        (lambda: np.var(x, mean=np.zeros(4)), "mean"),
        (lambda: np.einsum(X, [0, 1]), "subscripts as text"),
    ],
)
def test_what_is_not_supported_is_named(call, named):
    with pytest.raises(Unsupported, match=named):
        call()


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (lambda: np.sum(x, 0, None, None, True), lambda: ops.sum(x, 0, keepdims=True)),
        (lambda: np.sum(a=x, axis=0), lambda: ops.sum(x, 0)),
        (lambda: np.sum(x, dtype=float), lambda: ops.sum(x)),
        (lambda: np.mean(X, 1, None, None, True), lambda: ops.mean(X, 1, True)),
        (lambda: np.std(X, 0, None, None, 1), lambda: ops.std(X, 0, 1)),
        (lambda: np.clip(x, 0, 1), lambda: ops.clip(x, 0, 1)),
        (lambda: np.clip(x, a_min=0, a_max=None), lambda: ops.clip(x, 0)),
        (lambda: np.clip(x, None, 1), lambda: ops.clip(x, None, 1)),
        (lambda: np.sort(X, kind="stable"), lambda: ops.sort(X)),
        (lambda: np.argsort(X, 0), lambda: ops.argsort(X, 0)),
        (lambda: np.reshape(X, (3, 4), "C"), lambda: ops.reshape(X, (3, 4))),
        (lambda: np.einsum("ij,j", X, X[0], optimize=True), lambda: X @ X[0]),
        (lambda: np.linalg.norm(X, "fro"), lambda: ops.norm(X, "fro")),
        (lambda: np.add(x, 1, dtype=float), lambda: x + 1),
        (lambda: np.add.reduce(X, axis=(0, 1)), lambda: ops.sum(X)),
        (lambda: np.array([1.0, 2, 3, 4]) + x, lambda: ops.add([1.0, 2, 3, 4], x)),
        (lambda: np.float64(2) ** x, lambda: ops.power(2.0, x)),
        (lambda: X.std(axis=1, keepdims=True), lambda: ops.std(X, 1, keepdims=True)),
        (lambda: X.transpose(1, 0), lambda: X.T),
        (lambda: np.ones_like(X), lambda: ops.ones((4, 3))),
        (lambda: sp.expit(x), lambda: ops.sigmoid(x)),
        (lambda: sp.gammaln(x), lambda: ops.gammaln(x)),
    ],
)  # fmt: skip
def test_numpy_gives_our_node(theirs, ours):
    assert theirs() is ours()


@pytest.mark.parametrize("name", sorted(OF_SCIPY))
def test_scipy_ufuncs_have_scipys_values(name):
    ufunc = getattr(sp, name, None)
    if not isinstance(ufunc, np.ufunc):
        pytest.skip("no ufunc in this SciPy")
    rng = np.random.default_rng(1)
    arrays = [rng.uniform(0.05, 0.95, 4) for _ in range(ufunc.nin)]
    xs = [var(f"x{k}", (4,)) for k in range(ufunc.nin)]
    value = evaluate(as_expr(ufunc(*xs)), dict(zip(xs, arrays, strict=True)))
    np.testing.assert_allclose(value, ufunc(*arrays), rtol=1e-12)


def test_special_functions_at_the_edge_of_their_domain():
    v = var("v", (3,))
    for name, at in (("xlogy", (0.0, 0.0)), ("entr", (0.0,)), ("rel_entr", (0.0, 1.0)), ("exprel", (0.0,)), ("xlog1py", (0.0, -1.0))):
        values = [np.full(3, a) for a in at]
        us = [v, var("u", (3,))][: len(at)]
        got = evaluate(OF_SCIPY[name](*us), dict(zip(us, values, strict=True)))
        np.testing.assert_allclose(got, getattr(sp, name)(*values))
