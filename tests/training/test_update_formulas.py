"""The formulas that are shown for an update come to what the step computes, for every schedule and in any order."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from symdiff.api.programs import lower
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import substitute, variables
from symdiff.training import UPDATES, mazur, xor
from symdiff.training.net import Net
from symdiff.training.nets import find_net
from symdiff.training.optimizers import OPTIMIZERS, optimizer
from symdiff.training.penalties import read_clip, read_penalty
from symdiff.training.rates import read_rate
from symdiff.training.second_order import SECOND_ORDER, read_method
from symdiff.training.step import RATE, training_step
from symdiff.training.update_formulas import SLOPE, after, optimizer_lines, rate_lines, rule_lines, seen_formulas

NETS = [mazur(), xor(), find_net("mlp:2-3-3-1:tanh:sigmoid-mse"), find_net("mlp:3-4-2:relu:softmax-ce")]


def shown_weights(net: Net, update: str, order) -> dict[Var, Expr]:
    """The new weights by the formulas that are shown: every name replaced by what it stands for, in the order of the page."""
    seen = seen_formulas(net, update, order)
    full: dict[Expr, Expr] = dict(net.expanded)
    todo = {**seen.named, **{after(w): w - RATE * g for w, g in seen.gradients.items()}}
    while todo:
        ready = [v for v, e in todo.items() if not any(name in todo for name in variables(e))]
        assert ready, "names that stand for one another"
        for v in ready:
            full[v] = substitute(todo.pop(v), full)
    return {w: full[after(w)] for w in net.weights}


@pytest.mark.parametrize("net", NETS, ids=lambda net: net.name)
@pytest.mark.parametrize("update", UPDATES)
def test_what_is_shown_is_what_is_computed(net, update):
    orders = [None, net.weights, net.weights[1:] + net.weights[:1], net.weights[::2] + net.weights[1::2]]
    for order in orders:
        shown = shown_weights(net, update, order)
        inputs = [*(leaf.var for leaf in net.leaves), RATE]
        values = [*(leaf.value for leaf in net.leaves), np.array(0.3)]
        ours = lower(list(shown.values()), inputs, simplify=False)(*values)
        step = training_step(net, update=update, order=order)
        _, *theirs = step.program(*(dict(zip(inputs, values, strict=True))[v] for v in step.inputs))
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("net", NETS, ids=lambda net: net.name)
def test_parallel_updates_mention_no_new_weight(net):
    seen = seen_formulas(net)
    assert not any(seen.new_weights(e) for e in (*seen.gradients.values(), *seen.named.values()))
    assert all(v.token == 0 for v in seen.named)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_rule_that_is_printed_is_the_rule_that_is_run(name):
    """With the settings put in, the printed formulas give the same numbers as `apply`."""
    how = optimizer(name)
    lines = optimizer_lines(how)
    w, g, eta, k = (var(n) for n in ("w", "g", "η", "k"))
    slots = {slot: var(slot) for slot in how.kind.slots}
    new, state = how.apply(w, g, eta, k, slots)
    settings: dict[Expr, Expr] = {how.symbols[key]: value for key, value in how.numbers.items()}
    full: dict[Expr, Expr] = dict(settings)
    for v, e in lines.formulas.items():
        full[v] = substitute(e, full)
    inputs = [w, g, eta, k, *slots.values()]
    values = np.random.default_rng(3).uniform(0.1, 1.0, len(inputs))
    printed = lower([full[after(w)], *(full[after(v)] for v in slots.values())], inputs)(*values)
    np.testing.assert_allclose(printed, lower([new, *state.values()], inputs)(*values), rtol=1e-14)
    assert lines.start == dict.fromkeys(slots.values(), 0.0)


def test_lines_come_in_the_order_in_which_they_are_applied():
    adam, penalty, clip, schedule = optimizer("adam"), read_penalty("l2"), read_clip("norm"), read_rate("warmup:steps=2+plateau")
    titles = [lines.title for lines in rule_lines(adam, schedule, penalty, clip)]
    assert titles == ["penalty l2", "clipping norm", "rate warmup", "rate plateau", "optimizer adam"]
    assert [lines.title for lines in rule_lines(adam, penalty=read_penalty("decay"))] == ["optimizer adam", "penalty decay"]


def test_each_slope_is_that_of_the_line_before():
    """∂E/∂w goes into the penalty, its slope into the clipping, what comes out into the optimizer."""
    penalty, clip, how = rule_lines(optimizer("sgd"), penalty=read_penalty("l2"), clip=read_clip("value"))
    (penalised,) = (v for v, e in penalty.formulas.items() if SLOPE in variables(e))
    (limited,) = clip.formulas
    assert penalised.name in {v.name for v in variables(clip.formulas[limited])}
    assert limited in variables(*how.formulas.values())


def test_a_chain_of_schedules_hands_on_its_rate():
    names = [
        (next(iter(lines.formulas)).name, [v.name for v in variables(*lines.formulas.values())])
        for lines in rate_lines(read_rate("warmup:steps=2+exponential:0.9"))
    ]
    assert [name for name, _ in names] == ["η₁", "η"]
    assert "η₀" in names[0][1] and "η₁" in names[1][1] and "η₀" not in names[1][1]


@pytest.mark.parametrize("name", SECOND_ORDER)
def test_second_order_rules_are_in_one_vector(name):
    (lines,) = rule_lines(read_method(name))
    assert after(Var("w", ("N",), (), 0)) in lines.formulas
    assert not set(itertools.chain.from_iterable(e.shape for e in lines.formulas)) - {"N"}
