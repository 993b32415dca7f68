"""Random programs called by several threads at once, each with sizes and a precision of its own at every call: the first calls, which write
programs and plan memory, race as the later ones do."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symdiff as sd
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import size_names, variables
from symdiff.lowering import lowered
from tests.lowering.test_random_programs import Maker
from tests.lowering.test_special_random import LEAVES, network
from tests.random_expressions import Close
from tests.threads import in_threads

THREADS = 4
TINY = [dict(n=n, d=d, h=h, m=m) for n, d, h, m in ((2, 1, 2, 1), (1, 2, 1, 2), (1, 1, 1, 1), (2, 2, 1, 1))]
SMALL = [dict(n=n, d=d, h=h, m=m) for n, d, h, m in ((6, 3, 4, 2), (3, 2, 5, 1), (1, 4, 2, 3), (9, 3, 4, 2), (20, 3, 2, 2))]
OPTIONS: dict[str, dict[str, Any]] = {
    "usual": {},
    "buffers used again": {"reuse_buffers": True},
    "for any sizes": {"fast": False},
    "by half angles": {"fast_math": True, "reuse_buffers": True},
}
Case = tuple[list[Any], Close]


@pytest.fixture(autouse=True)
def threads_take_turns_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def random_program(seed: int) -> tuple[list[Expr], list[Var]]:
    """Layers and their gradients, or anything."""
    if seed % 2 == 0:
        return network(seed), LEAVES
    maker = Maker(np.random.default_rng(seed))
    for _ in range(14):
        maker.step()
    return maker.made[-3:], list(variables(*maker.made[-3:]))


def cases(outputs: list[Expr], inputs: list[Var], every: list[dict[str, int]], seed: int) -> list[Case]:
    """Arguments of each of the sizes in both precisions, and what their results are compared with."""
    rng = np.random.default_rng(seed)
    made: list[Case] = []
    for sizes in every:
        for dtype, tolerance, rounding in ((np.float64, 1e-12, 1.2e-16), (np.float32, 1e-5, 6e-8)):
            env = {v: rng.normal(size=tuple(sizes.get(str(d), d) for d in v.shape)).astype(dtype) for v in inputs}
            close = Close(outputs, {v: a.astype(float) for v, a in env.items()}, sizes, tolerance, rounding)
            made.append(([a if a.ndim else dtype(a) for a in env.values()], close))
    return made


def race(f: Any, made: list[Case], rounds: int) -> None:
    """Each thread calls with all cases in an order of its own, some of them twice in a row."""

    def work(k: int) -> None:
        order = np.random.default_rng(k).integers(len(made), size=rounds)
        for c in order.repeat(2):
            arguments, close = made[c]
            close(f(*arguments), f"thread {k}, case {c}")

    in_threads(work, range(THREADS))


def sizes_for(outputs: list[Expr], inputs: list[Var]) -> dict[str, int]:
    """Sizes of the dims that no input carries, which are the same for all calls."""
    return dict.fromkeys(sorted(size_names(*outputs, *inputs) - {str(d) for v in inputs for d in v.shape}), 2)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 6))])
def test_threads_with_sizes_of_their_own(seed: int, options: dict[str, Any]) -> None:
    outputs, inputs = random_program(seed)
    fixed = sizes_for(outputs, inputs)
    f = sd.lower(outputs, inputs, simplify=False, sizes=fixed, **options)
    race(f, cases(outputs, inputs, [sizes | fixed for sizes in TINY + SMALL], seed), 20)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_threads_while_programs_are_thrown_away(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lowered, "SPECIALISED", 2)
    outputs, inputs = random_program(2)
    race(sd.lower(outputs, inputs, simplify=False, **options), cases(outputs, inputs, TINY[:2] + SMALL[:2], 2), 8)


def flat(arrays: Sequence[Any]) -> list[float]:
    return [float(x) for a in arrays for x in np.ravel(a)]


@pytest.mark.parametrize("seed", [0, 6])
def test_threads_on_floats(seed: int) -> None:
    """The function of floats itself, and calls that it has taken over, of arrays of the sizes that it knows and of others."""
    outputs, inputs = random_program(seed)
    f = sd.lower(outputs, inputs, simplify=False)
    known = {n: s for n, s in TINY[1].items() if n != "m"}
    on_floats = f.for_sizes(**known).floats
    assert on_floats is not None

    def both(*arguments: Any) -> list[Any]:
        found = f(*arguments)
        if arguments[0].shape == (1, 2) and arguments[0].dtype == np.float64:
            np.testing.assert_allclose(on_floats(*flat(arguments)), flat(found), rtol=1e-14)
        return found

    made = cases(outputs, inputs, TINY[:3], seed)
    f(*made[2][0])
    race(both, made, 30)


def test_threads_on_compiled_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    monkeypatch.setenv("SYMDIFF_CACHE_DIR", str(tmp_path))
    outputs, inputs = random_program(1)
    fixed = sizes_for(outputs, inputs)
    f = sd.lower(outputs, inputs, simplify=False, sizes=fixed, backend="numba")
    race(f, cases(outputs, inputs, [sizes | fixed for sizes in TINY + SMALL], 1), 20)
