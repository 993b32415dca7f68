"""Corners of Python and NumPy that functions in the wild reach: index tricks, object arrays, caches, heaps, polynomials, SciPy's own."""

# Written as strangers write: their style is not ours to mend.
# ruff: noqa: B905, E741
from __future__ import annotations

import bisect
import collections
import copy
import functools
import heapq
import itertools
import math
import operator

import numpy as np
import pytest
import scipy.integrate as si
import scipy.optimize as so
import scipy.special as sp
from numpy import array as arr_
from numpy import asarray as asarr_

from tests.tracing.numeric import check_gradient

rng = np.random.default_rng(0)
A = rng.normal(size=(6, 6))
y6 = rng.normal(size=6)
CORNERS = {}


def corner(f):
    CORNERS[f.__name__] = f
    return f


@corner
def r_(x):
    return np.sum(np.r_[x, 1.0, x[0]] ** 2)


@corner
def c_(x):
    return np.sum(np.c_[x, x**2] ** 2)


@corner
def mean_list(x):
    return np.mean([x[0] ** 2, x[1], x[2] * x[3]]) + np.std([x[0], x[1], x[2]]) + np.median([x[0], x[1], x[2]]) + np.var(list(x))


@corner
def from_array(x):
    return np.sum(arr_([x[0], x[1] ** 2])) + sum(asarr_(x) ** 2)


@corner
def linalg_list(x):
    return (
        np.linalg.det([[x[0], 1.0], [2.0, x[1]]]) + np.linalg.norm([x[0], x[1]]) + np.linalg.inv([[x[0] + 3, 0.1], [0.2, x[1] + 4]])[0, 1]
    )


@corner
def full(x):
    return np.sum(np.full(3, x[0]) ** 2)


@corner
def ndenum(x):
    return sum(i[0] * v**2 for i, v in np.ndenumerate(x))


@corner
def polynomial_module(x):
    return np.polynomial.polynomial.polyval(0.3, x) + np.polynomial.chebyshev.chebval(0.2, x)


@corner
def poly1d(x):
    return np.poly1d([1.0, 2.0, 3.0])(x).sum()


@corner
def poly1d_x(x):
    return np.poly1d(x)(0.5)


@corner
def lru(x):
    @functools.cache
    def fib(k):
        return x[k] if k < 2 else fib(k - 1) * 0.5 + fib(k - 2) * x[k % 6]

    return fib(6)


@corner
def lru_scalar(x):
    @functools.cache
    def g(v):
        return v**2

    return g(x[0]) + g(x[0]) + g(x[1])


@corner
def maxacc(x):
    return np.sum(np.maximum.accumulate(x) * np.arange(6))


@corner
def rosen_der(x):
    return np.sum(so.rosen_der(x) ** 2) / 1e4


@corner
def trapz(x):
    return si.trapezoid(x**2, dx=0.1)


@corner
def simpson(x):
    return si.simpson(x**2, dx=0.1)


@corner
def softmax(x):
    return np.sum(sp.softmax(x) * y6) + np.sum(sp.log_softmax(x) * y6)


@corner
def accum(x):
    return list(itertools.accumulate(x, operator.mul))[-1]


@corner
def deque_(x):
    d = collections.deque(x)
    d.rotate(1)
    return sum(a * b for a, b in zip(d, x))


@corner
def deep(x):
    y = copy.deepcopy(x)
    y[0] = 3
    z = copy.copy(x)
    return np.sum(x * y * z)


@corner
def reversed_(x):
    return sum(v * k for k, v in enumerate(reversed(x)))


@corner
def hypot_(x):
    return math.prod(v for v in x)


@corner
def power_fn(x):
    return pow(x[0], 2) + divmod(x[1], 0.3)[1] + abs(x[2]) + (x[3] % 0.4) + x[4] // 0.3


@corner
def neg_index(x):
    return x[-1] * x[-2] + x[np.int64(1)] + x[np.array(2)] + x[()][3] + x[..., 4]


@corner
def starred(x):
    f = lambda a, b, *c: a * b + sum(c)
    return f(*x)


@corner
def dictcomp(x):
    return sum({i: v**2 for i, v in enumerate(x)}.values())


@corner
def minimize_inner(x):
    z = 0.5
    for _ in range(8):
        z = z - 0.2 * (2 * (z - x[0]) + 4 * z**3 * x[1] ** 2)
    return z**2


