"""Passes in every combination: none needs another one to be right, none changes what it is given, and most find nothing to do twice."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import size_names
from symdiff.lowering.blocks import in_blocks
from symdiff.lowering.numba_source import emit_numba
from symdiff.lowering.numpy_source import Source, emit
from symdiff.lowering.passes import PASSES, Pass, optimise
from symdiff.lowering.placed_source import emit_placed
from symdiff.lowering.program import Program, check
from symdiff.lowering.recipe import prepared
from symdiff.lowering.scalar_source import emit_scalars
from symdiff.lowering.scalars import scalarise
from symdiff.lowering.special import Options, special_passes
from symdiff.lowering.updates import accumulate_products
from tests.lowering.test_random_passes import INDEX, Values, random_case, run_of
from tests.lowering.test_special_random import LEAVES, network
from tests.lowering.test_special_random import SIZES as LAYERS
from tests.random_expressions import Close

Passes = Sequence[tuple[str, Pass]]
ADD_PRODUCTS = {d: ("add products in place", accumulate_products(d, least_copied=0)) for d in ("np.float64", "np.float32")}
NOT_SETTLED = {
    "fold constants",  # an output that is a constant gets a new register each time
    "scale what is small",  # where a scaling went, another may find a better place
}


def case(seed: int) -> tuple[list[Expr], Values, dict[str, int]]:
    """Random outputs, values and sizes: of all kinds of operations, or of layers and their gradients."""
    if seed % 3:
        return random_case(seed)
    rng = np.random.default_rng(seed)
    return network(seed), {x: rng.normal(size=tuple(LAYERS[str(d)] for d in x.shape)) for x in LEAVES}, LAYERS


def programs(outputs: list[Expr], env: Values, sizes: dict[str, int], folded: bool) -> tuple[list[Var], Program, Program]:
    """The inputs that are left, and the programs as written for any sizes and for these; `folded`: every other input is a constant."""
    constants = {v: env[v] for v in list(env)[1::2] if v is not INDEX} if folded else {}
    inputs = [v for v in env if v not in constants]
    carried = {str(d) for v in inputs for d in v.shape if isinstance(d, str)}
    occurring = size_names(*outputs, *env)
    given = {n: s for n, s in sizes.items() if n in occurring}
    _, recipe = prepared(outputs, inputs, name="f", sizes=given, constants=constants, names=None, comments=None)
    fixed = {d for c in constants for d in c.shape}
    return inputs, recipe.program(), recipe.program({n: s for n, s in given.items() if n in carried - fixed})


def combinations(program: Program, passes: Passes) -> list[tuple[str, Program]]:
    """The program after some of the passes, in their order, for every choice of some."""
    made = [("", program)]
    for name, run in passes:
        made += [(f"{before}, {name}" if before else name, check(run(p))) for before, p in made]
    return made


def after(program: Program, passes: Passes) -> Program:
    for _, changed in optimise(program, passes):
        program = changed
    return program


def general_sources(anyhow: Program, known: Program, dtype: str) -> Iterator[tuple[str, Source]]:
    """What can be written of the programs after each combination of the passes that all sources share."""
    *special, plan = special_passes(dtype, Options(fast_math=True))
    for name, p in combinations(anyhow, PASSES):
        yield f"any sizes, {name}", emit(p)
        if dtype == "np.float64":
            yield f"loops, {name}", emit_numba(p)
    for k, (name, p) in enumerate(combinations(known, PASSES)):
        yield f"memory, {name}", emit_placed(after(p, [plan]), dtype, k % 2 == 0)
        yield f"memory and special passes, {name}", emit_placed(after(p, [*special, plan]), dtype, k % 2 == 1)
        scalars = scalarise(p) if dtype == "np.float64" else None
        if scalars is not None:
            yield f"floats, {name}", emit_scalars(p, scalars)[0]


def some_sources(known: Program, dtype: str, count: int, rng: np.random.Generator) -> Iterator[tuple[str, Source]]:
    """Sources for known sizes after combinations of all passes drawn at random."""
    for k in range(count):
        *special, plan = special_passes(dtype, Options(fast_math=bool(rng.random() < 0.5)))
        kept = [p for p in (*PASSES, *special, ADD_PRODUCTS[dtype]) if rng.random() < 0.5]
        yield ", ".join(name for name, _ in kept), emit_placed(after(known, [*kept, plan]), dtype, k % 2 == 0)


def assert_all_close(sources: Iterator[tuple[str, Source]], arguments: Sequence[np.ndarray], close: Close, what: str) -> int:
    """Runs every text once, twice in a row; how many there were."""
    seen: set[str] = set()
    for name, source in sources:
        if source.text in seen:
            continue
        seen.add(source.text)
        run = run_of(source)
        for _ in range(2):
            try:
                found = run(*arguments)
            except (ZeroDivisionError, ValueError) as error:  # Python's floats raise where those of numba do not
                assert name.startswith("loops") and str(error) in ("float division by zero", "math domain error"), f"{what}, {name}"
            else:
                close(found if isinstance(found, tuple) else (found,), f"{what}, {name}")
    return len(seen)


def check_combinations(seed: int, every: bool, drawn: int) -> int:
    """All sources of a random case, in both precisions; how many there were."""
    outputs, env, sizes = case(seed)
    count = 0
    for folded in (False, True) if every else (seed % 2 == 1,):
        try:
            Close(outputs, env, sizes, 1e-12, 1.2e-16)
        except ValueError:  # the largest of none
            return 0
        inputs, anyhow, known = programs(outputs, env, sizes, folded)
        rng = np.random.default_rng(seed)
        for dtype, tolerance, rounding in (("np.float64", 1e-12, 1.2e-16), ("np.float32", 1e-5, 6e-8)):
            kind = getattr(np, dtype[3:])
            values = {v: a if v is INDEX else a.astype(kind) for v, a in env.items()}
            arguments = [values[v] if v.ndim else kind(values[v]) for v in inputs]
            close = Close(outputs, {v: a if v is INDEX else a.astype(float) for v, a in values.items()}, sizes, tolerance, rounding)
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("error")
                if every:
                    count += assert_all_close(general_sources(anyhow, known, dtype), arguments, close, f"{seed}, {dtype}, {folded}")
                count += assert_all_close(some_sources(known, dtype, drawn, rng), arguments, close, f"{seed}, {dtype}, {folded}")
    return count


@pytest.mark.parametrize("seed", [pytest.param(0, marks=pytest.mark.slow), 1, 2, 4])
def test_every_combination_of_the_passes_that_all_sources_share(seed: int) -> None:
    assert check_combinations(seed, every=True, drawn=8) >= 30


@pytest.mark.parametrize("seed", range(20, 28))
def test_any_combination_of_all_passes(seed: int) -> None:
    check_combinations(seed, every=False, drawn=16)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2000, 2012))
def test_many_combinations_of_all_passes(seed: int) -> None:
    check_combinations(seed, every=True, drawn=20)


# --- passes as functions --------------------------------------------------------------------------------------------
def exactly(program: Program) -> tuple[str, str, str, list[tuple[object, ...]]]:
    """A program with every digit of it, to be compared."""
    constants = [(c.shape, c.dtype.str, c.tobytes()) for c in program.constants]
    return repr(program), str(program), repr(program.requirements), constants


def all_passes(dtype: str) -> list[tuple[str, Pass]]:
    *special, plan = special_passes(dtype, Options(fast_math=True))
    return [*PASSES, *special, ADD_PRODUCTS[dtype], plan]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("dtype", ADD_PRODUCTS)
def test_a_pass_changes_nothing_that_it_is_given_and_settles_at_once(seed: int, dtype: str) -> None:
    outputs, env, sizes = case(seed)
    _, _, program = programs(outputs, env, sizes, folded=seed % 2 == 1)
    for name, run in all_passes(dtype):
        before = exactly(program)
        changed = run(program)
        assert exactly(program) == before, name
        again = run(changed)
        assert exactly(run(program)) == exactly(changed), f"{name} gives another program the second time"
        if name == "plan buffers":
            assert exactly(again) == exactly(changed), name
        elif name not in NOT_SETTLED:
            assert again is changed, name
        assert len(again.instructions) <= len(changed.instructions), name
        program = check(changed)


@pytest.mark.parametrize("seed", range(6))
def test_writing_a_program_out_changes_nothing_of_it(seed: int) -> None:
    outputs, env, sizes = case(seed)
    inputs, anyhow, known = programs(outputs, env, sizes, folded=False)
    *special, plan = special_passes("np.float64", Options())
    program = after(known, [*PASSES, *special])
    planned = after(program, [plan])
    rows = {program.inputs[k].register: 0 for k, v in enumerate(inputs) if v.shape[:1] == ("n",)}
    for p, write in (
        (anyhow, emit),
        (anyhow, emit_numba),
        (known, scalarise),
        (program, lambda p: in_blocks(p, rows) if rows else None),
        (planned, lambda p: emit_placed(p, "np.float64", True)),
    ):
        before = exactly(p)
        first = write(p)
        assert exactly(p) == before
        assert repr(first) == repr(write(p))
