"""An update as formulas to read: what an optimizer does with a slope, and which values each slope sees.

A new value is a variable of the old one's name with a token: token 1 is printed as one ⁺, so that W₂⁺ is W₂ after its update. A
sequential update then shows where it differs from a parallel one: its formulas mention new weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from symdiff.calculus import gradient
from symdiff.expr.leaves import var
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import substitute, variables
from symdiff.rewrite import simplify_all
from symdiff.training.backprop import backpropagate
from symdiff.training.formulas import reachable
from symdiff.training.net import Net
from symdiff.training.optimizers import Optimizer
from symdiff.training.penalties import Clip, Penalty
from symdiff.training.rates import PI, RateSchedule
from symdiff.training.second_order import At, JointOptimizer
from symdiff.training.specs import Choice, R
from symdiff.training.updates import find_update, order_of


def after(v: Var, times: int = 1) -> Var:
    """The variable of a value that has been computed anew so many times.

    >>> w = Var('w', (), (), 0)
    >>> after(w).token, after(w, 0) is w
    (1, True)
    """
    return Var(v.name, v.dims, v.assumptions, times)


# --- which values a slope sees --------------------------------------------------------------------------------------
@dataclass(frozen=True)
class SeenFormulas:
    """The gradients in the order of the updates, each as its update sees it, and what they mention by name: cotangents, and layers that
    are computed again."""

    update: str
    gradients: dict[Var, Expr]
    named: dict[Var, Expr]

    def new_weights(self, e: Expr) -> list[Var]:
        """The new weights that a formula mentions: where it differs from that of parallel updates."""
        return [v for v in variables(e) if v.token and after(v, 0) in self.gradients]


def seen_formulas(net: Net, update: str = "parallel", order: Sequence[Var | str] | None = None) -> SeenFormulas:
    """The gradients of a network in the names of its layers, under an update schedule.

    Raises: as updates.updated.

    >>> from symdiff.training.nets import mazur
    >>> seen = seen_formulas(mazur(), 'sequential')
    >>> [(v.name, [w.name for w in seen.new_weights(e)]) for v, e in seen.named.items()]
    [('δ₂', []), ('δ₁', ['W2'])]
    """
    definitions = {d.var: d.value for d in net.definitions}
    back = backpropagate(definitions, net.objective, net.weights, {d.var: d.cotangent for d in net.definitions if d.cotangent})
    named = definitions | back.cotangents
    seen = find_update(update)
    versions: dict[Var, list[Expr]] = {v: [value] for v, value in definitions.items()}
    shown: dict[Var, Expr] = {}
    gradients: dict[Var, Expr] = {}
    new: dict[Var, Expr] = {}
    for w in order_of(net.weights, order):
        swapped = seen([*definitions.values(), net.objective], new)
        needed = reachable([back.gradients[w]], named)
        for v in (v for v in named if v in needed):
            value = substitute(named[v], swapped)
            known = versions.setdefault(v, [])
            if value not in known:
                known.append(value)
            times = known.index(value)
            if times:
                swapped[v] = after(v, times)
            if times or v in back.cotangents:
                shown[after(v, times)] = value
        gradients[w] = substitute(back.gradients[w], swapped)
        new[w] = after(w)
    shown = _written_into_others(shown, gradients, definitions)
    simple = simplify_all([*gradients.values(), *shown.values()])
    return SeenFormulas(
        update,
        dict(zip(gradients, simple, strict=False)),
        dict(zip(shown, simple[len(gradients) :], strict=True)),
    )


def _written_into_others(shown: dict[Var, Expr], gradients: Mapping[Var, Expr], definitions: Mapping[Var, Expr]) -> dict[Var, Expr]:
    """Without the layers that no slope mentions: they are written into the next, as in y⁺ = σ(W₂⁺ h + b₂)."""
    layers = {v for v in shown if after(v, 0) in definitions}
    mentioned = set(variables(*gradients.values(), *(e for v, e in shown.items() if v not in layers)))
    hidden: dict[Expr, Expr] = {}
    kept: dict[Var, Expr] = {}
    for v, e in shown.items():
        value = substitute(e, hidden)
        if v in layers and v not in mentioned:
            hidden[v] = value
        else:
            kept[v] = value
    return kept


# --- what is done with a slope --------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Lines:
    """Formulas under a title, with the values of their settings by symbol, and of the state at first. Each is for one number of a
    weight, or for all in one vector."""

    title: str
    settings: dict[str, float]
    start: dict[Var, float]
    formulas: dict[Var, Expr]


def _variable(name: str, *shape: str) -> Var:
    return Var(name, shape, (), 0)


_K, _G, _LOSS = _variable("k"), _variable("g"), _variable("E")
_BELOW = "₀₁₂₃₄₅₆₇₈₉"
SLOPE = _variable("slope")  # ∂E/∂w


def _lines(what: str, choice: Choice[R], formulas: Mapping[Var, Expr], start: Mapping[Var, float] | None = None) -> Lines:
    settings = {choice.kind.settings[key].symbol: value for key, value in choice.values.items()}
    shown = {v: substitute(e, {PI: var("π")}) for v, e in formulas.items()}
    return Lines(f"{what} {choice.name}", settings, dict(start or {}), shown)


def _with_new(changed: Mapping[str, Expr], slots: Mapping[str, Var], others: Mapping[Var, Expr]) -> dict[Var, Expr]:
    """New state, then what is computed from it, in which the new state goes by its name."""
    marks: dict[Expr, Expr] = {e: after(slots[slot]) for slot, e in changed.items()}
    return {after(slots[slot]): e for slot, e in changed.items()} | {v: substitute(e, marks) for v, e in others.items()}


def optimizer_lines(how: Optimizer) -> Lines:
    """The rule of a first-order optimizer for one number w of a weight, with the slope g."""
    w, slots = _variable("w"), {slot: _variable(slot) for slot in how.kind.slots}
    new, changed = how.apply(w, _G, _variable("η"), _K, slots, how.symbols)
    return _lines("optimizer", how, _with_new(changed, slots, {after(w): new}), dict.fromkeys(slots.values(), 0.0))


def joint_lines(how: JointOptimizer) -> Lines:
    """The rule of a second-order optimizer for all weights as one vector w, with the gradient g."""
    w, g, matrix = _variable("w", "N"), _variable("g", "N"), _variable(how.kind.symbol, "N", "N")
    slots = {slot: Var(_SLOT_SYMBOLS.get(slot, slot), (), (), 0) for slot in how.kind.slots}
    trial = _variable("trial", "N")
    tried: dict[Var, Expr] = {}

    def loss_at(weights: Expr) -> Expr:
        tried[trial] = weights
        return _variable("E_trial")

    new, changed = how.kind.rule(At(w, _LOSS, g, matrix, loss_at, _variable("η")), slots, how.symbols)
    moved = substitute(new, {e: v for v, e in tried.items()})
    formulas = tried | {after(w): moved} | {after(slots[slot]): e for slot, e in changed.items()}
    return _lines("optimizer", how, formulas, {slots[slot]: value for slot, value in how.kind.slots.items()})


_SLOT_SYMBOLS = {"damping": "λ"}


def rate_lines(schedule: RateSchedule) -> list[Lines]:
    """The rate of update k, part by part; the given rate is η₀ in the first, in the next that of the one before."""
    found = []
    for number, part in enumerate(schedule.parts):
        slots = {slot: _variable(slot) for slot in part.kind.slots}
        now = _variable("η" if number == len(schedule.parts) - 1 else f"η{_BELOW[number + 1]}")
        rate, changed = part.apply(_variable(f"η{_BELOW[number]}"), _K, _LOSS, slots, part.symbols)
        found.append(
            _lines(
                "rate", part, {now: rate} | _with_new(changed, slots, {}), {slots[slot]: value for slot, value in part.kind.slots.items()}
            )
        )
    return found


def penalty_lines(penalty: Penalty, slope: Var) -> Lines:
    """The term P of the loss and the slope with it; or what a decoupled penalty takes off a weight after the optimizer."""
    w = _variable("w")
    if penalty.kind.decoupled:
        return _lines("penalty", penalty, {after(w, 2): after(w) - _variable("η") * penalty.pull(w, penalty.symbols)})
    (added,) = gradient(penalty.term([w], penalty.symbols), [w])
    return _lines("penalty", penalty, {_variable("P"): penalty.term([_variable("W", "N")], penalty.symbols), slope: SLOPE + added})


def clip_lines(clip: Clip, slope: Var, limited: Var) -> Lines:
    """What becomes of the slopes, all of them as one vector."""
    before = Var(slope.name, ("N",), (), 0)
    return _lines("clipping", clip, {limited: clip.apply([before], clip.symbols)[0]})


def rule_lines(
    how: Optimizer | JointOptimizer, schedule: RateSchedule | None = None, penalty: Penalty | None = None, clip: Clip | None = None
) -> list[Lines]:
    """All that stands between the slopes and the new weights, in the order in which it is applied. `SLOPE` is the derivative of the loss,
    g what the optimizer sees, the same without a penalty or clipping.

    >>> from symdiff.training.optimizers import optimizer
    >>> [line.title for line in rule_lines(optimizer('adam'))]
    ['optimizer adam']
    """
    found: list[Lines] = []
    coupled = penalty is not None and not penalty.kind.decoupled
    penalised = _variable("G") if clip is not None else _G
    if penalty is not None and coupled:
        found.append(penalty_lines(penalty, penalised))
    if clip is not None:
        found.append(clip_lines(clip, penalised if coupled else SLOPE, _G))
    found += rate_lines(schedule) if schedule is not None else []
    found.append(joint_lines(how) if isinstance(how, JointOptimizer) else optimizer_lines(how))
    if penalty is not None and not coupled:
        found.append(penalty_lines(penalty, _G))
    return found
