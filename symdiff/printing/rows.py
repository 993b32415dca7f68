"""The transpose of a formula, worked out: rᵀ X for Xᵀ r, Bᵀ Aᵀ for A B, as numerator layout has gradients."""

from __future__ import annotations

from typing import Any

from symdiff.printing import term
from symdiff.printing.forms import is_column_of_ones_product
from symdiff.printing.precedence import POSTFIX, POWER
from symdiff.printing.term import Term


def turned(w: Any, t: Term) -> str:
    """The transpose of a vector (a column) or a matrix, in the terms of a writer: numbers in front, factors in the other order."""
    return str(_turned(w, t))


def _turned(w: Any, t: Term) -> Any:
    match t.op:
        case _ if not t.shape:
            return w.write(t)
        case "neg":
            return f"{w.minus}{turned(w, t.args[0])}"
        case "add" if _opens(t):
            first, *rest = ((sign, turned(w, a)) for sign, a in zip(t.data, t.args, strict=True))
            return first[1] + "".join(f" + {text}" if sign else f" {w.minus} {text}" for sign, text in rest)
        case "times":
            scalars = [a for a in t.args if a.shape == ()]
            arrays = [a for a in t.args if a.shape != ()]
            if len(arrays) == 1:
                body = turned(w, arrays[0])
                return w.prefixed(scalars, w.bracket(body) if _opens(arrays[0]) else body)
        case "over" if t.args[1].shape == ():
            return w.divided(turned(w, t.args[0]), t.args[1])
        case "matmul" if all(len(a.shape) == 2 for a in t.args[:-1]):
            last = w.transposed(w.write(t.args[-1], POSTFIX)) if len(t.args[-1].shape) == 1 else w.write(term.transpose(t.args[-1]), POWER)
            return w.joined([last, *(w.write(term.transpose(a), POWER) for a in reversed(t.args[:-1]))])
    if t.op == "call" and is_column_of_ones_product(t):  # 𝟏ᵀ X for Xᵀ 𝟏
        x, axis = t.args[0], dict(t.data[1])["axis"]
        return w.joined([w.transposed(w.function("ones")), w.factor(x if axis == 0 else term.transpose(x))])
    return w.transposed(w.write(t, POSTFIX)) if len(t.shape) == 1 else w.write(term.transpose(t))


def _opens(t: Term) -> bool:
    """Whether a sum is better transposed term by term: Aᵀ B + C."""
    return t.op == "add" and any(a.op == "matmul" for a in t.args)
