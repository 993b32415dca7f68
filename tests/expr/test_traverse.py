"""Walks: use counts, variables, substitution, sizes bound, and rebuilding each class of node."""

from __future__ import annotations

import pytest

import symdiff as sd
from symdiff.expr.leaves import const, var
from symdiff.expr.node import topological
from symdiff.expr.nodes import Iota, Size
from symdiff.expr.rebuild import with_operands
from symdiff.expr.traverse import bind_sizes, node_count, size_names, substitute, transform, use_counts, variables

x, y, z = var("x"), var("y"), var("z")
v, X, A = var("v", ("n",)), var("X", ("n", "d")), var("A", (3, 3))


def test_a_walk_gives_operands_first_and_each_node_once():
    shared = sd.sin(x)
    e = shared * y + shared * z
    order = list(topological(e))
    assert order == [x, shared, y, shared * y, z, shared * z, e]
    assert node_count(e) == len(order) and node_count(e, shared) == len(order)


def test_a_walk_may_stop_at_nodes():
    e = sd.sin(x) * sd.cos(y)
    assert list(topological(e, until=lambda n: n is sd.sin(x))) == [sd.sin(x), y, sd.cos(y), e]


def test_a_walk_over_several_roots_is_one_walk():
    assert list(topological(y, sd.sin(x), x)) == [y, x, sd.sin(x)]


def test_a_diamond_of_many_levels_is_walked_in_linear_time():
    e = x
    for _ in range(200):
        e = e * sd.sin(e)
    assert node_count(e) == 401


def test_use_counts():
    shared = sd.sin(x)
    e = shared * shared + x
    counts = use_counts(e, shared)
    assert (counts[e], counts[shared], counts[x], counts[shared * shared]) == (1, 3, 2, 1)


def test_variables_in_order_of_first_appearance():
    assert variables(y * x + sd.sin(z) * y) == [y, x, z]
    assert variables(x, z + x, y) == [x, z, y]
    assert variables(const(1)) == []


@pytest.mark.parametrize(
    ("other", "named"), [(var("x", ("n",)), ["()", "(n,)"]), (var("x", (), "positive"), ["positive"]), (var("x", ("m",)), ["(m,)"])]
)
def test_two_variables_of_one_name_are_refused(other, named):
    with pytest.raises(sd.NameClash, match="two variables are called 'x'") as error:
        variables(x + sd.sum(other))
    assert all(text in str(error.value) for text in named)


def test_variables_of_other_tokens_do_not_clash():
    assert len(variables(x * var("x", (), token=1) * var("x", ("n",), token=2))) == 3


# --- substitution -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("e", "values", "result"),
    [
        (x + y, {x: z}, z + y),
        (x + y, {x: y, y: x}, y + x),
        (sd.sin(x) * x, {x: const(0)}, const(0)),
        (sd.exp(sd.sin(x)), {sd.sin(x): y}, sd.exp(y)),
        (sd.exp(sd.sin(x)) + x, {sd.sin(x): x, x: y}, sd.exp(x) + y),
        (x * y, {}, x * y),
        (x, {x: x * 2}, x * 2),
        (x * y, {z: x}, x * y),
        (X.T @ v, {v: v * 2}, X.T @ (v * 2)),
        (A @ A, {A: sd.eye(3)}, sd.eye(3)),
        (sd.concatenate([v, v]), {v: v + 1}, sd.concatenate([v + 1, v + 1])),
    ],
)
def test_substitution_is_simultaneous_and_folds(e, values, result):
    assert substitute(e, values) is result


def test_substitution_asks_for_equal_shapes():
    with pytest.raises(sd.ShapeError, match=r"substitute: .*shape \(n,\), what replaces it \(\)"):
        substitute(v + 1, {v: x})


def test_substitution_keeps_sharing():
    e = x
    for _ in range(100):
        e = e * sd.sin(e)
    assert node_count(substitute(e, {x: y})) == node_count(e)


