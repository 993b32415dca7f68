"""The user's tables: .csv with a line of names, .npz with named arrays. Every number is read, none is guessed.

A mistake is reported where it stands: the line and the column of a .csv, the array and the row of a .npz.
"""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from symdiff.errors import DataError, UnknownName, did_you_mean
from symdiff.training.net import Array


def read_table(path: Path, targets: Sequence[str] = ()) -> tuple[Array, Array]:
    """Inputs (n, d) and targets (n, k), or (n,) for one column; the last column of a .csv, or `y` of an .npz, if none is named.

    Raises: DataError for a file that cannot be read, has no row, has text or a number that is not finite, or columns of different
    lengths; UnknownName for a target that is no column, with the near miss.
    """
    columns = (_csv_columns if path.suffix.lower() == ".csv" else _npz_columns)(path)
    names = list(columns)
    wanted = list(dict.fromkeys(targets)) or [names[-1] if path.suffix.lower() == ".csv" or "y" not in columns else "y"]
    for name in wanted:
        if name not in columns:
            raise UnknownName(f"{path.name} has no column {name!r}{did_you_mean(name, names)}. Columns: {', '.join(names)}")
    inputs = [columns[name] for name in names if name not in wanted]
    if not inputs:
        raise DataError(f"{path.name}: nothing is left to predict {', '.join(wanted)} from")
    target = np.hstack([columns[name] for name in wanted])
    return np.hstack(inputs), target[:, 0] if target.shape[1] == 1 else target


def _csv_columns(path: Path) -> dict[str, Array]:
    """Each column as (n, 1), by its name."""
    rows: list[list[float]] = []
    lines: list[int] = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            names = [name.strip() for name in next(reader, [])]
            _check_names(path, names)
            for fields in reader:
                if fields:
                    rows.append(_numbers(path, reader.line_num, names, fields))
                    lines.append(reader.line_num)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read {str(path)!r}: {getattr(error, 'strerror', None) or error}") from None
    if not rows:
        raise DataError(f"{path.name}: the data are empty: there is no row under the line of names")
    table = np.array(rows, np.float64)
    bad = np.argwhere(~np.isfinite(table))
    if bad.size:
        row, column = bad[0]
        raise DataError(
            f"{path.name}, line {lines[row]}, column {names[column]!r}: {table[row, column]} is given; every number must be finite"
        )
    return {name: table[:, [k]] for k, name in enumerate(names)}


def _check_names(path: Path, names: Sequence[str]) -> None:
    if not any(names):
        raise DataError(f"{path.name}: the data are empty: the first line must name the columns")
    for k, name in enumerate(names):
        if not name:
            raise DataError(f"{path.name}, line 1: column {k + 1} has no name")
        if name in names[:k]:
            raise DataError(f"{path.name}, line 1: two columns are called {name!r}")
    if all(_is_number(name) for name in names):
        raise DataError(f"{path.name}, line 1: {', '.join(names[:3])} ... are numbers; the first line must name the columns")


def _numbers(path: Path, line: int, names: Sequence[str], fields: Sequence[str]) -> list[float]:
    if len(fields) != len(names):
        raise DataError(f"{path.name}, line {line}: {len(fields)} fields, but {len(names)} columns have names")
    try:
        return [float(field) for field in fields]
    except ValueError:
        name, field = next((n, f) for n, f in zip(names, fields, strict=True) if not _is_number(f))
        what = repr(field) if field.strip() else "nothing"
        raise DataError(
            f"{path.name}, line {line}, column {name!r}: {what} is given, a number is wanted (classes are 0, 1, 2 ...)"
        ) from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _npz_columns(path: Path) -> dict[str, Array]:
    """Each array as (n, k), by its name."""
    try:
        with np.load(path, allow_pickle=False) as archive:  # a pickle could run anything
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"cannot read {str(path)!r}: {getattr(error, 'strerror', None) or error}") from None
    if not arrays:
        raise DataError(f"{path.name}: the data are empty: the file has no array")
    columns: dict[str, Array] = {}
    for name, array in arrays.items():
        if array.ndim == 0 or array.dtype.kind not in "biuf":
            raise DataError(f"{path.name}, array {name!r}: {array.dtype} of shape {array.shape} is given, rows of numbers are wanted")
        if len(array) == 0:
            raise DataError(f"{path.name}: the data are empty: the array {name!r} has no row")
        column = array.reshape(len(array), -1).astype(np.float64)
        bad = np.argwhere(~np.isfinite(column))
        if bad.size:
            raise DataError(
                f"{path.name}, array {name!r}, row {bad[0][0] + 1}: {column[tuple(bad[0])]} is given; every number must be finite"
            )
        columns[name] = column
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"{path.name}: the arrays have different numbers of rows: {', '.join(f'{n} {k}' for n, k in lengths.items())}")
    return columns
