"""Corners that cancel in a loss leave every derivative of it what it is beside them."""

from __future__ import annotations

import numpy as np
import pytest

import symdiff as sd
from symdiff.expr.algebra import add

u, v = sd.var("u"), sd.var("v")


def softplus(x):
    """As it is written by hand so as not to overflow."""
    return sd.relu(x) + sd.log1p(sd.exp(-sd.absolute(x)))


def at_zero(e):
    return float(sd.lower(e, [u], simplify=False)(0.0))


ONE = sd.const(1)
DERIVATIVES = {
    "grad": (lambda: sd.grad(softplus(u), u), 0.5),
    "jacobian": (lambda: sd.jacobian(softplus(u), u), 0.5),
    "vjp": (lambda: sd.vjp(softplus(u), u, ONE), 0.5),
    "jvp": (lambda: sd.jvp(softplus(u), u, ONE), 0.5),
    "hessian": (lambda: sd.hessian(softplus(u), u), 0.25),
    "hvp of a Hessian": (lambda: sd.hessian(softplus(u), [u]).hvp(ONE)[0], 0.25),
    "hvp": (lambda: sd.hvp(softplus(u), u, ONE), 0.25),
    "gauss_newton of outputs": (lambda: sd.gauss_newton(lambda y: y * y / 2, softplus(u), u), 0.25),
    "gauss_newton of a loss": (lambda: sd.gauss_newton(softplus, 2 * u, u), 1.0),
    "gnvp": (lambda: sd.gnvp(softplus, 2 * u, u, ONE), 1.0),
}


@pytest.mark.parametrize(("made", "expected"), DERIVATIVES.values(), ids=DERIVATIVES)
def test_all_derivatives_agree_at_the_corner(made, expected):
    assert at_zero(made()) == pytest.approx(expected, rel=1e-14)


def test_several_pairs_in_one_sum():
    terms = [sd.relu(u), sd.log1p(sd.exp(-sd.absolute(u))), sd.relu(v), sd.log1p(sd.exp(-sd.absolute(v)))]
    slopes = sd.lower(sd.grad(add(*terms), [u, v]), [u, v], simplify=False)(0.0, 0.0)
    np.testing.assert_allclose(slopes, [0.5, 0.5], rtol=1e-14)


def test_what_is_differentiated_in_stays_where_it_is():
    positive_part, size, rest = sd.relu(u), sd.absolute(u), sd.var("rest")
    loss = positive_part + sd.log1p(sd.exp(-size))
    assert sd.grad(loss, positive_part) is sd.const(1)
    assert float(sd.lower(sd.grad(loss, size), [u])(1.0)) == pytest.approx(1 / (1 + np.exp(-1.0)) - 1, rel=1e-14)
    half = positive_part + rest
    assert sd.grad(half + sd.log1p(sd.exp(-size)), half) is sd.const(1)


def test_derive_and_check_agree_with_grad():
    assert [str(e) for e in sd.derive(softplus(u), u).values] == [str(sd.grad(softplus(u), u))] == ["σ(u)"]
    assert sd.derive(softplus(u), u).conventions == ()
    assert sd.check_formula(softplus(u), u, "sigmoid(u)").how == "proved"


NAMES = {
    "a part that vanishes": (2 * softplus(u), sd.relu(u), {"gradient": 1.0, "hessian": 0.5}),
    "the whole": (2 * softplus(u), softplus(u), {"gradient": 1.0, "hessian": 0.5}),
    "a part that stays": (softplus(2 * u), 2 * u, {"gradient": 1.0, "hessian": 1.0}),
}


@pytest.mark.parametrize("kind", ["gradient", "hessian"])
@pytest.mark.parametrize(("loss", "named", "expected"), NAMES.values(), ids=NAMES)
def test_derivations_say_what_takes_the_corners_out(loss, named, expected, kind):
    made = sd.derivation(loss, u, names={named: "h"}, kind=kind)
    rewritten = made.lines[1]
    assert rewritten.kind == "rewritten" and [r.name for r in rewritten.rules] == ["softplus from its larger side"]
    assert at_zero(made.gradient) == pytest.approx(expected[kind], rel=1e-14)
    assert "at a corner" not in made.text()