# One expression for each class of node, and for it the operands replaced.
i = var("i", (2,))
NODES: dict[str, sd.Expr] = {
    "Add": v + sd.sin(v),
    "Contract": X.T @ v,
    "Map": sd.arctan2(v, v * 2),
    "Reduce": sd.max(X, axis=0),
    "Scan": sd.cumsum(v),
    "Arg": sd.argsort(v),
    "Reshape": X.ravel(),
    "Slice": v[1:],
    "Scatter": sd.pad(v, 1),
    "Concat": sd.concatenate([v, v[:2]]),
    "Gather": v[[0, 1, 1]],
    "GatherT": sd.grad(sd.sum(v[[0, 1, 1]] ** 2), v),
    "Linalg": sd.solve(A, A.T),
}


@pytest.mark.parametrize("name", NODES)
def test_a_node_over_its_own_operands_is_itself(name):
    e = NODES[name]
    assert any(type(n).__name__ == name for n in topological(e))
    assert with_operands(e, e.operands) is e
    fresh = transform([e], lambda node, ops: type(node).rebuild(ops, tuple(getattr(node, s) for s in node.statics)))
    assert fresh == [e]


@pytest.mark.parametrize("name", NODES)
def test_substituting_there_and_back_is_the_identity(name):
    e = NODES[name]
    there = {s: var(f"{s.name}_2", s.shape) for s in variables(e)}
    moved = substitute(e, there)
    assert moved is not e and moved.shape == e.shape and set(variables(moved)) == set(there.values())
    assert substitute(moved, {b: a for a, b in there.items()}) is e


# --- sizes --------------------------------------------------------------------------------------------------------
def test_size_names_are_found_wherever_they_stand():
    assert size_names(X @ X.T) == {"n", "d"}
    assert size_names(Size("k") * x) == {"k"}
    assert size_names(sd.sum(Iota("m"))) == {"m"}
    assert size_names(sd.concatenate([v, v])[:4], sd.eye("p")) == {"n", "p"}
    assert size_names(x) == set()


@pytest.mark.parametrize("name", NODES)
def test_binding_sizes_gives_whole_numbers_everywhere(name):
    (bound,) = bind_sizes([NODES[name]], {"n": 4, "d": 3})
    assert size_names(bound) == set()


@pytest.mark.parametrize(
    ("e", "sizes", "result"),
    [
        (sd.sum(v) / Size("n"), {"n": 4}, sd.sum(var("v", (4,))) / 4),
        (sd.mean(X), {"n": 2}, sd.mean(var("X", (2, "d")))),
        (sd.trace(sd.eye("n")), {"n": 5}, const(5)),
        (v[::-1], {"n": 3}, var("v", (3,))[::-1]),
        (v[-2:], {"n": 5}, var("v", (5,))[-2:]),
        (sd.concatenate([v, var("u", ("m",))]), {"n": 2}, sd.concatenate([var("v", (2,)), var("u", ("m",))])),
        (sd.concatenate([v, var("u", ("m",))])[None].ravel() * 2, {"n": 2}, sd.concatenate([var("v", (2,)), var("u", ("m",))]) * 2),
        (sd.pad(v, 1), {"n": 0}, sd.pad(var("v", (0,)), 1)),
        (sd.arange("n") * v, {"n": 3}, sd.arange(3) * var("v", (3,))),
        (x, {"n": 3}, x),
    ],
)
def test_binding_sizes(e, sizes, result):
    (bound,) = bind_sizes([e], sizes)
    assert bound.shape == result.shape
    if not any(isinstance(n, Iota) for n in topological(bound)):
        assert bound is result


def test_binding_one_of_two_names_in_a_dim():
    e = sd.concatenate([v, var("u", ("m",))]).reshape(1, "m + n").ravel()
    (bound,) = bind_sizes([e], {"n": 2})
    assert bound.shape == ("m + 2",) and bind_sizes([bound], {"m": 3})[0].shape == (5,)


@pytest.mark.parametrize(("e", "sizes"), [(v, {"n": -1}), (v[2:], {"n": 1}), (sd.pad(v, 1)[3:], {"n": 0})])
def test_sizes_that_make_a_negative_length_are_refused(e, sizes):
    with pytest.raises(sd.BindingError, match="from 0 on"):
        bind_sizes([e], sizes)
