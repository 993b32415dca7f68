"""The functions that NumPy lacks, as source: an emitted program carries those it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple


class Helper(NamedTuple):
    """Source of a function, and the helpers that it calls itself."""

    source: str
    needs: tuple[str, ...] = ()


def _helper(source: str, *needs: str) -> Helper:
    return Helper(source.strip("\n") + "\n", needs)


HELPERS: dict[str, Helper] = {
    "sigmoid": _helper('''
def sigmoid(x):
    """1 / (1 + exp(-x)), without overflow."""
    z = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, z) / (1.0 + z)
'''),
    "sigmoids": _helper('''
def sigmoids(x):
    """sigmoid(x) and 1 - sigmoid(x), both without overflow or lost digits."""
    z = np.exp(-np.abs(x))
    large = 1.0 / (1.0 + z)
    small, right = z * large, x >= 0
    return np.where(right, large, small), np.where(right, small, large)
'''),
    "softplus": _helper('''
def softplus(x):
    """log(1 + exp(x)), without overflow."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))
'''),
    "log_sigmoid": _helper('''
def log_sigmoid(x):
    """log(sigmoid(x)), finite where sigmoid(x) is 0."""
    return np.minimum(x, 0.0) - np.log1p(np.exp(-np.abs(x)))
'''),
    "silu": _helper(
        '''
def silu(x):
    """x * sigmoid(x)."""
    return x * sigmoid(x)
''',
        "sigmoid",
    ),
    "leaky_relu": _helper('''
def leaky_relu(x, slope):
    """x where positive, slope * x elsewhere."""
    return np.where(x > 0, x, slope * x)
'''),
    "elu": _helper('''
def elu(x, alpha):
    """x where positive, alpha * (exp(x) - 1) elsewhere."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0)))
'''),
    "softsign": _helper('''
def softsign(x):
    """x / (1 + |x|)."""
    return x / (1.0 + np.abs(x))
'''),
    "gelu": _helper(
        '''
def gelu(x):
    """x times the normal distribution function."""
    return 0.5 * x * erfc(-0.7071067811865476 * x)
''',
        "erfc",
    ),
    "gelu_tanh": _helper('''
def gelu_tanh(x):
    """GELU by its tanh approximation."""
    return 0.5 * x * (1.0 + np.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))
'''),
    "logsumexp": _helper('''
def logsumexp(x, axis=None):
    """log(sum(exp(x))) without overflow; -inf for no terms, inf if one is."""
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore", over="ignore"):
        return np.log(np.sum(np.exp(x - top), axis=axis)) + np.squeeze(top, axis=axis)
'''),
    "polygamma": _helper(
        '''
def polygamma(n, x):
    """The n-th derivative of digamma: (-1)**(n + 1) n! zeta(n + 1, x)."""
    return (-1.0) ** (n + 1) * math.factorial(n) * zeta(n + 1.0, x)
''',
        "zeta",
    ),
    "shows": _helper('''
def shows(x, held):
    """Whether a view shows one of the arrays in held, by way of whatever stands between them."""
    if type(x.base) is np.ndarray and x.base.base is None:
        return id(x.base) in held
    return any(np.may_share_memory(x, array) for array in held.values())
'''),
    "apart": _helper(
        '''
def apart(arrays, held):
    """Arrays, copied where they show memory that is about to be written to."""
    return [x.copy() if id(x) in held or (x.base is not None and shows(x, held)) else x for x in arrays]
''',
        "shows",
    ),
    "aligned": _helper('''
def aligned(shape, dtype=np.float64):
    """An empty array that begins at a multiple of 64 bytes, where vector instructions are quickest."""
    memory = np.empty(np.dtype(dtype).itemsize * np.prod(shape, dtype=int) + 64, np.uint8)
    return np.ndarray(shape, dtype, memory, -memory.ctypes.data % 64)
'''),
    "zeros_with_diagonal": _helper('''
def zeros_with_diagonal(shape, spec, dtype=np.float64):
    """Zeros that are written to by the view of their diagonal alone, and that view."""
    zeros = np.zeros(shape, dtype)
    diagonal = np.einsum(spec, zeros)
    zeros.flags.writeable = False
    return zeros, diagonal
'''),
    "add_at": _helper('''
def add_at(shape, index, x, dtype):
    """Zeros to which x is added at index, repeated entries adding up."""
    total = np.zeros(shape, dtype)
    np.add.at(total, index, np.broadcast_to(x, total[index].shape))  # NumPy 2.4 misreads an x that it has to stretch
    return total
'''),
}


def with_needs(names: Iterable[str], needs: Callable[[str], Iterable[str]]) -> set[str]:
    """The names, with all that they need and that those need."""
    found: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += needs(name)
    return found


def closure(names: set[str]) -> tuple[list[str], set[str]]:
    """The helpers with those they call, callees first, and the kernels that they need."""
    needed = with_needs(names, lambda name: HELPERS[name].needs if name in HELPERS else ())
    ordered = [n for n in HELPERS if n in needed]
    return sorted(ordered, key=lambda n: bool(needed & set(HELPERS[n].needs) & HELPERS.keys())), needed - HELPERS.keys()
