"""What `derive` prints about an update: the formulas of the new weights, with the places where an update schedule changes them marked,
and what an optimizer, a rate schedule, a penalty and clipping make of a slope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.cells import cell_len

from symdiff.cli.derive_text import number
from symdiff.cli.layout import equation, padded, wrapped
from symdiff.cli.matrix_text import definition_lines
from symdiff.cli.notation import Notation
from symdiff.errors import BadSetting
from symdiff.expr.node import Expr
from symdiff.expr.nodes import Var
from symdiff.expr.traverse import variables
from symdiff.printing.formula import format_formulas
from symdiff.training.formulas import matrix_formulas
from symdiff.training.net import Array, Net
from symdiff.training.optimizers import Optimizer
from symdiff.training.penalties import read_clip, read_penalty
from symdiff.training.rates import read_rate
from symdiff.training.second_order import JointOptimizer, read_method
from symdiff.training.step import RATE, Step, training_step
from symdiff.training.update_formulas import SLOPE, Lines, SeenFormulas, after, rule_lines, seen_formulas

UPDATE_STYLES = ("unicode", "latex", "python")
SAYS = {
    "parallel": "all slopes at the old weights",
    "sequential": "a slope sees the new weights before it; layers keep their values",
    "gauss-seidel": "a slope sees the new weights before it; layers are computed again",
}


@dataclass(frozen=True)
class Choices:
    """How weights are updated, as specs; None is what `train` does by default."""

    update: str | None = None
    order: Sequence[str] | None = None
    optimizer: str | None = None
    schedule: str | None = None
    penalty: str | None = None
    clip: str | None = None

    @property
    def given(self) -> dict[str, Any]:
        """Those that are chosen, by their options."""
        options = {name: f"--{name}" for name in vars(self)} | {"penalty": "--l1, --l2 or --decay"}
        return {options[name]: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class Update:
    """An update of a network: its formulas, its step, and what one step makes of the start."""

    net: Net
    choices: Choices
    how: Optimizer | JointOptimizer
    seen: SeenFormulas
    rules: list[Lines]
    step: Step
    rate: float
    losses: dict[str, float]  # before, after, and after a parallel update where that differs
    weights: dict[Var, Array]


def derive_update(net: Net, choices: Choices) -> Update:
    """The update of a network, with the rate that `train` starts from. Raises: UnknownName, BadSetting as training_step."""
    how, schedule = read_method(choices.optimizer or "sgd"), read_rate(choices.schedule, steps=net.epochs)
    penalty, clip, update = read_penalty(choices.penalty), read_clip(choices.clip), choices.update or "parallel"
    rate = net.learning_rate if how.name == "sgd" else how.kind.usual_rate
    seen = seen_formulas(net, update, choices.order)
    step = training_step(net, update=update, order=choices.order, optimizer=how, rate_schedule=schedule, penalty=penalty, clip=clip)
    before, after_it, weights = _one_step(net, step, rate)
    losses = {"before": before, "after": after_it}
    if update != "parallel":
        losses["parallel"] = _one_step(net, training_step(net, optimizer=how, rate_schedule=schedule, penalty=penalty, clip=clip), rate)[1]
    rules = rule_lines(how, schedule if choices.schedule else None, penalty, clip)
    return Update(net, choices, how, seen, rules, step, rate, losses, weights)


def _one_step(net: Net, step: Step, rate: float) -> tuple[float, float, dict[Var, Array]]:
    """The loss before and after one step from the start, and the new weights."""
    values: dict[Var, Array] = {**net.values(), **step.state, RATE: np.array(rate)}
    loss, *new = step.program(*(values[v] for v in step.inputs))
    values |= zip(step.updates, map(np.asarray, new), strict=True)
    again, *_ = step.program(*(values[v] for v in step.inputs))
    return float(loss), float(again), {w: values[w] for w in net.weights}


class UpdateNotation(Notation):
    """The commands' notation, in which a new value has a ⁺ (in LaTeX the subscript new)."""

    def name(self, v: Var) -> str:
        if v is SLOPE or v.name == SLOPE.name:
            return {"unicode": "∂E/∂w", "latex": "∂E"}.get(self.style, "slope")
        old = super().name(after(v, 0))
        if self.style == "unicode":
            return old + "⁺" * v.token
        return "_".join([old, *["new"] * v.token])


