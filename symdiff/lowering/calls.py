"""What a caller calls: a function written out for its inputs, which lets the usual arguments pass for about half a microsecond.

The usual arguments are arrays of one dtype, of shapes that were met before, and scalars that are Python's, NumPy's or arrays without axes.
All others go another way, in the end to the Binder, which converts what can be converted and says what is wrong with the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any, NamedTuple

import numpy as np

from symdiff.lowering.binding import DOUBLE, SINGLE
from symdiff.lowering.layout import indented
from symdiff.lowering.naming import Names
from symdiff.lowering.program import Input
from symdiff.lowering.recipe import Structure

Call = Callable[..., Any]
Shapes = tuple[tuple[int, ...], ...]
MISSING = object()  # stands for an argument that is not given
OWN = (
    "ndarray", "real", "whole", "int64", "scalar", "float", "type", "kind", "missing", "more", "named", "known", "run", "otherwise", "keys", "dict",
    "zip", "empty", "ArithmeticError", "ValueError",
)  # fmt: skip


class Face(NamedTuple):
    """What the calls of a function take and give: its inputs, and the structure of its outputs, so many."""

    function: str
    inputs: tuple[Input, ...]
    structure: Structure
    outputs: int

    def packed(self, *values: str) -> str:
        """Code for the result, of code for each output."""
        match self.structure[0]:
            case "one":
                return values[0]
            case "dict":
                return f"dict(zip(keys, ({', '.join(values)},)))"
            case "list":
                return f"[{', '.join(values)}]"
            case _:
                return f"({', '.join(values)},)"

    def packed_at_once(self, values: str) -> str:
        """Code for the result, of code for what a program gives: one value, or a tuple."""
        if self.outputs == 1:
            return self.packed(values)
        return values if self.structure[0] == "tuple" else self.packed(f"*{values}")


class OnFloats(NamedTuple):
    """A program of arrays of these shapes that computes on floats: lines that take the arguments apart, compute, and put arrays together;
    code for what comes out; and what the lines need by name. Taking an array apart fails if it is not of its shape, but of its rank."""

    shapes: Shapes
    arguments: tuple[str, ...]
    lines: tuple[str, ...]
    returned: tuple[str, ...]
    space: Mapping[str, Any]


def checked_call(face: Face, dtype: np.dtype[Any], known: Mapping[Shapes, Call], otherwise: Call) -> Call:
    """A function of arrays of a dtype that runs what `known` has for their shapes, on them and on scalars of NumPy's."""
    names = Names(OWN)
    arguments = [names.fresh(i.name) for i in face.inputs]
    pairs = list(zip(arguments, face.inputs, strict=True))
    given = [a if i.shape or i.kind == "int" else f"{a} if type({a}) is scalar else scalar({a})" for a, i in pairs]
    shapes = "".join(f"{a}.shape, " for a, i in pairs if i.shape)
    result = face.packed_at_once(f"run({', '.join(given)})")
    lines = [f"run = known(({shapes}))", "if run is not None:", f"    return {result}"]
    return _defined(face, arguments, _usual(face, arguments), lines, {**_kinds(dtype), "known": known.get, "otherwise": otherwise})


def call_on_floats(face: Face, program: OnFloats, otherwise: Call) -> Call:
    """A function of float64 arrays that computes on their entries. Where Python's floats raise it calls `otherwise`."""
    by_rank: dict[int, list[str]] = {}
    for a, shape in zip(program.arguments, program.shapes, strict=True):
        if shape:
            by_rank.setdefault(len(shape), []).append(a)
    conditions = [f"{' == '.join(f'{a}.ndim' for a in group)} == {rank}" for rank, group in by_rank.items()]
    conditions += [f"{a}.shape == {shape}" for a, shape in zip(program.arguments, program.shapes, strict=True) if 0 in shape]
    lines = [*program.lines, f"return {face.packed(*program.returned)}"]
    lines = ["try:", *indented(lines), "except (ArithmeticError, ValueError):", "    pass"]
    space = {**program.space, **_kinds(DOUBLE), "otherwise": otherwise}
    return _defined(face, program.arguments, [*_usual(face, program.arguments), *conditions], lines, space)


def with_own_dtypes(args: Sequence[Any]) -> list[Any] | None:
    """The arguments, where arrays of a dtype that only equals NumPy's own, as after unpickling, are views of NumPy's own; None without any."""
    found = [next((d for d in (DOUBLE, SINGLE) if type(a) is np.ndarray and a.dtype == d and a.dtype is not d), None) for a in args]
    return [a if d is None else a.view(d) for a, d in zip(args, found, strict=True)] if any(d is not None for d in found) else None


def packing(face: Face) -> Callable[[Any], Any]:
    """What gives the values of a program their structure."""
    return eval(f"lambda values: {face.packed_at_once('values')}", {"keys": face.structure[1]})  # type: ignore[no-any-return]


def _defined(face: Face, arguments: Sequence[str], conditions: Sequence[str], lines: Sequence[str], space: Mapping[str, Any]) -> Call:
    """The function that does what the lines say, which may return, if the conditions hold, and else calls `otherwise`."""
    head = "".join(f"{a}=missing, " for a in arguments) + ("/, " if arguments else "")
    source = [
        f"def call({head}*more, **named):",
        f"    if {' and '.join(['not more and not named', *conditions])}:",
        *indented(indented(lines)),
        f"    return otherwise({''.join(f'{a}, ' for a in arguments)}*more, **named)",
    ]
    names = {"ndarray": np.ndarray, "missing": MISSING, "keys": face.structure[1], **space}
    exec(_compiled("\n".join(source), face.function), names)
    return names["call"]  # type: ignore[no-any-return]


@lru_cache(maxsize=64)
def _compiled(source: str, function: str) -> CodeType:
    """Code for a call: that for float32 is the same text as that for float64."""
    return compile(source, f"<symdiff call of {function}>", "exec")


def _usual(face: Face, arguments: Sequence[str]) -> list[str]:
    """That the arguments are of the usual types; their shapes are another matter."""
    pairs = list(zip(arguments, face.inputs, strict=True))
    conditions = []
    if any(i.shape for i in face.inputs):
        conditions.append(f"{' is '.join(f'type({a})' for a, i in pairs if i.shape)} is ndarray")
    for kind, dtype in (("real", "real"), ("int", "whole")):
        if arrays := [a for a, i in pairs if i.shape and i.kind == kind]:
            conditions.append(f"{' is '.join(f'{a}.dtype' for a in arrays)} is {dtype}")
    for a, i in pairs:
        if not i.shape and i.kind == "int":
            conditions.append(f"type({a}) is int64")
        elif not i.shape:
            rank_zero = f"kind is ndarray and {a}.ndim == 0 and {a}.dtype is real"
            conditions.append(f"((kind := type({a})) is scalar or kind is float or {rank_zero})")
    return conditions


def _kinds(dtype: np.dtype[Any]) -> dict[str, Any]:
    return {"real": dtype, "scalar": dtype.type, "whole": np.dtype(np.int64), "int64": np.int64}
