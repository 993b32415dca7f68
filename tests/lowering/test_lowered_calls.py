"""What a lowered function takes and gives: structure, arguments, dtypes, sizes, errors."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from symdiff.errors import BindingError, DtypeError, MissingRule, NameClash, Unsupported
from symdiff.expr import ops as o
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Map
from symdiff.expr.traverse import substitute
from symdiff.grad import grad
from symdiff.lowering.lowered import Lowered, lower
from tests.threads import in_threads

X, w, y, b = var("X", ("n", "d")), var("w", "d"), var("y", "n"), var("b")
RNG = np.random.default_rng(0)
XV, WV, YV = RNG.normal(size=(4, 3)), RNG.normal(size=3), RNG.normal(size=4)
LOSS = o.mean((X @ w + b - y) ** 2)
VALUE = float(np.mean((XV @ WV + 0.5 - YV) ** 2))


def squares() -> Lowered:
    return lower(LOSS, [X, w, b, y])


# --- structure ----------------------------------------------------------------------------------------------------
def test_one_list_tuple_dict_come_back_as_they_went_in() -> None:
    one = lower(LOSS, [X, w, b, y])(XV, WV, 0.5, YV)
    assert isinstance(one, np.float64)
    assert one == pytest.approx(VALUE, rel=1e-14)
    two = lower([LOSS, X @ w])(X=XV, w=WV, b=0.5, y=YV)
    assert isinstance(two, list) and np.array_equal(two[1], XV @ WV)
    assert isinstance(lower((LOSS,))(X=XV, w=WV, b=0.5, y=YV), tuple)
    named = lower({"loss": LOSS, "prediction": X @ w})(X=XV, w=WV, b=0.5, y=YV)
    assert list(named) == ["loss", "prediction"] and named["loss"] == one
    assert lower({"only {}": LOSS})(X=XV, w=WV, b=0.5, y=YV) == {"only {}": one}


def test_arguments_by_position_and_by_name_and_in_order_of_appearance() -> None:
    f = squares()
    assert f(XV, WV, y=YV, b=0.5) == f(XV, WV, 0.5, YV)
    assert [i.name for i in lower(LOSS).program.inputs] == ["X", "w", "b", "y"]
    renamed = lower(X @ w, {"data": X, "weights": w})
    assert np.array_equal(renamed(weights=WV, data=XV), XV @ WV)


def test_an_input_that_is_not_used_is_still_an_argument() -> None:
    f = lower(w * 2, [X, w])
    assert np.array_equal(f(XV, WV), WV * 2)
    with pytest.raises(BindingError, match=r"f: w has shape \(2,\); \(d,\) is expected: axis 0 is 2, not 3; d is 3, from X"):
        f(XV, WV[:2])


# --- what is refused ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "args, keywords, message",
    [
        ((XV, WV, 0.5), {}, r"missing: y. Inputs: X \(n, d\), w \(d,\), b \(\), y \(n,\)"),
        ((XV, WV, 0.5, YV, 1), {}, r"5 arguments for 4 inputs"),
        ((XV, WV, 0.5), {"Y": YV}, r"there is no input 'Y' \(did you mean 'y'\?\)"),
        ((XV, WV, 0.5, YV), {"y": YV}, r"'y' is given twice"),
        ((XV[0], WV, 0.5, YV), {}, r"X has shape \(3,\); \(n, d\) is expected, 2 axes"),
        ((XV, WV, YV, YV), {}, r"b has shape \(4,\); \(\) is expected, a scalar"),
        ((XV, WV, 0.5, YV[:3]), {}, r"y has shape \(3,\); \(n,\) is expected: axis 0 is 3, not 4; n is 4, from X"),
        ((XV, WV, 0.5, [[1, 2], [3]]), {}, r"y is no array of numbers"),
    ],
)
def test_wrong_arguments(args: tuple[object, ...], keywords: dict[str, object], message: str) -> None:
    with pytest.raises((BindingError, DtypeError), match=message):
        squares()(*args, **keywords)


@pytest.mark.parametrize("bad", [YV + 1j, np.array(["a"] * 4), np.array([None] * 4)])
def test_values_that_are_not_real(bad: np.ndarray) -> None:
    with pytest.raises(DtypeError, match="f: y has dtype"):
        squares()(XV, WV, 0.5, bad)


@pytest.mark.parametrize("bad", [1j, 1 + 0j, np.complex64(1), "1", b"1", None, object(), w, {}, np.array(1, dtype=object)], ids=repr)
def test_scalars_that_are_not_real(bad: object) -> None:
    with pytest.raises(DtypeError, match="f: b "):
        squares()(XV, WV, bad, YV)


def test_what_cannot_be_lowered() -> None:
    with pytest.raises(BindingError, match=r"use the variable 'b' \(\), which is not among the inputs \(X, w, y\)"):
        lower(LOSS, [X, w, y])
    with pytest.raises(BindingError, match="'w' is an input twice"):
        lower(w, [w, w])
    with pytest.raises(BindingError, match="inputs are variables"):
        lower(w, [w * 2])
    with pytest.raises(BindingError, match="no output"):
        lower([])
    with pytest.raises(Unsupported, match=r"no backend 'nunpy' \(did you mean 'numpy'\?\)"):
        lower(w, [w], backend="nunpy")
    with pytest.raises(NameClash):
        lower(o.sum(w) + o.sum(var("w", "k")))
    with pytest.raises(Unsupported, match="order of polygamma"):
        lower(Map("polygamma", (b, b)))
    token = var("w", "d", token=7)
    with pytest.raises(BindingError, match="'w'"):
        lower(token, [w])
    assert issubclass(MissingRule, Unsupported)


# --- sizes --------------------------------------------------------------------------------------------------------
def test_a_size_that_no_input_carries_is_asked_for() -> None:
    with pytest.raises(BindingError, match=r"no input carries the dim 'n': give its size, sizes=\{'n': ...\}"):
        lower(o.ones(("n",)) * b)
    assert np.array_equal(lower(o.ones(("n",)) * b, sizes={"n": 3})(2.0), [2, 2, 2])
    with pytest.raises(BindingError, match=r"sizes has 'm', which is no dim here"):
        lower(X, sizes={"m": 3})
    with pytest.raises(BindingError, match="a size is a whole number"):
        lower(X, sizes={"n": -1})


def test_a_hint_is_no_promise() -> None:
    f = lower(X @ w, [X, w], sizes={"n": 1000, "d": 2})
    assert np.array_equal(f(XV, WV), XV @ WV)


def test_a_dim_that_is_a_polynomial_is_checked() -> None:
    f = lower(o.diff(y) - var("z", "n - 1"))
    assert f(YV, YV[1:]).shape == (3,)
    with pytest.raises(BindingError, match=r"z has shape \(4,\); \(n - 1,\) is expected: axis 0 is 4, not 3; n is 4, from y"):
        f(YV, YV)


def test_a_slice_beyond_a_named_dim_is_refused_not_shortened() -> None:
    f = lower(o.sum(y[:3]))
    assert f(YV) == YV[:3].sum()
    with pytest.raises(BindingError, match=r"n = 2 is too small: a slice of 3 entries from 0 on of an axis of size n"):
        f(YV[:2])
    with pytest.raises(ValueError, match="a slice of 3 entries"):
        f.raw(YV[:2])
    with pytest.raises(BindingError, match="max over an axis of size n, which must not be empty"):
        lower(o.max(y))(YV[:0])


# --- kinds of arrays ----------------------------------------------------------------------------------------------
def test_lists_ints_views_and_read_only_arrays() -> None:
    f = squares()
    expected = f(XV, WV, 0.5, YV)
    frozen = XV.copy()
    frozen.setflags(write=False)
    for form in (
        XV.tolist(),
        np.asfortranarray(XV),
        np.repeat(XV, 2, 0)[::2],
        frozen,
        XV.astype(">f8"),
        np.array(XV, object).astype(float),
    ):
        assert f(form, WV, 0.5, YV) == pytest.approx(expected, rel=1e-15)
    assert f(XV, WV, np.array(0.5), YV) == expected
    whole = np.array([[1, 2], [3, 4]])
    got = lower(X * X)(whole)
    assert got.dtype == np.float64 and np.array_equal(got, whole * whole)
    assert lower(X * 0.5)(whole > 2).dtype == np.float64


def test_float32_only_if_all_floating_inputs_are() -> None:
    f = squares()
    small = [a.astype(np.float32) for a in (XV, WV, YV)]
    got = f(small[0], small[1], 0.5, small[2])
    assert got.dtype == np.float32 and got == pytest.approx(VALUE, rel=1e-5)
    assert f(small[0], small[1], np.float64(0.5), YV).dtype == np.float64
    assert f(small[0], WV, 0.5, small[2]).dtype == np.float64
    ramp = lower(
        [
            o.arange("n") * y,
            o.zeros("n") + 0 * y,
            o.eye("n") + 0 * o.diag(y),
            o.where(y > 0, 1, 2),
            1 / o.sum(o.ones(("n",))) * o.sum(y),
            (y > 0) * 2.0,
            o.full("n", 0.1),
        ],
        [y],
    )
    assert {np.asarray(a).dtype for a in ramp(small[2])} == {np.dtype(np.float32)}


def test_empty_arrays_give_what_numpy_gives() -> None:
    f = lower([o.sum(X), X @ w, X.T @ y, o.logsumexp(X), o.prod(X), o.cumsum(y)], [X, w, y])
    got = f(np.zeros((0, 3)), WV, np.zeros(0))
    assert got[0] == 0 and got[1].shape == (0,) and np.array_equal(got[2], np.zeros(3))
    assert got[3] == -np.inf and got[4] == 1 and got[5].shape == (0,)
    with np.errstate(all="ignore"):
        assert np.isnan(lower(o.mean(X))(np.zeros((0, 3))))


def test_scalars_are_numpy_scalars() -> None:
    s = var("s")
    outputs = [
        s,
        s + 1,
        o.where(s > 0, s, 2 * s),
        o.sum(y),
        o.elu(s),
        o.reshape(y[:1], ()),
        Expr.__pos__(s),
        s * 0 + 1,
        o.det(o.reshape(o.stack([s, s, s, -s]), (2, 2))),
    ]
    for value in lower(outputs, [s, y])(0.5, YV):
        assert type(value) is np.float64


# --- purity -------------------------------------------------------------------------------------------------------
def test_outputs_share_memory_with_nothing() -> None:
    c = np.arange(3.0)
    v = var("v", 3)
    doubled = X * 2
    f = lower(
        [
            X,
            X.T,
            X[0],
            o.reshape(X, ("d", "n")),
            doubled,
            doubled.T,
            doubled,
            o.diagonal(X.T @ X),
            v * 0 + c,
            o.broadcast_to(w, ("n", "d")),
        ],
        [X, w, v],
    )
    inputs = [XV.copy(), WV.copy(), np.zeros(3)]
    got = f(*inputs)
    for k, a in enumerate(got):
        assert not any(np.shares_memory(a, i) for i in inputs)
        assert not any(np.shares_memory(a, other) for other in got[k + 1 :])
        a[...] = 99.0
    assert np.array_equal(inputs[0], XV)
    assert np.array_equal(f(*inputs)[8], c)


def test_threads_do_not_disturb_each_other() -> None:
    f = lower([X.T @ (X @ w - y), o.softmax(X)], [X, w, y])
    data = [(RNG.normal(size=(50, 20)), RNG.normal(size=20), RNG.normal(size=50)) for _ in range(8)]
    expected = [f(*d) for d in data]
    wrong: list[int] = []

    def work(k: int) -> None:
        for _ in range(50):
            if not all(np.array_equal(p, q) for p, q in zip(f(*data[k]), expected[k], strict=True)):
                wrong.append(k)

    in_threads(work, range(8))
    assert not wrong


# --- constants ----------------------------------------------------------------------------------------------------
def test_a_constant_and_its_transpose_are_one_array() -> None:
    loss = o.sum((X @ w - y) ** 2)
    data = {"X": np.arange(600.0).reshape(30, 20), "y": np.ones(30)}
    f = lower([loss, grad(loss, w)], [w], constants=data)
    assert sum(c.size for c in f.program.constants) == 630
    at = np.linspace(-1, 1, 20)
    np.testing.assert_allclose(f(at)[1], 2 * data["X"].T @ (data["X"] @ at - 1), rtol=1e-13)


def test_constants_are_folded() -> None:
    f = lower(o.sum((X @ o.exp(w) - y) ** 2), [y], constants={X: XV, "w": WV})
    assert f(YV) == pytest.approx(np.sum((XV @ np.exp(WV) - YV) ** 2), rel=1e-14)
    assert "exp" not in f.source and "@ np.exp" not in f.source
    assert f(YV.astype(np.float32)).dtype == np.float32
    with pytest.raises(BindingError, match=r"the constant 'X' has shape \(3,\)"):
        lower(X @ w, [w], constants={X: WV})
    with pytest.raises(BindingError, match=r"X has shape|w has shape|expected"):
        lower(X @ w, constants={X: XV, w: YV})
    with pytest.raises(BindingError, match="is an input and a constant"):
        lower(X @ w, [X, w], constants={X: XV})
    with pytest.raises(BindingError, match="which the outputs do not use"):
        lower(w, constants={"X": XV})
    assert np.array_equal(lower(w * o.ones("n")[0], [w], constants={X: XV})(WV), WV)
    with pytest.raises(BindingError, match="sizes says n = 9, but a constant has n = 4"):
        lower(X @ w, [w], constants={X: XV}, sizes={"n": 9})


def test_a_constant_can_be_all_there_is() -> None:
    f = lower([o.sum(X), o.exp(b)], constants={X: XV, b: 2.0})
    total, e = f()
    assert total == pytest.approx(XV.sum()) and e == np.exp(2.0)
    large = np.arange(1000.0).reshape(10, 100)
    f = lower(X * w, [w], constants={X: large})
    assert np.array_equal(f(np.ones(100)), large)
    assert len(f.source) < 4000


# --- the object ---------------------------------------------------------------------------------------------------
def test_pickle_save_and_repr(tmp_path: Path) -> None:
    f = squares()
    g = pickle.loads(pickle.dumps(f))
    assert g.source == f.source and g(XV, WV, 0.5, YV) == f(XV, WV, 0.5, YV)
    assert repr(f) == "<lowered f(X (n, d), w (d,), b (), y (n,))>"
    f.save(tmp_path / "step.py")
    code = "import sys, step, numpy as np; print(step.f(np.eye(2), np.ones(2), 0.5, np.zeros(2)), 'symdiff' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2.25", "False"]


def test_the_source_is_the_same_under_any_hash_seed() -> None:
    code = (
        "from symdiff.expr import ops as o\nfrom symdiff.expr.leaves import var\nfrom symdiff.lowering.lowered import lower\n"
        "X, w, y = var('X', ('n', 'd')), var('w', 'd'), var('y', 'n')\nr = o.sigmoid(X @ w) - y\n"
        "print(lower([o.sum(r * r), X.T @ (r * y * o.exp(y)), r * o.exp(y), o.gelu(w), o.logsumexp(X, 1)]).source)"
    )
    texts = set()
    for seed in ("0", "1", "77"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path), "PATH": ""},
        )
        texts.add(done.stdout)
    assert len(texts) == 1


def test_names_are_safe() -> None:
    names = ["np", "lambda_", "n", "sigmoid", "dtype", "f", "δ₂", "match", "len", "print", "math", "C1", "run", "slow"]
    variables = [var(name, "n") for name in names]
    total = (
        sum((o.sigmoid(v) * (k + 1) for k, v in enumerate(variables)), o.zeros("n")) + o.mean(variables[0]) + np.array([1.0, 2, 3, 4])[0]
    )
    f = lower(total, variables)
    values = {name: RNG.normal(size=4) for name in names}
    expected = sum((k + 1) / (1 + np.exp(-v)) for k, v in enumerate(values.values())) + values["np"].mean() + 1
    np.testing.assert_allclose(f(**values), expected, rtol=1e-13)
    assert f.source.isascii()


def test_inputs_of_one_name_from_different_traces_are_told_apart() -> None:
    p, q = var("x", (), token=1), var("x", (), token=2)
    assert lower(p - 2 * q, [p, q])(5.0, 1.0) == 3.0


def test_substituted_expressions_lower() -> None:
    assert lower(substitute(LOSS, {b: o.sum(w)}))(X=XV, w=WV, y=YV) == pytest.approx(np.mean((XV @ WV + WV.sum() - YV) ** 2))
