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
    >>> broken('(alpha − beta) gamma (1 − gamma)', 26, 2)
    ['(alpha − beta) gamma', '  (1 − gamma)']
    """
    lines: list[str] = []
    rest, lead = text, ""
    while len(lead) + len(rest) > width:
        at = _break(rest, width - len(lead), 0 if lines else indent)
        if at is None:
            break
        lines.append(lead + rest[:at].rstrip())
        rest, lead = rest[at:].lstrip(), " " * indent
    return [*lines, lead + rest]


def _break(text: str, room: int, start: int) -> int | None:
    """Where to break, beyond `start`: as far out in brackets as can be, there before a sum's operator or after a comma rather than
    before a product's, and before that rather than between factors; then as late as fits."""
    best: tuple[int, int] | None = None
    depth = 0
    for k, c in enumerate(text[: room + 1]):
        if c in _OPEN:
            depth += 1
        elif c in _CLOSE:
            depth -= 1
        elif c == " " and k > start:
            before, after = text[:k].rpartition(" ")[2], text[k + 1 :].partition(" ")[0]
            if after in OPERATORS:
                place = 3 * depth + (after not in SUMS)
            elif before.endswith(","):
                place = 3 * depth
            elif before and after and before not in OPERATORS and "=" not in (before, after):
                place = 3 * depth + 2
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
