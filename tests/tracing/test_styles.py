"""Functions as a stranger would write them, in every style, unmodified: their gradients equal numeric ones."""

# Written as strangers write: their style is not ours to mend.
# ruff: noqa: B905, RUF007, C417

from __future__ import annotations

import functools
import math
from collections import namedtuple

import numpy as np
import pytest
import scipy.special as sp

from tests.tracing.numeric import check_gradient

rng = np.random.default_rng(42)
A = rng.normal(size=(6, 6))
SPD = A @ A.T + 6 * np.eye(6)
B = rng.normal(size=(4, 6))
C = rng.normal(size=(3, 4, 6))
LABELS = np.array([0, 2, 1, 2, 0])
DATA = rng.normal(size=(5, 6))
TARGET = rng.normal(size=5)


# --- loops --------------------------------------------------------------------------------------------------------
def sum_of_squares(x):
    total = 0
    for v in x:
        total += v**2
    return total


def indexed(x):
    s = 0.0
    for i in range(len(x)):
        s = s + i * x[i] ** 2
    return s


def neighbours(x):
    s = 0.0
    for i in range(1, x.shape[0]):
        s += (x[i] - x[i - 1]) ** 2 * np.exp(-x[i])
    return s


def double_loop(x):
    s = 0
    for i in range(len(x)):
        for j in range(i):
            s += np.sin(x[i] * x[j]) / (i + j + 1)
    return s


def running_product(x):
    p = 1.0
    for i, v in enumerate(x):
        p *= np.cos(v / np.sqrt(i + 1))
    return p


def horner(x):
    y = 0.0
    for c in x:
        y = y * 0.7 + c
    return y**2


def while_loop(x):
    k, s = 0, 0.0
    while k < len(x):
        s += np.tanh(x[k]) * k
        k += 2
    return s


def zipped(x):
    return sum(a * b for a, b in zip(x[:-1], x[1:]))


def comprehension(x):
    return np.sum(np.array([v**3 - v for v in x]))


def list_append(x):
    terms = []
    for v in x:
        terms.append(v * np.log(1 + v**2))
    return sum(terms)


def reduced(x):
    return functools.reduce(lambda a, b: np.sqrt(a**2 + b**2 + 1), x)


def newton(x):
    y = x[0] ** 2 + 1
    for _ in range(5):
        y = 0.5 * (y + (x[1] ** 2 + 2) / y)
    return y


def euler_steps(x):
    y, v = x[0], x[1]
    for _ in range(20):
        y, v = y + 0.05 * v, v - 0.05 * (x[2] * y + 0.1 * y**3)
    return y**2 + v**2


def matrix_loop(x):
    W = x.reshape(2, 3)
    s = 0
    for row in W:
        for v in row:
            s += v * row[0]
    return s


def recursion(x):
    def step(k):
        return x[0] if k == 0 else np.sin(step(k - 1)) + x[k]

    return step(len(x) - 1)


def trapezoid_by_hand(x):
    area = 0
    for i in range(len(x) - 1):
        area += (x[i] + x[i + 1]) / 2 * 0.1
    return area**2


def python_math_mixed(x):
    s = 0.0
    for i, v in enumerate(x):
        s += math.sqrt(i + 1) * v + math.pi * v**2
    return s


def nested_lists(x):
    M = [[x[i] * x[j] for j in range(3)] for i in range(3)]
    return np.linalg.det(np.array(M) + np.eye(3))


def dictionary(x):
    state = {"a": x[0], "b": x[1]}
    for _ in range(3):
        state = {"a": state["a"] * state["b"], "b": state["b"] + 0.1}
    return state["a"]


def class_with_state(x):
    class Integrator:
        def __init__(self, y):
            self.y = y

        def step(self, v):
            self.y = self.y + v * np.cos(self.y)

    it = Integrator(x[0])
    for v in x[1:]:
        it.step(v)
    return it.y


# --- vectorised ---------------------------------------------------------------------------------------------------
def dot_products(x):
    return x.dot(x) + np.dot(x[:3], x[3:])


