"""Products as loop nests over their labels.

Where the innermost loop can run along the memory of the operands and of the result, entries of the result are added to there, which
vectorises without reordering a sum; elsewhere a sum is kept in a variable, in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symdiff.expr.dims import Dim, Shape
from symdiff.expr.nodes import Range
from symdiff.lowering.numba_nests import Nests, Row
from symdiff.lowering.program import Instruction
from symdiff.lowering.text import PRODUCT, Text, within

Labels = Sequence[int]


def _matmul(n: Nests, i: Instruction) -> None:
    """Labels: batch axes count from 2, then row 0, summed -1, column 1."""
    a, b = (n.shapes[r] for r in i.args)
    rank = max(len(a), len(b))

    def batch(shape: Shape) -> list[int]:
        return [2 + rank - len(shape) + k for k in range(len(shape) - 2)]

    of_a = [-1] if len(a) == 1 else [*batch(a), 0, -1]
    of_b = [-1] if len(b) == 1 else [*batch(b), -1, 1]
    longer = a if len(a) >= len(b) else b
    out = [*batch(longer), *([0] if len(a) > 1 else []), *([1] if len(b) > 1 else [])]
    product(n, i, [of_a, of_b], out)


def _same_labels(n: Nests, i: Instruction) -> None:
    labels = list(range(len(n.shapes[i.args[0]])))
    product(n, i, [labels, labels], [])


def _outer(n: Nests, i: Instruction) -> None:
    left = len(n.shapes[i.args[0]])
    out = list(range(left + len(n.shapes[i.args[1]])))
    product(n, i, [out[:left], out[left:]], out)


def _tensordot(n: Nests, i: Instruction) -> None:
    of_a, of_b = i.params
    a = list(range(len(n.shapes[i.args[0]])))
    b = [len(a) + k for k in range(len(n.shapes[i.args[1]]))]
    for p, q in zip(of_a, of_b, strict=True):
        b[q] = a[p]
    product(n, i, [a, b], [x for x in a if a.index(x) not in of_a] + [x for k, x in enumerate(b) if k not in of_b])


def _unit_label(n: Nests, register: int, labels: Labels) -> int | None:
    """The label along which the entries of an operand lie side by side in memory."""
    own: list[int | None] = list(labels)
    while register not in n.names_of and register in n.made:
        i = n.made[register]
        if i.op == "transpose":
            before: list[int | None] = [None] * len(own)
            for axis, label in zip(i.params[0], own, strict=True):
                before[axis] = label
            own = before
        elif i.op == "expand":
            own = [label for axis, label in enumerate(own) if axis not in i.params[0]]
        elif i.op == "squeeze":
            rest = iter(own)
            own = [None if axis in i.params[0] else next(rest) for axis in range(len(n.shapes[i.args[0]]))]
        elif i.op == "broadcast":
            own = own[len(own) - len(n.shapes[i.args[0]]) :]
        elif i.op == "slice":
            rest = iter(own)
            own = [next(rest) if isinstance(p, Range) else None for p in i.params[0]]
        else:
            break
        register = i.args[0]
    return own[-1] if own else None


def product(n: Nests, i: Instruction, operands: Sequence[Labels], out: Labels) -> None:
    """The sum, over every label missing from `out`, of the product of the operands."""
    dims: dict[int, Dim] = {}
    for r, labels in zip(i.args, operands, strict=True):
        for label, d in zip(labels, n.shapes[r], strict=True):
            if dims.get(label, 1) == 1:
                dims[label] = d
    summed = [label for label in dict.fromkeys(label for labels in operands for label in labels) if label not in out]
    unit = [_unit_label(n, r, labels) for r, labels in zip(i.args, operands, strict=True)]
    real = n.scalar.number(0.0).code

    def factors(at: dict[int, str], wanted: Sequence[int]) -> list[Text]:
        texts = []
        for k in wanted:
            own = ["0" if d == 1 else at[x] for x, d in zip(operands[k], n.shapes[i.args[k]], strict=True)]
            texts.append(n.as_real(i.args[k], n.at(i.args[k], own)))
        return texts

    def times(texts: Sequence[Text]) -> Text:
        code = " * ".join(within(t, PRODUCT if k == 0 else PRODUCT + 1) for k, t in enumerate(texts))
        return Text(code, PRODUCT if len(texts) > 1 else texts[0].binds, 1)

    everyone = range(len(operands))
    if not summed:
        name = n.buffer(i)
        with n.loops(tuple(dims[x] for x in out)) as index:
            n.write(f"{n.element(name, index)} = {times(factors(dict(zip(out, index, strict=True)), everyone)).code}")
        return
    if out and _along_result(unit, operands, out, summed):
        name = n.buffer(i, real)
        last = out[-1]
        outer = [*out[:-1], *summed]
        with n.loops(tuple(dims[x] for x in outer)) as index:
            at = dict(zip(outer, index, strict=True))
            fixed = [k for k in everyone if last not in operands[k]]
            alone = n.names.numbered("c") if fixed else ""
            if fixed:
                n.write(f"{alone} = {times(factors(at, fixed)).code}")
            with n.loops((dims[last],)) as inner:
                at[last] = inner[0]
                rest = [*([Text(alone)] if fixed else []), *factors(at, [k for k in everyone if k not in fixed])]
                n.write(f"{n.element(name, [at[x] for x in out])} += {times(rest).code}")
        return

    def total(at: dict[int, str]) -> Text:
        name = n.names.numbered("s")
        n.write(f"{name} = 0.0")
        order = sorted(summed, key=lambda x: sum(u == x for u in unit))
        with n.loops(tuple(dims[x] for x in order)) as index:
            n.write(f"{name} += {times(factors(at | dict(zip(order, index, strict=True)), everyone)).code}")
        return Text(name)

    store(n, i, tuple(dims[x] for x in out), lambda index: total(dict(zip(out, index, strict=True))))


def _along_result(unit: Sequence[int | None], operands: Sequence[Labels], out: Labels, summed: Labels) -> bool:
    """Whether the innermost loop is better run along the result than along a summed label."""
    last = out[-1]
    strided = sum(last in labels and u != last for u, labels in zip(unit, operands, strict=True))
    return strided < min(sum(x in labels and u != x for u, labels in zip(unit, operands, strict=True)) for x in summed) or (
        strided == 0 and any(last not in labels for labels in operands)
    )


def store(n: Nests, i: Instruction, shape: Shape, value: Callable[[Sequence[str]], Text]) -> None:
    """Each entry of a result from a text that is worked out in its loop; a float64 sum is rounded to the dtype of the program."""
    if not i.shape:
        text = value(())
        n.set_scalar(i, Text(text.code, text.binds, 1) if n.scalar.dtype == "float64" else Text(f"np.float32({text.code})", work=1))
        return
    name = n.buffer(i)
    with n.loops(shape) as index:
        n.write(f"{n.element(name, index)} = {value(index).code}")


def _trace(n: Nests, i: Instruction) -> None:
    product(n, i, [[0, 0]], [])


PRODUCTS: dict[str, Row] = {
    "matmul": _matmul,
    "dot": _same_labels,
    "vdot": _same_labels,
    "outer": _outer,
    "tensordot": _tensordot,
    "einsum": lambda n, i: product(n, i, *i.params),
    "trace": _trace,
}
