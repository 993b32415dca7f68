"""What the programs of the benchmarks do at most, counted in their source: products, functions, passes over memory, arrays.

Times flake, counts do not. A budget is what the program that one would write by hand needs, with the reason beside it; a program that does
less meets it too. What is counted is the source that the benchmark itself runs, written for its sizes and its dtype.
"""

from __future__ import annotations

import ast
import math
import re
from dataclasses import astuple, dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest

import symdiff as sd
from symdiff.lowering.passes import optimise
from symdiff.lowering.special import Options, special_passes
from symdiff.training import mazur, training_step, xor
from symdiff.training.compiled import compiled_steps
from tests.benchmarks import losses, ours
from tests.benchmarks.ours import Called
from tests.benchmarks.suite import GEMM, workloads

RNG = np.random.default_rng(7)
FUNCTIONS = {"exp", "exp2", "expm1", "log", "log1p", "log2", "tanh", "sinh", "cosh", "sin", "cos", "tan", "power", "sigmoid"}
PRODUCTS = {"dot", "matmul", "dgemm", "sgemm"}
COPIES = {"reduce", "copy", "astype"}
NEW = {"empty", "zeros", "ones", "copy", "astype"}


@dataclass(frozen=True)
class Work:
    """Of one call, or of one block where rows are taken in blocks.

    `products` are those of BLAS but for `sums`, which are products with ones. `passes` are statements that go over arrays entry by entry:
    the functions, copies and reductions to a maximum are among them. `kept` counts the arrays that are planned and no results, `fresh` the
    arrays and numbers that are made anew.
    """

    products: int
    functions: int
    passes: int
    sums: int = 0
    kept: int = 0
    fresh: int = 0


@dataclass(frozen=True)
class Arithmetic:
    """Of a step on floats: calls of exp, and sums, differences, products, quotients and signs."""

    functions: int
    operations: int


# --- counting -----------------------------------------------------------------------------------------------------
def function_in(text: str, name: str) -> ast.FunctionDef:
    return next(n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef) and n.name == name)


def called(node: ast.AST) -> str:
    """The last name of what is called: 'dot' of X.T.dot(y)."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)


def operands(call: ast.Call) -> list[str]:
    return [ast.unparse(e) for e in (call.func.value if isinstance(call.func, ast.Attribute) else call.func, *call.args)]


def is_ufunc(node: ast.AST) -> bool:
    return called(node) not in PRODUCTS and isinstance(getattr(np, called(node), None), np.ufunc)


def makes(node: ast.AST) -> bool:
    """Whether a call or a sum gives an array that is in no memory yet."""
    given = isinstance(node, ast.Call) and any(k.arg in ("out", "overwrite_c") for k in node.keywords)
    return called(node) in NEW or ((is_ufunc(node) or called(node) in PRODUCTS or isinstance(node, ast.BinOp)) and not given)


def of_numbers(node: ast.AST, numbers: set[str]) -> bool:
    """Whether it is a number, or what Python computes of numbers."""
    return all(
        isinstance(n, (ast.Constant, ast.BinOp, ast.operator, ast.expr_context)) or getattr(n, "id", "") in numbers for n in ast.walk(node)
    )


def passes(node: ast.AST, numbers: set[str]) -> bool:
    """Whether it is a ufunc's call, a copy, x += y, x = y * z or x[...] = y."""
    if isinstance(node, ast.AugAssign):
        return ast.unparse(node.target) not in numbers
    if isinstance(node, ast.Assign):
        return isinstance(node.value, ast.BinOp) or (isinstance(node.targets[0], ast.Subscript) and not isinstance(node.value, ast.Call))
    return is_ufunc(node) or called(node) in COPIES


def work(text: str, name: str, kept: int) -> Work:
    function = function_in(text, name)
    nodes = list(ast.walk(function))
    assert not any(isinstance(n, ast.BinOp) and isinstance(n.op, (ast.MatMult, ast.Pow)) for n in nodes)
    assert all(len(n.args) == 2 for n in nodes if isinstance(n, ast.Call) and called(n) == "einsum")  # of one array: a view of its diagonal
    numbers = set(re.findall(r"(\w+) \(\)", ast.get_docstring(function) or ""))
    numbers |= {ast.unparse(n.targets[0]) for n in nodes if isinstance(n, ast.Assign) and of_numbers(n.value, numbers)}
    nodes = [n for n in nodes if not (isinstance(n, ast.Assign) and of_numbers(n.value, numbers))]
    assigned = [n for n in nodes if isinstance(n, ast.Assign)]
    products = [n for n in nodes if isinstance(n, ast.Call) and called(n) in PRODUCTS]
    sums = sum(any(o.startswith("ones") for o in operands(n)) for n in products)
    return Work(
        products=len(products) - sums,
        functions=sum(called(n) in FUNCTIONS for n in nodes),
        passes=sum(passes(n, numbers) for n in nodes),
        sums=sums,
        kept=kept,
        fresh=sum(makes(n.value) for n in assigned) + sum(called(n) == "copy" for n in nodes),
    )


