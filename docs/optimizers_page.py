"""Writes docs/optimizers.md, every optimizer, rate schedule, penalty and limit as the library prints it: `python docs/optimizers_page.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from symdiff.cli.derive_update import SAYS, Choices, UpdateNotation, derive_update, rule_block, rule_text
from symdiff.cli.derive_update import page as update_page
from symdiff.training import CLIPS, METHODS, PENALTIES, RATES, SECOND_ORDER, UPDATES, mazur, read_clip, read_method, read_penalty, read_rate
from symdiff.training.update_formulas import Lines, rate_lines, rule_lines

PAGE = Path(__file__).with_name("optimizers.md")
COLUMNS = 100
SAMPLES = {"step": "step:steps=30", "exponential": "exponential:gamma=0.99", "cosine": "cosine:steps=100", "warmup": "warmup:steps=10", "one-cycle": "one-cycle:steps=100"}  # fmt: skip


def page() -> str:
    """The page as Markdown."""
    return "\n".join([*_head(), *_updates(), *_optimizers(), *_rates(), *_penalties(), *_choosing()])


def _head() -> list[str]:
    return [
        "# Optimizers, rate schedules, penalties",
        "",
        "Written by `python docs/optimizers_page.py`: each formula below is printed by the library from the expression that the training step",
        "is made of; a test fails when the page is out of date. `w` is one number of a weight, `g` its slope, `η` the rate, `k` the number of",
        "the update, 1 at first; `w⁺` is `w` after the update. A spec such as `momentum:beta=0.8` sets what stands beside a name; a number",
        "alone sets the first of them (`momentum:0.8`). Each first-order optimizer agrees with PyTorch's, or with its paper's algorithm, to",
        "1e-12 over 100 steps; the second-order ones end where SciPy's do.",
        "",
    ]


def _doc(function: Any) -> list[str]:
    """The docstring of a rule as a paragraph."""
    return [" ".join((function.__doc__ or "").split()), ""]


def _block(*groups: Lines) -> list[str]:
    notation = UpdateNotation("unicode")
    return ["```text", *(line for lines in groups for line in rule_block(lines, notation, COLUMNS)), "```", ""]


def _latex(lines: Lines) -> list[str]:
    formulas, where = rule_text(lines, UpdateNotation("latex"))
    return ["```latex", *(f"{name} = {text}" for name, text in [*where, *formulas]), "```", ""]


def _settings(kind: Any) -> str:
    """What may be set, with defaults and ranges."""
    rows = [
        f"`{key}` ({setting.symbol}, {'required' if setting.default is None else f'{setting.default:g}'}; {setting.range})"
        for key, setting in kind.settings.items()
    ]
    return "Settings: " + ", ".join(rows) + "." if rows else "No settings."


def _updates() -> list[str]:
    lines = [
        "## Update schedules",
        "",
        "`--update` says which new weights a later slope sees; `--order W2,W1` in which order weights change.",
    ]
    lines += ["Each is a substitution on the same tree; a mark stands where a new weight replaces the old one.", ""]
    for name in UPDATES:
        lines += [
            f"**{name}**: {SAYS[name]}.",
            "",
            "```text",
            *update_page(derive_update(mazur(), Choices(update=name)), COLUMNS),
            "```",
            "",
        ]
    return lines


def _optimizers() -> list[str]:
    lines = ["## Optimizers", ""]
    for name, kind in METHODS.items():
        (found,) = rule_lines(read_method(name))
        lines += [
            f"### {name}",
            "",
            *_doc(kind.rule),
            f"{_settings(kind)} Usual rate: {kind.usual_rate:g}.",
            "",
            *_block(found),
            *_latex(found),
        ]
        if name in SECOND_ORDER:
            lines += [f"All weights are one vector `w` with the gradient `g`; `solve(A, b)` is A⁻¹ b. {_MATRICES[kind.symbol]}", ""]
    return [
        *lines,
        "### L-BFGS",
        "",
        "`python cli.py minimize xor`, in Python `symdiff.training.lbfgs(net)`, hands the lowered loss and gradients to SciPy's L-BFGS-B",
        "(extra `fast`): a minimiser by line searches, not a step.",
        "Source: Liu and Nocedal, On the limited memory BFGS method for large scale optimization (1989).",
        "",
    ]


_MATRICES = {
    "H": "`H` is the Hessian of the loss in all weights, derived as an expression.",
    "A": "`A` is the Gauss-Newton matrix Jᵀ H J: J the Jacobian of what the loss compares, H the loss's Hessian in that.",
}


def _rates() -> list[str]:
    lines = [
        "## Rate schedules",
        "",
        "`η₀` is the rate that is given. Schedules compose: `warmup:steps=50+cosine:steps=1000` hands the rate on.",
        "",
    ]
    for name, kind in RATES.items():
        (found,) = rate_lines(read_rate(SAMPLES.get(name, name)))
        lines += [f"### {name}", "", *_doc(kind.rule), _settings(kind), "", *_block(found)]
    return lines


def _penalties() -> list[str]:
    lines = [
        "## Penalties and limits",
        "",
        "`P` is added to the loss that is descended, not to the one that is reported. `G` and `g` are slopes.",
        "",
    ]
    for name, kind in PENALTIES.items():
        found = rule_lines(read_method("sgd"), penalty=read_penalty(name))
        lines += [
            f"### {name}",
            "",
            *_doc(kind.term),
            _settings(kind),
            "",
            *_block(*(group for group in found if group.title == f"penalty {name}")),
        ]
    for name, limit in CLIPS.items():
        found = rule_lines(read_method("sgd"), clip=read_clip(name))
        lines += [f"### clip {name}", "", *_doc(limit.limit), _settings(limit), "", *_block(found[0])]
    return lines


def _choosing() -> list[str]:
    return [
        "## All together",
        "",
        "What `python cli.py derive --net mazur --update sequential --optimizer adam --schedule cosine:steps=1000 --l2 0.01 --clip norm:1`",
        "prints, which is what one generated step computes; `train` takes the same options:",
        "",
        "```text",
        *update_page(derive_update(mazur(), Choices("sequential", None, "adam", "cosine:steps=1000", "l2:0.01", "norm:1")), COLUMNS),
        "```",
        "",
    ]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
