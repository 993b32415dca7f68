"""NumPy's functions of arrays: the same call on arrays and on expressions gives the same values, at whole sizes and at named ones."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from symdiff.errors import DtypeError, ShapeError, SymbolicValue, Unsupported
from symdiff.expr import ops
from symdiff.expr.convert import as_expr
from symdiff.expr.leaves import var
from tests.reference import evaluate_all

SIZES = {3: "p", 4: "q", 5: "n", 6: "m"}


def flatten(result):
    """The arrays of a result that may be a tuple or list of them."""
    if isinstance(result, (tuple, list)):
        return [part for r in result for part in flatten(r)]
    return [result]


def check(call, *shapes, named=False, seed=0):
    """call(arrays) and call(expressions) agree, at whole sizes and, if `named`, at named ones."""
    rng = np.random.default_rng(seed)
    arrays = [rng.uniform(-2, 2, s) for s in shapes]
    wanted = flatten(call(*arrays))
    for names in (False, True) if named else (False,):
        xs = [var(f"x{k}", tuple(SIZES.get(d, d) for d in s) if names else s) for k, s in enumerate(shapes)]
        got = [as_expr(g) for g in flatten(call(*xs))]
        assert len(got) == len(wanted)
        values = evaluate_all(got, dict(zip(xs, arrays, strict=True)), {"p": 3, "q": 4, "n": 5, "m": 6})
        for value, w, g in zip(values, wanted, got, strict=True):
            assert value.shape == np.shape(w)
            if not names:
                assert g.shape == np.shape(w)
            np.testing.assert_allclose(value, w, rtol=1e-12, atol=1e-12)


V, M, C, S = (5,), (5, 4), (5, 4, 3), ()
ANYWHERE = [  # call, shapes; also at named sizes
    ("roll", lambda x: np.roll(x, 2), V),
    ("roll back", lambda x: np.roll(x, -1, axis=0), M),
    ("roll two axes", lambda x: np.roll(x, (1, -1), axis=(0, 1)), M),
    ("flip", np.flip, M),
    ("flip axis", lambda x: np.flip(x, 1), C),
    ("fliplr", np.fliplr, M),
    ("flipud", np.flipud, M),
    ("rot90", lambda x: [np.rot90(x, k) for k in range(-1, 5)], M),
    ("rot90 axes", lambda x: np.rot90(x, 1, (2, 0)), C),
    ("rollaxis", lambda x: [np.rollaxis(x, 2), np.rollaxis(x, 0, 3), np.rollaxis(x, -1, 1)], C),
    ("moveaxis", lambda x: [np.moveaxis(x, 0, -1), np.moveaxis(x, (0, 1), (-1, 0))], C),
    ("hstack", lambda x, y: np.hstack([x, y]), V, V),
    ("vstack", lambda x, y: np.vstack([x, y]), V, V),
    ("dstack", lambda x, y: np.dstack([x, y]), M, M),
    ("dstack vectors", lambda x, y: np.dstack([x, y]), V, V),
    ("column_stack", lambda x, y: np.column_stack([x, y]), V, M),
    ("append", lambda x, y: np.append(x, y), V, V),
    ("append axis", lambda x, y: np.append(x, y, axis=1), M, M),
    ("concatenate flat", lambda x, y: np.concatenate([x, y], axis=None), M, V),
    ("block", lambda x, y: np.block([[x, y], [y, x]]), M, M),
    ("split at", lambda x: np.split(x, [1, 3]), V),
    ("split at axis", lambda x: np.split(x, [1], axis=1), M),
    ("tile", lambda x: np.tile(x, 3), V),
    ("tile more", lambda x: np.tile(x, (2, 1, 3)), M),
    ("tile fewer", lambda x: np.tile(x, 2), M),
    ("repeat", lambda x: np.repeat(x, 2), V),
    ("repeat axis", lambda x: np.repeat(x, 3, axis=0), M),
    ("atleast_1d", lambda x, y: np.atleast_1d(x, y), S, V),
    ("atleast_2d", lambda x, y, z: np.atleast_2d(x, y, z), S, V, M),
    ("atleast_3d", lambda x, y, z, w: np.atleast_3d(x, y, z, w), S, V, M, C),
    ("pad", lambda x: np.pad(x, 2), M),
    ("pad one value", lambda x: np.pad(x, ((1, 0), (2, 1)), constant_values=1.5), M),
    ("pad two values", lambda x: np.pad(x, (1, 2), constant_values=(1, -1)), M),
    ("pad edge", lambda x: np.pad(x, (1, 2), mode="edge"), M),
    ("pad reflect", lambda x: np.pad(x, (2, 1), mode="reflect"), M),
    ("pad symmetric", lambda x: np.pad(x, (2, 1), mode="symmetric"), V),
    ("pad symmetric after", lambda x: np.pad(x, (0, 2), mode="symmetric"), V),
    ("pad wrap", lambda x: np.pad(x, (2, 1), mode="wrap"), M),
    ("convolve", lambda x, y: np.convolve(x, y), V, (3,)),
    ("convolve valid", lambda x, y: np.convolve(x, y, "valid"), V, (3,)),
    ("correlate full", lambda x, y: np.correlate(x, y, "full"), V, (3,)),
    ("correlate valid", lambda x, y: np.correlate(x, y), V, (3,)),
    ("windows", lambda x: sliding_window_view(x, 3), V),
    ("windows of an axis", lambda x: sliding_window_view(x, 2, axis=0), M),
    ("windows of two axes", lambda x: sliding_window_view(x, (2, 3)), M),
    ("median", np.median, V),
    ("median of an even number", lambda x: np.median(x, axis=1), M),
    ("median keepdims", lambda x: np.median(x, axis=0, keepdims=True), M),
    ("median axes", lambda x: np.median(x, axis=(0, 2)), C),
    ("trapezoid", lambda x: np.trapezoid(x, dx=0.5), V),
    ("trapezoid at", lambda y, x: np.trapezoid(y, x), V, V),
    ("trapezoid axis", lambda y, x: np.trapezoid(y, x, axis=0), M, V),
    ("gradient", lambda x: np.gradient(x, 0.5), V),
    ("gradient axes", np.gradient, M),
    ("ediff1d", lambda x: np.ediff1d(x, to_end=[1.0], to_begin=[2.0, 3.0]), V),
    ("diff", lambda x: [np.diff(x), np.diff(x, 2), np.diff(x, 0)], V),
    ("diff ends", lambda x: np.diff(x, prepend=0.0, append=1.0), V),
    ("diff axis", lambda x: np.diff(x, axis=0, append=x[:1]), M),
    ("cumulative_sum", lambda x: np.cumulative_sum(x, include_initial=True), V),
    ("cov", np.cov, M),
    ("cov of one", np.cov, V),
    ("cov columns", lambda x: np.cov(x, rowvar=False, bias=True), M),
    ("cov with y", lambda x, y: np.cov(x, y, ddof=2), V, V),
    ("corrcoef", np.corrcoef, M),
    ("vander", lambda x: np.vander(x, 3), V),
    ("vander increasing", lambda x: np.vander(x, 3, increasing=True), V),
    ("polyval", lambda x: np.polyval([1.0, -2.0, 3.0], x), M),
    ("meshgrid", lambda x, y: np.meshgrid(x, y), V, (3,)),
    ("meshgrid ij", lambda x, y, z: np.meshgrid(x, y, z, indexing="ij"), V, (3,), (4,)),
    ("meshgrid sparse", lambda x, y: np.meshgrid(x, y, sparse=True), V, (3,)),
    ("linspace", lambda a, b: np.linspace(a, b, 4), S, S),
    ("linspace arrays", lambda a, b: np.linspace(a, b, 4, endpoint=False, axis=-1), V, V),
    ("logspace", lambda a: np.logspace(a, 2, 4), S),
    ("full_like", lambda x: [np.full_like(x, 2.5), np.zeros_like(x), np.ones_like(x), np.zeros_like(x, dtype=float)], M),
    ("broadcast_arrays", lambda x, y: np.broadcast_arrays(x, y), M, (4,)),
    ("any", lambda x: [np.any(x > 1), np.any(x > 5), np.any(x > 1, axis=0)], M),
    ("all", lambda x: [np.all(x > -5), np.all(x > 1), (x > 0).all(axis=1, keepdims=True)], M),
    ("count_nonzero", lambda x: [np.count_nonzero(x > 0), np.count_nonzero(x, axis=0)], M),
    ("isclose", lambda x: [np.isclose(x, x + 1e-9), np.allclose(x, x + 1)], V),
    ("array_equal", lambda x: [np.array_equal(x, x), np.array_equal(x, x[1:])], V),
    ("nan", lambda x: [np.nansum(np.where(x > 0, x, np.nan)), np.nanmean(np.where(x > 0, x, np.nan))], M),
    ("nan extremes", lambda x: [np.nanmax(np.where(x > 0, x, np.nan)), np.nanmin(np.where(x > 0, x, np.nan))], M),
    ("nan spread", lambda x: [np.nanvar(np.where(x > 0, x, np.nan), ddof=1), np.nanstd(np.where(x > 0, x, np.nan)), np.nanprod(x)], M),
    ("nan scans", lambda x: [np.nancumsum(np.where(x > 0, x, np.nan)), np.nancumprod(np.where(x > 0, x, np.nan))], V),
    ("nan_to_num", lambda x: np.nan_to_num(np.where(x > 0, x, np.nan), nan=2.0), M),
    ("select", lambda x: np.select([x > 1, x > 0], [x**2, -x], default=3.0), M),
    ("piecewise", lambda x: np.piecewise(x, [x < 0, x >= 0], [lambda v: -v, lambda v: v**2]), V),
    ("piecewise default", lambda x: np.piecewise(x, [x < 0], [1.0, lambda v: v]), V),
    ("searchsorted", lambda x: [np.searchsorted(np.array([-1.0, 0, 1]), x), np.searchsorted(np.array([-1.0, 0, 1]), x, side="right")], M),
    ("digitize", lambda x: np.digitize(x, np.array([-1.0, 0, 1])), V),
    ("interp", lambda x: np.interp(x, np.array([-1.0, 0, 1.5]), np.array([3.0, 1, 4])), M),
    ("interp ends", lambda x: np.interp(x, [-1.0, 0, 1], [3.0, 1, 4], left=-5.0, right=7.0), V),
    ("reshape", lambda x: [np.reshape(x, -1), np.reshape(x, (-1,)), x.reshape(x.shape[::-1]), x.ravel()], M),
    ("reshape F", lambda x: [np.ravel(x, order="F"), x.reshape(x.shape[::-1], order="F"), x.flatten("F")], M),
    ("sum where", lambda x: [np.sum(x, where=x > 0), np.prod(x, where=x > 0, axis=0), np.max(x, where=x > 0, initial=-1.0)], M),
    ("initial", lambda x: [np.sum(x, initial=2.0), np.prod(x, axis=1, initial=2.0), np.min(x, initial=-5)], M),
    ("reduce", lambda x: [np.add.reduce(x), np.multiply.reduce(x, axis=1), np.maximum.reduce(x, axis=None), np.logaddexp.reduce(x)], M),
    ("reduce logic", lambda x: [np.logical_or.reduce(x > 1), np.logical_and.reduce(x > -1, axis=1)], M),
    ("accumulate", lambda x: [np.add.accumulate(x), np.multiply.accumulate(x, axis=1)], M),
    ("outer", lambda x, y: [np.multiply.outer(x, y), np.add.outer(x, y), np.subtract.outer(y, x)], M, (3,)),
    ("round", lambda x: [np.round(x), np.round(x, 1), np.around(x, -1), x.round(2)], M),
    ("whole parts", lambda x: [np.trunc(x), np.floor(x), *np.modf(x)], M),
    ("division", lambda x: [np.fmod(x, 0.7), *np.divmod(x, 0.7), *divmod(x, 0.7), divmod(2.0, x)[1] * x, np.remainder(x, -0.7), divmod(3, 2)[0] * x], M),
    ("powers", lambda x: [np.float_power(np.abs(x), 1.5), np.ldexp(x, 3)], M),
    ("signs", lambda x: [np.signbit(x), np.copysign(2.0, x), np.heaviside(x, 0.5)], M),
    ("infinities", lambda x: [np.isinf(x), np.isposinf(x), np.isneginf(x)], V),
    ("astype", lambda x: [(x > 0).astype(float), x.astype(float), x.astype(int), x.astype(bool), (x > 0).astype(int)], M),
    ("products", lambda x, y: [np.vecdot(x, y), np.vdot(x, y), np.inner(x, y)], M, M),
    ("matrix functions", lambda x: [np.linalg.norm(x), np.linalg.vector_norm(x), np.linalg.matrix_norm(x), np.linalg.vector_norm(x, axis=0)], M),
    ("diagflat", lambda x: np.diagflat(x), V),
    ("diagonals", lambda x: [np.linalg.diagonal(x), np.linalg.trace(x), np.diagonal(x, axis1=1, axis2=2), np.trace(x, axis1=1, axis2=2)], (5, 4, 4)),
    ("matrix_transpose", lambda x: [np.matrix_transpose(x), x.mT, np.permute_dims(x, (2, 0, 1))], C),
    ("dims", lambda x: [float(np.ndim(x)), np.copy(x), np.real(x), np.imag(x), x.real, x.conj()], M),
    ("nested lists", lambda x: as_expr([[x[0], 1.0], [x[1], x[2]]]) if not isinstance(x, np.ndarray) else np.array([[x[0], 1.0], [x[1], x[2]]]), V),
]  # fmt: skip
WHOLE = [  # at whole sizes only
    ("gradient at", lambda y: np.gradient(y, np.array([0.0, 0.5, 2.0, 2.5, 4.0]), axis=0), (5, 2)),
    ("cross", np.cross, (5, 3), (5, 3)),
    ("cross axis", lambda x, y: np.cross(x, y, axis=0), (3, 2), (3, 2)),
    ("polyval of p", lambda p, x: np.polyval(p, x), (3,), V) ,
    ("choose", lambda x: np.choose(np.array([0, 1, 1, 0, 1]), [x, -x]), (5,)),
    ("interp values", lambda x, f: np.interp(x, np.array([-1.0, 0, 1]), f), V, (3,)) ,
    ("average", lambda x: [np.average(x), *np.average(x, axis=1, weights=[1, 2, 3, 4], returned=True)], (5, 4)),
    ("products of stacks", lambda x, y: [np.matvec(x, y), np.vecmat(np.ones(5), x)], M, (4,)),
    ("folds", lambda x: [np.maximum.accumulate(x), np.minimum.accumulate(x, axis=1), np.subtract.reduce(x), np.hypot.reduce(x, axis=1)], M),
    ("split", lambda x: np.split(x, 3), (6,)),
    ("array_split", lambda x: np.array_split(x, 3, axis=0), (5, 2)),
    ("hsplit", lambda x: np.hsplit(x, 2), (3, 4)),
    ("vsplit", lambda x: np.vsplit(x, 2), (4, 3)),
    ("dsplit", lambda x: np.dsplit(x, [1]), (2, 3, 4)),
    ("hsplit vector", lambda x: np.hsplit(x, 2), (4,)),
    ("unstack", lambda x: np.unstack(x, axis=1), (3, 4)),
    ("delete", lambda x: [np.delete(x, 1), np.delete(x, [0, 2]), np.delete(x, slice(1, 3))], V),
    ("delete axis", lambda x: np.delete(x, -1, axis=1), M),
    ("insert", lambda x: [np.insert(x, 1, 9.0), np.insert(x, [1, 3], [7.0, 8.0]), np.insert(x, 2, [7.0, 8.0])], V),
    ("insert axis", lambda x, y: [np.insert(x, 1, y, axis=1), np.insert(x, 0, 3.0, axis=0), np.insert(x, [0, 2], y[:, None], axis=1)], M, V),
    ("repeat each", lambda x: np.repeat(x, [1, 0, 2, 1, 1], axis=0), M),
    ("resize", lambda x: np.resize(x, (2, 7)), V),
    ("pad more than there is", lambda x: [np.pad(x, 9, mode=m) for m in ("reflect", "wrap", "symmetric", "edge")], (3,)),
    ("pad dict of values", lambda x: np.pad(x, ((1, 1), (0, 2)), constant_values=((1, 2), (3, 4))), M),
    ("convolve same", lambda x, y: [np.convolve(x, y, "same"), np.convolve(y, x, "same")], (6,), (4,)),
    ("convolve shorter first", lambda x, y: [np.convolve(x, y, m) for m in ("full", "same", "valid")], (3,), (6,)),
    ("correlate", lambda x, y: [np.correlate(x, y, m) for m in ("full", "same", "valid")], (6,), (3,)),
    ("correlate even", lambda x, y: [np.correlate(x, y, m) for m in ("full", "same", "valid")], (6,), (4,)),
    ("correlate shorter first", lambda x, y: [np.correlate(x, y, m) for m in ("full", "same", "valid")], (3,), (6,)),
    ("quantile", lambda x: [np.quantile(x, 0.3), np.quantile(x, [0.0, 0.25, 1.0]), np.quantile(x, 0.5, keepdims=True)], (7,)),
    ("quantile axis", lambda x: np.quantile(x, [0.1, 0.9], axis=1), M),
    ("quantile methods", lambda x: [np.quantile(x, q, method=m) for q in (0.1, 0.5, 0.77) for m in ("lower", "higher", "nearest", "midpoint")], (6,)),
    ("percentile", lambda x: np.percentile(x, [10, 50], axis=(0, 1)), M),
    ("partition", lambda x: np.sort(np.partition(x, 2)), V),
    ("apply_along_axis", lambda x: [np.apply_along_axis(lambda r: np.sum(r**2), 0, x), np.apply_along_axis(lambda r: r / np.sum(r), 1, x)], M),
    ("polynomials", lambda a, b: [np.polyadd(a, b), np.polysub(a, b), np.polymul(a, b), np.polyder(a), np.polyint(b, k=2.0), np.poly(a)], (4,), (3,)),
    ("polyfit", lambda x, y: np.polyfit(x, y, 2), (6,), (6,)),
    ("geomspace", lambda a: np.geomspace(np.exp(a), 100.0, 5), S),
    ("vander square", np.vander, (4,)),
    ("unravel_index", lambda x: np.unravel_index(np.argmax(x), x.shape), M),
    ("compress", lambda x: [np.compress([True, False, True], x), np.compress([0, 1, 1], x, axis=0), np.extract(np.array([1, 0, 1]), np.arange(3) * x[:3, 0])], M),
    ("indices from the shape", lambda x: [x[np.triu_indices_from(x)], x[np.tril_indices_from(x, -1)], x[np.diag_indices_from(x)]], (4, 4)),
    ("linear algebra", lambda a, b: [np.linalg.solve(a, b), np.linalg.inv(a), np.linalg.cond(a, 1), np.linalg.multi_dot([a, a, b])], (4, 4), (4,)),
    ("svd", lambda a: [np.linalg.svd(a, compute_uv=False), np.linalg.svd(a, full_matrices=False).S, np.linalg.cond(a)], (5, 3)),
    ("slogdet", lambda a: [np.linalg.slogdet(a).logabsdet, np.linalg.slogdet(a)[0]], (4, 4)),
    ("lstsq", lambda a, b: np.linalg.lstsq(a, b)[:2], (6, 3), (6,)),
    ("tensorsolve", lambda a, b: np.linalg.tensorsolve(a.reshape(2, 3, 6), b), (6, 6), (2, 3)),
    ("tensorinv", lambda a: np.linalg.tensorinv(a.reshape(6, 2, 3), ind=1), (6, 6)),
    ("eigh", lambda a: np.linalg.eigh(a + a.T).eigenvalues, (4, 4)),
    ("scalars in lists", lambda x: np.stack([x[0], 2.0, x[1] * x[2]]), V),
    ("item", lambda x: [x[2].item(), x.item(3)], V),
]  # fmt: skip


@pytest.mark.parametrize(("call", "shapes"), [pytest.param(c, s, id=i) for i, c, *s in ANYWHERE])
def test_as_numpy_at_whole_and_named_sizes(call, shapes):
    check(call, *shapes, named=True)


@pytest.mark.parametrize(("call", "shapes"), [pytest.param(c, s, id=i) for i, c, *s in WHOLE])
def test_as_numpy_at_whole_sizes(call, shapes):
    check(call, *shapes)


# --- indexing -----------------------------------------------------------------------------------------------------
ENTRIES = {
    "int": 1, "negative int": -1, "slice": slice(1, None), "stepped": slice(None, None, 2), "reversed": slice(None, None, -1),
    "reversed part": slice(-1, 0, -2), "empty": slice(2, 2), "new": None, "rest": ..., "list": [0, 2, 2], "column": np.array([[0], [1]]),
    "negative": np.array([-1, 0, -2]), "mask": np.array([True, False, True]), "scalar array": np.array(1),
}  # fmt: skip
PAIRS = [p for n in (1, 2, 3) for p in itertools.product(ENTRIES, repeat=n) if p.count("rest") < 2 and (n < 3 or len(set(p)) == 3)]


def test_indices_of_every_kind_as_numpy():
    """Every combination of up to three kinds of index on a (3, 3, 3) array: NumPy's value, or an error where NumPy has one."""
    x, array = var("x", (3, 3, 3)), np.arange(27.0).reshape(3, 3, 3)
    checked = refused = 0
    keys, exprs, wanted = [], [], []
    for pair in PAIRS:
        key = tuple(ENTRIES[p] for p in pair)
        try:
            want = array[key]
        except IndexError:
            with pytest.raises(ShapeError):
                x[key]
            refused += 1
            continue
        keys.append(pair)
        exprs.append(x[key])
        wanted.append(want)
        checked += 1
    for pair, value, want in zip(keys, evaluate_all(exprs, {x: array}), wanted, strict=True):
        np.testing.assert_array_equal(value, want, err_msg=str(pair))
        assert value.shape == want.shape
    assert checked > 1000
    assert refused > 100


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_slices_as_numpy(data):
    n = data.draw(st.integers(0, 6))
    bound = st.none() | st.integers(-8, 8)
    key = slice(data.draw(bound), data.draw(bound), data.draw(st.none() | st.sampled_from([-3, -2, -1, 1, 2, 3])))
    array, x = np.arange(float(n)), var("x", (n,))
    (value,) = evaluate_all([x[key]], {x: array})
    np.testing.assert_array_equal(value, array[key])


