"""The classical test functions of optimisation in plain NumPy: global ones, and those of More, Garbow and Hillstrom (1981).

Formulas: Jamil and Yang, A literature survey of benchmark functions (2013); More, Garbow and Hillstrom, Testing unconstrained
optimization software, ACM TOMS 7 (1981), by number. Each is written as people write them, loops and vectors mixed.
"""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize

from symdiff import grad, hessian
from symdiff.errors import SymbolicValue
from tests.tracing.numeric import check_gradient, numeric_gradient

pi, e = np.pi, np.e


# --- global optimisation ------------------------------------------------------------------------------------------
def ackley(x):
    n = len(x)
    return -20 * np.exp(-0.2 * np.sqrt(np.sum(x**2) / n)) - np.exp(np.sum(np.cos(2 * pi * x)) / n) + 20 + e


def rastrigin(x):
    return 10 * len(x) + np.sum(x**2 - 10 * np.cos(2 * pi * x))


def griewank(x):
    return 1 + np.sum(x**2) / 4000 - np.prod(np.cos(x / np.sqrt(np.arange(1, len(x) + 1))))


def schwefel(x):
    return 418.9829 * len(x) - np.sum(x * np.sin(np.sqrt(np.abs(x))))


def levy(x):
    w = 1 + (x - 1) / 4
    head = np.sin(pi * w[0]) ** 2
    middle = np.sum((w[:-1] - 1) ** 2 * (1 + 10 * np.sin(pi * w[:-1] + 1) ** 2))
    return head + middle + (w[-1] - 1) ** 2 * (1 + np.sin(2 * pi * w[-1]) ** 2)


def rosenbrock(x):
    return sum(100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2 for i in range(len(x) - 1))


def sphere(x):
    return np.dot(x, x)


def styblinski_tang(x):
    return np.sum(x**4 - 16 * x**2 + 5 * x) / 2


def zakharov(x):
    i = np.arange(1, x.size + 1)
    s = np.sum(0.5 * i * x)
    return np.sum(x**2) + s**2 + s**4


def michalewicz(x, m=10):
    i = np.arange(1, len(x) + 1)
    return -np.sum(np.sin(x) * np.sin(i * x**2 / pi) ** (2 * m))


def dixon_price(x):
    i = np.arange(2, len(x) + 1)
    return (x[0] - 1) ** 2 + np.sum(i * (2 * x[1:] ** 2 - x[:-1]) ** 2)


def trid(x):
    return np.sum((x - 1) ** 2) - np.sum(x[1:] * x[:-1])


def powell_singular(x):
    return sum((x[i] + 10 * x[i + 1]) ** 2 + 5 * (x[i + 2] - x[i + 3]) ** 2 + (x[i + 1] - 2 * x[i + 2]) ** 4 + 10 * (x[i] - x[i + 3]) ** 4
               for i in range(0, len(x) - 3, 4))  # fmt: skip


def sum_squares(x):
    s = 0
    for i, xi in enumerate(x, 1):
        s += i * xi**2
    return s


def rotated_hyper_ellipsoid(x):
    return np.sum(np.cumsum(x**2))


def perm(x, beta=0.5):
    n = len(x)
    return sum(sum((j + beta) * (x[j - 1] ** k - 1 / j**k) for j in range(1, n + 1)) ** 2 for k in range(1, n + 1))


def beale(x):
    a, b = x[0], x[1]
    return (1.5 - a + a * b) ** 2 + (2.25 - a + a * b**2) ** 2 + (2.625 - a + a * b**3) ** 2


def booth(x):
    return (x[0] + 2 * x[1] - 7) ** 2 + (2 * x[0] + x[1] - 5) ** 2


def matyas(x):
    return 0.26 * (x[0] ** 2 + x[1] ** 2) - 0.48 * x[0] * x[1]


def himmelblau(x):
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def easom(x):
    return -np.cos(x[0]) * np.cos(x[1]) * np.exp(-((x[0] - pi) ** 2) - (x[1] - pi) ** 2)


