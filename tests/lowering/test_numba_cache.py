"""Compiled modules on disk: found again, made anew when they are stale or damaged, done without where nothing can be written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from symdiff.errors import BadSetting
from symdiff.lowering import numba_cache

pytest.importorskip("numba")

SOURCE = '''from numba import njit


@njit("(float64,)", nogil=True, cache=True)
def double(x):
    """Twice x."""
    return 2.0 * x
'''


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SYMDIFF_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(numba_cache, "_loaded", {})
    return tmp_path / "numba"


def load_again(monkeypatch):
    monkeypatch.setattr(numba_cache, "_loaded", {})
    return numba_cache.load(SOURCE)["double"]


def test_a_module_is_found_again(cache, monkeypatch):
    assert not numba_cache.is_compiled(SOURCE)
    assert numba_cache.load(SOURCE)["double"](4.0) == 8.0
    assert numba_cache.is_compiled(SOURCE)
    files = {p: p.stat().st_mtime_ns for p in cache.rglob("*")}
    double = load_again(monkeypatch)
    assert double(4.0) == 8.0 and sum(double.stats.cache_hits.values()) == 1
    assert {p: p.stat().st_mtime_ns for p in cache.rglob("*")} == files


@pytest.mark.parametrize("ending", [".nbc", ".nbi", ".py", ".json"])
@pytest.mark.parametrize("damage", [b"", b"damaged"], ids=["emptied", "overwritten"])
def test_a_damaged_file_is_made_anew(cache, monkeypatch, ending, damage):
    numba_cache.load(SOURCE)
    (found,) = cache.rglob(f"*{ending}")
    found.write_bytes(damage)
    monkeypatch.setattr(numba_cache, "_loaded", {})
    assert not numba_cache.is_compiled(SOURCE)
    assert load_again(monkeypatch)(4.0) == 8.0
    assert numba_cache.is_compiled(SOURCE)


def test_a_stale_folder_is_made_anew(cache, monkeypatch):
    numba_cache.load(SOURCE)
    monkeypatch.setattr(numba_cache, "_loaded", {})
    monkeypatch.setattr(numba_cache, "_version", lambda name: "0")
    assert not numba_cache.is_compiled(SOURCE)
    assert load_again(monkeypatch)(4.0) == 8.0


def test_without_a_folder_to_write_to_it_compiles_in_memory(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SYMDIFF_CACHE_DIR", str(tmp_path / "file"))
    assert load_again(monkeypatch)(4.0) == 8.0


@pytest.mark.parametrize(
    "environment, expected",
    [
        ({"SYMDIFF_CACHE_DIR": "/here"}, "/here/numba"),
        ({"XDG_CACHE_HOME": "/xdg"}, "/xdg/symdiff/numba"),
        ({"XDG_CACHE_HOME": "not/absolute", "HOME": "/home/me"}, "/home/me/.cache/symdiff/numba"),
    ],
)
@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="other customs")
def test_the_folder_is_the_users(monkeypatch, environment, expected):
    for name in ("SYMDIFF_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    assert numba_cache.cache_folder() == Path(expected)


def test_only_so_many_modules_are_kept(cache, monkeypatch):
    monkeypatch.setattr(numba_cache, "KEPT", 2)
    for k in range(4):
        (cache / f"old{k}").mkdir(parents=True)
        os.utime(cache / f"old{k}", (k, k))
    numba_cache.load(SOURCE)
    assert [p.name for p in cache.iterdir() if p.name.startswith("old")] == ["old3"]


@pytest.mark.slow
def test_two_processes_compile_at_once(cache):
    code = f"from symdiff.lowering.numba_cache import load\nprint(load({SOURCE!r})['double'](4.0))"
    running = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [p.communicate()[0].strip() for p in running] == ["8.0", "8.0"]
    assert numba_cache.is_compiled(SOURCE) and len(list(cache.iterdir())) == 1


def test_a_disk_that_is_full_is_done_without(cache, monkeypatch):
    from numba.core import caching

    def full(*args, **keywords):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(caching.IndexDataCacheFile, "save", full)
    assert numba_cache.load(SOURCE)["double"](4.0) == 8.0
    assert not list(cache.iterdir())


def test_a_home_that_nobody_has_is_named(monkeypatch):
    monkeypatch.setenv("SYMDIFF_CACHE_DIR", "~nobody-of-this-name/x")
    with pytest.raises(BadSetting, match="SYMDIFF_CACHE_DIR"):
        numba_cache.cache_folder()
