"""Passes: pure functions from program to program, applied in the order of one tuple, each checked after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from symdiff.expr.dims import whole_dims
from symdiff.lowering.numpy_source import run_source
from symdiff.lowering.operations import OPERATIONS, joined_kind
from symdiff.lowering.program import Instruction, Output, Program, check

SMALL = 64  # entries of an array that may be folded whatever it came from


# --- common subexpressions ----------------------------------------------------------------------------------------
def share(program: Program) -> Program:
    """Equal instructions once. Copies are apart: each output has memory of its own."""
    seen: dict[Any, int] = {}
    new: dict[int, int] = {}
    kept: list[Instruction] = []
    for i in program.instructions:
        args = tuple(new.get(a, a) for a in i.args)
        key = (i.op, args, tuple(map(_exact, i.params)))
        if key in seen:
            new[i.result] = seen[key]
            continue
        seen[key] = i.result
        kept.append(i if args == i.args else replace(i, args=args))
    if not new:
        return program
    return replace(
        program, instructions=tuple(kept), outputs=tuple(Output(o.name, new.get(o.register, o.register)) for o in program.outputs)
    )


def _exact(param: Any) -> Any:
    """A parameter as a key that tells 2 from 2.0 and 0.0 from -0.0."""
    return (type(param), repr(param)) if isinstance(param, (int, float)) else param


# --- dead code ----------------------------------------------------------------------------------------------------
def drop_dead(program: Program) -> Program:
    """Only what an output needs; constants that nobody reads go too."""
    alive = {o.register for o in program.outputs}
    kept: list[Instruction] = []
    for i in reversed(program.instructions):
        if i.result in alive:
            alive.update(i.args)
            kept.append(i)
    if len(kept) == len(program.instructions):
        return program
    kept.reverse()
    used = sorted({i.params[0] for i in kept if i.op == "constant"})
    place = {old: k for k, old in enumerate(used)}
    kept = [replace(i, params=(place[i.params[0]], *i.params[1:])) if i.op == "constant" else i for i in kept]
    return replace(program, instructions=tuple(kept), constants=tuple(program.constants[k] for k in used))


# --- constants ----------------------------------------------------------------------------------------------------
def fold_constants(program: Program) -> Program:
    """What depends on constants alone is computed now, in float64. Arrays are folded only where they do not grow."""
    foldable = _foldable(program)
    read_outside = {o.register for o in program.outputs}
    for i in reversed(program.instructions):
        if i.result in read_outside and OPERATIONS[i.op].view and not _is_at_most(i, SMALL):
            foldable.discard(i.result)  # a view is as cheap as a constant, and two of one array are kept as one
        if i.result not in foldable:
            read_outside.update(i.args)
    if not foldable:
        return program
    wanted = [i for i in program.instructions if i.result in foldable and i.result in read_outside]
    if not wanted:  # nothing reads them
        return drop_dead(program)
    leaves = [i for i in program.instructions if i.result in foldable or i.op in ("const", "constant")]
    part = replace(
        program,
        inputs=(),
        instructions=tuple(replace(i, hint="", comment="") for i in leaves),
        outputs=tuple(Output(f"out{i.result}", i.result) for i in wanted),
        requirements=(),
    )
    with np.errstate(all="ignore"):
        computed = run_source(drop_dead(part))()
    values = dict(zip((i.result for i in wanted), computed if len(wanted) != 1 else (computed,), strict=True))
    return drop_dead(_with_values(program, values))


def _foldable(program: Program) -> set[int]:
    """Registers that only constants reach, of arrays that do not grow."""
    weight: dict[int, int] = {}  # entries of the constants that a register comes from
    foldable: set[int] = set()
    for i in program.instructions:
        if i.op in ("const", "constant"):
            weight[i.result] = max(1, program.constants[i.params[0]].size) if i.op == "constant" else 1
        elif i.args and all(a in weight for a in i.args) and i.op not in ("copy", "full", "broadcast"):
            if i.kind == "tuple":
                continue
            total = sum(weight[a] for a in dict.fromkeys(i.args))
            if _is_at_most(i, max(SMALL, total)):
                weight[i.result] = total
                foldable.add(i.result)
    return foldable


def _is_at_most(i: Instruction, entries: int) -> bool:
    sizes = whole_dims(i.shape)
    return len(sizes) == len(i.shape) and prod(sizes) <= entries


def _with_values(program: Program, values: Mapping[int, Any]) -> Program:
    """The program with registers given their values: numbers where another operand sets the dtype, else NumPy's."""
    constants = list(program.constants)
    must_be_real = {o.register for o in program.outputs}
    kinds = program.kinds()
    for i in program.instructions:
        weak = i.op in ("add", "subtract", "multiply", "divide", "maximum", "minimum")
        others = [a for a in i.args if a not in values]
        if not (weak and others and joined_kind(tuple(kinds[a] for a in others)) == "real"):
            must_be_real.update(i.args)
    fresh = max(kinds, default=0) + 1
    kept: list[Instruction] = []
    for i in program.instructions:
        if i.result not in values:
            kept.append(i)
            continue
        value = np.asarray(values[i.result])
        if value.shape == () and i.kind == "real":
            number = float(value)
            if i.result in must_be_real:
                kept.append(Instruction("const", (), (number,), fresh, (), "number"))
                kept.append(replace(i, op="cast", args=(fresh,), params=("real",)))
                fresh += 1
            else:
                kept.append(replace(i, op="const", args=(), params=(number,), kind="number", hint="", comment=""))
        else:
            constants.append(value)
            kept.append(replace(i, op="constant", args=(), params=(len(constants) - 1, i.kind)))
    return replace(program, instructions=tuple(kept), constants=tuple(constants))


