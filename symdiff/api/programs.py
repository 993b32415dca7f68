"""`lower` as users call it: the expressions are brought to stable form, then written as a program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from symdiff.errors import BadSetting, BindingError, Unsupported, did_you_mean
from symdiff.expr import ops
from symdiff.expr.convert import as_expr
from symdiff.expr.elementwise import is_boolean
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import size_names, variables
from symdiff.lowering.lowered import Lowered
from symdiff.lowering.lowered import lower as lower_as_it_is
from symdiff.lowering.lowered_compiled import lower_chosen, lower_compiled
from symdiff.rewrite import stabilise_all

BACKENDS: dict[str, Callable[..., Lowered]] = {"numpy": lower_as_it_is, "numba": lower_compiled, "auto": lower_chosen}

MOST_CALLS = 1e18  # so many of a nanosecond each take thirty years


def lower(
    outputs: Any,
    inputs: Any = None,
    *,
    backend: str = "numpy",
    calls: float | None = None,
    simplify: bool = True,
    quick: bool = False,
    names: Mapping[Expr, str] | None = None,
    comments: Mapping[Expr, str] | None = None,
    **options: Any,
) -> Lowered:
    """A NumPy function that computes the outputs; its `source` is readable and runs without symdiff.

    outputs: an expression, or a list, tuple or dict of them, of which a call returns the like; inputs: its arguments, in order,
    by default the variables of the outputs, as they appear.
    The expressions are simplified and put in numerically stable form first (`simplify=False`: lowered as they are; `quick`: large ones are
    simplified with less effort). `names` and `comments` say what to call an expression in the source and what to write beside it.
    Options: `sizes`, for dims that no input carries; `constants`, arrays to fold; `name`, of the function; `fast` (False: the program is not
    written again for the sizes of calls; True, with all `sizes`: that is the source); `reuse_buffers`, results lie in memory that is written
    to again by a later call, though not the next; `fast_math`, for sin and cos in less time that are right to 3e-16 absolutely;
    `blas`, for updates such as W - X.T @ d by SciPy's BLAS (extra `fast`; never beside NumPy's on more than one thread).
    docs/programs.md shows programs in both forms.

    backend: 'numpy'; 'numba', which compiles loops at the first call (extra `jit`); 'auto', which takes numba where `calls` are so many
    that compiling surely pays off, and NumPy otherwise.

    Raises: BindingError for a variable that is no input, or a size that is not known; MissingExtra for numba or `blas` where it is not installed.

    >>> import symdiff as sd
    >>> x = sd.var('x', 'n')
    >>> f = sd.lower(sd.grad(sd.sum(x ** 2), x), [x])
    >>> f([1.0, 2.0])
    array([2., 4.])
    """
    if isinstance(outputs, (dict, list, tuple)) and not outputs:
        raise BindingError("lower: there are no outputs: an expression is wanted, or a list, tuple or dict of them")
    check_dicts({"names": names, "comments": comments, **options})
    if backend not in BACKENDS:
        raise Unsupported(f"lower: there is no backend {backend!r}{did_you_mean(str(backend), BACKENDS)}. Backends: {', '.join(BACKENDS)}")
    if calls is not None and not (isinstance(calls, (int, float, np.integer, np.floating)) and calls >= 0):
        raise BadSetting(f"lower: calls is {calls!r}; a number from 0 on is wanted")
    if backend != "numpy":
        options["calls"] = None if calls is None else min(calls, MOST_CALLS)
    names, comments = names or {}, comments or {}
    if simplify:
        listed, rebuilt = _unpacked(outputs)
        inputs = arguments_of(listed, inputs, options)
        labelled = [*names, *comments]
        stable = stabilise_all([*listed, *labelled], quick)
        if options.get("sizes"):
            options["sizes"] = sizes_that_are_left(options["sizes"], listed, stable, inputs, options.get("constants") or {})
        outputs = rebuilt([_of_its_kind(e, new) for e, new in zip(listed, stable, strict=False)])
        of = dict(zip(labelled, stable[len(listed) :], strict=True))
        names = {of[e]: text for e, text in names.items()}
        comments = {of[e]: text for e, text in comments.items()}
    return BACKENDS[backend](outputs, inputs, names=names, comments=comments, **options)


def check_dicts(options: Mapping[str, Any]) -> None:
    """Raises: BindingError for an option of `lower` that is no dict where one is wanted."""
    for option in ("names", "comments", "sizes", "constants"):
        value = options.get(option)
        if value is not None and not isinstance(value, Mapping):
            raise BindingError(f"lower: {option} is of type {type(value).__name__}; a dict is wanted")


def arguments_of(outputs: Sequence[Expr], inputs: Any, options: dict[str, Any]) -> Any:
    """The inputs, by default those of the outputs as the author wrote them: simplifying may exchange variables, or lose them.
    Constants that go by a name are looked up likewise."""
    constants = options.get("constants") or {}
    if inputs is not None and not any(isinstance(k, str) for k in constants):
        return inputs
    found = variables(*outputs)
    named = {v.name: v for v in found}
    if constants:
        options["constants"] = constants = {named.get(k, k): value for k, value in constants.items()}
    return [v for v in found if v not in constants] if inputs is None else inputs


def sizes_that_are_left(
    sizes: Mapping[str, int], before: Sequence[Expr], after: Sequence[Expr], inputs: Any, constants: Mapping[Any, Any]
) -> dict[str, int]:
    """The sizes without those of dims that simplifying has removed; names that never were dims stay, to be refused."""
    listed = list(inputs.values()) if isinstance(inputs, dict) else inputs if isinstance(inputs, (list, tuple)) else [inputs]
    left = size_names(*after, *(v for v in (*listed, *constants) if isinstance(v, Var)))
    gone = size_names(*before) - left
    return {n: size for n, size in sizes.items() if n not in gone}


def _of_its_kind(e: Expr, stable: Expr) -> Expr:
    """A number stays one: the derivative of relu is 1 and 0, though it simplifies to a condition."""
    return ops.where(stable, 1, 0) if is_boolean(stable) and not is_boolean(e) else stable


def _unpacked(outputs: Any) -> tuple[list[Expr], Any]:
    """The outputs as a list, and what puts a list back into their structure."""
    if isinstance(outputs, dict):
        return [as_expr(v) for v in outputs.values()], lambda es: dict(zip(outputs, es, strict=True))
    if isinstance(outputs, (list, tuple)):
        return [as_expr(v) for v in outputs], type(outputs)
    return [as_expr(outputs)], lambda es: es[0]
