"""Transformations of Python functions: f is traced, its expressions are transformed, and the result is lowered to a program.

A program is kept and used again for arguments of the same kinds, if the guards of its trace hold at the new values; otherwise the
function is traced again. What f takes from its surroundings is part of the key, so no program outlives a change of it.
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from threading import RLock
from typing import Any, NamedTuple

import numpy as np

from symdiff.api.fingerprint import NotSteady, fingerprint
from symdiff.api.hessian_blocks import refuse_dense
from symdiff.api.operands import leaves
from symdiff.api.recording import Guard, traces_running
from symdiff.api.traced import TracedArray
from symdiff.api.tracing import Traced, argument_names, in_terms_of, is_input, real_value, trace
from symdiff.api.trees import LEAF, Structure, flatten, unflatten
from symdiff.errors import BindingError, ShapeError, Unsupported
from symdiff.expr.dims import dim_mul, show_shape
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.structure import reshape_node
from symdiff.expr.traverse import variables
from symdiff.rewrite import named_functions

Gradient = Callable[[Expr, Sequence[Expr]], list[Expr]]
Lower = Callable[[list[Expr], list[Var]], Callable[..., list[Any]]]
Assemble = Callable[[Iterator[Any], list[Structure]], Any]
Plan = Callable[[Traced], tuple[list[Expr], Assemble]]

MOST_PROGRAMS = 64
MOST_PATHS = 8  # of one function and one kind of arguments
MOST_GUARDS = 2000  # a path with more questions is not kept


class _Program(NamedTuple):
    """A lowered path: results, then the guards' expressions; and how results become what the caller gets."""

    run: Callable[..., list[Any]]
    guards: list[Guard]
    finish: Callable[[list[Any]], Any]

    def __call__(self, values: Sequence[Any]) -> tuple[bool, Any]:
        """Whether the guards hold, and the result if they do."""
        if not self.guards:
            return True, self.finish(self.run(*values))
        try:
            with np.errstate(all="ignore"):  # on another path these values may lie outside the domain of this one
                found = self.run(*values)
        except (ArithmeticError, IndexError, ValueError):
            return False, None
        results, answers = found[: -len(self.guards)], found[-len(self.guards) :]
        if not all(g.holds(a) for g, a in zip(self.guards, answers, strict=True)):
            return False, None
        return True, self.finish(results)


def _whole_numbers(argnums: Any, name: str) -> tuple[int, ...]:
    """argnums as a tuple. Raises: BindingError for what is no whole number, no tuple of them, or empty."""
    given = tuple(argnums) if isinstance(argnums, (tuple, list, range)) else (argnums,)
    if not given or not all(isinstance(a, (int, np.integer)) and not isinstance(a, bool) for a in given):
        raise BindingError(
            f"{name}: argnums is {argnums!r}; it says by position which arguments are differentiated: a number or a tuple of them"
        )
    return tuple(map(int, given))


