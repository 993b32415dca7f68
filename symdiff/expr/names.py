"""Names of variables: identifiers, with Greek letters and trailing subscripts allowed because they are printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from symdiff.errors import UnknownName, did_you_mean

SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


def is_name(name: object) -> bool:
    """An identifier once subscript digits are plain ones: 'w1', 'δ₂', 'out_h1'.

    >>> is_name('δ₂'), is_name('2x'), is_name('a b')
    (True, False, False)
    """
    return isinstance(name, str) and name.translate(SUBSCRIPTS).isidentifier() and "__" not in name


def check_name(name: str, assumptions: Sequence[str], known: Iterable[str]) -> None:
    if not is_name(name):
        raise UnknownName(
            f"a variable cannot be called {name!r}: a name is letters, digits and _ (Greek and subscripts too), and no digit first"
        )
    for word in assumptions:
        if word not in known:
            raise UnknownName(f"there is no assumption {word!r}{did_you_mean(word, known)}. Assumptions: {', '.join(known)}")
