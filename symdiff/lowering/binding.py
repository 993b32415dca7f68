"""The arguments of a lowered function, checked against the shapes it was built for.

The checks that every call makes are written out as source (types, ranks, equal sizes), about a microsecond an input. When one fails
the slow way converts what can be converted and otherwise says what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from symdiff.errors import BindingError, DtypeError, did_you_mean
from symdiff.expr.dims import Dim, Shape, dim_names, dim_value, show_shape
from symdiff.lowering.naming import Names
from symdiff.lowering.program import Input, Requirement

FLOATS = (np.dtype(np.float64), np.dtype(np.float32))


class Binder:
    """Turns positional and keyword arguments into arrays of one dtype and of the right shapes."""

    def __init__(self, function: str, inputs: Sequence[Input], requirements: Sequence[Requirement]) -> None:
        self.function = function
        self.inputs = tuple(inputs)
        self.requirements = tuple(requirements)

    # --- which argument is which ----------------------------------------------------------------------------------
    def ordered(self, args: Sequence[Any], keywords: Mapping[str, Any]) -> list[Any]:
        """The arguments in the order of the inputs. Raises: BindingError for one too many, missing, unknown or given twice."""
        names = [i.name for i in self.inputs]
        if len(args) > len(names):
            raise BindingError(f"{self.function}: {len(args)} arguments for {len(names)} inputs: {', '.join(names)}")
        given: dict[str, Any] = dict(zip(names, args, strict=False))
        for name, value in keywords.items():
            if name not in names:
                raise BindingError(f"{self.function}: there is no input {name!r}{did_you_mean(name, names)}. Inputs: {', '.join(names)}")
            if name in given:
                raise BindingError(f"{self.function}: the input {name!r} is given twice")
            given[name] = value
        missing = [n for n in names if n not in given]
        if missing:
            raise BindingError(f"{self.function}: missing: {', '.join(missing)}. Inputs: {self._signature()}")
        return [given[n] for n in names]

    def _signature(self) -> str:
        return ", ".join(f"{i.name} {show_shape(i.shape)}" for i in self.inputs)

    # --- what each argument is ------------------------------------------------------------------------------------
    def arrays(self, values: Sequence[Any]) -> list[Any]:
        """Arrays of one floating dtype: float32 if every floating array is float32, else float64.

        Raises: BindingError for a shape that does not fit, naming the input; DtypeError for what is not real.
        """
        found = [self._array(i, v) for i, v in zip(self.inputs, values, strict=True)]
        weak = [type(v) is float or isinstance(v, (list, tuple)) for v in values]  # Python's numbers have no precision of their own
        floating = {a.dtype for a, without in zip(found, weak, strict=True) if a.dtype.kind == "f" and not without}
        dtype = FLOATS[1] if floating == {FLOATS[1]} else FLOATS[0]
        sizes: dict[str, int] = {}
        bound_by: dict[str, str] = {}
        for i, a in zip(self.inputs, found, strict=True):
            self._bind(i, a, sizes, bound_by)
        for i, a in zip(self.inputs, found, strict=True):
            self._compare(i, a, sizes, bound_by)
        for r in self.requirements:
            if dim_value(r.dim, sizes) < 0:
                raise BindingError(
                    f"{self.function}: {', '.join(f'{n} = {sizes[n]}' for n in sorted(dim_names([r.dim])))} is too small: {r.why}"
                )
        return [self._converted(i, a, dtype) for i, a in zip(self.inputs, found, strict=True)]

    def sizes(self, values: Sequence[Any]) -> dict[str, int]:
        """The sizes of the named dims, as the first input that has each says."""
        sizes: dict[str, int] = {}
        for i, v in zip(self.inputs, values, strict=True):
            self._bind(i, v if type(v) is np.ndarray else self._array(i, v), sizes, {})
        return sizes

    def _array(self, i: Input, value: Any) -> np.ndarray:
        try:
            array = np.asarray(value)
        except (TypeError, ValueError) as error:
            raise DtypeError(f"{self.function}: {i.name} is no array of numbers: {error}") from None
        if array.dtype.kind not in "fiub":
            raise DtypeError(f"{self.function}: {i.name} has dtype {array.dtype}; real numbers are wanted")
        if np.ma.is_masked(value):
            raise DtypeError(f"{self.function}: {i.name} has masked entries; {i.name}.filled(...) says what they count as")
        return array

    def _bind(self, i: Input, a: np.ndarray, sizes: dict[str, int], bound_by: dict[str, str]) -> None:
        if a.ndim != len(i.shape):
            raise BindingError(f"{self.function}: {i.name} has shape {a.shape}; {show_shape(i.shape)} is expected, {_rank(i.shape)}")
        for dim, size in zip(i.shape, a.shape, strict=True):
            if isinstance(dim, str) and dim.isidentifier() and dim not in sizes:
                sizes[dim], bound_by[dim] = size, i.name

    def _compare(self, i: Input, a: np.ndarray, sizes: Mapping[str, int], bound_by: Mapping[str, str]) -> None:
        for axis, (dim, size) in enumerate(zip(i.shape, a.shape, strict=True)):
            expected = dim_value(dim, sizes)
            if size == expected:
                continue
            why = ""
            if isinstance(dim, str):
                why = "; " + " and ".join(f"{n} is {sizes[n]}, from {bound_by[n]}" for n in sorted(dim_names([dim])))
            raise BindingError(
                f"{self.function}: {i.name} has shape {a.shape}; {show_shape(i.shape)} is expected: axis {axis} is {size}, not {expected}{why}"
            )

    def _converted(self, i: Input, a: np.ndarray, dtype: np.dtype[Any]) -> Any:
        if i.kind == "int":
            with np.errstate(invalid="ignore"):  # what no int64 can hold is not equal to what it becomes
                whole = a.astype(np.int64)
            if not (whole == a).all():
                raise DtypeError(f"{self.function}: {i.name} is an index and must hold whole numbers; it has dtype {a.dtype}")
            return whole if a.ndim else whole[()]
        return a.astype(dtype, copy=False) if a.ndim else dtype.type(a)


def _rank(shape: Shape) -> str:
    return "a scalar" if not shape else f"{len(shape)} axes" if len(shape) > 1 else "1 axis"


def compiled_call(
    binder: Binder,
    run: Callable[..., Any],
    tables: tuple[Mapping[tuple[int, ...], Callable[..., Any]], Mapping[tuple[int, ...], Callable[..., Any]]] | None,
    wrap: tuple[str, str],
    keys: tuple[Any, ...],
) -> Callable[..., Any]:
    """A function of positional arguments that runs at once when all fit, else by way of `binder`.

    `tables` have the functions for float64 and for float32 by the sizes of the named dims, in alphabetical order; without them it is
    `run`. `wrap` is what stands around the result to give it its structure. Scalars are made NumPy's for `run`, and given as they are to
    functions of the tables.
    """
    names = Names({"run", "slow", "ndarray", "f8", "f4", "i8", "float", "type", "dtype", "keys", "dict", "zip", "np", "wide", "narrow"})
    arguments = [names.fresh(i.name) for i in binder.inputs]
    dims: dict[str, str] = {}
    conditions: list[str] = []
    passed: list[str] = []
    first = next((a for a, i in zip(arguments, binder.inputs, strict=True) if i.shape and i.kind == "real"), None)
    unpack: list[str] = []
    shapes: list[str] = []
    for a, i in zip(arguments, binder.inputs, strict=True):
        if not i.shape:
            of_the_dtype = f"type({a}) is ndarray and {a}.ndim == 0 and {a}.dtype is {'dtype' if first else 'f8_dtype'}"
            conditions.append(
                f"(type({a}) is float or type({a}) is {'dtype.type' if first else 'f8'} or ({of_the_dtype}))"
                if i.kind == "real"
                else "False"
            )
            passed.append(a if tables is not None else f"dtype.type({a})" if first else f"f8({a})")
            continue
        if a != first:
            conditions.append(f"type({a}) is ndarray")
            conditions.append(f"{a}.dtype is {'i8' if i.kind == 'int' else 'dtype'}")
        passed.append(a)
        if all(isinstance(d, int) for d in i.shape):
            conditions.append(f"{a}.shape == {i.shape}")
            continue
        conditions.append(f"{a}.ndim == {len(i.shape)}")
        new = [d for d in i.shape if isinstance(d, str) and d.isidentifier()]
        if len(set(new)) == len(new) == len(i.shape) and not any(d in dims for d in new):
            for d in new:
                dims[d] = names.fresh(d)
            unpack.append(f"{', '.join(dims[d] for d in new)}{',' if len(new) == 1 else ''} = {a}.shape")
        else:
            for axis, dim in enumerate(i.shape):
                if isinstance(dim, str) and dim.isidentifier() and dim not in dims:
                    dims[dim] = names.fresh(dim)
                    unpack.append(f"{dims[dim]} = {a}.shape[{axis}]")
            shapes.append(f"{a}.shape == ({''.join(_dim_code(d, dims) + ', ' for d in i.shape).rstrip()})")
    shapes += [f"{_dim_code(r.dim, dims)} >= 0" for r in binder.requirements]
    if first:
        conditions.insert(0, "(dtype is f8_dtype or dtype is f4_dtype)")
    before, after = wrap
    key = f"({''.join(dims[n] + ', ' for n in sorted(dims)).rstrip()})"
    table = "(wide if dtype is f8_dtype else narrow)" if first else "wide"
    chosen = "run" if tables is None else f"{table}[{key}]"
    result = f"return {before}{chosen}({', '.join(passed)}){after}"
    lines = [f"def call({', '.join(arguments)}):"]
    lines += [f"    dtype = {first}.dtype if type({first}) is ndarray else None"] if first else []
    lines += [f"    if {' and '.join(conditions) or 'True'}:"]
    lines += [f"        {line}" for line in unpack]
    lines += [f"        if {' and '.join(shapes)}:", f"            {result}"] if shapes else [f"        {result}"]
    lines.append(f"    return {before}slow([{', '.join(arguments)}]){after}")

    def slow(values: Sequence[Any]) -> Any:
        arrays = binder.arrays(values)
        if tables is None:
            return run(*arrays)
        sizes = binder.sizes(arrays)
        real = [a for a, i in zip(arrays, binder.inputs, strict=True) if i.kind == "real"]
        return tables[bool(real) and real[0].dtype == FLOATS[1]][tuple(sizes[n] for n in sorted(dims))](*arrays)

    space: dict[str, Any] = {
        "run": run,
        "keys": keys,
        "slow": slow,
        "ndarray": np.ndarray,
        "f8": np.float64,
        "f8_dtype": FLOATS[0],
        "f4_dtype": FLOATS[1],
        "i8": np.dtype(np.int64),
        "wide": tables and tables[0],
        "narrow": tables and tables[1],
    }
    exec(compile("\n".join(lines), f"<symdiff call of {binder.function}>", "exec"), space)
    return space["call"]  # type: ignore[no-any-return]


def with_numpy_scalars(run: Callable[..., Any], inputs: Sequence[Input], dtype: str) -> Callable[..., Any]:
    """`run`, where scalar arguments may be Python's: they become those of the dtype."""
    if all(i.shape or i.kind != "real" for i in inputs):
        return run
    names = Names({"run", "scalar"})
    arguments = [names.fresh(i.name) for i in inputs]
    passed = [f"scalar({a})" if not i.shape and i.kind == "real" else a for a, i in zip(arguments, inputs, strict=True)]
    space: dict[str, Any] = {"run": run, "scalar": getattr(np, dtype.removeprefix("np."))}
    exec(f"def call({', '.join(arguments)}): return run({', '.join(passed)})", space)
    return space["call"]  # type: ignore[no-any-return]


def _dim_code(dim: Dim, dims: Mapping[str, str]) -> str:
    """A dim as Python code; its names are identifiers already."""
    return str(dim) if isinstance(dim, int) else re.sub(r"[^\W\d]\w*", lambda m: dims[m[0]], dim)
