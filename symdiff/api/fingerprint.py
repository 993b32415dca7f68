"""What a function depends on besides its arguments: the values of its closure, its defaults and the globals that it names.

A cached program holds these as constants, so they are part of the key. What cannot be put into a key (random generators, files,
objects without a value of their own) makes the function uncacheable, and it is traced at every call.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Hashable, Iterator
from hashlib import blake2b
from typing import Any

import numpy as np

from symdiff.expr.node import Expr

DEEPEST = 12
# names in the code that say that a second run need not give the same
_UNSTEADY = {"random", "rand", "randn", "default_rng", "RandomState", "time", "perf_counter", "open", "input", "next", "urandom", "global"}


class NotSteady(Exception):
    """The function depends on something that a key cannot hold."""


def fingerprint(value: Any, depth: int = 0) -> Hashable:
    """A hashable summary: equal for equal values. Raises: NotSteady for what has none."""
    if depth > DEEPEST:
        raise NotSteady("nested too deeply")
    if value is None or isinstance(
        value, (bool, int, float, complex, str, bytes, type, types.ModuleType, types.BuiltinFunctionType, np.ufunc, Expr)
    ):
        return (type(value), repr(value) if isinstance(value, float) else value)
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            return ("objects", value.shape, tuple(fingerprint(v, depth + 1) for v in value.flat))
        return ("array", value.shape, value.dtype.str, blake2b(np.ascontiguousarray(value).tobytes(), digest_size=16).digest())
    if isinstance(value, (np.generic, np.dtype)):
        return (type(value), repr(value))
    if isinstance(value, (list, tuple)):
        return (type(value), tuple(fingerprint(v, depth + 1) for v in value))
    if isinstance(value, (set, frozenset)):
        return (type(value), frozenset(fingerprint(v, depth + 1) for v in value))
    if isinstance(value, dict):
        return ("dict", tuple((fingerprint(k, depth + 1), fingerprint(v, depth + 1)) for k, v in value.items()))
    if isinstance(value, slice):
        return ("slice", repr(value))
    if isinstance(value, functools.partial):
        return ("partial", *(fingerprint(v, depth + 1) for v in (value.func, value.args, value.keywords)))
    if isinstance(value, types.MethodType):
        return ("method", fingerprint(value.__func__, depth + 1), fingerprint(value.__self__, depth + 1))
    if isinstance(value, types.FunctionType):
        return _of_function(value, depth)
    if hasattr(value, "_implementation") or (type(value).__module__ == "builtins" and callable(value)):
        return ("builtin", id(value))
    if callable(value) and hasattr(value, "__wrapped__"):
        return ("wrapped", id(type(value)), fingerprint(value.__wrapped__, depth + 1))
    fields = getattr(value, "__dict__", None)
    if (
        isinstance(fields, dict)
        and type(value).__module__ not in ("builtins", "numpy.random", "_io")
        and "random" not in type(value).__module__
    ):
        call = type(value).__dict__.get("__call__")
        return ("object", id(type(value)), fingerprint(fields, depth + 1), fingerprint(call, depth + 1) if call else None)
    raise NotSteady(f"a {type(value).__name__}")


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """A code object and those of the functions that it defines."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _of_function(f: types.FunctionType, depth: int) -> Hashable:
    names = {n for code in _codes(f.__code__) for n in code.co_names}
    if names & _UNSTEADY:
        raise NotSteady(f"{f.__name__} uses {', '.join(sorted(names & _UNSTEADY))}")
    if f.__module__ is not None and f.__module__.partition(".")[0] in ("numpy", "scipy"):
        return ("library", id(f))
    reached = sorted(n for n in names if n in f.__globals__)
    cells = []
    for cell in f.__closure__ or ():
        try:
            cells.append(None if cell.cell_contents is f else cell.cell_contents)
        except ValueError:  # not bound yet
            cells.append(None)
    globals_ = tuple((n, _global(f, f.__globals__[n], depth)) for n in reached)
    return (
        "function",
        f.__code__,
        globals_,
        fingerprint(cells, depth + 1),
        fingerprint(f.__defaults__, depth + 1),
        fingerprint(f.__kwdefaults__, depth + 1),
    )


def _global(f: Callable[..., Any], value: Any, depth: int) -> Hashable:
    return ("itself",) if value is f else fingerprint(value, depth + 1)
