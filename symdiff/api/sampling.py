"""Random values for variables that keep what is assumed of them: positive, one-hot rows, symmetric positive definite ...

Each assumption is one row: how a plain array of normal numbers is made to satisfy it. Several are applied one after another, in the order
of the table, so that a later one keeps what an earlier one gave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symdiff.expr.dims import dim_names, dim_value
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import size_names

Array = NDArray[np.float64]
Draw = Callable[[Array, "np.random.Generator"], Array]  # as text: NumPy loads its generators when they are named


def _transposed(a: Array) -> Array:
    return np.swapaxes(a, -1, -2)


def _rows_of_one(a: Array, rng: np.random.Generator) -> Array:
    """One 1 in each row (in the whole of a vector), 0 elsewhere."""
    return np.eye(a.shape[-1])[rng.integers(a.shape[-1], size=a.shape[:-1])]


def _of_norm_one(a: Array, rng: np.random.Generator) -> Array:
    """Rows of norm 1 (the whole of a vector, a number of size 1); a row of zeros, which another assumption may have made, stays."""
    norm = np.linalg.norm(np.atleast_1d(a), axis=-1, keepdims=a.ndim > 0)
    return np.asarray(a / np.where(norm == 0, 1, norm))


def _orthonormal(a: Array, rng: np.random.Generator) -> Array:
    """Orthonormal columns; rows, if there are more columns than rows."""
    return np.linalg.qr(a)[0] if a.shape[-2] >= a.shape[-1] else _transposed(np.linalg.qr(_transposed(a))[0])


ADMISSIBLE: dict[str, Draw] = {
    "small": lambda a, rng: 0.1 * a,
    "positive": lambda a, rng: np.abs(a) + 0.5,
    "nonnegative": lambda a, rng: np.abs(a),
    "count": lambda a, rng: rng.integers(1, 6, a.shape).astype(float),
    "binary": lambda a, rng: rng.integers(0, 2, a.shape).astype(float),
    "sign": lambda a, rng: rng.choice([-1.0, 1.0], a.shape),
    "prob": lambda a, rng: np.exp(a) / np.exp(a).sum(-1, keepdims=True),
    "onehot": _rows_of_one,
    "unit": _of_norm_one,
    "orthogonal": _orthonormal,
    "invertible": lambda a, rng: a + a.shape[-1] * np.eye(a.shape[-1]),
    "symmetric": lambda a, rng: (a + _transposed(a)) / 2,
    "spd": lambda a, rng: a @ _transposed(a) / a.shape[-1] + np.eye(a.shape[-1]),
}

# What a variable without assumptions is drawn from, in turn: a loss may be defined on a part of the line only. The last, which makes
# large sums, is for losses that are not defined elsewhere.
SCALES: tuple[Draw, ...] = (
    lambda a, rng: 0.7 * a,
    lambda a, rng: 0.3 * a,
    lambda a, rng: rng.uniform(0.15, 0.85, a.shape),
    lambda a, rng: np.abs(a) + 1.2,
)
USUAL_ROUNDS = 12  # over the first scales, before the last is tried


def sample(variable: Var, sizes: Mapping[str, int], rng: np.random.Generator, scale: int = 0) -> Array:
    """A random value of a variable at given sizes of its named dims.

    >>> from symdiff.expr.leaves import var
    >>> Y = sample(var('Y', ('n', 'k'), assume='onehot'), {'n': 4, 'k': 3}, np.random.default_rng(0))
    >>> Y.sum(axis=1)
    array([1., 1., 1., 1.])
    """
    shape = tuple(dim_value(d, sizes) for d in variable.shape)
    value = rng.standard_normal(shape)
    words = variable.assumptions
    if not words:
        return np.asarray(SCALES[scale % len(SCALES)](value, rng))
    for word, draw in ADMISSIBLE.items():
        if word in words:
            value = np.asarray(draw(value, rng))
    return value


def samples(variables: Iterable[Var], sizes: Mapping[str, int], rng: np.random.Generator, scale: int = 0) -> dict[Var, Array]:
    """Random values of all variables."""
    return {v: sample(v, sizes, rng, scale) for v in variables}


def size_choices(roots: Sequence[Expr]) -> list[dict[str, int]]:
    """Sizes for the named dims of expressions, all different within a choice: in order of appearance falling, rising, and mixed."""
    found: dict[str, None] = {}
    for e in roots:
        for name in [n for d in e.shape for n in sorted(dim_names([d]))] + sorted(size_names(e)):
            found[name] = None
    names = list(found)
    falling = [len(names) + 2 - k for k in range(len(names))]
    mixed = [falling[(3 * k + 1) % len(names)] if len(names) % 3 else falling[k] + (k % 2) * len(names) for k in range(len(names))]
    return [dict(zip(names, choice, strict=True)) for choice in ([f + 1 for f in falling], list(reversed(falling)), mixed)]


def points(variables: Sequence[Var], roots: Sequence[Expr], seed: int = 0) -> Iterator[tuple[dict[str, int], dict[Var, Array]]]:
    """Sizes and values without end, the same in every run: all sizes in turn, all scales in turn."""
    rng = np.random.default_rng(seed)
    choices = size_choices([*variables, *roots])
    for turn in count():
        scale = turn % (len(SCALES) - 1) if turn < USUAL_ROUNDS else len(SCALES) - 1
        for sizes in choices:
            yield sizes, samples(variables, sizes, rng, scale)


def perturbed(values: Mapping[Var, Array], relative: float, rng: np.random.Generator) -> dict[Var, Any]:
    """The same point with every number changed a little, to see how much a result depends on the last digits."""
    return {v: a * (1 + relative * rng.choice([-1.0, 1.0], a.shape)) for v, a in values.items()}
