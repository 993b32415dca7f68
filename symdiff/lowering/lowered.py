"""`lower`: from expressions to a function of arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from symdiff.errors import BindingError, Unsupported, did_you_mean
from symdiff.expr.convert import as_expr
from symdiff.expr.dims import dim_names, dim_value, show_shape
from symdiff.expr.leaves import const
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import bind_sizes, size_names, substitute, variables
from symdiff.lowering.binding import Binder, compiled_call
from symdiff.lowering.linearize import linearize
from symdiff.lowering.numpy_source import Source, emit
from symdiff.lowering.passes import optimise
from symdiff.lowering.program import Program, cost

Structure = tuple[str, tuple[str, ...]]  # 'one', 'list', 'tuple' or 'dict', and the keys

BACKENDS = ("numpy",)


class Lowered:
    """A compiled function of arrays. Call it with the inputs, by position or by name; it returns fresh arrays.

    Attributes: `source`, the text it runs; `program`, the instructions behind it; `raw`, the function without any check of its
    arguments, which are arrays of one dtype and scalars of NumPy's.
    """

    def __init__(self, straight: Program, structure: Structure, sizes: Mapping[str, int]) -> None:
        self._straight = straight  # the program before any pass
        self._structure = structure
        self._sizes = dict(sizes)
        self.program = program = [straight, *(p for _, p in optimise(straight))][-1]
        self._emitted: Source = emit(program)
        self.source: str = self._emitted.text
        namespace: dict[str, Any] = {}
        exec(compile(self.source, f"<symdiff {self._emitted.function}>", "exec"), namespace)
        self.raw: Callable[..., Any] = namespace[self._emitted.function]
        self._binder = Binder(self._emitted.function, program.inputs, program.requirements)
        self._call = compiled_call(self._binder, self.raw, _wrap(structure, len(program.outputs)))
        self._count = len(program.inputs)

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        """The outputs, in the structure that `lower` was given: one array, a list, a tuple or a dict.

        Raises: BindingError for an input that is missing, unknown or of another shape than it was declared with; DtypeError for one
        that is not real.
        """
        if keywords or len(args) != self._count:
            args = tuple(self._binder.ordered(args, keywords))
        return self._call(*args)

    def __repr__(self) -> str:
        inputs = ", ".join(f"{i.name} {show_shape(i.shape)}" for i in self.program.inputs)
        return f"<lowered {self._emitted.function}({inputs})>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Lowered, (self._straight, self._structure, self._sizes)

    def explain(self) -> str:
        """What each pass did, with operation and byte counts before and after (float64, at the hinted sizes)."""
        rows = [("as written", self._straight), *optimise(self._straight)]
        costs = [(name, cost(program, self._sizes)) for name, program in rows]
        lines = [f"{'':<32}{'instructions':>20}{'operations':>26}{'bytes':>26}"]
        before = costs[0][1]
        for name, after in costs:
            pairs = zip(before, after, strict=True)
            cells = [f"{p} -> {q}" if p != q else str(q) for p, q in pairs]
            lines.append(f"{name:<32}{cells[0]:>20}{cells[1]:>26}{cells[2]:>26}")
            before = after
        return "\n".join(lines)

    def save(self, path: str | Path) -> None:
        """Write the source as a module that runs with NumPy alone."""
        Path(path).write_text(self.source, encoding="utf-8")


def _wrap(structure: Structure, count: int) -> tuple[str, str]:
    """What stands before and after the call that gives one value, or a tuple of them."""
    kind, keys = structure
    one = count == 1
    match kind:
        case "one":
            return "", ""
        case "dict":
            return f"dict(zip({keys!r}, {'(' if one else ''}", f"{',)' if one else ''}))"
        case "list":
            return ("[", "]") if one else ("[*", "]")
        case _:
            return ("(", ",)") if one else ("", "")


def lower(
    outputs: Any,
    inputs: Any = None,
    *,
    backend: str = "numpy",
    sizes: Mapping[str, int] | None = None,
    constants: Mapping[Any, Any] | None = None,
    names: Mapping[Expr, str] | None = None,
    comments: Mapping[Expr, str] | None = None,
    name: str = "f",
) -> Lowered:
    """A function of arrays that computes the outputs, and whose `source` is readable NumPy.

    outputs: an expression, or a list, tuple or dict of them; calls return the same structure.
    inputs: the variables that are arguments, in order (by default those of the outputs, as they appear), or a dict of argument names.
    sizes: the sizes of named dims that no input carries; for the others a hint of what is cheap, never a promise.
    constants: arrays for variables that are no arguments then; what depends on them alone is computed now.
    names: what to call an expression in the source; comments: what to write beside it.

    At run time arithmetic is float64, or float32 throughout if every floating input is float32.

    Raises: BindingError for a variable that is no input, a size that is neither carried nor given, or a constant of another shape.

    >>> from symdiff.expr.leaves import var
    >>> X, w, y = var('X', ('n', 'd')), var('w', 'd'), var('y', 'n')
    >>> f = lower([((X @ w - y) ** 2).sum()], [X, w, y])
    >>> f([[1, 2], [3, 4]], [1, 1], [3, 5])
    [np.float64(4.0)]
    """
    if backend not in BACKENDS:
        raise Unsupported(f"lower: there is no backend {backend!r}{did_you_mean(backend, BACKENDS)}. Backends: {', '.join(BACKENDS)}")
    structure, expressions = _structured(outputs)
    found = variables(*expressions)
    arguments = _arguments(inputs, found, constants or {})
    given = {str(k): _whole(k, v) for k, v in (sizes or {}).items()}
    labels = dict.fromkeys([*(names or {}), *(comments or {})])
    bound, label_of, arguments, hints = _bound(expressions, found, list(labels), arguments, given, constants or {})
    program = linearize(
        bound,
        [v for _, v in arguments],
        name=name,
        output_names=_output_names(structure, expressions, names or {}),
        sizes=hints,
        names={label_of[e]: text for e, text in (names or {}).items()},
        comments={label_of[e]: text for e, text in (comments or {}).items()},
        input_names=[n for n, _ in arguments],
    )
    return Lowered(program, structure, hints)


def _structured(outputs: Any) -> tuple[Structure, list[Expr]]:
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


def _output_names(structure: Structure, expressions: Sequence[Expr], names: Mapping[Expr, str]) -> list[str]:
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
) -> tuple[list[Expr], dict[Expr, Expr], list[tuple[str, Var]], dict[str, int]]:
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
        return list(expressions), {e: e for e in labels}, arguments, hints
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
    return new_expressions, dict(zip(labels, new_labels, strict=True)), listed, hints


def _constant_array(v: Var, value: Any, fixed: dict[str, int]) -> np.ndarray:
    array = np.asarray(value)
    if array.ndim != len(v.shape):
        raise BindingError(f"lower: the constant {v.name!r} has shape {array.shape}; {show_shape(v.shape)} is expected")
    for dim, size in zip(v.shape, array.shape, strict=True):
        if isinstance(dim, str) and dim.isidentifier():
            fixed.setdefault(dim, size)
    for dim, size in zip(v.shape, array.shape, strict=True):
        if dim_names([dim]) <= fixed.keys() and dim_value(dim, fixed) != size:
            raise BindingError(f"lower: the constant {v.name!r} has shape {array.shape}; {show_shape(v.shape)} is expected, {fixed}")
    return array
