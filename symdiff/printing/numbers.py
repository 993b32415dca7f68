"""Numbers that have a name in mathematics: 1/√2 for 0.7071067811865475, as the derivatives of erf and gelu have them."""

from __future__ import annotations

from math import e, log, pi, sqrt

NAMED: dict[float, tuple[str, str]] = {
    pi: ("π", r"\pi"),
    2 * pi: ("2π", r"2\pi"),
    e: ("e", "e"),
    sqrt(2): ("√2", r"\sqrt{2}"),
    1 / sqrt(2): ("1/√2", r"\frac{1}{\sqrt{2}}"),
    sqrt(0.5): ("1/√2", r"\frac{1}{\sqrt{2}}"),
    sqrt(pi): ("√π", r"\sqrt{\pi}"),
    2 / sqrt(pi): ("2/√π", r"\frac{2}{\sqrt{\pi}}"),
    1 / sqrt(pi): ("1/√π", r"\frac{1}{\sqrt{\pi}}"),
    sqrt(2 / pi): ("√(2/π)", r"\sqrt{\frac{2}{\pi}}"),
    sqrt(2 * pi): ("√(2π)", r"\sqrt{2\pi}"),
    1 / sqrt(2 * pi): ("1/√(2π)", r"\frac{1}{\sqrt{2\pi}}"),
    log(2): ("log 2", r"\log 2"),
    log(10): ("log 10", r"\log 10"),
    1 / log(2): ("1/log 2", r"\frac{1}{\log 2}"),
    1 / log(10): ("1/log 10", r"\frac{1}{\log 10}"),
}
"""A float, to its last digit, as unicode and as LaTeX."""


def named_number(value: object, style: int) -> str | None:
    """The name of a positive float, if it has one.

    >>> named_number(3.141592653589793, 0), named_number(3.14, 0)
    ('π', None)
    """
    found = NAMED.get(value) if isinstance(value, float) else None
    return found[style] if found else None
