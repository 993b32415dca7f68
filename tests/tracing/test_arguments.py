"""What may be differentiated: argnums, trees, keywords, aux, bad values, and transformations within transformations."""

from __future__ import annotations

from collections import namedtuple
from fractions import Fraction

import numpy as np
import pytest

import symdiff as sd
from symdiff.errors import BindingError, DtypeError, ShapeError, SymdiffError, Unsupported

X = np.array([1.0, 2.0, 3.0])
EYE = np.eye(3)
Pair = namedtuple("Pair", "a b")


def same(found, wanted):
    """Equal trees of numbers: the kinds of the containers too."""
    if isinstance(wanted, dict):
        assert isinstance(found, dict) and list(found) == list(wanted)
        for key in wanted:
            same(found[key], wanted[key])
    elif isinstance(wanted, (list, tuple)):
        assert type(found) is type(wanted) and len(found) == len(wanted)
        for f, w in zip(found, wanted, strict=True):
            same(f, w)
    else:
        assert np.shape(found) == np.shape(wanted)
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)


# --- argnums: the results stand in the order of argnums ---------------------------------------------------------------
def square_times(a, b):
    return a**2 * b


ARGNUMS = [
    (0, 24.0), (1, 9.0), (-1, 9.0), (-2, 24.0), (np.int64(1), 9.0), ((0,), (24.0,)), ((0, 1), (24.0, 9.0)), ((1, 0), (9.0, 24.0)),
    ((-1, 0), (9.0, 24.0)), ([1, 0], (9.0, 24.0)), (range(2), (24.0, 9.0)),
]  # fmt: skip


@pytest.mark.parametrize(("argnums", "wanted"), ARGNUMS, ids=str)
def test_gradients_stand_in_the_order_of_argnums(argnums, wanted):
    for transformed in (sd.grad(square_times, argnums), sd.grad(square_times, argnums=argnums), sd.jacobian(square_times, argnums)):
        same(transformed(3.0, 4.0), wanted)
    same(sd.value_and_grad(square_times, argnums)(3.0, 4.0), (36.0, wanted))


def test_blocks_stand_in_the_order_of_argnums():
    def f(a, b):
        return np.sum(a**2) * b

    aa, ab, bb = 4 * EYE, 2 * X, 0.0
    same(sd.hessian(f, (0, 1))(X, 2.0), ((aa, ab), (ab, bb)))
    same(sd.hessian(f, (1, 0))(X, 2.0), ((bb, ab), (ab, aa)))
    same(sd.jacobian(lambda a, b: a * b, (1, 0))(2.0, X), (2 * EYE, X))
    same(sd.grad(lambda p, q: np.sum(p["w"] ** 2) * q[0], (1, 0))({"w": X}, [2.0]), ([14.0], {"w": 4 * X}))


@pytest.mark.parametrize("transformation", [sd.grad, sd.value_and_grad, sd.jacobian, sd.hessian])
@pytest.mark.parametrize(
    ("argnums", "message"),
    [
        (2, "argument 2, but the function was called with 2"),
        (-3, "argument -3"),
        ((0, 5), "argument 5"),
        ((0, 0), "twice"),
        ((0, -2), "twice"),
        ((), r"argnums is \(\)"),
        (0.5, "argnums is 0.5"),
        ((0.0,), "a number or a tuple"),
        (True, "argnums is True"),
        ("b", "argnums is 'b'"),
        (sd.var("x"), "argnums is Var"),
    ],
    ids=str,
)
def test_argnums_that_name_no_argument(transformation, argnums, message):
    with pytest.raises(BindingError, match=message):
        transformation(square_times, argnums)(3.0, 4.0)


def test_two_ways_to_say_argnums_are_one_too_many():
    with pytest.raises(BindingError, match="twice"):
        sd.grad(square_times, 0, argnums=1)


# --- what the arguments are -------------------------------------------------------------------------------------------
def test_arguments_by_keyword_are_handed_over():
    same(sd.grad(square_times)(3.0, b=4.0), 24.0)
    same(sd.grad(lambda x, *, scale=None: np.sum(x * scale))(X, scale=2 * X), 2 * X)
    with pytest.raises(BindingError, match="called with 0 by position"):
        sd.grad(square_times)(a=3.0, b=4.0)


