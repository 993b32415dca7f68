"""Products of a matrix with itself as BLAS computes them best: one triangle, mirrored.

X^T diag(s) X with s >= 0 is Q^T Q with Q = sqrt(s) X, and (c A)^T A is c (A^T A): NumPy computes a product of an array with its own
transpose by SYRK, at half the work.
"""

from __future__ import annotations

from symdiff.lowering.builder import Builder
from symdiff.lowering.passes import drop_dead
from symdiff.lowering.program import Instruction, Program
from symdiff.lowering.rebuild import rebuild

POSITIVE = frozenset(("exp", "sigmoid", "abs", "sqrt", "softplus", "cosh", "relu", "exp2"))
KEEPS_SIGN = frozenset(("expand", "squeeze", "transpose", "reshape", "broadcast", "slice", "sum", "max", "min", "prod", "copy"))
OF_TWO = frozenset(("add", "multiply", "divide", "minimum", "hypot"))


def nonnegative(b: Builder, register: int) -> bool:
    """Whether the way in which a register is computed shows that it has no negative entry."""
    todo, seen = [register], set()
    while todo:
        r = todo.pop()
        if r in seen:
            continue
        seen.add(r)
        made = b.made_by[r]
        if made is None:
            return False
        if made.op == "const":
            if not made.params[0] >= 0:
                return False
        elif made.op in POSITIVE or (made.op == "multiply" and made.args[0] == made.args[1]):
            continue
        elif made.op == "item":
            if b.made_by[made.args[0]] is None or b.made_by[made.args[0]].op != "sigmoids":  # type: ignore[union-attr]
                return False
        elif made.op in KEEPS_SIGN or made.op in OF_TWO:
            todo += made.args
        elif b.kinds[r] != "bool":
            return False
    return True


def symmetric_products(program: Program) -> Program:
    """Both forms, wherever a matrix is multiplied with itself but for a scale of what is summed."""
    found: list[int] = []

    def matmul(b: Builder, i: Instruction, args: list[int]) -> int | None:
        register = _with_itself(b, i, args)
        found.extend([] if register is None else [register])
        return register

    changed = rebuild(program, {"matmul": matmul})
    return drop_dead(changed) if found else program


def _with_itself(b: Builder, i: Instruction, args: list[int]) -> int | None:
    if len(i.shape) != 2 or i.shape[0] != i.shape[1]:
        return None
    (left, of_left), (right, of_right) = (_untransposed(b, a) for a in args)
    if of_left == of_right or left == right:  # neither is a transpose of the other, or all of it is
        return None
    summed = 0 if of_left else 1
    for scaled, plain in ((left, right), (right, left)):
        factor = _scale(b, scaled, plain)
        if factor is None:
            continue
        if not b.shapes[factor]:
            return b.arithmetic("multiply", factor, _square(b, plain, of_left))
        along = (1,) * (2 - len(b.shapes[factor])) + b.shapes[factor]
        if along[1 - summed] == 1 and nonnegative(b, factor):
            return _square(b, b.arithmetic("multiply", plain, b.function("sqrt", factor)), of_left)
    return None


def _square(b: Builder, x: int, left: bool) -> int:
    transposed = b.transpose(x, (1, 0))
    return b.emit("matmul", [transposed, x] if left else [x, transposed])


def _untransposed(b: Builder, register: int) -> tuple[int, bool]:
    made = b.made_by[register]
    if made is not None and made.op == "transpose" and made.params[0] == (1, 0):
        return made.args[0], True
    return register, False


def _scale(b: Builder, scaled: int, plain: int) -> int | None:
    """The factor of `scaled` = factor * `plain`, if it is smaller than that."""
    made = b.made_by[scaled]
    if made is None or made.op != "multiply" or plain not in made.args:
        return None
    factor = made.args[1] if made.args[0] == plain else made.args[0]
    return factor if b.shapes[factor] != b.shapes[plain] else None
