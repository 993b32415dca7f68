"""Dims: the arithmetic of named lengths, their canonical text, and broadcasting."""

from __future__ import annotations

import pytest

import symdiff as sd
from symdiff.errors import BindingError, DtypeError, ShapeError
from symdiff.expr.dims import (
    as_dim,
    as_shape,
    broadcast_dims,
    dim_add,
    dim_bind,
    dim_div,
    dim_floordiv,
    dim_mul,
    dim_names,
    dim_sub,
    dim_terms,
    dim_value,
    show_shape,
)


@pytest.mark.parametrize(
    ("written", "dim"),
    [
        (0, 0),
        (7, 7),
        ("3", 3),
        (" n ", "n"),
        ("1 + n", "n + 1"),
        ("n + n", "2*n"),
        ("n*d", "d*n"),
        ("n - n", 0),
        ("2*(m + n) - n", "2*m + n"),
        ("n*(n - 1)", "n*n - n"),
        ("1 - n", "-n + 1"),
        ("(2*n + 4)//2", "n + 2"),
        ("(n + 1)//2", "((n + 1)//2)"),
        ("7//2", 3),
        ("(n + 1)//2 + (n + 1)//2", "2*((n + 1)//2)"),
    ],
)
def test_a_dim_has_one_text(written, dim):
    assert as_dim(written) == dim
    assert as_dim(as_dim(written)) == dim


@pytest.mark.parametrize(
    "wrong", [-1, "-3", "2 - 5", 1.5, None, True, "n/2", "n**2", "n//0", "n//m", "f(n)", "2x", "", "class", "True", "²", "n." + "x"]
)
def test_what_is_no_dim_is_refused_by_name(wrong):
    with pytest.raises(ShapeError, match="dim "):
        as_dim(wrong)


def test_a_dim_of_absurd_depth_is_refused():
    with pytest.raises(ShapeError):
        as_dim("-" * 100_000 + "n")


@pytest.mark.parametrize(
    ("written", "shape"),
    [((), ()), ("", ()), ("n", ("n",)), ("n, d", ("n", "d")), ("2,3", (2, 3)), (4, (4,)), ([2, "k"], (2, "k")), ("n + 1,", ("n + 1",))],
)
def test_shapes_in_every_way_of_writing_them(written, shape):
    assert as_shape(written) == shape


@pytest.mark.parametrize(
    ("computed", "dim"),
    [
        (dim_add("n", -1), "n - 1"),
        (dim_add(2, 3), 5),
        (dim_add(), 0),
        (dim_add("n", "m", "n"), "m + 2*n"),
        (dim_sub("n + 1", "n"), 1),
        (dim_sub("n", 1), "n - 1"),
        (dim_sub(5, 7), -2),
        (dim_mul(), 1),
        (dim_mul("n", 0), 0),
        (dim_mul("n", "d", 2), "2*d*n"),
        (dim_mul("n + 1", "n - 1"), "n*n - 1"),
        (dim_floordiv(7, 2), 3),
        (dim_floordiv("4*n + 2", 2), "2*n + 1"),
        (dim_floordiv("n", 1), "n"),
        (dim_div("d*n", "n"), "d"),
        (dim_div("2*n", 2), "n"),
        (dim_div("n", "n"), 1),
        (dim_div(12, 4), 3),
        (dim_div("n*n + n", "n"), "n + 1"),
        (dim_div("n + 1", "n"), None),
        (dim_div("n", 2), None),
        (dim_div("n", "m + n"), None),
    ],
)
def test_arithmetic(computed, dim):
    assert computed == dim


@pytest.mark.parametrize("dim", ["n", "n - 1", "d*n", "2*m + n", "((n + 1)//2)", "3*((m*n + 2)//4) - 1"])
def test_value_and_binding_agree(dim):
    sizes = {"n": 7, "m": 5, "d": 3}
    assert dim_bind(dim, sizes) == dim_value(dim, sizes)


def test_binding_some_names_leaves_the_others():
    assert dim_bind("m + n", {"n": 5}) == "m + 5"
    assert dim_bind("d*n", {"n": 0}) == 0
    assert dim_bind("((m + n)//2)", {"n": 3}) == "((m + 3)//2)"
    assert dim_bind("k", {"n": 3}) == "k"


def test_the_value_of_an_unknown_name_is_refused():
    with pytest.raises(BindingError, match=r"'m' is not known: give sizes=\{'m': \.\.\.\}"):
        dim_value("m + n", {"n": 5})


def test_names_and_terms():
    assert dim_names([3, "n", "2*m + ((k + 1)//2)"]) == {"n", "m", "k"}
    assert sorted(dim_terms("d*n - 1")) == [(-1, ()), (1, ("d", "n"))]


@pytest.mark.parametrize(
    ("shapes", "result"),
    [
        (((), ()), ()),
        (((), (3,)), (3,)),
        (((2, 3), (3,)), (2, 3)),
        (((2, 1), (1, 3)), (2, 3)),
        ((("n", 1), ("d",)), ("n", "d")),
        (((1,), (0,)), (0,)),
        ((("n + 1",), ("n + 1",)), ("n + 1",)),
        (((1, 1, 1), ("n",), (2, 1)), (1, 2, "n")),
    ],
)
def test_broadcasting(shapes, result):
    assert broadcast_dims("add", *shapes) == result


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((2,), (3,)), "add: shapes (2,) and (3,) do not broadcast: axis -1 is 2 and 3"),
        ((("n",), ("m",)), "axis -1 is 'n' and 'm' (a name never stretches; only an int 1 does)"),
        ((("n",), (3,)), "axis -1 is 'n' and 3 (a name never stretches"),
        (((2, "n"), (3, "n")), "axis -2 is 2 and 3"),
        (((0,), (2,)), "axis -1 is 0 and 2"),
    ],
)
def test_shapes_that_do_not_broadcast_are_named(shapes, message):
    with pytest.raises(ShapeError) as error:
        broadcast_dims("add", *shapes)
    assert message in str(error.value)


@pytest.mark.parametrize(("shape", "text"), [((), "()"), (("n",), "(n,)"), (("n", 2), "(n, 2)")])
def test_shapes_as_people_write_them(shape, text):
    assert show_shape(shape) == text


def test_a_name_of_a_size_is_no_number_and_the_message_says_what_is() -> None:
    X = sd.var("X", ("n", "d"))
    with pytest.raises(DtypeError, match=r"'n' is no number .*sd.sum\(sd.ones\('n'\)\)"):
        sd.sum(X) / X.shape[0]
    assert str(sd.sum(X) / sd.sum(sd.ones("n"))) == "Σ X / n"
