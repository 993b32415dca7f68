"""symdiff: gradients as formulas, derivations rule by rule, and NumPy programs, from one expression tree.

>>> import symdiff as sd
>>> X, w, y = sd.var('X', shape=('n', 'd')), sd.var('w', shape=('d',)), sd.var('y', shape=('n',))
>>> loss = sd.sum((X @ w - y) ** 2)
>>> sd.grad(loss, w).shape
('d',)
"""

# fmt: off
from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING

from symdiff.api.answers import derive
from symdiff.api.check import check_formula
from symdiff.api.check_grad import check_grad
from symdiff.api.compressed import lower_compressed
from symdiff.api.derivation import derivation
from symdiff.api.formulas import op_count, simplify, substitute
from symdiff.api.programs import lower
from symdiff.errors import (
    BindingError, ClaimWrong, DtypeError, MissingExtra, MissingRule, NameClash, ParseError, ShapeError, SymbolicValue, SymdiffError,
    UnknownName, Unsupported,
)
from symdiff.expr import ops as _ops
from symdiff.expr.leaves import const, var
from symdiff.expr.node import Expr
from symdiff.expr.ops import *
from symdiff.expr.ops import absolute as abs
from symdiff.expr.text import parse
from symdiff.grad import formula, gauss_newton, gnvp, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from symdiff.printing.from_sympy import from_sympy
from symdiff.printing.to_sympy import to_sympy

if _TYPE_CHECKING:
    from types import ModuleType
    from symdiff import training

__version__ = "0.1.0"
__all__ = [
    "BindingError", "ClaimWrong", "DtypeError", "Expr", "MissingExtra", "MissingRule", "NameClash", "ParseError", "ShapeError",
    "SymbolicValue", "SymdiffError", "UnknownName", "Unsupported", "abs", "check_formula", "check_grad", "const", "derivation", "derive", "formula", "from_sympy", "gauss_newton", "gnvp", "grad", "hessian", "hvp", "jacobian",
    "jvp", "lower", "lower_compressed", "op_count", "parse", "simplify", "substitute", "to_sympy", "training", "value_and_grad", "var", "vjp",
]
__all__ += _ops.__all__


def __getattr__(name: str) -> "ModuleType":
    """`sd.training`, loaded when it is first asked for: formulas need none of it."""
    if name == "training":
        return _import_module("symdiff.training")
    raise AttributeError(f"module 'symdiff' has no attribute {name!r}")
