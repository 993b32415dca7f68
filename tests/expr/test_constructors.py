"""NumPy's own calls on random arrays and on expressions of the same shapes, whole or named: the reference evaluator gives NumPy's values."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from symdiff.expr.convert import as_expr
from symdiff.expr.dims import dim_value
from symdiff.expr.leaves import var
from tests.reference import evaluate_all

NAMES = {2: "a", 3: "b", 4: "c"}
SIZES = {name: size for size, name in NAMES.items()}


def agree(call: Callable[..., Any], *arrays: np.ndarray, named: bool = False, rtol: float = 1e-12) -> None:
    """call(arrays) and call(expressions) have the same shapes and values; `named` gives the sizes of NAMES their names."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        want = call(*arrays)
    xs = [var(f"x{k}", tuple(NAMES.get(d, d) if named else d for d in a.shape)) for k, a in enumerate(arrays)]
    got = call(*xs)
    single = not isinstance(want, (tuple, list))
    wanted, found = ([want], [got]) if single else (list(want), list(got))
    es = [as_expr(e) for e in found]
    values = evaluate_all(es, dict(zip(xs, arrays, strict=True)), SIZES)
    assert len(values) == len(wanted)
    for e, value, w in zip(es, values, wanted, strict=True):
        assert tuple(dim_value(d, SIZES) for d in e.shape) == np.shape(w)
        np.testing.assert_allclose(np.asarray(value, dtype=float), np.asarray(w, dtype=float), rtol=rtol, atol=1e-12)


def array(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-2, 2, shape).round(2)


SEEDS = st.integers(0, 2**32 - 1)
SHAPES = st.lists(st.sampled_from((1, 2, 3, 4)), max_size=4).map(tuple)
NAMED = st.booleans()
FEW = settings(max_examples=60, deadline=None)


# --- elementwise --------------------------------------------------------------------------------------------------
UNARY = (
    np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p, np.cbrt, np.sin, np.cos, np.tan, np.arcsin, np.arccos, np.arctan, np.sinh,
    np.cosh, np.tanh, np.arcsinh, np.arccosh, np.arctanh, np.abs, np.sign, np.floor, np.ceil, np.rint, np.trunc, np.negative, np.reciprocal,
    np.square, np.sqrt, np.sinc, np.deg2rad, np.rad2deg, np.isfinite, np.isnan, np.logical_not,
)  # fmt: skip
BINARY = (
    np.add, np.subtract, np.multiply, np.divide, np.power, np.maximum, np.minimum, np.hypot, np.arctan2, np.logaddexp, np.logaddexp2, np.mod,
    np.floor_divide, np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal, np.logical_and, np.logical_or,
    np.logical_xor, np.copysign, np.heaviside,
)  # fmt: skip


@pytest.mark.parametrize("ufunc", UNARY, ids=lambda f: f.__name__)
def test_functions_of_one_operand(ufunc):
    for shape in ((), (3,), (2, 3)):
        agree(ufunc, array(shape, 5), named=True)


@pytest.mark.parametrize("ufunc", BINARY, ids=lambda f: f.__name__)
@settings(max_examples=8, deadline=None)
@given(mutually_broadcastable_shapes(num_shapes=2, max_dims=3, min_side=1, max_side=4), SEEDS)
def test_functions_of_two_operands_broadcast(ufunc, shapes, seed):
    a, b = (array(s, seed + k) for k, s in enumerate(shapes.input_shapes))
    agree(ufunc, a, b)


@FEW
@given(mutually_broadcastable_shapes(num_shapes=3, max_dims=3, min_side=1, max_side=4), SEEDS, NAMED)
def test_where_and_clip_broadcast(shapes, seed, named):
    a, b, c = (array(s, seed + k) for k, s in enumerate(shapes.input_shapes))
    agree(lambda x, y, z: np.where(x > 0, y, z), a, b, c, named=named)
    agree(lambda x, y, z: np.clip(x, y, z), a, b, c, named=named)
    agree(lambda x, y, z: x * y + z / 2 - (y - 1) ** 2, a, b, c, named=named)


# --- reductions and scans -------------------------------------------------------------------------------------------
REDUCTIONS = (np.sum, np.mean, np.prod, np.max, np.min, np.ptp, np.var, np.std, np.any, np.all, np.count_nonzero, np.median)


@st.composite
def reductions(draw: st.DrawFn) -> tuple[tuple[int, ...], dict[str, Any]]:
    """A shape, and the axis (one, several, all or none, negative too) and keepdims of a reduction."""
    shape = draw(SHAPES)
    axes = draw(st.lists(st.integers(0, len(shape) - 1), unique=True)) if shape else []
    signed = tuple(a - len(shape) if draw(st.booleans()) else a for a in axes)
    axis = draw(st.sampled_from([None, signed, *(signed[:1])]))
    return shape, {"axis": axis, "keepdims": draw(st.booleans())}


