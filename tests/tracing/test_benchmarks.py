"""The objectives of the benchmarks of automatic differentiation, and models of machine learning, in plain NumPy as their authors write them.

Gaussian mixture, bundle adjustment, LSTM, hand and k-means follow the descriptions in Srajer, Kukelova and Fitzgibbon, A benchmark of
selected algorithmic differentiation tools (2018); the code is written anew.
"""

# ruff: noqa: B905
from __future__ import annotations

import numpy as np
import pytest
import scipy.special

import symdiff as sd
from tests.tracing.numeric import numeric_gradient, value_and_grad

rng = np.random.default_rng(7)


# --- Gaussian mixture ---------------------------------------------------------------------------------------------
D, K, N = 3, 2, 7
POINTS = rng.normal(size=(N, D))


def logsumexp(x):
    mx = np.max(x)
    return np.log(np.sum(np.exp(x - mx))) + mx


def logsumexp_rows(x):
    mx = np.max(x, axis=1)
    return np.log(np.sum(np.exp(x - mx[:, None]), axis=1)) + mx


def constructL(d, icf):
    L = np.zeros_like(icf, shape=(d, d))
    k = d
    for i in range(d):
        L[i + 1 :, i] = icf[k : k + d - i - 1]
        k += d - i - 1
    return L


def gmm(alphas, means, icf, x, wishart_gamma=1.0, wishart_m=0):
    k, d = means.shape
    total = 0.0
    q_sums = icf[:, :d].sum(axis=1)
    Ls = [constructL(d, row) for row in icf]
    Qs = np.exp(icf[:, :d])
    for i in range(x.shape[0]):
        terms = []
        for j in range(k):
            xc = x[i] - means[j]
            Lxc = Qs[j] * xc + Ls[j] @ xc
            terms.append(alphas[j] + q_sums[j] - 0.5 * np.sum(Lxc**2))
        total = total + logsumexp(np.array(terms))
    prior = 0.5 * wishart_gamma**2 * (np.sum(Qs**2) + np.sum(icf[:, d:] ** 2)) - wishart_m * np.sum(q_sums)
    return total - x.shape[0] * logsumexp(alphas) + prior


def gmm_vectorised(alphas, means, icf, x):
    k, d = means.shape
    rows, columns = np.tril_indices(d, -1)
    L = np.zeros_like(icf, shape=(k, d, d))
    L[:, rows, columns] = icf[:, d:]
    L[:, np.arange(d), np.arange(d)] = np.exp(icf[:, :d])
    z = np.einsum("kij,nkj->nki", L, x[:, None, :] - means[None])
    return np.sum(logsumexp_rows(alphas + icf[:, :d].sum(axis=1) - 0.5 * np.sum(z**2, axis=2))) - len(x) * logsumexp(alphas)


# --- bundle adjustment --------------------------------------------------------------------------------------------
def rodrigues(rot, X):
    sqtheta = np.sum(rot**2)
    if sqtheta > 1e-10:
        theta = np.sqrt(sqtheta)
        w = rot / theta
        cross = np.cross(w, X)
        return X * np.cos(theta) + cross * np.sin(theta) + w * np.dot(w, X) * (1 - np.cos(theta))
    return X + np.cross(rot, X)


def project(cam, X):
    Xcam = rodrigues(cam[:3], X - cam[3:6])
    distorted = Xcam[:2] / Xcam[2]
    rsq = np.sum(distorted**2)
    L = 1 + cam[9] * rsq + cam[10] * rsq**2
    return distorted * L * cam[6] + cam[7:9]


FEATS = rng.normal(size=(2, 2))
OBS = [(0, 0), (0, 1)]


def bundle_adjustment(cams, X, w):
    errors = []
    for k, (c, p) in enumerate(OBS):
        errors.append(w[k] * (project(cams[c], X[p]) - FEATS[k]))
    return np.sum(np.concatenate(errors) ** 2) + np.sum((1 - w**2) ** 2)


def so3_exponential(v):
    K = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    t = np.linalg.norm(v)
    R = np.eye(3) + np.sin(t) / t * K + (1 - np.cos(t)) / t**2 * K @ K
    return np.sum((R @ POINTS.T - 1) ** 2)


# --- LSTM and other networks --------------------------------------------------------------------------------------
def sigmoid(x):
    return 1 / (1 + np.exp(-x))


SEQUENCE = rng.normal(size=(4, 3))


def lstm_cell(weight, bias, hidden, cell, x):
    gates = np.concatenate([x, hidden]) @ weight + bias
    hsize = hidden.shape[0]
    forget = sigmoid(gates[:hsize])
    ingate = sigmoid(gates[hsize : 2 * hsize])
    outgate = sigmoid(gates[2 * hsize : 3 * hsize])
    change = np.tanh(gates[3 * hsize :])
    cell = cell * forget + ingate * change
    return outgate * np.tanh(cell), cell


