"""Compiled loops of steps: the same numbers as one step at a time, for any state, data and dtype; divergence; interrupts in between."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from symdiff.errors import BindingError, Unsupported
from symdiff.expr.leaves import var
from symdiff.expr.ops import det, exp, sin
from symdiff.lowering.compiled_loop import lower_loop
from symdiff.training import Leaf, Net, mazur, training_step, xor
from symdiff.training.compiled import compiled_steps
from symdiff.training.step import RATE

pytest.importorskip("numba")


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYMDIFF_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


def start_of(step, net):
    values = net.values() | step.state
    return [values[v] for v in step.updates]


def one_by_one(step, net, rate, updates, batches=None, dtype=float):
    """Losses and the state after each update, by the numpy backend."""
    values = {v: np.asarray(a, dtype) for v, a in (net.values() | step.state | {RATE: rate}).items()}
    losses, states = [], [[values[v] for v in step.updates]]
    with np.errstate(all="ignore"):
        for k in range(updates):
            if batches:
                values |= {v: a[k] for v, a in batches.items()}
            loss, *new = step.program.raw(*(values[v] if values[v].ndim else values[v][()] for v in step.inputs))
            losses.append(float(loss))
            values |= dict(zip(step.updates, map(np.asarray, new), strict=True))
            states.append(new)
    return losses, states


def assert_close(found, expected, tolerance=1e-12):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("make, optimizer", [(mazur, "sgd"), (xor, "sgd"), (mazur, "adam")])
def test_a_burst_is_its_updates_one_by_one(make, optimizer):
    net = make()
    step = training_step(net, optimizer=optimizer)
    losses, states = one_by_one(step, net, 0.3, 40)
    burst = compiled_steps(step, net, 0.3).run(start_of(step, net), 40)
    assert_close(burst.losses, losses)
    assert_close(burst.before, states[39])
    assert_close(burst.after, states[40])
    assert burst.finite and burst.rates == [0.3] * 40


def test_bursts_follow_on_one_another():
    net = mazur()
    step = training_step(net)
    steps = compiled_steps(step, net, 0.5)
    whole = steps.run(start_of(step, net), 30)
    first = steps.run(start_of(step, net), 1)
    second = steps.run(first.after, 29)
    assert first.losses + second.losses == whole.losses
    assert_close(second.after, whole.after, 0)
    assert_close(first.before, start_of(step, net), 0)
    np.testing.assert_array_equal(net.parameters[0].value, mazur().parameters[0].value)  # the start is not written to


def test_float32_throughout():
    net = mazur()
    step = training_step(net)
    burst = compiled_steps(step, net, 0.5, dtype=np.float32).run(start_of(step, net), 50)
    assert all(a.dtype == np.float32 for a in burst.after)
    assert_close(burst.losses, one_by_one(step, net, 0.5, 50, dtype=np.float32)[0], 1e-5)


def test_data_that_change_at_every_update():
    net = xor()
    step = training_step(net)
    X, t = (leaf.var for leaf in net.data)
    steps = compiled_steps(step, net, 0.2, changing=[X, t])
    assert "for i in range(n)" in steps.source
    for rows in (6, 1):
        rng = np.random.default_rng(rows)
        batches = {X: rng.normal(size=(12, rows, 2)), t: rng.normal(size=(12, rows))}
        losses, states = one_by_one(step, net, 0.2, 12, batches)
        burst = steps.run(start_of(step, net), 12, batches)
        assert_close(burst.losses, losses)
        assert_close(burst.before, states[11])
        assert_close(burst.after, states[12])


def test_the_rate_of_every_update_is_recorded():
    net = mazur()
    step = training_step(net, optimizer="adam")
    k = next(v for v in step.updates if v.name == "k")
    burst = compiled_steps(step, net, 0.5, rate_formula=RATE / k).run(start_of(step, net), 4)
    assert_close(burst.rates, [0.5, 0.25, 0.5 / 3, 0.125])


def growing() -> Net:
    """A net whose loss w**2 grows by a factor in every step."""
    w, u, y = var("w"), var("u"), var("y")
    return Net(
        name="growing", description="one weight", parameters=(Leaf(w, np.array(1.0), ("w",)),), fixed=(),
        data=(Leaf(u, np.array(1.0), ("u",)),), definitions=(), objective=w * w * u, prediction=w, target=y, start="1",
        learning_rate=50.5, epochs=1000, target_loss=1.0,
    )  # fmt: skip


@pytest.mark.parametrize("updates", [78, 79, 200])
def test_a_loss_that_is_not_finite_ends_a_burst(updates):
    """w is multiplied by -100: the loss before update 79, w**2 = 1e4 ** 78, is the first beyond float64."""
    net = growing()
    step = training_step(net)
    losses, states = one_by_one(step, net, 50.5, 79)
    burst = compiled_steps(step, net, 50.5).run(start_of(step, net), updates)
    assert burst.finite is (updates == 78) and len(burst.losses) == 78
    assert_close(burst.losses, losses[:78])
    assert_close(burst.before, states[77])
    assert_close(burst.after, states[78])


def test_a_start_that_is_not_finite_changes_nothing():
    net = growing()
    burst = compiled_steps(training_step(net), net, 0.1).run([np.array(np.inf)], 5)
    assert (burst.losses, burst.finite, burst.after) == ([], False, [np.array(np.inf)])


def test_new_values_are_all_of_the_old_ones():
    """Fibonacci's numbers: each variable takes the old value of another."""
    a, b = var("a"), var("b")
    _, after, done = lower_loop([a], {a: b, b: a + b}, [a, b]).run([np.array(0.0), np.array(1.0)], 10)
    assert ([float(v) for v in after], done) == ([55.0, 89.0], 10)
    x, y = var("x", 2000), var("y", 2000)  # too many entries to be taken apart
    start = [np.arange(2000.0), -np.arange(2000.0)]
    _, after, _ = lower_loop([x[1]], {x: y, y: x}, [x, y]).run(start, 3)
    assert_close(after, [start[1], start[0]], 0)


def test_values_are_checked():
    x, c = var("x", 3), var("c", 3)
    loop = lower_loop([x[0]], {x: x * c}, [x, c])
    with pytest.raises(BindingError, match=r"c has shape \(2,\)"):
        loop.run([np.ones(3), np.ones(2)], 1)
    with pytest.raises(BindingError, match="0 steps"):
        loop.run([np.ones(3), np.ones(3)], 0)
    A = var("A", (2, 2))
    with pytest.raises(Unsupported, match="det"):
        lower_loop([det(A)], {A: A * exp(-det(A))}, [A])


def test_loops_run_side_by_side():
    """The interpreter's lock is released: this thread goes on while another is in a long loop."""
    x = var("x")
    slow = x
    for _ in range(20):
        slow = sin(slow)
    loop = lower_loop([x], {x: slow + 1}, [x])
    loop.run([np.array(1.0)], 1)
    begun = threading.Event()

    def work() -> None:
        begun.set()
        loop.run([np.array(1.0)], 1_000_000)

    thread = threading.Thread(target=work)
    thread.start()
    begun.wait()
    steps = 0
    while thread.is_alive():
        steps += 1
    assert steps > 1000
