"""The same operation on several small arrays of one shape as one operation on their stack.

Beside arrays of a few hundred entries the call is what costs: the gates of ten layers of one width are compared with zero at once. Nothing
is copied for it: what is stacked is computed in its place of the stack (`buffers.plan_buffers`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from symdiff.expr.dims import Shape
from symdiff.expr.nodes import Range
from symdiff.lowering.buffers import WRITES
from symdiff.lowering.operations import OPERATIONS
from symdiff.lowering.passes import drop_dead
from symdiff.lowering.program import Instruction, Program, nominal_size

LEAST = 3  # arrays that make a stack
SMALL = 1 << 10  # entries of an array up to which the call is what costs


def stack_alike(program: Program) -> Program:
    """The program with operations on stacks; what reads their results comes after the last operand of all.

    >>> from symdiff.expr.leaves import var
    >>> from symdiff.expr.ops import tanh
    >>> from symdiff.lowering.linearize import linearize
    >>> X, A, B, C = (var(name, (3, 3)) for name in 'XABC')
    >>> stacked = stack_alike(linearize([tanh(X @ A) @ X + tanh(X @ B) @ X + tanh(X @ C) @ X], [X, A, B, C]))
    >>> [i.op for i in stacked.instructions if i.op != 'slice']
    ['matmul', 'matmul', 'matmul', 'stack', 'tanh', 'matmul', 'matmul', 'add', 'matmul', 'add']
    """
    refused: set[int] = set()
    while True:
        group = _group(program, refused)
        if not group:
            return program
        refused.update(i.result for i in group)
        program = _stacked(program, group)


def _group(program: Program, refused: set[int]) -> list[Instruction]:
    """Instructions that differ in their array alone, none of which needs another one's result."""
    made = {i.result: i for i in program.instructions}
    leaving = {o.register for o in program.outputs}
    kept = leaving.union(*(i.args for i in program.instructions if i.op == "stack"))
    settled = leaving | refused
    groups: defaultdict[tuple[object, ...], list[Instruction]] = defaultdict(list)
    for i in program.instructions:
        x = _array(i, made)
        fits = x is not None and x.result not in kept and i.result not in settled
        if x is None or not fits or not i.shape or i.shape != x.shape or nominal_size(i.shape, {}) > SMALL:
            continue
        if x.op in WRITES or (x.op == "slice" and made.get(x.args[0]) is not None and _part(x) is not None):
            source = x.args[0] if x.op == "slice" else -1
            others = tuple(a if a != x.result else -1 for a in i.args)
            groups[i.op, i.params, others, i.shape, i.kind, source].append(i)
    for alike in groups.values():
        chosen = _independent(program, alike, made) if len(alike) >= LEAST else []
        if len(chosen) >= LEAST and _whole([made[_operand(i, made)] for i in chosen], made):
            return chosen
    return []


def _whole(operands: Sequence[Instruction], made: dict[int, Instruction]) -> bool:
    """Whether these, if they are parts of a stack that there is, are all of it."""
    places = {_part(x) for x in operands}
    return None in places or len(places) == made[operands[0].args[0]].shape[0]


def _array(i: Instruction, made: dict[int, Instruction]) -> Instruction | None:
    """What makes the one array that an instruction reads, beside numbers."""
    if not OPERATIONS[i.op].elementwise and i.op != "cast":
        return None
    arrays = {a for a in i.args if a not in made or made[a].op != "const"}
    return made.get(arrays.pop()) if len(arrays) == 1 else None


def _operand(i: Instruction, made: dict[int, Instruction]) -> int:
    x = _array(i, made)
    assert x is not None
    return x.result


def _part(i: Instruction) -> int | None:
    """Which part of a stack a slice is."""
    if i.op != "slice":
        return None
    first, *rest = i.params[0]
    whole = all(isinstance(r, Range) and r == Range(0, d, 1) for r, d in zip(rest, i.shape, strict=False))
    return first if isinstance(first, int) and whole and len(rest) == len(i.shape) else None


def _independent(program: Program, alike: Sequence[Instruction], made: dict[int, Instruction]) -> list[Instruction]:
    """Those whose operands do not depend on the results of those before."""
    wanted = {i.result for i in alike}
    chosen: list[Instruction] = []
    operands: set[int] = set()
    after: set[int] = set()
    for i in program.instructions:
        depends = any(a in after for a in i.args)
        if i.result in wanted and not depends and _operand(i, made) not in operands:
            chosen.append(i)
            operands.add(_operand(i, made))
        if depends or (chosen and chosen[-1] is i):
            after.add(i.result)
    return chosen


def _stacked(program: Program, group: Sequence[Instruction]) -> Program:
    made = {i.result: i for i in program.instructions}
    fresh = count(max([*made, *(i.register for i in program.inputs)]) + 1)
    members = {i.result for i in group}
    kept: list[Instruction] = []
    waiting: list[Instruction] = []
    missing: set[int] = set()
    for i in program.instructions:
        if i.result in members:
            missing.add(i.result)
            if i is group[-1]:
                kept += [*_operation(group, made, fresh), *waiting]
                waiting, missing = [], set()
        elif any(a in missing for a in i.args):
            missing.add(i.result)
            waiting.append(i)
        else:
            kept.append(i)
    return drop_dead(program.with_instructions(kept))


def _operation(group: Sequence[Instruction], made: dict[int, Instruction], fresh: count[int]) -> list[Instruction]:
    """The stack, the operation on it, and its parts under the registers of the group."""
    first, size = group[0], len(group)
    operands = [made[_operand(i, made)] for i in group]
    shape: Shape = (size, *first.shape)
    written: list[Instruction] = []
    order = list(range(size))
    if operands[0].op == "slice":
        stack = operands[0].args[0]
        order = [_part(x) or 0 for x in operands]
    else:
        stack = next(fresh)
        written.append(Instruction("stack", tuple(x.result for x in operands), (0,), stack, shape, operands[0].kind))
    whole = next(fresh)
    args = tuple(stack if a == operands[0].result else a for a in first.args)
    written.append(replace(first, args=args, result=whole, shape=shape, hint="", comment=""))
    axes = tuple(Range(0, d, 1) for d in first.shape)
    return written + [
        Instruction("slice", (whole,), ((k, *axes),), i.result, i.shape, i.kind, i.hint, i.comment)
        for k, i in zip(order, group, strict=True)
    ]
