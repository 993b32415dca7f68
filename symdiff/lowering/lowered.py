"""`lower`: from expressions to a function of arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Self

import numpy as np

from symdiff.errors import BindingError, Unsupported, did_you_mean
from symdiff.expr.collector import paused
from symdiff.expr.dims import show_shape
from symdiff.expr.node import Expr
from symdiff.lowering.binding import DOUBLE, SINGLE, Binder
from symdiff.lowering.calls import MISSING, Call, Face, Shapes, call_on_floats, checked_call, packing, with_own_dtypes
from symdiff.lowering.explaining import explained
from symdiff.lowering.numpy_source import emit
from symdiff.lowering.passes import optimise
from symdiff.lowering.program import Program
from symdiff.lowering.recipe import Recipe, Structure, prepared
from symdiff.lowering.special import LARGEST, Form, Options, Special, special_form
from symdiff.lowering.updates import require_blas

BACKENDS = ("numpy",)
SPECIALISED = 16  # sizes for which a function keeps a program


class Lowered(partial[Any]):
    """A compiled function of arrays. Call it with the inputs, by position or by name; it returns fresh arrays, in the structure that
    `lower` was given: one array, a list, a tuple or a dict.

    A call with sizes and a dtype that are new writes the program again for them, and keeps it (`fast=False`: it does not).
    It is a `partial`, of the function that calls.py writes for it, because a call of one takes Python no frame.

    Attributes: `source`, a text that runs with NumPy alone; `program`, the instructions behind it; `raw`, the function of that source, for
    arrays of one dtype and scalars of NumPy's, which checks nothing but shapes that it is written for.

    Raises: BindingError for an input that is missing, unknown or of another shape than it was declared with; DtypeError for one
    that is not real.
    """

    def __new__(cls, *args: Any, **options: Any) -> Self:
        return super().__new__(cls, cls._other_call)  # until `_open`

    def __init__(
        self, recipe: Recipe, structure: Structure, fast: bool | None, options: Options, sizes: Mapping[str, int] | None = None
    ) -> None:
        if options.blas:
            require_blas()
        self._recipe = recipe
        self._structure = structure
        self._fast = fast
        self._options = options
        self._sizes = dict(sizes or {})
        self.program = program = [p for _, p in self._passes()][-1]
        self._names = sorted(program.size_names())
        self._special: dict[tuple[str, tuple[int, ...]], Special] = {}
        self._known = self._hinted()
        ahead = self._at(self._known, "np.float64") if fast and self._known is not None else None
        emitted = emit(program) if ahead is None else ahead.source
        self.source: str = emitted.text
        self.function = emitted.function
        self._emitted = Special(emitted) if ahead is None else ahead
        self._again = fast is not False and len(program.instructions) <= LARGEST
        self._open()

    @property
    def raw(self) -> Callable[..., Any]:
        """The function of `source`."""
        return self._emitted.run

    # --- calls ----------------------------------------------------------------------------------------------------
    def _open(self) -> None:
        """The functions that calls go to: for float64, else for float32, else `_other_call`."""
        self._binder = Binder(self.function, self.program.inputs, self.program.requirements)
        self._face = Face(self.function, self.program.inputs, self._structure, len(self.program.outputs))
        self._packed = packing(self._face)
        self._runs: dict[np.dtype[Any], dict[Shapes, Call]] = {DOUBLE: {}, SINGLE: {}}
        narrow = checked_call(self._face, SINGLE, self._runs[SINGLE], self._other_call)
        self._checked = checked_call(self._face, DOUBLE, self._runs[DOUBLE], narrow)
        self._call_by(self._checked)

    def _call_by(self, function: Call) -> None:
        self.__setstate__((function, (), {}, vars(self)))  # type: ignore[attr-defined]

    def _other_call(self, *args: Any, **named: Any) -> Any:
        """A call with arguments of other types, or of shapes that are new."""
        if own := with_own_dtypes(args):
            return self.func(*own, **named)
        values = self._binder.arrays(self._binder.ordered([a for a in args if a is not MISSING], named))
        dtype = next((v.dtype for v, i in zip(values, self.program.inputs, strict=True) if i.kind == "real"), DOUBLE)
        shapes = tuple(v.shape for v, i in zip(values, self.program.inputs, strict=True) if i.shape)
        known = self._runs[dtype]
        run = known.get(shapes)
        if run is None:
            special = self._special_for(values, dtype) if self._again else None
            if special is not None and special.on_floats is not None and self.func is self._checked:
                self._call_by(call_on_floats(self._face, special.on_floats, self._checked))  # it is the first to be asked from now on
                return self.func(*values)
            run = self.raw if special is None else special.run
            if len(known) >= SPECIALISED:
                known.clear()
            known[shapes] = run
        return self._packed(run(*values))

    def _special_for(self, values: Sequence[Any], dtype: np.dtype[Any]) -> Special:
        sizes = self._binder.sizes(values)
        return self._at(tuple(sizes[n] for n in self._names), f"np.{dtype.name}")

    # --- programs -------------------------------------------------------------------------------------------------
    def _at(self, sizes: tuple[int, ...], dtype: str) -> Special:
        """The program for sizes of the named dims, in alphabetical order, and a dtype."""
        key = dtype, sizes
        found = self._special.get(key)
        if found is None:
            if len(self._special) >= SPECIALISED:
                self._special.clear()
            found = self._special[key] = self._form(self._sized(sizes), sizes, dtype).write()
        return found

    def _form(self, program: Program, sizes: tuple[int, ...], dtype: str) -> Form:
        return special_form(program, dtype, self._options, self._carried(sizes))

    def _carried(self, sizes: tuple[int, ...]) -> dict[int, int]:
        """The axis of the longest named dim in each input that carries it, once, by register."""
        named = list(zip(self._names, sizes, strict=True)) or [(n, s) for n, s in self._sizes.items()]
        longest = max(named, key=lambda pair: pair[1], default=("", 0))[0]
        inputs = [(k, v.shape) for k, (_, v) in enumerate(self._recipe.arguments)]
        return {self.program.inputs[k].register: shape.index(longest) for k, shape in inputs if shape.count(longest) == 1}

    def _hinted(self) -> tuple[int, ...] | None:
        """The sizes of the named dims, if all were given ahead."""
        hints = dict(self._recipe.hints)
        return tuple(hints[n] for n in self._names) if all(n in hints for n in self._names) else None

    def _sized(self, sizes: tuple[int, ...]) -> Program:
        if not sizes:
            return self.program
        known = self._sizes | dict(zip(self._names, sizes, strict=True))
        return [p for _, p in _optimised(self._recipe.program(known))][-1]

    @cached_property
    def floats(self) -> Callable[..., tuple[float, ...]] | None:
        """If all sizes are known and the program is small enough to be taken apart, the same function from the entries of all inputs,
        as floats, to a tuple of those of all outputs: the state of a loop need not be arrays then. None otherwise."""
        known = self._known if self._fast else None if self._names else ()
        return None if known is None or self._fast is False else self._at(known, "np.float64").floats

    def for_sizes(self, **sizes: int) -> Lowered:
        """The function for these sizes of the named dims, all of them, with its source: what a call with such sizes runs.

        >>> from symdiff.expr.leaves import var
        >>> x = var('x', 'n')
        >>> print(lower(2 * x + 1, [x]).for_sizes(n=100).source)
        import numpy as np
        <BLANKLINE>
        one = np.array(1.0)
        <BLANKLINE>
        <BLANKLINE>
        def f(x):
            \"\"\"x (100,) -> out (100,)\"\"\"
            if x.shape != (100,):
                raise ValueError("f takes x (100,)")
            out = 2.0 * x
            out += one
            return out
        <BLANKLINE>
        """
        return Lowered(self._recipe, self._structure, True, self._options, self._with_all(sizes))

    def _with_all(self, sizes: Mapping[str, int]) -> dict[str, int]:
        """The sizes that are known with these, of all named dims that are left."""
        names = sorted(self.program.size_names())
        if missing := [n for n in names if n not in sizes]:
            raise BindingError(f"{self.function}: the size of {', '.join(missing)} is not given")
        return self._sizes | {n: sizes[n] for n in names}

    def __repr__(self) -> str:
        inputs = ", ".join(f"{i.name} {show_shape(i.shape)}" for i in self.program.inputs)
        return f"<lowered {self.function}({inputs})>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Lowered, (self._recipe, self._structure, self._fast, self._options, self._sizes)

    def _passes(self) -> list[tuple[str, Program]]:
        return _optimised(self._recipe.program(self._sizes))

    def explain(self) -> str:
        """What each pass did, with counts before and after: instructions, operations, bytes written, and bytes of the arrays that are made
        (float64, at the hinted sizes). If `sizes` has them all, so do the passes that calls of these sizes go through."""
        sizes = dict(self._recipe.hints) | self._sizes
        if not self._again or self._known is None:
            return explained(self._passes(), sizes)
        passes = _optimised(self._recipe.program(sizes))
        return explained([*passes, *self._form(passes[-1][1], self._known, "np.float64").steps], sizes)

    def save(self, path: str | Path) -> None:
        """Write the source as a module that runs with NumPy alone; with `blas` it may import SciPy."""
        Path(path).write_text(self.source, encoding="utf-8")


def _optimised(program: Program) -> list[tuple[str, Program]]:
    return [("as written", program), *optimise(program)]


@paused()
def lower(
    outputs: Any,
    inputs: Any = None,
    *,
    backend: str = "numpy",
    sizes: Mapping[str, int] | None = None,
    constants: Mapping[Any, Any] | None = None,
    names: Mapping[Expr, str] | None = None,
    comments: Mapping[Expr, str] | None = None,
    name: str = "f",
    fast: bool | None = None,
    reuse_buffers: bool = False,
    fast_math: bool = False,
    blas: bool = False,
) -> Lowered:
    """A function of arrays that computes the outputs, and whose `source` is readable NumPy.

    outputs: an expression, or a list, tuple or dict of them; calls return the same structure.
    inputs: the variables that are arguments, in order (by default those of the outputs, as they appear), or a dict of argument names.
    sizes: the sizes of named dims that no input carries; for the others a hint of what is cheap, never a promise.
    constants: arrays for variables that are no arguments then; what depends on them alone is computed now.
    names: what to call an expression in the source; comments: what to write beside it.

    fast: the program is written again for the sizes and the dtype of each call that brings new ones, with memory planned for them; a tiny
        one is computed on Python floats then. True: so is `source`, if `sizes` has them all; False: not even calls are.
    reuse_buffers: calls return arrays that a later call writes to again, though not the next one of the thread, whose arguments they may be.
        Those that are zeros but for a diagonal keep their zeros, and are read-only.
    fast_math: sin and cos of float64 arrays by one tangent, that of half the angle: right to 3e-16, but absolutely, not relative to the
        value, near the zeros of cos. Without it long arrays take two tangents, which keep the digits there too, where NumPy has vector
        code for tan, and are left as they are elsewhere.
    blas: W - X.T @ d is one call of SciPy's BLAS (extra `fast`) in programs for known sizes, where that saves time. Trap: NumPy has a BLAS
        of its own. With more than one thread each, the two wait for each other, and steps become several times slower: set
        OPENBLAS_NUM_THREADS=1.

    At run time arithmetic is float64, or float32 throughout if every floating input is float32.

    Raises: BindingError for a variable that is no input, a size that is neither carried nor given, or a constant of another shape;
    MissingExtra for `blas` without SciPy.

    >>> from symdiff.expr.leaves import var
    >>> X, w, y = var('X', ('n', 'd')), var('w', 'd'), var('y', 'n')
    >>> f = lower([((X @ w - y) ** 2).sum()], [X, w, y])
    >>> f([[1, 2], [3, 4]], [1, 1], [3, 5])
    [np.float64(4.0)]
    """
    if backend not in BACKENDS:
        raise Unsupported(f"lower: there is no backend {backend!r}{did_you_mean(backend, BACKENDS)}. Backends: {', '.join(BACKENDS)}")
    structure, recipe = prepared(outputs, inputs, name=name, sizes=sizes, constants=constants, names=names, comments=comments)
    return Lowered(recipe, structure, fast, Options(reuse_buffers, fast_math, blas))