def log_sum_exp(x):
    m = np.max(x)
    return m + np.log(np.sum(np.exp(x - m)))


def standardised(x):
    z = (x - x.mean()) / (x.std() + 1e-3)
    return np.sum(z**3)


def differences(x):
    return np.sum(np.diff(x) ** 2) + np.sum(np.diff(x, 2) ** 2)


def outer_sum(x):
    return np.sum(np.sin(np.outer(x, x)))


def broadcast_distances(x):
    P = x.reshape(3, 2)
    D = P[:, None, :] - P[None, :, :]
    return np.sum(np.sqrt(np.sum(D**2, axis=-1) + 0.1))


def cumulative(x):
    return np.sum(np.cumsum(x) * np.cumprod(1 + 0.1 * x))


def softmax_entropy(x):
    p = np.exp(x) / np.exp(x).sum()
    return -np.sum(p * np.log(p))


def polynomial(x):
    return np.polyval([1.0, -2.0, 0.5], x).sum() + np.polyval(x, 0.3)


def norms(x):
    return np.linalg.norm(x) + np.linalg.norm(x, 1) + np.linalg.norm(x, 3) + np.linalg.norm(x.reshape(2, 3), "fro")


def statistics(x):
    return np.var(x, ddof=1) + np.median(x) ** 2 + np.average(x, weights=np.arange(1, 7)) + np.ptp(x)


def with_arange(x):
    n = x.size
    return np.sum(np.arange(1, n + 1) * x**2) / n


def clipped(x):
    return np.sum(np.clip(x, -0.5, 0.5) ** 2 + np.maximum(x, 0) * np.minimum(x, 1))


def where_branch(x):
    return np.sum(np.where(x > 0.3, x**2, -x))


def convolution(x):
    return np.sum(np.convolve(x, [1.0, -2.0, 1.0], mode="same") ** 2) + np.sum(np.correlate(x, x, "full")[:3])


def trigonometry(x):
    return np.sum(np.arctan2(x, 1 + x**2) + np.hypot(x, 2) + np.sinh(x) * np.arcsinh(x) + np.expm1(x) - np.log1p(x**2))


def special_functions(x):
    return np.sum(sp.expit(x) + sp.erf(x) * sp.gammaln(x**2 + 1)) + sp.logsumexp(x) + sp.xlogy(x**2, x**2 + 1).sum()


def gradient_and_trapezoid(x):
    return np.trapezoid(np.gradient(x, 0.5) ** 2, dx=0.5) + np.interp(0.4, [0.0, 1.0], x[:2])


def methods(x):
    y = x.reshape(2, 3).T.copy()
    return (y.sum(axis=0) ** 2).mean() + y.prod() + y.max() - y.min(axis=1).sum() + y.ravel().cumsum()[-1] + y.trace()


def list_arithmetic(x):
    return np.sum((x - [1, 2, 3, 4, 5, 6]) ** 2 * (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)) + sum(x * 2)


# --- matrices -----------------------------------------------------------------------------------------------------
def quadratic_form(x):
    return x @ A @ x + B[0] @ x


def least_squares(x):
    r = DATA @ x - TARGET
    return 0.5 * r.T @ r + 0.1 * np.sum(x**2)


def gaussian_log_density(x):
    L = np.linalg.cholesky(SPD)
    z = np.linalg.solve(L, x)
    return -0.5 * z @ z - np.log(np.diag(L)).sum()


def log_determinant(x):
    M = np.outer(x, x) + np.eye(6)
    return np.linalg.slogdet(M)[1] + np.log(np.linalg.det(M))


def inverse(x):
    return np.trace(np.linalg.inv(np.diag(x**2 + 1) + 0.1 * SPD))


def einsum_bilinear(x):
    return np.einsum("i,ij,j->", x, A, x)


def einsum_three(x):
    return np.sum(np.einsum("ijk,k->ij", C, x) ** 2)


def einsum_trace(x):
    M = x.reshape(2, 3)
    return np.einsum("ij,ij->", M, M) + np.einsum("ij,kj->ik", M, M).trace()


