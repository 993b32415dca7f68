"""What the writers of SymPy forms share: the forms so far, names for indices, arrays by their entries, and the entries of a node."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

from symdiff.errors import NameClash
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Contract, Iota, Ones, Var
from symdiff.expr.traverse import size_names
from symdiff.printing.bridge.arrays import entry, inlined
from symdiff.printing.bridge.functions import number
from symdiff.printing.bridge.symbols import matrix_symbol, sympy_dim, variable_symbol


class Condition(NamedTuple):
    """The entries of a comparison as truth values, and how many comparisons lie within one another."""

    at: Callable[[Sequence[Any]], Any]
    depth: int


DEEPEST = 8  # conditions within one another; a deeper one is an array of 1 and 0


class Writer:
    """One crossing: the forms so far, the names in use, and indices that are none of them."""

    def __init__(self, names: Mapping[Expr, str], nodes: Sequence[Expr]) -> None:
        self.names = names
        self.forms: dict[Expr, Any] = {}
        self.conditions: dict[Expr, Condition] = {}
        owner: dict[str, Expr] = {}
        for node in nodes:
            if node in names or isinstance(node, Var):
                name = self.name(node)
                if owner.setdefault(name, node) is not node:
                    raise NameClash(f"to_sympy: two variables are called {name!r}; give one of them another name with names={{x: 'other'}}")
        self.taken = set(owner) | size_names(*nodes)
        self.fresh = self._names("ijklpqrs")
        self.fresh_arguments = self._names("xtz")
        self.argument = next(self.fresh_arguments)

    def name(self, node: Expr) -> str:
        return self.names[node] if node in self.names else getattr(node, "name", "")

    def _names(self, letters: str) -> Iterator[str]:
        for name in (f"{letter}{turn or ''}" for turn in count() for letter in letters):
            if name not in self.taken:
                yield name

    def index(self, dim: Any = None) -> Any:
        """A symbol for an index; with its range if `dim` is given."""
        import sympy as sp

        symbol = sp.Symbol(next(self.fresh), integer=True)
        return symbol if dim is None else sp.Idx(symbol, dim)

    def array(self, shape: Sequence[Any], at: Callable[..., Any]) -> Any:
        """An array from its entries: at(*indices) is a scalar."""
        import sympy as sp

        dims = [sympy_dim(d) for d in shape]
        if not dims:
            return at()
        if len(dims) > 2:
            places = [self.index(d) for d in dims]
            return sp.Lambda(tuple(places), number(at(*places)))
        i, j = self.index(), self.index()
        body = number(at(i, j) if len(dims) == 2 else at(i))
        made = sp.FunctionMatrix(dims[0], dims[1] if len(dims) == 2 else 1, sp.Lambda((i, j), body))
        return rank_two(made) if len(dims) == 2 else made

    def diagonal(self, form: Any) -> Any:
        """The diagonal of a matrix as a column, by its entries: SymPy's DiagonalOf fails once a matrix of numbers is put in."""
        import sympy as sp

        i, j = self.index(), self.index()
        return sp.FunctionMatrix(form.shape[0], 1, sp.Lambda((i, j), entry(form, (i, i))))

    def at(self, e: Expr, index: Sequence[Any]) -> Any:
        """Entry `index` of a node; of what is stretched, the entry below it; of a comparison, the truth value."""
        if e in self.conditions:
            return self.conditions[e].at(index)
        if isinstance(e, Iota) and e not in self.names:
            return index[0]
        if isinstance(e, Contract) and e not in self.names and len(e.factors) - sum(isinstance(f, Ones) for f in e.factors) == 1:
            inner, labels = next((f, ls) for f, ls in zip(e.factors, e.labels, strict=True) if not isinstance(f, Ones))
            place = dict(zip(e.out, index, strict=True))
            if [label for label in e.out if label in labels] == list(labels):
                return self.at(inner, [place[label] for label in labels])
        return inlined(self.forms[e], index)

    def symbol(self, e: Expr) -> Any:
        import sympy as sp

        name = self.name(e)
        if isinstance(e, Var):
            symbol = variable_symbol(e, name)
        elif not e.shape:
            symbol = sp.Symbol(name, real=True)
        elif len(e.shape) > 2:
            symbol = sp.IndexedBase(sp.Symbol(name, real=True), shape=tuple(map(sympy_dim, e.shape)))
        else:
            symbol = matrix_symbol(name, e.shape)
        return self.array(e.shape, lambda *i: symbol[i]) if len(e.shape) > 2 else symbol


def over(kind: Any, body: Any, *limits: Any) -> Any:
    """A Sum or Product that leaves its body alone: SymPy's constructor folds a Piecewise and merges a Sum of a Sum."""
    import sympy as sp

    made = sp.Expr.__new__(kind)
    made._args = (body, *kind(sp.S.One, *limits).limits)
    made.is_commutative = True
    return made


def rank_two(form: Any) -> Any:
    """An n x 1 matrix that is no vector, marked by a block around it."""
    import sympy as sp

    return sp.BlockMatrix([[form]]) if form.shape[1] == 1 else form
