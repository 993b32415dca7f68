"""Programs are written once for some sizes and a precision: not again for a call that differs in anything else, and anew for one that does."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import symdiff as sd
from symdiff.errors import BindingError
from symdiff.lowering import lowered, lowered_compiled
from symdiff.lowering.numpy_source import Source
from symdiff.lowering.special import Special
from tests.threads import in_threads

X, w, y = sd.var("X", ("n", "d")), sd.var("w", "d"), sd.var("y", "n")
RATE = sd.var("rate")
LOSS = sd.mean((sd.tanh(X @ w) - y) ** 2)
OUTPUTS = [LOSS, w - RATE * sd.grad(LOSS, w)]
SIZES = [(40, 30), (3, 2), (41, 30), (1, 1), (0, 5)]
Written = list[tuple[int, ...]]


def arrays(n: int, d: int, dtype: type = np.float64) -> list[Any]:
    rng = np.random.default_rng(100 * n + d)
    return [rng.normal(size=shape).astype(dtype) for shape in ((n, d), (d,), (n,))] + [dtype(0.25)]


def by_hand(X: Any, w: Any, y: Any, rate: Any) -> tuple[Any, Any]:
    X, w, y = (np.asarray(a, float) for a in (X, w, y))
    h = np.tanh(X @ w)
    with np.errstate(all="ignore"):
        return np.sum((h - y) ** 2) / np.float64(len(y)), w - rate * (X.T @ (2 * (h - y) * (1 - h * h) / np.float64(len(y))))


def assert_right(found: Any, arguments: list[Any], tolerance: float = 1e-12) -> None:
    for got, wanted in zip(found, by_hand(*arguments), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Written:
    """The shape of the first input of each program that is written for known sizes."""
    made: Written = []

    def init(self: Special, source: Source, *rest: Any, whole: Callable[..., None] = Special.__init__, **named: Any) -> None:
        whole(self, source, *rest, **named)
        if shape := re.search(r"""^    (?:\"{3})?[Xw] \(([\d, ]+)\)""", source.text, re.MULTILINE):
            made.append(tuple(int(n) for n in shape[1].split(",") if n))

    monkeypatch.setattr(Special, "__init__", init)
    return made


@pytest.fixture(scope="module")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    pytest.importorskip("numba")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYMDIFF_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


# --- NumPy ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("options", [{}, {"reuse_buffers": True}, {"fast": True}], ids=str)
def test_one_program_for_each_size_and_precision(options: dict[str, Any], written: Written) -> None:
    f = sd.lower(OUTPUTS, [X, w, y, RATE], **options)
    seen = set()
    for size in (*SIZES, *SIZES[::-1], *SIZES):
        for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 1e-5)):
            arguments = arrays(*size, dtype)
            for _ in range(2):
                if size[0]:
                    assert_right(f(*arguments), arguments, tolerance)
                else:
                    with np.errstate(all="ignore"):
                        assert_right(f(*arguments), arguments, tolerance)
            seen.add((size, dtype))
            assert Counter(written) == Counter(size for size, _ in seen)


@pytest.mark.parametrize("size", [(40, 30), (3, 2)])
def test_what_else_differs_takes_no_other_program(size: tuple[int, int], written: Written) -> None:
    f = sd.lower(OUTPUTS, [X, w, y, RATE])
    Xv, wv, yv, rate = arrays(*size)
    frozen = Xv.copy()
    frozen.setflags(write=False)
    forms = (Xv, np.asfortranarray(Xv), Xv.tolist(), frozen, np.repeat(Xv, 2, axis=0)[::2], Xv[::-1][::-1], Xv.astype(">f8"))
    for form in forms:
        for number in (rate, 0.25, np.array(0.25)):
            assert_right(f(form, wv, yv, number), [Xv, wv, yv, rate])
            assert_right(f(form, rate=number, w=wv, y=yv), [Xv, wv, yv, rate])
    np.testing.assert_allclose(f(np.ones(size, int), wv, yv, 1)[1], by_hand(np.ones(size), wv, yv, 1)[1], rtol=1e-12)
    assert written == [size]


def test_none_is_written_without_fast(written: Written) -> None:
    f = sd.lower(OUTPUTS, [X, w, y, RATE], fast=False)
    for size in SIZES[:4]:
        assert_right(f(*arrays(*size)), arrays(*size))
    assert written == []


def test_only_so_many_are_kept_and_those_let_go_come_back(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lowered, "SPECIALISED", 4)
    f = sd.lower(OUTPUTS, [X, w, y, RATE])
    rows = [*range(40, 40 + 2 * lowered.SPECIALISED), 40]
    for n in rows:
        assert_right(f(*arrays(n, 30)), arrays(n, 30))
        assert len(f._special) <= lowered.SPECIALISED and all(len(known) <= lowered.SPECIALISED for known in f._runs.values())
    assert [shape[0] for shape in written] == rows


