"""`symdiff bench`: the benchmark suite, which belongs to a checkout and runs in a process of its own, on one core."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from symdiff.cli.exits import with_exit_code
from symdiff.errors import BadSetting

_CHECKOUT = Path(__file__).parents[2]


@with_exit_code
def bench(
    only: Annotated[list[str] | None, typer.Option("--only", metavar="WORKLOAD", help="Workloads whose name begins so.")] = None,
    rounds: Annotated[int | None, typer.Option("--rounds", metavar="N", help="Rounds of each workload.")] = None,
    runs: Annotated[int, typer.Option("--runs", metavar="N", help="Runs of each workload; bars are judged by their median.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="A list of objects.")] = False,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw the ratios: .png, .svg or .pdf.")] = None,
    page: Annotated[bool, typer.Option("--page", help="Write docs/performance.md.")] = False,
) -> int:
    """Time every workload against hand-written NumPy and the peers that are installed (from a checkout)."""
    if not (_CHECKOUT / "tests" / "benchmarks" / "suite.py").exists():
        raise BadSetting("bench: the benchmark suite is not part of the installed package; run python cli.py bench in a clone")
    for option, count in (("--rounds", rounds), ("--runs", runs)):
        if count is not None and count < 1:
            raise BadSetting(f"{option}: {count} is given, a whole number from 1 on is wanted")
    words = [w for o in only or [] for w in ("--only", o)]
    words += [] if rounds is None else ["--rounds", str(rounds)]
    words += ["--runs", str(runs)]
    words += ["--json"] if as_json else []
    words += [] if plot is None else ["--plot", str(plot.absolute())]
    words += ["--page"] if page else []
    return subprocess.run([sys.executable, "-m", "tests.benchmarks", *words], cwd=_CHECKOUT, check=False).returncode
