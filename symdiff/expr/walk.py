"""The one walk over expressions that all passes share: operands first, without recursion, each shared node once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symdiff.expr.node import Expr


def topological(*roots: Expr, until: Callable[[Expr], bool] | None = None) -> Iterator[Expr]:
    """Yield each distinct node below `roots` once, operands first, without recursion. Nodes where `until` holds are not entered."""
    entered: set[Expr] = set()
    path: list[Expr] = []  # the nodes between a root and the present one
    waiting: list[Iterator[Expr]] = []  # for each of them, what stands beside it and is still to come
    beside = iter(roots)
    while True:
        for e in beside:
            if e not in entered:
                entered.add(e)
                path.append(e)
                waiting.append(beside)
                beside = iter(e.operands if until is None or not until(e) else ())
                break
        else:
            if not path:
                return
            yield path.pop()
            beside = waiting.pop()
