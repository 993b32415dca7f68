"""Expressions to notation: every node as the NumPy value that a person would write for it.

One pass over the plan, operands first, without recursion. Each node gets its notations in the layouts that may be wanted (as it is,
transposed, as a column); products are searched (`network`), sums and functions broadcast their operands as NumPy does. A part that
is used again, or that has grown too long for one line, gets a name and is set aside for the where-list, so that the whole is linear
in the number of nodes whatever they share.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from symdiff.expr.dims import Dim, Shape
from symdiff.expr.functions import FUNCTIONS
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Const, Delta, Iota, Map, Ones, Size, Var
from symdiff.printing import structure, term
from symdiff.printing.common import Parts, name_repeats, nameable
from symdiff.printing.layout import WHOLE, Layout, Options, broadcast, dim, exact, fit, keep_best, natural, relabel
from symdiff.printing.plan import Network, Plan, Planner, Sum
from symdiff.printing.product import Piece, product_options
from symdiff.printing.signs import absorb_sign, as_number, boolean
from symdiff.printing.term import Term

LONGEST = 250  # terms of notation in one line
DEEPEST = 40

COMPARISONS = {"less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==", "not_equal": "!="}
SYMMETRIC = ("symmetric", "spd")


class Notation(NamedTuple):
    """Terms of the roots, and the named parts that they use, operands first."""

    roots: tuple[Term, ...]
    parts: Parts


def notation(
    roots: Sequence[Expr],
    names: Collection[Expr] = (),
    given: Collection[Expr] = (),
    saving: int = 1,
) -> Notation:
    """The notation of expressions that share their parts.

    `names` are nodes that get a name in any case and are defined among the parts; `given` stand for themselves. Any other shared part
    is named if that saves at least `saving` operations.
    """
    return Composer(roots, names, given, saving).result(roots)


class Composer:
    """Notation of every node below some roots; `parts` are the terms of those that got a name."""

    def __init__(self, roots: Sequence[Expr], names: Collection[Expr], given: Collection[Expr], saving: int) -> None:
        self.roots = set(roots)
        self.names = set(names)
        self.given = set(given)
        self.saving = saving
        self.planner = Planner(roots, self.given, self.names, norms=saving > 1)
        self.options: dict[Expr, Options] = {}
        self.parts: dict[Expr, Term] = {}
        for e in self.planner.order:
            options = self._compose(e)
            if e in self.given:
                options = {natural(e.shape): term.name(e, e.shape)}
            elif self._is_named(e, options):
                options = self._named(e, options)
            self.options[e] = options

    def result(self, roots: Sequence[Expr]) -> Notation:
        """Exact terms of the roots; of the named parts, those that are used."""
        terms = tuple(absorb_sign(self.whole(r)) for r in roots)
        used: set[Expr] = set()
        stack = list(terms)
        while stack:
            t = stack.pop()
            if t.op == "name" and t.data in self.parts and t.data not in used:
                used.add(t.data)
                stack.append(self.parts[t.data])
            stack.extend(t.args)
        found = tuple((e, t) for e, t in self.parts.items() if e in used)
        return Notation(*name_repeats(terms, found, self.saving))

    def whole(self, e: Expr) -> Term:
        return exact(self.options[e], natural(e.shape), e.shape)

    def written_out(self, e: Expr) -> Term:
        """The whole of `e`, though it is a part with a name."""
        if e not in self.parts:
            return self.whole(e)
        layout = next(iter(self.options[e]))
        return exact({layout: self.parts[e]}, natural(e.shape), e.shape)

    def _is_named(self, e: Expr, options: Options) -> bool:
        if e in self.names or e in self.planner.chunks:
            return True
        if not e.operands:
            return isinstance(e, Const) and min(t.weight for t in options.values()) > 8 + term.STEP
        best = fit(options, natural(e.shape))[0]
        if (best.size > LONGEST or best.depth > DEEPEST) and e not in self.roots:
            return True
        worth = best.ops > 0 and (self.planner.uses[e] - 1) * best.ops >= self.saving
        return worth and nameable(best) and not self.planner.transparent(e)

    def _named(self, e: Expr, options: Options) -> Options:
        """A name in place of the notation, which is set aside; a symmetric part reads the same both ways."""
        t, layout = fit(options, natural(e.shape))
        self.parts[e] = absorb_sign(t)
        symbol = term.name(e, t.shape)
        turned = options.get(layout[::-1])
        return {layout: symbol, layout[::-1]: symbol} if turned is t and len(layout) == 2 else {layout: symbol}

    def _compose(self, e: Expr) -> Options:
        plan = self.planner.plans[e]
        row = _ROWS.get(plan.view.kind)
        if row is None:
            return structure.compose(e, self.options)
        return row(self, e, plan)

    # --- leaves -----------------------------------------------------------------------------------------------------
    def _leaf(self, e: Expr, plan: Plan) -> Options:
        match e:
            case Const():
                return {natural(e.shape): term.array(e.value)} if e.shape else {(): term.number(e.value)}  # type: ignore[arg-type]
            case Size():
                return {(): dim(e.dim)}
            case Iota():
                return {natural(e.shape): term.call("arange", [dim(e.dim)], e.shape)}
            case Delta():
                t = term.call("eye", [dim(e.dim)], e.shape)
                return {(0, 1): t, (1, 0): t} if e.dim != 1 else {(None, None): t}
            case Ones():
                return {(): term.ONE}
        t = term.name(e, e.shape)
        options = {natural(e.shape): t}
        if isinstance(e, Var) and len(e.shape) == 2 and any(a in SYMMETRIC for a in e.assumptions):
            options[natural(e.shape)[::-1]] = t
        return options

    # --- products and sums ------------------------------------------------------------------------------------------
    def _network(self, network: Network, parts: Sequence[Expr]) -> Options:
        dims: dict[int, Dim] = {}
        pieces = []
        for (f, ls), part in zip(network.factors, parts, strict=True):
            dims.update(zip(ls, f.shape, strict=True))
            pieces.append(Piece(f, self.options[part], ls, below=part is not f))
        pieces = self._with_a_number(network, pieces)
        return product_options(network, pieces, dims)

    def _with_a_number(self, network: Network, pieces: list[Piece]) -> list[Piece]:
        """Truth values multiply and change sign as numbers only beside a number; two of them never meet in a product."""
        above = [k for k, p in enumerate(pieces) if not p.below and not isinstance(p.expr, (Ones, Delta))]
        truths = [k for k in above if boolean(pieces[k].expr)]
        if not truths:
            return pieces
        wrapped = set(truths[:-1])
        if getattr(network.coefficient, "numerator", 0) == -1 and above[0] in truths:  # no literal to carry the sign
            wrapped.add(above[0])
        last = pieces[truths[-1]]
        if len(above) == 1 and len(set(last.labels)) != len(last.labels):
            wrapped.add(truths[-1])
        for k in wrapped:
            p = pieces[k]
            pieces[k] = Piece(p.expr, {layout: as_number(t) for layout, t in p.options.items()}, p.labels)
        return pieces

    def _product(self, e: Expr, plan: Plan) -> Options:
        network = plan.content
        assert isinstance(network, Network)
        found = self._network(network, plan.parts)
        axes = {label: None if e.shape[a] == 1 else a for a, label in enumerate(network.out)}
        return relabel(found, axes)

    def _kron(self, e: Expr, plan: Plan) -> Options:
        network = plan.content
        assert isinstance(network, Network)
        sides = []
        for k in (0, 1):
            own = set(network.out[k::2])
            reach = _reachable(network, own)
            chosen = [i for i, (_, ls) in enumerate(network.factors) if (set(ls) & reach if ls else k == 0)]
            side = Network(1, tuple(network.factors[i] for i in chosen), tuple(a for a in network.out if a in own))
            dims = {a: d for f, ls in side.factors for a, d in zip(ls, f.shape, strict=True)}
            shape = tuple(dims[a] for a in side.out)
            options = self._network(side, [plan.parts[i] for i in chosen])
            sides.append(exact(options, tuple(None if dims[a] == 1 else a for a in side.out), shape))
        t = term.call("kron", sides, e.shape)
        c = network.coefficient
        if c != 1:
            t = term.negate(t) if c == -1 else term.times([term.number(c), t], e.shape)
        return {natural(e.shape): t}

    def _sum(self, e: Expr, plan: Plan) -> Options:
        content = plan.content
        assert isinstance(content, Sum)
        signs = [sign for sign, _ in content.terms]
        numbers = [not boolean(t) for _, t in content.terms]
        awkward = numbers.count(False) > 1 or not any(s and n for s, n in zip(signs, numbers, strict=True))

        def build(terms: Sequence[Term], shape: Shape) -> Term:
            kept, kept_signs = [], []
            for t, sign, is_number in zip(terms, signs, numbers, strict=True):
                positive, bare = term.split_sign(t if is_number or not awkward else as_number(t))
                kept.append(bare)
                kept_signs.append(positive == sign)
            return term.add(kept, kept_signs, shape)

        return self._elementwise(e, [t for _, t in content.terms], build)

    # --- functions --------------------------------------------------------------------------------------------------
    def _elementwise(self, e: Expr, args: Sequence[Expr], build: Callable[[Sequence[Term], Shape], Term]) -> Options:
        """A function of operands that broadcast, as it is, transposed and as a column."""
        whole = natural(e.shape)
        targets: list[Layout] = [whole]
        other: Layout = (*whole, None) if len(whole) == 1 else whole[::-1]
        if len(whole) in (1, 2) and None not in whole and any(other in self.options[a] for a in args):
            targets.append(other)
        options: Options = {}
        for target in targets:
            fitted = [fit(self.options[a], target) for a in args]
            layout = broadcast([lay for _, lay in fitted])
            shape = tuple([1 if a is None else e.shape[a] for a in layout])
            keep_best(options, layout, _before_axes(build, [t for t, _ in fitted], shape))
        return options

    def _map(self, e: Expr, plan: Plan) -> Options:
        assert isinstance(e, Map)
        fn = e.fn
        truth = [boolean(a) for a in e.args]

        def build(terms: Sequence[Term], shape: Shape) -> Term:
            if fn in COMPARISONS:
                return term.compare(COMPARISONS[fn], terms[0], terms[1], shape)
            if fn == "pow":
                return term.power(terms[0], terms[1]) if terms[0].shape == shape else term.call("power", terms, shape)
            args = [as_number(t) if b and fn not in _OF_TRUTH else absorb_sign(t) for t, b in zip(terms, truth, strict=True)]
            return term.call(FUNCTIONS[fn].numpy or fn, args, shape)

        return self._elementwise(e, e.args, build)

    def _power(self, e: Expr, plan: Plan) -> Options:
        exponent = plan.view.data
        (base,) = plan.view.operands

        def build(terms: Sequence[Term], shape: Shape) -> Term:
            return term.raised(as_number(terms[0]) if boolean(base) else absorb_sign(terms[0]), exponent, shape)

        return self._elementwise(e, [base], build)

    def _reciprocal(self, e: Expr, plan: Plan) -> Options:
        (below,) = plan.view.operands
        return self._elementwise(e, [below], lambda terms, shape: term.over(term.ONE, terms[0], shape))

    def _norm(self, e: Expr, plan: Plan) -> Options:
        (v,) = plan.view.operands
        t = term.call("norm", [absorb_sign(self.whole(v))], ())
        return {(): t if plan.view.data == 1 else term.power(t, term.number(plan.view.data))}

    def _softmax(self, e: Expr, plan: Plan) -> Options:
        fn, axis = plan.view.data
        (z,) = plan.view.operands
        options = {} if len(e.shape) == 1 else {"axis": axis}
        return {natural(e.shape): term.call(fn, [absorb_sign(self.whole(z))], e.shape, **options)}


def _reachable(network: Network, start: set[int]) -> set[int]:
    """The labels connected to `start` through factors."""
    reach = set(start)
    grown = True
    while grown:
        grown = False
        for _, ls in network.factors:
            if reach & set(ls) and not set(ls) <= reach:
                reach |= set(ls)
                grown = True
    return reach


def _before_axes(build: Callable[[Sequence[Term], Shape], Term], terms: Sequence[Term], shape: Shape) -> Term:
    """f(x)[:, None] for f(x[:, None]): new axes that all array operands share come last."""
    arrays = [t for t in terms if t.shape != ()]
    key = arrays[0].data if arrays and arrays[0].op == "index" else None
    if key is None or any(k not in (None, WHOLE) for k in key) or any(t.op != "index" or t.data != key for t in arrays):
        return build(terms, shape)
    inner = arrays[0].args[0].shape
    if any(t.args[0].shape != inner for t in arrays):
        return build(terms, shape)
    return term.index(build([t.args[0] if t.shape != () else t for t in terms], inner), key, shape)


_OF_TRUTH = ("where", "logical_and", "logical_or", "logical_xor", "logical_not")
_ROWS: Mapping[str, Callable[[Composer, Any, Plan], Options]] = {
    "leaf": Composer._leaf,
    "Contract": Composer._product,
    "kron": Composer._kron,
    "Add": Composer._sum,
    "Map": Composer._map,
    "power": Composer._power,
    "reciprocal": Composer._reciprocal,
    "norm": Composer._norm,
    "softmax": Composer._softmax,
}
