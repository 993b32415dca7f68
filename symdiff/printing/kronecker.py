"""Derivatives of arrays by arrays as matrices: ∂vec(F)/∂vec(X) in Kronecker products.

The array J of all derivatives, F's axes first, becomes a matrix when the entries of F and of X are each put into one vector. Where the
axes of J fall into two independent pairs, that matrix is a Kronecker product: J_ijkl = A_ik B_jl is A ⊗ B. By rows, as NumPy's
ravel goes, d(A X B) is A ⊗ Bᵀ; by columns, as most books go, it is Bᵀ ⊗ A. Where the pairs are crossed, the commutation matrix K
turns them round: K vec(X) = vec(Xᵀ). Source: Magnus and Neudecker, Matrix Differential Calculus, 3rd ed., 2019, chapters 2 and 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain, count
from typing import Literal, NamedTuple

from symdiff.expr import ops
from symdiff.expr.algebra import add, contract, inlined, permute
from symdiff.expr.dims import Dim, dim_mul
from symdiff.expr.leaves import multiply_numbers
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Const, Delta, Labels, Number
from symdiff.expr.traverse import variables
from symdiff.printing.formula import Formula, format_formula
from symdiff.printing.plan import Network, Planner, Sum, components

Order = Literal["rows", "columns"]
SYMBOLS = ("K", "C", "P")
MOST_TERMS = 8


class VecForm(NamedTuple):
    """A matrix of derivatives over stacked entries; `commutations` are the matrices K in it."""

    matrix: Expr
    commutations: tuple[Expr, ...]
    order: Order

    def formula(self, style: str = "unicode", given: Mapping[Expr, str] | None = None) -> Formula:
        """The matrix as text; `given` as in `format_formula`. In the python style, which must evaluate, K is defined."""
        known = dict.fromkeys(self.commutations, self.symbol)
        if style == "python":
            return format_formula(self.matrix, style, known, given, vec=self.order)
        return format_formula(self.matrix, style, None, {**(given or {}), **known}, vec=self.order)

    @property
    def symbol(self) -> str:
        """What the commutation matrix is called: K, if no variable is."""
        taken = {v.name for v in variables(self.matrix)}
        return next(c for c in chain(SYMBOLS, map("K_{}".format, count())) if c not in taken)


class _Product(NamedTuple):
    """A number and factors with labelled axes, over the labels `out`."""

    coefficient: Number
    factors: tuple[tuple[Expr, Labels], ...]
    out: Labels


def vec_form(derivative: Expr, rows: int, order: Order = "rows") -> VecForm | None:
    """The matrix of a derivative whose first `rows` axes are those of the function and the others those of the variable.

    None where there is no such form, or nothing to say: a matrix as it is, an array with a side of more than two axes.

    >>> from symdiff.expr.algebra import contract
    >>> from symdiff.expr.leaves import var
    >>> A, B = var('A', ('p', 'm')), var('B', ('n', 'q'))
    >>> J = contract([(A, (0, 2)), (B, (3, 1))], (0, 1, 2, 3))
    >>> vec_form(J, 2).formula().text, vec_form(J, 2, 'columns').formula().text
    ('A ⊗ Bᵀ', 'Bᵀ ⊗ A')
    """
    columns = derivative.ndim - rows
    if not (1 <= rows <= 2 and 1 <= columns <= 2) or derivative.ndim < 3 or 1 in derivative.shape:
        return None
    if order == "columns":
        derivative = permute(derivative, (*reversed(range(rows)), *reversed(range(rows, derivative.ndim))))
    terms = _terms(derivative)
    if len(terms) > MOST_TERMS:
        return None
    found: list[Expr] = []
    turned: list[Expr] = []
    for t in terms:
        dims = {a: d for f, ls in t.factors for a, d in zip(ls, f.shape, strict=True)}
        row_labels, column_labels = t.out[:rows], t.out[rows:]
        matrix = _first(t, row_labels, column_labels, (_outer, _diagonal, _kron))
        if matrix is None and columns == 2:
            core = _first(t, row_labels, column_labels[::-1], (_diagonal, _kron))
            if core is not None:
                k = commutation(dims[column_labels[0]], dims[column_labels[1]])
                turned.append(k)
                matrix = k if _is_identity(core) else core @ k
        if matrix is None:
            return None
        scalars = [(f, ls) for f, ls in t.factors if not ls]
        front = [(Const(t.coefficient), ())] if t.coefficient != 1 or isinstance(t.coefficient, float) else []
        found.append(contract([*front, *scalars, (matrix, (0, 1))], (0, 1)))
    found.sort(key=lambda e: any(o in turned for o in topological(e)))
    return VecForm(add(*found), tuple(dict.fromkeys(turned)), order)


def vec_notes(derivative: Expr, rows: int, style: str = "unicode", given: Mapping[Expr, str] | None = None) -> list[str]:
    """What to say beside a derivative that is a matrix of Kronecker products: the matrix, for each way to stack, and what K is."""
    forms = [f for order in ("rows", "columns") if (f := vec_form(derivative, rows, order)) is not None]
    texts = [_one_line(f.formula(style, given)) for f in forms]
    if not texts:
        return []
    if texts[0] == texts[1]:
        notes = [f"as a matrix: {texts[0]}"]
    else:
        notes = [f"as a matrix, by rows (NumPy's ravel): {texts[0]}", f"by columns: {texts[1]}"]
    if forms[0].commutations and style != "python":
        k = forms[0].symbol
        notes.append(rf"{k} \operatorname{{vec}}(X) = \operatorname{{vec}}(X^\top)" if style == "latex" else f"{k} vec(X) = vec(Xᵀ)")
    return notes


def _one_line(f: Formula) -> str:
    return f.text + "".join(f", {name} = {text}" for name, text in f.where)


def commutation(m: Dim, n: Dim) -> Expr:
    """K with K vec(X) = vec(Xᵀ) for an X of shape (m, n), entries by rows.

    >>> commutation('m', 'n').shape
    ('m*n', 'm*n')
    """
    turned = contract([(Delta(n), (0, 3)), (Delta(m), (1, 2))], (0, 1, 2, 3))
    return ops.reshape(turned, (dim_mul(n, m), dim_mul(m, n)))


def _is_identity(e: Expr) -> bool:
    return isinstance(e, Delta)


# --- the products that a derivative is a sum of ----------------------------------------------------------------------
def _terms(e: Expr) -> list[_Product]:
    """A derivative as a sum of products, each over the axes of `e`, with a common factor multiplied into the sum."""
    planner = Planner([e], (), ())
    done: list[_Product] = []
    todo = [(e, tuple(range(e.ndim)), _Product(1, (), ()))]  # a node, the axes of `e` that are its own, and what it is multiplied by
    while todo and len(done) <= MOST_TERMS:
        node, axes, before = todo.pop()
        content = planner.plans[node].content if node in planner.plans else None
        if isinstance(content, Sum):
            for sign, t in reversed(content.terms):
                c = before.coefficient if sign else multiply_numbers(before.coefficient, -1)
                todo.append((t, axes, _Product(c, before.factors, ())))
            continue
        if not isinstance(content, Network):
            done.append(_Product(before.coefficient, (*before.factors, (node, axes)), tuple(range(e.ndim))))
            continue
        fresh = max((e.ndim, *(ls[k] + 1 for _, ls in before.factors for k in range(len(ls)))))
        inner, _ = inlined(content.factors, content.out, axes, fresh)
        factors = tuple(inner)
        coefficient = multiply_numbers(before.coefficient, content.coefficient)
        heavy = [(f, ls) for f, ls in factors if ls]
        plan = planner.plans.get(heavy[0][0]) if len(heavy) == 1 else None
        if plan is not None and isinstance(plan.content, Sum) and sorted(heavy[0][1]) == sorted(axes):
            scalars = tuple((f, ls) for f, ls in factors if not ls)
            todo.append((*heavy[0], _Product(coefficient, before.factors + scalars, ())))
        else:
            done.append(_Product(coefficient, before.factors + factors, tuple(range(e.ndim))))
    return done


# --- the forms of one product ----------------------------------------------------------------------------------------
def _first(t: _Product, rows: Labels, columns: Labels, forms: Sequence[Callable[[_Product, Labels, Labels], Expr | None]]) -> Expr | None:
    """The first form that a product has."""
    return next((m for form in forms if (m := form(t, rows, columns)) is not None), None)


def _groups(t: _Product) -> list[set[int]]:
    """The labels of `out` that are connected through factors."""
    labelled = [set(ls) for _, ls in t.factors if ls]
    return [set().union(*(labelled[k] for k in members)) for members in components(labelled)]


def _part(t: _Product, labels: set[int], out: Labels) -> Expr:
    """The product of the factors that have some of the labels."""
    return contract([(f, ls) for f, ls in t.factors if labels & set(ls)], out)


def _outer(t: _Product, rows: Labels, columns: Labels) -> Expr | None:
    """vec(A) vec(B)ᵀ, where nothing connects the two sides."""
    left: set[int] = set().union(*(g for g in _groups(t) if g & set(rows)))
    if left & set(columns):
        return None
    right: set[int] = set().union(*(g for g in _groups(t) if g & set(columns)))
    return ops.outer(ops.ravel(_part(t, left, rows)), ops.ravel(_part(t, right, columns)))


def _diagonal(t: _Product, rows: Labels, columns: Labels) -> Expr | None:
    """diag(vec(D)) for D_ij δ_ik δ_jl."""
    if len(rows) != 2 or len(columns) != 2:
        return None
    pairs = {frozenset(pair) for pair in zip(rows, columns, strict=True)}
    deltas = [set(ls) for f, ls in t.factors if isinstance(f, Delta) and frozenset(ls) in pairs]
    rest = [(f, ls) for f, ls in t.factors if ls and not (isinstance(f, Delta) and frozenset(ls) in pairs)]
    if len(deltas) != 2 or not rest:
        return None
    same = dict(zip(columns, rows, strict=True))
    entries = contract([(f, tuple(same.get(label, label) for label in ls)) for f, ls in rest], rows)
    return ops.diag(ops.ravel(entries))


def _kron(t: _Product, rows: Labels, columns: Labels) -> Expr | None:
    """A ⊗ B, where the axes fall into two pairs in order; a side of one axis leaves a column or a row beside a matrix."""
    splits = {
        (2, 2): [((rows[:1], columns[:1]), (rows[1:], columns[1:]))],
        (2, 1): [((rows[:1], columns), (rows[1:], ())), ((rows[:1], ()), (rows[1:], columns))],
        (1, 2): [((rows, columns[:1]), ((), columns[1:])), (((), columns[:1]), (rows, columns[1:]))],
    }[len(rows), len(columns)]
    groups = _groups(t)
    for sides in splits:
        own = [set().union(*(g for g in groups if g & {*r, *c})) for r, c in sides]
        if own[0] & own[1]:
            continue
        left, right = (_matrix(_part(t, mine, (*r, *c)), bool(r), bool(c)) for mine, (r, c) in zip(own, sides, strict=True))
        return (
            Delta(dim_mul(left.shape[0], right.shape[0])) if isinstance(left, Delta) and isinstance(right, Delta) else ops.kron(left, right)
        )
    return None


def _matrix(e: Expr, has_row: bool, has_column: bool) -> Expr:
    """A vector as a column or a row."""
    return e if has_row and has_column else ops.expand_dims(e, 1 if has_row else 0)
