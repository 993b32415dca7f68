"""Equal nodes are one object: hash-consing, its keys, its weakness and its lock."""

from __future__ import annotations

import dataclasses
import gc
import struct
from dataclasses import FrozenInstanceError
from enum import IntEnum
from fractions import Fraction

import numpy as np
import pytest

import symdiff as sd
from symdiff.expr import pool
from symdiff.expr.leaves import const, var
from symdiff.expr.nodes import Add, Const, Map
from tests.threads import in_threads


def build():
    X, w = var("X", ("n", "d")), var("w", ("d",))
    return sd.sum((sd.sigmoid(X @ w) - 0.5) ** 2) + sd.max(w) + sd.concatenate([w, w[1:]])[0] + sd.det(sd.eye("d") + sd.outer(w, w))


def test_the_same_formula_is_the_same_object():
    assert build() is build()
    assert {build(): 1}[build()] == 1
    assert build() == build() and hash(build()) == hash(build())


def test_variables_differ_by_name_shape_assumptions_and_token():
    x = var("x", ("n",))
    assert var("x", shape="n") is x
    others = [var("y", ("n",)), var("x"), var("x", ("m",)), var("x", ("n",), "positive"), var("x", ("n",), token=1)]
    assert len({x, *others}) == 6
    assert var("p", (), "positive, small") is var("p", (), ["small", "positive", "small"])


NAN2 = struct.unpack("<d", struct.pack("<Q", 0x7FF8000000000001))[0]


def test_constants_that_python_calls_equal_are_different():
    values = [1, 1.0, True, 0, 0.0, -0.0, False, float("nan"), NAN2, float("inf"), Fraction(1, 2), 0.5]
    assert len({const(v) for v in values}) == len(values)
    assert [const(v) for v in values] == [const(v) for v in values]


class Level(IntEnum):
    HIGH = 3


@pytest.mark.parametrize(
    ("value", "same"),
    [
        (np.float64(0.1), 0.1),
        (np.int8(3), 3),
        (np.bool_(True), True),
        (Fraction(6, 3), 2),
        (Level.HIGH, 3),
        (np.float32(0.5), 0.5),
        (np.array(2.5), 2.5),
    ],
)
def test_numbers_of_other_types_are_the_plain_ones(value, same):
    plain = const(value)
    assert plain is const(same)
    assert isinstance(plain, Const) and type(plain.value) is type(same)


def test_arrays_are_keyed_by_content_and_captured_by_value():
    a = np.array([1.0, 2.0])
    c = const(a)
    assert const([1.0, 2.0]) is c
    a[0] = 7.0
    assert isinstance(c, Const) and isinstance(c.value, np.ndarray) and c.value.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        c.value[0] = 7.0
    assert (
        len({const([1, 2]), const([1.0, 2.0]), const(np.array([1, 2], np.int32)), const([[1, 2]]), const([0.0, 1.0]), const([-0.0, 1.0])})
        == 6
    )


def test_the_byte_order_of_an_array_does_not_show():
    assert const(np.array([1.5, 2.0], ">f8")) is const([1.5, 2.0])


@pytest.mark.parametrize("value", ["text", None, object(), 1j, [1, "a"], {1: 2}, np.array([1j])])
def test_what_is_no_real_number_is_refused(value):
    with pytest.raises(sd.DtypeError):
        const(value)


def test_nodes_are_dataclasses():
    x = var("x", (3,))
    assert dataclasses.is_dataclass(x) and type(x).__dataclass_params__.frozen
    assert [f.name for f in dataclasses.fields(x)] == ["name", "dims", "assumptions", "token"]
    assert not hasattr(sd.sin(x), "__dict__")
    match sd.sin(x):
        case Map(fn, (operand,)):
            assert (fn, operand) == ("sin", x)


def test_nodes_are_frozen():
    x = var("x")
    for name in ("name", "shape", "operands", "other"):
        with pytest.raises((FrozenInstanceError, TypeError)):
            setattr(x, name, 1)
    with pytest.raises((FrozenInstanceError, TypeError)):
        del x.name


def test_the_pool_is_weak():
    x = var("seldom_used")
    gc.collect()
    before = len(pool.POOL)
    kept = [sd.sin(x) * (k + 0.0625) for k in range(100)]
    assert len(pool.POOL) >= before + 201  # a sine, and a constant and a product each
    del kept
    gc.collect()
    assert len(pool.POOL) == before


def test_a_node_that_was_dropped_is_built_anew():
    text = repr(sd.sin(var("seldom_used")))
    gc.collect()
    assert repr(sd.sin(var("seldom_used"))) == text


def test_threads_that_build_the_same_nodes_get_one_object():
    x = var("x")
    results: list[list[sd.Expr]] = []

    def work(_):
        results.append([sd.sin(x * k) + sd.cos(x) ** k for k in range(2, 300)])

    in_threads(work, range(4))
    assert len(results) == 4
    for others in zip(*results, strict=True):
        assert len(set(others)) == 1


def test_threads_that_drop_and_build_the_same_nodes_agree():
    x = var("x")
    wrong = []

    def work(_):
        for k in range(2000):
            a, b = sd.sin(x * (k % 5)), sd.sin(x * (k % 5))
            if a is not b:
                wrong.append(k)

    in_threads(work, range(4))
    assert not wrong


def test_a_node_class_checks_its_operands():
    with pytest.raises(sd.ShapeError, match=r"add: the terms have shapes \(n,\) and \(m,\)"):
        Add((var("x", ("n",)), var("y", ("m",))))


def test_a_node_that_is_refused_leaves_nothing_in_the_pool():
    before = len(pool.POOL)
    terms = (var("seldom_used", ("n",)), var("seldom_used", ("m",)))
    for _ in range(2):
        with pytest.raises(sd.ShapeError):
            Add(terms)
    assert len(pool.POOL) == before + 2


def test_the_end_of_a_node_leaves_the_one_that_took_its_place():
    x = var("x")
    dead = sd.sin(x * 0.3125)
    late = pool.PoolRef(dead)
    late.key = (type(dead), "sin", dead.operands)
    operand = dead.operands[0]
    del dead
    again = sd.sin(operand)
    pool._forget(late)  # as if a thread had come to it only now
    assert sd.sin(operand) is again


def test_a_node_is_of_its_class_and_of_no_draft():
    for e in (var("x"), sd.sin(var("x")), const(2.5), var("x") + 1):
        assert type(e).__base__ is sd.Expr and not type(e).__name__.startswith("Draft")


def test_a_shape_that_is_given_is_the_one_that_is_inferred():
    x, w = var("x", ("n",)), var("w")
    for e in (sd.sin(x), x + x * 2, w * sd.sin(w), w + 0.5):
        assert e.shape == type(e).infer_shape(e)
