"""A formula put into another: in brackets where they are needed."""

from __future__ import annotations

ELEMENTWISE = ("⊙", "*", r"\odot")


def put_in(text: str, mark: str, inner: str) -> str:
    """`inner` in the place of a mark, in brackets unless it is one thing or a product that needs none there.

    >>> put_in('y ⊙ #', '#', 'W h'), put_in('Wᵀ #', '#', 'y ⊙ h'), put_in('#ᵀ y', '#', 'W h')
    ('y ⊙ W h', 'Wᵀ (y ⊙ h)', '(W h)ᵀ y')
    """
    loose = outside_brackets(inner)
    one_thing = " " not in loose
    sum_or_quotient = any(f" {sign} " in loose for sign in "+−-/")
    elementwise = any(f" {sign} " in loose for sign in (*ELEMENTWISE, "@"))
    signed = inner.startswith(("−", "-"))
    while (at := text.find(mark)) >= 0:
        before, after = text[:at], text[at + 1 :]
        first = not before or before.endswith(("= ", "(", ", "))  # nothing to its left binds it
        last = not after or after.startswith((")", ",", " ⊙", r" \odot", " +", " −"))
        beside = first or before.endswith(tuple(f"{sign} " for sign in ELEMENTWISE))  # what is elementwise may stand there
        bare = (last and not sum_or_quotient and (beside or not elementwise)) or (one_thing and (last or after.startswith(" ")))
        text = f"{before}{inner if bare and (first or not signed) else f'({inner})'}{after}"
    return text


def outside_brackets(text: str) -> str:
    """The text without what stands in brackets.

    >>> outside_brackets('a (b + c) d')
    'a  d'
    """
    depth, kept = 0, []
    for c in text:
        depth += c in "([{"
        if depth == 0:
            kept.append(c)
        depth -= c in ")]}"
    return "".join(kept)
