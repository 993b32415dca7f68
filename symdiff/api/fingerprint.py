"""What a function depends on besides its arguments: the values of its closure, its defaults and the globals that it names.

A cached program holds these as constants, so they are part of the key. What cannot be put into a key (random generators, files,
objects without a value of their own) makes the function uncacheable, and it is traced at every call.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Hashable, Iterator
from typing import Any

import numpy as np

from symdiff.expr.node import Expr

DEEPEST = 30
# names in the code that say that a second run need not give the same
_UNSTEADY = {
    "random",
    "rand",
    "randn",
    "default_rng",
    "RandomState",
    "time",
    "perf_counter",
    "open",
    "input",
    "urandom",
    "now",
    "environ",
    "getenv",
}
_LIBRARIES = {*sys.stdlib_module_names, "numpy", "scipy", "symdiff"}
_PLAIN = (bool, int, complex, str, bytes, types.ModuleType, types.BuiltinFunctionType, np.ufunc, Expr)


class NotSteady(Exception):
    """The function depends on something that a key cannot hold."""


def fingerprint(value: Any) -> Hashable:
    """A hashable summary: equal for equal values. Raises: NotSteady for what has none."""
    return _Summary().of(value, 0)


def _is_library(module: str | None) -> bool:
    return module is None or module.partition(".")[0] in _LIBRARIES


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """A code object and those of the functions that it defines."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


class _Summary:
    """One summary under way; functions, classes and objects that were met before are named by their place."""

    def __init__(self) -> None:
        self.met: dict[int, int] = {}

    def of(self, value: Any, depth: int) -> Hashable:
        if hasattr(value, "__expr__") and not isinstance(value, Expr):
            raise NotSteady("a traced array")
        if depth > DEEPEST:
            raise NotSteady("nested too deeply")
        if value is None or isinstance(value, _PLAIN):
            return type(value), value
        if isinstance(value, (float, np.generic, np.dtype, slice)):
            return type(value), repr(value)
        if isinstance(value, np.ndarray):
            from hashlib import blake2b  # here: it loads OpenSSL

            if value.dtype == object:
                return "objects", value.shape, tuple(self.of(v, depth + 1) for v in value.flat)
            return "array", value.shape, value.dtype.str, blake2b(np.ascontiguousarray(value).tobytes(), digest_size=16).digest()
        if isinstance(value, (list, tuple)):
            return type(value), tuple(self.of(v, depth + 1) for v in value)
        if isinstance(value, (set, frozenset)):
            return type(value), frozenset(self.of(v, depth + 1) for v in value)
        if isinstance(value, dict):
            return "dict", tuple((self.of(k, depth + 1), self.of(v, depth + 1)) for k, v in value.items())
        if id(value) in self.met:
            return "met", self.met[id(value)]
        self.met[id(value)] = len(self.met)
        if isinstance(value, type):
            return self.of_class(value, depth)
        if isinstance(value, functools.partial):
            return "partial", *(self.of(v, depth + 1) for v in (value.func, value.args, value.keywords))
        if isinstance(value, types.MethodType):
            return "method", self.of(value.__func__, depth + 1), self.of(value.__self__, depth + 1)
        if isinstance(value, (staticmethod, classmethod)):
            return "method", self.of(value.__func__, depth + 1)
        if isinstance(value, property):
            return "property", self.of(value.fget, depth + 1)
        if isinstance(value, types.FunctionType):
            return self.of_function(value, depth)
        if hasattr(value, "_implementation"):
            return "numpy", id(value)
        if callable(value) and hasattr(value, "__wrapped__"):
            return "wrapped", self.of(value.__wrapped__, depth + 1)
        fields = getattr(value, "__dict__", None)
        if isinstance(fields, dict) and not _is_library(type(value).__module__):
            return "object", self.of(type(value), depth + 1), self.of(fields, depth + 1)
        raise NotSteady(f"a {type(value).__name__}")

    def of_class(self, cls: type, depth: int) -> Hashable:
        if _is_library(cls.__module__):
            return "class", cls
        own = {
            name: v
            for name, v in vars(cls).items()
            if isinstance(v, (*_PLAIN, float, np.ndarray, list, tuple, dict, types.FunctionType, property, staticmethod, classmethod))
        }
        own = {name: v for name, v in own.items() if name not in ("__module__", "__doc__", "__annotations__", "__dict__", "__weakref__")}
        return "class", cls, self.of(own, depth + 1), tuple(self.of(base, depth + 1) for base in cls.__bases__)

    def of_function(self, f: types.FunctionType, depth: int) -> Hashable:
        names = {n for code in _codes(f.__code__) for n in code.co_names}
        if _is_library(f.__module__):
            return "function", f
        if names & _UNSTEADY:
            raise NotSteady(f"{f.__name__} uses {', '.join(sorted(names & _UNSTEADY))}")
        cells = []
        for cell in f.__closure__ or ():
            try:
                cells.append(cell.cell_contents)
            except ValueError:  # not bound yet
                cells.append(None)
        reached = tuple((n, self.of_global(f.__globals__[n], names, depth)) for n in sorted(names) if n in f.__globals__)
        return "function", f.__code__, reached, *(self.of(v, depth + 1) for v in (cells, f.__defaults__, f.__kwdefaults__))

    def of_global(self, value: Any, names: set[str], depth: int) -> Hashable:
        """A global; of a module of the user's, what the code may take from it."""
        if isinstance(value, types.ModuleType) and not _is_library(value.__name__):
            return "module", value, tuple((n, self.of(getattr(value, n), depth + 1)) for n in sorted(names) if hasattr(value, n))
        return self.of(value, depth + 1)
