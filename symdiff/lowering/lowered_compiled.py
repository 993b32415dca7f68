"""`lower(..., backend='numba')`: a function of arrays that runs as machine code, compiled when it is first called with a dtype.

`backend='auto'` chooses between this and NumPy by estimates (numba_cost.py) and the number of calls that are to come.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from symdiff.errors import Unsupported
from symdiff.expr.node import Expr
from symdiff.lowering.binding import DOUBLE
from symdiff.lowering.lowered import Lowered, lower
from symdiff.lowering.numba_cache import load, numba_is_there, require_numba
from symdiff.lowering.numba_cost import compile_seconds, compiled_call_seconds, numpy_seconds, pays_off
from symdiff.lowering.numba_source import emit_numba
from symdiff.lowering.program import Program
from symdiff.lowering.recipe import Recipe, Structure, prepared


class Compiled(Lowered):
    """A function of arrays that runs as machine code. It releases the interpreter's lock, and calls share no memory.

    `source` is the module for float64 (that for float32 has the same loops); it needs NumPy and numba to run. `raw` takes arrays of one
    dtype and scalars of NumPy's, and checks nothing. Besides the errors of Lowered, a call raises IndexError for an index out of bounds.
    """

    floats = None

    def __init__(self, recipe: Recipe, structure: Structure, sizes: Mapping[str, int] | None = None) -> None:
        self._recipe = recipe
        self._structure = structure
        self._sizes = dict(sizes or {})
        self.program: Program = [p for _, p in self._passes()][-1]
        emitted = emit_numba(self.program)
        self.source, self.function = emitted.text, emitted.function
        self._compiled: dict[np.dtype[Any], Callable[..., Any]] = {}
        self._first = next((k for k, i in enumerate(self.program.inputs) if i.kind == "real"), None)
        self._again = False
        self._open()

    @property
    def raw(self) -> Callable[..., Any]:
        """The compiled function, of the dtype of its arguments."""
        return self._run

    def _run(self, *args: Any) -> Any:
        dtype = DOUBLE if self._first is None else args[self._first].dtype
        function = self._compiled.get(dtype) or self._load(dtype)
        try:
            return function(*args)
        except TypeError:  # an array that is not in C order, or read-only: numba knows those as other types
            return function(*(np.require(a, requirements=("C", "A", "W")) if isinstance(a, np.ndarray) else a for a in args))

    def _load(self, dtype: np.dtype[Any]) -> Callable[..., Any]:
        emitted = emit_numba(self.program, dtype.name)
        function: Callable[..., Any] = load(emitted.text)[emitted.function]
        return self._compiled.setdefault(dtype, function)

    def for_sizes(self, **sizes: int) -> Lowered:
        """The compiled function for these sizes of the named dims, all of them: its loops have known ends."""
        return Compiled(self._recipe, self._structure, self._with_all(sizes))

    def __reduce__(self) -> tuple[Any, ...]:
        return Compiled, (self._recipe, self._structure, self._sizes)


def lower_compiled(
    outputs: Any,
    inputs: Any = None,
    *,
    calls: float | None = None,
    sizes: Mapping[str, int] | None = None,
    constants: Mapping[Any, Any] | None = None,
    names: Mapping[Expr, str] | None = None,
    comments: Mapping[Expr, str] | None = None,
    name: str = "f",
    fast: bool | None = None,
    reuse_buffers: bool = False,
    fast_math: bool = False,
    blas: bool = False,
) -> Compiled:
    """`lower` by the numba backend; `calls`, `fast`, `reuse_buffers`, `fast_math` and `blas` change nothing: every call runs compiled, on
    memory of its own, by the functions of the C library.

    Raises: MissingExtra without numba; Unsupported, with its name, for an operation that the backend has not.
    """
    require_numba()
    structure, recipe = prepared(outputs, inputs, name=name, sizes=sizes, constants=constants, names=names, comments=comments)
    return Compiled(recipe, structure)


def lower_chosen(outputs: Any, inputs: Any = None, *, calls: float | None = None, **options: Any) -> Lowered:
    """`lower` by NumPy, unless so many calls are to come that compiling surely pays off."""
    plain = lower(outputs, inputs, **options)
    if not calls or not numba_is_there():
        return plain
    sizes = dict(options.get("sizes") or {})
    before = numpy_seconds(plain.program, sizes)
    after = compiled_call_seconds(plain.program, sizes)
    if not pays_off(calls, before, after, 0.0):
        return plain
    try:
        other = lower_compiled(outputs, inputs, **options)
    except Unsupported:
        return plain
    return other if pays_off(calls, before, after, compile_seconds(other.source)) else plain
