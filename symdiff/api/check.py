"""Is a derivative found by hand right? Proved by simplification or compared at random points; and if it is wrong, what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from textwrap import wrap
from typing import Any, Literal

import numpy as np

from symdiff.api.derivatives import Kind, raw_derivatives
from symdiff.api.edits import Edit, edits
from symdiff.api.evidence import CLOSE, Evidence, alike, distance
from symdiff.api.factors import Mistake, factor
from symdiff.api.mistakes import of_a_rule, of_the_result
from symdiff.errors import ShapeError, SymdiffError, Unsupported
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import show_shape
from symdiff.expr.leaves import is_zero
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.text import parse
from symdiff.expr.traverse import node_count, substitute, variables
from symdiff.printing.formula import format_formula
from symdiff.rewrite import simplify_all, without_corners

LARGEST_PROOF = 3000  # nodes of a difference that simplification is asked to prove zero
SUSPECTS = ("symmetric", "onehot", "prob", "binary", "positive", "unit", "orthogonal")  # facts that a claim may take for granted
WRONG_PRODUCTS = ("elementwise for matrix product", "inner for outer product")


@dataclass(frozen=True)
class Verdict:
    """What was found about a claim. True in an `if` when the claim is right.

    how: 'proved' (the difference simplifies to zero), 'compared' (at `points` random points), or 'shape' (the claim's own shapes do not fit
    together, and `claim` is None). difference: the largest found there,
    relative to the largest entry; infinite for a wrong shape. diagnosis: what is wrong, the likeliest first. right: the formula, simplified.
    """

    ok: bool
    how: Literal["proved", "compared", "shape"]
    points: int
    difference: float
    diagnosis: tuple[Mistake, ...]
    right: Expr
    claim: Expr | None
    name: str

    def __bool__(self) -> bool:
        return self.ok

    def text(self, width: int = 100, style: str = "unicode") -> str:
        """The verdict in a few lines within `width` columns."""
        if self.ok:
            how = "the difference simplifies to zero" if self.how == "proved" else f"equal at {self.points} random points"
            return "\n".join([f"right: {how}", *format_formula(self.right, style).lines(width, f"  {self.name} = ")])
        gap = "" if self.difference == float("inf") else f"; the largest relative difference is {self.difference:.2g}"
        lines = [f"wrong: compared at {self.points} random points{gap}" if self.points else "wrong: the claim has no value"]
        for said in [m.message for m in self.diagnosis] or ["it is none of the usual mistakes"]:
            for part in said.splitlines():
                lines += wrap(part, width, initial_indent="  ", subsequent_indent="    ") if len(part) + 2 > width else [f"  {part}"]
        return "\n".join([*lines, *format_formula(self.right, style).lines(width, f"  {self.name} = ")])

    def __str__(self) -> str:
        return self.text()

    def to_dict(self, style: str = "unicode") -> dict[str, Any]:
        """The verdict as plain data."""
        right = format_formula(self.right, style)
        return {
            "ok": self.ok,
            "how": self.how,
            "points": self.points,
            "difference": None if self.difference == float("inf") else self.difference,
            "diagnosis": [{"name": m.name, "message": m.message} for m in self.diagnosis],
            "right": right.text,
            "where": dict(right.where),
            "right_shape": list(self.right.shape),
            "claim": None if self.claim is None else format_formula(self.claim, style).text,
            "claim_shape": None if self.claim is None else list(self.claim.shape),
        }


def check_formula(
    loss: Any,
    wrt: Expr,
    claim: Any,
    *,
    names: Mapping[str, Any] | None = None,
    kind: Kind = "gradient",
) -> Verdict:
    """Whether `claim` is the derivative of `loss` in `wrt`; if not, what is wrong with it.

    claim: an expression, or text in the names of the loss's variables, as `parse` reads it; `names` are further names that it may use.
    kind: 'gradient' of a scalar, 'hessian' of a scalar, or 'jacobian'.
    Raises: ParseError, ShapeError for a claim that is no formula; Unsupported if no point was found at which the derivative is finite.

    >>> import symdiff as sd
    >>> X, w, y = sd.var('X', ('n', 'd')), sd.var('w', 'd'), sd.var('y', 'n')
    >>> loss = sd.sum((X @ w - y) ** 2)
    >>> bool(sd.check_formula(loss, w, "2 * X.T @ (X @ w - y)"))
    True
    >>> print(sd.check_formula(loss, w, "X.T @ (X @ w - y)"))
    wrong: compared at 12 random points; the largest relative difference is 0.5
      a factor: the claim is half the right formula: a factor 2 is missing
      ∂E/∂w = 2·Xᵀ(X w − y)
    """
    wrt = as_expr(wrt)
    (loss,) = without_corners([as_expr(loss)], {wrt})  # mistakes are looked for in the loss that is differentiated
    derivative = raw_derivatives(loss, [wrt], kind)[0].value
    known = _names(loss, wrt, names or {})
    text = claim if isinstance(claim, str) else None
    problem = ""
    try:
        claimed: Expr | None = parse(claim, known) if isinstance(claim, str) else as_expr(claim)
    except ShapeError as error:  # a usual mistake, and not a question that cannot be answered
        claimed, problem = None, str(error)
    (right,) = simplify_all([derivative])
    name = {"gradient": "∂E/∂{}", "jacobian": "∂y/∂{}", "hessian": "∂²E/∂{}²"}[kind].format(getattr(wrt, "name", "w"))
    if claimed is None:
        evidence = Evidence(derivative, right, variables(loss, wrt))
        verdict = Verdict(False, "shape", 0, float("inf"), (), right, None, name)
        examiner = _Examiner(loss, wrt, kind, derivative, None, text, known, evidence)
        return replace(verdict, diagnosis=(Mistake("shape", f"the shapes: {problem}"), *examiner.edits()))
    is_proved = claimed.shape == right.shape and node_count(claimed, derivative) < LARGEST_PROOF and _is_proved(claimed, right)
    proof = Verdict(True, "proved", 0, 0.0, (), right, claimed, name) if is_proved else None
    try:
        evidence = Evidence(derivative, claimed, variables(loss, wrt, claimed), [right])
    except Unsupported:  # no point to compare at, so a proof has to do
        if proof is None:
            raise
        return proof
    if proof is not None and evidence.claim_is_finite:  # 2 x + log(-x²) - log(-x²) simplifies to 2 x, but has no value
        return proof
    agreed = claimed.shape == right.shape and evidence.agree()
    verdict = Verdict(agreed, "compared", len(evidence.points), evidence.difference, (), right, claimed, name)
    if agreed:
        return verdict
    examiner = _Examiner(loss, wrt, kind, derivative, claimed, text, known, evidence)
    return replace(verdict, diagnosis=tuple(examiner.diagnosis()))


def _names(loss: Expr, wrt: Expr, names: Mapping[str, Any]) -> dict[str, Any]:
    """What the text of a claim may mention: the caller's names, and the variables of the loss."""
    own = {v.name: v for v in variables(loss, wrt)}
    return {**{name: e for name, e in own.items() if name not in names}, **names}


