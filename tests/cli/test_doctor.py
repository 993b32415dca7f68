"""`doctor`: what it says of this Python, of missing extras and of a wrong gradient."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from symdiff.report import environment
from symdiff.report.environment import EXTRAS, REQUIRED, check_gradient
from symdiff.training.nets import NETS

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
USERS = [name for name in PROJECT["optional-dependencies"] if name not in ("bench", "test", "dev")]


def distributions(requirements: list[str]) -> list[str]:
    return [r.split(">")[0] for r in requirements]


def test_all_that_is_installed_is_named(symdiff):
    answer = symdiff("doctor", columns=80)
    assert (answer.code, answer.err) == (0, "")
    for text in (f"numpy        {np.__version__}", "BLAS: ", "sympy", "∂E/∂W2 = ", "right: the largest deviation"):
        assert text in answer.out


def test_json(symdiff):
    data = json.loads(symdiff("doctor", "--json").out)
    assert data["ok"] and data["gradient"]["ok"] and data["gradient"]["error"] < 1e-9
    assert data["packages"]["numpy"] == np.__version__
    assert data["python"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}.")


def test_the_table_has_every_requirement_and_extra_of_the_project():
    assert sorted(REQUIRED) == sorted(distributions(PROJECT["dependencies"]))
    assert sorted(e.name for e in EXTRAS) == sorted(USERS)
    for extra in EXTRAS:
        assert list(extra.modules.values()) == distributions(PROJECT["optional-dependencies"][extra.name])


@pytest.mark.parametrize("extra", EXTRAS, ids=lambda e: e.name)
def test_a_missing_extra_has_its_use_and_its_line(symdiff, monkeypatch, extra):
    monkeypatch.setitem(sys.modules, next(iter(extra.modules)), None)
    answer = symdiff("doctor")
    assert answer.code == 0
    assert f"pip install -e '.[{extra.name}]'" in answer.out
    row = next(line for line in answer.lines if line.split()[:2] == [extra.name, "missing"])
    assert row.endswith(extra.gives)
    entry = next(e for e in json.loads(symdiff("doctor", "--json").out)["extras"] if e["name"] == extra.name)
    assert entry["installed"] is False and None in entry["packages"].values()


def test_a_wrong_gradient_is_seen(symdiff, monkeypatch):
    right = environment.grad
    monkeypatch.setattr(environment, "grad", lambda loss, wrt: right(loss, wrt) * 1.001)
    answer = symdiff("doctor")
    assert answer.code == 1 and "WRONG: the largest deviation from central differences is 1e-03" in answer.out


@pytest.mark.parametrize("name", ["mazur", "xor"])
def test_gradients_of_the_nets(name):
    assert check_gradient(NETS[name]()).ok


def test_the_other_project_is_named(symdiff, monkeypatch):
    known = environment.version_of
    monkeypatch.setattr(environment, "version_of", lambda name: "9.9" if name == "symdiff" else known(name))
    assert "A distribution called symdiff, version 9.9, is installed beside this one" in symdiff("doctor").out
    assert "install symdiff" not in symdiff("doctor").out
