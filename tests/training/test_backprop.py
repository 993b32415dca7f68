"""Backpropagation over named definitions."""

from __future__ import annotations

import pytest

from symdiff.api.programs import lower
from symdiff.calculus import gradient
from symdiff.expr.leaves import var
from symdiff.expr.ops import sigmoid, square
from symdiff.expr.ops import sum as sum_of
from symdiff.expr.traverse import substitute, variables
from symdiff.training import backpropagate, expand, mazur, xor

w, x, a, b = var("w"), var("x"), var("a"), var("b")


def both_ways(definitions, objective, names):
    """The gradient in w by the definitions, and that of the loss with everything substituted."""
    back = backpropagate(definitions, objective, [w], names)
    full = expand({**definitions, **back.cotangents}.items())
    return substitute(back.gradients[w], full), *gradient(substitute(objective, full), [w])


@pytest.mark.parametrize(
    ("definitions", "objective"),
    [
        ({a: w * x}, square(a)),
        ({a: w * x, b: sigmoid(a)}, square(b - x)),
        ({a: w * x, b: w * a}, b * a + w * w),  # a weight used in two layers and in the loss itself
        ({a: x * x, b: w * x}, square(b)),  # a definition that does not depend on the weight
    ],
)
def test_agrees_with_the_gradient_of_the_whole(definitions, objective):
    chained, direct = lower(list(both_ways(definitions, objective, {a: "δ_a", b: "δ_b"})), [w, x])(0.3, -1.7)
    assert chained == pytest.approx(direct, rel=1e-14)


def test_a_rule_that_uses_its_result_shows_it_by_name():
    y = var("y")
    back = backpropagate({a: w * x, y: sigmoid(a)}, sum_of(y), [w], {a: "δ"})
    (formula,) = back.cotangents.values()
    assert variables(formula) == [y]


def test_unreached_variable_has_gradient_zero():
    assert backpropagate({a: x * x}, a, [w], {}).gradients[w] is backpropagate({}, x, [w], {}).gradients[w]


@pytest.mark.parametrize("net", [mazur(), xor()], ids=lambda net: net.name)
def test_cotangents_come_last_layer_first(net):
    names = {d.var: d.cotangent for d in net.definitions if d.cotangent}
    back = backpropagate({d.var: d.value for d in net.definitions}, net.objective, net.weights, names)
    assert [c.name for c in back.cotangents] == ["δ₂", "δ₁"]