def einsum_ellipsis(x):
    return np.sum(np.einsum("...i,i->...", C, x) ** 3)


def tensordots(x):
    return np.sum(np.tensordot(C, x, axes=([2], [0])) ** 2) + np.sum(np.tensordot(x, x, axes=0))


def kronecker(x):
    return np.sum(np.kron(x[:2], x[2:4]) ** 2)


def matrix_powers(x):
    M = x[:4].reshape(2, 2)
    return np.trace(np.linalg.matrix_power(M, 3))


def eigenvalues(x):
    M = np.diag(x) + 0.05 * (A + A.T)
    return np.sum(np.linalg.eigvalsh(M + np.diag(np.arange(6.0) * 5)) ** 2)


def singular_values(x):
    return np.linalg.svd(x.reshape(2, 3), compute_uv=False)[0]


def two_layers(x):
    W1, W2 = x[:4].reshape(2, 2), x[4:]
    H = np.tanh(DATA[:, :2] @ W1)
    return np.mean((H @ W2 - TARGET) ** 2)


def logistic_regression(x):
    y = (TARGET > 0).astype(float)
    p = 1 / (1 + np.exp(-(DATA @ x)))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def stacked(x):
    M = np.vstack([x[:3], x[3:], x[:3] * x[3:]])
    N = np.column_stack((M[:, 0], M[:, 1] ** 2))
    return np.sum(np.hstack([M, N]) ** 2)


def blocks(x):
    M = np.block([[np.diag(x[:2]), np.ones((2, 1))], [np.zeros((1, 2)), x[2:3, None]]])
    return np.sum(M @ M)


def triangular(x):
    T = np.tril(np.outer(x, x)) + np.triu(np.ones((6, 6)), 1)
    return np.sum(T**2)


def multi_products(x):
    return np.linalg.multi_dot([x, A, A.T, x]) + np.vdot(x, x) + np.inner(x, B).sum()


# --- fancy indexing -----------------------------------------------------------------------------------------------
def integer_list(x):
    return np.sum(x[[0, 2, 2, 5]] ** 2)


def reversed_steps(x):
    return np.sum(x[::-1] * x) + np.sum(x[4:0:-2] ** 2)


def constant_mask(x):
    return np.sum(x[np.arange(6) % 2 == 0] ** 3)


def value_mask(x):
    return np.sum(x[x > 0] ** 2)


def picked_labels(x):
    Z = DATA[:, :3] * x[:3] + x[3:]
    P = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    return -np.mean(np.log(P[np.arange(5), LABELS]))


def sorted_values(x):
    return np.sum(np.sort(x) * np.arange(6)) + np.sort(x)[-1] ** 2


def by_argsort(x):
    order = np.argsort(x)
    return np.sum(x[order] * np.arange(6) ** 2)


def by_argmax(x):
    return x[np.argmax(x)] ** 2 - x[x.argmin()]


def two_dimensional(x):
    M = x.reshape(2, 3)
    return M[1, 2] * M[0, 0] + M[:, 1].sum() + M[-1, ::2].prod() + M[[0, 1], [1, 2]].sum()


def new_axes(x):
    return np.sum(x[:, None] * x[None, :3]) + np.sum(x[np.newaxis, ..., ::2] ** 2)


def open_mesh(x):
    M = np.outer(x, x)
    return np.sum(M[np.ix_([0, 2], [1, 3])])


def take_and_choose(x):
    return np.take(x, [1, 1, 3]).prod() + np.sum(np.take_along_axis(x.reshape(2, 3), np.array([[0], [2]]), axis=1))


def rolled(x):
    return np.sum(x * np.roll(x, 1)) + np.sum(np.roll(x, -2)[:3] ** 2)


def upper_triangle(x):
    M = np.outer(x, x**2)
    return np.sum(M[np.triu_indices(6, 1)]) + np.diagonal(M).sum()


def segments(x):
    return sum(np.prod(part) for part in np.split(x, 3)) + np.sum(np.array_split(x, 4)[0])


def repeated(x):
    return np.sum(np.repeat(x, [1, 2, 0, 1, 3, 1]) ** 2) + np.sum(np.tile(x[:2], 3) * x)


