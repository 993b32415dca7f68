"""C -O3 through ctypes: compiled once a process, where gcc is there (FileNotFoundError names it otherwise)."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.harness import Run

_NUMBERS = ctypes.POINTER(ctypes.c_double)


@cache
def library() -> ctypes.CDLL:
    if shutil.which("gcc") is None:
        raise FileNotFoundError("gcc is not on the PATH")
    built = Path(tempfile.mkdtemp(prefix="symdiff-bench-")) / "loops.so"
    source = Path(__file__).with_name("loops.c")
    subprocess.run(["gcc", "-O3", "-shared", "-fPIC", "-o", str(built), str(source), "-lm"], check=True)
    found = ctypes.CDLL(str(built))
    found.wave.restype = ctypes.c_double
    return found


def _pointer(a: np.ndarray[Any, Any]) -> Any:
    return a.ctypes.data_as(_NUMBERS)


def loop(name: str, arrays: Sequence[Any], rate: float, steps: int) -> Run:
    """So many updates of a net, its losses before each; every call begins at the start weights."""
    function = getattr(library(), name)

    def call() -> Any:
        own = [np.array(a, dtype=float) for a in arrays]
        losses = np.empty(steps)
        given = [_pointer(a) if a.ndim else ctypes.c_double(float(a)) for a in own]
        function(*given, ctypes.c_double(rate), ctypes.c_long(steps), _pointer(losses))
        return losses

    return Run(call, steps)


def wave(x: np.ndarray[Any, Any], a: float, b: float, c: float) -> Run:
    function = library().wave

    def call() -> Any:
        slope = np.empty_like(x)
        numbers = (ctypes.c_double(v) for v in (a, b, c))
        return function(_pointer(x), ctypes.c_long(x.size), *numbers, _pointer(slope)), slope

    return Run(call)
