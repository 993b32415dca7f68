"""The traced array and the functions made by transformation: guards, kept programs, trees, nesting, views, symbols, and what is refused."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest

import symdiff as sd
from symdiff.api.functions import MOST_PATHS, MOST_PROGRAMS, expression_of
from symdiff.api.tracing import trace
from symdiff.errors import BindingError, DtypeError, ShapeError, SymbolicValue, Unsupported
from tests.threads import in_threads

X0 = np.array([0.5, -1.5, 2.5])


# --- guards -------------------------------------------------------------------------------------------------------
def guards_of(f, x=X0):
    return [(g.expr.shape, np.asarray(g.answer).tolist()) for g in trace(f, [x]).guards]


@pytest.mark.parametrize(
    ("f", "count"),
    [
        (lambda x: np.sum(x**2), 0),
        (lambda x: x[0] if x[0] > 0 else x[1], 1),
        (lambda x: x[0] if x[0] > 0 and x[0] > 0 else x[1], 1),
        (lambda x: max(x), 2),
        (lambda x: x[int(x[0])], 1),
        (lambda x: x[round(x[0])], 1),
        (lambda x: x[math.floor(x[2])], 1),
        (lambda x: np.sum(x[x > 0]), 1),
        (lambda x: np.sum(x[np.nonzero(x > 0)]), 1),
        (lambda x: np.sum(np.sort(x)), 0),
        (lambda x: x[np.argmax(x)], 0),
        (lambda x: [1.0, 2.0, 3.0][np.argmax(x)] * x[0], 1),
        (lambda x: np.where(x > 0, x, 0).sum(), 0),
        (lambda x: x[0] if len(x) > 2 else x[1], 0),
        (lambda x: x[0] if x.shape == (3,) else x[1], 0),
        (lambda x: x[0] if np.zeros(3)[0] == 0 else x[1], 0),
        (lambda x: x[0] if np.zeros_like(x)[0] == 0 else x[1], 0),
        (lambda x: x[0] * float(np.sum(x > 0)), 1),
        (lambda x: x[0] if np.isfinite(x).all() else x[1], 1),
        (lambda x: x[0] if 2.5 in x else x[1], 3),
        (lambda x: x[0] * len(np.unique(x > 0)), 1),
    ],
)
def test_a_question_is_one_guard(f, count):
    assert len(guards_of(f)) == count


def test_a_kept_program_is_used_only_where_its_guards_hold():
    g = sd.grad(lambda x: x[0] ** 2 if x[0] > 0 else 3 * x[1])
    for x, wanted in (([2.0, 1.0], [4, 0]), ([-1.0, 1.0], [0, 3]), ([3.0, 1.0], [6, 0]), ([-2.0, 5.0], [0, 3]), ([0.0, 1.0], [0, 3])):
        np.testing.assert_allclose(g(np.array(x)), wanted)


def test_programs_are_kept_by_shape_dtype_and_path():
    g = sd.grad(lambda x: np.sum(x**2) if x[0] > 0 else np.sum(x))
    g(np.ones(3)), g(np.ones(3) * 2), g(np.ones(4)), g(-np.ones(3)), g(np.ones(3))
    assert sorted(len(paths) for paths in g._cache.values()) == [1, 2]
    assert g(np.ones(3, dtype=np.float32)).dtype == np.float32
    assert len(g._cache) == 3


def test_the_cache_is_bounded():
    g = sd.grad(lambda x: np.sum(x) * int(x[0]))
    for k in range(MOST_PATHS + 5):
        assert g(np.array([float(k), 1.0]))[1] == k
    assert len(next(iter(g._cache.values()))) == MOST_PATHS
    for n in range(1, MOST_PROGRAMS + 6):
        g(np.ones(n))
    assert len(g._cache) == MOST_PROGRAMS


def test_a_program_does_not_outlive_what_the_function_takes_from_outside():
    weights = np.ones(3)
    scale = 2.0
    settings = {"power": 2}

    def f(x):
        return scale * np.sum(weights * x ** settings["power"])

    g = sd.grad(f)
    np.testing.assert_allclose(g(X0), 2 * 2 * X0)
    weights[0] = 5
    np.testing.assert_allclose(g(X0), 2 * 2 * X0 * [5, 1, 1])
    scale = 1.0
    settings["power"] = 3
    np.testing.assert_allclose(g(X0), 3 * X0**2 * [5, 1, 1])


def test_methods_partials_and_callables_follow_their_state():
    class Model:
        def __init__(self):
            self.w = np.array([1.0, 2.0, 3.0])

        def loss(self, x):
            return np.sum(self.w * x)

        def __call__(self, x):
            return 2 * self.loss(x)

    m = Model()
    gradients = [sd.grad(m.loss), sd.grad(m), sd.grad(functools.partial(lambda a, x: a * np.sum(x), 3.0))]
    assert [g(X0)[1] for g in gradients] == [2, 4, 3]
    m.w = m.w * 10
    assert [g(X0)[1] for g in gradients] == [20, 40, 3]


def test_random_numbers_are_drawn_anew():
    g = sd.grad(lambda x: np.sum(x * np.random.default_rng().normal(size=3)))
    assert not np.allclose(g(X0), g(X0))


def test_threads_may_trace_at_once():
    g = sd.grad(lambda x: np.sum(np.array([v**2 for v in x])) if x[0] > 0 else np.sum(x))
    found = {}

    def run(k):
        found[k] = g(np.full(k + 1, 1.0 if k % 2 else -1.0))

    in_threads(run, range(6))
    assert all(np.allclose(found[k], 2.0 if k % 2 else 1.0) for k in range(6))
    assert type(np.array([1.0])) is np.ndarray
    assert np.array.__module__ == "numpy"


# --- arguments ----------------------------------------------------------------------------------------------------
def test_argnums_has_aux_and_keywords_as_jax_has_them():
    def f(a, b, c=2.0):
        return a**2 * b + c, {"ab": a * b, "note": "kept"}

    assert sd.grad(f, has_aux=True)(3.0, 4.0) == (24.0, {"ab": 12.0, "note": "kept"})
    assert sd.grad(f, (0, 1), has_aux=True)(3.0, 4.0)[0] == (24.0, 9.0)
    assert sd.grad(f, argnums=(1,), has_aux=True)(3.0, 4.0)[0] == (9.0,)
    assert sd.grad(f, 1, True)(3.0, 4.0)[0] == 9.0
    assert sd.grad(f, -1, has_aux=True)(3.0, 4.0)[0] == 9.0
    value, gradient = sd.value_and_grad(f, 1, has_aux=True)(3.0, 4.0, c=1.0)
    assert value == (37.0, {"ab": 12.0, "note": "kept"})
    assert gradient == 9.0
    with pytest.raises(BindingError, match="argument 5"):
        sd.grad(f, 5, has_aux=True)(3.0, 4.0)
    with pytest.raises(Unsupported, match="pair"):
        sd.grad(lambda x: x, has_aux=True)(1.0)


def test_trees_keep_their_structure():
    def f(p, data):
        return np.sum(p["w"] @ data * p["b"][0]) + p["b"][1] ** 2

    g = sd.grad(f)({"w": np.ones((2, 3)), "b": [2.0, 3.0]}, np.ones(3))
    assert g["w"].shape == (2, 3)
    assert g["b"] == [6.0, 6.0]


def test_other_arrays_are_inputs_and_the_rest_is_constant():
    def f(x, y, mode):
        return np.sum(x * y) if mode == "dot" else np.sum(x)

    g = sd.grad(f)
    np.testing.assert_allclose(g(X0, 2 * X0, "dot"), 2 * X0)
    np.testing.assert_allclose(g(X0, 3 * X0, "dot"), 3 * X0)
    assert [len(v) for v in g._cache.values()] == [1]
    np.testing.assert_allclose(g(X0, X0, "sum"), np.ones(3))


@pytest.mark.parametrize(
    ("bad", "kind"), [("text", DtypeError), (1j, DtypeError), (np.array([1j]), DtypeError), (np.array([object()]), DtypeError)]
)
def test_what_is_no_real_number_is_refused(bad, kind):
    with pytest.raises(kind, match="x"):
        sd.grad(lambda x: x)(bad)


@pytest.mark.parametrize(
    ("f", "kind", "message"),
    [
        (lambda x: x, ShapeError, "returned an array of shape"),
        (lambda x: (x[0], x[1]), ShapeError, "2 results"),
        (lambda x: None, Unsupported, "returned None"),
        (lambda x: math.sin(x[0]), SymbolicValue, r"math.sin.*write np.sin for math.sin"),
        (lambda x: float(x[0]), SymbolicValue, "would cut the derivative"),
        (lambda x: np.sum(np.fromiter((v for v in x), float)), SymbolicValue, "cut"),
        (lambda x: np.zeros(3).__setitem__(0, x[0]), SymbolicValue, "np.zeros_like"),
        (lambda x: np.add(x, 1, out=np.zeros(3)).sum(), Unsupported, "plain array"),
        (lambda x: np.linalg.qr(np.outer(x, x))[0].sum(), Unsupported, "qr"),
        (lambda x: np.histogram(x)[0].sum(), Unsupported, "histogram"),
        (lambda x: np.sum(np.fft.fft(x)), Unsupported, "fft"),
        (lambda x: np.einsum("ij->i", x), ShapeError, "einsum"),
    ],
)
def test_what_would_cut_or_cannot_be_is_refused(f, kind, message):
    with pytest.raises((kind, ValueError), match=message):
        sd.grad(f)(X0)


def test_an_error_of_the_function_is_its_own():
    def f(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        sd.grad(f)(X0)
    assert np.array is not None
    assert np.array([1, 2]).sum() == 3


# --- memory -------------------------------------------------------------------------------------------------------
def agree(f, x=X0):
    """The value that the expressions say is the value that NumPy computes, after all the writes."""
    traced = sd.value_and_grad(f)(x)[0]
    np.testing.assert_allclose(traced, f(np.array(x)), rtol=1e-12)


def write_through_a_row(x):
    M = np.outer(x, x)
    row = M[1]
    row[2] = 7 * x[0]
    M[1, 0] = 3.0
    return M.sum() + 2 * row.sum()


def write_to_the_base(x):
    y = x * 2
    tail, turned = y[1:], y.reshape(3, 1).T
    y[2] = x[0] ** 2
    return tail.sum() + 3 * turned.sum()


def write_through_two_views(x):
    y = np.concatenate([x, x])
    a, b = y[::2], y[3:]
    a[1] = 5.0
    b *= x
    return np.sum(y * np.arange(6)) + a.sum()


def write_through_flip_and_ravel(x):
    M = np.outer(x, x)
    M.ravel()[4] = 0.0
    np.flip(M)[0, 0] = x[1]
    M.T[0] += 1
    np.split(M, 3)[1][:] = 2.0
    return np.sum(M**2)


def independent_copies(x):
    y, z = x.copy(), np.array(x)
    w = x + 0
    y[0], z[1], w[2] = 1.0, 2.0, 3.0
    return np.sum(x * y * z + w)


def scalars_are_values(x):
    a = x[0]
    b = a
    b += 5
    x[0] = 100.0
    return a + b + x[0]


def augmented_item(x):
    y = np.ones_like(x)
    for i in range(3):
        y[i] += x[i] ** 2
        y[: i + 1] *= 2
    return y.sum()


def overlapping_writes(x):
    y = np.zeros_like(np.concatenate([x, x]))
    y[1:4] = x
    y[2:5] = x**2
    y[[0, 5]] = x[:2]
    y[y > 5] = 1.0
    return np.sum(y * np.arange(1, 7))


def shifted_onto_itself(x):
    y = np.concatenate([x, x**2])
    y[1:] = y[:-1]
    return np.sum(y * np.arange(6))


@pytest.mark.parametrize(
    "f",
    [write_through_a_row, write_to_the_base, write_through_two_views, write_through_flip_and_ravel, independent_copies, scalars_are_values,
     augmented_item, overlapping_writes, shifted_onto_itself],
    ids=lambda f: f.__name__,
)  # fmt: skip
def test_memory_is_numpys(f):
    agree(f)


def test_a_gradient_gathered_from_stretched_values():
    np.testing.assert_allclose(sd.grad(lambda x: np.convolve(x, [1, 2], "valid").sum())(np.ones(6)), [2, 3, 3, 3, 3, 1])


def test_a_write_into_whole_numbers_would_round():
    with pytest.raises(Unsupported, match="would round"):
        sd.grad(lambda x: (lambda m: m.__setitem__(0, x[0]) or np.sum(m))((x > 0).astype(int)))(X0)


def test_a_recurrence_by_item_assignment_is_linear():
    def f(x):
        y = np.zeros_like(x)
        y[0] = x[0]
        for i in range(1, len(x)):
            y[i] = 0.9 * y[i - 1] + x[i]
        return y[-1]

    sizes = [len(list(sd.expr.node.topological(trace(f, [np.ones(n)]).outputs[0]))) for n in (50, 100, 200)]
    assert sizes[2] - sizes[1] <= 2 * (sizes[1] - sizes[0]) + 5


# --- nesting ------------------------------------------------------------------------------------------------------
def test_derivatives_of_derivatives():
    cube = lambda x: x**3
    assert sd.grad(sd.grad(cube))(2.0) == pytest.approx(12)
    assert sd.grad(sd.grad(sd.grad(cube)))(2.0) == pytest.approx(6)
    np.testing.assert_allclose(sd.jacobian(sd.grad(lambda x: np.sum(x**3)))(X0), np.diag(6 * X0))
    np.testing.assert_allclose(sd.hessian(lambda x: np.sum(x**3))(X0), np.diag(6 * X0))


def test_inner_variables_are_not_confused_with_outer_ones():
    assert sd.grad(lambda x: x * sd.grad(lambda y: x * y**2)(x))(3.0) == pytest.approx(54)
    assert sd.grad(lambda x: x * sd.grad(lambda y: x + y)(2.0))(1.0) == pytest.approx(1)
    assert sd.grad(lambda x: sd.grad(lambda x: x**2)(x) * x)(3.0) == pytest.approx(12)


def test_a_branch_within_an_inner_function_is_a_guard_of_the_outer_one():
    inner = sd.grad(lambda y: y**2 if y > 0 else -3 * y)
    outer = sd.grad(lambda x: x * inner(x))
    assert outer(2.0) == pytest.approx(8)
    assert outer(-2.0) == pytest.approx(-3)
    assert outer(1.0) == pytest.approx(4)


def test_jacobians_of_trees_and_blocks_of_hessians():
    rows = sd.jacobian(lambda x: [x[0] ** 2, x * x[1]])(X0)
    np.testing.assert_allclose(rows[0], [2 * X0[0], 0, 0])
    assert rows[1].shape == (3, 3)
    blocks = sd.hessian(lambda a, b: np.sum(a * b**2), (0, 1))(X0, X0)
    np.testing.assert_allclose(blocks[0][1], np.diag(2 * X0))
    assert sd.jacobian(lambda a, b: np.outer(a, b), (0, 1))(X0, X0)[1].shape == (3, 3, 3)


# --- symbols only -------------------------------------------------------------------------------------------------
def test_a_function_at_symbolic_sizes():
    x = sd.var("x", "n")
    e = expression_of(lambda x: np.sum((x - np.mean(x)) ** 2) / (x.shape[0] - 1), {"x": x})
    f = sd.lower(e, [x])
    assert f(X0) == pytest.approx(np.var(X0, ddof=1))
    g = expression_of(lambda x: np.sum(x.reshape(x.shape[0], 1) * x[None, :]) * 2**x.size, {"x": x})
    assert sd.lower(g, [x])(X0) == pytest.approx(np.sum(np.outer(X0, X0)) * 8)


def test_item_assignment_at_symbolic_sizes():
    x = sd.var("x", "n")

    def f(x):
        y = x.copy()
        y[0] = 2.0
        y[1:-1] = x[:-2] * x[2:]
        y += 1
        return np.sum(y**2)

    assert sd.lower(expression_of(f, {"x": x}), [x])(X0) == pytest.approx(f(X0.copy()))


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: x[0] if x[0] > 0 else x[1], r"np.where\(condition, a, b\)"),
        (lambda x: sum(x[i] for i in range(len(x))), r"x.shape\[0\]"),
        (lambda x: sum(x[i] for i in range(x.shape[0])), "sd.arange"),
        (lambda x: np.sum(np.zeros(x.shape[0]) + x), "sd.zeros"),
        (lambda x: x[int(x[0])], "symbols only"),
        (lambda x: float(x[0]), "cut the derivative"),
        (lambda x: np.sum(x[x > 0]), r"np.where\(mask, a, b\)"),
        (lambda x: x[0] if x.shape[0] > 3 else x[1], "is a name, not a number"),
        (lambda x: next(iter(x)), r"x.shape\[0\]"),
    ],
)
def test_with_symbols_only_questions_raise(f, message):
    with pytest.raises((SymbolicValue, Unsupported), match=message):
        expression_of(f, {"x": sd.var("x", "n")})


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: x.resize(3), r"x\.resize of a traced array is not supported: use np\.resize\(x, shape\)"),
        (lambda x: x.strides, r"x\.strides of a traced array is not supported: use slices and x\.reshape"),
        (lambda x: x.tobytes(), r"x\.tobytes of a traced array"),
        (lambda x: x.view(np.int64), r"x\.view\(.*int64.*\) of a traced array .* x\.astype"),
        (lambda x: np.sum(np.ma.masked_less(x, 0)), r"np\.where\(mask, a, b\)"),
    ],
)
def test_what_a_traced_array_has_not_is_named(f, message):
    with pytest.raises(Unsupported, match=message):
        sd.grad(f)(X0)
    sd.grad(lambda x: x[0] if hasattr(x, "strides") else x[1])(X0)  # hasattr() has its answer, no error


def _partitioned(x):
    y = x.copy()
    y.partition(2)
    return y[2] * x.nbytes / x.itemsize


@pytest.mark.parametrize(
    ("f", "slopes"),
    [
        (lambda x: np.sum(x.clip(0)), [0, 1, 0, 1]),
        (lambda x: np.sum(x.clip(max=0)), [1, 0, 1, 0]),
        (lambda x: np.sum(x.clip(-1, 1)), [0, 1, 1, 0]),
        (lambda x: np.sum(x.view() * 2), [2, 2, 2, 2]),
        (_partitioned, [0, 4, 0, 0]),
        (lambda x: np.mean(x, where=x > 0), [0, 0.5, 0, 0.5]),
        (lambda x: np.max(x, where=x < 1, initial=-9), [0, 1, 0, 0]),
        (lambda x: x.sum(where=x < 0), [1, 0, 1, 0]),
    ],
)
def test_methods_of_arrays(f, slopes):
    np.testing.assert_allclose(sd.grad(f)(np.array([-2.0, 0.5, -0.5, 3.0])), slopes)


def test_expressions_may_be_handed_to_a_transformed_function():
    x = sd.var("x", "n")
    assert sd.grad(lambda v: np.sum(v**2))(x).shape == ("n",)


# --- Python's questions -------------------------------------------------------------------------------------------
def test_a_traced_array_answers_as_an_array_does():
    seen = {}

    def f(x):
        seen.update(
            text=f"{x[0]:.2f}", repr=repr(x), length=len(x), shape=x.shape, ndim=x.ndim, size=x.size, dtype=x.dtype,
            result_type=np.result_type(x, 1.0), shares=np.shares_memory(x, x[1:]), none=x is None, equal=x == None,  # noqa: E711
            kinds=(np.shape(x), np.ndim(x), np.size(x), np.iscomplexobj(x)),
        )  # fmt: skip
        return np.sum(x)

    sd.grad(f)(X0)
    assert seen["text"] == "0.50"
    assert seen["repr"].startswith("traced(array(")
    assert (seen["length"], seen["shape"], seen["ndim"], seen["size"]) == (3, (3,), 1, 3)
    assert seen["dtype"] == seen["result_type"] == np.float64
    assert seen["shares"]
    assert not seen["equal"]
    assert seen["kinds"] == ((3,), 1, 3, False)


def test_the_argument_is_not_changed():
    x = X0.copy()

    def f(x):
        x += 1
        x[0] = 5
        return np.sum(x**2)

    np.testing.assert_allclose(sd.grad(f)(x), [0, 2 * -0.5, 2 * 3.5])
    np.testing.assert_array_equal(x, X0)


def test_what_is_traced_but_not_differentiated_may_become_a_float():
    g = sd.grad(lambda x, y: np.sum(x) * float(y[0]) * math.exp(y[1]))
    np.testing.assert_allclose(g(X0, np.array([2.0, 0.0])), 2 * np.ones(3))
    np.testing.assert_allclose(g(X0, np.array([3.0, 0.0])), 3 * np.ones(3))