def embedding(x):
    table = x.reshape(3, 2)
    return np.sum(table[LABELS] ** 2 * np.arange(1, 6)[:, None])


def top_two(x):
    return np.sum(np.partition(x, -2)[-2:])


def nonzero_entries(x):
    at = np.nonzero(x > 0)[0]
    return np.sum(x[at] ** 2) + len(at)


def windows(x):
    W = np.lib.stride_tricks.sliding_window_view(x, 3)
    return np.sum(W.max(axis=1) * W.mean(axis=1))


# --- branches on values -------------------------------------------------------------------------------------------
def sign_branch(x):
    if x[0] > 0:
        return np.sum(x**2)
    return np.sum(np.abs(x))


def huber(x):
    s = 0
    for v in x:
        s += 0.5 * v**2 if abs(v) <= 0.7 else 0.7 * (abs(v) - 0.35)
    return s


def until_converged(x):
    y = x[0] ** 2 + 1
    for _ in range(50):
        new = 0.5 * (y + 3.0 / y)
        if abs(new - y) < 1e-9:
            break
        y = new
    return y * x[1]


def python_max(x):
    return max(x) ** 2 + min(x[1:]) * max(x[0], x[1], 0.2)


def python_sorted(x):
    ranked = sorted(x)
    return ranked[0] * ranked[-1] + ranked[2]


def rounding(x):
    return x[0] * round(float(TARGET[0])) + x[1] * round(x[2]) + np.floor(x[3]) * x[4]


def int_of_value(x):
    k = int(abs(x[0]) * 3) + 1
    return np.sum(x[:k] ** 2)


def range_of_value(x):
    s = 0
    for i in range(int(np.ceil(abs(x[1]) + 1))):
        s += x[i] * (i + 1)
    return s


def any_and_all(x):
    if np.any(x > 0.5) and not np.all(x > 0.5):
        return np.sum(x**3)
    return np.sum(x)


def chained_comparison(x):
    return x[0] ** 2 if -1 < x[0] < 1 else x[0]


def boolean_sum(x):
    count = (x > 0).sum()
    return np.sum(x) * count


def domain_error(x):
    if np.any(np.isnan(x)) or not np.isfinite(x).all():
        return np.inf
    return np.sum(np.log(1 + x**2))


def penalty(x):
    violation = max(0, x[0] + x[1] - 0.1)
    return np.sum(x**2) + 10 * violation**2


def early_return(x):
    for v in x:
        if v < 0:
            return v**2
    return 0.0 * x[0]


def relu_by_hand(x):
    return np.sum([v if v > 0 else 0.01 * v for v in x])


def argmax_branch(x):
    k = int(np.argmax(x))
    return x[k] ** 2 if k % 2 else x[k]


def count_loop(x):
    n = 0
    y = abs(x[0]) + 0.1
    while y < 3:
        y = y * (1.5 + 0.1 * x[1] ** 2)
        n += 1
    return y * n


def membership(x):
    state = "up" if x[0] > x[1] else "down"
    return {"up": x[0] ** 2, "down": x[1] ** 2}[state]


def float_equal(x):
    return np.sum(x) if x[0] == 0 else np.sum(x) / x[0]


def assertion(x):
    assert x.shape == (6,)
    assert np.all(np.abs(x) < 100)
    return np.prod(1 + x**2)


# --- in place -----------------------------------------------------------------------------------------------------
def add_in_place(x):
    x += 1
    x *= 2
    return np.sum(x**2)


def copy_and_assign(x):
    y = x.copy()
    y[0] = 2 * y[1]
    y[2:4] = x[:2] ** 2
    return np.sum(y * x)


def zeros_like_fill(x):
    y = np.zeros_like(x)
    for i in range(len(x)):
        y[i] = np.sin(x[i]) * (i + 1)
    return np.sum(y**2)


def empty_like_fill(x):
    y = np.empty_like(x)
    y[:] = x**2
    y[::2] -= 1
    return np.sum(y**2)


