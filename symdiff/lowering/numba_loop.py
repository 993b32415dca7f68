"""A whole loop of steps as one compiled function: the state of the loop stays in variables and buffers between steps.

A step is a program of which some outputs are the next values of some inputs. Nothing is allocated, boxed or looked up while the loop
runs; the caller runs it in chunks, between which a Ctrl-C is seen and progress is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symdiff.lowering.layout import WIDTH, call_lines, indented, wrapped
from symdiff.lowering.naming import Names
from symdiff.lowering.numba_nests import Nests, preamble
from symdiff.lowering.numba_scalars import taken_apart
from symdiff.lowering.numba_source import NAMES, body, decorator, module, signature, value
from symdiff.lowering.numpy_source import Source
from symdiff.lowering.program import Program
from symdiff.lowering.scalars import entries


@dataclass(frozen=True)
class Loop:
    """What a loop does with a program.

    carried: pairs of an input and the output that is its next value, by position. fed: inputs that have another value in every
    step. The first output of the program is recorded at every step, and the loop ends where it is not finite.
    """

    carried: tuple[tuple[int, int], ...]
    fed: tuple[int, ...] = ()


def emit_loop(program: Program, loop: Loop, dtype: str = "float64") -> Source:
    """The module of a loop over a program whose sizes are known.

    Its function takes the inputs of the program and an array for the losses, one for each step to be done. Carried inputs are arrays
    that are changed in place, of one entry if they are scalars; fed inputs have one more axis in front, of the steps. It returns the
    number of steps done, which is smaller than asked where a loss, recorded too, is not finite: that step changes nothing.
    """
    names = Names((*NAMES, "step"))
    name = names.fresh(f"{program.name}_loop")
    arguments = [names.fresh(i.name) for i in program.inputs]
    losses = names.fresh("losses")
    parts = program, loop, dtype, names, arguments, losses
    nests, rows = _on_scalars(*parts) or _on_arrays(*parts)
    carried = {i for i, _ in loop.carried}
    types = []
    for k, i in enumerate(program.inputs):
        own = signature(i, dtype)
        if k in carried and not i.shape:
            own = f"{own}[::1]"
        elif k in loop.fed:
            own = own.replace("[", "[:, ") if i.shape else f"{own}[::1]"
        types.append(own)
    text = [
        decorator([*types, f"{dtype}[::1]"]),
        *call_lines(f"def {name}(", [*arguments, losses], "):"),
        *indented([_docstring(program, loop), *rows]),
    ]
    return Source(module(nests, text), name)


def _docstring(program: Program, loop: Loop) -> str:
    changed = ", ".join(program.inputs[i].name for i, _ in loop.carried)
    return f'"""Steps of {program.name}, one for each entry of the losses; {changed} are changed in place. Returns the steps done."""'


def _on_scalars(
    program: Program, loop: Loop, dtype: str, names: Names, arguments: Sequence[str], losses: str
) -> tuple[Nests, list[str]] | None:
    scalars = taken_apart(program)
    if scalars is None:
        return None
    nests = body(scalars, names, dtype)
    rest = iter(nests.arguments.values())
    of_input = [[next(rest) for _ in entries(i.name, _static(i.shape))] for i in program.inputs]
    shapes = {i.register: i.shape for i in program.inputs} | {i.result: i.shape for i in program.instructions}
    found = iter(scalars.outputs)
    of_output = [[value(nests, next(found).register).code for _ in entries(o.name, _static(shapes[o.register]))] for o in program.outputs]
    carried = {i for i, _ in loop.carried}
    before: list[str] = []
    inside: list[str] = []
    after: list[str] = []
    for k, (argument, i) in enumerate(zip(arguments, program.inputs, strict=True)):
        shape = _static(i.shape)
        lines = inside if k in loop.fed else before
        for variable, place in zip(of_input[k], _places(shape), strict=True):
            if k in carried and not shape:
                place = ["0"]
            if k in loop.fed:
                place = ["step", *place]
            lines.append(f"{variable} = {argument}[{', '.join(place)}]" if place else f"{variable} = {argument}")
            if k in carried:
                after.append(f"{argument}[{', '.join(place)}] = {variable}")
    moved = [(v, new) for i, o in loop.carried for v, new in zip(of_input[i], of_output[o], strict=True)]
    rows = [
        *before,
        "done = 0",
        f"for step in range(len({losses})):",
        *indented([*inside, *nests.lines, *_recorded(losses, of_output[0][0]), *_assigned(moved), "done += 1"]),
        *after,
        "return done",
    ]
    return nests, rows


def _on_arrays(program: Program, loop: Loop, dtype: str, names: Names, arguments: Sequence[str], losses: str) -> tuple[Nests, list[str]]:
    nests = body(program, names, dtype)
    own = list(nests.arguments.values())
    carried = {i for i, _ in loop.carried}
    before: list[str] = []
    inside: list[str] = []
    after: list[str] = []
    for k, (argument, variable, i) in enumerate(zip(arguments, own, program.inputs, strict=True)):
        if k in loop.fed:
            inside.append(f"{variable} = {argument}[step]")
        elif k in carried and not i.shape:
            before.append(f"{variable} = {argument}[0]")
            after.append(f"{argument}[0] = {variable}")
        else:
            before.append(f"{variable} = {argument}")
    results = [value(nests, o.register).code for o in program.outputs]
    moved = [(own[i], results[o]) for i, o in loop.carried if not program.inputs[i].shape]
    copied = [f"{own[i]}[:] = {results[o]}" for i, o in loop.carried if program.inputs[i].shape]
    first = preamble(nests, program.name)
    rows = [
        *before,
        *first,
        *nests.buffers,
        "done = 0",
        f"for step in range(len({losses})):",
        *indented([*inside, *nests.lines, *_recorded(losses, results[0]), *_assigned(moved), *copied, "done += 1"]),
        *after,
        "return done",
    ]
    return nests, rows


def _recorded(losses: str, loss: str) -> list[str]:
    return [f"{losses}[step] = {loss}", f"if not np.isfinite({losses}[step]):", "    break"]


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


def _places(shape: Sequence[int]) -> list[list[str]]:
    """The index of every entry, row by row."""
    places: list[list[str]] = [[]]
    for d in shape:
        places = [[*p, str(k)] for p in places for k in range(d)]
    return places


def _static(shape: Sequence[int | str]) -> tuple[int, ...]:
    return tuple(d for d in shape if isinstance(d, int))
