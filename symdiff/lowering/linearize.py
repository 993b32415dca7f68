"""From the expression DAG to a program, operands first and without recursion.

A register holds an expression up to broadcasting: axes along which it is constant may be of size 1, or missing in front. NumPy
broadcasts them where they meet others, and only an output is stretched. A sign is kept beside the register, so that a sum subtracts
instead of adding a negation. A product that only one other product uses is multiplied into that one, so that the order of both is free.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from symdiff.errors import MissingRule
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
from symdiff.expr.traverse import variables
from symdiff.lowering import contraction, structure
from symdiff.lowering.builder import Builder
from symdiff.lowering.contraction import Product
from symdiff.lowering.maps import lower_map
from symdiff.lowering.normalise import normalise
from symdiff.lowering.operations import OPERATIONS
from symdiff.lowering.pairing import Factor, Labels
from symdiff.lowering.program import Output, Program, check
from symdiff.lowering.survey import decomposed_twice, flattened, only_indices, pair_counts
from symdiff.lowering.walk import Walk


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
        super().__init__(Builder(sizes), decomposed_twice(self.order))
        self.labelled = labelled
        variables(*(e for e in self.order if isinstance(e, Var)), *inputs)  # no two of one name
        uses: Counter[Expr] = Counter(roots)
        for e in self.order:
            uses.update(e.operands)
        indices = only_indices(self.order, roots)
        for v, argument in inputs.items():
            self.of[v] = (self.b.input(argument, v.shape, "int" if v in indices else "real"), False)
        self.products, self.absorbed = flattened(self.order, uses, set(roots) | set(labelled))
        self.pairs = pair_counts(self.products)

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
    core_out = tuple(dict.fromkeys(map(root, out)))
    product = Product(_magnitude(coefficient), found, core_out, dims)
    register = contraction.contract(b, product, w.pairs)
    if len(core_out) == len(out):  # what a Delta tied is summed
        return register, negated
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
