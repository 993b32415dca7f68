"""The numba backend: random expressions against the reference evaluator, as source and compiled; dtypes, layouts, threads, errors."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symdiff as sd
from symdiff.errors import BadSetting, BindingError, MissingExtra, Unsupported
from symdiff.expr.build import apply
from symdiff.expr.functions import FUNCTIONS
from symdiff.lowering import lowered_compiled, numba_cache
from symdiff.lowering.lowered import lower
from symdiff.lowering.lowered_compiled import Compiled
from symdiff.lowering.numba_source import emit_numba
from tests.lowering.test_random_programs import SIZES, Maker
from tests.reference import evaluate_named

pytest.importorskip("numba")


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYMDIFF_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


def interpreted(source):
    """The function of a source with its loops run by Python: the same text, without the wait for a compiler."""
    namespace = {"njit": lambda *types, **options: types[0] if types and callable(types[0]) else lambda function: function}
    exec(source.text.replace("from numba import njit\n", ""), namespace)
    return namespace[source.function]


def random_case(seed: int):
    rng = np.random.default_rng(seed)
    maker = Maker(rng)
    for _ in range(14):
        maker.step()
    inputs, roots = list(maker.made[:7]), maker.made[-3:]
    values = {x.name: rng.normal(size=tuple(SIZES.get(d, d) for d in x.shape)) for x in inputs}
    return inputs, roots, values


def assert_reference(roots, values, found, tolerance=1e-12):
    for e, got in zip(roots, found, strict=True):
        expected = evaluate_named(e, values, SIZES)
        assert np.shape(got) == expected.shape
        scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
        np.testing.assert_allclose(np.asarray(got, float), expected, rtol=tolerance, atol=tolerance * scale)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6))
def test_the_loops_of_random_expressions_equal_the_reference(seed):
    inputs, roots, values = random_case(seed)
    named = lower(roots, inputs)
    for program in (named.program, named.for_sizes(**SIZES).program):
        run = interpreted(emit_numba(program))
        with np.errstate(all="ignore"):
            found = run(*(v if v.ndim else np.float64(v) for v in values.values()))
        assert_reference(roots, values, found)


@pytest.mark.parametrize("seed", [3, 11])
def test_compiled_random_expressions_equal_the_reference(seed):
    inputs, roots, values = random_case(seed)
    f = sd.lower(roots, inputs, backend="numba", simplify=False)
    assert_reference(roots, values, f(**values))
    single = {k: v.astype(np.float32) for k, v in values.items()}
    found = f(**single)
    assert_reference(roots, {k: v.astype(float) for k, v in single.items()}, found, 1e-5)
    assert all(np.asarray(a).dtype in (np.float32, np.int64, np.bool_) for a in found)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 125))
def test_many_compiled_random_expressions_equal_the_reference(seed):
    test_compiled_random_expressions_equal_the_reference(seed)


X, w, y = sd.var("X", ("n", "d")), sd.var("w", "d"), sd.var("y", "n")
LOSS = sd.sum((X @ w - y) ** 2)


@pytest.fixture(scope="module")
def squares():
    return sd.lower({"loss": LOSS, "gradient": sd.grad(LOSS, w)}, [X, w, y], backend="numba")


def values_of(n: int, d: int):
    rng = np.random.default_rng(n + d)
    return rng.normal(size=(n, d)), rng.normal(size=d), rng.normal(size=n)


def assert_squares(found, Xv, wv, yv):
    np.testing.assert_allclose(found["loss"], np.sum((Xv @ wv - yv) ** 2), rtol=1e-12)
    np.testing.assert_allclose(found["gradient"], 2 * Xv.T @ (Xv @ wv - yv), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n, d", [(5, 3), (1, 1), (0, 4), (64, 7)])
def test_sizes_are_those_of_the_call(squares, n, d):
    assert_squares(squares(*values_of(n, d)), *values_of(n, d))


@pytest.mark.parametrize(
    "change",
    [np.asfortranarray, lambda a: np.repeat(a, 2, axis=0)[::2], lambda a: a[::-1][::-1], lambda a: a.tolist(), lambda a: a.astype(object).astype(float)],
    ids=["fortran", "strided", "reversed", "list", "fresh"],
)  # fmt: skip
def test_any_layout_is_taken(squares, change):
    given_values = values_of(6, 4)
    assert_squares(squares(*map(change, given_values)), *given_values)


def test_read_only_and_whole_inputs_are_taken(squares):
    Xv, wv, yv = (np.round(10 * a) for a in values_of(6, 4))
    for a in (Xv, wv, yv):
        a.flags.writeable = False
    assert_squares(squares(Xv.astype(int), wv, yv), Xv, wv, yv)
    assert_squares(squares(Xv, wv, yv), Xv, wv, yv)


def test_results_are_fresh_and_of_numpys_types(squares):
    values = values_of(5, 3)
    first = squares(*values)
    kept = first["gradient"].copy()
    squares(values[0] + 1, *values[1:])
    np.testing.assert_array_equal(first["gradient"], kept)
    assert type(first["loss"]) is np.float64


def test_wrong_shapes_are_refused(squares):
    Xv, wv, yv = values_of(5, 3)
    with pytest.raises(BindingError, match="y has shape"):
        squares(Xv, wv, yv[:-1])


def test_threads_get_their_own_results(squares):
    cases = [values_of(50 + k, 6) for k in range(8)]
    squares(*cases[0])
    with ThreadPoolExecutor(4) as pool:
        for found, case in zip(pool.map(lambda c: squares(*c), cases * 20), cases * 20, strict=True):
            assert_squares(found, *case)


def test_a_pickled_function_is_the_same(squares):
    again = pickle.loads(pickle.dumps(squares))
    assert isinstance(again, Compiled) and again.source == squares.source
    assert_squares(again(*values_of(5, 3)), *values_of(5, 3))


def test_source_is_plain_loops(squares, tmp_path):
    for line in ("for i in range(n):", "s1 += X[i, j] * w[j]", "z2[j] += c1 * X[i, j]"):
        assert line in squares.source
    squares.save(tmp_path / "squares.py")
    assert (tmp_path / "squares.py").read_text(encoding="utf-8") == squares.source


def test_sizes_that_are_known_are_ends_of_loops(squares):
    assert "range(500)" in squares.for_sizes(n=500, d=3).source


def test_a_small_program_is_taken_apart(squares):
    small = squares.for_sizes(n=3, d=2)
    assert "for " not in small.source and "X_11 * w_1 + X_12 * w_2" in small.source
    assert_squares(small(*values_of(3, 2)), *values_of(3, 2))


@pytest.mark.parametrize(
    "expression, at",
    [
        (lambda x: sd.log(x), -1.0),
        (lambda x: sd.log(x), 0.0),
        (lambda x: 1 / x, 0.0),
        (lambda x: sd.exp(x), 800.0),
        (lambda x: sd.sqrt(x), -2.0),
        (lambda x: x ** sd.const(0.3), -2.0),
        (lambda x: sd.sigmoid(x) * sd.sigmoid(-x), -800.0),
        (lambda x: sd.sigmoid(x) + 3 * sd.sigmoid(-x), np.nan),
        (lambda x: sd.sigmoid(x) + 3 * sd.sigmoid(-x), np.inf),
        (lambda x: sd.sigmoid(x) + 3 * sd.sigmoid(-x), -np.inf),
        (lambda x: sd.softplus(x), 800.0),
        (lambda x: sd.maximum(x, 1.0), np.nan),
        (lambda x: sd.sign(x), np.nan),
    ],
)
def test_where_numpy_gives_inf_or_nan_so_do_the_loops(expression, at):
    x = sd.var("x", 2)
    e = sd.sum(expression(x))
    value = np.array([at, 0.5])
    with np.errstate(all="ignore"):
        expected = sd.lower(e, [x])(value)
        found = interpreted(emit_numba(lower(e, [x]).program))(value)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("arity", [1, 2])
def test_every_function_of_the_table_compiles(arity):
    """All functions of one arity in one program, in both dtypes, at values on either side of what each is fond of."""
    names = [f.name for f in FUNCTIONS.values() if f.arity == arity and f.name != "polygamma"]
    x, z = sd.var("x", 6), sd.var("z", 6)
    outputs = [apply(name, *([x, z][:arity])) for name in names]
    plain, compiled = (sd.lower(outputs, [x, z][:arity], backend=b, simplify=False) for b in ("numpy", "numba"))
    values = [np.array([0.3, 1.7, -0.6, 0.0, 25.0, -3.0]), np.array([2.0, -1.5, 0.5, 1.0, 3.0, 0.25])][:arity]
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 2e-5)):
        given_values = [v.astype(dtype) for v in values]
        with np.errstate(all="ignore"):
            for name, found, expected in zip(names, compiled(*given_values), plain(*given_values), strict=True):
                np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance, err_msg=name)
                assert found.dtype == expected.dtype, name


def test_an_index_out_of_bounds_is_an_error():
    x, k = sd.var("x", "n"), sd.var("k", "m")
    f = sd.lower(x[k], [x, k], backend="numba")
    np.testing.assert_array_equal(f([1.0, 2.0, 3.0], [2, -1, 0]), [3.0, 3.0, 1.0])
    with pytest.raises(IndexError):
        f([1.0, 2.0, 3.0], [3])


def test_what_the_backend_has_not_is_named():
    A = sd.var("A", ("n", "n"))
    with pytest.raises(Unsupported, match="inv"):
        sd.lower(sd.inv(A), [A], backend="numba")
    assert not isinstance(sd.lower(sd.inv(A), [A], backend="auto", calls=1e12), Compiled)


@pytest.mark.parametrize("calls, kind", [(None, False), (0, False), (100, False), (10**9, True)])
def test_auto_compiles_where_it_pays_off(calls, kind):
    f = sd.lower(LOSS, [X, w, y], backend="auto", calls=calls, sizes={"n": 20, "d": 4})
    assert isinstance(f, Compiled) is kind


def test_without_numba_auto_goes_on_with_numpy(monkeypatch):
    for module in (numba_cache, lowered_compiled):
        monkeypatch.setattr(module, "numba_is_there", lambda: False)
    assert not isinstance(sd.lower(LOSS, [X, w, y], backend="auto", calls=10**9), Compiled)
    with pytest.raises(MissingExtra, match=r"\[jit\]"):
        sd.lower(LOSS, [X, w, y], backend="numba")


def test_bad_settings_are_refused():
    with pytest.raises(Unsupported, match="did you mean 'numba'"):
        sd.lower(LOSS, [X, w, y], backend="nunba")
    with pytest.raises(BadSetting, match="calls"):
        sd.lower(LOSS, [X, w, y], backend="auto", calls=-1)


def test_options_of_the_numpy_backend_are_taken():
    x = sd.var("x", "n")
    f = sd.lower(sd.sin(x), [x], backend="numba", fast=False, reuse_buffers=True, fast_math=True)
    np.testing.assert_allclose(f(np.array([0.5, 1.0])), np.sin([0.5, 1.0]), rtol=1e-15)