@pytest.mark.parametrize("reduction", REDUCTIONS, ids=lambda f: f.__name__)
@settings(max_examples=25, deadline=None)
@given(reductions(), SEEDS)
def test_reductions_over_every_axis(reduction, case, seed):
    shape, options = case
    if reduction is np.median:
        assume(not isinstance(options["axis"], tuple))
    if reduction in (np.any, np.all, np.count_nonzero):
        agree(lambda x: reduction(x > 0.5, **options), array(shape, seed))
    else:
        agree(lambda x: reduction(x, **options), array(shape, seed), rtol=1e-10)


@FEW
@given(reductions(), SEEDS, st.sampled_from((np.sum, np.mean, np.prod, np.max, np.min)))
def test_reductions_over_named_axes(case, seed, reduction):
    shape, options = case
    agree(lambda x: reduction(x, **options), array(shape, seed), named=True)


@FEW
@given(SHAPES.filter(bool), SEEDS, NAMED, st.data())
def test_scans_and_differences(shape, seed, named, data):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = array(shape, seed)
    agree(lambda x: [np.cumsum(x, axis=axis), np.cumprod(x, axis=axis), np.cumsum(x)], x, named=named)
    agree(lambda x: np.diff(x, axis=axis), x)
    x = np.random.default_rng(seed).permutation(x.size).reshape(shape) / 2.0  # no ties, which NumPy orders in any way
    agree(lambda x: [np.argmax(x, axis=axis), np.argmin(x, axis=axis), np.argsort(x, axis=axis), np.sort(x, axis=axis)], x, named=named)


@FEW
@given(st.integers(1, 4), st.integers(1, 4), SEEDS, NAMED)
def test_norms(m, n, seed, named):
    v, a = array((n,), seed), array((m, n), seed)
    for ord_ in (None, 1, 2, 3, 2.5, np.inf, -np.inf):
        agree(lambda x, ord_=ord_: np.linalg.norm(x, ord_), v, named=named)
        agree(lambda x, ord_=ord_: np.linalg.norm(x, ord_, axis=-1, keepdims=True), a, named=named)
    for ord_ in (None, "fro", 1, -1, np.inf, -np.inf, *(() if named else ("nuc", 2, -2))):
        agree(lambda x, ord_=ord_: np.linalg.norm(x, ord_), a, named=named, rtol=1e-9)


# --- products -----------------------------------------------------------------------------------------------------
@FEW
@given(mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=2, min_side=1, max_side=4), SEEDS, NAMED)
def test_matmul_of_every_rank(shapes, seed, named):
    a, b = (array(s, seed + k) for k, s in enumerate(shapes.input_shapes))
    agree(np.matmul, a, b, named=named)
    agree(lambda x, y: x @ y, a, b, named=named)


@FEW
@given(SHAPES, SHAPES, st.integers(1, 4), SEEDS, NAMED)
def test_dot_inner_outer_kron_vdot(left, right, inner, seed, named):
    left, right = left[:2], right[:2]
    a, b = array((*left, inner), seed), array((*right[:-1], inner, *right[-1:]) if right else (inner,), seed + 1)
    agree(np.dot, a, b, named=named)
    agree(np.inner, a, array((*right, inner), seed + 2), named=named)
    agree(np.outer, a, b)
    agree(np.kron, a[..., :2], b[..., :2])
    agree(np.vdot, a, array(a.shape, seed + 3), named=named)


@FEW
@given(SHAPES, SHAPES, SHAPES, SEEDS, NAMED, st.data())
def test_tensordot(left, right, shared, seed, named, data):
    left, right, shared = left[:2], right[:2], shared[:2]
    count = len(shared)
    agree(lambda x, y: np.tensordot(x, y, count), array((*left, *shared), seed), array((*shared, *right), seed + 1), named=named)
    order = data.draw(st.permutations(range(count)))
    axes = ([len(left) + k for k in order], list(order))
    agree(lambda x, y: np.tensordot(x, y, axes), array((*left, *shared), seed), array((*shared, *right), seed + 1), named=named)


@st.composite
def subscripts(draw: st.DrawFn) -> tuple[str, list[tuple[int, ...]]]:
    """Subscripts of an einsum of one to three operands, and shapes that fit them: repeats, sums, an ellipsis, an implicit output."""
    sizes = dict(zip("ijkl", draw(st.permutations((1, 2, 3, 4))), strict=True))
    lead = draw(st.lists(st.sampled_from((2, 3)), max_size=2))
    terms, shapes = [], []
    for _ in range(draw(st.integers(1, 3))):
        letters = draw(st.text("ijkl", max_size=3))
        dots = bool(lead) and draw(st.booleans())
        own = lead[draw(st.integers(0, len(lead))) :] if dots else []
        terms.append(("..." if dots else "") + letters)
        shapes.append((*own, *(sizes[c] for c in letters)))
    used = sorted({c for t in terms for c in t if c != "."})
    if draw(st.booleans()):
        return ",".join(terms), shapes
    out = "".join(draw(st.permutations(draw(st.lists(st.sampled_from(used), unique=True))))) if used else ""
    return ",".join(terms) + "->" + ("..." if any("." in t for t in terms) else "") + out, shapes