def _is_proved(claim: Expr, right: Expr) -> bool:
    return is_zero(simplify_all([claim - right])[0])


def _may_be(v: Var, word: str) -> bool:
    """Whether a fact may be assumed of a variable besides what is."""
    if word in v.assumptions or (v.assumptions and word != "symmetric"):
        return False
    if word in ("symmetric", "orthogonal"):
        return v.ndim == 2 and (word == "orthogonal" or v.shape[0] == v.shape[1])
    return v.ndim > 0 or word not in ("onehot", "prob", "unit")


class _Examiner:
    """Looks for what is wrong with one claim."""

    def __init__(
        self,
        loss: Expr,
        wrt: Expr,
        kind: Kind,
        derivative: Expr,
        claim: Expr | None,
        text: str | None,
        names: Mapping[str, Any],
        evidence: Evidence,
    ) -> None:
        self.loss, self.wrt, self.kind, self.derivative = loss, wrt, kind, derivative
        self.claim, self.text, self.names, self.evidence = claim, text, names, evidence

    def diagnosis(self) -> list[Mistake]:
        """The likeliest mistakes; a wrong shape is said first. Once a table explains the claim, the next ones are not asked."""
        assert self.claim is not None
        found: list[Mistake] = []
        if self.claim.shape != self.derivative.shape:
            mine, wanted = show_shape(self.claim.shape), show_shape(self.derivative.shape)
            found.append(Mistake("shape", f"the shape: the claim is {mine}, the derivative {wanted}"))
        said = len(found)
        for search in (self._result, self._rule, self.edits, self._assumptions):
            found += list(islice(search(), 1))
            if len(found) > said:
                break
        if said and len(found) > said:  # a product of the wrong kind has a shape that a sum would mend, but that is not what was meant
            found += [m for m in islice(self.edits(), 1) if m.name in WRONG_PRODUCTS]
        if any(m.name == "transposed" for m in found):
            found += list(islice(self._assumptions(("symmetric",)), 1))
        return found

    def _result(self) -> Iterator[Mistake]:
        return of_the_result(self.evidence)

    def _rule(self) -> Iterator[Mistake]:
        return of_a_rule(self.evidence, self.loss, self.wrt) if self.kind == "gradient" else iter(())

    def _assumptions(self, words: Sequence[str] = SUSPECTS) -> Iterator[Mistake]:
        """Whether the claim is right if more is assumed of one variable than was said."""
        if self.claim is None or self.claim.shape != self.derivative.shape:
            return
        for v in variables(self.loss, self.wrt):
            for word in words:
                if not _may_be(v, word) or (v is self.wrt and word != "symmetric"):
                    continue
                stronger = Var(v.name, v.dims, tuple(sorted((*v.assumptions, word))), v.token)
                derivative, claim, loss, wrt = (substitute(e, {v: stronger}) for e in (self.derivative, self.claim, self.loss, self.wrt))
                try:
                    evidence = Evidence(derivative, claim, variables(loss, wrt, claim))
                except (SymdiffError, np.linalg.LinAlgError):
                    continue
                if evidence.agree():
                    yield Mistake("assumption", f"right only if {v.name} is {word}: say so with assume, or do not use it")
                elif (more := factor(evidence, evidence.claim, evidence.expected)) is not None and more.name in ("sign", "factor"):
                    yield Mistake("assumption", f"right only if {v.name} is {word} (say so with assume), and then {more.message}")

    def edits(self) -> Iterator[Mistake]:
        """Changes of the claim's text that make it right."""
        text, names = self._text()
        if text is None:
            return
        rows: list[tuple[Edit, Expr]] = []
        for edit in edits(text, list(names)):
            try:
                e = parse(edit.text, names)
            except SymdiffError:
                continue
            if e.shape == self.derivative.shape and not set(variables(e)) - set(self.evidence.evaluator.inputs):
                rows.append((edit, e))
        first = self._first_point([e for _, e in rows])
        kept = [row for row, fits in zip(rows, first, strict=True) if fits]
        for (edit, _), values in zip(kept, self.evidence.values([e for _, e in kept]), strict=False):
            if alike(values, self.evidence.expected):
                yield Mistake(edit.name, edit.message)
                return

    def _first_point(self, exprs: Sequence[Expr]) -> list[bool]:
        """Which expressions are right at the first point."""
        if not exprs:
            return []
        try:
            values = self.evidence.evaluator.at(exprs, self.evidence.points[0])
        except np.linalg.LinAlgError:
            return [False] * len(exprs)
        return [distance(a, self.evidence.expected[0]) <= CLOSE for a in values]

    def _text(self) -> tuple[str | None, Mapping[str, Any]]:
        """The claim as text that can be changed; an expression is written in NumPy, if it needs no names of its own."""
        if self.text is not None:
            return self.text, self.names
        assert self.claim is not None
        written = format_formula(self.claim, "python")
        return (None, {}) if written.where else (written.text, self.names)