def lstm(weight, bias, out):
    hidden, cell = np.zeros(2), np.zeros(2)
    total, count = 0.0, 0
    for t in range(len(SEQUENCE) - 1):
        hidden, cell = lstm_cell(weight, bias, hidden, cell, SEQUENCE[t])
        prediction = hidden @ out
        normed = prediction - np.log(np.sum(np.exp(prediction)) + 2)
        total += np.sum(SEQUENCE[t + 1] * normed)
        count += 1
    return -total / count


def recurrent(W, U, b):
    h = np.zeros(2)
    for x in SEQUENCE:
        h = np.tanh(W @ x + U @ h + b)
    return h.sum()


def gru(Wz, Uz, Wh, Uh):
    h = np.zeros(2)
    for x in SEQUENCE:
        z = sigmoid(x @ Wz + h @ Uz)
        h = (1 - z) * h + z * np.tanh(x @ Wh + h @ Uh)
    return np.dot(h, h)


def mlp(params):
    a = POINTS
    for W, b in params[:-1]:
        a = np.maximum(a @ W + b, 0.0)
    W, b = params[-1]
    z = a @ W + b
    z = z - z.max(axis=1, keepdims=True)
    logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -logp[np.arange(N), np.arange(N) % 2].mean()


def layer_norm(x, g, b):
    mu = x.mean(axis=-1, keepdims=True)
    var = x.var(axis=-1, keepdims=True)
    return np.sum(np.tanh(g * (x - mu) / np.sqrt(var + 1e-5) + b) ** 2)


def batch_norm(x, gamma):
    return np.sum((gamma * (x - np.mean(x, 0)) / np.std(x, 0)) ** 3)


def attention(Q, K, V):
    S = Q @ K.T / np.sqrt(Q.shape[-1])
    A = np.exp(S - S.max(-1, keepdims=True))
    A /= A.sum(-1, keepdims=True)
    return np.sum((A @ V) ** 2)


def conv1d(x, w, b):
    out = np.zeros_like(x[: len(x) - len(w) + 1])
    for i in range(len(out)):
        out[i] = np.sum(x[i : i + len(w)] * w) + b
    return np.sum(np.maximum(out, 0) ** 2)


def conv2d(image, kernel):
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    y = np.einsum("ijkl,kl->ij", windows, kernel)
    pooled = y[:4, :4].reshape(2, 2, 2, 2).max(axis=(1, 3))
    return np.sum(np.tanh(pooled) ** 2)


def dropout_fixed(x, W):
    mask = np.array([1, 0, 1.0])
    return np.sum(np.tanh((x * mask / 0.5) @ W))


# --- clustering, statistics ---------------------------------------------------------------------------------------
def kmeans(centres):
    d = np.sum((POINTS[:, None, :] - centres[None, :, :]) ** 2, axis=2)
    return np.sum(np.min(d, axis=1))


def kmeans_loop(centres):
    cost = 0
    for p in POINTS:
        cost += min(np.sum((p - c) ** 2) for c in centres)
    return cost


def kmeans_assigned(centres):
    d = ((POINTS[:, None] - centres) ** 2).sum(-1)
    return np.sum((POINTS - centres[np.argmin(d, axis=1)]) ** 2)


def gp_marginal_likelihood(theta):
    y = POINTS[:, 0]
    D2 = np.sum((POINTS[:, None] - POINTS[None]) ** 2, -1)
    K = np.exp(theta[0]) * np.exp(-0.5 * D2 / np.exp(2 * theta[1])) + np.exp(theta[2]) * np.eye(N)
    L = np.linalg.cholesky(K)
    alpha = np.linalg.solve(L.T, np.linalg.solve(L, y))
    return 0.5 * y @ alpha + np.log(np.diag(L)).sum() + 0.5 * N * np.log(2 * np.pi)


def poisson_regression(w):
    y = np.arange(N) % 4
    eta = POINTS @ w
    return np.sum(np.exp(eta) - y * eta + scipy.special.gammaln(y + 1.0))


def negative_binomial(w, logr):
    y = np.arange(N) % 4
    mu, r = np.exp(POINTS @ w), np.exp(logr)
    return -np.sum(scipy.special.gammaln(y + r) - scipy.special.gammaln(r) + r * np.log(r / (r + mu)) + y * np.log(mu / (r + mu)))


def student_t(x, nu):
    return np.sum(
        scipy.special.gammaln((nu + 1) / 2) - scipy.special.gammaln(nu / 2) - 0.5 * np.log(nu) - (nu + 1) / 2 * np.log1p(x**2 / nu)
    )


def cox_partial_likelihood(beta):
    order = np.argsort(-POINTS[:, 0])
    eta = (POINTS @ beta)[order]
    return -np.sum(eta - np.log(np.cumsum(np.exp(eta))))


def matrix_factorisation(U, V):
    mask = POINTS > 0
    return np.sum(mask * (POINTS - U @ V.T) ** 2) + 0.1 * (np.linalg.norm(U) ** 2 + np.linalg.norm(V, "fro") ** 2)


