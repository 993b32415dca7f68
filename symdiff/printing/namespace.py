"""What the python style is evaluated with: NumPy's names, and short definitions of the few functions that NumPy lacks.

The names are those of linear algebra as people write it: `inv(A)`, `logdet(A)`, `zeros(n, m)` with the dims one by one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

import numpy as np

DEFINITIONS: Mapping[str, str] = {
    "zeros": "zeros = lambda *dims: np.zeros(dims)",
    "ones": "ones = lambda *dims: np.ones(dims)",
    "inv": "inv = np.linalg.inv",
    "det": "det = np.linalg.det",
    "logdet": "logdet = lambda A: np.linalg.slogdet(A)[1]",
    "norm": "norm = np.linalg.norm",
    "pinv": "pinv = np.linalg.pinv",
    "cholesky": "cholesky = np.linalg.cholesky",
    "solve": "solve = np.linalg.solve",
    "eigvalsh": "eigvalsh = np.linalg.eigvalsh",
    "eigvecs": "eigvecs = lambda A: np.linalg.eigh(A)[1]",
    "svdvals": "svdvals = lambda A: np.linalg.svd(A, compute_uv=False)",
    "svdu": "svdu = lambda A: np.linalg.svd(A, full_matrices=False)[0]",
    "svdvt": "svdvt = lambda A: np.linalg.svd(A, full_matrices=False)[2]",
    "matrix_power": "matrix_power = np.linalg.matrix_power",
    "sigmoid": "sigmoid = lambda x: np.exp(-np.logaddexp(0, -x))",
    "log_sigmoid": "log_sigmoid = lambda x: -np.logaddexp(0, -x)",
    "softplus": "softplus = lambda x: np.logaddexp(0, x)",
    "relu": "relu = lambda x: np.maximum(x, 0)",
    "leaky_relu": "leaky_relu = lambda x, slope: np.where(x > 0, x, slope * x)",
    "elu": "elu = lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))",
    "silu": "silu = lambda x: x * np.exp(-np.logaddexp(0, -x))",
    "softsign": "softsign = lambda x: x / (1 + np.abs(x))",
    "gelu": "gelu = lambda x: x * (1 + special.erf(x / np.sqrt(2))) / 2",
    "gelu_tanh": "gelu_tanh = lambda x: x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2",
    "erf": "erf = lambda x: special.erf(x)",
    "erfc": "erfc = lambda x: special.erfc(x)",
    "gammaln": "gammaln = lambda x: special.gammaln(x)",
    "digamma": "digamma = lambda x: special.digamma(x)",
    "polygamma": "polygamma = lambda n, x: special.polygamma(n, x)",
    "logsumexp": (
        "def logsumexp(x, axis=None, keepdims=False):\n"
        "    top = np.max(x, axis=axis, keepdims=True)\n"
        "    total = top + np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True))\n"
        "    return total if keepdims else np.squeeze(total, axis=axis)"
    ),
    "log_softmax": "log_softmax = lambda x, axis=-1: x - np.logaddexp.reduce(x, axis=axis, keepdims=True)",
    "softmax": "softmax = lambda x, axis=-1: np.exp(x - np.logaddexp.reduce(x, axis=axis, keepdims=True))",
    "scatter": (
        "def scatter(shape, *parts):\n"
        '    """Zeros of the shape to which each (key, part) is added; repeated positions add up."""\n'
        "    total = np.zeros(shape)\n"
        "    for key, part in parts:\n"
        "        np.add.at(total, key, part)\n"
        "    return total"
    ),
}
_SPECIAL = ("gelu", "erf", "erfc", "gammaln", "digamma", "polygamma")  # of scipy.special


def names_in(texts: Iterable[str]) -> list[str]:
    """The names that formulas use, in order of first use."""
    found = {n.id: None for text in texts for n in ast.walk(ast.parse(text, mode="eval")) if isinstance(n, ast.Name)}
    return list(found)


def preamble(texts: Iterable[str]) -> str:
    """Imports and definitions that make the formulas run, nothing that they do not use.

    >>> print(preamble(['inv(A) @ exp(x)']))
    import numpy as np
    from numpy import exp
    inv = np.linalg.inv
    """
    used = names_in(texts)
    lines = ["import numpy as np"]
    if any(n in _SPECIAL for n in used):
        lines.append("from scipy import special")
    plain = sorted({n for n in used if n not in DEFINITIONS and n in _NUMPY and hasattr(np, n)})
    if plain:
        lines.append(f"from numpy import {', '.join(plain)}")
    return "\n".join(lines + [DEFINITIONS[n] for n in used if n in DEFINITIONS])


# What the printers write under NumPy's own name; a variable is never printed by one of these.
_NUMPY = frozenset(
    [
        "abs",
        "arange",
        "arccos",
        "arccosh",
        "arcsin",
        "arcsinh",
        "arctan",
        "arctan2",
        "arctanh",
        "argmax",
        "argmin",
        "argsort",
        "array",
        "cbrt",
        "ceil",
        "concatenate",
        "cos",
        "cosh",
        "cumprod",
        "cumsum",
        "diag",
        "einsum",
        "exp",
        "exp2",
        "expm1",
        "eye",
        "floor",
        "floor_divide",
        "hypot",
        "inf",
        "isfinite",
        "isnan",
        "kron",
        "log",
        "log10",
        "log1p",
        "log2",
        "logaddexp",
        "logaddexp2",
        "logical_and",
        "logical_not",
        "logical_or",
        "logical_xor",
        "max",
        "maximum",
        "mean",
        "min",
        "minimum",
        "mod",
        "nan",
        "outer",
        "pad",
        "power",
        "prod",
        "reshape",
        "rint",
        "s_",
        "sign",
        "sin",
        "sinc",
        "sinh",
        "sqrt",
        "stack",
        "sum",
        "swapaxes",
        "tan",
        "tanh",
        "trace",
        "transpose",
        "trunc",
        "where",
    ]
)
RESERVED = _NUMPY | DEFINITIONS.keys() | {"np", "special"}
