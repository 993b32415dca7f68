"""Training with the compiled backend: the run that the numpy backend makes, whatever stands around the updates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from symdiff.errors import BadSetting, MissingExtra, Unsupported
from symdiff.lowering import numba_cache, numba_cost
from symdiff.training import bursts, find_net, mazur, train, training_step, xor
from symdiff.training.batches import batches_of
from symdiff.training.data import Dataset

pytest.importorskip("numba")


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYMDIFF_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


def assert_same(found, expected):
    assert (found.ending, found.epochs, found.updates, found.diverged_at, found.best_epoch) == (
        expected.ending, expected.epochs, expected.updates, expected.diverged_at, expected.best_epoch,
    )  # fmt: skip
    for name, column in expected.history.columns().items():
        np.testing.assert_allclose(getattr(found.history, name), column, rtol=1e-9, atol=1e-12)
    for v, a in (expected.weights | expected.state).items():
        np.testing.assert_allclose((found.weights | found.state)[v], a, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.final_loss, expected.final_loss, rtol=1e-9)


@pytest.mark.parametrize(
    "make, options",
    [
        (xor, {"epochs": 300}),
        (mazur, {"epochs": 100, "optimizer": "adam", "rate_schedule": "cosine"}),
        (xor, {"epochs": 8, "batch": 3, "seed": 5}),
    ],
    ids=["whole", "adam with a schedule", "batches"],
)
def test_the_run_is_that_of_numpy(make, options):
    assert_same(train(make(), backend="numba", **options), train(make(), **options))


def test_callbacks_validation_and_patience():
    net = find_net("xor:3:tanh")
    rows = Dataset("some rows", np.array([[0.0, 1.0], [1.0, 1.0]]), np.array([0.0, 1.0]))
    heard: dict[str, list[int]] = {"numpy": [], "numba": []}
    trained = {
        backend: train(net, epochs=60, backend=backend, validation=rows, patience=20, callbacks=[lambda e, own=own: own.append(e.epoch)])
        for backend, own in heard.items()
    }
    assert_same(trained["numba"], trained["numpy"])
    assert heard["numba"] == heard["numpy"] != []


def test_every_epoch_is_heard():
    heard: list[tuple[int, float]] = []
    training = train(mazur(), epochs=200, backend="numba", on_epoch=lambda epoch, loss: heard.append((epoch, loss)))
    assert heard == list(enumerate(training.losses, 1))


def test_an_interrupt_leaves_a_whole_run():
    def stop(epoch: int, loss: float) -> None:
        if epoch == 20:
            raise KeyboardInterrupt

    training = train(xor(), backend="numba", on_epoch=stop)
    assert training.ending == "interrupted" and training.updates == training.epochs == len(training.losses) >= 20
    assert_same(training, _ended(train(xor(), epochs=training.epochs)))


def _ended(training):
    return replace(training, ending="interrupted")


def test_an_interrupt_while_a_burst_is_recorded(monkeypatch):
    calls = []

    def record(run, first, losses, rates, now, whole=bursts._record):
        calls.append(first)
        if len(calls) == 2:
            run.history.rate[first:] = rates
            run.history.loss[first:] = losses
            raise KeyboardInterrupt
        whole(run, first, losses, rates, now)

    monkeypatch.setattr(bursts, "_record", record)
    training = train(xor(), backend="numba")
    assert training.ending == "interrupted" and training.updates == training.epochs == len(training.losses)
    assert_same(training, _ended(train(xor(), epochs=training.epochs)))


@pytest.mark.parametrize("rate", [1e200])
def test_divergence_is_found_where_numpy_finds_it(rate):
    options = {"epochs": 50, "learning_rate": rate, "penalty": "l2:strength=1"}
    assert_same(train(mazur(), backend="numba", **options), train(mazur(), **options))


def test_a_checkpoint_is_taken_up_again(tmp_path):
    pytest.importorskip("safetensors")
    whole = train(mazur(), epochs=40, backend="numba")
    train(mazur(), epochs=25, backend="numba", checkpoint=tmp_path / "run", every=10)
    rest = train(mazur(), epochs=40, backend="numba", resume=tmp_path / "run")
    assert rest.losses == whole.losses
    for w, a in whole.weights.items():
        np.testing.assert_array_equal(rest.weights[w], a)


@pytest.mark.parametrize("epochs, compiled", [(2, False), (10**9, True)])
def test_auto_compiles_long_trainings_only(epochs, compiled, monkeypatch):
    monkeypatch.setattr(numba_cost, "is_compiled", lambda source: False)
    net = mazur()
    settings = replace(train(net, epochs=1).settings, epochs=epochs)
    steps = bursts.choose_steps("auto", training_step(net), net, batches_of(net, None, 0, np.float64), settings)
    assert (steps is not None) is compiled


def test_what_cannot_be_compiled_is_said(monkeypatch):
    with pytest.raises(BadSetting, match="did you mean 'numba'"):
        train(mazur(), epochs=1, backend="nunba")
    with pytest.raises(Unsupported, match="solve"):
        train(mazur(), epochs=1, backend="numba", optimizer="newton")
    assert train(mazur(), epochs=3, backend="auto", optimizer="newton").epochs == 3
    for module in (bursts, numba_cache):
        monkeypatch.setattr(module, "numba_is_there", lambda: False)
    assert train(mazur(), epochs=3, backend="auto").epochs == 3
    with pytest.raises(MissingExtra, match=r"\[jit\]"):
        train(mazur(), epochs=3, backend="numba")
