"""Entries of arrays, and the operations on arrays for which SymPy has no matrix: named functions of the entry's indices.

reshape(X, (m, k), i, j) is entry i, j of X reshaped. Such a function holds its operands, its fixed data and the indices, so that the way
back finds the node again; `.doit()` writes it out where there is a formula for the entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import product
from typing import Any, NamedTuple

from symdiff.expr import build, structure
from symdiff.expr.dims import Dim, Shape
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Arg, Concat, GatherT, Linalg, Place, Range, Reduce, Reshape, Scatter
from symdiff.printing.bridge.symbols import dim_of_sympy, sympy_dim


# --- entries ------------------------------------------------------------------------------------------------------
def entry(form: Any, index: Sequence[Any]) -> Any:
    """An entry of an array's SymPy form: a matrix (a vector is a column), or a Lambda of its indices for a rank above 2."""
    import sympy as sp
    from sympy.matrices.expressions.matexpr import MatrixElement

    if isinstance(form, sp.Lambda):
        plain = isinstance(form.expr, sp.Indexed) and form.expr.indices == form.variables
        return form.expr.func(form.expr.base, *index) if plain else applied()(form, *index)
    if isinstance(form, sp.NDimArray):
        return form[tuple(index)]
    if not index:
        return form
    row, column = (*index, 0)[:2]
    return sp.Expr.__new__(MatrixElement, form, sp.sympify(row), sp.sympify(column))  # unevaluated, of an empty matrix too


def inlined(form: Any, index: Sequence[Any]) -> Any:
    """An entry written out: what the Lambda of an array of rank 3 or more says at the indices."""
    import sympy as sp

    return _reindexed(form.expr, dict(zip(form.variables, index, strict=True))) if isinstance(form, sp.Lambda) else entry(form, index)


@cache
def applied() -> Any:
    """The SymPy class of an entry of an array that is given by a Lambda: the Lambda at indices, left as it stands."""
    import sympy as sp

    def doit(self: Any, **hints: Any) -> Any:
        return inlined(self.args[0], self.args[1:]).doit(**hints)

    def text(self: Any, printer: Any) -> str:
        return f"{printer._print(self.args[0])}({printer.stringify(self.args[1:], ', ')})"

    return type(sp.Function)(
        "applied", (sp.Function,), {"doit": doit, "is_extended_real": True, "_sympystr": text, "_symdiff_source": text}
    )


def _reindexed(s: Any, places: Mapping[Any, Any]) -> Any:
    """The same expression at other indices. SymPy's own replacement would evaluate on the way, and merge x + x + x."""
    from sympy import Indexed
    from sympy.core.basic import Basic

    new: dict[int, Any] = {}
    stack = [(s, False)]
    while stack:
        part, ready = stack.pop()
        if id(part) in new:
            continue
        if part in places:
            new[id(part)] = places[part]
        elif not ready and part.args:
            stack.append((part, True))
            stack.extend((a, False) for a in part.args)
        else:
            args = [new[id(a)] for a in part.args]
            if all(a is b for a, b in zip(args, part.args, strict=True)):
                new[id(part)] = part
            elif isinstance(part, Indexed):
                new[id(part)] = Indexed(*args)
            else:
                made = new[id(part)] = Basic.__new__(type(part), *args)
                for field in ("is_commutative", "nargs"):
                    if any(field in getattr(cls, "__slots__", ()) for cls in type(part).__mro__) or field in getattr(part, "__dict__", {}):
                        setattr(made, field, getattr(part, field))
                if hasattr(part, "_argset"):
                    made._argset = frozenset(args)
    return new[id(s)]


# --- fixed data: dims, axes, keys ---------------------------------------------------------------------------------
def _dims_out(dims: Sequence[Dim]) -> Any:
    import sympy as sp

    return sp.Tuple(*map(sympy_dim, dims))


def _dims_in(data: Any) -> Shape:
    return tuple(map(dim_of_sympy, data))


def _keys_out(keys: Sequence[Sequence[Place]]) -> Any:
    import sympy as sp

    def place(p: Place) -> Any:
        return sp.Tuple(sympy_dim(p.start), sympy_dim(p.length), sp.Integer(p.step)) if isinstance(p, Range) else sympy_dim(p)

    return sp.Tuple(*(sp.Tuple(*map(place, key)) for key in keys))