def ode_fit(p):
    y = np.array([1.0, 0.5])
    total = 0
    for _ in range(30):

        def rhs(s):
            return np.array([p[0] * s[0] - p[1] * s[0] * s[1], p[2] * s[0] * s[1] - p[3] * s[1]])

        k1 = rhs(y)
        k2 = rhs(y + 0.05 * k1)
        y = y + 0.1 * k2
        total += np.sum((y - 1) ** 2)
    return total


def hidden_markov(logA, logB):
    A = np.exp(logA) / np.exp(logA).sum(axis=1, keepdims=True)
    E = np.exp(logB) / np.exp(logB).sum(axis=1, keepdims=True)
    alpha = np.ones(2) / 2 * E[:, 0]
    loglik = 0
    for o in [1, 2, 0, 1]:
        c = alpha.sum()
        loglik += np.log(c)
        alpha = (alpha / c) @ A * E[:, o]
    return loglik + np.log(alpha.sum())


def contrastive(Z):
    Zn = Z / np.linalg.norm(Z, axis=1, keepdims=True)
    S = Zn @ Zn.T / 0.5
    np.fill_diagonal(S, -1e9)
    targets = np.roll(np.arange(len(Z)), 1)
    return -np.mean(S[np.arange(len(Z)), targets] - np.log(np.exp(S).sum(axis=1)))


def r(*shape):
    return rng.normal(size=shape) * 0.5


CASES = [
    (gmm, (r(K), r(K, D), r(K, D * (D + 1) // 2)), (POINTS,)),
    (gmm_vectorised, (r(K), r(K, D), r(K, D * (D + 1) // 2)), (POINTS,)),
    (bundle_adjustment, (np.concatenate([r(1, 6), [[1.2, 0.1, 0.2, 0.1, 0.05]]], axis=1), r(2, 3) + 2, r(2) + 1), ()),
    (so3_exponential, (r(3),), ()),
    (lstm, (r(5, 8), r(8), r(2, 3)), ()),
    (recurrent, (r(2, 3), r(2, 2), r(2)), ()),
    (gru, (r(3, 2), r(2, 2), r(3, 2), r(2, 2)), ()),
    (layer_norm, (r(4, 3), r(3), r(3)), ()),
    (batch_norm, (r(4, 3), r(3)), ()),
    (attention, (r(3, 2), r(4, 2), r(4, 2)), ()),
    (conv1d, (r(7), r(3), r()), ()),
    (conv2d, (r(6, 6), r(3, 3)), ()),
    (dropout_fixed, (r(2, 3), r(3, 2)), ()),
    (kmeans, (r(3, D),), ()),
    (kmeans_loop, (r(3, D),), ()),
    (kmeans_assigned, (r(3, D),), ()),
    (gp_marginal_likelihood, (np.array([0.1, 0.2, -1.0]),), ()),
    (poisson_regression, (r(D),), ()),
    (negative_binomial, (r(D), r()), ()),
    (student_t, (r(5), np.array(3.5)), ()),
    (cox_partial_likelihood, (r(D),), ()),
    (matrix_factorisation, (r(N, 2), r(D, 2)), ()),
    (ode_fit, (np.array([0.5, 0.4, 0.3, 0.2]),), ()),
    (hidden_markov, (r(2, 2), r(2, 3)), ()),
    (contrastive, (r(4, 3),), ()),
    (scipy.special.logsumexp, (r(6),), ()),
]


@pytest.mark.parametrize(("f", "args", "fixed"), CASES, ids=lambda v: getattr(v, "__name__", None))
def test_gradients_of_objectives(f, args, fixed):
    argnums = tuple(range(len(args)))
    value, gradients = value_and_grad(f, argnums)(*args, *fixed)
    assert float(value) == pytest.approx(float(f(*args, *fixed)), rel=1e-10)
    for k, (gradient, a) in enumerate(zip(gradients, args)):
        wanted = numeric_gradient(lambda v, k=k: f(*args[:k], v, *args[k + 1 :], *fixed), a, h=1e-3)
        np.testing.assert_allclose(gradient, wanted, rtol=1e-6, atol=1e-6 * max(1.0, np.abs(wanted).max()))


def test_trees_of_parameters():
    params = [(r(3, 4), r(4)), (r(4, 2), r(2))]
    gradient = sd.grad(mlp)(params)
    assert [type(layer) for layer in gradient] == [tuple, tuple]
    for i in range(2):
        for j in range(2):

            def at(v, i=i, j=j):
                changed = [list(layer) for layer in params]
                changed[i][j] = v
                return mlp(changed)

            np.testing.assert_allclose(gradient[i][j], numeric_gradient(at, params[i][j]), rtol=1e-6, atol=1e-7)


def test_twenty_objectives():
    assert len(CASES) >= 20
