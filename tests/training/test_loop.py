"""The training loop: what it returns, when it stops, and that its steps walk no tree."""

from __future__ import annotations

import ast

import numpy as np
import pytest

from symdiff.errors import BadSetting, BindingError, ShapeError, UnknownName
from symdiff.expr.leaves import var
from symdiff.training import Leaf, Net, find_net, mazur, random_start, train, training_step, xor


def test_default_start_is_not_changed_by_training():
    net = mazur()
    before = [leaf.value.copy() for leaf in net.leaves]
    train(net, epochs=3)
    for leaf, value in zip(net.leaves, before, strict=True):
        np.testing.assert_array_equal(leaf.value, value)


def test_continuing_is_training_on():
    whole = train(xor(), epochs=20)
    half = train(xor(), epochs=12)
    rest = train(xor(), epochs=8, start=half.weights)
    assert half.losses + rest.losses == whole.losses
    for w, value in whole.weights.items():
        np.testing.assert_array_equal(rest.weights[w], value)


def test_losses_are_before_the_update_and_the_final_loss_after_it():
    training = train(mazur(), epochs=5)
    longer = train(mazur(), epochs=6)
    assert training.epochs == len(training.losses) == 5
    assert training.final_loss == pytest.approx(longer.losses[5], rel=1e-15)
    assert training.ending == "finished" and training.diverged_at is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept(dtype):
    training = train(xor(), epochs=5, dtype=dtype)
    assert training.prediction.dtype == dtype
    assert all(a.dtype == dtype for a in training.weights.values())


def test_float32_is_near_float64():
    assert train(xor(), epochs=100, dtype=np.float32).final_loss == pytest.approx(train(xor(), epochs=100).final_loss, rel=1e-4)


def test_every_epoch_is_heard():
    heard: list[tuple[int, float]] = []
    training = train(mazur(), epochs=4, on_epoch=lambda epoch, loss: heard.append((epoch, loss)))
    assert heard == list(enumerate(training.losses, 1))


def test_interrupt_returns_what_there_is():
    def stop(epoch: int, loss: float) -> None:
        if epoch == 7:
            raise KeyboardInterrupt

    training = train(xor(), on_epoch=stop)
    assert (training.ending, training.epochs, len(training.losses)) == ("interrupted", 7, 7)
    np.testing.assert_array_equal(training.weights[xor().weights[0]], train(xor(), epochs=7).weights[xor().weights[0]])


def overflowing(rate: float) -> Net:
    """A net whose loss w**2 grows by (1 - 2 rate)**2 in every step."""
    w, u, y = var("w"), var("u"), var("y")
    return Net(
        name="overflowing",
        description="one weight",
        parameters=(Leaf(w, np.array(1.0), ("w",)),),
        fixed=(),
        data=(Leaf(u, np.array(1.0), ("u",)),),
        definitions=(),
        objective=w * w * u,
        prediction=w,
        target=y,
        start="1",
        learning_rate=rate,
        epochs=1000,
        target_loss=1.0,
    )


def test_divergence_keeps_the_last_finite_weights():
    training = train(overflowing(50.5))  # w is multiplied by -100: w**2 is 1e4 ** k, beyond float64 at k = 78
    assert training.ending == "diverged"
    assert training.diverged_at == 79 and training.epochs == 77
    assert all(np.isfinite(training.losses)) and np.isfinite(training.final_loss)
    assert abs(float(training.weights[var("w")])) == pytest.approx(100.0**77, rel=1e-12)


def test_divergence_in_the_last_update_is_found():
    training = train(overflowing(50.5), epochs=78)
    assert (training.ending, training.diverged_at, training.epochs) == ("diverged", 79, 77)


def test_start_that_is_not_finite():
    training = train(mazur(), epochs=5, start={mazur().weights[0]: np.full((2, 2), np.nan)})
    assert (training.ending, training.diverged_at, training.epochs, training.losses) == ("diverged", 1, 0, [])


@pytest.mark.parametrize(
    ("setting", "value"), [("epochs", 0), ("epochs", -1), ("learning_rate", 0.0), ("learning_rate", -1.0), ("learning_rate", float("nan"))]
)
def test_settings_out_of_range(setting, value):
    with pytest.raises(BadSetting, match=rf"{setting.replace('_', ' ')}: {value} is given"):
        train(mazur(), **{setting: value})


def test_rate_beyond_float32():
    with pytest.raises(BadSetting, match=r"1e\+39 is given, which float32 cannot hold"):
        train(mazur(), learning_rate=1e39, dtype=np.float32)


def test_unknown_start_weight():
    with pytest.raises(BindingError, match="mazur has no parameter Q"):
        train(mazur(), start={var("Q"): np.array(1.0)})


def test_start_weight_of_a_wrong_shape():
    with pytest.raises(BindingError, match=r"W1: \(2, 2\) is expected, a start of shape \(2,\) is given"):
        train(mazur(), start={mazur().weights[0]: np.ones(2)})


def test_unknown_net_has_its_near_miss():
    with pytest.raises(UnknownName, match=r"there is no net 'mazor' \(did you mean 'mazur'\?\). Nets: mazur, xor"):
        find_net("mazor")


def test_leaf_of_a_wrong_shape():
    with pytest.raises(ShapeError, match=r"w is \(\), its value \(2,\)"):
        overflowing(1.0).__class__(**{**vars(overflowing(1.0)), "parameters": (Leaf(var("w"), np.ones(2), ("w",)),)})


def test_random_start_is_that_of_its_seed():
    net = xor()
    one, again, other = random_start(net, 1), random_start(net, 1), random_start(net, 2)
    for w in net.weights:
        np.testing.assert_array_equal(one[w], again[w])
        assert not np.array_equal(one[w], other[w])


@pytest.mark.parametrize("net", [mazur(), xor()], ids=lambda net: net.name)
def test_a_step_is_plain_numpy(net):
    """The generated step walks no tree: it has no loop over nodes and names nothing of symdiff."""
    source = training_step(net).source
    tree = ast.parse(source)
    assert not [node for node in ast.walk(tree) if isinstance(node, (ast.For, ast.While, ast.ListComp, ast.GeneratorExp))]
    imported = [a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names]
    imported += [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [name for name in imported if name.startswith("symdiff")]
    assert "symdiff" not in source


def test_the_generated_step_runs_by_itself():
    net = mazur()
    step = training_step(net)
    scope: dict = {}
    exec(step.source, scope)
    function = next(f for name, f in scope.items() if name.endswith("_step"))
    values = {**net.values(), step.inputs[-1]: np.array(0.5)}
    loss, _, W2 = function(*(values[v] for v in step.inputs))
    assert round(float(loss), 9) == 0.298371109
    assert round(float(W2[0, 0]), 9) == 0.358916480
