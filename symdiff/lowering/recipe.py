"""What `lower` was asked for, brought into order: outputs, arguments, sizes, constants, names.

A recipe makes the program for unknown sizes, and again for the sizes of a call when a function specialises on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from symdiff.errors import BindingError, DtypeError, UnknownName, did_you_mean
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import dim_names, dim_value, show_shape
from symdiff.expr.leaves import const
from symdiff.expr.names import is_name
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import bind_sizes, size_names, substitute, variables
from symdiff.lowering.definitions import by_shared_parts
from symdiff.lowering.linearize import linearize
from symdiff.lowering.program import Program

Structure = tuple[str, tuple[Any, ...]]  # 'one', 'list', 'tuple' or 'dict', and the keys


class Recipe(NamedTuple):
    """Expressions and how to write them; every size that no argument carries is a number in them already."""

    name: str
    outputs: tuple[Expr, ...]
    output_names: tuple[str, ...]
    arguments: tuple[tuple[str, Var], ...]
    labels: tuple[tuple[Expr, str, str], ...]  # expression, name, comment
    hints: tuple[tuple[str, int], ...]

    def program(self, sizes: Mapping[str, int] | None = None) -> Program:
        """The program; for these sizes alone, if they are given."""
        outputs: Sequence[Expr] = self.outputs
        arguments: Sequence[Expr] = [v for _, v in self.arguments]
        labelled: Sequence[Expr] = [e for e, _, _ in self.labels]
        if sizes:
            bound = bind_sizes([*outputs, *arguments, *labelled], sizes)
            outputs, rest = bound[: len(outputs)], bound[len(outputs) :]
            arguments, labelled = rest[: len(arguments)], rest[len(arguments) :]
        shared = by_shared_parts([*outputs, *labelled])
        outputs, labelled = shared[: len(outputs)], shared[len(outputs) :]
        return linearize(
            outputs,
            [v for v in arguments if isinstance(v, Var)],
            name=self.name,
            output_names=self.output_names,
            input_names=[n for n, _ in self.arguments],
            sizes=dict(self.hints) | dict(sizes or {}),
            names={e: name for e, (_, name, _) in zip(labelled, self.labels, strict=True) if name},
            comments={e: comment for e, (_, _, comment) in zip(labelled, self.labels, strict=True) if comment},
        )


def make_recipe(
    expressions: Sequence[Expr],
    output_names: Sequence[str],
    inputs: Any,
    *,
    name: str,
    sizes: Mapping[str, int],
    constants: Mapping[Any, Any],
    names: Mapping[Expr, str],
    comments: Mapping[Expr, str],
) -> Recipe:
    """The recipe, with constants put in. Raises: BindingError as `lower` says."""
    found = variables(*expressions)
    arguments = _arguments(inputs, found, constants)
    given = {str(k): _whole(k, v) for k, v in sizes.items()}
    labels = list(dict.fromkeys([*names, *comments]))
    outputs, labelled, arguments, hints = _bound(expressions, found, labels, arguments, given, constants)
    texts = [(new, names.get(e, ""), _one_line(comments.get(e, ""))) for e, new in zip(labels, labelled, strict=True)]
    return Recipe(name, tuple(outputs), tuple(output_names), tuple(arguments), tuple(texts), tuple(hints.items()))


def prepared(
    outputs: Any,
    inputs: Any,
    *,
    name: str,
    sizes: Mapping[str, int] | None,
    constants: Mapping[Any, Any] | None,
    names: Mapping[Expr, str] | None,
    comments: Mapping[Expr, str] | None,
) -> tuple[Structure, Recipe]:
    """What every backend begins with: the structure of the outputs and the recipe of their program, of the arguments of `lower`."""
    structure, expressions = structured(outputs)
    recipe = make_recipe(
        expressions,
        output_names(structure, expressions, names or {}),
        inputs,
        name=name,
        sizes=sizes or {},
        constants=constants or {},
        names=names or {},
        comments=comments or {},
    )
    return structure, recipe


def _one_line(comment: str) -> str:
    """A comment as it may stand behind code: one line of printable characters."""
    return "".join(c for c in " ".join(comment.split()) if c.isprintable())


def structured(outputs: Any) -> tuple[Structure, list[Expr]]:
    if isinstance(outputs, dict):
        structure: Structure = ("dict", tuple(outputs))
        values = list(outputs.values())
    elif isinstance(outputs, (list, tuple)):
        structure = ("list" if isinstance(outputs, list) else "tuple", ())
        values = list(outputs)
    else:
        structure, values = ("one", ()), [outputs]
    if not values:
        raise BindingError("lower: there is no output to compute")
    return structure, [as_expr(v) for v in values]


def output_names(structure: Structure, expressions: Sequence[Expr], names: Mapping[Expr, str]) -> list[str]:
    if structure[0] == "dict":
        return [str(k) for k in structure[1]]
    single = len(expressions) == 1
    return [names.get(e) or ("out" if single else f"out{k}") for k, e in enumerate(expressions, 1)]


def _arguments(inputs: Any, found: Sequence[Var], constants: Mapping[Any, Any]) -> list[tuple[str, Var]]:
    """Argument names and their variables."""
    if inputs is None:
        listed = [(v.name, v) for v in found if v not in constants and v.name not in constants]
    elif isinstance(inputs, dict):
        listed = list(inputs.items())
    else:
        listed = [(getattr(v, "name", "?"), v) for v in (inputs if isinstance(inputs, (list, tuple)) else [inputs])]
    seen: set[Var] = set()
    for argument, v in listed:
        if not isinstance(v, Var):
            raise BindingError(f"lower: the input {argument} is {type(v).__name__}; inputs are variables, made by sd.var")
        if not is_name(argument):
            raise UnknownName(f"lower: an argument cannot be called {argument!r}: a name is letters, digits and _")
        if v in seen:
            raise BindingError(f"lower: the variable {v.name!r} is an input twice")
        seen.add(v)
    known = [v.name for _, v in listed]
    for v in found:
        if v not in seen and v not in constants and v.name not in constants:
            raise BindingError(
                f"lower: the outputs use the variable {v.name!r} {show_shape(v.shape)}, which is not among the inputs "
                f"({', '.join(known) or 'there are none'}){did_you_mean(v.name, known)}"
            )
    return listed


def _whole(name: Any, value: Any) -> int:
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= 0:
        return int(value)
    raise BindingError(f"lower: size {name!r} is {value!r}; a size is a whole number from 0 on")


def _bound(
    expressions: Sequence[Expr],
    found: Sequence[Var],
    labels: Sequence[Expr],
    arguments: Sequence[tuple[str, Var]],
    sizes: Mapping[str, int],
    constants: Mapping[Any, Any],
) -> tuple[list[Expr], list[Expr], list[tuple[str, Var]], dict[str, int]]:
    """Everything with constants put in and with the sizes that no input carries as numbers; the other sizes are hints."""
    by_name = {v.name: v for v in found}
    values: dict[Var, np.ndarray] = {}
    fixed: dict[str, int] = {}
    for key, value in constants.items():
        v = key if isinstance(key, Var) else by_name.get(str(key))
        if v is None:
            raise BindingError(f"lower: constants has {key!r}, which the outputs do not use{did_you_mean(str(key), by_name)}")
        if any(v is a for _, a in arguments):
            raise BindingError(f"lower: {v.name!r} is an input and a constant: leave it out of one")
        values[v] = _constant_array(v, value, fixed)
    for v, array in values.items():
        _compare(v, array, fixed, sizes)
    arguments = list(arguments)
    carried = {d for _, v in arguments for d in v.shape if isinstance(d, str) and d.isidentifier()} - set(fixed)
    occurring = size_names(*expressions, *(v for _, v in arguments))
    for n in sizes:
        if n not in occurring and n not in fixed:
            raise BindingError(
                f"lower: sizes has {n!r}, which is no dim here{did_you_mean(n, occurring)}. Dims: {', '.join(sorted(occurring))}"
            )
        if fixed.get(n, sizes[n]) != sizes[n]:
            raise BindingError(f"lower: sizes says {n} = {sizes[n]}, but a constant has {n} = {fixed[n]}")
    for n in sorted(occurring - carried - set(fixed)):
        if n not in sizes:
            raise BindingError(f"lower: no input carries the dim {n!r}: give its size, sizes={{{n!r}: ...}}")
        fixed[n] = sizes[n]
    hints = {n: s for n, s in sizes.items() if n not in fixed}
    if not fixed and not values:
        return list(expressions), list(labels), arguments, hints
    together = bind_sizes([*expressions, *labels, *(v for _, v in arguments), *values], fixed)
    at = [len(expressions), len(labels), len(arguments)]
    new_expressions, rest = together[: at[0]], together[at[0] :]
    new_labels, rest = rest[: at[1]], rest[at[1] :]
    new_arguments, new_constants = rest[: at[2]], rest[at[2] :]
    put_in = {v: const(array) for v, array in zip(new_constants, values.values(), strict=True)}
    if put_in:
        new_expressions = [substitute(e, put_in) for e in new_expressions]
        new_labels = [substitute(e, put_in) for e in new_labels]
    listed = [(n, v) for (n, _), v in zip(arguments, new_arguments, strict=True) if isinstance(v, Var)]
    return new_expressions, new_labels, listed, hints


def _constant_array(v: Var, value: Any, fixed: dict[str, int]) -> np.ndarray:
    """The array of a constant, as it is now; `fixed` is told the sizes that it gives."""
    try:
        array = np.array(value)
    except (TypeError, ValueError) as error:
        raise DtypeError(f"lower: the constant {v.name!r} is no array of numbers: {error}") from None
    if array.dtype.kind not in "fiub" or np.ma.is_masked(value):
        what = "has masked entries" if array.dtype.kind in "fiub" else f"has dtype {array.dtype}"
        raise DtypeError(f"lower: the constant {v.name!r} {what}; real numbers are wanted")
    if array.ndim != len(v.shape):
        raise BindingError(f"lower: the constant {v.name!r} has shape {array.shape}; {show_shape(v.shape)} is expected")
    for dim, size in zip(v.shape, array.shape, strict=True):
        if isinstance(dim, str) and dim.isidentifier():
            fixed.setdefault(dim, size)
    return array


def _compare(v: Var, array: np.ndarray, fixed: dict[str, int], sizes: Mapping[str, int]) -> None:
    """Raises: BindingError for a constant whose shape is not what the sizes say, or is said by none; `fixed` is told those that it needs."""
    for dim, size in zip(v.shape, array.shape, strict=True):
        for n in sorted(dim_names([dim]) - fixed.keys()):
            if n not in sizes:
                raise BindingError(f"lower: the constant {v.name!r} has a dim {dim}: give the size of {n} as well, sizes={{{n!r}: ...}}")
            fixed[n] = sizes[n]
        if dim_value(dim, fixed) != size:
            known = ", ".join(f"{n} = {fixed[n]}" for n in sorted(dim_names([dim])))
            raise BindingError(
                f"lower: the constant {v.name!r} has shape {array.shape}; {show_shape(v.shape)} is expected{f', {known}' * bool(known)}"
            )