@settings(max_examples=150, deadline=None)
@given(subscripts(), SEEDS, NAMED)
def test_einsum(case, seed, named):
    text, shapes = case
    agree(lambda *xs: np.einsum(text, *xs), *(array(s, seed + k) for k, s in enumerate(shapes)), named=named)


# --- structure ----------------------------------------------------------------------------------------------------
@FEW
@given(st.lists(st.integers(1, 4), min_size=2, max_size=4).map(tuple), SEEDS, NAMED, st.data())
def test_axes(shape, seed, named, data):
    x = array(shape, seed)
    order = data.draw(st.permutations(range(len(shape))))
    i, j = order[0], order[1] - len(shape)
    agree(lambda x: [x.T, np.transpose(x, order), np.swapaxes(x, i, j), np.moveaxis(x, i, j)], x, named=named)
    agree(lambda x: [np.expand_dims(x, i), np.squeeze(x), np.ravel(x), np.reshape(x, (-1, shape[-1])), x[None, ..., None]], x)
    agree(lambda x: np.broadcast_to(x, (2, *shape)), x)


@FEW
@given(st.lists(st.integers(2, 4), min_size=2, max_size=3).map(tuple), SEEDS, st.data())
def test_diagonals_and_triangles(shape, seed, data):
    x = array(shape, seed)
    axes = data.draw(st.permutations(range(len(shape))))[:2]
    offset = data.draw(st.integers(-5, 5))
    agree(lambda x: [np.diagonal(x, offset, *axes), np.trace(x, offset, *axes), np.tril(x, offset), np.triu(x, offset)], x)
    agree(lambda x: np.diag(x, offset), x[(0,) * (len(shape) - 1)])
    agree(lambda x: np.diag(x, offset), x[(0,) * (len(shape) - 2)])


@FEW
@given(st.integers(2, 4), SEEDS)
def test_diagonals_of_a_named_order(n, seed):
    x = array((n, n), seed)
    agree(lambda x: [np.diagonal(x), np.trace(x), np.tril(x), np.triu(x, 1), np.diag(x), np.diag(np.diag(x))], x, named=True)
    agree(lambda x: [np.diagonal(x, 1), np.diagonal(x, -1)], x, named=True)


@FEW
@given(SHAPES.filter(bool), SEEDS, NAMED, st.data())
def test_joins_pads_and_repeats(shape, seed, named, data):
    x, y = array(shape, seed), array(shape, seed + 1)
    axis = data.draw(st.integers(0, len(shape) - 1))
    widths = data.draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=len(shape), max_size=len(shape)))
    agree(lambda x, y: [np.concatenate([x, y, x], axis), np.stack([x, y], axis), np.concatenate([x, y], None)], x, y, named=named)
    agree(lambda x: [np.pad(x, widths), np.pad(x, 1, constant_values=2)], x, named=named)
    agree(lambda x: [np.repeat(x, 2, axis), np.tile(x, 2)], x)


@FEW
@given(SHAPES.filter(bool), SEEDS, st.data())
def test_gathers(shape, seed, data):
    x = array(shape, seed)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    n = shape[axis]
    flat = data.draw(st.lists(st.integers(-n, n - 1), min_size=1, max_size=4))
    along = np.random.default_rng(seed).integers(0, n, size=[3 if k == axis % len(shape) else d for k, d in enumerate(shape)])
    agree(lambda x: [np.take(x, flat, axis), np.take_along_axis(x, along, axis)], x)
    key = (*(slice(None),) * (axis % len(shape)), flat)
    agree(lambda x: x[key], x)


# --- linear algebra -------------------------------------------------------------------------------------------------
@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 3), max_size=2).map(tuple), st.integers(1, 4), st.integers(1, 3), SEEDS, NAMED)
def test_matrix_functions_of_stacks(batch, n, k, seed, named):
    a = array((*batch, n, n), seed)
    a = a @ np.swapaxes(a, -1, -2) + 2 * np.eye(n)
    b = array((*batch, n, k), seed + 1)
    agree(lambda a: [np.linalg.inv(a), np.linalg.det(a), *np.linalg.slogdet(a), np.linalg.matrix_power(a, 3)], a, named=named, rtol=1e-8)
    agree(lambda a: [np.linalg.cholesky(a), np.linalg.eigvalsh(a), np.linalg.matrix_power(a, -2)], a, named=named, rtol=1e-7)
    agree(np.linalg.solve, a, b, named=named, rtol=1e-8)
    agree(np.linalg.solve, a, array((n,), seed + 2), named=named, rtol=1e-8)
    agree(np.linalg.pinv, b, named=named, rtol=1e-6)
