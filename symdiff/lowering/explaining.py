"""`explain()`: what each pass did to a program, in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symdiff.lowering.blocks import Blocked, blocked_cost
from symdiff.lowering.program import Program, cost

COLUMNS = {"": 32, "instructions": 16, "operations": 28, "bytes written": 28, "bytes of arrays": 28}  # characters of each


def explained(steps: Sequence[tuple[str, Program | Blocked]], sizes: Mapping[str, int]) -> str:
    """A table with a line for each step: the costs before and after, or once where they are the same (float64, at the hinted sizes).

    >>> from symdiff.expr.leaves import var
    >>> from symdiff.lowering.linearize import linearize
    >>> from symdiff.lowering.buffers import plan_buffers
    >>> x = var('x', 100)
    >>> written = linearize([(2 * x + 1).sum()], [x])
    >>> print(explained([('as written', written), ('plan buffers', plan_buffers(written))], {}))
                                        instructions                  operations               bytes written             bytes of arrays
    as written                                     3                         300                       1,600                       1,600
    plan buffers                                   3                         300                       1,600                1,600 -> 800
    """
    costs = [(name, cost(p, sizes) if isinstance(p, Program) else blocked_cost(p)) for name, p in steps]
    rows = [tuple(COLUMNS)]
    before = costs[0][1]
    for name, after in costs:
        rows.append((name, *(f"{p:,} -> {q:,}" if p != q else f"{q:,}" for p, q in zip(before, after, strict=True))))
        before = after
    first, *rest = COLUMNS.values()
    return "\n".join(row[0].ljust(first) + "".join(map(str.rjust, row[1:], rest)) for row in rows)
