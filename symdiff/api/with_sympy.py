"""SymPy as a second opinion: its simplification of scalar parts, taken where it is shorter and gives the same numbers."""

from __future__ import annotations

import numpy as np

from symdiff.expr.dims import dim_value
from symdiff.expr.node import Expr
from symdiff.expr.traverse import size_names, variables
from symdiff.lowering.lowered import lower
from symdiff.printing.formula import op_count
from symdiff.printing.sympy_simplify import simplify_scalar_with_sympy
from symdiff.rewrite import simplify_all

POINTS = 8  # random points at which both forms must agree


def shorter_by_sympy(e: Expr) -> Expr:
    """What SymPy makes of `e`, if it has fewer operations and agrees at random points; else `e`."""
    found = simplify_scalar_with_sympy(e)
    if found is None:
        return e
    (candidate,) = simplify_all([found])
    shorter = min((found, candidate), key=op_count)
    return shorter if op_count(shorter) < op_count(e) and agree(e, shorter) else e


def agree(a: Expr, b: Expr, points: int = POINTS) -> bool:
    """Whether two expressions are equal at random points, to 1e-9 of their size; a point where one is undefined says nothing."""
    inputs = variables(a, b)
    rng = np.random.default_rng(0)
    names = sorted(size_names(a, b))
    decided = 0
    for k in range(2 * points):
        sizes = {n: 2 + (i + k) % 3 for i, n in enumerate(names)}
        f = lower([a, b], inputs, sizes=sizes)
        low, high = ((0.2, 2.0), (-2.0, 2.0))[k % 2]
        values = [rng.uniform(low, high, tuple(dim_value(d, sizes) for d in v.shape)) for v in inputs]
        with np.errstate(all="ignore"):
            x, y = f(*values)
        known = np.isfinite(x) & np.isfinite(y)
        if not known.any():
            continue
        decided += 1
        if not np.allclose(x[known], y[known], rtol=1e-9, atol=1e-12):
            return False
    return decided > 0
