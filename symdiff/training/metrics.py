"""What predictions are worth beside the loss: the classes that they name, the share of these that is right, and which are taken for which."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from symdiff.training.losses import Decision
from symdiff.training.net import Array

DECISIONS: dict[Decision, Callable[[Array], Array]] = {
    "half": lambda y: (np.asarray(y).reshape(-1) > 0.5).astype(np.intp),
    "sign": lambda y: (np.asarray(y).reshape(-1) > 0).astype(np.intp),
    "largest": lambda y: np.argmax(y, axis=-1).reshape(-1),
}


def classes_of(values: Array, decision: Decision) -> Array | None:
    """The class that each row of predictions or of targets names; None where the values are no classes.

    >>> classes_of(np.array([[0.1, 0.9], [0.8, 0.2]]), 'largest'), classes_of(np.array([0.3, 0.7]), 'half')
    (array([1, 0]), array([0, 1]))
    """
    named = DECISIONS.get(decision)
    return None if named is None else named(values)


def accuracy(prediction: Array, target: Array, decision: Decision) -> float | None:
    """The share of rows whose class is right; None where the values are no classes.

    >>> accuracy(np.array([0.3, 0.7, 0.9]), np.array([0.0, 1.0, 0.0]), 'half')
    0.6666666666666666
    """
    found, wanted = classes_of(prediction, decision), classes_of(target, decision)
    if found is None or wanted is None:
        return None
    return int(np.count_nonzero(found == wanted)) / len(wanted)


def confusion_matrix(prediction: Array, target: Array, decision: Decision) -> Array | None:
    """Counts, a row for each true class and a column for each predicted one; None where the values are no classes.

    >>> confusion_matrix(np.array([0.3, 0.7, 0.9]), np.array([0.0, 1.0, 0.0]), 'half')
    array([[1, 1],
           [0, 1]])
    """
    found, wanted = classes_of(prediction, decision), classes_of(target, decision)
    if found is None or wanted is None:
        return None
    count = np.shape(target)[-1] if decision == "largest" else 2
    matrix = np.zeros((count, count), np.intp)
    np.add.at(matrix, (wanted, found), 1)
    return matrix
