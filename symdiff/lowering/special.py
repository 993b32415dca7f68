"""A program written for sizes that are known: on floats if it is tiny, otherwise on arrays that each have their memory.

Both are made from the same instructions as the source for any sizes, by further passes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from symdiff.lowering.blocked_source import emit_blocked
from symdiff.lowering.blocks import Blocked, in_blocks
from symdiff.lowering.buffers import plan_buffers
from symdiff.lowering.calls import OnFloats
from symdiff.lowering.expansions import expand_functions
from symdiff.lowering.half_angles import half_angles
from symdiff.lowering.matrices import products_as_matrices
from symdiff.lowering.numpy_source import Source, emit
from symdiff.lowering.passes import Pass, optimise
from symdiff.lowering.placed_source import emit_placed
from symdiff.lowering.program import Program
from symdiff.lowering.scalar_source import emit_scalars
from symdiff.lowering.scalars import scalarise
from symdiff.lowering.scaling import scale_early
from symdiff.lowering.schedule import read_first
from symdiff.lowering.stacks import stack_alike
from symdiff.lowering.symmetric import symmetric_products
from symdiff.lowering.updates import accumulate_products

LARGEST = 1000  # instructions of a program that is written again for each size


class Options(NamedTuple):
    """What the writer of a special program may do.

    `reuse`: results lie in memory that is used again. `fast_math`: cosines in float64 may lose digits near their zeros.
    `blas`: products may be added to arrays by SciPy's BLAS.
    """

    reuse: bool = False
    fast_math: bool = False
    blas: bool = False


class Special:
    """Source for known sizes and one dtype, compiled when one of its functions is asked for.

    If it computes on floats, `on_floats` has what calls with arrays run.
    """

    def __init__(self, source: Source, floats: str = "", on_floats: OnFloats | None = None) -> None:
        self.source = source
        self.on_floats = on_floats
        self._floats = floats

    @cached_property
    def _space(self) -> dict[str, Any]:
        return run_text(self.source)

    @property
    def run(self) -> Callable[..., Any]:
        """The function of arrays."""
        return self._space[self.source.function]  # type: ignore[no-any-return]

    @property
    def floats(self) -> Callable[..., tuple[float, ...]] | None:
        """The function from floats to floats, if there is one."""
        return self._space[self._floats] if self._floats else None


def special_passes(dtype: str, options: Options) -> tuple[tuple[str, Pass], ...]:
    """The passes that follow once every size is a number."""
    return (*_rewriting(dtype, options), *_placing(dtype, options))


def _rewriting(dtype: str, options: Options) -> tuple[tuple[str, Pass], ...]:
    """Those that blocks are cut after."""
    return (
        ("multiply a matrix with itself", symmetric_products),
        ("scale what is small", scale_early),
        ("multiply stacks as matrices", products_as_matrices),
        *((("take half angles", half_angles(options.fast_math)),) if dtype == "np.float64" else ()),
        ("write stable functions out", expand_functions(dtype)),
        ("read before writing over", read_first),
    )


def _placing(dtype: str, options: Options) -> tuple[tuple[str, Pass], ...]:
    """Those of a program that is not cut into blocks."""
    return (
        ("stack what is alike", stack_alike),
        *((("add products in place", accumulate_products(dtype)),) if options.blas else ()),
        ("plan buffers", plan_buffers),
    )


def fits(program: Program) -> bool:
    """Whether all sizes are numbers, and the program is short enough to be written again for them."""
    shapes = [*(i.shape for i in program.inputs), *(i.shape for i in program.instructions)]
    return all(isinstance(d, int) for shape in shapes for d in shape) and len(program.instructions) <= LARGEST


class Form(NamedTuple):
    """How a program for known sizes is written: by these steps, each with what it made, and what writes the last."""

    steps: tuple[tuple[str, Program | Blocked], ...]
    write: Callable[[], Special]


def special_form(program: Program, dtype: str, options: Options, carried: Mapping[int, int]) -> Form:
    """The form of a program, optimised and of known sizes, for arrays of this dtype ('np.float64' or 'np.float32').

    `carried` has the axis of the longest dim for each input, by register, that has that dim: blocks of rows are cut along it.
    """
    scalars = scalarise(program) if dtype == "np.float64" else None
    if scalars is not None:
        return Form((("compute on floats", scalars),), lambda: Special(*emit_scalars(program, scalars)))
    if not fits(program):
        return Form((), lambda: Special(emit(program)))
    rewritten = tuple(optimise(program, _rewriting(dtype, options)))
    whole = rewritten[-1][1]
    blocked = in_blocks(whole, carried) if carried else None
    if blocked is not None:
        return Form((*rewritten, ("cut into blocks", blocked)), lambda: Special(emit_blocked(whole, blocked, dtype, options.reuse)))
    placed = tuple(optimise(whole, _placing(dtype, options)))
    return Form((*rewritten, *placed), lambda: Special(emit_placed(placed[-1][1], dtype, options.reuse)))


def run_text(source: Source) -> dict[str, Any]:
    """The names that the source defines."""
    namespace: dict[str, Any] = {}
    exec(compile(source.text, f"<symdiff {source.function}>", "exec"), namespace)
    return namespace
