"""Special functions that NumPy lacks, as source: what an emitted program uses where SciPy is not installed.

Each is accurate to about 1e-13, relative to the value or, near a zero, to 1. They are plain NumPy on arrays and scalars of either
floating type, and quiet: no overflow on the way to a finite value.
"""

from __future__ import annotations

# exp(x**2) erfc(x) (1 + 2 x) as a Chebyshev series in t = (x - 15/4) / (x + 15/4), computed with mpmath to 40 digits.
# Source of the map: Shepherd and Laframboise, Chebyshev approximation of (1 + 2x) exp(x^2) erfc x, Math. Comp. 36 (1981).
_ERFC = '''
ERFC_SERIES = (
    1.1775789345674017, -0.004590054580646478, -0.08424913336651792, 0.05920993999819189,
    -0.026658668435305753, 0.009074997670705265, -0.002413163540417608, 0.0004907758365258086,
    -6.916973302501207e-05, 4.13902798607301e-06, 7.74038306619849e-07, -2.1886401049234397e-07,
    1.076499946567091e-08, 4.521959811218287e-09, -7.754400208831351e-10, -6.318088340886684e-11,
    2.86879501093067e-11, 1.9455868545777347e-13, -9.65469674843344e-13, 3.25254814814874e-14,
    3.3478119482868056e-14, -1.864562880419313e-15, -1.2507950530688648e-15, 7.418235256624044e-17,
    5.068148904796111e-17, -2.237056659436e-18,
)


def erfc(x):
    """1 - erf(x), also where that is tiny."""
    a = np.minimum(np.abs(x), 30.0)
    t = 1.0 - 7.5 / (a + 3.75)
    b = c = 0.0
    for coefficient in ERFC_SERIES[:0:-1]:
        b, c = coefficient + 2.0 * t * b - c, b
    tail = np.exp(-a * a) * (ERFC_SERIES[0] + t * b - c) / (1.0 + 2.0 * a)
    return np.where(x < 0, 2.0 - tail, tail)
'''

# Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.5.
_ERF = '''
def erf(x):
    """The error function: its power series below 1, from erfc beyond."""
    y = np.clip(x, -1.0, 1.0)
    total = term = y
    for k in range(1, 22):
        term = -term * y * y / k
        total = total + term / (2 * k + 1)
    return np.where(np.abs(x) < 1.0, 1.1283791670955126 * total, np.sign(x) * (1.0 - erfc(np.abs(x))))
'''

# Source: Abramowitz and Stegun, 6.1.40 (Stirling's series), 6.1.15 (recurrence), 6.1.17 (reflection).
_GAMMALN = '''
def gammaln(x):
    """log |gamma(x)|: Stirling's series after eight steps up, reflected for negative x."""
    y = np.where(x < 0.5, 1.0 - x, x)
    product, z = y * 1.0, y
    for _ in range(7):
        z = z + 1.0
        product = product * np.where(y < 1e8, z, 1.0)
    z = np.where(y < 1e8, z + 1.0, y)
    product = np.where(y < 1e8, product, 1.0)
    tail, w = 0.0, 1.0 / z
    for c in (-3617 / 122400, 1 / 156, -691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12):
        tail = c + tail * w * w
    with np.errstate(divide="ignore", invalid="ignore"):
        up = np.where(z == np.inf, np.inf, (z - 0.5) * np.log(z) - z + 0.9189385332046728 + tail * w) - np.log(product)
        return np.where(x < 0.5, np.log(np.pi / np.abs(np.sin(np.pi * (x - np.round(x))))) - up, up)
'''

# Source: Abramowitz and Stegun, 6.3.18 (asymptotic series), 6.3.5 (recurrence), 6.3.7 (reflection).
_DIGAMMA = '''
def digamma(x):
    """The derivative of gammaln, for either sign of x; nan at 0, -1, ..."""
    y = np.where(x < 0.5, 1.0 - x, x)
    total, z = 0.0, y
    for _ in range(10):
        total = total - 1.0 / z
        z = z + 1.0
    tail, w = 0.0, 1.0 / z
    for c in (3617 / 8160, -1 / 12, 691 / 32760, -1 / 132, 1 / 240, -1 / 252, 1 / 120, -1 / 12):
        tail = (c + tail) * w * w
    up = np.log(z) - 0.5 / z + tail + total
    r = x - np.round(x)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x < 0.5, np.where((r == 0) & (x <= 0), np.nan, up - np.pi / np.tan(np.pi * r)), up)
'''

# Source: Olver et al., NIST Handbook of Mathematical Functions, 25.11.5 (Euler and Maclaurin's sum).
_ZETA = '''
def zeta(s, x):
    """Hurwitz's zeta, the sum of (x + k)**-s over k = 0, 1, ..., for whole s > 1; inf at 0, -1, ..."""
    low = np.min(x, initial=0.0, where=np.isfinite(x))
    total, z = 0.0, x * 1.0
    with np.errstate(divide="ignore", over="ignore"):
        for _ in range(int(min(max(12.0, np.ceil(12.0 - low)), 1e5))):
            total = total + np.abs(z) ** -s * np.where((z < 0) & (s % 2 == 1), -1.0, 1.0)
            z = z + 1.0
        tail, factor = z ** (1.0 - s) / (s - 1.0) + 0.5 * z**-s, s * z ** (-s - 1.0)
        for k, b in enumerate((1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000, 1 / 74724249600)):
            tail = tail + b * factor
            factor = factor * (s + 2 * k + 1) * (s + 2 * k + 2) / (z * z)
        return np.where(np.isnan(x) | (low < -9e4), np.nan, total + tail)
'''

KERNELS: dict[str, tuple[str, tuple[str, ...]]] = {  # source, and the kernels that it calls
    "erfc": (_ERFC, ()),
    "erf": (_ERF, ("erfc",)),
    "gammaln": (_GAMMALN, ()),
    "digamma": (_DIGAMMA, ()),
    "zeta": (_ZETA, ()),
}


def kernel_lines(names: set[str], scipy: bool = True) -> list[str]:
    """Source that defines the kernels: SciPy's own where it can be imported."""
    needed = names.union(*(KERNELS[n][1] for n in names))
    ordered = [n for n in KERNELS if n in needed]
    body = "\n\n".join(KERNELS[n][0].strip("\n") for n in ordered).split("\n")
    if not scipy:
        return body
    return [
        "try:",
        f"    from scipy.special import {', '.join(sorted(names))}",
        "except ImportError:  # the same functions in NumPy",
        *(f"    {line}" if line else "" for line in body),
    ]