def arithmetic(body: list[ast.stmt]) -> Arithmetic:
    nodes = [n for statement in body for n in ast.walk(statement)]
    assert not any(isinstance(n, (ast.Subscript, ast.Attribute)) for n in nodes), "an array or a function of NumPy"
    return Arithmetic(sum(called(n) in FUNCTIONS for n in nodes), sum(isinstance(n, (ast.BinOp, ast.UnaryOp)) for n in nodes))


@cache
def suite() -> dict[str, Any]:
    return {w.name: w for w in workloads()}


def special(workload: str, implementation: str) -> tuple[str, Any]:
    """The name of a workload's function, and the program that its calls take."""
    run = suite()[workload].makers[implementation]()
    assert isinstance(run, Called)
    run.call()
    (found,) = run.function._special.values()
    return run.function.function, found


def assert_within(found: Any, budget: Any, text: str) -> None:
    assert all(f <= b for f, b in zip(astuple(found), astuple(budget), strict=True)), f"{found}\n{budget}\n{text}"


# --- on floats ----------------------------------------------------------------------------------------------------
MAZUR = Arithmetic(functions=4, operations=70)  # 4 sigmoids of 7, 2 errors, loss 4, 2 deltas of 4 and 2 of 6, 8 updates of 2
# 16 sigmoids of 6, 4 of 10; 4 errors, loss 8; 4 deltas of 5, 16 slopes of 2, X delta 8; 12 sums of 7, 12 updates of 2
XOR = Arithmetic(functions=20, operations=316)
# rows of zeros have no sigmoid but 1/2, products with 0 and 1 are gone: 8 sigmoids of 3, 4 of 4; 3 outputs of 10, 1 of 10; 2 errors, loss 8;
# 3 deltas of 5 less a difference for a target of 0, 1 of 4; 4 shared products of 3, 8 slopes of 5, 4 sums of 6; 8 updates of 1, 4 of 2
XOR_FOLDED = Arithmetic(functions=16, operations=200)
FLOATS = [
    ("mazur-step", "symdiff floats", MAZUR),
    ("mazur-step", "symdiff arrays", MAZUR),
    ("mazur-step", "symdiff floats, data folded", MAZUR),  # no entry of the data is 0 or 1
    ("xor-step", "symdiff floats", XOR),
    ("xor-step", "symdiff arrays", XOR),
    ("xor-step", "symdiff floats, data folded", XOR_FOLDED),
]


@pytest.mark.parametrize(("workload", "implementation", "budget"), FLOATS)
def test_steps_of_tiny_networks_have_no_array_in_them(workload, implementation, budget):
    name, found = special(workload, implementation)
    attempt = next(n for n in function_in(found.source.text, f"{name}_floats").body if isinstance(n, ast.Try))
    assert_within(arithmetic(attempt.body), budget, found.source.text)


@pytest.mark.parametrize(("net", "budget"), [(mazur(), MAZUR), (xor(), XOR)], ids=["mazur", "xor"])
def test_compiled_loops_do_the_arithmetic_of_one_step(net, budget):
    pytest.importorskip("numba")
    text = compiled_steps(training_step(net), net, net.learning_rate).source
    loop = next(n for n in ast.walk(function_in(text, f"{net.name}_step_loop")) if isinstance(n, ast.For))
    body = [s for s in loop.body if isinstance(s, ast.Assign) and isinstance(s.targets[0], ast.Name)]
    in_calls = Arithmetic(0, 3 * budget.functions)  # of 1 / (1 + exp(-x))
    found = arithmetic(body)
    assert_within(Arithmetic(found.functions, found.operations + in_calls.operations), budget, text)


