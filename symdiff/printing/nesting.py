"""A formula put into another: in brackets where they are needed."""

from __future__ import annotations


def put_in(text: str, mark: str, inner: str) -> str:
    """`inner` in the place of a mark, in brackets unless it is one thing or a product that needs none there.

    >>> put_in('y ⊙ #', '#', 'W h'), put_in('Wᵀ #', '#', 'y ⊙ h'), put_in('#ᵀ y', '#', 'W h')
    ('y ⊙ W h', 'Wᵀ (y ⊙ h)', '(W h)ᵀ y')
    """
    while (at := text.find(mark)) >= 0:
        before, after = text[:at], text[at + 1 :]
        loose = _outside_brackets(inner)
        ends = not after or after[0] in "), "
        signed = inner.startswith(("−", "-"))
        summed = any(f" {sign} " in loose for sign in "+−-/")
        elementwise = any(f" {sign} " in loose for sign in ("⊙", "*", r"\odot", "@"))
        first = not before or before.endswith(("= ", "(", ", "))
        beside = first or before.endswith(("⊙ ", r"\odot "))
        alone = ends and (not after or after[0] in ")," or after.startswith((" ⊙", " +", " −", r" \odot")))
        bare = " " not in loose if not alone else not summed and (beside or not elementwise)
        text = f"{before}{inner if bare and ends and (first or not signed) else f'({inner})'}{after}"
    return text


def _outside_brackets(text: str) -> str:
    depth, kept = 0, []
    for c in text:
        depth += c in "([{"
        if depth == 0:
            kept.append(c)
        depth -= c in ")]}"
    return "".join(kept)
