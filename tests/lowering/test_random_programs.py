"""Random expressions over all operations, lowered with and without names for sizes, against the reference evaluator."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from symdiff.expr import ops as o
from symdiff.expr.algebra import contract
from symdiff.expr.leaves import const, var
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Delta, Ones
from symdiff.expr.traverse import variables
from symdiff.lowering.lowered import lower
from symdiff.lowering.program import check
from tests.random_expressions import Close

SIZES = {"n": 3, "d": 2, "m": 4}
DIMS = ("n", "d", "m", 2, 1)
UNARY = (
    o.exp,
    o.tanh,
    o.sigmoid,
    o.sin,
    o.softplus,
    o.absolute,
    o.relu,
    o.log_sigmoid,
    o.negative,
    o.square,
    o.arctan,
    lambda x: x**3,
    lambda x: o.sqrt(x * x + 1),
)
BINARY = (o.add, o.subtract, o.multiply, o.maximum, o.minimum, lambda x, y: x / (2 + y * y), lambda x, y: o.where(x > y, x, 2 * y), o.hypot)


class Maker:
    """Grows a list of expressions, each of values that stay tame, by operations drawn at random."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.made: list[Expr] = [
            var("X", ("n", "d")),
            var("A", ("d", "d")),
            var("v", ("n",)),
            var("s"),
            var("T", ("n", "m", "d")),
            var("r", (1, "d")),
            var("w", ("d",)),
        ]
        self.made += [Delta("d"), Ones("n"), const(rng.normal(size=2)), const(0.5), o.arange("d")]

    def any(self) -> Expr:
        return self.made[int(self.rng.integers(len(self.made)))]

    def choice(self, options: tuple) -> object:
        return options[int(self.rng.integers(len(options)))]

    def step(self) -> None:
        x = self.any()
        kind = int(self.rng.integers(8))
        if kind == 0:
            e = self.choice(UNARY)(x)
        elif kind in (1, 2):
            e = self.pair(x)
        elif kind in (3, 4):
            e = self.product(x)
        elif kind == 5 and x.ndim:
            axis = int(self.rng.integers(x.ndim))
            e = self.choice((o.sum, o.mean, o.max, o.logsumexp, o.cumsum, o.sort))(x, axis=axis)
        elif kind == 6 and x.ndim:
            e = self.move(x)
        else:
            e = self.choice(UNARY)(self.any()) * 0.5
        if e.ndim <= 4:
            self.made.append(o.tanh(e) if self.rng.random() < 0.3 else e)

    def pair(self, x: Expr) -> Expr:
        for _ in range(10):
            y = self.any()
            try:
                return self.choice(BINARY)(x, y)
            except ValueError:
                continue
        return self.choice(BINARY)(x, const(1.5))

    def product(self, x: Expr) -> Expr:
        """A contraction of up to three expressions, labels drawn at random among axes of one dim."""
        factors = [x, self.any(), self.any()][: int(self.rng.integers(1, 4))]
        labels: list[tuple[int, ...]] = []
        known: dict[int, object] = {}
        for f in factors:
            own = []
            for d in f.shape:
                fitting = [k for k, dim in known.items() if dim == d]
                k = int(self.rng.choice(fitting)) if fitting and self.rng.random() < 0.6 else len(known)
                known.setdefault(k, d)
                own.append(k)
            labels.append(tuple(own))
        out = tuple(int(k) for k in self.rng.permutation(list(known)) if self.rng.random() < 0.6)[:3]
        return contract(list(zip(factors, labels, strict=True)), out)

    def move(self, x: Expr) -> Expr:
        axis = int(self.rng.integers(x.ndim))
        match int(self.rng.integers(6)):
            case 0:
                return o.transpose(x, [int(a) for a in self.rng.permutation(x.ndim)])
            case 1:
                return o.moveaxis(x, axis, 0)[-1]
            case 2:
                return o.concatenate([x, o.tanh(x)], axis)
            case 3:
                return o.expand_dims(x, axis)
            case 4:
                return o.stack([x, x * 2], axis)
            case _:
                return o.ravel(x)


def close_to(roots: list[Expr], values: dict[str, np.ndarray], tolerance: float, rounding: float) -> Close:
    env = {v: np.asarray(values[v.name], float) for v in variables(*roots)}
    return Close(roots, env, SIZES, tolerance, rounding)


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 10**6))
def test_random_expressions_equal_the_reference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    maker = Maker(rng)
    for _ in range(14):
        maker.step()
    inputs = list(maker.made[:7])
    roots = maker.made[-3:]
    values = {x.name: rng.normal(size=tuple(SIZES.get(d, d) for d in x.shape)) for x in inputs}
    narrow = {k: a.astype(np.float32) for k, a in values.items()}
    close, close_single = close_to(roots, values, 1e-12, 1.2e-16), close_to(roots, narrow, 1e-5, 6e-8)
    rest = {k: v for k, v in values.items() if k != "X"}
    folded = lower(roots, inputs[1:], constants={inputs[0]: values["X"]})
    for f, given_values in (
        (lower(roots, inputs), values),
        (lower(roots, inputs, fast=True), values),
        (lower(roots, inputs, reuse_buffers=True), values),
        (folded, rest),
    ):
        check(f.program)
        for _ in range(2):
            close(f(**given_values), f"{seed}, {f}")
        if f is not folded:
            found = f(**narrow)
            close_single(found, f"{seed}, single, {f}")
            assert all(np.asarray(a).dtype in (np.float32, np.int64, np.bool_) for a in found)
