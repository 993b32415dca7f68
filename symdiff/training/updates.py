"""Update schedules are substitutions: which new weights a gradient sees is decided on the tree, by one code path.

Parallel updates take all gradients at the old weights. Sequential updates change one parameter after another: where a later gradient
mentions an earlier parameter by itself, it sees the new value, while the layers' values stay those of the forward pass. Gauss-Seidel
updates compute these again too, as Gauss-Seidel iterations use each new component at once. Source: Bertsekas and Tsitsiklis, Parallel
and Distributed Computation (1989), chapter 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from symdiff.calculus import gradient
from symdiff.errors import BadSetting, UnknownName, did_you_mean
from symdiff.expr.node import Expr, topological
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import substitute
from symdiff.rewrite import without_corners
from symdiff.training.specs import find_row

Rule = Callable[[Var, Expr], Mapping[Var, Expr]]  # a weight and its gradient -> the new values of the weight and of its state
Seen = Callable[[Iterable[Expr], Mapping[Var, Expr]], dict[Expr, Expr]]  # the forward pass and the new weights -> what to substitute


def _parallel(forward: Iterable[Expr], new: Mapping[Var, Expr]) -> dict[Expr, Expr]:
    return {}


def _sequential(forward: Iterable[Expr], new: Mapping[Var, Expr]) -> dict[Expr, Expr]:
    """A node of the forward pass that is no variable is an activation: it is replaced by itself, so what is in it stays."""
    seen: dict[Expr, Expr] = {node: node for node in topological(*forward) if not isinstance(node, Var)}
    return seen | dict(new.items())


def _gauss_seidel(forward: Iterable[Expr], new: Mapping[Var, Expr]) -> dict[Expr, Expr]:
    return dict(new.items())


UPDATES: dict[str, Seen] = {"parallel": _parallel, "sequential": _sequential, "gauss-seidel": _gauss_seidel}


def find_update(name: str) -> Seen:
    """The substitution of an update schedule. Raises: UnknownName, with the near miss."""
    return find_row("update", name, UPDATES)


def order_of(weights: Sequence[Var], order: Sequence[Var | str] | None = None) -> list[Var]:
    """The weights in the order of their updates; the output layer first, which is the last parameter, by default.

    Raises: UnknownName for a name that no weight has; BadSetting if the order has not every weight once.

    >>> from symdiff.expr.leaves import var
    >>> [w.name for w in order_of([var('W1'), var('W2')])]
    ['W2', 'W1']
    """
    if order is None:
        return list(reversed(weights))
    by_name = {w.name: w for w in weights}
    names = [o if isinstance(o, str) else o.name for o in order]
    for name in names:
        if name not in by_name:
            raise UnknownName(f"order: there is no parameter {name!r}{did_you_mean(name, by_name)}. Parameters: {', '.join(by_name)}")
    if sorted(names) != sorted(by_name):
        raise BadSetting(f"order: {', '.join(names)} is given, each of {', '.join(by_name)} is wanted once")
    return [by_name[name] for name in names]


def updated(
    loss: Expr,
    weights: Sequence[Var],
    rule: Rule,
    update: str = "parallel",
    order: Sequence[Var | str] | None = None,
    gradients: Sequence[Expr] | None = None,
) -> dict[Var, Expr]:
    """The new values of the weights, in their order, then those of the state that the rule keeps.

    `gradients`, by default those of the loss, are what the rule follows, one for each weight.
    Raises: UnknownName for an update schedule or an order that names what is not there; BadSetting for an order that is not complete.

    >>> from symdiff.expr.leaves import var
    >>> v, w, x = var('v'), var('w'), var('x')
    >>> new = updated(v * (w * x), [w, v], lambda a, g: {a: a - g}, 'sequential')
    >>> new[v] is v - w * x, new[w] is w - (v - w * x) * x
    (True, True)
    """
    seen = find_update(update)
    (loss,) = without_corners([loss])  # as the gradients are taken: its nodes are what they mention
    slopes = dict(zip(weights, gradient(loss, weights) if gradients is None else gradients, strict=True))
    found: dict[Var, Expr] = {}
    new_weights: dict[Var, Expr] = {}
    for w in order_of(weights, order):
        slope = substitute(slopes[w], seen([loss], new_weights)) if new_weights else slopes[w]
        found |= rule(w, slope)
        new_weights[w] = found[w]
    return {w: found[w] for w in weights} | found
