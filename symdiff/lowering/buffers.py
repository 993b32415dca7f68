"""Which memory each array of a program is written to: a minimal set of buffers, by liveness.

A result takes the place of an operand that nobody reads any more, else a buffer of its shape that has become free, else a new one.
What leaves the function lies in memory that is made in each call; all other buffers are kept between calls. What is stacked is computed
in its place of the stack, and stays there.
Source: Aho, Lam, Sethi and Ullman, Compilers, 2nd ed., section 9.2.5 (liveness).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import replace
from typing import Any

from symdiff.expr.dims import Shape
from symdiff.expr.functions import FUNCTIONS
from symdiff.lowering.operations import OPERATIONS
from symdiff.lowering.program import Buffer, Instruction, Program, memory_owners, nominal_size

LARGEST_KEPT = 1 << 22  # entries of a buffer that is kept between calls

WRITES_ELEMENTWISE = {
    **{f.name: f"np.{f.numpy}" for f in FUNCTIONS.values() if f.numpy and f.name not in ("where", "sinc")},
    **{op: f"np.{op}" for op in ("add", "subtract", "multiply", "divide", "negative", "sqrt")},
    "relu": "np.maximum",
}
WRITES = frozenset(
    (*WRITES_ELEMENTWISE, "matmul", "outer", "sum", "max", "min", "prod", "full", "copy")
)  # operations that can write to given memory
BY_DOT = frozenset(("matmul", "outer", "sum"))  # operations that may be written as x.dot(y), whose `out=` must be in C order
IN_C_ORDER = frozenset(("matmul", "outer", "full"))  # operations whose results in new memory are, whatever the operands
UNPLACED = frozenset(("const", "constant", "size", "item"))


def plan_buffers(program: Program) -> Program:
    """The program with a buffer for every array that it makes. Every size must be a number."""
    owner = memory_owners(program)
    shapes = program.shapes()
    last_read = _last_reads(program, owner)
    leaving = {owner[o.register] for o in program.outputs}
    made: dict[int, Instruction] = {}
    buffers: list[Buffer] = []
    free: dict[tuple[Any, ...], list[int]] = {}
    into: dict[int, int] = {}
    in_c_order: set[int] = set()  # buffers that are so even if what is first written to them is what makes them
    kept: list[Instruction] = []
    stacks = _stacks(program, owner, leaving)
    parts: dict[int, int] = {}  # the buffers of what is stacked
    for s in stacks:
        whole = len(buffers)
        buffers += [Buffer(s.shape, s.kind, False), *(Buffer(s.shape[1:], s.kind, False, (whole, k)) for k in range(len(s.args)))]
        parts |= {a: whole + 1 + k for k, a in enumerate(s.args)} | {s.result: whole}
    for k, i in enumerate(program.instructions):
        if i.result in parts:
            into[i.result] = parts[i.result]
            kept.append(replace(i, into=parts[i.result]))
        elif not i.shape or OPERATIONS[i.op].view or i.op in UNPLACED or i.kind == "tuple":
            kept.append(i)
        else:
            buffer = _in_place(i, k, made, owner, last_read, into)
            waiting = free.get((i.shape, i.kind), [])
            if buffer is None and i.op in WRITES:
                buffer = next((b for b in reversed(waiting) if i.op not in BY_DOT or b in in_c_order), None)
                if buffer is not None:
                    waiting.remove(buffer)
            if buffer is None:
                buffer = len(buffers)
                if _in_c_order(i, shapes, owner, into, in_c_order):
                    in_c_order.add(buffer)
                large = nominal_size(i.shape, {}) > LARGEST_KEPT
                buffers.append(Buffer(i.shape, i.kind, large or i.op not in WRITES))
            if i.result in leaving:
                buffers[buffer] = buffers[buffer]._replace(fresh=True)
            into[i.result] = buffer
            made[i.result] = placed = replace(i, into=buffer)
            kept.append(placed)
        for a in dict.fromkeys(owner[a] for a in i.args):
            if last_read.get(a) == k and a in made and into[a] != into.get(i.result):
                free.setdefault((made[a].shape, made[a].kind), []).append(into[a])
    return replace(program, instructions=tuple(kept), buffers=tuple(buffers))


def _stacks(program: Program, owner: Mapping[int, int], leaving: Set[int]) -> list[Instruction]:
    """Stacks whose operands can be computed in their places."""
    stacks = [i for i in program.instructions if i.op == "stack" and i.params == (0,) and i.result not in leaving]
    times = Counter(a for s in stacks for a in s.args)
    over = {owner[i.args[0]] for i in program.instructions if OPERATIONS[i.op].over}
    free = {i.result for i in program.instructions if i.op in WRITES and i.shape and times[i.result] == 1} - leaving - over
    return [s for s in stacks if s.result not in over and free.issuperset(s.args) and 0 < nominal_size(s.shape, {}) <= LARGEST_KEPT]


def _in_c_order(
    i: Instruction, shapes: Mapping[int, Shape], owner: Mapping[int, int], into: Mapping[int, int], in_c_order: Set[int]
) -> bool:
    """Whether the result is in C order for sure in new memory: elementwise results are laid out as the operands are."""
    if i.op not in WRITES_ELEMENTWISE or len(i.shape) < 2:
        return i.op in IN_C_ORDER or (i.op in WRITES and len(i.shape) < 2)
    return all(len(shapes[owner[a]]) < 2 or (owner[a] == a and into.get(a) in in_c_order) for a in i.args)


def _last_reads(program: Program, owner: Mapping[int, int]) -> dict[int, int]:
    """The position of the last instruction that reads the memory of each register; those of outputs are read after the end."""
    last: dict[int, int] = {}
    for k, i in enumerate(program.instructions):
        for a in i.args:
            last[owner[a]] = k
    for o in program.outputs:
        last[owner[o.register]] = len(program.instructions)
    return last


def _in_place(
    i: Instruction, k: int, made: Mapping[int, Instruction], owner: Mapping[int, int], last_read: Mapping[int, int], into: Mapping[int, int]
) -> int | None:
    """The buffer of an operand of this shape that is read here for the last time, and only entry by entry."""
    if OPERATIONS[i.op].over:
        return into[i.args[0]]
    if i.op not in WRITES_ELEMENTWISE:
        return None
    for a in i.args:
        fits = a in made and last_read[a] == k and (made[a].shape, made[a].kind) == (i.shape, i.kind)
        if fits and all(b == a or owner[b] != a for b in i.args):
            return into[a]
    return None
