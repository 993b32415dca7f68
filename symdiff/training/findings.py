"""What can be concluded about one published training, each conclusion from numbers that were computed for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symdiff.expr.ops import mean, square
from symdiff.expr.ops import sum as sum_of
from symdiff.rewrite import simplify_all
from symdiff.training.conventions import counts
from symdiff.training.explaining import Explanation, Match, Search
from symdiff.training.net import Net
from symdiff.training.published import Published
from symdiff.training.questions import Question

# From which share of a gap on a convention that moves a number so far is called what.
SHARES = (
    (1.1, "is not the reason by itself"),
    (0.9, "is the reason"),
    (0.1, "is part of the reason"),
    (0.0, "is not the reason"),
)


PHRASES = {
    "update": "the updates are {}",
    "layout": "the program multiplies with {}",
    "loss": "the loss is the {}",
    "rate": "the gradient is taken {}",
    "biases": "the biases are {}",
    "precision": "it is computed in {}",
}


@dataclass(frozen=True)
class Finding:
    """One conclusion: what it is about, and the sentence."""

    about: str
    text: str


def moment(updates: int) -> str:
    """After how many updates.

    >>> moment(1), moment(1000)
    ('after 1 update', 'after 1,000 updates')
    """
    return f"after {updates:,} update{'s' if updates != 1 else ''}"


def conventions_of(match: Match) -> str:
    """What a training departs in, in words."""
    names = [c.name for c in match.choices if c.departs or c.convention == "update"]
    return ", ".join(names)


def outputs(values: Sequence[float]) -> str:
    """Outputs in brackets, to six digits."""
    return f"[{', '.join(f'{y:.6f}' for y in values)}]"


def told(question: Question, match: Match) -> str:
    """What a match gives of what was asked."""
    if question.loss:
        return f"{match.loss:.{-question.loss.exponent}f}"
    return outputs(match.point.prediction) if question.prediction else "these weights"


def reproduction(found: Explanation) -> list[Finding]:
    """What gives the number, and whether anything else does."""
    question, nearest = found.question, found.nearest[0]
    given = f"{conventions_of(nearest)}, read {moment(nearest.point.updates)}, gives {told(question, nearest)}"
    if not found.matches:
        return [
            Finding("not reproduced", f"no combination of conventions gives it: the nearest, {given}, is {nearest.difference:.1e} away.")
        ]
    exact = nearest.difference <= max(q.half_unit for q in question.wanted) * (1 + 1e-9)
    how = "as published in all digits" if exact else f"within {nearest.difference:.1e} of what was published: near, not equal"
    others = len(found.matches) - 1
    rest = (
        f"{others or 'none'} of the {found.combinations - 1:,} others that were tried {'is' if others < 2 else 'are'} within the tolerance"
    )
    return [Finding("reproduced", f"{given}, {how}; {rest}.")]


def against_what_is_said(p: Published, question: Question, nearest: Match, said: Match | None) -> list[Finding]:
    """Conventions that the text names and the numbers contradict."""
    wrong = [f"{name}, not {nearest.answer(convention)}" for convention, name in p.said.items() if nearest.answer(convention) != name]
    if not wrong or said is None:
        return []
    if said.difference <= question.tolerance:
        return [Finding("undecided", f"it is said to be {'; '.join(wrong)}; that gives {told(question, said)}, which is as near.")]
    return [
        Finding(
            "contradicted",
            f"it is said to be {'; '.join(wrong)}: that would give {told(question, said)}, {said.difference:.1e} away.",
        )
    ]


def besides_what_is_said(search: Search, p: Published, question: Question, nearest: Match) -> list[Finding]:
    """Departures that the text does not mention, with what they do by themselves."""
    found = []
    for choice, rest in search.taken_back(question, nearest).items():
        if choice.convention in (*p.said, "reading") or rest is None:
            continue
        text = f"it is not said that {PHRASES[choice.convention].format(choice.name)}; otherwise it would give {told(question, rest)}, {rest.difference:.1e} away"
        if abs(rest.first_loss - nearest.first_loss) > question.tolerance:
            text += f". It is another training from the start: its first loss is {nearest.first_loss:.7f} instead of {rest.first_loss:.7f}"
        found.append(Finding("not said", text + "."))
    return found


def blamed(search: Search, p: Published, beside: Published | None, question: Question) -> list[Finding]:
    """For each convention that the text names as the reason of a gap: how far it moves the number by itself."""
    if beside is None or beside.loss is None or p.loss is None:
        return []
    gap = abs(p.loss.value - beside.loss.value)
    base = search.with_choices(question, **beside.said)
    found = []
    for convention in p.blamed:
        own, *others = search.choices[convention]
        if convention == "loss" and _mean_is_half_sum(search.net):
            found.append(
                Finding(
                    "blamed",
                    f"the scaling of the loss is not the reason: for {counts(search.net)[1]} outputs the mean of the squares is half their "
                    "sum, one formula, so the gradients are identical.",
                )
            )
            continue
        moves = [m for c in others if base and (m := search.with_choices(question, **{**beside.said, convention: c.name}))]
        if base is None or not moves or gap == 0:
            continue
        far = min(moves, key=lambda m: m.difference)
        moved = abs(far.loss - base.loss)
        share = moved / gap
        verdict = next(words for least, words in SHARES if share >= least)
        found.append(
            Finding(
                "blamed",
                f"{convention} {verdict}: {far.answer(convention)} instead of {own.name} moves the loss by {moved:.1e}, "
                f"and {beside.name} is {gap:.1e} away.",
            )
        )
    return found


def _mean_is_half_sum(net: Net) -> bool:
    """Whether the mean of the squared errors and half their sum are one formula for this network's outputs."""
    squares = square(net.prediction - net.target)
    one, other = simplify_all([mean(squares), sum_of(squares) / 2])
    return one is other


def prediction(question: Question, nearest: Match) -> list[Finding]:
    """Whether the prediction beside a loss is of the same training, and of the same moment."""
    if not (question.prediction and question.loss):
        return []
    published = f"[{', '.join(q.text for q in question.prediction)}]"
    at, point = nearest.prediction_at, nearest.point
    if at is None:
        return [Finding("prediction", f"its prediction {published} is not that of this training, which is {outputs(point.prediction)}.")]
    if nearest.mixes:
        return [
            Finding(
                "prediction",
                f"its prediction {published} is that {moment(at.updates)}, {outputs(at.prediction)}, its loss that {moment(point.updates)}, "
                f"where the prediction is {outputs(point.prediction)}: the row mixes the two.",
            )
        ]
    return [Finding("prediction", f"its prediction {published} is that of the same moment.")]


def reduction(p: Published, nearest: Match) -> list[Finding]:
    """Whether the reduction of the error is that of the training that gives the loss."""
    if p.reduction is None:
        return []
    away = abs(nearest.reduction - p.reduction.value)
    if away <= p.reduction.half_unit * 1.000001:
        return [Finding("reduction", f"the error is reduced by {nearest.reduction:.4f} %, as published.")]
    return [Finding("reduction", f"the error is reduced by {nearest.reduction:.4f} %, not by {p.reduction.text} %.")]
