"""A program over long arrays cut into three: what is computed before, what is computed block by block of rows, and what of the sums.

Elementwise work on arrays that do not fit into the cache waits for memory at every operation. Row by row it depends on nothing but the
same row, so a block of rows that fits goes through all of it at once, and sums over rows are added up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from symdiff.expr.dims import Shape
from symdiff.lowering.buffers import plan_buffers
from symdiff.lowering.operations import OPERATIONS
from symdiff.lowering.program import Cost, Input, Instruction, Output, Program, check, cost, nominal_size

CACHE = 1 << 20  # bytes that a block may take
LEAST = 1 << 20  # bytes that elementwise operations must write for blocks to pay
LEAST_ROWS = 64

Place = int | None | Literal["sum"]  # the axis of the rows; None without; a sum over the rows


class Blocked(NamedTuple):
    """`body` computes `rows` rows at a time; its outputs are `stored`, arrays with a row each, and then `summed`, sums over its rows."""

    before: Program
    body: Program
    after: Program
    rows: int
    size: int
    inputs: tuple[int, ...]  # inputs of the body that are cut into rows
    stored: tuple[int, ...]
    summed: tuple[int, ...]
    cut: frozenset[int]  # results of the body with a row each


def blocked_cost(b: Blocked) -> Cost:
    """What all blocks take: of the body's arrays only those of one block are there at a time."""
    parts = [cost(plan_buffers(p), {}) for p in (b.before, b.body, b.after)]
    times = (1, -(-b.size // b.rows), 1)
    count, operations, written = (sum(n * c[k] for n, c in zip(times, parts, strict=True)) for k in range(3))
    shapes = {i.result: i.shape for i in b.body.instructions}
    results = sum(8 * nominal_size(shapes[r], {}) // b.rows * b.size for r in b.stored)
    return Cost(count, operations, written, sum(c.memory for c in parts) + results)


def in_blocks(program: Program, carried: Mapping[int, int]) -> Blocked | None:
    """The program in blocks along the inputs' axes in `carried` (by register), all of one size; None if that cannot be or does not pay."""
    places: dict[int, Place] = {i.register: carried.get(i.register) for i in program.inputs}
    shapes = program.shapes()
    for i in program.instructions:
        try:
            places[i.result] = _place(i, [places[a] for a in i.args], [shapes[a] for a in i.args])
        except _NotByRows:
            return None
    if any(places[r] not in (0, None, "sum") for r in shapes if not _is_view(program, r)):
        return None
    body = [i for i in program.instructions if places[i.result] is not None and places[i.result] != "sum"]
    body += [i for i in program.instructions if places[i.result] == "sum" and all(places[a] != "sum" for a in i.args)]
    own = {i.result for i in body}
    body = [i for i in program.instructions if i.result in own]
    after = [i for i in program.instructions if places[i.result] == "sum" and i.result not in own]
    before = [i for i in program.instructions if places[i.result] is None]
    written = sum(8 * nominal_size(i.shape, {}) for i in body if OPERATIONS[i.op].elementwise)
    if written < LEAST:
        return None
    (size,) = {shapes[r][axis] for r, axis in carried.items()}
    assert isinstance(size, int)
    returned = dict.fromkeys(o.register for o in program.outputs)
    stored = tuple(r for r in returned if places[r] == 0)
    if any(r not in own or _shows_another(program, r) for r in stored):
        return None
    read_after = {a for i in after for a in i.args} | set(returned)
    summed = tuple(i.result for i in body if places[i.result] == "sum" and i.result in read_after)

    def cut(rows: int) -> Blocked:
        return _cut(program, places, shapes, before, body, after, rows, size, stored, summed)

    rows = _rows_that_fit(cut(1))
    return cut(rows) if LEAST_ROWS <= rows <= size // 4 else None


def _rows_that_fit(one: Blocked) -> int:
    """How many rows of all that the body works on fit into the cache, from the body for one row; a power of two."""
    planned = plan_buffers(one.body)
    shapes = [b.shape for b in planned.buffers] + [i.shape for i in planned.inputs if i.register in one.inputs]
    return 1 << (CACHE // (8 * sum(nominal_size(s, {}) for s in shapes)) or 1).bit_length() - 1


def _cut(
    program: Program,
    places: Mapping[int, Place],
    shapes: Mapping[int, Shape],
    before: Sequence[Instruction],
    body: Sequence[Instruction],
    after: Sequence[Instruction],
    rows: int,
    size: int,
    stored: tuple[int, ...],
    summed: tuple[int, ...],
) -> Blocked:
    kinds = program.kinds()
    names = {i.register: i.name for i in program.inputs} | {i.result: i.hint or "x" for i in program.instructions}
    outputs = {o.register: o.name for o in program.outputs}

    def rowed(register: int) -> Shape:
        axis = places[register]
        return tuple(rows if a == axis else d for a, d in enumerate(shapes[register]))

    def part(instructions: Sequence[Instruction], returned: Sequence[int], by_rows: bool = False) -> Program:
        made = {i.result for i in instructions}
        read = dict.fromkeys(a for i in instructions for a in i.args if a not in made)
        given = tuple(Input(names[r], rowed(r) if by_rows else shapes[r], r, kinds[r]) for r in read)
        if by_rows:
            instructions = [replace(i, shape=rowed(i.result)) for i in instructions]
        leaving = tuple(Output(outputs.get(r, names[r]) + "_rows" * by_rows, r) for r in returned)
        return check(replace(program, inputs=given, instructions=tuple(instructions), outputs=leaving, requirements=()))

    read_later = {a for i in (*body, *after) for a in i.args} | {o.register for o in program.outputs}
    inner = part(body, (*stored, *summed), by_rows=True)
    return Blocked(
        part(before, [i.result for i in before if i.result in read_later]),
        inner,
        part(after, [o.register for o in program.outputs if places[o.register] == "sum" and o.register not in summed]),
        rows,
        size,
        tuple(i.register for i in inner.inputs if places[i.register] == 0),
        stored,
        summed,
        frozenset(i.result for i in body if places[i.result] == 0),
    )


class _NotByRows(Exception):
    """A row of the result depends on more than the same row of the operands."""


def _is_view(program: Program, register: int) -> bool:
    return any(i.result == register and OPERATIONS[i.op].view for i in program.instructions)


def _shows_another(program: Program, register: int) -> bool:
    return _is_view(program, register) or any(i.result == register and i.op == "copy" for i in program.instructions)


def _place(i: Instruction, places: Sequence[Place], shapes: Sequence[Shape]) -> Place:
    """Where the rows of a result are. Raises: _NotByRows."""
    if all(p is None for p in places):
        return None
    if "sum" in places:
        if any(isinstance(p, int) for p in places):
            raise _NotByRows
        return "sum"
    if OPERATIONS[i.op].elementwise or i.op == "cast":
        return _elementwise(i, places, shapes)
    row = _PLACES.get(i.op)
    if row is None:
        raise _NotByRows
    return row(i, places, shapes)


def _elementwise(i: Instruction, places: Sequence[Place], shapes: Sequence[Shape]) -> int:
    from_right = {len(s) - p for p, s in zip(places, shapes, strict=True) if isinstance(p, int)}
    if len(from_right) != 1:
        raise _NotByRows
    (k,) = from_right
    for p, s in zip(places, shapes, strict=True):
        if p is None and len(s) >= k and s[len(s) - k] != 1:
            raise _NotByRows
    return len(i.shape) - k


def _transposed(i: Instruction, places: Sequence[Place], shapes: Sequence[Shape]) -> Place:
    order: tuple[int, ...] = i.params[0]
    return order.index(places[0])


def _expanded(i: Instruction, places: Sequence[Place], shapes: Sequence[Shape]) -> Place:
    return [a for a in range(len(i.shape)) if a not in i.params[0]][places[0]]  # type: ignore[index]


def _without(i: Instruction, places: Sequence[Place], shapes: Sequence[Shape]) -> Place:
    (axes,) = i.params
    if places[0] in axes:
        if i.op != "sum":
            raise _NotByRows
        return "sum"
    return [a for a in range(len(shapes[0])) if a not in axes].index(places[0])  # type: ignore[arg-type]


def _dotted(i: Instruction, places: Sequence[Place], shapes: Sequence[Shape]) -> Place:
    if places[0] != places[1]:
        raise _NotByRows
    return "sum"


def _matmul(i: Instruction, places: Sequence[Place], shapes: Sequence[Shape]) -> Place:
    if any(len(s) > 2 for s in shapes):
        raise _NotByRows
    left = None if places[0] is None else places[0] - len(shapes[0])  # type: ignore[operator]
    right = None if places[1] is None else places[1]
    inner = 0
    if left == -1 and right == inner:
        return "sum"
    if left == -2 and right is None:
        return 0
    if left is None and right == 1:
        return len(i.shape) - 1
    raise _NotByRows


_PLACES = {
    "transpose": _transposed,
    "expand": _expanded,
    "squeeze": _without,
    **dict.fromkeys(("sum", "max", "min", "prod", "logsumexp"), _without),
    "dot": _dotted,
    "vdot": _dotted,
    "matmul": _matmul,
}
