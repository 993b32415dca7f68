"""Reads moved forward, so that a result may take the place of its operand.

h * h can be computed in the memory of h once nobody reads h any more: a later h.T @ d whose d is known already is computed first. A move
pays if the memory that the moved instructions fill is no larger than what is saved.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from symdiff.lowering.buffers import WRITES_ELEMENTWISE
from symdiff.lowering.operations import OPERATIONS
from symdiff.lowering.program import Instruction, Program, memory_owners, nominal_size


def read_first(program: Program) -> Program:
    """The program in an order in which more results can be written over an operand.

    >>> from symdiff.expr.leaves import var
    >>> from symdiff.expr.ops import tanh
    >>> from symdiff.lowering.linearize import linearize
    >>> from symdiff.lowering.passes import optimise
    >>> X, d = var('X', (5, 3)), var('d', 5)
    >>> h = tanh(X)
    >>> for _, program in optimise(linearize([2 * h + X, h.T @ d], [X, d])): pass
    >>> [i.op for i in program.instructions if i.shape], [i.op for i in read_first(program).instructions if i.shape]
    (['tanh', 'multiply', 'add', 'transpose', 'matmul'], ['tanh', 'transpose', 'matmul', 'multiply', 'add'])
    """
    owner = memory_owners(program)
    leaving = {owner[o.register] for o in program.outputs}
    made = {i.result: i for i in program.instructions}
    readers: defaultdict[int, list[Instruction]] = defaultdict(list)  # of the memory of a register, views with them
    for i in program.instructions:
        for a in dict.fromkeys(owner[a] for a in i.args):
            readers[a].append(i)
    order: list[Instruction] = []
    defined = {i.register for i in program.inputs}

    def forward(i: Instruction, a: int) -> list[Instruction]:
        """What reads `a` after i, if all of it can be computed before i and the last cannot take the place of `a` itself."""
        waiting = [j for j in readers[a] if j.result not in defined and j is not i]
        results = {j.result for j in waiting}
        ready = all(b in defined or b in results for j in waiting for b in j.args)
        if not waiting or not ready or _may_write_over(waiting[-1], a, made):
            return []
        filled = sum(nominal_size(j.shape, {}) for j in waiting if not OPERATIONS[j.op].view and j.result not in leaving)
        return waiting if filled <= nominal_size(i.shape, {}) else []

    for i in program.instructions:
        if i.result in defined:
            continue
        for a in dict.fromkeys(i.args):
            if a not in leaving and _may_write_over(i, a, made):
                moved = forward(i, a)
                order += moved
                defined.update(j.result for j in moved)
        order.append(i)
        defined.add(i.result)
    return program if tuple(order) == program.instructions else program.with_instructions(order)


def _may_write_over(i: Instruction, a: int, made: Mapping[int, Instruction]) -> bool:
    """Whether the instruction computes entry by entry what has room in the memory of its operand."""
    held = made.get(a)
    if held is None or OPERATIONS[held.op].view:
        return False
    return i.op in WRITES_ELEMENTWISE and a in i.args and (held.shape, held.kind) == (i.shape, i.kind)
