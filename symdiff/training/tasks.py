"""From what a user chooses to a training that can start: the net on its data, start weights, rows held out, the arguments of `train`.

`digits` and `mnist5k` are short for a net on the images of that name, with settings that suit them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from symdiff.errors import BadSetting, did_you_mean
from symdiff.expr.nodes import Var
from symdiff.training.data import DATA, Split, find_data, fitted, split
from symdiff.training.evaluation import Evaluation, Evaluator
from symdiff.training.loop import Training, train
from symdiff.training.net import Array, Net
from symdiff.training.nets import find_net
from symdiff.training.starts import STARTS

OWN = "walkthrough"  # the start that belongs to a net
INITS = (OWN, *STARTS)


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What a user chose; None is what is usual. `target` names columns of `data`, which is a name or a file.

    `penalty` and `clip` are specs (penalties.py), `rate_schedule` too (rates.py). A share below 1 in `validation` and `test` is a
    fraction of the rows, from 1 on a number of rows.
    """

    net: str
    data: str | None = None
    target: tuple[str, ...] = ()
    loss: str | None = None
    dropout: float | None = None
    label_smoothing: float | None = None
    validation: float | None = None
    test: float | None = None
    init: str | None = None
    seed: int | None = None
    epochs: int | None = None
    learning_rate: float | None = None
    dtype: str | None = None
    batch: int | None = None
    optimizer: str | None = None
    update: str | None = None
    order: tuple[str, ...] | None = None
    rate_schedule: str | None = None
    penalty: str | None = None
    clip: str | None = None
    patience: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """What is not usual, as JSON data; files by their full path."""
        given = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) not in (None, ())}
        if self.data is not None and Path(self.data).suffix:
            given["data"] = str(Path(self.data).resolve())
        return given

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Choices:
        """The inverse of to_dict."""
        arguments: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
        return cls(**arguments)


PRESETS: dict[str, Choices] = {
    "digits": Choices(
        net="mlp:64-32-10:tanh:softmax-ce", data="digits", epochs=30, batch=32, optimizer="adam", learning_rate=0.005
    ),
    "mnist5k": Choices(
        net="mlp:784-64-10:tanh:softmax-ce", data="mnist5k", epochs=10, batch=50, optimizer="adam", learning_rate=0.003
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Task:
    """A training that can start; `rows` are the parts of the data if they were parted, `title` is the name that the user typed."""

    title: str
    net: Net
    rows: Split | None
    start: dict[Var, Array] | None
    arguments: dict[str, Any] = field(repr=False)
    choices: Choices

    def train(self, **more: Any) -> Training:
        """Train; `more` are further arguments of `train`, such as `checkpoint`."""
        validation = None if self.rows is None else self.rows.validation
        return train(self.net, start=self.start, validation=validation, **self.arguments, **more)

    def test(self, training: Training) -> Evaluation | None:
        """The trained net on the rows held out for the end; None if there are none."""
        if self.rows is None or self.rows.test is None:
            return None
        net = fitted(self.net, self.rows.test)
        return Evaluator(net)(net, training.weights, training.settings.dtype)


def make_task(choices: Choices) -> Task:
    """The training that a user's choices mean.

    Raises: the errors of find_net, find_data, fitted, split; BadSetting for choices that do not go together.

    >>> make_task(Choices(net='xor:2:tanh', seed=3)).net.start
    'N(0, 1), seed 3'
    """
    title = choices.net
    if title in PRESETS:
        choices = Choices.from_dict(PRESETS[title].to_dict() | {k: v for k, v in choices.to_dict().items() if k != "net"})
    seed = choices.seed or 0
    if seed < 0:
        raise BadSetting(f"--seed: {seed} is given, a whole number from 0 on is wanted")
    net = find_net(choices.net, loss=choices.loss, dropout=choices.dropout or 0.0, smoothing=choices.label_smoothing or 0.0)
    start, words = _start(net, choices)
    rows = None
    if choices.data is not None:
        data = find_data(choices.data, choices.target)
        fitted(net, data)  # what is wrong with a row is found before the rows are shuffled
        rows = split(data, choices.validation or 0.0, choices.test, seed)
        net = fitted(net, rows.train)
    elif net.sampled:
        raise BadSetting(f"{net.name} has no data: name some with --data: {', '.join(DATA)}, FILE.csv or FILE.npz")
    else:
        alone = {"--target": choices.target, "--validation": choices.validation, "--test": choices.test}
        for option, value in alone.items():
            if value not in (None, ()):
                raise BadSetting(f"{option} goes with --data: {net.name} has its own data, all of which it trains on")
    usual = ("epochs", "learning_rate", "batch", "rate_schedule", "penalty", "clip", "patience", "order")
    arguments = {key: getattr(choices, key) for key in usual} | {"seed": seed}
    arguments |= {key: value for key in ("dtype", "optimizer", "update") if (value := getattr(choices, key)) is not None}
    return Task(title, replace(net, start=words), rows, start, arguments, choices)


def _start(net: Net, choices: Choices) -> tuple[dict[Var, Array] | None, str]:
    """Start weights (None: the net's own) and where they come from, in words."""
    init, seed = choices.init, choices.seed
    if init is None:
        relu_like = "relu" in choices.net
        init = ("he" if relu_like else "glorot") if net.sampled else OWN if seed is None else "random"
    if init == OWN:
        if net.sampled:
            raise BadSetting(f"--init {OWN}: {net.name} has no start of its own; one of {', '.join(STARTS)} is wanted")
        if seed is not None:
            raise BadSetting(f"--init {OWN} has no seed, and {seed} is given: leave out --seed, or use --init random")
        return None, net.start
    if init not in STARTS:
        raise BadSetting(f"--init: there is no {init!r}{did_you_mean(init, INITS)}. Choices: {', '.join(INITS)}")
    return STARTS[init].draw(net, seed or 0), f"{STARTS[init].title}, seed {seed or 0}"


def penalty_spec(l1: float | None, l2: float | None, decay: float | None) -> str | None:
    """The penalty that three strengths mean, at most one kind of which acts: l1 and l2 together are the elastic net.

    Raises: BadSetting for a decay beside another penalty.

    >>> penalty_spec(0.1, None, None), penalty_spec(0.1, 0.3, None)
    ('l1:0.1', 'elastic:strength=0.4,ratio=0.25')
    """
    given = {name: value for name, value in (("l1", l1), ("l2", l2), ("decay", decay)) if value}
    if "decay" in given and len(given) > 1:
        raise BadSetting("--decay acts beside the gradient, --l1 and --l2 in the loss: one of the two kinds")
    if len(given) == 2:
        total = given["l1"] + given["l2"]
        return f"elastic:strength={total!r},ratio={given['l1'] / total!r}"
    return next((f"{name}:{value!r}" for name, value in given.items()), None)


def clip_spec(text: str | None) -> str | None:
    """The clipping that a text means; a bare number is a limit on the norm of all gradients.

    >>> clip_spec('1.5'), clip_spec('value:0.5')
    ('norm:1.5', 'value:0.5')
    """
    try:
        return text if text is None else f"norm:{float(text)!r}"
    except ValueError:
        return text
