"""A net whose loss has corners that cancel trains as the one whose loss is written without them."""

from __future__ import annotations

import numpy as np
import pytest

import symdiff as sd
from symdiff.training.formulas import EntryForm, matrix_formulas
from symdiff.training.layers import observe
from symdiff.training.lbfgs import lbfgs
from symdiff.training.net import Definition, Leaf, Net
from symdiff.training.step import training_step
from symdiff.training.updates import UPDATES


def by_hand(a):
    return sd.relu(a) + sd.log1p(sd.exp(-sd.absolute(a)))


def logistic(softplus) -> Net:
    """Logistic regression whose weights start at 0, where the corners are."""
    w, b, x, t, a = sd.var("w", 2), sd.var("b"), sd.var("X", ("n", 2)), sd.var("t", "n"), sd.var("a", "n")
    return Net(
        name="logistic",
        parameters=(Leaf(w, np.zeros(2)), Leaf(b, np.array(0.0))),
        data=(Leaf(x, np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]])), Leaf(t, np.array([1.0, 0.0, 1.0]))),
        definitions=(Definition(a, x @ w + b),),
        objective=sd.mean(softplus(a) - t * a) + 0.05 * (sd.sum(w * w) + b * b),
        prediction=a,
        target=t,
        epochs=5,
    )


SMOOTH, CORNERED = logistic(sd.softplus), logistic(by_hand)


def results(net: Net, **settings) -> list:
    step = training_step(net, **settings)
    values = net.values() | step.state
    return step.program(*(values.get(v, 0.5) for v in step.inputs))


def same(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("optimizer", ["adam", "newton", "gauss-newton", "levenberg-marquardt"])
def test_optimizers(optimizer):
    same(results(CORNERED, optimizer=optimizer), results(SMOOTH, optimizer=optimizer))


@pytest.mark.parametrize("update", UPDATES)
def test_updates(update):
    same(results(CORNERED, update=update, penalty="l2:0.1"), results(SMOOTH, update=update, penalty="l2:0.1"))


FORMS = {
    "matrices": lambda net: matrix_formulas(net, net.weights),
    "entries": lambda net: EntryForm(net).formulas(EntryForm(net).leaves[:3]),
    "inlined": lambda net: EntryForm(net).inlined(EntryForm(net).leaves[:3]),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_formulas(form):
    found, expected = (form(net) for net in (CORNERED, SMOOTH))
    values = SMOOTH.values() | EntryForm(SMOOTH).values(SMOOTH.values())
    same(found.evaluate(values).gradients.values(), expected.evaluate(values).gradients.values())


def test_slopes_that_are_watched():
    found, expected = (observe(net, epochs=2) for net in (CORNERED, SMOOTH))
    same(found.slopes.values(), expected.slopes.values())


def test_lbfgs():
    pytest.importorskip("scipy")
    found, expected = (lbfgs(net, steps=3) for net in (CORNERED, SMOOTH))
    same(found.weights.values(), expected.weights.values())