@pytest.mark.parametrize(
    ("argument", "wanted"),
    [
        (3, 27.0),
        (np.int32(3), 27.0),
        (True, 3.0),
        (np.array([1, 2]), np.array([3.0, 12.0])),
        (np.array([1, 2], dtype=np.float16), np.array([3.0, 12.0])),
        (np.array([1, 2], dtype=np.longdouble), np.array([3.0, 12.0])),
        (np.zeros(0), np.zeros(0)),
        (np.zeros((0, 3)), np.zeros((0, 3))),
        (np.array([np.nan, 1.0, np.inf]), np.array([np.nan, 3.0, np.inf])),
    ],
    ids=repr,
)
def test_real_numbers_of_every_kind_are_floats(argument, wanted):
    same(sd.grad(lambda x: np.sum(x**3))(argument), wanted)


@pytest.mark.parametrize(
    "argument",
    [1j, 1 + 0j, X * 1j, X.astype(object), np.array([1.0, None]), np.array(["a"]), "a", None, b"a", {1.0}, Fraction(1, 2), np.zeros(2, "M8[D]"),
     np.zeros(2, [("a", float)]), [1.0, None], {"a": 1j}, object()],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("transformation", [sd.grad, sd.value_and_grad, sd.jacobian, sd.hessian])
def test_what_is_no_real_number_is_refused(transformation, argument):
    with pytest.raises(DtypeError, match="the argument weights is"):
        transformation(lambda weights: 0.0)(argument)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(x * (X * 1j)),
        lambda x: np.sum(np.exp(1j * x)),
        lambda x: 1j,
        lambda x: np.sum(x.astype(complex)),
        lambda x: np.sum(np.array(x, dtype=complex)),
        lambda x: np.sum(x * np.array([1.0, None, 2.0])),
        lambda x: np.sum(x + np.array(["a", "b", "c"])),
    ],
)
def test_complex_numbers_and_objects_within_a_function_are_refused(f):
    with pytest.raises((DtypeError, Unsupported)):
        sd.grad(f)(X)
    with pytest.raises(DtypeError):
        sd.grad(lambda x, c: np.sum(x * c))(X, c=X * 1j)


def test_empty_axes_have_no_mean_and_no_maximum():
    for f in (np.mean, np.max, np.min, np.var):
        with pytest.raises(ShapeError, match="empty"):
            sd.grad(f)(np.zeros(0))
    same(sd.hessian(lambda x: np.sum(x**2))(np.zeros(0)), np.zeros((0, 0)))
    same(sd.jacobian(lambda x: x**2)(np.zeros(0)), np.zeros((0, 0)))


TREES = [
    (lambda p: p.a**2 * p.b, Pair(2.0, 3.0), Pair(12.0, 4.0)),
    (lambda p: p["l"][0]["w"] ** 2 * p["t"][1], {"l": [{"w": 2.0}], "t": (1.0, 3.0)}, {"l": [{"w": 12.0}], "t": (0.0, 4.0)}),
    (lambda p: p["a"] ** 2, {"b": X, "a": 2.0}, {"b": 0 * X, "a": 4.0}),
    (lambda p: 3.0, [1.0, (X, {})], [0.0, (0 * X, {})]),
    (lambda p: 3.0, [], []),
]


@pytest.mark.parametrize(("f", "tree", "wanted"), TREES)
def test_gradients_have_the_structure_of_their_argument(f, tree, wanted):
    same(sd.grad(f)(tree), wanted)
    same(sd.value_and_grad(f)(tree), (f(tree), wanted))


def test_trees_of_derivatives():
    same(sd.hessian(lambda p: p["a"] ** 2 * p["b"])({"a": 2.0, "b": 1.0}), {"a": {"a": 2.0, "b": 4.0}, "b": {"a": 4.0, "b": 0.0}})
    found = sd.jacobian(lambda p: {"u": p["a"] * X, "v": [p["b"] ** 2]})({"a": 2.0, "b": 1.0})
    same(found, {"u": {"a": X, "b": 0 * X}, "v": [{"a": 0.0, "b": 2.0}]})


