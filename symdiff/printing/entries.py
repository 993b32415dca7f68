"""One entry of an expression as a scalar formula: Σᵢ Xᵢⱼ (pᵢ − yᵢ), with an index letter for every axis.

Products become sums over the letters that they contract, elementwise functions go to the entries of their operands, and what has no
entry formula of its own (an inverse, a sort) is a matrix with subscripts. Named parts are defined by their entries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symdiff.errors import ShapeError
from symdiff.expr.dims import Dim, show_shape
from symdiff.expr.functions import FUNCTIONS
from symdiff.expr.leaves import constant_value
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Const, Delta, Map, Ones, Size
from symdiff.printing import term
from symdiff.printing.forms import is_new_axis
from symdiff.printing.formula import Formula, format_formula, leaves_of, style_of
from symdiff.printing.layout import dim
from symdiff.printing.naming import choose_names
from symdiff.printing.notation import COMPARISONS, Composer, notation
from symdiff.printing.plan import Network, Plan, Sum
from symdiff.printing.scalars import Scalars, in_front
from symdiff.printing.term import Term

LETTERS, CAPITALS = "ijklmnpaehotuvxrsqwbcdfg", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def entry_form(
    e: Expr,
    indices: Sequence[str] | None = None,
    style: str = "unicode",
    names: Mapping[Expr, str] | None = None,
    given: Mapping[Expr, str] | None = None,
) -> Formula:
    """The entry of `e` at the given indices, i, j, k ... by default, in a style.

    `names` and `given` as in `format_formula`. Raises: ShapeError if there is not one index for each axis.

    >>> from symdiff.expr.leaves import var
    >>> X, w, y = var('X', ('n', 'd')), var('w', ('d',)), var('y', ('n',))
    >>> entry_form(X.T @ (X @ w - y)).text
    'Σⱼ Xⱼᵢ (Σₖ Xⱼₖ wₖ − yⱼ)'
    """
    letters = tuple(indices) if indices is not None else tuple(LETTERS[: e.ndim])
    if len(letters) != e.ndim:
        raise ShapeError(f"entry_form: {len(letters)} indices for an expression of shape {show_shape(e.shape)}")
    spell = style_of(style)
    composer = Composer([e], names or (), given or (), spell.saving)
    entries = Entries(composer)
    text = entries.of(e, letters, frozenset(letters), inside=True)
    used = [p for p in composer.parts if p in entries.met]
    while True:
        defined = {p: entries.of(p, tuple(LETTERS[: p.ndim]), frozenset(LETTERS[: p.ndim]), inside=True) for p in used}
        more = [p for p in composer.parts if p in entries.met]
        if more == used:
            break
        used = more
    terms = [text, *defined.values()]
    table = choose_names([(p, defined[p]) for p in used], leaves_of(terms, used), {**(names or {}), **(given or {})}, spell.identifiers)
    writer = spell.writer(table)
    where = tuple((writer.write(term.entry(term.name(p, p.shape), tuple(LETTERS[: p.ndim]))), writer.write(t)) for p, t in defined.items())
    return Formula(writer.write(text), where)


def readable_form(e: Expr, style: str = "unicode") -> Formula:
    """The formula of an expression; by its entries where matrix notation would stand around sums over indices.

    >>> from symdiff.expr.leaves import var
    >>> from symdiff.expr.ops import einsum
    >>> T, A, B, C = var('T', ('a', 'b', 'c')), var('A', ('a', 'r')), var('B', ('b', 'r')), var('C', ('c', 'r'))
    >>> readable_form((einsum('ar,br,cr->abc', A, B, C) - T) ** 2).text
    '(Σₗ Aᵢₗ Bⱼₗ Cₖₗ − Tᵢⱼₖ)²'
    """
    if style == "python" or all(o.ndim <= 2 for o in topological(e)):
        return format_formula(e, style)
    found = notation([e], (), (), style_of(style).saving)
    mixed = any(_sums_inside(t) for t in (*found.roots, *(t for _, t in found.parts)))
    return entry_form(e, style=style) if mixed else format_formula(e, style)


def _sums_inside(t: Term) -> bool:
    """Whether a product over indices stands inside another notation than a sum or a multiple of such products, or a matrix is stretched
    along a third axis, for which there is no sign."""
    stack = [(t, True)]
    while stack:
        u, open_ = stack.pop()
        if len(u.shape) > 2 and is_new_axis(u):
            return True
        if u.op == "call" and u.data[0] == "einsum":
            if not open_:
                return True
            open_ = False
        scaled = u.op in ("times", "over") and all(a.shape == () or a is u.args[0] or a is u.args[-1] for a in u.args)
        within = open_ and (u.op in ("add", "neg") or (scaled and sum(a.shape != () for a in u.args) == 1))
        stack.extend((a, within) for a in u.args)
    return False


class Entries:
    """Entries of the nodes of one composed expression; `met` are the named parts that they mention."""

    def __init__(self, composer: Composer) -> None:
        self.composer = composer
        self.met: set[Expr] = set()

    def of(self, e: Expr, letters: tuple[str, ...], used: frozenset[str], inside: bool = False) -> Term:
        """The entry of `e`; `inside` writes out a named part itself. The composer bounds the depth of what is written out."""
        if not inside and e in self.composer.parts:
            self.met.add(e)
            return term.entry(term.name(e, e.shape), letters)
        value = constant_value(e)
        if value is not None:
            return term.number(value)
        plan = self.composer.planner.plans.get(e)
        row = None if plan is None else _ROWS.get(plan.view.kind)
        if row is not None and plan is not None and e not in self.composer.given:
            return row(self, e, plan, letters, used)
        if isinstance(e, Size):
            return dim(e.dim)
        if isinstance(e, Const) and e.shape:
            return term.entry(term.array(e.value), letters)  # type: ignore[arg-type]
        whole = self.composer.written_out(e)
        self.met.update(p for p in leaves_of([whole], ()) if p in self.composer.parts)
        return term.entry(whole, letters)

    def _product(self, e: Expr, plan: Plan, letters: tuple[str, ...], used: frozenset[str]) -> Term:
        network = plan.content
        assert isinstance(network, Network)
        letter_of = dict(zip(network.out, letters, strict=True))
        dims: dict[int, Dim] = {a: d for f, ls in network.factors for a, d in zip(ls, f.shape, strict=True)}
        free = iter([c for c in (*LETTERS, *CAPITALS) if c not in used])
        fresh = [a for a in dims if a not in letter_of]
        letter_of |= {a: "1" if dims[a] == 1 else next(free) for a in fresh}
        summed = {letter_of[a]: dims[a] for a in fresh if dims[a] != 1}
        within = used | summed.keys()
        positive = network.coefficient >= 0
        outside, inner = Scalars(network.coefficient if positive else -network.coefficient), Scalars(1)
        for place, ((f, ls), part) in enumerate(zip(network.factors, plan.parts, strict=True)):
            own = tuple(letter_of[a] for a in ls)
            if isinstance(f, Ones):
                continue
            t = term.entry(term.call("eye", [dim(f.dim)], f.shape), own) if isinstance(f, Delta) else self.of(part, own, within)
            same, t = term.split_sign(t)
            positive = positive == same
            side = inner if summed.keys() & set(own) else outside
            above, below = (side.above, side.below) if part is f else (side.below, side.above)
            if t.op == "over":
                t, divisor = t.args
                below.append((place, divisor))
            above.append((place, t))
        for letter in [c for c in summed if not any(c in _letters(t) for _, t in [*inner.above, *inner.below])]:
            outside.above.append((len(network.factors), dim(summed.pop(letter))))
        body = in_front(inner, [], [], ())
        if summed:
            first = min(place for place, _ in [*inner.above, *inner.below])
            outside.above.append((first, term.sigma(tuple(summed.items()), body)))
            outside.above.sort(key=lambda part: part[0])
        t = in_front(outside, [], [], ())
        return t if positive else term.negate(t)

    def _sum(self, e: Expr, plan: Plan, letters: tuple[str, ...], used: frozenset[str]) -> Term:
        content = plan.content
        assert isinstance(content, Sum)
        terms, signs = [], []
        for sign, t in content.terms:
            positive, bare = term.split_sign(self.of(t, letters, used))
            terms.append(bare)
            signs.append(sign == positive)
        return term.add(terms, signs, ())

    def _map(self, e: Expr, plan: Plan, letters: tuple[str, ...], used: frozenset[str]) -> Term:
        assert isinstance(e, Map)
        args = [self.of(a, letters, used) for a in e.args]
        if e.fn in COMPARISONS:
            return term.compare(COMPARISONS[e.fn], args[0], args[1], ())
        if e.fn == "pow":
            return term.power(args[0], args[1])
        return term.call(FUNCTIONS[e.fn].numpy or e.fn, args, ())

    def _power(self, e: Expr, plan: Plan, letters: tuple[str, ...], used: frozenset[str]) -> Term:
        base = self.of(plan.view.operands[0], letters, used)
        return term.raised(base, plan.view.data, ())

    def _reciprocal(self, e: Expr, plan: Plan, letters: tuple[str, ...], used: frozenset[str]) -> Term:
        return term.over(term.ONE, self.of(plan.view.operands[0], letters, used), ())


def _letters(t: Term) -> set[str]:
    """The index letters that a term mentions."""
    found: set[str] = set()
    stack = [t]
    while stack:
        u = stack.pop()
        if u.op == "entry":
            found.update(u.data)
        stack.extend(u.args)
    return found


_ROWS = {
    "Contract": Entries._product,
    "Add": Entries._sum,
    "Map": Entries._map,
    "power": Entries._power,
    "reciprocal": Entries._reciprocal,
}
