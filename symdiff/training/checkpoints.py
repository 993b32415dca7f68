"""Checkpoints: a training on disk, whole at any moment.

A checkpoint is two files of one name: `.safetensors` with the weights, the optimizer's state and the best weights so far, and `.json`
with the rest and the digests of both. Each is written to a temporary file, forced to the disk, and renamed; the .json comes last, and
only with it does the checkpoint exist. A process that is killed at any moment leaves the checkpoints before it as they were.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from symdiff.errors import BadSetting, CheckpointError, MissingExtra
from symdiff.training.net import Array

FORMAT, VERSION = "symdiff checkpoint", 1
NAME = re.compile(r"checkpoint-(\d{12})\.json")
TEMPORARY = ".tmp"


@dataclass(frozen=True)
class Checkpoint:
    """What `save` wrote: arrays by name, and everything else as JSON data."""

    path: Path
    arrays: dict[str, Array]
    record: dict[str, Any]


def require_safetensors() -> None:
    """Raises: MissingExtra, with the line that installs it."""
    try:
        import safetensors  # noqa: F401
    except ImportError:
        raise MissingExtra('checkpoints need safetensors, which is not installed: pip install -e ".[checkpoints]"') from None


def checkpoints_in(folder: Path) -> list[Path]:
    """The .json files of the checkpoints in a folder, the newest first."""
    return sorted((path for path in folder.glob("checkpoint-*.json") if NAME.fullmatch(path.name)), reverse=True) if folder.is_dir() else []


# --- writing --------------------------------------------------------------------------------------------------------
def save(folder: Path, updates: int, arrays: Mapping[str, Array], record: Mapping[str, Any], keep: int = 3) -> Path:
    """Write the checkpoint after so many updates, and remove all but the last `keep`.

    Raises: CheckpointError if it cannot be written, as on a full disk; older checkpoints are whole then. MissingExtra without
    safetensors.
    """
    require_safetensors()
    from safetensors.numpy import save as to_bytes

    path = folder / f"checkpoint-{updates:012d}.json"
    try:
        _clean(folder, path)
        tensors = to_bytes(dict(arrays))
        named = {"file": path.with_suffix(".safetensors").name, "sha256": sha256(tensors).hexdigest()}
        text = _with_digest({"format": FORMAT, "version": VERSION, "updates": updates, **record, "arrays": named})
        write_atomically(path.with_suffix(".safetensors"), tensors)
        write_atomically(path, text.encode())
        for old in checkpoints_in(folder)[keep:]:
            _remove(old)
    except OSError as error:
        whole = checkpoints_in(folder)
        kept = f"{whole[0]} is whole: make room, then --resume {folder}" if whole else "there is no checkpoint yet"
        raise CheckpointError(f"cannot write the checkpoint {path}: {error.strerror or error}; {kept}") from None
    return path


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that under its name there is all of it or what was there before, even if the machine stops."""
    temporary = path.with_name(path.name + TEMPORARY)
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync(path.parent)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _sync(folder: Path) -> None:
    """Force the names in a folder to the disk, where the system can."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _clean(folder: Path, path: Path) -> None:
    """Remove what a killed process left, temporary files and arrays whose .json was never written, and what comes after `path`: a
    training that was taken up again before it has given that up."""
    for later in (found for found in checkpoints_in(folder) if found.name > path.name):
        _remove(later)
    for path in folder.glob(f"checkpoint-*{TEMPORARY}"):
        path.unlink(missing_ok=True)
    for path in folder.glob("checkpoint-*.safetensors"):
        if not path.with_suffix(".json").exists():
            path.unlink(missing_ok=True)


def _remove(path: Path) -> None:
    """The .json first: without it there is no checkpoint."""
    path.unlink(missing_ok=True)
    path.with_suffix(".safetensors").unlink(missing_ok=True)


def _with_digest(record: Mapping[str, Any]) -> str:
    return json.dumps({**record, "sha256": _digest(record)}, ensure_ascii=False) + "\n"  # indented it takes twice as long


def _digest(record: Mapping[str, Any]) -> str:
    return sha256(json.dumps(record, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


# --- reading --------------------------------------------------------------------------------------------------------
def load(where: str | Path) -> Checkpoint:
    """The checkpoint of a .json file, or the newest in a folder.

    Raises: CheckpointError where there is none, or where it is truncated or changed: the message then names the newest whole one.
    """
    require_safetensors()
    path = Path(where)
    if path.is_dir():
        found = checkpoints_in(path)
        if not found:
            raise CheckpointError(f"there is no checkpoint in {str(path)!r}")
        path = found[0]
    elif not path.is_file():
        raise CheckpointError(f"there is no checkpoint {str(path)!r}: the folder of a training, or the .json of one checkpoint, is wanted")
    try:
        return _read(path)
    except CheckpointError as error:
        older = next((p for p in checkpoints_in(path.parent) if p != path and _is_whole(p)), None)
        offer = f"the previous checkpoint is whole: --resume {older}" if older else "there is no other whole checkpoint"
        raise CheckpointError(f"{path} {error}; {offer}") from None


def _is_whole(path: Path) -> bool:
    try:
        _read(path)
    except CheckpointError:
        return False
    return True


def _read(path: Path) -> Checkpoint:
    """Raises: CheckpointError with what is wrong, without the name of the file."""
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CheckpointError(f"is damaged, no JSON can be read from it ({error})") from None
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise CheckpointError("is no checkpoint of symdiff")
    if record.get("version") != VERSION:
        raise CheckpointError(f"has version {record.get('version')}, but this symdiff reads version {VERSION}")
    if record.pop("sha256", None) != _digest(record):
        raise CheckpointError("is damaged: its contents have changed since it was written")
    arrays = path.with_name(record["arrays"]["file"])
    try:
        data = arrays.read_bytes()
    except OSError as error:
        raise CheckpointError(f"is damaged: {arrays.name} cannot be read ({error.strerror})") from None
    if sha256(data).hexdigest() != record["arrays"]["sha256"]:
        raise CheckpointError(f"is damaged: {arrays.name} is truncated or has changed since it was written")
    try:
        return Checkpoint(path, from_bytes(data), record)
    except SafetensorError as error:
        raise CheckpointError(f"is damaged: {arrays.name} holds no arrays ({error})") from None


def check_same(checkpoint: Checkpoint, **expected: Any) -> None:
    """Raises: CheckpointError for a checkpoint of another network or other data; BadSetting for one of a run with other settings."""
    record = checkpoint.record
    what = {"net": "another network", "data": "other data"}
    for key, other in what.items():
        if record[key] != expected[key]:
            raise CheckpointError(
                f"{checkpoint.path} is a checkpoint of {other}: of {record['name']!r}, not of {expected['name']!r} as it is here"
            )
    for key, value in expected["settings"].items():
        if key != "epochs" and record["settings"].get(key) != value:
            raise BadSetting(
                f"{checkpoint.path} was made with {key.replace('_', ' ')} {record['settings'].get(key)}, not {value}: leave it as it was"
            )


def make_folder(folder: Path) -> None:
    """Make a folder for checkpoints before a long run finds that it cannot. Raises: CheckpointError with the reason."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f"checkpoint-{TEMPORARY}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise CheckpointError(f"no checkpoint can be written to {str(folder)!r}: {error.strerror or error}") from None


def check_unused(folder: Path) -> None:
    """Raises: CheckpointError if a folder has checkpoints, which a new training would mix with its own."""
    if found := checkpoints_in(folder):
        raise CheckpointError(
            f"{str(folder)!r} has checkpoints already ({found[0].name}): --resume {folder} goes on, or name another folder"
        )
