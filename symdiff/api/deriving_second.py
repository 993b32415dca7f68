"""The lines of a Jacobian and of a Hessian.

A Jacobian is read off from the differential alone: the stages' differentials, put together, are dF = J dx with nothing to be moved. A
Hessian is a gradient, then the second differential, d²E = (dg)ᵀ dw with dw held fixed, then the Jacobian of that gradient g, in the
same symbols. Source: Magnus and Neudecker, Matrix Differential Calculus, 3rd ed., 2019, chapter 6.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from symdiff.api.deriving import TOKEN, Deriving, inner
from symdiff.api.linear_forms import tidy
from symdiff.api.loss_forms import rewritten
from symdiff.calculus import hessian, jacobian
from symdiff.expr.algebra import contract
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import substitute
from symdiff.printing.formula import op_count
from symdiff.rewrite import without_corners
from symdiff.rules.record import Line, Record

MOST_READ = 40  # operations of a Jacobian that is read off before it is simplified
FUNCTION_NAMES = {0: ("f", "h", "y"), 1: ("f", "h", "y")}
GRADIENT_NAMES = {0: ("g",), 1: ("g",)}


def jacobian_record(y: Expr, wrt: Expr, names: Mapping[Expr, str]) -> Record:
    """The lines of the derivation of the Jacobian of an array."""
    plain, unnamed = _without_facts(wrt)
    y_plain = substitute(y, {wrt: plain})
    own = {substitute(e, {wrt: plain}): name for e, name in names.items()}
    return _with_facts(DerivingJacobian(*rewritten(y_plain, plain, own)).record(), y, unnamed)


def hessian_record(loss: Expr, first: Expr, second: Expr, names: Mapping[Expr, str]) -> Record:
    """The lines of the gradient of a scalar in `first`, then of that gradient's Jacobian in `second`."""
    plain_first, facts = _without_facts(first)
    plain_second, more = _without_facts(second)
    known = facts | more
    back = {v: p for p, v in known.items()}
    loss_plain = substitute(loss, back)
    own = {substitute(e, back): name for e, name in names.items()}
    one = Deriving(*rewritten(loss_plain, plain_first, own))
    above = one.record()
    slope, again = _gradient_in_stages(one, above)
    (smooth,) = without_corners([loss_plain], {plain_first, plain_second})
    two = DerivingHessian(one, slope, plain_second, again, smooth)
    below = two.record()
    fixed = one.tangents[plain_first]
    result = above.names[above.lines[0].left]
    d2 = Var(f"s{next(two.numbers)}", (), (), TOKEN)
    lines = list(above.lines)
    local = below.lines[0].right
    pairs = ((two.tangents[slope], fixed),)
    held = (fixed,) if second is first else (fixed, plain_second)
    lines.append(Line("second", d2, inner(*pairs[0]), (), held, ((below.lines[0].left, local),), pairs))
    lines += _with_quadratic(below.lines[1:], d2, fixed, two.tangents[plain_second])
    axes = tuple(range(first.ndim + second.ndim))
    full = two.derivative()
    move = contract([(fixed, axes[: first.ndim]), (full, axes), (two.tangents[plain_second], axes[first.ndim :])], ())
    record = Record(
        above.loss,
        above.wrt,
        tuple(lines),
        {**above.names, **below.names, d2: f"d²{result}"},
        {**above.meanings, **below.meanings, d2: move},
        {**above.differentials, **below.differentials},
    )
    return _with_facts(record, loss, known)


class DerivingJacobian(Deriving):
    """The lines of a Jacobian: forward as those of a gradient; then it is read off, for there is nothing to move."""

    noun = "function"

    def _backward(self) -> None:
        whole: Expr = self.tangents[self.loss]
        for row in [line for line in self.lines if line.kind == "differential"]:
            whole = substitute(whole, {row.left: row.right})
        (slope,) = tidy(jacobian(whole, [self.tangents[self.wrt]]))
        if op_count(slope) <= MOST_READ:
            pair = (self.tangents[self.loss], self.tangents[self.wrt])
            self.lines.append(Line("jacobian", self.slope, slope, pairs=(pair,)))

    def derivative(self) -> Expr:
        return jacobian(self.loss, [self.wrt])[0]

    def result_names(self) -> Iterable[str]:
        return FUNCTION_NAMES.get(self.loss.ndim, ("F", "H", "Y"))


