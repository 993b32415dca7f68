"""The normal forms that the constructors of sums and products give, and what they leave alone."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import symdiff as sd
from symdiff.expr.algebra import contract, size
from symdiff.expr.leaves import const, var
from symdiff.expr.nodes import Add, Const, Contract, Delta, Ones, Size

X, A, B = var("X", ("n", "d")), var("A", ("n", "n")), var("B", (3, 4))
v, w, s, t = var("v", ("n",)), var("w", ("d",)), var("s"), var("t")
row = var("row", (1, 4))
eye = sd.eye("n")


@pytest.mark.parametrize(
    ("got", "want"),
    [
        # relabelings are absorbed
        pytest.param(X.T.T, X, id="X.T.T"),
        pytest.param(sd.moveaxis(sd.moveaxis(B, 0, 1), 1, 0), B, id="moveaxis there and back"),
        pytest.param((X.T @ v).T, X.T @ v, id="vector.T"),
        pytest.param(sd.expand_dims(v, 1).squeeze(), v, id="expand and squeeze"),
        pytest.param(sd.broadcast_to(sd.broadcast_to(s, ("n",)), ("d", "n")), sd.broadcast_to(s, ("d", "n")), id="stretch twice"),
        pytest.param(sd.sum(sd.broadcast_to(v, ("d", "n")), axis=0), size("d") * v, id="sum of a stretched axis"),
        pytest.param((2 * v) * (3 * s), 6 * v * s, id="constants come in front"),
        # Deltas are eliminated
        pytest.param(A @ eye, A, id="A I"),
        pytest.param(eye @ A, A, id="I A"),
        pytest.param(eye @ v, v, id="I v"),
        pytest.param(eye @ eye, eye, id="I I"),
        pytest.param(eye.T, eye, id="I.T"),
        pytest.param(eye * eye, eye, id="I * I"),
        pytest.param(sd.trace(eye), Size("n"), id="trace I"),
        pytest.param(sd.trace(sd.eye(3)), const(3), id="trace of a known order"),
        pytest.param(sd.sum(eye), Size("n"), id="sum I"),
        pytest.param(sd.sum(eye, axis=0), Ones("n"), id="column sums of I"),
        pytest.param(sd.einsum("ij,jk,kl->il", eye, A, eye), A, id="I A I"),
        pytest.param(sd.einsum("ii->i", eye), Ones("n"), id="diagonal of I"),
        pytest.param(sd.trace(A @ eye), sd.trace(A), id="trace(A I)"),
        pytest.param(sd.diag(v).T, sd.diag(v), id="diag(v).T"),
        pytest.param(sd.diag(sd.diag(v)), v, id="diagonal of diag(v)"),
        pytest.param(sd.sum(sd.diag(v), axis=1), v, id="row sums of diag(v)"),
        pytest.param(sd.diag(v) @ v, v * v, id="diag(v) v"),
        pytest.param(A * eye, sd.diag(sd.diagonal(A)), id="A * I"),
        pytest.param(sd.einsum("ij,jk,ik->ijk", eye, eye, eye), sd.einsum("ij,jk->ijk", eye, eye), id="the third Delta says nothing"),
        pytest.param(sd.einsum("ij,jk->kij", eye, eye), sd.einsum("ij,jk->ijk", eye, eye), id="the order of equal axes does not show"),
        # Ones
        pytest.param(v * sd.ones("n"), v, id="v * 1"),
        pytest.param(sd.sum(sd.ones(("n", "d"))), size("d*n"), id="sum of ones"),
        pytest.param(sd.ones((2, 3)).sum(), const(6), id="sum of ones, known"),
        pytest.param(sd.sum(v * sd.ones(("d", "n")), axis=0), size("d") * v, id="ones in a product"),
        # neutral operands
        pytest.param(v + 0, v, id="v + 0"),
        pytest.param(0 - (-v), v, id="0 - (-v)"),
        pytest.param(v * 1, v, id="v * int 1"),
        pytest.param(1.0 * v, v, id="float 1 * v"),
        pytest.param(2.0 * v, 2 * v, id="float 2 * v"),
        pytest.param(v / 1, v, id="v / 1"),
        pytest.param(v**1, v, id="v ** 1"),
        pytest.param(v**1.0, v, id="v ** 1.0"),
        pytest.param(v**0, sd.ones("n"), id="v ** 0"),
        pytest.param(+v, v, id="+v"),
        pytest.param(v + sd.zeros("n"), v, id="v + zeros"),
        pytest.param(v * 0, sd.zeros("n"), id="v * 0"),
        pytest.param(0.0 * X, sd.zeros(("n", "d")), id="X * 0.0"),
        pytest.param(sd.zeros(("n", "d")) @ w, sd.zeros("n"), id="0 w"),
        pytest.param(sd.zeros(("n", "d")).T, sd.zeros(("d", "n")), id="0.T"),
        pytest.param(sd.sum(sd.zeros((2, 0))), const(0), id="sum of nothing"),
        pytest.param(row + sd.zeros((3, 4)), sd.broadcast_to(row, (3, 4)), id="zeros still stretch"),
        # spellings of one thing
        pytest.param(sd.sqrt(v), v**0.5, id="sqrt"),
        pytest.param(sd.reciprocal(v), 1 / v, id="reciprocal"),
        pytest.param(sd.square(v), v**2, id="square"),
        pytest.param(v**2.0, v**2, id="v ** 2.0"),
        pytest.param(sd.dot(X, w), X @ w, id="dot"),
        pytest.param(sd.einsum("nd,d->n", X, w), X @ w, id="einsum"),
        pytest.param(sd.outer(v, w), v[:, None] * w, id="outer by broadcasting"),
        pytest.param(sd.trace(A), sd.einsum("ii->", A), id="trace"),
        pytest.param(sd.tensordot(X, w, 1), X @ w, id="tensordot"),
        pytest.param(sd.mean(B), sd.sum(B) / 12, id="mean of a known size"),
        pytest.param(sd.mean(v), 1 / size("n") * sd.sum(v), id="mean of a named size"),
    ],
)
def test_one_node_for_one_meaning(got, want):
    assert got is want


@pytest.mark.parametrize(
    ("got", "value"),
    [
        (const(0.1) * 3, 0.3),
        (const(0.1) + 0.2, 0.3),
        (const(1) / 3, Fraction(1, 3)),
        (const(1) / 3 * 3, 1),
        (const(2) ** 10, 1024),
        (const(2) ** -2, Fraction(1, 4)),
        (const(4) ** 0.5, 2),
        (const(Fraction(4, 9)) ** Fraction(3, 2), Fraction(8, 27)),
        (const(1) / 0.5, 2),  # a whole factor is an int: 2.0 x and 2 x are one product
        (const(10**30) + 1, 10**30 + 1),
        (const(7) - 7, 0),
        (-const(0.5), -0.5),
        (const(2) * 0.5, 1),
        (const(np.float64(0.123456789012345)) * np.float64(3.0), 0.370370367037035),
        (const(10**400) * 0.5, float("inf")),
        (const(-(10**400)) + 0.5, float("-inf")),
        (const(float("inf")) - 1, float("inf")),
    ],
)
def test_constants_fold_exactly(got, value):
    assert isinstance(got, Const) and got.value == value and type(got.value) is type(value)


@pytest.mark.parametrize(
    "got", [const(float("inf")) * 0, const(float("nan")) + 1, const(float("nan")) * 0, const(float("inf")) - float("inf")]
)
def test_constants_that_fold_to_nan(got):
    assert isinstance(got, Const) and got.value != got.value


@pytest.mark.parametrize(
    ("got", "shape"), [(const(1) / 0, ()), (const(0) ** -1, ()), (const(5e-324) ** -1, ()), (const(2) ** 0.5, ()), (const(-1) ** 0.5, ())]
)
def test_what_has_no_exact_value_stays(got, shape):
    assert not isinstance(got, Const) and got.shape == shape


@pytest.mark.parametrize(
    ("got", "value"),
    [
        (sd.exp(0), 1),
        (sd.log(1.0), 0),
        (sd.sigmoid(0), Fraction(1, 2)),
        (sd.abs(-2.5), 2.5),
        (sd.maximum(2, 3), 3),
        (sd.relu(-1), 0),
        (sd.floor(2.5), 2),
        (sd.floor(10**400), 10**400),
        (sd.rint(2.5), 2.0),
        (sd.sign(-3), -1),
        (sd.less(1, 2), True),
        (sd.isfinite(10**400), True),
        (sd.isnan(float("nan")), True),
        (sd.mod(-7, 3), 2),
        (sd.floor_divide(-7, 2), -4),
        (sd.where(sd.less(1, 2), 5, 6), 5),
        (sd.logical_not(0), True),
    ],
)
def test_functions_fold_at_exact_arguments(got, value):
    assert isinstance(got, Const) and got.value == value and type(got.value) is type(value)


def test_a_function_of_a_stretched_constant_is_a_stretched_constant():
    assert sd.exp(sd.zeros(("n", 2))) is sd.ones(("n", 2))
    assert sd.where(sd.ones("n"), v, 0) is v
    assert sd.where(sd.less(v, 0), v, v) is v


def test_sums_and_products_keep_the_authors_order_and_are_not_flattened():
    total = (s + t) + v[0]
    assert isinstance(total, Add) and total.terms == (s + t, v[0])
    product = (s * t) * v[0]
    assert isinstance(product, Contract) and product.factors == (s * t, v[0])
    assert s + t is not t + s


def test_labels_are_numbered_by_first_appearance():
    e = contract([(X, (7, 4)), (w, (4,))], (7,))
    assert isinstance(e, Contract) and e.labels == ((0, 1), (1,)) and e.out == (0,)


def test_a_constant_stands_in_front_once():
    e = 2 * (X @ w) * 3
    assert isinstance(e, Contract) and e.factors[0] is const(6)
    assert (0.5 * v) * 2 is v


def test_a_summed_product_is_not_entered():
    inner = X @ w
    outer = sd.sum(inner * v)
    assert isinstance(outer, Contract) and outer.factors == (inner * v,)


@pytest.mark.parametrize("x", [v, X, B])
def test_the_identity_of_a_wrong_order_is_refused(x):
    with pytest.raises(sd.ShapeError):
        x @ sd.eye(5)


def test_matrix_functions_of_the_identity():
    assert sd.inv(eye) is eye and sd.cholesky(eye) is eye and sd.pinv(eye) is eye
    assert sd.det(eye) is const(1) and sd.logdet(eye) is const(0)
    assert sd.solve(eye, X) is X
    with pytest.raises(sd.ShapeError, match="solve"):
        sd.solve(sd.eye(3), sd.ones((4, 2)))


def test_a_size_is_a_polynomial_of_sizes():
    n, d = Size("n"), Size("d")
    assert size(3) is const(3) and size("n") is n
    assert size("d*n - 2") is d * n + const(-2)
    assert size("2*n + 1") is 2 * n + const(1)


def test_deltas_of_the_output_stay_with_the_first_axis_in_the_other_factors():
    e = contract([(v, (1,)), (Delta("n"), (0, 1))], (0, 1))
    assert isinstance(e, Contract) and e.factors == (v, Delta("n")) and e.labels == ((0,), (0, 1)) and e.out == (0, 1)


def test_a_loop_of_sums_stays_linear():
    total: sd.Expr = const(0)
    x = var("x", (50,))
    for k in range(50):
        total = total + x[k]
    depth = 0
    while isinstance(total, Add):
        assert len(total.terms) == 2
        total, depth = total.terms[0], depth + 1
    assert depth == 49
