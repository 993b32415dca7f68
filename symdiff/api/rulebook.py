"""The rule book: every rule of differentiation, printed by applying the rule itself to symbols u, v and their differentials.

Nothing here states a derivative. `rule_of(node)` rebuilds the node over symbols and asks the calculus for its differential, so that the
book, the derivations and the gradients cannot drift apart. `python docs/rules_page.py` writes the page docs/rules.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache

from symdiff.api.linear_forms import tidy
from symdiff.calculus.forward import node_differential
from symdiff.expr import ops
from symdiff.expr.functions import FUNCTIONS
from symdiff.expr.leaves import constant_value, var
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Add, Const, Contract, Linalg, Map, Reduce, Scan
from symdiff.expr.traverse import variables
from symdiff.printing.derivation import statement
from symdiff.printing.view import sum_of_squares
from symdiff.rewrite import without_corners
from symdiff.rules.differentials import MATRIX, REDUCTIONS, SCANS
from symdiff.rules.elementwise import CHOICE_CONVENTION, CHOICES, DERIVATIVES
from symdiff.rules.identities import ELEMENTWISE, PRODUCTS, STABLE, SUMS, Identity
from symdiff.rules.record import Rule

SYMBOLS = ("u", "v", "w")
TITLES = {
    "exp": "exponential", "log": "logarithm", "sin": "sine", "cos": "cosine", "tan": "tangent", "abs": "absolute value", "inv": "inverse",
    "det": "determinant", "logdet": "log determinant", "where": "choice", "logsumexp": "log-sum-exp", "prod": "product of entries",
    "cumprod": "cumulative product", "cumsum": "cumulative sum", "max": "largest entry", "min": "smallest entry", "pinv": "pseudo-inverse",
    "eigvalsh": "eigenvalues", "eigvecs": "eigenvectors", "svdvals": "singular values", "svdu": "left singular vectors",
    "svdvt": "right singular vectors", "solve": "linear system", "cholesky": "Cholesky factor",
}  # fmt: skip
POWERS = {2: "square", -1: "reciprocal", 3: "cube", 0.5: "square root"}


def elementwise_rule(fn: str, constants: Sequence[Expr | None] = ()) -> Rule:
    """The rule of an elementwise function; arguments that are constant stay as they are."""
    arity = FUNCTIONS[fn].arity
    fixed = [*constants, *[None] * (arity - len(constants))]
    free = iter(SYMBOLS)
    args = [var(next(free)) if c is None else c for c in fixed]
    tangents = [None if c is not None else var(f"d{a.name}") for a, c in zip(args, fixed, strict=True)]  # type: ignore[attr-defined]
    of = ops.power(*args) if fn == "pow" else Map(fn, tuple(args))
    convention = CHOICE_CONVENTION if fn in ("maximum", "minimum") else DERIVATIVES[fn].convention if fn in DERIVATIVES else ""
    if fn == "pow" and fixed[1] is not None:
        convention = ""  # it concerns the exponent
    name = POWERS.get(constant_value(args[1]), "power") if fn == "pow" else TITLES.get(fn, fn)  # type: ignore[arg-type]
    return _rule(name, of, tangents, convention, DERIVATIVES[fn].source if fn in DERIVATIVES else "")


def _rule(name: str, of: Expr, tangents: Sequence[Expr | None], convention: str = "", source: str = "") -> Rule:
    differential = node_differential(of, tangents)
    if differential is None:
        return Rule(name, of, ops.zeros(of.shape), convention, source)
    (shown,) = tidy([differential], [t for t in tangents if t is not None])
    return Rule(name, of, shown, convention, source)


def matrix_rule(fn: str) -> Rule:
    """The rule of a matrix function of A, or of the solution of A X = B."""
    A, dA = var("A", ("n", "n")), var("dA", ("n", "n"))
    if fn == "solve":
        B, dB = var("B", ("n", "k")), var("dB", ("n", "k"))
        return _rule(TITLES[fn], Linalg("solve", (A, B)), [dA, dB])
    return _rule(TITLES[fn], Linalg(fn, (A,)), [dA], source=MATRIX[fn][1])


def reduction_rule(kind: str) -> Rule:
    """The rule of a reduction or a scan of a vector u."""
    u, du = var("u", "n"), var("du", "n")
    of = Scan(u, kind, 0, False) if kind in SCANS else Reduce(u, kind, (0,))
    convention = "at a tie it is shared equally" if kind in ("max", "min") else ""
    return _rule(TITLES[kind], of, [du], convention)


@cache
def sum_rule() -> Rule:
    u, v, du, dv = (var(name) for name in ("u", "v", "du", "dv"))
    return _rule("sum rule", Add((u, v)), [du, dv])


@cache
def product_rule() -> Rule:
    A, B = var("A", ("m", "n")), var("B", ("n", "k"))
    return _rule("product rule", A @ B, [var("dA", A.shape), var("dB", B.shape)])


LINEAR_RULE = Rule("linear: the same of the differential")


def rule_of(node: Expr, active: Sequence[int]) -> Rule | None:
    """The rule by which a node is differentiated in its active operands; None for a relabeling or a scaling, which need none."""
    match node:
        case Add():
            return sum_rule() if len(active) > 1 else None
        case Contract():
            others = [f for k, f in enumerate(node.factors) if k not in active and variables(f)]
            return product_rule() if len(active) > 1 or others else None
        case Map():
            constants = [a if isinstance(a, Const) else Const(c) if (c := constant_value(a)) is not None else None for a in node.args]
            if node.fn in CHOICES and node.fn != "where":
                constants = []
            return elementwise_rule(node.fn, constants)
        case Linalg():
            return matrix_rule(node.fn)
        case Reduce():
            return reduction_rule(node.kind)
        case Scan():
            return reduction_rule(node.kind)
    return LINEAR_RULE


# --- the page -----------------------------------------------------------------------------------------------------
def differentials() -> Iterator[tuple[str, list[Rule]]]:
    """Every rule of differentiation, by the heading that it stands under."""
    yield "Sums and products", [sum_rule(), product_rule()]
    smooth = [fn for fn, row in DERIVATIVES.items() if any(row.partials)]
    yield "Elementwise functions", [elementwise_rule(fn) for fn in smooth]
    yield "Choices", [elementwise_rule(fn) for fn in CHOICES]
    yield "Flat almost everywhere", [elementwise_rule(fn) for fn in DERIVATIVES if fn not in smooth]
    yield "Reductions and scans", [reduction_rule(kind) for kind in (*REDUCTIONS, *SCANS)]
    yield "Matrix functions", [matrix_rule(fn) for fn in (*MATRIX, "solve")]


def identity_rule(identity: Identity) -> Rule:
    """An identity of the simplifier as a rule of the book."""
    when = ", ".join(f"{name}: {fact}" for name, fact in (identity.when or {}).items())
    return Rule(identity.name, identity.left, identity.right, when, "", True)


_IDENTITIES = {i.name: i for i in reversed((*ELEMENTWISE, *PRODUCTS, *SUMS, *STABLE))}


def identity_of(name: str) -> Rule:
    """The identity of that name; one that the engine knows without a row in the table has its name only."""
    identity = _IDENTITIES.get(name)
    return Rule(name, is_identity=True) if identity is None else identity_rule(identity)


def identities() -> Iterator[tuple[str, list[Rule]]]:
    """Every identity of the simplifier, by the heading that it stands under."""
    yield "Identities of elementwise functions", [identity_rule(i) for i in ELEMENTWISE]
    yield "Identities of products", [identity_rule(i) for i in PRODUCTS]
    yield "Identities of sums", [identity_rule(i) for i in SUMS]
    yield "Stable forms, for programs", [identity_rule(i) for i in STABLE]


BAR = "\\|"  # in a cell of a Markdown table


def _row(rule: Rule) -> str:
    text = statement(rule)
    if "arange" in text:  # rows and columns of indices look alike in mathematics
        text = statement(rule, "python")
    remarks = "; ".join(part for part in (rule.convention, rule.source) if part)
    return f"| {rule.name} | `{text.replace('|', BAR)}` | {remarks} |"


def book() -> str:
    """The rule book as a Markdown page."""
    lines = [
        "# The rule book",
        "",
        "Written by `python docs/rules_page.py` from the tables of `symdiff.rules`; a test fails when it is out of date.",
        "",
        "Each line is a rule applied to symbols: `u` and `v` stand for any arrays, `A` and `B` for matrices, `du` and `dA` for their",
        "differentials. Reverse mode has no rules of its own: it transposes these. The remarks say what is chosen where no derivative",
        "exists, and where a formula is from.",
        "",
        "## What is differentiated, and how",
        "",
    ]
    for heading, rules in differentials():
        lines += [f"### {heading}", "", "| rule | differential | remarks |", "| --- | --- | --- |", *map(_row, rules), ""]
    lines += [
        "## What is simplified, and how",
        "",
        "From left to right, wherever the left side is defined and finite. `k` and `m` stand for constants; a remark is a condition.",
        "",
    ]
    for heading, rules in identities():
        lines += [f"### {heading}", "", "| identity | statement | condition |", "| --- | --- | --- |", *map(_row, rules), ""]
    return "\n".join(lines).rstrip() + "\n"


NORM_AT_ZERO = "norm: 0 at the zero vector"


def conventions(loss: Expr, wrt: Sequence[Expr]) -> list[str]:
    """What is chosen where no derivative exists, for the functions through which the loss depends on the variables.

    Corners that cancel need no choice.

    >>> w = var('w', 'd')
    >>> conventions(ops.sum(ops.absolute(w)), [w])
    ['absolute value: 0 at 0']
    """
    depends: dict[Expr, tuple[int, ...]] = {}
    for e in topological(*without_corners([loss], set(wrt))):
        moving = tuple(k for k, o in enumerate(e.operands) if o in depends)
        if moving or e in wrt:
            depends[e] = () if e in wrt else moving
    found: dict[str, None] = {}
    for e, moving in reversed(depends.items()):
        if _is_norm(e):
            found[NORM_AT_ZERO] = None
        rule = rule_of(e, moving) if moving and isinstance(e, (Map, Reduce)) else None
        if rule is not None and rule.convention:
            found[f"{rule.name}: {rule.convention}"] = None
    return list(found)


def _is_norm(e: Expr) -> bool:
    """The root of a sum of squares."""
    return isinstance(e, Map) and e.fn == "pow" and constant_value(e.args[1]) == Fraction(1, 2) and sum_of_squares(e.args[0]) is not None
