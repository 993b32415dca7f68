"""Random expressions over the whole function table, random shapes and broadcasting, products with any labels, and what goes with them:
values for their variables, and a comparison that knows how much digits a value can have lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from symdiff.expr import ops as o
from symdiff.expr.algebra import contract
from symdiff.expr.build import apply
from symdiff.expr.functions import FUNCTIONS
from symdiff.expr.leaves import const, var
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Delta, Ones, Var
from tests.reference import evaluate_all, evaluate_rounded

SIZES = {"n": 3, "d": 2}
SHAPES: tuple[tuple[str | int, ...], ...] = ((), ("n",), ("d",), ("n", "d"), ("d", "d"), (1, "d"), ("n", 1))
ASSUMED = ("", "", "", "positive", "nonnegative", "binary", "sign", "symmetric", "spd", "onehot", "prob", "count")
SMOOTH = (
    "exp", "sin", "cos", "tanh", "arctan", "arcsinh", "sinh", "cosh", "sigmoid", "softplus", "log_sigmoid", "erf", "expm1", "silu", "gelu_tanh",
)  # fmt: skip
UNARY = tuple(f.name for f in FUNCTIONS.values() if f.arity == 1)
BINARY = ("maximum", "minimum", "hypot", "arctan2", "logaddexp", "less", "greater", "less_equal", "equal", "mod", "leaky_relu")


class Grower:
    """Makes expressions from those made before, by operations drawn at random.

    `smooth` restricts it to functions that are analytic everywhere; `assume` lets variables carry facts.
    """

    def __init__(self, seed: int, smooth: bool = False, assume: bool = True) -> None:
        self.rng = np.random.default_rng(seed)
        self.smooth = smooth
        self.made: list[Expr] = []
        for k, shape in enumerate(SHAPES):
            word = str(self.choice(ASSUMED)) if assume else ""
            fits = word not in ("symmetric", "spd") or shape == ("d", "d")
            fits = fits and (word not in ("onehot", "prob") or (len(shape) > 0 and shape[-1] != 1))
            self.made.append(var("abcdefg"[k], shape, (word,) if word and fits else ()))
        self.made += [const(1), const(2), const(-1), const(0.5), Delta("d"), Ones("n")]

    def choice(self, options: Sequence[Any]) -> Any:
        return options[int(self.rng.integers(len(options)))]

    def any(self) -> Expr:
        recent = self.made[-6:] if self.rng.random() < 0.5 else self.made
        return self.choice(recent)  # type: ignore[no-any-return]

    def fitting(self, x: Expr) -> Expr:
        """An expression that broadcasts with x."""
        able = [e for e in self.made if _broadcasts(x.shape, e.shape)]
        return self.choice(able)  # type: ignore[no-any-return]

    def step(self) -> None:
        x = self.any()
        moves: tuple[Callable[[Expr], Expr], ...] = (
            self.function, self.function, self.power, self.sum, self.sum, self.product, self.product, self.quotient, self.network, self.reduced, self.choose,
        )  # fmt: skip
        e = self.choice(moves)(x)
        if len(e.shape) <= 2:
            self.made.append(e)

    def function(self, x: Expr) -> Expr:
        return apply(self.choice(SMOOTH if self.smooth else UNARY), x)

    def power(self, x: Expr) -> Expr:
        return o.power(x, self.choice((2, 3) if self.smooth else (2, 3, -1, -2, 0.5, -0.5)))

    def sum(self, x: Expr) -> Expr:
        y = self.fitting(x)
        return o.add(x, y) if self.rng.random() < 0.5 else o.subtract(x, y)

    def product(self, x: Expr) -> Expr:
        return o.multiply(x, self.fitting(x))

    def quotient(self, x: Expr) -> Expr:
        y = self.fitting(x)
        return x / (2 + o.tanh(y)) if self.smooth else x / y

    def network(self, x: Expr) -> Expr:
        """A product of two or three factors, axes of one size joined or not."""
        factors = [x, *(self.any() for _ in range(int(self.rng.integers(1, 3))))]
        labels: dict[Any, list[int]] = {}
        parts = []
        fresh = 0
        for f in factors:
            ls = []
            for d in f.shape:
                if d in labels and self.rng.random() < 0.7:
                    ls.append(int(self.choice(labels[d])))
                else:
                    labels.setdefault(d, []).append(fresh)
                    ls.append(fresh)
                    fresh += 1
            parts.append((f, tuple(ls)))
        every = [label for group in labels.values() for label in group]
        kept = [label for label in every if self.rng.random() < 0.4][:2]
        return contract(parts, tuple(kept))

    def reduced(self, x: Expr) -> Expr:
        if not x.shape:
            return x
        kinds = (
            (o.sum, o.mean, o.logsumexp, o.softmax, o.prod, o.cumsum)
            if self.smooth
            else (o.sum, o.mean, o.logsumexp, o.softmax, o.max, o.min)
        )
        return self.choice(kinds)(x, axis=int(self.rng.integers(len(x.shape))))  # type: ignore[no-any-return]

    def choose(self, x: Expr) -> Expr:
        y = self.fitting(x)
        if self.smooth:
            return o.sin(x) + y
        if self.rng.random() < 0.5:
            return apply(self.choice(BINARY), x, y)
        return o.where(x > y, y, x) if _broadcasts(o.add(x, y).shape, x.shape) else x


def _broadcasts(a: Sequence[Any], b: Sequence[Any]) -> bool:
    """Whether two shapes stretch to one of the two, size 1 being the only one that stretches."""
    return all(p == q or 1 in (p, q) for p, q in zip(reversed(a), reversed(b), strict=False))


def grown(seed: int, steps: int = 8, smooth: bool = False, assume: bool = True) -> Expr:
    """The last expression of a random sequence that is no constant."""
    g = Grower(seed, smooth, assume)
    for _ in range(steps):
        g.step()
    return g.made[-1]


def admissible(v: Var, rng: np.random.Generator, delicate: bool = False) -> np.ndarray:
    """Values that a variable's assumptions allow; `delicate` puts zeros, ones and large numbers among them."""
    shape = tuple(SIZES.get(d, d) if isinstance(d, str) else d for d in v.shape)
    x = rng.normal(size=shape) * 1.5
    if delicate:
        x = np.where(rng.random(shape) < 0.5, rng.choice([0.0, 1.0, -1.0, 2.0, 30.0, -30.0, 800.0, -800.0], size=shape), x)
    words = set(v.assumptions)
    if words & {"positive"}:
        x = np.abs(x) + 1e-3
    if words & {"nonnegative", "count"}:
        x = np.abs(np.rint(x) if "count" in words else x)
    if "binary" in words:
        x = (x > 0) * 1.0
    if "sign" in words:
        x = np.where(x > 0, 1.0, -1.0)
    if "symmetric" in words:
        x = x + x.T
    if "spd" in words:
        x = x @ x.T + np.eye(len(x))
    if "onehot" in words:
        x = np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]
    if "prob" in words:
        x = np.abs(x) + 0.1
        x = x / x.sum(-1, keepdims=True)
    return np.asarray(x, dtype=float)


