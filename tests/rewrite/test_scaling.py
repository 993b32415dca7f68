"""Simplification is linear in the number of nodes: rewriting visits and products made, on graphs whose parts are shared by everything above.

Counts, not seconds: a count that grows as the graph does says that nothing is multiplied out through sharing.
"""

from __future__ import annotations

import time

import numpy as np
import pytest

import symdiff as sd
from symdiff.expr.traverse import node_count
from symdiff.rewrite import engine, simplify_all
from symdiff.rewrite.workshop import Products
from tests.corpus.cases import all_cases, derive

rng = np.random.default_rng(3)


# --- graphs of any size ---------------------------------------------------------------------------------------------
def gru(steps):
    inputs = rng.normal(size=(steps, 3))

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    def loss(Wz, Uz, Wh, Uh):
        h = np.zeros(2)
        for x in inputs:
            z = sigmoid(x @ Wz + h @ Uz)
            h = (1 - z) * h + z * np.tanh(x @ Wh + h @ Uh)
        return np.dot(h, h)

    variables = {"Wz": sd.var("Wz", (3, 2)), "Uz": sd.var("Uz", (2, 2)), "Wh": sd.var("Wh", (3, 2)), "Uh": sd.var("Uh", (2, 2))}
    return sd.grad(sd.formula(loss, **variables), list(variables.values()))


def euler(steps):
    def loss(p):
        x, y, total = 1.0, 0.5, 0.0
        for _ in range(steps):
            x, y = x + 0.1 * (p[0] * x - p[1] * x * y), y + 0.1 * (p[2] * x * y - p[3] * y)
            total += (x - 1) ** 2 + (y - 1) ** 2
        return total

    p = sd.var("p", (4,))
    return [sd.grad(sd.formula(loss, p=p), p)]


def deep_mlp(layers):
    x, weights = sd.var("x", ("n", "d")), [sd.var(f"W{k}", ("d", "d")) for k in range(layers)]
    a = x
    for w in weights:
        a = sd.tanh(a @ w)
    return sd.grad(sd.mean(a**2), weights)


def repeated(step, shape=()):
    """The gradient of a function applied over and over."""

    def graph(times):
        x = y = sd.var("x", shape)
        for _ in range(times):
            y = step(y)
        return [sd.grad(sd.sum(y), x)]

    return graph


GRAPHS = {
    "gru": (gru, (5, 10, 20)),
    "euler": (euler, (2, 4, 8)),
    "deep mlp": (deep_mlp, (5, 10, 20)),
    "chain": (repeated(lambda y: 2 * sd.sin(y) + 1), (10, 20, 40, 80)),
    "diamond": (repeated(lambda y: y * y + y), (5, 10, 20, 40)),
    "diamond of functions": (repeated(lambda y: sd.tanh(y) * y + sd.exp(-y), "n"), (2, 4, 8)),
    "logistic map": (repeated(lambda y: 3.7 * y * (1 - y)), (4, 8, 16)),
    "newton": (repeated(lambda y: (y + 2 / y) / 2), (4, 8, 16)),
}


@pytest.fixture
def work(monkeypatch):
    """The number of visits and of products made since it was cleared."""
    counts = {"visits": 0, "products": 0}
    visit, make = engine.Round.visit, Products.__call__

    def counted_visit(self, e):
        counts["visits"] += 1
        return visit(self, e)

    def counted_make(self, term):
        before = self.made
        result = make(self, term)
        counts["products"] += self.made > before
        return result

    monkeypatch.setattr(engine.Round, "visit", counted_visit)
    monkeypatch.setattr(Products, "__call__", counted_make)
    return counts


@pytest.mark.parametrize("name", GRAPHS)
def test_work_grows_as_the_graph(name, work):
    graph, sizes = GRAPHS[name]
    found = []
    for size in sizes:
        work.update(visits=0, products=0)
        roots = graph(size)
        simplified = simplify_all(roots)
        nodes = node_count(*roots)
        found.append((nodes, work["visits"], work["products"]))
        assert work["visits"] <= 16 * nodes, found
        assert work["products"] <= 60 * nodes, found
        assert node_count(*simplified) <= 1.5 * nodes, found
    for kind in (1, 2):
        by_node = [row[kind] / row[0] for row in found]
        assert by_node[-1] <= 1.5 * max(by_node[:2]), found


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs_are_simplified_once_and_for_all(name):
    graph, sizes = GRAPHS[name]
    simplified = simplify_all(graph(sizes[0]))
    assert simplify_all(simplified) == simplified


def test_formulas_are_simplified_once_and_for_all():
    again = [derive(case).simplified for case in all_cases()[::5]]
    assert [sd.simplify(e) is e for e in again] == [True] * len(again)


def test_no_formula_takes_long():
    start = time.process_time()
    slowest = max((derive(case) for case in all_cases()[::6]), key=lambda d: d.seconds)
    assert slowest.seconds < 2
    assert time.process_time() - start < 60


def test_one_visit_of_each_node_where_the_graph_is_large(work):
    x = sd.var("x", (800,))
    total = 0
    for i in range(799):
        total = total + 100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2
    g = sd.grad(total, x)
    simplify_all([g])
    assert node_count(g) > engine.LARGE
    assert work["visits"] <= 2 * node_count(g)


@pytest.mark.parametrize("count", [3, 150, 2500])
def test_loops_of_any_length_are_stable(count):
    def loss(x):
        total = 0.0
        for i in range(count):
            total = total + np.log(1 + np.exp(x[i]))
        return total

    x = np.linspace(-900.0, 900.0, count)
    with np.errstate(over="ignore"):  # of the values that the loop computes while it is traced
        gradient = sd.grad(loss)(x)
    np.testing.assert_allclose(gradient, 1 / (1 + np.exp(-np.clip(x, -700, 700))), rtol=1e-12, atol=1e-300)
