"""Evaluates python-style formulas, and reads the corpus as expressions. For the tests of the printers only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from symdiff.expr import ops
from symdiff.expr.algebra import size
from symdiff.expr.convert import as_expr
from symdiff.expr.leaves import ASSUMPTIONS, var
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import size_names
from symdiff.printing.formula import format_formula
from symdiff.printing.namespace import preamble
from tests.reference import evaluate, sizes_of

CORPUS = Path(__file__).parents[1] / "corpus"


def printed_value(e: Expr, env: Mapping[Var, Any], sizes: Mapping[str, int] | None = None) -> Any:
    """The value of the python style of `e` with its where-list, run as Python."""
    formula = format_formula(e, "python")
    scope: dict[str, Any] = {}
    exec(preamble([formula.text, *(text for _, text in formula.where)]), scope)
    scope.update({v.name: a for v, a in env.items()} | sizes_of(env) | dict(sizes or {}))
    for name, text in formula.where:
        scope[name] = eval(text, scope)
    return eval(formula.text, scope)


def assert_prints_its_value(e: Expr, env: Mapping[Var, Any], sizes: Mapping[str, int] | None = None) -> None:
    """The python style evaluates to the value and the shape of the expression."""
    with np.errstate(all="ignore"):
        wanted = evaluate(e, env, {**dict.fromkeys(size_names(e), 3), **(sizes or {})})
        found = np.asarray(printed_value(e, env, sizes))
    assert found.shape == wanted.shape, (format_formula(e, "python"), found.shape, wanted.shape)
    scale = np.max(np.abs(wanted), initial=1.0, where=np.isfinite(wanted))
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-10 * scale, err_msg=format_formula(e, "python").text)


class Dim:
    """A dim in a corpus string: a number in arithmetic, a size in eye(n)."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return self.name

    def __expr__(self) -> Expr:
        return size(self.name)

    def __truediv__(self, other: Any) -> Expr:
        return ops.divide(self, other)

    def __rtruediv__(self, other: Any) -> Expr:
        return ops.divide(other, self)

    def __mul__(self, other: Any) -> Expr:
        return ops.multiply(self, other)

    def __rmul__(self, other: Any) -> Expr:
        return ops.multiply(other, self)


_CALLS = [
    "cos",
    "cosh",
    "det",
    "diag",
    "einsum",
    "exp",
    "inv",
    "kron",
    "log",
    "log1p",
    "logdet",
    "matrix_power",
    "max",
    "maximum",
    "mean",
    "minimum",
    "norm",
    "outer",
    "sign",
    "sin",
    "sqrt",
    "sum",
    "tan",
    "tanh",
    "trace",
    "where",
]


def corpus(name: str) -> list[dict[str, Any]]:
    """The cases of a corpus file that have a closed form."""
    return [c for c in json.loads((CORPUS / f"{name}.json").read_text()) if c["closed_form"] is not None]


def read_case(case: Mapping[str, Any], field: str = "closed_form") -> tuple[Expr, list[Var]]:
    """A field of a corpus case as an expression, and the case's variables with their assumptions."""
    scope: dict[str, Any] = {name: getattr(ops, name) for name in _CALLS}
    scope |= {
        "abs": ops.absolute,
        "eye": lambda d: ops.eye(str(d)),
        "zeros": lambda *d: ops.zeros(tuple(map(str, d))),
        "ones": lambda *d: ops.ones(tuple(map(str, d))),
    }
    scope |= {d: Dim(d) for dims in case["vars"].values() for d in dims}
    facts = {n: [f for f in case["domain"].get(n, "").split() if f in ASSUMPTIONS] for n in case["vars"]}
    variables = [var(n, tuple(dims), facts[n]) for n, dims in case["vars"].items()]
    scope |= {v.name: v for v in variables}
    for name, text in case["let"].items():
        scope[name] = eval(text, scope)
    return as_expr(eval(case[field], scope)), variables


def sample(v: Var, sizes: Mapping[str, int], rng: np.random.Generator) -> np.ndarray:
    """A value of a variable that has its assumed facts."""
    shape = tuple(d if isinstance(d, int) else sizes[d] for d in v.shape)
    a = rng.normal(size=shape)
    facts = v.assumptions
    if "spd" in facts:
        return a @ a.T + shape[0] * np.eye(shape[0])
    if "symmetric" in facts:
        return a + a.T
    if "positive" in facts or "prob" in facts:
        return np.abs(a) + 0.5
    if "small" in facts:
        return 0.1 * a
    if "invertible" in facts:
        return a + 3 * np.eye(shape[0])
    return a
