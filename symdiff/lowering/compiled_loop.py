"""A loop of steps, from expressions to a compiled function that is run a number of steps at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symdiff.errors import BindingError
from symdiff.expr.dims import show_shape
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.lowering.numba_cache import load, require_numba
from symdiff.lowering.numba_cost import compile_seconds, compiled_seconds, numpy_seconds
from symdiff.lowering.numba_loop import Loop, emit_loop
from symdiff.lowering.numba_scalars import taken_apart
from symdiff.lowering.passes import optimise
from symdiff.lowering.program import Program
from symdiff.lowering.recipe import make_recipe

Array = NDArray[Any]


class CompiledLoop:
    """Steps that run as machine code; made by `lower_loop`. `source` is a module that needs NumPy and numba."""

    def __init__(self, program: Program, loop: Loop, dtype: str) -> None:
        emitted = emit_loop(program, loop, dtype)
        self.program = program
        self.dtype = np.dtype(dtype)
        self.source = emitted.text
        self.function = emitted.function
        self.recorded = loop.recorded
        self._loop = loop
        self._carried = {i for i, _ in loop.carried}
        self._function: Callable[..., int] | None = None

    def compile(self) -> None:
        """Compile, or find what has been compiled before. Raises: MissingExtra without numba."""
        if self._function is None:
            self._function = load(self.source)[self.function]

    def run(self, values: Sequence[Array], steps: int, records: Sequence[Array] | None = None) -> tuple[list[Array], list[Array], int]:
        """Do so many steps from values for all inputs, in their order; those that are fed have one more axis in front, of the steps.

        Returns what was recorded, an array for each output of it (in `records`, where those are given, of the dtype); the values of the carried inputs after the last step, in fresh arrays;
        and the number of steps done, which is smaller than asked where the first record is not finite.
        Raises: BindingError for a value of another shape than the program was made for, or for less than one step.
        """
        if steps < 1:
            raise BindingError(f"{self.function}: {steps} steps are asked for; at least 1 is wanted")
        self.compile()
        assert self._function is not None
        given = [self._argument(k, a, steps) for k, a in enumerate(values)]
        kept = records or [np.empty(steps, self.dtype) for _ in range(self.recorded)]
        done = self._function(*given, *kept)
        after = [given[i].reshape(np.shape(values[i])) for i, _ in self._loop.carried]
        return [r[: done + 1] for r in kept], after, done

    def _argument(self, k: int, value: Array, steps: int) -> Any:
        """A value as the compiled function takes it; one that is carried is copied, because it is changed."""
        i = self.program.inputs[k]
        array: Array = np.array(value, self.dtype if i.kind == "real" else np.int64, order="C", copy=True if k in self._carried else None)
        shape = (steps, *i.shape) if k in self._loop.fed else i.shape
        if array.ndim != len(shape) or any(isinstance(d, int) and d != n for d, n in zip(shape, array.shape, strict=True)):
            raise BindingError(f"{self.function}: {i.name} has shape {array.shape}; {show_shape(shape)} is expected")
        if shape:
            return np.require(array, requirements=("C", "A", "W"))
        return array.reshape(1) if k in self._carried else array[()]

    def seconds(self, sizes: Mapping[str, int] | None = None) -> tuple[float, float, float]:
        """Estimates: of a step by NumPy, of one compiled, and of compiling."""
        known = dict(sizes or {})
        return numpy_seconds(self.program, known), compiled_seconds(self.program, known), compile_seconds(self.source)


def lower_loop(
    recorded: Sequence[Expr],
    updates: Mapping[Var, Expr],
    inputs: Sequence[Var],
    *,
    fed: Sequence[Var] = (),
    sizes: Mapping[str, int] | None = None,
    names: Mapping[Expr, str] | None = None,
    name: str = "step",
    dtype: str = "float64",
) -> CompiledLoop:
    """The loop of a step: `updates` are the next values of some inputs, all computed from the values before.

    recorded: scalars that are kept of every step; the loop ends where the first is not finite. fed: inputs that have another value in
    every step. sizes: of the named dims; with all of them known a small step is taken apart into scalars.
    Raises: MissingExtra without numba; Unsupported for an operation that the backend has not; BindingError as `lower`.

    >>> from symdiff.expr.leaves import var
    >>> x, rate = var('x'), var('rate')
    >>> loop = lower_loop([x * x], {x: x - rate * 2 * x}, [x, rate])
    >>> records, (after,), done = loop.run([np.array(1.0), np.array(0.25)], 3)
    >>> records[0].tolist(), float(after), done
    ([1.0, 0.25, 0.0625], 0.125, 3)
    """
    require_numba()
    expressions = [*recorded, *updates.values()]
    output_names = [*(dict(names or {}).get(e, f"value{k}") for k, e in enumerate(recorded, 1)), *(f"new_{v.name}" for v in updates)]
    recipe = make_recipe(
        expressions, output_names, list(inputs), name=name, sizes=sizes or {}, constants={}, names=names or {}, comments={}
    )
    carried = tuple((list(inputs).index(v), len(recorded) + k) for k, v in enumerate(updates))
    program, sized = ([p for _, p in optimise(recipe.program(known))][-1] for known in ({}, dict(sizes or {})))
    if taken_apart(sized) is not None:  # loops whose ends are numbers would be unrolled, which takes long to compile and gains nothing
        program = sized
    return CompiledLoop(program, Loop(carried, tuple(list(inputs).index(v) for v in fed), len(recorded)), dtype)
