"""What Python asks of an expression that has no value yet: comparison, truth, float, len, iteration. And its repr."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

import symdiff as sd
from symdiff.expr.leaves import const, var

x, v, B, named = var("x"), var("v", (3,)), var("B", (2, 3)), var("named", ("n", 3))


@pytest.mark.parametrize("other", [1, 0.5, True, np.float64(1), np.zeros(3), [1, 2, 3], (1,), 1j, Fraction(1, 2)])
def test_comparing_with_a_value_is_refused(other):
    for compare in (lambda: v == other, lambda: v != other):
        with pytest.raises(sd.SymbolicValue, match=r"identity.*use sd\.equal"):
            compare()


def test_an_array_compared_with_an_expression_is_elementwise():
    assert (np.zeros(3) == v) is sd.equal(np.zeros(3), v)
    assert (np.zeros(3) < v) is sd.less(np.zeros(3), v)


def test_two_expressions_compare_by_identity():
    assert x == var("x") and x != v and not (x == v)  # noqa: SIM201
    assert x in [v, x] and {x: 1}.get(var("x")) == 1
    assert x != "x" and x is not None


def test_order_comparisons_are_elementwise():
    assert (v < 1) is sd.less(v, 1) and (v <= x) is sd.less_equal(v, x)
    assert (v > 1) is sd.greater(v, 1) and (v >= x) is sd.greater_equal(v, x)
    assert (1 < v) is sd.greater(v, 1)  # noqa: SIM300
    assert ((v > 0) & (v < 1) | ~(v > 2)) is sd.logical_or(
        sd.logical_and(sd.greater(v, 0), sd.less(v, 1)), sd.logical_not(sd.greater(v, 2))
    )


@pytest.mark.parametrize(
    ("ask", "hint"),
    [
        (lambda: bool(x), "np.where"),
        (lambda: 1 if v > 0 else 2, "np.where"),
        (lambda: 0 < x < 1, "np.where"),
        (lambda: float(x), r"np\.sin"),
        (lambda: int(x), r"lower\(\)"),
        (lambda: complex(x), "no value yet"),
        (lambda: [1, 2, 3][x], "no value yet"),
        (lambda: range(x), "no value yet"),
        (lambda: math.sin(x), r"write np\.sin"),
        (lambda: np.asarray(x), "not an array"),
        (lambda: np.array([x, x]), "not an array"),
        (lambda: len(x), "scalar"),
        (lambda: list(x), "scalar"),
        (lambda: len(named), r"the name 'n'; use x\.shape\[0\]"),
        (lambda: list(named), "the name 'n'"),
        (lambda: 1 in v, "identity"),
        (lambda: sd.where(True, x, x), r"sd\.equal"),
    ],
)
def test_a_value_that_is_not_there_is_refused_with_the_way_out(ask, hint):
    with pytest.raises(sd.SymbolicValue, match=hint):
        ask()


def test_these_errors_are_type_errors_for_python_too():
    with pytest.raises(TypeError):
        bool(x)
    assert issubclass(sd.SymbolicValue, TypeError) and issubclass(sd.SymbolicValue, sd.SymdiffError)


def test_len_and_iteration_where_the_length_is_known():
    assert len(B) == 2
    first, second = B
    assert first is B[0] and second is B[1] and len(list(v)) == 3


def test_an_expression_does_not_change_in_place():
    y = v
    y += 1
    assert y is v + 1 and y is not v
    with pytest.raises(TypeError, match="item assignment"):
        v[0] = 1


def test_attributes_of_an_array():
    assert (B.shape, B.ndim, B.size) == ((2, 3), 2, 6)
    assert (named.size, x.size, x.ndim) == ("3*n", 1, 0)


@pytest.mark.parametrize(
    ("method", "function"),
    [
        (B.sum(axis=0), sd.sum(B, axis=0)),
        (B.mean(keepdims=True), sd.mean(B, keepdims=True)),
        (B.var(axis=1, ddof=1), sd.variance(B, axis=1, ddof=1)),
        (B.std(), sd.std(B)),
        (B.max(1), sd.max(B, 1)),
        (B.min(), sd.min(B)),
        (B.prod(0), sd.prod(B, 0)),
        (B.dot(v), B @ v),
        (B.T, sd.transpose(B)),
        (B.mT, sd.transpose(B)),
        (B.transpose(), sd.transpose(B)),
        (B.transpose(1, 0), sd.transpose(B)),
        (B.transpose((1, 0)), sd.transpose(B)),
        (B.swapaxes(0, 1), sd.transpose(B)),
        (B.reshape(3, 2), sd.reshape(B, (3, 2))),
        (B.reshape((3, -1)), sd.reshape(B, (3, 2))),
        (B.ravel(), sd.reshape(B, -1)),
        (B.flatten(), sd.ravel(B)),
        (B.clip(0, 1), sd.clip(B, 0, 1)),
        (B.cumsum(), sd.cumsum(B)),
        (B.cumprod(axis=0), sd.cumprod(B, 0)),
        (B[:, :2].trace(), sd.trace(B[:, :2])),
        (B.diagonal(), sd.diagonal(B)),
        (B.repeat(2, 0), sd.repeat(B, 2, 0)),
        (B.take([0, 1], 1), sd.take(B, [0, 1], 1)),
        (B.argmax(1), sd.argmax(B, 1)),
        (B.copy(), B),
        (abs(B), sd.absolute(B)),
        (B % 2, sd.mod(B, 2)),
        (7 // B, sd.floor_divide(7, B)),
        (2**B, sd.power(2, B)),
        (1 - B, sd.subtract(1, B)),
        ([1.0, 2.0] @ B, sd.matmul([1.0, 2.0], B)),
    ],
)
def test_methods_and_operators_are_the_functions(method, function):
    assert method is function


deep = x
for _k in range(100_000):
    deep = sd.sin(deep)


@pytest.mark.parametrize(
    ("e", "text"),
    [
        (named, "Var('named', (n, 3))"),
        (const(0.5), "Const(0.5)"),
        (const(Fraction(1, 3)), "Const(1/3)"),
        (const([1.0, 2.0]), "Const([1.0, 2.0])"),
        (const(np.zeros((20, 30))), "Const(float64 (20, 30))"),
        (sd.eye("n"), "Delta('n')"),
        (B @ v, "Contract('ij,j->i', B, v)"),
        (2 * sd.sigmoid(x), "Contract(',->', Const(2), sigmoid(x))"),
        (v + 2, "Add(v, Contract(',i->i', Const(2), Ones(3)))"),
        (sd.max(B, axis=1), "max(B, axes=(1,))"),
        (sd.cumsum(v), "cumsum(v, axis=0)"),
        (B[0, ::2], "Slice(B, [0, 0:+2:2])"),
        (B.ravel(), "Reshape(B, (6,))"),
        (sd.solve(B @ B.T, B), "solve(Contract('ij,kj->ik', B, B), B)"),
        (deep, "sin(sin(sin(sin(sin(sin(sin(...)))))))"),
    ],
)
def test_the_repr_says_what_it_is(e, text):
    assert repr(e) == text


@pytest.mark.parametrize(
    "e",
    [
        deep,
        sum((sd.sin(k * x) for k in range(2, 1000)), start=x),
        sd.concatenate([v * k for k in range(500)]),
        var("x" * 5000),
        var("y", ("n" * 5000,)),
        const(np.full((2, 2), 1.23456789012345e-300)),
        const(10**4000),
        sd.einsum("abcdefg,abcdefg,abcdefg->gfedcba", *[var("T", (2,) * 7)] * 3),
    ],
    ids=range(8),
)
def test_the_repr_is_bounded(e):
    assert len(repr(e)) <= 200