@corner
def while_tol(x):
    a, b = abs(x[0]) + 1, abs(x[1]) + 2.0
    while abs(a - b) > 1e-10:
        a, b = (a + b) / 2, np.sqrt(a * b)
    return a


@corner
def broadcast_to_(x):
    return np.sum(np.broadcast_to(x, (3, 6)) * np.arange(18).reshape(3, 6))


@corner
def shape_kw(x):
    return np.ones(x.shape) @ x + np.eye(len(x))[0] @ x + np.zeros_like(x).sum() + np.identity(6)[2] @ x


@corner
def asfortran(x):
    return np.sum(np.asfortranarray(x.reshape(2, 3)) ** 2) + np.sum(np.ascontiguousarray(x))


@corner
def require(x):
    return np.sum(np.require(x, dtype=float) ** 2)


@corner
def boolcount(x):
    return np.sum(x[x > 0]) / np.count_nonzero(x > 0) + np.sum(x[np.flatnonzero(x < 0)])


@corner
def extract_(x):
    return np.extract(x > 0, x).sum() + np.compress(x > 0, x).prod()


@corner
def putmask_(x):
    y = x.copy()
    np.putmask(y, y < 0, 0)
    np.put(y, [1], [3.0])
    np.place(y, y > 1, [2.0])
    return np.sum(y**2)


@corner
def lexi(x):
    return x[np.lexsort((x,))][0]


@corner
def unique_(x):
    return np.unique(x).sum()


@corner
def triu_(x):
    return np.triu(np.outer(x, x))[np.triu_indices(6)].sum()


@corner
def tri_fill(x):
    L = np.zeros_like(x, shape=(3, 3))
    L[np.tril_indices(3)] = x
    return np.sum((L @ L.T) ** 2)


@corner
def nan_branch(x):
    return np.nansum(np.where(x > 0, x, np.nan)) + np.nanmax(x)


@corner
def einsum_list(x):
    return np.einsum("i,i", [x[0], x[1]], [1.0, 2.0])


@corner
def dot_list(x):
    return np.dot([x[0], x[1]], [1.0, 2.0]) + np.inner([x[0], 2.0], [x[1], 1.0]) + np.cross([x[0], x[1], 1.0], [1.0, 2.0, x[2]]).sum()


@corner
def sum_axis_list(x):
    return np.sum([[x[0], x[1]], [x[2], x[3]]], axis=0)[1] + np.prod([x[0], x[1]]) + np.max([x[0], x[1]]) + np.min([x[0], x[5]])


@corner
def concat_list(x):
    return (
        np.sum(np.concatenate([[x[0]], [x[1] * 2.0], np.ones(2)]) ** 2)
        + np.hstack([x[0], x[1]]).sum()
        + np.append(x, x[0] ** 2).sum()
        + np.append([], [x[0]])[0]
    )


@corner
def insert_(x):
    return np.sum(np.insert(x, 0, x[1] * 2) * np.arange(7))


@corner
def lambda_map(x):
    return sum(map(lambda a, b: a * b, x, x[1:]))


@corner
def obj_dot(x):
    M = np.array([[x[0], 1], [2, x[1]]], dtype=object)
    return (M @ np.array([1.0, x[2]]))[0] * M[1, 1]


@corner
def trig_id(x):
    return np.sum(np.sin(x) ** 2 + np.cos(x) ** 2 * x) + np.deg2rad(x).sum() + np.degrees(x[0])


@corner
def sincs(x):
    return np.sum(np.sinc(x)) + np.sum(np.sign(x) * np.sqrt(np.abs(x))) + np.sum(np.heaviside(x, 0.5) * x)


@corner
def where_zero(x):
    return np.sum(np.where(x != 0, np.sin(x) / x, 1.0))


@corner
def floatpow(x):
    return np.sum(np.abs(x) ** 1.7) + np.sum(2.0**x) + np.sum(np.abs(x) ** x) + np.float_power(np.abs(x[0]), 2.5)


@corner
def mat_x(x):
    X = x.reshape(2, 3)
    return np.trace(X @ X.T) + np.sum(X.mean(0) * X.std(0)) + X.T.dot(X).sum() + np.linalg.norm(X, axis=1).sum()


