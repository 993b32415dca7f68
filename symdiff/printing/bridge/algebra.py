"""SymPy forms of leaves, sums, products and elementwise functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from symdiff.expr.functions import FUNCTIONS
from symdiff.expr.leaves import constant_value
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Add, Const, Contract, Delta, Labels, Linalg, Map, Ones
from symdiff.printing.bridge.arrays import entry, inlined
from symdiff.printing.bridge.functions import number, sympy_function
from symdiff.printing.bridge.products import Part, matrix_product
from symdiff.printing.bridge.symbols import sympy_constant, sympy_dim, sympy_number
from symdiff.printing.bridge.writer import DEEPEST, Condition, Writer, over, rank_two


# --- leaves -------------------------------------------------------------------------------------------------------
def constant_form(b: Writer, e: Const, operands: list[Any]) -> Any:
    form = sympy_constant(e)
    return rank_two(form) if len(e.shape) == 2 else form


def ones_form(b: Writer, e: Ones, operands: list[Any]) -> Any:
    import sympy as sp

    return sp.OneMatrix(sympy_dim(e.dim), 1)


def identity_form(b: Writer, e: Delta, operands: list[Any]) -> Any:
    import sympy as sp

    return sp.Identity(sympy_dim(e.dim))


# --- sums and products --------------------------------------------------------------------------------------------
def sum_form(b: Writer, e: Add, operands: list[Any]) -> Any:
    import sympy as sp

    if not e.shape:
        return sp.Add(*map(number, operands), evaluate=False)
    if len(e.shape) <= 2:
        return sp.MatAdd(*operands, evaluate=False)
    return b.array(e.shape, lambda *i: sp.Add(*(number(inlined(o, i)) for o in operands), evaluate=False))


def product_form(b: Writer, e: Contract, operands: list[Any]) -> Any:
    import sympy as sp

    if not any(e.labels):
        return sp.Mul(*map(number, operands), evaluate=False)
    dims = {label: sympy_dim(d) for label, d in e.dims().items()}
    parts = [_part(b, f, form, labels, e.out) for f, form, labels in zip(e.factors, operands, e.labels, strict=True)]
    if len(parts) == 1 and parts[0].labels == e.out and len(e.labels[0]) > len(e.out):  # the one column of a solution
        return parts[0].form
    matrix = _filled(e, parts, dims) if len(e.out) <= 2 else None
    if matrix is None and all(len(p.labels) <= 2 for p in parts):
        matrix = matrix_product(_ones_first(parts, e.out), e.out, dims, b.diagonal)
    return matrix if matrix is not None else _indexed_product(b, e, operands, dims)


def _part(b: Writer, f: Expr, form: Any, labels: Labels, out: Labels) -> Part:
    """A factor as SymPy is to see it: a product that is a node of its own stands in a product of one, which keeps it apart."""
    import sympy as sp

    if not f.shape:
        return Part(number(form), ())
    solution = _vector_solution(b, f)
    if solution is not None and labels[1] not in out:
        return Part(solution, labels[:1])
    apart = isinstance(f, Contract) and not isinstance(form, (sp.FunctionMatrix, sp.BlockMatrix))
    return Part(sp.MatMul(form, evaluate=False) if apart else form, labels)


def _vector_solution(b: Writer, f: Expr) -> Any | None:
    """inv(A) y of a solve whose right side is the vector y as one column."""
    import sympy as sp

    if isinstance(f, Linalg) and f.fn == "solve" and f not in b.names and isinstance(right := f.args[1], Contract):
        match right.factors, right.labels:
            case (y, Ones(dim=1)), ((0,), (1,)) if right.out == (0, 1):
                return sp.MatMul(sp.MatPow(b.forms[f.args[0]], -1), b.forms[y], evaluate=False)
    return None


def _ones_first(parts: list[Part], out: Sequence[int]) -> list[Part]:
    """Ones may stand anywhere; those along the rows of the result stand first."""
    import sympy as sp

    first = [p for p in parts if out and p.labels == (out[0],) and isinstance(p.form, sp.OneMatrix)]
    return [*first, *(p for p in parts if p not in first)]


def _filled(e: Contract, parts: list[Part], dims: Mapping[int, Any]) -> Any | None:
    """A scalar times ones."""
    import sympy as sp

    if any(p.labels and not isinstance(f, Ones) for p, f in zip(parts, e.factors, strict=True)) or not e.out:
        return None
    shape = [*(dims[label] for label in e.out), 1][:2]
    scalars = [p.form for p in parts if not p.labels]
    if constant_value(e) == 0:
        filled = sp.ZeroMatrix(*shape)
    else:
        ones = sp.OneMatrix(*shape)
        filled = sp.MatMul(*scalars, ones, evaluate=False) if scalars else ones
    return rank_two(filled) if len(e.out) == 2 else filled


def _indexed_product(b: Writer, e: Contract, operands: list[Any], dims: Mapping[int, Any]) -> Any:
    """sum over the labels missing from the output of the product of entries."""
    import sympy as sp

    summed = {label: b.index() for label in dims if label not in e.out}

    def at(*index: Any) -> Any:
        place = summed | dict(zip(e.out, index, strict=True))
        factors = [
            number(entry(form, [place[label] for label in labels]))
            for f, form, labels in zip(e.factors, operands, e.labels, strict=True)
            if summed or not isinstance(f, Ones)
        ] or [sp.S.One]
        body = sp.Mul(*factors, evaluate=False) if len(factors) > 1 else factors[0]
        return over(sp.Sum, body, *((i, 0, dims[label] - 1) for label, i in summed.items())) if summed else body

    return b.array(e.shape, at)


# --- functions ----------------------------------------------------------------------------------------------------
def function_form(b: Writer, e: Map, operands: list[Any]) -> Any:
    """An elementwise function: of one array by applyfunc, its other operands being scalars that fill theirs."""
    import sympy as sp
    from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
    from sympy.matrices.expressions.hadamard import HadamardPower

    if not e.shape:
        return sympy_function(e.fn, operands)
    fills = [_fill(b, a) for a in e.args]

    def at(index: Sequence[Any]) -> Any:
        return sympy_function(e.fn, [b.at(a, index) if f is None else f for a, f in zip(e.args, fills, strict=True)])

    if FUNCTIONS[e.fn].result == "bool":
        depth = 1 + max((b.conditions[a].depth for a in e.args if a in b.conditions), default=0)
        if depth <= DEEPEST:
            b.conditions[e] = Condition(at, depth)
    arrays = [k for k, f in enumerate(fills) if f is None]
    if len(e.shape) <= 2 and e.fn == "pow" and arrays == [0]:  # SymPy transposes the base only, so a matrix exponent is written by entries
        return HadamardPower(operands[0], fills[1])
    single = all(d == 1 for d in e.shape)  # applyfunc would hand the whole matrix to the function
    if len(e.shape) <= 2 and len(arrays) == 1 and not single:
        simple = all(f is None or f.is_number for f in fills)
        x = sp.Symbol(b.argument if simple else next(b.fresh_arguments), real=True)
        body = number(sympy_function(e.fn, [x if f is None else f for f in fills]))
        return ElementwiseApplyFunction(sp.Lambda(x, body), operands[arrays[0]])
    return b.array(e.shape, lambda *index: at(index))


def _fill(b: Writer, a: Expr) -> Any | None:
    """The scalar that fills an array, if one does."""
    value = constant_value(a)
    if value is not None:
        return sympy_number(value)
    if isinstance(a, Contract) and a not in b.names:
        inner = [f for f in a.factors if not isinstance(f, Ones)]
        if len(inner) == 1 and not inner[0].shape:
            return b.forms[inner[0]]
    return None