def _keys_in(data: Any) -> tuple[tuple[Place, ...], ...]:
    import sympy as sp

    def place(p: Any) -> Place:
        return Range(dim_of_sympy(p[0]), dim_of_sympy(p[1]), int(p[2])) if isinstance(p, sp.Tuple) else dim_of_sympy(p)

    return tuple(tuple(map(place, key)) for key in data)


# --- the table ----------------------------------------------------------------------------------------------------
class Row(NamedTuple):
    """`operands` counts the operands, -1 for a tuple of them after `first` single ones; `data` writes the fixed data of a node,
    `node` makes the node from operands and data; `formula(forms, data, index)` is the entry written out, or None."""

    operands: int
    data: Callable[[Any], tuple[Any, ...]]
    node: Callable[..., Expr]
    formula: Callable[..., Any] | None = None
    variadic: bool = False


def _whole(axes: Any) -> tuple[int, ...]:
    return tuple(int(a) for a in axes)


def _reduction(kind: str, combine: Callable[[Any, list[Any]], Any]) -> Row:
    def formula(sp: Any, forms: Any, data: Any, index: Any) -> Any:
        (form,), axes = forms, _whole(data[0])
        lengths = [form_shape(form)[a] for a in axes]
        if not all(n.is_Integer for n in lengths):
            return None
        entries = []
        for place in product(*(range(int(n)) for n in lengths)):
            full, rest = dict(zip(axes, place, strict=True)), iter(index)
            rank = len(axes) + len(index)
            entries.append(entry(form, [full[a] if a in full else next(rest) for a in range(rank)]))
        return combine(sp, entries)

    return Row(1, lambda e: (_axes_out(e.axes),), lambda ops, data: build.reduce(kind, ops[0], _whole(data[0])), formula)


def _axes_out(axes: Sequence[int]) -> Any:
    import sympy as sp

    return sp.Tuple(*axes)


def form_shape(form: Any) -> tuple[Any, ...]:
    """Lengths of the axes of a form; a column counts two."""
    import sympy as sp

    if isinstance(form, sp.Lambda):
        return tuple(i.upper - i.lower + 1 for i in form.variables)
    return tuple(map(sp.sympify, form.shape))


def _arg(kind: str) -> Row:
    return Row(1, lambda e: (e.axis,), lambda ops, data: Arg(ops[0], kind, int(data[0])))


def _linalg(fn: str, operands: int = 1, formula: Callable[..., Any] | None = None) -> Row:
    return Row(operands, lambda e: (), lambda ops, data: build.linalg(fn, *ops), formula)


def _reshaped(sp: Any, forms: Any, data: Any, index: Any) -> Any:
    """The entry at the same row-major position."""
    (form,), to = forms, data[0]
    shape = form_shape(form)
    position = sum((i * sp.Mul(*to[k + 1 :]) for k, i in enumerate(index)), sp.Integer(0))
    below = [sp.Mod(sp.floor(position / sp.Mul(*shape[a + 1 :])), shape[a]) for a in range(len(shape))]
    return entry(form, below)


def _log_det(sp: Any, forms: Any, data: Any, index: Any) -> Any:
    return None if index else sp.log(sp.Abs(sp.Determinant(forms[0])))


def _of_explicit(method: str) -> Callable[..., Any]:
    """The entry of what SymPy computes for an explicit matrix."""

    def formula(sp: Any, forms: Any, data: Any, index: Any) -> Any:
        explicit = isinstance(forms[0], sp.MatrixBase) and all(getattr(i, "is_Integer", True) for i in index)
        return entry(getattr(forms[0], method)(), index) if explicit else None

    return formula


