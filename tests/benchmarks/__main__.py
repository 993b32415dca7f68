"""`python -m tests.benchmarks [--only WORKLOAD] [--json] [--plot FILE] [--page]`: what `python cli.py bench` runs, on one core."""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from pathlib import Path

from tests.benchmarks.harness import Result, measure
from tests.benchmarks.report import as_data, page, plot, table
from tests.benchmarks.suite import workloads

ONE_THREAD = {
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}  # fmt: skip


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench", description="Every workload against its peers, interleaved, medians of ratios.")
    parser.add_argument("--only", action="append", default=[], metavar="WORKLOAD", help="workloads whose name begins so; may be repeated")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of each workload; by default as many as fit its seconds")
    parser.add_argument("--runs", type=int, default=1, metavar="N", help="runs of each workload; a ratio is the median of theirs")
    parser.add_argument("--json", action="store_true", help="a list of objects on stdout")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="ratios to plain as a picture")
    parser.add_argument("--page", action="store_true", help="write docs/performance.md")
    given = parser.parse_args(arguments)
    known = workloads()
    chosen = [w for w in known if not given.only or any(w.name.startswith(o) for o in given.only)]
    unknown = [o for o in given.only if not any(w.name.startswith(o) for w in known)]
    if unknown:
        print(f"error: there is no workload {unknown[0]!r}. Workloads: {', '.join(w.name for w in known)}", file=sys.stderr)
        return 2
    warnings.filterwarnings("ignore")  # the peers' own
    results: list[Result] = []
    for workload in chosen:
        print(f"{workload.name} ...", file=sys.stderr, flush=True)
        results.append(measure(workload, given.rounds, runs=given.runs))
        if not given.json:
            print("\n".join(table(results[-1])), flush=True)
    if given.json:
        print(json.dumps(as_data(results), indent=1))
    if given.plot:
        plot(results, given.plot)
    if given.page:
        folder = Path(__file__).parents[2] / "docs"
        plot(results, folder / "performance.svg")
        (folder / "performance.md").write_text(page(results), encoding="utf-8")
    return 1 if any(r.verdict(bar) is False for r in results for bar in r.workload.bars) else 0


if any(os.environ.get(name) != value for name, value in ONE_THREAD.items()):  # read when NumPy loads: begin anew
    os.execve(sys.executable, [sys.executable, "-m", "tests.benchmarks", *sys.argv[1:]], os.environ | ONE_THREAD)
if hasattr(os, "sched_setaffinity"):  # some peers take no notice of the variables above
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
sys.exit(main(sys.argv[1:]))
