"""Formulas within a terminal's width: broken before operators, the outermost first, indented under their right-hand side."""

from __future__ import annotations

from collections.abc import Sequence

SUMS = ("+", "−", "-")
OPERATORS = (*SUMS, "·", "⊙", "*", "@", "/")
_OPEN, _CLOSE = "([{", ")]}"


def broken(text: str, width: int, indent: int) -> list[str]:
    """A text on lines of at most `width` columns, each after the first indented; broken before operators where there are any.

    >>> broken('alpha + beta * (gamma + delta)', 26, 2)
    ['alpha', '  + beta * (gamma + delta)']
    """
    lines = []
    rest, lead = text, ""
    while len(lead) + len(rest) > width:
        at = _break(rest, width - len(lead))
        if at is None:
            break
        lines.append(lead + rest[:at].rstrip())
        rest, lead = rest[at:].lstrip(), " " * indent
    return [*lines, lead + rest]


def _break(text: str, room: int) -> int | None:
    """Where to break: before an operator, or after a comma, as far out in brackets as there is one, then as late as fits."""
    best: tuple[int, int] | None = None
    depth = 0
    for k, c in enumerate(text[: room + 1]):
        if c in _OPEN:
            depth += 1
        elif c in _CLOSE:
            depth -= 1
        elif k and c == " ":
            loose = 0 if text[k + 1] in SUMS else 1
            if text[k + 2 : k + 3] == " " and text[k + 1] in OPERATORS:
                place = 2 * depth + loose
            elif text[k - 1] == ",":
                place = 2 * depth
            else:
                continue
            if best is None or place <= best[0]:
                best = place, k
    return None if best is None else best[1]


def laid_out(text: str, where: Sequence[tuple[str, str]], width: int, label: str, most: int) -> list[str]:
    """A formula and its where-list as lines."""
    lines = broken(label + text, width, len(label) or 4)
    shown = where[:most]
    columns = max((len(name) for name, _ in shown), default=0)
    for k, (name, body) in enumerate(shown):
        front = f"{'  where  ' if k == 0 else ' ' * 9}{name.ljust(columns)} = "
        lines += broken(front + body, width, len(front))
    if len(where) > most:
        lines.append(f"{' ' * 9}… and {len(where) - most} more parts")
    return lines
