"""The arguments of a lowered function, checked against the shapes it was built for.

This is the slow way, which calls with unusual arguments and with new shapes take (calls.py has the fast one): it converts what can be
converted and otherwise says what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from symdiff.errors import BindingError, DtypeError, did_you_mean
from symdiff.expr.dims import Shape, dim_names, dim_value, show_shape
from symdiff.lowering.program import Input, Requirement

DOUBLE, SINGLE = np.dtype(np.float64), np.dtype(np.float32)


class Binder:
    """Turns positional and keyword arguments into arrays of one dtype and of the right shapes."""

    def __init__(self, function: str, inputs: Sequence[Input], requirements: Sequence[Requirement]) -> None:
        self.function = function
        self.inputs = tuple(inputs)
        self.requirements = tuple(requirements)

    # --- which argument is which ----------------------------------------------------------------------------------
    def ordered(self, args: Sequence[Any], keywords: Mapping[str, Any]) -> list[Any]:
        """The arguments in the order of the inputs. Raises: BindingError for one too many, missing, unknown or given twice."""
        if not keywords and len(args) == len(self.inputs):
            return list(args)
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
        dtype = SINGLE if floating == {SINGLE} else DOUBLE
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
