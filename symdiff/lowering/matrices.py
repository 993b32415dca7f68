"""Products of stacks in the form that BLAS takes best, once every size is a number.

A stack of rows times one matrix is one product of matrices, and so is a tensor product whose summed axes come first or last: NumPy's
loop over the stack, and np.tensordot's own transposing, cost more than such products of a few thousand entries. A stack of small matrices
that is multiplied by transposed ones reads a copy of those: OpenBLAS has kernels for small products, but not for that form. Truth values
that multiply something larger become numbers once, before they are stretched.
"""

from __future__ import annotations

from math import prod

from symdiff.expr.dims import whole_dims
from symdiff.lowering.builder import Builder
from symdiff.lowering.operations import OPERATIONS
from symdiff.lowering.passes import drop_dead
from symdiff.lowering.program import Instruction, Program, nominal_size
from symdiff.lowering.rebuild import rebuild

SMALL = 48 * 48  # entries of a matrix up to which products with a transposed one are slow
STRETCHED = ("expand", "transpose", "squeeze")


def products_as_matrices(program: Program) -> Program:
    """The program with these forms."""
    changed = drop_dead(rebuild(program, {"matmul": _stack, "tensordot": _tensor_product, "multiply": _mask}))
    return program if changed.instructions == program.instructions else changed


def _stack(b: Builder, i: Instruction, args: list[int]) -> int | None:
    left, right = args
    shape, of_right = whole_dims(b.shapes[left]), whole_dims(b.shapes[right])
    if len(shape) > 2 and len(of_right) == 2 and _lies_in_order(b, left):
        rows = b.reshape(left, (prod(shape[:-1]), shape[-1]))
        return b.reshape(b.emit("matmul", [rows, right]), i.shape)
    if len(shape) > 2 and len(of_right) > 2 and prod(of_right[-2:]) <= SMALL and _is_transposed(b, right):
        return b.emit("matmul", [left, b.emit("copy", [right], "in order")])
    return None


def _tensor_product(b: Builder, i: Instruction, args: list[int]) -> int | None:
    """The product of both operands as matrices, where the summed axes of each come first or last."""
    if len(i.shape) < 2:
        return None
    matrices = []
    for register, axes, rows in zip(args, i.params, (False, True), strict=True):
        shape = whole_dims(b.shapes[register])
        summed, rest = prod(shape[a] for a in axes), prod(d for a, d in enumerate(shape) if a not in axes)
        if axes == tuple(range(len(axes))):
            matrix, first = b.reshape(register, (summed, rest)), True
        elif axes == tuple(range(len(shape) - len(axes), len(shape))):
            matrix, first = b.reshape(register, (rest, summed)), False
        else:
            return None
        matrices.append(matrix if first == rows else b.transpose(matrix, (1, 0)))
    return b.reshape(b.emit("matmul", matrices), i.shape)


def _mask(b: Builder, i: Instruction, args: list[int]) -> int | None:
    if i.kind != "real":
        return None
    wide = [a if b.kinds[a] != "bool" or nominal_size(b.shapes[a], {}) == nominal_size(i.shape, {}) else _as_numbers(b, a) for a in args]
    return None if wide == args else b.emit("multiply", wide)


def _as_numbers(b: Builder, register: int) -> int:
    """Truth values as numbers, and then the views of them."""
    views: list[Instruction] = []
    made = b.made_by[register]
    while made is not None and made.op in STRETCHED:
        views.append(made)
        register = made.args[0]
        made = b.made_by[register]
    register = b.real(register)
    for view in reversed(views):
        register = b.emit(view.op, [register], *view.params)
    return register


def _lies_in_order(b: Builder, register: int) -> bool:
    """Whether an array is known to lie in memory row by row: it is computed, not a view of another order."""
    made = b.made_by[register]
    while made is not None and made.op == "reshape":
        made = b.made_by[made.args[0]]
    return made is not None and not OPERATIONS[made.op].view


def _is_transposed(b: Builder, register: int) -> bool:
    made, rank = b.made_by[register], len(b.shapes[register])
    return made is not None and made.op == "transpose" and made.params[0] == (*range(rank - 2), rank - 1, rank - 2)
