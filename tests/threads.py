"""Work done by several threads at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any


def in_threads(work: Callable[[Any], Any], arguments: Iterable[Any]) -> list[Any]:
    """work(a) of every argument, each in a thread of its own, none of which begins before all are there; the results in order.

    Raises: what `work` raises in any of them.
    """
    given = list(arguments)
    start = Barrier(len(given))

    def begin(argument: Any) -> Any:
        start.wait()
        return work(argument)

    with ThreadPoolExecutor(len(given)) as pool:
        return list(pool.map(begin, given))
