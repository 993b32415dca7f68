"""The names of a formula: variables with their shapes, named subexpressions, and the dims, which count as numbers.

A name means one thing. A name given two shapes, or that is both a dim and a variable, is refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symdiff.errors import DtypeError, NameClash, ParseError, UnknownName, did_you_mean
from symdiff.expr.algebra import size
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import Shape, as_shape, dim_names, show_shape
from symdiff.expr.leaves import var
from symdiff.expr.names import is_name
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Const
from symdiff.expr.traverse import size_names


@dataclass
class Scope:
    """What the names of a formula stand for; `sizes` are the names of dims, in order of first appearance."""

    names: dict[str, Expr] = field(default_factory=dict)
    sizes: list[str] = field(default_factory=list)
    spelled: dict[str, str] = field(default_factory=dict)  # as Python's parser spells a name: 'δ₁' comes back as 'δ1'

    def look_up(self, name: str) -> Expr | None:
        found = self.names.get(name, self.names.get(self.spelled.get(name, "")))
        return size(name) if found is None and name in self.sizes else found

    def define(self, name: str, value: Expr) -> None:
        """Give a name to an expression. Raises: NameClash if it has a meaning already; UnknownName if it is no name."""
        if not is_name(name):
            raise UnknownName(f"{name!r} is no name: letters, digits and _, and no digit first")
        if name in self.names:
            raise NameClash(
                f"the name {name!r} is given twice: first with shape {show_shape(self.names[name].shape)}, then {show_shape(value.shape)}"
            )
        self.names[name] = value
        self.spelled.setdefault(unicodedata.normalize("NFKC", name), name)
        found = [n for d in value.shape for n in sorted(dim_names([d]))]
        self.sizes += [n for n in dict.fromkeys([*found, *sorted(size_names(value))]) if n not in self.sizes]
        for n in (name, *found):
            if n in self.names and n in self.sizes:
                raise NameClash(f"{n!r} is both a dim and a name with a value: call one of them otherwise")


def make_scope(names: Mapping[str, Any] | None, shapes: Mapping[str, Any] | None, assume: Mapping[str, Any] | None) -> Scope:
    """The scope of variables given by shape, and of names given by expression, number or array."""
    scope = Scope()
    facts = dict(assume or {})
    for name, value in (names or {}).items():
        scope.define(name, _named(name, value, facts))
    for name, shape in (shapes or {}).items():
        scope.define(name, var(name, shape, facts.pop(name, ())))
    for name in facts:
        raise UnknownName(f"assume names {name!r}, which has no shape{did_you_mean(name, scope.names)}")
    return scope


def _named(name: str, value: Any, facts: dict[str, Any]) -> Expr:
    """A shape as text or tuple makes a variable; an expression stands for itself; numbers and arrays are constants."""
    if isinstance(value, str) or (isinstance(value, (tuple, list)) and all(isinstance(d, (str, int)) for d in value)):
        return var(name, value, facts.pop(name, ()))
    e = as_expr(value)
    if isinstance(e, Const) and np.any(e.value != e.value):  # only nan differs from itself; a whole number may be too large for a float
        raise DtypeError(f"the constant {name!r} holds nan")
    return e


_ENTRY = re.compile(r"(?P<name>[^\s:;,]+)(:(?P<dims>[^\s:;]*))?$")
_APART = re.compile(r"[^\s:;,]+:\s+[^\s:;]+(?=[\s;]|$)")  # "w: n"


def parse_shapes(text: str | Iterable[str]) -> dict[str, Shape]:
    """Shapes from a line such as "X:n,d w:d y:n lam"; a name alone is a scalar.

    Raises: ParseError for an entry that is not name:dims, and for a space after the colon; NameClash for a name given two shapes.

    >>> parse_shapes("X:n,d w:d lam")
    {'X': ('n', 'd'), 'w': ('d',), 'lam': ()}
    """
    joined = text if isinstance(text, str) else " ".join(text)
    apart = _APART.search(joined)
    if apart is not None:
        raise ParseError(
            f"{apart[0]!r} may be a name with its shape, or two scalars: write {''.join(apart[0].split())!r}, or the names alone"
        )
    shapes: dict[str, Shape] = {}
    for entry in re.sub(r"\s*,\s*", ",", joined).replace(";", " ").split():
        found = _ENTRY.match(entry)
        if found is None or not is_name(found["name"]):
            raise ParseError(f'{entry!r} is no shape of a variable: write name:dims, as in "X:n,d w:d lam"')
        shape = as_shape(found["dims"] or "")
        if shapes.setdefault(found["name"], shape) != shape:
            raise NameClash(f"{found['name']!r} is given two shapes, {show_shape(shapes[found['name']])} and {show_shape(shape)}")
    return shapes