class Transformed:
    """A function of arrays made from a Python function by a transformation of its expressions.

    Call it as the function itself. `argnums` says which arguments are differentiated: a number, or a tuple of them.
    """

    def __init__(self, f: Callable[..., Any], argnums: int | Sequence[int], has_aux: bool, name: str, plan: Plan, lower: Lower) -> None:
        if not callable(f):
            raise Unsupported(f"{name} of {type(f).__name__}: a Python function of arrays is wanted, or an expression")
        self._f, self._has_aux, self._name, self._plan, self._lower = f, has_aux, name, plan, lower
        self._argnums = _whole_numbers(argnums, name)
        self._cache: OrderedDict[Any, list[_Program]] = OrderedDict()
        self._lock = RLock()
        functools.update_wrapper(self, f, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        argnums = self._checked(args)
        structures = [flatten(args[a])[1] for a in argnums]
        if any(type(leaf) is TracedArray or isinstance(leaf, Expr) for leaf in flatten([*args, *kwargs.values()])[0]):
            return self._nested(args, kwargs, argnums, structures)
        key = self._key(args, kwargs, argnums)
        values = self._values(args, kwargs, argnums)
        for program in list(self._cache.get(key, ())) if key is not None else ():
            held, result = program(values)
            if held:
                return result
        traced = trace(self._f, args, kwargs, argnums, self._has_aux)
        exprs, finish = self._planned(traced, structures)
        own = set(traced.inputs)
        if any(v not in own and v.token for v in variables(*exprs, *(g.expr for g in traced.guards))):
            return self._nested(args, kwargs, argnums, structures, traced)
        keep = key is not None and len(traced.guards) <= MOST_GUARDS
        guards = traced.guards if keep else []
        program = _Program(self._lower([*exprs, *(g.expr for g in guards)], traced.inputs), guards, finish)
        result = finish(program.run(*values)[: len(exprs)])
        if keep:
            self._remember(key, program)
        return result

    # --- arguments --------------------------------------------------------------------------------------------------
    def _checked(self, args: tuple[Any, ...]) -> tuple[int, ...]:
        for a in self._argnums:
            if not -len(args) <= a < len(args):
                raise BindingError(f"{self._name}: argnums names argument {a}, but the function was called with {len(args)} by position")
        chosen = tuple(a % len(args) for a in self._argnums)
        if len(set(chosen)) < len(chosen):
            raise BindingError(f"{self._name}: argnums {self._argnums} names an argument of the {len(args)} twice")
        return chosen

    def _leaves(self, args: tuple[Any, ...], kwargs: dict[str, Any], argnums: tuple[int, ...]) -> Iterator[tuple[Any, bool, str]]:
        """The leaves of the arguments, whether each is differentiated, and the name of its argument."""
        names = [*argument_names(self._f, len(args)), *kwargs]
        for k, (name, argument) in enumerate(zip(names, [*args, *kwargs.values()], strict=True)):
            for leaf in flatten(argument)[0]:
                yield leaf, k in argnums, name

    def _values(self, args: tuple[Any, ...], kwargs: dict[str, Any], argnums: tuple[int, ...]) -> list[Any]:
        return [real_value(leaf, name) for leaf, chosen, name in self._leaves(args, kwargs, argnums) if is_input(leaf, chosen)]

    def _key(self, args: tuple[Any, ...], kwargs: dict[str, Any], argnums: tuple[int, ...]) -> Any:
        """Structure, shapes and dtypes of the inputs, everything else by value; None if it cannot be put in a key."""
        try:
            kinds = tuple(
                ("input", np.shape(leaf), getattr(leaf, "dtype", np.dtype(float)).str) if is_input(leaf, chosen) else fingerprint(leaf)
                for leaf, chosen, _ in self._leaves(args, kwargs, argnums)
            )
            return flatten(list(args))[1], flatten(kwargs)[1], kinds, fingerprint(self._f)
        except NotSteady:
            return None

    def _remember(self, key: Any, program: _Program) -> None:
        with self._lock:
            paths = self._cache.setdefault(key, [])
            paths.insert(0, program)
            del paths[MOST_PATHS:]
            self._cache.move_to_end(key)
            while len(self._cache) > MOST_PROGRAMS:
                self._cache.popitem(last=False)

    # --- results ----------------------------------------------------------------------------------------------------
    def _planned(self, traced: Traced, structures: list[Structure]) -> tuple[list[Expr], Callable[[list[Any]], Any]]:
        """What to compute, and how the results are put together; traced arrays in aux are computed too."""
        exprs, assemble = self._plan(traced)
        count = len(exprs)
        aux_leaves, aux_structure = flatten(traced.aux)
        of_aux = [leaf.__expr__ if type(leaf) is TracedArray else None for leaf in aux_leaves]

        def finish(found: list[Any]) -> Any:
            result = assemble(iter(found[:count]), structures)
            if not self._has_aux:
                return result
            more = iter(found[count:])
            aux = unflatten(aux_structure, iter([leaf if e is None else next(more) for leaf, e in zip(aux_leaves, of_aux, strict=True)]))
            return ((result[0], aux), result[1]) if self._name == "value_and_grad" else (result, aux)

        return [*exprs, *(e for e in of_aux if e is not None)], finish

    def _nested(
        self,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        argnums: tuple[int, ...],
        structures: list[Structure],
        traced: Traced | None = None,
    ) -> Any:
        """Within another trace, or of symbols: the results are expressions in what the function was called with."""
        if traced is None:
            traced = trace(self._f, args, kwargs, argnums, self._has_aux)
        exprs, finish = self._planned(traced, structures)
        arguments = [leaf for leaf, chosen, _ in self._leaves(args, kwargs, argnums) if is_input(leaf, chosen)]
        moved = in_terms_of(exprs, traced.inputs, arguments)
        records = [leaf.record for leaf in leaves(arguments)] or list(traces_running())
        if not records:
            return finish(list(moved))
        record = max(records, key=lambda r: r.token)
        asked = in_terms_of([g.expr for g in traced.guards], traced.inputs, arguments)
        for guard, expr in zip(traced.guards, asked, strict=True):
            record.guard(expr, guard.answer)
        values = self._known_values(exprs, traced)
        return finish([TracedArray(e, v, record, active=True, varies=True) for e, v in zip(moved, values, strict=True)])

    def _known_values(self, exprs: list[Expr], traced: Traced) -> Sequence[Any]:
        """The values of expressions, if all variables have values."""
        table: dict[Expr, Any] = {}
        for r in (*traces_running(), traced.trace):
            table |= r.values
        found = variables(*exprs)
        if any(table.get(v) is None for v in found):
            return [None] * len(exprs)
        return self._lower(exprs, found)(*(table[v] for v in found))


# --- the transformations ------------------------------------------------------------------------------------------
def _loss(traced: Traced, name: str) -> Expr:
    """The one scalar that the function returned; an array of one entry counts as one."""
    if len(traced.outputs) != 1:
        raise ShapeError(
            f"{name}: the function returned {len(traced.outputs)} results; one number is wanted (has_aux=True allows a second)"
        )
    (e,) = named_functions(traced.outputs)
    if e.shape == ():
        return e
    if all(d == 1 for d in e.shape):
        return reshape_node(e, ())
    raise ShapeError(f"{name}: the function returned an array of shape {show_shape(e.shape)}; one number is wanted (use jacobian)")


def _by_argument(found: Iterator[Any], structures: list[Structure], single: bool) -> Any:
    parts = [unflatten(s, found) for s in structures]
    return parts[0] if single else tuple(parts)


def grad_function(f: Callable[..., Any], argnums: int | Sequence[int], has_aux: bool, gradient: Gradient, lower: Lower) -> Transformed:
    """The function that gives the gradient of f's result, in the structure of the arguments named by argnums."""
    single = isinstance(argnums, (int, np.integer))

    def plan(traced: Traced) -> tuple[list[Expr], Assemble]:
        return gradient(_loss(traced, "grad"), traced.wrt), lambda found, structures: _by_argument(found, structures, single)

    return Transformed(f, argnums, has_aux, "grad", plan, lower)


def value_and_grad_function(
    f: Callable[..., Any], argnums: int | Sequence[int], has_aux: bool, gradient: Gradient, lower: Lower
) -> Transformed:
    """The function that gives the pair (result, gradient); with aux ((result, aux), gradient)."""
    single = isinstance(argnums, (int, np.integer))

    def plan(traced: Traced) -> tuple[list[Expr], Assemble]:
        loss = _loss(traced, "value_and_grad")
        return [loss, *gradient(loss, traced.wrt)], lambda found, structures: (next(found), _by_argument(found, structures, single))

    return Transformed(f, argnums, has_aux, "value_and_grad", plan, lower)


def jacobian_function(f: Callable[..., Any], argnums: int | Sequence[int], has_aux: bool, jacobian: Gradient, lower: Lower) -> Transformed:
    """The function that gives, for each result of f, its derivative in each argument: shape (result's..., argument's...)."""
    single = isinstance(argnums, (int, np.integer))

    def plan(traced: Traced) -> tuple[list[Expr], Assemble]:
        exprs = [j for output in traced.outputs for j in jacobian(output, traced.wrt)]
        count = len(traced.outputs)

        def assemble(found: Iterator[Any], structures: list[Structure]) -> Any:
            rows = [_by_argument(found, structures, single) for _ in range(count)]
            return rows[0] if traced.structure == LEAF else unflatten(traced.structure, iter(rows))

        return exprs, assemble

    return Transformed(f, argnums, has_aux, "jacobian", plan, lower)


def hessian_function(
    f: Callable[..., Any],
    argnums: int | Sequence[int],
    has_aux: bool,
    hessian: Callable[[Expr, Sequence[Expr]], list[list[Expr]]],
    lower: Lower,
) -> Transformed:
    """The function that gives the second derivatives of f's result: for several arguments a tree of trees, as JAX gives them."""
    single = isinstance(argnums, (int, np.integer))

    def plan(traced: Traced) -> tuple[list[Expr], Assemble]:
        blocks = hessian(_loss(traced, "hessian"), traced.wrt)
        count = len(traced.wrt)
        sizes = [dim_mul(*w.shape) for w in traced.wrt]
        if all(isinstance(n, int) for n in sizes):
            refuse_dense(sum(map(int, sizes)) ** 2, "hessian")

        def assemble(found: Iterator[Any], structures: list[Structure]) -> Any:
            rows = [_by_argument(found, structures, single) for _ in range(count)]
            return _by_argument(iter(rows), structures, single)

        return [b for row in blocks for b in row], assemble

    return Transformed(f, argnums, has_aux, "hessian", plan, lower)


def expression_of(f: Callable[..., Any], shapes: dict[str, Any]) -> Any:
    """The result of f, in its structure, as expressions in its arguments: variables, or expressions handed over by name.

    >>> import numpy as np
    >>> from symdiff.expr.leaves import var
    >>> expression_of(lambda x: np.sum(x ** 2) / x.shape[0], {'x': var('x', 'n')}).shape
    ()
    """
    traced = trace(f, list(shapes.values()), None, tuple(range(len(shapes))))
    arguments = [leaf for v in shapes.values() for leaf in flatten(v)[0]]
    return unflatten(traced.structure, iter(in_terms_of(traced.outputs, traced.inputs, arguments)))
