"""Random losses with their gradients and second derivatives, of ranks up to four, with ties, indices and sizes of none and one: every pass left
out in turn, every backend, both dtypes, against the reference evaluator."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from symdiff.errors import SymdiffError
from symdiff.expr import ops as o
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import size_names, variables
from symdiff.grad import grad
from symdiff.lowering.lowered import lower
from symdiff.lowering.numba_source import emit_numba
from symdiff.lowering.numpy_source import Source, emit
from symdiff.lowering.passes import PASSES, Pass, optimise
from symdiff.lowering.placed_source import emit_placed
from symdiff.lowering.program import Program
from symdiff.lowering.recipe import prepared
from symdiff.lowering.special import Options, run_text, special_passes
from tests.lowering.test_random_programs import Maker
from tests.random_expressions import Close

SIZES = (dict(n=3, d=2, m=4), dict(n=1, d=2, m=1), dict(n=2, d=1, m=2), dict(n=5, d=2, m=2), dict(n=1, d=1, m=1), dict(n=3, d=2, m=0))
INDEX = var("k", 3)
Values = dict[Var, np.ndarray]


class Mixed(Maker):
    """Takes entries by index, compares, and chooses as well."""

    def step(self) -> None:
        x = self.any()
        fitting = [e for e in self.made if e.shape == x.shape]
        y = fitting[int(self.rng.integers(len(fitting)))]
        match int(self.rng.integers(10)):
            case 0 if x.ndim:
                e = o.moveaxis(x, int(self.rng.integers(x.ndim)), 0)[self.index(x)]
            case 1:
                e = o.where(x >= y, o.tanh(x), y * 2)
            case 2:
                e = o.maximum(x, y) - o.minimum(o.relu(x), 1)
            case 3:
                e = (x > y) * o.sin(x) + o.where(o.equal(x, y), 0.5, x)
            case 4 if x.ndim:
                e = self.choice((o.max, o.min, o.prod, o.softmax, o.mean))(x, axis=int(self.rng.integers(x.ndim)))
            case _:
                super().step()
                return
        if e.ndim <= 4:
            self.made.append(o.tanh(e) if self.rng.random() < 0.3 else e)

    def index(self, x: Expr) -> Expr:
        return INDEX


def random_case(seed: int) -> tuple[list[Expr], Values, dict[str, int]]:
    """A loss of a random expression, its gradient, that of a function of the gradient; values full of ties; sizes."""
    rng = np.random.default_rng(seed)
    maker = Mixed(rng)
    while len(maker.made) < 20:
        try:
            maker.step()
        except SymdiffError:  # what was drawn does not fit
            continue
    x = maker.made[-1]
    loss = o.sum(o.tanh(x)) + o.mean(maker.made[-2])
    outputs = [x, loss]
    real = [v for v in variables(loss) if v is not INDEX]
    if real:
        slope = grad(loss, real[int(rng.integers(len(real)))])
        outputs.append(slope)
        again = [v for v in variables(slope) if v is not INDEX]
        if again:
            outputs.append(grad(o.sum(slope * o.sin(slope)), again[int(rng.integers(len(again)))]))
    sizes = SIZES[seed % len(SIZES)]
    env: Values = {}
    for v in variables(*outputs):
        shape = tuple(sizes.get(str(d), d) for d in v.shape)
        env[v] = rng.normal(size=shape) if rng.random() < 0.6 else rng.integers(-2, 3, size=shape) / 2
    if INDEX in env:
        env[INDEX] = rng.integers(-1, 1, size=3)
    return outputs, env, sizes


def lists_of_passes(passes: Sequence[tuple[str, Pass]]) -> Iterator[tuple[str, list[tuple[str, Pass]]]]:
    yield "all", list(passes)
    yield "none", []
    for name, _ in passes:
        yield f"without {name}", [p for p in passes if p[0] != name]


def programs(outputs: list[Expr], inputs: list[Var], sizes: dict[str, int]) -> Iterator[tuple[str, Source]]:
    """The sources that can be made of the outputs: each pass left out in turn, for any sizes and for these."""
    carried = {d for v in inputs for d in v.shape if isinstance(d, str)}
    given = {n: s for n, s in sizes.items() if n in _names(outputs, inputs)}
    _, recipe = prepared(outputs, inputs, name="f", sizes=given, constants=None, names=None, comments=None)

    def optimised(program: Program, passes: Sequence[tuple[str, Pass]]) -> Program:
        return [program, *(p for _, p in optimise(program, passes))][-1]

    straight = recipe.program()
    for name, passes in lists_of_passes(PASSES):
        yield f"any sizes, {name}", emit(optimised(straight, passes))
    yield "loops", emit_numba(optimised(straight, PASSES))
    known = recipe.program({n: s for n, s in given.items() if n in carried})
    yield "loops of known sizes", emit_numba(optimised(known, PASSES))
    yield "loops without passes", emit_numba(known)
    *special, plan = special_passes("np.float64", Options(fast_math=True))
    for name, passes in lists_of_passes(PASSES):
        yield f"known sizes, {name}", emit_placed(optimised(known, [*passes, *special, plan]), "np.float64", True)
    for name, passes in lists_of_passes(special):
        yield f"known sizes, special {name}", emit_placed(optimised(known, [*PASSES, *passes, plan]), "np.float64", len(passes) % 2 == 0)


def _names(outputs: list[Expr], inputs: list[Var]) -> set[str]:
    return size_names(*outputs, *inputs)


def run_of(source: Source):
    if "numba" not in source.text:
        return run_text(source)[source.function]
    namespace = {"njit": lambda *types, **options: types[0] if types and callable(types[0]) else lambda function: function}
    exec(source.text.replace("from numba import njit\n", ""), namespace)
    return namespace[source.function]


def check_case(seed: int) -> int:
    outputs, env, sizes = random_case(seed)
    inputs = list(env)
    try:
        close = Close(outputs, env, sizes, 1e-12, 1.2e-16)
    except ValueError:  # the largest of none
        with pytest.raises(ValueError, match=r"must not be empty|zero-size"):
            lower(outputs, inputs, sizes={n: s for n, s in sizes.items() if n in _names(outputs, inputs)})(*env.values())
        return 0
    arguments = [a if a.ndim else np.float64(a) for a in env.values()]
    count = 0
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error")
        for name, source in programs(outputs, inputs, sizes):
            run = run_of(source)
            for _ in range(2):
                try:
                    found = run(*arguments)
                except (ZeroDivisionError, ValueError) as error:  # Python's floats raise where those of numba do not
                    assert "loops" in name and str(error) in ("float division by zero", "math domain error"), name
                else:
                    close(found, f"{seed}, {name}")
            count += 1
    single = {v: a.astype(np.float32) if a.dtype == float else a for v, a in env.items()}
    close_single = Close(outputs, {v: a.astype(float) if v is not INDEX else a for v, a in single.items()}, sizes, 1e-5, 6e-8)
    narrow = [a if a.ndim else a.dtype.type(a) for a in single.values()]
    needed = {n: s for n, s in sizes.items() if n in _names(outputs, inputs)}
    for options in ({}, {"fast": True}, {"fast": False}, {"reuse_buffers": True}, {"fast_math": True, "reuse_buffers": True}):
        f = lower(outputs, inputs, sizes=needed, **options)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error")
            for _ in range(2):
                close(f(*arguments), f"{seed}, {options}")
                found = f(*narrow)
                close_single(found, f"{seed}, single, {options}")
                if any(v is not INDEX and v.ndim for v in inputs):
                    assert all(np.asarray(a).dtype != np.float64 for a in found), (seed, options)
        count += 2
    return count


@pytest.mark.parametrize("seed", range(8))
def test_every_pass_can_be_left_out(seed: int) -> None:
    check_case(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1060))
def test_every_pass_can_be_left_out_of_many(seed: int) -> None:
    check_case(seed)
