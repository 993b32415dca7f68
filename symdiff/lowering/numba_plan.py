"""What a program keeps in memory when it is written as loops, and what is computed where it is used.

A view costs nothing but an index. An elementwise result that one loop nest reads, each entry once, is computed inside that nest; all
else (reductions, products, what several nests read or one nest reads repeatedly, outputs) has an array of its own.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from symdiff.lowering.numba_texts import TEXTS
from symdiff.lowering.program import Instruction, Program

DEEPEST = 24  # operations that one line may stand for, through everything computed inside it
PLACED = frozenset(("transpose", "expand", "squeeze", "broadcast", "slice", "diagonal"))  # views that only change the index
POINTWISE = frozenset((*TEXTS, "cast"))
VISITS_ONCE = frozenset(("sum", "max", "min", "prod", "dot", "vdot", "copy", "scatter", "concat", "stack", "full", "trace"))
LEAVES = frozenset(("const", "size", "iota", "eye"))


class Plan(NamedTuple):
    """`stored` are registers that have an array, and all of rank 0; `uses` counts the reads of each register."""

    stored: frozenset[int]
    uses: Counter[int]


def plan(program: Program) -> Plan:
    """Decide for every register, from the last instruction to the first."""
    made = {i.result: i for i in program.instructions}
    readers: dict[int, list[Instruction]] = {}
    uses: Counter[int] = Counter()
    for i in program.instructions:
        for a in i.args:
            uses[a] += 1
            readers.setdefault(a, []).append(i)
    outputs = {o.register for o in program.outputs}
    uses.update(o.register for o in program.outputs)
    stored = set(outputs)
    roots: dict[int, tuple[set[int], bool]] = {}  # the nests that read a register, and whether each entry is read once
    for i in reversed(program.instructions):
        reached: set[int] = set()
        once = True
        for reader in readers.get(i.result, ()):
            if reader.result in stored:
                reached.add(reader.result)
                once &= reader.op in VISITS_ONCE or (reader.op in POINTWISE and reader.shape == i.shape)
            else:
                theirs, theirs_once = roots[reader.result]
                reached |= theirs
                once &= theirs_once and (reader.op in PLACED - {"broadcast", "expand"} or reader.shape == i.shape)
        if uses[i.result] > 1 and any(r.op in PLACED for r in readers.get(i.result, ())):
            once = False
        roots[i.result] = reached, once
        if i.op in LEAVES or (i.op in PLACED and i.shape):
            continue
        if i.op not in POINTWISE or not i.shape or len(reached) != 1 or not once:
            stored.add(i.result)
    return Plan(frozenset(_not_too_deep(program, made, stored)), uses)


def _not_too_deep(program: Program, made: dict[int, Instruction], stored: set[int]) -> set[int]:
    """Also store what would put too much into one line; and what a reshape needs in the order of memory."""
    for i in program.instructions:
        if i.op == "reshape" and i.args[0] in made and made[i.args[0]].op not in LEAVES:
            stored.add(i.args[0])
    depth: dict[int, int] = {i.register: 0 for i in program.inputs}
    for i in program.instructions:
        below = sum(depth[a] for a in dict.fromkeys(i.args))
        if i.result in stored:
            depth[i.result] = 0
            continue
        depth[i.result] = below + (i.op not in LEAVES)
        if depth[i.result] > DEEPEST:
            stored.add(i.result)
            depth[i.result] = 0
    return stored
