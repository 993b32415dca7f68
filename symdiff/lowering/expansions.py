"""Stable functions as the elementwise operations they are made of, so that each is a pass in place and parts are shared.

sigmoid(x) is 1 / (1 + exp(-x)) with the exponent held below overflow; where softplus or log_sigmoid of the same argument have computed
log1p(exp(-|x|)) already, it is exp(min(x, 0) - log1p(exp(-|x|))). A softmax is computed from its logarithm's own exponentials.
Source: Mächler, Accurately computing log(1 - exp(-|a|)), R package Rmpfr (2012), for log1p(exp(x)).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from symdiff.lowering.builder import Builder
from symdiff.lowering.passes import drop_dead
from symdiff.lowering.program import Instruction, Program
from symdiff.lowering.rebuild import Row, rebuild

EXPONENT = {"np.float64": 709.0, "np.float32": 88.0}  # exp of it is finite
LARGEST = {"np.float64": 1.7976931348623157e308, "np.float32": 3.4028234663852886e38}


def expand_functions(dtype: str) -> Callable[[Program], Program]:
    """The pass for arrays of this dtype."""

    def expand(program: Program) -> Program:
        found = _Expansion(program, dtype)
        return drop_dead(rebuild(program, found.rows)) if found.needed() else program

    return expand


class _Softmax(NamedTuple):
    """Registers of the new program: what the softmax is of, that less its maximum, the exponentials, their sum."""

    x: int
    shifted: int
    exponentials: int
    total: int


class _Expansion:
    """What is known of one program, and the rows that write it out."""

    def __init__(self, program: Program, dtype: str) -> None:
        self.program = program
        self.exponent = EXPONENT[dtype]
        self.largest = LARGEST[dtype]
        self.made = {i.result: i for i in program.instructions}
        self.shapes = program.shapes()
        self.logistic = {self._base(i.args[0]) for i in program.instructions if i.op in ("softplus", "log_sigmoid")}
        self.normalised = self._normalised()
        self.rows: dict[str, Row] = {
            "sigmoid": self.sigmoid,
            "sigmoids": lambda b, i, args: args[0],  # its items ask for what they need
            "item": self.item,
            "softplus": self.softplus,
            "log_sigmoid": self.log_sigmoid,
            "silu": lambda b, i, args: b.arithmetic("multiply", args[0], self.logistic_of(b, args[0], args[0] in self.logistic)),
            "logsumexp": self.logsumexp,
            "subtract": self.log_softmax,
            "exp": self.softmax,
        }
        self.parts: dict[int, _Softmax] = {}  # by logsumexp

    def needed(self) -> bool:
        expanded = {"sigmoid", "sigmoids", "softplus", "log_sigmoid", "silu"}
        return bool(self.normalised) or any(i.op in expanded for i in self.program.instructions)

    def _base(self, x: int) -> int:
        made = self.made.get(x)
        return made.args[0] if made is not None and made.op == "negative" else x

    # --- sigmoids -------------------------------------------------------------------------------------------------
    def sigmoid(self, b: Builder, i: Instruction, args: list[int]) -> int:
        return self.logistic_of(b, args[0], self._base(i.args[0]) in self.logistic)

    def item(self, b: Builder, i: Instruction, args: list[int]) -> int | None:
        made = self.made[i.args[0]]
        if made.op != "sigmoids":
            return None
        (x,) = args
        shared = self._base(made.args[0]) in self.logistic
        if i.params[0] == 0:
            return self.logistic_of(b, x, shared)
        if shared:
            return self.logistic_of(b, b.negative(x), True)
        return b.arithmetic("multiply", self._decay(b, x), self.logistic_of(b, x, False))

    def logistic_of(self, b: Builder, x: int, shared: bool) -> int:
        """sigmoid(x)."""
        if shared:
            return _said(b, b.function("exp", self._log_of(b, x)), "sigmoid", x)
        return _said(b, b.divide(b.number(1.0), b.arithmetic("add", self._decay(b, x), b.number(1.0))), "sigmoid", x)

    def _decay(self, b: Builder, x: int) -> int:
        """exp(-x), finite."""
        made = b.made_by[x]
        if made is not None and made.op == "negative":
            return b.function("exp", b.function("minimum", made.args[0], b.number(self.exponent)))
        return b.function("exp", b.negative(b.function("maximum", x, b.number(-self.exponent))))

    def _falling(self, b: Builder, x: int) -> int:
        """exp(-|x|)."""
        made = b.made_by[x]
        x = made.args[0] if made is not None and made.op == "negative" else x
        zero = b.number(0.0)
        return b.function("exp", b.arithmetic("subtract", b.function("minimum", x, zero), b.function("maximum", x, zero)))

    def softplus(self, b: Builder, i: Instruction, args: list[int]) -> int:
        return self._softplus(b, args[0])

    def _softplus(self, b: Builder, x: int) -> int:
        result = b.arithmetic("add", b.function("maximum", x, b.number(0.0)), b.function("log1p", self._falling(b, x)))
        return _said(b, result, "softplus", x)

    def log_sigmoid(self, b: Builder, i: Instruction, args: list[int]) -> int:
        return self._log_of(b, args[0])

    def _log_of(self, b: Builder, x: int) -> int:
        """log(sigmoid(x))."""
        made = b.made_by[x]
        if made is not None and made.op == "negative":
            return b.negative(self._softplus(b, made.args[0]))
        result = b.arithmetic("subtract", b.function("minimum", x, b.number(0.0)), b.function("log1p", self._falling(b, x)))
        return _said(b, result, "log_sigmoid", x)

    # --- softmax --------------------------------------------------------------------------------------------------
    def _normalised(self) -> dict[int, int]:
        """Differences x - logsumexp(x), with the logsumexp."""
        found = {}
        for i in self.program.instructions:
            if i.op == "subtract" and len(i.args) == 2:
                made = self.made.get(i.args[1])
                if made is not None and made.op == "expand":
                    made = self.made.get(made.args[0])
                if made is not None and made.op == "logsumexp" and made.args[0] == i.args[0] and self._summed(made) > 0:
                    found[i.result] = made.result
        return found

    def _summed(self, i: Instruction) -> int:
        """The smallest size that a reduction runs over."""
        return min(d for a, d in enumerate(self.shapes[i.args[0]]) if a in i.params[0] and isinstance(d, int))

    def _only_normalises(self, i: Instruction) -> bool:
        """Whether a logsumexp is read in such differences only."""
        shown = {i.result} | {j.result for j in self.program.instructions if j.op == "expand" and j.args[0] == i.result}
        readers = [j for j in self.program.instructions if any(a in shown for a in j.args) and j.result not in shown]
        return all(j.result in self.normalised for j in readers) and all(o.register not in shown for o in self.program.outputs)

    def logsumexp(self, b: Builder, i: Instruction, args: list[int]) -> int | None:
        if i.result not in self.normalised.values():
            return None
        (x,), (axes,) = args, i.params
        top = b.emit("max", [x], axes)
        if not self._only_normalises(i):  # as a value of its own it is -inf or inf where all or one of the terms are
            top = b.function("maximum", b.function("minimum", top, b.number(self.largest)), b.number(-self.largest))
        shifted = b.arithmetic("subtract", x, _kept(b, top, axes, x))
        exponentials = b.function("exp", shifted)
        total = b.sum(exponentials, axes)
        self.parts[i.result] = _Softmax(x, shifted, exponentials, total)
        return _said(b, b.arithmetic("add", b.function("log", total), top), "logsumexp", x)

    def log_softmax(self, b: Builder, i: Instruction, args: list[int]) -> int | None:
        found = self.normalised.get(i.result)
        if found is None:
            return None
        x, shifted, _, total = self.parts[found]
        result = b.arithmetic("subtract", shifted, _kept(b, b.function("log", total), self.made[found].params[0], shifted))
        return _said(b, result, "log_softmax", x)

    def softmax(self, b: Builder, i: Instruction, args: list[int]) -> int | None:
        found = self.normalised.get(i.args[0])
        if found is None:
            return None
        x, _, exponentials, total = self.parts[found]
        result = b.divide(exponentials, _kept(b, total, self.made[found].params[0], exponentials))
        return _said(b, result, "softmax", x)


def _said(b: Builder, register: int, function: str, x: int) -> int:
    """The register, with the comment that it is this function of x."""
    made = b.made_by[x]
    sign, x = ("-", made.args[0]) if made is not None and made.op == "negative" else ("", x)
    name = b.name_of(x)
    return b.said(register, f"{function}({sign}{name})" if name else function)


def _kept(b: Builder, x: int, axes: tuple[int, ...], like: int) -> int:
    """A reduction with its axes back, of size 1, as far as broadcasting needs them."""
    rank = len(b.shapes[like])
    leading = next(a for a in range(rank + 1) if a == rank or a not in axes)
    inner = [a - leading for a in axes if a >= leading]
    return b.expand(x, inner) if inner and b.shapes[x] else x
