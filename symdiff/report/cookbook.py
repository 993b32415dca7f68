"""The page of matrix derivatives: the formulas of the Matrix Cookbook, chapter 2, as this library derives and prints them.

`python -m symdiff.report.cookbook` writes the page. The losses below are the input; everything else on it is computed. Left out are the
formulas of eigenvalues, of complex matrices and of matrices with a structure that is not an assumption here.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from symdiff.api.formulas import simplify
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.text import parse
from symdiff.expr.traverse import variables
from symdiff.grad import grad, hessian, jacobian
from symdiff.printing.formula import format_formula

SQUARE = {"X": "n,n", "A": "n,n", "B": "n,n", "C": "n,n", "a": "n", "b": "n", "s": ""}
TALL = {"X": "n,m", "A": "n,n", "B": "n,n", "C": "n,n", "D": "n,n", "M": "m,m", "a": "n", "b": "m", "c": "m", "d": "n"}


@dataclass(frozen=True, slots=True)
class Case:
    """A formula of the book by its number: what is differentiated in what, with which shapes and assumptions."""

    number: str
    text: str
    wrt: str = "X"
    shapes: str = "square"
    kind: str = "grad"
    assume: tuple[tuple[str, str], ...] = ()


SHAPES: dict[str, dict[str, str]] = {
    "square": SQUARE,
    "tall": TALL,
    "vector": {"x": "n", "a": "n", "b": "m", "d": "m", "s": "k", "A": "n,k", "B": "m,n", "C": "m,m", "D": "m,n", "W": "n,n", "Q": "n,n"},
    "product": {"X": "n,m", "A": "p,n", "B": "m,q", "C": "p,q", "P": "m,p", "Q": "n,p", "R": "p,m", "K": "p,p", "E": "m,n"},
}
SYMMETRIC = (("W", "symmetric"),)

CASES: tuple[tuple[str, tuple[Case, ...]], ...] = (
    ("Determinants", (
        Case("46", "det(A + s * B)", "s"), Case("48", "det(A + s * B)", "s", kind="hessian"), Case("49", "det(X)"),
        Case("51", "det(A @ X @ B)"), Case("52", "det(X.T @ A @ X)"),
        Case("53", "det(X.T @ A @ X)", shapes="tall", assume=(("A", "symmetric"),)), Case("54", "det(X.T @ A @ X)", shapes="tall"),
        Case("55", "logdet(X.T @ X)", shapes="tall"), Case("57", "logdet(X)"), Case("58", "det(matrix_power(X, 3))"),
        Case("43", "logdet(A + s * B)", "s"),
    )),
    ("Inverses", (
        Case("59", "inv(A + s * B)", "s", kind="jacobian"), Case("60", "inv(X)", kind="jacobian"), Case("61", "a @ inv(X) @ b"),
        Case("62", "det(inv(X))"), Case("63", "trace(A @ inv(X) @ B)"), Case("64", "trace(inv(X + A))"),
    )),
    ("First-order forms", (
        Case("69", "x @ a", "x", "vector"), Case("70", "a @ X @ b", shapes="tall"), Case("71", "b @ X.T @ a", shapes="tall"),
        Case("72", "a @ X @ a"), Case("72", "a @ X.T @ a"), Case("73", "X", kind="jacobian"),
        Case("74", "X @ B", shapes="product", kind="jacobian"), Case("75", "X.T @ Q", shapes="product", kind="jacobian"),
    )),
    ("Second-order forms", (
        Case("76", "sum(X) ** 2", shapes="tall"), Case("77", "b @ X.T @ X @ c", shapes="tall"),
        Case("78", "(B @ x + b) @ C @ (D @ x + d)", "x", "vector"), Case("79", "X.T @ B @ X", shapes="tall", kind="jacobian"),
        Case("81", "x @ Q @ x", "x", "vector"), Case("82", "b @ X.T @ D @ X @ c", shapes="tall"),
        Case("83", "(X @ b + d) @ D @ (X @ b + d)", shapes="tall"), Case("84", "(x - A @ s) @ W @ (x - A @ s)", "s", "vector", assume=SYMMETRIC),
        Case("85", "(x - a) @ W @ (x - a)", "x", "vector", assume=SYMMETRIC), Case("86", "(x - a) @ W @ (x - a)", "a", "vector", assume=SYMMETRIC),
        Case("87", "(x - A @ s) @ W @ (x - A @ s)", "x", "vector", assume=SYMMETRIC),
        Case("88", "(x - A @ s) @ W @ (x - A @ s)", "A", "vector", assume=SYMMETRIC),
    )),
    ("Higher-order forms", (
        Case("90", "matrix_power(X, 3)", kind="jacobian"), Case("91", "a @ matrix_power(X, 3) @ b"),
        Case("92", "a @ matrix_power(X, 2).T @ matrix_power(X, 2) @ b"), Case("97", "x @ Q @ x + a @ x", "x", "vector"),
        Case("98", "x @ Q @ x + a @ x", "x", "vector", "hessian"),
    )),
    ("Traces of the first order", (
        Case("99", "trace(X)"), Case("100", "trace(X @ E)", shapes="product"), Case("101", "trace(A @ X @ P)", shapes="product"),
        Case("102", "trace(R @ X.T @ Q)", shapes="product"), Case("103", "trace(X.T @ A)"), Case("104", "trace(A @ X.T)"),
        Case("105", "trace(kron(K, Q.T @ X @ P))", shapes="product"),
    )),
    ("Traces of the second order", (
        Case("106", "trace(X @ X)"), Case("107", "trace(X @ X @ B)"), Case("108", "trace(X.T @ B @ X)", shapes="tall"),
        Case("109", "trace(B @ X @ X.T)", shapes="tall"), Case("110", "trace(X @ X.T @ B)", shapes="tall"), Case("111", "trace(X @ B @ X.T)"),
        Case("112", "trace(B @ X.T @ X)"), Case("113", "trace(X.T @ X @ B)"), Case("114", "trace(A @ X @ B @ X)"),
        Case("115", "trace(X.T @ X)", shapes="tall"), Case("116", "trace(B.T @ X.T @ C @ X @ B)"), Case("117", "trace(X.T @ B @ X @ C)"),
        Case("118", "trace(A @ X @ B @ X.T @ C)"), Case("119", "trace((A @ X @ B + C) @ (A @ X @ B + C).T)", shapes="product"),
        Case("120", "trace(kron(X, X))"),
    )),
    ("Traces of higher order and of inverses", (
        Case("121", "trace(matrix_power(X, 3))"), Case("122", "trace(A @ matrix_power(X, 3))"),
        Case("123", "trace(B.T @ X.T @ C @ X @ X.T @ C @ X @ B)"), Case("124", "trace(A @ inv(X) @ B)"),
        Case("125", "trace(inv(X.T @ C @ X) @ M)", shapes="tall", assume=(("C", "symmetric"), ("M", "symmetric"))),
        Case("126", "trace(inv(X.T @ C @ X) @ (X.T @ B @ X))", shapes="tall", assume=(("C", "symmetric"), ("B", "symmetric"))),
        Case("127", "trace(inv(M + X.T @ C @ X) @ (X.T @ B @ X))", shapes="tall", assume=(("M", "symmetric"), ("B", "symmetric"), ("C", "symmetric"))),
    )),
    ("Norms", (
        Case("129", "norm(x - a)", "x", "vector"), Case("130", "(x - a) / norm(x - a)", "x", "vector", "jacobian"),
        Case("131", "norm(x) ** 2", "x", "vector"), Case("132", "norm(X) ** 2", shapes="tall"),
    )),
)  # fmt: skip


def derived(case: Case) -> tuple[Expr, Var, Expr]:
    """What the case differentiates, the variable, and the derivative in textbook form."""
    e = parse(case.text, shapes=SHAPES[case.shapes], assume=dict(case.assume))
    wrt = next(v for v in variables(e) if v.name == case.wrt)
    derivative = {"grad": grad, "jacobian": jacobian, "hessian": hessian}[case.kind](e, wrt)  # type: ignore[operator]
    return e, wrt, simplify(derivative)


def _row(case: Case) -> str:
    _, wrt, derivative = derived(case)
    shown = format_formula(derivative)
    where = "; ".join(f"{name} = {text}" for name, text in shown.where)
    facts = ", ".join(f"{name} {word}" for name, word in case.assume)
    shape = "×".join(map(str, derivative.shape)) or "scalar"
    cells = (case.number, f"`{case.text}`", wrt.name, f"{shown.text} where {where}" if where else shown.text, shape, facts)
    return f"| {' | '.join(_cell(c) for c in cells)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def page() -> str:
    """The page as Markdown."""
    count = sum(len(cases) for _, cases in CASES)
    lines = [
        "# Matrix derivatives",
        "",
        f"The {count} formulas of chapter 2 of the Matrix Cookbook (Petersen and Pedersen, 2012) that are real and about no eigenvalue, derived",
        "and printed by this library: `python -m symdiff.report.cookbook`. The first column is the number in the book. A gradient has the shape",
        "of its variable; a Jacobian the shape of the function, then that of the variable, in index notation where no matrix form exists.",
    ]
    for title, cases in CASES:
        lines += ["", f"## {title}", "", "| no. | function | in | derivative | shape | assuming |", "| --- | --- | --- | --- | --- | --- |"]
        lines += [_row(c) for c in cases]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