def rule_text(lines: Lines, notation: Notation) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The formulas under a title as (name, text), and those of the parts that they share."""
    given: dict[Expr, str] = {v: notation.name(v) for e in (*lines.formulas, *lines.formulas.values()) for v in variables(e)}
    texts, where = format_formulas([*lines.formulas.values()], notation.style, given=given)
    return [(notation.formula(v), text) for v, text in zip(lines.formulas, texts, strict=True)], where


def settings_text(settings: Mapping[str, float]) -> str:
    """Settings by symbol.

    >>> settings_text({'β₁': 0.9, 'ε': 1e-8})
    'β₁ = 0.9, ε = 1e-08'
    """
    return ", ".join(f"{symbol} = {value:.6g}" for symbol, value in settings.items())


def update_lines(found: Update, style: str, columns: int) -> list[str]:
    """The update in a style: the page, LaTeX, or the generated NumPy step. Raises: BadSetting for a style that has none of these."""
    return page(found, columns) if style == "unicode" else listing(found, style)


# --- the page -------------------------------------------------------------------------------------------------------
def page(found: Update, columns: int) -> list[str]:
    """The page in lines of at most so many columns."""
    notation = UpdateNotation("unicode")
    net, seen = found.net, found.seen
    choices = found.choices
    plain = choices == Choices(choices.update, choices.order)
    order = " then ".join(notation.formula(w) for w in seen.gradients)
    how = found.choices.update or "parallel"
    head = wrapped(f"Updates   {how}: {SAYS[how]}" if how == "parallel" else f"Updates   {how}, {order}: {SAYS[how]}", columns, 0)
    blocks = [
        [f"{net.name}   {net.description}"],
        definition_lines(matrix_formulas(net, net.weights), notation, columns),
        [*head, *_gradient_block(seen, notation, columns, plain)],
    ]
    if not plain:
        slope = "with the slope g = ∂E/∂w" if not found.choices.penalty and not found.choices.clip else "with the slope ∂E/∂w"
        counted = "; k = 1, 2, … counts the updates" if any(v.name == "k" for v in found.step.updates) else ""
        joint = isinstance(found.how, JointOptimizer)
        what = "All weights in one vector w, with the gradient g" if joint else f"Each number w of a weight, {slope}"
        blocks.append([what + counted, *(line for lines in found.rules for line in rule_block(lines, notation, columns))])
    blocks.append(_values(found, notation, columns))
    return [line for block in blocks if block for line in ("", *block)][1:]


def _gradient_block(seen: SeenFormulas, notation: Notation, columns: int, plain: bool) -> list[str]:
    """The gradients, or for plain gradient descent the new weights, then what they mention; a mark where a new weight stands."""
    formulas: list[tuple[str, str, Expr]] = []
    for w, g in seen.gradients.items():
        if plain:
            new = w - Var("η", (), (), 0) * g
            formulas.append((notation.formula(after(w)), notation.formula(new), g))
        else:
            formulas.append((notation.slope(w), notation.formula(g), g))
    named = [(notation.formula(v), notation.formula(e), e) for v, e in seen.named.items()]
    return _marked(formulas, seen, notation, columns, "") + _marked(named, seen, notation, columns, "where  ")


def _marked(formulas: Sequence[tuple[str, str, Expr]], seen: SeenFormulas, notation: Notation, columns: int, lead: str) -> list[str]:
    left = max((cell_len(name) for name, _, _ in formulas), default=0)
    lines: list[tuple[str, str]] = []
    for k, (name, text, e) in enumerate(formulas):
        mark = ", ".join(f"{notation.formula(v)} in place of {notation.formula(after(v, 0))}" for v in seen.new_weights(e))
        start = "  " + (lead if k == 0 else " " * len(lead))
        first, *rest = equation(padded(name, left), text, columns, indent=len(start))
        lines += [(start + first[len(start) :], mark), *((line, "") for line in rest)]
    column = max((cell_len(line) for line, mark in lines if mark), default=0)
    found: list[str] = []
    for line, mark in lines:
        note = f"   ◂ {mark}" if mark else ""
        fits = column + cell_len(note) <= columns
        found += [padded(line, column) + note if fits and mark else line, *wrapped(note.strip(), columns, 9) * (not fits and bool(mark))]
    return found


def rule_block(lines: Lines, notation: Notation, columns: int) -> list[str]:
    """A title with its settings, the formulas below it."""
    formulas, where = rule_text(lines, notation)
    left = max(cell_len(name) for name, _ in formulas)
    facts = [settings_text(lines.settings)] if lines.settings else []
    if lines.start:
        facts.append("at first " + ", ".join(f"{notation.name(v)} = {value:g}" for v, value in lines.start.items()))
    block = wrapped("   ".join([lines.title, *["; ".join(facts)] * bool(facts)]), columns)
    for name, text in formulas:
        block += equation(padded(name, left), text, columns, indent=4)
    for k, (name, text) in enumerate(where):
        first, *rest = equation(name, text, columns, indent=11)
        block += [("    where  " if k == 0 else " " * 11) + first[11:], *rest]
    return block


def _values(found: Update, notation: Notation, columns: int) -> list[str]:
    losses = found.losses
    error = f"{number(losses['before'])}, then {number(losses['after'])}"
    if "parallel" in losses:
        error += f"   (parallel updates: {number(losses['parallel'])})"
    lines = [f"One update from the start, η = {found.rate:g}", f"  {notation.loss} = {error}"]
    for w, value in found.weights.items():
        head = f"  {notation.formula(after(w))} = "
        room = columns - cell_len(head)
        text = np.array2string(
            value, formatter={"float_kind": lambda x: number(float(x))}, threshold=64, edgeitems=2, max_line_width=room
        ).splitlines()
        lines += [head + text[0], *(" " * cell_len(head) + line for line in text[1:])]
    return lines


# --- other styles ---------------------------------------------------------------------------------------------------
def listing(found: Update, style: str) -> list[str]:
    """The update as LaTeX, or as the generated NumPy step. Raises: BadSetting for a style that has neither."""
    if style == "python":
        return found.step.source.splitlines()
    if style != "latex":
        raise BadSetting(f"--style {style}: an update is written in {', '.join(UPDATE_STYLES)}")
    notation = UpdateNotation("latex")
    rows = [(notation.formula(v), notation.formula(e)) for v, e in found.seen.named.items()]
    rows += [(notation.slope(w), notation.formula(g)) for w, g in found.seen.gradients.items()]
    for lines in found.rules:
        formulas, where = rule_text(lines, notation)
        rows += [*where, *formulas]
    body = [f"  {name} &= {text}" for name, text in rows]
    return [
        rf"% {found.net.name}, {found.seen.update} updates",
        r"\begin{align*}",
        *(r + r" \\" for r in body[:-1]),
        body[-1],
        r"\end{align*}",
    ]


def as_data(found: Update) -> dict[str, Any]:
    """The same for JSON."""
    notation = UpdateNotation("unicode")

    def row(key: str, v: Var, e: Expr) -> dict[str, Any]:
        return {
            key: notation.formula(v),
            "formula": notation.formula(e),
            "new_weights": [notation.formula(n) for n in found.seen.new_weights(e)],
        }

    rules = []
    for lines in found.rules:
        formulas, where = rule_text(lines, notation)
        named = [{"name": name, "formula": text} for name, text in [*where, *formulas]]
        rules.append({"title": lines.title, "settings": lines.settings, "formulas": named})
    return {
        "command": "derive",
        "net": found.net.name,
        "update": found.seen.update,
        "order": [w.name for w in found.seen.gradients],
        "optimizer": found.how.spec,
        "gradients": [row("wrt", w, g) for w, g in found.seen.gradients.items()],
        "named": [row("name", v, e) for v, e in found.seen.named.items()],
        "rules": rules,
        "learning_rate": found.rate,
        "one_update": {"loss_before": found.losses["before"], "loss_after": found.losses["after"]}
        | ({"loss_after_parallel": found.losses["parallel"]} if "parallel" in found.losses else {})
        | {"weights": {w.name: a for w, a in found.weights.items()}},
    }
