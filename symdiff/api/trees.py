"""Arguments and results as trees: lists, tuples, named tuples and dicts, with arrays and numbers as leaves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Structure = tuple[Any, ...]  # ('leaf',), or the kind, what makes it, and the structures below
LEAF: Structure = ("leaf",)


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """The leaves from left to right, and the structure that puts them together again.

    >>> flatten({'a': [1, 2], 'b': 3})[0]
    [1, 2, 3]
    """
    if isinstance(tree, dict):
        parts = [flatten(v) for v in tree.values()]
        return [leaf for ls, _ in parts for leaf in ls], ("dict", tuple(tree), tuple(s for _, s in parts))
    if isinstance(tree, (list, tuple)):
        parts = [flatten(v) for v in tree]
        kind = "list" if isinstance(tree, list) else "named" if hasattr(tree, "_fields") else "tuple"
        return [leaf for ls, _ in parts for leaf in ls], (kind, type(tree) if kind == "named" else None, tuple(s for _, s in parts))
    return [tree], LEAF


def unflatten(structure: Structure, leaves: Iterator[Any]) -> Any:
    """The tree of a structure with these leaves.

    >>> unflatten(flatten([1, (2, 3)])[1], iter('abc'))
    ['a', ('b', 'c')]
    """
    if structure == LEAF:
        return next(leaves)
    kind, maker, below = structure
    parts = [unflatten(s, leaves) for s in below]
    match kind:
        case "dict":
            return dict(zip(maker, parts, strict=True))
        case "list":
            return parts
        case "named":
            return maker(*parts)
        case _:
            return tuple(parts)