@corner
def global_state(x):
    total = 0
    for row in np.array_split(x, 3):
        total += row.max() - row.min()
    return total


@corner
def chol_solve(x):
    K = np.exp(-0.5 * (x[:, None] - x[None, :]) ** 2) + 0.1 * np.eye(6)
    L = np.linalg.cholesky(K)
    a = np.linalg.solve(L, y6)
    return a @ a + 2 * np.log(np.diagonal(L)).sum()


@corner
def slog(x):
    s, l = np.linalg.slogdet(np.outer(x, x) + np.eye(6))
    return s * l


@corner
def eig_(x):
    w, v = np.linalg.eigh(np.diag(x) + 0.1 * (A + A.T))
    return w[-1] + (v[:, 0] ** 2)[1]


@corner
def pinv_(x):
    return np.sum(np.linalg.pinv(x.reshape(3, 2))) + np.linalg.lstsq(x.reshape(3, 2), np.ones(3), rcond=None)[0].sum()


@corner
def expit_(x):
    return np.sum(sp.expit(x) * sp.log_expit(x) + sp.ndtr(x) + sp.gamma(x + 3) + sp.entr(x**2))


@corner
def item_assign_bool(x):
    y = x * 2
    m = y > 0
    y[m] = y[m] ** 2
    y[~m] = 0.0
    return y.sum()


@corner
def iadd_rows(x):
    M = np.outer(x, np.ones(3))
    M[1] += x[:3]
    M[:, 0] *= x
    M[2:4, 1:] -= 1
    return (M**2).sum()


@corner
def tuple_index(x):
    M = np.outer(x, x)
    i = (1, 2)
    return M[i] + M[(slice(0, 2), 0)].sum()


@corner
def scalar_ops(x):
    return np.float64(2.0) * x[0] + np.int64(3) * x[1] + np.array(2.0) * x[2] + True * x[3]


@corner
def minmax(x):
    return np.min(x) * np.max(x) + np.amin(x) + x.max() + np.ptp(x) + np.argmin(x) * x[0]


@corner
def clipm(x):
    return x.clip(-0.2, 0.8).sum() + np.clip(x, None, 0.1).sum() + x.clip(min=0).sum()


@corner
def sort2(x):
    return sorted(x, key=lambda v: -v)[0] + sorted(x, reverse=True)[1] + heapq_(x)


def heapq_(x):
    return heapq.nsmallest(2, list(x))[1]


@corner
def bisect_(x):
    return bisect.bisect([0.0, 1.0], x[0]) * x[1]


@corner
def assertall(x):
    np.testing.assert_allclose(x.shape, (6,))
    return x.sum()


@corner
def gradient_(x):
    return np.sum(np.gradient(x) ** 2)


@corner
def histlike(x):
    return np.digitize(x, [0.0, 0.5]) @ x


@corner
def convolve_(x):
    return np.convolve(x, x)[3] + np.convolve(x, [1, 2], "valid").sum()


@corner
def kron_(x):
    return np.kron(np.eye(2), x.reshape(2, 3)).sum()


@corner
def tile_(x):
    return (np.tile(x, (2, 1)) * np.arange(12).reshape(2, 6)).sum()


@corner
def ravel_multi(x):
    return x.reshape(2, 3)[np.unravel_index(np.argmax(x.reshape(2, 3)), (2, 3))]


@corner
def bool_idx_2d(x):
    M = x.reshape(2, 3)
    return M[M > 0].sum() + M[np.array([True, False])].sum()


@corner
def asked_for_its_type(x):
    if isinstance(x, np.ndarray) and isinstance(x[0], float) and np.isscalar(x[0]):
        return np.sum(x**2)
    return np.sum(x)


@corner
def where_of_a_length(x):
    return np.sum(np.where(len(x) > 3, x**2, x))


@corner
def log_pdf_by_hand(x):
    mu, sigma = x[0], np.exp(x[1])
    return -np.sum(-0.5 * ((y6 - mu) / sigma) ** 2 - np.log(sigma) - 0.5 * np.log(2 * np.pi))


X0 = np.array([0.45, -0.82, 1.13, 0.27, -0.36, 0.94])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", CORNERS)
def test_gradient_at_a_corner(name):
    check_gradient(CORNERS[name], X0, rtol=1e-6, h=1e-3)