def recurrence(x):
    y = np.zeros_like(x)
    y[0] = x[0]
    for i in range(1, len(x)):
        y[i] = 0.5 * y[i - 1] + x[i] ** 2
    return y[-1] + np.sum(y)


def masked_assignment(x):
    y = x.copy()
    y[y < 0] = 0.0
    y[x > 0.5] *= 3
    return np.sum(y**2)


def accumulate(x):
    total = np.zeros_like(x)
    for k in range(4):
        total += x**k / (k + 1)
    return np.sum(total)


def matrix_fill(x):
    M = np.zeros_like(np.outer(x, x))
    for i in range(6):
        M[i, i] = x[i] ** 2
        M[i, :i] = x[i]
    return np.sum(M @ x)


def swap(x):
    y = x.copy()
    y[0], y[1] = y[1], y[0] * 2
    return y[0] * 3 + y[1] ** 2


def view_of_copy(x):
    y = x.copy()
    half = y[:3]
    half *= 2
    half[0] = x[5]
    return np.sum(y**2)


def reshape_view(x):
    y = x.copy()
    M = y.reshape(2, 3)
    M[0] += M[1]
    M.T[2] = 1.0
    return np.sum(y**3)


def row_operations(x):
    M = np.outer(x[:3], x[3:]) + 3 * np.eye(3)
    M = M.copy()
    for k in range(2):
        for i in range(k + 1, 3):
            M[i, k:] = M[i, k:] - M[i, k] / M[k, k] * M[k, k:]
    return M[0, 0] * M[1, 1] * M[2, 2]


def out_argument(x):
    y = np.empty_like(x)
    np.multiply(x, x, out=y)
    np.add(y, 1, out=y)
    np.exp(-y, out=y)
    return y.sum()


def fill_diagonal(x):
    M = np.outer(x, x)
    np.fill_diagonal(M, x**3)
    return np.sum(M**2)


def add_at(x):
    y = np.zeros_like(x)
    np.add.at(y, [0, 1, 1, 3], x[:4] ** 2)
    return np.sum(y**2)


def copyto(x):
    y = np.ones_like(x)
    np.copyto(y, x**2, where=np.arange(6) < 3)
    return np.sum(y * x)


def sort_in_place(x):
    y = x.copy()
    y.sort()
    return np.sum(y * np.arange(6))


def finite_differences(x):
    d = np.zeros_like(x)
    d[1:-1] = (x[2:] - x[:-2]) / 2
    d[0], d[-1] = x[1] - x[0], x[-1] - x[-2]
    return np.sum(d**2)


def heat_steps(x):
    u = x.copy()
    for _ in range(5):
        u[1:-1] = u[1:-1] + 0.2 * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(u**2)


def alias(x):
    y = x
    y[2] = 5 * x[0]
    x -= 0.5
    return np.sum(y**2)


# --- structure ----------------------------------------------------------------------------------------------------
Pair = namedtuple("Pair", "a b")


def asarray_first(x):
    x = np.asarray(x, dtype=float)
    return np.sum(x**2) + np.asarray([x[0], x[1]]).prod()


def atleast(x):
    M = np.atleast_2d(x)
    return np.sum(M @ M.T) + np.atleast_1d(x[0])[0]


def named_tuples(x):
    p = Pair(x[:3], x[3:])
    return np.sum(p.a * p.b) + np.sum(p._replace(a=p.b).a)


def unpacking(x):
    a, b, *rest = x
    return a * b + sum(rest)


def apply_along(x):
    return np.sum(np.apply_along_axis(lambda r: r / r.sum(), 1, x.reshape(2, 3) ** 2 + 1)[:, 0] ** 2)


def vectorized(x):
    f = np.vectorize(lambda v: v**2 if v > 0 else -v)
    return np.sum(f(x))


def mapped(x):
    return np.sum(np.stack(list(map(lambda v: v * np.exp(v), x))))


def object_entries(x):
    y = np.empty(6, dtype=object)
    for i in range(6):
        y[i] = x[i] * (i + 1)
    return np.sum(y**2) + np.dot(y, np.arange(6))


