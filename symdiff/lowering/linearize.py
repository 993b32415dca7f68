"""From the expression DAG to a program, operands first and without recursion.

A register holds an expression up to broadcasting: axes along which it is constant may be of size 1, or missing in front. NumPy
broadcasts them where they meet others, and only an output is stretched. A sign is kept beside the register, so that a sum subtracts
instead of adding a negation. A product that only one other product uses is multiplied into that one, so that the order of both is free.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from fractions import Fraction
from itertools import combinations

import numpy as np

from symdiff.errors import MissingRule
from symdiff.expr.leaves import constant_value, multiply_numbers
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import (
    Add,
    Arg,
    Concat,
    Const,
    Contract,
    Delta,
    Gather,
    GatherT,
    Iota,
    Linalg,
    Map,
    Number,
    Ones,
    Reduce,
    Reshape,
    Scan,
    Scatter,
    Size,
    Slice,
    Var,
)
from symdiff.expr.traverse import use_counts, variables
from symdiff.lowering import contraction, structure
from symdiff.lowering.builder import Builder
from symdiff.lowering.contraction import Factor, Product
from symdiff.lowering.maps import lower_map
from symdiff.lowering.normalise import normalise
from symdiff.lowering.operations import OPERATIONS
from symdiff.lowering.paths import EXHAUSTIVE
from symdiff.lowering.program import Output, Program, check
from symdiff.lowering.walk import Walk

Labels = tuple[int, ...]


def linearize(
    outputs: Sequence[Expr],
    inputs: Sequence[Var],
    *,
    name: str = "f",
    output_names: Sequence[str] | None = None,
    sizes: Mapping[str, int] | None = None,
    names: Mapping[Expr, str] | None = None,
    comments: Mapping[Expr, str] | None = None,
    input_names: Sequence[str] | None = None,
) -> Program:
    """The program of the outputs as a function of the inputs.

    `sizes` are hints for comparing costs; `names` label expressions, `comments` stand beside them.

    >>> from symdiff.expr.leaves import var
    >>> x = var('x', 'n')
    >>> print(linearize([x * x], [x]))
    f(%0 x (n,))
      %1 = multiply(%0, %0) (n,) real
      return out %1
    """
    normal = normalise(list(outputs))
    roots = [normal[o] for o in outputs]
    labelled: dict[Expr, tuple[str, str]] = {}
    for e in [*(names or {}), *(comments or {})]:
        if e in normal:
            labelled.setdefault(normal[e], ((names or {}).get(e, ""), (comments or {}).get(e, "")))
    walk = Linearizer(roots, dict(zip(inputs, input_names or [v.name for v in inputs], strict=True)), sizes or {}, labelled)
    walk.run()
    registers = walk.outputs(roots)
    if output_names is None:
        output_names = ["out"] if len(roots) == 1 else [f"out{k}" for k in range(1, len(roots) + 1)]
    return check(walk.b.program(name, [Output(n, r) for n, r in zip(output_names, registers, strict=True)]))


class Linearizer(Walk):
    """The walk over a whole DAG, with what is known of it beforehand."""

    def __init__(
        self, roots: Sequence[Expr], inputs: Mapping[Var, str], sizes: Mapping[str, int], labelled: Mapping[Expr, tuple[str, str]]
    ):
        self.order = list(topological(*roots))
        super().__init__(Builder(sizes), _decomposed_twice(self.order))
        self.labelled = labelled
        self.uses = use_counts(*roots)
        variables(*roots, *inputs)
        indices = _only_indices(self.order, roots)
        for v, argument in inputs.items():
            self.of[v] = (self.b.input(argument, v.shape, "int" if v in indices else "real"), False)
        self.products, self.absorbed = _flattened(self.order, self.uses, set(roots) | set(labelled))
        self.pairs = _pair_counts(self.products)

    def run(self) -> None:
        for e in self.order:
            if e in self.of or e in self.absorbed:
                continue
            row = LOWER.get(type(e))
            if row is None:
                raise MissingRule(f"lower: there is no rule for a node of class {type(e).__name__}")
            result = row(self, e)
            register, negated = result if isinstance(result, tuple) else (result, False)
            if e in self.labelled:
                register, negated = (self.b.negative(register) if negated else register), False
                self.b.hint(register, *self.labelled[e])
            self.of[e] = register, negated

    # --- outputs --------------------------------------------------------------------------------------------------
    def outputs(self, roots: Sequence[Expr]) -> list[int]:
        """Registers of the whole shape, none of which shares memory with an input, a constant or another output."""
        b = self.b
        taken = {i.register for i in b.inputs}
        result: list[int] = []
        for e in roots:
            register = self.value(e)
            if b.shapes[register] != e.shape:
                register = b.emit("full", [register], e.shape, len(result))
            elif b.kinds[register] == "number":
                register = b.real(register)
            owner = self._owner(register)
            made = b.made_by[owner]
            if owner in taken or (made is not None and made.op in ("constant", "item")) or self._broadcasts(register):
                register = owner = b.emit("copy", [register], len(result))
            taken.add(owner)
            result.append(register)
        return result

    def _owner(self, register: int) -> int:
        """The register whose memory a view shows."""
        made = self.b.made_by[register]
        while made is not None and OPERATIONS[made.op].view and made.op != "item":
            register = made.args[0]
            made = self.b.made_by[register]
        return register

    def _broadcasts(self, register: int) -> bool:
        made = self.b.made_by[register]
        while made is not None and OPERATIONS[made.op].view and made.op != "item":
            if made.op == "broadcast":
                return True
            made = self.b.made_by[made.args[0]]
        return False


# --- what is known before the walk --------------------------------------------------------------------------------
def _only_indices(order: Sequence[Expr], roots: Sequence[Expr]) -> set[Expr]:
    """Nodes that are used as indices only, through nothing but structure: such an input is of whole numbers."""
    indexed: set[Expr] = set()
    other: set[Expr] = set(roots)
    for e in reversed(order):
        if isinstance(e, (Gather, GatherT)):
            indexed.update(e.indices)
            other.add(e.x)
        elif isinstance(e, (Slice, Reshape, Concat)) or (isinstance(e, Contract) and _relabels(e)):
            (indexed if e in indexed and e not in other else other).update(e.operands)
        else:
            other.update(e.operands)
    return indexed - other


def _relabels(e: Contract) -> bool:
    return sum(not isinstance(f, Ones) for f in e.factors) == 1 and not any(isinstance(f, (Const, Delta)) for f in e.factors)


def _decomposed_twice(order: Sequence[Expr]) -> set[tuple[str, Expr]]:
    """Matrices of which more than one part of a decomposition is asked for: the decomposition is made once."""
    parts = {"eigvalsh": "eigh", "eigvecs": "eigh", "svdvals": "svd", "svdu": "svd", "svdvt": "svd"}
    counts = Counter((parts[e.fn], e.args[0]) for e in order if isinstance(e, Linalg) and e.fn in parts)
    return {key for key, count in counts.items() if count > 1}


FlatProduct = tuple[Number, tuple[tuple[Expr, Labels, bool], ...], Labels]  # coefficient, (factor, labels, inverse), out


def _flattened(order: Sequence[Expr], uses: Counter[Expr], kept: set[Expr]) -> tuple[dict[Expr, FlatProduct], set[Expr]]:
    """The factors of every Contract, with those of products that nobody else uses multiplied in, and which nodes that does away with.

    A reciprocal is its base, dividing; a square that nobody else uses is its base twice.
    """
    products: dict[Expr, FlatProduct] = {}
    absorbed: set[Expr] = set()
    for e in reversed(order):
        if not isinstance(e, Contract) or e in absorbed:
            continue
        fresh = max((max(ls, default=0) for ls in e.labels), default=0) + 1
        coefficient: Number = 1
        done: list[tuple[Expr, Labels, bool]] = []
        todo = [(f, ls, False) for f, ls in zip(e.factors, e.labels, strict=True)][::-1]
        while todo:
            f, ls, inverse = todo.pop()
            room = EXHAUSTIVE - len(done) - len(todo)
            own = uses[f] == 1 and f not in kept
            if isinstance(f, Const) and not isinstance(f.value, np.ndarray) and not (inverse and f.value == 0):
                coefficient = multiply_numbers(coefficient, f.value if not inverse else _reciprocal(f.value))
            elif isinstance(f, Contract) and own and not inverse and len(f.factors) <= room and not _has_delta(f):
                absorbed.add(f)
                rename = dict(zip(f.out, ls, strict=True))
                for inner in f.labels:
                    for label in inner:
                        if label not in rename:
                            rename[label] = fresh
                            fresh += 1
                todo += [(g, tuple(rename[x] for x in inner), False) for g, inner in zip(f.factors, f.labels, strict=True)][::-1]
            elif isinstance(f, Map) and f.fn == "pow" and f not in kept and constant_value(f.args[1]) == -1 and _divides(f, own):
                if own:
                    absorbed.add(f)
                todo.append((f.args[0], ls, not inverse))
            elif isinstance(f, Map) and f.fn == "pow" and own and room > 1 and constant_value(f.args[1]) == 2 and not inverse:
                absorbed.add(f)
                todo += [(f.args[0], ls, False)] * 2
            else:
                done.append((f, ls, inverse))
        products[e] = (coefficient, tuple(done), e.out)
    return products, absorbed


def _has_delta(e: Contract) -> bool:
    return any(isinstance(f, Delta) for f in e.factors)


def _divides(e: Map, own: bool) -> bool:
    """Whether a product divides by the base of a reciprocal, rather than multiply by one that others use as well."""
    return own or e.shape == ()


def _reciprocal(value: Number) -> Number:
    return 1 / value if isinstance(value, float) else Fraction(1) / value


def _pair_counts(products: dict[Expr, FlatProduct]) -> contraction.Pairs:
    """In how many products each pair of factors stands over the same labels, and the order in which pairs were met."""
    counts: dict[frozenset[Hashable], tuple[int, int]] = {}
    for _, factors, _ in reversed(products.values()):
        groups: dict[Labels, list[Expr]] = {}
        for f, ls, inverse in factors:
            if not inverse and ls:
                groups.setdefault(ls, []).append(f)
        for members in groups.values():
            if 1 < len(members) <= 2 * EXHAUSTIVE:
                for pair in dict.fromkeys(frozenset[Hashable](p) for p in combinations(members, 2)):
                    count, place = counts.get(pair, (0, -len(counts)))
                    counts[pair] = (count + 1, place)
    return counts


# --- one row for each class of node -------------------------------------------------------------------------------
Row = Callable[[Linearizer, "Expr"], "int | tuple[int, bool]"]


def _var(w: Linearizer, e: Expr) -> int:
    raise MissingRule(f"lower: the variable {getattr(e, 'name', e)!r} is not among the inputs")


def _const(w: Linearizer, e: Expr) -> int | tuple[int, bool]:
    assert isinstance(e, Const)
    if isinstance(e.value, np.ndarray):
        return w.b.array(e.value)
    if isinstance(e.value, bool):
        return w.b.number(e.value)
    negative = e.value < 0
    return w.b.number(-e.value if negative else e.value), negative


def _add(w: Linearizer, e: Expr) -> int | tuple[int, bool]:
    """Terms from left to right, from the first one that is not negative on."""
    signed = [w.of[t] for t in e.operands]
    first = next((k for k, (_, negated) in enumerate(signed) if not negated), None)
    result = signed[first or 0][0]
    for k, (register, negated) in enumerate(signed):
        if k != (first or 0):
            result = w.b.arithmetic("subtract" if negated and first is not None else "add", result, register)
    return result, first is None


def _contract(w: Linearizer, e: Expr) -> int | tuple[int, bool]:
    assert isinstance(e, Contract)
    coefficient, factors, out = w.products[e]
    dims = {label: d for f, ls, _ in factors for label, d in zip(ls, f.shape, strict=True)}
    deltas = [ls for f, ls, _ in factors if isinstance(f, Delta)]
    if deltas:
        return _diagonal(w, e, coefficient, factors, out, deltas)
    negated = coefficient < 0
    found = []
    for f, ls, inverse in factors:
        if isinstance(f, Ones):
            continue
        register, negative = w.of[f]
        negated ^= negative
        found.append(Factor(register, ls, inverse, f))
    product = Product(_magnitude(coefficient), found, out, dims)
    return contraction.contract(w.b, product, w.pairs), negated


def _magnitude(value: Number) -> Number:
    return -value if value < 0 else value


def _diagonal(
    w: Linearizer,
    e: Contract,
    coefficient: Number,
    factors: Sequence[tuple[Expr, Labels, bool]],
    out: Labels,
    deltas: Sequence[Labels],
) -> int | tuple[int, bool]:
    """Zeros with the core on the diagonal that the Deltas tie; the bare identity as it is."""
    b = w.b
    tied: dict[int, int] = {}

    def root(label: int) -> int:
        while label in tied:
            label = tied[label]
        return label

    for i, j in deltas:
        if root(i) != root(j):
            tied[max(root(i), root(j))] = min(root(i), root(j))
    dims = {root(label): d for f, ls, _ in factors for label, d in zip(ls, f.shape, strict=True)}
    core = [(f, tuple(map(root, ls)), inverse) for f, ls, inverse in factors if not isinstance(f, (Delta, Ones))]
    negated = coefficient < 0
    found = []
    for f, ls, inverse in core:
        register, negative = w.of[f]
        negated ^= negative
        found.append(Factor(register, ls, inverse, f))
    core_out = tuple(label for label in out if root(label) == label)
    product = Product(_magnitude(coefficient), found, core_out, dims)
    register = contraction.contract(b, product, w.pairs)
    shape = b.shapes[register]
    if len(e.shape) == 2 and shape == ():
        eye = b.emit("eye", (), e.shape[0])
        return b.arithmetic("multiply", register, eye), negated
    if len(e.shape) == 2 and shape == (e.shape[0],):
        return b.emit("diag", [b.real(register)]), negated
    return b.emit("embed", [b.operand(register)], e.shape, tuple(core_out.index(root(label)) for label in out)), negated


LOWER: dict[type[Expr], Row] = {
    Var: _var,
    Const: _const,
    Size: lambda w, e: w.b.emit("size", (), e.dim),  # type: ignore[attr-defined]
    Iota: lambda w, e: w.b.emit("iota", (), e.dim),  # type: ignore[attr-defined]
    Delta: lambda w, e: w.b.emit("eye", (), e.dim),  # type: ignore[attr-defined]
    Ones: lambda w, e: w.b.number(1),
    Add: _add,
    Contract: _contract,
    Map: lambda w, e: lower_map(w.b, e, [w.value(a) for a in e.operands]),  # type: ignore[arg-type]
    Reduce: structure.lower_reduce,
    Scan: structure.lower_scan,
    Arg: structure.lower_arg,
    Reshape: structure.lower_reshape,
    Slice: structure.lower_slice,
    Scatter: structure.lower_scatter,
    Concat: structure.lower_concat,
    Gather: structure.lower_gather,
    GatherT: structure.lower_gather_transpose,
    Linalg: structure.lower_linalg,
}
