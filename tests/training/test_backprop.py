"""Backpropagation over named definitions."""

from __future__ import annotations

import pytest

from symdiff.calculus import gradient
from symdiff.expr.leaves import var
from symdiff.expr.ops import sigmoid, square
from symdiff.expr.ops import sum as sum_of
from symdiff.expr.traverse import substitute, variables
from symdiff.rewrite import simplify_all
from symdiff.training import backpropagate, expand, mazur, xor

w, x, a, b = var("w"), var("x"), var("a"), var("b")


def by_substitution(definitions, objective, wanted, names):
    """Both ways to the gradient, everything substituted and simplified."""
    back = backpropagate(definitions, objective, wanted, names)
    full = expand({**definitions, **back.cotangents}.items())
    direct = gradient(substitute(objective, full), wanted)
    return simplify_all([*(substitute(back.gradients[v], full) for v in wanted), *direct])


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
    chained, direct = by_substitution(definitions, objective, [w], {a: "δ_a", b: "δ_b"})
    assert chained is direct


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
