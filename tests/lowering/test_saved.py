"""`f.save(path)` writes a module that needs NumPy alone: run in a process where neither symdiff nor SciPy nor numba can be imported, it
computes what `f` computes, call after call and in another thread; in both precisions, if it is not written for float64 of known sizes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symdiff as sd
from symdiff.training import mazur, training_step, xor
from tests.lowering.test_special_random import LEAVES, network

RUN = '''
"""Calls the functions of the saved modules: their names, functions and arrays are those of arguments.npz."""
import importlib, sys, threading
from pathlib import Path

FORBIDDEN = ("symdiff", "scipy", "numba")


class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in FORBIDDEN:
            raise ImportError(name + " is not here")


sys.meta_path.insert(0, Refuse())
folder = Path(sys.argv[1])
sys.path.insert(0, str(folder))
import numpy as np

given = np.load(folder / "arguments.npz")
results = {}


def call(module, function, dtype, key):
    count = len([k for k in given if k.startswith(module + ":")])
    arrays = [given[f"{module}:{k}"] for k in range(count)]
    arrays = [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]
    found = getattr(importlib.import_module(module), function)(*[a if a.ndim else a[()] for a in arrays])
    for k, a in enumerate(found if isinstance(found, tuple) else (found,)):
        results[f"{key}:{dtype}:{k}"] = np.array(a)


for line in (folder / "modules.txt").read_text().splitlines():
    module, function = line.split()
    for dtype in ("float64", "float32") if module.endswith("_any") else ("float64",):
        for turn in ("first", "second"):
            call(module, function, dtype, f"{module}:{turn}")
        thread = threading.Thread(target=call, args=(module, function, dtype, f"{module}:thread"))
        thread.start()
        thread.join()
assert not [name for name in sys.modules if name.partition(".")[0] in FORBIDDEN]
np.savez(folder / "results.npz", **results)
'''
RNG = np.random.default_rng(3)


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape)


def step(net: Any) -> tuple[sd.Lowered, list[Any]]:
    made = training_step(net)
    values = net.values()
    arrays = [np.asarray(values.get(v, net.learning_rate), float) for v in made.inputs]
    return sd.lower([made.loss, *made.updates.values()], made.inputs, simplify=False, name="step"), arrays


def mlp(**options: Any) -> tuple[sd.Lowered, list[Any]]:
    X, T, W, b = sd.var("X", ("n", "d")), sd.var("T", ("n", "k"), ("onehot",)), sd.var("W", ("d", "k")), sd.var("b", "k")
    loss = -sd.mean(sd.sum(T * sd.log_softmax(sd.tanh(X @ W + b), axis=1), axis=1))
    f = sd.lower([loss, *(p - 0.1 * g for p, g in zip((W, b), sd.grad(loss, [W, b]), strict=True))], [X, T, W, b], name="mlp", **options)
    return f, [normal(60, 20), np.eye(7)[RNG.integers(0, 7, 60)], normal(20, 7), normal(7)]


def logistic(**options: Any) -> tuple[sd.Lowered, list[Any]]:
    X, y, w = sd.var("X", ("n", "d")), sd.var("y", "n"), sd.var("w", "d")
    loss = sd.sum(sd.softplus(X @ w) - y * (X @ w))
    data = {X: normal(50, 30)} if options.pop("folded", False) else {}
    outputs = [loss, sd.grad(loss, w), sd.hessian(loss, w)]
    arrays = [normal(50, 30), (RNG.random(50) > 0.5) * 1.0, normal(30)]
    return sd.lower(outputs, [y, w] if data else [X, y, w], constants=data, name="logistic", **options), arrays[1:] if data else arrays


def chain(n: int) -> tuple[sd.Lowered, list[Any]]:
    x, a = sd.var("x", "n"), sd.var("a")
    value = sd.sum(sd.tanh(a * x) * sd.exp(-(x**2)) * sd.sin(x))
    return sd.lower([value, sd.grad(value, x)], [x, a], name="chain"), [normal(n), np.array(0.7)]


def functions() -> tuple[sd.Lowered, list[Any]]:
    x = sd.var("x", "n")
    outputs = [
        sd.erf(x),
        sd.erfc(x),
        sd.gammaln(x),
        sd.digamma(x),
        sd.logsumexp(x),
        sd.softplus(x),
        sd.sigmoid(x),
        sd.cumsum(x),
        sd.sort(x),
    ]
    return sd.lower(outputs, [x], name="functions"), [np.array([0.3, 4.5, 1.0, 2.0, 30.0, 0.01])]


def matrices() -> tuple[sd.Lowered, list[Any]]:
    A, b = sd.var("A", ("n", "n")), sd.var("b", "n")
    B = A @ A.T + sd.eye("n")
    return sd.lower([sd.inv(B), sd.det(B), sd.logdet(B), sd.solve(B, b), sd.cholesky(B)], [A, b], name="solve"), [normal(5, 5), normal(5)]


def gathered() -> tuple[sd.Lowered, list[Any]]:
    X, k = sd.var("X", ("n", "d")), sd.var("k", "m")
    value = sd.sum(sd.tanh(X[k]))
    return sd.lower([value, sd.grad(value, X)], [X, k], name="gathered"), [normal(6, 3), np.array([4, 0, 4, -1])]


def layers(seed: int) -> tuple[sd.Lowered, list[Any]]:
    sizes = {"n": 9, "d": 3, "h": 4}
    return sd.lower(network(seed), LEAVES, simplify=False, name="layers"), [normal(*(sizes[str(d)] for d in v.shape)) for v in LEAVES]


MADE = {
    "mazur": (step(mazur()), {}),
    "xor": (step(xor()), {"n": 4}),
    "mlp": (mlp(), {"n": 60, "d": 20, "k": 7}),
    "mlp_reused": (mlp(reuse_buffers=True), {"n": 60, "d": 20, "k": 7}),
    "logistic": (logistic(), {"n": 50, "d": 30}),
    "folded": (logistic(folded=True), {}),
    "long_arrays": (chain(300_000), {"n": 300_000}),
    "half_angles": (chain(2000), {"n": 2000}),
    "functions": (functions(), {"n": 6}),
    "matrices": (matrices(), {"n": 5}),
    "gathered": (gathered(), {"n": 6, "d": 3, "m": 4}),
    **{f"layers_{seed}": (layers(seed), {"n": 9, "d": 3, "h": 4}) for seed in range(4)},
}
Found = dict[str, np.ndarray]


def forms() -> dict[str, tuple[sd.Lowered, sd.Lowered, list[Any]]]:
    """Each program for any sizes and for those of its arrays, beside the function that is called as usual."""
    made = {}
    for name, ((f, arrays), sizes) in MADE.items():
        made[f"{name}_any"] = f, f, arrays
        made[f"{name}_known"] = f.for_sizes(**sizes), f, arrays
    return made


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    folder = tmp_path_factory.mktemp("saved")
    arguments, lines = {}, []
    for name, (saved, _, arrays) in forms().items():
        saved.save(folder / f"{name}.py")
        lines.append(f"{name} {saved.function}")
        arguments |= {f"{name}:{k}": a for k, a in enumerate(arrays)}
    np.savez(folder / "arguments.npz", **arguments)
    (folder / "modules.txt").write_text("\n".join(lines))
    (folder / "run.py").write_text(RUN)
    command = [sys.executable, "-W", "error", str(folder / "run.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return dict(np.load(folder / "results.npz"))


@pytest.mark.parametrize("name", forms())
def test_a_saved_module_computes_the_same_without_us(name: str, found: Found) -> None:
    _, f, arrays = forms()[name]
    for dtype, tolerance in (("float64", 1e-12), ("float32", 1e-5))[: 2 if name.endswith("_any") else 1]:
        given = [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]
        expected = f(*(a if a.ndim else a[()] for a in given))
        for turn in ("first", "second", "thread"):
            for k, wanted in enumerate(expected):
                got = found[f"{name}:{turn}:{dtype}:{k}"]
                assert (got.shape, got.dtype) == (np.shape(wanted), np.asarray(wanted).dtype), (turn, k)
                scale = max(1.0, float(np.max(np.abs(wanted), initial=0.0)))
                np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance * scale, err_msg=f"{turn}, {dtype}, {k}")


def test_saved_modules_are_of_the_forms_that_are_meant(tmp_path: Path) -> None:
    """So that what is run above is each way to write a program."""
    marks = {
        "mazur_known": "on floats", "mlp_known": "out=", "long_arrays_known": "for start in range(0, 300000", "folded_any": "C1 = np.frombuffer(",
        "half_angles_known": "tan(", "matrices_any": "np.linalg", "functions_any": "def erf(", "mlp_any": "logsumexp",
    }  # fmt: skip
    made = forms()
    for name, mark in marks.items():
        text = made[name][0].source
        assert mark in text, f"{name}:\n{text}"
        assert "symdiff" not in text
