"""The pool of nodes: building the same node twice gives the same object.

The pool is a weak dictionary from class and fields to node. Each class of nodes has a constructor that looks there first; it is written
out as source, as dataclasses are, because every expression is made by it.
"""

from __future__ import annotations

import weakref
from _weakref import _remove_dead_weakref  # type: ignore[attr-defined]  # what weakref.WeakValueDictionary is made of
from collections.abc import Callable, Sequence
from threading import RLock
from typing import Any

Key = tuple[Any, ...]


class PoolRef(weakref.ref[Any]):
    """A weak reference that knows its key in the pool."""

    __slots__ = ("key",)
    key: Key


POOL: dict[Key, PoolRef] = {}
_LOCK = RLock()  # reentrant: a collection may run any code while this thread holds it


def _forget(ref: PoolRef, pool: dict[Key, PoolRef] = POOL, remove: Callable[..., None] = _remove_dead_weakref) -> None:
    """Drop the entry of a node that died, unless another took its place: one step, which no thread interrupts."""
    remove(pool, ref.key)  # both by default arguments: globals end first


def _pooled(ref: PoolRef, new: Any) -> Any:
    """The node that the pool has under a key where another entry stands: one that died, or that another thread made."""
    with _LOCK:
        found = POOL.setdefault(ref.key, ref)
        if found is not ref and (other := found()) is not None:
            return other
        POOL[ref.key] = ref  # what stood there is dead
        return new


def constructor(cls: type[Any], names: Sequence[str], operands: str) -> Callable[..., Any]:
    """The function of a class's fields that gives the node with these fields, from the pool if it is there.

    Who knows the node's shape and has checked the operands' gives it as one argument more: nothing is then inferred. `operands` is the
    expression of the node's operands in its fields. A node is frozen, so its fields are filled in a draft: an object of the same slots
    that may be written to, which then becomes a node. Writing a slot past a class that forbids it takes five times as long.
    """
    draft = type(
        f"Draft{cls.__name__}",
        (cls.__mro__[1],),
        {"__slots__": cls.__slots__, "__setattr__": object.__setattr__, "__delattr__": object.__delattr__},
    )
    own_key = "key_of" in vars(cls)
    arguments = ", ".join(names)
    lines = [
        f"def make({arguments}, _shape=None):",
        f"    _key = {f'key_of({arguments})' if own_key else f'(cls, {arguments})'}",
        "    _ref = find(_key)",
        "    if _ref is not None and (_found := _ref()) is not None:",
        "        return _found",
        "    _new = draft()",
        *(f"    _new.{name} = {name}" for name in names),
        f"    _new.operands = {operands}",
        "    _new.shape = infer_shape(_new) if _shape is None else _shape",
        "    _new._digest = _new.memo = None",
        "    _new.__class__ = cls",
        "    _ref = PoolRef(_new, forget)",
        "    _ref.key = _key",
        "    return _new if enter(_key, _ref) is _ref else pooled(_ref, _new)",  # one step, which no thread interrupts
    ]
    namespace: dict[str, Any] = {
        "cls": cls, "draft": draft, "key_of": cls.key_of, "infer_shape": cls.infer_shape, "find": POOL.get, "enter": POOL.setdefault,
        "PoolRef": PoolRef, "forget": _forget, "pooled": _pooled,
    }  # fmt: skip
    exec(compile("\n".join(lines), f"<node {cls.__name__}>", "exec"), namespace)
    made: Callable[..., Any] = namespace["make"]
    return made