TABLE: dict[str, Row] = {
    "amax": _reduction("max", lambda sp, entries: sp.Max(*entries)),
    "amin": _reduction("min", lambda sp, entries: sp.Min(*entries)),
    "logsumexp": _reduction("logsumexp", lambda sp, entries: sp.log(sp.Add(*map(sp.exp, entries)))),
    "prod": _reduction("prod", lambda sp, entries: sp.Mul(*entries)),
    "argsort": _arg("argsort"),
    "argmax": _arg("argmax"),
    "argmin": _arg("argmin"),
    "reshape": Row(1, lambda e: (_dims_out(e.to),), lambda ops, data: structure.reshape_node(ops[0], _dims_in(data[0])), _reshaped),
    "concatenate": Row(0, lambda e: (e.axis,), lambda ops, data: structure.concat(ops, int(data[0])), variadic=True),
    "scatter": Row(
        0,
        lambda e: (_keys_out(e.keys), _dims_out(e.into)),
        lambda ops, data: structure.scatter(ops, _keys_in(data[0]), _dims_in(data[1])),
        variadic=True,
    ),
    "gather_transpose": Row(
        1,
        lambda e: (e.axis, _dims_out(e.into)),
        lambda ops, data: structure.gather_transpose(ops[0], ops[1:], int(data[0]), _dims_in(data[1])),
        variadic=True,
    ),
    "inv": _linalg("inv"),
    "det": _linalg("det"),
    "solve": _linalg("solve", 2),
    "logdet": _linalg("logdet", formula=_log_det),
    "cholesky": _linalg("cholesky", formula=_of_explicit("cholesky")),
    "pinv": _linalg("pinv", formula=_of_explicit("pinv")),
    "eigvalsh": _linalg("eigvalsh"),
    "eigvecs": _linalg("eigvecs"),
    "svdvals": _linalg("svdvals"),
    "svdu": _linalg("svdu"),
    "svdvt": _linalg("svdvt"),
}  # fmt: skip

_NAMES: dict[type[Expr], Callable[[Any], str]] = {
    Reduce: lambda e: {"max": "amax", "min": "amin"}.get(e.kind, e.kind),
    Arg: lambda e: e.kind,
    Reshape: lambda e: "reshape",
    Concat: lambda e: "concatenate",
    Scatter: lambda e: "scatter",
    GatherT: lambda e: "gather_transpose",
    Linalg: lambda e: e.fn,
}


def facts(name: str) -> tuple[str, ...]:
    """What SymPy may assume of a named function's values."""
    return ("integer", "nonnegative") if name.startswith("arg") else ("real",)


@cache
def array_function(name: str) -> Any:
    """The SymPy class of a named function of an array's entries."""
    import sympy as sp

    row = TABLE[name]

    def doit(self: Any, **hints: Any) -> Any:
        args = [a.doit(**hints) for a in self.args] if hints.get("deep", True) else list(self.args)
        operands, data, index = split(name, args)
        value = row.formula(sp, operands, data, index) if row.formula else None
        return self.func(*args) if value is None else value

    fields = {"doit": doit, "__reduce_ex__": lambda self, protocol: (remake, (name, self.args))}
    return type(sp.Function)(name, (sp.Function,), fields | {f"is_{fact}": True for fact in facts(name)})


def remake(name: str, args: Sequence[Any]) -> Any:
    """A named function of an array's entries from its pickle."""
    return array_function(name)(*args)


def written(e: Expr, forms: Sequence[Any], index: Sequence[Any]) -> Any:
    """The named function that is entry `index` of the node `e`, whose operands have these forms."""
    import sympy as sp

    name = _NAMES[type(e)](e)
    row = TABLE[name]
    operands = [*forms[: row.operands], *([sp.Tuple(*forms[row.operands :])] if row.variadic else [])]
    return array_function(name)(*operands, *row.data(e), *index)


def split(name: str, args: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any]]:
    """The arguments of a named function as operands, fixed data and indices."""
    row = TABLE[name]
    operands = list(args[: row.operands])
    rest = list(args[row.operands :])
    if row.variadic:
        operands += list(rest.pop(0))
    count = _DATA.get(name, 0)
    return operands, rest[:count], rest[count:]


_DATA = {
    "amax": 1, "amin": 1, "logsumexp": 1, "prod": 1, "argsort": 1, "argmax": 1, "argmin": 1, "reshape": 1, "concatenate": 1, "scatter": 2,
    "gather_transpose": 2,
}  # fmt: skip
"""How many arguments are fixed data."""