@given(st.integers(7, 9), st.integers(0, 3), st.integers(0, 3), st.sampled_from([-2, -1, 1, 2]))
@settings(max_examples=60, deadline=None)
def test_slices_of_a_named_dim_as_numpy(n, low, high, step):
    array, x = np.arange(float(n)), var("x", ("n",))
    keys = [slice(low, -high or None, step) if step > 0 else slice(-1 - high, low, step), slice(low, None), slice(None, None, step)]
    for key, value in zip(keys, evaluate_all([x[k] for k in keys], {x: array}), strict=True):
        np.testing.assert_array_equal(value, array[key])


@given(st.lists(st.integers(1, 3), min_size=1, max_size=4), st.data())
@settings(max_examples=80, deadline=None)
def test_masks_of_any_rank_as_numpy(shape, data):
    rank = data.draw(st.integers(1, len(shape)))
    seed = data.draw(st.integers(0, 99))
    mask = np.random.default_rng(seed).random(shape[:rank]) > 0.5
    array, x = np.random.default_rng(seed).normal(size=shape), var("x", tuple(shape))
    (value,) = evaluate_all([x[mask]], {x: array})
    np.testing.assert_array_equal(value, array[mask])


# --- what cannot be -----------------------------------------------------------------------------------------------
X, x = var("X", (4, 3)), var("x", ("n",))


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: X[4], ShapeError, "out of range"),
        (lambda: X[0, 0, 0], ShapeError, "3 indices"),
        (lambda: X[..., ...], ShapeError, "only one ellipsis"),
        (lambda: X[[0, 9]], ShapeError, "out of range"),
        (lambda: X[0.5], ShapeError, "is no index"),
        (lambda: X[::0], ShapeError, "step 0"),
        (lambda: X[np.array([True, False])], ShapeError, "mask of shape"),
        (lambda: X[X > 0], Unsupported, r"np.where\(mask, a, b\)"),
        (lambda: np.where(X > 0), Unsupported, "unknown size"),
        (lambda: np.compress(X[:, 0] > 0, X), Unsupported, "unknown size"),
        (lambda: np.split(X, 3), ShapeError, "do not divide"),
        (lambda: np.split(x, 3), SymbolicValue, "whole number"),
        (lambda: np.delete(x, 1), SymbolicValue, "whole number"),
        (lambda: np.quantile(x, 0.5), SymbolicValue, "whole number"),
        (lambda: np.quantile(X, 1.5), ShapeError, "between 0 and 1"),
        (lambda: np.quantile(X, 0.5, method="weibull"), Unsupported, "'weibull'"),
        (lambda: np.pad(X, 1, mode="linear_ramp"), Unsupported, "'linear_ramp'"),
        (lambda: np.pad(X, -1), ShapeError, "no whole numbers"),
        (lambda: np.convolve(X, X), ShapeError, "two vectors"),
        (lambda: np.convolve(X[0], X[0], "some"), Unsupported, "'some'"),
        (lambda: sliding_window_view(X, (5, 1)), ShapeError, "window of 5"),
        (lambda: np.gradient(X, edge_order=2), Unsupported, "edge_order"),
        (lambda: np.cross(X, X[:, :2]), ShapeError, "vectors of 3"),
        (lambda: np.diff(X, 5), ShapeError, "5 differences"),
        (lambda: np.max(X[:0]), ShapeError, "empty"),
        (lambda: np.median(X[:0]), ShapeError, "empty"),
        (lambda: np.concatenate([]), ValueError, "need at least one array"),
        (lambda: ops.concatenate([]), ShapeError, "nothing to join"),
        (lambda: np.concatenate([X, X[0]]), ShapeError, "differ"),
        (lambda: np.concatenate([X[0, 0], X[0, 1]]), ShapeError, "scalar"),
        (lambda: np.stack([X, X[0]]), ShapeError, "differ"),
        (lambda: np.hstack([X, X[0]]), ShapeError, "differ"),
        (lambda: X.reshape(5, -1), ShapeError, "does not divide"),
        (lambda: X.reshape(3, 5), ShapeError, "12 elements"),
        (lambda: X.reshape(None), ShapeError, "None is no shape"),
        (lambda: X.astype(np.float32), Unsupported, "float32"),
        (lambda: X + np.array([object()] * 3), DtypeError, "object"),
        (lambda: X + 1j, DtypeError, "complex"),
        (lambda: np.linalg.svd(X), Unsupported, "full_matrices=False"),
        (lambda: np.linalg.lstsq(var("A", ("n", "d")), x), SymbolicValue, "which size is smaller"),
        (lambda: np.vander(x), SymbolicValue, "give N"),
        (lambda: len(x), SymbolicValue, r"x.shape\[0\]"),
        (lambda: list(x), SymbolicValue, r"x.shape\[0\]"),
        (lambda: np.asarray(X), SymbolicValue, "not an array"),
        (lambda: float(X[0, 0]), SymbolicValue, "np.sin"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
