"""Functions in styles that are rarely seen: whatever NumPy does with an array, its gradient is right, or an error says what to write."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
import pytest
from scipy import special as sp

import symdiff as sd
from tests.tracing.numeric import check_gradient

M = np.arange(12.0).reshape(4, 3) / 7 + 0.3
t = np.linspace(0, 1, 6)
STRANGERS, REFUSED = {}, {}


def stranger(f):
    STRANGERS[f.__name__] = f
    return f


def refused(f):
    REFUSED[f.__name__] = f
    return f


@stranger
def vectorize(x):
    return np.vectorize(lambda v: v**2 + 1)(x).sum()


@stranger
def add_reduce(x):
    return np.add.reduce(x * x)


@stranger
def mul_reduce(x):
    return np.multiply.reduce(x + 2)


@stranger
def along_axis(x):
    return np.apply_along_axis(lambda r: r @ r, 1, x.reshape(2, 3)).sum()


@stranger
def multi_dot(x):
    return np.linalg.multi_dot([x.reshape(2, 3), M.T, M, x[:3]]).sum()


@stranger
def gradient(x):
    return np.sum(np.gradient(x) ** 2)


@stranger
def gradient_dx(x):
    return np.sum(np.gradient(x, 0.5) ** 2)


@stranger
def interp(x):
    return np.sum(np.interp(np.array([0.1, 0.5, 0.9]), t, x) ** 2)


@stranger
def interp_x(x):
    return np.sum(np.interp(x, np.linspace(-2, 2, 9), np.linspace(-2, 2, 9) ** 2))


@stranger
def trapezoid(x):
    return np.trapezoid(x**2, t)


@stranger
def polyval(x):
    return np.polyval(x, 0.7)


@stranger
def polyval2(x):
    return np.sum(np.polyval([1.0, 2, 3], x))


@stranger
def cross(x):
    return np.sum(np.cross(x[:3], x[3:]) ** 2)


@stranger
def select(x):
    return np.sum(np.select([x < 0, x < 1], [x**2, x], x**3))


@stranger
def piecewise(x):
    return np.sum(np.piecewise(x, [x < 0, x >= 0], [lambda v: -v, lambda v: v**2]))


@stranger
def clip(x):
    return np.sum(np.clip(x, -0.5, 0.5) * x)


@stranger
def nan_to_num(x):
    return np.sum(np.nan_to_num(x) ** 2)


@stranger
def cov(x):
    return np.cov(x.reshape(2, 3)).sum()


@stranger
def corrcoef(x):
    return np.corrcoef(x[:3], x[3:])[0, 1]


@stranger
def percentile(x):
    return np.percentile(x, 30)


@stranger
def median(x):
    return np.median(x) + np.quantile(x, 0.7)


@stranger
def logaddexp_reduce(x):
    return np.logaddexp.reduce(x)


@stranger
def block(x):
    return np.linalg.norm(np.block([[x[:2].reshape(1, 2), np.ones((1, 1))], [np.zeros((1, 2)), x[5:].reshape(1, 1)]]))


@stranger
def r_(x):
    return np.sum(np.r_[x, 1.0, x[0]] ** 2)


@stranger
def c_(x):
    return np.sum(np.c_[x, x**2] ** 2)


@stranger
def ix_(x):
    return np.sum(x.reshape(2, 3)[np.ix_([0, 1], [0, 2])] ** 2)


@stranger
def take_along(x):
    return np.take_along_axis(x, np.argsort(x), 0) @ np.arange(6.0)


@stranger
def put_along(x):
    y = x.copy()
    np.put_along_axis(y, np.array([1]), 2.0, 0)
    return np.sum(y**2)


@stranger
def outer_m(x):
    return np.multiply.outer(x, x).sum()


@stranger
def add_at(x):
    y = x * 2
    np.add.at(y, [0, 0, 1], x[:3])
    return np.sum(y**2)


@stranger
def accumulate(x):
    return np.sum(np.add.accumulate(x) ** 2)


@stranger
def max_accumulate(x):
    return np.sum(np.maximum.accumulate(x) ** 2)


@stranger
def out_arg(x):
    y = x * 2
    np.multiply(y, y, out=y)
    return y.sum()


@stranger
def aug_slice(x):
    y = x * 1
    y[1:] += y[:-1]
    return np.sum(y**2)


@stranger
def mask_assign(x):
    y = x * 1
    y[y < 0] = 0
    return np.sum(y**2)


@stranger
def mask_aug(x):
    y = x * 1
    y[y < 0] *= 3
    return np.sum(y**2)


@stranger
def while_tol(x):
    y = x[0] + 2
    z = 1.0
    while abs(z * z - y) > 1e-12:
        z = 0.5 * (z + y / z)
    return z


@stranger
def try_except(x):
    try:
        return np.sum(x) / 0.5
    except ZeroDivisionError:
        return 0 * x[0]


@stranger
def reduce_(x):
    return functools.reduce(lambda a, b: a * b + 1, x)


@stranger
def itert(x):
    return sum(a * b for a, b in itertools.combinations(x, 2))


@stranger
def zipenum(x):
    return sum(i * a * b for i, (a, b) in enumerate(zip(x, x[::-1], strict=True)))


@stranger
def listcomp(x):
    return np.array([v**2 for v in x]).sum()


@stranger
def tolist(x):
    return sum(v**2 for v in x.tolist())


@stranger
def copy_(x):
    y = x.copy()
    y[0] = 3
    return np.sum(y**2)


@stranger
def astype_(x):
    return np.sum(x.astype(float) ** 2)


@stranger
def astype_int(x):
    return np.sum(x.astype(int)) * 1.0


@stranger
def fill_(x):
    y = x.copy()
    y.fill(2.0)
    return np.sum(y * x)


@stranger
def flat_(x):
    return sum(v * v for v in x.reshape(2, 3).flat)


@stranger
def item_(x):
    return x[0].item() ** 2


@stranger
def item2(x):
    return x.item(2) ** 2


@stranger
def lse_(x):
    return sp.logsumexp(x) + sp.softmax(x)[0]


@stranger
def einsum_path(x):
    return np.einsum("i,ij,j", x[:4], M, x[:3])


@stranger
def vander(x):
    return np.sum(np.vander(x, 3))


@stranger
def ediff(x):
    return np.sum(np.ediff1d(x) ** 2)


@stranger
def nansum(x):
    return np.nansum(x**2) + np.nanmean(x)


@stranger
def digit(x):
    return np.sum(x[np.digitize([0.2, 0.5], [0, 0.3, 1])])


@stranger
def search(x):
    return x[np.searchsorted(np.sort(x), 0.3)]


@stranger
def where1(x):
    return np.sum(x[np.where(x > 0)] ** 2)


@stranger
def nonzero(x):
    return np.sum(x[np.nonzero(x > 0)[0]])


@stranger
def compress(x):
    return np.sum(np.compress(x > 0, x) ** 2)


@stranger
def extract(x):
    return np.sum(np.extract(x > 0, x) ** 2)


@stranger
def average(x):
    return np.average(x, weights=np.arange(6.0)) + np.average(x, weights=x**2)


@stranger
def partition(x):
    return np.partition(x, 2)[:2].sum()


@stranger
def lexs(x):
    return x[np.lexsort((x,))][0]


@stranger
def unique(x):
    return np.unique(x).sum()


@stranger
def fmax(x):
    return np.fmax(x, 0).sum() + np.float_power(x + 2, 1.5).sum()


@stranger
def divmod_(x):
    return np.sum(np.divmod(x, 0.3)[1]) + (x[0] % 0.4)


@stranger
def modf(x):
    return np.modf(x)[0].sum()


@stranger
def deg(x):
    return np.sum(np.deg2rad(x) ** 2) + np.rad2deg(x).sum()


@stranger
def matmul_out(x):
    A = x.reshape(2, 3)
    return np.linalg.matrix_power(A @ A.T, 3).sum()


@stranger
def triu_idx(x):
    A = np.outer(x, x)
    return A[np.triu_indices(6, 1)].sum()


@stranger
def zeros_like_fill(x):
    y = np.zeros_like(x)
    for i in range(len(x)):
        y[i] = x[i] ** 2
    return y.sum()


@stranger
def empty_like(x):
    y = np.empty_like(x)
    y[:] = x
    return (y**2).sum()


@stranger
def polyfit(x):
    return np.polyfit(t, x, 2)[0]


@stranger
def convolve(x):
    return np.sum(np.convolve(x, [1, 2, 1], "same") ** 2) + np.correlate(x, [1.0, 2])[0]


@stranger
def rot(x):
    return np.sum(np.rot90(x.reshape(2, 3))[0]) + np.fliplr(x.reshape(2, 3))[0, 0]


@stranger
def norm_ord(x):
    return np.linalg.norm(x.reshape(2, 3), "nuc") + np.linalg.norm(x.reshape(2, 3), 2)


@stranger
def cond(x):
    return np.linalg.cond(x.reshape(2, 3))


@stranger
def insert(x):
    return np.sum(np.insert(x, 1, 5.0) ** 2) + np.sum(np.delete(x, 0) ** 2) + np.append(x, x[0]).sum()


@stranger
def array_split(x):
    return sum((p**2).sum() for p in np.array_split(x, 4))


@stranger
def tensordot(x):
    return np.tensordot(x.reshape(2, 3), M, axes=([1], [1])).sum()


@stranger
def meshgrid(x):
    a, b = np.meshgrid(x[:3], x[3:])
    return (a * b**2).sum()


# --- refused, by name ------------------------------------------------------------------------------------------------
@refused
def histogram(x):
    return np.histogram(x)[0].sum()


@refused
def unwrap(x):
    return np.sum(np.unwrap(x * 5) ** 2)


@refused
def math_(x):
    return math.sin(x[0])


@refused
def cplx(x):
    return np.sum(np.abs(np.exp(1j * x)))


@refused
def fft_(x):
    return np.sum(np.abs(np.fft.fft(x)) ** 2)


@refused
def bessel(x):
    return np.sum(sp.j0(x))


@refused
def zeros_fill(x):
    y = np.zeros(6)
    for i in range(6):
        y[i] = x[i] ** 2
    return y.sum()


@refused
def fromiter(x):
    return np.fromiter((v for v in x), float).sum()


X0 = np.array([0.45, -0.82, 1.13, 0.27, -0.36, 0.94])
NAMED = {
    "histogram": "np.histogram", "unwrap": "np.unwrap", "math_": "np.sin", "cplx": "complex", "fft_": "np.fft.fft", "bessel": "j0",
    "zeros_fill": "float\\(\\)", "fromiter": "float\\(\\)",
}  # fmt: skip


@pytest.mark.parametrize("name", STRANGERS)
def test_gradient_of_a_strange_function(name):
    check_gradient(STRANGERS[name], X0, rtol=1e-6, h=1e-3)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_named(name):
    with pytest.raises(sd.SymdiffError, match=NAMED[name]):
        sd.grad(REFUSED[name])(X0)
