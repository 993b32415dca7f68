"""The making of a derivation's record.

The loss is cut into stages (stages.py). Forward, each stage's differential is taken by the calculus, in symbols for the stages below;
then the differentials are moved to the right, stage by stage, by the calculus's transposition, until the loss's differential is an
inner product with the variable's, from which the gradient is read off; at last the simplifier's identities are applied.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count

from symdiff.api.linear_forms import LARGE, tidy
from symdiff.api.loss_forms import read_alike, rewritten
from symdiff.api.rulebook import LINEAR_RULE, identity_of, rule_of
from symdiff.api.stages import Stage, Walk
from symdiff.calculus import gradient, jvp, pullback, pushforward, vjp
from symdiff.errors import Unsupported
from symdiff.expr.algebra import add, contract
from symdiff.expr.dims import Shape
from symdiff.expr.leaves import constant_value
from symdiff.expr.names import SUBSCRIPTS
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Const, Contract, Var
from symdiff.expr.rebuild import with_operands
from symdiff.expr.traverse import node_count, substitute, use_counts, variables
from symdiff.printing.formula import op_count
from symdiff.printing.naming import choose_names
from symdiff.printing.notation import notation
from symdiff.rewrite import Step, simplify_all
from symdiff.rules.record import Line, Record, Rule

TOKEN = -2  # of the symbols of a derivation, so that no variable of the user is one of them
MOST_TOGETHER = 30  # operations of the line that puts the forward pass together
MOST_STAGES = 300
MOST_PAIRS = 3  # inner products in one line
WORTH_A_NAME = 4  # operations of a cotangent
MOST_IDENTITIES = 4
LOSS_NAMES = ("E", "L", "J", "loss", "loss_")


def record_of(loss: Expr, wrt: Expr, names: Mapping[Expr, str]) -> Record:
    """The lines of the derivation of d(loss)/d(wrt), with the caller's names for inner expressions."""
    return Deriving(*rewritten(loss, wrt, names)).record()


