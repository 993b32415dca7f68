"""From a network to its printed forms: scalars in front, the array parts joined by the search, one division at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from symdiff.expr.dims import Dim, Shape
from symdiff.expr.node import Expr
from symdiff.expr.nodes import LETTERS, Delta, Labels, Ones
from symdiff.printing import term
from symdiff.printing.layout import Layout, Options, broadcast, dim, fit, keep_best, labels_of, reindex, relabel
from symdiff.printing.network import Claim, Factor, Search, State
from symdiff.printing.plan import Network, components
from symdiff.printing.scalars import Scalars, claims_of, in_front, size_of, spend
from symdiff.printing.term import ONE, Term

MOST_SEARCHED = 7


class Piece(NamedTuple):
    """A factor of a network with the notations of what is printed for it; `below` if it divides."""

    expr: Expr
    options: Options
    labels: Labels
    below: bool = False


def product_options(network: Network, pieces: Sequence[Piece], dims: Mapping[int, Dim]) -> Options:
    """The printed forms of a product, by layout over the labels of the network."""
    coefficient = network.coefficient
    positive = not coefficient < 0
    scalars = Scalars(coefficient if positive else -coefficient)
    factors = _factors(network, pieces, dims, scalars)
    forms: Options = {}
    if scalars.coefficient == 0:
        return {(): term.number(0)}
    if not factors:
        keep_best(forms, (), _assembled(scalars, None, None, (), positive))
        return forms
    out = frozenset(network.out)
    if all(f.labels == out for f in factors) and all(len(labels_of(layout)) == len(out) for f in factors for layout in f.options):
        return _elementwise(factors, network.out, dims, scalars, positive)
    groups = components([set(f.labels) for f in factors])
    main: list[Factor] = []
    arrays: list[list[Factor]] = []
    for group in groups:
        members = [factors[k] for k in group]
        if not any(f.labels & out for f in members) and len(groups) > 1:
            _scalar_group(members, dims, scalars)
        else:
            arrays.append(members)
    if len(arrays) == 1:
        main = arrays[0]
        claims = claims_of(scalars)
        for state, searched in _searched(main, out, dims, claims):
            keep_best(forms, state.layout, _assembled(scalars, state, searched, claims, positive))
    elif not arrays:
        keep_best(forms, (), _assembled(scalars, None, None, (), positive))
    else:
        forms = _joined(arrays, out, dims, scalars, positive)
    if not forms:
        forms = _einsum([f for members in arrays for f in members], network.out, dims, scalars, positive)
    return forms


def _elementwise(factors: list[Factor], out: Labels, dims: Mapping[int, Dim], scalars: Scalars, positive: bool) -> Options:
    """A product of arrays of one shape, as it is and transposed: nothing to search for."""
    forms: Options = {}
    whole: Layout = tuple([None if dims[a] == 1 else a for a in out])
    for target in {whole: 0, whole[::-1]: 0} if len(whole) == 2 and None not in whole else {whole: 0}:
        above = [fit(f.options, target) for f in factors if not f.below]
        below = [fit(f.options, target) for f in factors if f.below]
        layout = broadcast([lay for _, lay in [*above, *below]])
        shape = tuple([1 if a is None else dims[a] for a in layout])
        t = in_front(scalars, [t for t, _ in above], [t for t, _ in below], shape)
        keep_best(forms, layout, t if positive else term.negate(t))
    return forms


def _factors(network: Network, pieces: Sequence[Piece], dims: Mapping[int, Dim], scalars: Scalars) -> list[Factor]:
    """The factors that carry labels; the scalar ones go to `scalars`, ones that others carry are dropped."""
    factors: list[Factor] = []
    carried: set[int] = set()
    wanted: set[int] = set()
    for place, p in enumerate(pieces):
        wanted.update(label for label in p.labels if dims[label] != 1)
        if isinstance(p.expr, Ones):
            continue
        options = relabel(p.options, dict(enumerate(p.labels)))
        own = labels_of(next(iter(options)))
        carried.update(own)
        if own:
            factors.append(Factor(place, options, p.below, isinstance(p.expr, Delta)))
        else:
            layout, t = min(options.items(), key=lambda item: item[1].weight)
            t = reindex(t, layout, ())
            if p.below:
                scalars.below.append((place, t))
                scalars.sizes.append(size_of(p.expr))
            else:
                scalars.above.append((place, t))
    for label in sorted(wanted - carried - set(network.out)):
        scalars.above.append((len(pieces), dim(dims[label])))
    return factors


def _searched(factors: list[Factor], out: frozenset[int], dims: Mapping[int, Dim], claims: Sequence[Claim]) -> list[tuple[State, Search]]:
    """The notations of one connected network, the lightest first."""
    own = frozenset().union(*(f.labels for f in factors))
    factors = _shrunk(factors, out, dims)
    search = Search(factors, out & own, dict(dims), claims)
    return [(s, search) for s in search.run()]


def _shrunk(factors: list[Factor], out: frozenset[int], dims: Mapping[int, Dim]) -> list[Factor]:
    """At most MOST_SEARCHED factors: beyond that, neighbours of equal labels, then any that share one, are joined first."""
    factors = list(factors)
    while len(factors) > MOST_SEARCHED:
        pairs = [(i, j) for i in range(len(factors)) for j in range(i + 1, len(factors)) if factors[i].labels & factors[j].labels]
        pairs.sort(key=lambda p: (factors[p[0]].labels != factors[p[1]].labels, p))
        for i, j in pairs:
            others = frozenset().union(out, *(f.labels for k, f in enumerate(factors) if k not in (i, j)))
            both = factors[i].labels | factors[j].labels
            search = Search([factors[i], factors[j]], both & others, dict(dims))
            states = [s for s in search.run() if s.above]
            if states:
                options: Options = {}
                for s in states:
                    keep_best(options, s.layout, search.value(s))
                factors[i] = Factor(factors[i].place, options)
                del factors[j]
                break
        else:
            break
    return factors


def _scalar_group(members: list[Factor], dims: Mapping[int, Dim], scalars: Scalars) -> None:
    """A part of the product that is a number of its own, such as the a @ b of (a @ b) * c."""
    claims = [c for c in claims_of(scalars) if c.dim is not None]
    found = _searched(members, frozenset(), dims, claims)
    if not found:
        parts = _einsum(members, (), dims, Scalars(1), True)
        scalars.above.append((members[0].place, parts[()]))
        return
    state, search = found[0]
    spend(scalars, state.claimed)
    if state.above:
        scalars.above.append((members[0].place, reindex(search.value(state), state.layout, ())))
    else:
        below = term.times([t for _, t in state.below], search.shape(state.layout))
        scalars.below.append((members[0].place, reindex(below, state.layout, ())))
        scalars.sizes.append(None)
    scalars.above.sort(key=lambda p: p[0])


def _assembled(scalars: Scalars, state: State | None, search: Search | None, claims: Sequence[Claim], positive: bool) -> Term:
    """The whole product: number and scalars in front, then the arrays, over one line."""
    rest = Scalars(scalars.coefficient, list(scalars.above), list(scalars.below), list(scalars.sizes))
    core_above: list[Term] = []
    core_below: list[Term] = []
    shape: Shape = ()
    if state is not None:
        assert search is not None
        if state.claimed:
            spend(rest, state.claimed)
            if state.claimed & 1:
                rest.coefficient, rest.above = 1, []
        shape = tuple([1 if a is None else search.dims[a] for a in state.layout])
        core_above = [t for _, t in state.above]
        core_below = [t for _, t in state.below]
    t = in_front(rest, core_above, core_below, shape)
    return t if positive else term.negate(t)


# --- several parts that share no label ------------------------------------------------------------------------------
def _joined(arrays: list[list[Factor]], out: frozenset[int], dims: Mapping[int, Dim], scalars: Scalars, positive: bool) -> Options:
    """The outer product of two vectors; nothing for parts of higher rank."""
    forms: Options = {}
    if len(arrays) != 2:
        return forms
    vectors = []
    for members in arrays:
        own = out & frozenset().union(*(f.labels for f in members))
        found = [(s, q) for s, q in _searched(members, out, dims, ()) if s.above and len(s.layout) == 1]
        if len(own) != 1 or not found:
            return forms
        state, search = found[0]
        vectors.append((search.value(state), state.layout))
    (a, i), (b, j) = vectors
    for x, y, layout in ((a, b, i + j), (b, a, j + i)):
        shape = x.shape + y.shape
        t = in_front(scalars, [term.call("outer", [x, y], shape)], [], shape)
        keep_best(forms, layout, t if positive else term.negate(t))
    return forms


def _einsum(factors: list[Factor], out: Labels, dims: Mapping[int, Dim], scalars: Scalars, positive: bool) -> Options:
    """A product without a matrix form: einsum of parts that have one each."""
    kept = tuple(a for a in out if any(a in f.labels for f in factors))
    parts = _parts_of_einsum(factors, out, dims)
    letters: dict[int, str] = {}
    for label in (*kept, *(a for layout, _ in parts for a in layout if a is not None)):
        letters.setdefault(label, LETTERS[len(letters)])
    subscripts = ",".join("".join(letters[a] for a in layout if a is not None) for layout, _ in parts)
    subscripts += "->" + "".join(letters[a] for a in kept)
    shape = tuple(dims[a] for a in kept)
    operands = [reindex(t, layout, labels_of(layout)) for layout, t in parts]
    t = in_front(scalars, [term.call("einsum", [term.text(repr(subscripts)), *operands], shape)], [], shape)
    return {kept: t if positive else term.negate(t)}


def _parts_of_einsum(factors: list[Factor], order: Labels, dims: Mapping[int, Dim]) -> list[tuple[Layout, Term]]:
    """Factors that share summed labels are multiplied first, where that has a matrix form; parts in the order of their first axis."""
    out = frozenset(order)
    parts: list[tuple[Layout, Term]] = []
    for group in components([set(f.labels - out) or {-1 - k} for k, f in enumerate(factors)]):
        members = [factors[k] for k in group]
        own = out & frozenset().union(*(f.labels for f in members))
        found = [(s, q) for s, q in _searched(members, own, dims, ()) if s.above]
        if found:
            state, search = min(found, key=lambda pair: (pair[0].weight, labels_of(pair[0].layout) != tuple(a for a in order if a in own)))
            parts.append((state.layout, search.value(state)))
        else:
            for f in members:
                layout, t = min(f.options.items(), key=lambda item: item[1].weight)
                if f.below:
                    t = term.over(ONE, t, t.shape)
                parts.append((layout, t))
    place = {label: k for k, label in enumerate(order)}
    parts.sort(key=lambda part: min((place.get(a, len(place)) for a in part[0] if a is not None), default=-1))  # δ_ik A_jl, not A_jl δ_ik
    return parts
