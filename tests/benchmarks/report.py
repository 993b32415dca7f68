"""What a run of the suite says: a table in the terminal, data, a plot, the page docs/performance.md."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tests.benchmarks.harness import Bar, Result

WORDS = {True: "met", False: "MISSED", None: "not judged"}
PACKAGES = ("numpy", "scipy", "numba", "jax", "torch", "autograd", "casadi", "pytensor", "sympy")
MARKS, PEERS = "DsPXhp*d8", "ov^<"  # of implementations of ours, of others of one library
NOTES = Path(__file__).with_name("notes.md")


def seconds(t: float) -> str:
    """A time in the unit that reads best."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if t >= size:
            return f"{t / size:.3g} {unit}"
    return f"{t / 1e-9:.3g} ns"


def share(r: float) -> str:
    """A ratio; a small one as 1 over how many times."""
    return f"1/{1 / r:.3g}" if r < 0.1 else f"{r:.3g}"


def ratio(found: tuple[float, float, float] | None) -> str:
    """Median (least to largest)."""
    return "-" if found is None else f"{share(found[0])} ({share(found[1])} to {share(found[2])})"


def bar_line(result: Result, bar: Bar) -> str:
    found, runs = result.ratio(bar.of, bar.against), result.by_run(bar.of, bar.against)
    words = WORDS[result.verdict(bar)]
    if len(runs) > 1:
        words += f"; by run {', '.join(map(share, sorted(runs)))}"
    if found is None:
        absent = next((n for n in (bar.of, bar.against) if n not in result.timed), "")
        words += f", {absent}: {result.missing.get(absent, 'not run')}"
    return f"{bar.of}: at most {bar}: {ratio(found)}: {words}"


def table(result: Result) -> list[str]:
    """The lines of one workload."""
    lines = [f"{result.workload.name}   {result.workload.title}"]
    for name, timed in result.timed.items():
        lines.append(f"  {name:<28}{seconds(timed.median):>10}   {ratio(result.ratio(name))}")
    lines += [f"  {name:<28}{'-':>10}   not judged: {why}" for name, why in result.missing.items()]
    return [*lines, *(f"  * {bar_line(result, bar)}" for bar in result.workload.bars), ""]


def as_data(results: Sequence[Result]) -> list[dict[str, Any]]:
    """One object for each implementation of each workload."""
    rows = []
    for result in results:
        for name in result.workload.makers:
            bars = [b for b in result.workload.bars if b.of == name]
            verdicts = [result.verdict(b) for b in bars]
            timed = result.timed.get(name)
            found = result.ratio(name)
            rows.append(
                {
                    "workload": result.workload.name,
                    "implementation": name,
                    "median_s": timed.median if timed else None,
                    "ratio_to_plain": found[0] if found else None,
                    "ratio_min": found[1] if found else None,
                    "ratio_max": found[2] if found else None,
                    "bar": [
                        {"against": b.against, "at_most": b.at_most, "ratios": result.by_run(name, b.against), "met": v}
                        for b, v in zip(bars, verdicts, strict=True)
                    ],
                    "met": None if not bars or None in verdicts else all(verdicts),
                }
            )
    return rows


def plot(results: Sequence[Result], path: Path) -> None:
    """Ratios to plain, a row for each workload, a colour for each library, a mark for each implementation."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = sorted(dict.fromkeys(n for r in results for n in r.timed if n != "plain"), key=lambda n: not n.startswith("symdiff"))
    libraries = list(dict.fromkeys(map(_library, names)))
    figure, axes = plt.subplots(figsize=(10, max(0.36 * len(results) + 1.6, 0.25 * len(names))), layout="constrained")
    for name in names:
        points = [(found[0], row) for row, r in enumerate(results) if (found := r.ratio(name)) is not None]
        ours, alike = name.startswith("symdiff"), [n for n in names if _library(n) == _library(name)]
        axes.scatter(
            [x for x, _ in points],
            [y for _, y in points],
            s=56 if ours else 26,
            marker=MARKS[alike.index(name) % len(MARKS)] if ours else PEERS[alike.index(name) % len(PEERS)],
            color=f"C{(libraries.index(_library(name)) + 3) % 10}",
            edgecolors="black" if ours else "none",
            linewidths=0.6,
            label=name,
            zorder=3 if ours else 2,
        )
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_yticks(range(len(results)), [r.workload.name for r in results])
    axes.invert_yaxis()
    axes.set_xlabel("time, relative to textbook NumPy (left of the line is faster)")
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    figure.savefig(path)
    plt.close(figure)


def _library(name: str) -> str:
    return re.split(r"[ .,]", name)[0]


def machine() -> str:
    """What the figures were measured with."""
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} not installed")
    model = platform.machine()
    cpu = Path("/proc/cpuinfo")
    if cpu.exists():
        model = next((line.split(":", 1)[1].strip() for line in cpu.read_text().splitlines() if line.startswith("model name")), model)
    return f"Python {sys.version.split()[0]}, {', '.join(found)}; {model}, one core, one BLAS thread."


def page(results: Sequence[Result]) -> str:
    """docs/performance.md."""
    bars = [(r, b) for r in results for b in r.workload.bars]
    verdicts = [r.verdict(b) for r, b in bars]
    runs = max(len(t.runs) for r in results for t in r.timed.values())
    lines = [
        "# Performance",
        "",
        f"Made by `python cli.py bench --page{f' --runs {runs}' if runs > 1 else ''}`: this page is a record, not a promise. A run times all"
        " implementations of a workload",
        "in interleaved rounds, and its ratio is the median of theirs; of several runs it is the median of the runs' ratios. The least and the",
        "largest round stand in brackets. `plain` is textbook NumPy by hand (tests/benchmarks/plain.py), for building expressions CasADi.",
        "Results are compared before they are timed. A bar counts as met within 5 %.",
        "",
        machine(),
        "",
        f"{sum(v is True for v in verdicts)} of {len(verdicts)} bars met, {sum(v is False for v in verdicts)} missed, {sum(v is None for v in verdicts)} not judged.",
        "",
        "![Ratios to plain NumPy](performance.svg)",
        "",
    ]
    for r in results:
        lines += [f"## {r.workload.name}", "", f"{r.workload.title}.", "", "| implementation | median | of plain |", "| --- | --- | --- |"]
        lines += [f"| {name} | {seconds(t.median)} | {ratio(r.ratio(name))} |" for name, t in r.timed.items()]
        lines += [f"| {name} | | not judged: {why} |" for name, why in r.missing.items()]
        lines += ["", *(f"- {bar_line(r, b)}" for b in r.workload.bars), ""]
    return "\n".join(lines) + (f"\n{NOTES.read_text(encoding='utf-8')}" if NOTES.exists() else "")