class Deriving:
    """The making of one record: of a loss as it was given, rewritten by `identities` to the one that is differentiated."""

    noun = "loss"

    def __init__(
        self,
        given: Expr,
        loss: Expr,
        identities: Sequence[str],
        wrt: Expr,
        own: Mapping[Expr, str],
        earlier: Deriving | None = None,
    ) -> None:
        """`earlier` is the making of the lines before these: what has a symbol there keeps it."""
        self.given, self.identities, self.earlier = given, identities, earlier
        self.loss, self.wrt, self.own = loss, wrt, own
        walk = Walk(loss, wrt, own)
        self.stages = walk.stages()
        if len(self.stages) > MOST_STAGES:
            raise Unsupported(
                f"derivation: this loss needs {len(self.stages):,} lines, more than the {MOST_STAGES} that can be read: "
                "derive a part of it, or take grad alone"
            )
        self.positions = walk.positions
        self.mark = "d"  # of a differential
        self.numbers: Iterator[int] = earlier.numbers if earlier else count(1)
        self.symbols: dict[Expr, Expr] = {}
        self.tangents: dict[Expr, Var] = {}
        self.cotangents: dict[Expr, Var] = {}  # by stage
        for e in dict.fromkeys([*own, *(s.node for s in self.stages)]):
            if e not in (loss, wrt):
                self.symbols[e] = self._symbol(e.shape)
        self.result = self._symbol(loss.shape)
        self.symbols[wrt] = wrt if isinstance(wrt, Var) else self._symbol(wrt.shape)
        self.slope = self._symbol(loss.shape + wrt.shape)
        for e in dict.fromkeys([loss, *(s.node for s in self.stages), wrt]):
            self.tangents[e] = self._symbol(e.shape)
        if earlier is not None:
            self.symbols |= {e: s for e, s in earlier.symbols.items() if e in self.symbols}
            if earlier.wrt is wrt:
                self.tangents |= {e: s for e, s in earlier.tangents.items() if e in self.tangents}
        self.local = {s.node: self._local(s.node) for s in self.stages}
        self.names = self._names()
        self.lines: list[Line] = []

    def _symbol(self, shape: Shape) -> Var:
        return Var(f"s{next(self.numbers)}", shape, (), TOKEN)

    def _local(self, node: Expr) -> Expr:
        """A stage in terms of the symbols of those below it."""
        return with_operands(node, tuple(substitute(o, self.symbols) for o in node.operands))

    # --- the lines --------------------------------------------------------------------------------------------------
    def record(self) -> Record:
        shown = {e: s for e, s in self.symbols.items() if e in self.own}
        self.lines.append(Line("loss", self.result, substitute(self.given, shown)))
        if self.loss is not self.given:
            self.lines.append(Line("rewritten", self.result, substitute(self.loss, shown), tuple(map(identity_of, self.identities))))
        if not self.stages:
            why = f"it is the {self.noun}" if self.loss is self.wrt else f"the {self.noun} does not contain it"
            self.lines.append(Line("result", self.slope, self.derivative(), (Rule(why),)))
        else:
            self._forward()
            self._backward()
            self._simplified()
        return Record(self.given, self.wrt, tuple(self.lines), self.names, self._meanings(), {v: e for e, v in self.tangents.items()})

    def _with_result(self, stage: Stage, e: Expr) -> Expr:
        """A rule that uses its result (σ′ = σ (1 − σ)), or that of a stage below, shows it by its name."""
        results = {self.local[e]: self.symbols[e] for e in stage.below if e in self.local}
        return substitute(e, results | {self.local[stage.node]: self.result if stage.node is self.loss else self.symbols[stage.node]})

    def _forward(self) -> None:
        known: set[Expr] = set()
        rows: list[Line] = []
        for stage in self.stages:
            below = [self.symbols[b] for b in stage.below]
            tangents = [self.tangents[b] for b in stage.below]
            (right,) = tidy([self._with_result(stage, jvp(self.local[stage.node], below, tangents))], tangents)
            defines = tuple((self.symbols[b], self.local[b]) for b in stage.below if b not in known and b in self.local)
            known.update(stage.below)
            rules = tuple(dict.fromkeys(r for e in stage.region if (r := rule_of(e, self.positions[e])) is not None))
            if len(rules) > 1:
                rules = tuple(r for r in rules if r is not LINEAR_RULE)
            fixed = tuple(v for v in variables(self.local[stage.node]) if v not in below) if rules else ()
            rows.append(Line("differential", self.tangents[stage.node], right, rules or (LINEAR_RULE,), fixed, defines))
        self.lines += rows
        uses = Counter(t for row in rows for t, n in use_counts(row.right).items() if t in self.tangents.values() for _ in range(n))
        if len(rows) > 1 and max(uses.values()) == 1 and sum(op_count(row.right) for row in rows) <= MOST_TOGETHER:
            whole: Expr = self.tangents[self.loss]
            for row in rows:
                whole = substitute(whole, {row.left: row.right})
            self.lines.append(Line("together", self.tangents[self.loss], whole))

    def _backward(self) -> None:
        arrived: dict[Expr, list[Expr]] = {self.loss: [Const(1)]}
        transposed: dict[Expr, None] = {}
        place = {s.node: k for k, s in enumerate(self.stages)}
        for stage in self.stages:
            node = stage.node
            cotangent = self._gathered(arrived.pop(node))
            if node is not self.loss and self._worth_a_name(cotangent, stage):
                self.cotangents[node] = symbol = self._symbol(node.shape)
                self._moved(node, symbol, cotangent, arrived, transposed, place)
                transposed.clear()
                cotangent = symbol
            below = [self.symbols[b] for b in stage.below]
            for b, part in zip(stage.below, vjp(self.local[node], below, cotangent), strict=True):
                arrived.setdefault(b, []).append(self._with_result(stage, part))
            transposed |= dict.fromkeys(self._transposed(stage))
        slope = self._gathered(arrived.pop(self.wrt))
        pair = (slope, self.tangents[self.wrt])
        self.lines.append(Line("moved", self.tangents[self.loss], inner(*pair), pairs=(pair,), transposed=tuple(transposed)))
        self.lines.append(Line("gradient", self.slope, slope))
        self._name_cotangents()

    def derivative(self) -> Expr:
        """What the lines arrive at, by the calculus on the whole loss."""
        return gradient(self.loss, [self.wrt])[0]

    def _gathered(self, contributions: Sequence[Expr]) -> Expr:
        return tidy([add(*contributions)])[0]

    def _worth_a_name(self, cotangent: Expr, stage: Stage) -> bool:
        if cotangent in self.cotangents.values() or isinstance(cotangent, Var):
            return False
        return op_count(cotangent) >= (WORTH_A_NAME if len(stage.below) == 1 else 2)

    def _moved(
        self,
        node: Expr,
        symbol: Var,
        cotangent: Expr,
        arrived: Mapping[Expr, list[Expr]],
        transposed: Mapping[Expr, None],
        place: Mapping[Expr, int],
    ) -> None:
        """dE as inner products with the differentials that wait, or, if they are many, the one cotangent that is new."""
        waiting = sorted(arrived, key=lambda e: place.get(e, len(place)))
        defines = ((symbol, cotangent),)
        if len(waiting) < MOST_PAIRS:
            pairs = ((symbol, self.tangents[node]), *((self._gathered(arrived[e]), self.tangents[e]) for e in waiting))
            right = add(*(inner(*pair) for pair in pairs))
            self.lines.append(Line("moved", self.tangents[self.loss], right, (), (), defines, pairs, tuple(transposed)))
        else:
            self.lines.append(Line("cotangent", symbol, cotangent, (), (self.symbols[node],), (), (), tuple(transposed)))

    def _transposed(self, stage: Stage) -> list[Expr]:
        """The matrices that stand in a product with what is differentiated, which its transposition turns round."""
        found: list[Expr] = []
        for e in stage.region:
            if isinstance(e, Contract):
                for k in self.positions[e]:
                    for j, (f, ls) in enumerate(zip(e.factors, e.labels, strict=True)):
                        if j != k and len(ls) == 2 and len(set(ls) & set(e.labels[k])) == 1 and constant_value(f) is None:
                            found.append(substitute(f, self.symbols))
        return found

    def _simplified(self) -> None:
        """The gradient in the variables of the loss, if the lines so far have it in symbols of their own, or if it can be shorter."""
        last = self.lines[-1].right
        given = {e: s for e, s in self.symbols.items() if e in self.own}
        invented = set(self.symbols.values()) - set(given.values()) - {self.symbols[self.wrt]}
        if given and not invented & set(variables(last)):
            return
        steps: list[Step] = []
        (full,) = simplify_all([self.derivative()], steps)
        shown = substitute(full, given)
        if shown is last:
            return
        names: dict[str, Step] = {}
        for s in steps:
            if s.rule not in names or node_count(s.before) < node_count(names[s.rule].before):
                names[s.rule] = s
        for rule, s in list(names.items())[:MOST_IDENTITIES]:
            symbols = {e: x for e, x in self.symbols.items() if e not in (s.before, s.after)}
            before, after = substitute(s.before, symbols), substitute(s.after, symbols)
            if node_count(before, after) < LARGE and not read_alike(before, after):
                self.lines.append(Line("identity", before, after, (identity_of(rule),)))
        self.lines.append(Line("result", self.slope, shown, tuple(map(identity_of, names))))

    # --- symbols ----------------------------------------------------------------------------------------------------
    def _meanings(self) -> dict[Expr, Expr]:
        """What each symbol stands for, by the calculus on the whole loss, not by the lines."""
        nodes = list(self.tangents)
        along = pushforward(nodes, {self.wrt: self.tangents[self.wrt]})
        back = pullback({self.loss: Const(1)}, list(self.cotangents)) if self.cotangents else []
        own_tangent = self.tangents[self.wrt]
        return {
            self.result: self.given,
            **{s: e for e, s in self.symbols.items() if s is not e},
            **{self.tangents[e]: t for e, t in zip(nodes, along, strict=True) if t is not own_tangent},
            **dict(zip(self.cotangents.values(), back, strict=True)),
            self.slope: self.derivative(),
        }

    def _names(self) -> dict[Expr, str]:
        """Names of the symbols: the caller's, and for other stages what suits their kind, each name once."""
        given = {self.symbols[e]: name for e, name in self.own.items() if e in self.symbols}
        leaves = [*variables(self.loss, self.wrt), *(s for s in given if s.token == TOKEN)]  # type: ignore[attr-defined]
        earlier = [name for name in self.earlier.names.values() if name not in given.values()] if self.earlier else []
        used = {v.name for v in variables(self.loss, self.wrt)} | set(given.values()) | set(earlier)
        result = self.own.get(self.loss) or next(c for c in self.result_names() if c not in used)
        invented = [s.node for s in self.stages if s.node is not self.loss and s.node not in self.own]
        if self.wrt not in self.own and not isinstance(self.wrt, Var):
            invented.append(self.wrt)
        parts = []
        for e in invented:
            local = self.local.get(e, self.wrt)
            parts.append((self.symbols[e], notation([local], (), list(self.symbols.values())).roots[0]))
        chosen = choose_names(parts, [*leaves, *(Var(c, (), (), TOKEN) for c in dict.fromkeys((result, "d", "G", *earlier)))], given, False)
        names = {**given, self.result: result, **{symbol: chosen[symbol] for symbol, _ in parts}}
        own = self.symbols[self.wrt]
        spelt = {**names, own: names.get(own) or own.name}  # type: ignore[attr-defined]
        plain = {e: result if e is self.loss is not self.wrt else spelt[self.symbols[e]] for e in self.tangents}
        others = {v.name for v in variables(self.loss, self.wrt)} | set(given.values())
        if self.earlier:
            self.mark = self.earlier.mark
        elif {f"d{name}" for name in plain.values()} & others:
            self.mark = "d_"
        names |= {tangent: self.mark + plain[e] for e, tangent in self.tangents.items()}
        names[self.slope] = self.slope_name(result, spelt[own])
        return names

    def result_names(self) -> Iterable[str]:
        """What the loss may be called, in order of preference."""
        return LOSS_NAMES

    def slope_name(self, result: str, wrt: str) -> str:
        return f"∂{result}/∂{wrt}"

    def _name_cotangents(self) -> None:
        """δ alone, or with the number of its stage (δ₂ belongs to a₂), or numbered from the loss inwards."""
        stems = [re.search(r"[0-9₀-₉]+$", self.names[self.symbols[e]]) for e in self.cotangents]
        numbers = [m[0].translate(SUBSCRIPTS) if m else "" for m in stems]
        if len(numbers) == 1 and not numbers[0]:
            found = ["δ"]
        elif all(numbers) and len(set(numbers)) == len(numbers):
            found = [f"δ{n}" for n in numbers]
        else:
            found = [f"δ{k}" for k in range(1, len(numbers) + 1)]
        taken = set(self.names.values()) | {v.name for v in variables(self.loss)}
        mark = "δ" if not taken & set(found) else "δ_"
        self.names.update(zip(self.cotangents.values(), (f.replace("δ", mark) for f in found), strict=True))


def inner(cotangent: Expr, differential: Expr) -> Expr:
    """The sum of the products of all entries: tr(Gᵀ dW), gᵀ dw."""
    labels = tuple(range(cotangent.ndim))
    return contract([(cotangent, labels), (differential, labels)], ())