# --- on arrays ----------------------------------------------------------------------------------------------------
MLP = dict(
    products=5,  # X W1, h W2, delta W2', h' delta, X' delta1
    sums=5,  # of exponentials by rows, of T z by rows, of the loss, of each delta for its bias
    fresh=6,  # four results, the loss before it is divided, z' for its maxima (rows of ten are slow to reduce)
)
BUDGETS = [
    # tanh, exp, log; 2 biases; z' and its maxima, made finite by two; less them; loss 3; softmax, delta and rate 3; 1 - h h times 3; updates 4
    ("mlp-64", "symdiff", Work(**MLP, functions=3, passes=23, kept=7)),
    ("mlp-64", "symdiff, buffers reused", Work(**MLP | {"fresh": 2}, functions=3, passes=23, kept=7)),
    # as before, but relu, its gate and the product with it in place of tanh, 1 - h h times
    *(
        row
        for d in ("float64", "float32")
        for row in (
            (f"mlp-784-{d}", "symdiff", Work(**MLP, functions=2, passes=22, kept=6)),
            (f"mlp-784-{d}", "symdiff, buffers reused", Work(**MLP | {"fresh": 2}, functions=2, passes=22, kept=6)),
            (f"mlp-784-{d}", GEMM, Work(**MLP | {"fresh": 2}, functions=2, passes=22, kept=6)),
        )
    ),
    # X w and X' delta; exp(-|z|) and log1p of it give the loss, one more exp the sigmoid, right for every z; 4 vectors of z and its parts
    *((f"logistic-{n}", "symdiff", Work(products=2, functions=3, passes=11, sums=1, kept=4, fresh=2)) for n in (100, 300, 1000)),
    # X w and Q' Q; one exp of z that is bounded, 3 passes to the sigmoid, 2 to its slope, a root, Q
    *((f"logistic-hessian-{n}", "symdiff", Work(products=2, functions=1, passes=9, kept=4, fresh=1)) for n in (100, 300, 1000)),
    # V' V, times 2, and into the diagonal of zeros, which are kept where memory is
    *(
        row
        for m in (100, 300)
        for row in (
            (f"factorisation-hessian-{m}", "symdiff", Work(products=1, functions=0, passes=2, kept=1, fresh=1)),
            (f"factorisation-hessian-{m}", "symdiff, buffers reused", Work(products=1, functions=0, passes=2, kept=1)),
        )
    ),
    # nine products up, eight down with all examples at once, J J', and that with x x'; 8 relus, all gates in 2, W2 W3, 8 gates down, x x', J'
    # in width 10 J' is copied
    *((f"relu-hessian-{w}", "symdiff", Work(products=19, functions=0, passes=20, kept=10 - (w > 10), fresh=2)) for w in (10, 20, 40)),
    # tanh, exp and two tangents, with fast_math one; they and their arguments take 4 + 5 passes, sine and cosine 4 + 1 more,
    # the product u of tanh and exp 1, and c cos(c x) u + (a (1 - t t) - 2 x t) e sin(c x) the other 11
    *((f"wave-{n}", "symdiff", Work(products=1, functions=4, passes=26, kept=4, fresh=2)) for n in ("1e3", "1e6")),
    *((f"wave-{n}", "symdiff fast_math", Work(products=1, functions=3, passes=25, kept=4, fresh=2)) for n in ("1e3", "1e6")),
]


@pytest.mark.parametrize(("workload", "implementation", "budget"), BUDGETS)
def test_programs_on_arrays_do_no_more_than_by_hand(workload, implementation, budget):
    if implementation == GEMM:
        pytest.importorskip("scipy")
    name, found = special(workload, implementation)
    kept = {id(a.base) for a in found.run.__globals__["memory"].arrays}
    assert_within(work(found.source.text, name, len(kept)), budget, found.source.text)


def test_blocks_of_longer_arrays_are_the_same():
    """1e7 elements against 1e6."""
    x, a, b, c = sd.var("x", "n"), sd.var("a"), sd.var("b"), sd.var("c")
    f = sd.lower([loss := losses.wave(ours.XP, x, a, b, c), sd.grad(loss, x)], [x, a, b, c], name="wave")
    assert f.for_sizes(n=10**7).source == f.for_sizes(n=10**6).source.replace("1000000", "10000000")


# --- products that are never formed, powers -----------------------------------------------------------------------------
X, w, v, y = sd.var("X", ("n", "d")), sd.var("w", "d"), sd.var("v", "d"), sd.var("y", "n")
NARROW = {
    "hvp of squares": sd.hvp(sd.sum((X @ w - y) ** 2), w, v),
    "hvp of logistic": sd.hvp(losses.logistic(ours.XP, X, y, w), w, v),
    "gradient and a product from the left": X.T @ (X @ w) + (X.T @ X) @ v,
}


@pytest.mark.parametrize("expression", NARROW.values(), ids=NARROW)
@pytest.mark.parametrize("sizes", [{"n": 10_000, "d": 3}, {"n": 50, "d": 40}, {"n": 3, "d": 1000}], ids=str)
def test_a_matrix_of_the_parameters_is_never_formed(expression, sizes):
    f = sd.lower(expression, [X, y, w, v], sizes=sizes)
    d = sizes["d"]
    assert ("d", "d") not in [i.shape for i in f.program.instructions]
    sized = f.for_sizes(**sizes)
    programs = [sized.program, *(p for _, p in optimise(sized.program, special_passes("np.float64", Options())))]
    assert not [i for p in programs for i in p.instructions if i.shape.count(d) > 1]
    values = [RNG.normal(size=tuple(sizes.get(k, k) for k in i.shape)) for i in (X, y, w, v)]
    written = sd.lower(expression, [X, y, w, v], fast=False, simplify=False)
    np.testing.assert_allclose(f(*values), written(*values), rtol=1e-9)


@pytest.mark.parametrize("k", range(2, 17))
@pytest.mark.parametrize("size", [None, 2, 1000], ids=str)
def test_small_powers_are_few_products(k, size):
    """By squares, 1 + 2 floor(log2 k) at most."""
    x = sd.var("x", "n")
    f = sd.lower(x**k, [x])
    text = f.source if size is None else f.for_sizes(n=size).source
    name = "f_floats" if "f_floats" in text else "f"
    function = function_in(text, name)
    nodes = list(ast.walk(function))
    products = sum(isinstance(getattr(n, "op", None), ast.Mult) or called(n) == "multiply" for n in nodes)
    entries = size if name == "f_floats" else 1
    assert 1 <= products <= (2 * math.log2(k) + 1) * entries
    assert "**" not in text and not any(called(n) in ("power", "pow") for n in nodes)