def test_hints_are_written_ahead_and_bind_nobody(written: Written) -> None:
    f = sd.lower(OUTPUTS, [X, w, y, RATE], sizes={"n": 40, "d": 30}, fast=True)
    assert written == [(40, 30)] and "X (40, 30)" in f.source
    assert_right(f(*arrays(40, 30)), arrays(40, 30))
    assert len(written) == 1  # that one is what is called
    for size in ((30, 40), (40, 31), (3, 2), (40, 30)):
        assert_right(f(*arrays(*size)), arrays(*size))
    assert written[1:] == [(30, 40), (40, 31), (3, 2)]
    with pytest.raises(BindingError, match="y has shape"):
        f(*arrays(40, 30)[:2], np.ones(30), 0.25)
    assert "X (40, 30)" in f.source


def test_constants_fix_sizes_and_the_rest_is_written_as_ever(written: Written) -> None:
    Xv, wv, yv, rate = arrays(40, 30)
    f = sd.lower(OUTPUTS, [w, y, RATE], constants={X: Xv})
    ahead = len(written)  # the program for any sizes, which here has none to leave open
    for _ in range(3):
        assert_right(f(wv, yv, rate), [Xv, wv, yv, rate])
    assert written[ahead:] == [(30,)]
    with pytest.raises(BindingError, match="y has shape"):
        f(wv, yv[:-1], rate)
    Xv *= 2  # the constant is what it was
    assert_right(f(wv, yv, rate), arrays(40, 30))


def test_threads_that_come_first_at_once_all_get_it_right(written: Written) -> None:
    f = sd.lower(OUTPUTS, [X, w, y, RATE])
    data = [arrays(n, 20) for n in (40, 41, 40, 41)]
    for found, arguments in zip(in_threads(lambda a: f(*a), data), data, strict=True):
        assert_right(found, arguments)
    before = len(written)
    for arguments in data:
        assert_right(f(*arguments), arguments)
    assert len(written) == before and set(written) == {(40, 20), (41, 20)}


# --- numba ------------------------------------------------------------------------------------------------------------
@pytest.fixture
def loaded(own_cache: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sources that are compiled."""
    made: list[str] = []

    def load(source: str, whole: Callable[[str], Any] = lowered_compiled.load) -> Any:
        made.append(source)
        return whole(source)

    monkeypatch.setattr(lowered_compiled, "load", load)
    return made


@pytest.mark.parametrize("hints", [{}, {"n": 40, "d": 30}], ids=["unhinted", "hinted"])
def test_loops_are_compiled_once_for_all_sizes(hints: dict[str, int], loaded: list[str]) -> None:
    f = sd.lower(OUTPUTS, [X, w, y, RATE], backend="numba", sizes=hints)
    assert loaded == []
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 1e-5), (np.float64, 1e-12)):
        for size in (*SIZES[:4], SIZES[0]):
            arguments = arrays(*size, dtype)
            assert_right(f(*arguments), arguments, tolerance)
    assert len(loaded) == 2  # one a precision
    with pytest.raises(BindingError, match="y has shape"):
        f(*arrays(40, 30)[:2], np.ones(30), 0.25)


def test_loops_of_known_ends_take_those_sizes_alone(loaded: list[str]) -> None:
    f = sd.lower(OUTPUTS, [X, w, y, RATE], backend="numba").for_sizes(n=6, d=3)
    for _ in range(2):
        assert_right(f(*arrays(6, 3)), arrays(6, 3))
    assert len(loaded) == 1
    with pytest.raises(BindingError, match=r"X has shape \(7, 3\)"):
        f(*arrays(7, 3))


@pytest.mark.parametrize("constant", [[X], [RATE]], ids=lambda found: "".join(v.name for v in found))
def test_constants_are_compiled_in(constant: list[Any], loaded: list[str]) -> None:
    inputs = [X, w, y, RATE]
    values = dict(zip(inputs, arrays(6, 3), strict=True))
    rest = [v for v in inputs if v not in constant]
    constants = {v: values[v] for v in constant}
    compiled, plain = (sd.lower(OUTPUTS, rest, constants=constants, backend=b) for b in ("numba", "numpy"))
    for scale in (1.0, -0.5):
        arguments = dict(values) | {w: scale * values[w]}
        given = [arguments[v] for v in rest]
        assert_right(compiled(*given), list(arguments.values()))
        for a, b in zip(compiled(*given), plain(*given), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
    assert len(loaded) == 1
    single = [np.float32(values[v]) for v in rest]
    found = compiled(*single)
    assert all(a.dtype == np.float32 for a in found)
    assert_right(found, list(values.values()), 1e-5)
    if X in constant:
        with pytest.raises(BindingError, match="w has shape"):
            compiled(*(np.ones(4) if v is w else values[v] for v in rest))
