"""How functions begin: a program that is written for some sizes takes arrays of no others, saved and run on its own too."""

from __future__ import annotations

import re

import numpy as np
import pytest

import symdiff as sd
from symdiff.lowering.preamble import shape_lines
from symdiff.lowering.program import Input
from symdiff.training import mazur
from symdiff.training.step import training_step

X, w, y, s = sd.var("X", ("n", "d")), sd.var("w", "d"), sd.var("y", "n"), sd.var("s")
x, v = sd.var("x", "n"), sd.var("v", 4)
MEAN = s * sd.mean((X @ w - y) ** 2)
LONG = sd.sum(sd.tanh(s * x) * sd.exp(-(x**2)))


def namespace(source):
    """What a saved module defines."""
    names = {}
    exec(compile(source, "saved", "exec"), names)
    return names


SIZED = {
    "floats": (sd.lower([MEAN], [X, w, y, s]).for_sizes(n=2, d=3), [(2, 3), (3,), (2,), ()]),
    "buffers": (sd.lower([MEAN, sd.grad(MEAN, w)], [X, w, y, s]).for_sizes(n=40, d=30), [(40, 30), (30,), (40,), ()]),
    "reused": (sd.lower(sd.grad(MEAN, w), [X, w, y, s], reuse_buffers=True).for_sizes(n=40, d=30), [(40, 30), (30,), (40,), ()]),
    "blocks": (sd.lower([LONG, sd.grad(LONG, x)], [x, s]).for_sizes(n=1 << 20), [(1 << 20,), ()]),
    "declared": (sd.lower(s * sd.mean(v), [v, s], fast=False), [(4,), ()]),
}


def arrays(shapes):
    return [np.full(shape, 0.5) for shape in shapes]


@pytest.mark.parametrize("form", SIZED)
def test_every_array_must_have_the_shape_that_the_program_is_written_for(form):
    f, shapes = SIZED[form]
    saved = namespace(f.source)[f.function]
    assert "for start in range" in f.source or form != "blocks"
    for function in (f.raw, saved):
        np.testing.assert_equal(function(*arrays(shapes)), f.raw(*arrays(shapes)))
        for k, shape in enumerate(shapes):
            for other in {(2 * shape[0], *shape[1:]), (*shape[:-1], 1), shape[::-1], (*shape, 1), ()} - {shape} if shape else ():
                with pytest.raises(ValueError, match=f"^{f.function}[a-z_]* takes "):
                    function(*arrays([*shapes[:k], other, *shapes[k + 1 :]]))


def test_the_float_program_of_a_net_refuses_weights_of_another_shape():
    """As many numbers in another shape would be taken for other weights."""
    step = training_step(mazur())
    f = sd.lower([step.loss, *step.updates.values()], step.inputs, fast=True)
    assert f.floats is not None
    values = arrays([i.shape for i in f.program.inputs])
    f.raw(*values)
    k = next(k for k, i in enumerate(f.program.inputs) if len(i.shape) == 2 and i.shape[0] > 1)
    values[k] = values[k].reshape(-1, 1)
    with pytest.raises(ValueError, match=re.escape(f"{f.program.inputs[k].name} {f.program.inputs[k].shape}")):
        f.raw(*values)


def test_a_program_for_any_sizes_checks_the_sizes_that_it_was_written_with():
    f = sd.lower(sd.mean(sd.var("A", ("n", 3))), fast=False)
    assert f.raw(np.ones((5, 3))) == 1.0
    with pytest.raises(ValueError, match=r"f takes A \(n, 3\)"):
        f.raw(np.ones((5, 4)))


def test_many_arrays_are_checked_in_lines_of_the_width():
    inputs = [Input(f"weights{k}", (10, 20), k) for k in range(12)]
    lines = shape_lines("step", [i.name for i in inputs], inputs)
    assert all(len(line) <= 100 for line in lines)
    names = {"weights" + str(k): np.ones((10, 20)) for k in range(12)}
    exec("\n".join(lines), dict(names))
    with pytest.raises(ValueError, match=r"step takes weights0 \(10, 20\), .*, weights11 \(10, 20\)$"):
        exec("\n".join(lines), names | {"weights11": np.ones((20, 10))})


def test_compiled_loops_do_not_read_beyond_their_end():
    pytest.importorskip("numba")
    f = sd.lower([MEAN], [X, w, y, s], backend="numba")
    g = f.for_sizes(n=2, d=3)
    big = f.for_sizes(n=40, d=30)
    for function, shapes in ((f, [(2, 3), (3,), (2,), ()]), (g, [(2, 3), (3,), (2,), ()]), (big, [(40, 30), (30,), (40,), ()])):
        values = [np.float64(0.5) if not shape else np.full(shape, 0.5) for shape in shapes]
        function.raw(*values)
        for k in (1, 2):
            with pytest.raises(ValueError, match="f takes X "):
                function.raw(*values[:k], values[k][:-1].copy(), *values[k + 1 :])
