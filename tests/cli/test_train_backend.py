"""`train --backend`: the compiled loop from the command line."""

from __future__ import annotations

import json

import pytest

from symdiff.lowering import numba_cache
from symdiff.training import bursts


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SYMDIFF_CACHE_DIR", str(tmp_path))


def test_the_compiled_loop_trains_to_the_same_numbers(symdiff):
    pytest.importorskip("numba")
    plain, compiled = (json.loads(symdiff("train", "mazur", "--epochs", "300", "--json", "--backend", b).out) for b in ("numpy", "numba"))
    assert compiled["history"]["loss"] == pytest.approx(plain["history"]["loss"], rel=1e-12)
    assert compiled["final_loss"] == pytest.approx(plain["final_loss"], rel=1e-12)


def test_auto_is_numpy_for_a_short_run(symdiff, monkeypatch):
    monkeypatch.setattr(bursts, "go", None)  # is not called
    assert symdiff("train", "mazur", "--epochs", "3", "--target-loss", "9", "--backend", "auto", "--quiet").code == 0


def test_an_unknown_backend_is_refused(symdiff):
    answer = symdiff("train", "mazur", "--backend", "nunba")
    assert answer.code == 2 and "did you mean 'numba'" in answer.err and len(answer.err.splitlines()) == 1


def test_without_numba_one_line_says_what_to_install(symdiff, monkeypatch):
    for module in (numba_cache, bursts):
        monkeypatch.setattr(module, "numba_is_there", lambda: False)
    answer = symdiff("train", "mazur", "--epochs", "3", "--backend", "numba")
    assert answer.code == 2 and '".[jit]"' in answer.err and len(answer.err.splitlines()) == 1
    assert symdiff("train", "mazur", "--epochs", "3", "--target-loss", "9", "--backend", "auto", "--quiet").code == 0