def goldstein_price(x):
    a, b = x[0], x[1]
    return (1 + (a + b + 1) ** 2 * (19 - 14 * a + 3 * a**2 - 14 * b + 6 * a * b + 3 * b**2)) * (
        30 + (2 * a - 3 * b) ** 2 * (18 - 32 * a + 12 * a**2 + 48 * b - 36 * a * b + 27 * b**2)
    )


def mccormick(x):
    return np.sin(x[0] + x[1]) + (x[0] - x[1]) ** 2 - 1.5 * x[0] + 2.5 * x[1] + 1


def camel3(x):
    return 2 * x[0] ** 2 - 1.05 * x[0] ** 4 + x[0] ** 6 / 6 + x[0] * x[1] + x[1] ** 2


def camel6(x):
    return (4 - 2.1 * x[0] ** 2 + x[0] ** 4 / 3) * x[0] ** 2 + x[0] * x[1] + (-4 + 4 * x[1] ** 2) * x[1] ** 2


def branin(x):
    return (x[1] - 5.1 / (4 * pi**2) * x[0] ** 2 + 5 / pi * x[0] - 6) ** 2 + 10 * (1 - 1 / (8 * pi)) * np.cos(x[0]) + 10


def bohachevsky(x):
    return x[0] ** 2 + 2 * x[1] ** 2 - 0.3 * np.cos(3 * pi * x[0]) - 0.4 * np.cos(4 * pi * x[1]) + 0.7


def drop_wave(x):
    r2 = x[0] ** 2 + x[1] ** 2
    return -(1 + np.cos(12 * np.sqrt(r2))) / (0.5 * r2 + 2)


def eggholder(x):
    return -(x[1] + 47) * np.sin(np.sqrt(abs(x[1] + x[0] / 2 + 47))) - x[0] * np.sin(np.sqrt(abs(x[0] - (x[1] + 47))))


def cross_in_tray(x):
    return -0.0001 * (np.abs(np.sin(x[0]) * np.sin(x[1]) * np.exp(np.abs(100 - np.hypot(x[0], x[1]) / pi))) + 1) ** 0.1


def holder_table(x):
    return -np.abs(np.sin(x[0]) * np.cos(x[1]) * np.exp(np.abs(1 - np.sqrt(x[0] ** 2 + x[1] ** 2) / pi)))


def schaffer(x):
    s = x[0] ** 2 + x[1] ** 2
    return 0.5 + (np.sin(np.sqrt(s)) ** 2 - 0.5) / (1 + 0.001 * s) ** 2


def hartmann3(x):
    alpha = np.array([1.0, 1.2, 3.0, 3.2])
    A = np.array([[3, 10, 30], [0.1, 10, 35], [3, 10, 30], [0.1, 10, 35]])
    P = 1e-4 * np.array([[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]])
    return -np.sum(alpha * np.exp(-np.sum(A * (x - P) ** 2, axis=1)))


def shekel(x):
    beta = np.array([1, 2, 2, 4, 4, 6, 3, 7, 5, 5]) / 10
    C = np.array([[4, 1, 8, 6, 3, 2, 5, 8, 6, 7], [4, 1, 8, 6, 7, 9, 3, 1, 2, 3.6]] * 2)
    return -sum(1 / (np.sum((x - C[:, i]) ** 2) + beta[i]) for i in range(10))


GLOBAL = [
    *((f, n) for f in (ackley, rastrigin, griewank, schwefel, levy, rosenbrock, sphere, styblinski_tang, zakharov, michalewicz, dixon_price, trid,
                       sum_squares, rotated_hyper_ellipsoid) for n in (6,)), (powell_singular, 8), (perm, 4),
    *((f, 2) for f in (beale, booth, matyas, himmelblau, easom, goldstein_price, mccormick, camel3, camel6, branin, bohachevsky, drop_wave,
                       eggholder, cross_in_tray, holder_table, schaffer)), (hartmann3, 3), (shekel, 4), (scipy.optimize.rosen, 6),
]  # fmt: skip


@pytest.mark.parametrize(("f", "n"), GLOBAL, ids=lambda v: getattr(v, "__name__", str(v)))
def test_functions_of_global_optimisation(f, n):
    check_gradient(f, 0.9 + 0.7 * np.cos(1.0 + 2 * np.arange(n)), rtol=5e-7, h=1e-3)


