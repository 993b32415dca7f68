"""Every command in docs/features.md is one: its options exist, and its networks, data and specs are known."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from symdiff.cli.app import app
from symdiff.training.data import DATA
from symdiff.training.nets import find_net
from symdiff.training.tasks import PRESETS

PAGE = Path(__file__).parents[2] / "docs" / "features.md"
ROWS = re.findall(r"^\| (.+?) \| `python cli\.py (.+?)` \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
GROUP = typer.main.get_command(app)


def test_every_row_has_a_command():
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ") and "---" not in line]
    assert len(ROWS) == len(rows) - 3 and len(ROWS) > 50
    assert len({command for _, command in ROWS}) == len(ROWS)


@pytest.mark.parametrize("command", [command for _, command in ROWS])
def test_the_command_is_understood(command):
    name, *arguments = shlex.split(command)
    context = GROUP.commands[name].make_context(name, arguments)  # raises for an option that is not there
    net, data = context.params.get("net"), context.params.get("data")
    if net and net not in PRESETS and ".py:" not in net:
        find_net(net)
    if data and not data.endswith(".csv"):
        assert data in DATA
