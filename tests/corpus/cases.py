"""The cases of the corpus: losses with the derivative that a textbook prints, and what symdiff makes of them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import symdiff as sd
from symdiff.expr.text import parse, parse_names
from symdiff.expr.traverse import node_count
from symdiff.printing.formula import Formula, format_formula
from tests.corpus import numeric
from tests.corpus.operations import operations_with_names

HERE = Path(__file__).parent
BOOKS = ("textbook", "identities", "more", "further")


@dataclass(frozen=True, eq=False)
class Case:
    """One loss: its variables, its text, and the derivative that is known in closed form (or not, None)."""

    book: str
    id: str
    vars: dict[str, list[str]]
    let: dict[str, str]
    expr: str
    wrt: str
    kind: str
    closed_form: str | None
    domain: dict[str, str]
    source: str = ""
    notes: str = ""
    ops: int | None = None
    ops_formula: int | None = None

    def __str__(self) -> str:
        return self.id

    @property
    def textbook_operations(self) -> int | None:
        """As the case says, or counted; None where no closed form is known."""
        if self.ops is not None or self.closed_form is None:
            return self.ops
        return operations_with_names(self.closed_form, self.let)


@dataclass(frozen=True)
class Derived:
    """The raw derivative, the simplified one, and what it took."""

    raw: sd.Expr
    simplified: sd.Expr
    seconds: float

    @property
    def operations(self) -> int:
        return sd.op_count(self.simplified)

    @property
    def nodes(self) -> int:
        return node_count(self.simplified)

    def formula(self, style: str = "python") -> Formula:
        return format_formula(self.simplified, style)


def read(book: str) -> list[Case]:
    """The cases of one file."""
    return [Case(book, **case) for case in json.loads((HERE / f"{book}.json").read_text(encoding="utf-8"))]


def all_cases() -> list[Case]:
    return [case for book in BOOKS for case in read(book)]


DERIVATIVES: dict[str, Callable[[Any, Any], Any]] = {"grad": sd.grad, "jacobian": sd.jacobian, "hessian": sd.hessian}


def derive(case: Case) -> Derived:
    """Parse, differentiate and simplify."""
    start = time.perf_counter()
    names = parse_names(case.let, {name: tuple(shape) for name, shape in case.vars.items()}, case.domain)
    raw = DERIVATIVES[case.kind](parse(case.expr, names), names[case.wrt])
    simplified = sd.simplify(raw)
    return Derived(raw, simplified, time.perf_counter() - start)


def reference(case: Case, values: numeric.Values, sizes: dict[str, int]) -> np.ndarray:
    """The derivative by complex step; of second order by complex step and extrapolated differences."""

    def f(x: np.ndarray) -> np.ndarray:
        return numeric.value(case.expr, case.let, {**values, case.wrt: x}, sizes)

    if case.kind == "hessian":
        return numeric.by_richardson(lambda x: numeric.by_complex_step(f, x), values[case.wrt])
    return numeric.by_complex_step(f, values[case.wrt])
