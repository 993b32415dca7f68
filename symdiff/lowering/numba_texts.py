"""The table from elementwise operation to the text of one scalar: what stands inside a loop of the compiled backend.

NumPy's functions on scalars are the same functions to numba; those that NumPy lacks come along as source. Literals and helpers are
written in the dtype of the module, because a float64 literal would turn float32 arithmetic into float64.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from symdiff.expr.functions import FUNCTIONS
from symdiff.lowering.helpers import with_needs
from symdiff.lowering.text import INFIX, UNARY, Text, infix, literal, within

CONDITION = 2  # how tightly `x if c else y` binds


@dataclass
class Scalar:
    """What a row may ask for: literals of the module's dtype ('float64' or 'float32'), and helpers to carry along."""

    dtype: str
    helpers: set[str] = field(default_factory=set)

    def number(self, value: float) -> Text:
        """A literal in the module's dtype."""
        text = literal(float(value))
        return text if self.dtype == "float64" else Text(f"np.float32({text.code})")

    def cast(self, text: Text, kind: str) -> Text:
        """A whole number or truth value as a real one."""
        if kind == "bool":
            return Text(f"{self.number(1.0).code} if {within(text, CONDITION + 1)} else {self.number(0.0).code}", CONDITION)
        return Text(f"{'float' if self.dtype == 'float64' else 'np.float32'}({text.code})")


Row = Callable[[Scalar, Sequence[Text]], Text]


def _infix(op: str) -> Row:
    return lambda s, args: infix(op, args[0], args[1])


def _call(function: str) -> Row:
    return lambda s, args: Text(f"{function}({', '.join(a.code for a in args)})")


def _helper(name: str) -> Row:
    def row(s: Scalar, args: Sequence[Text]) -> Text:
        s.helpers.add(name)
        return Text(f"{name}({', '.join(a.code for a in args)})")

    return row


def _where(s: Scalar, args: Sequence[Text]) -> Text:
    condition, x, y = (within(a, CONDITION + 1) for a in args)
    return Text(f"{x} if {condition} else {y}", CONDITION)


TEXTS: dict[str, Row] = {
    **{f.name: _call(f"np.{f.numpy}") for f in FUNCTIONS.values() if f.numpy},
    **{op: _infix(op) for op in INFIX},
    "negative": lambda s, args: Text(f"-{within(args[0], UNARY)}", UNARY),
    "sqrt": _call("np.sqrt"),
    "abs": _call("abs"),
    "where": _where,
    "erf": _call("math.erf"),
    "erfc": _call("math.erfc"),
    "gammaln": _call("math.lgamma"),
    **{
        name: _helper(name)
        for name in (
            "sigmoid", "softplus", "log_sigmoid", "silu", "relu", "leaky_relu", "elu", "gelu", "gelu_tanh", "softsign", "digamma",
        )
    },
}  # fmt: skip

# --- functions that NumPy lacks, of one scalar ---------------------------------------------------------------------------
SOURCES: dict[str, tuple[str, tuple[str, ...]]] = {  # source, and the helpers that it calls
    "sigmoid": (
        '''
def sigmoid(x):
    """1 / (1 + exp(-x)); where exp(-x) is inf the quotient is 0."""
    return 1.0 / (1.0 + np.exp(-x))
''',
        (),
    ),
    "sigmoids": (
        '''
def sigmoids(x):
    """sigmoid(x) and sigmoid(-x) by one exponential, without overflow or lost digits."""
    z = np.exp(-abs(x))
    large = 1.0 / (1.0 + z)
    small = z * large
    return (large, small) if x >= 0.0 else (small, large)
''',
        (),
    ),
    "softplus": (
        '''
def softplus(x):
    """log(1 + exp(x)), without overflow."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-abs(x)))
''',
        (),
    ),
    "log_sigmoid": (
        '''
def log_sigmoid(x):
    """log(sigmoid(x)), finite where sigmoid(x) is 0."""
    return np.minimum(x, 0.0) - np.log1p(np.exp(-abs(x)))
''',
        (),
    ),
    "silu": (
        '''
def silu(x):
    """x * sigmoid(x)."""
    return x * sigmoid(x)
''',
        ("sigmoid",),
    ),
    "relu": (
        '''
def relu(x):
    """x where positive, 0 elsewhere; nan of nan."""
    return 0.0 if x <= 0.0 else x
''',
        (),
    ),
    "leaky_relu": (
        '''
def leaky_relu(x, slope):
    """x where positive, slope * x elsewhere."""
    return x if x > 0.0 else slope * x
''',
        (),
    ),
    "elu": (
        '''
def elu(x, alpha):
    """x where positive, alpha * (exp(x) - 1) elsewhere."""
    return x if x > 0.0 else alpha * np.expm1(x)
''',
        (),
    ),
    "gelu": (
        '''
def gelu(x):
    """x times the normal distribution function."""
    return 0.5 * x * math.erfc(-0.7071067811865476 * x)
''',
        (),
    ),
    "gelu_tanh": (
        '''
def gelu_tanh(x):
    """GELU by its tanh approximation."""
    return 0.5 * x * (1.0 + np.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))
''',
        (),
    ),
    "softsign": (
        '''
def softsign(x):
    """x / (1 + |x|)."""
    return x / (1.0 + abs(x))
''',
        (),
    ),
    "place": (
        '''
def place(k, n):
    """An index within an axis of n entries, counted from the end if it is negative."""
    if k < -n or k >= n:
        raise IndexError("an index is out of bounds")
    return k if k >= 0 else k + n
''',
        (),
    ),
    # Source: Abramowitz and Stegun, 6.3.18 (asymptotic series), 6.3.5 (recurrence), 6.3.7 (reflection).
    "digamma": (
        '''
def digamma(x):
    """The derivative of gammaln, for either sign of x; infinite at 0, nan at -1, -2, ..."""
    if x == 0.0:
        return -1.0 / x
    z = 1.0 - x if x < 0.5 else x
    total = 0.0 * z
    for _ in range(10):
        total = total - 1.0 / z
        z = z + 1.0
    w = 1.0 / z
    w2 = w * w
    tail = (((((((0.4432598039215686 * w2 - 0.08333333333333333) * w2 + 0.021092796092796094) * w2 - 0.007575757575757576) * w2
        + 0.004166666666666667) * w2 - 0.003968253968253968) * w2 + 0.008333333333333333) * w2 - 0.08333333333333333) * w2
    up = np.log(z) - 0.5 * w + tail + total
    if x >= 0.5:
        return up
    r = x - np.rint(x)
    return up - 3.141592653589793 / np.tan(3.141592653589793 * r) if r != 0.0 else np.nan * z
''',
        (),
    ),
}  # fmt: skip

_NUMBER = re.compile(r"(?<![\w.])(\d+\.\d*(?:e[-+]?\d+)?|\d+e[-+]?\d+)")


def helper_lines(names: set[str], dtype: str, decorator: str) -> list[str]:
    """The helpers and those that they call, callees first, as compiled functions of the dtype."""
    needed = with_needs(names, lambda name: SOURCES[name][1])
    lines: list[str] = []
    for name in SOURCES:
        if name in needed:
            source = SOURCES[name][0].strip("\n")
            if dtype == "float32":
                source = _NUMBER.sub(r"np.float32(\1)", source)
            lines += ["", decorator, *source.split("\n"), ""]
    return lines