def values_for(roots: Sequence[Expr], seed: int, delicate: bool = False) -> dict[Var, np.ndarray]:
    rng = np.random.default_rng(seed)
    found = [e for e in topological(*roots) if isinstance(e, Var)]
    return {v: admissible(v, rng, delicate) for v in sorted(found, key=lambda v: v.name)}


def difference(left: Expr, right: Expr, env: Mapping[Var, np.ndarray], rtol: float = 1e-8) -> float:
    """How far two expressions are apart where the first is defined and finite, relative to the largest value on the way: at most 1 is agreement."""
    nodes = list(topological(left))
    values = evaluate_all([*nodes, right], env, SIZES)
    scale = 1.0
    for x in values[:-1]:
        x = np.asarray(x, dtype=float)
        finite = x[np.isfinite(x)]
        scale = max(scale, float(np.abs(finite).max())) if finite.size else scale
    if any(np.isnan(np.asarray(x, dtype=float)).any() for x in values[:-1]):
        return 0.0  # not defined here
    a, b = np.asarray(values[-2], dtype=float), np.asarray(values[-1], dtype=float)
    able = np.isfinite(a)
    if not able.any():
        return 0.0
    gap = np.abs(a[able] - b[able])
    gap = np.where(np.isnan(gap), np.inf, gap)
    return float(np.max(gap / (rtol * np.abs(a)[able] + 1e-12 * scale)))


def lost(roots: Sequence[Expr], env: Mapping[Var, np.ndarray], sizes: Mapping[str, int], rounding: float) -> list[np.ndarray]:
    """How far the entries of each root move, at most, in a few evaluations that are off by `rounding` of each value on the way: what no
    program in that precision can be asked to do better than."""
    exact = evaluate_all(list(roots), env, sizes)
    worst = [np.zeros(x.shape) for x in exact]
    with np.errstate(all="ignore"):
        for seed in range(4):
            rounded = evaluate_rounded(list(roots), env, sizes, rounding, np.random.default_rng(seed))
            gaps = [np.abs(np.asarray(r, float) - x) for r, x in zip(rounded, exact, strict=True)]
            worst = [np.maximum(w, np.where(np.isnan(g), np.inf, g)) for w, g in zip(worst, gaps, strict=True)]
    return worst


class Close:
    """Compares results with the reference: to a tolerance, of the largest entry, or to what rounding loses on the way."""

    def __init__(
        self, outputs: list[Expr], env: Mapping[Var, np.ndarray], sizes: Mapping[str, int], tolerance: float, rounding: float
    ) -> None:
        self.expected = evaluate_all(outputs, env, sizes)
        self.tolerance = tolerance
        self.loss = lambda: lost(outputs, env, sizes, rounding)

    def __call__(self, found: Sequence[object], what: str) -> None:
        for k, (got, wanted) in enumerate(zip(found, self.expected, strict=True)):
            a, b = np.asarray(got, float), np.asarray(wanted, float)
            assert a.shape == b.shape, what
            finite = np.isfinite(b)
            size = max(1.0, float(np.max(np.abs(b[finite]), initial=0.0)))
            near = np.abs(a[finite] - b[finite]) <= self.tolerance * size
            if not near.all():
                near = np.abs(a[finite] - b[finite]) <= 20 * self.loss()[k][finite]
            assert near.all(), f"{what}: output {k} is {a}, not {b}"
