"""The conventions that two trainings of one network may differ in, as a table: each choice is a transformation of the training.

A text rarely says whether its gradients are all taken at the old weights, which way round a weight matrix is multiplied, what its loss is
divided by, or whether its loss is that before or after the update that it names. Each row below is one such question; its first choice is
what the network itself declares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from math import prod
from typing import Literal

import numpy as np

from symdiff.api.programs import lower
from symdiff.calculus import jvp
from symdiff.expr.algebra import broadcast_to
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Contract, Var
from symdiff.expr.ops import square
from symdiff.expr.ops import sum as sum_of
from symdiff.expr.traverse import substitute, variables
from symdiff.training.net import Leaf, Net

Dtype = Literal["float64", "float32"]
Layer = Literal["output", "input"]  # the one that is updated first


@dataclass(frozen=True)
class Setup:
    """A training, as conventions make it: the network as it is multiplied, and how it is trained and read.

    The gradient followed is `gradient` times that of the network's loss, the loss told is `reported` times it, at the weights after
    `offset` updates more than the text says.
    """

    net: Net
    update: str = "parallel"
    first: Layer = "output"
    gradient: float = 1.0
    reported: float = 1.0
    dtype: Dtype = "float64"
    offset: int = -1


Change = Callable[[Setup], Setup]


@dataclass(frozen=True)
class Choice:
    """One answer to a convention's question; `departs` if it is not the network's own."""

    convention: str
    name: str
    change: Change
    departs: bool = True


@dataclass(frozen=True)
class Convention:
    """A question that a text leaves open, and the answers that make sense for a network, its own first."""

    name: str
    question: str
    choices: Callable[[Net], Iterator[tuple[str, Change]]]
    usual: int = 1  # so many of the first choices are no departure

    def of(self, net: Net) -> list[Choice]:
        """The choices for a network."""
        return [Choice(self.name, name, change, departs=k >= self.usual) for k, (name, change) in enumerate(self.choices(net))]


def _as_it_is(setup: Setup) -> Setup:
    return setup


def _transpose(weights: Sequence[Var], setup: Setup) -> Setup:
    return replace(setup, net=transposed(setup.net, weights))


def _scale(gradient: float, reported: float, setup: Setup) -> Setup:
    return replace(setup, gradient=setup.gradient * gradient, reported=setup.reported * reported)


# --- which weights a gradient sees --------------------------------------------------------------------------------
def _updates(net: Net) -> Iterator[tuple[str, Change]]:
    yield "parallel", _as_it_is
    if len(net.weights) < 2:
        return
    for update in ("sequential", "gauss-seidel"):
        yield f"{update}, output layer first", partial(replace, update=update)
        yield f"{update}, input layer first", partial(replace, update=update, first="input")


# --- which way round a weight matrix is multiplied ----------------------------------------------------------------
def _layouts(net: Net) -> Iterator[tuple[str, Change]]:
    yield "as written", _as_it_is
    matrices = [w for w in net.weights if len(w.shape) == 2 and w.shape[0] == w.shape[1]]
    for count in range(len(matrices), 0, -1):
        for chosen in combinations(matrices, count):
            if count in (1, len(matrices)):
                yield f"{' and '.join(w.name for w in chosen)} transposed", partial(_transpose, chosen)


def transposed(net: Net, weights: Sequence[Var]) -> Net:
    """The network whose program multiplies by these matrices the other way round: the same numbers, read as the transpose.

    >>> from symdiff.training.nets import mazur
    >>> net = mazur()
    >>> transposed(net, net.weights).definitions[0].value is net.weights[0].T @ net.data[0].var + net.fixed[0].var
    True
    """
    other: dict[Expr, Expr] = {w: w.T for w in weights}
    definitions = tuple(replace(d, value=substitute(d.value, other)) for d in net.definitions)
    return replace(net, definitions=definitions, objective=substitute(net.objective, other))


# --- what the loss is divided by, and what its gradient is divided by ---------------------------------------------
def counts(net: Net) -> tuple[int, int]:
    """How many examples and how many outputs the loss compares."""
    shape = net.values()[net.target].shape
    batched = bool(net.target.shape) and isinstance(net.target.shape[0], str)
    examples = shape[0] if batched else 1
    return examples, prod(shape[1:] if batched else shape)


def share_of_squares(net: Net) -> float | None:
    """c, if the loss is c times the sum of the squared errors at the sizes of the net's data; None if it is another function.

    >>> from symdiff.training.nets import mazur, xor
    >>> share_of_squares(mazur()), share_of_squares(xor())
    (0.5, 0.25)
    """
    y, t = net.prediction, net.target
    if y.shape != t.shape or set(variables(net.objective)) != {y, t}:
        return None
    ratio = lower([net.objective, sum_of(square(y - t))], [y, t], simplify=False)
    generator = np.random.default_rng(0)
    shape = net.values()[t].shape
    found = [ratio(generator.uniform(0.1, 0.9, shape), generator.uniform(0.1, 0.9, shape)) for _ in range(3)]
    shares = [float(own / squares) for own, squares in found]
    return round(shares[0], 12) if max(shares) - min(shares) <= 1e-12 * max(shares) else None


def _reductions(net: Net) -> Iterator[tuple[str, Change]]:
    """A loss that is c times the sum of squares is told from c; of another loss only the sum and the mean over the examples are."""
    examples, outputs = counts(net)
    own = share_of_squares(net)
    if own is None:
        known = {1.0: "as declared", float(examples): "times the number of examples", 1 / examples: "divided by the number of examples"}
        own = 1.0
    else:
        several = examples > 1 and outputs > 1
        rows = [
            ("mean of the squares", 1 / (examples * outputs)),
            ("half the sum of the squares", 0.5),
            ("sum of the squares", 1.0),
            ("half the mean of the squares", 0.5 / (examples * outputs)),
            *([("mean over the examples of the sum of the squares", 1 / examples)] if several else []),
            *([("half the mean over the examples of the sum of squares", 0.5 / examples)] if several else []),
        ]
        known = {}
        for name, share in rows:
            known[share] = f"{known[share]} = {name}" if share in known else name
    for share, name in sorted(known.items(), key=lambda row: row[0] != own):
        factor = share / own
        yield name, partial(_scale, factor, factor)


def _rates(net: Net) -> Iterator[tuple[str, Change]]:
    examples, outputs = counts(net)
    rows = [
        ("the gradient itself", 1.0),
        (f"times {examples * outputs}: a mean lacks its 1/{examples * outputs}", float(examples * outputs)),
        (f"times {examples}: a mean over examples lacks its 1/{examples}", float(examples)),
        ("times 2: the 2 of the square once more", 2.0),
        ("times 1/2: the 2 of the square left out", 0.5),
        (f"times 1/{examples * outputs}: divided by {examples * outputs} twice", 1 / (examples * outputs)),
        (f"times 1/{examples}: divided by {examples} twice", 1 / examples),
    ]
    known: dict[float, str] = {}
    for name, factor in rows:
        known.setdefault(factor, name)
    for factor, name in known.items():
        yield name, partial(_scale, factor, 1.0)


# --- which parameters are trained ---------------------------------------------------------------------------------
def biases(net: Net) -> list[Leaf]:
    """The parameters, trained or fixed, that are only ever added: the differential of a layer in one of them mentions nothing else.

    >>> from symdiff.training.nets import mazur, xor
    >>> [leaf.var.name for leaf in biases(mazur())], biases(xor())
    (['b1', 'b2'], [])
    """

    def is_added(v: Var) -> bool:
        tangent = var("tangent", v.shape)
        values = [d.value for d in net.definitions if v in variables(d.value)]
        return bool(values) and all(set(variables(jvp(value, [v], [tangent]))) <= {tangent} for value in values)

    return [leaf for leaf in (*net.parameters, *net.fixed) if is_added(leaf.var)]


def _biases(net: Net) -> Iterator[tuple[str, Change]]:
    found = [leaf.var for leaf in biases(net)]
    if not found:
        yield "none", _as_it_is
        return
    declared = any(v in net.weights for v in found)
    trained = ("trained", lambda s: replace(s, net=with_trained(s.net, [*s.net.weights, *(v for v in found if v not in s.net.weights)])))
    fixed = ("not trained", lambda s: replace(s, net=with_trained(s.net, [w for w in s.net.weights if w not in found])))
    own, other = (trained, fixed) if declared else (fixed, trained)
    yield own[0], _as_it_is
    yield other
    if any(not v.shape for v in found):
        yield "trained, one a neuron", lambda s: trained[1](replace(s, net=untied(s.net)))
    yield "left out", lambda s: fixed[1](replace(s, net=_at_zero(s.net, found)))


def with_trained(net: Net, wanted: Sequence[Var]) -> Net:
    """The network of which these parameters are trained, in the order of its layers, and the others are fixed."""
    place: dict[Expr, int] = {}
    for e in topological(*(d.value for d in net.definitions), net.objective):
        place.setdefault(e, len(place))
    leaves = {leaf.var.name: leaf for leaf in (*net.parameters, *net.fixed)}
    names = {v.name for v in wanted}
    chosen = sorted((leaf for name, leaf in leaves.items() if name in names), key=lambda leaf: place.get(leaf.var, len(place)))
    return replace(net, parameters=tuple(chosen), fixed=tuple(leaf for name, leaf in leaves.items() if name not in names))


def untied(net: Net) -> Net:
    """The network with a bias of its own for each neuron where a layer shares one number.

    >>> from symdiff.training.nets import mazur
    >>> [leaf.var.shape for leaf in untied(mazur()).fixed]
    [(2,), (2,)]
    """
    own: dict[Var, Leaf] = {}
    definitions = list(net.definitions)
    for leaf in biases(net):
        places = [k for k, d in enumerate(definitions) if leaf.var in variables(d.value)]
        if leaf.var.shape or len(places) != 1:  # one that several layers share stays one number
            continue
        d = definitions[places[0]]
        stretched = [e for e in topological(d.value) if isinstance(e, Contract) and variables(e) == [leaf.var]]
        width = tuple(dim for dim in d.var.shape if isinstance(dim, int))
        if stretched and width and stretched[-1].shape == d.var.shape:
            vector = var(leaf.var.name, width)
            own[leaf.var] = Leaf(vector, np.full(width, leaf.value))
            definitions[places[0]] = replace(d, value=substitute(d.value, {stretched[-1]: broadcast_to(vector, d.var.shape)}))
    return replace(
        net,
        parameters=tuple(own.get(leaf.var, leaf) for leaf in net.parameters),
        fixed=tuple(own.get(leaf.var, leaf) for leaf in net.fixed),
        definitions=tuple(definitions),
    )


def _at_zero(net: Net, found: Sequence[Var]) -> Net:
    def zeroed(leaves: Sequence[Leaf]) -> tuple[Leaf, ...]:
        return tuple(replace(leaf, value=np.zeros(leaf.value.shape)) if leaf.var in found else leaf for leaf in leaves)

    return replace(net, parameters=zeroed(net.parameters), fixed=zeroed(net.fixed))


# --- how exact, and when ------------------------------------------------------------------------------------------
def _dtypes(net: Net) -> Iterator[tuple[str, Change]]:
    yield "float64", _as_it_is
    yield "float32", lambda s: replace(s, dtype="float32")


READINGS = {-1: "before", 0: "after", -2: "before, one fewer", 1: "after, one more"}


def _readings(net: Net) -> Iterator[tuple[str, Change]]:
    for offset, name in READINGS.items():
        yield name, partial(replace, offset=offset)


CONVENTIONS: tuple[Convention, ...] = (
    Convention("update", "which weights does a gradient see?", _updates),
    Convention("layout", "which way round is a weight matrix multiplied?", _layouts),
    Convention("loss", "what is the loss divided by?", _reductions),
    Convention("rate", "what is the gradient multiplied by, besides the learning rate?", _rates),
    Convention("biases", "are the biases trained?", _biases),
    Convention("precision", "with how many digits is it computed?", _dtypes),
    Convention("reading", "is the loss that before or after the update it is told for?", _readings, usual=2),
)
