"""Specs: a name with settings in one short text, 'adam' or 'momentum:beta=0.8', read against a table of what there is.

Optimizers, rate schedules, penalties and gradient clipping are all chosen this way, on the command line and in Python.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, isfinite
from typing import Generic, Protocol, TypeVar

from symdiff.errors import BadSetting, UnknownName, did_you_mean
from symdiff.expr.leaves import const, var
from symdiff.expr.node import Expr


@dataclass(frozen=True)
class Setting:
    """A number that a user may set: its default (None: it must be given), its symbol in formulas, and the range it lies in.

    The range is from `least` to `most`; `open_below` and `open_above` leave out the ends.
    """

    default: float | None
    symbol: str
    least: float = 0.0
    most: float = inf
    open_below: bool = False
    open_above: bool = False
    whole: bool = False

    def allows(self, value: float) -> bool:
        """Whether a value is in range."""
        low = value > self.least if self.open_below else value >= self.least
        high = value < self.most if self.open_above else value <= self.most
        return isfinite(value) and low and high and (not self.whole or value == int(value))

    @property
    def range(self) -> str:
        """The range in words.

        >>> fraction(0.9, 'β').range, positive(1e-8, 'ε').range, count(None, 'T').range
        ('a number from 0 on, below 1', 'a number above 0', 'a whole number from 1 on')
        """
        kind = "a whole number" if self.whole else "a number"
        bottom = f"above {self.least:g}" if self.open_below else f"from {self.least:g} on"
        top = "" if self.most == inf else f", below {self.most:g}" if self.open_above else f", at most {self.most:g}"
        return f"{kind} {bottom}{top}"


def fraction(default: float | None, symbol: str) -> Setting:
    """A setting in [0, 1)."""
    return Setting(default, symbol, most=1.0, open_above=True)


def between(default: float | None, symbol: str) -> Setting:
    """A setting above 0 and below 1."""
    return Setting(default, symbol, most=1.0, open_below=True, open_above=True)


def share(default: float | None, symbol: str) -> Setting:
    """A setting in [0, 1]."""
    return Setting(default, symbol, most=1.0)


def positive(default: float | None, symbol: str) -> Setting:
    """A setting above 0."""
    return Setting(default, symbol, open_below=True)


def nonnegative(default: float | None, symbol: str) -> Setting:
    """A setting from 0 on."""
    return Setting(default, symbol)


def number(default: int | None, symbol: str) -> Setting:
    """A whole number from 0 on."""
    return Setting(default, symbol, whole=True)


def count(default: int | None, symbol: str) -> Setting:
    """A whole number from 1 on."""
    return Setting(default, symbol, least=1.0, whole=True)


class Row(Protocol):
    """What a table of specs holds."""

    @property
    def settings(self) -> Mapping[str, Setting]: ...


K = TypeVar("K")
R = TypeVar("R", bound=Row)


@dataclass(frozen=True)
class Choice(Generic[R]):
    """A row of a table, chosen by its name, with the values of its settings."""

    name: str
    kind: R
    values: Mapping[str, float]

    @property
    def spec(self) -> str:
        """The text that reads back as this choice."""
        return self.name + (":" + ",".join(f"{key}={value!r}" for key, value in self.values.items()) if self.values else "")

    @property
    def numbers(self) -> dict[str, Expr]:
        """Its settings as constants; a whole number is exact, so that a term with the factor 0 goes."""
        return {key: const(int(value) if value == int(value) else value) for key, value in self.values.items()}

    @property
    def symbols(self) -> dict[str, Expr]:
        """Its settings as variables, for formulas."""
        return {key: var(setting.symbol) for key, setting in self.kind.settings.items()}


def find_row(what: str, name: str, table: Mapping[str, K]) -> K:
    """The row of that name. Raises: UnknownName, with the near miss.

    >>> find_row('update', 'paralel', {'parallel': 0})
    Traceback (most recent call last):
    symdiff.errors.UnknownName: there is no update 'paralel' (did you mean 'parallel'?). Choices: parallel
    """
    if name not in table:
        raise UnknownName(f"there is no {what} {name!r}{did_you_mean(name, table)}. Choices: {', '.join(table)}")
    return table[name]


def settings_of(what: str, name: str, row: Row, given: Mapping[str, float]) -> dict[str, float]:
    """The values of all settings of a row: those given, defaults for the others.

    Raises: UnknownName for a setting that the row has not; BadSetting for a value out of range or one that must be given.
    """
    for key in given:
        if key not in row.settings:
            known = f"Settings: {', '.join(row.settings)}" if row.settings else "It has no settings"
            raise UnknownName(f"{what} {name} has no setting {key!r}{did_you_mean(key, row.settings)}. {known}")
    values: dict[str, float] = {}
    for key, setting in row.settings.items():
        value = given.get(key, setting.default)
        if value is None:
            raise BadSetting(f"{what} {name}: {key} is not given, {setting.range} is wanted, such as {name}:{key}=100")
        if not setting.allows(value):
            raise BadSetting(f"{what} {name}: {key}={value:g} is given, {setting.range} is wanted")
        values[key] = int(value) if setting.whole else float(value)
    return values


def chosen(what: str, name: str, table: Mapping[str, R], given: Mapping[str, float]) -> tuple[str, R, dict[str, float]]:
    """A name, its row, and the values of all its settings. Raises: UnknownName, BadSetting."""
    row = find_row(what, name, table)
    return name, row, settings_of(what, name, row, given)


def read(what: str, text: str, table: Mapping[str, R], usual: Mapping[str, float] | None = None) -> tuple[str, R, dict[str, float]]:
    """What a text chooses; a number without a name is the first setting. `usual` replaces defaults where the row has such settings.

    Raises: UnknownName for a name that the table has not; BadSetting for a setting that is no number, out of range or given twice.

    >>> from types import SimpleNamespace as Row
    >>> table = {'momentum': Row(settings={'beta': fraction(0.9, 'β')})}
    >>> [read('optimizer', text, table)[2] for text in ('momentum', 'momentum:beta=0.8', 'momentum:0.8')]
    [{'beta': 0.9}, {'beta': 0.8}, {'beta': 0.8}]
    """
    name, _, rest = text.strip().partition(":")
    row = find_row(what, name.strip(), table)
    given: dict[str, float] = {}
    for k, part in enumerate(rest.split(",") if rest.strip() else []):
        key, equals, number = (word.strip() for word in part.partition("="))
        if not equals and k == 0 and row.settings:
            key, number = next(iter(row.settings)), key
        try:
            value = float(number)
        except ValueError:
            raise BadSetting(f"{what} {name}: {part.strip()!r} is given, NAME=NUMBER is wanted") from None
        if key in given:
            raise BadSetting(f"{what} {name}: {key} is given twice")
        given[key] = value
    return chosen(what, name.strip(), table, {k: v for k, v in (usual or {}).items() if k in row.settings} | given)