# --- sigmoids -----------------------------------------------------------------------------------------------------
def pair_sigmoids(program: Program) -> Program:
    """sigmoid(x) and sigmoid(-x) by one exponential: the activation, and what its derivative multiplies it with."""
    made = {i.result: i for i in program.instructions}
    by_argument = {i.args[0]: i for i in program.instructions if i.op == "sigmoid" and i.shape}
    pairs: dict[int, int] = {}  # x -> the register of sigmoid(-x)
    for x, i in by_argument.items():
        negated = made.get(x)
        if negated is not None and negated.op == "negative" and negated.args[0] in by_argument:
            pairs[negated.args[0]] = i.result
    if not pairs:
        return program
    fresh = max(made) + 1
    partner = {by_argument[x].result: x for x in pairs} | {r: x for x, r in pairs.items()}
    both: dict[int, int] = {}
    kept: list[Instruction] = []
    for i in program.instructions:
        if i.result not in partner:
            kept.append(i)
            continue
        x = partner[i.result]
        if x not in both:
            both[x] = fresh
            kept.append(Instruction("sigmoids", (x,), (), fresh, (), "tuple"))
            fresh += 1
        kept.append(replace(i, op="item", args=(both[x],), params=(int(i.args[0] != x), i.shape)))
    return drop_dead(program.with_instructions(kept))


# --- order of products --------------------------------------------------------------------------------------------
def associate_products(program: Program) -> Program:
    """a * (b * c) as (a * b) * c where the shapes are equal and nobody else reads b * c: how a person writes it."""
    uses = Counter(a for i in program.instructions for a in i.args)
    uses.update(o.register for o in program.outputs)
    made = {i.result: i for i in program.instructions}
    fresh = max((i.result for i in program.instructions), default=0) + 1
    kept: list[Instruction] = []
    for i in program.instructions:
        right = made.get(i.args[1]) if i.op == "multiply" else None
        left_shape = made[i.args[0]].shape if right is not None and i.args[0] in made else None
        if (
            right is None
            or right.op != "multiply"
            or uses[right.result] != 1
            or right.hint
            or not (right.shape == i.shape == left_shape)
            or {i.kind, right.kind} != {"real"}
            or made[i.args[0]].kind != "real"
        ):
            kept.append(i)
            continue
        b, c = right.args
        if made.get(b) is not None and made[b].kind != "real":
            kept.append(i)
            continue
        kept.append(Instruction("multiply", (i.args[0], b), (), fresh, i.shape, "real"))
        kept.append(replace(i, args=(fresh, c)))
        fresh += 1
    return drop_dead(program.with_instructions(kept)) if len(kept) > len(program.instructions) else program


Pass = Callable[[Program], Program]
PASSES: tuple[tuple[str, Pass], ...] = (
    ("fold constants", fold_constants),
    ("share common subexpressions", share),
    ("share exponentials of sigmoids", pair_sigmoids),
    ("write products from the left", associate_products),
    ("drop dead code", drop_dead),
)


def optimise(program: Program, passes: Sequence[tuple[str, Pass]] = PASSES) -> Iterator[tuple[str, Program]]:
    """Each pass by name, with the program after it. A pass that finds nothing to do returns the program it was given."""
    for name, run in passes:
        changed = run(program)
        if changed is not program:
            program = check(changed)
        yield name, program