class DerivingHessian(DerivingJacobian):
    """The lines of the Jacobian of a gradient, after those of the gradient."""

    noun = "gradient"

    def __init__(self, earlier: Deriving, slope: Expr, wrt: Expr, own: Mapping[Expr, str], loss: Expr) -> None:
        self.whole = loss
        super().__init__(slope, slope, (), wrt, own, earlier)

    def derivative(self) -> Expr:
        assert self.earlier is not None
        return (
            hessian(self.whole, [self.earlier.wrt, self.wrt])[0][1]
            if self.wrt is not self.earlier.wrt
            else hessian(self.whole, [self.wrt])[0][0]
        )

    def result_names(self) -> Iterable[str]:
        return GRADIENT_NAMES.get(self.loss.ndim, ("G",))

    def slope_name(self, result: str, wrt: str) -> str:
        assert self.earlier is not None
        above, below = self.earlier.names[self.earlier.slope].split("/")
        first = below.removeprefix("∂")
        return f"∂²{above.removeprefix('∂')}/" + (f"∂{first}²" if self.earlier.wrt is self.wrt else f"∂{first}∂{wrt}")


def _gradient_in_stages(one: Deriving, above: Record) -> tuple[Expr, dict[Expr, str]]:
    """The gradient as the last lines have it, and the parts of it that have a name there.

    Where identities have made it shorter, that form; else the one that was read off, whose cotangents keep their names.
    """
    shown = {s: e for e, s in one.symbols.items() if s is not e}
    values: dict[Expr, Expr] = {**shown, one.result: one.loss}
    for line in above.lines:
        if line.kind in ("moved", "cotangent"):
            made = line.defines or (((line.left, line.right),) if line.kind == "cotangent" else ())
            values |= {symbol: substitute(e, values) for symbol, e in made}
    last = above.lines[-1]
    read = next((line.right for line in above.lines if line.kind == "gradient"), last.right)
    slope = substitute(last.right if last.rules else read, values)
    inside = set(topological(slope))
    named = {e: above.names[s] for s, e in values.items() if e in inside and s in above.names and e is not slope}
    return slope, named


def _with_quadratic(lines: Iterable[Line], d2: Expr, first: Expr, second: Expr) -> list[Line]:
    """The lines with d²E = dwᵀ H dw before the one that reads H off."""
    found: list[Line] = []
    for line in lines:
        if line.kind == "jacobian" and max(first.ndim, second.ndim) == 1:
            axes = tuple(range(line.right.ndim))
            whole = contract([(first, axes[: first.ndim]), (line.right, axes), (second, axes[first.ndim :])], ())
            found.append(Line("quadratic", d2, whole, pairs=((line.right, first), (line.right, second))))
        found.append(line)
    return found


# --- facts -----------------------------------------------------------------------------------------------------------
def _without_facts(wrt: Expr) -> tuple[Expr, dict[Expr, Expr]]:
    """The variable without what is assumed of it, which must not be used before the last differentiation, and what it stands for."""
    if isinstance(wrt, Var) and wrt.assumptions:
        plain = Var(wrt.name, wrt.dims, (), TOKEN)
        return plain, {plain: wrt}
    return wrt, {}


def _with_facts(record: Record, loss: Expr, known: Mapping[Expr, Expr]) -> Record:
    """The record of a loss in the variables as they were given."""
    if not known:
        return record
    names = {p: v.name for p, v in known.items() if isinstance(v, Var)}
    meanings = {s: substitute(e, known) for s, e in record.meanings.items()} | dict(known)
    wrt = known.get(record.wrt, record.wrt)
    differentials = {d: substitute(e, known) for d, e in record.differentials.items()}
    return Record(loss, wrt, record.lines, {**record.names, **names}, meanings, differentials)
