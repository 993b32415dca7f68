"""A whole loop of steps as one compiled function: the state of the loop stays in variables and buffers between steps.

A step is a program of which some outputs are the next values of some inputs. Nothing is allocated, boxed or looked up while the loop
runs; the caller runs it in chunks, between which a Ctrl-C is seen and progress is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from symdiff.expr.dims import whole_dims
from symdiff.lowering.layout import WIDTH, call_lines, indented, wrapped
from symdiff.lowering.naming import Names
from symdiff.lowering.numba_nests import Nests, preamble
from symdiff.lowering.numba_scalars import places, taken_apart
from symdiff.lowering.numba_source import NAMES, body, decorator, module, signature, value
from symdiff.lowering.numpy_source import Source
from symdiff.lowering.program import Program
from symdiff.lowering.scalars import entries


class Loop(NamedTuple):
    """What a loop does with a program.

    carried: pairs of an input and the output that is its next value, by position. fed: inputs that have another value in every
    step. recorded: so many outputs, the first ones, are kept of every step; the loop ends where the very first is not finite.
    """

    carried: tuple[tuple[int, int], ...]
    fed: tuple[int, ...] = ()
    recorded: int = 1


def emit_loop(program: Program, loop: Loop, dtype: str = "float64") -> Source:
    """The module of a loop over a program.

    Its function takes the inputs of the program and an array for each recorded output, with an entry for each step to be done. Carried
    inputs are arrays that are changed in place, of one entry if they are scalars; fed inputs have one more axis in front, of the steps.
    It returns the number of steps done, which is smaller than asked where what is recorded is not finite: that step changes nothing.
    """
    names = Names((*NAMES, "step", "done"))
    name = names.fresh(f"{program.name}_loop")
    nests, parts = _on_scalars(program, loop, dtype, names) or _on_arrays(program, loop, dtype, names)
    records = [names.fresh(f"{o.name}_at") for o in program.outputs[: loop.recorded]]
    kept = [f"{record}[step] = {result}" for record, result in zip(records, parts.results, strict=False)]
    text = [
        decorator([*(_type(program, loop, k, dtype) for k in range(len(program.inputs))), *[f"{dtype}[::1]"] * loop.recorded]),
        *call_lines(f"def {name}(", [*parts.parameters, *records], "):"),
        *indented(
            [
                *_docstring(program, loop, records[0]),
                *parts.before,
                "done = 0",
                f"for step in range(len({records[0]})):",
                *indented([*parts.feeding, *nests.lines, *kept, f"if not np.isfinite({records[0]}[step]):", "    break"]),
                *indented([*_assigned(parts.moved), *parts.copied, "done += 1"]),
                *parts.after,
                "return done",
            ]
        ),
    ]
    return Source(module(nests, text), name)


@dataclass
class Parts:
    """The lines around a step: parameters of the loop, what is read before it and in every step, the texts of the outputs, pairs of a
    variable and its next value, copies of arrays, and what is written back after the loop."""

    parameters: list[str]
    before: list[str]
    feeding: list[str]
    results: list[str]
    moved: list[tuple[str, str]]
    copied: list[str]
    after: list[str]


def _type(program: Program, loop: Loop, k: int, dtype: str) -> str:
    i = program.inputs[k]
    own = signature(i, dtype)
    if k in loop.fed:
        return own.replace("[", "[:, ") if i.shape else f"{own}[::1]"
    return f"{own}[::1]" if not i.shape and k in {c for c, _ in loop.carried} else own


def _docstring(program: Program, loop: Loop, record: str) -> list[str]:
    rows = wrapped([program.inputs[i].name for i, _ in loop.carried])
    head = f'"""Steps of {program.name}, one for each entry of {record}; returns how many were done.'
    return [head, "", "Changed in place:", *rows[:-1], rows[-1].rstrip(","), '"""'] if loop.carried else [f'{head}"""']


def _on_scalars(program: Program, loop: Loop, dtype: str, names: Names) -> tuple[Nests, Parts] | None:
    """A small step entry by entry; None if it is not small."""
    scalars = taken_apart(program)
    if scalars is None:
        return None
    nests = body(scalars, names, dtype)
    rest = iter(nests.arguments.values())
    of_input = [[next(rest) for _ in entries(i.name, i.shape)] for i in program.inputs]
    shapes = program.shapes()
    found = iter(scalars.outputs)
    of_output = [[value(nests, next(found).register).code for _ in entries(o.name, shapes[o.register])] for o in program.outputs]
    carried = {i for i, _ in loop.carried}
    parts = Parts([], [], [], [own[0] for own in of_output[: loop.recorded]], [], [], [])
    for k, i in enumerate(program.inputs):
        shape, fed, kept = whole_dims(i.shape), k in loop.fed, k in carried
        if not (shape or fed or kept):
            parts.parameters += of_input[k]
            continue
        argument = names.fresh(i.name if shape else f"{i.name}_at")
        parts.parameters.append(argument)
        for variable, place in zip(of_input[k], places(shape), strict=True):
            index = ", ".join([*(["step"] if fed else []), *(place if shape else ["0"] if kept else [])])
            (parts.feeding if fed else parts.before).append(f"{variable} = {argument}[{index}]")
            if kept:
                parts.after.append(f"{argument}[{index}] = {variable}")
    parts.moved += [(v, new) for i, o in loop.carried for v, new in zip(of_input[i], of_output[o], strict=True)]
    return nests, parts


def _on_arrays(program: Program, loop: Loop, dtype: str, names: Names) -> tuple[Nests, Parts]:
    nests = body(program, names, dtype)
    own = list(nests.arguments.values())
    results = [value(nests, o.register).code for o in program.outputs]
    carried = {i for i, _ in loop.carried}
    parts = Parts([], [], [], results, [], [], [])
    for k, (variable, i) in enumerate(zip(own, program.inputs, strict=True)):
        if k in loop.fed:
            parts.parameters.append(names.fresh(f"{variable}_at"))
            parts.before.append(f"{variable} = {parts.parameters[k]}[0]  # for its shape")
            parts.feeding.append(f"{variable} = {parts.parameters[k]}[step]")
        elif k in carried and not i.shape:
            parts.parameters.append(names.fresh(f"{variable}_at"))
            parts.before.append(f"{variable} = {parts.parameters[k]}[0]")
            parts.after.append(f"{parts.parameters[k]}[0] = {variable}")
        else:
            parts.parameters.append(variable)
    parts.moved += [(own[k], results[o]) for k, o in loop.carried if not program.inputs[k].shape]
    step = len(nests.lines)
    for k, o in loop.carried:
        if program.inputs[k].shape:
            with nests.loops(program.inputs[k].shape) as index:
                nests.write(f"{nests.element(own[k], index)} = {nests.element(results[o], index)}")
    parts.copied, nests.lines = nests.lines[step:], nests.lines[:step]
    parts.before += [*preamble(nests), *nests.buffers]
    return nests, parts


def _assigned(moved: Sequence[tuple[str, str]]) -> list[str]:
    """All new values at once: one may be the old value of another."""
    if not moved:
        return []
    if len(moved) == 1:
        return [f"{moved[0][0]} = {moved[0][1]}"]
    targets, values = (", ".join(pair[k] for pair in moved) for k in (0, 1))
    if len(targets) + len(values) < WIDTH:
        return [f"{targets} = {values}"]
    return ["(", *indented(wrapped([v for v, _ in moved])), ") = (", *indented(wrapped([new for _, new in moved])), ")"]
