"""The SymPy engine: what it finds, what it leaves, and that values stay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symdiff.expr import ops
from symdiff.expr.algebra import size
from symdiff.expr.leaves import const, var
from symdiff.expr.traverse import node_count, variables
from symdiff.printing.sympy_simplify import simplify_scalar_with_sympy
from tests.reference import evaluate

X, w, x, y, c, p = var("X", ("n", "d")), var("w", ("d",)), var("x", ("n",)), var("y", ("n",)), var("c"), var("p", (), "positive")

FOUND = [
    (ops.sin(c) ** 2 + ops.cos(c) ** 2, const(1)),
    (ops.sum(ops.sin(x) ** 2 + ops.cos(x) ** 2), size("n")),
    (X @ (2 * w - w), X @ w),
    (ops.exp(x) * ops.exp(y), ops.exp(x + y)),
    ((c**2 - 1) / (c - 1), 1 + c),
    (ops.sqrt(p**2), p),
    (ops.sqrt(c**2), abs(c)),
    (ops.log(ops.exp(X)) @ w, X @ w),
    (y / (1 + ops.exp(x)) * (1 + ops.exp(x)), y),
    (ops.tanh(x) ** 2 + 1 / ops.cosh(x) ** 2, ops.ones("n")),
]


@pytest.mark.parametrize("e, simple", FOUND, ids=[repr(e) for e, _ in FOUND])
def test_finds_what_our_rules_may_not_know(e, simple):
    assert simplify_scalar_with_sympy(e) is simple


@pytest.mark.parametrize(
    "e", [c, X @ w, ops.sigmoid(x), ops.logsumexp(X, axis=1), c + 1, const(2), ops.inv(var("A", ("n", "n")))], ids=repr
)
def test_says_none_where_nothing_gets_shorter(e):
    assert simplify_scalar_with_sympy(e) is None


def test_atoms_are_simplified_too():
    inner = ops.log(ops.exp(X)) @ w
    assert simplify_scalar_with_sympy(ops.sum(2 * inner - inner)) is ops.sum(X @ w)


def test_a_large_shared_expression_is_taken_in_parts():
    e = c
    for _ in range(20):
        e = ops.sin(e) * e + 1
    found = simplify_scalar_with_sympy(2 * e - e)
    assert found is not None
    assert node_count(found) < node_count(2 * e - e)
    assert np.isclose(evaluate(found, {c: np.array(0.1)}), evaluate(e, {c: np.array(0.1)}))


@st.composite
def formulas(draw):
    pool = [c, p, x, y, const(2), const(1)]
    for _ in range(5):
        a, b = draw(st.sampled_from(pool)), draw(st.sampled_from(pool))
        make = draw(
            st.sampled_from(
                (ops.add, ops.subtract, ops.multiply, lambda a, _: a**2, lambda a, _: ops.exp(a), lambda a, _: ops.tanh(a), ops.maximum)
            )
        )
        pool.append(make(a, b))
    return pool[-1]


@settings(max_examples=25, deadline=None)
@given(formulas(), st.integers(0, 2**32 - 1))
def test_values_stay(e, seed):
    found = simplify_scalar_with_sympy(e)
    if found is None:
        return
    rng = np.random.default_rng(seed)
    env = {
        v: np.abs(rng.normal(size=[3] * v.ndim)) if v is p else rng.normal(size=[3] * v.ndim) / 4
        for v in {*variables(e), *variables(found)}
    }
    want = evaluate(e, env, {"n": 3})
    if np.all(np.isfinite(want)) and np.all(np.abs(want) < 1e6):
        assert found.shape == e.shape
        assert np.allclose(evaluate(found, env, {"n": 3}), want, rtol=1e-8)