def piecewise(x):
    return np.sum(np.piecewise(x, [x < 0, x >= 0], [lambda v: v**2, lambda v: 3 * v]))


def select(x):
    return np.sum(np.select([x < -0.5, x < 0.5], [x, x**2], default=np.sin(x)))


def list_of_rows(x):
    rows = [x * k for k in range(1, 4)]
    return np.sum(np.array(rows) @ x) + np.linalg.norm(np.asarray(rows))


def meshgrids(x):
    X, Y = np.meshgrid(x[:3], x[3:])
    return np.sum(np.sin(X) * Y)


def padded(x):
    return np.sum(np.pad(x, 1, mode="edge")[:-2] * np.pad(x, (0, 0))) + np.sum(np.pad(x.reshape(2, 3), ((1, 0), (0, 1))) ** 2)


def division_with_out(x):
    d = np.zeros_like(x)
    return np.sum(np.divide(1.0, x**2, out=d, where=np.abs(x) > 0.3))


def errstate(x):
    with np.errstate(divide="ignore"):
        return np.sum(np.log(np.abs(x) + 1e-2))


def keyword_only(x, *, power=3, scale=0.5):
    return scale * np.sum(x**power)


def item_of(x):
    return x[:1].item() ** 2 + x.reshape(2, 3).item(1, 2) + np.sum(x.flatten().tolist()[3])


def flat_iteration(x):
    s = 0
    for v in x.reshape(2, 3).flat:
        s += v**3
    return s


def boolean_arithmetic(x):
    inside = (x > -0.5) & (x < 0.5)
    return np.sum(inside * x**2 + (1 - inside) * x) + np.sum(x * ~inside)


def nested_function(x):
    def phi(t):
        return t**2 * np.log(t**2 + 1)

    return np.sum(phi(x)) + phi(x[0])


KINDS = {
    "loops": "sum_of_squares indexed neighbours double_loop running_product horner while_loop zipped comprehension list_append reduced newton "
    "euler_steps matrix_loop recursion trapezoid_by_hand python_math_mixed nested_lists dictionary class_with_state",
    "vectorised": "dot_products log_sum_exp standardised differences outer_sum broadcast_distances cumulative softmax_entropy polynomial norms "
    "statistics with_arange clipped where_branch convolution trigonometry special_functions gradient_and_trapezoid methods list_arithmetic",
    "matrices": "quadratic_form least_squares gaussian_log_density log_determinant inverse einsum_bilinear einsum_three einsum_trace "
    "einsum_ellipsis tensordots kronecker matrix_powers eigenvalues singular_values two_layers logistic_regression stacked blocks triangular "
    "multi_products",
    "indexing": "integer_list reversed_steps constant_mask value_mask picked_labels sorted_values by_argsort by_argmax two_dimensional new_axes "
    "open_mesh take_and_choose rolled upper_triangle segments repeated embedding top_two nonzero_entries windows",
    "branches": "sign_branch huber until_converged python_max python_sorted rounding int_of_value range_of_value any_and_all chained_comparison "
    "boolean_sum domain_error penalty early_return relu_by_hand argmax_branch count_loop membership float_equal assertion",
    "in place": "add_in_place copy_and_assign zeros_like_fill empty_like_fill recurrence masked_assignment accumulate matrix_fill swap "
    "view_of_copy reshape_view row_operations out_argument fill_diagonal add_at copyto sort_in_place finite_differences heat_steps alias",
    "structure": "asarray_first atleast named_tuples unpacking apply_along vectorized mapped object_entries piecewise select list_of_rows "
    "meshgrids padded division_with_out errstate keyword_only item_of flat_iteration boolean_arithmetic nested_function",
}
X0 = np.array([0.45, -0.82, 1.13, 0.27, -0.36, 0.94])


@pytest.mark.parametrize("name", [pytest.param(n, id=f"{kind}: {n}") for kind, names in KINDS.items() for n in names.split()])
def test_gradient_of_a_function_as_it_was_written(name):
    check_gradient(globals()[name], X0)


def test_twenty_functions_of_every_kind():
    assert all(len(names.split()) >= 20 for names in KINDS.values())
