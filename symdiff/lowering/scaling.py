"""Scalar factors moved to where they cost least: rate * (X.T @ d) and rate * sum(d) become one scaling of the small d.

A register whose every use is in the end multiplied by the same scalar may be scaled itself, because all between is linear. From the
results inwards each scaling moves to an operand that wants the same one, as long as everybody who reads it does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from typing import NamedTuple

from symdiff.expr.dims import Shape
from symdiff.lowering.operations import OPERATIONS
from symdiff.lowering.passes import drop_dead, share
from symdiff.lowering.program import Instruction, Program, cost, nominal_size

LEAST = 1e-30  # numbers below it and above its reciprocal stay where they are, and so does 0, which would divide
LINEAR = frozenset(("sum", "trace", "negative"))  # in their only operand; views are as well
BILINEAR = frozenset(("multiply", "matmul", "dot", "vdot", "outer", "tensordot"))


class Scale(NamedTuple):
    """number * the product of scalar registers to whole powers."""

    number: float = 1.0
    powers: tuple[tuple[int, int], ...] = ()

    def times(self, other: Scale, sign: int = 1) -> Scale:
        powers: defaultdict[int, int] = defaultdict(int, self.powers)
        for register, power in other.powers:
            powers[register] += sign * power
        return Scale(self.number * other.number**sign, tuple(sorted((r, p) for r, p in powers.items() if p)))


ONE = Scale()


def scale_early(program: Program) -> Program:
    """The program with the scalings moved, if it takes fewer operations then."""
    late = _scalars_first(scale_late(program))
    moved = _Scaling(late).result()
    return moved if cost(moved, {}).operations < cost(program, {}).operations else program


def scale_late(program: Program) -> Program:
    """Every scaling moved towards the results as far as all is linear: what is equal but for a scale is then seen to be equal."""
    work = _Late(program)
    return drop_dead(work.result())


def _scalars_first(program: Program) -> Program:
    """Scalars that depend on scalar inputs alone are computed first."""
    early = {i.register for i in program.inputs if not i.shape and i.kind == "real"}
    first, rest = [], []
    for i in program.instructions:
        if not i.shape and i.kind in ("number", "real") and i.op != "constant" and all(a in early for a in i.args):
            early.add(i.result)
            first.append(i)
        else:
            rest.append(i)
    return program.with_instructions([*first, *rest])


def scalar_scales(program: Program) -> dict[int, Scale]:
    """Every scalar register as a number times powers of others."""
    found = {i.register: Scale(1.0, ((i.register, 1),)) for i in program.inputs if not i.shape and i.kind == "real"}
    for i in program.instructions:
        if i.shape or i.kind not in ("number", "real"):
            continue
        known = [found.get(a) for a in i.args]
        if i.op == "const":
            if LEAST <= abs(i.params[0]) <= 1 / LEAST:
                found[i.result] = Scale(float(i.params[0]))
        elif i.op in ("multiply", "divide") and known[0] is not None and known[1] is not None:
            found[i.result] = known[0].times(known[1], 1 if i.op == "multiply" else -1)
        elif i.op == "negative" and known[0] is not None:
            found[i.result] = known[0].times(Scale(-1.0))
        else:
            found[i.result] = Scale(1.0, ((i.result, 1),))
    return found


def own_scale(i: Instruction, scales: Mapping[int, Scale], shape: Mapping[int, Shape]) -> tuple[Scale, int] | None:
    """The scale and the array of an instruction that multiplies or divides an array by a scalar."""
    if not i.shape or i.kind != "real":
        return None
    if i.op == "negative":
        return Scale(-1.0), i.args[0]
    if i.op in ("multiply", "divide"):
        left, right = i.args
        if right in scales and shape[left] == i.shape:
            return ONE.times(scales[right], 1 if i.op == "multiply" else -1), left
        if i.op == "multiply" and left in scales and shape[right] == i.shape:
            return scales[left], right
    return None


class _Late:
    """Registers as a scale, not yet applied, times a register of the new program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.shape = program.shapes()
        self.scales = scalar_scales(program)
        self.scale: dict[int, Scale] = {}
        self.base: dict[int, int] = {}
        self.kept: list[Instruction] = []
        self.applied: dict[tuple[int, Scale], int] = {}
        self.fresh = count(max(self.shape, default=0) + 1)

    def result(self) -> Program:
        for i in self.program.instructions:
            self._instruction(i)
        outputs = tuple(o._replace(register=self._value(o.register)) for o in self.program.outputs)
        return replace(self.program, instructions=tuple(self.kept), outputs=outputs)

    def _instruction(self, i: Instruction) -> None:
        own = own_scale(i, self.scales, self.shape)
        if own is not None and not i.hint:
            scale, x = own
            self.scale[i.result] = scale.times(self.scale.get(x, ONE))
            self.base[i.result] = self.base.get(x, x)
            return
        scales = [self.scale.get(a, ONE) for a in i.args]
        through = i.shape and i.kind == "real" and any(s != ONE for s in scales)
        if through and (i.op in BILINEAR or i.op == "divide"):
            self.scale[i.result] = scales[0].times(scales[1], -1 if i.op == "divide" else 1)
        elif through and (i.op in LINEAR or (OPERATIONS[i.op].view and i.op != "item")):
            self.scale[i.result] = scales[0]
        else:
            self.kept.append(replace(i, args=tuple(map(self._value, i.args))))
            return
        self.kept.append(replace(i, args=tuple(self.base.get(a, a) for a in i.args)))

    def _value(self, register: int) -> int:
        """The register of the new program with its scale applied."""
        scale = self.scale.get(register, ONE)
        base = self.base.get(register, register)
        if scale == ONE:
            return base
        key = base, scale
        if key not in self.applied:
            factor = _written(scale, self.kept, self.fresh)
            self.applied[key] = made = next(self.fresh)
            self.kept.append(Instruction("multiply", (factor, base), (), made, self.shape[register], "real"))
        return self.applied[key]


