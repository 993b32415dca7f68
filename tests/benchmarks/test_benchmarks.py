"""The suite itself, scaled down: what is timed computes the same, and its table says what was found. No clock is asserted."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest

from symdiff.training import mazur, xor
from tests.benchmarks import losses, native, ours, plain
from tests.benchmarks.harness import Bar, Result, Run, Timed, Workload, flat, measure
from tests.benchmarks.report import as_data, bar_line, page, plot, ratio, table
from tests.benchmarks.suite import workloads

RNG = np.random.default_rng(3)
MLP = [
    RNG.normal(size=(6, 4)),
    np.eye(3)[RNG.integers(0, 3, 6)],
    RNG.normal(size=(4, 5)),
    RNG.normal(size=5),
    RNG.normal(size=(5, 3)),
    RNG.normal(size=3),
]
LOGISTIC = [RNG.normal(size=(8, 4)), (RNG.random(8) > 0.5).astype(float), RNG.normal(size=4)]
FACTORS = [RNG.normal(size=(4, 4)), RNG.normal(size=(4, 2)), RNG.normal(size=(4, 2))]
RELU = [RNG.normal(size=(5, 3)), RNG.normal(size=(5, 3)), *(RNG.normal(size=(3, 3)) for _ in range(4))]
WAVE = [RNG.normal(size=50), 0.7, 0.2, 1.3]


def net_arrays(net):
    return [np.asarray(leaf.value, float) for leaf in net.leaves]


@pytest.mark.parametrize(
    ("run", "by_hand"),
    [
        (partial(ours.net_step, mazur()), lambda: plain.mazur_step(*net_arrays(mazur()), 0.5)),
        (partial(ours.net_step, mazur(), floats=True), lambda: plain.mazur_step(*net_arrays(mazur()), 0.5)),
        (partial(ours.net_step, xor(), floats=True), lambda: plain.xor_step(*net_arrays(xor()), 4.0)),
        (partial(ours.net_step, xor(), floats=True, folded=True), lambda: plain.xor_step(*net_arrays(xor()), 4.0)),
        (partial(ours.mlp, MLP, 0.1, "tanh"), lambda: plain.mlp_step(*MLP, 0.1)),
        (partial(ours.mlp, MLP, 0.1, "relu", reuse_buffers=True), lambda: plain.mlp_step(*MLP, 0.1, activation="relu")),
        (partial(ours.logistic, LOGISTIC), lambda: plain.logistic(*LOGISTIC)),
        (partial(ours.logistic_hessian, LOGISTIC), lambda: plain.logistic_hessian(*LOGISTIC)),
        (partial(ours.factorisation_hessian, FACTORS), lambda: plain.factorisation_hessian(*FACTORS)),
        (partial(ours.relu_hessian, RELU), lambda: plain.relu_hessian(*RELU)),
        (partial(ours.wave, WAVE), lambda: plain.wave(*WAVE)),
    ],
    ids=["mazur", "mazur floats", "xor floats", "xor folded", "mlp", "mlp reused", "logistic", "logistic hessian", "factorisation", "relu", "wave"],
)  # fmt: skip
def test_ours_is_the_textbook(run, by_hand):
    np.testing.assert_allclose(flat(run().call()), flat(by_hand()), rtol=1e-9, atol=1e-12)


def workload(**makers) -> Workload:
    return Workload("two", "two ways", makers, (Bar("symdiff", 0.5), Bar("symdiff", 2.0, "peer")), seconds=0.05)


def absent() -> Run:
    raise ImportError("No module named 'peer'")


def test_a_missing_peer_is_named_and_not_judged():
    result = measure(workload(plain=lambda: Run(lambda: 1.0), symdiff=lambda: Run(lambda: 1.0), peer=absent), rounds=3)
    assert result.missing == {"peer": "No module named 'peer'"}
    assert result.verdict(result.workload.bars[1]) is None
    assert "not judged, peer: No module named 'peer'" in "\n".join(table(result))
    rows = as_data([result])
    assert [row["implementation"] for row in rows] == ["plain", "symdiff", "peer"]
    assert rows[2]["median_s"] is None
    assert rows[1]["met"] is None
    json.dumps(rows)


def test_a_missing_compiler_is_named_and_not_judged(monkeypatch):
    native.library.cache_clear()
    monkeypatch.setattr(native.shutil, "which", lambda program: None)
    loop = next(w for w in workloads() if w.name == "xor-loop")
    result = measure(loop, rounds=1, only=["plain", "c"])
    assert result.missing == {"c": "gcc is not on the PATH"}
    assert "not judged: gcc is not on the PATH" in "\n".join(table(result))
    assert all(result.verdict(bar) is None for bar in loop.bars if bar.against == "c")
    assert next(row for row in as_data([result]) if row["implementation"] == "c")["median_s"] is None


def test_results_are_compared_before_they_are_timed():
    with pytest.raises(AssertionError, match="two: symdiff"):
        measure(workload(plain=lambda: Run(lambda: 1.0), symdiff=lambda: Run(lambda: 1.1)), rounds=3)


def test_ratios_are_taken_within_rounds():
    timed = {"plain": Timed([[1.0, 10.0, 2.0]]), "symdiff": Timed([[0.5, 5.0, 4.0]])}
    result = Result(workload(plain=absent, symdiff=absent), timed, {})
    assert result.ratio("symdiff") == (0.5, 0.5, 2.0)
    assert result.verdict(Bar("symdiff", 0.5)) is True
    assert result.verdict(Bar("symdiff", 0.47)) is False
    assert bar_line(result, Bar("symdiff", 1 / 18)) == "symdiff: at most 1/18 of plain: 0.5 (0.5 to 2): MISSED"
    assert "1 of 2 bars met, 0 missed, 1 not judged" in page([result])


def test_a_bar_is_judged_by_the_median_of_the_runs():
    """0.4, 0.5 and 4: over all rounds the median would be 4."""
    timed = {"plain": Timed([[1.0], [1.0, 1.0, 1.0], [1.0] * 5]), "symdiff": Timed([[0.4], [0.5, 0.5, 0.1], [4.0] * 5])}
    result = Result(workload(plain=absent, symdiff=absent), timed, {})
    assert result.by_run("symdiff") == [0.4, 0.5, 4.0] and result.by_run("symdiff", "peer") == []
    assert result.ratio("symdiff") == (0.5, 0.1, 4.0)
    assert timed["symdiff"].median == 0.5
    assert result.verdict(Bar("symdiff", 0.5)) is True
    assert bar_line(result, Bar("symdiff", 0.5)) == "symdiff: at most 1/2 of plain: 0.5 (0.1 to 4): met; by run 0.4, 0.5, 4"
    assert as_data([result])[1]["bar"][0]["ratios"] == [0.4, 0.5, 4.0]
    assert "`python cli.py bench --page --runs 3`" in page([result])


def test_every_run_makes_what_it_times():
    made = []

    def make() -> Run:
        made.append("symdiff")
        return Run(lambda: 1.0)

    result = measure(workload(plain=lambda: Run(lambda: 1.0), symdiff=make, peer=absent), rounds=2, runs=3)
    assert made == ["symdiff"] * 3
    assert [[len(run) for run in timed.runs] for timed in result.timed.values()] == [[2] * 3] * 2
    assert result.missing == {"peer": "No module named 'peer'"}


def test_small_ratios_read_as_fractions():
    assert ratio((0.01, 0.005, 0.2)) == "1/100 (1/200 to 0.2)"


def test_the_page_and_the_plot_have_every_workload(tmp_path):
    def timed(w):
        return {name: Timed([[0.5 + k]]) for k, name in enumerate(w.makers)}

    results = [Result(w, timed(w), {}) for w in workloads()]
    written = page(results)
    assert f"numpy {np.__version__}" in written
    assert all(f"\n## {w.name}\n" in written for w in workloads())
    plot(results, tmp_path / "ratios.svg")
    drawn = (tmp_path / "ratios.svg").read_text(encoding="utf-8")
    assert drawn.rstrip().endswith("</svg>") and all(f"<!-- {w.name} -->" in drawn for w in workloads())


def test_every_workload_has_a_textbook_and_bars_of_its_own_implementations():
    names = [w.name for w in workloads()]
    assert len(set(names)) == len(names)
    for w in workloads():
        assert next(iter(w.makers)) == "plain"
        assert w.bars and all(b.of in w.makers and b.against in w.makers for b in w.bars), w.name


def test_the_losses_are_those_that_are_written_by_hand():
    import symdiff as sd

    W, v, X, t = sd.var("W", (2, 4)), sd.var("v", 4), sd.var("X", (4, 2)), sd.var("t", 4)
    f = sd.lower(losses.xor(ours.XP, W, v, X, t), [W, v, X, t])
    assert f(*net_arrays(xor())) == pytest.approx(plain.xor_step(*net_arrays(xor()), 4.0)[0])
