"""Tracing: a Python function of NumPy arrays, run once on traced arrays, gives the expressions of its results.

The function runs unmodified. While it does, NumPy's array makers know traced arrays (makers.py); everything else goes through NumPy's own
protocols.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from symdiff.api.makers import numpy_makers
from symdiff.api.recording import Guard, Trace, running
from symdiff.api.traced import TracedArray
from symdiff.api.trees import Structure, flatten, unflatten
from symdiff.errors import DtypeError, SymbolicValue, SymdiffError, Unsupported
from symdiff.expr.convert import as_expr
from symdiff.expr.names import is_name
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import substitute


class Traced(NamedTuple):
    """What a run of a function gave.

    inputs: a variable for each array that was handed over, the differentiated ones (`wrt`) among them; values: what they were called
    with (None: a symbol). outputs: the results as expressions, in `structure`; aux: the second result of a function that has one.
    guards: what must hold for another run to take the same path.
    """

    outputs: list[Expr]
    structure: Structure
    inputs: list[Var]
    values: list[Any]
    wrt: list[Var]
    guards: list[Guard]
    aux: Any
    trace: Trace


# --- inputs -------------------------------------------------------------------------------------------------------
def is_input(leaf: Any, differentiated: bool) -> bool:
    """Whether a leaf of the arguments becomes a variable: every array of floats, and all that is differentiated."""
    if differentiated:
        return True
    return type(leaf) is not TracedArray and isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f"


def real_value(leaf: Any, name: str) -> Any:
    """A number or array to differentiate in, as floats. Raises: DtypeError for complex numbers, objects and what is no number."""
    if isinstance(leaf, (bool, int, float, np.ndarray, np.generic)):
        array = np.array(leaf)
        if array.dtype.kind in "biuf":
            array = array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)
            return array if isinstance(leaf, np.ndarray) and array.ndim else array[()]
        if array.dtype.kind == "c":
            raise DtypeError(f"the argument {name} is complex; symdiff works on real numbers only")
    raise DtypeError(f"the argument {name} is {type(leaf).__name__}: what is differentiated is a number or an array of real numbers")


def argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """Names for the positional arguments, from the signature where there is one."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    named = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [named[k] if k < len(named) and is_name(named[k]) else f"x{k}" for k in range(count)]


def _input(name: str, leaf: Any, trace: Trace, active: bool) -> tuple[Var, Any, TracedArray]:
    """A variable, its value, and the traced array that the function is handed."""
    if type(leaf) is TracedArray:
        value = None if leaf.value is None else np.array(leaf.value)[()] if np.ndim(leaf.value) == 0 else np.array(leaf.value)
        v = Var(name, leaf.__expr__.shape, (), trace.token)
    elif isinstance(leaf, Expr):
        value, v = None, Var(name, leaf.shape, leaf.assumptions if isinstance(leaf, Var) else (), trace.token)
    else:
        value = real_value(leaf, name)
        v = Var(name, np.shape(value), (), trace.token)
    return v, value, TracedArray(v, value, trace, active=active, varies=True)


def trace(
    f: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any] | None = None,
    argnums: Sequence[int] = (0,),
    has_aux: bool = False,
) -> Traced:
    """Run f on traced arrays and collect the expressions of its results.

    args: arrays and numbers, in lists, tuples and dicts too; an expression among them is a symbol without a value.
    argnums: which of them are differentiated; other arrays of floats are inputs, everything else is handed over as it is.
    has_aux: f returns (result, aux).

    >>> t = trace(lambda x: np.sum(x ** 2), [np.ones(3)])
    >>> t.outputs[0].shape, t.inputs[0].shape
    ((), (3,))
    """
    record = Trace()
    inputs: list[Var] = []
    values: list[Any] = []
    order = [a % len(args) if args else a for a in argnums]
    found_in: dict[int, list[Var]] = {a: [] for a in order}  # the variables of each differentiated argument
    handed: list[Any] = []
    names = [*argument_names(f, len(args)), *(kwargs or {})]
    for k, (name, argument) in enumerate(zip(names, [*args, *(kwargs or {}).values()], strict=True)):
        found, structure = flatten(argument)
        new: list[Any] = []
        for j, leaf in enumerate(found):
            if not is_input(leaf, k in found_in):
                new.append(leaf)
                continue
            own = name if len(found) == 1 else f"{name}_{j}"
            v, value, array = _input(own, leaf, record, k in found_in)
            inputs.append(v)
            values.append(None if value is None else np.copy(value)[()])  # the function may change its own copy
            record.values[v] = values[-1]
            if k in found_in:
                found_in[k].append(v)
            new.append(array)
        handed.append(unflatten(structure, iter(new)))
    with running(record), numpy_makers():
        result = _called(f, handed[: len(args)], dict(zip(kwargs or {}, handed[len(args) :], strict=True)))
        aux: Any = None
        if has_aux:
            if not isinstance(result, tuple) or len(result) != 2:
                raise Unsupported(f"has_aux=True: the function must return a pair (result, aux), not {type(result).__name__}")
            result, aux = result
        outputs, structure = flatten(result)
        exprs = [_output(o) for o in outputs]
    return Traced(exprs, structure, inputs, values, [v for a in order for v in found_in[a]], list(record.guards.values()), aux, record)


def _called(f: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """f(*args, **kwargs), with an error of ours in the place of the one that NumPy makes of it."""
    try:
        return f(*args, **kwargs)
    except SymdiffError:
        raise
    except Exception as error:
        hidden = _own_error(error)
        if hidden is None:
            raise
        raise hidden from None


def _output(value: Any) -> Expr:
    if value is None or isinstance(value, str):
        raise Unsupported(f"the function returned {value!r}; it must return a number, an array, or a list, tuple or dict of them")
    return as_expr(value)


def _own_error(error: BaseException) -> SymdiffError | None:
    """The error of ours that NumPy hid behind one of its own, as it does for `np.zeros(3)[0] = traced`; or a plainer one for linalg."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, SymdiffError):
            return seen
        seen = seen.__cause__ or seen.__context__
    if isinstance(error, TypeError) and "expected a sequence of integers" in str(error):
        return SymbolicValue(
            f"NumPy's array makers need numbers for sizes ({error}): with symbols only write sd.zeros, sd.ones, sd.eye, sd.arange"
        )
    if isinstance(error, TypeError) and ("object" in str(error) or "dtype('O')" in str(error)):
        return SymbolicValue(
            f"an array of dtype object that holds traced values met a function that needs numbers ({error}): make it with np.array, not with an "
            "`array` imported by itself, or with np.stack"
        )
    return None


def in_terms_of(exprs: Sequence[Expr], inputs: Sequence[Var], arguments: Sequence[Any]) -> list[Expr]:
    """Expressions in the fresh variables of an inner trace, in terms of the outer arrays that it was called with."""
    table: dict[Expr, Expr] = {v: as_expr(a) for v, a in zip(inputs, arguments, strict=True)}
    return [substitute(e, table) for e in exprs]