# --- More, Garbow and Hillstrom -----------------------------------------------------------------------------------
def freudenstein_roth(x):  # 2
    r = np.array([-13 + x[0] + ((5 - x[1]) * x[1] - 2) * x[1], -29 + x[0] + ((x[1] + 1) * x[1] - 14) * x[1]])
    return r @ r


def powell_badly_scaled(x):  # 3
    return (1e4 * x[0] * x[1] - 1) ** 2 + (np.exp(-x[0]) + np.exp(-x[1]) - 1.0001) ** 2


def brown_badly_scaled(x):  # 4
    return (x[0] - 1e6) ** 2 + (x[1] - 2e-6) ** 2 + (x[0] * x[1] - 2) ** 2


def jennrich_sampson(x, m=10):  # 6
    s = 0
    for i in range(1, m + 1):
        s += (2 + 2 * i - (np.exp(i * x[0]) + np.exp(i * x[1]))) ** 2
    return s


def helical_valley(x):  # 7, a branch on the value
    theta = np.arctan(x[1] / x[0]) / (2 * pi)
    if x[0] < 0:
        theta += 0.5
    return 100 * ((x[2] - 10 * theta) ** 2 + (np.sqrt(x[0] ** 2 + x[1] ** 2) - 1) ** 2) + x[2] ** 2


BARD = np.array([0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39])


def bard(x):  # 8
    u = np.arange(1, 16)
    v = 16 - u
    w = np.minimum(u, v)
    return np.sum((BARD - (x[0] + u / (v * x[1] + w * x[2]))) ** 2)


GAUSS = np.array([9, 44, 175, 540, 1295, 2420, 3521, 3989, 3521, 2420, 1295, 540, 175, 44, 9]) / 1e4


def gaussian(x):  # 9
    t = (8 - np.arange(1, 16)) / 2
    return np.sum((x[0] * np.exp(-x[1] * (t - x[2]) ** 2 / 2) - GAUSS) ** 2)


MEYER = np.array([34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872.0])


def meyer(x):  # 10
    t = 45 + 5 * np.arange(1, 17)
    return np.sum((x[0] * np.exp(x[1] / (t + x[2])) - MEYER) ** 2) / 1e9


def gulf(x, m=10):  # 11
    s = 0.0
    for i in range(1, m + 1):
        t = i / 100
        y = 25 + (-50 * np.log(t)) ** (2 / 3)
        s += (np.exp(-(np.abs(y - x[1]) ** x[2]) / x[0]) - t) ** 2
    return s


def box3(x, m=10):  # 12
    t = 0.1 * np.arange(1, m + 1)
    return np.sum((np.exp(-t * x[0]) - np.exp(-t * x[1]) - x[2] * (np.exp(-t) - np.exp(-10 * t))) ** 2)


def wood(x):  # 14
    return (100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2 + 90 * (x[3] - x[2] ** 2) ** 2 + (1 - x[2]) ** 2
            + 10 * (x[1] + x[3] - 2) ** 2 + (x[1] - x[3]) ** 2 / 10)  # fmt: skip


KOWALIK_Y = np.array([0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246])
KOWALIK_U = np.array([4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625])


def kowalik_osborne(x):  # 15
    u = KOWALIK_U
    return np.sum((KOWALIK_Y - x[0] * (u**2 + u * x[1]) / (u**2 + u * x[2] + x[3])) ** 2)


def brown_dennis(x, m=20):  # 16
    t = np.arange(1, m + 1) / 5
    return np.sum(((x[0] + t * x[1] - np.exp(t)) ** 2 + (x[2] + x[3] * np.sin(t) - np.cos(t)) ** 2) ** 2)


OSBORNE = 0.8 + 0.1 * np.sin(np.arange(33))


def osborne1(x):  # 17
    t = 10 * np.arange(33) / 100
    return np.sum((OSBORNE - (x[0] + x[1] * np.exp(-t * x[3]) + x[2] * np.exp(-t * x[4]))) ** 2)


