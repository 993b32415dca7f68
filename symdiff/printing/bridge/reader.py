"""The machine that reads a SymPy expression: one explicit stack, one value for each part and what is bound around it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from itertools import count
from typing import Any

from symdiff.errors import Unsupported
from symdiff.expr.node import Expr
from symdiff.printing.bridge.values import Label, Scope, Value

Reading = Generator[tuple[Any, Scope], Value, Value]
"""A reader at work: it yields the parts that it wants read, with what is bound around them, and returns the value of the whole."""
Readers = dict[Any, Callable[["Reader", Any, Scope], Reading | Value]]


class Reader:
    """Reads one expression. `known` are the expressions that stand for symbols by name, `scope` what is bound around the root."""

    def __init__(self, readers: Readers, known: Mapping[str, Expr], root: Any, scope: Scope = ()) -> None:
        self.readers = readers
        self.known = known
        self._fresh = count()
        self.names: set[str] = set()
        self.dims: set[Any] = set()
        # by identity: SymPy before 1.13 holds 2 and 2.0 for equal
        self._free: dict[int, frozenset[Any]] = {}
        self._values: dict[tuple[int, Scope], Value] = {}
        self._alive: list[Any] = []
        self._survey(root, {label for label, _ in scope})

    def fresh(self) -> Label:
        return next(self._fresh)

    def freshened(self, value: Value) -> Value:
        """The value with labels of its own where it has no bound ones, so that it can stand twice in a product."""
        own = {label for _, labels in value.factors for label in labels if isinstance(label, int)}
        own |= {label for label in (value.rows, value.columns) if isinstance(label, int)}
        return value.renamed({label: self.fresh() for label in sorted(own)})

    # --- one walk ahead -------------------------------------------------------------------------------------------
    def _survey(self, root: Any, bound: set[Any]) -> None:
        """Which symbols are dims, and which bound symbols each part hangs on."""
        import sympy as sp

        for s in _postorder(root):
            if isinstance(s, sp.Lambda):
                bound.update(s.variables)
            elif isinstance(s, (sp.Sum, sp.Product)):
                bound.update(s.variables)
                self.dims.update(*(limit[1:].free_symbols for limit in s.limits))
            elif isinstance(s, (sp.MatrixSymbol, sp.OneMatrix, sp.ZeroMatrix, sp.Identity, sp.FunctionMatrix)):
                self.dims.update(*(d.free_symbols for d in s.shape))
            elif isinstance(s, (sp.IndexedBase, sp.Idx)):
                self.dims.update(s.free_symbols - {getattr(s, "label", s), s})
            if isinstance(s, (sp.Symbol, sp.MatrixSymbol)):
                self.names.add(s.name)
            elif isinstance(s, sp.IndexedBase):
                self.names.add(str(s.label))
        self.dims -= bound
        for s in _postorder(root):
            free: set[Any] = {s} if s in bound else set().union(*(self._free[id(a)] for a in _parts(s)))
            if isinstance(s, sp.Lambda):
                free -= set(s.variables)
            self._free[id(s)] = frozenset(free)
            self._alive.append(s)

    # --- reading --------------------------------------------------------------------------------------------------
    def read(self, root: Any, scope: Scope) -> Value:
        """The value of an expression. Raises: Unsupported for a class without a row."""
        want: tuple[Any, Scope] | None = (root, scope)
        answer: Value | None = None
        stack: list[tuple[tuple[int, Scope], Reading]] = []
        while True:
            if want is not None:
                s, bound = want
                key = id(s), self._bound(s, bound)
                answer = self._values.get(key)
                if answer is None:
                    reading = self._reading(s, key[1])
                    if isinstance(reading, Value):
                        answer = self._values[key] = reading
                    else:
                        stack.append((key, reading))
            if not stack:
                assert answer is not None
                return answer
            key, reading = stack[-1]
            try:
                want = next(reading) if answer is None else reading.send(answer)
                answer = None
            except StopIteration as done:
                stack.pop()
                want, answer = None, done.value
                self._values[key] = done.value

    def _bound(self, s: Any, scope: Scope) -> Scope:
        """What of the scope the part hangs on."""
        free = self._free.get(id(s))
        return scope if free is None else tuple(b for b in scope if b[0] in free or isinstance(b[0], int))

    def _reading(self, s: Any, scope: Scope) -> Reading | Value:
        for cls in type(s).__mro__:
            if cls in self.readers:
                return self.readers[cls](self, s, scope)
        name = getattr(s.func, "__name__", type(s).__name__) if hasattr(s, "func") else type(s).__name__
        raise Unsupported(f"from_sympy: {name} is not known: symdiff has no such function")


def _parts(s: Any) -> Iterable[Any]:
    import sympy as sp

    return () if isinstance(s, (sp.Symbol, sp.MatrixSymbol, sp.IndexedBase, sp.Idx)) else s.args


def _postorder(root: Any) -> Iterator[Any]:
    """Each part once, the parts of a part before it."""
    done: set[int] = set()
    stack = [(root, False)]
    while stack:
        s, ready = stack.pop()
        if id(s) in done:
            continue
        if ready:
            done.add(id(s))
            yield s
        else:
            stack.append((s, True))
            stack.extend((a, False) for a in reversed(tuple(_parts(s))))
