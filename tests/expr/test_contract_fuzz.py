"""Random nests of contractions over Deltas, Ones, constants and variables have the value of the plain einsum."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import symdiff as sd
from symdiff.expr.algebra import contract
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Contract, Delta, Ones

N = 2  # one size for all axes, so that any labels fit; wrong sums of a label still show
RNG = np.random.default_rng(1)
VALUES = {
    var(name, (N,) * rank): RNG.integers(-3, 4, (N,) * rank).astype(float)
    for name, rank in (("s", 0), ("v", 1), ("A", 2), ("B", 2), ("T", 3))
}
LEAVES: list[tuple[Expr, np.ndarray]] = [
    *VALUES.items(),
    (Delta(N), np.eye(N)),
    (Delta(N), np.eye(N)),
    (Ones(N), np.ones(N)),
    (sd.const(3), np.array(3.0)),
    (sd.const(0), np.array(0.0)),
]


@st.composite
def pairs(draw, depth: int = 2) -> tuple[Expr, np.ndarray]:
    """An expression built by `contract`, and its value by einsum at every step."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(LEAVES))
    operands = draw(st.lists(pairs(depth=depth - 1), min_size=1, max_size=3))
    labels = [tuple(draw(st.lists(st.integers(0, 4), min_size=v.ndim, max_size=v.ndim))) for _, v in operands]
    known = sorted({label for ls in labels for label in ls})
    out = tuple(draw(st.permutations(known))[: draw(st.integers(0, min(3, len(known))))]) if known else ()
    e = contract([(e, ls) for (e, _), ls in zip(operands, labels, strict=True)], out)
    value = np.einsum(*(part for (_, v), ls in zip(operands, labels, strict=True) for part in (v, list(ls))), list(out))
    return e, value


def evaluated(e: Expr) -> np.ndarray:
    """The value of a tree of Contracts, read off its fields."""
    if e in VALUES:
        return VALUES[e]
    if isinstance(e, Contract):
        parts = [part for f, ls in zip(e.factors, e.labels, strict=True) for part in (evaluated(f), list(ls))]
        return np.einsum(*parts, list(e.out))
    return {Delta: np.eye(N), Ones: np.ones(N)}.get(type(e), np.array(getattr(e, "value", np.nan)))


@settings(max_examples=400, deadline=None)
@given(pairs(depth=3))
def test_absorbing_keeps_the_value(pair):
    e, value = pair
    assert e.shape == value.shape
    np.testing.assert_array_equal(evaluated(e), value)


@settings(max_examples=200, deadline=None)
@given(pairs(depth=2))
def test_labels_are_in_normal_form(pair):
    e, _ = pair
    if isinstance(e, Contract):
        seen = list(dict.fromkeys(label for ls in e.labels for label in ls))
        assert seen == list(range(len(seen)))
        in_output = [ls for f, ls in zip(e.factors, e.labels, strict=True) if isinstance(f, (Delta, Ones))]
        assert all(label in e.out for ls in in_output for label in ls)
