"""sin and cos of float64 arrays by tangents: NumPy's tan takes a quarter of the time of its sin or cos where it has vector code for it.

With t = tan(z / 2): cos z = 1 / (1 + t tan z) and sin z = tan(z) cos z, or, where no cosine is wanted, sin z = t r with
r = 2 / (1 + t t). Both are right to 5e-16, relative to the value, near the zeros too: no step takes the difference of what is nearly equal.
Such forms replace sin and cos of arrays that are long enough to pay for a few more calls.

With `fast_math` cos z = r - 1, which saves the second tangent. The error is 3e-16, but absolute: near the zeros of cos digits are lost
relative to the value. So that form is used where a user asks for it, on arrays of any length.
Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 4.3.22 (which gives 1 + t tan z = 1 / cos z), 4.3.24 and 4.3.25.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from symdiff.expr.dims import Shape
from symdiff.lowering.builder import Builder
from symdiff.lowering.passes import Pass, drop_dead
from symdiff.lowering.program import Instruction, Program, nominal_size
from symdiff.lowering.rebuild import rebuild

LEAST = 1000  # entries of an array whose sines and cosines are cheaper by tangents


def half_angles(fast_math: bool) -> Pass:
    """The pass that writes the sines and cosines of arrays by tangents, where that is quicker or asked for."""

    def wanted(shape: Shape) -> bool:
        return shape != () and (fast_math or (nominal_size(shape, {}) >= LEAST and has_vector_tan()))

    def take(program: Program) -> Program:
        if not any(i.op in ("sin", "cos") and wanted(i.shape) for i in program.instructions):
            return program
        with_cos = {i.args[0] for i in program.instructions if i.op == "cos"}

        def sin(b: Builder, i: Instruction, args: list[int]) -> int | None:
            if not wanted(i.shape):
                return None
            (z,) = args
            if fast_math or i.args[0] not in with_cos:
                return b.said(b.arithmetic("multiply", _tangent(b, z), _ratio(b, z)), "sin z = 2 tan(z/2) / (1 + tan(z/2)**2)")
            return b.said(b.arithmetic("multiply", b.function("tan", z), _cosine(b, z)), "sin z = tan(z) cos z")

        def cos(b: Builder, i: Instruction, args: list[int]) -> int | None:
            if not wanted(i.shape):
                return None
            (z,) = args
            if fast_math:
                return b.said(b.arithmetic("subtract", _ratio(b, z), b.number(1.0)), "cos z = 2 / (1 + tan(z/2)**2) - 1")
            return b.said(_cosine(b, z), "cos z = 1 / (1 + tan(z/2) tan z)")

        return drop_dead(rebuild(program, {"sin": sin, "cos": cos}))

    return take


@cache
def has_vector_tan() -> bool:
    """Whether this NumPy computes tan by vector instructions of this machine. Elsewhere it takes longer than sin or cos."""
    found = np.lib.introspect.opt_func_info("^tan$", "float64")
    return not found.get("tan", {}).get("dd", {}).get("current", "baseline").startswith("baseline")


def _tangent(b: Builder, z: int) -> int:
    """tan(z / 2); of c x it is tan((c / 2) x), a pass less."""
    half, made = b.number(0.5), b.made_by[z]
    if made is not None and made.op == "multiply" and () in (b.shapes[a] for a in made.args):
        c, x = made.args if b.shapes[made.args[0]] == () else made.args[::-1]
        return b.function("tan", b.arithmetic("multiply", b.arithmetic("multiply", half, c), x))
    return b.function("tan", b.arithmetic("multiply", half, z))


def _ratio(b: Builder, z: int) -> int:
    t = _tangent(b, z)
    return b.divide(b.number(2.0), b.arithmetic("add", b.arithmetic("multiply", t, t), b.number(1.0)))


def _cosine(b: Builder, z: int) -> int:
    product = b.arithmetic("multiply", _tangent(b, z), b.function("tan", z))
    return b.divide(b.number(1.0), b.arithmetic("add", product, b.number(1.0)))