def biggs6(x, m=13):  # 18
    total = 0
    for i in range(1, m + 1):
        t = 0.1 * i
        y = np.exp(-t) - 5 * np.exp(-10 * t) + 3 * np.exp(-4 * t)
        total = total + (x[2] * np.exp(-t * x[0]) - x[3] * np.exp(-t * x[1]) + x[5] * np.exp(-t * x[4]) - y) ** 2
    return total


def watson(x, m=29):  # 20
    n = len(x)
    f = x[0] ** 2 + (x[1] - x[0] ** 2 - 1) ** 2
    for i in range(1, m + 1):
        t = i / 29
        first = sum(j * x[j] * t ** (j - 1) for j in range(1, n))
        second = sum(x[j] * t**j for j in range(n))
        f += (first - second**2 - 1) ** 2
    return f


def extended_rosenbrock(x):  # 21
    f = np.zeros_like(x)
    f[0::2] = 10 * (x[1::2] - x[0::2] ** 2)
    f[1::2] = 1 - x[0::2]
    return f @ f


def penalty1(x):  # 23
    return 1e-5 * np.sum((x - 1) ** 2) + (np.sum(x**2) - 0.25) ** 2


def penalty2(x):  # 24
    n, a = len(x), 1e-5
    r = [x[0] - 0.2]
    for i in range(1, n):
        y = np.exp((i + 1) / 10) + np.exp(i / 10)
        r.append(np.sqrt(a) * (np.exp(x[i] / 10) + np.exp(x[i - 1] / 10) - y))
    for i in range(1, n):
        r.append(np.sqrt(a) * (np.exp(x[i] / 10) - np.exp(-1 / 10)))
    r.append(np.sum(np.arange(n, 0, -1) * x**2) - 1)
    return np.sum(np.array(r) ** 2)


def variably_dimensioned(x):  # 25
    i = np.arange(1, len(x) + 1)
    s = np.dot(i, x - 1)
    return np.concatenate([x - 1, [s], [s**2]]) @ np.concatenate((x - 1, [s], [s**2]))


def trigonometric(x):  # 26
    n = x.shape[0]
    c = np.cos(x)
    return sum((n - np.sum(c) + (i + 1) * (1 - c[i]) - np.sin(x[i])) ** 2 for i in range(n))


def brown_almost_linear(x):  # 27
    n = len(x)
    f = np.zeros_like(x)
    f[:-1] = x[:-1] + x.sum() - (n + 1)
    f[-1] = x.prod() - 1
    return (f**2).sum()


def discrete_boundary(x):  # 28
    n = len(x)
    h = 1 / (n + 1)
    padded = np.concatenate(([0.0], x, [0.0]))
    t = h * np.arange(1, n + 1)
    return np.sum((2 * x - padded[:-2] - padded[2:] + h**2 * (x + t + 1) ** 3 / 2) ** 2)


def discrete_integral(x):  # 29
    n = len(x)
    h = 1 / (n + 1)
    t = np.arange(1, n + 1) * h
    total = 0
    for i in range(n):
        low = sum(t[j] * (x[j] + t[j] + 1) ** 3 for j in range(i + 1))
        high = sum((1 - t[j]) * (x[j] + t[j] + 1) ** 3 for j in range(i + 1, n))
        total += (x[i] + h * ((1 - t[i]) * low + t[i] * high) / 2) ** 2
    return total


def broyden_tridiagonal(x):  # 30
    r = (3 - 2 * x) * x + 1
    r[1:] -= x[:-1]
    r[:-1] -= 2 * x[1:]
    return r.dot(r)


def broyden_banded(x, ml=5, mu=1):  # 31
    n = len(x)
    s = 0
    for i in range(n):
        band = [j for j in range(max(0, i - ml), min(n, i + mu + 1)) if j != i]
        s += (x[i] * (2 + 5 * x[i] ** 2) + 1 - sum(x[j] * (1 + x[j]) for j in band)) ** 2
    return s


def linear_full_rank(x, m=12):  # 32
    r = x.sum() * np.full(m, -2 / m) - 1
    r[: len(x)] += x
    return np.sum(r**2)


