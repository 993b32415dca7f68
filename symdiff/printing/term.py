"""Notation trees: what a formula looks like, before a style spells it.

A `Term` is a NumPy value as a person would write it: a product chain, a quotient, a call, an entry of an array. It knows its shape,
the number of operations in its printed python form, and a weight by which the cheaper of two notations is chosen. Terms are built by
the functions below, which keep quotients flat and signs in front.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from symdiff.expr.dims import Shape
from symdiff.expr.nodes import Number

FREE_CALLS = ("eye", "ones", "zeros")  # of the corpus's rule: every other call is an operation
STEP = 100  # weight of one operation; blemishes of reading weigh single points


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """A piece of notation. `op` names the form (a row of every style's table), `data` what is no term: a name, a number, options."""

    op: str
    args: tuple[Term, ...]
    shape: Shape
    data: Any
    ops: int
    weight: int
    size: int
    depth: int


def _make(op: str, args: Sequence[Term], shape: Shape, data: Any = None, own: int = 0, blemish: int = 0) -> Term:
    ops, weight, size, depth = own, own * STEP + blemish, 1, 0
    for a in args:
        ops += a.ops
        weight += a.weight
        size += a.size
        depth = a.depth if a.depth > depth else depth
    return Term(op, tuple(args), shape, data, ops, weight, size, depth + 1)


# --- leaves -------------------------------------------------------------------------------------------------------
def name(handle: Any, shape: Shape) -> Term:
    """A variable or a named part; the handle is looked up when a style spells the formula."""
    return _make("name", (), shape, handle)


def text(word: str, shape: Shape = (), own: int = 0) -> Term:
    """A word that stands for itself: the name of a dim, or a polynomial of dims with `own` operations."""
    return _make("text", (), shape, word, own)


def decimal(value: Fraction) -> str | None:
    """The exact decimal of a fraction if it has a short one.

    >>> decimal(Fraction(-3, 8)), decimal(Fraction(1, 3))
    ('-0.375', None)
    """
    as_float = float(value)
    return repr(as_float) if Fraction(as_float) == value and len(repr(abs(as_float))) <= 6 else None


def number(value: Number | bool) -> Term:
    """A literal number. A fraction without a short decimal is a division, one operation."""
    inexact = isinstance(value, Fraction) and value.denominator != 1 and decimal(value) is None
    return _make("number", (), (), value, own=(2 if value < 0 else 1) if inexact else 0)


def array(value: np.ndarray) -> Term:
    return _make("array", (), value.shape, value, own=1, blemish=value.size)


ONE = number(1)


def is_number(t: Term) -> bool:
    return t.op == "number"


# --- sums and signs -----------------------------------------------------------------------------------------------
def _flip_literal(t: Term) -> Term | None:
    """-t, if t begins with a literal number."""
    if t.op == "number":
        return None if isinstance(t.data, bool) else number(-t.data)
    if t.op in ("times", "over"):
        first = _flip_literal(t.args[0])
        if first is not None:
            return _make(t.op, (first, *t.args[1:]), t.shape, t.data, own=len(t.args) - 1)
    return None


def negate(t: Term) -> Term:
    """-t: the sign goes into a leading literal, or turns a difference round, where it can."""
    if t.op == "neg":
        return t.args[0]
    flipped = _flip_literal(t)
    if flipped is not None:
        return flipped
    if t.op == "add" and not all(t.data):
        return add(t.args, [not s for s in t.data], t.shape)
    return _make("neg", (t,), t.shape, own=1)


def split_sign(t: Term) -> tuple[bool, Term]:
    """Whether a term has no leading sign, and the term without it."""
    if t.op == "neg":
        return False, t.args[0]
    lead = t
    while lead.op in ("times", "over"):
        lead = lead.args[0]
    if lead.op == "number" and not isinstance(lead.data, bool) and lead.data < 0:
        flipped = _flip_literal(t)
        assert flipped is not None
        return False, flipped
    return True, t


def add(terms: Sequence[Term], signs: Sequence[bool], shape: Shape) -> Term:
    """A sum, positive terms first; a sum of negative terms only is the negative of a sum, or begins with a literal."""
    if len(terms) == 1:
        return terms[0] if signs[0] else negate(terms[0])
    if not any(signs):
        lead = next((k for k, t in enumerate(terms) if negate(t).op != "neg"), None)
        if lead is None:
            return negate(add(terms, [True] * len(terms), shape))
        order = [lead, *(k for k in range(len(terms)) if k != lead)]
        terms = [negate(terms[lead]), *(terms[k] for k in order[1:])]
        signs = [True] + [False] * (len(terms) - 1)
    else:
        plain = {t.data for t in terms if t.op == "name"}
        turned = [t.op == "transpose" and t.args[0].op == "name" and t.args[0].data in plain for t in terms]
        order = sorted(range(len(terms)), key=lambda k: (not signs[k], turned[k]))  # A + A.T, not A.T + A
        terms, signs = [terms[k] for k in order], [signs[k] for k in order]
    return _make("add", terms, shape, tuple(signs), own=len(terms) - 1)


# --- products and quotients ---------------------------------------------------------------------------------------
def times(factors: Sequence[Term], shape: Shape) -> Term:
    """An elementwise product in the given order, flattened at its head."""
    if not factors:
        return ONE
    flat: list[Term] = []
    for k, f in enumerate(factors):
        flat.extend(f.args if f.op == "times" and (k == 0 or f.shape == shape) else (f,))
    return flat[0] if len(flat) == 1 else _make("times", flat, shape, None, own=len(flat) - 1, blemish=_stretched(flat, shape))


def _stretched(args: Sequence[Term], shape: Shape) -> int:
    """How many arrays broadcast to the shape of the product: harder to read than operands of one shape."""
    return sum(a.shape not in ((), shape) for a in args)


def over(above: Term, below: Term, shape: Shape) -> Term:
    """above / below, elementwise."""
    if below is ONE:
        return above
    return _make("over", (above, below), shape, None, own=1, blemish=_stretched((above, below), shape))


def matmul(a: Term, b: Term, shape: Shape) -> Term:
    """a @ b. A chain is kept flat where the product is associative: not around a vector in its middle."""
    left = a.args if a.op == "matmul" else (a,)
    right = b.args if b.op == "matmul" and len(b.args[0].shape) >= 2 and a is not b else (b,)
    covector = len(a.shape) == 1 and len(b.shape) >= 2  # people write A.T @ v rather than v @ A
    late = len(a.shape) == len(b.shape) == 1 and len(left) > len(right)  # and v @ A @ v rather than A @ v @ v
    weight = a.weight + b.weight + STEP + (STEP + 2) * covector + late
    depth = max(a.depth - (len(left) > 1), b.depth - (len(right) > 1)) + 1
    return Term("matmul", (*left, *right), shape, None, a.ops + b.ops + 1, weight, a.size + b.size, depth)


def power(base: Term, exponent: Term) -> Term:
    return _make("power", (base, exponent), base.shape, None, own=1)


def raised(base: Term, exponent: Number, shape: Shape) -> Term:
    """base ** exponent for a number: a root, a quotient or a power."""
    if exponent == Fraction(1, 2):
        return call("sqrt", [base], shape)
    if exponent < 0:
        return over(ONE, base if exponent == -1 else raised(base, -exponent, shape), shape)
    if isinstance(exponent, int) and exponent % 2 == 0 and base.op == "neg":
        base = base.args[0]
    return power(base, number(exponent))


def transpose(t: Term) -> Term:
    """The axes reversed; numbers and signs stay in front."""
    if t.op == "transpose":
        return t.args[0]
    if t.op == "neg":
        return negate(transpose(t.args[0]))
    if t.op == "times" and all(a.shape == () for a in t.args[:-1]):
        return times([*t.args[:-1], transpose(t.args[-1])], t.shape[::-1])
    return _make("transpose", (t,), t.shape[::-1], None, own=1, blemish=0 if t.op == "name" else 1)


# --- calls, entries, comparisons ----------------------------------------------------------------------------------
def call(fn: str, args: Sequence[Term], shape: Shape, blemish: int = 0, **options: Any) -> Term:
    """fn(args, option=value). Option values are spelt as Python literals."""
    return _make("call", args, shape, (fn, tuple(options.items())), own=fn not in FREE_CALLS, blemish=blemish)


def listing(items: Sequence[Term], brackets: str = "()") -> Term:
    """Items in brackets, an argument of a call: no operation."""
    return _make("list", items, (len(items),), brackets)


def index(t: Term, key: Sequence[Any], shape: Shape) -> Term:
    """t[key]; entries are None, a whole number, a slice of texts (start, stop, step), or a Term."""
    if t.op == "neg":
        return negate(index(t.args[0], key, shape))
    inner = tuple(k for k in key if isinstance(k, Term))
    own = sum(operations_in(p) for k in key if isinstance(k, tuple) for p in k)
    entries = tuple(None if k is None else "term" if isinstance(k, Term) else k for k in key)
    return _make("index", (t, *inner), shape, entries, own, blemish=STEP + 3 if None in entries else 3)


def operations_in(part: str) -> int:
    """Operators in the text of a bound such as 'n - 1'; the sign of a literal is none."""
    return sum(part.count(c) for c in "+*") + part.count("//") + part.lstrip("-").count("-") + (part[:1] == "-" and not part[1:].isdigit())


def entry(t: Term, letters: tuple[str, ...]) -> Term:
    """t_ij: one entry of an array, its indices as letters."""
    return _make("entry", (t,), (), letters) if letters else t


def sigma(letters: tuple[tuple[str, Any], ...], body: Term) -> Term:
    """The sum of a number over index letters, each with the dim that it runs through."""
    return _make("sigma", (body,), (), letters, own=1) if letters else body


def compare(sign: str, a: Term, b: Term, shape: Shape) -> Term:
    return _make("compare", (a, b), shape, sign, own=1)


def with_args(t: Term, args: Sequence[Term]) -> Term:
    """The same form over other arguments, each of the shape of the one it replaces."""
    own = t.ops - sum(a.ops for a in t.args)
    return _make(t.op, args, t.shape, t.data, own, blemish=t.weight - sum(a.weight for a in t.args) - STEP * own)


def replaced(t: Term, at: int, new: Term) -> Term:
    """`t` with another argument of the same shape."""
    args = (*t.args[:at], new, *t.args[at + 1 :])
    return times(args, t.shape) if t.op == "times" else with_args(t, args)
