"""The corpus in plain NumPy: admissible values, formulas evaluated as text, derivatives by complex step. Nothing of symdiff is used.

The corpus's text is trusted: it is evaluated by Python.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

Values = dict[str, np.ndarray]


# --- functions that are analytic at complex arguments -----------------------------------------------------------------
def _abs(x: Any) -> Any:
    return np.where(np.real(x) < 0, -x, x)


def _pick(first: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda a, b: np.where(first(np.real(a), np.real(b)), a, b)


def _extremum(largest: bool) -> Callable[..., Any]:
    def reduced(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
        x = np.asarray(x)
        flat, along = (x.reshape(-1), 0) if axis is None else (x, axis)
        at = np.expand_dims((np.argmax if largest else np.argmin)(np.real(flat), axis=along), along)
        taken = np.take_along_axis(flat, at, along)
        if axis is None:
            return taken.reshape((1,) * x.ndim if keepdims else ())
        return taken if keepdims else np.squeeze(taken, along)

    return reduced


def _logdet(a: Any) -> Any:
    d = np.linalg.det(a)
    return np.log(np.where(np.real(d) < 0, -d, d))


NAMES: dict[str, Any] = {
    **{name: getattr(np, name) for name in (
        "cos", "cosh", "diag", "einsum", "exp", "eye", "kron", "log", "log1p", "mean", "outer", "sin", "sqrt", "sum", "tan", "tanh", "trace", "where",
    )},
    "abs": _abs, "sign": lambda x: np.sign(np.real(x)), "maximum": _pick(np.greater), "minimum": _pick(np.less), "max": _extremum(True),
    "min": _extremum(False), "norm": lambda x: np.sqrt(np.sum(x * x)), "det": np.linalg.det, "inv": np.linalg.inv, "logdet": _logdet,
    "matrix_power": np.linalg.matrix_power, "zeros": lambda *dims: np.zeros(dims), "ones": lambda *dims: np.ones(dims),
}  # fmt: skip


def value(text: str, let: Mapping[str, str], values: Mapping[str, Any], sizes: Mapping[str, int]) -> np.ndarray:
    """A line of the corpus at given values, after the names that it may use."""
    scope = {**NAMES, **sizes, **values}
    for name, line in let.items():
        scope[name] = eval(line, {"__builtins__": {}}, scope)
    return np.asarray(eval(text, {"__builtins__": {}}, scope))


# --- admissible values ------------------------------------------------------------------------------------------------
def sizes_of(shapes: Mapping[str, list[str]], step: int) -> dict[str, int]:
    """A size for each named dim: n the largest, so that an n by m matrix is tall; another one for each step."""
    names = sorted({d for shape in shapes.values() for d in shape})
    return {d: 6 + step if d == "n" else 2 + (k + step) % 3 for k, d in enumerate(names)}


def _prob(rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
    p = np.abs(x) + 0.1
    return p / p.sum(-1, keepdims=True)


ADMISSIBLE: dict[str, Callable[[np.random.Generator, np.ndarray], np.ndarray]] = {
    "positive": lambda rng, x: np.abs(x) + 0.5,
    "binary": lambda rng, x: (x > 0) * 1.0,
    "prob": _prob,
    "onehot": lambda rng, x: np.eye(x.shape[-1])[rng.integers(0, x.shape[-1], x.shape[:-1])],
    "invertible": lambda rng, x: x + 3 * np.eye(len(x)),
    "symmetric": lambda rng, x: x + x.T,
    "spd": lambda rng, x: x @ x.T + np.eye(len(x)),
    "unit": lambda rng, x: (np.abs(x) + 0.1) / np.linalg.norm(np.abs(x) + 0.1),
    "sign": lambda rng, x: np.where(x > 0, 1.0, -1.0),
    "count": lambda rng, x: rng.poisson(3, x.shape) * 1.0,
    "small": lambda rng, x: 0.1 * x,
}


def sample(shapes: Mapping[str, list[str]], domain: Mapping[str, str], sizes: Mapping[str, int], seed: int) -> Values:
    """Random values of the variables, as their domain words say."""
    rng = np.random.default_rng(seed)
    found = {}
    for name, shape in shapes.items():
        x = rng.normal(size=tuple(sizes[d] for d in shape))
        found[name] = ADMISSIBLE[domain[name]](rng, x) if name in domain else x
    return found


# --- derivatives ------------------------------------------------------------------------------------------------------
def by_complex_step(f: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> np.ndarray:
    """The derivative of f, whose result has any shape, in each entry of x: exact to rounding."""
    entries = []
    for i in np.ndindex(x.shape):
        z = np.array(x, dtype=complex)
        z[i] += 1e-30j
        entries.append(np.imag(f(z)) / 1e-30)
    return np.moveaxis(np.reshape(entries, (*x.shape, *entries[0].shape)), range(x.ndim), range(-x.ndim, 0))


def by_richardson(f: Callable[[np.ndarray], np.ndarray], x: np.ndarray, h: float = 1e-3) -> np.ndarray:
    """The derivative of f by central differences at h, h/2, h/4, extrapolated twice."""
    entries = []
    for i in np.ndindex(x.shape):
        e = np.zeros(x.shape)
        e[i] = 1.0
        slope = [(f(x + s * e) - f(x - s * e)) / (2 * s) for s in (h, h / 2, h / 4)]
        once = [(4 * b - a) / 3 for a, b in pairwise(slope)]
        entries.append((16 * once[1] - once[0]) / 15)
    return np.moveaxis(np.reshape(entries, (*x.shape, *np.shape(entries[0]))), range(x.ndim), range(-x.ndim, 0))