def chebyquad(x):  # 35
    n = len(x)
    y = 2 * x - 1
    t0, t1 = np.ones_like(y), y
    f = 0
    for i in range(1, n + 1):
        integral = 0 if i % 2 else -1 / (i * i - 1)
        f += (np.mean(t1) - integral) ** 2
        t0, t1 = t1, 2 * y * t1 - t0
    return f


MGH = [
    (freudenstein_roth, [0.5, -2.0]), (powell_badly_scaled, [0.01, 1.0]), (brown_badly_scaled, [1.0, 1.0]), (beale, [1.0, 1.0]),
    (jennrich_sampson, [0.3, 0.4]), (helical_valley, [-1.0, 0.2, 0.1]), (bard, [1.0, 1.0, 1.0]), (gaussian, [0.4, 1.0, 0.1]),
    (meyer, [0.02, 4000.0, 250.0]), (gulf, [5.0, 2.5, 0.15]), (box3, [0.1, 10.0, 20.0]), (powell_singular, [3.0, -1.0, 0.1, 1.0]),
    (wood, [-3.0, -1.0, -3.0, -1.0]), (kowalik_osborne, [0.25, 0.39, 0.415, 0.39]), (brown_dennis, [25.0, 5.0, -5.0, -1.0]),
    (osborne1, [0.5, 1.5, -1.0, 0.1, 0.2]), (biggs6, [1.0, 2.0, 1.1, 0.9, 1.2, 0.8]), (watson, [0.1, 0.2, -0.1, 0.3, 0.1, -0.2]),
    (extended_rosenbrock, [-1.2, 1.0, -1.1, 0.9]), (penalty1, [1.0, 2.0, 3.0, 4.0]), (penalty2, [0.5, 0.4, 0.6, 0.5]),
    (variably_dimensioned, [0.75, 0.5, 0.25, 0.1]), (trigonometric, [0.2, 0.25, 0.3, 0.22]), (brown_almost_linear, [0.5, 0.6, 0.4, 0.5]),
    (discrete_boundary, [-0.1, -0.2, -0.1, -0.05]), (discrete_integral, [-0.1, -0.2, -0.1, -0.05]),
    (broyden_tridiagonal, [-1.0, -0.9, -1.1, -1.0]), (broyden_banded, [-1.0, -0.9, -1.1, -1.0, -0.8, -1.2]), (linear_full_rank, [1.0, 1.1, 0.9]),
    (chebyquad, [0.2, 0.4, 0.6, 0.8]),
]  # fmt: skip


@pytest.mark.parametrize(("f", "x"), MGH, ids=lambda v: getattr(v, "__name__", None))
def test_functions_of_more_garbow_and_hillstrom(f, x):
    check_gradient(f, x, rtol=1e-6, h=1e-3)


def test_hessians_of_scipys_rosen():
    x = np.linspace(-1, 1.3, 6)
    np.testing.assert_allclose(grad(scipy.optimize.rosen)(x), scipy.optimize.rosen_der(x), rtol=1e-12)
    np.testing.assert_allclose(hessian(scipy.optimize.rosen)(x), scipy.optimize.rosen_hess(x), rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(hessian(rosenbrock)(x), scipy.optimize.rosen_hess(x), rtol=1e-12, atol=1e-9)


def test_a_minimum_is_found_with_the_gradients():
    found = scipy.optimize.minimize(extended_rosenbrock, np.array([-1.2, 1.0] * 3), jac=grad(extended_rosenbrock), method="BFGS")
    np.testing.assert_allclose(found.x, np.ones(6), rtol=1e-5)


def test_item_assignment_into_a_plain_array_is_refused_by_line():
    def into_zeros(x):
        f = np.zeros(len(x))
        for i in range(len(x)):
            f[i] = x[i] ** 2
        return np.sum(f)

    with pytest.raises(SymbolicValue, match=r"test_classical.py, line \d+: f\[i\] = x\[i\] \*\* 2.*np.zeros_like"):
        grad(into_zeros)(np.ones(3))
    assert numeric_gradient(into_zeros, np.ones(3)).shape == (3,)
