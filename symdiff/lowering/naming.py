"""Identifiers for emitted source: plain ASCII, no keyword, nothing that the source uses itself, each given out once."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable

from symdiff.expr.names import SUBSCRIPTS

PRIME = {"′": "_prime", "″": "_second", "'": "_prime"}


def ascii_name(name: str) -> str:
    """An ASCII identifier that reads like the name: Greek letters spelt out, subscripts as digits.

    >>> ascii_name('δ₂'), ascii_name('W1'), ascii_name('∂E/∂W₁'), ascii_name('2 x')
    ('delta2', 'W1', 'dE_dW1', 'v2_x')
    """
    text = name.translate(SUBSCRIPTS).replace("∂", "d").replace("∇", "grad_")
    letters = []
    for c in text:
        if c.isascii() and (c.isalnum() or c == "_"):
            letters.append(c)
        elif c in PRIME:
            letters.append(PRIME[c])
        else:
            letters.append(_spelt(c))
    plain = re.sub(r"_+", "_", "".join(letters)).strip("_") if not text.isascii() or not text.isidentifier() else text
    return plain if plain.isidentifier() else f"v{plain}" if plain else "v"


def _spelt(c: str) -> str:
    """A letter of another alphabet by its Unicode name, without accents; anything else as an underscore."""
    base = unicodedata.normalize("NFKD", c)[0]
    if base.isascii() and base.isalnum():
        return base
    words = unicodedata.name(c, "").split()
    if len(words) >= 4 and words[1:3] in (["SMALL", "LETTER"], ["CAPITAL", "LETTER"]):
        word = words[3].lower()
        return (word if words[1] == "SMALL" else word.capitalize()) if word.isalpha() and word.isascii() else "_"
    return "_"


class Names:
    """Gives out identifiers; `reserved` ones never."""

    def __init__(self, reserved: Iterable[str]) -> None:
        self._taken = set(reserved) | set(keyword.kwlist) | set(keyword.softkwlist)
        self._next: dict[str, int] = {}

    def fresh(self, wanted: str) -> str:
        """The wanted name made safe, with a number behind it if it is taken.

        >>> names = Names({'np'})
        >>> names.fresh('x'), names.fresh('x'), names.fresh('np'), names.fresh('lambda')
        ('x', 'x_2', 'np_2', 'lambda_2')
        """
        name = ascii_name(wanted)
        if name in self._taken:
            k = self._next.get(name, 2)
            while f"{name}_{k}" in self._taken:
                k += 1
            self._next[name] = k + 1
            name = f"{name}_{k}"
        self._taken.add(name)
        return name

    def numbered(self, stem: str) -> str:
        """stem1, stem2, ...: a name for what has none."""
        k = self._next.get("#" + stem, 1)
        while f"{stem}{k}" in self._taken:
            k += 1
        self._next["#" + stem] = k + 1
        self._taken.add(f"{stem}{k}")
        return f"{stem}{k}"
