"""Reverse mode as a walk: how much it makes, what it visits, and what it says of formulas of numbers."""

from __future__ import annotations

import pytest

import symdiff as sd
from symdiff import calculus
from symdiff.calculus.reverse import active_nodes
from symdiff.expr.leaves import var
from symdiff.expr.node import topological
from symdiff.expr.traverse import node_count


def chain(steps):
    x = var("x")
    y = x
    for k in range(steps):
        y = sd.sin(y) * y + (0.1 + k * 1e-6)
    return x, y


@pytest.mark.parametrize("steps", [10, 100])
def test_a_step_of_a_chain_is_four_nodes_and_its_derivative_five_more(steps):
    x, y = chain(steps)
    g = sd.grad(y, x)
    assert node_count(y) == 4 * steps + 1
    assert node_count(y, g) - node_count(y) <= 5 * steps


def test_a_walk_that_was_made_already_serves_the_gradient():
    x, y = chain(20)
    assert calculus.gradient(y, [x], list(topological(y))) == calculus.gradient(y, [x])


def test_the_gradient_of_a_chain_is_a_number_that_a_difference_confirms():
    x, y = chain(12)
    f = sd.lower([y, sd.grad(y, x)], [x])
    (low, _), (high, _), (_, slope) = f(0.7 - 1e-6), f(0.7 + 1e-6), f(0.7)
    assert slope == pytest.approx((high - low) / 2e-6, rel=1e-6)


x, a, b = var("x"), var("a"), var("b")


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (a * x, "a"),
        (x * a, "a"),
        (x * x, "2·x"),
        (x * a * x, "2·x a"),
        (a * x * b, "a b"),
        (sd.where(sd.greater(a, 0), x * b, 0), "b [a > 0]"),
        (a + b, "0"),
        (sd.floor(x) * x, "floor(x)"),
        (sd.floor(x) * a, "0"),
    ],
    ids=str,
)
def test_products_of_numbers(loss, expected):
    assert str(sd.grad(loss, x)) == expected


def test_the_positions_of_active_operands_leave_out_what_is_flat():
    loss = sd.where(sd.greater(x, 0), x * a, a)
    order, positions = active_nodes([loss], [x])
    assert order[0] is x and order[-1] is loss
    assert positions[loss] == (1,) and positions[x * a] == (0,)