class _Scaling:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.made = {i.result: i for i in program.instructions}
        self.shape = program.shapes()
        self.place = {i.result: k for k, i in enumerate(program.instructions)} | {i.register: -1 for i in program.inputs}
        self.readers: defaultdict[int, list[Instruction]] = defaultdict(list)
        for i in program.instructions:
            for a in i.args:
                self.readers[a].append(i)
        self.returned = {o.register for o in program.outputs}
        self.scales = scalar_scales(program)
        self.wanted = self._wanted()
        self.via: dict[int, int] = {}  # a register that is scaled -> the operand that brings the scale, itself if it is done there
        self._choose()

    def _own(self, i: Instruction) -> tuple[Scale, int] | None:
        return own_scale(i, self.scales, self.shape)

    # --- which scale each array is multiplied by in all its uses -----------------------------------------------------
    def _wanted(self) -> dict[int, Scale]:
        wanted: dict[int, Scale] = {}
        for i in reversed(self.program.instructions):
            if not i.shape or i.kind != "real" or i.result in self.returned:
                continue
            found = {self._use(i.result, reader, wanted) for reader in self.readers[i.result]}
            if len(found) == 1:
                (scale,) = found
                if scale != ONE and all(self.place[r] < self.place[i.result] for r, _ in scale.powers):
                    wanted[i.result] = scale
        return wanted

    def _use(self, register: int, reader: Instruction, wanted: Mapping[int, Scale]) -> Scale:
        own = self._own(reader)
        beyond = wanted.get(reader.result, ONE)
        if own is not None and own[1] == register:
            return own[0].times(beyond)
        if not self._linear(register, reader):
            return ONE
        return beyond

    def _linear(self, register: int, reader: Instruction) -> bool:
        if OPERATIONS[reader.op].view and reader.op != "item":
            return True
        if reader.op in LINEAR:
            return True
        if reader.op == "divide":
            return reader.args[0] == register != reader.args[1]
        return reader.op in BILINEAR and reader.args.count(register) == 1

    # --- where each scale is applied --------------------------------------------------------------------------------
    def _choose(self) -> None:
        required: set[int] = set()
        for i in reversed(self.program.instructions):
            own = self._own(i)
            starts = own is not None and i.result not in self.wanted and own[1] in self.wanted
            if own is not None and starts and own[1] not in required and self._take(own[1]):
                required.add(own[1])
            if i.result in required:
                if i.result not in self.via:
                    self.via[i.result] = self._source(i)
                if self.via[i.result] != i.result:
                    required.add(self.via[i.result])

    def _source(self, i: Instruction) -> int:
        """The operand that takes the scale over, or the register itself."""
        own = self._own(i)
        if own is not None:
            return own[1] if own[1] in self.wanted and self._take(own[1]) else i.result
        fitting = [a for a in i.args if self.wanted.get(a) == self.wanted[i.result] and self._linear(a, i)]
        fitting.sort(key=lambda a: nominal_size(self.shape[a], {}))
        return next((a for a in fitting if self._take(a)), i.result)

    def _take(self, register: int) -> bool:
        """Settle that this register is scaled, if everything that reads it can take its scale from there, and nowhere else."""
        settled: dict[int, int] = {}
        todo = [register]
        while todo:
            x = todo.pop()
            for reader in self.readers[x]:
                if reader.result not in self.wanted:
                    continue
                known = settled.get(reader.result, self.via.get(reader.result))
                if known is None:
                    settled[reader.result] = x
                    todo.append(reader.result)
                elif known != x:
                    return False
        self.via.update(settled)
        return True

    # --- the new program --------------------------------------------------------------------------------------------
    def _removed(self, i: Instruction) -> int | None:
        """The operand that takes the place of a scaling that has moved inwards."""
        own = self._own(i)
        return own[1] if own is not None and own[1] in self.via else None

    def _applied(self, i: Instruction) -> bool:
        return self.via.get(i.result) == i.result

    def result(self) -> Program:
        fresh = count(max(self.place, default=0) + 1)
        by_scale = {scale: r for r, scale in reversed(self.scales.items()) if r in self.made and self.place[r] >= 0}
        kept: list[Instruction] = []
        new: dict[int, int] = {}
        for i in self.program.instructions:
            removed = self._removed(i)
            if removed is not None:
                new[i.result] = new.get(removed, removed)
                continue
            i = replace(i, args=tuple(new.get(a, a) for a in i.args), hint=self._hint(i))
            if not self._applied(i):
                kept.append(i)
                continue
            own, scale = self._own(self.made[i.result]), self.wanted[i.result]
            source = i.result
            if own is None:
                source = next(fresh)
                kept.append(replace(i, result=source, hint="", comment=""))
            else:
                scale, source = scale.times(own[0]), new.get(own[1], own[1])
            factor = by_scale.get(scale)
            if factor is None or self.place.get(factor, -1) > self.place[i.result]:
                factor = _written(scale, kept, fresh)
            kept.append(replace(i, op="multiply", args=(factor, source), params=()))
        outputs = tuple(o._replace(register=new.get(o.register, o.register)) for o in self.program.outputs)
        return share(drop_dead(replace(self.program, instructions=tuple(kept), outputs=outputs)))

    def _hint(self, i: Instruction) -> str:
        return f"scaled_{i.hint}" if i.hint and i.result in self.via else i.hint


def _written(scale: Scale, into: list[Instruction], fresh: count[int]) -> int:
    """The register of a scale; rate / 128 rather than 0.0078125 * rate."""
    up = [r for r, power in scale.powers for _ in range(power)]
    down = [r for r, power in scale.powers for _ in range(-power)]
    real = bool(up or down)
    result = None

    def number(value: float) -> int:
        register = next(fresh)
        into.append(Instruction("const", (), (value,), register, (), "number"))
        return register

    share = round(1 / scale.number)
    if up and abs(share) > 1 and 1 / share == scale.number:
        down.append(number(float(share)))
    elif scale.number != 1.0 or not up:
        result = number(scale.number)
    for op, registers in (("multiply", up), ("divide", down)):
        for r in registers:
            if result is None:
                result = r
                continue
            register = next(fresh)
            into.append(Instruction(op, (result, r), (), register, (), "real" if real else "number"))
            result = register
    assert result is not None
    return result
