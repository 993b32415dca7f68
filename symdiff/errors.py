"""The errors a user can cause. Each says what was given, what was expected and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable


class SymdiffError(Exception):
    """Base of every error that symdiff raises on purpose."""


class ShapeError(SymdiffError, ValueError):
    """Shapes that do not fit an operation."""


class DtypeError(SymdiffError, TypeError):
    """A value that is not a real number or an array of real numbers."""


class NameClash(SymdiffError, ValueError):
    """Two variables of one name but of other shape or assumptions in one expression."""


class UnknownName(SymdiffError, ValueError):
    """A name that is not in the list it should be in."""


class Unsupported(SymdiffError, TypeError):
    """An operation, or a form of it, that symdiff does not know. Never answered with a silent zero."""


class MissingAttribute(Unsupported, AttributeError):
    """An attribute or a method that NumPy's arrays have and traced arrays have not; hasattr() says so."""


class MissingRule(Unsupported):
    """An operation without the rule (differential, transpose, lowering ...) that was asked of it."""


class SymbolicValue(SymdiffError, TypeError):
    """A Python value (bool, int, float, len) was asked of an expression, which has none yet."""


class ParseError(SymdiffError, ValueError):
    """Text that is not a formula; the message points at the column."""


class BindingError(SymdiffError, ValueError):
    """Inputs of a lowered function or a substitution that are missing, unknown or of the wrong shape."""


class BadSetting(SymdiffError, ValueError):
    """A hyper-parameter or an option that is out of its range or does not fit another."""


class DataError(SymdiffError, ValueError):
    """Data that cannot be trained on; the message says where: the file, the line, the column."""


class CheckpointError(SymdiffError, ValueError):
    """A checkpoint that cannot be written, is not whole, or belongs to another training."""


class MissingExtra(SymdiffError, ImportError):
    """An optional package is not installed; the message has the line that installs it."""


class ClaimWrong(SymdiffError):
    """A claim (a gradient, a target) that was checked and does not hold."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The near miss of `name` among `known` as a phrase, empty if there is none.

    >>> did_you_mean('mazor', ['mazur', 'xor'])
    " (did you mean 'mazur'?)"
    """
    from difflib import get_close_matches  # here: only mistakes need it

    spelled = {k.lower(): k for k in reversed(list(known))}
    near = get_close_matches(name.lower(), list(spelled), n=1, cutoff=0.5)
    return f" (did you mean {spelled[near[0]]!r}?)" if near else ""
