"""The garbage collector, paused while a pass makes many nodes.

Nodes hold no cycles and most of them outlive the pass, but the collector walks all that is alive each time that their number has grown
by a quarter: a third of the time in which a long program is differentiated.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """Collect no cycles inside; a collector that is off already stays off.

    >>> with paused():
    ...     gc.isenabled()
    False
    >>> gc.isenabled()
    True
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