def test_aux_is_handed_back_as_it_is():
    def f(x):
        return np.sum(x**3), {"twice": 2 * x, "text": "kept", "none": None}

    aux = sd.grad(f, has_aux=True)(X)[1]
    assert (aux["text"], aux["none"], type(aux["twice"])) == ("kept", None, np.ndarray)
    same(aux["twice"], 2 * X)
    same(sd.hessian(f, has_aux=True)(X)[0], np.diag(6 * X))
    same(sd.jacobian(lambda x: (x**2, x[0]), has_aux=True)(X), (np.diag(2 * X), 1.0))
    (value, _), gradient = sd.value_and_grad(f, has_aux=True)(X)
    same([value, gradient], [36.0, 3 * X**2])
    for wrong in (lambda x: x, lambda x: (x, x, x), lambda x: [x, x]):
        with pytest.raises(Unsupported, match="pair"):
            sd.grad(wrong, has_aux=True)(1.0)


# --- transformations within transformations -----------------------------------------------------------------------------
g, h, j, v = sd.grad, sd.hessian, sd.jacobian, sd.value_and_grad


def descent(rate):
    """Three steps of gradient descent on rate u²/2, from 1."""
    u = 1.0
    for _ in range(3):
        u = u - 0.1 * g(lambda u: rate * u**2 / 2)(u)
    return u


NESTED = {
    "three times": (lambda: g(g(g(lambda x: np.sin(x) * x)))(1.0), -3 * np.sin(1) - np.cos(1)),
    "in two arguments": (lambda: g(g(square_times, 0), 1)(3.0, 4.0), 6.0),
    "jacobian of jacobian": (lambda: j(j(lambda x: x**3))(X), np.einsum("i,ij,ik->ijk", 6 * X, EYE, EYE)),
    "jacobian of grad": (lambda: j(g(lambda a, b: np.sum(a * b**2), 1), 0)(X, 2 * X), np.diag(4 * X)),
    "grad of hessian": (lambda: g(lambda x: np.trace(h(lambda y: np.sum(y**4))(x)))(X), 24 * X),
    "grad of a norm of a gradient": (lambda: g(lambda x: np.sum(g(lambda y: np.sum(y**3))(x) ** 2))(X), 36 * X**3),
    "closed over": (lambda: g(lambda x: np.sum(g(lambda y: np.sum(x * y**2))(X)))(X), 2 * X),
    "closed over twice": (lambda: g(lambda x: x * g(lambda y: y * g(lambda z: x * y * z**2)(x))(x))(2.0), 4 * 4 * 2.0**3),
    "closed over in a tree": (lambda: g(lambda x: np.sum(g(lambda p: np.sum(p["w"] * x**2))({"w": x})["w"]))(X), 2 * X),
    "closed over by a hessian": (lambda: g(lambda s: np.sum(h(lambda y: s * np.sum(y**2))(X)))(3.0), 6.0),
    "closed over by a jacobian": (lambda: j(lambda x: j(lambda y: y * np.sum(x))(X))(X), np.einsum("ij,k->ijk", EYE, np.ones(3))),
    "traced argument that is not differentiated": (lambda: g(lambda x: g(lambda y, c: c * y**2)(2.0, x))(3.0), 4.0),
    "traced keyword": (lambda: g(lambda x: g(lambda y, c: c * y**2)(2.0, c=x))(3.0), 4.0),
    "value and grad within": (lambda: g(lambda x: v(lambda y: y**3 * x)(x)[1])(2.0), 36.0),
    "aux within": (lambda: g(lambda x: v(lambda y: (y**2 * x, {"k": y * x}), has_aux=True)(x)[0][1]["k"])(3.0), 6.0),
    "order of argnums within": (lambda: g(lambda x: g(square_times, (1, 0))(x, 2 * x)[0])(3.0), 6.0),
    "a step within": (lambda: g(lambda w: np.sum((w - 0.1 * g(lambda u: np.sum(u**2))(w)) ** 3))(X), 3 * (0.8 * X) ** 2 * 0.8),
    "steps in a loop": (lambda: g(descent)(1.0), -0.3 * 0.9**2),
    "entries in a loop": (lambda: g(lambda x: sum(g(lambda y: y**3)(e) for e in x))(X), 6 * X),
}  # fmt: skip


@pytest.mark.parametrize("name", NESTED)
def test_a_derivative_within_a_derivative(name):
    run, wanted = NESTED[name]
    same(run(), wanted)


def test_an_error_of_an_inner_function_comes_through():
    with pytest.raises(SymdiffError, match="argument 3"):
        sd.grad(lambda x: sd.grad(square_times, 3)(x, x))(1.0)
    with pytest.raises(ShapeError, match="use jacobian"):
        sd.grad(lambda x: sd.grad(lambda y: y * X)(x))(1.0)
