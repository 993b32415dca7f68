"""Compiled modules, once in memory and once on disk.

numba keeps machine code beside a source file, so the source is written to a folder of its own under the user's cache folder, named by
a digest of the source and of the versions that compile it. A new folder is made under another name and moved into place when it is
complete; a list of checksums tells later whether it still is what was written, and a folder that is not is made anew.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import types
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from symdiff.errors import BadSetting, MissingExtra, Unsupported

KEPT = 200  # modules on disk; beyond it the oldest are removed
LIST = "checksums.json"
MISSING = "backend 'numba' needs numba, which is not installed: pip install -e \".[jit]\" (backend='numpy' needs nothing)"

_lock = threading.RLock()
_loaded: dict[str, types.ModuleType] = {}


def numba_is_there() -> bool:
    """Whether numba can be imported, without importing it."""
    return "numba" in sys.modules or find_spec("numba") is not None


def require_numba() -> None:
    """Raises: MissingExtra, with the line that installs it, if numba is not installed."""
    if not numba_is_there():
        raise MissingExtra(MISSING)


def cache_folder() -> Path:
    """Where compiled modules are kept: SYMDIFF_CACHE_DIR, else the user's cache folder by the customs of the system.

    Raises: BadSetting if the variable begins with the home folder of nobody.
    """
    own = os.environ.get("SYMDIFF_CACHE_DIR")
    if own:
        try:
            return Path(own).expanduser() / "numba"
        except RuntimeError:
            raise BadSetting(f"SYMDIFF_CACHE_DIR: the home folder that {own!r} begins with is not known; give a whole path") from None
    home = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(home):
        base = Path(home)
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    return base / "symdiff" / "numba"


def digest(source: str) -> str:
    """What a module is filed under."""
    import platform
    from hashlib import sha256

    versions = [platform.python_version(), platform.machine(), *(_version(name) for name in ("numba", "llvmlite", "numpy"))]
    return sha256("\0".join([*versions, source]).encode()).hexdigest()[:32]


def _version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version  # here: it takes as long to import as all of this floor

    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def is_compiled(source: str) -> bool:
    """Whether loading this source will take no compiling."""
    key = digest(source)
    return key in _loaded or _sound(cache_folder() / key, source)


def load(source: str) -> dict[str, Any]:
    """The namespace of a module, compiled unless it has been before.

    Raises: MissingExtra if numba is not installed; Unsupported, with numba's reason, for what this numba cannot compile.
    """
    require_numba()
    from numba.core.errors import NumbaError

    key = digest(source)
    with _lock:
        if key not in _loaded:
            try:
                _loaded[key] = _from_disk(cache_folder() / key, source)
            except NumbaError as error:
                raise Unsupported(f"numba {_version('numba')} cannot compile this program; use backend='numpy'. It says: {error}") from None
        return _loaded[key].__dict__


def _from_disk(folder: Path, source: str) -> types.ModuleType:
    import json

    name = f"symdiff_compiled_{folder.name}"
    if _sound(folder, source):
        try:
            return _run(source, name, _file(folder))
        except Exception:  # whatever a file that no longer fits makes numba raise: it is compiled again
            pass
    new = folder.with_name(f"{folder.name}.{os.urandom(16).hex()}")
    try:
        shutil.rmtree(folder, ignore_errors=True)
        _file(new).parent.mkdir(parents=True, mode=0o700)
        _file(new).write_text(source, encoding="utf-8")
    except OSError:  # a cache that cannot be written is done without
        return _uncached(source, name)
    try:
        module = _run(source, name, _file(new))
    except OSError:  # the disk is full
        shutil.rmtree(new, ignore_errors=True)
        return _uncached(source, name)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    try:
        (new / LIST).write_text(json.dumps(_checksums(new)), encoding="utf-8")
        new.rename(folder)
        _prune(folder.parent)
    except OSError:  # another process was faster
        shutil.rmtree(new, ignore_errors=True)
    return module


def _uncached(source: str, name: str) -> types.ModuleType:
    return _run(source.replace(", cache=True)", ")"), name, Path(f"<symdiff {name}>"))


def _run(source: str, name: str, path: Path) -> types.ModuleType:
    module = types.ModuleType(name)
    sys.modules[name] = module  # where numba looks for the globals of a function that it loads
    exec(compile(source, str(path), "exec"), module.__dict__)
    return module


def _file(folder: Path) -> Path:
    return folder / "program.py"


def _checksums(folder: Path) -> dict[str, str]:
    from hashlib import sha256

    return {p.relative_to(folder).as_posix(): sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}


def _sound(folder: Path, source: str) -> bool:
    """Whether a folder is there, is ours, and holds what was written to it."""
    import json

    try:
        if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
            return False
        listed = json.loads((folder / LIST).read_text(encoding="utf-8"))
        found = _checksums(folder)
        found.pop(LIST)
        return bool(listed == found and _file(folder).read_text(encoding="utf-8") == source)
    except (OSError, ValueError, KeyError):
        return False


def _prune(root: Path) -> None:
    """Remove the oldest modules beyond the number that is kept."""
    folders = sorted((p for p in root.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime)
    for p in folders[:-KEPT]:
        shutil.rmtree(p, ignore_errors=True)
